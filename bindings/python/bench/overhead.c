/* The C side of overhead.py, loaded into its process: speech through the C interface, as bare as it gets. */
#include <stdlib.h>
#include <string.h>

#include "essence.h"

static essence_session *session;
static essence_frame *frame;
static essence_picture picture = ESSENCE_PICTURE_INIT;
static essence_error err = ESSENCE_ERROR_INIT;

/* Opens the avatar for a conversation of its own; NULL, or what went wrong. */
const char *overhead_open(const char *runtime, const char *path)
{
    essence_engine_options engine_options = ESSENCE_ENGINE_OPTIONS_INIT;
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_session_info info = ESSENCE_SESSION_INFO_INIT;
    essence_engine *engine = NULL;
    essence_avatar *avatar = NULL;
    uint8_t *pixels;
    engine_options.runtime_library = runtime;
    engine_options.provider = ESSENCE_PROVIDER_CPU;
    options.pacing = ESSENCE_PACING_UNPACED;
    if (essence_engine_create(&engine_options, &engine, &err) || essence_avatar_open(engine, path, &avatar, &err) ||
        essence_session_create(avatar, &options, &session, &err) || essence_session_describe(session, &info, &err) ||
        essence_frame_create(&frame, &err))
        return err.message;
    essence_avatar_release(avatar);
    essence_engine_destroy(engine);
    pixels = malloc(info.picture_bytes);
    if (!pixels)
        return "no memory";
    memset(pixels, 0, info.picture_bytes);
    if (essence_picture_wrap(info.pixel_format, info.frame_width, info.frame_height, pixels, info.picture_bytes, &picture, &err))
        return err.message;
    return NULL;
}

/* Draws an utterance; the number of its frames, or -1. */
int overhead_speak(const int16_t *samples, size_t count)
{
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    int frames = 0;
    if (essence_session_push_audio_i16(session, samples, count, 16000, 1, &err) || essence_session_flush(session, &err))
        return -1;
    while (essence_session_next_frame(session, frame, &picture, &info, &err) == ESSENCE_OK)
        frames++;
    return err.status < 0 ? -1 : frames;
}
