import CEssence
import Foundation

/// An opened avatar. Immutable, shared by any number of sessions, and closed when nothing uses it any more.
public final class EssenceAvatar: Sendable {
    /// An avatar's description.
    public struct Info: Sendable {
        /// Its name.
        public let name: String
        /// The licence it may be used under; empty if unsaid.
        public let license: String
        /// Version of its format, such as `2.0`.
        public let formatVersion: String
        /// Its whole manifest, as JSON.
        public let manifest: String
        /// Size of its picture in pixels.
        public let width: Int
        public let height: Int
        /// Number of base frames.
        public let frameCount: Int
        /// Frames per second: 25.
        public let frameRate: Int
        /// Samples per second that the networks hear; any rate can be pushed.
        public let sampleRate: Int
        /// Samples of one frame at that rate.
        public let samplesPerFrame: Int
        /// Width and height of the mouth patch in pixels.
        public let patchSize: Int
        /// Names of the motions that can be played.
        public let motions: [String]
        /// ARKit's names of the values that come with each frame.
        public let arkitNames: [String]
        /// Names of the speech network's coefficients.
        public let coefficientNames: [String]
        /// Size of the file in bytes.
        public let fileBytes: UInt64
        /// Whether RGBA and BGRA are transparent around it.
        public let hasMatte: Bool
        /// The emotions that it can show.
        public let emotions: [EssenceEmotion]
    }

    /// Which provider runs an avatar, and why not another.
    public struct ProviderReport: Sendable {
        /// The one that runs.
        public let provider: EssenceProvider
        /// Providers that came first in the preference, with the reasons against them.
        public let refused: [(provider: EssenceProvider?, reason: String)]
        /// Whether the identity network runs in 8 bits.
        public let quantized: Bool
    }

    /// The avatar's description.
    public let info: Info
    /// Which provider runs it.
    public let provider: ProviderReport
    let handle: Handle

    /// Opens a file: checks it against its hashes, loads its networks and runs its self-test.
    ///
    /// - Throws: ``EssenceError`` of kind `notFound`, `io`, `invalidAvatar`, `unsupportedFormat`, `unsupportedVersion`,
    ///   `limitExceeded` or `providerUnavailable`.
    public convenience init(path: String, engine: EssenceEngine? = nil) throws {
        let engine = try engine ?? .shared()
        try self.init { out, error in try engine.handle.use { essence_avatar_open($0, path, out, error) } }
    }

    /// Opens the bytes of a file.
    public convenience init(data: Data, engine: EssenceEngine? = nil) throws {
        let engine = try engine ?? .shared()
        try self.init { out, error in
            try engine.handle.use { engine in
                data.withUnsafeBytes { bytes in
                    let start = bytes.bindMemory(to: UInt8.self).baseAddress
                    return essence_avatar_open_memory(engine, start, bytes.count, nil, nil, out, error)
                }
            }
        }
    }

    private init(open: (UnsafeMutablePointer<OpaquePointer?>, ErrorPointer) throws -> essence_status) throws {
        handle = try Handle("avatar", destroy: { essence_avatar_release($0) }, create: open)
        info = try handle.use(describe)
        provider = try handle.use(report)
    }

    /// Opens a file, as the described SDK spells it.
    public static func load(modelPath: URL) throws -> EssenceAvatar { try EssenceAvatar(path: modelPath.path) }

    /// How many sessions the engine's threads can keep speaking in real time. Draws some forty frames.
    public func measureCapacity() throws -> Int {
        var sessions: UInt32 = 0
        try handle.call { essence_avatar_measure_capacity($0, &sessions, $1) }
        return Int(sessions)
    }

    /// The picture that a session in real time begins with.
    public func idlePicture(_ format: EssencePixelFormat = .bgr) throws -> EssencePicture {
        var options = EssenceSession.Options()
        options.pixelFormat = format
        options.clock = try EssenceClock()
        let frame = try EssenceSession(self, options).nextFrame()
        guard let picture = frame?.picture else { throw EssenceError(.internal, "a session in real time gave no frame") }
        return picture
    }
}

private func describe(_ avatar: OpaquePointer) throws -> EssenceAvatar.Info {
    let raw: essence_avatar_info = try filled { essence_avatar_describe(avatar, $0, $1) }
    return EssenceAvatar.Info(
        name: text(raw.name), license: text(raw.license), formatVersion: text(raw.format_version),
        manifest: text(raw.manifest_json), width: Int(raw.frame_width), height: Int(raw.frame_height),
        frameCount: Int(raw.frame_count), frameRate: Int(raw.frame_rate), sampleRate: Int(raw.sample_rate_hz),
        samplesPerFrame: Int(raw.samples_per_frame), patchSize: Int(raw.patch_size),
        motions: texts(raw.motions, raw.motion_count), arkitNames: texts(raw.arkit_names, raw.arkit_count),
        coefficientNames: texts(raw.coefficient_names, raw.coefficient_count), fileBytes: raw.file_bytes,
        hasMatte: raw.has_matte != 0,
        emotions: EssenceEmotion.allCases.filter { raw.emotions >> $0.rawValue & 1 == 1 })
}

private func report(_ avatar: OpaquePointer) throws -> EssenceAvatar.ProviderReport {
    let raw: essence_provider_report = try filled { essence_avatar_report_provider(avatar, $0, $1) }
    let reasons = texts(raw.reasons, raw.refused_count)
    let refused = UnsafeBufferPointer(start: raw.refused, count: raw.refused == nil ? 0 : raw.refused_count)
    return EssenceAvatar.ProviderReport(
        provider: EssenceProvider(rawValue: raw.provider) ?? .auto,
        refused: zip(refused, reasons).map { (EssenceProvider(rawValue: $0), $1) },
        quantized: raw.quantized != 0)
}
