import 'dart:async';
import 'dart:io';
import 'dart:typed_data';

import 'package:bithuman/bithuman.dart';
import 'package:flutter/material.dart';

const _imx = String.fromEnvironment('IMX');
const _wav = String.fromEnvironment('WAV');

void main() => runApp(const ExampleApp());

/// An avatar that says a file of speech, or what the microphone hears.
class ExampleApp extends StatefulWidget {
  const ExampleApp({super.key});

  @override
  State<ExampleApp> createState() => _ExampleAppState();
}

class _ExampleAppState extends State<ExampleApp> {
  BithumanAvatar? _avatar;
  StreamSubscription<Uint8List>? _heard;
  String _words = 'opening $_imx';

  @override
  void initState() {
    super.initState();
    unawaited(_try(_open));
  }

  @override
  void dispose() {
    unawaited(_heard?.cancel());
    unawaited(_avatar?.dispose());
    super.dispose();
  }

  Future<void> _open() async {
    final avatar = await BithumanAvatar.load(_imx);
    if (!mounted) return avatar.dispose();
    avatar.errorStream.listen((error) => _say('$error'));
    setState(() {
      _avatar = avatar;
      _words = '${avatar.frameWidth} x ${avatar.frameHeight}';
    });
  }

  /// The whole file at once: the avatar speaks it in its own time.
  Future<void> _speak() async {
    final (samples, rate) = _read(await File(_wav).readAsBytes());
    await _avatar?.pushAudio(samples, sampleRate: rate);
    await _avatar?.notifyTurnEnd();
  }

  Future<void> _listen() async {
    final avatar = _avatar;
    if (avatar == null) return;
    if (_heard != null) {
      await _heard?.cancel();
      _heard = null;
      await avatar.audioStop();
      await avatar.notifyTurnEnd();
      return;
    }
    await avatar.audioStart(vadThreshold: 0.01);
    _heard = avatar.micStream.listen(
      (pcm) => _try(() => avatar.pushAudio(Uint8List.fromList(pcm).buffer.asInt16List())),
    );
  }

  Future<void> _try(Future<void> Function() body) async {
    try {
      await body();
    } on Exception catch (error) {
      _say('$error');
    }
  }

  void _say(String words) {
    if (mounted) setState(() => _words = words);
  }

  @override
  Widget build(BuildContext context) {
    final avatar = _avatar;
    return MaterialApp(
      home: Scaffold(
        body: Column(
          children: [
            Expanded(
              child: avatar == null
                  ? const SizedBox()
                  : Center(
                      child: AspectRatio(
                        aspectRatio: avatar.frameWidth / avatar.frameHeight,
                        child: Texture(textureId: avatar.textureId),
                      ),
                    ),
            ),
            Text(_words),
            Row(
              mainAxisAlignment: MainAxisAlignment.center,
              children: [
                FilledButton(onPressed: () => _try(_speak), child: const Text('Speak')),
                FilledButton(onPressed: () => _try(_listen), child: const Text('Microphone')),
                FilledButton(onPressed: () => _try(() async => _avatar?.interrupt()), child: const Text('Interrupt')),
              ],
            ),
          ],
        ),
      ),
    );
  }
}

/// The samples of a WAV file of 16-bit samples, mono, and their rate.
(Int16List, int) _read(Uint8List bytes) {
  final data = ByteData.sublistView(bytes);
  for (var at = 12; at + 8 <= bytes.length; at += 8 + data.getUint32(at + 4, Endian.little)) {
    if (String.fromCharCodes(bytes, at, at + 4) != 'data') continue;
    final end = at + 8 + data.getUint32(at + 4, Endian.little);
    final sound = Uint8List.fromList(bytes.sublist(at + 8, end < bytes.length ? end : bytes.length));
    return (sound.buffer.asInt16List(0, sound.length ~/ 2), data.getUint32(24, Endian.little));
  }
  throw const FormatException('not a WAV file');
}
