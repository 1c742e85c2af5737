//! The cost of the C interface: the same frames by the engine in Rust and by the shared library
//! through C, in turn, so that a busy machine is as unfair to one as to the other.
//!
//! One frame: 40 ms pushed, one picture drawn into memory that is used again. What is compared is
//! processor time where the system tells it, of pairs of frames in both orders. Two copies of the
//! engine lie in different memory, which alone makes a difference of up to two per cent either way,
//! another one in each process: so many processes are asked, in every other of which C's avatar is
//! opened first, and the median of their answers counts. `cargo xtask bench instructions` counts
//! what doesn't depend on memory.
#![expect(clippy::print_stdout, reason = "a benchmark says what it found")]

use std::process::Command;
use std::time::Duration;

use essence::{Frame, FrameRequest, PictureMut, PixelFormat};

/// Processes, and frames of each kind in each of them.
const PROCESSES: usize = 40;
const FRAMES: usize = 600;
const RATE: u32 = 16_000;
const TICK: usize = 640;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(order) = words.iter().position(|word| word == "--one") {
        let c_first = words.get(order + 1).is_some_and(|word| word == "c");
        return one(c_first, FRAMES);
    }
    // `cargo bench -- --test` wants to know only whether it runs.
    if benches::is_test() {
        return one(true, 20);
    }
    let processes = benches::numbers().first().copied().unwrap_or(PROCESSES);
    let program = std::env::current_exe().expect("a running program has a path");
    let (mut rust, mut c, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    for process in 0..processes {
        let order = if process % 2 == 0 { "c" } else { "rust" };
        let said = Command::new(&program).args(["--one", order]).output();
        let said = said.expect("this program can be run");
        assert!(
            said.status.success(),
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
        let text = String::from_utf8_lossy(&said.stdout);
        let numbers: Vec<f64> = text
            .split(' ')
            .filter_map(|x| x.trim().parse().ok())
            .collect();
        let &[one, other, cost] = numbers.as_slice() else {
            panic!("it says `{text}`");
        };
        rust.push(one);
        c.push(other);
        costs.push(100.0 * cost / one);
    }
    for list in [&mut rust, &mut c, &mut costs] {
        list.sort_by(f64::total_cmp);
    }
    println!("{processes} processes of {FRAMES} frames each, in turn; µs of {CLOCK} a frame:");
    println!("rust {:.1}, c {:.1}", median(&rust)[1], median(&c)[1]);
    let [low, middle, high] = median(&costs);
    println!(
        "through C: {middle:+.2} % ({low:+.2} to {high:+.2} with 95 % confidence; single processes {:+.2} to {:+.2})",
        costs[0],
        costs[costs.len() - 1]
    );
}

/// Draws both and says the medians of their times, and of what C costs more.
fn one(c_first: bool, frames: usize) {
    let voice = benches::voice(10 * TICK, RATE);
    let pieces: Vec<&[f32]> = voice.chunks(TICK).collect();
    let (mut rust, mut c);
    if c_first {
        c = InC::new();
        rust = InRust::new();
    } else {
        rust = InRust::new();
        c = InC::new();
    }
    let (mut rust_times, mut c_times) = (Vec::new(), Vec::new());
    for index in 0..rust.warm_up + frames {
        let piece = pieces[index % pieces.len()];
        // Either goes first as often as the other.
        let (r, c) = if index % 2 == 0 {
            let r = rust.draw(piece);
            (r, c.draw(piece))
        } else {
            let c = c.draw(piece);
            (rust.draw(piece), c)
        };
        assert_eq!(r.1, c.1, "both draw or neither");
        if index >= rust.warm_up {
            assert!(r.1, "a frame is ready");
            rust_times.push(micros(r.0));
            c_times.push(micros(c.0));
        }
    }
    assert!(rust.bytes == c.bytes, "both drew the same picture");

    // Two frames after each other, one in each order: what the first of a pair pays for the second
    // cancels out.
    let mut differences: Vec<f64> = (0..frames / 2)
        .map(|pair| {
            let cost = |index: usize| c_times[index] - rust_times[index];
            f64::midpoint(cost(2 * pair), cost(2 * pair + 1))
        })
        .collect();
    for times in [&mut rust_times, &mut c_times, &mut differences] {
        times.sort_by(f64::total_cmp);
    }
    let [rust, c, cost] = [&rust_times, &c_times, &differences].map(|times| median(times)[1]);
    println!("{rust} {c} {cost}");
}

/// The engine in Rust.
struct InRust {
    session: essence::Session,
    frame: Frame,
    size: (usize, usize),
    bytes: Vec<u8>,
    warm_up: usize,
}

impl InRust {
    fn new() -> Self {
        let avatar = benches::avatar();
        let info = avatar.info();
        let size = (info.frame_width, info.frame_height);
        let warm_up = 4 + 2 * info.frame_count;
        let options = essence::SessionOptions::default().pacing(essence::Pacing::Unpaced);
        Self {
            session: avatar.session(options).expect("the options are valid"),
            frame: Frame::new(),
            size,
            bytes: vec![0; PixelFormat::Bgr8.buffer_len(size.0, size.1)],
            warm_up,
        }
    }

    fn draw(&mut self, piece: &[f32]) -> (Duration, bool) {
        let start = time();
        let pushed = self.session.push_audio(piece, RATE, 1);
        pushed.expect("valid audio");
        let mut picture = PictureMut::packed(PixelFormat::Bgr8, self.size, &mut self.bytes);
        let picture = picture.as_mut().expect("there is room");
        let request = FrameRequest::into_memory(picture);
        let next = self.session.draw(&mut self.frame, request);
        (time() - start, next.expect("rendering works").is_frame())
    }
}

/// The library through C.
struct InC {
    session: through_c::Session,
    room: through_c::FrameRoom,
    bytes: Vec<u8>,
}

impl InC {
    fn new() -> Self {
        let options = through_c::SessionOptions::default().pacing(essence::Pacing::Unpaced);
        let avatar = through_c::Engine::builder()
            .provider(essence::Provider::Cpu)
            .build()
            .and_then(|engine| engine.open(benches::avatar_path()))
            .expect("the same through C");
        let info = avatar.info();
        let size = (info.frame_width, info.frame_height);
        Self {
            session: avatar.session(options).expect("the options are valid"),
            room: through_c::FrameRoom::new().expect("room for a frame"),
            bytes: vec![0; PixelFormat::Bgr8.buffer_len(size.0, size.1)],
        }
    }

    fn draw(&mut self, piece: &[f32]) -> (Duration, bool) {
        let start = time();
        let pushed = self.session.push_audio(piece, RATE, 1);
        pushed.expect("valid audio");
        let drawn = self.session.next_frame_to(&self.room, &mut self.bytes);
        (time() - start, drawn.expect("rendering works"))
    }
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
