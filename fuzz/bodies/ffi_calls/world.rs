//! The handles that live, and what must hold after every call.

use std::ptr;
use std::sync::OnceLock;

use essence_c::*;

use super::input::{Room, Text};

const STATUSES: [essence_status; 16] = [
    ESSENCE_OK,
    ESSENCE_AGAIN,
    ESSENCE_END,
    ESSENCE_ERR_INVALID_ARGUMENT,
    ESSENCE_ERR_INVALID_STATE,
    ESSENCE_ERR_LIMIT_EXCEEDED,
    ESSENCE_ERR_CANCELLED,
    ESSENCE_ERR_NOT_FOUND,
    ESSENCE_ERR_IO,
    ESSENCE_ERR_INVALID_AVATAR,
    ESSENCE_ERR_UNSUPPORTED_FORMAT,
    ESSENCE_ERR_UNSUPPORTED_VERSION,
    ESSENCE_ERR_RUNTIME_MISSING,
    ESSENCE_ERR_PROVIDER_UNAVAILABLE,
    ESSENCE_ERR_INFERENCE,
    ESSENCE_ERR_INTERNAL,
];

/// The handles that live.
pub(super) struct World {
    pub(super) engine: *mut essence_engine,
    pub(super) avatar: *mut essence_avatar,
    pub(super) references: usize,
    pub(super) sessions: Vec<*mut essence_session>,
    /// Sessions whose frames have to be waited for.
    pub(super) waiting: Vec<*mut essence_session>,
    pub(super) frames: Vec<*mut essence_frame>,
    pub(super) clocks: Vec<*mut essence_clock>,
    pub(super) audio: *mut essence_audio_reader,
    pub(super) mp4: *mut essence_mp4_writer,
    err: Room<essence_error>,
    small_err: bool,
    /// Memory to draw into, used again.
    pub(super) pixels: Vec<u8>,
    /// Opening takes long and is done once in a run.
    pub(super) opened: bool,
    pub(super) listened: bool,
    pub(super) filmed: bool,
}

struct Shared(*mut essence_engine, *mut essence_avatar);
// SAFETY: engines and avatars may be used from any thread.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// The engine and the toy avatar of all runs.
fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let (mut engine, mut avatar) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: pointers are null or valid.
        unsafe {
            let status = essence_engine_create(ptr::null(), &raw mut engine, ptr::null_mut());
            assert_eq!(status, ESSENCE_OK, "run `cargo xtask runtime` first");
            let status = Text::Toy
                .with(|path| essence_avatar_open(engine, path, &raw mut avatar, ptr::null_mut()));
            assert_eq!(status, ESSENCE_OK, "the toy avatar opens");
        }
        Shared(engine, avatar)
    })
}

/// One of the list; one index in eight is null.
pub(super) fn pick<T>(list: &[*mut T], index: u8) -> *mut T {
    if list.is_empty() || index % 8 == 7 {
        return ptr::null_mut();
    }
    list[usize::from(index) % list.len()]
}

/// Takes one out of the list, if there is any.
pub(super) fn take<T>(list: &mut Vec<*mut T>, index: u8) -> *mut T {
    if list.is_empty() {
        return ptr::null_mut();
    }
    list.swap_remove(usize::from(index) % list.len())
}

impl World {
    pub(super) fn new(small_err: bool) -> Self {
        let &Shared(engine, avatar) = shared();
        let err = essence_error {
            struct_size: 0,
            status: 0,
            message: [0; 512],
        };
        Self {
            engine,
            avatar,
            references: 0,
            sessions: Vec::new(),
            waiting: Vec::new(),
            frames: Vec::new(),
            clocks: Vec::new(),
            audio: ptr::null_mut(),
            mp4: ptr::null_mut(),
            err: Room::new(err, 0, 0),
            small_err,
            pixels: Vec::new(),
            opened: false,
            listened: false,
            filmed: false,
        }
    }

    /// An error to be filled, its memory marked.
    pub(super) fn err(&mut self) -> *mut essence_error {
        self.err.value.struct_size = if self.small_err {
            40
        } else {
            size_of::<essence_error>() as u32
        };
        self.err.value.status = 77;
        self.err.value.message = [1; 512];
        self.err.pointer()
    }

    /// Checks the invariants of every call; tells whether it succeeded.
    pub(super) fn check(&self, status: essence_status) -> bool {
        assert!(STATUSES.contains(&status), "{status} is in the header");
        let err = &self.err.value;
        assert_ne!(
            status,
            ESSENCE_ERR_INTERNAL,
            "a panic: {:?}",
            err.message.map(|c| c as u8 as char)
        );
        assert_eq!(err.status, status, "the error says the same");
        let room = if self.small_err { 32 } else { 512 };
        let end = err.message[..room].iter().position(|&c| c == 0);
        assert!(end.is_some(), "the message ends");
        assert_eq!(end == Some(0), status >= 0, "errors have a message");
        assert!(
            err.message[room..].iter().all(|&c| c == 1),
            "nothing is written beyond struct_size"
        );
        status == ESSENCE_OK
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: each lives and is destroyed once.
        unsafe {
            self.sessions
                .iter()
                .for_each(|&x| essence_session_destroy(x));
            self.frames.iter().for_each(|&x| essence_frame_destroy(x));
            self.clocks.iter().for_each(|&x| essence_clock_destroy(x));
            (0..self.references).for_each(|_| essence_avatar_release(self.avatar));
            essence_audio_reader_destroy(self.audio);
            essence_mp4_writer_destroy(self.mp4);
        }
    }
}
