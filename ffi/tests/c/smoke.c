/*
 * The whole of the interface once, the way it is meant: everything that is described is what it
 * says. With a number, all of it so many times, for memory checkers.
 *
 *     smoke TESTDATA SCRATCH [TIMES]
 */
#include "check.h"

struct log {
    int messages;
    int destroyed;
    int opened;
};

static void on_log(void *user_data, essence_log_level level, const char *message, size_t length)
{
    struct log *log = (struct log *)user_data;
    char text[512];
    CHECK(level >= ESSENCE_LOG_LEVEL_ERROR && level <= ESSENCE_LOG_LEVEL_INFO);
    CHECK(length > 0 && length < sizeof text);
    memcpy(text, message, length);
    text[length] = 0;
    log->messages++;
    if (strstr(text, "opened") && strstr(text, "toy"))
        log->opened++;
}

static void on_destroy(void *user_data)
{
    ((struct log *)user_data)->destroyed++;
}

static void describe(essence_engine *engine, essence_avatar *avatar)
{
    essence_engine_info runtime = ESSENCE_ENGINE_INFO_INIT;
    essence_avatar_info info = ESSENCE_AVATAR_INFO_INIT;
    essence_provider_report report = ESSENCE_PROVIDER_REPORT_INIT;
    size_t i;
    int waves = 0;
    EXPECT(ESSENCE_OK, essence_engine_describe(engine, &runtime, ERR));
    CHECK(strncmp(runtime.runtime_version, "1.", 2) == 0 && runtime.runtime_path[0]);
    CHECK(runtime.provider_count >= 1 && runtime.providers[0] == ESSENCE_PROVIDER_BUILTIN);
    CHECK(runtime.runtime_tried != NULL);

    EXPECT(ESSENCE_OK, essence_avatar_describe(avatar, &info, ERR));
    CHECK(info.frame_width == 64 && info.frame_height == 48 && info.frame_count > 0);
    CHECK(info.frame_rate == 25 && info.sample_rate_hz == 16000 && info.samples_per_frame == 640);
    CHECK(info.name[0] && strncmp(info.format_version, "2.", 2) == 0);
    CHECK(strlen(info.manifest_json) == info.manifest_json_bytes && info.manifest_json[0] == '{');
    CHECK(strstr(info.manifest_json, "\"networks\"") != NULL);
    CHECK(info.arkit_count > 0 && info.coefficient_count > 0 && info.file_bytes > 10000);
    for (i = 0; i < info.motion_count; i++)
        waves += strcmp(info.motions[i], "wave") == 0;
    CHECK(waves == 1);

    EXPECT(ESSENCE_OK, essence_avatar_report_provider(avatar, &report, ERR));
    CHECK(report.provider == ESSENCE_PROVIDER_CPU && report.quantized == 0);
    for (i = 0; i < report.refused_count; i++)
        CHECK(report.refused[i] != ESSENCE_PROVIDER_CPU && report.reasons[i][0]);
}

/* A second of speech: pairing, counting, numbering, curves; drawn into a picture of ours every
 * other frame. */
static void speak(essence_session *session, essence_frame *frame)
{
    static short samples[24000];
    essence_session_info drawn = ESSENCE_SESSION_INFO_INIT;
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    essence_frame_info again = ESSENCE_FRAME_INFO_INIT;
    essence_picture picture = ESSENCE_PICTURE_INIT;
    essence_status status;
    size_t heard = 0, frames = 0, i;
    float widest = 0.0f;
    unsigned char *pixels;
    const size_t stride = 64 * 4 + 64;
    buzz(samples, 24000);
    EXPECT(ESSENCE_OK, essence_session_describe(session, &drawn, ERR));
    CHECK(drawn.frame_width == 64 && drawn.frame_height == 48 && drawn.latency_ms == 160);
    CHECK(drawn.picture_bytes == 64 * 48 * 3 && drawn.pixel_format == ESSENCE_PIXEL_FORMAT_RGB8);
    EXPECT(ESSENCE_OK, essence_session_push_audio_i16(session, samples, 24000, 24000, 1, ERR));
    EXPECT(ESSENCE_OK, essence_session_flush(session, ERR));
    EXPECT(ESSENCE_OK, essence_session_perform(session, "wave", ERR));

    pixels = (unsigned char *)malloc(stride * 48);
    CHECK(pixels != NULL);
    picture.format = ESSENCE_PIXEL_FORMAT_BGRA8;
    picture.width = 64;
    picture.height = 48;
    picture.planes[0] = pixels;
    picture.strides[0] = stride;
    for (;;) {
        const int ours = frames % 2 == 1;
        memset(pixels, 0x55, stride * 48);
        status = essence_session_next_frame(session, frame, ours ? &picture : NULL, &info, ERR);
        if (status == ESSENCE_AGAIN)
            break;
        CHECK(status == ESSENCE_OK);
        CHECK(info.index == frames && info.pts_samples == 640 * frames && info.skipped == 0);
        CHECK(info.flags & ESSENCE_FRAME_SPEECH);
        CHECK(((info.flags & ESSENCE_FRAME_END_OF_SPEECH) != 0) == (frames == 24));
        CHECK(info.width == 64 && info.height == 48);
        if (ours) {
            CHECK(info.format == ESSENCE_PIXEL_FORMAT_BGRA8 && info.planes[0] == pixels);
            CHECK(pixels[3] == 255 && pixels[stride - 1] == 0x55 && pixels[stride * 47 + 64 * 4] == 0x55);
        } else {
            CHECK(info.format == ESSENCE_PIXEL_FORMAT_RGB8 && info.strides[0] == 64 * 3);
            CHECK(info.planes[0] != NULL);
        }
        CHECK(info.audio_rate_hz == 24000 && info.audio_samples == 960);
        CHECK(memcmp(info.audio_i16, samples + heard, 960 * sizeof *samples) == 0);
        for (i = 0; i < info.audio_samples; i++)
            CHECK(info.audio[i] == (float)samples[heard + i] / 32768.0f);
        heard += info.audio_samples;
        for (i = 0; i < info.arkit_count; i++) {
            CHECK(info.arkit[i] >= 0.0f && info.arkit[i] <= 1.0f);
            if (info.arkit[i] > widest)
                widest = info.arkit[i];
        }
        EXPECT(ESSENCE_OK, essence_frame_describe(frame, &again, ERR));
        CHECK(memcmp(&info, &again, sizeof info) == 0);
        frames++;
    }
    CHECK(heard == 24000 && frames == 25 && widest > 0.05f);
    free(pixels);
}

/* Real time on a clock of ours: a frame every 40 ms, none early. */
static void keep_time(essence_avatar *avatar)
{
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_session *session = NULL;
    essence_frame *frame = NULL;
    essence_clock *clock = NULL;
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    int tick;
    EXPECT(ESSENCE_OK, essence_clock_create(&clock, ERR));
    options.clock = clock;
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &session, ERR));
    EXPECT(ESSENCE_OK, essence_frame_create(&frame, ERR));
    for (tick = 0; tick < 5; tick++) {
        EXPECT(ESSENCE_OK, essence_session_try_next_frame(session, frame, NULL, &info, ERR));
        CHECK(info.index == (uint64_t)tick && info.flags == 0 && info.audio_samples == 0);
        EXPECT(ESSENCE_AGAIN, essence_session_next_frame(session, frame, NULL, &info, ERR));
        EXPECT(ESSENCE_OK, essence_clock_advance(clock, 40000000, ERR));
    }
    /* It never runs backwards, however far it is moved. */
    for (tick = 0; tick < 2; tick++) {
        EXPECT(ESSENCE_OK, essence_clock_advance(clock, UINT64_MAX, ERR));
        EXPECT(tick ? ESSENCE_AGAIN : ESSENCE_OK, essence_session_try_next_frame(session, frame, NULL, &info, ERR));
    }
    essence_clock_destroy(clock);
    EXPECT(ESSENCE_AGAIN, (essence_session_next_frame(session, frame, NULL, NULL, ERR),
                           essence_session_next_frame(session, frame, NULL, NULL, ERR)));
    essence_frame_destroy(frame);
    essence_session_destroy(session);
}

/* Whether two frames are the same, wherever their pictures are. */
static void same(const essence_frame_info *a, const essence_frame_info *b)
{
    size_t row;
    CHECK(a->index == b->index && a->flags == b->flags && a->interruptions == b->interruptions);
    CHECK(a->base_frame == b->base_frame && a->audio_rate_hz == b->audio_rate_hz);
    CHECK(a->audio_samples == b->audio_samples && a->arkit_count == b->arkit_count);
    CHECK(memcmp(a->audio_i16, b->audio_i16, a->audio_samples * sizeof *a->audio_i16) == 0);
    CHECK(memcmp(a->audio, b->audio, a->audio_samples * sizeof *a->audio) == 0);
    CHECK(memcmp(a->arkit, b->arkit, a->arkit_count * sizeof *a->arkit) == 0);
    for (row = 0; row < 48; row++)
        CHECK(memcmp(a->planes[0] + row * a->strides[0], b->planes[0] + row * b->strides[0], 64 * 3) == 0);
}

/* Several frames in a call are those that single calls give, with an interruption in between. */
static void draw_together(essence_avatar *avatar)
{
    enum { MOST = 5, STRIDE = 64 * 3 + 7 };
    static short samples[24000];
    static unsigned char pixels[MOST][STRIDE * 48];
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    const essence_frame_info none = ESSENCE_FRAME_INFO_INIT;
    essence_session *singly = NULL, *together = NULL;
    essence_frame *single = NULL, *frames[MOST];
    essence_frame_info one = ESSENCE_FRAME_INFO_INIT;
    essence_frame_info infos[MOST], *into[MOST];
    essence_picture ours[MOST];
    const essence_picture *pictures[MOST];
    size_t i, drawn = 99, total = 0;
    int turn, round;
    buzz(samples, 24000);
    options.pacing = ESSENCE_PACING_UNPACED;
    options.pixel_format = ESSENCE_PIXEL_FORMAT_RGB8;
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &singly, ERR));
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &together, ERR));
    EXPECT(ESSENCE_OK, essence_frame_create(&single, ERR));
    for (i = 0; i < MOST; i++) {
        const essence_picture picture = ESSENCE_PICTURE_INIT;
        EXPECT(ESSENCE_OK, essence_frame_create(&frames[i], ERR));
        infos[i] = none;
        into[i] = &infos[i];
        ours[i] = picture;
        ours[i].format = ESSENCE_PIXEL_FORMAT_RGB8;
        ours[i].width = 64;
        ours[i].height = 48;
        ours[i].planes[0] = pixels[i];
        ours[i].strides[0] = STRIDE;
        /* Some into memory of ours, some into the frame's. */
        pictures[i] = i % 3 == 1 ? NULL : &ours[i];
    }
    for (turn = 0; turn < 2; turn++) {
        for (i = 0; i < 2; i++) {
            essence_session *session = i ? together : singly;
            EXPECT(ESSENCE_OK, essence_session_push_audio_i16(session, samples, 24000, 24000, 1, ERR));
            EXPECT(ESSENCE_OK, essence_session_flush(session, ERR));
        }
        /* 1, 2, 3, 4, 5, 1, 2, 3 and so on. The first utterance is not drawn to its end. */
        for (round = 0; turn == 1 || round < 6; round++) {
            const size_t count = (size_t)(round % MOST + 1);
            const essence_picture *const *given = round % 2 ? pictures : NULL;
            const essence_status status =
                essence_session_next_frames(together, frames, given, into, count, &drawn, ERR);
            CHECK(drawn <= count && (status == ESSENCE_OK) == (drawn > 0));
            for (i = 0; i < count; i++) {
                if (i >= drawn) {
                    EXPECT(ESSENCE_ERR_INVALID_STATE, essence_frame_describe(frames[i], &infos[i], ERR));
                    continue;
                }
                EXPECT(ESSENCE_OK, essence_session_next_frame(singly, single, NULL, &one, ERR));
                same(&one, &infos[i]);
                CHECK((infos[i].planes[0] == pixels[i]) == (given && given[i]));
                EXPECT(ESSENCE_OK, essence_frame_describe(frames[i], &one, ERR));
                same(&one, &infos[i]);
                total++;
            }
            if (drawn < count)
                break;
        }
        if (turn == 0) {
            CHECK(total == 16);
            EXPECT(ESSENCE_OK, essence_session_interrupt(singly, ERR));
            EXPECT(ESSENCE_OK, essence_session_interrupt(together, ERR));
        }
    }
    /* Audio that was pushed behind an interruption begins at once, without frames that close the mouth. */
    CHECK(total == 16 + 25 && infos[0].interruptions == 1);
    EXPECT(ESSENCE_AGAIN, essence_session_next_frame(singly, single, NULL, NULL, ERR));
    EXPECT(ESSENCE_AGAIN, essence_session_next_frames(together, frames, pictures, NULL, MOST, &drawn, ERR));
    CHECK(drawn == 0);
    essence_session_destroy(together);
    essence_session_destroy(singly);

    /* In real time, what is there without waiting: one frame, or two after a stall. */
    {
        essence_clock *clock = NULL;
        EXPECT(ESSENCE_OK, essence_clock_create(&clock, ERR));
        options.pacing = ESSENCE_PACING_REALTIME;
        options.clock = clock;
        EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &together, ERR));
        for (turn = 0; turn < 3; turn++) {
            EXPECT(ESSENCE_OK, essence_session_next_frames(together, frames, NULL, into, MOST, &drawn, ERR));
            CHECK(drawn == 1 && infos[0].index == (uint64_t)turn);
            EXPECT(ESSENCE_AGAIN, essence_session_next_frames(together, frames, NULL, into, MOST, &drawn, ERR));
            CHECK(drawn == 0);
            EXPECT(ESSENCE_OK, essence_clock_advance(clock, 40000000, ERR));
        }
        EXPECT(ESSENCE_OK, essence_clock_advance(clock, 45000000, ERR));
        EXPECT(ESSENCE_OK, essence_session_next_frames(together, frames, NULL, into, MOST, &drawn, ERR));
        CHECK(drawn == 2 && infos[0].index == 3 && infos[1].index == 4);
        essence_session_destroy(together);
        essence_clock_destroy(clock);
    }
    for (i = 0; i < MOST; i++)
        essence_frame_destroy(frames[i]);
    essence_frame_destroy(single);
}

/* A file in, a file out: frames with sound, then a picture and sound alone. */
static void write_video(essence_avatar *avatar, const char *testdata, const char *scratch)
{
    char path[1024];
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_audio_info heard = ESSENCE_AUDIO_INFO_INIT;
    essence_mp4_options video = ESSENCE_MP4_OPTIONS_INIT;
    essence_mp4_info written = ESSENCE_MP4_INFO_INIT;
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    essence_picture picture = ESSENCE_PICTURE_INIT;
    essence_session *session = NULL;
    essence_frame *frame = NULL;
    essence_audio_reader *reader = NULL;
    essence_mp4_writer *writer = NULL;
    unsigned char *memory;
    float samples[1000];
    size_t count = 0, total = 0;
    int frames = 0;
    snprintf(path, sizeof path, "%s/audio/speech_16000.wav", testdata);
    EXPECT(ESSENCE_OK, essence_audio_reader_open(path, &reader, ERR));
    EXPECT(ESSENCE_OK, essence_audio_reader_describe(reader, &heard, ERR));
    CHECK(heard.rate_hz == 16000 && heard.channels == 1 && heard.expected_samples > 16000);
    options.pacing = ESSENCE_PACING_UNPACED;
    options.pixel_format = ESSENCE_PIXEL_FORMAT_I420;
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &options, &session, ERR));
    EXPECT(ESSENCE_OK, essence_frame_create(&frame, ERR));
    snprintf(path, sizeof path, "%s/smoke.mp4", scratch);
    video.width = 64;
    video.height = 48;
    video.rate_hz = heard.rate_hz;
    video.quality = ESSENCE_QUALITY_LOW;
    EXPECT(ESSENCE_OK, essence_mp4_writer_create(path, &video, &writer, ERR));
    while (total < 16000) {
        EXPECT(ESSENCE_OK, essence_audio_reader_read(reader, samples, 1000, &count, ERR));
        CHECK(count >= 1 && count <= 1000);
        EXPECT(ESSENCE_OK, essence_session_push_audio_f32(session, samples, count, 16000, 1, ERR));
        total += count;
    }
    EXPECT(ESSENCE_OK, essence_session_flush(session, ERR));
    while (essence_session_next_frame(session, frame, NULL, NULL, ERR) == ESSENCE_OK) {
        EXPECT(ESSENCE_OK, essence_mp4_writer_write_frame(writer, frame, ERR));
        frames++;
    }
    memory = (unsigned char *)calloc(1, essence_picture_bytes(ESSENCE_PIXEL_FORMAT_I420, 64, 48));
    CHECK(memory != NULL);
    EXPECT(ESSENCE_OK, essence_picture_wrap(ESSENCE_PIXEL_FORMAT_I420, 64, 48, memory, 64 * 72, &picture, ERR));
    CHECK(picture.planes[2] == memory + 64 * 60 && picture.strides[2] == 32);
    EXPECT(ESSENCE_OK, essence_mp4_writer_write_picture(writer, &picture, ERR));
    EXPECT(ESSENCE_OK, essence_mp4_writer_write_audio(writer, samples, 640, ERR));
    EXPECT(ESSENCE_OK, essence_mp4_writer_finish(writer, &written, ERR));
    CHECK(written.frames == (uint64_t)frames + 1 && written.bytes > 1000 && written.rate_hz == 16000);
    CHECK(written.width == 64 && written.height == 48);
    /* A frame whose picture went elsewhere can't be written. */
    EXPECT(ESSENCE_OK, essence_session_push_audio_f32(session, samples, 640, 16000, 1, ERR));
    EXPECT(ESSENCE_OK, essence_session_flush(session, ERR));
    EXPECT(ESSENCE_OK, essence_session_next_frame(session, frame, &picture, &info, ERR));
    EXPECT(ESSENCE_ERR_INVALID_ARGUMENT, essence_mp4_writer_write_frame(writer, frame, ERR));
    essence_mp4_writer_destroy(writer);
    essence_audio_reader_destroy(reader);
    essence_frame_destroy(frame);
    essence_session_destroy(session);
    free(memory);
}

static void once(const char *testdata, const char *scratch)
{
    char path[1024];
    struct log log = {0, 0, 0};
    essence_engine_options options = ESSENCE_ENGINE_OPTIONS_INIT;
    essence_session_options session_options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_engine *engine = NULL;
    essence_avatar *avatar = NULL;
    essence_session *session = NULL;
    essence_frame *frame = NULL;
    options.provider = ESSENCE_PROVIDER_CPU;
    options.log = on_log;
    options.log_user_data = &log;
    options.log_destroy = on_destroy;
    EXPECT(ESSENCE_OK, essence_engine_create(&options, &engine, ERR));
    snprintf(path, sizeof path, "%s/avatars/toy.imx", testdata);
    EXPECT(ESSENCE_OK, essence_avatar_open(engine, path, &avatar, ERR));
    describe(engine, avatar);
    CHECK(log.messages >= 2 && log.opened == 1);

    session_options.pacing = ESSENCE_PACING_UNPACED;
    session_options.pixel_format = ESSENCE_PIXEL_FORMAT_RGB8;
    EXPECT(ESSENCE_OK, essence_session_create(avatar, &session_options, &session, ERR));
    EXPECT(ESSENCE_OK, essence_frame_create(&frame, ERR));
    /* Each may go before what was made from it. */
    essence_engine_destroy(engine);
    CHECK(essence_avatar_retain(avatar) == avatar);
    essence_avatar_release(avatar);
    speak(session, frame);
    EXPECT(ESSENCE_OK, essence_session_interrupt(session, ERR));
    keep_time(avatar);
    draw_together(avatar);
    write_video(avatar, testdata, scratch);
    essence_avatar_release(avatar);
    CHECK(log.destroyed == 0);
    essence_session_destroy(session);
    CHECK(log.destroyed == 1);
    essence_frame_destroy(frame);
}

int main(int argc, char **argv)
{
    int times, i;
    CHECK(argc >= 3);
    times = argc > 3 ? atoi(argv[3]) : 1;
    for (i = 0; i < times; i++)
        once(argv[1], argv[2]);
    printf("smoke: ok, %d times\n", times);
    return 0;
}
