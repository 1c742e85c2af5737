//! What the C interface costs: the same frames by the engine in Rust and by the shared library
//! through C, in turn, so that a busy machine is as unfair to one as to the other.
//!
//! One frame: 40 ms pushed, one picture drawn into memory that is used again.
#![expect(clippy::print_stdout, reason = "a benchmark says what it found")]

use std::time::{Duration, Instant};

use essence::{Frame, PictureMut, PixelFormat};

/// Frames of each kind.
const FRAMES: usize = 1_500;

fn main() {
    // `cargo bench -- --test` wants to know only whether it runs.
    let frames = if std::env::args().any(|word| word == "--test") {
        20
    } else {
        FRAMES
    };
    let (rate, tick) = (16_000, 640);
    let voice = benches::voice(10 * tick, rate);
    let pieces: Vec<&[f32]> = voice.chunks(tick).collect();

    let avatar = benches::avatar();
    let size = (avatar.info().frame_width, avatar.info().frame_height);
    let mut bytes = vec![0; PixelFormat::Bgr8.buffer_len(size.0, size.1)];
    let warm_up = 4 + avatar.info().frame_count;
    let in_rust = avatar
        .session(essence::SessionOptions::default().pacing(essence::Pacing::Unpaced))
        .expect("the options are valid");
    let mut frame = Frame::new();

    let through_c = through_c::Engine::builder()
        .provider(essence::Provider::Cpu)
        .build()
        .and_then(|engine| engine.open(benches::avatar_path()))
        .and_then(|avatar| {
            avatar.session(through_c::SessionOptions::default().pacing(essence::Pacing::Unpaced))
        })
        .expect("the same through C");
    let room = through_c::FrameRoom::new().expect("room for a frame");
    let mut c_bytes = bytes.clone();

    let (mut rust_times, mut c_times) = (Vec::new(), Vec::new());
    for index in 0..warm_up + frames {
        let piece = pieces[index % pieces.len()];
        let mut rust = || {
            let start = Instant::now();
            in_rust.push_audio(piece, rate, 1).expect("valid audio");
            let mut picture = PictureMut::packed(PixelFormat::Bgr8, size, &mut bytes);
            let picture = picture.as_mut().expect("there is room");
            let drawn = in_rust.next_frame_to(&mut frame, picture);
            (start.elapsed(), drawn.expect("rendering works"))
        };
        let mut c = || {
            let start = Instant::now();
            through_c.push_audio(piece, rate, 1).expect("valid audio");
            let drawn = through_c.next_frame_to(&room, &mut c_bytes);
            (start.elapsed(), drawn.expect("rendering works"))
        };
        // Either goes first as often as the other.
        let (r, c) = if index % 2 == 0 {
            let r = rust();
            (r, c())
        } else {
            let c = c();
            (rust(), c)
        };
        assert_eq!(r.1, c.1, "both draw or neither");
        if index >= warm_up {
            assert!(r.1, "a frame is ready");
            rust_times.push(r.0);
            c_times.push(c.0);
        }
    }
    assert!(bytes == c_bytes, "both drew the same picture");
    for times in [&mut rust_times, &mut c_times] {
        times.sort();
    }
    println!("{frames} frames each, in turn; µs a frame:");
    println!("          p10      p50      p90");
    for (name, times) in [("rust", &rust_times), ("c", &c_times)] {
        let [p10, p50, p90] = [10, 50, 90].map(|p| micros(times[times.len() * p / 100]));
        println!("{name:6} {p10:8.1} {p50:8.1} {p90:8.1}");
    }
    let median = |times: &[Duration]| micros(times[times.len() / 2]);
    let ratio = median(&c_times) / median(&rust_times);
    println!("through C: {:+.2} % at the median", 100.0 * (ratio - 1.0));
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
