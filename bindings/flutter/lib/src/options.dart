import 'dart:ffi';
import 'dart:typed_data';

import 'clock.dart';
import 'essence.g.dart';
import 'library.dart';
import 'memory.dart';
import 'values.dart';

/// Settings of a session; null: the library's default. As in `essence_session_options`.
final class SessionOptions {
  /// Settings of a session.
  const SessionOptions({
    this.pacing = EssencePacing.realtime,
    this.pixelFormat = EssencePixelFormat.rgba8,
    this.width = 0,
    this.height = 0,
    this.letterboxRgb = 0,
    this.queueLimit,
    this.queueLimitUtterances = 0,
    this.queueLimitBytes = 0,
    this.clock,
    this.withoutPictures = false,
    this.fit = EssenceFit.contain,
    this.cropLeft = 0,
    this.cropTop = 0,
    this.yuvMatrix = EssenceYuvMatrix.bt601,
    this.yuvRange = EssenceYuvRange.limited,
    this.background,
    this.reportDone = false,
  });

  /// How the session keeps time.
  final EssencePacing pacing;

  /// Format of the pictures that frames hold.
  final EssencePixelFormat pixelFormat;

  /// Width of the pictures in pixels, **16 to 8192**; 0 for both: the avatar's own size.
  final int width;

  /// Height of the pictures in pixels.
  final int height;

  /// Colour of the bars where the proportions differ: 0xRRGGBB.
  final int letterboxRgb;

  /// Most audio that may wait, in whole seconds.
  final Duration? queueLimit;

  /// Most utterances that may wait; 0: the library's default.
  final int queueLimitUtterances;

  /// Most bytes of audio that may wait; 0: the library's default.
  final int queueLimitBytes;

  /// Clock of a real-time session; null: the system's.
  final EssenceClock? clock;

  /// Whether frames carry sound and ARKit values, but no picture.
  final bool withoutPictures;

  /// How the avatar's picture fits into another size.
  final EssenceFit fit;

  /// With [EssenceFit.crop]: first column of the part.
  final int cropLeft;

  /// With [EssenceFit.crop]: first row of the part.
  final int cropTop;

  /// Matrix of I420 and NV12 pictures.
  final EssenceYuvMatrix yuvMatrix;

  /// Range of I420 and NV12 pictures.
  final EssenceYuvRange yuvRange;

  /// The background where a keyed avatar is transparent.
  final SessionBackground? background;

  /// Whether unpaced drawing says that every utterance is complete: the stream of frames ends then.
  final bool reportDone;

  /// The settings in C, for the time of a call.
  Pointer<essence_session_options> native(Essence essence, Scope scope) {
    final options = scope<essence_session_options>();
    essence.call(
      (err) => essence.functions.essence_session_options_init(options, sizeOf<essence_session_options>(), err),
    );
    options.ref
      ..pacing = pacing.value
      ..pixel_format = pixelFormat.value
      ..width = width
      ..height = height
      ..letterbox_rgb = letterboxRgb
      ..queue_limit_utterances = queueLimitUtterances
      ..queue_limit_bytes = queueLimitBytes
      ..clock = clock?.pointer ?? nullptr
      ..without_pictures = withoutPictures ? 1 : 0
      ..fit = fit.value
      ..crop_left = cropLeft
      ..crop_top = cropTop
      ..yuv_matrix = yuvMatrix.value
      ..yuv_range = yuvRange.value
      ..report_done = reportDone ? 1 : 0;
    if (queueLimit case final limit?) options.ref.queue_limit_s = limit.inSeconds;
    switch (background) {
      case ColorBackground(:final rgb):
        options.ref
          ..background = ESSENCE_BACKGROUND_COLOR
          ..background_rgb = rgb;
      case PictureBackground(:final rgb, :final width, :final height):
        final bytes = scope<Uint8>(rgb.length)..asTypedList(rgb.length).setAll(0, rgb);
        final picture = scope<essence_picture>()..ref.struct_size = sizeOf<essence_picture>();
        essence.call(
          (err) => essence.functions
              .essence_picture_wrap(ESSENCE_PIXEL_FORMAT_RGB8, width, height, bytes, rgb.length, picture, err),
        );
        options.ref
          ..background = ESSENCE_BACKGROUND_PICTURE
          ..background_picture = picture;
      case null:
        break;
    }
    return options;
  }
}

/// The background where a keyed avatar is transparent.
sealed class SessionBackground {
  const SessionBackground();
}

/// One color, 0xRRGGBB.
final class ColorBackground extends SessionBackground {
  /// A color.
  const ColorBackground(this.rgb);

  /// 0xRRGGBB.
  final int rgb;
}

/// A picture, scaled until it fills the output.
final class PictureBackground extends SessionBackground {
  /// A picture of 3 bytes a pixel: red, green, blue; rows from the top down, without padding.
  const PictureBackground(this.rgb, this.width, this.height);

  /// The pixels.
  final Uint8List rgb;

  /// Width in pixels.
  final int width;

  /// Height in pixels.
  final int height;
}
