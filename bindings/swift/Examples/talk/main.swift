// A conversation in real time: speech goes in as it comes, pictures with their sound come out.
//
//     swift run talk AVATAR.imx SPEECH.wav
//
// A program that shows something hands `frame.image` to its view and `frame.audioChunk` to its player.

import Foundation
import bitHumanKit

guard CommandLine.arguments.count == 3 else {
    print("usage: talk AVATAR.imx SPEECH.wav")
    exit(2)
}
let avatar = URL(fileURLWithPath: CommandLine.arguments[1])
let runtime =
    switch try Bithuman.createRuntime(modelPath: avatar) {
    case .essence(let runtime): runtime
    case .expression(let bithuman): bithuman.runtime
    }

let reader = try EssenceAudioReader(path: CommandLine.arguments[2])
try await runtime.pushAudio(reader.readAll(), sampleRate: reader.info().rate)
await runtime.flush()

var (pictures, samples) = (0, 0)
for await frame in runtime.framesWithAudio() {
    if frame.image != nil { pictures += 1 }
    samples += frame.audioChunk?.count ?? 0
    if frame.flags.contains(.endOfSpeech) { break }
}
await runtime.stop()
print("\(pictures) pictures, \(samples) samples")
