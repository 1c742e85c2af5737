//! Clocks, through C.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::call;
use crate::raw::API;

#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Manual(ManualClock),
}

#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Handle>);

#[derive(Debug)]
struct Handle(*mut c_void);

// SAFETY: the header says so.
unsafe impl Send for Handle {}
// SAFETY: the header says so.
unsafe impl Sync for Handle {}

impl ManualClock {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn advance(&self, by: Duration) {
        // SAFETY: the clock lives.
        let status =
            call(|err| unsafe { (API.essence_clock_advance)(self.0.0, by.as_nanos() as u64, err) });
        status.expect("a clock can be moved");
    }

    pub(crate) fn handle(&self) -> *const c_void {
        self.0.0
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        let mut out = ptr::null_mut();
        // SAFETY: `out` is there.
        let status = call(|err| unsafe { (API.essence_clock_create)(&raw mut out, err) });
        status.expect("a clock can be made");
        Self(Arc::new(Handle(out)))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: created, and destroyed once.
        unsafe { (API.essence_clock_destroy)(self.0) };
    }
}
