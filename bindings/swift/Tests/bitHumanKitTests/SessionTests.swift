import Foundation
import XCTest
import bitHumanKit

final class SessionTests: XCTestCase {
    func testSoundComesBackWithItsFrames() throws {
        let session = try unpaced(open("toy"))
        let (samples, rate) = try recording("speech_44100.wav")
        let pcm = samples.withUnsafeBytes { Data($0) }
        try session.push(pcm.prefix(20_000), sampleRate: rate, tag: 7)
        try session.push(pcm.dropFirst(20_000), sampleRate: rate)
        try session.flush()
        let frames = try drain(session)
        XCTAssertEqual(frames.flatMap(\.audio), samples)
        XCTAssertEqual(frames.flatMap(\.audioFloats), samples.map { Float($0) / 32_768 })
        XCTAssertEqual(frames.first?.facts.tag, 7)
        XCTAssertEqual(frames.last?.facts.tag, 0)
        XCTAssertEqual(frames.last?.flags, [.speech, .endOfSpeech])
        XCTAssertEqual(frames.first?.arkit.count, session.avatar.info.arkitNames.count)
        XCTAssertEqual(try session.statistics().samples, UInt64(samples.count))
    }

    func testRoomsGiveTheSameFramesAsKeptOnes() throws {
        let avatar = try open("toy")
        for format in EssencePixelFormat.allCases {
            let (one, other) = (try unpaced(avatar) { $0.pixelFormat = format }, try unpaced(avatar) { $0.pixelFormat = format })
            for session in [one, other] {
                try session.push(buzz, sampleRate: 16_000)
                try session.flush()
            }
            let rooms = try (0..<4).map { _ in try EssenceFrameRoom() }
            let kept = try drain(one)
            var drawn: [EssenceFrame] = []
            while true {
                let (next, count) = try other.draw(rooms)
                drawn += rooms.prefix(count).compactMap { $0.copy() }
                if next != .frame { break }
            }
            XCTAssertEqual(drawn.map(\.picture), kept.map(\.picture), format.name)
            XCTAssertEqual(drawn.map(\.facts), kept.map(\.facts), format.name)
            XCTAssertEqual(drawn.map(\.audio), kept.map(\.audio), format.name)
        }
    }

    func testARoomLendsWhatWasDrawn() throws {
        let session = try unpaced(open("toy"))
        let room = try EssenceFrameRoom()
        XCTAssertNil(room.facts)
        XCTAssertNil(room.copy())
        XCTAssertEqual(try session.draw(room), .again)
        try session.push(buzz, sampleRate: 16_000)
        XCTAssertEqual(try session.draw(room, wait: .within(.zero)), .frame)
        XCTAssertEqual(room.facts?.index, 0)
        XCTAssertEqual(room.withAudio { $0.count }, 640)
        XCTAssertEqual(room.withPlanes { $0.map(\.stride) }, [3 * 64])
        XCTAssertEqual(room.withPlanes { $0[0].bytes.count }, 3 * 64 * 48)
        session.close()
        // The frame is the room's.
        XCTAssertEqual(room.copy()?.picture?.bytes.count, 3 * 64 * 48)
    }

    func testDoneIsToldFromAgain() throws {
        let session = try unpaced(open("toy")) { $0.reportsDone = true }
        let room = try EssenceFrameRoom()
        XCTAssertEqual(try session.draw(room), .done)
        try session.push(Array(buzz.prefix(100)), sampleRate: 16_000)
        XCTAssertEqual(try session.draw(room), .again)
        try session.flush()
        XCTAssertEqual(try session.draw(room), .frame)
        XCTAssertEqual(try session.draw(room), .done)
    }

    func testOutputsBackgroundsAndFits() throws {
        let avatar = try open("toy_keyed")
        let red = try EssencePicture(format: .rgb, width: 1, height: 1, bytes: [255, 0, 0])
        let wanted: [(EssenceBackground, [UInt8])] = [(.color(0x00FF00), [0, 255, 0]), (.picture(red), [255, 0, 0])]
        for (background, corner) in wanted {
            let session = try unpaced(avatar) { options in
                options.pixelFormat = .rgb
                options.background = background
                options.size = (128, 48)
            }
            try session.push(buzz, sampleRate: 16_000)
            let picture = try XCTUnwrap(session.nextFrame()?.picture)
            XCTAssertEqual(Array(picture.bytes.prefix(3)), corner)
        }
        let crop = try unpaced(avatar) { options in
            options.fit = .crop(left: 8, top: 4)
            options.size = (32, 16)
        }
        XCTAssertEqual(crop.info.pictureBytes, 32 * 16 * 3)
        assertThrows(.invalidArgument) {
            try unpaced(avatar) { options in
                options.fit = .crop(left: 60, top: 4)
                options.size = (32, 16)
            }
        }
        let silent = try unpaced(avatar) { $0.pictures = false }
        try silent.push(buzz, sampleRate: 16_000)
        let frame = try XCTUnwrap(silent.nextFrame())
        XCTAssertNil(frame.picture)
        XCTAssertEqual(frame.audio.count, 640)
    }

    func testMouthsOfTheProgram() throws {
        let avatar = try open("toy")
        let session = try unpaced(avatar)
        let name = try XCTUnwrap(avatar.info.arkitNames.first)
        try session.pushCurves(names: [name], times: [0, 1], values: [[0], [1]], withoutSound: true)
        try session.flush()
        let values = try drain(session).compactMap(\.arkit.first)
        XCTAssertEqual(values.count, 26)
        XCTAssertEqual(values[12], 0.48, accuracy: 0.001)
        assertThrows(.invalidArgument) { try session.pushCurves(names: ["nothing"], times: [0], values: [[0]]) }
        assertThrows(.invalidArgument) { try session.pushCurves(names: [name], times: [0, 1], values: [[0]]) }
        let spoken = [EssenceViseme("HH", start: 0), EssenceViseme("AA", start: 0.1, end: 0.4), EssenceViseme("M", start: 0.4)]
        try session.pushVisemes(spoken, withoutSound: true)
        try session.flush()
        XCTAssertGreaterThan(try drain(session).count, 8)
        assertThrows(.invalidArgument, "QQ") { try session.pushVisemes([EssenceViseme("QQ", start: 0)]) }
        try session.pushVisemes([EssenceViseme("QQ", start: 0)], ignoreUnknown: true)
    }

    func testControlOfASessionInRealTime() throws {
        let (clock, options) = try paced()
        let avatar = try open("toy")
        let session = try EssenceSession(avatar, options)
        let tick = { () throws -> EssenceFrame in
            defer { try? clock.advance(by: .milliseconds(40)) }
            return try XCTUnwrap(session.nextFrame())
        }
        XCTAssertEqual(try tick().flags, [])
        // The frame of this tick; the next one is not due yet.
        _ = try session.nextFrame()
        XCTAssertNil(try session.nextFrame())
        try clock.advance(by: .milliseconds(40))
        try session.push(buzz, sampleRate: 16_000)
        XCTAssertEqual(try tick().flags, [.speech])
        try session.setPaused(true)
        XCTAssertFalse(try tick().flags.contains(.speech))
        try session.setPaused(false)
        try session.setMuted(true)
        XCTAssertTrue(try tick().flags.contains(.muted))
        try session.setMuted(false)
        if let motion = avatar.info.motions.first {
            try session.perform(motion)
            try session.perform(motion, again: true)
            try session.setLoop(motion)
            try session.setLoop(nil)
        }
        try session.interrupt()
        XCTAssertEqual(try tick().facts.interruptions, 1)
        try session.cancel()
        assertThrows(.cancelled) { try session.nextFrame() }
        try session.restartClock()
        XCTAssertNoThrow(try tick())
        assertThrows(.invalidState) { try clock.setPosition(.seconds(1)) }
        let host = try EssenceClock.host()
        try host.setPosition(.seconds(1))
        assertThrows(.invalidState) { try host.advance(by: .seconds(1)) }
    }

    func testWhatAvatarAndEngineSay() throws {
        let avatar = try open("toy")
        let info = avatar.info
        XCTAssertEqual([info.width, info.height, info.frameCount, info.frameRate], [64, 48, 10, 25])
        XCTAssertEqual([info.sampleRate, info.samplesPerFrame], [16_000, 640])
        XCTAssertFalse(info.hasMatte)
        XCTAssertEqual(info.emotions, [.neutral])
        XCTAssertTrue(info.manifest.hasPrefix("{"))
        XCTAssertEqual(info.fileBytes, UInt64(try Data(contentsOf: toyFile).count))
        XCTAssertEqual(avatar.provider.provider, .builtin)
        XCTAssertEqual(try EssenceAvatar(data: Data(contentsOf: toyFile), engine: builtin).info.name, info.name)
        XCTAssertGreaterThan(try avatar.measureCapacity(), 0)
        XCTAssertEqual(try avatar.idlePicture(.rgba).bytes.count, 4 * 64 * 48)
        XCTAssertTrue(try builtin.info().providers.contains(.builtin))
        XCTAssertEqual(EssenceLibrary.abiVersion.major, 1)
        XCTAssertTrue(EssenceLibrary.buildInfo.contains(EssenceLibrary.version))
        XCTAssertEqual(EssenceProvider.coreml.name, "coreml")
        XCTAssertEqual(EssencePixelFormat.nv12.bytes(width: 3, height: 3), 9 + 8)
        XCTAssertEqual(EssencePixelFormat.rgb.bytes(width: -1, height: 3), 0)
    }

    func testTheLogIsHeardAndLetGo() throws {
        final class Heard: @unchecked Sendable {
            private let lock = NSLock()
            private var said: [String] = []
            func add(_ message: String) { lock.withLock { said.append(message) } }
            var count: Int { lock.withLock { said.count } }
        }
        let heard = Heard()
        weak var sink: Heard?
        do {
            let own = Heard()
            sink = own
            var options = EssenceEngine.Options()
            options.provider = .builtin
            options.logLevel = .debug
            options.log = { level, message in
                own.add(message)
                if level <= .info { heard.add(message) }
            }
            let engine = try EssenceEngine(options)
            _ = try EssenceAvatar(path: toyFile.path, engine: engine)
            XCTAssertGreaterThan(own.count, 0)
            let before = own.count
            try engine.setLogLevel(.off)
            _ = try EssenceAvatar(path: toyFile.path, engine: engine)
            XCTAssertEqual(own.count, before)
        }
        XCTAssertGreaterThan(heard.count, 0)
        XCTAssertNil(sink, "the library lets the log go with the last engine and avatar")
    }

    func testFilesOfSoundAndVideo() throws {
        let speech = testdata.appendingPathComponent("audio/speech_16000.wav").path
        let reader = try EssenceAudioReader(path: speech)
        XCTAssertEqual(try reader.info().rate, 16_000)
        XCTAssertEqual(try reader.info().expectedSamples, 176_640)
        let samples = try reader.readAll()
        XCTAssertEqual(samples, try recording("speech_16000.wav").samples.map { Float($0) / 32_768 })
        XCTAssertNil(try reader.read())
        assertThrows(.notFound) { try EssenceAudioReader(path: "/nowhere.wav") }

        let output = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).mp4")
        defer { try? FileManager.default.removeItem(at: output) }
        do {
            let unfinished = try EssenceMP4Writer(path: output.path, width: 64, height: 48, sampleRate: 16_000)
            try unfinished.write(samples)
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: output.path))
        let session = try unpaced(open("toy")) { $0.pixelFormat = .i420 }
        let writer = try EssenceMP4Writer(path: output.path, width: 64, height: 48, sampleRate: 16_000, quality: .low)
        let room = try EssenceFrameRoom()
        try session.push(buzz, sampleRate: 16_000)
        XCTAssertEqual(try session.draw(room), .frame)
        try writer.write(room)
        try writer.write(try XCTUnwrap(session.nextFrame()?.picture))
        try writer.write(Array(samples.prefix(640)))
        let info = try writer.finish()
        XCTAssertEqual([info.frames, UInt64(info.width), UInt64(info.height)], [2, 64, 48])
        XCTAssertEqual(info.bytes, UInt64(try Data(contentsOf: output).count))
        assertThrows(.invalidState) { try writer.finish() }
    }
}
