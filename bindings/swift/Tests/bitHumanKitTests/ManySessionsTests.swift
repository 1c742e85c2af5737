import Foundation
import XCTest
import bitHumanKit

/// Conversations that come and go, as on a server. Under ThreadSanitizer and AddressSanitizer, too.
final class ManySessionsTests: XCTestCase {
    private static let sessions = 500

    /// Opened, spoken to, interrupted and closed from many tasks; streams are dropped half-way, by a break, by cancelling and by
    /// stopping, while others push.
    func testSessionsComeAndGo() async throws {
        let avatar = try open("toy")
        try await run(avatar, 100)
        let before = resident()
        try await run(avatar, Self.sessions)
        let grown = resident() - before
        XCTAssertEqual(try builtin.info().sessions, 0, "all are gone")
        #if !SANITIZED
            XCTAssertLessThan(grown, 24 << 20, "bytes more after \(Self.sessions) sessions")
        #endif
        print("\(Self.sessions) sessions: \(grown / 1024) KiB more")
    }

    private func run(_ avatar: EssenceAvatar, _ count: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                if number >= 16 { try await group.next() }
                group.addTask { try await Self.converse(avatar, number) }
            }
            try await group.waitForAll()
        }
    }

    private static func converse(_ avatar: EssenceAvatar, _ number: Int) async throws {
        let clock = try EssenceClock()
        var options = EssenceSession.Options()
        options.clock = number % 2 == 0 ? clock : nil
        let runtime = try EssenceRuntime(avatar, options)
        async let spoken: Void = {
            for _ in 0..<4 { await runtime.pushAudio(Array(buzz.prefix(3_000))) }
            await runtime.interrupt()
            await runtime.pushAudio(buzz)
        }()
        let time = Task {
            while !Task.isCancelled {
                try clock.advance(by: .milliseconds(40))
                await Task.yield()
            }
        }
        let reader = Task {
            var seen = 0
            for await _ in runtime.framesWithAudio() {
                seen += 1
                if seen == number % 3 + 1 { break }
            }
        }
        switch number % 4 {
        case 0: await reader.value
        case 1: reader.cancel()
        case 2: await runtime.stop()
        default: _ = runtime.frames()
        }
        await spoken
        time.cancel()
        if number % 5 != 0 {
            await runtime.stop()
        }
        reader.cancel()
        await reader.value
        _ = await time.result
    }

    /// Bytes of this process in memory.
    private func resident() -> Int {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").dropFirst().first
        return (pages.flatMap { Int($0) } ?? 0) * 4096
    }
}
