#if !canImport(CoreGraphics)

    /// A picture as the system draws it: `CGImage` on Apple's, ``EssencePicture`` elsewhere.
    public typealias AvatarImage = EssencePicture

    func avatarImage(_ picture: EssencePicture) -> AvatarImage? { picture }

#endif
