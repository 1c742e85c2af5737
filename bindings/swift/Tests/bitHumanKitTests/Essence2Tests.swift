import Foundation
import XCTest
import bitHumanKit

final class Essence2Tests: XCTestCase {
    private let speech = buzz.map { Float($0) / 32_768 }

    func testRepliesInTheirTime() async throws {
        let engine = try Essence2Engine(open("toy"))
        XCTAssertEqual([engine.width, engine.height, Essence2Engine.framesPerSecond], [64, 48, 25])
        XCTAssertTrue(engine.isReady)
        XCTAssertNil(engine.meteringRefusal)
        var events = engine.events().makeAsyncIterator()
        engine.feed(Array(speech.prefix(6_400)))
        XCTAssertEqual(engine.pendingSamples, 6_400)
        engine.flushTail()
        var times: [Double] = []
        for await frame in engine.frames() {
            XCTAssertEqual(frame.bgr.count, 64 * 48 * 3)
            if frame.isSpeech { times.append(frame.audioTime) }
            if frame.endsReply { break }
        }
        XCTAssertEqual(times.first, 0)
        XCTAssertEqual(times, times.sorted())
        let (began, ended) = (await events.next(), await events.next())
        XCTAssertEqual([began, ended], [.replyStarted, .replyEnded])
        XCTAssertEqual(engine.pendingSamples, 0)
        engine.shutdown()
        let over = await events.next()
        XCTAssertNil(over)
        XCTAssertNil(engine.runtimeFailure)
        XCTAssertNil(engine.pull())
        engine.feed(speech)
        XCTAssertEqual(engine.runtimeFailure?.kind, .invalidState)
    }

    /// The sound of a reply plays as the test says: frames follow it, also where it stands still.
    func testFramesFollowTheSound() async throws {
        final class Player: @unchecked Sendable {
            private let lock = NSLock()
            private var looks = 0
            var started = false
            /// 10 ms further at each look, but for a rest in the middle.
            func time() -> Double? {
                lock.withLock {
                    guard started else { return nil }
                    looks += 1
                    return Double(min(looks, 20) + max(0, looks - 60)) / 100
                }
            }
            var now: Double { lock.withLock { Double(min(looks, 20) + max(0, looks - 60)) / 100 } }
            func start() { lock.withLock { started = true } }
        }
        let player = Player()
        let engine = try Essence2Engine(open("toy"))
        engine.feed(Array(speech.prefix(12_800)))
        engine.flushTail()
        for await frame in engine.frames(audioClock: { player.time() }) where frame.isSpeech {
            if frame.audioTime == 0 { player.start() }
            XCTAssertLessThanOrEqual(frame.audioTime, player.now + 0.25, "no frame runs ahead of its sound by more than the clock may")
            if frame.endsReply { break }
        }
        XCTAssertGreaterThan(player.now, 0.2, "the reply went on behind the rest")
        engine.shutdown()
    }

    func testPullingUnpaced() async throws {
        let engine = try await Essence2Engine.create(identity: toyFile, pacing: .unpaced)
        XCTAssertNil(engine.pull())
        engine.feed(speech)
        engine.flushTail()
        var frames = 0
        while let (bytes, isSpeech) = engine.pull() {
            XCTAssertTrue(isSpeech)
            XCTAssertEqual(bytes.count, 64 * 48 * 3)
            frames += 1
        }
        XCTAssertEqual(frames, 25)
        XCTAssertEqual(engine.droppedFrames, 0)
        engine.feed(speech)
        engine.interrupt()
        XCTAssertEqual(engine.pendingSamples, 0)
        var idle = [UInt8](repeating: 1, count: 64 * 48 * 3)
        XCTAssertTrue(idle.withUnsafeMutableBytes { engine.idle(into: $0) })
        XCTAssertEqual(idle, try open("toy").idlePicture().bytes)
        XCTAssertFalse(idle.withUnsafeMutableBytes { engine.idle(into: UnsafeMutableRawBufferPointer(rebasing: $0[1...])) })
    }

    func testAFileThatIsNotThereIsTold() async throws {
        do {
            _ = try await Essence2Engine.create(identity: URL(fileURLWithPath: "/nowhere.imx"))
            XCTFail("it was opened")
        } catch let error as EssenceError {
            XCTAssertEqual(error.kind, .notFound)
        }
    }
}
