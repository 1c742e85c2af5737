//! The cost of frames in instructions, which a busy machine doesn't change: run by `cargo xtask bench
//! instructions` under callgrind, which is told when to count.
//!
//! `… --bench instructions -- [frames]`, by default 4 frames of each kind. Without callgrind it
//! counts nothing and only shows that it runs.
#![expect(unsafe_code, reason = "a few instructions that valgrind understands")]

use std::ffi::{CStr, CString};
use std::hint::black_box;

use essence::internals::Picture;
use essence::{
    Avatar, Frame, FrameRequest, OutputSize, Pacing, PictureMut, PixelFormat, Session,
    SessionOptions,
};

fn main() {
    let frames = match benches::numbers().first() {
        Some(&frames) => frames,
        // `cargo bench -- --test` wants to know only whether it runs.
        None if benches::is_test() => 1,
        None => 4,
    };
    let avatar = benches::avatar();
    let bgr = SessionOptions::default().pixel_format(PixelFormat::Bgr8);
    let i420 = SessionOptions::default().pixel_format(PixelFormat::I420);
    let mut callers = [Caller::in_rust(&avatar), Caller::through_c(&avatar)];
    let wide = bgr.clone().output_size(OutputSize {
        width: 1280,
        height: 720,
    });
    // Every base frame is decoded here, once: the steady state.
    let mut speaker = Speaker::new(&avatar, bgr, 48_000);
    speaker.quiet(avatar.info().frame_count);
    measured("quiet_bgr", frames, |_| speaker.quiet(1));
    // The look-ahead of what is said, and what it takes until the mouth is all there.
    speaker.speak(8);
    measured("speaking_bgr", frames, |_| speaker.speak(1));
    // The same frames drawn into the caller's memory, by two copies of the engine.
    let voice = benches::voice(640, 16_000);
    for (name, caller) in ["speaking_in_rust", "speaking_through_c"]
        .into_iter()
        .zip(&mut callers)
    {
        caller.speak(&voice, avatar.info().frame_count + 8);
        measured(name, frames, |_| caller.speak(&voice, 1));
    }
    for (name, options) in [("quiet_i420", i420), ("quiet_bgr_1280x720", wide)] {
        let mut speaker = Speaker::new(&avatar, options, 48_000);
        speaker.quiet(8);
        measured(name, frames, |_| speaker.quiet(1));
    }
    let picture = Picture::new(&avatar).expect("the avatar renders");
    measured("decode_jpeg", frames, |index| {
        black_box(picture.decode(index % avatar.info().frame_count)).expect("it decodes");
    });
}

/// Lets callgrind count `frames` runs of `work` and write them down under `name`.
fn measured(name: &str, frames: usize, mut work: impl FnMut(usize)) {
    callgrind(Request::Start);
    for index in 0..frames {
        work(index);
    }
    callgrind(Request::Stop);
    let label = CString::new(format!("{name} {frames}")).expect("names hold no zero");
    callgrind(Request::Dump(&label));
}

/// A request to callgrind: see valgrind's `callgrind.h`.
enum Request<'a> {
    Start,
    Stop,
    /// Writes the counts so far, under this name.
    Dump(&'a CStr),
}

/// Outside of valgrind, nothing happens.
#[cfg(target_arch = "x86_64")]
fn callgrind(request: Request<'_>) {
    const BASE: usize = 0x4354_0000;
    let (number, argument) = match request {
        Request::Start => (BASE + 4, 0),
        Request::Stop => (BASE + 5, 0),
        Request::Dump(label) => (BASE + 3, label.as_ptr() as usize),
    };
    let words = [number, argument, 0, 0, 0, 0];
    // SAFETY: turns a register once around and exchanges one with itself, which changes nothing;
    // valgrind takes it as a sign to read the words, and puts its answer where nobody looks.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") words.as_ptr(),
            inout("rdx") 0usize => _,
            in("rdi") 0usize,
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn callgrind(request: Request<'_>) {
    // Other processors have other signs.
    if let Request::Dump(label) = request {
        black_box(label);
    }
}

/// A session that is given 40 ms of sound for each frame.
struct Speaker {
    session: Session,
    voice: Vec<f32>,
    silence: Vec<f32>,
    rate: u32,
    frame: Frame,
}

impl Speaker {
    fn new(avatar: &Avatar, options: SessionOptions, rate: u32) -> Self {
        let session = avatar.session(options.pacing(Pacing::Unpaced));
        let tick = rate as usize / 25;
        let speaker = Self {
            session: session.expect("the options are valid"),
            voice: benches::voice(tick, rate),
            silence: vec![0.0; tick],
            rate,
            frame: Frame::new(),
        };
        for _ in 0..4 {
            speaker.push(false);
        }
        speaker
    }

    /// Frames in which a voice is pushed.
    fn speak(&mut self, frames: usize) {
        for _ in 0..frames {
            self.push(true);
            self.draw();
        }
    }

    /// Frames in which silence is pushed: no network runs for it.
    fn quiet(&mut self, frames: usize) {
        for _ in 0..frames {
            self.push(false);
            self.draw();
        }
    }

    fn push(&self, voice: bool) {
        let piece = if voice { &self.voice } else { &self.silence };
        self.session
            .push_audio(&piece[..], self.rate, 1)
            .expect("the audio is valid");
    }

    fn draw(&mut self) {
        let next = self.session.draw(&mut self.frame, FrameRequest::new());
        assert!(
            next.expect("rendering works").is_frame(),
            "a frame is ready"
        );
    }
}

/// The callers that draw into memory of their own.
enum Caller {
    InRust(Session, Frame, Vec<u8>),
    ThroughC(through_c::Session, through_c::FrameRoom, Vec<u8>),
}

impl Caller {
    fn in_rust(avatar: &Avatar) -> Self {
        let session = avatar.session(SessionOptions::default().pacing(Pacing::Unpaced));
        let session = session.expect("the options are valid");
        Self::InRust(session, Frame::new(), picture_bytes(avatar))
    }

    fn through_c(like: &Avatar) -> Self {
        let options = through_c::SessionOptions::default().pacing(Pacing::Unpaced);
        let session = through_c::Engine::builder()
            .provider(essence::Provider::Cpu)
            .build()
            .and_then(|engine| engine.open(benches::avatar_path()))
            .and_then(|avatar| avatar.session(options))
            .expect("the same through C");
        let room = through_c::FrameRoom::new().expect("room for a frame");
        Self::ThroughC(session, room, picture_bytes(like))
    }

    /// Frames in which a voice is pushed, and drawn as soon as its look-ahead is there.
    fn speak(&mut self, voice: &[f32], frames: usize) {
        for _ in 0..frames {
            match self {
                Self::InRust(session, frame, bytes) => {
                    let size = session.frame_size();
                    session.push_audio(voice, 16_000, 1).expect("audio");
                    let mut picture = PictureMut::packed(PixelFormat::Bgr8, size, bytes);
                    let picture = picture.as_mut().expect("there is room");
                    let request = FrameRequest::into_memory(picture);
                    session.draw(frame, request).expect("a frame");
                }
                Self::ThroughC(session, room, bytes) => {
                    session.push_audio(voice, 16_000, 1).expect("audio");
                    session.next_frame_to(room, bytes).expect("a frame");
                }
            }
        }
    }
}

fn picture_bytes(avatar: &Avatar) -> Vec<u8> {
    let info = avatar.info();
    vec![0; PixelFormat::Bgr8.buffer_len(info.frame_width, info.frame_height)]
}
