/*
 * A conversation in real time, with two threads: one pushes speech as it arrives, the other draws a
 * frame every 40 ms and says what it would show and play.
 *
 *     live AVATAR.imx SPEECH.wav
 *
 * Half way through, the user interrupts: the avatar closes its mouth, and listens again.
 */
#include <essence.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What arrives at a time: 100 ms. */
#define PIECES_PER_SECOND 10

struct conversation {
    essence_session *session;
    const char *speech;
    essence_status pushed;
    essence_error error;
};

static void sleep_ms(long ms)
{
    struct timespec time;
    time.tv_sec = ms / 1000;
    time.tv_nsec = ms % 1000 * 1000000;
    nanosleep(&time, NULL);
}

/* Stands for a microphone or a speech service: the file's sound, at the pace it is spoken. */
static essence_status push_speech(struct conversation *self)
{
    essence_audio_reader *reader = NULL;
    essence_audio_info audio = ESSENCE_AUDIO_INFO_INIT;
    float piece[192000 / PIECES_PER_SECOND];
    essence_error *err = &self->error;
    essence_status status;
    unsigned long pieces = 0;
    if ((status = essence_audio_reader_open(self->speech, &reader, err)) ||
        (status = essence_audio_reader_describe(reader, &audio, err)))
        goto done;
    for (;;) {
        const size_t wanted = audio.rate_hz / PIECES_PER_SECOND;
        size_t have = 0, count = 0;
        while (have < wanted &&
               (status = essence_audio_reader_read(reader, piece + have, wanted - have, &count, err)) == ESSENCE_OK)
            have += count;
        if (status < 0 || have == 0)
            break;
        if ((status = essence_session_push_audio_f32(self->session, piece, have, audio.rate_hz, 1, err)))
            break;
        sleep_ms(1000 / PIECES_PER_SECOND);
        if (++pieces == audio.expected_samples / wanted / 2) {
            puts("-- interrupted --");
            essence_session_interrupt(self->session, NULL);
        }
    }
    if (status == ESSENCE_END)
        status = essence_session_flush(self->session, err);
done:
    essence_audio_reader_destroy(reader);
    return status;
}

static void *pusher(void *self)
{
    struct conversation *conversation = (struct conversation *)self;
    conversation->pushed = push_speech(conversation);
    return NULL;
}

/* Which of a frame's curves has this name; the first if none has. */
static size_t curve(const essence_avatar *avatar, const char *name)
{
    essence_avatar_info info = ESSENCE_AVATAR_INFO_INIT;
    size_t i;
    if (essence_avatar_describe(avatar, &info, NULL) == ESSENCE_OK)
        for (i = 0; i < info.arkit_count; i++)
            if (strcmp(info.arkit_names[i], name) == 0)
                return i;
    return 0;
}

/* Draws until an utterance has ended (or nothing was said for five seconds). */
static essence_status draw(essence_session *session, size_t jaw, essence_error *err)
{
    essence_frame *frame = NULL;
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    essence_status status = essence_frame_create(&frame, err);
    unsigned quiet = 0, spoken = 0, skipped = 0;
    while (status == ESSENCE_OK && quiet < 125) {
        /* Waits until the frame is due. */
        status = essence_session_next_frame(session, frame, NULL, &info, err);
        if (status != ESSENCE_OK)
            break;
        /* Here a program shows info.planes[0] and plays info.audio. */
        skipped += info.skipped;
        if (info.flags & ESSENCE_FRAME_SPEECH) {
            spoken++;
            quiet = 0;
        } else {
            quiet++;
        }
        if (info.index % 25 == 0)
            printf("%4.1f s: base frame %u, %s, jaw %.2f open\n", (double)info.index / 25.0, info.base_frame,
                   info.flags & ESSENCE_FRAME_SPEECH ? "speaking" : "idle",
                   info.arkit_count > jaw ? (double)info.arkit[jaw] : 0.0);
        if (info.flags & ESSENCE_FRAME_END_OF_SPEECH)
            break;
    }
    printf("%u frames of speech, %u pictures skipped\n", spoken, skipped);
    essence_frame_destroy(frame);
    return status;
}

int main(int argc, char **argv)
{
    essence_error err = ESSENCE_ERROR_INIT;
    essence_engine *engine = NULL;
    essence_avatar *avatar = NULL;
    struct conversation conversation;
    essence_status status;
    pthread_t thread;
    if (argc != 3) {
        fprintf(stderr, "usage: %s AVATAR.imx SPEECH.wav\n", argv[0]);
        return 2;
    }
    memset(&conversation, 0, sizeof conversation);
    conversation.speech = argv[2];
    conversation.error.struct_size = sizeof conversation.error;
    if ((status = essence_engine_create(NULL, &engine, &err)) == ESSENCE_OK &&
        (status = essence_avatar_open(engine, argv[1], &avatar, &err)) == ESSENCE_OK &&
        (status = essence_session_create(avatar, NULL, &conversation.session, &err)) == ESSENCE_OK &&
        pthread_create(&thread, NULL, pusher, &conversation) == 0) {
        status = draw(conversation.session, curve(avatar, "jawOpen"), &err);
        pthread_join(thread, NULL);
        if (status == ESSENCE_OK && conversation.pushed < 0) {
            status = conversation.pushed;
            err = conversation.error;
        }
    }
    if (status < 0)
        fprintf(stderr, "%s: %s\n", essence_status_name(status), err.message);
    essence_session_destroy(conversation.session);
    essence_avatar_release(avatar);
    essence_engine_destroy(engine);
    return (int)essence_status_exit_code(status);
}
