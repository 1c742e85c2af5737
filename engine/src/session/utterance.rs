//! One utterance on its way: its samples, and how far the resampler has read ahead in them.

use std::collections::VecDeque;

use crate::audio::AudioData;
use crate::audio::Downmix;
use crate::clock::{FRAME_DURATION, frame_count, frame_start};
use crate::drive::{Keys, Track};

/// Longest buffer that is kept for the next utterance, in samples (1 MiB); longer ones go back to
/// the system.
pub(super) const KEPT_SAMPLES: usize = 1 << 18;
/// One utterance on its way, from its first sample or keyframe to its flush: audio at one rate, and what
/// drives the mouth from outside.
#[derive(Debug)]
pub(super) struct Utterance {
    /// 0 before the first sample.
    pub(super) rate_hz: u32,
    /// The caller's samples that no frame has carried away yet.
    samples: VecDeque<f32>,
    /// The downmix of audio with several channels, which the networks hear, from the first sample on
    /// that the resampler has not been given. Mono audio is heard as it is.
    heard: Option<Heard>,
    /// How many of `samples` the resampler has been given.
    fed: usize,
    /// Samples pushed in all.
    total: u64,
    ended: bool,
    /// Frames come from `track` alone.
    without_sound: bool,
    track: Track,
    /// First sample and tag of each piece whose tag differs from the one before.
    tags: VecDeque<(u64, u64)>,
    /// Frames that were presented.
    presented: u64,
}

/// A downmix for the networks, and its samples.
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

/// The next input of the resampler.
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
            without_sound: false,
            track: Track::default(),
            tags: VecDeque::new(),
            presented: 0,
        }
    }

    /// Appends a piece, mixed down.
    pub(super) fn push(&mut self, audio: AudioData<'_>, channels: u16, tag: u64) {
        if self.is_new(tag) {
            self.tags.push_back((self.total, tag));
        }
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
        let audio = self.audio_size();
        Size {
            nanoseconds: audio.nanoseconds.max(self.ahead_ns(self.track.end_ns())),
            bytes: audio.bytes + self.track.bytes() + self.tags.len() * size_of::<(u64, u64)>(),
        }
    }

    /// Whether a tag differs from that of the audio before.
    fn is_new(&self, tag: u64) -> bool {
        self.tags.back().map_or(0, |&(_, last)| last) != tag
    }

    /// By how much it grows with `more` audio under a tag.
    pub(super) fn growth(&self, more: Size, tag: u64) -> Size {
        let before = self.size().nanoseconds;
        let after = self
            .audio_size()
            .nanoseconds
            .saturating_add(more.nanoseconds);
        Size {
            nanoseconds: after.saturating_sub(before),
            bytes: more
                .bytes
                .saturating_add(usize::from(self.is_new(tag)) * size_of::<(u64, u64)>()),
        }
    }

    /// By how much it grows with `keys`.
    pub(super) fn growth_by(&self, keys: &Keys) -> Size {
        let (end_ns, bytes) = self.track.size_with(keys);
        Size {
            nanoseconds: self
                .ahead_ns(end_ns)
                .saturating_sub(self.size().nanoseconds),
            bytes: bytes - self.track.bytes(),
        }
    }

    /// Takes keys that the track [accepts](Self::track).
    pub(super) fn drive(&mut self, keys: Keys, without_sound: bool) {
        self.track.push(keys);
        self.without_sound |= without_sound;
    }

    pub(super) fn track(&self) -> &Track {
        &self.track
    }

    /// Frames come from the track alone.
    pub(super) fn is_without_sound(&self) -> bool {
        self.without_sound
    }

    /// Whether audio was pushed.
    pub(super) fn has_audio(&self) -> bool {
        self.total > 0
    }

    /// Whether frame `frame` is driven from outside and has no sound: there is none, or it is over.
    /// None: that is not known yet.
    pub(super) fn is_silent(&self, frame: u64) -> Option<bool> {
        if self.total == 0 {
            let ready = self.ended || self.without_sound && self.track.is_ready(frame);
            return ready.then_some(true);
        }
        Some(self.ended && frame >= frame_count(self.total, self.rate_hz))
    }

    /// The tag of frame `frame`'s first sample, 0 without one.
    pub(super) fn tag(&self, frame: u64) -> u64 {
        if self.tags.is_empty() {
            return 0;
        }
        let sample = frame_start(frame, self.rate_hz);
        let after = self.tags.partition_point(|&(first, _)| first <= sample);
        let index = after.checked_sub(1);
        index.map_or(0, |index| self.tags[index].1)
    }

    /// Frees what only frames that were presented have needed.
    pub(super) fn presented(&mut self, frames: u64) {
        self.presented += frames;
        self.track.discard_before(self.presented);
        if self.tags.len() > 1 {
            let sample = frame_start(self.presented, self.rate_hz);
            while self.tags.len() > 1 && self.tags[1].0 <= sample {
                self.tags.pop_front();
            }
        }
    }

    fn audio_size(&self) -> Size {
        Size::of(
            self.samples.len(),
            self.rate_hz.max(1),
            self.heard.is_some(),
        )
    }

    /// From the frame that is to be presented next to a time since the utterance's start.
    fn ahead_ns(&self, end_ns: u64) -> u64 {
        end_ns.saturating_sub(self.presented * FRAME_DURATION.as_nanos() as u64)
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
        self.ended
            .then(|| frame_count(self.total, self.rate_hz.max(1)).max(self.track.frames()))
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
