import CEssence
import Foundation

/// A struct of the C interface that begins with its own size.
protocol Sized {
    init()
    var struct_size: UInt32 { get set }
}

extension essence_audio_info: Sized {}
extension essence_avatar_info: Sized {}
extension essence_curves: Sized {}
extension essence_engine_info: Sized {}
extension essence_error: Sized {}
extension essence_frame_info: Sized {}
extension essence_mp4_info: Sized {}
extension essence_picture: Sized {}
extension essence_provider_report: Sized {}
extension essence_session_info: Sized {}
extension essence_session_statistics: Sized {}
extension essence_visemes: Sized {}

extension Sized {
    /// Zeros, and the size.
    static func sized() -> Self {
        var value = Self()
        value.struct_size = UInt32(MemoryLayout<Self>.stride)
        return value
    }
}

typealias ErrorPointer = UnsafeMutablePointer<essence_error>

/// Makes a call whose last argument is an error; throws what it reports, gives statuses that are none.
@discardableResult
func checked(_ function: (ErrorPointer) throws -> essence_status) throws -> essence_status {
    var error = essence_error.sized()
    let status = try function(&error)
    guard status >= 0 else { throw EssenceError(status: status, &error) }
    return status
}

/// A struct that a call fills.
func filled<Value: Sized>(_ function: (UnsafeMutablePointer<Value>, ErrorPointer) -> essence_status) throws -> Value {
    var value = Value.sized()
    try checked { function(&value, $0) }
    return value
}

/// A struct of options, set to the defaults by its own function.
func defaults<Options>(
    _ options: Options, _ function: (UnsafeMutablePointer<Options>, Int, ErrorPointer) -> essence_status
) throws -> Options {
    var options = options
    try checked { function(&options, MemoryLayout<Options>.stride, $0) }
    return options
}

/// A C string; empty for NULL.
func text(_ pointer: UnsafePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
}

/// An array of C strings.
func texts(_ pointers: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int) -> [String] {
    UnsafeBufferPointer(start: pointers, count: pointers == nil ? 0 : count).map(text)
}

/// Lends C strings for a call.
func withTexts<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) throws -> Result
) rethrows -> Result {
    let copies = texts.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    let pointers = copies.map { UnsafePointer($0) }
    return try pointers.withUnsafeBufferPointer { try body($0.baseAddress) }
}

/// An object of the library's, destroyed once: by ``close()``, by the call that is under way when that comes, or with the last
/// reference to this.
final class Handle: @unchecked Sendable {
    private let lock = NSLock()
    private let name: String
    private let destroy: @Sendable (OpaquePointer) -> Void
    // Guarded by the lock.
    private var pointer: OpaquePointer?
    private var calls = 0
    private var closed = false

    init(
        _ name: String, destroy: @escaping @Sendable (OpaquePointer) -> Void,
        create: (UnsafeMutablePointer<OpaquePointer?>, ErrorPointer) throws -> essence_status
    ) throws {
        var out: OpaquePointer?
        try checked { try create(&out, $0) }
        self.name = name
        self.destroy = destroy
        self.pointer = out
    }

    deinit {
        if let pointer { destroy(pointer) }
    }

    /// Lends the object; ``close()`` may come meanwhile, from any thread.
    func use<Result>(_ body: (OpaquePointer) throws -> Result) throws -> Result {
        let pointer: OpaquePointer? = lock.withLock {
            if closed { return nil }
            calls += 1
            return self.pointer
        }
        guard let pointer else { throw EssenceError(.invalidState, "this \(name) is closed") }
        defer { returned() }
        return try body(pointer)
    }

    /// Makes a call on the object.
    @discardableResult
    func call(_ function: (OpaquePointer, ErrorPointer) throws -> essence_status) throws -> essence_status {
        try use { pointer in try checked { try function(pointer, $0) } }
    }

    /// Destroys the object, or has the last call that is under way do it.
    func close() {
        let last: OpaquePointer? = lock.withLock {
            closed = true
            return calls == 0 ? take() : nil
        }
        if let last { destroy(last) }
    }

    var isClosed: Bool { lock.withLock { closed } }

    private func returned() {
        let last: OpaquePointer? = lock.withLock {
            calls -= 1
            return closed && calls == 0 ? take() : nil
        }
        if let last { destroy(last) }
    }

    private func take() -> OpaquePointer? {
        defer { pointer = nil }
        return pointer
    }
}
