//! Messages that wait for a conversation's thread: the user's messages, which come first, and pieces of replies.
//!
//! Sound of the microphone is dropped, and counted, where far too much waits; a responder waits instead
//! (back-pressure). Neither keeps the user's other messages out, such as an interruption or the end of a
//! reply, which the conversation would miss for good.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use essence::Result;

use crate::ending::Ending;
use crate::event::{Input, ReplyId};
use crate::piece::Piece;

/// Blocks of microphone that wait, at most: 10 s of 40 ms.
const MAX_MICROPHONE: usize = 256;

/// Other messages of the user's that wait, at most. A page may not send so many.
const MAX_INPUTS: usize = 4_096;

/// Pieces of replies that wait, at most.
const MAX_PIECES: usize = 64;

/// A message to the conversation's thread.
pub(crate) enum Message {
    Input(Input),
    Piece(ReplyId, Piece),
    Complete(ReplyId, Result<()>),
    /// The look of the words before a silence, by the silence's number.
    Anticipated(u64, Ending),
}

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// A message came, or the queue was closed.
    came: Condvar,
    /// There is room for a piece, or the queue was closed.
    room: Condvar,
}

#[derive(Default)]
struct State {
    inputs: VecDeque<Input>,
    replies: VecDeque<Message>,
    /// Blocks of microphone among the inputs.
    microphone: usize,
    dropped: u64,
    closed: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Queue {
    /// Takes a message of the user's; false if it was dropped.
    pub(crate) fn input(&self, input: Input) -> bool {
        let mut state = self.state();
        let sound = matches!(input, Input::Microphone(_));
        let full = match sound {
            true => state.microphone >= MAX_MICROPHONE,
            false => state.inputs.len() - state.microphone >= MAX_INPUTS,
        };
        if full || state.closed {
            state.dropped += 1;
            return false;
        }
        state.microphone += usize::from(sound);
        state.inputs.push_back(input);
        self.came.notify_one();
        true
    }

    /// Takes a piece of a reply, or its end; waits for room. False if nobody waits for it any more.
    pub(crate) fn reply(&self, message: Message) -> bool {
        let full = |state: &mut State| state.replies.len() >= MAX_PIECES && !state.closed;
        let waited = self.room.wait_while(self.state(), full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return false;
        }
        state.replies.push_back(message);
        self.came.notify_one();
        true
    }

    /// The next message; waits for one. None when the queue was closed.
    pub(crate) fn next(&self) -> Option<Message> {
        let empty = |state: &mut State| {
            state.inputs.is_empty() && state.replies.is_empty() && !state.closed
        };
        let waited = self.came.wait_while(self.state(), empty);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        if let Some(input) = state.inputs.pop_front() {
            state.microphone -= usize::from(matches!(input, Input::Microphone(_)));
            return Some(Message::Input(input));
        }
        let message = state.replies.pop_front();
        self.room.notify_one();
        message
    }

    /// Ends it: what waits is dropped, and waiting threads go on.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.inputs.clear();
        state.replies.clear();
        self.came.notify_all();
        self.room.notify_all();
    }

    /// Messages of the user's that were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.state().dropped
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
