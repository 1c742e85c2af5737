#if canImport(CoreGraphics)

    @preconcurrency import CoreGraphics
    import Foundation

    /// A picture as the system draws it: `CGImage` on Apple's, ``EssencePicture`` elsewhere.
    public typealias AvatarImage = CGImage

    /// A BGRA picture as Core Graphics has it. Straight alpha: nothing is multiplied.
    func avatarImage(_ picture: EssencePicture) -> AvatarImage? {
        guard picture.format == .bgra, let provider = CGDataProvider(data: Data(picture.bytes) as CFData) else { return nil }
        let info = CGBitmapInfo.byteOrder32Little.rawValue | CGImageAlphaInfo.first.rawValue
        return CGImage(
            width: picture.width, height: picture.height, bitsPerComponent: 8, bitsPerPixel: 32,
            bytesPerRow: 4 * picture.width, space: CGColorSpaceCreateDeviceRGB(), bitmapInfo: CGBitmapInfo(rawValue: info),
            provider: provider, decode: nil, shouldInterpolate: true, intent: .defaultIntent)
    }

#endif
