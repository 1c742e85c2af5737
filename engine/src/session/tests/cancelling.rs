//! That cancelling reaches the run of a network: by its terminator, and only in a drawing thread.

use super::*;
use crate::ErrorKind;

/// A voice long enough for a few frames.
fn voice() -> Vec<f32> {
    (0..8_000)
        .map(|i| if i / 40 % 2 == 0 { 0.2 } else { -0.2 })
        .collect()
}

/// Told while the thread is past all other looks at the cancellation, a run ends all the same.
#[test]
fn a_run_in_the_drawing_thread_is_terminated() {
    let session = toy()
        .session(SessionOptions::default().pacing(Pacing::Unpaced))
        .unwrap();
    session.push_audio(&voice(), RATE, 1).unwrap();
    session.core.terminator.terminate();
    let error = session.next_frame().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    session.restart_clock();
    assert!(session.next_frame().unwrap().is_some(), "undone");

    session.cancel();
    session.core.cancelled.store(false, Ordering::Release);
    let error = session.next_frame().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}

/// The pool may run a network for several sessions at once, so that one of them doesn't end it.
#[test]
fn a_run_in_the_pool_is_not_terminated() {
    let talk = Talk::new(&toy());
    talk.tick();
    talk.say(&voice());
    talk.session.core.terminator.terminate();
    assert!(talk.prepare() > 0, "frames are prepared");
}
