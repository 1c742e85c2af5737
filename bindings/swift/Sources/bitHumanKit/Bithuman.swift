import Foundation

/// An avatar's file as many conversations share it.
public typealias EssenceFixture = EssenceAvatar

/// One conversation, by the family of its avatar.
public enum BithumanRuntime: Sendable {
    /// An avatar that was filmed.
    case essence(EssenceRuntime)
    /// A picture that speaks.
    case expression(Bithuman)
}

/// Ways to begin a conversation, and one with a picture that speaks (the family `expression`).
public actor Bithuman {
    /// The conversation; all that an ``EssenceRuntime`` can do.
    public nonisolated let runtime: EssenceRuntime

    /// Size of the pictures in pixels.
    public nonisolated var frameSize: CGSize { runtime.resolution }

    init(_ runtime: EssenceRuntime) { self.runtime = runtime }

    /// Opens an avatar and begins a conversation, by the avatar's family. Takes tens to hundreds of milliseconds.
    ///
    /// Not `async`, so that programs may write `try` as well as `try await`.
    ///
    /// - Throws: ``EssenceError``, as ``EssenceAvatar/init(path:engine:)`` does.
    public static func createRuntime(modelPath: URL) throws -> BithumanRuntime {
        let fixture = try loadEssenceFixture(modelPath: modelPath)
        let runtime = try createRuntime(fixture: fixture)
        return fixture.family == "expression" ? .expression(Bithuman(runtime)) : .essence(runtime)
    }

    /// The same for a path.
    public static func createRuntime(modelPath: String) throws -> BithumanRuntime {
        try createRuntime(modelPath: URL(fileURLWithPath: modelPath))
    }

    /// Opens an avatar for any number of conversations.
    public static func loadEssenceFixture(modelPath: URL) throws -> EssenceFixture {
        try EssenceFixture(path: modelPath.path)
    }

    /// Begins a conversation with an avatar that is open.
    public static func createRuntime(fixture: EssenceFixture) throws -> EssenceRuntime { try EssenceRuntime(fixture) }

    /// Takes speech; the engine hears any rate, so one of the two is enough, and the one at 24 kHz is taken if both are there.
    public func pushAudio(audio24k: [Float], audio16k: [Float]) throws {
        let (samples, rate) = audio24k.isEmpty ? (audio16k, 16_000) : (audio24k, 24_000)
        try runtime.session.push(samples, sampleRate: rate)
    }

    /// Ends the utterance.
    public func flush() async { await runtime.flush() }

    /// Ends the conversation.
    public func shutdown() async { await runtime.stop() }
}

extension EssenceAvatar {
    /// The word under `engine` in its manifest.
    var family: String {
        let manifest = try? JSONSerialization.jsonObject(with: Data(info.manifest.utf8)) as? [String: Any]
        return manifest?["engine"] as? String ?? ""
    }
}

/// Whether avatars can be drawn here.
public enum HardwareCheck {
    public enum Verdict: Sendable, Equatable {
        case supported
        /// With the reason.
        case unsupported(String)
    }

    /// Every processor will do; the library has to be one of this package's.
    public static func evaluate() -> Verdict {
        do {
            try EssenceLibrary.check()
            return .supported
        } catch {
            return .unsupported(error.localizedDescription)
        }
    }
}
