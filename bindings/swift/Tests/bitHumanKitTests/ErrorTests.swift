import Foundation
import XCTest
import bitHumanKit

final class ErrorTests: XCTestCase {
    func testEveryKindHasItsNameAndExitCode() {
        let names = EssenceError.Kind.allCases.map { EssenceError($0, "").name }
        XCTAssertEqual(Set(names).count, EssenceError.Kind.allCases.count)
        XCTAssertFalse(names.contains("unknown"))
        XCTAssertEqual(EssenceError(.notFound, "").exitCode, 66)
        XCTAssertEqual(EssenceError(.invalidArgument, "").name, "invalid_argument")
    }

    func testFilesThatAreNoAvatarsSayWhy() throws {
        assertThrows(.notFound, "no such file") { try EssenceAvatar(path: "/nowhere/at/all.imx", engine: builtin) }
        let bad = testdata.appendingPathComponent("bad")
        assertThrows(.invalidAvatar, "differs") {
            try EssenceAvatar(path: bad.appendingPathComponent("hash_differs.imx").path, engine: builtin)
        }
        assertThrows(.invalidAvatar) { try EssenceAvatar(data: Data("no avatar".utf8), engine: builtin) }
        assertThrows(.invalidAvatar) { try EssenceAvatar(data: Data(), engine: builtin) }
    }

    func testArgumentsAreChecked() throws {
        let session = try unpaced(open("toy"))
        assertThrows(.invalidArgument, "rate") { try session.push(buzz, sampleRate: 7) }
        assertThrows(.invalidArgument, "sampleRate") { try session.push(buzz, sampleRate: -1) }
        assertThrows(.invalidArgument) { try session.push([Float.nan], sampleRate: 16_000) }
        assertThrows(.invalidArgument, "16-bit") { try session.push(Data([1, 2, 3]), sampleRate: 16_000) }
        assertThrows(.notFound, "wave_hello") { try session.perform("wave_hello") }
        assertThrows(.invalidArgument, "strength") { try session.setEmotion(.neutral, strength: 2) }
        assertThrows(.notFound) { try session.setEmotion(.joy) }
        try session.push(buzz, sampleRate: 16_000)
        assertThrows(.invalidState, "24000 Hz") { try session.push(buzz, sampleRate: 24_000) }
        assertThrows(.invalidArgument) { try EssencePicture(format: .rgb, width: 4, height: 4, bytes: [0]) }
        assertThrows(.invalidArgument) { try unpaced(open("toy")) { $0.size = (3, 3) } }
        var tiny = [UInt8](repeating: 0, count: 10)
        try tiny.withUnsafeMutableBytes { memory in
            let room = try EssenceFrameRoom()
            assertThrows(.invalidArgument) { try session.draw(room, into: memory, format: .bgr) }
        }
    }

    func testLimitsAreKept() throws {
        let session = try unpaced(open("toy")) { $0.queueLimitSeconds = 1 }
        assertThrows(.limitExceeded, "1 s") { try session.push(buzz + buzz, sampleRate: 16_000) }
        var options = EssenceEngine.Options()
        options.provider = .builtin
        options.maxSessions = 1
        options.threads = 1
        let engine = try EssenceEngine(options)
        let avatar = try EssenceAvatar(path: toyFile.path, engine: engine)
        let first = try EssenceSession(avatar)
        assertThrows(.limitExceeded) { try EssenceSession(avatar) }
        XCTAssertEqual(try engine.info().sessions, 1)
        first.close()
        XCTAssertNoThrow(try EssenceSession(avatar))
        try engine.setMaxSessions(0)
        assertThrows(.limitExceeded) { try EssenceSession(avatar) }
    }

    func testAClosedSessionRefusesAndClosesOnce() throws {
        let session = try unpaced(open("toy"))
        session.close()
        session.close()
        assertThrows(.invalidState, "closed") { try session.push(buzz, sampleRate: 16_000) }
        assertThrows(.invalidState) { try session.nextFrame() }
    }

    func testAWrongRuntimeIsNamed() {
        var options = EssenceEngine.Options()
        options.provider = .cpu
        options.runtimeLibrary = "/nowhere/libonnxruntime.so"
        assertThrows(.runtimeMissing, "/nowhere") { try EssenceEngine(options) }
    }
}
