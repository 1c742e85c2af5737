/*
 * The header alone, twice, in every version of C and C++ with every warning as an error; and that
 * sizes and offsets are those of the ABI's version 1. An offset changes only with the major version;
 * new fields get new lines.
 */
#include "essence.h"
#include "essence.h"

/* A negative array's size stops the compiler in every version of either language. */
#define HOLDS(name, condition) typedef char holds_##name[(condition) ? 1 : -1]
#define SIZE(type, size64, size32) \
    HOLDS(size_of_##type, sizeof(type) == (sizeof(void *) == 8 ? (size64) : (size32)))
#define AT(type, field, offset64, offset32) \
    HOLDS(offset_of_##type##_##field, \
          offsetof(type, field) == (sizeof(void *) == 8 ? (offset64) : (offset32)))

#if defined(__x86_64__) || defined(__aarch64__) || defined(_M_X64) || defined(_M_ARM64) || defined(__arm__)

SIZE(essence_status, 4, 4);
SIZE(essence_pixel_format, 4, 4);

SIZE(essence_error, 520, 520);
AT(essence_error, status, 4, 4);
AT(essence_error, message, 8, 8);

SIZE(essence_engine_options, 72, 64);
AT(essence_engine_options, provider, 4, 4);
AT(essence_engine_options, runtime_library, 8, 8);
AT(essence_engine_options, base_cache_bytes, 16, 16);
AT(essence_engine_options, log, 24, 24);
AT(essence_engine_options, log_user_data, 32, 28);
AT(essence_engine_options, log_destroy, 40, 32);
AT(essence_engine_options, log_level, 48, 36);
AT(essence_engine_options, threads, 56, 48);
AT(essence_engine_options, max_sessions, 60, 52);
AT(essence_engine_options, map_files, 64, 56);

SIZE(essence_engine_info, 56, 36);
AT(essence_engine_info, runtime_path, 8, 8);
AT(essence_engine_info, runtime_version, 16, 12);
AT(essence_engine_info, runtime_tried, 24, 16);
AT(essence_engine_info, providers, 32, 20);
AT(essence_engine_info, provider_count, 40, 24);
AT(essence_engine_info, threads, 48, 28);
AT(essence_engine_info, sessions, 52, 32);

SIZE(essence_avatar_info, 136, 96);
AT(essence_avatar_info, frame_width, 4, 4);
AT(essence_avatar_info, frame_height, 8, 8);
AT(essence_avatar_info, frame_count, 12, 12);
AT(essence_avatar_info, frame_rate, 16, 16);
AT(essence_avatar_info, sample_rate_hz, 20, 20);
AT(essence_avatar_info, samples_per_frame, 24, 24);
AT(essence_avatar_info, patch_size, 28, 28);
AT(essence_avatar_info, name, 32, 32);
AT(essence_avatar_info, license, 40, 36);
AT(essence_avatar_info, format_version, 48, 40);
AT(essence_avatar_info, manifest_json, 56, 44);
AT(essence_avatar_info, manifest_json_bytes, 64, 48);
AT(essence_avatar_info, motions, 72, 52);
AT(essence_avatar_info, motion_count, 80, 56);
AT(essence_avatar_info, arkit_names, 88, 60);
AT(essence_avatar_info, arkit_count, 96, 64);
AT(essence_avatar_info, coefficient_names, 104, 68);
AT(essence_avatar_info, coefficient_count, 112, 72);
AT(essence_avatar_info, file_bytes, 120, 80);
AT(essence_avatar_info, has_matte, 128, 88);
AT(essence_avatar_info, emotions, 132, 92);

SIZE(essence_provider_report, 40, 28);
AT(essence_provider_report, provider, 4, 4);
AT(essence_provider_report, refused, 8, 8);
AT(essence_provider_report, reasons, 16, 12);
AT(essence_provider_report, refused_count, 24, 16);
AT(essence_provider_report, quantized, 32, 20);

SIZE(essence_picture, 64, 40);
AT(essence_picture, format, 4, 4);
AT(essence_picture, width, 8, 8);
AT(essence_picture, height, 12, 12);
AT(essence_picture, planes, 16, 16);
AT(essence_picture, strides, 40, 28);

SIZE(essence_session_options, 96, 96);
AT(essence_session_options, pacing, 4, 4);
AT(essence_session_options, pixel_format, 8, 8);
AT(essence_session_options, width, 12, 12);
AT(essence_session_options, height, 16, 16);
AT(essence_session_options, letterbox_rgb, 20, 20);
AT(essence_session_options, queue_limit_s, 24, 24);
AT(essence_session_options, clock, 32, 32);
AT(essence_session_options, without_pictures, 40, 36);
AT(essence_session_options, queue_limit_utterances, 44, 40);
AT(essence_session_options, queue_limit_bytes, 48, 48);
AT(essence_session_options, fit, 56, 56);
AT(essence_session_options, crop_left, 60, 60);
AT(essence_session_options, crop_top, 64, 64);
AT(essence_session_options, yuv_matrix, 68, 68);
AT(essence_session_options, yuv_range, 72, 72);
AT(essence_session_options, background, 76, 76);
AT(essence_session_options, background_rgb, 80, 80);
AT(essence_session_options, report_done, 84, 84);
AT(essence_session_options, background_picture, 88, 88);

SIZE(essence_session_info, 32, 28);
AT(essence_session_info, frame_width, 4, 4);
AT(essence_session_info, frame_height, 8, 8);
AT(essence_session_info, pixel_format, 12, 12);
AT(essence_session_info, picture_bytes, 16, 16);
AT(essence_session_info, latency_ms, 24, 20);

SIZE(essence_session_statistics, 80, 80);
AT(essence_session_statistics, frames, 8, 8);
AT(essence_session_statistics, speech, 16, 16);
AT(essence_session_statistics, late, 24, 24);
AT(essence_session_statistics, skipped, 32, 32);
AT(essence_session_statistics, underruns, 40, 40);
AT(essence_session_statistics, concealed, 48, 48);
AT(essence_session_statistics, restarts, 56, 56);
AT(essence_session_statistics, samples, 64, 64);
AT(essence_session_statistics, worst_delay_ns, 72, 72);

SIZE(essence_frame_info, 176, 136);
AT(essence_frame_info, flags, 4, 4);
AT(essence_frame_info, index, 8, 8);
AT(essence_frame_info, pts_samples, 16, 16);
AT(essence_frame_info, base_frame, 24, 24);
AT(essence_frame_info, skipped, 28, 28);
AT(essence_frame_info, width, 32, 32);
AT(essence_frame_info, height, 36, 36);
AT(essence_frame_info, format, 40, 40);
AT(essence_frame_info, audio_rate_hz, 44, 44);
AT(essence_frame_info, planes, 48, 48);
AT(essence_frame_info, strides, 72, 60);
AT(essence_frame_info, audio, 96, 72);
AT(essence_frame_info, audio_i16, 104, 76);
AT(essence_frame_info, audio_samples, 112, 80);
AT(essence_frame_info, arkit, 120, 84);
AT(essence_frame_info, arkit_count, 128, 88);
AT(essence_frame_info, interruptions, 136, 96);
AT(essence_frame_info, yuv_matrix, 144, 104);
AT(essence_frame_info, yuv_range, 148, 108);
AT(essence_frame_info, since_due_ns, 152, 112);
AT(essence_frame_info, tag, 160, 120);
AT(essence_frame_info, gesture_started, 168, 128);
AT(essence_frame_info, gesture_ended, 172, 132);

SIZE(essence_curves, 56, 36);
AT(essence_curves, ignore_unknown, 4, 4);
AT(essence_curves, without_sound, 8, 8);
AT(essence_curves, names, 16, 16);
AT(essence_curves, name_count, 24, 20);
AT(essence_curves, times_s, 32, 24);
AT(essence_curves, time_count, 40, 28);
AT(essence_curves, values, 48, 32);

SIZE(essence_visemes, 48, 32);
AT(essence_visemes, set, 4, 4);
AT(essence_visemes, ignore_unknown, 8, 8);
AT(essence_visemes, without_sound, 12, 12);
AT(essence_visemes, symbols, 16, 16);
AT(essence_visemes, starts_s, 24, 20);
AT(essence_visemes, ends_s, 32, 24);
AT(essence_visemes, count, 40, 28);

SIZE(essence_audio_info, 32, 32);
AT(essence_audio_info, rate_hz, 4, 4);
AT(essence_audio_info, channels, 8, 8);
AT(essence_audio_info, damaged_packets, 12, 12);
AT(essence_audio_info, expected_samples, 16, 16);
AT(essence_audio_info, missing_samples, 24, 24);

SIZE(essence_mp4_options, 20, 20);
AT(essence_mp4_options, width, 4, 4);
AT(essence_mp4_options, height, 8, 8);
AT(essence_mp4_options, rate_hz, 12, 12);
AT(essence_mp4_options, quality, 16, 16);

SIZE(essence_mp4_info, 32, 32);
AT(essence_mp4_info, rate_hz, 4, 4);
AT(essence_mp4_info, bytes, 8, 8);
AT(essence_mp4_info, frames, 16, 16);
AT(essence_mp4_info, width, 24, 24);
AT(essence_mp4_info, height, 28, 28);

#endif

/* Constants are constants of the language; values never change. */
HOLDS(ok_is_zero, ESSENCE_OK == 0);
HOLDS(news_is_positive, ESSENCE_AGAIN == 1 && ESSENCE_END == 2 && ESSENCE_DONE == 3);
HOLDS(errors_of_calls, ESSENCE_ERR_INVALID_ARGUMENT == -100 && ESSENCE_ERR_INVALID_STATE == -101 &&
                           ESSENCE_ERR_LIMIT_EXCEEDED == -102 && ESSENCE_ERR_CANCELLED == -103);
HOLDS(errors_of_files, ESSENCE_ERR_NOT_FOUND == -200 && ESSENCE_ERR_IO == -201 &&
                           ESSENCE_ERR_INVALID_AVATAR == -202 && ESSENCE_ERR_UNSUPPORTED_FORMAT == -203 &&
                           ESSENCE_ERR_UNSUPPORTED_VERSION == -204);
HOLDS(errors_of_the_runtime, ESSENCE_ERR_RUNTIME_MISSING == -300 &&
                                 ESSENCE_ERR_PROVIDER_UNAVAILABLE == -301 && ESSENCE_ERR_INFERENCE == -302);
HOLDS(bugs, ESSENCE_ERR_INTERNAL == -900);
HOLDS(formats, ESSENCE_PIXEL_FORMAT_BGR8 == 0 && ESSENCE_PIXEL_FORMAT_RGB8 == 1 &&
                   ESSENCE_PIXEL_FORMAT_RGBA8 == 2 && ESSENCE_PIXEL_FORMAT_BGRA8 == 3 &&
                   ESSENCE_PIXEL_FORMAT_I420 == 4 && ESSENCE_PIXEL_FORMAT_NV12 == 5);
HOLDS(providers, ESSENCE_PROVIDER_AUTO == 0 && ESSENCE_PROVIDER_CPU == 1 && ESSENCE_PROVIDER_CUDA == 2 &&
                     ESSENCE_PROVIDER_COREML == 3 && ESSENCE_PROVIDER_OPENVINO == 4 &&
                     ESSENCE_PROVIDER_WEBGPU == 5 && ESSENCE_PROVIDER_BUILTIN == 6);
HOLDS(pacings, ESSENCE_PACING_REALTIME == 0 && ESSENCE_PACING_UNPACED == 1);
HOLDS(flags, ESSENCE_FRAME_SPEECH == 1 && ESSENCE_FRAME_END_OF_SPEECH == 2 && ESSENCE_FRAME_UNDERRUN == 4 &&
                 ESSENCE_FRAME_LATE == 8 && ESSENCE_FRAME_MUTED == 16 && ESSENCE_FRAME_CONCEALED == 32);
HOLDS(levels, ESSENCE_LOG_LEVEL_OFF == 0 && ESSENCE_LOG_LEVEL_ERROR == 1 && ESSENCE_LOG_LEVEL_WARN == 2 &&
                  ESSENCE_LOG_LEVEL_INFO == 3 && ESSENCE_LOG_LEVEL_DEBUG == 4 && ESSENCE_LOG_LEVEL_TRACE == 5);
HOLDS(qualities, ESSENCE_QUALITY_MEDIUM == 0 && ESSENCE_QUALITY_LOW == 1 && ESSENCE_QUALITY_HIGH == 2);
HOLDS(fits, ESSENCE_FIT_CONTAIN == 0 && ESSENCE_FIT_COVER == 1 && ESSENCE_FIT_CROP == 2);
HOLDS(backgrounds, ESSENCE_BACKGROUND_NONE == 0 && ESSENCE_BACKGROUND_COLOR == 1 &&
                       ESSENCE_BACKGROUND_PICTURE == 2);
HOLDS(yuv, ESSENCE_YUV_MATRIX_BT601 == 0 && ESSENCE_YUV_MATRIX_BT709 == 1 &&
               ESSENCE_YUV_RANGE_LIMITED == 0 && ESSENCE_YUV_RANGE_FULL == 1);
HOLDS(version, ESSENCE_ABI_VERSION_MAJOR == 1 && ESSENCE_ABI_VERSION_MINOR >= 4);
HOLDS(no_limit, ESSENCE_NO_LIMIT == 0xFFFFFFFF);

/* The INIT macros initialise, in both languages. */
int essence_header_test(void);
int essence_header_test(void)
{
    const essence_error err = ESSENCE_ERROR_INIT;
    const essence_engine_options engine = ESSENCE_ENGINE_OPTIONS_INIT;
    const essence_engine_info engine_info = ESSENCE_ENGINE_INFO_INIT;
    const essence_avatar_info avatar = ESSENCE_AVATAR_INFO_INIT;
    const essence_provider_report report = ESSENCE_PROVIDER_REPORT_INIT;
    const essence_picture picture = ESSENCE_PICTURE_INIT;
    const essence_session_options session = ESSENCE_SESSION_OPTIONS_INIT;
    const essence_session_info session_info = ESSENCE_SESSION_INFO_INIT;
    const essence_session_statistics statistics = ESSENCE_SESSION_STATISTICS_INIT;
    const essence_frame_info frame = ESSENCE_FRAME_INFO_INIT;
    const essence_audio_info audio = ESSENCE_AUDIO_INFO_INIT;
    const essence_mp4_options mp4 = ESSENCE_MP4_OPTIONS_INIT;
    const essence_mp4_info mp4_info = ESSENCE_MP4_INFO_INIT;
    const essence_status status = ESSENCE_OK;
    const essence_pixel_format format = ESSENCE_PIXEL_FORMAT_NV12;
    return err.struct_size == sizeof err && engine.struct_size == sizeof engine &&
           engine_info.struct_size == sizeof engine_info && avatar.struct_size == sizeof avatar &&
           report.struct_size == sizeof report && picture.struct_size == sizeof picture &&
           session.struct_size == sizeof session && session_info.struct_size == sizeof session_info &&
           statistics.struct_size == sizeof statistics &&
           frame.struct_size == sizeof frame && audio.struct_size == sizeof audio &&
           mp4.struct_size == sizeof mp4 && mp4_info.struct_size == sizeof mp4_info &&
           status == err.status && format > session.pixel_format;
}
