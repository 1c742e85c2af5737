import CEssence

/// A viseme or phoneme in time.
public struct EssenceViseme: Sendable, Hashable {
    /// Its name in the set.
    public var symbol: String
    /// When it begins, in seconds from the utterance's start.
    public var start: Double
    /// When it ends; nil: when the next one begins.
    public var end: Double?

    public init(_ symbol: String, start: Double, end: Double? = nil) {
        self.symbol = symbol
        self.start = start
        self.end = end
    }
}

/// Mouths that the program makes itself.
extension EssenceSession {
    /// Takes keyframes of ARKit values for the utterance that is being pushed.
    ///
    /// - Parameters:
    ///   - names: of the avatar's `arkitNames`, none twice; none at all ends the span in which keyframes drive the mouth.
    ///   - times: in seconds from the utterance's start, ascending.
    ///   - values: for each time a value for each name, clamped to [0, 1].
    ///   - ignoreUnknown: passes over names that the avatar lacks.
    ///   - withoutSound: no sound comes with this utterance.
    public func pushCurves(
        names: [String], times: [Double], values: [[Float]], ignoreUnknown: Bool = false, withoutSound: Bool = false
    ) throws {
        guard values.count == times.count, values.allSatisfy({ $0.count == names.count }) else {
            throw EssenceError(.invalidArgument, "values are \(names.count) for each of \(times.count) times")
        }
        try withTexts(names) { names in
            try times.withUnsafeBufferPointer { times in
                try Array(values.joined()).withUnsafeBufferPointer { all in
                    var raw = essence_curves.sized()
                    raw.ignore_unknown = ignoreUnknown ? 1 : 0
                    raw.without_sound = withoutSound ? 1 : 0
                    raw.names = names
                    raw.name_count = values.first?.count ?? 0
                    raw.times_s = times.baseAddress
                    raw.time_count = times.count
                    raw.values = all.baseAddress
                    _ = try handle.call { essence_session_push_curves($0, &raw, $1) }
                }
            }
        }
    }

    /// Takes visemes or phonemes with their times, as speech engines give them, for the utterance that is being pushed.
    ///
    /// - Parameters:
    ///   - ignoreUnknown: symbols that the set lacks count as a part of the viseme before.
    ///   - withoutSound: no sound comes with this utterance.
    public func pushVisemes(
        _ visemes: [EssenceViseme], set: EssenceVisemeSet = .arpabet, ignoreUnknown: Bool = false, withoutSound: Bool = false
    ) throws {
        try withTexts(visemes.map(\.symbol)) { symbols in
            try visemes.map(\.start).withUnsafeBufferPointer { starts in
                try visemes.map { $0.end ?? .nan }.withUnsafeBufferPointer { ends in
                    var raw = essence_visemes.sized()
                    raw.set = set.rawValue
                    raw.ignore_unknown = ignoreUnknown ? 1 : 0
                    raw.without_sound = withoutSound ? 1 : 0
                    raw.symbols = symbols
                    raw.starts_s = starts.baseAddress
                    raw.ends_s = ends.baseAddress
                    raw.count = visemes.count
                    _ = try handle.call { essence_session_push_visemes($0, &raw, $1) }
                }
            }
        }
    }
}
