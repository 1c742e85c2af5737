#if canImport(CoreVideo)

    import CoreVideo

    extension EssenceSession {
        /// Draws the next frame into a pixel buffer of `kCVPixelFormatType_32BGRA` and the session's size, such as one out of a
        /// `CVPixelBufferPool`.
        @discardableResult
        public func draw(_ room: EssenceFrameRoom, into buffer: CVPixelBuffer, wait: EssenceWait = .never) throws -> EssenceNext {
            CVPixelBufferLockBaseAddress(buffer, [])
            defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
            guard CVPixelBufferGetPixelFormatType(buffer) == kCVPixelFormatType_32BGRA,
                CVPixelBufferGetWidth(buffer) == info.width, CVPixelBufferGetHeight(buffer) == info.height,
                let start = CVPixelBufferGetBaseAddress(buffer)
            else { throw EssenceError(.invalidArgument, "the pixel buffer is not 32BGRA of \(info.width) x \(info.height)") }
            let rowBytes = CVPixelBufferGetBytesPerRow(buffer)
            let memory = UnsafeMutableRawBufferPointer(start: start, count: rowBytes * info.height)
            defer { room.forget() }
            return try draw(room, into: memory, format: .bgra, rowBytes: rowBytes, wait: wait)
        }
    }

#endif
