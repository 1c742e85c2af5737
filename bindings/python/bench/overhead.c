/* The C side of overhead.py: draws speech through the C interface and prints nanoseconds of processor time a frame, once a pass.
 *
 *     overhead LIBRARY_OF_ONNX_RUNTIME AVATAR SAMPLES PASSES      (SAMPLES: s16le at 16 kHz)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "essence.h"

static void check(essence_status status, const essence_error *err)
{
    if (status < 0) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}

static double nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

int main(int argc, char **argv)
{
    essence_error err = ESSENCE_ERROR_INIT;
    essence_engine_options engine_options = ESSENCE_ENGINE_OPTIONS_INIT;
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_session_info session_info = ESSENCE_SESSION_INFO_INIT;
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    essence_picture picture = ESSENCE_PICTURE_INIT;
    essence_engine *engine = NULL;
    essence_avatar *avatar = NULL;
    essence_session *session = NULL;
    essence_frame *frame = NULL;
    if (argc != 5)
        return 2;
    engine_options.runtime_library = argv[1];
    engine_options.provider = ESSENCE_PROVIDER_CPU;
    options.pacing = ESSENCE_PACING_UNPACED;
    check(essence_engine_create(&engine_options, &engine, &err), &err);
    check(essence_avatar_open(engine, argv[2], &avatar, &err), &err);
    check(essence_session_create(avatar, &options, &session, &err), &err);
    check(essence_session_describe(session, &session_info, &err), &err);
    check(essence_frame_create(&frame, &err), &err);

    FILE *file = fopen(argv[3], "rb");
    int16_t *samples = malloc(64 << 20);
    if (!file || !samples)
        return 1;
    size_t count = fread(samples, 2, 32 << 20, file);
    uint8_t *pixels = malloc(session_info.picture_bytes);
    check(essence_picture_wrap(session_info.pixel_format, session_info.frame_width, session_info.frame_height, pixels,
                               session_info.picture_bytes, &picture, &err), &err);
    for (int pass = atoi(argv[4]); pass > 0; pass--) {
        int frames = 0;
        double begin = nanoseconds();
        check(essence_session_push_audio_i16(session, samples, count, 16000, 1, &err), &err);
        check(essence_session_flush(session, &err), &err);
        while (essence_session_next_frame(session, frame, &picture, &info, &err) == ESSENCE_OK)
            frames++;
        check(err.status, &err);
        printf("%.0f\n", (nanoseconds() - begin) / frames);
    }
    return 0;
}
