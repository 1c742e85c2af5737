// Generated from include/essence.h by `cargo xtask bindings flutter --generate`; changes belong there.
// ignore_for_file: camel_case_types, constant_identifier_names, non_constant_identifier_names
// ignore_for_file: lines_longer_than_80_chars, public_member_api_docs

import 'dart:ffi';

/// How a call ended: 0 is success, negative values are errors, positive ones news that is no
/// error. Values are grouped in hundreds and never change; new ones may come.
typedef essence_status = Int32;

/// Done.
const int ESSENCE_OK = 0;

/// No frame now: push more audio or flush; in real time, the next one is not due yet.
const int ESSENCE_AGAIN = 1;

/// Nothing more will come: the end of a file.
const int ESSENCE_END = 2;

/// Every utterance is complete: the next audio begins another. Only in sessions that were
/// created with `report_done`; others give AGAIN. Since ABI 1.4.
const int ESSENCE_DONE = 3;

/// An argument is outside its domain. Correct the call; the message names the domain.
const int ESSENCE_ERR_INVALID_ARGUMENT = -100;

/// The call does not fit what was called before. The message names the call that is missing.
const int ESSENCE_ERR_INVALID_STATE = -101;

/// Something is larger than this library accepts. The message names the limit.
const int ESSENCE_ERR_LIMIT_EXCEEDED = -102;

/// The operation was stopped on request. Nothing needs to be done.
const int ESSENCE_ERR_CANCELLED = -103;

/// A file, member or motion of that name does not exist. Check the name.
const int ESSENCE_ERR_NOT_FOUND = -200;

/// The system could not read or write. The message holds the system's own words.
const int ESSENCE_ERR_IO = -201;

/// The file is not an avatar, or a damaged one. Get a fresh copy or make it again.
const int ESSENCE_ERR_INVALID_AVATAR = -202;

/// The data is of a kind this library does not read. Convert it.
const int ESSENCE_ERR_UNSUPPORTED_FORMAT = -203;

/// The file, or a struct of the caller's, needs a newer (or a much older) version of this
/// library.
const int ESSENCE_ERR_UNSUPPORTED_VERSION = -204;

/// ONNX Runtime could not be loaded, and the provider needs it. Install it or point to it as the
/// message says, or ask for #ESSENCE_PROVIDER_BUILTIN.
const int ESSENCE_ERR_RUNTIME_MISSING = -300;

/// No execution provider that was allowed can run this avatar. Allow the CPU, or see the
/// message.
const int ESSENCE_ERR_PROVIDER_UNAVAILABLE = -301;

/// A run of a network failed. Report it with the message.
const int ESSENCE_ERR_INFERENCE = -302;

/// A bug in this library. Report it with the message. Handles that took part can only be
/// destroyed from then on.
const int ESSENCE_ERR_INTERNAL = -900;

/// How much a message matters. A sink gets its own level and all below it.
typedef essence_log_level = Uint32;

/// Nothing.
const int ESSENCE_LOG_LEVEL_OFF = 0;

/// Something failed.
const int ESSENCE_LOG_LEVEL_ERROR = 1;

/// Something works, but not as asked for.
const int ESSENCE_LOG_LEVEL_WARN = 2;

/// Models and avatars that were loaded and opened, and the provider that runs.
const int ESSENCE_LOG_LEVEL_INFO = 3;

/// Utterances, interruptions, networks that were loaded, places that were searched.
const int ESSENCE_LOG_LEVEL_DEBUG = 4;

/// Every frame.
const int ESSENCE_LOG_LEVEL_TRACE = 5;

/// How pixels lie in memory; rows from the top down.
typedef essence_pixel_format = Uint32;

/// 3 bytes a pixel: blue, green, red.
const int ESSENCE_PIXEL_FORMAT_BGR8 = 0;

/// 3 bytes a pixel: red, green, blue.
const int ESSENCE_PIXEL_FORMAT_RGB8 = 1;

/// 4 bytes a pixel: red, green, blue, alpha, which is straight; 255 unless the avatar was keyed.
const int ESSENCE_PIXEL_FORMAT_RGBA8 = 2;

/// 4 bytes a pixel: blue, green, red, alpha, as in RGBA8.
const int ESSENCE_PIXEL_FORMAT_BGRA8 = 3;

/// Planes Y, U, V; U and V at half the width and height (rounded up). Matrix and range are the
/// session's `yuv_matrix` and `yuv_range`.
const int ESSENCE_PIXEL_FORMAT_I420 = 4;

/// Plane Y, then one plane of U and V in turn at half the width and height (rounded up). Matrix
/// and range as of I420.
const int ESSENCE_PIXEL_FORMAT_NV12 = 5;

/// A provider executes the networks.
typedef essence_provider = Uint32;

/// The best of the others that works here, passes the avatar's self-test and, unless it is the
/// CPU, draws a mouth within 20 ms.
const int ESSENCE_PROVIDER_AUTO = 0;

/// ONNX Runtime's own CPU kernels. Always there where ONNX Runtime is.
const int ESSENCE_PROVIDER_CPU = 1;

/// NVIDIA GPUs.
const int ESSENCE_PROVIDER_CUDA = 2;

/// Apple's CoreML.
const int ESSENCE_PROVIDER_COREML = 3;

/// Intel's OpenVINO, on the CPU.
const int ESSENCE_PROVIDER_OPENVINO = 4;

/// GPUs through WebGPU.
const int ESSENCE_PROVIDER_WEBGPU = 5;

/// This library's own kernels for the CPU, which need no ONNX Runtime. Always there. Since ABI
/// 1.5.
const int ESSENCE_PROVIDER_BUILTIN = 6;

/// How a session keeps time.
typedef essence_pacing = Uint32;

/// Frame k is due at start + k / 25 s, and there always is one: speech while there is
/// audio, idle otherwise.
const int ESSENCE_PACING_REALTIME = 0;

/// As fast as the machine can and only what the audio gives, for files and tests: the same
/// audio gives the same frames.
const int ESSENCE_PACING_UNPACED = 1;

/// How the avatar's picture fits into an output of another size.
typedef essence_fit = Uint32;

/// The whole picture, scaled as large as the output permits and centred, with bars where the
/// proportions differ.
const int ESSENCE_FIT_CONTAIN = 0;

/// The picture scaled until it fills the output, centred; what reaches beyond it is cut off
/// evenly on both sides.
const int ESSENCE_FIT_COVER = 1;

/// A part of the picture at its own scale, of the output's size, which lies inside of the
/// picture.
const int ESSENCE_FIT_CROP = 2;

/// Background: shows where a keyed avatar is transparent, and in place of bars.
typedef essence_background = Uint32;

/// Nothing is drawn: formats with alpha are transparent there; in others the avatar's own
/// background shows, and bars have `letterbox_rgb`.
const int ESSENCE_BACKGROUND_NONE = 0;

/// One color.
const int ESSENCE_BACKGROUND_COLOR = 1;

/// A picture, scaled until it fills the output, centred.
const int ESSENCE_BACKGROUND_PICTURE = 2;

/// How Y, U and V follow from red, green and blue.
typedef essence_yuv_matrix = Uint32;

/// ITU-R BT.601, of standard definition and JPEG.
const int ESSENCE_YUV_MATRIX_BT601 = 0;

/// ITU-R BT.709, of high definition.
const int ESSENCE_YUV_MATRIX_BT709 = 1;

/// The levels that Y, U and V use.
typedef essence_yuv_range = Uint32;

/// Y from 16 to 235, U and V from 16 to 240.
const int ESSENCE_YUV_RANGE_LIMITED = 0;

/// All from 0 to 255.
const int ESSENCE_YUV_RANGE_FULL = 1;

/// An emotion that a face shows beside its speech. Since ABI 1.4.
typedef essence_emotion = Uint32;

/// The face as it is. Every avatar can show it.
const int ESSENCE_EMOTION_NEUTRAL = 0;

/// A smile with raised cheeks.
const int ESSENCE_EMOTION_JOY = 1;

/// Inner brows raised, corners of the mouth down, the gaze lowered.
const int ESSENCE_EMOTION_SADNESS = 2;

/// Brows down, eyes narrowed.
const int ESSENCE_EMOTION_ANGER = 3;

/// Brows raised, eyes and lips a little apart.
const int ESSENCE_EMOTION_SURPRISE = 4;

/// Inner brows raised, eyes wider, corners of the mouth drawn apart.
const int ESSENCE_EMOTION_FEAR = 5;

/// The nose wrinkled, the upper lip raised.
const int ESSENCE_EMOTION_DISGUST = 6;

/// Whose names for visemes or phonemes. Since ABI 1.4.
typedef essence_viseme_set = Uint32;

/// ARPAbet, as CMU's dictionary, Festival and Flite write it: `AH0`; `SIL` is silence.
const int ESSENCE_VISEME_SET_ARPABET = 0;

/// Viseme ids of Microsoft's (Azure's) speech service: `0` to `21`.
const int ESSENCE_VISEME_SET_AZURE = 1;

/// Phoneme mnemonics of eSpeak NG: `oU`; `_` is a pause.
const int ESSENCE_VISEME_SET_ESPEAK = 2;

/// The International Phonetic Alphabet; an empty symbol and `_` are pauses.
const int ESSENCE_VISEME_SET_IPA = 3;

/// The fifteen visemes of Oculus (Meta): `sil PP FF TH DD kk CH SS nn RR aa E ih oh ou`.
const int ESSENCE_VISEME_SET_OCULUS = 4;

/// Visemes of Amazon Polly's speech marks: `p t S T f k i r s u @ a e E o O sil`.
const int ESSENCE_VISEME_SET_POLLY = 5;

/// Events around a frame: a sum of these.
typedef essence_frame_flags = Uint32;

/// The frame belongs to an utterance and carries its audio.
const int ESSENCE_FRAME_SPEECH = 1;

/// The last frame of an utterance.
const int ESSENCE_FRAME_END_OF_SPEECH = 2;

/// An utterance is under way, but the audio for this frame had not arrived in time: the
/// mouth waits, closed.
const int ESSENCE_FRAME_UNDERRUN = 4;

/// The frame left more than 20 ms after it was due. Since ABI 1.4.
const int ESSENCE_FRAME_LATE = 8;

/// The speech was muted: its samples are zeros and the mouth rests. Since ABI 1.4.
const int ESSENCE_FRAME_MUTED = 16;

/// The picture is not the one that was planned: a base frame is damaged, and another one is
/// shown, or a network failed, and the mouth holds its shape or rests. The sound is intact.
/// Since ABI 1.4.
const int ESSENCE_FRAME_CONCEALED = 32;

/// How many bits a video spends.
typedef essence_quality = Uint32;

/// Clean pictures at a moderate size.
const int ESSENCE_QUALITY_MEDIUM = 0;

/// Small files.
const int ESSENCE_QUALITY_LOW = 1;

/// Hardly distinguishable from the frames that went in.
const int ESSENCE_QUALITY_HIGH = 2;

/// Major version of the binary interface that this header describes. A program built against one
/// major version must not use a library of another: compare it with essence_abi_version() >> 16.
const int ESSENCE_ABI_VERSION_MAJOR = 1;

/// Minor version of the binary interface that this header describes. A library of a higher minor
/// version does all that one of a lower does.
const int ESSENCE_ABI_VERSION_MINOR = 5;

/// Stands for "as many as wanted" where a number of sessions is given.
const int ESSENCE_NO_LIMIT = 4294967295;

/// No motion, where a place in the avatar's `motions` is told. Since ABI 1.4.
const int ESSENCE_NO_MOTION = 4294967295;

/// A file of audio, read as mono samples: wav, mp3, m4a, ogg, opus, flac, aac, webm and others.
final class essence_audio_reader extends Opaque {}

/// One face: networks, base frames and motions out of one `.imx` file. Immutable, counted by
/// reference, shared by any number of sessions on any threads.
final class essence_avatar extends Opaque {}

/// A clock of the caller's: one that stands still until it is advanced, for tests and simulations
/// (essence_clock_create()), or one that runs at the pace of a sound card or another clock of the
/// host's (essence_clock_create_host()).
final class essence_clock extends Opaque {}

/// ONNX Runtime and the settings that avatars are opened with: one per process is enough.
/// Avatars live on without their engine.
final class essence_engine extends Opaque {}

/// Room for one frame, filled by essence_session_next_frame() as often as wanted without
/// allocating. Use one for all frames, or several in turn to keep some.
final class essence_frame extends Opaque {}

/// An MP4 file being written: H.264 pictures at 25 a second with AAC sound, in step to the
/// sample. It appears at its path when it is finished; destroyed unfinished, none remains.
final class essence_mp4_writer extends Opaque {}

/// One conversation with an avatar: audio in at one end, frames out at the other.
final class essence_session extends Opaque {}

/// Takes a message: UTF-8, `length` bytes, not NUL-terminated, borrowed for the call.
///
/// Called from the thread that makes the call that logs or from one of the engine's own, from several
/// at a time if several log. It must not call into this library and should return at once.
typedef essence_log_fn = Pointer<NativeFunction<Void Function(Pointer<Void> user_data, Uint32 level, Pointer<Char> message, Size length)>>;

/// Destroys the `user_data` of a callback.
typedef essence_destroy_fn = Pointer<NativeFunction<Void Function(Pointer<Void> user_data)>>;

/// Is told that a session may have a frame.
typedef essence_wakeup_fn = Pointer<NativeFunction<Void Function(Pointer<Void> user_data)>>;

/// Settings of an engine. Begin with #ESSENCE_ENGINE_OPTIONS_INIT or
/// essence_engine_options_init().
final class essence_engine_options extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// Provider that executes the networks. A provider asked for by name is never replaced. Default:
  /// #ESSENCE_PROVIDER_AUTO.
  @Uint32()
  external int provider;

  /// ONNX Runtime's shared library: a path in UTF-8, borrowed for the call. NULL, the default,
  /// searches: `ORT_DYLIB_PATH`, next to libessence, next to the executable, the system's library
  /// path.
  external Pointer<Char> runtime_library;

  /// Bytes that the decoded base frames of each avatar may take; 0 decodes each frame anew.
  /// Default: 48 MiB.
  @Uint64()
  external int base_cache_bytes;

  /// The log's callback. NULL, the default: no log.
  external essence_log_fn log;

  /// Given to `log` at each call; it must be usable from any thread.
  external Pointer<Void> log_user_data;

  /// Called with `log_user_data` when the last engine, avatar or session that may log is gone, or
  /// before essence_engine_create() returns if it fails. May be NULL; not called without `log`.
  external essence_destroy_fn log_destroy;

  /// Level of the messages that are logged. Default: #ESSENCE_LOG_LEVEL_INFO.
  @Uint32()
  external int log_level;

  /// 0.
  @Uint32()
  external int reserved;

  /// Threads that prepare frames, and networks that run at a time, for all avatars of the engine
  /// together. 0, the default: as many as the process may use cores, a container's quota counted.
  /// Since ABI 1.4.
  @Uint32()
  external int threads;

  /// Most real-time sessions at a time, of all avatars of the engine together;
  /// essence_session_create() refuses one more with LIMIT_EXCEEDED. 0, the default, and
  /// #ESSENCE_NO_LIMIT: no limit. Since ABI 1.4.
  @Uint32()
  external int max_sessions;

  /// 1: essence_avatar_open() maps files instead of reading them into memory. Such a file must not
  /// be truncated or overwritten while its avatar is open: the system ends a process that reads a
  /// page that is gone (SIGBUS). Replacing the file by renaming another over it is safe. Default:
  /// 0. Since ABI 1.4.
  @Uint32()
  external int map_files;

  /// 0.
  @Uint32()
  external int reserved_2;
}

/// An error, in memory of the caller's: nothing to free, nothing shared between threads.
///
/// Pass it as the last argument of any function that has one, or NULL. It is always written, on
/// success too (status #ESSENCE_OK, empty message).
final class essence_error extends Struct {
  /// Size of this struct as the caller knows it: #ESSENCE_ERROR_INIT sets it.
  @Uint32()
  external int struct_size;

  /// The same value that the function returned.
  @Int32()
  external int status;

  /// Sentence for a person: the fault, and what to do about it. UTF-8, NUL-terminated, cut at the end
  /// if need be.
  @Array(512)
  external Array<Char> message;
}

/// Description of an engine. Strings and arrays are borrowed until the engine is destroyed.
final class essence_engine_info extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// 0.
  @Uint32()
  external int reserved;

  /// The file of the ONNX Runtime in use; empty where none is, as with #ESSENCE_PROVIDER_BUILTIN.
  external Pointer<Char> runtime_path;

  /// Its version, such as `1.31.1`; empty where there is none.
  external Pointer<Char> runtime_version;

  /// The places that were looked at before, a line each, with what was found there.
  external Pointer<Char> runtime_tried;

  /// The providers that there are: this library's own, and those that the ONNX Runtime in use was
  /// built with. Whether one really works shows when an avatar is opened.
  external Pointer<Uint32> providers;

  /// Number of `providers`.
  @Size()
  external int provider_count;

  /// Threads that prepare frames, and networks that run at a time. Since ABI 1.4.
  @Uint32()
  external int threads;

  /// Real-time sessions that there are at the moment of the call. Since ABI 1.4.
  @Uint32()
  external int sessions;
}

/// Description of an avatar. Strings and arrays are borrowed until the avatar is released for the last
/// time.
final class essence_avatar_info extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// Width of its picture in pixels.
  @Uint32()
  external int frame_width;

  /// Height of its picture in pixels.
  @Uint32()
  external int frame_height;

  /// Number of base frames.
  @Uint32()
  external int frame_count;

  /// Frames per second: 25.
  @Uint32()
  external int frame_rate;

  /// Samples per second that the networks hear, in Hz: 16000. Any rate can be pushed.
  @Uint32()
  external int sample_rate_hz;

  /// Samples of one frame at that rate: 640.
  @Uint32()
  external int samples_per_frame;

  /// Width and height of the mouth patch in pixels.
  @Uint32()
  external int patch_size;

  /// Its name.
  external Pointer<Char> name;

  /// The licence it may be used under; empty if unsaid.
  external Pointer<Char> license;

  /// Version of its format, such as `2.0`.
  external Pointer<Char> format_version;

  /// Its whole manifest: JSON, which names networks, motions, hashes and training. NUL-terminated.
  external Pointer<Char> manifest_json;

  /// Bytes of `manifest_json` without the NUL.
  @Size()
  external int manifest_json_bytes;

  /// Names of the motions, for essence_session_perform().
  external Pointer<Pointer<Char>> motions;

  /// Number of `motions`.
  @Size()
  external int motion_count;

  /// ARKit names of the values that come with each frame, in their order.
  external Pointer<Pointer<Char>> arkit_names;

  /// Number of `arkit_names`.
  @Size()
  external int arkit_count;

  /// Names of the speech network's coefficients.
  external Pointer<Pointer<Char>> coefficient_names;

  /// Number of `coefficient_names`.
  @Size()
  external int coefficient_count;

  /// Size of the file in bytes.
  @Uint64()
  external int file_bytes;

  /// 1 where the avatar was keyed or its picture has alpha: RGBA and BGRA are transparent around it,
  /// and any background can lie behind it. Else 0. Since ABI 1.4.
  @Uint32()
  external int has_matte;

  /// The emotions that it can show, as bits: `1 << ESSENCE_EMOTION_JOY` and so on. Since ABI 1.4.
  @Uint32()
  external int emotions;
}

/// Which provider runs an avatar, and why not another. Arrays are borrowed until the avatar is
/// released for the last time.
final class essence_provider_report extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// The one that runs.
  @Uint32()
  external int provider;

  /// Providers that came first in the preference and were passed over.
  external Pointer<Uint32> refused;

  /// The reason against each of `refused`, in words.
  external Pointer<Pointer<Char>> reasons;

  /// Number of `refused` and of `reasons`.
  @Size()
  external int refused_count;

  /// 1 where the identity network runs in 8 bits: on the CPU, where the avatar has it so and its
  /// self-test finds it good. Else 0. Since ABI 1.1.
  @Uint32()
  external int quantized;

  /// 0.
  @Uint32()
  external int reserved;
}

/// A picture in memory of the caller's: up to three planes of rows, from the top down.
///
/// Begin with #ESSENCE_PICTURE_INIT or essence_picture_wrap().
final class essence_picture extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// How pixels lie in the planes.
  @Uint32()
  external int format;

  /// Width in pixels.
  @Uint32()
  external int width;

  /// Height in pixels.
  @Uint32()
  external int height;

  /// The first row of each plane that the format has. Each has room for all rows but the last at
  /// the distance of its stride, and for the last one.
  @Array(3)
  external Array<Pointer<Uint8>> planes;

  /// Bytes from one row to the next, at least those of a row.
  @Array(3)
  external Array<Size> strides;
}

/// Settings of a session. Begin with #ESSENCE_SESSION_OPTIONS_INIT or
/// essence_session_options_init().
final class essence_session_options extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// How the session keeps time. Default: #ESSENCE_PACING_REALTIME.
  @Uint32()
  external int pacing;

  /// Format of the pictures that frames hold themselves. Default: #ESSENCE_PIXEL_FORMAT_BGR8.
  @Uint32()
  external int pixel_format;

  /// Width of the pictures in pixels, **16 to 8192**; the avatar's picture is scaled to fit and
  /// centred. 0 for both width and height, the default: the avatar's own size.
  @Uint32()
  external int width;

  /// Height of the pictures in pixels, **16 to 8192**.
  @Uint32()
  external int height;

  /// Colour of the bars where the proportions differ: 0xRRGGBB. Default: black.
  @Uint32()
  external int letterbox_rgb;

  /// Most audio that may wait to be rendered, in seconds; pushing more is refused. Default: 600.
  @Uint32()
  external int queue_limit_s;

  /// 0.
  @Uint32()
  external int reserved;

  /// Clock of a real-time session; borrowed for the call. NULL, the default: the
  /// system's clock.
  external Pointer<essence_clock> clock;

  /// 1: frames carry sound, ARKit values and the number of the base frame, but no picture; the
  /// identity network doesn't run and nothing is composed. Default: 0. Since ABI 1.4.
  @Uint32()
  external int without_pictures;

  /// Most utterances that may wait, the one that is being rendered among them. 0, the default:
  /// 1,000. Since ABI 1.4.
  @Uint32()
  external int queue_limit_utterances;

  /// Most memory that audio that waits may take, in bytes: 4 a sample, after mixing down to mono.
  /// 0, the default: 128 MiB. Since ABI 1.4.
  @Uint64()
  external int queue_limit_bytes;

  /// How the avatar's picture fits into another size. Default: #ESSENCE_FIT_CONTAIN. Since ABI 1.4.
  @Uint32()
  external int fit;

  /// With #ESSENCE_FIT_CROP: the first column of the part in the avatar's picture, in pixels.
  @Uint32()
  external int crop_left;

  /// With #ESSENCE_FIT_CROP: its first row.
  @Uint32()
  external int crop_top;

  /// Matrix of I420 and NV12 pictures. Default: #ESSENCE_YUV_MATRIX_BT601. Since ABI 1.4.
  @Uint32()
  external int yuv_matrix;

  /// Range of I420 and NV12 pictures. Default: #ESSENCE_YUV_RANGE_LIMITED. Since ABI 1.4.
  @Uint32()
  external int yuv_range;

  /// Background: shows where a keyed avatar is transparent, and in place of bars. Default:
  /// #ESSENCE_BACKGROUND_NONE. Since ABI 1.4.
  @Uint32()
  external int background;

  /// With #ESSENCE_BACKGROUND_COLOR: 0xRRGGBB.
  @Uint32()
  external int background_rgb;

  /// 1: unpaced, drawing gives DONE instead of AGAIN where every utterance is complete, so that
  /// AGAIN means that more audio or a flush is needed (not from essence_session_try_next_frame()
  /// of a session with a wake-up, which gives AGAIN). Default: 0. Since ABI 1.4.
  @Uint32()
  external int report_done;

  /// With #ESSENCE_BACKGROUND_PICTURE: the picture, #ESSENCE_PIXEL_FORMAT_RGB8 of **1 to 8192**
  /// pixels in width and height; borrowed for the call. Else NULL.
  external Pointer<essence_picture> background_picture;
}

/// Description of a session's frames, known before the first one.
final class essence_session_info extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// Width of the pictures in pixels.
  @Uint32()
  external int frame_width;

  /// Height of the pictures in pixels.
  @Uint32()
  external int frame_height;

  /// Format of the pictures that frames hold themselves.
  @Uint32()
  external int pixel_format;

  /// Bytes of such a picture, without padding.
  @Size()
  external int picture_bytes;

  /// Milliseconds from pushing a frame's first sample, where audio is pushed as it is spoken,
  /// until the frame can leave.
  @Uint32()
  external int latency_ms;

  /// 0.
  @Uint32()
  external int reserved;
}

/// Counts of what has happened in a session since it was created. Since ABI 1.4.
final class essence_session_statistics extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// 0.
  @Uint32()
  external int reserved;

  /// Frames drawn.
  @Uint64()
  external int frames;

  /// Frames of an utterance.
  @Uint64()
  external int speech;

  /// Frames that left more than 20 ms after they were due.
  @Uint64()
  external int late;

  /// Pictures that were dropped because their time had passed.
  @Uint64()
  external int skipped;

  /// Frames for which the audio of an utterance had not arrived in time.
  @Uint64()
  external int underruns;

  /// Frames with #ESSENCE_FRAME_CONCEALED.
  @Uint64()
  external int concealed;

  /// Times the clock started anew because no frame had been asked for during a second.
  @Uint64()
  external int restarts;

  /// Audio samples handed out, at the rate that they were pushed with.
  @Uint64()
  external int samples;

  /// Longest time between a frame's due time and its leaving, in nanoseconds.
  @Uint64()
  external int worst_delay_ns;
}

/// Keyframes of ARKit values. Begin with #ESSENCE_CURVES_INIT. All is borrowed for the call. Since ABI
/// 1.4.
final class essence_curves extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// 1: names that the avatar lacks are passed over. 0, the default: they are refused.
  @Uint32()
  external int ignore_unknown;

  /// 1: no sound comes with this utterance; frames come as keyframes do, one frame behind them. 0,
  /// the default: frames come with the sound, or after essence_session_flush().
  @Uint32()
  external int without_sound;

  /// 0.
  @Uint32()
  external int reserved;

  /// Names, UTF-8, each one of the avatar's `arkit_names` and none twice.
  external Pointer<Pointer<Char>> names;

  /// Number of names; with none, the keyframes end the span in which those before drive the mouth.
  @Size()
  external int name_count;

  /// Times in seconds from the utterance's start, ascending.
  external Pointer<Double> times_s;

  /// Number of times.
  @Size()
  external int time_count;

  /// A value for each name of the first time, then of the second, and so on: `name_count` ×
  /// `time_count`, clamped to \[0, 1].
  external Pointer<Float> values;
}

/// Visemes or phonemes in time. Begin with #ESSENCE_VISEMES_INIT. All is borrowed for the call. Since
/// ABI 1.4.
final class essence_visemes extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// Whose names the symbols are. Default: #ESSENCE_VISEME_SET_ARPABET.
  @Uint32()
  external int set;

  /// 1: symbols that the set lacks count as a part of the viseme before. 0, the default: they are
  /// refused.
  @Uint32()
  external int ignore_unknown;

  /// 1: no sound comes with this utterance; frames come as soon as the visemes are known up to 0.4 s
  /// ahead. 0, the default: frames come with the sound, or after essence_session_flush().
  @Uint32()
  external int without_sound;

  /// Symbols, UTF-8.
  external Pointer<Pointer<Char>> symbols;

  /// When each begins, in seconds from the utterance's start, ascending.
  external Pointer<Double> starts_s;

  /// When each ends; NaN: when the next one begins, or 120 ms after its start if it is the last one.
  /// NULL stands for NaN throughout.
  external Pointer<Double> ends_s;

  /// Number of symbols and of times.
  @Size()
  external int count;
}

/// A frame: its picture, the exact audio that belongs to it, and facts about it.
///
/// Pointers are borrowed until the essence_frame is filled again or destroyed (those in `planes`
/// are the caller's own where a picture was given).
final class essence_frame_info extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// Events around this frame.
  @Uint32()
  external int flags;

  /// Number of the frame in its session, from 0. In real time, dropped pictures keep their
  /// numbers.
  @Uint64()
  external int index;

  /// Presentation time in samples at 16 kHz: 640 × `index`.
  @Uint64()
  external int pts_samples;

  /// Which of the avatar's base frames lies underneath.
  @Uint32()
  external int base_frame;

  /// Pictures that were dropped before this one because the machine or the program is too slow. Their
  /// audio is in this frame.
  @Uint32()
  external int skipped;

  /// Width of the picture in pixels.
  @Uint32()
  external int width;

  /// Height of the picture in pixels.
  @Uint32()
  external int height;

  /// The picture's format.
  @Uint32()
  external int format;

  /// Sample rate of the audio in Hz, 0 where there is none.
  @Uint32()
  external int audio_rate_hz;

  /// The picture: the first row of each plane that the format has; NULL in a session without
  /// pictures.
  @Array(3)
  external Array<Pointer<Uint8>> planes;

  /// Bytes from one row to the next in each plane.
  @Array(3)
  external Array<Size> strides;

  /// The caller's own audio for this frame: mono, exactly as pushed, in \[-1, 1].
  external Pointer<Float> audio;

  /// The same as 16-bit samples: what was pushed as such comes back bit for bit.
  external Pointer<Int16> audio_i16;

  /// Number of samples in each of them: rate / 25. None outside of utterances, fewer at an
  /// utterance's end, more where pictures were skipped.
  @Size()
  external int audio_samples;

  /// ARKit blendshape values of the mouth in \[0, 1], in the order of the avatar's `arkit_names`.
  external Pointer<Float> arkit;

  /// Number of `arkit`.
  @Size()
  external int arkit_count;

  /// Interruptions of the session before this frame. One thread may interrupt and push anew while
  /// another draws: this says on which side of the interruption that frame is. Since ABI 1.2.
  @Uint64()
  external int interruptions;

  /// Matrix of an I420 or NV12 picture. Since ABI 1.4.
  @Uint32()
  external int yuv_matrix;

  /// Range of an I420 or NV12 picture. Since ABI 1.4.
  @Uint32()
  external int yuv_range;

  /// Nanoseconds that have passed since the frame was due, when this is written: the time to show
  /// it, told by the clock of the program. 0 unpaced and on an essence_clock. Since ABI 1.4.
  @Uint64()
  external int since_due_ns;

  /// The tag that the frame's first sample was pushed with, 0 without one. Since ABI 1.4.
  @Uint64()
  external int tag;

  /// The gesture that begins with this frame, by its place in the avatar's `motions`;
  /// #ESSENCE_NO_MOTION: none. Since ABI 1.4.
  @Uint32()
  external int gesture_started;

  /// The gesture that is over with this frame, the first one that doesn't show it;
  /// #ESSENCE_NO_MOTION: none. Since ABI 1.4.
  @Uint32()
  external int gesture_ended;
}

/// Description of a file of audio.
final class essence_audio_info extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// Samples per second.
  @Uint32()
  external int rate_hz;

  /// Channels in the file, before they were mixed down.
  @Uint32()
  external int channels;

  /// Packets that could not be decoded so far and became silence.
  @Uint32()
  external int damaged_packets;

  /// How many samples the file says it holds; 0 if it doesn't say.
  @Uint64()
  external int expected_samples;

  /// After the end: how many of them are missing, when the file is cut off.
  @Uint64()
  external int missing_samples;
}

/// Settings of an MP4 file. Begin with #ESSENCE_MP4_OPTIONS_INIT or essence_mp4_options_init().
final class essence_mp4_options extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// Width of the pictures in pixels, **16 to 3840**. An odd one is filled up by repeating the
  /// last column. To be set.
  @Uint32()
  external int width;

  /// Height of the pictures in pixels, **16 to 2160** (width and height may change places). To be
  /// set.
  @Uint32()
  external int height;

  /// Samples per second of the sound that will be written, **8000 to 192000**. To be set.
  @Uint32()
  external int rate_hz;

  /// How many bits to spend. Default: #ESSENCE_QUALITY_MEDIUM.
  @Uint32()
  external int quality;
}

/// Description of a finished MP4 file.
final class essence_mp4_info extends Struct {
  /// Size of this struct as the caller knows it.
  @Uint32()
  external int struct_size;

  /// Rate of the sound in the file: the one that was written if AAC has it, else 48000.
  @Uint32()
  external int rate_hz;

  /// Size of the file.
  @Uint64()
  external int bytes;

  /// Pictures in the file.
  @Uint64()
  external int frames;

  /// Width of the pictures in the file: even.
  @Uint32()
  external int width;

  /// Height of the pictures in the file: even.
  @Uint32()
  external int height;
}

/// The functions of a library, each looked up at its first use.
final class EssenceBindings {
  /// Functions of `library`.
  EssenceBindings(this._library);

  final DynamicLibrary _library;

  /// The version of this library, such as `0.1.0`.
  ///
  /// Returns: static.
  /// Threads: any, concurrently.
  late final essence_version = _library.lookupFunction<
      Pointer<Char> Function(),
      Pointer<Char> Function()>('essence_version');

  /// The version of this library's binary interface: major << 16 | minor.
  ///
  /// Threads: any, concurrently.
  late final essence_abi_version = _library.lookupFunction<
      Uint32 Function(),
      int Function()>('essence_abi_version');

  /// How this library was built: JSON with `version`, `abi`, `commit`, `target`, `profile`,
  /// `onnxruntime` (the oldest version that will do) and `providers` (those that can be asked for).
  ///
  /// Returns: static.
  /// Threads: any, concurrently.
  late final essence_build_info = _library.lookupFunction<
      Pointer<Char> Function(),
      Pointer<Char> Function()>('essence_build_info');

  /// The name of a status, such as `invalid_argument`; `unknown` for a value that this version
  /// does not have.
  ///
  /// Returns: static.
  /// Threads: any, concurrently.
  late final essence_status_name = _library.lookupFunction<
      Pointer<Char> Function(Int32 status),
      Pointer<Char> Function(int status)>('essence_status_name');

  /// The exit code that a command line program ends with after `status` (after BSD's `sysexits`):
  /// 0, 1 generic, 2 usage, 66 no input, 69 unavailable, 70 internal, 130 interrupted.
  ///
  /// Threads: any, concurrently.
  late final essence_status_exit_code = _library.lookupFunction<
      Int32 Function(Int32 status),
      int Function(int status)>('essence_status_exit_code');

  /// The name of a pixel format: `bgr`, `rgb`, `rgba`, `bgra`, `i420` or `nv12`; NULL for a value
  /// that this version does not have.
  ///
  /// Returns: static.
  /// Threads: any, concurrently.
  late final essence_pixel_format_name = _library.lookupFunction<
      Pointer<Char> Function(Uint32 format),
      Pointer<Char> Function(int format)>('essence_pixel_format_name');

  /// The name of a provider: `auto`, `builtin`, `cpu`, `cuda`, `coreml`, `openvino` or `webgpu`;
  /// NULL for a value that this version does not have.
  ///
  /// Returns: static.
  /// Threads: any, concurrently.
  late final essence_provider_name = _library.lookupFunction<
      Pointer<Char> Function(Uint32 provider),
      Pointer<Char> Function(int provider)>('essence_provider_name');

  /// Sets all of `options`, `struct_size` included, to the defaults. For languages that can't use
  /// #ESSENCE_ENGINE_OPTIONS_INIT; `struct_size` is the size of the struct as the caller knows it.
  ///
  /// Fails with: INVALID_ARGUMENT (NULL, or a size that no version had).
  /// Threads: any, concurrently.
  late final essence_engine_options_init = _library.lookupFunction<
      Int32 Function(Pointer<essence_engine_options> options, Size struct_size, Pointer<essence_error> err),
      int Function(Pointer<essence_engine_options> options, int struct_size, Pointer<essence_error> err)>('essence_engine_options_init');

  /// Makes an engine. It loads ONNX Runtime if the provider is one of it; the automatic choice does
  /// without where none is found. Further engines in a process share what the first one loaded.
  ///
  /// ONNX Runtime's telemetry is the program's to switch off, since a library can't change the
  /// environment safely: it sets `ORT_DISABLE_TELEMETRY=1` when it starts, before it has other
  /// threads. Where that isn't set, a warning is logged.
  ///
  /// `options`: borrowed for the call; NULL means the defaults.
  /// `out`: written on success; transferred to the caller, who destroys it with
  /// essence_engine_destroy().
  ///
  /// Fails with: RUNTIME_MISSING (no usable library, where one was named or the provider needs it;
  /// the message lists the places that were tried), INVALID_STATE (the process has loaded another library than the one given),
  /// INVALID_ARGUMENT, UNSUPPORTED_VERSION.
  /// Threads: any, concurrently.
  late final essence_engine_create = _library.lookupFunction<
      Int32 Function(Pointer<essence_engine_options> options, Pointer<Pointer<essence_engine>> out, Pointer<essence_error> err),
      int Function(Pointer<essence_engine_options> options, Pointer<Pointer<essence_engine>> out, Pointer<essence_error> err)>('essence_engine_create');

  /// Destroys an engine; NULL is fine. Its avatars and sessions live on.
  ///
  /// Threads: any; no other call on this engine may be under way.
  late final essence_engine_destroy = _library.lookupFunction<
      Void Function(Pointer<essence_engine> engine),
      void Function(Pointer<essence_engine> engine)>('essence_engine_destroy');

  /// The address of [essence_engine_destroy], for a finalizer.
  late final Pointer<NativeFinalizerFunction> essence_engine_destroy_pointer =
      _library.lookup<NativeFinalizerFunction>('essence_engine_destroy');

  /// Says what the engine found.
  ///
  /// `info`: written on success, as far as its `struct_size` reaches.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_engine_describe = _library.lookupFunction<
      Int32 Function(Pointer<essence_engine> engine, Pointer<essence_engine_info> info, Pointer<essence_error> err),
      int Function(Pointer<essence_engine> engine, Pointer<essence_engine_info> info, Pointer<essence_error> err)>('essence_engine_describe');

  /// Sets another limit for the real-time sessions of an engine. Sessions beyond it that there are
  /// already stay. Since ABI 1.4.
  ///
  /// `sessions`: most real-time sessions at a time; 0: no further one; #ESSENCE_NO_LIMIT: as many
  /// as wanted.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_engine_set_max_sessions = _library.lookupFunction<
      Int32 Function(Pointer<essence_engine> engine, Uint32 sessions, Pointer<essence_error> err),
      int Function(Pointer<essence_engine> engine, int sessions, Pointer<essence_error> err)>('essence_engine_set_max_sessions');

  /// Has an engine log messages of `level` and of those that matter more from now on, for all that
  /// it has opened and will open. A message that another thread is writing is waited for: once
  /// this returns after #ESSENCE_LOG_LEVEL_OFF, the callback runs no more. Nothing happens where
  /// the options had no `log`. Since ABI 1.4.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently; not from the callback.
  late final essence_engine_set_log_level = _library.lookupFunction<
      Int32 Function(Pointer<essence_engine> engine, Uint32 level, Pointer<essence_error> err),
      int Function(Pointer<essence_engine> engine, int level, Pointer<essence_error> err)>('essence_engine_set_log_level');

  /// Opens an avatar: reads the file into memory, checks it against its hashes, loads its networks
  /// and runs its self-test. What happens to the file afterwards has no effect (unless `map_files`
  /// of the engine's options says otherwise).
  ///
  /// `engine`: borrowed for the call.
  /// `path`: UTF-8, borrowed for the call.
  /// `out`: written on success; shared (refcounted), one reference belongs to the caller, who
  /// gives it up with essence_avatar_release().
  ///
  /// Fails with: NOT_FOUND, IO, INVALID_AVATAR, UNSUPPORTED_FORMAT, UNSUPPORTED_VERSION,
  /// LIMIT_EXCEEDED, PROVIDER_UNAVAILABLE (the provider that was asked for doesn't run it),
  /// INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_avatar_open = _library.lookupFunction<
      Int32 Function(Pointer<essence_engine> engine, Pointer<Char> path, Pointer<Pointer<essence_avatar>> out, Pointer<essence_error> err),
      int Function(Pointer<essence_engine> engine, Pointer<Char> path, Pointer<Pointer<essence_avatar>> out, Pointer<essence_error> err)>('essence_avatar_open');

  /// Opens an avatar from the bytes of an `.imx` file. Since ABI 1.4.
  ///
  /// `engine`: borrowed for the call.
  /// `bytes`: the whole file. Without `destroy` borrowed for the call, and copied. With `destroy`
  /// transferred: not copied, and not to be changed until `destroy` is called.
  /// `destroy`: called once with `user_data` when the avatar and its sessions are gone, or before
  /// the call returns if it fails. NULL: the bytes are copied.
  /// `out`: written on success; shared (refcounted), one reference belongs to the caller, who
  /// gives it up with essence_avatar_release().
  ///
  /// Fails with: as essence_avatar_open(), but never with NOT_FOUND or IO.
  /// Threads: any, concurrently. `destroy` is called from the thread that gives up the last of the
  /// avatar, which may be one of the engine's.
  late final essence_avatar_open_memory = _library.lookupFunction<
      Int32 Function(Pointer<essence_engine> engine, Pointer<Uint8> bytes, Size size, essence_destroy_fn destroy, Pointer<Void> user_data, Pointer<Pointer<essence_avatar>> out, Pointer<essence_error> err),
      int Function(Pointer<essence_engine> engine, Pointer<Uint8> bytes, int size, essence_destroy_fn destroy, Pointer<Void> user_data, Pointer<Pointer<essence_avatar>> out, Pointer<essence_error> err)>('essence_avatar_open_memory');

  /// Takes one more reference to an avatar: shared (refcounted). NULL stays NULL.
  ///
  /// Returns: `avatar`.
  /// Threads: any, concurrently.
  late final essence_avatar_retain = _library.lookupFunction<
      Pointer<essence_avatar> Function(Pointer<essence_avatar> avatar),
      Pointer<essence_avatar> Function(Pointer<essence_avatar> avatar)>('essence_avatar_retain');

  /// Gives up one reference to an avatar; the last one closes it. NULL is fine. Sessions hold a
  /// reference of their own.
  ///
  /// Threads: any, concurrently.
  late final essence_avatar_release = _library.lookupFunction<
      Void Function(Pointer<essence_avatar> avatar),
      void Function(Pointer<essence_avatar> avatar)>('essence_avatar_release');

  /// The address of [essence_avatar_release], for a finalizer.
  late final Pointer<NativeFinalizerFunction> essence_avatar_release_pointer =
      _library.lookup<NativeFinalizerFunction>('essence_avatar_release');

  /// Says what an avatar is.
  ///
  /// `info`: written on success, as far as its `struct_size` reaches.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_avatar_describe = _library.lookupFunction<
      Int32 Function(Pointer<essence_avatar> avatar, Pointer<essence_avatar_info> info, Pointer<essence_error> err),
      int Function(Pointer<essence_avatar> avatar, Pointer<essence_avatar_info> info, Pointer<essence_error> err)>('essence_avatar_describe');

  /// Says which provider runs an avatar, and why not another.
  ///
  /// `report`: written on success, as far as its `struct_size` reaches.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_avatar_report_provider = _library.lookupFunction<
      Int32 Function(Pointer<essence_avatar> avatar, Pointer<essence_provider_report> report, Pointer<essence_error> err),
      int Function(Pointer<essence_avatar> avatar, Pointer<essence_provider_report> report, Pointer<essence_error> err)>('essence_avatar_report_provider');

  /// Measures how many sessions of an avatar the engine's threads can keep speaking in real time:
  /// from the time that a frame of speech takes now, sound and picture at the avatar's own size
  /// included. A machine that is busy with something else gives fewer. Since ABI 1.4.
  ///
  /// Draws some forty frames, so it takes a while and a processor core.
  ///
  /// `sessions`: written on success.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_avatar_measure_capacity = _library.lookupFunction<
      Int32 Function(Pointer<essence_avatar> avatar, Pointer<Uint32> sessions, Pointer<essence_error> err),
      int Function(Pointer<essence_avatar> avatar, Pointer<Uint32> sessions, Pointer<essence_error> err)>('essence_avatar_measure_capacity');

  /// Makes a clock at zero that stands still until essence_clock_advance(); sessions on it never wait,
  /// and prepare nothing ahead.
  ///
  /// `out`: written on success; transferred to the caller, who destroys it with
  /// essence_clock_destroy().
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_clock_create = _library.lookupFunction<
      Int32 Function(Pointer<Pointer<essence_clock>> out, Pointer<essence_error> err),
      int Function(Pointer<Pointer<essence_clock>> out, Pointer<essence_error> err)>('essence_clock_create');

  /// Makes a clock of the host's at zero, which begins to run with the first
  /// essence_clock_set_position(). Sessions on it wait for their frames and prepare them ahead, as on
  /// the system's clock. Since ABI 1.4.
  ///
  /// `out`: written on success; transferred to the caller, who destroys it with
  /// essence_clock_destroy().
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_clock_create_host = _library.lookupFunction<
      Int32 Function(Pointer<Pointer<essence_clock>> out, Pointer<essence_error> err),
      int Function(Pointer<Pointer<essence_clock>> out, Pointer<essence_error> err)>('essence_clock_create_host');

  /// Says where a host's clock stands now, such as how much sound has been played; a sound card's
  /// callback is a good place, every 5 to 100 ms. In between it goes on with the system's clock, for
  /// 200 ms at most. For a session time never goes back: where a position lies before the time that
  /// was reached, it stands still until that is caught up, or until essence_session_restart_clock().
  /// Takes no lock, doesn't allocate and wakes nobody. Since ABI 1.4.
  ///
  /// Fails with: INVALID_ARGUMENT, INVALID_STATE (a clock of essence_clock_create()).
  /// Threads: any, concurrently.
  late final essence_clock_set_position = _library.lookupFunction<
      Int32 Function(Pointer<essence_clock> clock, Uint64 nanoseconds, Pointer<essence_error> err),
      int Function(Pointer<essence_clock> clock, int nanoseconds, Pointer<essence_error> err)>('essence_clock_set_position');

  /// Moves a clock forward; at 292 years it stands still for good.
  ///
  /// Fails with: INVALID_ARGUMENT, INVALID_STATE (a clock of essence_clock_create_host()).
  /// Threads: any, concurrently.
  late final essence_clock_advance = _library.lookupFunction<
      Int32 Function(Pointer<essence_clock> clock, Uint64 nanoseconds, Pointer<essence_error> err),
      int Function(Pointer<essence_clock> clock, int nanoseconds, Pointer<essence_error> err)>('essence_clock_advance');

  /// Destroys a clock; NULL is fine. Sessions on it live on, and their time stands still.
  ///
  /// Threads: any; no other call on this clock may be under way.
  late final essence_clock_destroy = _library.lookupFunction<
      Void Function(Pointer<essence_clock> clock),
      void Function(Pointer<essence_clock> clock)>('essence_clock_destroy');

  /// The address of [essence_clock_destroy], for a finalizer.
  late final Pointer<NativeFinalizerFunction> essence_clock_destroy_pointer =
      _library.lookup<NativeFinalizerFunction>('essence_clock_destroy');

  /// Bytes of a picture without padding; 0 for a format that this version does not have or a size
  /// beyond **65535** pixels.
  ///
  /// Threads: any, concurrently.
  late final essence_picture_bytes = _library.lookupFunction<
      Size Function(Uint32 format, Uint32 width, Uint32 height),
      int Function(int format, int width, int height)>('essence_picture_bytes');

  /// Describes a picture without padding in one piece of memory: plane after plane.
  ///
  /// `data`: the memory, of at least essence_picture_bytes(); it becomes part of `picture` and
  /// stays the caller's.
  /// `picture`: its `struct_size` is set (#ESSENCE_PICTURE_INIT); the rest is written.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_picture_wrap = _library.lookupFunction<
      Int32 Function(Uint32 format, Uint32 width, Uint32 height, Pointer<Uint8> data, Size bytes, Pointer<essence_picture> picture, Pointer<essence_error> err),
      int Function(int format, int width, int height, Pointer<Uint8> data, int bytes, Pointer<essence_picture> picture, Pointer<essence_error> err)>('essence_picture_wrap');

  /// Sets all of `options`, `struct_size` included, to the defaults. For languages that can't use
  /// #ESSENCE_SESSION_OPTIONS_INIT; `struct_size` is the size of the struct as the caller knows
  /// it.
  ///
  /// Fails with: INVALID_ARGUMENT (NULL, or a size that no version had).
  /// Threads: any, concurrently.
  late final essence_session_options_init = _library.lookupFunction<
      Int32 Function(Pointer<essence_session_options> options, Size struct_size, Pointer<essence_error> err),
      int Function(Pointer<essence_session_options> options, int struct_size, Pointer<essence_error> err)>('essence_session_options_init');

  /// Starts a conversation.
  ///
  /// `avatar`: borrowed for the call; the session takes a reference of its own.
  /// `options`: borrowed for the call; NULL means the defaults.
  /// `out`: written on success; transferred to the caller, who destroys it with
  /// essence_session_destroy().
  ///
  /// Fails with: INVALID_ARGUMENT, UNSUPPORTED_VERSION, LIMIT_EXCEEDED (a real-time session more
  /// than the engine's `max_sessions`).
  /// Threads: any, concurrently.
  late final essence_session_create = _library.lookupFunction<
      Int32 Function(Pointer<essence_avatar> avatar, Pointer<essence_session_options> options, Pointer<Pointer<essence_session>> out, Pointer<essence_error> err),
      int Function(Pointer<essence_avatar> avatar, Pointer<essence_session_options> options, Pointer<Pointer<essence_session>> out, Pointer<essence_error> err)>('essence_session_create');

  /// Destroys a session; NULL is fine.
  ///
  /// Threads: any; no other call on this session may be under way.
  late final essence_session_destroy = _library.lookupFunction<
      Void Function(Pointer<essence_session> session),
      void Function(Pointer<essence_session> session)>('essence_session_destroy');

  /// The address of [essence_session_destroy], for a finalizer.
  late final Pointer<NativeFinalizerFunction> essence_session_destroy_pointer =
      _library.lookup<NativeFinalizerFunction>('essence_session_destroy');

  /// Says what a session draws.
  ///
  /// `info`: written on success, as far as its `struct_size` reaches.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_describe = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_session_info> info, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_session_info> info, Pointer<essence_error> err)>('essence_session_describe');

  /// Takes a piece of speech, of any length: 16-bit samples, channels in turn. The first piece
  /// after essence_session_flush() begins a new utterance. Doesn't wait for rendering.
  ///
  /// `samples`: borrowed for the call; NULL only if `count` is 0.
  /// `count`: number of samples, all channels together.
  /// `rate_hz`: **8000 to 192000**, the same throughout an utterance.
  /// `channels`: **1 to 32**, mixed down to mono.
  ///
  /// Fails with (nothing of the piece is taken then): INVALID_ARGUMENT, INVALID_STATE (another
  /// rate than the utterance began with), LIMIT_EXCEEDED (more would wait than
  /// `queue_limit_s`, `queue_limit_bytes` or `queue_limit_utterances` allow; the message says
  /// which).
  /// Threads: any, concurrently.
  late final essence_session_push_audio_i16 = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<Int16> samples, Size count, Uint32 rate_hz, Uint32 channels, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<Int16> samples, int count, int rate_hz, int channels, Pointer<essence_error> err)>('essence_session_push_audio_i16');

  /// The same as essence_session_push_audio_i16() with 32-bit float samples, nominally in
  /// \[-1, 1]; all must be finite.
  ///
  /// Fails with: as essence_session_push_audio_i16().
  /// Threads: any, concurrently.
  late final essence_session_push_audio_f32 = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<Float> samples, Size count, Uint32 rate_hz, Uint32 channels, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<Float> samples, int count, int rate_hz, int channels, Pointer<essence_error> err)>('essence_session_push_audio_f32');

  /// Ends the utterance: what was pushed is rendered to its last sample, and its last frame has
  /// #ESSENCE_FRAME_END_OF_SPEECH. Without an utterance nothing happens.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_flush = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_error> err)>('essence_session_flush');

  /// Drops queued audio at once; the mouth closes over the next two frames, and the session is
  /// ready for the next piece of audio.
  ///
  /// In an unpaced session the motions start over too, so that what follows equals a new
  /// session's output.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_interrupt = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_error> err)>('essence_session_interrupt');

  /// Restarts real time: the next frame is due when it is asked for, and the others follow from it.
  /// For a consumer that paused on purpose, so that the time doesn't count as late; an absence of
  /// more than a second restarts it by itself. Doesn't wait for a frame that is being drawn. Unpaced,
  /// this only undoes an essence_session_cancel().
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_restart_clock = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_error> err)>('essence_session_restart_clock');

  /// Holds speech back, or lets it go on where it was held. Speech that is held loses nothing and
  /// doesn't count as an underrun; the mouth closes and the avatar idles. Takes effect with the
  /// next frame. Since ABI 1.4.
  ///
  /// `paused`: 0 lets speech go on, any other value holds it.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_set_paused = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Uint32 paused, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, int paused, Pointer<essence_error> err)>('essence_session_set_paused');

  /// Mutes speech or lets it be heard again. Muted speech takes its time, but its samples come out
  /// as zeros, the mouth rests, and its frames have #ESSENCE_FRAME_MUTED. Takes effect with the
  /// next frame. Since ABI 1.4.
  ///
  /// `muted`: 0 lets speech be heard, any other value mutes it.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_set_muted = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Uint32 muted, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, int muted, Pointer<essence_error> err)>('essence_session_set_muted');

  /// Ends all drawing: an essence_session_next_frame() that waits for its time returns at once, and
  /// it and all later ones give CANCELLED. essence_session_restart_clock() undoes it.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_cancel = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_error> err)>('essence_session_cancel');

  /// Plays a motion once, from the next frame where it can begin without a jump; lips go on
  /// talking. While an utterance is under way, the same motion is played for it only once; what
  /// comes on top of that is passed over.
  ///
  /// `motion`: one of the avatar's `motions`, UTF-8, borrowed for the call.
  ///
  /// Fails with: NOT_FOUND (the avatar has no such motion), INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_perform = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<Char> motion, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<Char> motion, Pointer<essence_error> err)>('essence_session_perform');

  /// The same as essence_session_perform(), as often as it is asked for.
  ///
  /// `motion`: one of the avatar's `motions`, UTF-8, borrowed for the call.
  ///
  /// Fails with: NOT_FOUND (the avatar has no such motion), INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_perform_again = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<Char> motion, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<Char> motion, Pointer<essence_error> err)>('essence_session_perform_again');

  /// Plays a motion over and over instead of `idle` and `talking`. Begins where it can without a
  /// jump.
  ///
  /// `motion`: one of the avatar's `motions`, UTF-8, borrowed for the call; NULL goes back to
  /// `idle` and `talking`.
  ///
  /// Fails with: NOT_FOUND (the avatar has no such motion), INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_set_loop = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<Char> motion, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<Char> motion, Pointer<essence_error> err)>('essence_session_set_loop');

  /// Counts what has happened in a session since it was created. Since ABI 1.4.
  ///
  /// `statistics`: written on success, as far as its `struct_size` reaches.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_session_read_statistics = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_session_statistics> statistics, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_session_statistics> statistics, Pointer<essence_error> err)>('essence_session_read_statistics');

  /// Takes keyframes of ARKit values for the utterance that is being pushed; they begin one if there
  /// is none. From a keyframe to the next one, linearly interpolated, the values that both name
  /// replace what the speech network makes; frame k shows those at k / 25 s. The others go on coming
  /// from the network, or are 0 without sound. Push keyframes before the sound of their time. The
  /// `arkit` values of spoken frames, pushed back with the same sound, give the same frames. Since
  /// ABI 1.4.
  ///
  /// `curves`: borrowed for the call.
  ///
  /// Fails with (nothing is taken then): INVALID_ARGUMENT (an unknown name or one that is there
  /// twice, times that don't ascend, values that are not finite), INVALID_STATE (sound in an
  /// utterance without sound, or the reverse), LIMIT_EXCEEDED, UNSUPPORTED_VERSION.
  /// Threads: any, concurrently.
  late final essence_session_push_curves = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_curves> curves, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_curves> curves, Pointer<essence_error> err)>('essence_session_push_curves');

  /// Takes visemes or phonemes with their times, as speech engines give them, for the utterance that
  /// is being pushed; they begin one if there is none. Neighbours flow into each other, and lips shut
  /// for p, b and m in at least one frame. An utterance with visemes takes its whole mouth from them;
  /// curves come on top. Push visemes before the sound of their time. Since ABI 1.4.
  ///
  /// `visemes`: borrowed for the call.
  ///
  /// Fails with (nothing is taken then): INVALID_ARGUMENT (a symbol that the set lacks, times that
  /// don't ascend), INVALID_STATE (sound in an utterance without sound, or the reverse),
  /// LIMIT_EXCEEDED, UNSUPPORTED_VERSION.
  /// Threads: any, concurrently.
  late final essence_session_push_visemes = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_visemes> visemes, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_visemes> visemes, Pointer<essence_error> err)>('essence_session_push_visemes');

  /// The same as essence_session_push_audio_i16() with a tag of the caller's, which comes back as
  /// `tag` of the frames whose first sample is of this piece; 0 stands for none. Since ABI 1.4.
  ///
  /// Fails with: as essence_session_push_audio_i16().
  /// Threads: any, concurrently.
  late final essence_session_push_tagged_i16 = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<Int16> samples, Size count, Uint32 rate_hz, Uint32 channels, Uint64 tag, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<Int16> samples, int count, int rate_hz, int channels, int tag, Pointer<essence_error> err)>('essence_session_push_tagged_i16');

  /// The same as essence_session_push_audio_f32() with a tag, as
  /// essence_session_push_tagged_i16(). Since ABI 1.4.
  ///
  /// Fails with: as essence_session_push_audio_f32().
  /// Threads: any, concurrently.
  late final essence_session_push_tagged_f32 = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<Float> samples, Size count, Uint32 rate_hz, Uint32 channels, Uint64 tag, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<Float> samples, int count, int rate_hz, int channels, int tag, Pointer<essence_error> err)>('essence_session_push_tagged_f32');

  /// Lets the face show an emotion in place of the one before, until another one is asked for. It
  /// comes and goes within 0.7 s, from the next frame that is prepared on;
  /// essence_session_interrupt() leaves it. While the face speaks, the mouth belongs to speech, and
  /// the emotion moves its corners by half as much. Since ABI 1.4.
  ///
  /// `strength`: **0 to 1**.
  ///
  /// Fails with: INVALID_ARGUMENT (no value of essence_emotion, or a strength outside its range),
  /// NOT_FOUND (not one of the avatar's `emotions`; avatars that were filmed have
  /// #ESSENCE_EMOTION_NEUTRAL alone).
  /// Threads: any, concurrently.
  late final essence_session_set_emotion = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Uint32 emotion, Float strength, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, int emotion, double strength, Pointer<essence_error> err)>('essence_session_set_emotion');

  /// Draws the next frame. In real time, the engine's threads may have run its networks before.
  ///
  /// In real time, waits until the frame is due and always gives one (on an essence_clock it
  /// doesn't wait, and gives AGAIN early). Unpaced, it never waits.
  ///
  /// `frame`: filled with the frame; what it held before is gone, whatever is returned.
  /// `picture`: borrowed for the call. NULL: the picture goes into `frame`, in the session's pixel
  /// format. Otherwise it goes straight into the caller's memory, in the format of `picture`,
  /// which must have the session's width and height; bytes between rows are left alone. NULL in a
  /// session without pictures.
  /// `info`: what was drawn, as far as its `struct_size` reaches; written on OK only. May be NULL.
  ///
  /// Returns: OK, or AGAIN (no frame: push more audio or flush, or an utterance that was flushed
  /// is complete; on an essence_clock, not due yet), or DONE (with `report_done` in the session's
  /// options: unpaced, every utterance is complete).
  /// A damaged base frame and a network that fails are no errors: the sound goes on, and something
  /// else stands in for the picture or the mouth.
  /// Fails with: INVALID_ARGUMENT, CANCELLED (after essence_session_cancel()). An error uses up no
  /// frame and no sound.
  /// Threads: any; concurrently with all calls on the session. Two threads that draw from one
  /// session get frames in turn.
  late final essence_session_next_frame = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_frame> frame, Pointer<essence_picture> picture, Pointer<essence_frame_info> info, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_frame> frame, Pointer<essence_picture> picture, Pointer<essence_frame_info> info, Pointer<essence_error> err)>('essence_session_next_frame');

  /// The same as essence_session_next_frame(), without waiting: AGAIN means that the next frame is
  /// not due yet. essence_session_set_wakeup() says when it is.
  ///
  /// Fails with: as essence_session_next_frame().
  /// Threads: as essence_session_next_frame(); it does wait for a frame that another thread is
  /// drawing.
  late final essence_session_try_next_frame = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_frame> frame, Pointer<essence_picture> picture, Pointer<essence_frame_info> info, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_frame> frame, Pointer<essence_picture> picture, Pointer<essence_frame_info> info, Pointer<essence_error> err)>('essence_session_try_next_frame');

  /// The same as essence_session_next_frame(), waiting no longer than `timeout_ns` nanoseconds:
  /// AGAIN means that the next frame is not due within that time. Since ABI 1.4.
  ///
  /// Fails with: as essence_session_next_frame().
  /// Threads: as essence_session_next_frame().
  late final essence_session_next_frame_within = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<essence_frame> frame, Pointer<essence_picture> picture, Pointer<essence_frame_info> info, Uint64 timeout_ns, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<essence_frame> frame, Pointer<essence_picture> picture, Pointer<essence_frame_info> info, int timeout_ns, Pointer<essence_error> err)>('essence_session_next_frame_within');

  /// Draws several frames in one call: those that as many calls of essence_session_next_frame()
  /// would give, one after the other. For languages in which what surrounds a call takes time.
  /// Since ABI 1.3.
  ///
  /// The first frame comes as there: in real time it is waited for. The call ends before the
  /// first of the others that is not there without waiting, so in real time it mostly draws one.
  ///
  /// `frames`: borrowed for the call; `count` frames, no two the same. What they held before is
  /// gone, whatever is returned; the first `*drawn` are filled.
  /// `pictures`: borrowed for the call; for each frame what `picture` is to
  /// essence_session_next_frame(), NULL included, no two in the same memory. NULL: all pictures
  /// go into their frames.
  /// `infos`: borrowed for the call; for each frame what `info` is there, NULL included. The first
  /// `*drawn` are written. May be NULL.
  /// `count`: **1 to 64**.
  /// `drawn`: how many frames were drawn. Written whatever is returned.
  ///
  /// Returns: OK (one frame or more), or AGAIN or DONE (none, as essence_session_next_frame() has
  /// none).
  /// Fails with: as essence_session_next_frame(); a picture that can't be drawn into and an info
  /// that can't be written are met when their turn comes. Frames drawn before a failure are there
  /// all the same, and `*drawn` counts them.
  /// Threads: as essence_session_next_frame(). Frames that another thread draws may lie between
  /// those of a call.
  late final essence_session_next_frames = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, Pointer<Pointer<essence_frame>> frames, Pointer<Pointer<essence_picture>> pictures, Pointer<Pointer<essence_frame_info>> infos, Size count, Pointer<Size> drawn, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, Pointer<Pointer<essence_frame>> frames, Pointer<Pointer<essence_picture>> pictures, Pointer<Pointer<essence_frame_info>> infos, int count, Pointer<Size> drawn, Pointer<essence_error> err)>('essence_session_next_frames');

  /// Has a session call back instead of being polled, for event loops: after
  /// essence_session_try_next_frame() gave AGAIN, `callback` is called once as soon as another
  /// call may give something else. In real time that is when the next frame is due; on an
  /// essence_clock, when that is advanced; unpaced, when audio is pushed or flushed; and always
  /// when the session is interrupted, paused, muted, cancelled or its clock restarted. A call may
  /// come without a frame being there. One thread of the engine waits for all its sessions. Since
  /// ABI 1.4.
  ///
  /// `callback`: NULL: none any more. Once this returns, the one before is not called again, and
  /// no call of it is under way.
  /// `user_data`: given to `callback` at each call; it must be usable from any thread.
  /// `destroy`: called with `user_data` when nothing can call `callback` any more: after another
  /// one was set or the session destroyed, perhaps a moment later and from a thread of the
  /// engine's. May be NULL; not called without `callback`.
  ///
  /// The callback is called from a thread of the engine's, or from the one whose call changed
  /// something. It should return at once: write to a pipe or an eventfd, post to a queue. It may
  /// call any function but this one and essence_session_destroy() on the same session.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently; not from the callback.
  late final essence_session_set_wakeup = _library.lookupFunction<
      Int32 Function(Pointer<essence_session> session, essence_wakeup_fn callback, Pointer<Void> user_data, essence_destroy_fn destroy, Pointer<essence_error> err),
      int Function(Pointer<essence_session> session, essence_wakeup_fn callback, Pointer<Void> user_data, essence_destroy_fn destroy, Pointer<essence_error> err)>('essence_session_set_wakeup');

  /// Makes room for a frame. It fits every session and grows to what it is used for.
  ///
  /// `out`: written on success; transferred to the caller, who destroys it with
  /// essence_frame_destroy().
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_frame_create = _library.lookupFunction<
      Int32 Function(Pointer<Pointer<essence_frame>> out, Pointer<essence_error> err),
      int Function(Pointer<Pointer<essence_frame>> out, Pointer<essence_error> err)>('essence_frame_create');

  /// Destroys a frame; NULL is fine.
  ///
  /// Threads: any; no other call on this frame may be under way.
  late final essence_frame_destroy = _library.lookupFunction<
      Void Function(Pointer<essence_frame> frame),
      void Function(Pointer<essence_frame> frame)>('essence_frame_destroy');

  /// The address of [essence_frame_destroy], for a finalizer.
  late final Pointer<NativeFinalizerFunction> essence_frame_destroy_pointer =
      _library.lookup<NativeFinalizerFunction>('essence_frame_destroy');

  /// Says again what the frame is that was drawn last.
  ///
  /// `info`: written on success, as far as its `struct_size` reaches.
  ///
  /// Fails with: INVALID_STATE (there is none), INVALID_ARGUMENT.
  /// Threads: any, concurrently with each other.
  late final essence_frame_describe = _library.lookupFunction<
      Int32 Function(Pointer<essence_frame> frame, Pointer<essence_frame_info> info, Pointer<essence_error> err),
      int Function(Pointer<essence_frame> frame, Pointer<essence_frame_info> info, Pointer<essence_error> err)>('essence_frame_describe');

  /// Opens a file of audio.
  ///
  /// `path`: UTF-8, borrowed for the call.
  /// `out`: written on success; transferred to the caller, who destroys it with
  /// essence_audio_reader_destroy().
  ///
  /// Fails with: NOT_FOUND, IO, UNSUPPORTED_FORMAT (not audio of a kind that is read here, or
  /// empty), INVALID_ARGUMENT.
  /// Threads: any, concurrently.
  late final essence_audio_reader_open = _library.lookupFunction<
      Int32 Function(Pointer<Char> path, Pointer<Pointer<essence_audio_reader>> out, Pointer<essence_error> err),
      int Function(Pointer<Char> path, Pointer<Pointer<essence_audio_reader>> out, Pointer<essence_error> err)>('essence_audio_reader_open');

  /// Destroys a reader; NULL is fine.
  ///
  /// Threads: any; no other call on this reader may be under way.
  late final essence_audio_reader_destroy = _library.lookupFunction<
      Void Function(Pointer<essence_audio_reader> reader),
      void Function(Pointer<essence_audio_reader> reader)>('essence_audio_reader_destroy');

  /// The address of [essence_audio_reader_destroy], for a finalizer.
  late final Pointer<NativeFinalizerFunction> essence_audio_reader_destroy_pointer =
      _library.lookup<NativeFinalizerFunction>('essence_audio_reader_destroy');

  /// Says what the file is.
  ///
  /// `info`: written on success, as far as its `struct_size` reaches.
  ///
  /// Fails with: INVALID_ARGUMENT.
  /// Threads: any, concurrently with each other.
  late final essence_audio_reader_describe = _library.lookupFunction<
      Int32 Function(Pointer<essence_audio_reader> reader, Pointer<essence_audio_info> info, Pointer<essence_error> err),
      int Function(Pointer<essence_audio_reader> reader, Pointer<essence_audio_info> info, Pointer<essence_error> err)>('essence_audio_reader_describe');

  /// Reads on: mono samples, mixed down by the channels' mean and, where that cancels (antiphase),
  /// by the loudest channel.
  ///
  /// `samples`: room for `capacity` (at least 1) samples, borrowed for the call.
  /// `count`: written on success: how many samples there are now. Fewer than `capacity` doesn't
  /// mean the end.
  ///
  /// Returns: OK, or END (nothing was left; `count` is 0).
  /// Fails with: UNSUPPORTED_FORMAT (a sample is not a number, or the rate changes midway), IO,
  /// INVALID_ARGUMENT.
  /// Threads: any, one at a time.
  late final essence_audio_reader_read = _library.lookupFunction<
      Int32 Function(Pointer<essence_audio_reader> reader, Pointer<Float> samples, Size capacity, Pointer<Size> count, Pointer<essence_error> err),
      int Function(Pointer<essence_audio_reader> reader, Pointer<Float> samples, int capacity, Pointer<Size> count, Pointer<essence_error> err)>('essence_audio_reader_read');

  /// Sets all of `options`, `struct_size` included, to the defaults. For languages that can't use
  /// #ESSENCE_MP4_OPTIONS_INIT; `struct_size` is the size of the struct as the caller knows it.
  ///
  /// Fails with: INVALID_ARGUMENT (NULL, or a size that no version had).
  /// Threads: any, concurrently.
  late final essence_mp4_options_init = _library.lookupFunction<
      Int32 Function(Pointer<essence_mp4_options> options, Size struct_size, Pointer<essence_error> err),
      int Function(Pointer<essence_mp4_options> options, int struct_size, Pointer<essence_error> err)>('essence_mp4_options_init');

  /// Begins a file.
  ///
  /// `path`: UTF-8, borrowed for the call.
  /// `options`: borrowed for the call.
  /// `out`: written on success; transferred to the caller, who destroys it with
  /// essence_mp4_writer_destroy().
  ///
  /// Fails with: INVALID_ARGUMENT, UNSUPPORTED_VERSION, IO.
  /// Threads: any, concurrently.
  late final essence_mp4_writer_create = _library.lookupFunction<
      Int32 Function(Pointer<Char> path, Pointer<essence_mp4_options> options, Pointer<Pointer<essence_mp4_writer>> out, Pointer<essence_error> err),
      int Function(Pointer<Char> path, Pointer<essence_mp4_options> options, Pointer<Pointer<essence_mp4_writer>> out, Pointer<essence_error> err)>('essence_mp4_writer_create');

  /// Destroys a writer; NULL is fine. A file that was not finished is removed.
  ///
  /// Threads: any; no other call on this writer may be under way.
  late final essence_mp4_writer_destroy = _library.lookupFunction<
      Void Function(Pointer<essence_mp4_writer> writer),
      void Function(Pointer<essence_mp4_writer> writer)>('essence_mp4_writer_destroy');

  /// The address of [essence_mp4_writer_destroy], for a finalizer.
  late final Pointer<NativeFinalizerFunction> essence_mp4_writer_destroy_pointer =
      _library.lookup<NativeFinalizerFunction>('essence_mp4_writer_destroy');

  /// Adds a frame with its sound: the picture, once more for each that was skipped before it, and
  /// silence where the frame has no audio. Picture and sound stay in step.
  ///
  /// `frame`: borrowed for the call; it holds its picture itself, as #ESSENCE_PIXEL_FORMAT_I420.
  ///
  /// Fails with: INVALID_ARGUMENT (another size, pixel format or sample rate than the file's),
  /// INVALID_STATE (the frame is empty, or the file is finished), IO, INTERNAL.
  /// Threads: any, one at a time.
  late final essence_mp4_writer_write_frame = _library.lookupFunction<
      Int32 Function(Pointer<essence_mp4_writer> writer, Pointer<essence_frame> frame, Pointer<essence_error> err),
      int Function(Pointer<essence_mp4_writer> writer, Pointer<essence_frame> frame, Pointer<essence_error> err)>('essence_mp4_writer_write_frame');

  /// Adds a picture alone.
  ///
  /// `picture`: borrowed for the call; #ESSENCE_PIXEL_FORMAT_I420 of the file's size.
  ///
  /// Fails with: INVALID_ARGUMENT, INVALID_STATE (the file is finished), IO, INTERNAL.
  /// Threads: any, one at a time.
  late final essence_mp4_writer_write_picture = _library.lookupFunction<
      Int32 Function(Pointer<essence_mp4_writer> writer, Pointer<essence_picture> picture, Pointer<essence_error> err),
      int Function(Pointer<essence_mp4_writer> writer, Pointer<essence_picture> picture, Pointer<essence_error> err)>('essence_mp4_writer_write_picture');

  /// Adds mono sound alone, at the rate in the options. Samples beyond \[-1, 1] are clipped.
  ///
  /// `samples`: borrowed for the call; NULL only if `count` is 0.
  ///
  /// Fails with: INVALID_ARGUMENT (a sample is not a number), INVALID_STATE (the file is
  /// finished), INTERNAL.
  /// Threads: any, one at a time.
  late final essence_mp4_writer_write_audio = _library.lookupFunction<
      Int32 Function(Pointer<essence_mp4_writer> writer, Pointer<Float> samples, Size count, Pointer<essence_error> err),
      int Function(Pointer<essence_mp4_writer> writer, Pointer<Float> samples, int count, Pointer<essence_error> err)>('essence_mp4_writer_write_audio');

  /// Completes the file and gives it its name. Only essence_mp4_writer_destroy() is left then.
  ///
  /// `info`: what the file has become, as far as its `struct_size` reaches; may be NULL.
  ///
  /// Fails with: INVALID_STATE (no picture was written, or the file is finished already),
  /// INVALID_ARGUMENT, IO, INTERNAL. No file remains then.
  /// Threads: any, one at a time.
  late final essence_mp4_writer_finish = _library.lookupFunction<
      Int32 Function(Pointer<essence_mp4_writer> writer, Pointer<essence_mp4_info> info, Pointer<essence_error> err),
      int Function(Pointer<essence_mp4_writer> writer, Pointer<essence_mp4_info> info, Pointer<essence_error> err)>('essence_mp4_writer_finish');
}
