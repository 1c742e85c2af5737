import CEssence
import Foundation

/// One conversation with an avatar: sound in at one end, frames out at the other.
///
/// May be used from any number of threads at a time: push from one, draw in another, interrupt from a third. ``close()`` may come
/// at any time; it also comes with the last reference.
public final class EssenceSession: Sendable {
    /// Settings of a session.
    public struct Options: Sendable {
        /// How the session keeps time.
        public var pacing = EssencePacing.realtime
        /// Format of the pictures.
        public var pixelFormat = EssencePixelFormat.bgr
        /// Size of the pictures in pixels, 16 to 8192; nil: the avatar's own.
        public var size: (width: Int, height: Int)?
        /// How the avatar's picture fits into that size.
        public var fit = EssenceFit.contain()
        /// Most sound that may wait, in seconds, bytes and utterances; nil: 600 s, 128 MiB, 1,000.
        public var queueLimitSeconds: Int?
        public var queueLimitBytes: UInt64?
        public var queueLimitUtterances: Int?
        /// The clock of a session in real time; nil: the system's.
        public var clock: EssenceClock?
        /// Whether frames have pictures.
        public var pictures = true
        /// Matrix and range of I420 and NV12 pictures.
        public var yuvMatrix = EssenceYUVMatrix.bt601
        public var yuvRange = EssenceYUVRange.limited
        /// The background where the avatar is transparent, and in place of bars.
        public var background = EssenceBackground.none
        /// Whether drawing unpaced tells "every utterance is complete" from "more is needed".
        public var reportsDone = false

        public init() {}
    }

    /// The pictures and the sound that a session gives.
    public struct Info: Sendable, Hashable {
        /// Size of the pictures in pixels.
        public let width: Int
        public let height: Int
        /// Format of the pictures.
        public let pixelFormat: EssencePixelFormat
        /// Bytes of such a picture, without padding.
        public let pictureBytes: Int
        /// From pushing a frame's first sample, as it is spoken, until the frame can leave.
        public let latency: Duration
    }

    /// Counts of what has happened since the session was created.
    public struct Statistics: Sendable, Hashable {
        /// Frames drawn; those of an utterance; those more than 20 ms late; those without the audio that should be there; those with
        /// another picture than planned.
        public let frames, speech, late, underruns, concealed: UInt64
        /// Pictures that were dropped because their time had passed.
        public let skipped: UInt64
        /// Times the clock started anew after a second without a draw.
        public let restarts: UInt64
        /// Samples handed out.
        public let samples: UInt64
        /// Longest time between a frame's due time and its leaving.
        public let worstDelay: Duration
    }

    /// The avatar.
    public let avatar: EssenceAvatar
    /// The pictures and the sound that the session gives.
    public let info: Info
    let hasPictures: Bool
    let handle: Handle
    let wakeup = Wakeup()

    /// Starts a conversation.
    ///
    /// - Throws: ``EssenceError`` of kind `invalidArgument`, or `limitExceeded` for one more than the engine's limit.
    public init(_ avatar: EssenceAvatar, _ options: Options = Options()) throws {
        let handle = try options.withRaw { raw in
            try Handle("session", destroy: { essence_session_destroy($0) }) { out, error in
                try avatar.handle.use { essence_session_create($0, raw, out, error) }
            }
        }
        info = try handle.use { session in
            let raw: essence_session_info = try filled { essence_session_describe(session, $0, $1) }
            return Info(
                width: Int(raw.frame_width), height: Int(raw.frame_height),
                pixelFormat: EssencePixelFormat(rawValue: raw.pixel_format) ?? .bgr, pictureBytes: raw.picture_bytes,
                latency: .milliseconds(Int64(raw.latency_ms)))
        }
        self.avatar = avatar
        self.handle = handle
        hasPictures = options.pictures
    }

    /// Takes a piece of speech: 16-bit samples, channels in turn, of any length and 8000 to 192000 Hz. Doesn't wait.
    ///
    /// - Parameter tag: comes back with the frames whose first sample is of this piece.
    /// - Throws: ``EssenceError`` of kind `invalidArgument`, `invalidState` (another rate than the utterance began with) or
    ///   `limitExceeded`. Nothing of the piece is taken then.
    public func push(_ samples: [Int16], sampleRate: Int, channels: Int = 1, tag: UInt64? = nil) throws {
        let (rate, channels) = (try unsigned(sampleRate, "sampleRate"), try unsigned(channels, "channels"))
        try samples.withUnsafeBufferPointer { samples in
            _ = try handle.call { session, error in
                let (start, count) = (samples.baseAddress, samples.count)
                return if let tag {
                    essence_session_push_tagged_i16(session, start, count, rate, channels, tag, error)
                } else {
                    essence_session_push_audio_i16(session, start, count, rate, channels, error)
                }
            }
        }
    }

    /// The same with floats, nominally in [-1, 1].
    public func push(_ samples: [Float], sampleRate: Int, channels: Int = 1, tag: UInt64? = nil) throws {
        let (rate, channels) = (try unsigned(sampleRate, "sampleRate"), try unsigned(channels, "channels"))
        try samples.withUnsafeBufferPointer { samples in
            _ = try handle.call { session, error in
                let (start, count) = (samples.baseAddress, samples.count)
                return if let tag {
                    essence_session_push_tagged_f32(session, start, count, rate, channels, tag, error)
                } else {
                    essence_session_push_audio_f32(session, start, count, rate, channels, error)
                }
            }
        }
    }

    /// The same with bytes of 16-bit little-endian samples.
    public func push(_ pcm: Data, sampleRate: Int, channels: Int = 1, tag: UInt64? = nil) throws {
        try push(samples(of: pcm), sampleRate: sampleRate, channels: channels, tag: tag)
    }

    /// Ends the utterance: what was pushed is drawn to its last sample.
    public func flush() throws { try handle.call { essence_session_flush($0, $1) } }

    /// Drops sound that waits; the mouth closes, and the session is ready for the next piece.
    public func interrupt() throws { try handle.call { essence_session_interrupt($0, $1) } }

    /// Restarts real time for a program that paused on purpose; undoes ``cancel()``.
    public func restartClock() throws { try handle.call { essence_session_restart_clock($0, $1) } }

    /// Holds speech back, or lets it go on.
    public func setPaused(_ paused: Bool) throws { try handle.call { essence_session_set_paused($0, paused ? 1 : 0, $1) } }

    /// Mutes speech, or lets it be heard again.
    public func setMuted(_ muted: Bool) throws { try handle.call { essence_session_set_muted($0, muted ? 1 : 0, $1) } }

    /// Ends all drawing, also one that waits: it throws `cancelled` from now on.
    public func cancel() throws { try handle.call { essence_session_cancel($0, $1) } }

    /// Plays a motion once; with `again` also a second time within an utterance.
    public func perform(_ motion: String, again: Bool = false) throws {
        try handle.call { again ? essence_session_perform_again($0, motion, $1) : essence_session_perform($0, motion, $1) }
    }

    /// Plays a motion over and over; nil goes back to `idle` and `talking`.
    public func setLoop(_ motion: String?) throws {
        if let motion {
            try handle.call { essence_session_set_loop($0, motion, $1) }
        } else {
            try handle.call { essence_session_set_loop($0, nil, $1) }
        }
    }

    /// Lets the face show an emotion, by a strength of 0 to 1.
    public func setEmotion(_ emotion: EssenceEmotion, strength: Float = 1) throws {
        try handle.call { essence_session_set_emotion($0, emotion.rawValue, strength, $1) }
    }

    /// Counts of what has happened so far.
    public func statistics() throws -> Statistics {
        try handle.use { session in
            let raw: essence_session_statistics = try filled { essence_session_read_statistics(session, $0, $1) }
            return Statistics(
                frames: raw.frames, speech: raw.speech, late: raw.late, underruns: raw.underruns, concealed: raw.concealed,
                skipped: raw.skipped, restarts: raw.restarts, samples: raw.samples,
                worstDelay: .nanoseconds(Int64(clamping: raw.worst_delay_ns)))
        }
    }

    /// Ends the conversation: streams end, calls that are under way return, later ones throw `invalidState`.
    public func close() {
        // Nothing that waits may hold the session.
        try? cancel()
        handle.close()
        wakeup.end()
    }
}

/// The 16-bit little-endian samples in some bytes.
func samples(of pcm: Data) throws -> [Int16] {
    guard pcm.count % 2 == 0 else {
        throw EssenceError(.invalidArgument, "\(pcm.count) bytes are no whole number of 16-bit samples")
    }
    return [Int16](unsafeUninitializedCapacity: pcm.count / 2) { room, count in
        count = pcm.copyBytes(to: room) / 2
        for i in 0..<count { room[i] = Int16(littleEndian: room[i]) }
    }
}

extension EssenceSession.Options {
    /// Lends the options as the library reads them.
    fileprivate func withRaw<Result>(_ body: (UnsafePointer<essence_session_options>) throws -> Result) throws -> Result {
        var raw = try defaults(essence_session_options(), essence_session_options_init)
        raw.pacing = pacing.rawValue
        raw.pixel_format = pixelFormat.rawValue
        if let size {
            raw.width = try unsigned(size.width, "width")
            raw.height = try unsigned(size.height, "height")
        }
        if let queueLimitSeconds { raw.queue_limit_s = try unsigned(queueLimitSeconds, "queueLimitSeconds") }
        if let queueLimitBytes { raw.queue_limit_bytes = queueLimitBytes }
        if let queueLimitUtterances { raw.queue_limit_utterances = try unsigned(queueLimitUtterances, "queueLimitUtterances") }
        raw.without_pictures = pictures ? 0 : 1
        raw.report_done = reportsDone ? 1 : 0
        raw.yuv_matrix = yuvMatrix.rawValue
        raw.yuv_range = yuvRange.rawValue
        switch fit {
        case .contain(let letterbox):
            raw.fit = UInt32(ESSENCE_FIT_CONTAIN)
            raw.letterbox_rgb = letterbox
        case .cover:
            raw.fit = UInt32(ESSENCE_FIT_COVER)
        case .crop(let left, let top):
            raw.fit = UInt32(ESSENCE_FIT_CROP)
            (raw.crop_left, raw.crop_top) = (left, top)
        }
        return try withClock(raw) { raw in
            var raw = raw
            switch background {
            case .none:
                return try body(&raw)
            case .color(let rgb):
                raw.background = UInt32(ESSENCE_BACKGROUND_COLOR)
                raw.background_rgb = rgb
                return try body(&raw)
            case .picture(let picture):
                raw.background = UInt32(ESSENCE_BACKGROUND_PICTURE)
                return try picture.withRaw { picture in
                    raw.background_picture = picture
                    return try body(&raw)
                }
            }
        }
    }

    private func withClock<Result>(
        _ raw: essence_session_options, _ body: (essence_session_options) throws -> Result
    ) throws -> Result {
        guard let clock else { return try body(raw) }
        return try clock.handle.use { clock in
            var raw = raw
            raw.clock = clock
            return try body(raw)
        }
    }
}
