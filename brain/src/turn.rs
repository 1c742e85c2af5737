//! Turn-taking: from frames of voice and silence to pauses, interruptions and ends of turns.
//!
//! Time is counted in frames of the microphone's sound, so the same sound always gives the same result.

use std::collections::VecDeque;

use crate::ending::Ending;
use crate::voice::{FRAME, FRAME_MS, VoiceActivity, VoiceDetector};

/// Times of turn-taking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timing {
    /// Milliseconds of voice that pause the avatar.
    pub pause_ms: u64,
    /// Milliseconds of voice that interrupt it.
    pub interrupt_ms: u64,
    /// Milliseconds of silence after which a shorter sound, such as a cough, is forgotten.
    pub forget_ms: u64,
    /// Milliseconds of silence that end the user's turn.
    pub end_of_turn_ms: u64,
    /// The same where its words make a sentence, as far as a responder knows them by then.
    pub finished_ms: u64,
    /// The same where more words have to follow.
    pub unfinished_ms: u64,
    /// Milliseconds of voice that a turn has at least; less is a noise.
    pub least_ms: u64,
    /// Milliseconds after which a turn ends in any case.
    pub longest_ms: u64,
}

impl Default for Timing {
    /// 150 ms pause, 300 ms interrupt, 240 ms forget, 640 ms end a turn of **200 ms to 60 s**: 400 ms behind a
    /// sentence, 1,120 ms in the midst of one.
    fn default() -> Self {
        Self {
            pause_ms: 150,
            interrupt_ms: 300,
            forget_ms: 240,
            end_of_turn_ms: 640,
            finished_ms: 400,
            unfinished_ms: 1_120,
            least_ms: 200,
            longest_ms: 60_000,
        }
    }
}

/// Milliseconds before a voice is recognised that belong to its turn: soft beginnings of words.
const LEAD_MS: u64 = 320;

/// Milliseconds of silence by which a turn may be over; most pauses inside of words are shorter. What is begun
/// here is stopped where the voice goes on, but not at once: Whisper's encoder goes to its end.
const SILENCE_MS: u64 = 144;

/// A change that the user's voice makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// Voice for long enough to pause the avatar.
    Pause,
    /// The voice stopped before it interrupted.
    Resume,
    /// Voice for long enough to interrupt the avatar.
    Interrupt,
    /// The first silence after enough voice: the turn may be over. This is its sound, at 16 kHz.
    Silence(Vec<f32>),
    /// The voice goes on after such a silence, or the turn was forgotten.
    GoesOn,
    /// The turn is over; this is its sound, at 16 kHz.
    EndOfTurn(Vec<f32>),
}

/// The user's side of the turns.
pub(crate) struct TurnTaking {
    timing: Timing,
    detector: VoiceDetector,
    /// The latest sound before a turn.
    lead: VecDeque<f32>,
    /// The sound of the turn; empty while there is none.
    turn: Vec<f32>,
    voiced_ms: u64,
    silent_ms: u64,
    paused: bool,
    interrupted: bool,
    /// The latest change was `Silence`.
    waiting: bool,
    /// The look of the words before that silence.
    ending: Ending,
}

impl TurnTaking {
    pub(crate) fn new(timing: Timing, activity: Option<Box<dyn VoiceActivity>>) -> Self {
        Self {
            timing,
            detector: VoiceDetector::new(activity),
            lead: VecDeque::new(),
            turn: Vec::new(),
            voiced_ms: 0,
            silent_ms: 0,
            paused: false,
            interrupted: false,
            waiting: false,
            ending: Ending::Unknown,
        }
    }

    /// Hears sound. `speaking`: the avatar is; `wary`: it has only just begun.
    pub(crate) fn hear(&mut self, samples: &[f32], speaking: bool, wary: bool) -> Vec<Change> {
        let mut frames = Vec::with_capacity(samples.len() / FRAME + 1);
        self.detector.push(samples, wary, |frame, voiced| {
            frames.push((frame.to_vec(), voiced));
        });
        let mut changes = Vec::new();
        for (frame, voiced) in frames {
            self.step(&frame, voiced, speaking, &mut changes);
        }
        changes
    }

    fn step(&mut self, frame: &[f32], voiced: bool, speaking: bool, changes: &mut Vec<Change>) {
        if self.turn.is_empty() {
            if !voiced {
                let keep = LEAD_MS as usize * FRAME / FRAME_MS as usize;
                self.lead.extend(frame);
                let excess = self.lead.len().saturating_sub(keep);
                self.lead.drain(..excess);
                return;
            }
            self.turn.extend(self.lead.drain(..));
        }
        self.turn.extend(frame);
        if voiced {
            self.voiced_ms += FRAME_MS;
            self.silent_ms = 0;
            if std::mem::take(&mut self.waiting) {
                self.ending = Ending::Unknown;
                changes.push(Change::GoesOn);
            }
        } else {
            self.silent_ms += FRAME_MS;
        }
        let timing = self.timing;
        if speaking && !self.interrupted {
            if voiced && !self.paused && self.voiced_ms >= timing.pause_ms {
                self.paused = true;
                changes.push(Change::Pause);
            }
            if voiced && self.voiced_ms >= timing.interrupt_ms {
                self.interrupted = true;
                self.paused = false;
                changes.push(Change::Interrupt);
            }
        }
        let long_enough = self.voiced_ms >= timing.least_ms && (self.interrupted || !speaking);
        if !long_enough && self.silent_ms >= timing.forget_ms {
            self.forget(changes);
        } else if self.silent_ms >= self.silence_that_ends()
            || self.turn.len() as u64 * FRAME_MS / FRAME as u64 >= timing.longest_ms
        {
            self.end(changes);
        } else if long_enough && !self.waiting && self.silent_ms >= SILENCE_MS {
            self.waiting = true;
            changes.push(Change::Silence(self.turn.clone()));
        }
    }

    fn silence_that_ends(&self) -> u64 {
        match self.ending {
            Ending::Unknown => self.timing.end_of_turn_ms,
            Ending::Finished => self.timing.finished_ms,
            Ending::Unfinished => self.timing.unfinished_ms,
        }
    }

    /// The look of the words before the latest `Silence`.
    pub(crate) fn look(&mut self, ending: Ending) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.waiting {
            self.ending = ending;
            if self.silent_ms >= self.silence_that_ends() {
                self.end(&mut changes);
            }
        }
        changes
    }

    /// Ends the turn at once, if there is one.
    pub(crate) fn end_of_turn(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.voiced_ms >= self.timing.least_ms {
            self.end(&mut changes);
        } else {
            self.forget(&mut changes);
        }
        changes
    }

    /// Forgets what was heard, as when text takes the turn; a pause of the avatar ends.
    pub(crate) fn forget(&mut self, changes: &mut Vec<Change>) {
        if self.paused {
            changes.push(Change::Resume);
        }
        if self.waiting {
            changes.push(Change::GoesOn);
        }
        self.reset();
    }

    fn end(&mut self, changes: &mut Vec<Change>) {
        let turn = std::mem::take(&mut self.turn);
        // The work that was begun in the silence is the reply's now.
        self.waiting = false;
        self.forget(changes);
        changes.push(Change::EndOfTurn(turn));
    }

    fn reset(&mut self) {
        self.turn.clear();
        self.lead.clear();
        self.voiced_ms = 0;
        self.silent_ms = 0;
        self.paused = false;
        self.interrupted = false;
        self.waiting = false;
        self.ending = Ending::Unknown;
    }
}
