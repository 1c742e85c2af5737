import Foundation
import XCTest
import bitHumanKit

final class RuntimeTests: XCTestCase {
    /// A runtime of the toy on a clock that stands still, so that time is the test's.
    private func runtime() throws -> (EssenceClock, EssenceRuntime) {
        let (clock, options) = try paced()
        return (clock, try EssenceRuntime(open("toy"), options))
    }

    func testPicturesComeWithTheirSound() async throws {
        let (clock, runtime) = try runtime()
        XCTAssertEqual(runtime.resolution, CGSize(width: 64, height: 48))
        var frames = runtime.framesWithAudio().makeAsyncIterator()
        let idle = await frames.next()
        XCTAssertNotNil(idle?.image)
        XCTAssertNil(idle?.audioChunk)
        await runtime.pushAudio(buzz)
        await runtime.flush()
        var heard: [Int16] = []
        var pictures = 0
        while true {
            try clock.advance(by: .milliseconds(40))
            let next = await frames.next()
            let frame = try XCTUnwrap(next)
            if let chunk = frame.audioChunk {
                XCTAssertEqual(chunk.count, 640)
                XCTAssertEqual(frame.audioRate, 16_000)
                heard += chunk
            }
            if frame.image != nil { pictures += 1 }
            if frame.flags.contains(.endOfSpeech) { break }
        }
        XCTAssertEqual(heard, buzz)
        XCTAssertGreaterThanOrEqual(pictures, 25)
        let error = await runtime.lastError
        XCTAssertNil(error)
    }

    func testEveryKindOfSamplesIsTaken() async throws {
        let (clock, runtime) = try runtime()
        try await runtime.pushAudio(buzz.withUnsafeBytes { Data($0) })
        await runtime.pushAudio(buzz.map { Float($0) / 32_768 })
        await runtime.resetStream()
        try await runtime.pushAudio(buzz, sampleRate: 24_000)
        await runtime.flush()
        var frames = runtime.framesWithAudio().makeAsyncIterator()
        var samples = 0
        for _ in 0..<20 {
            let frame = await frames.next()
            samples += frame?.audioChunk?.count ?? 0
            try clock.advance(by: .milliseconds(40))
        }
        XCTAssertEqual(samples, 16_000, "what was reset is gone, and the rest is whole")
        do {
            try await runtime.pushAudio(Data([1]))
            XCTFail("half a sample was taken")
        } catch let error as EssenceError {
            XCTAssertEqual(error.kind, .invalidArgument)
        }
        await runtime.pushAudio([Float.infinity])
        let error = await runtime.lastError
        XCTAssertEqual(error?.kind, .invalidArgument)
    }

    func testAStreamWaitsForItsFramesWithoutAThread() async throws {
        let (clock, runtime) = try runtime()
        var frames = runtime.frames().makeAsyncIterator()
        _ = await frames.next()
        // Waits until the clock moves; whichever comes first.
        async let next = frames.next()
        try clock.advance(by: .milliseconds(40))
        let picture = await next
        XCTAssertNotNil(picture ?? nil)
    }

    func testStreamsEndWithStopWithTheirTaskAndWithANewerOne() async throws {
        let (_, runtime) = try runtime()
        let read = { @Sendable (frames: AsyncStream<AvatarImage?>) in
            Task { () -> Int in
                var count = 0
                for await _ in frames { count += 1 }
                return count
            }
        }
        let (older, cancelled) = (read(runtime.frames()), read(runtime.frames()))
        let first = await older.value
        XCTAssertLessThanOrEqual(first, 1)
        cancelled.cancel()
        _ = await cancelled.value
        let newest = read(runtime.frames())
        await runtime.stop()
        _ = await newest.value
        XCTAssertNil(runtime.failure)
        var after = runtime.frames().makeAsyncIterator()
        let none = await after.next()
        XCTAssertTrue(none == nil)
        await runtime.pushAudio(buzz)
        let error = await runtime.lastError
        XCTAssertEqual(error?.kind, .invalidState)
    }

    func testAReaderThatIsSlowMakesNothingGrow() async throws {
        let (clock, runtime) = try runtime()
        var frames = runtime.framesWithAudio().makeAsyncIterator()
        _ = await frames.next()
        await runtime.pushAudio(buzz)
        await runtime.flush()
        let drawn = try runtime.session.statistics().frames
        // Nobody reads for a second: nothing is drawn ahead.
        for _ in 0..<25 { try clock.advance(by: .milliseconds(40)) }
        XCTAssertEqual(try runtime.session.statistics().frames, drawn)
        var heard = 0
        for _ in 0..<26 {
            let frame = await frames.next()
            heard += frame?.audioChunk?.count ?? 0
            try clock.advance(by: .milliseconds(40))
        }
        XCTAssertEqual(heard, buzz.count, "no sound is lost")
    }

    func testTheWakeupOfAProgram() async throws {
        let (clock, options) = try paced()
        let session = try EssenceSession(open("toy"), options)
        _ = try session.nextFrame()
        let told = expectation(description: "the wake-up")
        told.assertForOverFulfill = false
        try session.setWakeup { told.fulfill() }
        XCTAssertNil(try session.nextFrame())
        try clock.advance(by: .milliseconds(40))
        await fulfillment(of: [told], timeout: 60)
        try session.setWakeup(nil)
        session.close()
    }

    func testAHardwareThatWillDo() { XCTAssertEqual(HardwareCheck.evaluate(), .supported) }
}
