import Foundation
import XCTest
import bitHumanKit

/// Code of existing programs, in the shapes in which they write it. It has to compile as it stands, but for Apple's types.
final class SnippetTests: XCTestCase {
    private let modelURL = toyFile

    /// The Swift page of the described SDK.
    func testTheFirstLines() async throws {
        let runtime = try await Bithuman.createRuntime(modelPath: modelURL)
        guard case .essence = runtime else { return XCTFail("the toy is of another family") }
    }

    /// Programs of one conversation: `createRuntime(modelPath:)`, a stream of pictures in a task, bytes pushed.
    func testAPlayer() async throws { try await Self.play(modelURL) }

    @MainActor
    private static func play(_ modelURL: URL) async throws {
        final class Player {
            var essence: EssenceRuntime?
            var resolution: CGSize = .zero
            var shown = 0
            var failed: String?
        }
        let player = Player()
        do {
            let runtime = try await Bithuman.createRuntime(modelPath: modelURL)
            switch runtime {
            case .essence(let essence):
                player.essence = essence
                player.resolution = essence.resolution
            case .expression:
                player.failed = "another family"
            }
        } catch {
            player.failed = error.localizedDescription
        }
        XCTAssertNil(player.failed)
        XCTAssertEqual(player.resolution.width, 64)
        try await player.essence?.pushAudio(buzz.withUnsafeBytes { Data($0) })
        if let essence = player.essence {
            for await frame in essence.frames() {
                if let frame = frame {
                    player.shown += 1
                    XCTAssertEqual(frame.width, 64)
                }
                if player.shown == 3 { break }
            }
        }
        await player.essence?.stop()
    }

    /// Servers: one fixture for many conversations, pictures paired with 16-bit sound.
    func testAServer() async throws {
        let fixture: EssenceFixture = try Bithuman.loadEssenceFixture(modelPath: modelURL)
        let runtime: EssenceRuntime
        do {
            runtime = try Bithuman.createRuntime(fixture: fixture)
        } catch {
            return XCTFail("\(error)")
        }
        let silence = [Int16](repeating: 0, count: 16_000)
        await runtime.pushAudio(silence)
        let stream = await runtime.framesWithAudio()
        var samples = 0
        for await pair in stream {
            if Task.isCancelled { break }
            if pair.image != nil, let chunk: [Int16] = pair.audioChunk {
                samples += chunk.count
            }
            if samples >= 1_280 { break }
        }
        await runtime.resetStream()
        await runtime.stop()
        XCTAssertEqual(samples, 1_280)
    }

    /// Benchmarks: a `try` alone, also where `await` would be allowed.
    func testABenchmark() async throws {
        let runtimeSum = try Bithuman.createRuntime(modelPath: modelURL)
        guard case .essence(let runtime) = runtimeSum else { return XCTFail("\(runtimeSum)") }
        let resolution = await runtime.resolution
        XCTAssertEqual(Int32(resolution.height), 48)
        await runtime.pushAudio([Float](repeating: 0, count: 640))
    }

    func testTheCheckBeforehand() {
        switch HardwareCheck.evaluate() {
        case .supported: break
        case .unsupported(let reason): XCTFail(reason)
        }
    }
}
