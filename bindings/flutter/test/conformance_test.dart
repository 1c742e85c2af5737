// The frames that every language gets: `dart conformance_test.dart LIBESSENCE LIBBITHUMAN_CORE TESTDATA SCRATCH`.
// Hashes are the system's `sha256sum`'s.

import 'dart:convert';
import 'dart:io';
import 'dart:typed_data';

import '../lib/essence.dart';
import 'check.dart';

late final Directory scratch;

void main(List<String> arguments) async {
  Essence.configure(library: arguments[0], core: arguments[1]);
  final testdata = arguments[2];
  scratch = Directory('${arguments[3]}/pictures');
  final engine = EssenceEngine(provider: EssenceProvider.builtin);
  final file = jsonDecode(File('$testdata/conformance.json').readAsStringSync()) as Map<String, Object?>;
  final alike = file['pictures_alike']! as num;
  for (final one in file['cases']! as List<Object?>) {
    final wanted = one! as Map<String, Object?>;
    await test(wanted['name']! as String, () => _compare(engine, testdata, wanted, alike));
  }
  engine.close();
  finish('conformance');
}

void _compare(EssenceEngine engine, String testdata, Map<String, Object?> wanted, num alike) {
  final results = wanted['results']! as Map<String, Object?>;
  final frames = _frames(engine, testdata, wanted);
  equal(frames.length, results['frames'], 'number of frames');
  equal((frames.first.width, frames.first.height), (results['frame_width'], results['frame_height']), 'size');
  List<Object?> column(String name) => results[name]! as List<Object?>;
  final hashes = _hashes([for (final frame in frames) frame.picture]);
  var same = 0;
  final sound = BytesBuilder();
  for (final (i, frame) in frames.indexed) {
    equal(frame.facts.index, column('index')[i], 'index');
    equal(frame.facts.presentation.inMicroseconds * 16 ~/ 1000, column('pts_samples')[i], 'time of frame $i');
    equal(frame.facts.flags, column('flags')[i], 'flags of frame $i');
    equal(frame.audio.length, column('audio_samples')[i], 'samples of frame $i');
    if (hashes[i].substring(0, 16) == column('pictures')[i]) same++;
    sound.add(frame.audio.buffer.asUint8List());
    if (frame.audio.isNotEmpty) equal(frame.sampleRate, results['sound_rate_hz'], 'rate');
  }
  equal(_hashes([sound.toBytes()]).single, results['sound_sha256'], 'sound');
  print('${wanted['name']}: $same of ${frames.length} pictures are the recorded ones');
  check(same >= alike * frames.length, 'too few pictures are the recorded ones');
}

List<String> _hashes(List<Uint8List> all) {
  scratch.createSync(recursive: true);
  final paths = [
    for (final (i, bytes) in all.indexed) (File('${scratch.path}/$i')..writeAsBytesSync(bytes)).path,
  ];
  final said = Process.runSync('sha256sum', paths).stdout as String;
  scratch.deleteSync(recursive: true);
  return [for (final line in said.trim().split('\n')) line.split(' ').first];
}

List<EssenceFrame> _frames(EssenceEngine engine, String testdata, Map<String, Object?> wanted) {
  final avatar = engine.open('$testdata/${wanted['avatar']}');
  final format = EssencePixelFormat.values.firstWhere((one) => one.name.replaceAll('8', '') == wanted['pixel_format']);
  final session = avatar.session(
    SessionOptions(
      pacing: EssencePacing.unpaced,
      pixelFormat: format,
      width: wanted['width']! as int,
      height: wanted['height']! as int,
    ),
  );
  final reader = EssenceAudioReader('$testdata/${wanted['audio']}');
  final rate = reader.info.sampleRate;
  reader.close();
  final samples = File('$testdata/${wanted['audio']}').readAsBytesSync().buffer.asInt16List(44);
  final buffer = EssenceFrameBuffer();
  final frames = <EssenceFrame>[];
  for (final step in wanted['steps']! as List<Object?>) {
    switch (step) {
      case {'push': [final int from, final int count]}:
        final piece = samples.sublist(from, from + count);
        if (wanted['samples'] == 'f32') {
          session.pushAudioFloat(
            Float32List.fromList([for (final sample in piece) sample / 32768]),
            sampleRate: rate,
          );
        } else {
          session.pushAudio(piece, sampleRate: rate);
        }
      case {'draw': final int most}:
        for (var drawn = 0; most == 0 || drawn < most; drawn++) {
          final frame = buffer.draw(session);
          if (frame == null) break;
          frames.add(frame);
        }
      case {'flush': true}:
        session.flush();
      case {'interrupt': true}:
        session.interrupt();
      default:
        throw StateError('$step is no step');
    }
  }
  buffer.close();
  session.close();
  avatar.close();
  return frames;
}
