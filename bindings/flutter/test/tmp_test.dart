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
      stderr.writeln('kill $round'); isolate.kill(priority: Isolate.immediate);
      await ended.first; stderr.writeln('ended');
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
