//! Frames for executors: a task that waits for one is woken when there is one, and not polled.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use common::{assert_same, buzz, drain, toy, unpaced};
use essence::clock::{Clock, ManualClock};
use essence::{ErrorKind, Frame, Session, SessionOptions};
use futures_core::Stream as _;

const RATE: u32 = 16_000;
/// Nobody waits as long for a wake-up that comes.
const FOREVER: Duration = Duration::from_secs(60);

/// Counts how often it is woken, and can be waited for.
#[derive(Default)]
struct Counter {
    count: Mutex<usize>,
    woken: Condvar,
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        *self.count.lock().unwrap() += 1;
        self.woken.notify_all();
    }
}

impl Counter {
    fn count(&self) -> usize {
        *self.count.lock().unwrap()
    }

    /// Waits until it has been woken more than `before` times.
    fn wait(&self, before: usize) {
        let count = self.count.lock().unwrap();
        let waited = self
            .woken
            .wait_timeout_while(count, FOREVER, |count| *count <= before);
        assert!(!waited.unwrap().1.timed_out(), "the task is woken");
    }
}

fn poll(session: &Session, counter: &Arc<Counter>) -> Poll<Frame> {
    let waker = Waker::from(Arc::clone(counter));
    let polled = session.poll_next_frame(&mut Context::from_waker(&waker));
    polled.map(|frame| frame.unwrap())
}

/// The next frame, waited for by its wake-up alone.
fn next(session: &Session, counter: &Arc<Counter>) -> Frame {
    loop {
        let before = counter.count();
        match poll(session, counter) {
            Poll::Ready(frame) => return frame,
            Poll::Pending => counter.wait(before),
        }
    }
}

#[test]
fn in_real_time_a_task_is_woken_when_a_frame_is_due() {
    let session = toy().session(SessionOptions::default()).unwrap();
    let counter = Arc::default();
    let begin = Instant::now();
    for _ in 0..8 {
        let frame = next(&session, &counter);
        let due = Duration::from_millis(40 * frame.index());
        assert!(begin.elapsed() >= due, "frame {} came early", frame.index());
    }
    assert!(
        counter.count() <= 8,
        "once a frame, not polled: {}",
        counter.count()
    );
}

#[test]
fn many_tasks_share_one_timer() {
    let avatar = toy();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let session = avatar.session(SessionOptions::default()).unwrap();
                let counter = Arc::default();
                for _ in 0..5 {
                    next(&session, &counter);
                }
            });
        }
    });
}

#[test]
fn on_a_manual_clock_a_task_is_woken_when_it_moves() {
    let clock = ManualClock::new();
    let options = SessionOptions::default().clock(Clock::Manual(clock.clone()));
    let session = toy().session(options).unwrap();
    let counter = Arc::default();
    assert!(
        poll(&session, &counter).is_ready(),
        "the first frame is due"
    );
    for number in 1..5 {
        for _ in 0..3 {
            assert!(poll(&session, &counter).is_pending(), "not yet");
        }
        let before = counter.count();
        clock.advance(Duration::from_millis(40));
        assert_eq!(
            counter.count(),
            before + 1,
            "once, however often it was polled"
        );
        let Poll::Ready(frame) = poll(&session, &counter) else {
            panic!("frame {number} is due");
        };
        assert_eq!(frame.index(), number);
    }
}

#[test]
fn unpaced_a_task_is_woken_by_audio_and_draws_what_any_other_draws() {
    let avatar = toy();
    let (session, other) = (unpaced(&avatar), unpaced(&avatar));
    let voice = buzz(20_000, RATE);
    other.push_audio(&voice[..], RATE, 1).unwrap();
    other.flush();
    let expected = drain(&other);

    let counter: Arc<Counter> = Arc::default();
    let mut drawn = Vec::new();
    for piece in voice.chunks(1_000) {
        while let Poll::Ready(frame) = poll(&session, &counter) {
            drawn.push(frame);
        }
        let before = counter.count();
        session.push_audio(piece, RATE, 1).unwrap();
        assert_eq!(counter.count(), before + 1, "woken by what was pushed");
    }
    while let Poll::Ready(frame) = poll(&session, &counter) {
        drawn.push(frame);
    }
    let before = counter.count();
    session.flush();
    assert_eq!(counter.count(), before + 1, "woken by the flush");
    while let Poll::Ready(frame) = poll(&session, &counter) {
        drawn.push(frame);
    }
    assert_same(&drawn, &expected, "polled");
}

/// Whatever changes what the next call gives wakes a task that waits, once.
#[test]
fn a_task_that_waits_hears_of_every_change() {
    let session = unpaced(&toy());
    let counter = Arc::default();
    let changes: [(&str, &dyn Fn()); 6] = [
        ("interrupt", &|| session.interrupt()),
        ("pause", &|| session.set_paused(true)),
        ("go on", &|| session.set_paused(false)),
        ("mute", &|| session.set_muted(true)),
        ("restart", &|| session.restart_clock()),
        ("cancel", &|| session.cancel()),
    ];
    for (number, (name, change)) in changes.into_iter().enumerate() {
        assert!(poll(&session, &counter).is_pending(), "nothing to draw");
        change();
        change();
        assert_eq!(counter.count(), number + 1, "{name}");
    }
}

#[test]
fn a_stream_gives_all_frames_and_ends_when_it_is_cancelled() {
    let session = unpaced(&toy());
    session
        .push_audio(&buzz(16_000, RATE)[..], RATE, 1)
        .unwrap();
    session.flush();
    let mut frames = pin!(session.frames());
    let counter: Arc<Counter> = Arc::default();
    let waker = Waker::from(Arc::clone(&counter));
    let mut context = Context::from_waker(&waker);
    let mut count = 0;
    while let Poll::Ready(frame) = frames.as_mut().poll_next(&mut context) {
        frame.unwrap().unwrap();
        count += 1;
    }
    assert_eq!(count, 25);
    session.cancel();
    let Poll::Ready(Some(Err(error))) = frames.as_mut().poll_next(&mut context) else {
        panic!("the cancellation is told");
    };
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(
        matches!(frames.as_mut().poll_next(&mut context), Poll::Ready(None)),
        "then it ends"
    );
}

/// No wake-up is lost between a poll that finds nothing and a push from another thread.
#[test]
fn no_wake_up_is_lost_between_threads() {
    let session = unpaced(&toy());
    let pushed = AtomicUsize::new(0);
    let voice = buzz(640, RATE);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..400 {
                session.push_audio(&voice[..], RATE, 1).unwrap();
                session.flush();
                pushed.fetch_add(1, Ordering::Relaxed);
            }
        });
        let counter = Arc::default();
        for _ in 0..400 {
            assert!(
                next(&session, &counter).flags().end_of_speech,
                "one frame each"
            );
        }
    });
    assert_eq!(pushed.into_inner(), 400);
}
