import 'dart:ffi';
import 'dart:typed_data';

import 'core.g.dart';
import 'essence.g.dart';
import 'frame.dart';
import 'library.dart';
import 'pump.dart';
import 'values.dart';

export 'options.dart';

/// One conversation with an avatar: audio in at one end, frames out at the other.
///
/// Calls return at once: an isolate of its own draws ([frames], [FramePump]). Nothing is called on the native session after
/// [close], which may come while that isolate is drawing.
final class EssenceSession extends Handle<bithuman_stage> {
  /// Takes over one reference to a native stage with its session.
  EssenceSession.adopt(super.essence, super.pointer, this.arkitNames) : super.stage();

  /// ARKit names of the values that come with each frame, in their order.
  final List<String> arkitNames;

  EssenceBindings get _c => essence.functions;

  /// The session in C.
  Pointer<essence_session> get native => essence.core.bithuman_stage_session(pointer);

  /// A number of this session's surface, for the plugin's method channel.
  int get id => essence.core.bithuman_stage_id(pointer);

  /// The pictures and the sound that the session gives.
  late final SessionInfo info = essence.memory.scoped((scope) {
    final info = scope<essence_session_info>()..ref.struct_size = sizeOf<essence_session_info>();
    essence.call((err) => _c.essence_session_describe(native, info, err));
    return (
      frameWidth: info.ref.frame_width,
      frameHeight: info.ref.frame_height,
      pixelFormat: EssencePixelFormat.values.firstWhere((format) => format.value == info.ref.pixel_format),
      pictureBytes: info.ref.picture_bytes,
      latency: Duration(milliseconds: info.ref.latency_ms),
    );
  });

  /// Takes a piece of speech: 16-bit samples, channels in turn. `tag` comes back with the frames of this piece.
  void pushAudio(Int16List samples, {int sampleRate = 16000, int channels = 1, int tag = 0}) {
    final sound = essence.sound(samples).cast<Int16>();
    essence.call(
      (err) => tag == 0
          ? _c.essence_session_push_audio_i16(native, sound, samples.length, sampleRate, channels, err)
          : _c.essence_session_push_tagged_i16(native, sound, samples.length, sampleRate, channels, tag, err),
    );
  }

  /// Takes a piece of speech: float samples in \[-1, 1], channels in turn.
  void pushAudioFloat(Float32List samples, {int sampleRate = 16000, int channels = 1, int tag = 0}) {
    final sound = essence.sound(samples).cast<Float>();
    essence.call(
      (err) => tag == 0
          ? _c.essence_session_push_audio_f32(native, sound, samples.length, sampleRate, channels, err)
          : _c.essence_session_push_tagged_f32(native, sound, samples.length, sampleRate, channels, tag, err),
    );
  }

  /// Ends the utterance: it is rendered to its last sample.
  void flush() => essence.call((err) => _c.essence_session_flush(native, err));

  /// Drops queued audio at once; the mouth closes.
  void interrupt() => essence.call((err) => _c.essence_session_interrupt(native, err));

  /// Restarts real time for a program that paused on purpose; undoes [cancel].
  void restartClock() => essence.call((err) => _c.essence_session_restart_clock(native, err));

  /// Holds speech back, or lets it go on.
  void setPaused(bool paused) => essence.call((err) => _c.essence_session_set_paused(native, paused ? 1 : 0, err));

  /// Mutes speech, or lets it be heard again.
  void setMuted(bool muted) => essence.call((err) => _c.essence_session_set_muted(native, muted ? 1 : 0, err));

  /// Ends all drawing until [restartClock].
  void cancel() => essence.call((err) => _c.essence_session_cancel(native, err));

  /// Plays a motion once; during an utterance only once, unless `again`.
  void perform(String motion, {bool again = false}) => essence.memory.scoped((scope) {
        final name = scope.text(motion);
        essence.call(
          (err) => again
              ? _c.essence_session_perform_again(native, name, err)
              : _c.essence_session_perform(native, name, err),
        );
      });

  /// Plays a motion over and over; null goes back to idling and talking.
  void setLoop(String? motion) => essence.memory.scoped((scope) {
        final name = motion == null ? nullptr : scope.text(motion);
        essence.call((err) => _c.essence_session_set_loop(native, name, err));
      });

  /// Lets the face show an emotion; `strength`: **0 to 1**.
  void setEmotion(EssenceEmotion emotion, {double strength = 1}) =>
      essence.call((err) => _c.essence_session_set_emotion(native, emotion.value, strength, err));

  /// Takes keyframes of ARKit values for the utterance that is being pushed: for each of `times` (seconds from its start) a value
  /// of each of `names`.
  void pushCurves(
    List<String> names,
    List<double> times,
    List<List<double>> values, {
    bool ignoreUnknown = false,
    bool withoutSound = false,
  }) {
    if (values.length != times.length || values.any((row) => row.length != names.length)) {
      throw ArgumentError('values need a row for each time, and in it one for each name');
    }
    essence.memory.scoped((scope) {
      final curves = scope<essence_curves>();
      curves.ref
        ..struct_size = sizeOf<essence_curves>()
        ..ignore_unknown = ignoreUnknown ? 1 : 0
        ..without_sound = withoutSound ? 1 : 0
        ..names = scope.texts(names)
        ..name_count = names.length
        ..times_s = scope.doubles(times)
        ..time_count = times.length
        ..values = scope.floats([for (final row in values) ...row]);
      essence.call((err) => _c.essence_session_push_curves(native, curves, err));
    });
  }

  /// Takes visemes or phonemes with their times, in seconds from the utterance's start, for the utterance that is being pushed.
  /// Without `ends` each lasts until the next one.
  void pushVisemes(
    EssenceVisemeSet set,
    List<String> symbols,
    List<double> starts, {
    List<double>? ends,
    bool ignoreUnknown = false,
    bool withoutSound = false,
  }) {
    if (starts.length != symbols.length || (ends != null && ends.length != symbols.length)) {
      throw ArgumentError('each symbol needs a start, and an end where there are any');
    }
    essence.memory.scoped((scope) {
      final visemes = scope<essence_visemes>();
      visemes.ref
        ..struct_size = sizeOf<essence_visemes>()
        ..set = set.value
        ..ignore_unknown = ignoreUnknown ? 1 : 0
        ..without_sound = withoutSound ? 1 : 0
        ..symbols = scope.texts(symbols)
        ..starts_s = scope.doubles(starts)
        ..ends_s = ends == null ? nullptr : scope.doubles(ends)
        ..count = symbols.length;
      essence.call((err) => _c.essence_session_push_visemes(native, visemes, err));
    });
  }

  /// Counts of what has happened so far.
  SessionStatistics get statistics => essence.memory.scoped((scope) {
        final counts = scope<essence_session_statistics>()..ref.struct_size = sizeOf<essence_session_statistics>();
        essence.call((err) => _c.essence_session_read_statistics(native, counts, err));
        final found = counts.ref;
        return (
          frames: found.frames,
          speech: found.speech,
          late: found.late,
          skipped: found.skipped,
          underruns: found.underruns,
          concealed: found.concealed,
          restarts: found.restarts,
          samples: found.samples,
          worstDelay: Duration(microseconds: found.worst_delay_ns ~/ 1000),
        );
      });

  /// Frames with their pictures and sound, drawn in an isolate of their own.
  ///
  /// `ahead` frames at most wait for the listener; then drawing waits, and no sound is lost (a real-time session drops pictures
  /// meanwhile, as it does wherever a program is too slow). The stream ends when it is no longer listened to, when the session is
  /// closed, and with `reportDone` when every utterance is complete. One listener at a time.
  Stream<EssenceFrame> frames({int ahead = 4}) => FramePump.frames(this, ahead);
}

/// The pictures and the sound that a session gives, as in `essence_session_info`.
typedef SessionInfo = ({
  int frameWidth,
  int frameHeight,
  EssencePixelFormat pixelFormat,
  int pictureBytes,
  Duration latency,
});

/// Counts of a session: as in `essence_session_statistics`.
typedef SessionStatistics = ({
  int frames,
  int speech,
  int late,
  int skipped,
  int underruns,
  int concealed,
  int restarts,
  int samples,
  Duration worstDelay,
});
