// The processor time of a file of speech, drawn some times over, to compare with `cost.c`.
//
//     swift run -c release cost room|kept AVATAR.imx SPEECH.wav ROUNDS
//
// `room` draws into one room over and over, `kept` gives a frame to keep each time.

import Foundation
import bitHumanKit

let arguments = CommandLine.arguments
guard arguments.count == 5, let rounds = Int(arguments[4]) else { exit(2) }
var settings = EssenceEngine.Options()
settings.provider = .builtin
let avatar = try EssenceAvatar(path: arguments[2], engine: EssenceEngine(settings))
let reader = try EssenceAudioReader(path: arguments[3])
let samples = try reader.readAll()
let rate = try reader.info().rate
var options = EssenceSession.Options()
options.pacing = .unpaced
let session = try EssenceSession(avatar, options)
let room = try EssenceFrameRoom()
var (frames, bytes) = (0, 0)
let begun = clock()
for _ in 0..<rounds {
    try session.push(samples, sampleRate: rate)
    try session.flush()
    if arguments[1] == "room" {
        while try session.draw(room) == .frame {
            frames += 1
            bytes += room.withPlanes { Int($0[0].bytes[0]) } ?? 0
        }
    } else {
        while let frame = try session.nextFrame() {
            frames += 1
            bytes += frame.picture.map { Int($0.bytes[0]) } ?? 0
        }
    }
}
print("\(frames) frames, \(Double(clock() - begun) / Double(CLOCKS_PER_SEC)) s (\(bytes))")
