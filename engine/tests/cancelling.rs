//! Cancelling a session whose own thread is at work: whatever it is at, it ends with `Cancelled`, and
//! nothing of it is left behind.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::mpsc;
use std::thread;

use common::{assert_same, buzz, drain, mika, speak, unpaced};
use essence::{ErrorKind, Frame, FrameRequest};

const RATE: u32 = 16_000;

#[test]
fn a_session_that_was_cancelled_in_a_run_goes_on_like_a_new_one() {
    let avatar = mika();
    let (voice, long) = (buzz(6_400, RATE), buzz(800_000, RATE));
    let expected = speak(&unpaced(&avatar), &voice, RATE);
    let session = unpaced(&avatar);
    thread::scope(|scope| {
        let (cancel, cancellations) = mpsc::channel();
        let other = &session;
        scope.spawn(move || {
            while cancellations.recv().is_ok() {
                other.cancel();
            }
        });
        let mut frame = Frame::new();
        for round in 0..10 {
            session.push_audio(&long, RATE, 1).unwrap();
            cancel.send(()).unwrap();
            // There is more to draw than the other thread needs to cancel it.
            let error = loop {
                match session.draw(&mut frame, FrameRequest::new()) {
                    Ok(next) => assert!(next.is_frame(), "round {round}: there is more to draw"),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), ErrorKind::Cancelled, "round {round}: {error}");
            let again = session.draw(&mut frame, FrameRequest::new()).unwrap_err();
            assert_eq!(again.kind(), ErrorKind::Cancelled, "round {round}: {again}");
            session.restart_clock();
            session.interrupt();
            drain(&session);
            assert_same(
                &speak(&session, &voice, RATE),
                &expected,
                "after a cancellation",
            );
        }
    });
}
