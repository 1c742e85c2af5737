//! The callback that wakes a caller.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Wake, Waker};

use crate::log::essence_destroy_fn;

/// Is told that a session may have a frame.
pub type essence_wakeup_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A session's callback, if it has one.
#[derive(Debug, Default)]
pub(crate) struct Wakeup(Mutex<Option<Arc<Callback>>>);

/// The caller's callback with its data, destroyed when nothing can call it any more.
#[derive(Debug)]
pub(crate) struct Callback {
    callback: unsafe extern "C" fn(*mut c_void),
    user_data: *mut c_void,
    destroy: essence_destroy_fn,
    /// Whether it may be called still. Read while it is called.
    open: RwLock<bool>,
}

// SAFETY: the header demands of callback and data that they may be used from any thread.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    pub(crate) fn new(
        callback: essence_wakeup_fn,
        user_data: *mut c_void,
        destroy: essence_destroy_fn,
    ) -> Option<Arc<Self>> {
        let callback = callback?;
        Some(Arc::new(Self {
            callback,
            user_data,
            destroy,
            open: RwLock::new(true),
        }))
    }
}

impl Wakeup {
    /// Sets another callback, or none. The one before is not called any more once this returns.
    pub(crate) fn replace(&self, callback: Option<Arc<Callback>>) {
        let before = {
            let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, callback)
        };
        if let Some(before) = before {
            *before.open.write().unwrap_or_else(PoisonError::into_inner) = false;
        }
    }

    /// The waker that calls back.
    pub(crate) fn waker(&self) -> Option<Waker> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone().map(Waker::from)
    }
}

impl Drop for Wakeup {
    fn drop(&mut self) {
        self.replace(None);
    }
}

impl Wake for Callback {
    fn wake(self: Arc<Self>) {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        if *open {
            // SAFETY: the callback takes its data, which lives while it is open.
            unsafe { (self.callback)(self.user_data) };
        }
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: called once, when nothing can call the callback any more.
            unsafe { destroy(self.user_data) };
        }
    }
}
