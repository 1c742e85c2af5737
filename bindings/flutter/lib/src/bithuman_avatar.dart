import 'dart:async';
import 'dart:ffi';
import 'dart:io';
import 'dart:isolate';
import 'dart:typed_data';

import 'package:flutter/services.dart';

import 'avatar.dart';
import 'engine.dart';
import 'errors.dart';
import 'frame.dart';
import 'library.dart';
import 'memory.dart';
import 'pump.dart';
import 'session.dart';
import 'values.dart';

const _channel = MethodChannel('ai.bithuman.avatar');

/// Version of the native engine: `0.1.0 (ABI 1)`.
Future<String> nativeEngineVersion() async => textAt(Essence.instance.core.bithuman_engine_version());

/// An avatar on the screen: give it speech, and show `Texture(textureId: avatar.textureId)`.
///
/// An isolate of its own draws. Only sound goes through the platform's side: the microphone and the loudspeaker.
final class BithumanAvatar {
  BithumanAvatar._(this.session, this.textureId) {
    _pump = FramePump.surface(
      session,
      onFrame: (facts) {
        if (!_frames.isClosed) _frames.add(facts);
      },
      onError: (error) => _report(_named(error)),
    );
  }

  /// Opens an avatar from an `.imx` file, and a texture that shows it.
  ///
  /// `options` of the session; its pacing has to be real time. `provider` executes the networks: phones have
  /// [EssenceProvider.builtin] alone. `apiSecret` and `engine` are accepted for apps of the described plugin: nothing is
  /// metered, and the engine is `essence`.
  ///
  /// Throws a [BithumanAvatarException] with the code `MODEL_REJECTED`, `load_failed`, `BAD_ARGS` or `unsupported`.
  static Future<BithumanAvatar> load(
    String imxPath, {
    String? apiSecret,
    String? engine,
    EssenceProvider provider = EssenceProvider.auto,
    SessionOptions options = const SessionOptions(),
  }) async {
    if (engine != null && engine != 'essence') {
      throw BithumanAvatarException('unsupported', EssenceStatus.invalidArgument, 'the engine `$engine` is not here');
    }
    EssenceAvatar? avatar;
    EssenceSession? session;
    try {
      final essence = Essence.instance;
      final address = await _open(essence.paths, imxPath, provider);
      avatar = EssenceAvatar.adopt(essence, Pointer.fromAddress(address));
      final bgra = Platform.isIOS || Platform.isMacOS;
      session = avatar.session(options, bgra ? EssencePixelFormat.bgra8 : EssencePixelFormat.rgba8);
      final texture = await _channel.invokeMethod<int>('attach', {'stage': session.id});
      if (texture == null) throw BithumanAvatarException('NO_REGISTRY', EssenceStatus.internal, 'there is no texture');
      return BithumanAvatar._(session, texture);
    } on Exception catch (error) {
      session?.close();
      throw _named(error);
    } finally {
      avatar?.close();
    }
  }

  static Future<int> _open(LibraryPaths paths, String imxPath, EssenceProvider provider) => Isolate.run(() {
        Essence.configure(library: paths.library, core: paths.core);
        final engine = EssenceEngine(provider: provider);
        try {
          return engine.open(imxPath).surrender().address;
        } finally {
          engine.close();
        }
      });

  /// The conversation: everything that the engine can do beside what is here.
  final EssenceSession session;

  /// For Flutter's `Texture` widget.
  final int textureId;

  late final FramePump _pump;
  final StreamController<FrameFacts> _frames = StreamController.broadcast();
  final StreamController<BithumanAvatarException> _errors = StreamController.broadcast();
  bool _disposed = false;

  /// Width of the picture in pixels.
  late final int frameWidth = session.info.frameWidth;

  /// Height of the picture in pixels.
  late final int frameHeight = session.info.frameHeight;

  /// Whether the avatar can be shown and spoken through: from [load] to [dispose].
  bool get isReady => !_disposed;

  /// The microphone's sound while [audioStart] has it open: 16-bit samples, mono, 16 kHz.
  late final Stream<Uint8List> micStream =
      EventChannel('ai.bithuman.avatar.mic/$textureId').receiveBroadcastStream().map((event) => event as Uint8List);

  /// Facts about the frames that were drawn.
  Stream<FrameFacts> get frames => _frames.stream;

  /// Errors that no call could throw: why drawing ended.
  Stream<BithumanAvatarException> get errorStream => _errors.stream;

  /// The last of [errorStream]; null: none so far.
  BithumanAvatarException? lastError;

  /// Takes a piece of speech: 16-bit samples, mono.
  Future<void> pushAudio(Int16List pcm, {int sampleRate = 16000}) =>
      _call(() => session.pushAudio(pcm, sampleRate: sampleRate));

  /// Says that the turn is over: what was pushed is spoken to its last sample.
  Future<void> notifyTurnEnd() => _call(session.flush);

  /// Drops speech at once, in the picture and in the loudspeaker.
  Future<void> interrupt() async {
    await _call(session.interrupt);
    // Not the channel's `interrupt`: what is pushed meanwhile would be dropped when that arrives.
    await _ask('silence');
  }

  /// Opens the loudspeaker, and with `enableMic` the microphone: [micStream]. Where the system's recording takes echo out, it
  /// does. `vadThreshold`: pieces whose level (**0 to 1**) is below are silence.
  ///
  /// Throws a [BithumanAvatarException] with the code `AUDIO_START_FAILED`, or `unsupported` where the plugin plays no sound:
  /// Linux and Windows.
  Future<void> audioStart({double vadThreshold = 0, bool enableMic = true}) =>
      _ask('audioStart', {'vadThreshold': vadThreshold, 'enableMic': enableMic});

  /// Closes the microphone and the loudspeaker.
  Future<void> audioStop() => _ask('audioStop');

  /// Plays sound: 16-bit samples, mono, 24 kHz.
  Future<void> playSpeakerPCM(Uint8List pcm) => _ask('playSpeakerPCM', {'pcm': pcm});

  /// Closes the avatar; twice is fine. Nothing is called after it.
  Future<void> dispose() async {
    if (_disposed) return;
    _disposed = true;
    final stopped = _pump.stop();
    try {
      // The texture first, so that nothing composes what is gone.
      await _channel.invokeMethod<void>('dispose', {'textureId': textureId});
    } on PlatformException catch (error) {
      _report(_named(error));
    } finally {
      session.close();
      await stopped;
      await _frames.close();
      await _errors.close();
    }
  }

  Future<void> _call(void Function() call) async {
    _check();
    try {
      call();
    } on EssenceException catch (error) {
      throw _named(error);
    }
  }

  Future<void> _ask(String method, [Map<String, Object> arguments = const {}]) async {
    _check();
    try {
      await _channel.invokeMethod<void>(method, {'textureId': textureId, ...arguments});
    } on Exception catch (error) {
      throw _named(error);
    }
  }

  void _check() {
    if (_disposed) throw StateError('this BithumanAvatar is disposed');
  }

  void _report(BithumanAvatarException error) {
    lastError = error;
    if (!_errors.isClosed) _errors.add(error);
  }

  static BithumanAvatarException _named(Exception error) => switch (error) {
        BithumanAvatarException() => error,
        EssenceException(:final status, :final message) => BithumanAvatarException(
            textAt(Essence.instance.core.bithuman_channel_code(status.value)),
            status,
            message,
          ),
        PlatformException(:final code, :final message) =>
          BithumanAvatarException(code, EssenceStatus.internal, message ?? code),
        MissingPluginException() => BithumanAvatarException(
            'unsupported',
            EssenceStatus.internal,
            'the plugin is not built into this app: ${error.message}',
          ),
        _ => BithumanAvatarException('load_failed', EssenceStatus.internal, '$error'),
      };
}
