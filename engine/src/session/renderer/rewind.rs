//! Back to what was presented last: where other threads interrupt, mute or pause, and where a frame is
//! cancelled before it is presented.

use std::sync::Mutex;

use super::{Renderer, lock};
use crate::motion::mouth::CLOSING;
use crate::session::input::Input;
use crate::session::prepare_request::PrepareRequest;
use crate::session::ring::{PreparedFrame, Ring};

impl Renderer {
    /// Follows what the other threads did since the last frame. An interruption drops what is prepared;
    /// a change (mute, pause) takes it back, its sound too. Mouth and motion go on from the frame that
    /// was presented last.
    pub(super) fn follow(&mut self, input: &Mutex<Input>, request: PrepareRequest<'_>) {
        let mut input = lock(input);
        if input.interruptions != self.interruptions {
            self.interruptions = input.interruptions;
            let mut ring = lock(request.ring);
            ring.discard_interrupted(self.interruptions);
            self.restore(&ring, request);
            self.start_utterance();
            self.interrupted = true;
            self.closing = if self.mouth.patch_opacity() > 0.0 {
                CLOSING
            } else {
                0
            };
        }
        if input.changes != self.changes {
            self.changes = input.changes;
            let mut ring = lock(request.ring);
            let mut taken_back = false;
            while let Some(frame) = ring.pop_last() {
                self.take_back(&mut input, &frame);
                ring.recycle(frame);
                taken_back = true;
            }
            if taken_back {
                self.restore(&ring, request);
            }
        }
    }

    /// Takes back the frame that was prepared last and is not presented; it is prepared anew then.
    pub(in crate::session) fn undo(
        &mut self,
        input: &Mutex<Input>,
        request: PrepareRequest<'_>,
        frame: &PreparedFrame,
    ) {
        let mut input = lock(input);
        self.take_back(&mut input, frame);
        self.restore(&lock(request.ring), request);
    }

    /// Gives a frame's sound and gesture back, unless an interruption dropped them.
    fn take_back(&mut self, input: &mut Input, frame: &PreparedFrame) {
        if frame.speech_frames > 0 && frame.interruptions == input.interruptions {
            input.give_back(&frame.audio);
            self.frame -= frame.speech_frames;
            self.ended = false;
        }
        if frame.interruptions == input.interruptions {
            input.gesture = input.gesture.or(frame.gesture);
        }
    }

    /// Sets mouth and motion as they were after the last frame that stays.
    fn restore(&mut self, ring: &Ring, request: PrepareRequest<'_>) {
        let presented = lock(request.presented);
        let state = ring.last().map_or(&*presented, |frame| &frame.state);
        self.mouth.copy_from(&state.mouth);
        self.animation = state.animation;
    }
}
