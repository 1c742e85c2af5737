/*
 * A thousand sessions, each opened, spoken, interrupted, spoken again and closed: after the first
 * fifty, neither memory nor threads grow. Every tenth opens the avatar anew.
 *
 *     sessions TESTDATA COUNT        (Linux: reads /proc/self)
 */
#include "check.h"

#include <dirent.h>

/* Memory of the process's own; pages of mapped files come and go as the system likes. */
static long own_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    fclose(status);
    return kib;
}

static int entries(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    CHECK(dir != NULL);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void speak(essence_session *session, essence_frame *frame, const short *samples, int frames)
{
    EXPECT(ESSENCE_OK, essence_session_push_audio_i16(session, samples, 8000, 16000, 1, ERR));
    EXPECT(ESSENCE_OK, essence_session_flush(session, ERR));
    while (frames-- > 0)
        EXPECT(ESSENCE_OK, essence_session_next_frame(session, frame, NULL, NULL, ERR));
}

int main(int argc, char **argv)
{
    static short samples[8000];
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_avatar *avatar;
    long before = 0, after, count, i;
    int threads = 0, files = 0;
    CHECK(argc == 3);
    count = atol(argv[2]);
    buzz(samples, 8000);
    options.pacing = ESSENCE_PACING_UNPACED;
    avatar = open_toy(argv[1]);
    for (i = 0; i < count; i++) {
        essence_session *session = NULL;
        essence_frame *frame = NULL;
        if (i == 50) {
            before = own_kib();
            threads = entries("/proc/self/task");
            files = entries("/proc/self/fd");
        }
        if (i % 10 == 9) {
            essence_avatar_release(avatar);
            avatar = open_toy(argv[1]);
        }
        EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &session, ERR));
        EXPECT(ESSENCE_OK, essence_frame_create(&frame, ERR));
        speak(session, frame, samples, 5);
        EXPECT(ESSENCE_OK, essence_session_interrupt(session, ERR));
        while (essence_session_next_frame(session, frame, NULL, NULL, ERR) == ESSENCE_OK) {
        }
        speak(session, frame, samples, 12);
        essence_frame_destroy(frame);
        essence_session_destroy(session);
    }
    after = own_kib();
    printf("sessions: %ld, %ld KiB after 50, %ld KiB at the end, %d threads, %d files\n", count,
           before, after, threads - 2, files - 3);
    /* The allocator's own play. One session holds more than 30 KiB: a leak would make megabytes. */
    CHECK(after - before < 1024);
    CHECK(entries("/proc/self/task") == threads && entries("/proc/self/fd") == files);
    essence_avatar_release(avatar);
    return 0;
}
