import Foundation
import XCTest
import bitHumanKit

/// The frames that every language has to get: `testdata/conformance.json`, recorded by Rust.
final class ConformanceTests: XCTestCase {
    struct Recorded: Decodable {
        struct Step: Decodable {
            let push: [Int]?
            let draw: Int?
            let flush: Bool?
            let interrupt: Bool?
        }
        struct Results: Decodable {
            let frame_width, frame_height, frames, sound_rate_hz: Int
            let sound_sha256: String
            let index, pts_samples: [UInt64]
            let flags: [UInt32]
            let audio_samples: [Int]
            let pictures: [String]
        }
        struct Case: Decodable {
            let name, avatar, audio, samples, pixel_format: String
            let width, height: Int
            let steps: [Step]
            let results: Results
        }
        let pictures_alike: Double
        let cases: [Case]
    }

    func testFramesAreThoseOfRust() throws {
        let file = try Data(contentsOf: testdata.appendingPathComponent("conformance.json"))
        let recorded = try JSONDecoder().decode(Recorded.self, from: file)
        XCTAssertGreaterThanOrEqual(recorded.cases.count, 4)
        for expected in recorded.cases {
            let frames = try draw(expected)
            let (name, results) = (expected.name, expected.results)
            XCTAssertEqual(frames.count, results.frames, name)
            XCTAssertEqual(frames.map(\.index), results.index, name)
            XCTAssertEqual(frames.map(\.facts.ptsSamples), results.pts_samples, name)
            XCTAssertEqual(frames.map(\.flags.rawValue), results.flags, name)
            XCTAssertEqual(frames.map(\.audio.count), results.audio_samples, name)
            XCTAssertEqual(frames.first?.facts.audioRate, results.sound_rate_hz, name)
            XCTAssertEqual(frames.first?.picture?.width, results.frame_width, name)
            XCTAssertEqual(frames.first?.picture?.height, results.frame_height, name)
            let sound = frames.flatMap(\.audio).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
            XCTAssertEqual(sha256(sound), results.sound_sha256, name)
            let alike = zip(frames, results.pictures).filter { frame, hash in
                sha256(frame.picture?.bytes ?? []).hasPrefix(hash)
            }
            // Another processor's kernels may round the speech network's last bit otherwise.
            let needed = recordingKernels ? 1 : recorded.pictures_alike
            XCTAssertGreaterThanOrEqual(Double(alike.count), needed * Double(results.frames), name)
        }
    }

    private func draw(_ expected: Recorded.Case) throws -> [EssenceFrame] {
        let avatar = try EssenceAvatar(path: testdata.appendingPathComponent(expected.avatar).path, engine: builtin)
        let session = try unpaced(avatar) { options in
            options.pixelFormat = EssencePixelFormat.allCases.first { $0.name == expected.pixel_format }!
            if expected.width > 0 { options.size = (expected.width, expected.height) }
        }
        let (samples, rate) = try recording(String(expected.audio.dropFirst("audio/".count)))
        var frames: [EssenceFrame] = []
        for step in expected.steps {
            if let span = step.push {
                let piece = Array(samples[span[0]..<span[0] + span[1]])
                if expected.samples == "f32" {
                    try session.push(piece.map { Float($0) / 32_768 }, sampleRate: rate)
                } else {
                    try session.push(piece, sampleRate: rate)
                }
            } else if step.draw == 0 {
                frames += try drain(session)
            } else if let most = step.draw {
                for _ in 0..<most { frames.append(try XCTUnwrap(session.nextFrame())) }
            } else if step.flush == true {
                try session.flush()
            } else {
                XCTAssertEqual(step.interrupt, true)
                try session.interrupt()
            }
        }
        return frames
    }

    /// Whether this processor has the instructions of the one that the file was made with.
    private var recordingKernels: Bool {
        let flags = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        return flags.contains(" avx2 ") && flags.contains(" fma ")
    }
}
