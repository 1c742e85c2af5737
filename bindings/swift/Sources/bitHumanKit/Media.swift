import CEssence

/// A file of audio, read as mono samples: wav, mp3, m4a, ogg, opus, flac, aac, webm and others. Used by one thread at a time.
public final class EssenceAudioReader {
    /// The file's description.
    public struct Info: Sendable, Hashable {
        /// Samples per second.
        public let rate: Int
        /// Channels in the file, before they were mixed down.
        public let channels: Int
        /// Packets that could not be decoded so far and became silence.
        public let damagedPackets: Int
        /// How many samples the file says it holds; nil if it doesn't say.
        public let expectedSamples: UInt64?
        /// After the end: how many of them are missing.
        public let missingSamples: UInt64
    }

    private let handle: Handle

    /// - Throws: ``EssenceError`` of kind `notFound`, `io` or `unsupportedFormat`.
    public init(path: String) throws {
        handle = try Handle("audio reader", destroy: { essence_audio_reader_destroy($0) }) {
            essence_audio_reader_open(path, $0, $1)
        }
    }

    /// The file's description, as far as it was read.
    public func info() throws -> Info {
        try handle.use { reader in
            let raw: essence_audio_info = try filled { essence_audio_reader_describe(reader, $0, $1) }
            return Info(
                rate: Int(raw.rate_hz), channels: Int(raw.channels), damagedPackets: Int(raw.damaged_packets),
                expectedSamples: raw.expected_samples == 0 ? nil : raw.expected_samples, missingSamples: raw.missing_samples)
        }
    }

    /// Up to so many samples; nil at the end.
    public func read(_ most: Int = 4096) throws -> [Float]? {
        var status = essence_status(0)
        let samples = try [Float](unsafeUninitializedCapacity: most) { room, count in
            var read = 0
            status = try handle.call { essence_audio_reader_read($0, room.baseAddress, most, &read, $1) }
            count = read
        }
        return Int(status) == Int(ESSENCE_END) ? nil : samples
    }

    /// All samples that are left.
    public func readAll() throws -> [Float] {
        var all: [Float] = []
        while let samples = try read(65_536) { all += samples }
        return all
    }
}

/// An MP4 file being written: H.264 pictures at 25 a second with AAC sound. It appears at its path when it is finished. Used by
/// one thread at a time.
public final class EssenceMP4Writer {
    /// The finished file's description.
    public struct Info: Sendable, Hashable {
        /// Rate of the sound in the file.
        public let rate: Int
        /// Size of the file.
        public let bytes: UInt64
        /// Pictures in the file.
        public let frames: UInt64
        /// Size of the pictures in the file: even.
        public let width: Int
        public let height: Int
    }

    private let handle: Handle

    /// Begins a file.
    ///
    /// - Parameters:
    ///   - width: of the pictures in pixels, 16 to 3840; `height` 16 to 2160; they may change places.
    ///   - sampleRate: of the sound that will be written, 8000 to 192000.
    public init(path: String, width: Int, height: Int, sampleRate: Int, quality: EssenceQuality = .medium) throws {
        var raw = try defaults(essence_mp4_options(), essence_mp4_options_init)
        raw.width = try unsigned(width, "width")
        raw.height = try unsigned(height, "height")
        raw.rate_hz = try unsigned(sampleRate, "sampleRate")
        raw.quality = quality.rawValue
        handle = try Handle("MP4 writer", destroy: { essence_mp4_writer_destroy($0) }) {
            essence_mp4_writer_create(path, &raw, $0, $1)
        }
    }

    /// Adds the frame in a room, which holds its I420 picture itself, with its sound.
    public func write(_ room: EssenceFrameRoom) throws {
        try room.handle.use { frame in _ = try handle.call { essence_mp4_writer_write_frame($0, frame, $1) } }
    }

    /// Adds an I420 picture alone.
    public func write(_ picture: EssencePicture) throws {
        try picture.withRaw { picture in _ = try handle.call { essence_mp4_writer_write_picture($0, picture, $1) } }
    }

    /// Adds mono sound alone.
    public func write(_ samples: [Float]) throws {
        try samples.withUnsafeBufferPointer { samples in
            _ = try handle.call { essence_mp4_writer_write_audio($0, samples.baseAddress, samples.count, $1) }
        }
    }

    /// Completes the file and gives it its name.
    public func finish() throws -> Info {
        try handle.use { writer in
            let raw: essence_mp4_info = try filled { essence_mp4_writer_finish(writer, $0, $1) }
            return Info(
                rate: Int(raw.rate_hz), bytes: raw.bytes, frames: raw.frames, width: Int(raw.width), height: Int(raw.height))
        }
    }
}
