// Renders a file of speech to an MP4 video.
//
//     swift run render AVATAR.imx SPEECH.wav OUTPUT.mp4
//
// Any audio that libessence reads will do: wav, flac, mp3, ogg, m4a.

import bitHumanKit

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

func render(avatar: String, speech: String, output: String) throws -> EssenceMP4Writer.Info {
    let avatar = try EssenceAvatar(path: avatar)
    var options = EssenceSession.Options()
    options.pacing = .unpaced
    options.pixelFormat = .i420
    let session = try EssenceSession(avatar, options)
    let reader = try EssenceAudioReader(path: speech)
    let rate = try reader.info().rate
    let video = try EssenceMP4Writer(path: output, width: session.info.width, height: session.info.height, sampleRate: rate)
    let room = try EssenceFrameRoom()
    while let samples = try reader.read() {
        try session.push(samples, sampleRate: rate)
        while try session.draw(room) == .frame { try video.write(room) }
    }
    try session.flush()
    while try session.draw(room) == .frame { try video.write(room) }
    return try video.finish()
}

let arguments = CommandLine.arguments
guard arguments.count == 4 else {
    print("usage: render AVATAR.imx SPEECH.wav OUTPUT.mp4")
    exit(2)
}
do {
    let video = try render(avatar: arguments[1], speech: arguments[2], output: arguments[3])
    print("\(arguments[3]): \(video.frames) frames of \(video.width) x \(video.height), \(video.bytes) bytes")
} catch let error as EssenceError {
    print(error)
    exit(error.exitCode)
}
