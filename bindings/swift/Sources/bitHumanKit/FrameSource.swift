import Foundation

/// Frames of a session for Swift's tasks: pulled by the reader, so that a slow one makes nothing grow. In real time a slow
/// reader misses pictures; their sound comes with the next frame.
final class FrameSource: @unchecked Sendable {
    /// How often a clock that may stand still is looked at.
    private static let look = Duration.milliseconds(10)

    let session: EssenceSession
    private let room: EssenceFrameRoom
    private let lock = NSLock()
    // Guarded by the lock, as is the room.
    private var stream: UInt64 = 0
    private var failed: EssenceError?

    init(_ session: EssenceSession) throws {
        self.session = session
        room = try EssenceFrameRoom()
        try session.wakeup.attach(to: session.handle)
    }

    /// The error that ended a stream before its time; nil if none did.
    var failure: EssenceError? { lock.withLock { failed } }

    /// A frame if there is one now.
    func tryNext() throws -> EssenceFrame? { try lock.withLock { try session.nextFrame(room) } }

    /// All frames, mapped. The newest stream has them: one that is begun ends the one before.
    ///
    /// - Parameters:
    ///   - clock: whether the session's clock may stand still until `before` moves it.
    ///   - before: called before each draw.
    func frames<Element: Sendable>(
        clock: Bool = false, before: @escaping @Sendable () throws -> Void = {},
        _ map: @escaping @Sendable (EssenceFrame) -> Element
    ) -> AsyncStream<Element> {
        let number = lock.withLock {
            stream &+= 1
            return stream
        }
        session.wakeup.signal()
        return AsyncStream(unfolding: { [self] in
            do {
                let current = { self.lock.withLock { self.stream == number } }
                return try await next(while: current, clock: clock, before: before).map(map)
            } catch {
                end(with: error)
                return nil
            }
        })
    }

    /// The next frame, as long as something holds; nil otherwise, or when the task is cancelled.
    func next(
        while holds: () -> Bool = { true }, clock: Bool = false, before: () throws -> Void = {}
    ) async throws -> EssenceFrame? {
        while !Task.isCancelled {
            let epoch = session.wakeup.epoch
            guard holds() else { return nil }
            try before()
            if let frame = try tryNext() { return frame }
            await session.wakeup.wait(after: epoch, atMost: clock ? Self.look : nil)
        }
        return nil
    }

    private func end(with error: Error) {
        // Stopping is no failure.
        guard let error = error as? EssenceError, error.kind != .cancelled, !session.handle.isClosed else { return }
        lock.withLock { failed = error }
    }
}
