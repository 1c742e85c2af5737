import CEssence
import Foundation

private let wakeups = Registry<Wakeup>()

/// Tells tasks that a session may have a frame, without a thread that waits for it.
///
/// Kept for the library until that can call back no more.
final class Wakeup: @unchecked Sendable {
    private let lock = NSLock()
    // Guarded by the lock.
    private var told: UInt64 = 0
    private var waiting: [ObjectIdentifier: CheckedContinuation<Void, Never>] = [:]
    private var attached = false
    private var callback: (@Sendable () -> Void)?

    /// How often it was told so far. Read it before a draw, and wait after it.
    var epoch: UInt64 { lock.withLock { told } }

    /// Has a session call this; once is enough.
    func attach(to session: Handle) throws {
        guard lock.withLock({ !attached }) else { return }
        try register(with: session)
    }

    /// Has the session's calls passed on. Once this returns, the callback before is not called again.
    func set(_ callback: (@Sendable () -> Void)?, on session: Handle) throws {
        lock.withLock { self.callback = callback }
        // Waits for a call that is under way.
        try register(with: session)
        // A call that the one before was owed.
        signal()
    }

    /// Wakes the tasks that wait.
    func signal() {
        let waiting = lock.withLock {
            told &+= 1
            defer { self.waiting = [:] }
            return Array(self.waiting.values)
        }
        waiting.forEach { $0.resume() }
    }

    /// Lets the callback go, and wakes the tasks that wait.
    func end() {
        lock.withLock { callback = nil }
        signal()
    }

    fileprivate func called() {
        signal()
        let callback = lock.withLock { self.callback }
        callback?()
    }

    private func register(with session: Handle) throws {
        let number = wakeups.add(self)
        do {
            try session.call {
                essence_session_set_wakeup($0, { wakeups.find($0)?.called() }, number, { wakeups.remove($0) }, $1)
            }
        } catch {
            wakeups.remove(number)
            throw error
        }
        lock.withLock { attached = true }
    }

    /// Returns when it was told since `epoch`, when the task is cancelled, or after a time.
    func wait(after epoch: UInt64, atMost time: Duration? = nil) async {
        let me = Waiter()
        if let time {
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(clamping: time.nanoseconds))) { [weak self] in
                self?.release(me)
            }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = lock.withLock {
                    if told != epoch || me.released { return true }
                    waiting[ObjectIdentifier(me)] = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            release(me)
        }
    }

    /// Has a task wait no longer, or not begin to.
    private func release(_ waiter: Waiter) {
        let continuation = lock.withLock {
            waiter.released = true
            return waiting.removeValue(forKey: ObjectIdentifier(waiter))
        }
        continuation?.resume()
    }
}

/// A task that waits. Guarded by the lock of the wake-up.
private final class Waiter: @unchecked Sendable {
    var released = false
}
