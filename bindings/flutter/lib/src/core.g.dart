// Generated from bindings/flutter/src/bithuman_core.h by `cargo xtask bindings flutter --generate`; changes belong there.
// ignore_for_file: camel_case_types, constant_identifier_names, non_constant_identifier_names
// ignore_for_file: lines_longer_than_80_chars, public_member_api_docs

import 'dart:ffi';

import 'essence.g.dart';

/// In place of a pixel format: no surface, pictures go into frames.
const int BITHUMAN_NO_SURFACE = 4294967295;

/// Log messages that wait at most; more are dropped.
const int BITHUMAN_LOG_WAITING = 256;

/// A session and the surface that it draws on, counted by reference. The session is destroyed with the last reference, so that
/// no call on it can be under way. Its wake-up (essence_session_set_wakeup()) is the stage's.
final class bithuman_stage extends Opaque {}

/// A queue of log messages, taken from any thread until Dart asks for them.
final class bithuman_log extends Opaque {}

/// Is told that a surface has a new picture, from the thread that draws. It may call everything on the stage but
/// bithuman_stage_listen() and bithuman_stage_close().
typedef bithuman_picture_fn = Pointer<NativeFunction<Void Function(Pointer<Void> user_data)>>;

/// The functions of a library, each looked up at its first use.
final class CoreBindings {
  /// Functions of `library`.
  CoreBindings(this._library);

  final DynamicLibrary _library;

  /// Memory of `bytes` zeros; NULL if there is none. For Dart, which has no allocator of its own.
  late final bithuman_alloc = _library.lookupFunction<
      Pointer<Void> Function(Size bytes),
      Pointer<Void> Function(int bytes)>('bithuman_alloc');

  /// Gives memory of bithuman_alloc() back; NULL is fine.
  late final bithuman_free = _library.lookupFunction<
      Void Function(Pointer<Void> memory),
      void Function(Pointer<Void> memory)>('bithuman_free');

  /// The address of [bithuman_free], for a finalizer.
  late final Pointer<NativeFinalizerFunction> bithuman_free_pointer =
      _library.lookup<NativeFinalizerFunction>('bithuman_free');

  /// Takes a session onto a stage.
  ///
  /// `session`: transferred on success.
  /// `format`: RGBA8 or BGRA8 of the surface's pictures, or #BITHUMAN_NO_SURFACE.
  /// `premultiply`: 1: colors of the surface are multiplied with alpha, as screens compose; for avatars with a matte.
  /// `out`: shared (refcounted), one reference belongs to the caller.
  ///
  /// Fails with: INVALID_ARGUMENT, LIMIT_EXCEEDED (no memory).
  late final bithuman_stage_create = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Uint32 format, Uint32 premultiply, Pointer<Pointer<bithuman_stage>> out, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, int format, int premultiply, Pointer<Pointer<bithuman_stage>> out, Pointer<essence_error> err)>('bithuman_stage_create');

  /// Opens an avatar and a real-time session of it, puts it onto a stage and draws there from a thread of its own, until
  /// bithuman_stage_close(). For callers without Dart: the method channel.
  ///
  /// Fails with: as essence_engine_create(), essence_avatar_open(), essence_session_create() and bithuman_stage_create().
  late final bithuman_stage_open = _library.lookupFunction<
      Int32 Function(Pointer<Char> path, Uint32 format, Pointer<Pointer<bithuman_stage>> out, Pointer<essence_error> err),
      int Function(Pointer<Char> path, int format, Pointer<Pointer<bithuman_stage>> out, Pointer<essence_error> err)>('bithuman_stage_open');

  /// Takes one more reference; NULL is fine.
  late final bithuman_stage_retain = _library.lookupFunction<
      Void Function(Pointer<bithuman_stage> stage),
      void Function(Pointer<bithuman_stage> stage)>('bithuman_stage_retain');

  /// Gives up one reference; the last one destroys the session. NULL is fine.
  late final bithuman_stage_release = _library.lookupFunction<
      Void Function(Pointer<bithuman_stage> stage),
      void Function(Pointer<bithuman_stage> stage)>('bithuman_stage_release');

  /// The address of [bithuman_stage_release], for a finalizer.
  late final Pointer<NativeFinalizerFunction> bithuman_stage_release_pointer =
      _library.lookup<NativeFinalizerFunction>('bithuman_stage_release');

  /// Closes the stage and gives up one reference: for finalizers.
  late final bithuman_stage_abandon = _library.lookupFunction<
      Void Function(Pointer<bithuman_stage> stage),
      void Function(Pointer<bithuman_stage> stage)>('bithuman_stage_abandon');

  /// The address of [bithuman_stage_abandon], for a finalizer.
  late final Pointer<NativeFinalizerFunction> bithuman_stage_abandon_pointer =
      _library.lookup<NativeFinalizerFunction>('bithuman_stage_abandon');

  /// A number for a stage, which can be handed through a method channel: never 0, and used once in a process.
  late final bithuman_stage_id = _library.lookupFunction<
      Uint64 Function(Pointer<bithuman_stage> stage),
      int Function(Pointer<bithuman_stage> stage)>('bithuman_stage_id');

  /// The stage of a number, with one more reference; NULL if it is closed or there never was one.
  late final bithuman_stage_find = _library.lookupFunction<
      Pointer<bithuman_stage> Function(Uint64 id),
      Pointer<bithuman_stage> Function(int id)>('bithuman_stage_find');

  /// The session: borrowed until the caller's reference is released.
  late final bithuman_stage_session = _library.lookupFunction<
      Pointer<essence_session> Function(Pointer<bithuman_stage> stage),
      Pointer<essence_session> Function(Pointer<bithuman_stage> stage)>('bithuman_stage_session');

  /// Takes sound as the method channel has it: 16-bit little-endian samples, mono, 16 kHz, at any address.
  ///
  /// Fails with: INVALID_ARGUMENT (a byte too many), and as essence_session_push_audio_i16().
  late final bithuman_stage_push_bytes = _library.lookupFunction<
      Int32 Function(Pointer<bithuman_stage> stage, Pointer<Uint8> bytes, Size count, Pointer<essence_error> err),
      int Function(Pointer<bithuman_stage> stage, Pointer<Uint8> bytes, int count, Pointer<essence_error> err)>('bithuman_stage_push_bytes');

  /// Makes silence of sound, as of bithuman_stage_push_bytes(), whose level lies below `threshold`: **0 to 1**, root mean square.
  late final bithuman_gate = _library.lookupFunction<
      Void Function(Pointer<Uint8> bytes, Size count, Float threshold),
      void Function(Pointer<Uint8> bytes, int count, double threshold)>('bithuman_gate');

  /// Draws the next frame: onto the surface, which shows it from then on, or into `frame` where there is none.
  ///
  /// `timeout_ns`: waits for the frame's time as long as this at most, but for one that another thread draws; 0: doesn't wait.
  ///
  /// Returns and fails as essence_session_next_frame_within(); CANCELLED after bithuman_stage_close().
  late final bithuman_stage_draw = _library.lookupFunction<
      Int32 Function(Pointer<bithuman_stage> stage, Pointer<essence_frame> frame, Uint64 timeout_ns, Pointer<essence_frame_info> info, Pointer<essence_error> err),
      int Function(Pointer<bithuman_stage> stage, Pointer<essence_frame> frame, int timeout_ns, Pointer<essence_frame_info> info, Pointer<essence_error> err)>('bithuman_stage_draw');

  /// Waits until bithuman_stage_draw(), which gave AGAIN without waiting, may give something else; until bithuman_stage_wake(); and
  /// no longer than `timeout_ns`.
  late final bithuman_stage_wait = _library.lookupFunction<
      Void Function(Pointer<bithuman_stage> stage, Uint64 timeout_ns),
      void Function(Pointer<bithuman_stage> stage, int timeout_ns)>('bithuman_stage_wait');

  /// Ends a bithuman_stage_wait(), or the next one.
  late final bithuman_stage_wake = _library.lookupFunction<
      Void Function(Pointer<bithuman_stage> stage),
      void Function(Pointer<bithuman_stage> stage)>('bithuman_stage_wake');

  /// Has a callback told of new pictures; NULL: none any more. Once this returns, the one before is not called again, and no call
  /// of it is under way.
  late final bithuman_stage_listen = _library.lookupFunction<
      Void Function(Pointer<bithuman_stage> stage, bithuman_picture_fn callback, Pointer<Void> user_data),
      void Function(Pointer<bithuman_stage> stage, bithuman_picture_fn callback, Pointer<Void> user_data)>('bithuman_stage_listen');

  /// The newest picture, for the one thread that composes. It stays as it is until the next call.
  ///
  /// `pixels`: borrowed until the next call; the caller holds a reference meanwhile.
  ///
  /// Returns: 1, or 0 where there is none yet; then nothing is written.
  late final bithuman_stage_picture = _library.lookupFunction<
      Int32 Function(Pointer<bithuman_stage> stage, Pointer<Pointer<Uint8>> pixels, Pointer<Uint32> width, Pointer<Uint32> height, Pointer<Size> stride),
      int Function(Pointer<bithuman_stage> stage, Pointer<Pointer<Uint8>> pixels, Pointer<Uint32> width, Pointer<Uint32> height, Pointer<Size> stride)>('bithuman_stage_picture');

  /// Copies the newest picture into memory of the platform's, as much of it as fits.
  ///
  /// `stride`: bytes from one row to the next.
  ///
  /// Returns: 1, or 0 where there is none yet, or `pixels` is NULL.
  late final bithuman_stage_copy = _library.lookupFunction<
      Int32 Function(Pointer<bithuman_stage> stage, Pointer<Uint8> pixels, Size stride, Uint32 width, Uint32 height),
      int Function(Pointer<bithuman_stage> stage, Pointer<Uint8> pixels, int stride, int width, int height)>('bithuman_stage_copy');

  /// Width and height of the session's pictures in pixels.
  late final bithuman_stage_size = _library.lookupFunction<
      Void Function(Pointer<bithuman_stage> stage, Pointer<Uint32> width, Pointer<Uint32> height),
      void Function(Pointer<bithuman_stage> stage, Pointer<Uint32> width, Pointer<Uint32> height)>('bithuman_stage_size');

  /// Why the stage's own thread stopped drawing: OK while it draws, or after it was closed.
  late final bithuman_stage_failure = _library.lookupFunction<
      Int32 Function(Pointer<bithuman_stage> stage, Pointer<essence_error> err),
      int Function(Pointer<bithuman_stage> stage, Pointer<essence_error> err)>('bithuman_stage_failure');

  /// Ends all drawing, for good: calls that wait return, later ones give CANCELLED. Once this returns, the listener is called no more
  /// and bithuman_stage_find() finds the stage no more. NULL and closing twice are fine.
  late final bithuman_stage_close = _library.lookupFunction<
      Void Function(Pointer<bithuman_stage> stage),
      void Function(Pointer<bithuman_stage> stage)>('bithuman_stage_close');

  /// The code that the method channel gives for a status: BAD_ARGS, MODEL_REJECTED, load_cancelled, unsupported or load_failed.
  /// Static.
  late final bithuman_channel_code = _library.lookupFunction<
      Pointer<Char> Function(Int32 status),
      Pointer<Char> Function(int status)>('bithuman_channel_code');

  /// `0.1.0 (ABI 1)`: what the method channel's engineVersion gives. Static.
  late final bithuman_engine_version = _library.lookupFunction<
      Pointer<Char> Function(),
      Pointer<Char> Function()>('bithuman_engine_version');

  /// Makes a queue of log messages; NULL if there is no memory. One reference belongs to the caller.
  late final bithuman_log_create = _library.lookupFunction<
      Pointer<bithuman_log> Function(),
      Pointer<bithuman_log> Function()>('bithuman_log_create');

  /// Takes one more reference to a log.
  late final bithuman_log_retain = _library.lookupFunction<
      Void Function(Pointer<bithuman_log> log),
      void Function(Pointer<bithuman_log> log)>('bithuman_log_retain');

  /// Gives up one reference to a log; NULL is fine. Of type essence_destroy_fn.
  late final bithuman_log_release = _library.lookupFunction<
      Void Function(Pointer<Void> log),
      void Function(Pointer<Void> log)>('bithuman_log_release');

  /// The address of [bithuman_log_release], for a finalizer.
  late final Pointer<NativeFinalizerFunction> bithuman_log_release_pointer =
      _library.lookup<NativeFinalizerFunction>('bithuman_log_release');

  /// The function that an engine's options take as `log`, with a bithuman_log as `log_user_data` and bithuman_log_release() as
  /// `log_destroy`.
  late final bithuman_log_write = _library.lookupFunction<
      Void Function(Pointer<Void> log, Uint32 level, Pointer<Char> message, Size length),
      void Function(Pointer<Void> log, int level, Pointer<Char> message, int length)>('bithuman_log_write');

  /// The oldest message that waits: NUL-terminated UTF-8, transferred to the caller, who gives it back with bithuman_free(). NULL:
  /// none waits.
  ///
  /// `level`: written where there is one.
  late final bithuman_log_next = _library.lookupFunction<
      Pointer<Char> Function(Pointer<bithuman_log> log, Pointer<Uint32> level),
      Pointer<Char> Function(Pointer<bithuman_log> log, Pointer<Uint32> level)>('bithuman_log_next');
}
