import CoreVideo
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

/// A texture that shows a stage. The registry composes with ``copyPixelBuffer()`` from a thread of its own.
final class StageTexture: NSObject, FlutterTexture {
    let stage: OpaquePointer
    private let registry: FlutterTextureRegistry
    private let pool: CVPixelBufferPool?
    private(set) var id: Int64 = 0

    /// `stage`: one reference is the texture's from now on.
    init(stage: OpaquePointer, registry: FlutterTextureRegistry) {
        self.stage = stage
        self.registry = registry
        var width: UInt32 = 0
        var height: UInt32 = 0
        bithuman_stage_size(stage, &width, &height)
        let attributes: [CFString: Any] = [
            kCVPixelBufferPixelFormatTypeKey: kCVPixelFormatType_32BGRA,
            kCVPixelBufferWidthKey: Int(width),
            kCVPixelBufferHeightKey: Int(height),
            kCVPixelBufferMetalCompatibilityKey: true,
            kCVPixelBufferIOSurfacePropertiesKey: [:] as CFDictionary,
        ]
        var made: CVPixelBufferPool?
        CVPixelBufferPoolCreate(nil, nil, attributes as CFDictionary, &made)
        pool = made
        super.init()
        id = registry.register(self)
        // Unretained: close() ends the callback before this object goes.
        bithuman_stage_listen(stage, { user in
            guard let user else { return }
            Unmanaged<StageTexture>.fromOpaque(user).takeUnretainedValue().mark()
        }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        bithuman_stage_release(stage)
    }

    /// Ends all drawing, and takes the texture from the screen.
    func close() {
        bithuman_stage_close(stage)
        registry.unregisterTexture(id)
    }

    func copyPixelBuffer() -> Unmanaged<CVPixelBuffer>? {
        var buffer: CVPixelBuffer?
        guard let pool, CVPixelBufferPoolCreatePixelBuffer(nil, pool, &buffer) == kCVReturnSuccess, let buffer else {
            return nil
        }
        CVPixelBufferLockBaseAddress(buffer, [])
        let copied = bithuman_stage_copy(
            stage,
            CVPixelBufferGetBaseAddress(buffer)?.assumingMemoryBound(to: UInt8.self),
            CVPixelBufferGetBytesPerRow(buffer),
            UInt32(CVPixelBufferGetWidth(buffer)),
            UInt32(CVPixelBufferGetHeight(buffer))
        )
        CVPixelBufferUnlockBaseAddress(buffer, [])
        return copied == 1 ? Unmanaged.passRetained(buffer) : nil
    }

    /// From the thread that draws.
    private func mark() {
        let (registry, id) = (registry, id)
        DispatchQueue.main.async { registry.textureFrameAvailable(id) }
    }
}
