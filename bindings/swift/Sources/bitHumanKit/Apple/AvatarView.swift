#if canImport(SwiftUI) && canImport(CoreGraphics)

    import SwiftUI

    /// Shows a conversation's pictures. It takes the runtime's frames, so nothing else may ask for them; sound is the program's,
    /// which gives `onFrame` what comes with each picture.
    public struct AvatarView: View {
        private let runtime: EssenceRuntime
        private let onFrame: @MainActor (EssenceRuntimeFrame) -> Void
        @State private var image: CGImage?

        public init(runtime: EssenceRuntime, onFrame: @escaping @MainActor (EssenceRuntimeFrame) -> Void = { _ in }) {
            self.runtime = runtime
            self.onFrame = onFrame
        }

        public var body: some View {
            Group {
                if let image {
                    Image(decorative: image, scale: 1).resizable().aspectRatio(contentMode: .fit)
                } else {
                    Color.clear.aspectRatio(runtime.resolution, contentMode: .fit)
                }
            }
            .task {
                for await frame in runtime.framesWithAudio() {
                    if let next = frame.image { image = next }
                    onFrame(frame)
                }
            }
        }
    }

#endif
