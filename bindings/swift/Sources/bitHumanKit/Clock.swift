import CEssence

/// A clock of the program's: one that stands still until it is advanced, or one that runs at the pace of a sound card.
public final class EssenceClock: Sendable {
    let handle: Handle

    /// A clock at zero that stands still until ``advance(by:)``; sessions on it never wait.
    public init() throws {
        handle = try Handle("clock", destroy: { essence_clock_destroy($0) }) { essence_clock_create($0, $1) }
    }

    private init(handle: Handle) { self.handle = handle }

    /// A clock of the host's, which begins to run with the first ``setPosition(_:)``.
    public static func host() throws -> EssenceClock {
        let handle = try Handle("clock", destroy: { essence_clock_destroy($0) }) { essence_clock_create_host($0, $1) }
        return EssenceClock(handle: handle)
    }

    /// Moves a clock of ``init()`` forward.
    public func advance(by time: Duration) throws {
        let nanoseconds = time.nanoseconds
        try handle.call { essence_clock_advance($0, nanoseconds, $1) }
    }

    /// Says where a host's clock stands, such as how much sound has been played; every 5 to 100 ms.
    public func setPosition(_ position: Duration) throws {
        let nanoseconds = position.nanoseconds
        try handle.call { essence_clock_set_position($0, nanoseconds, $1) }
    }
}

extension Duration {
    /// Whole nanoseconds, none below zero and no more than fit.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, more) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return overflow || more ? .max : sum
    }
}
