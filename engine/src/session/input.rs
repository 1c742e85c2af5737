//! The input of a session, which pushing fills and drawing takes: the queue of utterances, the controls.

use std::collections::VecDeque;

use super::utterance::{KEPT_SAMPLES, Size, Utterance};
use crate::audio::AudioData;
use crate::drive::Keys;
use crate::motion::emotion::Mood;
use crate::options::SessionOptions;
use crate::{Error, ErrorKind, Result};

/// Emptied buffers that are kept at most.
const KEPT_BUFFERS: usize = 2;

/// Shared by both sides under one short lock.
#[derive(Debug, Default)]
pub(super) struct Input {
    utterances: VecDeque<Utterance>,
    /// The sum of what the utterances hold.
    waiting: Size,
    /// Emptied buffers, to be used again.
    spare: Vec<VecDeque<f32>>,
    /// Number of interruptions.
    pub(super) interruptions: u64,
    /// Number of changes by [`set_muted`](Self::set_muted) and [`set_paused`](Self::set_paused):
    /// frames prepared before the last one are prepared anew.
    pub(super) changes: u64,
    /// The gesture that was requested and that no frame has taken yet.
    pub(super) gesture: Option<usize>,
    /// Gestures that the utterance pushed last has had, each once.
    performed: Vec<usize>,
    /// The emotion that the face shows or goes towards.
    pub(super) mood: Mood,
    /// The motion that plays instead of idle and talking.
    pub(super) base_loop: Option<usize>,
    pub(super) muted: bool,
    pub(super) paused: bool,
    /// The clock is to start anew.
    pub(super) restart: bool,
}

/// Most audio that may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueLimits {
    seconds: u32,
    bytes: usize,
    utterances: usize,
}

impl QueueLimits {
    pub(super) fn of(options: &SessionOptions) -> Self {
        Self {
            seconds: options.queue_limit_s,
            bytes: options.queue_limit_bytes,
            utterances: options.queue_limit_utterances,
        }
    }
}

impl Input {
    /// Takes a piece of audio; says whether an utterance begins with it. The work doesn't depend on how
    /// much waits.
    pub(super) fn push(
        &mut self,
        audio: AudioData<'_>,
        rate_hz: u32,
        (channels, tag): (u16, u64),
        limits: QueueLimits,
    ) -> Result<bool> {
        let samples = audio.len() / usize::from(channels);
        let open = self.utterances.back().filter(|last| !last.has_ended());
        if open.is_some_and(Utterance::is_without_sound) {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "this utterance has begun without sound; flush before pushing audio",
            ));
        }
        if let Some(open) = open
            && open.has_audio()
            && open.rate_hz != rate_hz
        {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!(
                    "this utterance's audio comes at {} Hz; flush before pushing {rate_hz} Hz",
                    open.rate_hz
                ),
            ));
        }
        let more = Size::of(samples, rate_hz, channels > 1);
        let more = open.map_or(more, |open| open.growth(more, tag));
        let begins = open.is_none();
        self.check(more, begins, limits)?;
        if begins {
            let samples = self.spare.pop().unwrap_or_default();
            self.performed.clear();
            self.utterances.push_back(Utterance::new(rate_hz, samples));
        }
        let utterance = self.utterances.back_mut().expect("there is one now");
        let before = utterance.size();
        utterance.rate_hz = rate_hz;
        utterance.push(audio, channels, tag);
        let after = utterance.size();
        self.resized(before, after);
        Ok(begins)
    }

    /// Takes curves or visemes; says whether an utterance begins with them.
    pub(super) fn drive(
        &mut self,
        keys: Keys,
        without_sound: bool,
        limits: QueueLimits,
    ) -> Result<bool> {
        let open = self.utterances.back().filter(|last| !last.has_ended());
        if without_sound && open.is_some_and(Utterance::has_audio) {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "this utterance has sound; flush before driving one without",
            ));
        }
        let more = match open {
            Some(open) => {
                open.track().check(&keys)?;
                open.growth_by(&keys)
            }
            None => Utterance::new(0, VecDeque::new()).growth_by(&keys),
        };
        let begins = open.is_none();
        self.check(more, begins, limits)?;
        if begins {
            let samples = self.spare.pop().unwrap_or_default();
            self.performed.clear();
            self.utterances.push_back(Utterance::new(0, samples));
        }
        let utterance = self.utterances.back_mut().expect("there is one now");
        let before = utterance.size();
        utterance.drive(keys, without_sound);
        let after = utterance.size();
        self.resized(before, after);
        Ok(begins)
    }

    /// Notes that `frames` of the front utterance were presented.
    pub(super) fn presented(&mut self, frames: u64) {
        if let Some(utterance) = self.utterances.front_mut() {
            let before = utterance.size();
            utterance.presented(frames);
            let after = utterance.size();
            self.resized(before, after);
        }
    }

    /// Number of utterances that wait, the one that is being rendered among them.
    pub(super) fn utterances(&self) -> usize {
        self.utterances.len()
    }

    /// Whether `more` audio, which begins an utterance if it is `new`, exceeds a limit.
    fn check(&self, more: Size, new: bool, limits: QueueLimits) -> Result<()> {
        const ADVICE: &str = "draw frames first (nothing of this push was taken)";
        let waiting = self.waiting;
        let limit_ns = u64::from(limits.seconds) * 1_000_000_000;
        let message = if waiting.nanoseconds.saturating_add(more.nanoseconds) > limit_ns {
            format!(
                "{:.1} s of audio wait to be rendered, {:.1} s more exceed the limit of {} s; {ADVICE}",
                waiting.seconds(),
                more.seconds(),
                limits.seconds
            )
        } else if waiting.bytes.saturating_add(more.bytes) > limits.bytes {
            format!(
                "{} bytes of audio wait to be rendered, {} more exceed the limit of {} bytes; {ADVICE}",
                waiting.bytes, more.bytes, limits.bytes
            )
        } else if new && self.utterances.len() >= limits.utterances {
            format!(
                "{} utterances wait to be rendered, which is the limit; {ADVICE}",
                self.utterances.len()
            )
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::LimitExceeded, message))
    }

    /// Keeps the sum of what waits, where an utterance has changed.
    fn resized(&mut self, before: Size, after: Size) {
        let waiting = &mut self.waiting;
        waiting.nanoseconds = waiting.nanoseconds - before.nanoseconds + after.nanoseconds;
        waiting.bytes = waiting.bytes - before.bytes + after.bytes;
    }

    /// Ends the utterance that is being pushed, if there is one.
    pub(super) fn flush(&mut self) {
        if let Some(utterance) = self.utterances.back_mut() {
            utterance.end();
        }
    }

    /// Drops everything. Gives the memory that is not kept, to be freed without the lock.
    #[must_use = "freeing it can take long"]
    pub(super) fn interrupt(&mut self) -> Vec<VecDeque<f32>> {
        let mut freed = Vec::new();
        while !self.utterances.is_empty() {
            freed.extend(self.finish());
        }
        self.gesture = None;
        self.performed.clear();
        self.interruptions += 1;
        freed
    }

    /// Requests a gesture; during an utterance only once, unless `again`.
    pub(super) fn perform(&mut self, gesture: usize, again: bool) {
        let known = self.performed.contains(&gesture);
        if !self.utterances.is_empty() {
            if known && !again {
                return;
            }
            if !known {
                self.performed.push(gesture);
            }
        }
        self.gesture = Some(gesture);
    }

    /// Mutes speech or lets it be heard.
    pub(super) fn set_muted(&mut self, muted: bool) {
        self.changes += u64::from(self.muted != muted);
        self.muted = muted;
    }

    /// Holds speech back or lets it go on.
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.changes += u64::from(self.paused != paused);
        self.paused = paused;
    }

    /// The utterance that is being rendered.
    pub(super) fn front(&mut self) -> Option<&mut Utterance> {
        self.utterances.front_mut()
    }

    /// Moves a frame's `samples` of the front utterance to `out`; its end may leave fewer.
    pub(super) fn take(&mut self, samples: u64, out: &mut Vec<f32>) {
        if let Some(utterance) = self.utterances.front_mut() {
            let before = utterance.size();
            utterance.take(samples, out);
            let after = utterance.size();
            self.resized(before, after);
        }
    }

    /// Puts samples that were [taken](Self::take) last back in front of the front utterance.
    pub(super) fn give_back(&mut self, samples: &[f32]) {
        if let Some(utterance) = self.utterances.front_mut() {
            let before = utterance.size();
            utterance.give_back(samples);
            let after = utterance.size();
            self.resized(before, after);
        }
    }

    /// Drops the utterance that is being rendered. Gives its buffer if that is not kept.
    pub(super) fn finish(&mut self) -> Option<VecDeque<f32>> {
        let utterance = self.utterances.pop_front()?;
        self.resized(utterance.size(), Size::default());
        let samples = utterance.into_buffer();
        if self.spare.len() < KEPT_BUFFERS && samples.capacity() <= KEPT_SAMPLES {
            self.spare.push(samples);
            return None;
        }
        Some(samples)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const LIMITS: QueueLimits = QueueLimits {
        seconds: 600,
        bytes: 1 << 30,
        utterances: 1_000,
    };

    fn capacity(input: &Input) -> usize {
        let queued = input.utterances.iter().map(|u| u.capacity());
        queued.sum::<usize>() + input.spare.iter().map(VecDeque::capacity).sum::<usize>()
    }

    /// A minute at 48 kHz is 11 MiB; what is drawn goes back to the system.
    #[test]
    fn buffers_shrink_as_they_are_drawn() {
        let mut input = Input::default();
        let minute = vec![0.1; 48_000 * 60];
        for _ in 0..3 {
            input
                .push((&minute[..]).into(), 48_000, (1, 0), LIMITS)
                .unwrap();
            input.flush();
        }
        let mut out = Vec::new();
        for _ in 0..3 {
            for _ in 0..1_500 {
                out.clear();
                input.take(1_920, &mut out);
                assert_eq!(out.len(), 1_920, "a frame's samples");
                let left = input.waiting.bytes / size_of::<f32>();
                let most = 4 * left + (KEPT_BUFFERS + 1) * KEPT_SAMPLES;
                assert!(capacity(&input) <= most, "{} for {left}", capacity(&input));
            }
            drop(input.finish());
        }
        assert!(capacity(&input) <= KEPT_BUFFERS * KEPT_SAMPLES);
        assert_eq!((input.waiting.bytes, input.waiting.nanoseconds), (0, 0));
    }

    /// Waiting audio is summed up as it comes and goes, at rates that share no unit of time.
    #[test]
    fn the_sum_of_what_waits_is_exact() {
        let mut input = Input::default();
        let mut out = Vec::new();
        for (round, rate) in (0..300).zip([8_000, 44_100, 12_347, 192_000, 11_025].iter().cycle()) {
            input
                .push((&vec![0.0; 100 + round][..]).into(), *rate, (1, 0), LIMITS)
                .unwrap();
            input.flush();
            if round % 3 == 0 {
                out.clear();
                input.take(7, &mut out);
            }
            if round % 6 == 0 {
                input.give_back(&out);
            }
            if round % 2 == 0 {
                drop(input.finish());
            }
        }
        let sizes = input.utterances.iter().map(Utterance::size);
        let (nanoseconds, bytes) = sizes.fold((0, 0), |sum, size| {
            (sum.0 + size.nanoseconds, sum.1 + size.bytes)
        });
        assert_eq!(input.waiting.nanoseconds, nanoseconds);
        assert_eq!(input.waiting.bytes, bytes);
        assert!(bytes > 0, "some wait");
        drop(input.interrupt());
        assert_eq!((input.waiting.bytes, input.waiting.nanoseconds), (0, 0));
    }

    #[test]
    fn an_interruption_keeps_two_buffers_and_frees_the_rest() {
        let mut input = Input::default();
        for length in [100, 2 * KEPT_SAMPLES, 100, 100] {
            input
                .push((&vec![0.0; length][..]).into(), 48_000, (1, 0), LIMITS)
                .unwrap();
            input.flush();
        }
        assert_eq!(input.interrupt().len(), 2, "a long one and a third one");
        assert_eq!(input.spare.len(), KEPT_BUFFERS);
        for _ in 0..3 {
            input.perform(1, true);
        }
        assert!(input.performed.is_empty(), "no utterance has had it");
        input
            .push((&[0.0][..]).into(), 48_000, (1, 0), LIMITS)
            .unwrap();
        for _ in 0..100 {
            input.perform(1, true);
        }
        assert_eq!(input.performed, [1], "it is noted once");
    }
}
