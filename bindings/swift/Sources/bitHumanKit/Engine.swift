import CEssence
import Foundation

/// The threads and settings that avatars share. One per process is enough: ``shared()``.
///
/// May be used from any number of threads at a time.
public final class EssenceEngine: Sendable {
    /// Settings of an engine; what is not set has the library's default.
    public struct Options: Sendable {
        /// Executes the networks. One that is asked for by name is never replaced.
        public var provider = EssenceProvider.auto
        /// ONNX Runtime's library; nil searches `ORT_DYLIB_PATH` and the usual places.
        public var runtimeLibrary: String?
        /// Bytes that the decoded base frames of each avatar may take; nil: 48 MiB.
        public var baseCacheBytes: UInt64?
        /// Threads that prepare frames; 0: as many as the process may use cores.
        public var threads = 0
        /// Most sessions in real time at a time; nil: no limit.
        public var maxSessions: Int?
        /// Maps avatars' files instead of reading them. Such a file must not be overwritten while its avatar is open.
        public var mapFiles = false
        /// Takes messages, from any thread, and must not call into the library.
        public var log: (@Sendable (EssenceLogLevel, String) -> Void)?
        /// Level of the messages that are logged.
        public var logLevel = EssenceLogLevel.info

        public init() {}
    }

    /// An engine's findings.
    public struct Info: Sendable {
        /// The file of the ONNX Runtime in use; empty where none is.
        public let runtimePath: String
        /// Its version; empty where there is none.
        public let runtimeVersion: String
        /// The places that were looked at before, a line each.
        public let runtimeTried: String
        /// The providers that there are.
        public let providers: [EssenceProvider]
        /// Threads that prepare frames.
        public let threads: Int
        /// Sessions in real time now.
        public let sessions: Int
    }

    let handle: Handle

    /// Makes an engine.
    ///
    /// - Throws: ``EssenceError`` of kind `runtimeMissing`, `invalidState`, `invalidArgument` or `unsupportedVersion`.
    public init(_ options: Options = Options()) throws {
        try EssenceLibrary.check()
        var raw = try defaults(essence_engine_options(), essence_engine_options_init)
        raw.provider = options.provider.rawValue
        raw.threads = try unsigned(options.threads, "threads")
        raw.map_files = options.mapFiles ? 1 : 0
        raw.log_level = options.logLevel.rawValue
        if let bytes = options.baseCacheBytes { raw.base_cache_bytes = bytes }
        if let log = options.log {
            raw.log = { number, level, message, length in
                let bytes = UnsafeRawBufferPointer(start: message, count: length)
                sinks.find(number)?(EssenceLogLevel(rawValue: level) ?? .trace, String(decoding: bytes, as: UTF8.self))
            }
            raw.log_user_data = sinks.add(log)
            raw.log_destroy = { sinks.remove($0) }
        }
        let create = { (path: UnsafePointer<CChar>?) in
            raw.runtime_library = path
            return try Handle("engine", destroy: { essence_engine_destroy($0) }) { essence_engine_create(&raw, $0, $1) }
        }
        handle = try options.runtimeLibrary.map { try $0.withCString(create) } ?? create(nil)
        if let sessions = options.maxSessions { try setMaxSessions(sessions) }
    }

    /// The engine of all that asks for none of its own, made when it is first needed, with the defaults.
    public static func shared() throws -> EssenceEngine {
        try Shared.lock.withLock {
            if let engine = Shared.engine { return engine }
            let engine = try EssenceEngine()
            Shared.engine = engine
            return engine
        }
    }

    /// The runtime and the processors that the engine found.
    public func info() throws -> Info {
        try handle.use { engine in
            let raw: essence_engine_info = try filled { essence_engine_describe(engine, $0, $1) }
            let providers = UnsafeBufferPointer(start: raw.providers, count: raw.providers == nil ? 0 : raw.provider_count)
            return Info(
                runtimePath: text(raw.runtime_path), runtimeVersion: text(raw.runtime_version),
                runtimeTried: text(raw.runtime_tried), providers: providers.compactMap(EssenceProvider.init),
                threads: Int(raw.threads), sessions: Int(raw.sessions))
        }
    }

    /// Sets another limit for sessions in real time: 0 lets no further one begin, nil as many as wanted.
    public func setMaxSessions(_ sessions: Int?) throws {
        let limit = try sessions.map { try unsigned($0, "sessions") } ?? UInt32(ESSENCE_NO_LIMIT)
        try handle.call { essence_engine_set_max_sessions($0, limit, $1) }
    }

    /// Logs messages of this level and of those that matter more from now on. Not to be called from the log.
    public func setLogLevel(_ level: EssenceLogLevel) throws {
        try handle.call { essence_engine_set_log_level($0, level.rawValue, $1) }
    }
}

private enum Shared {
    static let lock = NSLock()
    // Guarded by the lock.
    nonisolated(unsafe) static var engine: EssenceEngine?
}

private let sinks = Registry<@Sendable (EssenceLogLevel, String) -> Void>()

/// A count as the C interface takes it.
func unsigned(_ value: Int, _ name: String) throws -> UInt32 {
    guard let value = UInt32(exactly: value) else {
        throw EssenceError(.invalidArgument, "\(name) is \(value), outside 0 to \(UInt32.max)")
    }
    return value
}
