import AVFoundation

#if canImport(bithuman_core)
import CEssence
import bithuman_core
#endif

/// The loudspeaker and the microphone, on the system's own processing of voices: what is played is not heard again.
final class Sound {
    private static let playedHz = 24000.0
    private static let heardHz = 16000.0
    /// Pieces that wait to be played; more are refused.
    private static let mostPieces = 1024

    private let engine = AVAudioEngine()
    private let player = AVAudioPlayerNode()
    private let played: AVAudioFormat
    private let lock = NSLock()
    private var waiting = 0

    /// Opens the loudspeaker, and the microphone for `heard`, which is told 16-bit samples, mono, 16 kHz.
    init(threshold: Float, heard: ((Data) -> Void)?) throws {
        guard
            let played = AVAudioFormat(
                commonFormat: .pcmFormatFloat32, sampleRate: Self.playedHz, channels: 1, interleaved: false),
            let wanted = AVAudioFormat(
                commonFormat: .pcmFormatInt16, sampleRate: Self.heardHz, channels: 1, interleaved: true)
        else {
            throw NSError(domain: "bithuman", code: 1)
        }
        self.played = played
        #if os(iOS)
        let session = AVAudioSession.sharedInstance()
        try session.setCategory(heard == nil ? .playback : .playAndRecord, mode: heard == nil ? .default : .voiceChat)
        try session.setActive(true)
        #endif
        engine.attach(player)
        engine.connect(player, to: engine.mainMixerNode, format: played)
        if let heard {
            try engine.inputNode.setVoiceProcessingEnabled(true)
            try listen(in: wanted, threshold: threshold, heard: heard)
        }
        try engine.start()
        player.play()
    }

    /// False: too much waits already. `pcm`: 16-bit samples, mono, 24 kHz.
    func play(_ pcm: Data) -> Bool {
        let count = pcm.count / 2
        lock.lock()
        let full = waiting >= Self.mostPieces
        if !full { waiting += 1 }
        lock.unlock()
        if full { return false }
        guard count > 0, let buffer = AVAudioPCMBuffer(pcmFormat: played, frameCapacity: AVAudioFrameCount(count)),
            let samples = buffer.floatChannelData?[0]
        else {
            done()
            return true
        }
        buffer.frameLength = AVAudioFrameCount(count)
        pcm.withUnsafeBytes { bytes in
            for index in 0..<count {
                let sample = Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: Int16.self))
                samples[index] = Float(sample) / 32768
            }
        }
        player.scheduleBuffer(buffer) { [weak self] in self?.done() }
        return true
    }

    func interrupt() {
        player.stop()
        player.play()
    }

    func close() {
        engine.inputNode.removeTap(onBus: 0)
        player.stop()
        engine.stop()
    }

    private func done() {
        lock.lock()
        waiting -= 1
        lock.unlock()
    }

    private func listen(in wanted: AVAudioFormat, threshold: Float, heard: @escaping (Data) -> Void) throws {
        let given = engine.inputNode.outputFormat(forBus: 0)
        guard let converter = AVAudioConverter(from: given, to: wanted) else {
            throw NSError(domain: "bithuman", code: 2)
        }
        engine.inputNode.installTap(onBus: 0, bufferSize: 1024, format: given) { buffer, _ in
            let capacity = AVAudioFrameCount(Double(buffer.frameLength) * wanted.sampleRate / given.sampleRate) + 16
            guard let piece = AVAudioPCMBuffer(pcmFormat: wanted, frameCapacity: capacity) else { return }
            var given: AVAudioPCMBuffer? = buffer
            converter.convert(to: piece, error: nil) { _, status in
                status.pointee = given == nil ? .noDataNow : .haveData
                defer { given = nil }
                return given
            }
            guard piece.frameLength > 0, let samples = piece.int16ChannelData?[0] else { return }
            var data = Data(bytes: samples, count: Int(piece.frameLength) * 2)
            if threshold > 0 {
                data.withUnsafeMutableBytes { bytes in
                    bithuman_gate(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, threshold)
                }
            }
            heard(data)
        }
    }
}
