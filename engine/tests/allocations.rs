//! In the steady state a session allocates nothing: neither its stages nor its calls of ONNX Runtime,
//! which has an allocator of its own that is not counted here.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(unsafe_code, reason = "an allocator that counts")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::{buzz, mika, testdata, toy};
use essence::clock::{Clock, ManualClock};
use essence::{
    Avatar, Engine, Frame, FrameRequest, OutputSize, Pacing, PixelFormat, Provider, SessionOptions,
};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Pushes 40 ms and draws a frame, over and over: speech with pauses, then quiet.
fn run(avatar: &Avatar, rate: u32, options: SessionOptions, what: &str) {
    let clock = ManualClock::new();
    let unpaced = options.pacing == Pacing::Unpaced;
    let session = avatar
        .session(options.clock(Clock::Manual(clock.clone())))
        .unwrap();
    let voice = buzz(3 * rate as usize, rate);
    let mut frame = Frame::new();
    let mut round = |measured: bool| {
        for (index, piece) in voice.chunks(rate as usize / 25).enumerate() {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            session.push_audio(piece, rate, 1).unwrap();
            let next = session.draw(&mut frame, FrameRequest::new());
            let drawn = next.unwrap().is_frame();
            clock.advance(Duration::from_millis(40));
            let allocated = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert!(
                !measured || drawn && allocated == 0,
                "{what}, frame {index}: {allocated} allocations (drawn: {drawn})"
            );
        }
    };
    // Buffers find their size, base frames are decoded.
    for _ in 0..2 + avatar.info().frame_count / 75 {
        round(false);
    }
    let quiet = |measured: bool| {
        let mut frame = Frame::new();
        session.interrupt();
        for index in 0..75 {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            session.draw(&mut frame, FrameRequest::new()).unwrap();
            clock.advance(Duration::from_millis(40));
            let allocated = ALLOCATIONS.load(Ordering::Relaxed) - before;
            let first = index == 0;
            assert!(
                !measured || first || allocated == 0,
                "{what}, quiet frame {index}: {allocated} allocations"
            );
        }
    };
    if !unpaced {
        quiet(false);
    }
    round(true);
    if !unpaced {
        quiet(true);
    }
}

/// Law 6. One test, so that no other thread is counted.
#[test]
fn law_6_the_steady_state_allocates_nothing() {
    let toy = toy();
    for pacing in [Pacing::Unpaced, Pacing::Realtime] {
        for rate in [16_000, 48_000] {
            for format in [PixelFormat::Bgr8, PixelFormat::I420] {
                for size in [
                    None,
                    Some(OutputSize {
                        width: 100,
                        height: 90,
                    }),
                ] {
                    let options = SessionOptions::default()
                        .pacing(pacing)
                        .pixel_format(format)
                        .output_size(size);
                    let what = format!("{pacing:?}, {rate} Hz, {format}, {size:?}");
                    run(&toy, rate, options, &what);
                }
            }
        }
    }
    let options = SessionOptions::default().pacing(Pacing::Unpaced);
    run(&mika(), 24_000, options.clone(), "the shipped avatar");
    let engine = Engine::builder().provider(Provider::Builtin).build();
    let own = engine.unwrap().open(testdata("avatars/mika.imx")).unwrap();
    run(&own, 24_000, options, "our own runtime");
}
