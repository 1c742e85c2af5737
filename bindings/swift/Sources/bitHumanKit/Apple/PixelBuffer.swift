#if canImport(CoreVideo)

    import CoreVideo

    extension EssenceSession {
        /// Draws the next frame into a pixel buffer of `kCVPixelFormatType_32BGRA` and the session's size, such as one out of a
        /// `CVPixelBufferPool`, whose rows have no padding.
        @discardableResult
        public func draw(_ room: EssenceFrameRoom, into buffer: CVPixelBuffer, wait: EssenceWait = .never) throws -> EssenceNext {
            CVPixelBufferLockBaseAddress(buffer, [])
            defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
            let height = CVPixelBufferGetHeight(buffer)
            guard CVPixelBufferGetPixelFormatType(buffer) == kCVPixelFormatType_32BGRA,
                CVPixelBufferGetBytesPerRow(buffer) == 4 * CVPixelBufferGetWidth(buffer),
                let start = CVPixelBufferGetBaseAddress(buffer)
            else { throw EssenceError(.invalidArgument, "the pixel buffer is not 32BGRA without padding") }
            let memory = UnsafeMutableRawBufferPointer(start: start, count: CVPixelBufferGetBytesPerRow(buffer) * height)
            return try draw(room, into: memory, format: .bgra, wait: wait)
        }
    }

#endif
