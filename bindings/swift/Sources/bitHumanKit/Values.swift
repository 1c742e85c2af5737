import CEssence

/// How pixels lie in memory; rows from the top down.
public enum EssencePixelFormat: UInt32, Sendable, CaseIterable {
    /// 3 bytes a pixel: blue, green, red.
    case bgr = 0
    /// 3 bytes a pixel: red, green, blue.
    case rgb = 1
    /// 4 bytes a pixel: red, green, blue, straight alpha.
    case rgba = 2
    /// 4 bytes a pixel: blue, green, red, straight alpha.
    case bgra = 3
    /// Planes Y, U, V; U and V at half the width and height, rounded up.
    case i420 = 4
    /// Plane Y, then one plane of U and V in turn at half the width and height.
    case nv12 = 5

    /// Its name in the C interface.
    public var name: String { text(essence_pixel_format_name(rawValue)) }

    /// Bytes of a picture without padding; 0 for a size beyond 65535 pixels.
    public func bytes(width: Int, height: Int) -> Int {
        guard let width = UInt32(exactly: width), let height = UInt32(exactly: height) else { return 0 }
        return essence_picture_bytes(rawValue, width, height)
    }
}

/// The runtime of the networks.
public enum EssenceProvider: UInt32, Sendable, CaseIterable {
    /// The best of the others that works here.
    case auto = 0
    /// ONNX Runtime's kernels for the CPU.
    case cpu = 1
    /// NVIDIA GPUs.
    case cuda = 2
    /// Apple's CoreML.
    case coreml = 3
    /// Intel's OpenVINO, on the CPU.
    case openvino = 4
    /// GPUs through WebGPU.
    case webgpu = 5
    /// The library's own kernels, which need no ONNX Runtime.
    case builtin = 6

    /// Its name in the C interface.
    public var name: String { text(essence_provider_name(rawValue)) }
}

/// How a session keeps time.
public enum EssencePacing: UInt32, Sendable {
    /// A frame every 40 ms: speech while there is audio, idle otherwise.
    case realtime = 0
    /// As fast as the machine can, and only what the audio gives.
    case unpaced = 1
}

/// How the avatar's picture fits into an output of another size.
public enum EssenceFit: Sendable, Hashable {
    /// The whole picture, with bars of this colour (0xRRGGBB) where the proportions differ.
    case contain(letterbox: UInt32 = 0)
    /// The picture fills the output; what reaches beyond it is cut off.
    case cover
    /// A part of the picture at its own scale, by its first column and row.
    case crop(left: UInt32, top: UInt32)
}

/// The background where an avatar is transparent, and in place of bars.
public enum EssenceBackground: Sendable {
    /// Nothing: formats with alpha are transparent there.
    case none
    /// One colour, 0xRRGGBB.
    case color(UInt32)
    /// An RGB picture that fills the output.
    case picture(EssencePicture)
}

/// How Y, U and V follow from red, green and blue.
public enum EssenceYUVMatrix: UInt32, Sendable {
    case bt601 = 0
    case bt709 = 1
}

/// The levels that Y, U and V use.
public enum EssenceYUVRange: UInt32, Sendable {
    case limited = 0
    case full = 1
}

/// An emotion that a face shows beside its speech.
public enum EssenceEmotion: UInt32, Sendable, CaseIterable {
    case neutral = 0
    case joy = 1
    case sadness = 2
    case anger = 3
    case surprise = 4
    case fear = 5
    case disgust = 6
}

/// A set of names for visemes or phonemes.
public enum EssenceVisemeSet: UInt32, Sendable {
    case arpabet = 0
    case azure = 1
    case espeak = 2
    case ipa = 3
    case oculus = 4
    case polly = 5
}

/// How much a message matters.
public enum EssenceLogLevel: UInt32, Sendable, Comparable {
    case off = 0
    case error = 1
    case warn = 2
    case info = 3
    case debug = 4
    case trace = 5

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// How many bits a video spends.
public enum EssenceQuality: UInt32, Sendable {
    case medium = 0
    case low = 1
    case high = 2
}

/// Events around a frame.
public struct EssenceFrameFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The frame belongs to an utterance and carries its audio.
    public static let speech = Self(rawValue: 1)
    /// The last frame of an utterance.
    public static let endOfSpeech = Self(rawValue: 2)
    /// The audio for this frame had not arrived in time.
    public static let underrun = Self(rawValue: 4)
    /// The frame left more than 20 ms after it was due.
    public static let late = Self(rawValue: 8)
    /// The speech was muted.
    public static let muted = Self(rawValue: 16)
    /// Another picture stands in for the one that was planned.
    public static let concealed = Self(rawValue: 32)
}

/// The library that is loaded.
public enum EssenceLibrary {
    /// Its version, such as `0.1.0`.
    public static var version: String { text(essence_version()) }
    /// Its binary interface: major and minor version.
    public static var abiVersion: (major: Int, minor: Int) {
        let version = essence_abi_version()
        return (Int(version >> 16), Int(version & 0xFFFF))
    }
    /// How it was built, as JSON.
    public static var buildInfo: String { text(essence_build_info()) }

    /// Refuses a library of another major version than this package was built for.
    static func check() throws {
        let (major, _) = abiVersion
        guard major == Int(ESSENCE_ABI_VERSION_MAJOR) else {
            throw EssenceError(
                .unsupportedVersion,
                "libessence has the binary interface \(major), this package was built for \(ESSENCE_ABI_VERSION_MAJOR)")
        }
    }
}
