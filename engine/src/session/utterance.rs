//! One utterance on its way: its samples, and how far the resampler has read ahead in them.

use std::collections::VecDeque;

use crate::audio::AudioData;
use crate::audio::downmix::Downmix;
use crate::clock::frame_count;

/// Longest buffer that is kept for the next utterance, in samples (1 MiB); longer ones go back to
/// the system.
pub(super) const KEPT_SAMPLES: usize = 1 << 18;
/// One utterance on its way: audio at one rate, from its first sample to its flush.
#[derive(Debug)]
pub(super) struct Utterance {
    pub(super) rate_hz: u32,
    /// The caller's samples that no frame has carried away yet.
    samples: VecDeque<f32>,
    /// What the networks hear of audio with several channels, from the first sample on that the resampler
    /// has not been given. Mono audio is heard as it is.
    heard: Option<Heard>,
    /// How many of `samples` the resampler has been given.
    fed: usize,
    /// Samples pushed in all.
    total: u64,
    ended: bool,
}

/// What the networks hear of several channels.
#[derive(Debug)]
struct Heard {
    downmix: Downmix,
    samples: VecDeque<f32>,
}

/// An amount of audio.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) nanoseconds: u64,
    pub(super) bytes: usize,
}

/// What the resampler gets next.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Feed {
    /// Samples, which were appended to the scratch buffer.
    Samples,
    /// Silence: the utterance has ended.
    Silence,
    /// Nothing until more is pushed.
    Starved,
}

impl Size {
    /// Of `samples` and, if they are `heard` apart, of what the networks hear of them.
    pub(super) fn of(samples: usize, rate_hz: u32, heard: bool) -> Self {
        let nanoseconds = samples as u128 * 1_000_000_000 / u128::from(rate_hz);
        Self {
            nanoseconds: u64::try_from(nanoseconds).unwrap_or(u64::MAX),
            bytes: samples.saturating_mul(size_of::<f32>() * (1 + usize::from(heard))),
        }
    }

    pub(super) fn seconds(self) -> f64 {
        self.nanoseconds as f64 * 1e-9
    }
}

impl Utterance {
    /// An utterance without audio yet, which is kept in `samples`.
    pub(super) fn new(rate_hz: u32, samples: VecDeque<f32>) -> Self {
        Self {
            rate_hz,
            samples,
            heard: None,
            fed: 0,
            total: 0,
            ended: false,
        }
    }

    /// Appends a piece, mixed down.
    pub(super) fn push(&mut self, audio: AudioData<'_>, channels: u16) {
        let before = self.samples.len();
        audio.mix_down(channels, &mut self.samples);
        self.hear(audio, channels, before);
        self.total += (audio.len() / usize::from(channels)) as u64;
    }

    /// Appends what the networks hear of a piece whose mean is in `samples` from `before` on.
    fn hear(&mut self, audio: AudioData<'_>, channels: u16, before: usize) {
        if channels == 1 && self.heard.is_none() {
            return;
        }
        let heard = self.heard.get_or_insert_with(|| Heard {
            downmix: Downmix::new(channels, self.rate_hz),
            samples: self.samples.range(self.fed..before).copied().collect(),
        });
        let width = usize::from(channels);
        if heard.downmix.channels() != width {
            heard.downmix = Downmix::new(channels, self.rate_hz);
        }
        let means = self.samples.range(before..).enumerate();
        let Heard { downmix, samples } = heard;
        samples.extend(means.map(|(index, &mean)| {
            downmix.next(|channel| audio.sample(index * width + channel), mean)
        }));
    }

    /// Its buffer, emptied.
    pub(super) fn into_buffer(mut self) -> VecDeque<f32> {
        self.samples.clear();
        self.samples
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.samples.capacity()
    }

    pub(super) fn size(&self) -> Size {
        Size::of(self.samples.len(), self.rate_hz, self.heard.is_some())
    }

    /// No more audio belongs to it.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether no more audio belongs to it.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Appends up to `at_most` samples for the resampler to `scratch`.
    pub(super) fn feed(&mut self, at_most: usize, scratch: &mut Vec<f32>) -> Feed {
        let end = self.samples.len().min(self.fed + at_most);
        if end > self.fed {
            match &mut self.heard {
                None => scratch.extend(self.samples.range(self.fed..end)),
                Some(heard) => {
                    scratch.extend(heard.samples.drain(..end - self.fed));
                    shrink(&mut heard.samples);
                }
            }
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

    /// Moves `samples` to `out`; the end may leave fewer.
    pub(super) fn take(&mut self, samples: u64, out: &mut Vec<f32>) {
        let length = self.samples.len();
        let count = usize::try_from(samples).map_or(length, |samples| samples.min(length));
        out.extend(self.samples.drain(..count));
        self.fed = self.fed.saturating_sub(count);
        shrink(&mut self.samples);
    }

    /// Puts samples that were [taken](Self::take) last back in front.
    pub(super) fn give_back(&mut self, samples: &[f32]) {
        for &sample in samples.iter().rev() {
            self.samples.push_front(sample);
        }
        self.fed += samples.len();
    }
}

/// Gives memory back that a long buffer no longer needs. Each time a quarter is left, half goes: the copies
/// sum up to half of the peak.
fn shrink(samples: &mut VecDeque<f32>) {
    let (left, capacity) = (samples.len(), samples.capacity());
    if capacity > KEPT_SAMPLES && left < capacity / 4 {
        samples.shrink_to(2 * left);
    }
}
