/*
 * Renders a file of speech to an MP4 video.
 *
 *     render_wav AVATAR.imx SPEECH.wav OUTPUT.mp4
 *
 * Any audio that libessence reads will do: wav, flac, mp3, ogg, m4a.
 */
#include <essence.h>
#include <stdio.h>

/* Draws every frame that there is audio for and writes it, picture and sound. */
static essence_status write_frames(essence_session *session, essence_frame *frame,
                                   essence_mp4_writer *mp4, essence_error *err)
{
    essence_status status;
    while ((status = essence_session_next_frame(session, frame, NULL, NULL, err)) == ESSENCE_OK) {
        if ((status = essence_mp4_writer_write_frame(mp4, frame, err)) != ESSENCE_OK)
            return status;
    }
    return status == ESSENCE_AGAIN ? ESSENCE_OK : status;
}

static essence_status render(const char *avatar_path, const char *speech_path,
                             const char *output_path, essence_error *err)
{
    essence_engine *engine = NULL;
    essence_avatar *avatar = NULL;
    essence_session *session = NULL;
    essence_frame *frame = NULL;
    essence_audio_reader *speech = NULL;
    essence_mp4_writer *mp4 = NULL;
    essence_session_options options = ESSENCE_SESSION_OPTIONS_INIT;
    essence_session_info drawn = ESSENCE_SESSION_INFO_INIT;
    essence_audio_info audio = ESSENCE_AUDIO_INFO_INIT;
    essence_mp4_options video = ESSENCE_MP4_OPTIONS_INIT;
    essence_mp4_info written = ESSENCE_MP4_INFO_INIT;
    float samples[4096];
    size_t count = 0;
    essence_status status;

    options.pacing = ESSENCE_PACING_UNPACED;
    options.pixel_format = ESSENCE_PIXEL_FORMAT_I420;
    if ((status = essence_engine_create(NULL, &engine, err)) ||
        (status = essence_avatar_open(engine, avatar_path, &avatar, err)) ||
        (status = essence_session_create(avatar, &options, &session, err)) ||
        (status = essence_session_describe(session, &drawn, err)) ||
        (status = essence_frame_create(&frame, err)) ||
        (status = essence_audio_reader_open(speech_path, &speech, err)) ||
        (status = essence_audio_reader_describe(speech, &audio, err)))
        goto done;
    video.width = drawn.frame_width;
    video.height = drawn.frame_height;
    video.rate_hz = audio.rate_hz;
    if ((status = essence_mp4_writer_create(output_path, &video, &mp4, err)))
        goto done;

    while ((status = essence_audio_reader_read(speech, samples, 4096, &count, err)) == ESSENCE_OK) {
        if ((status = essence_session_push_audio_f32(session, samples, count, audio.rate_hz, 1, err)) ||
            (status = write_frames(session, frame, mp4, err)))
            goto done;
    }
    if (status != ESSENCE_END || (status = essence_session_flush(session, err)) ||
        (status = write_frames(session, frame, mp4, err)) ||
        (status = essence_mp4_writer_finish(mp4, &written, err)))
        goto done;
    printf("%s: %llu frames of %u x %u, %llu bytes\n", output_path, (unsigned long long)written.frames,
           (unsigned)written.width, (unsigned)written.height, (unsigned long long)written.bytes);

done:
    essence_mp4_writer_destroy(mp4);
    essence_audio_reader_destroy(speech);
    essence_frame_destroy(frame);
    essence_session_destroy(session);
    essence_avatar_release(avatar);
    essence_engine_destroy(engine);
    return status;
}

int main(int argc, char **argv)
{
    essence_error err = ESSENCE_ERROR_INIT;
    essence_status status;
    if (argc != 4) {
        fprintf(stderr, "usage: %s AVATAR.imx SPEECH.wav OUTPUT.mp4\n", argv[0]);
        return 2;
    }
    status = render(argv[1], argv[2], argv[3], &err);
    if (status < 0)
        fprintf(stderr, "%s: %s\n", essence_status_name(status), err.message);
    return (int)essence_status_exit_code(status);
}
