//! Shared by the tests: the engine, the avatars and ways to run a session to its end.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use essence::clock::{Clock, ManualClock};
use essence::{
    Avatar, Engine, Frame, OutputSize, Pacing, PixelFormat, Provider, Session, SessionOptions,
};

/// From one frame to the next.
pub(crate) const TICK: Duration = Duration::from_millis(40);

pub(crate) fn testdata(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata")
        .join(path)
}

pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::builder()
            .provider(Provider::Cpu)
            .build()
            .expect("run `cargo xtask runtime` first")
    })
}

/// A tiny avatar whose networks make timing visible: the louder, the wider the mouth.
pub(crate) fn toy() -> Avatar {
    engine()
        .open(testdata("avatars/toy.imx"))
        .expect("the toy avatar opens")
}

/// The avatar that ships.
pub(crate) fn mika() -> Avatar {
    engine()
        .open(testdata("avatars/mika.imx"))
        .expect("the avatar that ships opens")
}

/// The second one, made of a drawing.
pub(crate) fn juno() -> Avatar {
    engine()
        .open(testdata("avatars/juno.imx"))
        .expect("the drawn avatar opens")
}

pub(crate) fn unpaced(avatar: &Avatar) -> Session {
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::Rgb8);
    avatar.session(options).expect("the options are valid")
}

/// A session of the toy in real time, on a clock that stands still.
pub(crate) fn paced() -> (ManualClock, Session) {
    let clock = ManualClock::new();
    let options = SessionOptions::default().clock(Clock::Manual(clock.clone()));
    (
        clock,
        toy().session(options).expect("the options are valid"),
    )
}

/// The frame of this tick; then the clock moves to the next.
pub(crate) fn tick(clock: &ManualClock, session: &Session) -> Frame {
    let frame = session
        .next_frame()
        .expect("rendering works")
        .expect("a frame is due");
    clock.advance(TICK);
    frame
}

/// The value of `name` in each frame.
pub(crate) fn curve(avatar: &Avatar, frames: &[Frame], name: &str) -> Vec<f32> {
    let place = avatar
        .info()
        .arkit_names
        .iter()
        .position(|known| known == name);
    let place = place.expect("the avatar has the curve");
    frames.iter().map(|frame| frame.arkit()[place]).collect()
}

/// Draws all frames that the session can give.
pub(crate) fn drain(session: &Session) -> Vec<Frame> {
    std::iter::from_fn(|| session.next_frame().expect("rendering works")).collect()
}

/// All frames of one utterance.
pub(crate) fn speak(session: &Session, samples: &[f32], rate_hz: u32) -> Vec<Frame> {
    session
        .push_audio(samples, rate_hz, 1)
        .expect("the audio is valid");
    session.flush();
    drain(session)
}

/// A test sound of `samples` at `rate_hz`: a voice-like buzz that swells and pauses, with a click
/// now and then.
pub(crate) fn buzz(samples: usize, rate_hz: u32) -> Vec<f32> {
    let mut noise = 1u32;
    (0..samples)
        .map(|i| {
            let t = i as f32 / rate_hz as f32;
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = (noise >> 8) as f32 / (1 << 24) as f32 - 0.5;
            let swell = (t * 9.0).sin().max(0.0) * if t % 1.3 < 0.9 { 1.0 } else { 0.0 };
            let tone: f32 = (1..6)
                .map(|h| (t * 753.0 * h as f32).sin() / h as f32)
                .sum();
            // As a 16-bit file would hold it.
            (swell * (0.25 * tone + 0.1 * hiss) * 32768.0)
                .round()
                .clamp(-32768.0, 32767.0)
                / 32768.0
        })
        .collect()
}

/// Samples and rate of one of the test recordings, 16 bits and mono.
pub(crate) fn recording(name: &str) -> (Vec<i16>, u32) {
    let mut reader =
        hound::WavReader::open(testdata("audio").join(name)).expect("the recording is there");
    let rate = reader.spec().sample_rate;
    (
        reader.samples().map(|x| x.expect("a sample")).collect(),
        rate,
    )
}

/// Everything that is said in `samples`, by `avatar` in pictures of `size`.
pub(crate) fn speak_recording(avatar: &Avatar, name: &str, size: Option<OutputSize>) -> Vec<Frame> {
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::Rgb8)
        .output_size(size);
    let session = avatar.session(options).expect("the options are valid");
    let (samples, rate) = recording(name);
    session
        .push_audio(&samples[..], rate, 1)
        .expect("the recording is valid");
    session.flush();
    drain(&session)
}

/// The parts that make two frames the same frame. Indices count on through a session and are left out.
pub(crate) fn content(frame: &Frame) -> (&[u8], &[f32], &[f32], usize, bool) {
    (
        frame.pixels(),
        frame.audio(),
        frame.arkit(),
        frame.base_frame(),
        frame.flags().end_of_speech,
    )
}

/// Asserts that two runs gave the same frames, naming the first that differs.
pub(crate) fn assert_same(left: &[Frame], right: &[Frame], what: &str) {
    assert_eq!(left.len(), right.len(), "{what}: number of frames");
    for (index, (left, right)) in left.iter().zip(right).enumerate() {
        assert!(
            content(left) == content(right),
            "{what}: frame {index} differs"
        );
    }
}
