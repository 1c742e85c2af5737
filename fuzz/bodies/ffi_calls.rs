//! Calls of the C interface in any order, with handles that live or are null, structs of any size and
//! integers of any value. Every call must come back with a status that the header has, and an error
//! with a message.
//!
//! What the header forbids outright (pointers to freed or foreign memory) is not tried.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
use essence_c::*;

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

#[derive(Arbitrary, Debug)]
enum Call {
    CreateSession(Options),
    DestroySession(u8),
    DescribeSession(u8, Size),
    Push {
        session: u8,
        samples: Vec<i16>,
        times: u8,
        rate_hz: Number,
        channels: Number,
        float: bool,
    },
    Flush(u8),
    Interrupt(u8),
    RestartClock(u8),
    Cancel(u8),
    PerformAgain(u8, Text),
    SetLoop(u8, Text),
    Perform(u8, Text),
    Draw {
        session: u8,
        frame: u8,
        picture: Option<Picture>,
        info: Option<Size>,
        times: u8,
    },
    DescribeFrame(u8, Size),
    CreateFrame,
    DestroyFrame(u8),
    CreateClock,
    AdvanceClock(u8, u64),
    DestroyClock(u8),
    RetainAvatar,
    ReleaseAvatar,
    DescribeAvatar(Size),
    ReportProvider(Size),
    OpenAvatar(Text),
    DescribeEngine(Size),
    CreateEngine {
        provider: u32,
        log_level: u32,
        size: Size,
        tail: bool,
    },
    InitOptions(u8, u16),
    PictureBytes(u32, u32, u32),
    WrapPicture(u32, u16, u16, u16, Size),
    Names(i32),
    OpenAudio(Text),
    ReadAudio(u16),
    CreateMp4 {
        width: u16,
        height: u16,
        rate_hz: u32,
        quality: u32,
    },
    WriteMp4(u8),
    FinishMp4(Option<Size>),
}

#[derive(Arbitrary, Debug)]
struct Options {
    avatar: bool,
    null: bool,
    size: Size,
    tail: bool,
    paced: Number,
    format: Number,
    dimensions: (Number, Number),
    letterbox: u32,
    limit: u8,
    clock: u8,
}

/// Mostly small.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Number {
    Small(u8),
    Rate,
    Any(u32),
}

impl Number {
    fn value(self) -> u32 {
        match self {
            Self::Small(value) => u32::from(value % 8),
            Self::Rate => 16_000,
            Self::Any(value) => value,
        }
    }
}

/// A `struct_size`.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Size {
    Right,
    Larger(u8),
    Any(u16),
}

impl Size {
    fn of(self, right: usize) -> u32 {
        match self {
            Self::Right => right as u32,
            Self::Larger(by) => right as u32 + u32::from(by),
            Self::Any(size) => u32::from(size) % 8_192,
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Picture {
    format: Number,
    fits: bool,
    size: (u8, u8),
    padding: u8,
    null_plane: Option<u8>,
    struct_size: Size,
}

#[derive(Arbitrary, Debug)]
enum Text {
    Null,
    Toy,
    Wave,
    Speech,
    Bytes(Vec<u8>),
}

impl Text {
    fn c(&self) -> Option<CString> {
        let bytes = match self {
            Self::Null => return None,
            Self::Toy => super::testdata("avatars/toy.imx")
                .to_string_lossy()
                .into_owned()
                .into_bytes(),
            Self::Wave => b"wave".to_vec(),
            Self::Speech => super::testdata("audio/speech_16000.wav")
                .to_string_lossy()
                .into_owned()
                .into_bytes(),
            // Not a path that could name a device.
            Self::Bytes(bytes) => bytes
                .iter()
                .copied()
                .filter(|&b| b != 0 && b != b'/')
                .collect(),
        };
        CString::new(bytes).ok()
    }
}

/// The handles that live.
struct World {
    engine: *mut essence_engine,
    avatar: *mut essence_avatar,
    references: usize,
    sessions: Vec<*mut essence_session>,
    frames: Vec<*mut essence_frame>,
    clocks: Vec<*mut essence_clock>,
    audio: *mut essence_audio_reader,
    mp4: *mut essence_mp4_writer,
    err: Room<essence_error>,
    small_err: bool,
    pixels: Vec<u8>,
}

/// A struct with room behind it for any `struct_size` that is tried.
#[repr(C, align(16))]
struct Room<T> {
    value: T,
    more: [u8; 8_192],
}

impl<T> Room<T> {
    fn new(value: T, struct_size: u32, tail: u8) -> Self {
        let mut room = Self {
            value,
            more: [tail; 8_192],
        };
        // SAFETY: `struct_size` is the first field of every struct that is used here.
        unsafe { (&raw mut room.value).cast::<u32>().write(struct_size) };
        room
    }

    fn pointer(&mut self) -> *mut T {
        (&raw mut *self).cast()
    }
}

struct Shared(*mut essence_engine, *mut essence_avatar);
// SAFETY: engines and avatars may be used from any thread.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let (mut engine, mut avatar) = (ptr::null_mut(), ptr::null_mut());
        let path = Text::Toy.c().expect("no NUL");
        // SAFETY: pointers are null or valid.
        unsafe {
            let status = essence_engine_create(ptr::null(), &raw mut engine, ptr::null_mut());
            assert_eq!(status, ESSENCE_OK, "run `cargo xtask runtime` first");
            let status =
                essence_avatar_open(engine, path.as_ptr(), &raw mut avatar, ptr::null_mut());
            assert_eq!(status, ESSENCE_OK, "the toy avatar opens");
        }
        Shared(engine, avatar)
    })
}

pub(crate) fn run(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let &Shared(engine, avatar) = shared();
    let mut world = World {
        engine,
        avatar,
        references: 0,
        sessions: Vec::new(),
        frames: Vec::new(),
        clocks: Vec::new(),
        audio: ptr::null_mut(),
        mp4: ptr::null_mut(),
        err: Room::new(
            essence_error {
                struct_size: 0,
                status: 0,
                message: [0; 512],
            },
            size_of::<essence_error>() as u32,
            0,
        ),
        small_err: data.arbitrary().unwrap_or(false),
        pixels: Vec::new(),
    };
    for _ in 0..40 {
        let Ok(call) = data.arbitrary::<Call>() else {
            break;
        };
        world.call(call);
        if data.is_empty() {
            break;
        }
    }
    world.close();
}

fn pick<T>(list: &[*mut T], index: u8) -> *mut T {
    // One in eight is null.
    if list.is_empty() || index % 8 == 7 {
        return ptr::null_mut();
    }
    list[usize::from(index) % list.len()]
}

impl World {
    fn err(&mut self) -> *mut essence_error {
        let size = if self.small_err {
            40
        } else {
            size_of::<essence_error>() as u32
        };
        self.err.value.struct_size = size;
        self.err.value.status = 77;
        self.err.value.message = [1; 512];
        self.err.pointer()
    }

    fn check(&self, status: essence_status) -> bool {
        assert!(STATUSES.contains(&status), "{status} is in the header");
        assert_ne!(
            status, ESSENCE_ERR_INTERNAL,
            "a panic: {:?}",
            self.err.value.message
        );
        let err = &self.err.value;
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

    fn call(&mut self, call: Call) {
        let err = self.err();
        // SAFETY: handles are null or live, memory has the size that is announced.
        unsafe {
            match call {
                Call::CreateSession(options) => self.create_session(&options),
                Call::DestroySession(index) => {
                    if !self.sessions.is_empty() {
                        let at = usize::from(index) % self.sessions.len();
                        essence_session_destroy(self.sessions.swap_remove(at));
                    }
                }
                Call::DescribeSession(session, size) => {
                    let zero = std::mem::zeroed::<essence_session_info>();
                    let mut info = Room::new(zero, size.of(size_of_val(&zero)), 9);
                    let status = essence_session_describe(
                        pick(&self.sessions, session),
                        info.pointer(),
                        err,
                    );
                    if self.check(status) {
                        assert!(info.value.frame_width >= 16, "a size");
                    }
                }
                Call::Push {
                    session,
                    samples,
                    times,
                    rate_hz,
                    channels,
                    float,
                } => {
                    let session = pick(&self.sessions, session);
                    let (rate_hz, channels) = (rate_hz.value(), channels.value());
                    let samples: Vec<i16> = samples.repeat(usize::from(times % 32));
                    let count = samples.len().min(4_000);
                    let status = if float {
                        let floats: Vec<f32> = samples
                            .iter()
                            .map(|&x| f32::from_bits(u32::from(x as u16) << 16))
                            .collect();
                        essence_session_push_audio_f32(
                            session,
                            floats.as_ptr(),
                            count,
                            rate_hz,
                            channels,
                            err,
                        )
                    } else {
                        essence_session_push_audio_i16(
                            session,
                            samples.as_ptr(),
                            count,
                            rate_hz,
                            channels,
                            err,
                        )
                    };
                    self.check(status);
                }
                Call::Flush(session) => {
                    let status = essence_session_flush(pick(&self.sessions, session), err);
                    self.check(status);
                }
                Call::Interrupt(session) => {
                    let status = essence_session_interrupt(pick(&self.sessions, session), err);
                    self.check(status);
                }
                Call::RestartClock(session) => {
                    let status = essence_session_restart_clock(pick(&self.sessions, session), err);
                    self.check(status);
                }
                Call::Cancel(session) => {
                    let status = essence_session_cancel(pick(&self.sessions, session), err);
                    self.check(status);
                }
                Call::PerformAgain(session, name) => {
                    let name = name.c();
                    let name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
                    let status =
                        essence_session_perform_again(pick(&self.sessions, session), name, err);
                    self.check(status);
                }
                Call::SetLoop(session, name) => {
                    let name = name.c();
                    let name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
                    let status = essence_session_set_loop(pick(&self.sessions, session), name, err);
                    self.check(status);
                }
                Call::Perform(session, name) => {
                    let name = name.c();
                    let name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
                    let status = essence_session_perform(pick(&self.sessions, session), name, err);
                    self.check(status);
                }
                Call::Draw {
                    session,
                    frame,
                    picture,
                    info,
                    times,
                } => {
                    let (session, frame) =
                        (pick(&self.sessions, session), pick(&self.frames, frame));
                    for _ in 0..=times % 8 {
                        self.draw(session, frame, picture.as_ref(), info);
                    }
                }
                Call::DescribeFrame(frame, size) => {
                    let zero = std::mem::zeroed::<essence_frame_info>();
                    let mut info = Room::new(zero, size.of(size_of_val(&zero)), 9);
                    let status =
                        essence_frame_describe(pick(&self.frames, frame), info.pointer(), err);
                    self.check(status);
                }
                Call::CreateFrame => {
                    if self.frames.len() < 3 {
                        let mut out = ptr::null_mut();
                        let status = essence_frame_create(&raw mut out, err);
                        assert!(self.check(status), "there is room for a frame");
                        self.frames.push(out);
                    }
                }
                Call::DestroyFrame(index) => {
                    if !self.frames.is_empty() {
                        let at = usize::from(index) % self.frames.len();
                        essence_frame_destroy(self.frames.swap_remove(at));
                    }
                }
                Call::CreateClock => {
                    if self.clocks.len() < 3 {
                        let mut out = ptr::null_mut();
                        let status = essence_clock_create(&raw mut out, err);
                        assert!(self.check(status), "a clock can be made");
                        self.clocks.push(out);
                    }
                }
                Call::AdvanceClock(clock, by) => {
                    let status = essence_clock_advance(pick(&self.clocks, clock), by, err);
                    self.check(status);
                }
                Call::DestroyClock(index) => {
                    if !self.clocks.is_empty() {
                        let at = usize::from(index) % self.clocks.len();
                        essence_clock_destroy(self.clocks.swap_remove(at));
                    }
                }
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
                    let zero = std::mem::zeroed::<essence_avatar_info>();
                    let mut info = Room::new(zero, size.of(size_of_val(&zero)), 9);
                    let status = essence_avatar_describe(self.avatar, info.pointer(), err);
                    if self.check(status) {
                        assert_eq!(info.value.samples_per_frame, 640, "at 16 kHz");
                    }
                }
                Call::ReportProvider(size) => {
                    let zero = std::mem::zeroed::<essence_provider_report>();
                    let mut info = Room::new(zero, size.of(size_of_val(&zero)), 9);
                    let status = essence_avatar_report_provider(self.avatar, info.pointer(), err);
                    self.check(status);
                }
                Call::OpenAvatar(path) => self.open_avatar(&path),
                Call::DescribeEngine(size) => {
                    let zero = std::mem::zeroed::<essence_engine_info>();
                    let mut info = Room::new(zero, size.of(size_of_val(&zero)), 9);
                    let status = essence_engine_describe(self.engine, info.pointer(), err);
                    self.check(status);
                }
                Call::CreateEngine {
                    provider,
                    log_level,
                    size,
                    tail,
                } => {
                    let mut options = std::mem::zeroed::<essence_engine_options>();
                    options.provider = provider % 8;
                    options.log_level = log_level;
                    let mut options =
                        Room::new(options, size.of(size_of_val(&options)), u8::from(tail));
                    let mut out = ptr::null_mut();
                    let status = essence_engine_create(options.pointer(), &raw mut out, err);
                    self.check(status);
                    essence_engine_destroy(out);
                }
                Call::InitOptions(which, size) => {
                    let size = usize::from(size) % 8_192;
                    let mut room = Room::new([0u64; 64], 0, 9);
                    let status = match which % 3 {
                        0 => essence_engine_options_init(room.pointer().cast(), size, err),
                        1 => essence_session_options_init(room.pointer().cast(), size, err),
                        _ => essence_mp4_options_init(room.pointer().cast(), size, err),
                    };
                    self.check(status);
                }
                Call::PictureBytes(format, width, height) => {
                    let bytes = essence_picture_bytes(format % 8, width, height);
                    assert!(bytes <= 4 * 65_535 * 65_535, "a size that can be");
                }
                Call::WrapPicture(format, width, height, bytes, size) => {
                    let mut data = vec![0u8; usize::from(bytes)];
                    let zero = std::mem::zeroed::<essence_picture>();
                    let mut picture = Room::new(zero, size.of(size_of_val(&zero)), 9);
                    let status = essence_picture_wrap(
                        format % 8,
                        u32::from(width),
                        u32::from(height),
                        data.as_mut_ptr(),
                        data.len(),
                        picture.pointer(),
                        err,
                    );
                    self.check(status);
                }
                Call::Names(value) => {
                    assert!(
                        !essence_status_name(value).is_null(),
                        "every status has a name"
                    );
                    assert!(
                        (0..=130).contains(&essence_status_exit_code(value)),
                        "an exit code"
                    );
                    let _ = essence_pixel_format_name(value as u32);
                    let _ = essence_provider_name(value as u32);
                }
                Call::OpenAudio(path) => {
                    let path = path.c();
                    let path = path.as_ref().map_or(ptr::null(), |path| path.as_ptr());
                    let mut out = ptr::null_mut();
                    let status = essence_audio_reader_open(path, &raw mut out, err);
                    self.check(status);
                    essence_audio_reader_destroy(std::mem::replace(&mut self.audio, out));
                }
                Call::ReadAudio(capacity) => {
                    let mut samples = vec![0.0; usize::from(capacity)];
                    let mut count = usize::MAX;
                    let status = essence_audio_reader_read(
                        self.audio,
                        samples.as_mut_ptr(),
                        samples.len(),
                        &raw mut count,
                        err,
                    );
                    if self.check(status) {
                        assert!(
                            (1..=samples.len()).contains(&count),
                            "as many as there is room for"
                        );
                    }
                }
                Call::CreateMp4 {
                    width,
                    height,
                    rate_hz,
                    quality,
                } => self.create_mp4(width, height, rate_hz, quality),
                Call::WriteMp4(frame) => {
                    let status =
                        essence_mp4_writer_write_frame(self.mp4, pick(&self.frames, frame), err);
                    self.check(status);
                }
                Call::FinishMp4(size) => {
                    let zero = std::mem::zeroed::<essence_mp4_info>();
                    let right = size_of_val(&zero);
                    let mut info = size.map(|size| Room::new(zero, size.of(right), 9));
                    let info = info.as_mut().map_or(ptr::null_mut(), Room::pointer);
                    let status = essence_mp4_writer_finish(self.mp4, info, err);
                    self.check(status);
                }
            }
        }
    }

    unsafe fn create_session(&mut self, options: &Options) {
        if self.sessions.len() >= 3 {
            return;
        }
        let err = self.err();
        let clock = pick(&self.clocks, options.clock);
        let given = essence_session_options {
            struct_size: 0,
            // Without a clock of ours, real time would wait.
            pacing: if clock.is_null() && options.paced.value() == ESSENCE_PACING_REALTIME {
                ESSENCE_PACING_UNPACED
            } else {
                options.paced.value()
            },
            pixel_format: options.format.value(),
            width: small(options.dimensions.0),
            height: small(options.dimensions.1),
            letterbox_rgb: options.letterbox,
            queue_limit_s: u32::from(options.limit),
            reserved: 0,
            clock,
        };
        let size = options.size.of(size_of_val(&given));
        let mut room = Room::new(given, size, u8::from(options.tail));
        let given = if options.null {
            ptr::null()
        } else {
            room.pointer().cast_const()
        };
        let avatar = if options.avatar {
            self.avatar
        } else {
            ptr::null_mut()
        };
        let mut out = ptr::null_mut();
        // SAFETY: as in `call`.
        let status = unsafe { essence_session_create(avatar, given, &raw mut out, err) };
        if self.check(status) {
            self.sessions.push(out);
        }
    }

    unsafe fn draw(
        &mut self,
        session: *mut essence_session,
        frame: *mut essence_frame,
        picture: Option<&Picture>,
        info: Option<Size>,
    ) {
        let err = self.err();
        // SAFETY: a struct of numbers and pointers, of which all bits 0 is a value.
        let zero = unsafe { std::mem::zeroed::<essence_frame_info>() };
        let mut info = info.map(|size| Room::new(zero, size.of(size_of_val(&zero)), 9));
        let right = info
            .as_ref()
            .is_some_and(|i| i.value.struct_size as usize >= size_of::<essence_frame_info>());
        let info_pointer = info.as_mut().map_or(ptr::null_mut(), Room::pointer);
        let mut room = picture.map(|picture| self.picture(session, picture));
        let picture = room
            .as_mut()
            .map_or(ptr::null(), |room| room.pointer().cast_const());
        // Never the call that waits: a session may run on the system's clock.
        // SAFETY: as in `call`.
        let status =
            unsafe { essence_session_try_next_frame(session, frame, picture, info_pointer, err) };
        let drawn = self.check(status);
        if let (true, true, Some(info)) = (drawn, right, &info) {
            let info = &info.value;
            assert_eq!(info.pts_samples, 640 * info.index, "time");
            // SAFETY: borrowed until the frame is drawn again.
            unsafe {
                let audio = std::slice::from_raw_parts(info.audio, info.audio_samples);
                let integers = std::slice::from_raw_parts(info.audio_i16, info.audio_samples);
                assert!(audio.iter().all(|x| x.is_finite()), "sound");
                assert_eq!(
                    audio.is_empty(),
                    info.audio_rate_hz == 0 || integers.is_empty(),
                    "rate"
                );
                let arkit = std::slice::from_raw_parts(info.arkit, info.arkit_count);
                assert!(
                    arkit.iter().all(|x| (0.0..=1.0).contains(x)),
                    "curves in their domain"
                );
                if picture.is_null() {
                    let bytes = essence_picture_bytes(info.format, info.width, info.height);
                    let pixels = std::slice::from_raw_parts(info.planes[0], bytes);
                    let _ = pixels.iter().fold(0u8, |sum, x| sum ^ x);
                }
            }
        }
    }

    /// A picture in `self.pixels`, sound or not.
    fn picture(
        &mut self,
        session: *mut essence_session,
        picture: &Picture,
    ) -> Room<essence_picture> {
        // SAFETY: zeros are a value.
        let (mut drawn, mut described) = unsafe {
            (
                std::mem::zeroed::<essence_session_info>(),
                std::mem::zeroed::<essence_picture>(),
            )
        };
        drawn.struct_size = size_of_val(&drawn) as u32;
        // SAFETY: null or live.
        unsafe { essence_session_describe(session, &raw mut drawn, ptr::null_mut()) };
        described.format = picture.format.value();
        (described.width, described.height) = if picture.fits {
            (drawn.frame_width, drawn.frame_height)
        } else {
            (u32::from(picture.size.0), u32::from(picture.size.1))
        };
        let (width, height) = (described.width as usize, described.height as usize);
        let stride = 4 * width + usize::from(picture.padding);
        // Room for three planes of the widest format.
        self.pixels.resize(3 * stride * height + 1, 7);
        for plane in 0..3 {
            described.planes[plane] = self.pixels[plane * stride * height..].as_mut_ptr();
            described.strides[plane] = stride;
        }
        if let Some(plane) = picture.null_plane {
            described.planes[usize::from(plane % 3)] = ptr::null_mut();
        }
        let size = picture.struct_size.of(size_of_val(&described));
        Room::new(described, size, 0)
    }

    unsafe fn open_avatar(&mut self, path: &Text) {
        let err = self.err();
        let path = path.c();
        let path: *const c_char = path.as_ref().map_or(ptr::null(), |path| path.as_ptr());
        let mut out = ptr::null_mut();
        // SAFETY: as in `call`.
        unsafe {
            let status = essence_avatar_open(self.engine, path, &raw mut out, err);
            self.check(status);
            essence_avatar_release(out);
        }
    }

    fn create_mp4(&mut self, width: u16, height: u16, rate_hz: u32, quality: u32) {
        if !self.mp4.is_null() {
            return;
        }
        let err = self.err();
        let path = std::env::temp_dir().join(format!("essence-fuzz-{}.mp4", std::process::id()));
        let path = CString::new(path.to_string_lossy().into_owned()).expect("no NUL");
        let options = essence_mp4_options {
            struct_size: size_of::<essence_mp4_options>() as u32,
            width: u32::from(width % 80),
            height: u32::from(height % 80),
            rate_hz: if rate_hz % 4 == 0 { rate_hz } else { 16_000 },
            quality: quality % 4,
        };
        let mut out = ptr::null_mut();
        // SAFETY: as in `call`.
        let status = unsafe {
            essence_mp4_writer_create(path.as_ptr(), &raw const options, &raw mut out, err)
        };
        self.check(status);
        self.mp4 = out;
    }

    fn close(self) {
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

/// A side of a picture that doesn't take long to draw, or one that is refused.
fn small(side: Number) -> u32 {
    match side {
        Number::Small(value) => u32::from(value) / 2,
        Number::Rate => 0,
        Number::Any(value) if value > 8_192 => value,
        Number::Any(value) => value % 200,
    }
}
