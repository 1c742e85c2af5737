/*
 * The plugin's native core: what a session draws, handed from the thread that draws to the one that composes the screen, and
 * what lives as long as both need it. Dart and each platform's glue call it; it knows no platform and no Flutter, and never calls
 * into Dart: an isolate may end at any time.
 *
 * Conventions are those of essence.h: statuses, `essence_error`, five words for ownership.
 */

#ifndef BITHUMAN_CORE_H
#define BITHUMAN_CORE_H

#include <essence.h>
#include <stddef.h>
#include <stdint.h>

/**
 * In place of a pixel format: no surface, pictures go into frames.
 */
#define BITHUMAN_NO_SURFACE 4294967295

/**
 * Log messages that wait at most; more are dropped.
 */
#define BITHUMAN_LOG_WAITING 256

/**
 * A session and the surface that it draws on, counted by reference. The session is destroyed with the last reference, so that
 * no call on it can be under way. Its wake-up (essence_session_set_wakeup()) is the stage's.
 */
typedef struct bithuman_stage bithuman_stage;

/**
 * A queue of log messages, taken from any thread until Dart asks for them.
 */
typedef struct bithuman_log bithuman_log;

/**
 * Is told that a surface has a new picture, from the thread that draws. It may call everything on the stage but
 * bithuman_stage_listen() and bithuman_stage_close().
 */
typedef void (*bithuman_picture_fn)(void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Memory of `bytes` zeros; NULL if there is none. For Dart, which has no allocator of its own.
 */
void *bithuman_alloc(size_t bytes);

/**
 * Gives memory of bithuman_alloc() back; NULL is fine.
 */
void bithuman_free(void *memory);

/**
 * Takes a session onto a stage.
 *
 * `session`: transferred on success.
 * `format`: RGBA8 or BGRA8 of the surface's pictures, or #BITHUMAN_NO_SURFACE.
 * `premultiply`: 1: colors of the surface are multiplied with alpha, as screens compose; for avatars with a matte.
 * `out`: shared (refcounted), one reference belongs to the caller.
 *
 * Fails with: INVALID_ARGUMENT, LIMIT_EXCEEDED (no memory).
 */
essence_status bithuman_stage_create(essence_session *session,
                                     uint32_t format,
                                     uint32_t premultiply,
                                     bithuman_stage **out,
                                     essence_error *err);

/**
 * Opens an avatar and a real-time session of it, puts it onto a stage and draws there from a thread of its own, until
 * bithuman_stage_close(). For callers without Dart: the method channel.
 *
 * Fails with: as essence_engine_create(), essence_avatar_open(), essence_session_create() and bithuman_stage_create().
 */
essence_status bithuman_stage_open(const char *path, uint32_t format, bithuman_stage **out, essence_error *err);

/**
 * Takes one more reference; NULL is fine.
 */
void bithuman_stage_retain(bithuman_stage *stage);

/**
 * Gives up one reference; the last one destroys the session. NULL is fine.
 */
void bithuman_stage_release(bithuman_stage *stage);

/**
 * Closes the stage and gives up one reference: for finalizers.
 */
void bithuman_stage_abandon(bithuman_stage *stage);

/**
 * A number for a stage, which can be handed through a method channel: never 0, and used once in a process.
 */
uint64_t bithuman_stage_id(const bithuman_stage *stage);

/**
 * The stage of a number, with one more reference; NULL if it is closed or there never was one.
 */
bithuman_stage *bithuman_stage_find(uint64_t id);

/**
 * The session: borrowed until the caller's reference is released.
 */
essence_session *bithuman_stage_session(const bithuman_stage *stage);

/**
 * Takes sound as the method channel has it: 16-bit little-endian samples, mono, 16 kHz, at any address.
 *
 * Fails with: INVALID_ARGUMENT (a byte too many), and as essence_session_push_audio_i16().
 */
essence_status bithuman_stage_push_bytes(bithuman_stage *stage, const uint8_t *bytes, size_t count, essence_error *err);

/**
 * Makes silence of sound, as of bithuman_stage_push_bytes(), whose level lies below `threshold`: **0 to 1**, root mean square.
 */
void bithuman_gate(uint8_t *bytes, size_t count, float threshold);

/**
 * Draws the next frame: onto the surface, which shows it from then on, or into `frame` where there is none.
 *
 * `timeout_ns`: waits for the frame's time as long as this at most, but for one that another thread draws; 0: doesn't wait.
 *
 * Returns and fails as essence_session_next_frame_within(); CANCELLED after bithuman_stage_close().
 */
essence_status bithuman_stage_draw(bithuman_stage *stage,
                                   essence_frame *frame,
                                   uint64_t timeout_ns,
                                   essence_frame_info *info,
                                   essence_error *err);

/**
 * Waits until bithuman_stage_draw(), which gave AGAIN without waiting, may give something else; until bithuman_stage_wake(); and
 * no longer than `timeout_ns`.
 */
void bithuman_stage_wait(bithuman_stage *stage, uint64_t timeout_ns);

/**
 * Ends a bithuman_stage_wait(), or the next one.
 */
void bithuman_stage_wake(bithuman_stage *stage);

/**
 * Has a callback told of new pictures; NULL: none any more. Once this returns, the one before is not called again, and no call
 * of it is under way.
 */
void bithuman_stage_listen(bithuman_stage *stage, bithuman_picture_fn callback, void *user_data);

/**
 * The newest picture, for the one thread that composes. It stays as it is until the next call.
 *
 * `pixels`: borrowed until the next call; the caller holds a reference meanwhile.
 *
 * Returns: 1, or 0 where there is none yet; then nothing is written.
 */
int32_t bithuman_stage_picture(bithuman_stage *stage,
                               const uint8_t **pixels,
                               uint32_t *width,
                               uint32_t *height,
                               size_t *stride);

/**
 * Copies the newest picture into memory of the platform's, as much of it as fits.
 *
 * `stride`: bytes from one row to the next.
 *
 * Returns: 1, or 0 where there is none yet, or `pixels` is NULL.
 */
int32_t bithuman_stage_copy(bithuman_stage *stage, uint8_t *pixels, size_t stride, uint32_t width, uint32_t height);

/**
 * Width and height of the session's pictures in pixels.
 */
void bithuman_stage_size(const bithuman_stage *stage, uint32_t *width, uint32_t *height);

/**
 * Why the stage's own thread stopped drawing: OK while it draws, or after it was closed.
 */
essence_status bithuman_stage_failure(const bithuman_stage *stage, essence_error *err);

/**
 * Ends all drawing, for good: calls that wait return, later ones give CANCELLED. Once this returns, the listener is called no more
 * and bithuman_stage_find() finds the stage no more. NULL and closing twice are fine.
 */
void bithuman_stage_close(bithuman_stage *stage);

/**
 * The code that the method channel gives for a status: BAD_ARGS, MODEL_REJECTED, load_cancelled, unsupported or load_failed.
 * Static.
 */
const char *bithuman_channel_code(essence_status status);

/**
 * `0.1.0 (ABI 1)`: what the method channel's engineVersion gives. Static.
 */
const char *bithuman_engine_version(void);

/**
 * Makes a queue of log messages; NULL if there is no memory. One reference belongs to the caller.
 */
bithuman_log *bithuman_log_create(void);

/**
 * Takes one more reference to a log.
 */
void bithuman_log_retain(bithuman_log *log);

/**
 * Gives up one reference to a log; NULL is fine. Of type essence_destroy_fn.
 */
void bithuman_log_release(void *log);

/**
 * The function that an engine's options take as `log`, with a bithuman_log as `log_user_data` and bithuman_log_release() as
 * `log_destroy`.
 */
void bithuman_log_write(void *log, essence_log_level level, const char *message, size_t length);

/**
 * The oldest message that waits: NUL-terminated UTF-8, transferred to the caller, who gives it back with bithuman_free(). NULL:
 * none waits.
 *
 * `level`: written where there is one.
 */
char *bithuman_log_next(bithuman_log *log, essence_log_level *level);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* BITHUMAN_CORE_H */
