/*
 * libessence: a talking avatar in real time. Push speech, draw lip-synced pictures at exactly 25 frames a second.
 *
 * Generated from the crate `essence-ffi` by `cargo xtask header`; changes belong there. MIT or Apache-2.0.
 *
 *     essence_engine *engine = NULL;
 *     essence_avatar *avatar = NULL;
 *     essence_session *session = NULL;
 *     essence_frame *frame = NULL;
 *     essence_frame_info info = ESSENCE_FRAME_INFO_INIT;
 *     essence_error err = ESSENCE_ERROR_INIT;
 *     if (essence_engine_create(NULL, &engine, &err) || essence_avatar_open(engine, "mika.imx", &avatar, &err) ||
 *         essence_session_create(avatar, NULL, &session, &err) || essence_frame_create(&frame, &err))
 *         ...                      // err.message says what is wrong
 *     essence_session_push_audio_i16(session, samples, count, 24000, 1, &err);
 *     essence_session_flush(session, &err);
 *     while (essence_session_next_frame(session, frame, NULL, &info, &err) == ESSENCE_OK)
 *         ...                      // show info.planes[0], play info.audio
 *
 * In real time, as here, that waits for each frame and goes on, speech or not, until essence_session_cancel(). With
 * ESSENCE_PACING_UNPACED in the session's options frames come as fast as they can be had, and end with the speech.
 *
 * CONVENTIONS
 *
 * Status.  A function that can fail returns an essence_status: 0 is success, negative values are errors, positive ones
 *   news (ESSENCE_AGAIN, ESSENCE_END). Its last parameter is an essence_error of the caller's, or NULL; it is always
 *   written, on success too. There is no error state in the library. Results are written on success only.
 *
 * Ownership.  One of five words says whose a pointer is. "Borrowed for the call": the library is done with it when the
 *   call returns. "Borrowed until X": the library's, valid until X happens. "Transferred": the caller's from now on, who
 *   destroys it. "Shared (refcounted)": lives until the last reference is released. "Static": lives as long as the library
 *   is loaded. Destroying NULL is fine.
 *
 * Threads.  An engine, an avatar and a session may be used from any number of threads at a time: push audio from one,
 *   draw in another, interrupt from a third. Frames, audio readers and MP4 writers may be handed from thread to thread but
 *   are used by one at a time. Where a parameter is a const pointer to a handle, calls may overlap; where it is not, the
 *   call is alone on that handle (retaining and releasing an avatar excepted). Every function has a line on it.
 *
 * Strings are UTF-8 and end with NUL. A pointer may be NULL where its length is 0 and where its line says so.
 *
 * Structs that begin with `struct_size` may grow at their end. Begin with the INIT macro, or with the init function from
 *   languages that lack macros, and every field that a version does not know has its default. A struct of a newer header
 *   is accepted as long as the fields that this library does not know are zero.
 *
 * Versions.  Within one ESSENCE_ABI_VERSION_MAJOR nothing is removed, renumbered or changed in meaning: programs that were
 *   built against an older header go on working. Bindings compare the major version with essence_abi_version() when they
 *   load the library and refuse another one.
 *
 * Bugs.  A panic inside the library never crosses into the caller: the call returns ESSENCE_ERR_INTERNAL, and the handles
 *   that took part can only be destroyed. The library never exits, installs no signal handler and prints nothing (except
 *   on stderr where it meets a bug of its own).
 */
