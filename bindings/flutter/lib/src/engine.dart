import 'dart:async';
import 'dart:ffi';
import 'dart:isolate';
import 'dart:typed_data';

import 'avatar.dart';
import 'core.g.dart';
import 'essence.g.dart';
import 'library.dart';
import 'memory.dart';
import 'values.dart';

/// Settings that avatars are opened with: one engine a process is enough. Avatars live on without it.
final class EssenceEngine extends Handle<essence_engine> {
  EssenceEngine._(super.essence, super.pointer, this._log) : super.engine();

  /// Makes an engine.
  ///
  /// `provider` executes the networks; one that is asked for by name is never replaced. `runtimeLibrary` is ONNX Runtime's
  /// shared library, which is searched for otherwise. `onLog` is told messages of `logLevel` and of those that matter more.
  /// The others: as in `essence_engine_options`.
  factory EssenceEngine({
    EssenceProvider provider = EssenceProvider.auto,
    String? runtimeLibrary,
    int? baseCacheBytes,
    int threads = 0,
    int maxSessions = 0,
    bool mapFiles = false,
    EssenceLogLevel logLevel = EssenceLogLevel.info,
    void Function(EssenceLogLevel level, String message)? onLog,
  }) {
    final essence = Essence.instance;
    return essence.memory.scoped((scope) {
      final options = scope<essence_engine_options>();
      essence.call(
        (err) => essence.functions.essence_engine_options_init(options, sizeOf<essence_engine_options>(), err),
      );
      options.ref
        ..provider = provider.value
        ..threads = threads
        ..max_sessions = maxSessions
        ..map_files = mapFiles ? 1 : 0
        ..log_level = logLevel.value;
      if (runtimeLibrary != null) options.ref.runtime_library = scope.text(runtimeLibrary);
      if (baseCacheBytes != null) options.ref.base_cache_bytes = baseCacheBytes;
      final log = onLog == null ? null : _Log(essence, onLog);
      if (log != null) log.into(options);
      final out = scope<Pointer<essence_engine>>();
      try {
        essence.call((err) => essence.functions.essence_engine_create(options, out, err));
      } catch (_) {
        log?.close();
        rethrow;
      }
      return EssenceEngine._(essence, out.value, log);
    });
  }

  final _Log? _log;

  /// The runtime and the processors that the engine found.
  EngineInfo get info => essence.memory.scoped((scope) {
        final info = scope<essence_engine_info>()..ref.struct_size = sizeOf<essence_engine_info>();
        essence.call((err) => essence.functions.essence_engine_describe(pointer, info, err));
        final found = info.ref;
        return (
          runtimePath: textAt(found.runtime_path),
          runtimeVersion: textAt(found.runtime_version),
          runtimeTried: textAt(found.runtime_tried),
          providers: [
            for (var i = 0; i < found.provider_count; i++)
              if (EssenceProvider.of(found.providers[i]) case final provider?) provider,
          ],
          threads: found.threads,
          sessions: found.sessions,
        );
      });

  /// Sets another limit for real-time sessions; null: no limit.
  void setMaxSessions(int? sessions) => essence.call(
        (err) => essence.functions.essence_engine_set_max_sessions(pointer, sessions ?? ESSENCE_NO_LIMIT, err),
      );

  /// Has messages of `level` and of those that matter more logged from now on.
  void setLogLevel(EssenceLogLevel level) =>
      essence.call((err) => essence.functions.essence_engine_set_log_level(pointer, level.value, err));

  /// Opens an avatar, which takes a moment: [openInBackground] keeps a user interface alive meanwhile.
  EssenceAvatar open(String path) => EssenceAvatar.adopt(essence, Pointer.fromAddress(_open(essence, pointer, path)));

  /// The same as [open] in an isolate of its own.
  Future<EssenceAvatar> openInBackground(String path) async {
    final (paths, engine) = (essence.paths, pointer.address);
    final address = await Isolate.run(() {
      Essence.configure(library: paths.library, core: paths.core);
      return _open(Essence.instance, Pointer.fromAddress(engine), path);
    });
    return EssenceAvatar.adopt(essence, Pointer.fromAddress(address));
  }

  static int _open(Essence essence, Pointer<essence_engine> engine, String path) => essence.memory.scoped((scope) {
        final out = scope<Pointer<essence_avatar>>();
        essence.call((err) => essence.functions.essence_avatar_open(engine, scope.text(path), out, err));
        return out.value.address;
      });

  /// Opens an avatar from the bytes of an `.imx` file, which are copied.
  EssenceAvatar openBytes(Uint8List bytes) => essence.memory.scoped((scope) {
        final out = scope<Pointer<essence_avatar>>();
        final memory = scope<Uint8>(bytes.length)..asTypedList(bytes.length).setAll(0, bytes);
        essence.call(
          (err) => essence.functions
              .essence_avatar_open_memory(pointer, memory, bytes.length, nullptr, nullptr, out, err),
        );
        return EssenceAvatar.adopt(essence, out.value);
      });

  @override
  void close() {
    super.close();
    _log?.close();
  }
}

/// An engine's findings: ONNX Runtime's file and version (empty where there is none), the places that were searched, and the
/// providers that there are; threads that draw, and real-time sessions now.
typedef EngineInfo = ({
  String runtimePath,
  String runtimeVersion,
  String runtimeTried,
  List<EssenceProvider> providers,
  int threads,
  int sessions,
});

/// Asks for the messages that the library's threads have left.
final class _Log {
  _Log(this._essence, this._onMessage) {
    _pointer = _essence.core.bithuman_log_create();
    if (_pointer == nullptr) throw OutOfMemoryError();
    _timer = Timer.periodic(_often, (_) => _take());
  }

  static const _often = Duration(milliseconds: 50);

  final Essence _essence;
  final void Function(EssenceLogLevel, String) _onMessage;
  late final Pointer<bithuman_log> _pointer;
  late final Timer _timer;

  void into(Pointer<essence_engine_options> options) {
    // One reference is the engine's, and goes with its last avatar.
    _essence.core.bithuman_log_retain(_pointer);
    options.ref
      ..log = _essence.logWrite
      ..log_user_data = _pointer.cast()
      ..log_destroy = _essence.core.bithuman_log_release_pointer.cast();
  }

  void _take() => _essence.memory.scoped((scope) {
        final level = scope<Uint32>();
        while (true) {
          final message = _essence.core.bithuman_log_next(_pointer, level);
          if (message == nullptr) return;
          final text = textAt(message);
          _essence.memory.free(message);
          if (level.value < EssenceLogLevel.values.length) _onMessage(EssenceLogLevel.values[level.value], text);
        }
      });

  void close() {
    if (!_timer.isActive) return;
    _timer.cancel();
    _take();
    _essence.core.bithuman_log_release(_pointer.cast());
  }
}
