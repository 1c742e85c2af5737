// The Flutter half of the plugin over a platform's side of the test's:
// `dart --packages=stubs/package_config.json plugin_test.dart LIBESSENCE LIBBITHUMAN_CORE TESTDATA`.

import 'dart:async';
import 'dart:io';
import 'dart:typed_data';

import 'package:bithuman/bithuman.dart';
import 'package:flutter/services.dart';

import 'check.dart';

final calls = <MethodCall>[];

/// Answers as the glue does, with texture 7; or with an error.
void platform([PlatformException? error]) {
  calls.clear();
  MethodChannel.platform['ai.bithuman.avatar'] = (call) {
    calls.add(call);
    if (error != null) throw error;
    if (call.method != 'attach') return null;
    final id = (call.arguments as Map)['stage'] as int;
    final stage = Essence.instance.core.bithuman_stage_find(id);
    check(stage.address != 0, 'a stage is handed over');
    Essence.instance.core.bithuman_stage_release(stage);
    return 7;
  };
}

Future<void> rejected(String code, Future<void> call) async {
  try {
    await call;
  } on BithumanAvatarException catch (error) {
    equal(error.code, code, 'code of "${error.message}"');
    check(error.message.isNotEmpty, 'an error without words');
    return;
  }
  throw StateError('no error where $code was expected');
}

void main(List<String> arguments) async {
  Essence.configure(library: arguments[0], core: arguments[1]);
  final testdata = arguments[2];
  final toy = '$testdata/avatars/toy.imx';
  final speech = File('$testdata/audio/speech_16000.wav').readAsBytesSync().buffer.asInt16List(44, 16000);

  await test('an avatar speaks and is disposed of', () async {
    platform();
    final avatar = await BithumanAvatar.load(toy, apiSecret: 'none', provider: EssenceProvider.builtin);
    equal(avatar.textureId, 7, 'texture');
    equal((avatar.frameWidth, avatar.frameHeight), (64, 48), 'size');
    check(avatar.isReady, 'ready');
    final ended = avatar.frames.firstWhere((facts) => facts.endsSpeech);
    await avatar.pushAudio(speech);
    await avatar.notifyTurnEnd();
    check((await ended).index > 20, 'a turn of a second');
    await avatar.pushAudio(speech, sampleRate: 24000);
    await rejected('load_failed', avatar.pushAudio(speech));
    await avatar.interrupt();
    await avatar.audioStart(enableMic: false);
    await avatar.playSpeakerPCM(Uint8List(48));
    await avatar.audioStop();
    equal(avatar.lastError, null, 'errors');
    await avatar.dispose();
    await avatar.dispose();
    check(!avatar.isReady && avatar.session.isClosed, 'gone');
    equal(
      calls.map((call) => call.method).join(' '),
      'attach silence audioStart playSpeakerPCM audioStop dispose',
      'calls',
    );
    for (final call in calls.skip(1)) {
      equal((call.arguments as Map)['textureId'], 7, 'texture of ${call.method}');
    }
    try {
      await avatar.pushAudio(speech);
      check(false, 'sound for an avatar that is disposed of');
    } on StateError {
      // As it should be.
    }
    equal(await nativeEngineVersion(), '${Essence.instance.version} (ABI 1)', 'version');
  });

  await test('what can\'t be loaded says so by its code', () async {
    platform();
    await rejected('load_failed', BithumanAvatar.load('nowhere.imx'));
    await rejected('MODEL_REJECTED', BithumanAvatar.load('$testdata/README.md'));
    await rejected('BAD_ARGS', BithumanAvatar.load(toy, options: const SessionOptions(width: 1, height: 1)));
    await rejected('unsupported', BithumanAvatar.load(toy, engine: 'expression2'));
    equal(calls.length, 0, 'textures for nothing');
    platform(PlatformException(code: 'NO_REGISTRY', message: 'no textures here'));
    await rejected('NO_REGISTRY', BithumanAvatar.load(toy, provider: EssenceProvider.builtin));
    MethodChannel.platform.clear();
    await rejected('unsupported', BithumanAvatar.load(toy, provider: EssenceProvider.builtin));
  });

  await test('what the platform says reaches the app', () async {
    platform();
    final avatar = await BithumanAvatar.load(toy, provider: EssenceProvider.builtin);
    final frames = avatar.frames.take(2).drain<void>();
    await frames;
    final sound = StreamController<Object?>();
    EventChannel.platform['ai.bithuman.avatar.mic/7'] = sound.stream;
    final heard = avatar.micStream.first;
    sound.add(Uint8List(640));
    equal((await heard).length, 640, 'bytes of the microphone');
    platform(PlatformException(code: 'AUDIO_START_FAILED', message: 'no microphone'));
    await rejected('AUDIO_START_FAILED', avatar.audioStart());
    final failed = avatar.errorStream.first;
    await avatar.dispose();
    equal((await failed).code, 'AUDIO_START_FAILED', 'error of dispose');
    check(avatar.session.isClosed, 'closed all the same');
  });

  finish('plugin');
}
