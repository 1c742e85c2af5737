import AVFoundation
import Foundation

#if canImport(bithuman_core)
import CEssence
import bithuman_core
#endif

#if os(iOS)
import Flutter
#else
import FlutterMacOS
#endif

private let channelName = "ai.bithuman.avatar"

/// An avatar on a texture, with its sound.
private final class Shown: NSObject, FlutterStreamHandler {
    let texture: StageTexture
    let microphone: FlutterEventChannel
    var sound: Sound?
    private var sink: FlutterEventSink?

    init(texture: StageTexture, messenger: FlutterBinaryMessenger) {
        self.texture = texture
        microphone = FlutterEventChannel(name: "\(channelName).mic/\(texture.id)", binaryMessenger: messenger)
        super.init()
        microphone.setStreamHandler(self)
    }

    func onListen(withArguments arguments: Any?, eventSink events: @escaping FlutterEventSink) -> FlutterError? {
        sink = events
        return nil
    }

    func onCancel(withArguments arguments: Any?) -> FlutterError? {
        sink = nil
        return nil
    }

    func heard(_ pcm: Data) {
        DispatchQueue.main.async { [weak self] in self?.sink?(FlutterStandardTypedData(bytes: pcm)) }
    }

    func close() {
        sound?.close()
        sound = nil
        microphone.setStreamHandler(nil)
        texture.close()
    }
}

/// Textures of stages, and the method channel. All of it runs on the main thread but the opening of avatars.
public final class BithumanPlugin: NSObject, FlutterPlugin {
    private let registry: FlutterTextureRegistry
    private let messenger: FlutterBinaryMessenger
    private var avatars: [Int64: Shown] = [:]

    private init(registry: FlutterTextureRegistry, messenger: FlutterBinaryMessenger) {
        self.registry = registry
        self.messenger = messenger
    }

    public static func register(with registrar: FlutterPluginRegistrar) {
        #if os(iOS)
        let (messenger, registry) = (registrar.messenger(), registrar.textures())
        #else
        let (messenger, registry) = (registrar.messenger, registrar.textures)
        #endif
        let channel = FlutterMethodChannel(name: channelName, binaryMessenger: messenger)
        registrar.addMethodCallDelegate(BithumanPlugin(registry: registry, messenger: messenger), channel: channel)
    }

    public func handle(_ call: FlutterMethodCall, result: @escaping FlutterResult) {
        let arguments = call.arguments as? [String: Any] ?? [:]
        switch call.method {
        case "engineVersion":
            result(String(cString: bithuman_engine_version()))
        case "attach":
            guard let id = arguments["stage"] as? NSNumber, let stage = bithuman_stage_find(id.uint64Value) else {
                return result(Self.bad("`stage` is no stage of this process"))
            }
            result(show(stage))
        case "load":
            guard let path = arguments["path"] as? String else { return result(Self.bad("`path` has to be a string")) }
            load(path, result)
        case "pushAudio", "playSpeakerPCM", "interrupt", "silence", "audioStart", "audioStop", "dispose",
            "attachWebrtcRemoteAudio", "detachWebrtcRemoteAudio":
            guard let id = arguments["textureId"] as? NSNumber, let avatar = avatars[id.int64Value] else {
                return result(Self.bad("`textureId` is no avatar's"))
            }
            answer(call.method, arguments, avatar, result)
        default:
            result(FlutterMethodNotImplemented)
        }
    }

    private func answer(_ method: String, _ arguments: [String: Any], _ avatar: Shown, _ result: @escaping FlutterResult) {
        let pcm = (arguments["pcm"] as? FlutterStandardTypedData)?.data
        switch method {
        case "pushAudio":
            guard let pcm else { return result(Self.bad("`pcm` has to be bytes")) }
            result(
                Self.call { error in
                    pcm.withUnsafeBytes { bytes in
                        bithuman_stage_push_bytes(
                            avatar.texture.stage, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, error)
                    }
                })
        case "playSpeakerPCM":
            guard let pcm else { return result(Self.bad("`pcm` has to be bytes")) }
            guard let sound = avatar.sound else { return result(Self.bad("audioStart comes first")) }
            result(sound.play(pcm) ? nil : Self.bad("too much sound waits to be played"))
        case "interrupt":
            avatar.sound?.interrupt()
            result(Self.call { essence_session_interrupt(bithuman_stage_session(avatar.texture.stage), $0) })
        case "silence":
            avatar.sound?.interrupt()
            result(nil)
        case "audioStart":
            startSound(avatar, arguments, result)
        case "audioStop":
            avatar.sound?.close()
            avatar.sound = nil
            result(nil)
        case "dispose":
            avatars[avatar.texture.id] = nil
            avatar.close()
            result(nil)
        default:
            result(
                FlutterError(
                    code: "unsupported", message: "give the remote track's sound to pushAudio", details: nil))
        }
    }

    private func startSound(_ avatar: Shown, _ arguments: [String: Any], _ result: @escaping FlutterResult) {
        avatar.sound?.close()
        avatar.sound = nil
        let threshold = (arguments["vadThreshold"] as? NSNumber)?.floatValue ?? 0
        let open: (Bool) -> Void = { microphone in
            do {
                avatar.sound = try Sound(threshold: threshold, heard: microphone ? { [weak avatar] in avatar?.heard($0) } : nil)
                result(nil)
            } catch {
                result(Self.failed(error.localizedDescription))
            }
        }
        guard arguments["enableMic"] as? Bool ?? true else { return open(false) }
        AVCaptureDevice.requestAccess(for: .audio) { granted in
            DispatchQueue.main.async {
                granted ? open(true) : result(Self.failed("the app may not use the microphone"))
            }
        }
    }

    private func load(_ path: String, _ result: @escaping FlutterResult) {
        DispatchQueue.global(qos: .userInitiated).async {
            var stage: OpaquePointer?
            let failure = Self.call { bithuman_stage_open(path, UInt32(ESSENCE_PIXEL_FORMAT_BGRA8), &stage, $0) }
            DispatchQueue.main.async {
                if let stage { result(self.show(stage)) } else { result(failure) }
            }
        }
    }

    /// The texture's number.
    private func show(_ stage: OpaquePointer) -> Int64 {
        let texture = StageTexture(stage: stage, registry: registry)
        avatars[texture.id] = Shown(texture: texture, messenger: messenger)
        return texture.id
    }

    /// Calls a function of the engine's; its error as the channel has it.
    private static func call(_ function: (UnsafeMutablePointer<essence_error>) -> essence_status) -> FlutterError? {
        var error = essence_error()
        error.struct_size = UInt32(MemoryLayout<essence_error>.size)
        let status = function(&error)
        if status >= 0 { return nil }
        let message = withUnsafeBytes(of: error.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return FlutterError(code: String(cString: bithuman_channel_code(status)), message: message, details: nil)
    }

    private static func bad(_ words: String) -> FlutterError {
        FlutterError(code: "BAD_ARGS", message: words, details: nil)
    }

    private static func failed(_ words: String) -> FlutterError {
        FlutterError(code: "AUDIO_START_FAILED", message: words, details: nil)
    }
}
