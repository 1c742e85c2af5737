//! Wake-ups: a callback when a session may have a frame, in place of polling.

use std::ffi::c_void;

use crate::boundary::export;
use crate::callback::{Callback, essence_wakeup_fn};
use crate::handle;
use crate::log::essence_destroy_fn;
use crate::session::essence_session;
use crate::status::ESSENCE_OK;

export! {
    /// Has a session call back instead of being polled, for event loops: after
    /// essence_session_try_next_frame() gave AGAIN, `callback` is called once as soon as another
    /// call may give something else. In real time that is when the next frame is due; on an
    /// essence_clock, when that is advanced; unpaced, when audio is pushed or flushed; and always
    /// when the session is interrupted, paused, muted, cancelled or its clock restarted. A call may
    /// come without a frame being there. One thread of the engine waits for all its sessions. Since
    /// ABI 1.4.
    ///
    /// `callback`: NULL: none any more. Once this returns, the one before is not called again, and
    /// no call of it is under way.
    /// `user_data`: given to `callback` at each call; it must be usable from any thread.
    /// `destroy`: called with `user_data` when nothing can call `callback` any more: after another
    /// one was set or the session destroyed, perhaps a moment later and from a thread of the
    /// engine's. May be NULL; not called without `callback`.
    ///
    /// The callback is called from a thread of the engine's, or from the one whose call changed
    /// something. It should return at once: write to a pipe or an eventfd, post to a queue. It may
    /// call any function but this one and essence_session_destroy() on the same session.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently; not from the callback.
    fn essence_session_set_wakeup(
        session: *const essence_session,
        callback: essence_wakeup_fn,
        user_data: *mut c_void,
        destroy: essence_destroy_fn,
    ) -> essence_status {
        // First of all: from here on, the data is destroyed whatever happens.
        let given = Callback::new(callback, user_data, destroy);
        handle::shared(session)?.wakeup.replace(given);
        Ok(ESSENCE_OK)
    }
}
