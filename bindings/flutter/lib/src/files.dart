import 'dart:ffi';
import 'dart:typed_data';

import 'errors.dart';
import 'essence.g.dart';
import 'frame.dart';
import 'library.dart';
import 'values.dart';

/// A file of audio, read as mono samples.
final class EssenceAudioReader extends Handle<essence_audio_reader> {
  EssenceAudioReader._(super.essence, super.pointer) : super.reader();

  /// Opens a file: wav, mp3, m4a, ogg, opus, flac, aac, webm and others.
  factory EssenceAudioReader(String path) {
    final essence = Essence.instance;
    return essence.memory.scoped((scope) {
      final out = scope<Pointer<essence_audio_reader>>();
      essence.call((err) => essence.functions.essence_audio_reader_open(scope.text(path), out, err));
      return EssenceAudioReader._(essence, out.value);
    });
  }

  /// The file's description, as in `essence_audio_info`.
  AudioInfo get info => essence.memory.scoped((scope) {
        final info = scope<essence_audio_info>()..ref.struct_size = sizeOf<essence_audio_info>();
        essence.call((err) => essence.functions.essence_audio_reader_describe(pointer, info, err));
        final found = info.ref;
        return (
          sampleRate: found.rate_hz,
          channels: found.channels,
          damagedPackets: found.damaged_packets,
          expectedSamples: found.expected_samples,
          missingSamples: found.missing_samples,
        );
      });

  /// Reads on, `capacity` samples at most; empty at the end.
  Float32List read([int capacity = 16000]) => essence.memory.scoped((scope) {
        final samples = scope<Float>(capacity);
        final count = scope<Size>();
        final status = essence.call(
          (err) => essence.functions.essence_audio_reader_read(pointer, samples, capacity, count, err),
        );
        if (status == EssenceStatus.end) return Float32List(0);
        return Float32List.fromList(samples.asTypedList(count.value));
      });
}

/// A description of a file of audio.
typedef AudioInfo = ({int sampleRate, int channels, int damagedPackets, int expectedSamples, int missingSamples});

/// An MP4 file being written: pictures at 25 a second with sound. It appears at its path when it is finished.
final class EssenceMp4Writer extends Handle<essence_mp4_writer> {
  EssenceMp4Writer._(super.essence, super.pointer) : super.writer();

  /// Begins a file of pictures of this size, I420, and of sound at this rate.
  factory EssenceMp4Writer(
    String path, {
    required int width,
    required int height,
    required int sampleRate,
    EssenceQuality quality = EssenceQuality.medium,
  }) {
    final essence = Essence.instance;
    return essence.memory.scoped((scope) {
      final options = scope<essence_mp4_options>();
      essence.call((err) => essence.functions.essence_mp4_options_init(options, sizeOf<essence_mp4_options>(), err));
      options.ref
        ..width = width
        ..height = height
        ..rate_hz = sampleRate
        ..quality = quality.value;
      final out = scope<Pointer<essence_mp4_writer>>();
      essence.call((err) => essence.functions.essence_mp4_writer_create(scope.text(path), options, out, err));
      return EssenceMp4Writer._(essence, out.value);
    });
  }

  /// Adds a frame with its sound, of a session with [EssencePixelFormat.i420].
  void writeFrame(EssenceFrameBuffer frame) =>
      essence.call((err) => essence.functions.essence_mp4_writer_write_frame(pointer, frame.pointer, err));

  /// Adds a picture alone: I420 without padding.
  void writePicture(Uint8List picture, int width, int height) => essence.memory.scoped((scope) {
        final bytes = scope<Uint8>(picture.length)..asTypedList(picture.length).setAll(0, picture);
        final native = scope<essence_picture>()..ref.struct_size = sizeOf<essence_picture>();
        essence
          ..call(
            (err) => essence.functions
                .essence_picture_wrap(ESSENCE_PIXEL_FORMAT_I420, width, height, bytes, picture.length, native, err),
          )
          ..call((err) => essence.functions.essence_mp4_writer_write_picture(pointer, native, err));
      });

  /// Adds sound alone: mono, in \[-1, 1].
  void writeAudio(Float32List samples) {
    final sound = essence.sound(samples).cast<Float>();
    essence.call((err) => essence.functions.essence_mp4_writer_write_audio(pointer, sound, samples.length, err));
  }

  /// Completes the file and gives it its name.
  Mp4Info finish() => essence.memory.scoped((scope) {
        final info = scope<essence_mp4_info>()..ref.struct_size = sizeOf<essence_mp4_info>();
        essence.call((err) => essence.functions.essence_mp4_writer_finish(pointer, info, err));
        final found = info.ref;
        return (
          bytes: found.bytes,
          frames: found.frames,
          sampleRate: found.rate_hz,
          width: found.width,
          height: found.height,
        );
      });
}

/// A description of a finished file.
typedef Mp4Info = ({int bytes, int frames, int sampleRate, int width, int height});
