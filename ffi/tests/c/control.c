/*
 * What a server steers by: an engine's threads and sessions, pause, mute, statistics, frames
 * without pictures, capacity, the log's level, avatars out of memory, wake-ups.
 *
 *     control TESTDATA
 */
#include "check.h"

#include <unistd.h>

enum { FRAME_NS = 40000000, RATE = 16000, FRAME = RATE / 25 };

static short speech[4 * RATE];

/* A real-time session on a clock of ours. */
struct paced {
    essence_clock *clock;
    essence_session *session;
    essence_frame *frame;
    essence_frame_info info;
};

static struct paced pace(essence_avatar *avatar, uint32_t without_pictures)
{
    const essence_frame_info empty = ESSENCE_FRAME_INFO_INIT;
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    struct paced paced = {NULL, NULL, NULL, ESSENCE_FRAME_INFO_INIT};
    paced.info = empty;
    EXPECT(ESSENCE_OK, essence_clock_create(&paced.clock, ERR));
    options.clock = paced.clock;
    options.without_pictures = without_pictures;
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &paced.session, ERR));
    EXPECT(ESSENCE_OK, essence_frame_create(&paced.frame, ERR));
    return paced;
}

static void end(struct paced *paced)
{
    essence_frame_destroy(paced->frame);
    essence_session_destroy(paced->session);
    essence_clock_destroy(paced->clock);
}

static void tick(struct paced *paced)
{
    EXPECT(ESSENCE_OK, essence_session_next_frame(paced->session, paced->frame, NULL, &paced->info, ERR));
    EXPECT(ESSENCE_OK, essence_clock_advance(paced->clock, FRAME_NS, ERR));
}

static essence_session_statistics statistics(const essence_session *session)
{
    essence_session_statistics counted = ESSENCE_SESSION_STATISTICS_INIT;
    EXPECT(ESSENCE_OK, essence_session_read_statistics(session, &counted, ERR));
    return counted;
}

/* Held speech loses nothing; muted speech takes its time and is silent. */
static void hold_and_mute(essence_avatar *avatar)
{
    struct paced paced = pace(avatar, 0);
    essence_session_statistics counted;
    size_t heard = 0;
    int i;
    EXPECT(ESSENCE_OK, essence_session_push_audio_i16(paced.session, speech, RATE, RATE, 1, ERR));
    EXPECT(ESSENCE_OK, essence_session_flush(paced.session, ERR));
    for (i = 0; i < 40; i++) {
        const int muted = i >= 15 && i < 20;
        size_t sample;
        if (i == 5 || i == 10)
            EXPECT(ESSENCE_OK, essence_session_set_paused(paced.session, i == 5 ? 7 : 0, ERR));
        if (i == 15 || i == 20)
            EXPECT(ESSENCE_OK, essence_session_set_muted(paced.session, i == 15, ERR));
        tick(&paced);
        if (i >= 5 && i < 10) {
            CHECK(paced.info.flags == 0 && paced.info.audio_samples == 0);
            continue;
        }
        CHECK(((paced.info.flags & ESSENCE_FRAME_MUTED) != 0) == muted);
        for (sample = 0; sample < paced.info.audio_samples; sample++)
            CHECK(paced.info.audio_i16[sample] == (muted ? 0 : speech[heard + sample]));
        heard += paced.info.audio_samples;
    }
    CHECK(heard == RATE);
    counted = statistics(paced.session);
    CHECK(counted.frames == 40 && counted.speech == 25 && counted.samples == RATE);
    CHECK(counted.underruns == 0 && counted.late == 0 && counted.skipped == 0 && counted.restarts == 0);
    CHECK(counted.worst_delay_ns == 0);
    end(&paced);
}

/* A frame that is asked for late says so, and an absence is none. */
static void come_late(essence_avatar *avatar)
{
    struct paced paced = pace(avatar, 0);
    essence_session_statistics counted;
    tick(&paced);
    CHECK(paced.info.flags == 0);
    EXPECT(ESSENCE_OK, essence_clock_advance(paced.clock, 25000000, ERR));
    tick(&paced);
    CHECK(paced.info.flags == ESSENCE_FRAME_LATE);
    counted = statistics(paced.session);
    CHECK(counted.late == 1 && counted.worst_delay_ns == 25000000);
    EXPECT(ESSENCE_OK, essence_clock_advance(paced.clock, 2000000000u, ERR));
    tick(&paced);
    CHECK(paced.info.flags == 0 && statistics(paced.session).restarts == 1);
    /* Audio that doesn't come in time. */
    EXPECT(ESSENCE_OK, essence_session_push_audio_i16(paced.session, speech, 5 * FRAME, RATE, 1, ERR));
    while (!(paced.info.flags & ESSENCE_FRAME_UNDERRUN))
        tick(&paced);
    CHECK(statistics(paced.session).underruns == 1);
    end(&paced);
}

/* Sound and curves without pictures are the same sound and curves. */
static void without_pictures(essence_avatar *avatar)
{
    struct paced seen = pace(avatar, 0), blind = pace(avatar, 1);
    essence_picture picture = ESSENCE_PICTURE_INIT;
    static unsigned char pixels[64 * 48 * 3];
    int i;
    EXPECT(ESSENCE_OK, essence_session_push_audio_i16(seen.session, speech, RATE, RATE, 1, ERR));
    EXPECT(ESSENCE_OK, essence_session_push_audio_i16(blind.session, speech, RATE, RATE, 1, ERR));
    /* Memory for a picture is not taken, and no frame is used up. */
    EXPECT(ESSENCE_OK,
           essence_picture_wrap(ESSENCE_PIXEL_FORMAT_BGR8, 64, 48, pixels, sizeof pixels, &picture, ERR));
    EXPECT(ESSENCE_ERR_INVALID_ARGUMENT,
           essence_session_next_frame(blind.session, blind.frame, &picture, &blind.info, ERR));
    CHECK(strstr(last_error.message, "without_pictures") != NULL);
    for (i = 0; i < 25; i++) {
        /* A frame that held a picture before. */
        essence_frame *held = blind.frame;
        if (i == 10)
            blind.frame = seen.frame;
        tick(&blind);
        blind.frame = held;
        tick(&seen);
        CHECK(seen.info.planes[0] && seen.info.strides[0] == 64 * 3);
        CHECK(!blind.info.planes[0] && !blind.info.strides[0]);
        if (i == 10)
            continue;
        CHECK(blind.info.width == 64 && blind.info.height == 48 && blind.info.index == seen.info.index);
        CHECK(blind.info.base_frame == seen.info.base_frame && blind.info.flags == seen.info.flags);
        CHECK(blind.info.audio_samples == seen.info.audio_samples);
        CHECK(!memcmp(blind.info.audio, seen.info.audio, seen.info.audio_samples * sizeof(float)));
        CHECK(!memcmp(blind.info.arkit, seen.info.arkit, seen.info.arkit_count * sizeof(float)));
    }
    end(&seen);
    end(&blind);
}

/* Draws the first frame of a session with these options into memory of ours. */
static essence_frame_info first(essence_avatar *avatar, essence_session_options options, unsigned char *pixels,
                                essence_pixel_format format, uint32_t width, uint32_t height)
{
    const essence_frame_info empty = ESSENCE_FRAME_INFO_INIT;
    essence_frame_info info = empty;
    essence_session *session = NULL;
    essence_frame *frame = NULL;
    essence_picture picture = ESSENCE_PICTURE_INIT;
    options.pacing = ESSENCE_PACING_UNPACED;
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &session, ERR));
    EXPECT(ESSENCE_OK, essence_frame_create(&frame, ERR));
    EXPECT(ESSENCE_OK, essence_session_push_audio_i16(session, speech, FRAME, RATE, 1, ERR));
    EXPECT(ESSENCE_OK, essence_session_flush(session, ERR));
    EXPECT(ESSENCE_OK, essence_picture_wrap(format, width, height, pixels,
                                            essence_picture_bytes(format, width, height), &picture, ERR));
    EXPECT(ESSENCE_OK, essence_session_next_frame(session, frame, &picture, &info, ERR));
    essence_frame_destroy(frame);
    essence_session_destroy(session);
    return info;
}

/* Fit, backgrounds and YUV standards: each option reaches the picture. */
static void output(essence_avatar *avatar)
{
    const essence_session_options plain = ESSENCE_SESSION_OPTIONS_INIT;
    static unsigned char own[64 * 48 * 3], wide[128 * 48 * 3], part[32 * 16 * 3], image[2 * 2 * 3];
    static unsigned char yuv[2][64 * 48 * 3 / 2];
    essence_session_options options = plain;
    essence_session *session = NULL;
    essence_picture background = ESSENCE_PICTURE_INIT;
    essence_frame_info info;
    size_t row;
    first(avatar, plain, own, ESSENCE_PIXEL_FORMAT_RGB8, 64, 48);

    options.width = 128;
    options.height = 48;
    options.background = ESSENCE_BACKGROUND_COLOR;
    options.background_rgb = 0x0A141E;
    first(avatar, options, wide, ESSENCE_PIXEL_FORMAT_RGB8, 128, 48);
    CHECK(wide[0] == 0x0A && wide[1] == 0x14 && wide[2] == 0x1E);
    options.background = ESSENCE_BACKGROUND_PICTURE;
    memset(image, 0x5A, sizeof image);
    EXPECT(ESSENCE_OK, essence_picture_wrap(ESSENCE_PIXEL_FORMAT_RGB8, 2, 2, image, sizeof image, &background, ERR));
    options.background_picture = &background;
    first(avatar, options, wide, ESSENCE_PIXEL_FORMAT_RGB8, 128, 48);
    CHECK(wide[0] == 0x5A && wide[128 * 3 - 1] == 0x5A && !memcmp(wide + 32 * 3, own, 64 * 3));
    options.fit = ESSENCE_FIT_COVER;
    first(avatar, options, wide, ESSENCE_PIXEL_FORMAT_RGB8, 128, 48);
    CHECK(wide[0] != 0x5A || wide[1] != 0x5A || wide[2] != 0x5A);

    options = plain;
    options.width = 32;
    options.height = 16;
    options.fit = ESSENCE_FIT_CROP;
    options.crop_left = 20;
    options.crop_top = 10;
    first(avatar, options, part, ESSENCE_PIXEL_FORMAT_RGB8, 32, 16);
    for (row = 0; row < 16; row++)
        CHECK(!memcmp(part + row * 32 * 3, own + ((row + 10) * 64 + 20) * 3, 32 * 3));
    options.crop_left = 40;
    EXPECT(ESSENCE_ERR_INVALID_ARGUMENT, essence_session_create(avatar, &options, &session, ERR));

    options = plain;
    info = first(avatar, options, yuv[0], ESSENCE_PIXEL_FORMAT_I420, 64, 48);
    CHECK(info.yuv_matrix == ESSENCE_YUV_MATRIX_BT601 && info.yuv_range == ESSENCE_YUV_RANGE_LIMITED);
    options.yuv_matrix = ESSENCE_YUV_MATRIX_BT709;
    options.yuv_range = ESSENCE_YUV_RANGE_FULL;
    info = first(avatar, options, yuv[1], ESSENCE_PIXEL_FORMAT_I420, 64, 48);
    CHECK(info.yuv_matrix == ESSENCE_YUV_MATRIX_BT709 && info.yuv_range == ESSENCE_YUV_RANGE_FULL);
    CHECK(memcmp(yuv[0], yuv[1], sizeof yuv[0]) != 0);

#define WRONG(field, value) \
    do { \
        options = plain; \
        options.field = value; \
        EXPECT(ESSENCE_ERR_INVALID_ARGUMENT, essence_session_create(avatar, &options, &session, ERR)); \
    } while (0)
    WRONG(fit, 3);
    WRONG(yuv_matrix, 2);
    WRONG(yuv_range, 2);
    WRONG(background, 3);
    WRONG(background, ESSENCE_BACKGROUND_PICTURE);
    options = plain;
    options.background = ESSENCE_BACKGROUND_COLOR;
    options.background_rgb = 0x1000000;
    EXPECT(ESSENCE_ERR_INVALID_ARGUMENT, essence_session_create(avatar, &options, &session, ERR));
}

static int pipe_ends[2];
static int wakeups;
static int wakeup_destroyed;

static void on_wakeup(void *user_data)
{
    CHECK(*(int *)user_data == 77);
    wakeups++;
}

/* From the engine's thread into the event loop. */
static void on_due(void *user_data)
{
    const char byte = 1;
    (void)user_data;
    CHECK(write(pipe_ends[1], &byte, 1) == 1);
}

static void on_wakeup_destroy(void *user_data)
{
    CHECK(*(int *)user_data == 77);
    wakeup_destroyed++;
}

/* A session calls back when there may be a frame, once after each AGAIN. */
static void wake_up(essence_avatar *avatar)
{
    struct paced paced = pace(avatar, 0);
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_session *session = NULL;
    uint64_t frames = 0;
    int data = 77, i;
    EXPECT(ESSENCE_OK,
           essence_session_set_wakeup(paced.session, on_wakeup, &data, on_wakeup_destroy, ERR));
    EXPECT(ESSENCE_OK, essence_session_try_next_frame(paced.session, paced.frame, NULL, &paced.info, ERR));
    for (i = 1; i < 4; i++) {
        EXPECT(ESSENCE_AGAIN, essence_session_try_next_frame(paced.session, paced.frame, NULL, NULL, ERR));
        CHECK(wakeups == i - 1);
        EXPECT(ESSENCE_OK, essence_clock_advance(paced.clock, FRAME_NS, ERR));
        CHECK(wakeups == i);
        EXPECT(ESSENCE_OK, essence_session_try_next_frame(paced.session, paced.frame, NULL, &paced.info, ERR));
        CHECK(paced.info.index == (uint64_t)i);
    }
    /* Another in its place, and none: the one before is destroyed, and not called. */
    EXPECT(ESSENCE_AGAIN, essence_session_try_next_frame(paced.session, paced.frame, NULL, NULL, ERR));
    EXPECT(ESSENCE_OK, essence_session_set_wakeup(paced.session, NULL, NULL, on_wakeup_destroy, ERR));
    EXPECT(ESSENCE_OK, essence_session_interrupt(paced.session, ERR));
    EXPECT(ESSENCE_OK, essence_clock_advance(paced.clock, FRAME_NS, ERR));
    CHECK(wakeups == 3 && wakeup_destroyed == 1);
    EXPECT(ESSENCE_ERR_INVALID_ARGUMENT,
           essence_session_set_wakeup(NULL, on_wakeup, &data, on_wakeup_destroy, ERR));
    CHECK(wakeup_destroyed == 2);
    EXPECT(ESSENCE_OK,
           essence_session_set_wakeup(paced.session, on_wakeup, &data, on_wakeup_destroy, ERR));
    end(&paced);
    CHECK(wakeups == 3 && wakeup_destroyed == 3);

    /* Unpaced, audio wakes. */
    options.pacing = ESSENCE_PACING_UNPACED;
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &session, ERR));
    EXPECT(ESSENCE_OK, essence_frame_create(&paced.frame, ERR));
    EXPECT(ESSENCE_OK, essence_session_set_wakeup(session, on_wakeup, &data, NULL, ERR));
    EXPECT(ESSENCE_AGAIN, essence_session_try_next_frame(session, paced.frame, NULL, NULL, ERR));
    EXPECT(ESSENCE_OK, essence_session_push_audio_i16(session, speech, RATE, RATE, 1, ERR));
    CHECK(wakeups == 4);
    EXPECT(ESSENCE_OK, essence_session_try_next_frame(session, paced.frame, NULL, NULL, ERR));
    essence_session_destroy(session);

    /* In real time, an event loop sleeps until the pipe can be read. */
    CHECK(pipe(pipe_ends) == 0);
    EXPECT(ESSENCE_OK, essence_session_create(avatar, NULL, &session, ERR));
    EXPECT(ESSENCE_OK, essence_session_set_wakeup(session, on_due, NULL, NULL, ERR));
    while (frames < 5) {
        char byte;
        const essence_status status =
            essence_session_try_next_frame(session, paced.frame, NULL, &paced.info, ERR);
        if (status == ESSENCE_AGAIN) {
            CHECK(read(pipe_ends[0], &byte, 1) == 1);
            continue;
        }
        CHECK(status == ESSENCE_OK);
        frames++;
    }
    EXPECT(ESSENCE_AGAIN,
           essence_session_next_frame_within(session, paced.frame, NULL, NULL, 0, ERR));
    EXPECT(ESSENCE_OK, essence_session_next_frame_within(session, paced.frame, NULL, &paced.info, UINT64_MAX, ERR));
    CHECK(paced.info.index >= 5 && paced.info.since_due_ns < 60000000000u);
    essence_session_destroy(session);
    essence_frame_destroy(paced.frame);
    CHECK(close(pipe_ends[0]) == 0 && close(pipe_ends[1]) == 0);
}

struct log {
    int levels[6];
};

static void on_log(void *user_data, essence_log_level level, const char *message, size_t length)
{
    struct log *log = (struct log *)user_data;
    CHECK(level >= ESSENCE_LOG_LEVEL_ERROR && level <= ESSENCE_LOG_LEVEL_TRACE);
    CHECK(message != NULL && length > 0);
    log->levels[level]++;
}

/* One thread, at most two conversations. */
static void limit(const char *testdata)
{
    char path[1024];
    static struct log log;
    essence_engine_options options = ESSENCE_ENGINE_OPTIONS_INIT;
    essence_engine_info info = ESSENCE_ENGINE_INFO_INIT;
    essence_session_options unpaced = ESSENCE_SESSION_OPTIONS_INIT;
    essence_engine *engine = NULL;
    essence_avatar *avatar = NULL;
    essence_session *sessions[4] = {NULL, NULL, NULL, NULL};
    uint32_t capacity = 0, i;
    options.provider = ESSENCE_PROVIDER_CPU;
    options.threads = 1;
    options.max_sessions = 2;
    options.log = on_log;
    options.log_user_data = &log;
    options.log_level = ESSENCE_LOG_LEVEL_TRACE;
    EXPECT(ESSENCE_OK, essence_engine_create(&options, &engine, ERR));
    snprintf(path, sizeof path, "%s/avatars/toy.imx", testdata);
    EXPECT(ESSENCE_OK, essence_avatar_open(engine, path, &avatar, ERR));
    for (i = 0; i < 2; i++)
        EXPECT(ESSENCE_OK, essence_session_create(avatar, NULL, &sessions[i], ERR));
    EXPECT(ESSENCE_ERR_LIMIT_EXCEEDED, essence_session_create(avatar, NULL, &sessions[2], ERR));
    EXPECT(ESSENCE_OK, essence_engine_describe(engine, &info, ERR));
    CHECK(info.threads == 1 && info.sessions == 2);
    /* Unpaced ones don't count. */
    unpaced.pacing = ESSENCE_PACING_UNPACED;
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &unpaced, &sessions[2], ERR));
    essence_session_destroy(sessions[2]);
    EXPECT(ESSENCE_OK, essence_engine_set_max_sessions(engine, ESSENCE_NO_LIMIT, ERR));
    EXPECT(ESSENCE_OK, essence_session_create(avatar, NULL, &sessions[2], ERR));
    EXPECT(ESSENCE_OK, essence_engine_set_max_sessions(engine, 0, ERR));
    EXPECT(ESSENCE_ERR_LIMIT_EXCEEDED, essence_session_create(avatar, NULL, &sessions[3], ERR));
    for (i = 0; i < 3; i++)
        essence_session_destroy(sessions[i]);
    EXPECT(ESSENCE_OK, essence_engine_describe(engine, &info, ERR));
    CHECK(info.sessions == 0);
    EXPECT(ESSENCE_OK, essence_avatar_measure_capacity(avatar, &capacity, ERR));
    CHECK(capacity > 0);
    CHECK(log.levels[ESSENCE_LOG_LEVEL_INFO] == 2);
    essence_avatar_release(avatar);
    avatar = NULL;
    EXPECT(ESSENCE_OK, essence_engine_set_log_level(engine, ESSENCE_LOG_LEVEL_OFF, ERR));
    EXPECT(ESSENCE_OK, essence_avatar_open(engine, path, &avatar, ERR));
    CHECK(log.levels[ESSENCE_LOG_LEVEL_INFO] == 2);
    essence_avatar_release(avatar);
    avatar = NULL;
    EXPECT(ESSENCE_OK, essence_engine_set_log_level(engine, ESSENCE_LOG_LEVEL_INFO, ERR));
    EXPECT(ESSENCE_OK, essence_avatar_open(engine, path, &avatar, ERR));
    CHECK(log.levels[ESSENCE_LOG_LEVEL_INFO] == 3);
    essence_avatar_release(avatar);
    essence_engine_destroy(engine);
}

static int destroyed;

static void on_destroy(void *user_data)
{
    destroyed++;
    free(user_data);
}

/* A whole file, to be freed. */
static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes;
    long end;
    CHECK(file && fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) > 0);
    rewind(file);
    *size = (size_t)end;
    bytes = (unsigned char *)malloc(*size);
    CHECK(bytes && fread(bytes, 1, *size, file) == *size);
    fclose(file);
    return bytes;
}

/* Copied or kept, the bytes are the avatar; they are destroyed once, whatever happens. */
static void from_memory(const char *testdata)
{
    char path[1024];
    essence_engine_options options = ESSENCE_ENGINE_OPTIONS_INIT;
    essence_avatar_info info = ESSENCE_AVATAR_INFO_INIT;
    essence_engine *engine = NULL;
    essence_avatar *copied = NULL, *kept = NULL, *none = NULL, *mapped = NULL;
    unsigned char *bytes;
    size_t size = 0;
    struct paced paced;
    int i;
    options.provider = ESSENCE_PROVIDER_CPU;
    options.map_files = 2;
    EXPECT(ESSENCE_ERR_INVALID_ARGUMENT, essence_engine_create(&options, &engine, ERR));
    options.map_files = 1;
    EXPECT(ESSENCE_OK, essence_engine_create(&options, &engine, ERR));
    snprintf(path, sizeof path, "%s/avatars/toy.imx", testdata);
    EXPECT(ESSENCE_OK, essence_avatar_open(engine, path, &mapped, ERR));

    bytes = read_file(path, &size);
    EXPECT(ESSENCE_OK, essence_avatar_open_memory(engine, bytes, size, NULL, NULL, &copied, ERR));
    memset(bytes, 0x55, size);
    free(bytes);
    bytes = read_file(path, &size);
    EXPECT(ESSENCE_OK, essence_avatar_open_memory(engine, bytes, size, on_destroy, bytes, &kept, ERR));
    CHECK(destroyed == 0);
    EXPECT(ESSENCE_OK, essence_avatar_describe(kept, &info, ERR));
    CHECK(info.file_bytes == size && strcmp(info.name, "toy") == 0);
    paced = pace(kept, 0);
    essence_avatar_release(kept);
    EXPECT(ESSENCE_OK, essence_session_push_audio_i16(paced.session, speech, RATE, RATE, 1, ERR));
    EXPECT(ESSENCE_OK, essence_session_flush(paced.session, ERR));
    for (i = 0; i < 25; i++) {
        tick(&paced);
        CHECK(paced.info.flags & ESSENCE_FRAME_SPEECH);
    }
    CHECK(destroyed == 0);
    end(&paced);
    CHECK(destroyed == 1);
    paced = pace(copied, 0);
    tick(&paced);
    end(&paced);
    essence_avatar_release(copied);
    essence_avatar_release(mapped);

    /* Every failure destroys, too. */
    bytes = read_file(path, &size);
    EXPECT(ESSENCE_ERR_INVALID_AVATAR,
           essence_avatar_open_memory(engine, bytes, size / 2, on_destroy, bytes, &none, ERR));
    CHECK(destroyed == 2 && none == NULL);
    EXPECT(ESSENCE_ERR_INVALID_ARGUMENT, essence_avatar_open_memory(NULL, NULL, 0, on_destroy, NULL, &none, ERR));
    EXPECT(ESSENCE_ERR_INVALID_ARGUMENT, essence_avatar_open_memory(engine, NULL, 9, on_destroy, NULL, &none, ERR));
    EXPECT(ESSENCE_ERR_INVALID_ARGUMENT, essence_avatar_open_memory(engine, NULL, 0, on_destroy, NULL, NULL, ERR));
    EXPECT(ESSENCE_ERR_INVALID_AVATAR, essence_avatar_open_memory(engine, NULL, 0, on_destroy, NULL, &none, ERR));
    CHECK(destroyed == 6 && none == NULL);
    essence_engine_destroy(engine);
}

int main(int argc, char **argv)
{
    essence_avatar *avatar;
    CHECK(argc == 2);
    buzz(speech, 4 * RATE);
    avatar = open_toy(argv[1]);
    hold_and_mute(avatar);
    come_late(avatar);
    without_pictures(avatar);
    wake_up(avatar);
    output(avatar);
    essence_avatar_release(avatar);
    limit(argv[1]);
    from_memory(argv[1]);
    printf("control: ok\n");
    return 0;
}
