//! The sound of a browser's microphone, as 16 kHz mono samples.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use essence::{Error, ErrorKind, Result};
use opus_decoder::OpusDecoder;

use crate::SOUND_RATE_HZ;
use crate::resample::Resampler;

/// Samples a second that [`Microphone`] gives, mono.
pub const MICROPHONE_RATE_HZ: u32 = 16_000;

/// Most samples of one Opus packet: 120 ms at 48 kHz (RFC 6716, 2.1.4).
const PACKET_SAMPLES: usize = 5_760;

/// Most samples of one piece of PCM: a second at 192 kHz.
const PIECE_SAMPLES: usize = 192_000;

/// Makes 16 kHz mono samples of Opus packets or PCM. Resampling delays by 1 ms.
///
/// Packets come from strangers: a damaged one gives an error, and the next one is decoded afresh.
pub struct Microphone {
    opus: Option<OpusDecoder>,
    resampler: Resampler,
    decoded: Vec<f32>,
}

impl Microphone {
    /// A microphone that has said nothing yet.
    pub fn new() -> Self {
        Self {
            opus: None,
            resampler: Resampler::new(SOUND_RATE_HZ, MICROPHONE_RATE_HZ),
            decoded: Vec::new(),
        }
    }

    /// Decodes one Opus packet of at most 120 ms, mono or stereo, and appends its samples to `out`.
    ///
    /// # Errors
    /// `UnsupportedFormat`: the packet is damaged. The next one starts with a new decoder.
    pub fn push_opus(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        if packet.is_empty() {
            // The decoder would take it for a lost packet and make sound up.
            return Err(damaged(
                "the microphone sent an empty Opus packet, which is damaged",
            ));
        }
        let mut decoder = match self.opus.take() {
            Some(decoder) => decoder,
            None => OpusDecoder::new(SOUND_RATE_HZ, 1)
                .map_err(|_| damaged("the Opus decoder does not start"))?,
        };
        let mut samples = std::mem::take(&mut self.decoded);
        samples.clear();
        samples.resize(PACKET_SAMPLES, 0.0);
        // The decoder has no unsafe code, but is not yet free of panics on damaged packets.
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            decoder.decode_float(packet, &mut samples, false)
        }));
        let result = match decoded {
            Ok(Ok(count))
                if samples[..count.min(PACKET_SAMPLES)]
                    .iter()
                    .all(|x| x.is_finite()) =>
            {
                self.opus = Some(decoder);
                self.resample(SOUND_RATE_HZ, &samples[..count.min(PACKET_SAMPLES)], out);
                Ok(())
            }
            _ => Err(damaged("the microphone sent a damaged Opus packet")),
        };
        self.decoded = samples;
        result
    }

    /// Takes 16-bit mono samples at `sample_rate_hz` (**8,000 to 192,000**), at most a second, and
    /// appends theirs at 16 kHz to `out`.
    ///
    /// # Errors
    /// - `InvalidArgument`: the rate is outside its domain.
    /// - `LimitExceeded`: more than a second of samples.
    pub fn push_pcm(
        &mut self,
        samples: impl ExactSizeIterator<Item = i16>,
        sample_rate_hz: u32,
        out: &mut Vec<f32>,
    ) -> Result<()> {
        if !(8_000..=192_000).contains(&sample_rate_hz) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "a microphone at {sample_rate_hz} Hz is outside 8,000 to 192,000; send 16,000 or 48,000"
                ),
            ));
        }
        if samples.len() > (sample_rate_hz as usize).min(PIECE_SAMPLES) {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "{} samples at {sample_rate_hz} Hz in one message are more than a second; send 20 ms at \
                     a time",
                    samples.len()
                ),
            ));
        }
        let mut piece = std::mem::take(&mut self.decoded);
        piece.clear();
        piece.extend(samples.map(|x| f32::from(x) / 32768.0));
        self.resample(sample_rate_hz, &piece, out);
        self.decoded = piece;
        Ok(())
    }

    fn resample(&mut self, rate_hz: u32, samples: &[f32], out: &mut Vec<f32>) {
        if self.resampler.input_rate_hz() != rate_hz {
            self.resampler = Resampler::new(rate_hz, MICROPHONE_RATE_HZ);
        }
        self.resampler.process(samples, out);
    }
}

impl Default for Microphone {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Microphone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Microphone").finish_non_exhaustive()
    }
}

#[cold]
fn damaged(message: &str) -> Error {
    Error::new(ErrorKind::UnsupportedFormat, message)
}
