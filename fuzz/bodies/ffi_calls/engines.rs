//! Engines, avatars and the structs that describe them.

use std::ptr;

use arbitrary::Arbitrary;
use essence_c::*;

use super::input::{Room, Seldom, Size, Text};
use super::world::World;

#[derive(Arbitrary, Debug)]
pub(super) enum Call {
    RetainAvatar,
    ReleaseAvatar,
    DescribeAvatar(Size),
    ReportProvider(Size),
    OpenAvatar(Seldom, Text),
    OpenMemory(Vec<u8>, bool),
    MeasureCapacity(Seldom),
    DescribeEngine(Size),
    SetMaxSessions(u32),
    CreateEngine {
        seldom: Seldom,
        provider: u32,
        log_level: u32,
        size: Size,
        tail: bool,
    },
    InitOptions(u8, u16),
}

/// # Safety
/// `bytes` is a vector out of a box, destroyed once.
unsafe extern "C" fn destroy_bytes(bytes: *mut std::ffi::c_void) {
    // SAFETY: as this function demands.
    drop(unsafe { Box::from_raw(bytes.cast::<Vec<u8>>()) });
}

impl World {
    pub(super) fn engine(&mut self, call: Call) {
        let err = self.err();
        // SAFETY: handles are null or live, memory has the size that is announced.
        unsafe {
            match call {
                Call::RetainAvatar => {
                    assert_eq!(essence_avatar_retain(self.avatar), self.avatar, "the same");
                    self.references += 1;
                }
                Call::ReleaseAvatar => {
                    if self.references > 0 {
                        essence_avatar_release(self.avatar);
                        self.references -= 1;
                    }
                }
                Call::DescribeAvatar(size) => {
                    let mut info = Room::<essence_avatar_info>::zeroed(size);
                    let status = essence_avatar_describe(self.avatar, info.pointer(), err);
                    if self.check(status) {
                        assert_eq!(info.value.samples_per_frame, 640, "at 16 kHz");
                    }
                }
                Call::ReportProvider(size) => {
                    let mut report = Room::<essence_provider_report>::zeroed(size);
                    let status = essence_avatar_report_provider(self.avatar, report.pointer(), err);
                    self.check(status);
                }
                Call::OpenAvatar(seldom, path) => {
                    if matches!(path, Text::Toy) && (self.opened || !seldom.now()) {
                        return;
                    }
                    self.opened = true;
                    let mut out = ptr::null_mut();
                    let status =
                        path.with(|path| essence_avatar_open(self.engine, path, &raw mut out, err));
                    self.check(status);
                    essence_avatar_release(out);
                }
                Call::OpenMemory(bytes, keep) => {
                    let (start, size) = (bytes.as_ptr(), bytes.len());
                    let kept = Box::into_raw(Box::new(bytes));
                    let destroy = keep.then_some(destroy_bytes as unsafe extern "C" fn(_));
                    let mut out = ptr::null_mut();
                    let status = essence_avatar_open_memory(
                        self.engine,
                        start,
                        size,
                        destroy,
                        kept.cast(),
                        &raw mut out,
                        err,
                    );
                    self.check(status);
                    essence_avatar_release(out);
                    if !keep {
                        destroy_bytes(kept.cast());
                    }
                }
                Call::DescribeEngine(size) => {
                    let mut info = Room::<essence_engine_info>::zeroed(size);
                    let status = essence_engine_describe(self.engine, info.pointer(), err);
                    self.check(status);
                }
                Call::MeasureCapacity(seldom) => {
                    if !seldom.now() {
                        return;
                    }
                    let mut sessions = 0;
                    let status =
                        essence_avatar_measure_capacity(self.avatar, &raw mut sessions, err);
                    self.check(status);
                }
                Call::SetMaxSessions(sessions) => {
                    // Never fewer than the tests need.
                    let status = essence_engine_set_max_sessions(self.engine, sessions | 64, err);
                    self.check(status);
                }
                Call::CreateEngine {
                    seldom,
                    provider,
                    log_level,
                    size,
                    tail,
                } => {
                    if !seldom.now() {
                        return;
                    }
                    let mut options = std::mem::zeroed::<essence_engine_options>();
                    options.provider = provider % 8;
                    options.log_level = log_level;
                    let size = size.of(size_of_val(&options));
                    let mut options = Room::new(options, size, u8::from(tail));
                    let mut out = ptr::null_mut();
                    let status = essence_engine_create(options.pointer(), &raw mut out, err);
                    self.check(status);
                    essence_engine_destroy(out);
                }
                Call::InitOptions(which, size) => {
                    let size = usize::from(size) % 2_048;
                    let mut room = Room::new([0u64; 16], 0, 9);
                    let status = match which % 3 {
                        0 => essence_engine_options_init(room.pointer().cast(), size, err),
                        1 => essence_session_options_init(room.pointer().cast(), size, err),
                        _ => essence_mp4_options_init(room.pointer().cast(), size, err),
                    };
                    self.check(status);
                }
            }
        }
    }
}
