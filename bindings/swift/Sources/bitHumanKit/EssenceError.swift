import CEssence
import Foundation

/// An error of the library's: a kind for programs, a sentence for people.
public struct EssenceError: Error, Sendable, Hashable {
    /// The kinds, with the values of the C interface.
    public enum Kind: Int32, Sendable, CaseIterable {
        /// An argument is outside its domain. Correct the call; the message names the domain.
        case invalidArgument = -100
        /// The call does not fit what was called before: the object is closed, say.
        case invalidState = -101
        /// Something is larger than the library accepts. The message names the limit.
        case limitExceeded = -102
        /// The operation was stopped on request. Nothing needs to be done.
        case cancelled = -103
        /// A file, member or motion of that name does not exist. Check the name.
        case notFound = -200
        /// The system could not read or write.
        case io = -201
        /// The file is not an avatar, or a damaged one. Get a fresh copy or make it again.
        case invalidAvatar = -202
        /// The data is of a kind that the library does not read. Convert it.
        case unsupportedFormat = -203
        /// The file, or this package, needs another version of the library.
        case unsupportedVersion = -204
        /// ONNX Runtime could not be loaded, and the provider needs it.
        case runtimeMissing = -300
        /// No provider that was allowed can run this avatar.
        case providerUnavailable = -301
        /// A run of a network failed. Report it with the message.
        case inference = -302
        /// A bug in the library. Report it with the message.
        case `internal` = -900
    }

    /// The status that the library returned.
    public let status: Int32
    /// The fault, and what to do about it.
    public let message: String

    /// The kind of the status; ``Kind/internal`` for one that this version does not know.
    public var kind: Kind { Kind(rawValue: status) ?? .internal }
    /// The kind's name in the C interface, such as `invalid_argument`.
    public var name: String { String(cString: essence_status_name(status)) }
    /// The code that a command line program ends with after this error, after BSD's `sysexits`.
    public var exitCode: Int32 { essence_status_exit_code(status) }

    /// An error of the package's own.
    public init(_ kind: Kind, _ message: String) {
        self.status = kind.rawValue
        self.message = message
    }

    init(status: essence_status, _ error: inout essence_error) {
        self.status = status
        let room = MemoryLayout.size(ofValue: error.message)
        self.message = withUnsafePointer(to: &error.message) { tuple in
            tuple.withMemoryRebound(to: CChar.self, capacity: room) { String(cString: $0) }
        }
    }
}

extension EssenceError: LocalizedError, CustomStringConvertible {
    public var errorDescription: String? { message }
    public var description: String { "\(name): \(message)" }
}
