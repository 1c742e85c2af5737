/*
 * The processor time of a file of speech, drawn some times over: what `cost/main.swift` is compared with.
 *
 *     cost AVATAR.imx SPEECH.wav ROUNDS
 */
#include <essence.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void need(essence_status status, const essence_error *err)
{
    if (status < 0) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    essence_error err = ESSENCE_ERROR_INIT;
    essence_engine_options with = ESSENCE_ENGINE_OPTIONS_INIT;
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
    essence_audio_info audio = ESSENCE_AUDIO_INFO_INIT;
    essence_engine *engine = NULL;
    essence_avatar *avatar = NULL;
    essence_session *session = NULL;
    essence_frame *frame = NULL;
    essence_audio_reader *reader = NULL;
    static float samples[1 << 20];
    size_t count = 0, frames = 0, bytes = 0;
    clock_t begun;
    if (argc != 4)
        return 2;
    with.provider = ESSENCE_PROVIDER_BUILTIN;
    options.pacing = ESSENCE_PACING_UNPACED;
    need(essence_engine_create(&with, &engine, &err), &err);
    need(essence_avatar_open(engine, argv[1], &avatar, &err), &err);
    need(essence_audio_reader_open(argv[2], &reader, &err), &err);
    need(essence_audio_reader_describe(reader, &audio, &err), &err);
    for (size_t read = 1; read > 0; count += read)
        need(essence_audio_reader_read(reader, samples + count, (1 << 20) - count, &read, &err), &err);
    need(essence_session_create(avatar, &options, &session, &err), &err);
    need(essence_frame_create(&frame, &err), &err);
    begun = clock();
    for (int round = atoi(argv[3]); round > 0; round--) {
        need(essence_session_push_audio_f32(session, samples, count, audio.rate_hz, 1, &err), &err);
        need(essence_session_flush(session, &err), &err);
        for (;;) {
            essence_status status = essence_session_next_frame(session, frame, NULL, &info, &err);
            need(status, &err);
            if (status != ESSENCE_OK)
                break;
            frames++;
            bytes += info.planes[0][0];
        }
    }
    printf("%zu frames, %.4f s (%zu)\n", frames, (double)(clock() - begun) / CLOCKS_PER_SEC, bytes);
    essence_frame_destroy(frame);
    essence_session_destroy(session);
    essence_audio_reader_destroy(reader);
    essence_avatar_release(avatar);
    essence_engine_destroy(engine);
    return 0;
}
