/*
 * libessence: a talking avatar in real time. Push speech, draw lip-synced pictures at exactly 25 frames a second.
 *
 * Generated from the crate `essence-ffi` by `cargo xtask header`; changes belong there. MIT or Apache-2.0.
 *
 *     essence_engine *engine = NULL;
 *     essence_avatar *avatar = NULL;
 *     essence_session *session = NULL;
 *     essence_frame *frame = NULL;
 *     essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
 *     essence_error err = ESSENCE_ERROR_INIT;
 *     if (essence_engine_create(NULL, &engine, &err) || essence_avatar_open(engine, "mika.imx", &avatar, &err) ||
 *         essence_session_create(avatar, NULL, &session, &err) || essence_frame_create(&frame, &err))
 *         ...                      // err.message says what is wrong
 *     essence_session_push_audio_i16(session, samples, count, 24000, 1, &err);
 *     essence_session_flush(session, &err);
 *     while (essence_session_next_frame(session, frame, NULL, &info, &err) == ESSENCE_OK)
 *         ...                      // show info.planes[0], play info.audio
 *
 * In real time, as here, that waits for each frame and goes on, speech or not, until essence_session_cancel(). With
 * ESSENCE_PACING_UNPACED in the session's options frames come as fast as they can be had, and end with the speech.
 *
 * CONVENTIONS
 *
 * Status.  A function that can fail returns an essence_status: 0 is success, negative values are errors, positive ones
 *   news (ESSENCE_AGAIN, ESSENCE_END). Its last parameter is an essence_error of the caller's, or NULL; it is always
 *   written, on success too. There is no error state in the library. Results are written on success only.
 *
 * Ownership.  One of five words says whose a pointer is. "Borrowed for the call": the library is done with it when the
 *   call returns. "Borrowed until X": the library's, valid until X happens. "Transferred": the caller's from now on, who
 *   destroys it. "Shared (refcounted)": lives until the last reference is released. "Static": lives as long as the library
 *   is loaded. Destroying NULL is fine.
 *
 * Threads.  An engine, an avatar and a session may be used from any number of threads at a time: push audio from one,
 *   draw in another, interrupt from a third. Frames, audio readers and MP4 writers may be handed from thread to thread but
 *   are used by one at a time. Where a parameter is a const pointer to a handle, calls may overlap; where it is not, the
 *   call is alone on that handle (retaining and releasing an avatar excepted). Every function has a line on it.
 *
 * Strings are UTF-8 and end with NUL. A pointer may be NULL where its length is 0 and where its line says so.
 *
 * Structs that begin with `struct_size` may grow at their end. Begin with the INIT macro, or with the init function from
 *   languages that lack macros, and every field that a version does not know has its default. A struct of a newer header
 *   is accepted as long as the fields that this library does not know are zero.
 *
 * Versions.  Within one ESSENCE_ABI_VERSION_MAJOR nothing is removed, renumbered or changed in meaning: programs that were
 *   built against an older header go on working. Bindings compare the major version with essence_abi_version() when they
 *   load the library and refuse another one.
 *
 * Bugs.  A panic inside the library never crosses into the caller: the call returns ESSENCE_ERR_INTERNAL, and the handles
 *   that took part can only be destroyed. The library never exits, installs no signal handler and prints nothing (except
 *   on stderr where it meets a bug of its own).
 */


#ifndef ESSENCE_H
#define ESSENCE_H

#include <stddef.h>
#include <stdint.h>

/**
 * How a call ended: 0 is success, negative values are errors, positive ones news that is no
 * error. Values are grouped in hundreds and never change; new ones may come.
 */
typedef int32_t essence_status;

enum {
    /**
     * Done.
     */
    ESSENCE_OK = 0,
    /**
     * No frame now: push more audio or flush; in real time, the next one is not due yet.
     */
    ESSENCE_AGAIN = 1,
    /**
     * Nothing more will come: the end of a file.
     */
    ESSENCE_END = 2,
    /**
     * Every utterance is complete: the next audio begins another. Only in sessions that were
     * created with `report_done`; others give AGAIN. Since ABI 1.4.
     */
    ESSENCE_DONE = 3,
    /**
     * An argument is outside its domain. Correct the call; the message names the domain.
     */
    ESSENCE_ERR_INVALID_ARGUMENT = -100,
    /**
     * The call does not fit what was called before. The message names the call that is missing.
     */
    ESSENCE_ERR_INVALID_STATE = -101,
    /**
     * Something is larger than this library accepts. The message names the limit.
     */
    ESSENCE_ERR_LIMIT_EXCEEDED = -102,
    /**
     * The operation was stopped on request. Nothing needs to be done.
     */
    ESSENCE_ERR_CANCELLED = -103,
    /**
     * A file, member or motion of that name does not exist. Check the name.
     */
    ESSENCE_ERR_NOT_FOUND = -200,
    /**
     * The system could not read or write. The message holds the system's own words.
     */
    ESSENCE_ERR_IO = -201,
    /**
     * The file is not an avatar, or a damaged one. Get a fresh copy or make it again.
     */
    ESSENCE_ERR_INVALID_AVATAR = -202,
    /**
     * The data is of a kind this library does not read. Convert it.
     */
    ESSENCE_ERR_UNSUPPORTED_FORMAT = -203,
    /**
     * The file, or a struct of the caller's, needs a newer (or a much older) version of this
     * library.
     */
    ESSENCE_ERR_UNSUPPORTED_VERSION = -204,
    /**
     * ONNX Runtime could not be loaded, and the provider needs it. Install it or point to it as the
     * message says, or ask for #ESSENCE_PROVIDER_BUILTIN.
     */
    ESSENCE_ERR_RUNTIME_MISSING = -300,
    /**
     * No execution provider that was allowed can run this avatar. Allow the CPU, or see the
     * message.
     */
    ESSENCE_ERR_PROVIDER_UNAVAILABLE = -301,
    /**
     * A run of a network failed. Report it with the message.
     */
    ESSENCE_ERR_INFERENCE = -302,
    /**
     * A bug in this library. Report it with the message. Handles that took part can only be
     * destroyed from then on.
     */
    ESSENCE_ERR_INTERNAL = -900
};

/**
 * How much a message matters. A sink gets its own level and all below it.
 */
typedef uint32_t essence_log_level;

enum {
    /**
     * Nothing.
     */
    ESSENCE_LOG_LEVEL_OFF = 0,
    /**
     * Something failed.
     */
    ESSENCE_LOG_LEVEL_ERROR = 1,
    /**
     * Something works, but not as asked for.
     */
    ESSENCE_LOG_LEVEL_WARN = 2,
    /**
     * Models and avatars that were loaded and opened, and the provider that runs.
     */
    ESSENCE_LOG_LEVEL_INFO = 3,
    /**
     * Utterances, interruptions, networks that were loaded, places that were searched.
     */
    ESSENCE_LOG_LEVEL_DEBUG = 4,
    /**
     * Every frame.
     */
    ESSENCE_LOG_LEVEL_TRACE = 5
};

/**
 * How pixels lie in memory; rows from the top down.
 */
typedef uint32_t essence_pixel_format;

enum {
    /**
     * 3 bytes a pixel: blue, green, red.
     */
    ESSENCE_PIXEL_FORMAT_BGR8 = 0,
    /**
     * 3 bytes a pixel: red, green, blue.
     */
    ESSENCE_PIXEL_FORMAT_RGB8 = 1,
    /**
     * 4 bytes a pixel: red, green, blue, alpha, which is straight; 255 unless the avatar was keyed.
     */
    ESSENCE_PIXEL_FORMAT_RGBA8 = 2,
    /**
     * 4 bytes a pixel: blue, green, red, alpha, as in RGBA8.
     */
    ESSENCE_PIXEL_FORMAT_BGRA8 = 3,
    /**
     * Planes Y, U, V; U and V at half the width and height (rounded up). Matrix and range are the
     * session's `yuv_matrix` and `yuv_range`.
     */
    ESSENCE_PIXEL_FORMAT_I420 = 4,
    /**
     * Plane Y, then one plane of U and V in turn at half the width and height (rounded up). Matrix
     * and range as of I420.
     */
    ESSENCE_PIXEL_FORMAT_NV12 = 5
};

/**
 * A provider executes the networks.
 */
typedef uint32_t essence_provider;

enum {
    /**
     * The best of the others that works here, passes the avatar's self-test and, unless it is the
     * CPU, draws a mouth within 20 ms.
     */
    ESSENCE_PROVIDER_AUTO = 0,
    /**
     * ONNX Runtime's own CPU kernels. Always there where ONNX Runtime is.
     */
    ESSENCE_PROVIDER_CPU = 1,
    /**
     * NVIDIA GPUs.
     */
    ESSENCE_PROVIDER_CUDA = 2,
    /**
     * Apple's CoreML.
     */
    ESSENCE_PROVIDER_COREML = 3,
    /**
     * Intel's OpenVINO, on the CPU.
     */
    ESSENCE_PROVIDER_OPENVINO = 4,
    /**
     * GPUs through WebGPU.
     */
    ESSENCE_PROVIDER_WEBGPU = 5,
    /**
     * This library's own kernels for the CPU, which need no ONNX Runtime. Always there. Since ABI
     * 1.5.
     */
    ESSENCE_PROVIDER_BUILTIN = 6
};

/**
 * How a session keeps time.
 */
typedef uint32_t essence_pacing;

enum {
    /**
     * Frame k is due at start + k / 25 s, and there always is one: speech while there is
     * audio, idle otherwise.
     */
    ESSENCE_PACING_REALTIME = 0,
    /**
     * As fast as the machine can and only what the audio gives, for files and tests: the same
     * audio gives the same frames.
     */
    ESSENCE_PACING_UNPACED = 1
};

/**
 * How the avatar's picture fits into an output of another size.
 */
typedef uint32_t essence_fit;

enum {
    /**
     * The whole picture, scaled as large as the output permits and centred, with bars where the
     * proportions differ.
     */
    ESSENCE_FIT_CONTAIN = 0,
    /**
     * The picture scaled until it fills the output, centred; what reaches beyond it is cut off
     * evenly on both sides.
     */
    ESSENCE_FIT_COVER = 1,
    /**
     * A part of the picture at its own scale, of the output's size, which lies inside of the
     * picture.
     */
    ESSENCE_FIT_CROP = 2
};

/**
 * Background: shows where a keyed avatar is transparent, and in place of bars.
 */
typedef uint32_t essence_background;

enum {
    /**
     * Nothing is drawn: formats with alpha are transparent there; in others the avatar's own
     * background shows, and bars have `letterbox_rgb`.
     */
    ESSENCE_BACKGROUND_NONE = 0,
    /**
     * One color.
     */
    ESSENCE_BACKGROUND_COLOR = 1,
    /**
     * A picture, scaled until it fills the output, centred.
     */
    ESSENCE_BACKGROUND_PICTURE = 2
};

/**
 * How Y, U and V follow from red, green and blue.
 */
typedef uint32_t essence_yuv_matrix;

enum {
    /**
     * ITU-R BT.601, of standard definition and JPEG.
     */
    ESSENCE_YUV_MATRIX_BT601 = 0,
    /**
     * ITU-R BT.709, of high definition.
     */
    ESSENCE_YUV_MATRIX_BT709 = 1
};

/**
 * The levels that Y, U and V use.
 */
typedef uint32_t essence_yuv_range;

enum {
    /**
     * Y from 16 to 235, U and V from 16 to 240.
     */
    ESSENCE_YUV_RANGE_LIMITED = 0,
    /**
     * All from 0 to 255.
     */
    ESSENCE_YUV_RANGE_FULL = 1
};

/**
 * An emotion that a face shows beside its speech. Since ABI 1.4.
 */
typedef uint32_t essence_emotion;

enum {
    /**
     * The face as it is. Every avatar can show it.
     */
    ESSENCE_EMOTION_NEUTRAL = 0,
    /**
     * A smile with raised cheeks.
     */
    ESSENCE_EMOTION_JOY = 1,
    /**
     * Inner brows raised, corners of the mouth down, the gaze lowered.
     */
    ESSENCE_EMOTION_SADNESS = 2,
    /**
     * Brows down, eyes narrowed.
     */
    ESSENCE_EMOTION_ANGER = 3,
    /**
     * Brows raised, eyes and lips a little apart.
     */
    ESSENCE_EMOTION_SURPRISE = 4,
    /**
     * Inner brows raised, eyes wider, corners of the mouth drawn apart.
     */
    ESSENCE_EMOTION_FEAR = 5,
    /**
     * The nose wrinkled, the upper lip raised.
     */
    ESSENCE_EMOTION_DISGUST = 6
};

/**
 * Whose names for visemes or phonemes. Since ABI 1.4.
 */
typedef uint32_t essence_viseme_set;

enum {
    /**
     * ARPAbet, as CMU's dictionary, Festival and Flite write it: `AH0`; `SIL` is silence.
     */
    ESSENCE_VISEME_SET_ARPABET = 0,
    /**
     * Viseme ids of Microsoft's (Azure's) speech service: `0` to `21`.
     */
    ESSENCE_VISEME_SET_AZURE = 1,
    /**
     * Phoneme mnemonics of eSpeak NG: `oU`; `_` is a pause.
     */
    ESSENCE_VISEME_SET_ESPEAK = 2,
    /**
     * The International Phonetic Alphabet; an empty symbol and `_` are pauses.
     */
    ESSENCE_VISEME_SET_IPA = 3,
    /**
     * The fifteen visemes of Oculus (Meta): `sil PP FF TH DD kk CH SS nn RR aa E ih oh ou`.
     */
    ESSENCE_VISEME_SET_OCULUS = 4,
    /**
     * Visemes of Amazon Polly's speech marks: `p t S T f k i r s u @ a e E o O sil`.
     */
    ESSENCE_VISEME_SET_POLLY = 5
};

/**
 * Events around a frame: a sum of these.
 */
typedef uint32_t essence_frame_flags;

enum {
    /**
     * The frame belongs to an utterance and carries its audio.
     */
    ESSENCE_FRAME_SPEECH = 1,
    /**
     * The last frame of an utterance.
     */
    ESSENCE_FRAME_END_OF_SPEECH = 2,
    /**
     * An utterance is under way, but the audio for this frame had not arrived in time: the
     * mouth waits, closed.
     */
    ESSENCE_FRAME_UNDERRUN = 4,
    /**
     * The frame left more than 20 ms after it was due. Since ABI 1.4.
     */
    ESSENCE_FRAME_LATE = 8,
    /**
     * The speech was muted: its samples are zeros and the mouth rests. Since ABI 1.4.
     */
    ESSENCE_FRAME_MUTED = 16,
    /**
     * The picture is not the one that was planned: a base frame is damaged, and another one is
     * shown, or a network failed, and the mouth holds its shape or rests. The sound is intact.
     * Since ABI 1.4.
     */
    ESSENCE_FRAME_CONCEALED = 32
};

/**
 * How many bits a video spends.
 */
typedef uint32_t essence_quality;

enum {
    /**
     * Clean pictures at a moderate size.
     */
    ESSENCE_QUALITY_MEDIUM = 0,
    /**
     * Small files.
     */
    ESSENCE_QUALITY_LOW = 1,
    /**
     * Hardly distinguishable from the frames that went in.
     */
    ESSENCE_QUALITY_HIGH = 2
};


/**
 * Major version of the binary interface that this header describes. A program built against one
 * major version must not use a library of another: compare it with essence_abi_version() >> 16.
 */
#define ESSENCE_ABI_VERSION_MAJOR 1

/**
 * Minor version of the binary interface that this header describes. A library of a higher minor
 * version does all that one of a lower does.
 */
#define ESSENCE_ABI_VERSION_MINOR 5

/**
 * Stands for "as many as wanted" where a number of sessions is given.
 */
#define ESSENCE_NO_LIMIT 4294967295

/**
 * No motion, where a place in the avatar's `motions` is told. Since ABI 1.4.
 */
#define ESSENCE_NO_MOTION 4294967295

/**
 * A file of audio, read as mono samples: wav, mp3, m4a, ogg, opus, flac, aac, webm and others.
 */
typedef struct essence_audio_reader essence_audio_reader;

/**
 * One face: networks, base frames and motions out of one `.imx` file. Immutable, counted by
 * reference, shared by any number of sessions on any threads.
 */
typedef struct essence_avatar essence_avatar;

/**
 * A clock of the caller's: one that stands still until it is advanced, for tests and simulations
 * (essence_clock_create()), or one that runs at the pace of a sound card or another clock of the
 * host's (essence_clock_create_host()).
 */
typedef struct essence_clock essence_clock;

/**
 * ONNX Runtime and the settings that avatars are opened with: one per process is enough.
 * Avatars live on without their engine.
 */
typedef struct essence_engine essence_engine;

/**
 * Room for one frame, filled by essence_session_next_frame() as often as wanted without
 * allocating. Use one for all frames, or several in turn to keep some.
 */
typedef struct essence_frame essence_frame;

/**
 * An MP4 file being written: H.264 pictures at 25 a second with AAC sound, in step to the
 * sample. It appears at its path when it is finished; destroyed unfinished, none remains.
 */
typedef struct essence_mp4_writer essence_mp4_writer;

/**
 * One conversation with an avatar: audio in at one end, frames out at the other.
 */
typedef struct essence_session essence_session;

/**
 * Takes a message: UTF-8, `length` bytes, not NUL-terminated, borrowed for the call.
 *
 * Called from the thread that makes the call that logs or from one of the engine's own, from several
 * at a time if several log. It must not call into this library and should return at once.
 */
typedef void (*essence_log_fn)(void *user_data, essence_log_level level, const char *message, size_t length);

/**
 * Destroys the `user_data` of a callback.
 */
typedef void (*essence_destroy_fn)(void *user_data);

/**
 * Settings of an engine. Begin with #ESSENCE_ENGINE_OPTIONS_INIT or
 * essence_engine_options_init().
 */
typedef struct essence_engine_options {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * Provider that executes the networks. A provider asked for by name is never replaced. Default:
     * #ESSENCE_PROVIDER_AUTO.
     */
    essence_provider provider;
    /**
     * ONNX Runtime's shared library: a path in UTF-8, borrowed for the call. NULL, the default,
     * searches: `ORT_DYLIB_PATH`, next to libessence, next to the executable, the system's library
     * path.
     */
    const char *runtime_library;
    /**
     * Bytes that the decoded base frames of each avatar may take; 0 decodes each frame anew.
     * Default: 48 MiB.
     */
    uint64_t base_cache_bytes;
    /**
     * The log's callback. NULL, the default: no log.
     */
    essence_log_fn log;
    /**
     * Given to `log` at each call; it must be usable from any thread.
     */
    void *log_user_data;
    /**
     * Called with `log_user_data` when the last engine, avatar or session that may log is gone, or
     * before essence_engine_create() returns if it fails. May be NULL; not called without `log`.
     */
    essence_destroy_fn log_destroy;
    /**
     * Level of the messages that are logged. Default: #ESSENCE_LOG_LEVEL_INFO.
     */
    essence_log_level log_level;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Threads that prepare frames, and networks that run at a time, for all avatars of the engine
     * together. 0, the default: as many as the process may use cores, a container's quota counted.
     * Since ABI 1.4.
     */
    uint32_t threads;
    /**
     * Most real-time sessions at a time, of all avatars of the engine together;
     * essence_session_create() refuses one more with LIMIT_EXCEEDED. 0, the default, and
     * #ESSENCE_NO_LIMIT: no limit. Since ABI 1.4.
     */
    uint32_t max_sessions;
    /**
     * 1: essence_avatar_open() maps files instead of reading them into memory. Such a file must not
     * be truncated or overwritten while its avatar is open: the system ends a process that reads a
     * page that is gone (SIGBUS). Replacing the file by renaming another over it is safe. Default:
     * 0. Since ABI 1.4.
     */
    uint32_t map_files;
    /**
     * 0.
     */
    uint32_t reserved_2;
} essence_engine_options;

/**
 * An error, in memory of the caller's: nothing to free, nothing shared between threads.
 *
 * Pass it as the last argument of any function that has one, or NULL. It is always written, on
 * success too (status #ESSENCE_OK, empty message).
 */
typedef struct essence_error {
    /**
     * Size of this struct as the caller knows it: #ESSENCE_ERROR_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * The same value that the function returned.
     */
    essence_status status;
    /**
     * Sentence for a person: the fault, and what to do about it. UTF-8, NUL-terminated, cut at the end
     * if need be.
     */
    char message[512];
} essence_error;

/**
 * Description of an engine. Strings and arrays are borrowed until the engine is destroyed.
 */
typedef struct essence_engine_info {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * The file of the ONNX Runtime in use; empty where none is, as with #ESSENCE_PROVIDER_BUILTIN.
     */
    const char *runtime_path;
    /**
     * Its version, such as `1.31.1`; empty where there is none.
     */
    const char *runtime_version;
    /**
     * The places that were looked at before, a line each, with what was found there.
     */
    const char *runtime_tried;
    /**
     * The providers that there are: this library's own, and those that the ONNX Runtime in use was
     * built with. Whether one really works shows when an avatar is opened.
     */
    const essence_provider *providers;
    /**
     * Number of `providers`.
     */
    size_t provider_count;
    /**
     * Threads that prepare frames, and networks that run at a time. Since ABI 1.4.
     */
    uint32_t threads;
    /**
     * Real-time sessions that there are at the moment of the call. Since ABI 1.4.
     */
    uint32_t sessions;
} essence_engine_info;

/**
 * Description of an avatar. Strings and arrays are borrowed until the avatar is released for the last
 * time.
 */
typedef struct essence_avatar_info {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * Width of its picture in pixels.
     */
    uint32_t frame_width;
    /**
     * Height of its picture in pixels.
     */
    uint32_t frame_height;
    /**
     * Number of base frames.
     */
    uint32_t frame_count;
    /**
     * Frames per second: 25.
     */
    uint32_t frame_rate;
    /**
     * Samples per second that the networks hear, in Hz: 16000. Any rate can be pushed.
     */
    uint32_t sample_rate_hz;
    /**
     * Samples of one frame at that rate: 640.
     */
    uint32_t samples_per_frame;
    /**
     * Width and height of the mouth patch in pixels.
     */
    uint32_t patch_size;
    /**
     * Its name.
     */
    const char *name;
    /**
     * The licence it may be used under; empty if unsaid.
     */
    const char *license;
    /**
     * Version of its format, such as `2.0`.
     */
    const char *format_version;
    /**
     * Its whole manifest: JSON, which names networks, motions, hashes and training. NUL-terminated.
     */
    const char *manifest_json;
    /**
     * Bytes of `manifest_json` without the NUL.
     */
    size_t manifest_json_bytes;
    /**
     * Names of the motions, for essence_session_perform().
     */
    const char *const *motions;
    /**
     * Number of `motions`.
     */
    size_t motion_count;
    /**
     * ARKit names of the values that come with each frame, in their order.
     */
    const char *const *arkit_names;
    /**
     * Number of `arkit_names`.
     */
    size_t arkit_count;
    /**
     * Names of the speech network's coefficients.
     */
    const char *const *coefficient_names;
    /**
     * Number of `coefficient_names`.
     */
    size_t coefficient_count;
    /**
     * Size of the file in bytes.
     */
    uint64_t file_bytes;
    /**
     * 1 where the avatar was keyed or its picture has alpha: RGBA and BGRA are transparent around it,
     * and any background can lie behind it. Else 0. Since ABI 1.4.
     */
    uint32_t has_matte;
    /**
     * The emotions that it can show, as bits: `1 << ESSENCE_EMOTION_JOY` and so on. Since ABI 1.4.
     */
    uint32_t emotions;
} essence_avatar_info;

/**
 * Which provider runs an avatar, and why not another. Arrays are borrowed until the avatar is
 * released for the last time.
 */
typedef struct essence_provider_report {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * The one that runs.
     */
    essence_provider provider;
    /**
     * Providers that came first in the preference and were passed over.
     */
    const essence_provider *refused;
    /**
     * The reason against each of `refused`, in words.
     */
    const char *const *reasons;
    /**
     * Number of `refused` and of `reasons`.
     */
    size_t refused_count;
    /**
     * 1 where the identity network runs in 8 bits: on the CPU, where the avatar has it so and its
     * self-test finds it good. Else 0. Since ABI 1.1.
     */
    uint32_t quantized;
    /**
     * 0.
     */
    uint32_t reserved;
} essence_provider_report;

/**
 * A picture in memory of the caller's: up to three planes of rows, from the top down.
 *
 * Begin with #ESSENCE_PICTURE_INIT or essence_picture_wrap().
 */
typedef struct essence_picture {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * How pixels lie in the planes.
     */
    essence_pixel_format format;
    /**
     * Width in pixels.
     */
    uint32_t width;
    /**
     * Height in pixels.
     */
    uint32_t height;
    /**
     * The first row of each plane that the format has. Each has room for all rows but the last at
     * the distance of its stride, and for the last one.
     */
    uint8_t *planes[3];
    /**
     * Bytes from one row to the next, at least those of a row.
     */
    size_t strides[3];
} essence_picture;

/**
 * Settings of a session. Begin with #ESSENCE_SESSION_OPTIONS_INIT or
 * essence_session_options_init().
 */
typedef struct essence_session_options {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * How the session keeps time. Default: #ESSENCE_PACING_REALTIME.
     */
    essence_pacing pacing;
    /**
     * Format of the pictures that frames hold themselves. Default: #ESSENCE_PIXEL_FORMAT_BGR8.
     */
    essence_pixel_format pixel_format;
    /**
     * Width of the pictures in pixels, **16 to 8192**; the avatar's picture is scaled to fit and
     * centred. 0 for both width and height, the default: the avatar's own size.
     */
    uint32_t width;
    /**
     * Height of the pictures in pixels, **16 to 8192**.
     */
    uint32_t height;
    /**
     * Colour of the bars where the proportions differ: 0xRRGGBB. Default: black.
     */
    uint32_t letterbox_rgb;
    /**
     * Most audio that may wait to be rendered, in seconds; pushing more is refused. Default: 600.
     */
    uint32_t queue_limit_s;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Clock of a real-time session; borrowed for the call. NULL, the default: the
     * system's clock.
     */
    const struct essence_clock *clock;
    /**
     * 1: frames carry sound, ARKit values and the number of the base frame, but no picture; the
     * identity network doesn't run and nothing is composed. Default: 0. Since ABI 1.4.
     */
    uint32_t without_pictures;
    /**
     * Most utterances that may wait, the one that is being rendered among them. 0, the default:
     * 1,000. Since ABI 1.4.
     */
    uint32_t queue_limit_utterances;
    /**
     * Most memory that audio that waits may take, in bytes: 4 a sample, after mixing down to mono.
     * 0, the default: 128 MiB. Since ABI 1.4.
     */
    uint64_t queue_limit_bytes;
    /**
     * How the avatar's picture fits into another size. Default: #ESSENCE_FIT_CONTAIN. Since ABI 1.4.
     */
    essence_fit fit;
    /**
     * With #ESSENCE_FIT_CROP: the first column of the part in the avatar's picture, in pixels.
     */
    uint32_t crop_left;
    /**
     * With #ESSENCE_FIT_CROP: its first row.
     */
    uint32_t crop_top;
    /**
     * Matrix of I420 and NV12 pictures. Default: #ESSENCE_YUV_MATRIX_BT601. Since ABI 1.4.
     */
    essence_yuv_matrix yuv_matrix;
    /**
     * Range of I420 and NV12 pictures. Default: #ESSENCE_YUV_RANGE_LIMITED. Since ABI 1.4.
     */
    essence_yuv_range yuv_range;
    /**
     * Background: shows where a keyed avatar is transparent, and in place of bars. Default:
     * #ESSENCE_BACKGROUND_NONE. Since ABI 1.4.
     */
    essence_background background;
    /**
     * With #ESSENCE_BACKGROUND_COLOR: 0xRRGGBB.
     */
    uint32_t background_rgb;
    /**
     * 1: unpaced, drawing gives DONE instead of AGAIN where every utterance is complete, so that
     * AGAIN means that more audio or a flush is needed (not from essence_session_try_next_frame()
     * of a session with a wake-up, which gives AGAIN). Default: 0. Since ABI 1.4.
     */
    uint32_t report_done;
    /**
     * With #ESSENCE_BACKGROUND_PICTURE: the picture, #ESSENCE_PIXEL_FORMAT_RGB8 of **1 to 8192**
     * pixels in width and height; borrowed for the call. Else NULL.
     */
    const struct essence_picture *background_picture;
} essence_session_options;

/**
 * Description of a session's frames, known before the first one.
 */
typedef struct essence_session_info {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * Width of the pictures in pixels.
     */
    uint32_t frame_width;
    /**
     * Height of the pictures in pixels.
     */
    uint32_t frame_height;
    /**
     * Format of the pictures that frames hold themselves.
     */
    essence_pixel_format pixel_format;
    /**
     * Bytes of such a picture, without padding.
     */
    size_t picture_bytes;
    /**
     * Milliseconds from pushing a frame's first sample, where audio is pushed as it is spoken,
     * until the frame can leave.
     */
    uint32_t latency_ms;
    /**
     * 0.
     */
    uint32_t reserved;
} essence_session_info;

/**
 * Counts of what has happened in a session since it was created. Since ABI 1.4.
 */
typedef struct essence_session_statistics {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Frames drawn.
     */
    uint64_t frames;
    /**
     * Frames of an utterance.
     */
    uint64_t speech;
    /**
     * Frames that left more than 20 ms after they were due.
     */
    uint64_t late;
    /**
     * Pictures that were dropped because their time had passed.
     */
    uint64_t skipped;
    /**
     * Frames for which the audio of an utterance had not arrived in time.
     */
    uint64_t underruns;
    /**
     * Frames with #ESSENCE_FRAME_CONCEALED.
     */
    uint64_t concealed;
    /**
     * Times the clock started anew because no frame had been asked for during a second.
     */
    uint64_t restarts;
    /**
     * Audio samples handed out, at the rate that they were pushed with.
     */
    uint64_t samples;
    /**
     * Longest time between a frame's due time and its leaving, in nanoseconds.
     */
    uint64_t worst_delay_ns;
} essence_session_statistics;

/**
 * Keyframes of ARKit values. Begin with #ESSENCE_CURVES_INIT. All is borrowed for the call. Since ABI
 * 1.4.
 */
typedef struct essence_curves {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * 1: names that the avatar lacks are passed over. 0, the default: they are refused.
     */
    uint32_t ignore_unknown;
    /**
     * 1: no sound comes with this utterance; frames come as keyframes do, one frame behind them. 0,
     * the default: frames come with the sound, or after essence_session_flush().
     */
    uint32_t without_sound;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Names, UTF-8, each one of the avatar's `arkit_names` and none twice.
     */
    const char *const *names;
    /**
     * Number of names; with none, the keyframes end the span in which those before drive the mouth.
     */
    size_t name_count;
    /**
     * Times in seconds from the utterance's start, ascending.
     */
    const double *times_s;
    /**
     * Number of times.
     */
    size_t time_count;
    /**
     * A value for each name of the first time, then of the second, and so on: `name_count` ×
     * `time_count`, clamped to [0, 1].
     */
    const float *values;
} essence_curves;

/**
 * Visemes or phonemes in time. Begin with #ESSENCE_VISEMES_INIT. All is borrowed for the call. Since
 * ABI 1.4.
 */
typedef struct essence_visemes {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * Whose names the symbols are. Default: #ESSENCE_VISEME_SET_ARPABET.
     */
    essence_viseme_set set;
    /**
     * 1: symbols that the set lacks count as a part of the viseme before. 0, the default: they are
     * refused.
     */
    uint32_t ignore_unknown;
    /**
     * 1: no sound comes with this utterance; frames come as soon as the visemes are known up to 0.4 s
     * ahead. 0, the default: frames come with the sound, or after essence_session_flush().
     */
    uint32_t without_sound;
    /**
     * Symbols, UTF-8.
     */
    const char *const *symbols;
    /**
     * When each begins, in seconds from the utterance's start, ascending.
     */
    const double *starts_s;
    /**
     * When each ends; NaN: when the next one begins, or 120 ms after its start if it is the last one.
     * NULL stands for NaN throughout.
     */
    const double *ends_s;
    /**
     * Number of symbols and of times.
     */
    size_t count;
} essence_visemes;

/**
 * A frame: its picture, the exact audio that belongs to it, and facts about it.
 *
 * Pointers are borrowed until the essence_frame is filled again or destroyed (those in `planes`
 * are the caller's own where a picture was given).
 */
typedef struct essence_frame_info {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * Events around this frame.
     */
    essence_frame_flags flags;
    /**
     * Number of the frame in its session, from 0. In real time, dropped pictures keep their
     * numbers.
     */
    uint64_t index;
    /**
     * Presentation time in samples at 16 kHz: 640 × `index`.
     */
    uint64_t pts_samples;
    /**
     * Which of the avatar's base frames lies underneath.
     */
    uint32_t base_frame;
    /**
     * Pictures that were dropped before this one because the machine or the program is too slow. Their
     * audio is in this frame.
     */
    uint32_t skipped;
    /**
     * Width of the picture in pixels.
     */
    uint32_t width;
    /**
     * Height of the picture in pixels.
     */
    uint32_t height;
    /**
     * The picture's format.
     */
    essence_pixel_format format;
    /**
     * Sample rate of the audio in Hz, 0 where there is none.
     */
    uint32_t audio_rate_hz;
    /**
     * The picture: the first row of each plane that the format has; NULL in a session without
     * pictures.
     */
    const uint8_t *planes[3];
    /**
     * Bytes from one row to the next in each plane.
     */
    size_t strides[3];
    /**
     * The caller's own audio for this frame: mono, exactly as pushed, in [-1, 1].
     */
    const float *audio;
    /**
     * The same as 16-bit samples: what was pushed as such comes back bit for bit.
     */
    const int16_t *audio_i16;
    /**
     * Number of samples in each of them: rate / 25. None outside of utterances, fewer at an
     * utterance's end, more where pictures were skipped.
     */
    size_t audio_samples;
    /**
     * ARKit blendshape values of the mouth in [0, 1], in the order of the avatar's `arkit_names`.
     */
    const float *arkit;
    /**
     * Number of `arkit`.
     */
    size_t arkit_count;
    /**
     * Interruptions of the session before this frame. One thread may interrupt and push anew while
     * another draws: this says on which side of the interruption that frame is. Since ABI 1.2.
     */
    uint64_t interruptions;
    /**
     * Matrix of an I420 or NV12 picture. Since ABI 1.4.
     */
    essence_yuv_matrix yuv_matrix;
    /**
     * Range of an I420 or NV12 picture. Since ABI 1.4.
     */
    essence_yuv_range yuv_range;
    /**
     * Nanoseconds that have passed since the frame was due, when this is written: the time to show
     * it, told by the clock of the program. 0 unpaced and on an essence_clock. Since ABI 1.4.
     */
    uint64_t since_due_ns;
    /**
     * The tag that the frame's first sample was pushed with, 0 without one. Since ABI 1.4.
     */
    uint64_t tag;
    /**
     * The gesture that begins with this frame, by its place in the avatar's `motions`;
     * #ESSENCE_NO_MOTION: none. Since ABI 1.4.
     */
    uint32_t gesture_started;
    /**
     * The gesture that is over with this frame, the first one that doesn't show it;
     * #ESSENCE_NO_MOTION: none. Since ABI 1.4.
     */
    uint32_t gesture_ended;
} essence_frame_info;

/**
 * Is told that a session may have a frame.
 */
typedef void (*essence_wakeup_fn)(void *user_data);

/**
 * Description of a file of audio.
 */
typedef struct essence_audio_info {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * Samples per second.
     */
    uint32_t rate_hz;
    /**
     * Channels in the file, before they were mixed down.
     */
    uint32_t channels;
    /**
     * Packets that could not be decoded so far and became silence.
     */
    uint32_t damaged_packets;
    /**
     * How many samples the file says it holds; 0 if it doesn't say.
     */
    uint64_t expected_samples;
    /**
     * After the end: how many of them are missing, when the file is cut off.
     */
    uint64_t missing_samples;
} essence_audio_info;

/**
 * Settings of an MP4 file. Begin with #ESSENCE_MP4_OPTIONS_INIT or essence_mp4_options_init().
 */
typedef struct essence_mp4_options {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * Width of the pictures in pixels, **16 to 3840**. An odd one is filled up by repeating the
     * last column. To be set.
     */
    uint32_t width;
    /**
     * Height of the pictures in pixels, **16 to 2160** (width and height may change places). To be
     * set.
     */
    uint32_t height;
    /**
     * Samples per second of the sound that will be written, **8000 to 192000**. To be set.
     */
    uint32_t rate_hz;
    /**
     * How many bits to spend. Default: #ESSENCE_QUALITY_MEDIUM.
     */
    essence_quality quality;
} essence_mp4_options;

/**
 * Description of a finished MP4 file.
 */
typedef struct essence_mp4_info {
    /**
     * Size of this struct as the caller knows it.
     */
    uint32_t struct_size;
    /**
     * Rate of the sound in the file: the one that was written if AAC has it, else 48000.
     */
    uint32_t rate_hz;
    /**
     * Size of the file.
     */
    uint64_t bytes;
    /**
     * Pictures in the file.
     */
    uint64_t frames;
    /**
     * Width of the pictures in the file: even.
     */
    uint32_t width;
    /**
     * Height of the pictures in the file: even.
     */
    uint32_t height;
} essence_mp4_info;

/**
 * An essence_error to begin with.
 */
#define ESSENCE_ERROR_INIT { sizeof(essence_error), ESSENCE_OK, { 0 } }

/**
 * An essence_engine_options to begin with.
 */
#define ESSENCE_ENGINE_OPTIONS_INIT \
    { sizeof(essence_engine_options), ESSENCE_PROVIDER_AUTO, NULL, 48 << 20, NULL, NULL, NULL, ESSENCE_LOG_LEVEL_INFO, 0, 0, 0, 0, 0 }

/**
 * An essence_engine_info to begin with.
 */
#define ESSENCE_ENGINE_INFO_INIT \
    { sizeof(essence_engine_info), 0, NULL, NULL, NULL, NULL, 0, 0, 0 }

/**
 * An essence_avatar_info to begin with.
 */
#define ESSENCE_AVATAR_INFO_INIT \
    { sizeof(essence_avatar_info), 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0, 0, 0, 0 }

/**
 * An essence_provider_report to begin with.
 */
#define ESSENCE_PROVIDER_REPORT_INIT \
    { sizeof(essence_provider_report), ESSENCE_PROVIDER_AUTO, NULL, NULL, 0, 0, 0 }

/**
 * An essence_picture to begin with.
 */
#define ESSENCE_PICTURE_INIT \
    { sizeof(essence_picture), ESSENCE_PIXEL_FORMAT_BGR8, 0, 0, { NULL, NULL, NULL }, { 0, 0, 0 } }

/**
 * An essence_session_options to begin with.
 */
#define ESSENCE_SESSION_OPTIONS_INIT \
    { sizeof(essence_session_options), ESSENCE_PACING_REALTIME, ESSENCE_PIXEL_FORMAT_BGR8, 0, 0, 0, 600, 0, NULL, 0, 0, 0, ESSENCE_FIT_CONTAIN, 0, 0, ESSENCE_YUV_MATRIX_BT601, ESSENCE_YUV_RANGE_LIMITED, ESSENCE_BACKGROUND_NONE, 0, 0, NULL }

/**
 * An essence_session_info to begin with.
 */
#define ESSENCE_SESSION_INFO_INIT \
    { sizeof(essence_session_info), 0, 0, ESSENCE_PIXEL_FORMAT_BGR8, 0, 0, 0 }

/**
 * An essence_session_statistics to begin with.
 */
#define ESSENCE_SESSION_STATISTICS_INIT \
    { sizeof(essence_session_statistics), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * An essence_curves to begin with.
 */
#define ESSENCE_CURVES_INIT \
    { sizeof(essence_curves), 0, 0, 0, NULL, 0, NULL, 0, NULL }

/**
 * An essence_visemes to begin with.
 */
#define ESSENCE_VISEMES_INIT \
    { sizeof(essence_visemes), ESSENCE_VISEME_SET_ARPABET, 0, 0, NULL, NULL, NULL, 0 }

/**
 * An essence_frame_info to begin with.
 */
#define ESSENCE_FRAME_INFO_INIT \
    { sizeof(essence_frame_info), 0, 0, 0, 0, 0, 0, 0, ESSENCE_PIXEL_FORMAT_BGR8, 0, { NULL, NULL, NULL }, { 0, 0, 0 }, NULL, NULL, 0, NULL, 0, 0, ESSENCE_YUV_MATRIX_BT601, ESSENCE_YUV_RANGE_LIMITED, 0, 0, ESSENCE_NO_MOTION, ESSENCE_NO_MOTION }

/**
 * An essence_audio_info to begin with.
 */
#define ESSENCE_AUDIO_INFO_INIT \
    { sizeof(essence_audio_info), 0, 0, 0, 0, 0 }

/**
 * An essence_mp4_options to begin with.
 */
#define ESSENCE_MP4_OPTIONS_INIT \
    { sizeof(essence_mp4_options), 0, 0, 0, ESSENCE_QUALITY_MEDIUM }

/**
 * An essence_mp4_info to begin with.
 */
#define ESSENCE_MP4_INFO_INIT \
    { sizeof(essence_mp4_info), 0, 0, 0, 0, 0 }

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of this library, such as `0.1.0`.
 *
 * Returns: static.
 * Threads: any, concurrently.
 */
const char *essence_version(void);

/**
 * The version of this library's binary interface: major << 16 | minor.
 *
 * Threads: any, concurrently.
 */
uint32_t essence_abi_version(void);

/**
 * How this library was built: JSON with `version`, `abi`, `commit`, `target`, `profile`,
 * `onnxruntime` (the oldest version that will do) and `providers` (those that can be asked for).
 *
 * Returns: static.
 * Threads: any, concurrently.
 */
const char *essence_build_info(void);

/**
 * The name of a status, such as `invalid_argument`; `unknown` for a value that this version
 * does not have.
 *
 * Returns: static.
 * Threads: any, concurrently.
 */
const char *essence_status_name(essence_status status);

/**
 * The exit code that a command line program ends with after `status` (after BSD's `sysexits`):
 * 0, 1 generic, 2 usage, 66 no input, 69 unavailable, 70 internal, 130 interrupted.
 *
 * Threads: any, concurrently.
 */
int32_t essence_status_exit_code(essence_status status);

/**
 * The name of a pixel format: `bgr`, `rgb`, `rgba`, `bgra`, `i420` or `nv12`; NULL for a value
 * that this version does not have.
 *
 * Returns: static.
 * Threads: any, concurrently.
 */
const char *essence_pixel_format_name(essence_pixel_format format);

/**
 * The name of a provider: `auto`, `builtin`, `cpu`, `cuda`, `coreml`, `openvino` or `webgpu`;
 * NULL for a value that this version does not have.
 *
 * Returns: static.
 * Threads: any, concurrently.
 */
const char *essence_provider_name(essence_provider provider);

/**
 * Sets all of `options`, `struct_size` included, to the defaults. For languages that can't use
 * #ESSENCE_ENGINE_OPTIONS_INIT; `struct_size` is the size of the struct as the caller knows it.
 *
 * Fails with: INVALID_ARGUMENT (NULL, or a size that no version had).
 * Threads: any, concurrently.
 */
essence_status essence_engine_options_init(struct essence_engine_options *options,
                                           size_t struct_size,
                                           struct essence_error *err);

/**
 * Makes an engine. It loads ONNX Runtime if the provider is one of it; the automatic choice does
 * without where none is found. Further engines in a process share what the first one loaded.
 *
 * ONNX Runtime's telemetry is the program's to switch off, since a library can't change the
 * environment safely: it sets `ORT_DISABLE_TELEMETRY=1` when it starts, before it has other
 * threads. Where that isn't set, a warning is logged.
 *
 * `options`: borrowed for the call; NULL means the defaults.
 * `out`: written on success; transferred to the caller, who destroys it with
 * essence_engine_destroy().
 *
 * Fails with: RUNTIME_MISSING (no usable library, where one was named or the provider needs it;
 * the message lists the places that were tried), INVALID_STATE (the process has loaded another library than the one given),
 * INVALID_ARGUMENT, UNSUPPORTED_VERSION.
 * Threads: any, concurrently.
 */
essence_status essence_engine_create(const struct essence_engine_options *options,
                                     struct essence_engine **out,
                                     struct essence_error *err);

/**
 * Destroys an engine; NULL is fine. Its avatars and sessions live on.
 *
 * Threads: any; no other call on this engine may be under way.
 */
void essence_engine_destroy(struct essence_engine *engine);

/**
 * Says what the engine found.
 *
 * `info`: written on success, as far as its `struct_size` reaches.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_engine_describe(const struct essence_engine *engine,
                                       struct essence_engine_info *info,
                                       struct essence_error *err);

/**
 * Sets another limit for the real-time sessions of an engine. Sessions beyond it that there are
 * already stay. Since ABI 1.4.
 *
 * `sessions`: most real-time sessions at a time; 0: no further one; #ESSENCE_NO_LIMIT: as many
 * as wanted.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_engine_set_max_sessions(const struct essence_engine *engine,
                                               uint32_t sessions,
                                               struct essence_error *err);

/**
 * Has an engine log messages of `level` and of those that matter more from now on, for all that
 * it has opened and will open. A message that another thread is writing is waited for: once
 * this returns after #ESSENCE_LOG_LEVEL_OFF, the callback runs no more. Nothing happens where
 * the options had no `log`. Since ABI 1.4.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently; not from the callback.
 */
essence_status essence_engine_set_log_level(const struct essence_engine *engine,
                                            essence_log_level level,
                                            struct essence_error *err);

/**
 * Opens an avatar: reads the file into memory, checks it against its hashes, loads its networks
 * and runs its self-test. What happens to the file afterwards has no effect (unless `map_files`
 * of the engine's options says otherwise).
 *
 * `engine`: borrowed for the call.
 * `path`: UTF-8, borrowed for the call.
 * `out`: written on success; shared (refcounted), one reference belongs to the caller, who
 * gives it up with essence_avatar_release().
 *
 * Fails with: NOT_FOUND, IO, INVALID_AVATAR, UNSUPPORTED_FORMAT, UNSUPPORTED_VERSION,
 * LIMIT_EXCEEDED, PROVIDER_UNAVAILABLE (the provider that was asked for doesn't run it),
 * INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_avatar_open(const struct essence_engine *engine,
                                   const char *path,
                                   struct essence_avatar **out,
                                   struct essence_error *err);

/**
 * Opens an avatar from the bytes of an `.imx` file. Since ABI 1.4.
 *
 * `engine`: borrowed for the call.
 * `bytes`: the whole file. Without `destroy` borrowed for the call, and copied. With `destroy`
 * transferred: not copied, and not to be changed until `destroy` is called.
 * `destroy`: called once with `user_data` when the avatar and its sessions are gone, or before
 * the call returns if it fails. NULL: the bytes are copied.
 * `out`: written on success; shared (refcounted), one reference belongs to the caller, who
 * gives it up with essence_avatar_release().
 *
 * Fails with: as essence_avatar_open(), but never with NOT_FOUND or IO.
 * Threads: any, concurrently. `destroy` is called from the thread that gives up the last of the
 * avatar, which may be one of the engine's.
 */
essence_status essence_avatar_open_memory(const struct essence_engine *engine,
                                          const uint8_t *bytes,
                                          size_t size,
                                          essence_destroy_fn destroy,
                                          void *user_data,
                                          struct essence_avatar **out,
                                          struct essence_error *err);

/**
 * Takes one more reference to an avatar: shared (refcounted). NULL stays NULL.
 *
 * Returns: `avatar`.
 * Threads: any, concurrently.
 */
struct essence_avatar *essence_avatar_retain(struct essence_avatar *avatar);

/**
 * Gives up one reference to an avatar; the last one closes it. NULL is fine. Sessions hold a
 * reference of their own.
 *
 * Threads: any, concurrently.
 */
void essence_avatar_release(struct essence_avatar *avatar);

/**
 * Says what an avatar is.
 *
 * `info`: written on success, as far as its `struct_size` reaches.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_avatar_describe(const struct essence_avatar *avatar,
                                       struct essence_avatar_info *info,
                                       struct essence_error *err);

/**
 * Says which provider runs an avatar, and why not another.
 *
 * `report`: written on success, as far as its `struct_size` reaches.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_avatar_report_provider(const struct essence_avatar *avatar,
                                              struct essence_provider_report *report,
                                              struct essence_error *err);

/**
 * Measures how many sessions of an avatar the engine's threads can keep speaking in real time:
 * from the time that a frame of speech takes now, sound and picture at the avatar's own size
 * included. A machine that is busy with something else gives fewer. Since ABI 1.4.
 *
 * Draws some forty frames, so it takes a while and a processor core.
 *
 * `sessions`: written on success.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_avatar_measure_capacity(const struct essence_avatar *avatar,
                                               uint32_t *sessions,
                                               struct essence_error *err);

/**
 * Makes a clock at zero that stands still until essence_clock_advance(); sessions on it never wait,
 * and prepare nothing ahead.
 *
 * `out`: written on success; transferred to the caller, who destroys it with
 * essence_clock_destroy().
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_clock_create(struct essence_clock **out, struct essence_error *err);

/**
 * Makes a clock of the host's at zero, which begins to run with the first
 * essence_clock_set_position(). Sessions on it wait for their frames and prepare them ahead, as on
 * the system's clock. Since ABI 1.4.
 *
 * `out`: written on success; transferred to the caller, who destroys it with
 * essence_clock_destroy().
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_clock_create_host(struct essence_clock **out, struct essence_error *err);

/**
 * Says where a host's clock stands now, such as how much sound has been played; a sound card's
 * callback is a good place, every 5 to 100 ms. In between it goes on with the system's clock, for
 * 200 ms at most. For a session time never goes back: where a position lies before the time that
 * was reached, it stands still until that is caught up, or until essence_session_restart_clock().
 * Takes no lock, doesn't allocate and wakes nobody. Since ABI 1.4.
 *
 * Fails with: INVALID_ARGUMENT, INVALID_STATE (a clock of essence_clock_create()).
 * Threads: any, concurrently.
 */
essence_status essence_clock_set_position(const struct essence_clock *clock,
                                          uint64_t nanoseconds,
                                          struct essence_error *err);

/**
 * Moves a clock forward; at 292 years it stands still for good.
 *
 * Fails with: INVALID_ARGUMENT, INVALID_STATE (a clock of essence_clock_create_host()).
 * Threads: any, concurrently.
 */
essence_status essence_clock_advance(const struct essence_clock *clock,
                                     uint64_t nanoseconds,
                                     struct essence_error *err);

/**
 * Destroys a clock; NULL is fine. Sessions on it live on, and their time stands still.
 *
 * Threads: any; no other call on this clock may be under way.
 */
void essence_clock_destroy(struct essence_clock *clock);

/**
 * Bytes of a picture without padding; 0 for a format that this version does not have or a size
 * beyond **65535** pixels.
 *
 * Threads: any, concurrently.
 */
size_t essence_picture_bytes(essence_pixel_format format, uint32_t width, uint32_t height);

/**
 * Describes a picture without padding in one piece of memory: plane after plane.
 *
 * `data`: the memory, of at least essence_picture_bytes(); it becomes part of `picture` and
 * stays the caller's.
 * `picture`: its `struct_size` is set (#ESSENCE_PICTURE_INIT); the rest is written.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_picture_wrap(essence_pixel_format format,
                                    uint32_t width,
                                    uint32_t height,
                                    uint8_t *data,
                                    size_t bytes,
                                    struct essence_picture *picture,
                                    struct essence_error *err);

/**
 * Sets all of `options`, `struct_size` included, to the defaults. For languages that can't use
 * #ESSENCE_SESSION_OPTIONS_INIT; `struct_size` is the size of the struct as the caller knows
 * it.
 *
 * Fails with: INVALID_ARGUMENT (NULL, or a size that no version had).
 * Threads: any, concurrently.
 */
essence_status essence_session_options_init(struct essence_session_options *options,
                                            size_t struct_size,
                                            struct essence_error *err);

/**
 * Starts a conversation.
 *
 * `avatar`: borrowed for the call; the session takes a reference of its own.
 * `options`: borrowed for the call; NULL means the defaults.
 * `out`: written on success; transferred to the caller, who destroys it with
 * essence_session_destroy().
 *
 * Fails with: INVALID_ARGUMENT, UNSUPPORTED_VERSION, LIMIT_EXCEEDED (a real-time session more
 * than the engine's `max_sessions`).
 * Threads: any, concurrently.
 */
essence_status essence_session_create(const struct essence_avatar *avatar,
                                      const struct essence_session_options *options,
                                      struct essence_session **out,
                                      struct essence_error *err);

/**
 * Destroys a session; NULL is fine.
 *
 * Threads: any; no other call on this session may be under way.
 */
void essence_session_destroy(struct essence_session *session);

/**
 * Says what a session draws.
 *
 * `info`: written on success, as far as its `struct_size` reaches.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_describe(const struct essence_session *session,
                                        struct essence_session_info *info,
                                        struct essence_error *err);

/**
 * Takes a piece of speech, of any length: 16-bit samples, channels in turn. The first piece
 * after essence_session_flush() begins a new utterance. Doesn't wait for rendering.
 *
 * `samples`: borrowed for the call; NULL only if `count` is 0.
 * `count`: number of samples, all channels together.
 * `rate_hz`: **8000 to 192000**, the same throughout an utterance.
 * `channels`: **1 to 32**, mixed down to mono.
 *
 * Fails with (nothing of the piece is taken then): INVALID_ARGUMENT, INVALID_STATE (another
 * rate than the utterance began with), LIMIT_EXCEEDED (more would wait than
 * `queue_limit_s`, `queue_limit_bytes` or `queue_limit_utterances` allow; the message says
 * which).
 * Threads: any, concurrently.
 */
essence_status essence_session_push_audio_i16(const struct essence_session *session,
                                              const int16_t *samples,
                                              size_t count,
                                              uint32_t rate_hz,
                                              uint32_t channels,
                                              struct essence_error *err);

/**
 * The same as essence_session_push_audio_i16() with 32-bit float samples, nominally in
 * [-1, 1]; all must be finite.
 *
 * Fails with: as essence_session_push_audio_i16().
 * Threads: any, concurrently.
 */
essence_status essence_session_push_audio_f32(const struct essence_session *session,
                                              const float *samples,
                                              size_t count,
                                              uint32_t rate_hz,
                                              uint32_t channels,
                                              struct essence_error *err);

/**
 * Ends the utterance: what was pushed is rendered to its last sample, and its last frame has
 * #ESSENCE_FRAME_END_OF_SPEECH. Without an utterance nothing happens.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_flush(const struct essence_session *session, struct essence_error *err);

/**
 * Drops queued audio at once; the mouth closes over the next two frames, and the session is
 * ready for the next piece of audio.
 *
 * In an unpaced session the motions start over too, so that what follows equals a new
 * session's output.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_interrupt(const struct essence_session *session, struct essence_error *err);

/**
 * Restarts real time: the next frame is due when it is asked for, and the others follow from it.
 * For a consumer that paused on purpose, so that the time doesn't count as late; an absence of
 * more than a second restarts it by itself. Doesn't wait for a frame that is being drawn. Unpaced,
 * this only undoes an essence_session_cancel().
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_restart_clock(const struct essence_session *session, struct essence_error *err);

/**
 * Holds speech back, or lets it go on where it was held. Speech that is held loses nothing and
 * doesn't count as an underrun; the mouth closes and the avatar idles. Takes effect with the
 * next frame. Since ABI 1.4.
 *
 * `paused`: 0 lets speech go on, any other value holds it.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_set_paused(const struct essence_session *session,
                                          uint32_t paused,
                                          struct essence_error *err);

/**
 * Mutes speech or lets it be heard again. Muted speech takes its time, but its samples come out
 * as zeros, the mouth rests, and its frames have #ESSENCE_FRAME_MUTED. Takes effect with the
 * next frame. Since ABI 1.4.
 *
 * `muted`: 0 lets speech be heard, any other value mutes it.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_set_muted(const struct essence_session *session,
                                         uint32_t muted,
                                         struct essence_error *err);

/**
 * Ends all drawing: an essence_session_next_frame() that waits for its time returns at once, and
 * it and all later ones give CANCELLED. essence_session_restart_clock() undoes it.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_cancel(const struct essence_session *session, struct essence_error *err);

/**
 * Plays a motion once, from the next frame where it can begin without a jump; lips go on
 * talking. While an utterance is under way, the same motion is played for it only once; what
 * comes on top of that is passed over.
 *
 * `motion`: one of the avatar's `motions`, UTF-8, borrowed for the call.
 *
 * Fails with: NOT_FOUND (the avatar has no such motion), INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_perform(const struct essence_session *session,
                                       const char *motion,
                                       struct essence_error *err);

/**
 * The same as essence_session_perform(), as often as it is asked for.
 *
 * `motion`: one of the avatar's `motions`, UTF-8, borrowed for the call.
 *
 * Fails with: NOT_FOUND (the avatar has no such motion), INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_perform_again(const struct essence_session *session,
                                             const char *motion,
                                             struct essence_error *err);

/**
 * Plays a motion over and over instead of `idle` and `talking`. Begins where it can without a
 * jump.
 *
 * `motion`: one of the avatar's `motions`, UTF-8, borrowed for the call; NULL goes back to
 * `idle` and `talking`.
 *
 * Fails with: NOT_FOUND (the avatar has no such motion), INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_set_loop(const struct essence_session *session,
                                        const char *motion,
                                        struct essence_error *err);

/**
 * Counts what has happened in a session since it was created. Since ABI 1.4.
 *
 * `statistics`: written on success, as far as its `struct_size` reaches.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_session_read_statistics(const struct essence_session *session,
                                               struct essence_session_statistics *statistics,
                                               struct essence_error *err);

/**
 * Takes keyframes of ARKit values for the utterance that is being pushed; they begin one if there
 * is none. From a keyframe to the next one, linearly interpolated, the values that both name
 * replace what the speech network makes; frame k shows those at k / 25 s. The others go on coming
 * from the network, or are 0 without sound. Push keyframes before the sound of their time. The
 * `arkit` values of spoken frames, pushed back with the same sound, give the same frames. Since
 * ABI 1.4.
 *
 * `curves`: borrowed for the call.
 *
 * Fails with (nothing is taken then): INVALID_ARGUMENT (an unknown name or one that is there
 * twice, times that don't ascend, values that are not finite), INVALID_STATE (sound in an
 * utterance without sound, or the reverse), LIMIT_EXCEEDED, UNSUPPORTED_VERSION.
 * Threads: any, concurrently.
 */
essence_status essence_session_push_curves(const struct essence_session *session,
                                           const struct essence_curves *curves,
                                           struct essence_error *err);

/**
 * Takes visemes or phonemes with their times, as speech engines give them, for the utterance that
 * is being pushed; they begin one if there is none. Neighbours flow into each other, and lips shut
 * for p, b and m in at least one frame. An utterance with visemes takes its whole mouth from them;
 * curves come on top. Push visemes before the sound of their time. Since ABI 1.4.
 *
 * `visemes`: borrowed for the call.
 *
 * Fails with (nothing is taken then): INVALID_ARGUMENT (a symbol that the set lacks, times that
 * don't ascend), INVALID_STATE (sound in an utterance without sound, or the reverse),
 * LIMIT_EXCEEDED, UNSUPPORTED_VERSION.
 * Threads: any, concurrently.
 */
essence_status essence_session_push_visemes(const struct essence_session *session,
                                            const struct essence_visemes *visemes,
                                            struct essence_error *err);

/**
 * The same as essence_session_push_audio_i16() with a tag of the caller's, which comes back as
 * `tag` of the frames whose first sample is of this piece; 0 stands for none. Since ABI 1.4.
 *
 * Fails with: as essence_session_push_audio_i16().
 * Threads: any, concurrently.
 */
essence_status essence_session_push_tagged_i16(const struct essence_session *session,
                                               const int16_t *samples,
                                               size_t count,
                                               uint32_t rate_hz,
                                               uint32_t channels,
                                               uint64_t tag,
                                               struct essence_error *err);

/**
 * The same as essence_session_push_audio_f32() with a tag, as
 * essence_session_push_tagged_i16(). Since ABI 1.4.
 *
 * Fails with: as essence_session_push_audio_f32().
 * Threads: any, concurrently.
 */
essence_status essence_session_push_tagged_f32(const struct essence_session *session,
                                               const float *samples,
                                               size_t count,
                                               uint32_t rate_hz,
                                               uint32_t channels,
                                               uint64_t tag,
                                               struct essence_error *err);

/**
 * Lets the face show an emotion in place of the one before, until another one is asked for. It
 * comes and goes within 0.7 s, from the next frame that is prepared on;
 * essence_session_interrupt() leaves it. While the face speaks, the mouth belongs to speech, and
 * the emotion moves its corners by half as much. Since ABI 1.4.
 *
 * `strength`: **0 to 1**.
 *
 * Fails with: INVALID_ARGUMENT (no value of essence_emotion, or a strength outside its range),
 * NOT_FOUND (not one of the avatar's `emotions`; avatars that were filmed have
 * #ESSENCE_EMOTION_NEUTRAL alone).
 * Threads: any, concurrently.
 */
essence_status essence_session_set_emotion(const struct essence_session *session,
                                           essence_emotion emotion,
                                           float strength,
                                           struct essence_error *err);

/**
 * Draws the next frame. In real time, the engine's threads may have run its networks before.
 *
 * In real time, waits until the frame is due and always gives one (on an essence_clock it
 * doesn't wait, and gives AGAIN early). Unpaced, it never waits.
 *
 * `frame`: filled with the frame; what it held before is gone, whatever is returned.
 * `picture`: borrowed for the call. NULL: the picture goes into `frame`, in the session's pixel
 * format. Otherwise it goes straight into the caller's memory, in the format of `picture`,
 * which must have the session's width and height; bytes between rows are left alone. NULL in a
 * session without pictures.
 * `info`: what was drawn, as far as its `struct_size` reaches; written on OK only. May be NULL.
 *
 * Returns: OK, or AGAIN (no frame: push more audio or flush, or an utterance that was flushed
 * is complete; on an essence_clock, not due yet), or DONE (with `report_done` in the session's
 * options: unpaced, every utterance is complete).
 * A damaged base frame and a network that fails are no errors: the sound goes on, and something
 * else stands in for the picture or the mouth.
 * Fails with: INVALID_ARGUMENT, CANCELLED (after essence_session_cancel()). An error uses up no
 * frame and no sound.
 * Threads: any; concurrently with all calls on the session. Two threads that draw from one
 * session get frames in turn.
 */
essence_status essence_session_next_frame(const struct essence_session *session,
                                          struct essence_frame *frame,
                                          const struct essence_picture *picture,
                                          struct essence_frame_info *info,
                                          struct essence_error *err);

/**
 * The same as essence_session_next_frame(), without waiting: AGAIN means that the next frame is
 * not due yet. essence_session_set_wakeup() says when it is.
 *
 * Fails with: as essence_session_next_frame().
 * Threads: as essence_session_next_frame(); it does wait for a frame that another thread is
 * drawing.
 */
essence_status essence_session_try_next_frame(const struct essence_session *session,
                                              struct essence_frame *frame,
                                              const struct essence_picture *picture,
                                              struct essence_frame_info *info,
                                              struct essence_error *err);

/**
 * The same as essence_session_next_frame(), waiting no longer than `timeout_ns` nanoseconds:
 * AGAIN means that the next frame is not due within that time. Since ABI 1.4.
 *
 * Fails with: as essence_session_next_frame().
 * Threads: as essence_session_next_frame().
 */
essence_status essence_session_next_frame_within(const struct essence_session *session,
                                                 struct essence_frame *frame,
                                                 const struct essence_picture *picture,
                                                 struct essence_frame_info *info,
                                                 uint64_t timeout_ns,
                                                 struct essence_error *err);

/**
 * Draws several frames in one call: those that as many calls of essence_session_next_frame()
 * would give, one after the other. For languages in which what surrounds a call takes time.
 * Since ABI 1.3.
 *
 * The first frame comes as there: in real time it is waited for. The call ends before the
 * first of the others that is not there without waiting, so in real time it mostly draws one.
 *
 * `frames`: borrowed for the call; `count` frames, no two the same. What they held before is
 * gone, whatever is returned; the first `*drawn` are filled.
 * `pictures`: borrowed for the call; for each frame what `picture` is to
 * essence_session_next_frame(), NULL included, no two in the same memory. NULL: all pictures
 * go into their frames.
 * `infos`: borrowed for the call; for each frame what `info` is there, NULL included. The first
 * `*drawn` are written. May be NULL.
 * `count`: **1 to 64**.
 * `drawn`: how many frames were drawn. Written whatever is returned.
 *
 * Returns: OK (one frame or more), or AGAIN or DONE (none, as essence_session_next_frame() has
 * none).
 * Fails with: as essence_session_next_frame(); a picture that can't be drawn into and an info
 * that can't be written are met when their turn comes. Frames drawn before a failure are there
 * all the same, and `*drawn` counts them.
 * Threads: as essence_session_next_frame(). Frames that another thread draws may lie between
 * those of a call.
 */
essence_status essence_session_next_frames(const struct essence_session *session,
                                           struct essence_frame *const *frames,
                                           const struct essence_picture *const *pictures,
                                           struct essence_frame_info *const *infos,
                                           size_t count,
                                           size_t *drawn,
                                           struct essence_error *err);

/**
 * Has a session call back instead of being polled, for event loops: after
 * essence_session_try_next_frame() gave AGAIN, `callback` is called once as soon as another
 * call may give something else. In real time that is when the next frame is due; on an
 * essence_clock, when that is advanced; unpaced, when audio is pushed or flushed; and always
 * when the session is interrupted, paused, muted, cancelled or its clock restarted. A call may
 * come without a frame being there. One thread of the engine waits for all its sessions. Since
 * ABI 1.4.
 *
 * `callback`: NULL: none any more. Once this returns, the one before is not called again, and
 * no call of it is under way.
 * `user_data`: given to `callback` at each call; it must be usable from any thread.
 * `destroy`: called with `user_data` when nothing can call `callback` any more: after another
 * one was set or the session destroyed, perhaps a moment later and from a thread of the
 * engine's. May be NULL; not called without `callback`.
 *
 * The callback is called from a thread of the engine's, or from the one whose call changed
 * something. It should return at once: write to a pipe or an eventfd, post to a queue. It may
 * call any function but this one and essence_session_destroy() on the same session.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently; not from the callback.
 */
essence_status essence_session_set_wakeup(const struct essence_session *session,
                                          essence_wakeup_fn callback,
                                          void *user_data,
                                          essence_destroy_fn destroy,
                                          struct essence_error *err);

/**
 * Makes room for a frame. It fits every session and grows to what it is used for.
 *
 * `out`: written on success; transferred to the caller, who destroys it with
 * essence_frame_destroy().
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_frame_create(struct essence_frame **out, struct essence_error *err);

/**
 * Destroys a frame; NULL is fine.
 *
 * Threads: any; no other call on this frame may be under way.
 */
void essence_frame_destroy(struct essence_frame *frame);

/**
 * Says again what the frame is that was drawn last.
 *
 * `info`: written on success, as far as its `struct_size` reaches.
 *
 * Fails with: INVALID_STATE (there is none), INVALID_ARGUMENT.
 * Threads: any, concurrently with each other.
 */
essence_status essence_frame_describe(const struct essence_frame *frame,
                                      struct essence_frame_info *info,
                                      struct essence_error *err);

/**
 * Opens a file of audio.
 *
 * `path`: UTF-8, borrowed for the call.
 * `out`: written on success; transferred to the caller, who destroys it with
 * essence_audio_reader_destroy().
 *
 * Fails with: NOT_FOUND, IO, UNSUPPORTED_FORMAT (not audio of a kind that is read here, or
 * empty), INVALID_ARGUMENT.
 * Threads: any, concurrently.
 */
essence_status essence_audio_reader_open(const char *path,
                                         struct essence_audio_reader **out,
                                         struct essence_error *err);

/**
 * Destroys a reader; NULL is fine.
 *
 * Threads: any; no other call on this reader may be under way.
 */
void essence_audio_reader_destroy(struct essence_audio_reader *reader);

/**
 * Says what the file is.
 *
 * `info`: written on success, as far as its `struct_size` reaches.
 *
 * Fails with: INVALID_ARGUMENT.
 * Threads: any, concurrently with each other.
 */
essence_status essence_audio_reader_describe(const struct essence_audio_reader *reader,
                                             struct essence_audio_info *info,
                                             struct essence_error *err);

/**
 * Reads on: mono samples, mixed down by the channels' mean and, where that cancels (antiphase),
 * by the loudest channel.
 *
 * `samples`: room for `capacity` (at least 1) samples, borrowed for the call.
 * `count`: written on success: how many samples there are now. Fewer than `capacity` doesn't
 * mean the end.
 *
 * Returns: OK, or END (nothing was left; `count` is 0).
 * Fails with: UNSUPPORTED_FORMAT (a sample is not a number, or the rate changes midway), IO,
 * INVALID_ARGUMENT.
 * Threads: any, one at a time.
 */
essence_status essence_audio_reader_read(struct essence_audio_reader *reader,
                                         float *samples,
                                         size_t capacity,
                                         size_t *count,
                                         struct essence_error *err);

/**
 * Sets all of `options`, `struct_size` included, to the defaults. For languages that can't use
 * #ESSENCE_MP4_OPTIONS_INIT; `struct_size` is the size of the struct as the caller knows it.
 *
 * Fails with: INVALID_ARGUMENT (NULL, or a size that no version had).
 * Threads: any, concurrently.
 */
essence_status essence_mp4_options_init(struct essence_mp4_options *options,
                                        size_t struct_size,
                                        struct essence_error *err);

/**
 * Begins a file.
 *
 * `path`: UTF-8, borrowed for the call.
 * `options`: borrowed for the call.
 * `out`: written on success; transferred to the caller, who destroys it with
 * essence_mp4_writer_destroy().
 *
 * Fails with: INVALID_ARGUMENT, UNSUPPORTED_VERSION, IO.
 * Threads: any, concurrently.
 */
essence_status essence_mp4_writer_create(const char *path,
                                         const struct essence_mp4_options *options,
                                         struct essence_mp4_writer **out,
                                         struct essence_error *err);

/**
 * Destroys a writer; NULL is fine. A file that was not finished is removed.
 *
 * Threads: any; no other call on this writer may be under way.
 */
void essence_mp4_writer_destroy(struct essence_mp4_writer *writer);

/**
 * Adds a frame with its sound: the picture, once more for each that was skipped before it, and
 * silence where the frame has no audio. Picture and sound stay in step.
 *
 * `frame`: borrowed for the call; it holds its picture itself, as #ESSENCE_PIXEL_FORMAT_I420.
 *
 * Fails with: INVALID_ARGUMENT (another size, pixel format or sample rate than the file's),
 * INVALID_STATE (the frame is empty, or the file is finished), IO, INTERNAL.
 * Threads: any, one at a time.
 */
essence_status essence_mp4_writer_write_frame(struct essence_mp4_writer *writer,
                                              const struct essence_frame *frame,
                                              struct essence_error *err);

/**
 * Adds a picture alone.
 *
 * `picture`: borrowed for the call; #ESSENCE_PIXEL_FORMAT_I420 of the file's size.
 *
 * Fails with: INVALID_ARGUMENT, INVALID_STATE (the file is finished), IO, INTERNAL.
 * Threads: any, one at a time.
 */
essence_status essence_mp4_writer_write_picture(struct essence_mp4_writer *writer,
                                                const struct essence_picture *picture,
                                                struct essence_error *err);

/**
 * Adds mono sound alone, at the rate in the options. Samples beyond [-1, 1] are clipped.
 *
 * `samples`: borrowed for the call; NULL only if `count` is 0.
 *
 * Fails with: INVALID_ARGUMENT (a sample is not a number), INVALID_STATE (the file is
 * finished), INTERNAL.
 * Threads: any, one at a time.
 */
essence_status essence_mp4_writer_write_audio(struct essence_mp4_writer *writer,
                                              const float *samples,
                                              size_t count,
                                              struct essence_error *err);

/**
 * Completes the file and gives it its name. Only essence_mp4_writer_destroy() is left then.
 *
 * `info`: what the file has become, as far as its `struct_size` reaches; may be NULL.
 *
 * Fails with: INVALID_STATE (no picture was written, or the file is finished already),
 * INVALID_ARGUMENT, IO, INTERNAL. No file remains then.
 * Threads: any, one at a time.
 */
essence_status essence_mp4_writer_finish(struct essence_mp4_writer *writer,
                                         struct essence_mp4_info *info,
                                         struct essence_error *err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ESSENCE_H */
