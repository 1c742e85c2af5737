import 'dart:ffi';
import 'dart:typed_data';

import 'errors.dart';
import 'essence.g.dart';
import 'library.dart';
import 'session.dart';
import 'values.dart';

/// Facts about a frame: as in `essence_frame_info`.
final class FrameFacts {
  /// Reads what the library wrote.
  FrameFacts.read(essence_frame_info info)
      : flags = info.flags,
        index = info.index,
        presentation = Duration(microseconds: info.pts_samples * 1000000 ~/ 16000),
        baseFrame = info.base_frame,
        skipped = info.skipped,
        interruptions = info.interruptions,
        sinceDue = Duration(microseconds: info.since_due_ns ~/ 1000),
        tag = info.tag,
        gestureStarted = _motion(info.gesture_started),
        gestureEnded = _motion(info.gesture_ended);

  FrameFacts._(
    this.flags,
    this.index,
    this.presentation,
    this.baseFrame,
    this.skipped,
    this.interruptions,
    this.sinceDue,
    this.tag,
    this.gestureStarted,
    this.gestureEnded,
  );

  static int? _motion(int index) => index == ESSENCE_NO_MOTION ? null : index;

  /// Events, a sum of `ESSENCE_FRAME_…`.
  final int flags;

  /// Number of the frame in its session.
  final int index;

  /// Time of the frame from the session's start.
  final Duration presentation;

  /// Which base frame lies underneath.
  final int baseFrame;

  /// Pictures that were dropped before this one.
  final int skipped;

  /// Interruptions before this frame.
  final int interruptions;

  /// Time that has passed since the frame was due.
  final Duration sinceDue;

  /// Tag of the piece of sound that the frame's first sample is of; 0: none.
  final int tag;

  /// The gesture that begins with this frame, by its place in the avatar's motions.
  final int? gestureStarted;

  /// The gesture that is over with this frame.
  final int? gestureEnded;

  /// Whether the frame belongs to an utterance.
  bool get isSpeech => flags & ESSENCE_FRAME_SPEECH != 0;

  /// Whether it is the last frame of an utterance.
  bool get endsSpeech => flags & ESSENCE_FRAME_END_OF_SPEECH != 0;

  /// Whether the audio for this frame had not arrived in time.
  bool get isUnderrun => flags & ESSENCE_FRAME_UNDERRUN != 0;

  /// Whether the frame left more than 20 ms after it was due.
  bool get isLate => flags & ESSENCE_FRAME_LATE != 0;

  /// Whether the speech was muted.
  bool get isMuted => flags & ESSENCE_FRAME_MUTED != 0;

  /// Whether something else stands in for the planned picture.
  bool get isConcealed => flags & ESSENCE_FRAME_CONCEALED != 0;

  /// This frame's facts with the events of one before it, which was passed over: nothing that ends is missed.
  FrameFacts after(FrameFacts before) => FrameFacts._(
        flags | before.flags & ESSENCE_FRAME_END_OF_SPEECH,
        index,
        presentation,
        baseFrame,
        skipped + before.skipped + 1,
        interruptions,
        sinceDue,
        tag,
        gestureStarted ?? before.gestureStarted,
        gestureEnded ?? before.gestureEnded,
      );
}

/// A frame: its picture, the exact audio that belongs to it, and facts about it.
final class EssenceFrame {
  /// Copies what the library wrote.
  EssenceFrame.read(essence_frame_info info)
      : facts = FrameFacts.read(info),
        width = info.width,
        height = info.height,
        format = EssencePixelFormat.values.where((one) => one.value == info.format).first,
        picture = _picture(info),
        sampleRate = info.audio_rate_hz,
        audio = Int16List.fromList(_list(info.audio_i16, info.audio_samples, (p, n) => p.asTypedList(n))),
        arkit = Float32List.fromList(_list(info.arkit, info.arkit_count, (p, n) => p.asTypedList(n)));

  static List<E> _list<T extends NativeType, E>(Pointer<T> at, int count, List<E> Function(Pointer<T>, int) read) =>
      at == nullptr || count == 0 ? const [] : read(at, count);

  /// Rows without padding, plane after plane; empty in a session without pictures.
  static Uint8List _picture(essence_frame_info info) {
    if (info.planes[0] == nullptr) return Uint8List(0);
    final (width, height) = (info.width, info.height);
    final (half, rows) = ((width + 1) ~/ 2, (height + 1) ~/ 2);
    final planes = switch (info.format) {
      ESSENCE_PIXEL_FORMAT_BGR8 || ESSENCE_PIXEL_FORMAT_RGB8 => [(width * 3, height)],
      ESSENCE_PIXEL_FORMAT_RGBA8 || ESSENCE_PIXEL_FORMAT_BGRA8 => [(width * 4, height)],
      ESSENCE_PIXEL_FORMAT_I420 => [(width, height), (half, rows), (half, rows)],
      _ => [(width, height), (half * 2, rows)],
    };
    final bytes = Uint8List(planes.fold(0, (sum, plane) => sum + plane.$1 * plane.$2));
    var at = 0;
    for (final (index, (row, count)) in planes.indexed) {
      for (var y = 0; y < count; y++, at += row) {
        bytes.setRange(at, at + row, (info.planes[index] + y * info.strides[index]).asTypedList(row));
      }
    }
    return bytes;
  }

  /// Facts about the frame.
  final FrameFacts facts;

  /// Width of the picture in pixels.
  final int width;

  /// Height of the picture in pixels.
  final int height;

  /// The picture's format.
  final EssencePixelFormat format;

  /// The picture.
  final Uint8List picture;

  /// Samples a second of [audio]; 0 where there is none.
  final int sampleRate;

  /// The audio of this frame, as it was pushed: mono.
  final Int16List audio;

  /// ARKit values of the mouth in \[0, 1], in the order of the session's `arkitNames`.
  final Float32List arkit;
}

/// Room for frames that are drawn in the isolate that asks, for programs that have no other work: tools and tests.
final class EssenceFrameBuffer extends Handle<essence_frame> {
  EssenceFrameBuffer._(super.essence, super.pointer) : super.frame();

  /// Makes room for a frame.
  factory EssenceFrameBuffer() {
    final essence = Essence.instance;
    return essence.memory.scoped((scope) {
      final out = scope<Pointer<essence_frame>>();
      essence.call((err) => essence.functions.essence_frame_create(out, err));
      return EssenceFrameBuffer._(essence, out.value);
    });
  }

  /// Draws the next frame of a session, waiting for its time as long as `timeout` at most. Null: there is none now.
  EssenceFrame? draw(EssenceSession session, {Duration timeout = Duration.zero}) => essence.memory.scoped((scope) {
        final info = scope<essence_frame_info>()..ref.struct_size = sizeOf<essence_frame_info>();
        final status = essence.call(
          (err) => essence.core.bithuman_stage_draw(session.pointer, pointer, timeout.inMicroseconds * 1000, info, err),
        );
        return status == EssenceStatus.ok ? EssenceFrame.read(info.ref) : null;
      });

  /// The frame that was drawn last.
  EssenceFrame describe() => essence.memory.scoped((scope) {
        final info = scope<essence_frame_info>()..ref.struct_size = sizeOf<essence_frame_info>();
        essence.call((err) => essence.functions.essence_frame_describe(pointer, info, err));
        return EssenceFrame.read(info.ref);
      });
}
