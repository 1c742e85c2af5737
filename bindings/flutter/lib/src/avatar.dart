import 'dart:ffi';

import 'core.g.dart';
import 'essence.g.dart';
import 'library.dart';
import 'memory.dart';
import 'session.dart';
import 'values.dart';

/// One face: networks, base frames and motions out of one `.imx` file, shared by any number of sessions.
final class EssenceAvatar extends Handle<essence_avatar> {
  /// Takes over one reference to a native avatar.
  EssenceAvatar.adopt(super.essence, super.pointer) : super.avatar();

  /// Another object for the same avatar, which is closed by itself.
  EssenceAvatar share() => EssenceAvatar.adopt(essence, essence.functions.essence_avatar_retain(pointer));

  /// The avatar's description.
  late final AvatarInfo info = essence.memory.scoped((scope) {
    final info = scope<essence_avatar_info>()..ref.struct_size = sizeOf<essence_avatar_info>();
    essence.call((err) => essence.functions.essence_avatar_describe(pointer, info, err));
    final found = info.ref;
    return (
      name: textAt(found.name),
      license: textAt(found.license),
      formatVersion: textAt(found.format_version),
      manifestJson: textAt(found.manifest_json),
      frameWidth: found.frame_width,
      frameHeight: found.frame_height,
      frameCount: found.frame_count,
      frameRate: found.frame_rate,
      sampleRateHz: found.sample_rate_hz,
      samplesPerFrame: found.samples_per_frame,
      patchSize: found.patch_size,
      motions: textsAt(found.motions, found.motion_count),
      arkitNames: textsAt(found.arkit_names, found.arkit_count),
      coefficientNames: textsAt(found.coefficient_names, found.coefficient_count),
      fileBytes: found.file_bytes,
      hasMatte: found.has_matte != 0,
      emotions: {
        for (final emotion in EssenceEmotion.values)
          if (found.emotions & 1 << emotion.value != 0) emotion,
      },
    );
  });

  /// Which provider runs the avatar, whether in 8 bits, and why not another one.
  ProviderReport get providerReport => essence.memory.scoped((scope) {
        final report = scope<essence_provider_report>()..ref.struct_size = sizeOf<essence_provider_report>();
        essence.call((err) => essence.functions.essence_avatar_report_provider(pointer, report, err));
        final found = report.ref;
        return (
          provider: EssenceProvider.of(found.provider),
          quantized: found.quantized != 0,
          refused: {
            for (var i = 0; i < found.refused_count; i++)
              textAt(essence.functions.essence_provider_name(found.refused[i])): textAt(found.reasons[i]),
          },
        );
      });

  /// Sessions that the engine can keep speaking in real time: measured, which takes a while and a processor core.
  int measureCapacity() => essence.memory.scoped((scope) {
        final sessions = scope<Uint32>();
        essence.call((err) => essence.functions.essence_avatar_measure_capacity(pointer, sessions, err));
        return sessions.value;
      });

  /// Starts a conversation. With `surface` its pictures go onto a surface of that format, RGBA8 or BGRA8, for a texture.
  EssenceSession session([SessionOptions options = const SessionOptions(), EssencePixelFormat? surface]) =>
      essence.memory.scoped((scope) {
        final out = scope<Pointer<essence_session>>();
        final native = options.native(essence, scope);
        essence.call((err) => essence.functions.essence_session_create(pointer, native, out, err));
        final session = out.value;
        final stage = scope<Pointer<bithuman_stage>>();
        try {
          essence.call(
            (err) => essence.core.bithuman_stage_create(
              session,
              surface?.value ?? BITHUMAN_NO_SURFACE,
              info.hasMatte ? 1 : 0,
              stage,
              err,
            ),
          );
        } catch (_) {
          essence.functions.essence_session_destroy(session);
          rethrow;
        }
        return EssenceSession.adopt(essence, stage.value, info.arkitNames);
      });
}

/// An avatar's description, as in `essence_avatar_info`.
typedef AvatarInfo = ({
  String name,
  String license,
  String formatVersion,
  String manifestJson,
  int frameWidth,
  int frameHeight,
  int frameCount,
  int frameRate,
  int sampleRateHz,
  int samplesPerFrame,
  int patchSize,
  List<String> motions,
  List<String> arkitNames,
  List<String> coefficientNames,
  int fileBytes,
  bool hasMatte,
  Set<EssenceEmotion> emotions,
});

/// Which provider runs an avatar, and the reasons against those that came first in the preference.
typedef ProviderReport = ({EssenceProvider? provider, bool quantized, Map<String, String> refused});
