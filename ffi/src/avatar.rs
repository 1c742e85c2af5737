//! `essence_avatar`: one opened `.imx`, shared by its sessions and counted.

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::Avatar;
use engine::clock::{FRAME_RATE, FRAME_SAMPLES, NETWORK_RATE_HZ};

use crate::boundary::{export, invalid};
use crate::emotion;
use crate::engine_handle::{borrow, essence_engine};
use crate::handle::{self, opaque};
use crate::log::essence_destroy_fn;
use crate::names::{ESSENCE_PROVIDER_AUTO, essence_provider, provider_value};
use crate::sized::{self, sized};
use crate::status::ESSENCE_OK;
use crate::text::{self, List};

opaque! {
    /// One face: networks, base frames and motions out of one `.imx` file. Immutable, counted by
    /// reference, shared by any number of sessions on any threads.
    essence_avatar(AvatarBox)
}

/// An avatar with its descriptions as C reads them.
#[derive(Debug)]
pub struct AvatarBox {
    pub(crate) avatar: Avatar,
    references: AtomicUsize,
    texts: Texts,
}

#[derive(Debug)]
struct Texts {
    name: CString,
    license: CString,
    format_version: CString,
    manifest_json: CString,
    motions: List,
    coefficients: List,
    arkit: List,
    refused: Vec<essence_provider>,
    refusals: List,
}

/// Description of an avatar. Strings and arrays are borrowed until the avatar is released for the last
/// time.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_avatar_info {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// Width of its picture in pixels.
    pub frame_width: u32,
    /// Height of its picture in pixels.
    pub frame_height: u32,
    /// Number of base frames.
    pub frame_count: u32,
    /// Frames per second: 25.
    pub frame_rate: u32,
    /// Samples per second that the networks hear, in Hz: 16000. Any rate can be pushed.
    pub sample_rate_hz: u32,
    /// Samples of one frame at that rate: 640.
    pub samples_per_frame: u32,
    /// Width and height of the mouth patch in pixels.
    pub patch_size: u32,
    /// Its name.
    pub name: *const c_char,
    /// The licence it may be used under; empty if unsaid.
    pub license: *const c_char,
    /// Version of its format, such as `2.0`.
    pub format_version: *const c_char,
    /// Its whole manifest: JSON, which names networks, motions, hashes and training. NUL-terminated.
    pub manifest_json: *const c_char,
    /// Bytes of `manifest_json` without the NUL.
    pub manifest_json_bytes: usize,
    /// Names of the motions, for essence_session_perform().
    pub motions: *const *const c_char,
    /// Number of `motions`.
    pub motion_count: usize,
    /// ARKit names of the values that come with each frame, in their order.
    pub arkit_names: *const *const c_char,
    /// Number of `arkit_names`.
    pub arkit_count: usize,
    /// Names of the speech network's coefficients.
    pub coefficient_names: *const *const c_char,
    /// Number of `coefficient_names`.
    pub coefficient_count: usize,
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// 1 where the avatar was keyed or its picture has alpha: RGBA and BGRA are transparent around it,
    /// and any background can lie behind it. Else 0. Since ABI 1.4.
    pub has_matte: u32,
    /// The emotions that it can show, as bits: `1 << ESSENCE_EMOTION_JOY` and so on. Since ABI 1.4.
    pub emotions: u32,
}

sized!(essence_avatar_info, grown by has_matte {
    frame_width: 0,
    frame_height: 0,
    frame_count: 0,
    frame_rate: 0,
    sample_rate_hz: 0,
    samples_per_frame: 0,
    patch_size: 0,
    name: ptr::null(),
    license: ptr::null(),
    format_version: ptr::null(),
    manifest_json: ptr::null(),
    manifest_json_bytes: 0,
    motions: ptr::null(),
    motion_count: 0,
    arkit_names: ptr::null(),
    arkit_count: 0,
    coefficient_names: ptr::null(),
    coefficient_count: 0,
    file_bytes: 0,
    has_matte: 0,
    emotions: 0,
});

/// Which provider runs an avatar, and why not another. Arrays are borrowed until the avatar is
/// released for the last time.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_provider_report {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// The one that runs.
    pub provider: essence_provider,
    /// Providers that came first in the preference and were passed over.
    pub refused: *const essence_provider,
    /// The reason against each of `refused`, in words.
    pub reasons: *const *const c_char,
    /// Number of `refused` and of `reasons`.
    pub refused_count: usize,
    /// 1 where the identity network runs in 8 bits: on the CPU, where the avatar has it so and its
    /// self-test finds it good. Else 0. Since ABI 1.1.
    pub quantized: u32,
    /// 0.
    pub reserved: u32,
}

sized!(essence_provider_report, grown by quantized {
    provider: ESSENCE_PROVIDER_AUTO,
    refused: ptr::null(),
    reasons: ptr::null(),
    refused_count: 0,
    quantized: 0,
    reserved: 0,
});

export! {
    /// Opens an avatar: reads the file into memory, checks it against its hashes, loads its networks
    /// and runs its self-test. What happens to the file afterwards has no effect (unless `map_files`
    /// of the engine's options says otherwise).
    ///
    /// `engine`: borrowed for the call.
    /// `path`: UTF-8, borrowed for the call.
    /// `out`: written on success; shared (refcounted), one reference belongs to the caller, who
    /// gives it up with essence_avatar_release().
    ///
    /// Fails with: NOT_FOUND, IO, INVALID_AVATAR, UNSUPPORTED_FORMAT, UNSUPPORTED_VERSION,
    /// LIMIT_EXCEEDED, PROVIDER_UNAVAILABLE (the provider that was asked for doesn't run it),
    /// INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_avatar_open(
        engine: *const essence_engine,
        path: *const c_char,
        out: *mut *mut essence_avatar,
    ) -> essence_status {
        let engine = borrow(engine)?;
        let path = text::path(path, "path")?;
        if out.is_null() {
            return Err(invalid("the place for the avatar is NULL"));
        }
        out.write(handle::new(AvatarBox::new(engine.open(path)?)));
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Opens an avatar from the bytes of an `.imx` file. Since ABI 1.4.
    ///
    /// `engine`: borrowed for the call.
    /// `bytes`: the whole file. Without `destroy` borrowed for the call, and copied. With `destroy`
    /// transferred: not copied, and not to be changed until `destroy` is called.
    /// `destroy`: called once with `user_data` when the avatar and its sessions are gone, or before
    /// the call returns if it fails. NULL: the bytes are copied.
    /// `out`: written on success; shared (refcounted), one reference belongs to the caller, who
    /// gives it up with essence_avatar_release().
    ///
    /// Fails with: as essence_avatar_open(), but never with NOT_FOUND or IO.
    /// Threads: any, concurrently. `destroy` is called from the thread that gives up the last of the
    /// avatar, which may be one of the engine's.
    fn essence_avatar_open_memory(
        engine: *const essence_engine,
        bytes: *const u8,
        size: usize,
        destroy: essence_destroy_fn,
        user_data: *mut c_void,
        out: *mut *mut essence_avatar,
    ) -> essence_status {
        // First of all: from here on, the data is destroyed whatever happens.
        let given = Transferred { bytes, size, destroy, user_data };
        let engine = borrow(engine)?;
        if out.is_null() {
            return Err(invalid("the place for the avatar is NULL"));
        }
        let bytes = text::slice(bytes, size, "bytes")?;
        let avatar = if destroy.is_some() {
            engine.open_bytes(given)
        } else {
            engine.open_bytes(bytes.to_vec())
        };
        out.write(handle::new(AvatarBox::new(avatar?)));
        Ok(ESSENCE_OK)
    }
}

/// Bytes that the caller has handed over.
struct Transferred {
    bytes: *const u8,
    size: usize,
    destroy: essence_destroy_fn,
    user_data: *mut c_void,
}

// SAFETY: nothing changes the bytes, and the header demands of `destroy` that it may be called from
// any thread.
unsafe impl Send for Transferred {}
// SAFETY: as above.
unsafe impl Sync for Transferred {}

impl AsRef<[u8]> for Transferred {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the caller keeps so many bytes until `destroy` is called; only what has been checked
        // is asked for.
        unsafe { text::slice(self.bytes, self.size, "bytes") }.unwrap_or_default()
    }
}

impl Drop for Transferred {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: called once, when nothing reads the bytes any more.
            unsafe { destroy(self.user_data) };
        }
    }
}

export! {
    /// Takes one more reference to an avatar: shared (refcounted). NULL stays NULL.
    ///
    /// Returns: `avatar`.
    /// Threads: any, concurrently.
    fn essence_avatar_retain(avatar: *mut essence_avatar) -> *mut essence_avatar, on panic ptr::null_mut(),
    {
        if let Some(avatar) = handle::peek(avatar) {
            avatar.references.fetch_add(1, Ordering::Relaxed);
        }
        avatar
    }
}

export! {
    /// Gives up one reference to an avatar; the last one closes it. NULL is fine. Sessions hold a
    /// reference of their own.
    ///
    /// Threads: any, concurrently.
    fn essence_avatar_release(avatar: *mut essence_avatar), on panic (),
    {
        // A poisoned avatar, too, is counted down.
        if let Some(count) = handle::peek(avatar)
            && count.references.fetch_sub(1, Ordering::Release) == 1
        {
            std::sync::atomic::fence(Ordering::Acquire);
            handle::free(avatar);
        }
    }
}

export! {
    /// Says what an avatar is.
    ///
    /// `info`: written on success, as far as its `struct_size` reaches.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_avatar_describe(avatar: *const essence_avatar, info: *mut essence_avatar_info) -> essence_status {
        let avatar = handle::shared(avatar)?;
        sized::write(info, &avatar.describe())?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Says which provider runs an avatar, and why not another.
    ///
    /// `report`: written on success, as far as its `struct_size` reaches.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_avatar_report_provider(avatar: *const essence_avatar, report: *mut essence_provider_report) -> essence_status {
        let avatar = handle::shared(avatar)?;
        sized::write(report, &avatar.report())?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Measures how many sessions of an avatar the engine's threads can keep speaking in real time:
    /// from the time that a frame of speech takes now, sound and picture at the avatar's own size
    /// included. A machine that is busy with something else gives fewer. Since ABI 1.4.
    ///
    /// Draws some forty frames, so it takes a while and a processor core.
    ///
    /// `sessions`: written on success.
    ///
    /// Fails with: INVALID_ARGUMENT.
    /// Threads: any, concurrently.
    fn essence_avatar_measure_capacity(avatar: *const essence_avatar, sessions: *mut u32) -> essence_status {
        let avatar = handle::shared(avatar)?;
        if sessions.is_null() {
            return Err(invalid("the place for the number of sessions is NULL"));
        }
        let capacity = avatar.avatar.capacity()?;
        sessions.write(u32::try_from(capacity).unwrap_or(u32::MAX));
        Ok(ESSENCE_OK)
    }
}

impl AvatarBox {
    fn new(avatar: Avatar) -> Self {
        let (info, report, container) = (avatar.info(), avatar.provider(), avatar.container());
        let texts = Texts {
            name: text::owned(info.name.clone()),
            license: text::owned(info.license.clone()),
            format_version: text::owned(container.format_version()),
            manifest_json: text::owned(container.manifest_json()),
            motions: List::new(info.motions.iter().cloned()),
            coefficients: List::new(info.coefficient_names.iter().cloned()),
            arkit: List::new(info.arkit_names.iter().cloned()),
            refused: report
                .refused
                .iter()
                .map(|(provider, _)| provider_value(*provider))
                .collect(),
            refusals: List::new(report.refused.iter().map(|(_, reason)| reason.clone())),
        };
        Self {
            avatar,
            references: AtomicUsize::new(1),
            texts,
        }
    }

    fn describe(&self) -> essence_avatar_info {
        let (info, texts) = (self.avatar.info(), &self.texts);
        essence_avatar_info {
            frame_width: info.frame_width as u32,
            frame_height: info.frame_height as u32,
            frame_count: info.frame_count as u32,
            frame_rate: FRAME_RATE,
            sample_rate_hz: NETWORK_RATE_HZ,
            samples_per_frame: FRAME_SAMPLES,
            patch_size: info.patch_size as u32,
            name: texts.name.as_ptr(),
            license: texts.license.as_ptr(),
            format_version: texts.format_version.as_ptr(),
            manifest_json: texts.manifest_json.as_ptr(),
            manifest_json_bytes: texts.manifest_json.as_bytes().len(),
            motions: texts.motions.as_ptr(),
            motion_count: texts.motions.len(),
            arkit_names: texts.arkit.as_ptr(),
            arkit_count: texts.arkit.len(),
            coefficient_names: texts.coefficients.as_ptr(),
            coefficient_count: texts.coefficients.len(),
            file_bytes: self.avatar.container().size_bytes(),
            has_matte: info.has_matte.into(),
            emotions: emotion::bits(&info.emotions),
            ..<essence_avatar_info as sized::Sized32>::defaults()
        }
    }

    fn report(&self) -> essence_provider_report {
        essence_provider_report {
            provider: provider_value(self.avatar.provider().provider),
            refused: self.texts.refused.as_ptr(),
            reasons: self.texts.refusals.as_ptr(),
            refused_count: self.texts.refused.len(),
            quantized: u32::from(self.avatar.provider().quantized),
            ..<essence_provider_report as sized::Sized32>::defaults()
        }
    }
}
