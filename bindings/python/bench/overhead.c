/* The C side of overhead.py, loaded into its process: speech through the C interface, as bare as it gets. */
#include <stdlib.h>
#include <string.h>

#include "essence.h"

typedef struct {
    essence_frame *frame;
    essence_picture pictures[2];
    essence_error err;
} bare;

/* Room for what a session draws, or NULL. */
void *overhead_open(const essence_session *session)
{
    essence_session_info info = ESSENCE_SESSION_INFO_INIT;
    const essence_picture picture = ESSENCE_PICTURE_INIT;
    const essence_error err = ESSENCE_ERROR_INIT;
    bare *mine = malloc(sizeof *mine);
    int i;
    if (!mine)
        return NULL;
    mine->err = err;
    if (essence_session_describe(session, &info, &mine->err) || essence_frame_create(&mine->frame, &mine->err))
        return NULL;
    for (i = 0; i < 2; i++) {
        uint8_t *pixels = malloc(info.picture_bytes);
        if (!pixels)
            return NULL;
        memset(pixels, 0, info.picture_bytes);
        mine->pictures[i] = picture;
        if (essence_picture_wrap(info.pixel_format, info.frame_width, info.frame_height, pixels, info.picture_bytes,
                                 &mine->pictures[i], &mine->err))
            return NULL;
    }
    return mine;
}

/* Draws an utterance, into one or two pictures in turn; the number of its frames, or -1. */
int overhead_speak(const essence_session *session, void *room, int pictures, const int16_t *samples, size_t count)
{
    bare *mine = room;
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    int frames = 0;
    if (essence_session_push_audio_i16(session, samples, count, 16000, 1, &mine->err) ||
        essence_session_flush(session, &mine->err))
        return -1;
    while (essence_session_next_frame(session, mine->frame, &mine->pictures[frames % pictures], &info, &mine->err) ==
           ESSENCE_OK)
        frames++;
    return mine->err.status < 0 ? -1 : frames;
}
