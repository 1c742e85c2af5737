import CEssence

/// Facts about a frame besides its picture and sound.
public struct EssenceFrameFacts: Sendable, Hashable {
    /// Events around this frame.
    public let flags: EssenceFrameFlags
    /// Number of the frame in its session. In real time, dropped pictures keep their numbers.
    public let index: UInt64
    /// Presentation time in samples at 16 kHz: 640 × `index`.
    public let ptsSamples: UInt64
    /// Which of the avatar's base frames lies underneath.
    public let baseFrame: Int
    /// Pictures that were dropped before this one. Their sound is in this frame.
    public let skipped: Int
    /// Size of the picture in pixels.
    public let width: Int
    public let height: Int
    /// The picture's format.
    public let format: EssencePixelFormat
    /// Sample rate of the sound in Hz, 0 where there is none.
    public let audioRate: Int
    /// Number of its samples.
    public let audioSamples: Int
    /// Interruptions of the session before this frame.
    public let interruptions: UInt64
    /// Matrix and range of an I420 or NV12 picture.
    public let yuvMatrix: EssenceYUVMatrix
    public let yuvRange: EssenceYUVRange
    /// How long ago the frame was due when it was drawn; zero unpaced.
    public let sinceDue: Duration
    /// The tag that the frame's first sample was pushed with, 0 without one.
    public let tag: UInt64
    /// The gesture that begins with this frame, by its place in the avatar's motions.
    public let gestureStarted: Int?
    /// The gesture that is over with this frame.
    public let gestureEnded: Int?

    init(_ raw: essence_frame_info) {
        flags = EssenceFrameFlags(rawValue: raw.flags)
        index = raw.index
        ptsSamples = raw.pts_samples
        baseFrame = Int(raw.base_frame)
        skipped = Int(raw.skipped)
        width = Int(raw.width)
        height = Int(raw.height)
        format = EssencePixelFormat(rawValue: raw.format) ?? .bgr
        audioRate = Int(raw.audio_rate_hz)
        audioSamples = raw.audio_samples
        interruptions = raw.interruptions
        yuvMatrix = EssenceYUVMatrix(rawValue: raw.yuv_matrix) ?? .bt601
        yuvRange = EssenceYUVRange(rawValue: raw.yuv_range) ?? .limited
        sinceDue = .nanoseconds(Int64(clamping: raw.since_due_ns))
        tag = raw.tag
        let motion = { (place: UInt32) in place == UInt32(ESSENCE_NO_MOTION) ? nil : Int(place) }
        gestureStarted = motion(raw.gesture_started)
        gestureEnded = motion(raw.gesture_ended)
    }
}

/// A frame to keep: its picture, the exact sound that belongs to it, and facts about it.
public struct EssenceFrame: Sendable {
    /// Facts about it.
    public let facts: EssenceFrameFacts
    /// Its picture; nil in a session without pictures.
    public let picture: EssencePicture?
    /// The program's own sound for this frame, mono: none outside of utterances.
    public let audio: [Int16]
    /// The same as floats, exactly as pushed.
    public let audioFloats: [Float]
    /// ARKit values of the mouth, in the order of the avatar's `arkitNames`.
    public let arkit: [Float]

    /// Events around this frame.
    public var flags: EssenceFrameFlags { facts.flags }
    /// Number of the frame in its session.
    public var index: UInt64 { facts.index }

    init(_ raw: essence_frame_info, picture: EssencePicture?) {
        facts = EssenceFrameFacts(raw)
        self.picture = picture
        audio = Array(UnsafeBufferPointer(start: raw.audio_i16, count: raw.audio_i16 == nil ? 0 : raw.audio_samples))
        audioFloats = Array(UnsafeBufferPointer(start: raw.audio, count: raw.audio == nil ? 0 : raw.audio_samples))
        arkit = Array(UnsafeBufferPointer(start: raw.arkit, count: raw.arkit == nil ? 0 : raw.arkit_count))
    }
}

/// Room for one frame, drawn into as often as wanted without allocating. Used by one thread at a time.
public final class EssenceFrameRoom {
    let handle: Handle
    var raw: essence_frame_info?

    public init() throws {
        handle = try Handle("frame", destroy: { essence_frame_destroy($0) }) { essence_frame_create($0, $1) }
    }

    /// Facts about the frame that was drawn last; nil if there is none.
    public var facts: EssenceFrameFacts? { raw.map(EssenceFrameFacts.init) }

    /// Lends the planes of its picture, with the bytes from row to row; nil if there is none.
    public func withPlanes<Result>(
        _ body: ([(bytes: UnsafeRawBufferPointer, stride: Int)]) throws -> Result
    ) rethrows -> Result? {
        guard let raw else { return nil }
        let (planes, strides) = (raw.planes, raw.strides)
        let height = Int(raw.height)
        let format = EssencePixelFormat(rawValue: raw.format) ?? .bgr
        let rows: [Int]
        switch format {
        case .bgr, .rgb, .rgba, .bgra: rows = [height]
        case .i420: rows = [height, (height + 1) / 2, (height + 1) / 2]
        case .nv12: rows = [height, (height + 1) / 2]
        }
        let all = [(planes.0, strides.0), (planes.1, strides.1), (planes.2, strides.2)]
        guard planes.0 != nil else { return nil }
        return try body(
            zip(all, rows).map { plane, rows in
                (UnsafeRawBufferPointer(start: plane.0, count: plane.1 * rows), plane.1)
            })
    }

    /// Lends its sound, as 16-bit samples.
    public func withAudio<Result>(_ body: (UnsafeBufferPointer<Int16>) throws -> Result) rethrows -> Result {
        let samples = raw?.audio_i16
        return try body(UnsafeBufferPointer(start: samples, count: samples == nil ? 0 : raw?.audio_samples ?? 0))
    }

    /// A copy to keep.
    public func copy() -> EssenceFrame? {
        guard let raw else { return nil }
        let bytes = withPlanes { planes in planes.flatMap { Array($0.bytes) } }
        let format = EssencePixelFormat(rawValue: raw.format) ?? .bgr
        let picture = bytes.map { EssencePicture(checked: format, Int(raw.width), Int(raw.height), $0) }
        return EssenceFrame(raw, picture: picture)
    }

    /// Takes what the library says of the frame that it drew.
    func describe() throws {
        raw = try handle.use { frame in try filled { essence_frame_describe(frame, $0, $1) } }
    }
}
