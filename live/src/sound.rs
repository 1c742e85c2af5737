//! A frame's speech to 40 ms of Opus: any rate in, exactly 1920 samples at 48 kHz out for each frame.

use std::fmt;

use essence::{Error, ErrorKind, Result};
use opus_rs::{Application, OpusEncoder};

use crate::resample::Resampler;
use crate::{FRAME_SAMPLES, SOUND_RATE_HZ, Sound};

/// Most bytes of one Opus packet (RFC 6716, 3.4).
const PACKET_BYTES: usize = 1275;

/// Zeros ahead of a sample rate that frames don't divide: 12,345 Hz gives a frame 493 or 494 samples,
/// whose 1917 to 1921 samples at 48 kHz then always suffice for 1920.
const CUSHION: usize = 8;

pub(crate) struct SoundEncoder {
    opus: OpusEncoder,
    resampler: Resampler,
    /// Samples at 48 kHz that belong to the next frames.
    pending: Vec<f32>,
    /// One frame at the speech's rate.
    piece: Vec<f32>,
    /// Frames since `resampler` began, which say how many samples the next one has.
    frames: u64,
}

impl SoundEncoder {
    pub(crate) fn new(bitrate_bps: u32) -> Result<Self> {
        let mut opus =
            OpusEncoder::new(SOUND_RATE_HZ as i32, 1, Application::Voip).map_err(encoder_failed)?;
        opus.bitrate_bps = bitrate_bps.clamp(6_000, 128_000) as i32;
        opus.complexity = 5;
        Ok(Self {
            opus,
            resampler: Resampler::new(SOUND_RATE_HZ, SOUND_RATE_HZ),
            pending: Vec::new(),
            piece: Vec::new(),
            frames: 0,
        })
    }

    /// The sound of frames `index − skipped` to `index`. `audio` may be shorter than they are, or empty:
    /// the rest is silence.
    pub(crate) fn encode(
        &mut self,
        audio: &[f32],
        rate_hz: u32,
        index: u64,
        skipped: u64,
        encode: bool,
    ) -> Result<Vec<Sound>> {
        if rate_hz != 0 && rate_hz != self.resampler.input_rate_hz() {
            self.resampler = Resampler::new(rate_hz, SOUND_RATE_HZ);
            self.frames = 0;
            self.pending.clear();
            if !rate_hz.is_multiple_of(essence::clock::FRAME_RATE) {
                self.pending.resize(CUSHION, 0.0);
            }
        }
        let mut rest = audio;
        let mut sounds = Vec::new();
        for index in index.saturating_sub(skipped)..=index {
            self.take_piece(&mut rest);
            self.resampler.process(&self.piece, &mut self.pending);
            // Only a rate that frames don't divide could be short, and the cushion covers that.
            if self.pending.len() < FRAME_SAMPLES {
                self.pending.resize(FRAME_SAMPLES, 0.0);
            }
            if encode {
                sounds.push(self.packet(index)?);
            }
            self.pending.drain(..FRAME_SAMPLES);
        }
        Ok(sounds)
    }

    /// Fills `piece` with the next frame's samples, with zeros for what is missing.
    fn take_piece(&mut self, rest: &mut &[f32]) {
        let rate = u64::from(self.resampler.input_rate_hz());
        let frame_rate = u64::from(essence::clock::FRAME_RATE);
        let begin = self.frames * rate / frame_rate;
        let end = (self.frames + 1) * rate / frame_rate;
        self.frames += 1;
        let wanted = (end - begin) as usize;
        let (now, later) = rest.split_at(wanted.min(rest.len()));
        *rest = later;
        self.piece.clear();
        self.piece.extend_from_slice(now);
        self.piece.resize(wanted, 0.0);
    }

    fn packet(&mut self, index: u64) -> Result<Sound> {
        let samples = &self.pending[..FRAME_SAMPLES];
        let mut opus = vec![0; PACKET_BYTES];
        let bytes = self
            .opus
            .encode(samples, FRAME_SAMPLES, &mut opus)
            .map_err(encoder_failed)?;
        opus.truncate(bytes);
        let pcm = samples
            .iter()
            .map(|x| (x * 32768.0).round().clamp(-32768.0, 32767.0) as i16)
            .collect();
        Ok(Sound { index, opus, pcm })
    }
}

impl fmt::Debug for SoundEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoundEncoder").finish_non_exhaustive()
    }
}

#[cold]
fn encoder_failed(cause: &'static str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("the sound could not be encoded: {cause}"),
    )
}
