/*
 * One session, three threads: one pushes, one draws, one interrupts and performs at random moments.
 * Nothing may be torn: every frame's audio is a piece of what was pushed, in order, within what was
 * said between two interruptions. In real time, the engine's own threads take part.
 *
 *     threads TESTDATA ROUNDS [realtime]
 */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

static essence_session *session;
static int rounds;
static int realtime;
static int pushed_all; /* guarded by `lock` */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define QUIETLY(call) \
    do { \
        essence_error err_ = ESSENCE_ERROR_INIT; \
        if ((call) < 0) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err_.message); \
            exit(1); \
        } \
    } while (0)

static int done(void)
{
    int is;
    pthread_mutex_lock(&lock);
    is = pushed_all;
    pthread_mutex_unlock(&lock);
    return is;
}

static unsigned random_below(unsigned *state, unsigned end)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % end;
}

static void pause_us(long us)
{
    struct timespec time;
    time.tv_sec = us / 1000000;
    time.tv_nsec = us % 1000000 * 1000;
    nanosleep(&time, NULL);
}

/* Pushes a staircase: sample n of all that was ever pushed is n mod 30000. */
static void *push(void *unused)
{
    unsigned state = 1;
    int round, next = 0;
    short piece[2000];
    (void)unused;
    for (round = 0; round < rounds; round++) {
        const int count = 1 + (int)random_below(&state, 2000);
        int i;
        for (i = 0; i < count; i++) {
            piece[i] = (short)next;
            next = (next + 1) % 30000;
        }
        QUIETLY(essence_session_push_audio_i16(session, piece, (size_t)count, 16000, 1, &err_));
        if (random_below(&state, 6) == 0)
            QUIETLY(essence_session_flush(session, &err_));
        if (random_below(&state, 4) == 0)
            sched_yield();
        if (realtime)
            pause_us(500 * (long)count / 16);
    }
    QUIETLY(essence_session_flush(session, &err_));
    pthread_mutex_lock(&lock);
    pushed_all = 1;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *disturb(void *unused)
{
    unsigned state = 2;
    (void)unused;
    while (!done()) {
        essence_session_info info = ESSENCE_SESSION_INFO_INIT;
        switch (random_below(&state, 8)) {
        case 0:
            QUIETLY(essence_session_interrupt(session, &err_));
            break;
        case 1:
            QUIETLY(essence_session_perform(session, "wave", &err_));
            break;
        default:
            QUIETLY(essence_session_describe(session, &info, &err_));
            break;
        }
        if (realtime) {
            pause_us((long)random_below(&state, 200000));
        } else {
            int i;
            for (i = 0; i < 50; i++)
                sched_yield();
        }
    }
    return NULL;
}

static void *draw(void *unused)
{
    essence_frame *frame = NULL;
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    long frames = 0, spoken = 0, ends = 0;
    uint64_t next_index = 0;
    (void)unused;
    QUIETLY(essence_frame_create(&frame, &err_));
    for (;;) {
        essence_error err = ESSENCE_ERROR_INIT;
        const int last_try = done();
        const essence_status status = essence_session_next_frame(session, frame, NULL, &info, &err);
        size_t i;
        if (status == ESSENCE_AGAIN) {
            if (last_try)
                break;
            sched_yield();
            continue;
        }
        /* Where pictures are late, they are left out and their sound comes with the next one. */
        if (realtime)
            next_index += info.skipped;
        if (status != ESSENCE_OK || info.index != next_index || info.audio_samples > 640 * (1 + (size_t)info.skipped)) {
            fprintf(stderr, "draw: status %d, %s\n", (int)status, err.message);
            exit(1);
        }
        for (i = 1; i < info.audio_samples; i++) {
            if (info.audio_i16[i] != (info.audio_i16[i - 1] + 1) % 30000) {
                fprintf(stderr, "draw: frame %ld is torn at sample %lu\n", frames, (unsigned long)i);
                exit(1);
            }
        }
        next_index++;
        frames++;
        /* In real time there always is a frame. */
        if (realtime && last_try && info.flags == 0)
            break;
        spoken += info.audio_samples > 0;
        ends += (info.flags & ESSENCE_FRAME_END_OF_SPEECH) != 0;
    }
    essence_frame_destroy(frame);
    printf("threads: ok, %ld frames, %ld with audio, %ld ends of speech\n", frames, spoken, ends);
    if (spoken == 0 || ends == 0)
        exit(1);
    return NULL;
}

int main(int argc, char **argv)
{
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_avatar *avatar;
    pthread_t threads[3];
    int i;
    CHECK(argc >= 3);
    rounds = atoi(argv[2]);
    realtime = argc > 3;
    avatar = open_toy(argv[1]);
    options.pacing = realtime ? ESSENCE_PACING_REALTIME : ESSENCE_PACING_UNPACED;
    options.queue_limit_s = 3600;
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &session, ERR));
    CHECK(pthread_create(&threads[0], NULL, push, NULL) == 0);
    CHECK(pthread_create(&threads[1], NULL, draw, NULL) == 0);
    CHECK(pthread_create(&threads[2], NULL, disturb, NULL) == 0);
    for (i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    essence_session_destroy(session);
    essence_avatar_release(avatar);
    return 0;
}
