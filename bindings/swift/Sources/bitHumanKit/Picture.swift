import CEssence

/// A picture: plane after plane, rows from the top down, without padding.
public struct EssencePicture: Sendable, Hashable {
    /// How pixels lie in ``bytes``.
    public let format: EssencePixelFormat
    /// Size in pixels.
    public let width: Int
    public let height: Int
    /// The pixels.
    public let bytes: [UInt8]

    /// - Throws: ``EssenceError`` of kind `invalidArgument` if `bytes` are not as many as the format and size need.
    public init(format: EssencePixelFormat, width: Int, height: Int, bytes: [UInt8]) throws {
        let wanted = format.bytes(width: width, height: height)
        guard wanted > 0, bytes.count == wanted else {
            throw EssenceError(
                .invalidArgument, "a \(format.name) picture of \(width) x \(height) has \(wanted) bytes, not \(bytes.count)")
        }
        self.init(checked: format, width, height, bytes)
    }

    init(checked format: EssencePixelFormat, _ width: Int, _ height: Int, _ bytes: [UInt8]) {
        self.format = format
        self.width = width
        self.height = height
        self.bytes = bytes
    }

    /// Lends the picture to the library, which only reads it.
    func withRaw<Result>(_ body: (UnsafePointer<essence_picture>) throws -> Result) throws -> Result {
        try bytes.withUnsafeBufferPointer { bytes in
            let memory = UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(bytes))
            var raw = try wrap(memory, format, width, height)
            return try withUnsafePointer(to: &raw, body)
        }
    }
}

/// Describes memory as a picture without padding.
func wrap(
    _ memory: UnsafeMutableRawBufferPointer, _ format: EssencePixelFormat, _ width: Int, _ height: Int
) throws -> essence_picture {
    let (width, height) = (try unsigned(width, "width"), try unsigned(height, "height"))
    let start = memory.bindMemory(to: UInt8.self).baseAddress
    return try filled { essence_picture_wrap(format.rawValue, width, height, start, memory.count, $0, $1) }
}
