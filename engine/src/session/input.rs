//! What the pushing side leaves for the drawing side: utterances, and a word when they are to be
//! dropped.

use std::collections::VecDeque;

use crate::audio::AudioData;
use crate::clock::frame_count;
use crate::{Error, ErrorKind, Result};

/// Shared by both sides under one short lock.
#[derive(Debug, Default)]
pub(super) struct Input {
    utterances: VecDeque<Utterance>,
    /// Emptied buffers, to be used again.
    spare: Vec<VecDeque<f32>>,
    /// Counts interruptions.
    pub(super) generation: u64,
    /// Counts what changes frames that are prepared already, without dropping them.
    pub(super) revision: u64,
    /// A gesture that was asked for.
    pub(super) gesture: Option<usize>,
    /// Gestures that the utterance pushed last has had.
    performed: Vec<usize>,
    /// The motion that plays instead of idle and talking.
    pub(super) base_loop: Option<usize>,
    pub(super) muted: bool,
    pub(super) paused: bool,
    pub(super) cancelled: bool,
    /// The clock is to start anew.
    pub(super) restart: bool,
}

/// One utterance on its way: audio at one rate, from its first sample to its flush.
#[derive(Debug)]
pub(super) struct Utterance {
    pub(super) rate_hz: u32,
    /// The caller's samples that no frame has carried away yet.
    samples: VecDeque<f32>,
    /// How many of `samples` the resampler has been given.
    fed: usize,
    /// Samples pushed in all.
    total: u64,
    pub(super) ended: bool,
}

/// What the resampler may take next.
pub(super) enum Feed {
    /// These many samples were appended to the scratch buffer.
    Samples,
    /// The utterance has ended: silence.
    Silence,
    /// Nothing until more is pushed.
    Starved,
}

impl Input {
    pub(super) fn push(
        &mut self,
        audio: AudioData<'_>,
        rate_hz: u32,
        channels: u16,
        limit_s: u32,
    ) -> Result<()> {
        let samples = (audio.len() / usize::from(channels)) as u64;
        let waiting: f64 = self.utterances.iter().map(Utterance::seconds).sum();
        let seconds = samples as f64 / f64::from(rate_hz);
        if waiting + seconds > f64::from(limit_s) {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "{waiting:.1} s of audio wait to be rendered, {seconds:.1} s more exceed the limit of {limit_s} s; draw \
                     frames first (nothing of this push was taken)"
                ),
            ));
        }
        match self.utterances.back() {
            Some(open) if !open.ended => {
                if open.rate_hz != rate_hz {
                    return Err(Error::new(
                        ErrorKind::InvalidState,
                        format!(
                            "this utterance's audio comes at {} Hz; flush before pushing {rate_hz} Hz",
                            open.rate_hz
                        ),
                    ));
                }
            }
            _ => {
                let samples = self.spare.pop().unwrap_or_default();
                self.performed.clear();
                self.utterances.push_back(Utterance {
                    rate_hz,
                    samples,
                    fed: 0,
                    total: 0,
                    ended: false,
                });
            }
        }
        let utterance = self.utterances.back_mut().expect("there is one now");
        audio.mix_down(channels, &mut utterance.samples);
        utterance.total += samples;
        Ok(())
    }

    /// Ends the utterance that is being pushed, if there is one.
    pub(super) fn flush(&mut self) {
        if let Some(utterance) = self.utterances.back_mut() {
            utterance.ended = true;
        }
    }

    /// Ends the utterance that is being rendered: it has waited too long for audio.
    pub(super) fn give_up(&mut self) {
        if let Some(utterance) = self.utterances.front_mut() {
            utterance.ended = true;
        }
    }

    /// Drops everything.
    pub(super) fn interrupt(&mut self) {
        while !self.utterances.is_empty() {
            self.finish();
        }
        self.gesture = None;
        self.performed.clear();
        self.generation += 1;
    }

    /// Asks for a gesture; during an utterance only once, unless `again`.
    pub(super) fn perform(&mut self, gesture: usize, again: bool) {
        let speaking = !self.utterances.is_empty();
        if speaking && !again && self.performed.contains(&gesture) {
            return;
        }
        if speaking {
            self.performed.push(gesture);
        }
        self.gesture = Some(gesture);
    }

    /// Mutes speech or lets it be heard.
    pub(super) fn set_muted(&mut self, muted: bool) {
        self.revision += u64::from(self.muted != muted);
        self.muted = muted;
    }

    /// Holds speech back or lets it go on.
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.revision += u64::from(self.paused != paused);
        self.paused = paused;
    }

    /// The utterance that is being rendered.
    pub(super) fn front(&mut self) -> Option<&mut Utterance> {
        self.utterances.front_mut()
    }

    /// Drops the utterance that is being rendered.
    pub(super) fn finish(&mut self) {
        if let Some(Utterance { mut samples, .. }) = self.utterances.pop_front() {
            samples.clear();
            self.spare.push(samples);
        }
    }
}

impl Utterance {
    fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate_hz)
    }

    /// Appends up to `at_most` samples for the resampler to `scratch`.
    pub(super) fn feed(&mut self, at_most: usize, scratch: &mut Vec<f32>) -> Feed {
        let end = self.samples.len().min(self.fed + at_most);
        if end > self.fed {
            scratch.extend(self.samples.range(self.fed..end));
            self.fed = end;
            return Feed::Samples;
        }
        if self.ended {
            Feed::Silence
        } else {
            Feed::Starved
        }
    }

    /// Number of frames, once that is known.
    pub(super) fn frames(&self) -> Option<u64> {
        self.ended.then(|| frame_count(self.total, self.rate_hz))
    }

    /// Moves a frame's `samples` to `out`; the utterance's end may leave fewer.
    pub(super) fn take(&mut self, samples: u64, out: &mut Vec<f32>) {
        let count =
            usize::try_from(samples).map_or(self.samples.len(), |n| n.min(self.samples.len()));
        out.extend(self.samples.drain(..count));
        self.fed = self.fed.saturating_sub(count);
    }

    /// Takes back what a frame was given [last](Self::take).
    pub(super) fn give_back(&mut self, samples: &[f32]) {
        for &sample in samples.iter().rev() {
            self.samples.push_front(sample);
        }
        self.fed += samples.len();
    }
}
