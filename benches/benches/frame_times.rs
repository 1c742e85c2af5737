//! From pushed audio to finished picture: how long frames take one by one, and how long it is from a
//! file to the first frame.
//!
//! `cargo bench --package benches --bench frame_times -- [frames]`, by default 3000 of each kind. A line
//! of CSV for each kind.
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::time::{Duration, Instant};

use essence::{
    Avatar, Engine, Frame, FrameRequest, OutputSize, Pacing, PixelFormat, SessionOptions,
};

/// Openings of the avatar.
const OPENINGS: usize = 20;

fn main() {
    let frames = match benches::numbers().first() {
        Some(&frames) => frames,
        None if benches::is_test() => 50,
        None => 3_000,
    };
    let avatar = benches::avatar();
    let wide = Some(OutputSize {
        width: 1280,
        height: 720,
    });
    println!("{}", benches::CSV_HEAD);
    println!("what,count,p50_ms,p99_ms,worst_ms");
    for (name, format, size, rate) in [
        ("speaking_bgr", PixelFormat::Bgr8, None, 16_000),
        ("speaking_bgr_from_48000", PixelFormat::Bgr8, None, 48_000),
        ("speaking_i420", PixelFormat::I420, None, 16_000),
        ("speaking_bgr_1280x720", PixelFormat::Bgr8, wide, 16_000),
    ] {
        let options = SessionOptions::default()
            .pixel_format(format)
            .output_size(size);
        report(name, speaking(&avatar, options, rate, frames));
    }
    drop(avatar);
    report("open_to_first_frame", opening());
}

fn report(name: &str, mut times: Vec<Duration>) {
    let [p50, p99, worst] = benches::percentiles(&mut times);
    println!("{name},{},{p50:.3},{p99:.3},{worst:.3}", times.len());
}

/// 40 ms pushed, one picture drawn into a frame that is used again.
fn speaking(avatar: &Avatar, options: SessionOptions, rate: u32, frames: usize) -> Vec<Duration> {
    let session = avatar
        .session(options.pacing(Pacing::Unpaced))
        .expect("the options are valid");
    let tick = rate as usize / 25;
    let voice = benches::voice(10 * tick, rate);
    let mut pieces = voice.chunks(tick).cycle();
    let mut frame = Frame::new();
    // Fill the look-ahead, then show every base frame once: the steady state.
    let warm_up = 4 + avatar.info().frame_count;
    let times = (0..warm_up + frames).map(|_| {
        let begin = Instant::now();
        session
            .push_audio(pieces.next().unwrap_or_default(), rate, 1)
            .expect("the audio is valid");
        session
            .draw(&mut frame, FrameRequest::new())
            .expect("rendering works");
        begin.elapsed()
    });
    times.skip(warm_up).collect()
}

/// Open an avatar, start a session, draw the first frame of speech. ONNX Runtime is loaded already.
fn opening() -> Vec<Duration> {
    let engine = Engine::builder()
        .provider(benches::provider())
        .build()
        .expect("run `cargo xtask runtime` first");
    let voice = benches::voice(16_000, 16_000);
    let once = || {
        let begin = Instant::now();
        let avatar = engine
            .open(benches::avatar_path())
            .expect("the shipped avatar opens");
        let session = avatar
            .session(SessionOptions::default().pacing(Pacing::Unpaced))
            .expect("the options are valid");
        session
            .push_audio(&voice[..], 16_000, 1)
            .expect("the audio is valid");
        let frame = session.next_frame().expect("rendering works");
        assert!(frame.is_some(), "a frame is ready");
        begin.elapsed()
    };
    (0..OPENINGS).map(|_| once()).collect()
}
