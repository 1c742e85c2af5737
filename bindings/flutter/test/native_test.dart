// The engine's half of the plugin against the real library: `dart native_test.dart LIBESSENCE LIBBITHUMAN_CORE TESTDATA SCRATCH`.

import 'dart:async';
import 'dart:ffi';
import 'dart:io';
import 'dart:isolate';
import 'dart:typed_data';

import '../lib/essence.dart';
import 'check.dart';

late final String testdata, scratch, library, core;
late final EssenceEngine engine;
late final EssenceAvatar toy;

const unpaced = SessionOptions(pacing: EssencePacing.unpaced, reportDone: true);

Int16List speech(int seconds) {
  final bytes = File('$testdata/audio/speech_16000.wav').readAsBytesSync();
  return bytes.buffer.asInt16List(44, seconds * 16000);
}

EssenceSession speaking({int seconds = 2, SessionOptions options = unpaced}) => toy.session(options)
  ..pushAudio(speech(seconds))
  ..flush();

/// Frames drawn in this isolate.
List<EssenceFrame> reference({int seconds = 2}) {
  final session = speaking(seconds: seconds);
  final buffer = EssenceFrameBuffer();
  final frames = <EssenceFrame>[];
  for (var frame = buffer.draw(session); frame != null; frame = buffer.draw(session)) {
    check(buffer.describe().facts.index == frame.facts.index, 'the frame is told again');
    frames.add(frame);
  }
  buffer.close();
  session.close();
  return frames;
}

void same(List<EssenceFrame> found, List<EssenceFrame> expected) {
  equal(found.length, expected.length, 'number of frames');
  for (var i = 0; i < found.length; i++) {
    equal(found[i].facts.index, expected[i].facts.index, 'index');
    equal(hash(found[i].picture), hash(expected[i].picture), 'picture $i');
    equal(hash(found[i].audio), hash(expected[i].audio), 'sound $i');
    equal(hash(found[i].arkit), hash(expected[i].arkit), 'values $i');
  }
}

void main(List<String> arguments) async {
  library = arguments[0];
  core = arguments[1];
  testdata = arguments[2];
  scratch = arguments[3];
  Essence.configure(library: library, core: core);
  engine = EssenceEngine(provider: EssenceProvider.builtin);
  toy = engine.open('$testdata/avatars/toy.imx');

  await test('every status has the library\'s name', () {
    for (final status in EssenceStatus.values) {
      final words = status.name.replaceAllMapped(RegExp('[A-Z]'), (m) => '_${m[0]!.toLowerCase()}');
      equal(Essence.instance.statusName(status.value), words, 'name');
      equal(EssenceStatus.of(status.value), status, 'status');
      check(status.isError == (status.value < 0), 'errors are negative');
    }
    equal(EssenceStatus.of(-12345), EssenceStatus.internal, 'an unknown status');
    equal(Essence.instance.exitCode(EssenceStatus.notFound), 66, 'exit code');
  });

  await test('errors have their status and words', () async {
    fails(EssenceStatus.notFound, () => engine.open('nowhere.imx'));
    fails(EssenceStatus.invalidAvatar, () => engine.open('$testdata/README.md'));
    fails(EssenceStatus.invalidAvatar, () => engine.openBytes(Uint8List(100)));
    fails(EssenceStatus.invalidArgument, () => engine.open('a\u0000b'));
    fails(EssenceStatus.invalidArgument, () => toy.session(const SessionOptions(width: 3, height: 3)));
    final session = toy.session();
    fails(EssenceStatus.invalidArgument, () => session.pushAudio(speech(1), sampleRate: 1));
    session.pushAudio(speech(1));
    fails(EssenceStatus.invalidState, () => session.pushAudio(speech(1), sampleRate: 8000));
    fails(EssenceStatus.notFound, () => session.perform('no such motion'));
    fails(EssenceStatus.invalidArgument, () => session.setEmotion(EssenceEmotion.joy, strength: 2));
    fails(
      EssenceStatus.invalidArgument,
      () => session.pushCurves(['no such name'], [0], [[0]]),
    );
    fails(EssenceStatus.unsupportedFormat, () => EssenceAudioReader('$testdata/README.md'));
    session.close();
    try {
      await engine.openInBackground('nowhere.imx');
      check(false, 'a file that is not there is opened');
    } on EssenceException catch (error) {
      equal(error.status, EssenceStatus.notFound, 'status from another isolate');
    }
  });

  await test('an avatar says what it is', () async {
    final bytes = File('$testdata/avatars/toy.imx').readAsBytesSync();
    final again = engine.openBytes(bytes);
    final third = await engine.openInBackground('$testdata/avatars/toy.imx');
    final share = third.share();
    third.close();
    for (final avatar in [again, share]) {
      equal(avatar.info.name, toy.info.name, 'name');
      equal(avatar.info.fileBytes, bytes.length, 'bytes');
      check(avatar.info.arkitNames.contains('jawOpen'), 'names of values');
      equal(avatar.providerReport.provider, EssenceProvider.builtin, 'provider');
      avatar.close();
    }
    check(engine.info.providers.contains(EssenceProvider.builtin), 'providers');
    check(toy.info.frameRate == 25 && toy.info.sampleRateHz == 16000 && toy.info.emotions.isNotEmpty, 'facts');
  });

  await test('another isolate draws the same frames', () async {
    final session = speaking();
    equal(session.info.frameWidth, toy.info.frameWidth, 'width');
    final found = await session.frames().toList();
    same(found, reference());
    final sound = [for (final frame in found) ...frame.audio];
    equal(hash(Int16List.fromList(sound)), hash(speech(2)), 'the sound that was pushed');
    check(found.last.facts.endsSpeech, 'the end of speech');
    session.close();
  });

  await test('frames come as audio does', () async {
    final session = toy.session(unpaced);
    final frames = StreamIterator(session.frames(ahead: 1));
    final first = frames.moveNext();
    session.pushAudio(speech(2));
    check(await first, 'a frame');
    session.flush();
    final found = [frames.current];
    while (await frames.moveNext()) {
      found.add(frames.current);
    }
    same(found, reference());
    session.close();
  });

  await test('drawing waits for a slow listener', () async {
    final session = speaking(seconds: 4);
    var seen = 0;
    final first = Completer<void>();
    late final StreamSubscription<EssenceFrame> subscription;
    subscription = session.frames(ahead: 3).listen((_) {
      if (++seen == 1) {
        subscription.pause();
        first.complete();
      }
    });
    await first.future;
    for (var turn = 0; turn < 50; turn++) {
      await Isolate.run(_nothing);
    }
    equal(seen, 1, 'frames while paused');
    check(session.statistics.frames <= 4, 'drew ${session.statistics.frames} frames for a listener that took one');
    final rest = subscription.asFuture<void>();
    subscription.resume();
    await rest;
    equal(seen, reference(seconds: 4).length, 'frames in the end');
    session.close();
  });

  await test('streams are dropped and sessions closed half-way', () async {
    final pending = <Future<void>>[];
    for (var round = 0; round < 60; round++) {
      final session = round.isEven ? speaking(seconds: 1) : (toy.session()..pushAudio(speech(1)));
      final done = Completer<void>();
      late final StreamSubscription<EssenceFrame> subscription;
      subscription = session.frames().listen(
        (frame) async {
          if (done.isCompleted) return;
          if (round % 3 == 0) session.interrupt();
          if (round % 3 == 1) session.close();
          done.complete();
          await subscription.cancel();
          session.close();
        },
        onDone: () => done.isCompleted ? null : done.complete(),
      );
      pending.add(done.future);
      if (pending.length % 6 == 0) await Future.wait(pending);
    }
    await Future.wait(pending);
    final idle = toy.session(unpaced);
    await idle.frames().listen((_) {}).cancel();
    final ends = idle.frames().toList();
    idle.close();
    equal((await ends).length, 0, 'frames of a closed session');
    throwsState(() => idle.flush());
    throwsState(() => idle.frames().listen((_) {}));
    idle.close();
  });

  await test('a surface shows what was drawn last', () async {
    final session = toy.session(const SessionOptions(), EssencePixelFormat.bgra8);
    final three = Completer<void>();
    var frames = 0;
    final pump = FramePump.surface(
      session,
      onFrame: (facts) {
        if (++frames == 3) three.complete();
      },
      onError: three.completeError,
    );
    session.pushAudio(speech(1));
    await three.future;
    final memory = Essence.instance.memory;
    final row = session.info.frameWidth * 4;
    final pixels = memory<Uint8>(row * session.info.frameHeight);
    equal(
      Essence.instance.core
          .bithuman_stage_copy(session.pointer, pixels, row, session.info.frameWidth, session.info.frameHeight),
      1,
      'a picture',
    );
    check(pixels.asTypedList(row).any((byte) => byte != 0 && byte != 255), 'a picture that is none');
    memory.free(pixels);
    session.close();
    await pump.ended;
  });

  await test('what drives a face', () {
    final session = toy.session(const SessionOptions(pacing: EssencePacing.unpaced));
    session
      ..setEmotion(EssenceEmotion.neutral)
      ..setLoop(toy.info.motions.first)
      ..setLoop(null)
      ..perform(toy.info.motions.first, again: true)
      ..pushCurves(['jawOpen'], [0, 1], [[0], [1]])
      ..pushAudio(speech(1), tag: 7)
      ..flush();
    final buffer = EssenceFrameBuffer();
    final frame = buffer.draw(session)!;
    equal(frame.facts.tag, 7, 'tag');
    final jaw = session.arkitNames.indexOf('jawOpen');
    var widest = 0.0;
    for (EssenceFrame? frame = buffer.draw(session); frame != null; frame = buffer.draw(session)) {
      if (frame.arkit[jaw] > widest) widest = frame.arkit[jaw];
    }
    check(widest > 0.9, 'the jaw opened by $widest');
    session
      ..pushVisemes(EssenceVisemeSet.oculus, ['aa', 'PP'], [0, 0.2], ends: [0.2, 0.4], withoutSound: true)
      ..flush();
    check(buffer.draw(session) != null, 'a frame of visemes');
    session
      ..setPaused(true)
      ..setPaused(false)
      ..setMuted(true)
      ..interrupt()
      ..cancel();
    fails(EssenceStatus.cancelled, () => buffer.draw(session));
    session.restartClock();
    buffer.draw(session);
    equal(session.statistics.restarts, 0, 'restarts');
    buffer.close();
    session.close();
  });

  await test('time is the program\'s on a clock of its own', () {
    final clock = EssenceClock.standing();
    final session = toy.session(SessionOptions(clock: clock));
    final buffer = EssenceFrameBuffer();
    check(buffer.draw(session) != null, 'the first frame');
    equal(buffer.draw(session), null, 'a frame before its time');
    clock.advance(const Duration(milliseconds: 40));
    equal(buffer.draw(session)!.facts.index, 1, 'the next frame');
    fails(EssenceStatus.invalidState, () => clock.setPosition(Duration.zero));
    buffer.close();
    session.close();
    clock.close();
    EssenceClock.host()
      ..setPosition(const Duration(seconds: 1))
      ..close();
  });

  await test('options reach the library', () {
    final options = SessionOptions(
      pacing: EssencePacing.unpaced,
      pixelFormat: EssencePixelFormat.rgb8,
      width: 64,
      height: 16,
      letterboxRgb: 0x102030,
      queueLimit: const Duration(seconds: 1),
      background: PictureBackground(Uint8List(12)..fillRange(0, 12, 9), 2, 2),
    );
    final session = toy.session(options);
    fails(EssenceStatus.limitExceeded, () => session.pushAudio(speech(2)));
    session.pushAudioFloat(Float32List(16000));
    final buffer = EssenceFrameBuffer();
    final frame = buffer.draw(session)!;
    equal(frame.picture.length, 64 * 16 * 3, 'bytes');
    equal(frame.picture.sublist(0, 3).toString(), '[9, 9, 9]', 'the bars\' picture');
    session.close();
    final bare = toy.session(const SessionOptions(pacing: EssencePacing.unpaced, withoutPictures: true))
      ..pushAudio(speech(1));
    equal(buffer.draw(bare)!.picture.length, 0, 'bytes without pictures');
    bare.close();
    final chroma = toy.session(const SessionOptions(pacing: EssencePacing.unpaced, pixelFormat: EssencePixelFormat.i420))
      ..pushAudio(speech(1));
    equal(buffer.draw(chroma)!.picture.length, chroma.info.pictureBytes, 'bytes of I420');
    chroma.close();
    buffer.close();
  });

  await test('a file of sound becomes a film', () {
    final reader = EssenceAudioReader('$testdata/audio/speech_16000.wav');
    equal(reader.info.sampleRate, 16000, 'rate');
    final all = <double>[];
    for (var piece = reader.read(); piece.isNotEmpty; piece = reader.read()) {
      all.addAll(piece);
    }
    equal(all.length, reader.info.expectedSamples, 'samples');
    reader.close();
    final samples = Float32List.fromList(all.sublist(0, 16000));
    final session = toy.session(const SessionOptions(pacing: EssencePacing.unpaced, pixelFormat: EssencePixelFormat.i420))
      ..pushAudioFloat(samples)
      ..flush();
    final writer = EssenceMp4Writer(
      '$scratch/film.mp4',
      width: session.info.frameWidth,
      height: session.info.frameHeight,
      sampleRate: 16000,
    );
    final buffer = EssenceFrameBuffer();
    while (buffer.draw(session) != null) {
      writer.writeFrame(buffer);
    }
    writer
      ..writePicture(Uint8List(session.info.pictureBytes), session.info.frameWidth, session.info.frameHeight)
      ..writeAudio(Float32List(640));
    final info = writer.finish();
    equal(info.frames, 26, 'pictures');
    equal(info.bytes, File('$scratch/film.mp4').lengthSync(), 'bytes');
    writer.close();
    buffer.close();
    session.close();
  });

  await test('the log comes into the isolate that asked for it', () async {
    final said = Completer<String>();
    final loud = EssenceEngine(
      provider: EssenceProvider.builtin,
      logLevel: EssenceLogLevel.debug,
      onLog: (level, message) => said.isCompleted ? null : said.complete(message),
    );
    final avatar = loud.open('$testdata/avatars/toy.imx');
    check((await said.future).isNotEmpty, 'words');
    loud
      ..setLogLevel(EssenceLogLevel.trace)
      ..close();
    // Its avatars log on, into nothing.
    avatar
      ..session(unpaced).close()
      ..close();
  });

  await test('limits of an engine', () {
    engine.setMaxSessions(0);
    fails(EssenceStatus.limitExceeded, () => toy.session());
    engine.setMaxSessions(null);
    toy.session().close();
    equal(engine.info.sessions, 0, 'sessions');
  });

  await test('sessions that are forgotten are given back', () async {
    for (var count = 0; count < 20; count++) {
      toy.session();
    }
    equal(engine.info.sessions > 0, true, 'sessions before');
    // Memory that makes the collector run.
    for (var round = 0; round < 2000 && engine.info.sessions > 0; round++) {
      List.filled(100000, round);
      await Future<void>.delayed(Duration.zero);
    }
    equal(engine.info.sessions, 0, 'sessions after');
  });

  await test('an isolate that is killed takes its sessions with it', () async {
    for (var round = 0; round < 5; round++) {
      final (ended, started) = (ReceivePort(), ReceivePort());
      final isolate = await Isolate.spawn(
        _drawForEver,
        (started.sendPort, library, core, toy.share().pointer.address),
        onExit: ended.sendPort,
      );
      await started.first;
      check(engine.info.sessions > 0, 'sessions before');
      isolate.kill(priority: Isolate.immediate);
      await ended.first;
      while (engine.info.sessions > 0) {
        await Future<void>.delayed(Duration.zero);
      }
    }
  });

  toy.close();
  engine.close();
  finish('native');
}

void _nothing() {}

/// Draws until this isolate is killed.
void _drawForEver((SendPort, String, String, int) start) {
  final (started, library, core, avatar) = start;
  Essence.configure(library: library, core: core);
  final session = EssenceAvatar.adopt(Essence.instance, Pointer.fromAddress(avatar)).session();
  var told = 0;
  session.frames().listen((_) {
    if (++told == 3) started.send(null);
  });
}
