import Digest
import Foundation
import XCTest
import bitHumanKit

/// The repository's test data.
let testdata = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("testdata")

let toyFile = testdata.appendingPathComponent("avatars/toy.imx")

/// An engine that needs no ONNX Runtime.
let builtin: EssenceEngine = {
    var options = EssenceEngine.Options()
    options.provider = .builtin
    return try! EssenceEngine(options)
}()

func open(_ name: String) throws -> EssenceAvatar {
    try EssenceAvatar(path: testdata.appendingPathComponent("avatars/\(name).imx").path, engine: builtin)
}

func unpaced(_ avatar: EssenceAvatar, _ change: (inout EssenceSession.Options) -> Void = { _ in }) throws -> EssenceSession {
    var options = EssenceSession.Options()
    options.pacing = .unpaced
    change(&options)
    return try EssenceSession(avatar, options)
}

/// Samples and rate of a recording of 16 bits, mono.
func recording(_ name: String) throws -> (samples: [Int16], rate: Int) {
    let bytes = try Data(contentsOf: testdata.appendingPathComponent("audio/\(name)"))
    let rate = bytes[24..<28].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    let data = bytes.range(of: Data("data".utf8))!.upperBound + 4
    let samples = stride(from: data, to: bytes.count, by: 2).map { Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8) }
    return (samples, rate)
}

func sha256(_ bytes: [UInt8]) -> String {
    var out = [UInt8](repeating: 0, count: 32)
    digest_sha256(bytes, bytes.count, &out)
    return out.map { String(format: "%02x", $0) }.joined()
}

/// All frames that a session can give.
func drain(_ session: EssenceSession) throws -> [EssenceFrame] {
    var frames: [EssenceFrame] = []
    while let frame = try session.nextFrame(wait: .untilDue) { frames.append(frame) }
    return frames
}

func assertThrows<Value>(
    _ kind: EssenceError.Kind, _ word: String = "", file: StaticString = #filePath, line: UInt = #line,
    _ run: () throws -> Value
) {
    XCTAssertThrowsError(try run(), file: file, line: line) { error in
        let error = error as? EssenceError
        XCTAssertEqual(error?.kind, kind, "\(String(describing: error))", file: file, line: line)
        XCTAssert(error?.message.contains(word) == true || word.isEmpty, "\(String(describing: error))", file: file, line: line)
    }
}

/// A second's buzz at 16 kHz.
let buzz: [Int16] = (0..<16_000).map { Int16(8_000 * sin(Double($0) * 0.1) * sin(Double($0) * 0.002)) }

/// A session of the toy in real time, on a clock that stands still.
func paced(_ change: (inout EssenceSession.Options) -> Void = { _ in }) throws -> (EssenceClock, EssenceSession.Options) {
    let clock = try EssenceClock()
    var options = EssenceSession.Options()
    options.clock = clock
    change(&options)
    return (clock, options)
}
