import Foundation

/// A frame of the newer shape.
public struct Essence2Frame: Sendable {
    /// The picture: 3 bytes a pixel, blue, green, red.
    public let bgr: [UInt8]
    /// Its size in pixels.
    public let width: Int
    public let height: Int
    /// Whether it belongs to a reply.
    public let isSpeech: Bool
    /// Whether it is a reply's last one.
    public let endsReply: Bool
    /// Number of the frame.
    public let index: UInt64
    /// Seconds into the reply; 0: its first frame, where the program starts its sound. 0 outside of replies.
    public let audioTime: Double
}

/// The newer shape of one conversation: `feed` speech, take frames by the clock of the sound that the program plays.
///
/// May be used from any number of threads at a time. Frames are pulled: a reader that is slow makes nothing grow.
public final class Essence2Engine: Sendable {
    /// Frames per second.
    public static let framesPerSecond = 25

    /// Beginnings and ends of replies.
    public enum Event: Sendable, Equatable {
        case replyStarted
        case replyEnded
    }

    /// All that the engine can do besides.
    public let session: EssenceSession
    /// How frames keep time.
    public let pacing: EssencePacing
    private let source: FrameSource
    private let reply: Reply

    /// Opens an avatar, on a thread of its own, and begins a conversation.
    ///
    /// - Parameters:
    ///   - identity: the avatar's file.
    ///   - resourcesDirectory: not needed and not used.
    ///   - readyTimeout: not needed and not used: the engine is ready when this returns.
    public static func create(
        identity: URL, resourcesDirectory: URL? = nil, readyTimeout: TimeInterval = 300, pacing: EssencePacing = .realtime
    ) async throws -> Essence2Engine {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try Essence2Engine(EssenceAvatar(path: identity.path), pacing: pacing) })
            }
        }
    }

    /// Begins a conversation with an avatar that is open.
    public init(_ avatar: EssenceAvatar, pacing: EssencePacing = .realtime) throws {
        var options = EssenceSession.Options()
        options.pacing = pacing
        let clock = pacing == .realtime ? try EssenceClock.host() : nil
        options.clock = clock
        self.pacing = pacing
        session = try EssenceSession(avatar, options)
        source = try FrameSource(session)
        reply = Reply(clock)
    }

    /// Size of the pictures in pixels.
    public var width: Int { session.info.width }
    public var height: Int { session.info.height }
    /// Always: an engine is ready when it is there.
    public var isReady: Bool { true }
    /// Never anything: nothing is metered here.
    public var meteringRefusal: String? { nil }
    /// The last error, of a call that does not throw or of a stream.
    public var runtimeFailure: EssenceError? { reply.failure ?? source.failure }
    /// Pictures that were left out because their time had passed.
    public var droppedFrames: Int { (try? session.statistics()).map { Int($0.skipped) } ?? 0 }
    /// Samples that were fed and belong to no frame yet.
    public var pendingSamples: Int { reply.pending(handedOut: (try? session.statistics())?.samples ?? .max) }

    /// Takes speech: samples in [-1, 1] at 16 kHz, mono. What can't be taken is dropped, and ``runtimeFailure`` says why.
    public func feed(_ samples: [Float]) {
        reply.attempt {
            try session.push(samples, sampleRate: 16_000)
            reply.fed(samples.count)
        }
    }

    /// Ends the reply. Without it, 0.6 s without sound do.
    public func flushTail() { reply.attempt(session.flush) }

    /// Drops speech that waits and closes the mouth.
    public func interrupt() {
        reply.attempt {
            try session.interrupt()
            reply.interrupted(handedOut: try session.statistics().samples)
        }
    }

    /// Ends the conversation and its streams.
    public func shutdown() {
        session.close()
        reply.end()
    }

    /// The frame that is there now, without waiting: its BGR bytes, and whether it belongs to a reply.
    public func pull() -> (frame: [UInt8], isSpeech: Bool)? {
        let frame: Essence2Frame?
        do {
            try reply.tick(nil)
            frame = try source.tryNext().map(reply.map)
        } catch {
            reply.attempt { throw error }
            return nil
        }
        return frame.map { ($0.bgr, $0.isSpeech) }
    }

    /// Puts the picture at rest into memory of `width` × `height` × 3 bytes, blue first; says whether it could.
    @discardableResult
    public func idle(into memory: UnsafeMutableRawBufferPointer) -> Bool {
        guard let picture = try? session.avatar.idlePicture(), memory.count == picture.bytes.count else { return false }
        memory.copyBytes(from: picture.bytes)
        return true
    }

    /// Frames in their time. With an audio clock (the seconds of the reply's sound that have been played; nil before it plays) a
    /// reply's frames follow it, from its first frame on.
    public func frames(audioClock: (@Sendable () -> Double?)? = nil) -> AsyncStream<Essence2Frame> {
        let reply = reply
        return source.frames(clock: audioClock != nil, before: { try reply.tick(audioClock) }, reply.map)
    }

    /// The next frame in its time; nil when the task is cancelled.
    public func nextFrame(audioClock: (@Sendable () -> Double?)? = nil) async throws -> Essence2Frame? {
        let reply = reply
        return try await source.next(clock: audioClock != nil, before: { try reply.tick(audioClock) }).map(reply.map)
    }

    /// Beginnings and ends of replies, as their frames are taken. The last 64 are kept for a reader that is slow.
    public func events() -> AsyncStream<Event> { reply.events() }
}

/// The state of the reply and its clock.
private final class Reply: @unchecked Sendable {
    private let clock: EssenceClock?
    private let lock = NSLock()
    // Guarded by the lock.
    private var position = Duration.zero
    private var ticked: ContinuousClock.Instant?
    private var began: Duration?
    private var played = 0
    private var waiting = 0
    private var before: UInt64 = 0
    private var failed: EssenceError?
    private var ended = false
    private var readers: [UUID: AsyncStream<Essence2Engine.Event>.Continuation] = [:]

    init(_ clock: EssenceClock?) { self.clock = clock }

    var failure: EssenceError? { lock.withLock { failed } }

    func attempt(_ run: () throws -> Void) {
        do { try run() } catch {
            lock.withLock { failed = error as? EssenceError }
        }
    }

    func fed(_ samples: Int) { lock.withLock { waiting += samples } }

    func interrupted(handedOut: UInt64) {
        lock.withLock { (waiting, before, began, played) = (0, handedOut, nil, 0) }
    }

    func pending(handedOut: UInt64) -> Int {
        lock.withLock { max(0, waiting - Int(clamping: handedOut &- min(before, handedOut))) }
    }

    /// Moves the clock: with the sound while a reply plays, with the system's time otherwise.
    func tick(_ audioClock: (@Sendable () -> Double?)?) throws {
        guard let clock else { return }
        // Code of the program's, which may call this.
        let heard = audioClock?()
        let now = ContinuousClock.now
        let position = lock.withLock {
            if let began, let heard, heard.isFinite {
                self.position = max(self.position, began + .seconds(max(0, heard)))
            } else if let ticked {
                self.position += now - ticked
            }
            ticked = now
            return self.position
        }
        try clock.setPosition(position)
    }

    /// The frame as the newer shape has it; tells of a reply's beginning and end.
    func map(_ frame: EssenceFrame) -> Essence2Frame {
        let speech = frame.flags.contains(.speech)
        let ends = frame.flags.contains(.endOfSpeech)
        let (time, told, readers) = lock.withLock { () -> (Double, [Essence2Engine.Event], [AsyncStream<Essence2Engine.Event>.Continuation]) in
            var told: [Essence2Engine.Event] = []
            if speech, began == nil {
                began = position
                told.append(.replyStarted)
            }
            // The sound of pictures that were left out comes first.
            let time = began == nil ? 0 : Double(played + max(0, frame.audio.count - 640)) / 16_000
            played += frame.audio.count
            if ends {
                (began, played) = (nil, 0)
                told.append(.replyEnded)
            }
            return (time, told, Array(self.readers.values))
        }
        for event in told { readers.forEach { $0.yield(event) } }
        return Essence2Frame(
            bgr: frame.picture?.bytes ?? [], width: frame.facts.width, height: frame.facts.height, isSpeech: speech,
            endsReply: ends, index: frame.index, audioTime: time)
    }

    func events() -> AsyncStream<Essence2Engine.Event> {
        AsyncStream(bufferingPolicy: .bufferingNewest(64)) { continuation in
            let id = UUID()
            let over = lock.withLock {
                if !ended { readers[id] = continuation }
                return ended
            }
            if over { continuation.finish() }
            continuation.onTermination = { [weak self] _ in self?.leave(id) }
        }
    }

    func end() {
        let readers = lock.withLock {
            ended = true
            return Array(self.readers.values)
        }
        readers.forEach { $0.finish() }
    }

    private func leave(_ id: UUID) { _ = lock.withLock { readers.removeValue(forKey: id) } }
}
