import 'dart:ffi';
import 'dart:io';
import 'dart:typed_data';

import 'core.g.dart';
import 'errors.dart';
import 'essence.g.dart';
import 'memory.dart';

/// Places of the two native libraries; null: where the plugin's build puts them.
typedef LibraryPaths = ({String? library, String? core});

/// The native libraries of an isolate: the engine behind `essence.h`, and the plugin's core.
final class Essence {
  Essence._(this.paths, DynamicLibrary library, DynamicLibrary core)
      : functions = EssenceBindings(library),
        core = CoreBindings(core) {
    final version = functions.essence_abi_version();
    final (major, minor) = (version >> 16, version & 0xffff);
    if (major != ESSENCE_ABI_VERSION_MAJOR || minor < ESSENCE_ABI_VERSION_MINOR) {
      throw EssenceException.of(
        EssenceStatus.unsupportedVersion,
        'the plugin needs libessence with interface $ESSENCE_ABI_VERSION_MAJOR.$ESSENCE_ABI_VERSION_MINOR or a later '
        '$ESSENCE_ABI_VERSION_MAJOR, and found $major.$minor',
      );
    }
    logWrite = core.lookup('bithuman_log_write');
  }

  /// The libraries of this isolate, loaded when they are first needed.
  static Essence get instance => _instance ??= Essence._(
        _paths,
        // Elsewhere than on Windows, the core's library answers for the engine's, which it needs: there is one of it.
        _load(_paths.library, Platform.isWindows ? 'essence' : 'bithuman_core'),
        _load(_paths.core, 'bithuman_core'),
      );

  /// Says where the libraries lie, before this isolate uses them first.
  static void configure({String? library, String? core}) {
    if (_instance != null) throw StateError('the native libraries are loaded already');
    _paths = (library: library, core: core);
  }

  static Essence? _instance;
  static LibraryPaths _paths = (library: null, core: null);

  static DynamicLibrary _load(String? path, String name) {
    if (path != null) return DynamicLibrary.open(path);
    // Linked into the app, or into the plugin's framework, which the app has loaded.
    if (Platform.isIOS || Platform.isMacOS) return DynamicLibrary.process();
    return DynamicLibrary.open(Platform.isWindows ? '$name.dll' : 'lib$name.so');
  }

  /// The files that the libraries were loaded from, for other isolates.
  final LibraryPaths paths;

  /// The engine's functions.
  final EssenceBindings functions;

  /// The core's functions.
  final CoreBindings core;

  /// The function that writes an engine's log.
  late final Pointer<NativeFunction<Void Function(Pointer<Void>, Uint32, Pointer<Char>, Size)>> logWrite;

  /// Native memory.
  late final CoreAllocator memory = CoreAllocator(core);

  /// The library's version, such as `0.1.0`.
  String get version => textAt(functions.essence_version());

  /// How the library was built: JSON.
  String get buildInfo => textAt(functions.essence_build_info());

  /// The name of a status, as the library says it.
  String statusName(int status) => textAt(functions.essence_status_name(status));

  /// The exit code of a program that ends with a status.
  int exitCode(EssenceStatus status) => functions.essence_status_exit_code(status.value);

  // Calls of an isolate come one after the other, so one place for errors and one for sound serve them all.
  late final Pointer<essence_error> _error = memory<essence_error>()..ref.struct_size = sizeOf<essence_error>();
  Pointer<Uint8> _sound = nullptr;
  int _soundBytes = 0;

  /// Calls a function that reports a status; throws errors, gives news.
  EssenceStatus call(int Function(Pointer<essence_error> err) function) {
    final value = function(_error);
    if (value >= 0) return EssenceStatus.of(value);
    throw EssenceException.of(EssenceStatus.of(value), messageAt(_error));
  }

  /// The message in an error.
  String messageAt(Pointer<essence_error> error) =>
      textAt(Pointer.fromAddress(error.address + sizeOf<Uint32>() + sizeOf<Int32>()));

  /// Sound in native memory, until the next call.
  Pointer<Uint8> sound(TypedData samples) {
    final bytes = samples.lengthInBytes;
    if (bytes > _soundBytes) {
      memory.free(_sound);
      _sound = nullptr;
      _soundBytes = 0;
      _sound = memory<Uint8>(bytes);
      _soundBytes = bytes;
    }
    if (bytes > 0) {
      _sound.asTypedList(bytes).setAll(0, samples.buffer.asUint8List(samples.offsetInBytes, bytes));
    }
    return _sound;
  }

  // A finalizer has to live as long as what it is attached to.
  late final NativeFinalizer _engines = NativeFinalizer(functions.essence_engine_destroy_pointer);
  late final NativeFinalizer _avatars = NativeFinalizer(functions.essence_avatar_release_pointer);
  late final NativeFinalizer _clocks = NativeFinalizer(functions.essence_clock_destroy_pointer);
  late final NativeFinalizer _frames = NativeFinalizer(functions.essence_frame_destroy_pointer);
  late final NativeFinalizer _readers = NativeFinalizer(functions.essence_audio_reader_destroy_pointer);
  late final NativeFinalizer _writers = NativeFinalizer(functions.essence_mp4_writer_destroy_pointer);
  late final NativeFinalizer _stages = NativeFinalizer(core.bithuman_stage_abandon_pointer);
  late final NativeFinalizer _drawings = NativeFinalizer(core.bithuman_stage_release_pointer);
}

/// A native object of a Dart one: given back by [close], or when the Dart object is collected.
abstract base class Handle<T extends NativeType> implements Finalizable {
  Handle._(this.essence, this._pointer, this._finalizer, this._destroy) {
    _finalizer.attach(this, _pointer.cast(), detach: this);
  }

  /// An `essence_engine`.
  Handle.engine(Essence essence, Pointer<T> pointer)
      : this._(essence, pointer, essence._engines, (p) => essence.functions.essence_engine_destroy(p.cast()));

  /// An `essence_avatar`, of which one reference is this object's.
  Handle.avatar(Essence essence, Pointer<T> pointer)
      : this._(essence, pointer, essence._avatars, (p) => essence.functions.essence_avatar_release(p.cast()));

  /// An `essence_clock`.
  Handle.clock(Essence essence, Pointer<T> pointer)
      : this._(essence, pointer, essence._clocks, (p) => essence.functions.essence_clock_destroy(p.cast()));

  /// An `essence_frame`.
  Handle.frame(Essence essence, Pointer<T> pointer)
      : this._(essence, pointer, essence._frames, (p) => essence.functions.essence_frame_destroy(p.cast()));

  /// An `essence_audio_reader`.
  Handle.reader(Essence essence, Pointer<T> pointer)
      : this._(essence, pointer, essence._readers, (p) => essence.functions.essence_audio_reader_destroy(p.cast()));

  /// An `essence_mp4_writer`.
  Handle.writer(Essence essence, Pointer<T> pointer)
      : this._(essence, pointer, essence._writers, (p) => essence.functions.essence_mp4_writer_destroy(p.cast()));

  /// A `bithuman_stage`, of which one reference is this object's; closed before it is given back.
  Handle.stage(Essence essence, Pointer<T> pointer)
      : this._(essence, pointer, essence._stages, (p) => essence.core.bithuman_stage_abandon(p.cast()));

  /// A reference to a `bithuman_stage` by an isolate that draws on it, which leaves it open.
  Handle.drawing(Essence essence, Pointer<T> pointer)
      : this._(essence, pointer, essence._drawings, (p) => essence.core.bithuman_stage_release(p.cast()));

  /// The libraries.
  final Essence essence;
  final Pointer<T> _pointer;
  final NativeFinalizer _finalizer;
  final void Function(Pointer<T>) _destroy;
  bool _closed = false;

  /// Whether [close] was called.
  bool get isClosed => _closed;

  /// The native object.
  ///
  /// Throws a [StateError] after [close].
  Pointer<T> get pointer => _closed ? throw StateError('this $runtimeType is closed') : _pointer;

  /// Hands the native object to another owner, who gives it back; this object is closed from then on.
  Pointer<T> surrender() {
    final given = pointer;
    _closed = true;
    _finalizer.detach(this);
    return given;
  }

  /// Gives the native object back; twice is fine.
  void close() {
    if (_closed) return;
    _closed = true;
    _finalizer.detach(this);
    _destroy(_pointer);
  }
}
