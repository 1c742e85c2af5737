#if canImport(AVFoundation)

    import AVFoundation

    extension Essence2Engine {
        /// Frames that follow a player's sound: see ``frames(audioClock:)``. The program starts the player with the reply's first
        /// frame.
        public nonisolated func frames(following player: AVAudioPlayerNode) -> AsyncStream<Essence2Frame> {
            nonisolated(unsafe) let player = player
            return frames {
                guard let rendered = player.lastRenderTime, let time = player.playerTime(forNodeTime: rendered) else { return nil }
                return Double(time.sampleTime) / time.sampleRate
            }
        }
    }

#endif
