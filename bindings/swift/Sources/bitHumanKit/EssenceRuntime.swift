import Foundation

/// A frame with the 40 ms of sound that belong to it.
public struct EssenceRuntimeFrame: @unchecked Sendable {
    /// The picture; nil means that the last one stays.
    public let image: AvatarImage?
    /// 640 samples at 16 kHz for the runtime's own rate; nil in silence. More where pictures were skipped, fewer at an
    /// utterance's end.
    public let audioChunk: [Int16]?
    /// Samples per second of ``audioChunk``: the rate that was pushed.
    public let audioRate: Int
    /// Events around the frame.
    public let flags: EssenceFrameFlags
    /// Number of the frame in its conversation.
    public let index: UInt64
}

/// One conversation: speech in, frames out in real time, 25 a second.
///
/// Frames are pulled: a reader that is slow, or has stopped, makes nothing grow; it misses pictures, whose sound comes with the
/// next frame. The newest stream has the frames; beginning one ends the one before. A stream ends with ``stop()``, with its
/// task, or with an error that no frame can follow, which is then in ``failure``.
public actor EssenceRuntime {
    /// Size of the pictures in pixels.
    public nonisolated let resolution: CGSize
    /// All that the engine can do besides.
    public nonisolated let session: EssenceSession
    private nonisolated let source: FrameSource
    /// The last error of a call that does not throw.
    public private(set) var lastError: EssenceError?

    /// Begins a conversation; `options` may ask for another size, background or clock. The pixel format is ``AvatarImage``'s.
    public init(_ fixture: EssenceFixture, _ options: EssenceSession.Options = EssenceSession.Options()) throws {
        var options = options
        options.pixelFormat = .bgra
        session = try EssenceSession(fixture, options)
        source = try FrameSource(session)
        resolution = CGSize(width: session.info.width, height: session.info.height)
    }

    /// The error that ended a stream before its time; nil if none did.
    public nonisolated var failure: EssenceError? { source.failure }

    /// The picture at rest.
    public var idleFrame: AvatarImage? {
        get throws { try avatarImage(session.avatar.idlePicture(.bgra)) }
    }

    /// Takes speech: bytes of 16-bit little-endian samples at 16 kHz, mono.
    ///
    /// - Throws: ``EssenceError`` of kind `invalidArgument` or `limitExceeded`: more than ten minutes wait. Nothing is taken then.
    public func pushAudio(_ pcm: Data) throws { try session.push(pcm, sampleRate: 16_000) }

    /// Takes speech: samples at 16 kHz, mono. What can't be taken is dropped, and ``lastError`` says why.
    public func pushAudio(_ samples: [Int16]) { attempt { try session.push(samples, sampleRate: 16_000) } }

    /// Takes speech: samples in [-1, 1] at 16 kHz, mono. What can't be taken is dropped, and ``lastError`` says why.
    public func pushAudio(_ samples: [Float]) { attempt { try session.push(samples, sampleRate: 16_000) } }

    /// Takes speech of any rate from 8 to 192 kHz.
    public func pushAudio(_ samples: [Int16], sampleRate: Int) throws { try session.push(samples, sampleRate: sampleRate) }

    /// Takes speech of any rate from 8 to 192 kHz.
    public func pushAudio(_ samples: [Float], sampleRate: Int) throws { try session.push(samples, sampleRate: sampleRate) }

    /// Ends the utterance. Without it, 0.6 s without sound do.
    public func flush() { attempt { try session.flush() } }

    /// Drops speech that waits and closes the mouth.
    public func interrupt() { attempt { try session.interrupt() } }

    /// The same: what follows is a new utterance.
    public func resetStream() { interrupt() }

    /// Pictures in real time; nil means that the last one stays.
    public nonisolated func frames() -> AsyncStream<AvatarImage?> {
        source.frames { $0.picture.flatMap(avatarImage) }
    }

    /// Pictures with their sound, in real time.
    public nonisolated func framesWithAudio() -> AsyncStream<EssenceRuntimeFrame> {
        source.frames { frame in
            EssenceRuntimeFrame(
                image: frame.picture.flatMap(avatarImage), audioChunk: frame.audio.isEmpty ? nil : frame.audio,
                audioRate: frame.facts.audioRate, flags: frame.flags, index: frame.index)
        }
    }

    /// Ends the conversation and its streams.
    public func stop() { session.close() }

    private func attempt(_ run: () throws -> Void) {
        do { try run() } catch { lastError = error as? EssenceError }
    }
}
