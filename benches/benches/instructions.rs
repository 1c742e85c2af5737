//! What frames cost in instructions, which a busy machine doesn't change: run by `cargo xtask bench
//! instructions` under callgrind, which is told when to count.
//!
//! `… --bench instructions -- [frames]`, by default 4 frames of each kind. Without callgrind it
//! counts nothing and only shows that it runs.
#![expect(unsafe_code, reason = "a few instructions that valgrind understands")]

use std::ffi::{CStr, CString};
use std::hint::black_box;

use essence::internals::Picture;
use essence::{Avatar, Frame, OutputSize, Pacing, PixelFormat, Session, SessionOptions};

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

/// What callgrind is asked for: see valgrind's `callgrind.h`.
enum Request<'a> {
    Start,
    Stop,
    /// What was counted so far, under this name.
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
        let drawn = self.session.next_frame_into(&mut self.frame);
        assert!(drawn.expect("rendering works"), "a frame is ready");
    }
}
