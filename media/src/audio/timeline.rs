//! The decoded samples that are the sound: the delay and padding of encoders are cut, silence that an
//! edit list asks for is put in.

use std::collections::VecDeque;

/// Silence is handed out in blocks of at most this many samples.
const BLOCK: u64 = 1 << 14;

/// A part of what is heard. Numbers are samples per channel at the decoder's rate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Span {
    /// This many samples of silence.
    Silence(u64),
    /// Decoded samples `from..to`.
    Media { from: u64, to: u64 },
}

impl Span {
    /// Everything from decoded sample `from` on.
    pub(super) fn from(from: u64) -> Self {
        Self::Media { from, to: u64::MAX }
    }
}

/// The spans of a stream in their order, and how far the decoder has come.
#[derive(Debug)]
pub(super) struct Timeline {
    spans: VecDeque<Span>,
    /// Index of the first sample of `decoded` that is not consumed.
    position: u64,
    decoded: Vec<f32>,
    consumed: usize,
}

impl Timeline {
    /// A timeline of `spans`, whose media parts must ascend; the whole stream if they don't.
    pub(super) fn new(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut spans: VecDeque<_> = spans.into_iter().collect();
        let mut end = 0;
        let ascend = spans.iter().all(|span| match *span {
            Span::Silence(_) => true,
            Span::Media { from, to } => {
                let fits = from >= end && to >= from;
                end = to;
                fits
            }
        });
        if !ascend || spans.is_empty() {
            spans = VecDeque::from([Span::from(0)]);
        }
        Self {
            spans,
            position: 0,
            decoded: Vec::new(),
            consumed: 0,
        }
    }

    /// Samples of the whole timeline, where it has an end.
    pub(super) fn length(&self) -> Option<u64> {
        self.spans.iter().try_fold(0u64, |sum, span| match *span {
            Span::Silence(n) => sum.checked_add(n),
            Span::Media { to: u64::MAX, .. } => None,
            Span::Media { from, to } => sum.checked_add(to - from),
        })
    }

    /// Takes the decoder's next block, which is left empty. Called when `next` wants more.
    pub(super) fn push(&mut self, block: &mut Vec<f32>) {
        self.decoded.clear();
        std::mem::swap(&mut self.decoded, block);
        self.consumed = 0;
    }

    /// Puts the next samples into `out`. `false`: more has to be decoded first.
    pub(super) fn next(&mut self, out: &mut Vec<f32>) -> bool {
        out.clear();
        loop {
            let left = (self.decoded.len() - self.consumed) as u64;
            match self.spans.front_mut() {
                None => return false,
                Some(Span::Silence(0)) => {
                    self.spans.pop_front();
                }
                Some(Span::Silence(n)) => {
                    let block = BLOCK.min(*n);
                    *n -= block;
                    out.resize(block as usize, 0.0);
                    return true;
                }
                Some(&mut Span::Media { to, .. }) if self.position >= to => {
                    self.spans.pop_front();
                }
                Some(_) if left == 0 => return false,
                Some(&mut Span::Media { from, .. }) if self.position < from => {
                    self.consume(left.min(from - self.position));
                }
                Some(&mut Span::Media { to, .. }) => {
                    let n = left.min(to - self.position);
                    out.extend_from_slice(&self.decoded[self.consumed..][..n as usize]);
                    self.consume(n);
                    return true;
                }
            }
        }
    }

    /// Whether nothing can follow, however much is decoded.
    pub(super) fn is_over(&self) -> bool {
        match self.spans.front() {
            None => true,
            Some(&Span::Media { to, .. }) => self.spans.len() == 1 && self.position >= to,
            Some(_) => false,
        }
    }

    fn consume(&mut self, samples: u64) {
        self.position += samples;
        self.consumed += samples as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The samples that are left of 0, 1, 2, … decoded in blocks of 7.
    fn play(spans: &[Span], decoded: u64) -> Vec<f32> {
        let mut timeline = Timeline::new(spans.iter().copied());
        let (mut out, mut block) = (Vec::new(), Vec::new());
        let mut begin = 0;
        loop {
            while timeline.next(&mut block) {
                out.extend_from_slice(&block);
            }
            if begin >= decoded || timeline.is_over() {
                return out;
            }
            let end = (begin + 7).min(decoded);
            let mut samples = (begin..end).map(|i| i as f32).collect();
            timeline.push(&mut samples);
            begin = end;
        }
    }

    #[test]
    fn delays_are_cut_and_silence_is_put_in() {
        let media = |from, to| Span::Media { from, to };
        assert_eq!(play(&[Span::from(18)], 20), [18.0, 19.0]);
        assert_eq!(
            play(&[media(3, 5), media(9, 11)], 30),
            [3.0, 4.0, 9.0, 10.0]
        );
        assert_eq!(play(&[Span::Silence(2), media(1, 2)], 9), [0.0, 0.0, 1.0]);
        assert_eq!(
            play(&[media(0, 1), Span::Silence(1), media(1, 2)], 9).len(),
            3
        );
        assert_eq!(play(&[media(5, 9)], 6), [5.0]);
        assert_eq!(play(&[Span::Silence(40_000)], 0).len(), 40_000);
    }

    #[test]
    fn spans_out_of_order_play_the_whole_stream() {
        let media = |from, to| Span::Media { from, to };
        assert_eq!(play(&[media(5, 9), media(0, 3)], 10).len(), 10);
        assert_eq!(play(&[], 10).len(), 10);
    }
}
