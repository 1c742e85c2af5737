/*
 * What the header forbids: two threads have the library write into the same memory at a time. A
 * checker of threads that doesn't report it, in the library's own code, sees nothing.
 *
 *     race TESTDATA
 */
#include "check.h"

#include <pthread.h>

static essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
static essence_avatar *avatar;
static pthread_barrier_t begin;

static void *draw(void *unused)
{
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_session *session = NULL;
    essence_frame *frame = NULL;
    static const short silence[16000];
    int drawn;
    (void)unused;
    options.pacing = ESSENCE_PACING_UNPACED;
    if (essence_session_create(avatar, &options, &session, NULL) || essence_frame_create(&frame, NULL) ||
        essence_session_push_audio_i16(session, silence, 16000, 16000, 1, NULL))
        exit(1);
    for (drawn = 0; drawn < 20; drawn++) {
        /* Each time, or what one thread did for its next frame would come before the other's. */
        pthread_barrier_wait(&begin);
        if (essence_session_next_frame(session, frame, NULL, &info, NULL))
            exit(1);
    }
    essence_frame_destroy(frame);
    essence_session_destroy(session);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[2];
    int i;
    CHECK(argc == 2);
    avatar = open_toy(argv[1]);
    CHECK(pthread_barrier_init(&begin, NULL, 2) == 0);
    for (i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, draw, NULL) == 0);
    for (i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    essence_avatar_release(avatar);
    puts("race: nothing was seen");
    return 0;
}
