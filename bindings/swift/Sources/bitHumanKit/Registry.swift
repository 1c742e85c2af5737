import Foundation

/// The objects that the library's callbacks are for, by a number that the library keeps instead of a pointer: a call that comes late finds
/// nothing rather than memory that is gone.
final class Registry<Object: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    // Guarded by the lock.
    private var last: UInt = 0
    private var objects: [UInt: Object] = [:]

    /// Keeps an object until ``remove(_:)``; the number for it, as the library takes it.
    func add(_ object: Object) -> UnsafeMutableRawPointer {
        lock.withLock {
            last += 1
            objects[last] = object
            // Never NULL, and never followed.
            return UnsafeMutableRawPointer(bitPattern: last)!
        }
    }

    func find(_ number: UnsafeMutableRawPointer?) -> Object? {
        lock.withLock { objects[UInt(bitPattern: number)] }
    }

    func remove(_ number: UnsafeMutableRawPointer?) {
        // Freed outside of the lock: that may run code of the program's.
        _ = lock.withLock { objects.removeValue(forKey: UInt(bitPattern: number)) }
    }
}
