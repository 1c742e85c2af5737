//! `include/essence.h` by hand, as far as the tests go, and the shared library it describes.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use libloading::Library;

pub(crate) type Status = i32;
pub(crate) const OK: Status = 0;
pub(crate) const AGAIN: Status = 1;
pub(crate) const DONE: Status = 3;

#[repr(C)]
pub(crate) struct CError {
    pub(crate) struct_size: u32,
    pub(crate) status: Status,
    pub(crate) message: [c_char; 512],
}

pub(crate) type LogFn = unsafe extern "C" fn(*mut c_void, u32, *const c_char, usize);
pub(crate) type DestroyFn = unsafe extern "C" fn(*mut c_void);

#[repr(C)]
pub(crate) struct EngineOptions {
    pub(crate) struct_size: u32,
    pub(crate) provider: u32,
    pub(crate) runtime_library: *const c_char,
    pub(crate) base_cache_bytes: u64,
    pub(crate) log: Option<LogFn>,
    pub(crate) log_user_data: *mut c_void,
    pub(crate) log_destroy: Option<DestroyFn>,
    pub(crate) log_level: u32,
    pub(crate) reserved: u32,
    pub(crate) threads: u32,
    pub(crate) max_sessions: u32,
    pub(crate) map_files: u32,
    pub(crate) reserved_2: u32,
}

#[repr(C)]
pub(crate) struct EngineInfo {
    pub(crate) struct_size: u32,
    pub(crate) reserved: u32,
    pub(crate) runtime_path: *const c_char,
    pub(crate) runtime_version: *const c_char,
    pub(crate) runtime_tried: *const c_char,
    pub(crate) providers: *const u32,
    pub(crate) provider_count: usize,
    pub(crate) threads: u32,
    pub(crate) sessions: u32,
}

#[repr(C)]
pub(crate) struct AvatarInfo {
    pub(crate) struct_size: u32,
    pub(crate) frame_width: u32,
    pub(crate) frame_height: u32,
    pub(crate) frame_count: u32,
    pub(crate) frame_rate: u32,
    pub(crate) sample_rate_hz: u32,
    pub(crate) samples_per_frame: u32,
    pub(crate) patch_size: u32,
    pub(crate) name: *const c_char,
    pub(crate) license: *const c_char,
    pub(crate) format_version: *const c_char,
    pub(crate) manifest_json: *const c_char,
    pub(crate) manifest_json_bytes: usize,
    pub(crate) motions: *const *const c_char,
    pub(crate) motion_count: usize,
    pub(crate) arkit_names: *const *const c_char,
    pub(crate) arkit_count: usize,
}

/// The whole of the info: [`AvatarInfo`] is its beginning.
#[repr(C)]
pub(crate) struct WholeAvatarInfo {
    pub(crate) known: AvatarInfo,
    pub(crate) rest: [usize; 3],
    pub(crate) has_matte: u32,
    pub(crate) emotions: u32,
}

#[repr(C)]
pub(crate) struct ProviderReport {
    pub(crate) struct_size: u32,
    pub(crate) provider: u32,
    pub(crate) refused: *const u32,
    pub(crate) reasons: *const *const c_char,
    pub(crate) refused_count: usize,
    pub(crate) quantized: u32,
    pub(crate) reserved: u32,
}

#[repr(C)]
pub(crate) struct SessionOptions {
    pub(crate) struct_size: u32,
    pub(crate) pacing: u32,
    pub(crate) pixel_format: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) letterbox_rgb: u32,
    pub(crate) queue_limit_s: u32,
    pub(crate) reserved: u32,
    pub(crate) clock: *const c_void,
    pub(crate) without_pictures: u32,
    pub(crate) queue_limit_utterances: u32,
    pub(crate) queue_limit_bytes: u64,
    pub(crate) fit: u32,
    pub(crate) crop_left: u32,
    pub(crate) crop_top: u32,
    pub(crate) yuv_matrix: u32,
    pub(crate) yuv_range: u32,
    pub(crate) background: u32,
    pub(crate) background_rgb: u32,
    pub(crate) report_done: u32,
    pub(crate) background_picture: *const Picture,
}

#[repr(C)]
pub(crate) struct SessionStatistics {
    pub(crate) struct_size: u32,
    pub(crate) reserved: u32,
    pub(crate) frames: u64,
    pub(crate) speech: u64,
    pub(crate) late: u64,
    pub(crate) skipped: u64,
    pub(crate) underruns: u64,
    pub(crate) concealed: u64,
    pub(crate) restarts: u64,
    pub(crate) samples: u64,
    pub(crate) worst_delay_ns: u64,
}

#[repr(C)]
pub(crate) struct Curves {
    pub(crate) struct_size: u32,
    pub(crate) ignore_unknown: u32,
    pub(crate) without_sound: u32,
    pub(crate) reserved: u32,
    pub(crate) names: *const *const c_char,
    pub(crate) name_count: usize,
    pub(crate) times_s: *const f64,
    pub(crate) time_count: usize,
    pub(crate) values: *const f32,
}

#[repr(C)]
pub(crate) struct Visemes {
    pub(crate) struct_size: u32,
    pub(crate) set: u32,
    pub(crate) ignore_unknown: u32,
    pub(crate) without_sound: u32,
    pub(crate) symbols: *const *const c_char,
    pub(crate) starts_s: *const f64,
    pub(crate) ends_s: *const f64,
    pub(crate) count: usize,
}

#[repr(C)]
pub(crate) struct SessionInfo {
    pub(crate) struct_size: u32,
    pub(crate) frame_width: u32,
    pub(crate) frame_height: u32,
    pub(crate) pixel_format: u32,
    pub(crate) picture_bytes: usize,
    pub(crate) latency_ms: u32,
    pub(crate) reserved: u32,
}

#[repr(C)]
pub(crate) struct Picture {
    pub(crate) struct_size: u32,
    pub(crate) format: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) planes: [*mut u8; 3],
    pub(crate) strides: [usize; 3],
}

#[repr(C)]
pub(crate) struct FrameInfo {
    pub(crate) struct_size: u32,
    pub(crate) flags: u32,
    pub(crate) index: u64,
    pub(crate) pts_samples: u64,
    pub(crate) base_frame: u32,
    pub(crate) skipped: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: u32,
    pub(crate) audio_rate_hz: u32,
    pub(crate) planes: [*const u8; 3],
    pub(crate) strides: [usize; 3],
    pub(crate) audio: *const f32,
    pub(crate) audio_i16: *const i16,
    pub(crate) audio_samples: usize,
    pub(crate) arkit: *const f32,
    pub(crate) arkit_count: usize,
    pub(crate) interruptions: u64,
    pub(crate) yuv_matrix: u32,
    pub(crate) yuv_range: u32,
    pub(crate) since_due_ns: u64,
    pub(crate) tag: u64,
    pub(crate) gesture_started: u32,
    pub(crate) gesture_ended: u32,
}

impl FrameInfo {
    /// To be written by the library.
    pub(crate) fn empty() -> Self {
        // SAFETY: zeros are a value.
        let mut info = unsafe { std::mem::zeroed::<Self>() };
        info.struct_size = size_of_val(&info) as u32;
        info
    }
}

/// Loads functions by their names.
macro_rules! functions {
    ($( fn $name:ident($($type:ty),* $(,)?) $(-> $result:ty)?; )*) => {
        /// The library's functions.
        pub(crate) struct Api {
            $( pub(crate) $name: unsafe extern "C" fn($($type),*) $(-> $result)?, )*
        }

        impl Api {
            fn load(library: &'static Library) -> Result<Self, libloading::Error> {
                // SAFETY: the types are the header's, by hand.
                unsafe {
                    Ok(Self { $( $name: *library.get(concat!(stringify!($name), "\0").as_bytes())?, )* })
                }
            }
        }
    };
}

functions! {
    fn essence_abi_version() -> u32;
    fn essence_status_name(Status) -> *const c_char;
    fn essence_engine_create(*const EngineOptions, *mut *mut c_void, *mut CError) -> Status;
    fn essence_engine_destroy(*mut c_void);
    fn essence_engine_describe(*const c_void, *mut EngineInfo, *mut CError) -> Status;
    fn essence_engine_set_log_level(*const c_void, u32, *mut CError) -> Status;
    fn essence_engine_set_max_sessions(*const c_void, u32, *mut CError) -> Status;
    fn essence_avatar_open(*const c_void, *const c_char, *mut *mut c_void, *mut CError) -> Status;
    fn essence_avatar_open_memory(*const c_void, *const u8, usize, Option<DestroyFn>, *mut c_void, *mut *mut c_void, *mut CError) -> Status;
    fn essence_avatar_retain(*mut c_void) -> *mut c_void;
    fn essence_avatar_release(*mut c_void);
    fn essence_avatar_describe(*const c_void, *mut WholeAvatarInfo, *mut CError) -> Status;
    fn essence_avatar_measure_capacity(*const c_void, *mut u32, *mut CError) -> Status;
    fn essence_avatar_report_provider(*const c_void, *mut ProviderReport, *mut CError) -> Status;
    fn essence_clock_create(*mut *mut c_void, *mut CError) -> Status;
    fn essence_clock_advance(*const c_void, u64, *mut CError) -> Status;
    fn essence_clock_destroy(*mut c_void);
    fn essence_session_create(*const c_void, *const SessionOptions, *mut *mut c_void, *mut CError) -> Status;
    fn essence_session_destroy(*mut c_void);
    fn essence_session_describe(*const c_void, *mut SessionInfo, *mut CError) -> Status;
    fn essence_session_push_audio_i16(*const c_void, *const i16, usize, u32, u32, *mut CError) -> Status;
    fn essence_session_push_audio_f32(*const c_void, *const f32, usize, u32, u32, *mut CError) -> Status;
    fn essence_session_push_tagged_i16(*const c_void, *const i16, usize, u32, u32, u64, *mut CError) -> Status;
    fn essence_session_push_tagged_f32(*const c_void, *const f32, usize, u32, u32, u64, *mut CError) -> Status;
    fn essence_session_push_curves(*const c_void, *const Curves, *mut CError) -> Status;
    fn essence_session_push_visemes(*const c_void, *const Visemes, *mut CError) -> Status;
    fn essence_session_set_emotion(*const c_void, u32, f32, *mut CError) -> Status;
    fn essence_session_flush(*const c_void, *mut CError) -> Status;
    fn essence_session_interrupt(*const c_void, *mut CError) -> Status;
    fn essence_session_restart_clock(*const c_void, *mut CError) -> Status;
    fn essence_session_cancel(*const c_void, *mut CError) -> Status;
    fn essence_session_set_paused(*const c_void, u32, *mut CError) -> Status;
    fn essence_session_set_muted(*const c_void, u32, *mut CError) -> Status;
    fn essence_session_read_statistics(*const c_void, *mut SessionStatistics, *mut CError) -> Status;
    fn essence_session_perform_again(*const c_void, *const c_char, *mut CError) -> Status;
    fn essence_session_set_loop(*const c_void, *const c_char, *mut CError) -> Status;
    fn essence_session_perform(*const c_void, *const c_char, *mut CError) -> Status;
    fn essence_session_next_frame(*const c_void, *mut c_void, *const Picture, *mut FrameInfo, *mut CError) -> Status;
    fn essence_session_try_next_frame(*const c_void, *mut c_void, *const Picture, *mut FrameInfo, *mut CError) -> Status;
    fn essence_session_set_wakeup(*const c_void, Option<DestroyFn>, *mut c_void, Option<DestroyFn>, *mut CError) -> Status;
    fn essence_session_next_frame_within(*const c_void, *mut c_void, *const Picture, *mut FrameInfo, u64, *mut CError) -> Status;
    fn essence_frame_create(*mut *mut c_void, *mut CError) -> Status;
    fn essence_frame_destroy(*mut c_void);
}

/// The library: `ESSENCE_LIBRARY`, or the one that belongs to this program, built first.
pub(crate) static API: LazyLock<Api> = LazyLock::new(|| {
    let path = std::env::var_os("ESSENCE_LIBRARY").map_or_else(build, PathBuf::from);
    // SAFETY: our own library.
    let library = unsafe { Library::new(&path) };
    let library = library.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let api = Api::load(Box::leak(Box::new(library))).expect("every function is exported");
    // SAFETY: no arguments.
    let version = unsafe { (api.essence_abi_version)() };
    assert_eq!(version >> 16, 1, "ABI version");
    api
});

/// Builds the shared library beside this program. `cargo test` builds what it can link only, and a
/// shared library is not among that.
fn build() -> PathBuf {
    let executable = std::env::current_exe().expect("a running program has a path");
    // Tests and benchmarks lie in `target/PROFILE/deps`.
    let folder = executable.ancestors().nth(2).expect("a target folder");
    let release = folder.ends_with("release");
    let done = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--package", "essence-ffi"])
        .args(release.then_some("--release"))
        .arg("--target-dir")
        .arg(folder.parent().expect("a target folder"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .status();
    assert!(
        done.is_ok_and(|status| status.success()),
        "cargo builds libessence"
    );
    folder.join(libloading::library_filename("essence"))
}
