//! What the C interface costs: the same frames by the engine in Rust and by the shared library
//! through C, in turn, so that a busy machine is as unfair to one as to the other.
//!
//! One frame: 40 ms pushed, one picture drawn into memory that is used again. What is compared is
//! processor time where the system tells it, of pairs of frames in both orders.
#![expect(clippy::print_stdout, reason = "a benchmark says what it found")]

use std::time::Duration;

use essence::{Frame, PictureMut, PixelFormat};

/// Frames of each kind.
const FRAMES: usize = 6_000;

fn main() {
    // `cargo bench -- --test` wants to know only whether it runs.
    let frames = if benches::is_test() { 20 } else { FRAMES };
    let (rate, tick) = (16_000, 640);
    let voice = benches::voice(10 * tick, rate);
    let pieces: Vec<&[f32]> = voice.chunks(tick).collect();

    let avatar = benches::avatar();
    let size = (avatar.info().frame_width, avatar.info().frame_height);
    let mut bytes = vec![0; PixelFormat::Bgr8.buffer_len(size.0, size.1)];
    let warm_up = 4 + 2 * avatar.info().frame_count;
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
            let start = time();
            in_rust.push_audio(piece, rate, 1).expect("valid audio");
            let mut picture = PictureMut::packed(PixelFormat::Bgr8, size, &mut bytes);
            let picture = picture.as_mut().expect("there is room");
            let drawn = in_rust.next_frame_to(&mut frame, picture);
            (time() - start, drawn.expect("rendering works"))
        };
        let mut c = || {
            let start = time();
            through_c.push_audio(piece, rate, 1).expect("valid audio");
            let drawn = through_c.next_frame_to(&room, &mut c_bytes);
            (time() - start, drawn.expect("rendering works"))
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
            rust_times.push(micros(r.0));
            c_times.push(micros(c.0));
        }
    }
    assert!(bytes == c_bytes, "both drew the same picture");

    // Two frames after each other, one in each order: what the first of a pair pays for the second
    // cancels out.
    let mut differences: Vec<f64> = (0..frames / 2)
        .map(|pair| {
            let cost = |index: usize| c_times[index] - rust_times[index];
            (cost(2 * pair) + cost(2 * pair + 1)) / 2.0
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    for times in [&mut rust_times, &mut c_times] {
        times.sort_by(f64::total_cmp);
    }
    println!("{frames} frames each, in turn; µs of {CLOCK} a frame:");
    println!("          p10      p50      p90");
    for (name, times) in [("rust", &rust_times), ("c", &c_times)] {
        let [p10, p50, p90] = [10, 50, 90].map(|p| times[times.len() * p / 100]);
        println!("{name:6} {p10:8.1} {p50:8.1} {p90:8.1}");
    }
    let frame = rust_times[rust_times.len() / 2];
    let percent = |difference: f64| 100.0 * difference / frame;
    let [low, middle, high] = median(&differences);
    println!(
        "through C: {middle:+.1} µs a frame, {:+.2} % ({:+.2} to {:+.2} with 95 % confidence)",
        percent(middle),
        percent(low),
        percent(high)
    );
}

/// The median of what is sorted, between the bounds that hold the true one 95 times in 100 (by rank,
/// so that no shape of the distribution is assumed).
fn median(sorted: &[f64]) -> [f64; 3] {
    let count = sorted.len() as f64;
    [-0.98, 0.0, 0.98].map(|z| {
        let rank = (count / 2.0 + z * count.sqrt()).clamp(0.0, count - 1.0);
        sorted[rank as usize]
    })
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
const CLOCK: &str = "processor time";

/// Processor time of this thread, which does all of the work.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn time() -> Duration {
    const THREAD: i32 = 3;
    #[repr(C)]
    struct Time {
        s: i64,
        ns: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    let mut time = Time { s: 0, ns: 0 };
    // SAFETY: the C library's function with its types on 64-bit Linux; `time` is writable.
    let failed = unsafe { clock_gettime(THREAD, &raw mut time) };
    assert_eq!(failed, 0, "the clock is there");
    Duration::new(time.s.unsigned_abs(), time.ns as u32)
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
const CLOCK: &str = "time";

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
fn time() -> Duration {
    static BEGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    BEGIN.get_or_init(std::time::Instant::now).elapsed()
}
