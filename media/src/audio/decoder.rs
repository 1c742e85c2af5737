//! Packets to samples: Symphonia's decoders, and two that it hasn't got.

use opus_decoder::{OpusDecoder, OpusError, OpusMultistreamDecoder};
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder as SymphoniaDecoder, AudioDecoderOptions,
};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::packet::Packet;

/// Opus always decodes to this rate (RFC 7845 5.1).
const OPUS_RATE_HZ: u32 = 48_000;
/// A packet of Opus has at most 120 ms (RFC 6716 2).
const OPUS_MAX_SAMPLES: usize = OPUS_RATE_HZ as usize * 120 / 1000;

/// The decoder of a track.
pub(super) enum Decoder {
    Aac(Box<Aac>),
    Opus(Box<Opus>),
    Other(Box<dyn SymphoniaDecoder>),
}

/// The result of decoding a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decoded {
    /// Samples of all channels, interleaved, at a rate.
    Samples { rate_hz: u32, channels: usize },
    /// The packet is damaged.
    Damaged,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Decoder {
    /// The decoder for a track.
    ///
    /// # Errors
    /// None for its codec, or not for these parameters.
    pub(super) fn new(parameters: &AudioCodecParameters) -> Result<Self, Failure> {
        Ok(match parameters.codec {
            CODEC_ID_AAC => Self::Aac(Box::new(Aac::new(parameters)?)),
            CODEC_ID_OPUS => Self::Opus(Box::new(Opus::new(parameters)?)),
            _ => {
                // Encoders' delays are cut by the timeline.
                let options = AudioDecoderOptions::default().gapless(false);
                let decoders = symphonia::default::get_codecs();
                Self::Other(decoders.make_audio_decoder(parameters, &options)?)
            }
        })
    }

    /// Decodes a packet into `interleaved`.
    ///
    /// # Errors
    /// The decoder can't go on.
    pub(super) fn decode(
        &mut self,
        packet: &Packet,
        interleaved: &mut Vec<f32>,
    ) -> Result<Decoded, Failure> {
        interleaved.clear();
        match self {
            Self::Aac(aac) => Ok(aac.decode(&packet.data, interleaved)),
            Self::Opus(opus) => Ok(opus.decode(&packet.data, interleaved)),
            Self::Other(decoder) => match decoder.decode(packet) {
                Ok(buffer) => {
                    let decoded = Decoded::Samples {
                        rate_hz: buffer.spec().rate(),
                        channels: buffer.num_planes(),
                    };
                    buffer.copy_to_vec_interleaved(interleaved);
                    Ok(decoded)
                }
                Err(SymphoniaError::DecodeError(_) | SymphoniaError::IoError(_)) => {
                    Ok(Decoded::Damaged)
                }
                Err(e) => Err(e.into()),
            },
        }
    }
}

/// AAC-LC and HE-AAC, any number of channels: Symphonia's decoder knows neither SBR nor more than
/// two channels.
pub(super) struct Aac {
    decoder: syom::Decoder,
    /// The `AudioSpecificConfig`.
    config: Vec<u8>,
}

impl Aac {
    fn new(parameters: &AudioCodecParameters) -> Result<Self, Failure> {
        let config = match &parameters.extra_data {
            Some(config) => config.to_vec(),
            None => adts_config(parameters).ok_or("AAC without a rate or channels")?,
        };
        let options = syom::DecodeOptions::unbounded();
        let decoder = syom::Decoder::from_asc(&config, options)?;
        Ok(Self { decoder, config })
    }

    fn decode(&mut self, packet: &[u8], interleaved: &mut Vec<f32>) -> Decoded {
        let mut decoded = Decoded::Damaged;
        let result = self.decoder.decode_au(packet, |frame| {
            decoded = Decoded::Samples {
                rate_hz: frame.sample_rate,
                channels: frame.planar.len(),
            };
            for i in 0..frame.samples {
                let sample = |plane: &&[f32]| plane.get(i).copied().unwrap_or(0.0);
                interleaved.extend(frame.planar.iter().map(sample));
            }
            Ok(())
        });
        if result.is_err() {
            interleaved.clear();
            decoded = Decoded::Damaged;
            self.decoder.reset();
            // The same configuration was accepted before.
            let _ = self.decoder.set_asc(&self.config);
        }
        decoded
    }
}

/// The `AudioSpecificConfig` (ISO/IEC 14496-3 1.6.2.1) of an ADTS stream, which has none: AAC-LC,
/// the rate's index, the number of channels.
fn adts_config(parameters: &AudioCodecParameters) -> Option<Vec<u8>> {
    const RATES_HZ: [u32; 13] = [
        96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
    ];
    let rate = parameters.sample_rate?;
    let rate = RATES_HZ.iter().position(|&hz| hz == rate)? as u8;
    let channels = match parameters.channels.as_ref()?.count() {
        n @ 1..=6 => n as u8,
        8 => 7,
        _ => return None,
    };
    Some(vec![2 << 3 | rate >> 1, rate << 7 | channels << 3])
}

/// Opus of any number of channels.
pub(super) struct Opus {
    decoder: OpusStreams,
    channels: usize,
    /// The factor of the samples.
    gain: f32,
}

/// The streams of a packet of Opus (RFC 7845 5.1.1).
enum OpusStreams {
    /// One of one or two channels.
    One(Box<OpusDecoder>),
    /// Several, each of one or two of the channels.
    Several(OpusMultistreamDecoder),
}

impl OpusStreams {
    /// From the identification header, whose channels are `count`.
    fn new(head: &[u8], count: usize) -> Result<Self, Failure> {
        if head.get(18).is_none_or(|&family| family == 0) {
            if !matches!(count, 1 | 2) {
                return Err(format!("Opus of {count} channels without their mapping").into());
            }
            let decoder = OpusDecoder::new(OPUS_RATE_HZ, count)?;
            return Ok(Self::One(Box::new(decoder)));
        }
        let (Some(&[streams, coupled]), Some(mapping)) =
            (head.get(19..21), head.get(21..21 + count))
        else {
            return Err("Opus whose header ends before its channels' mapping".into());
        };
        let [streams, coupled] = [streams, coupled].map(usize::from);
        let decoder = OpusMultistreamDecoder::new(OPUS_RATE_HZ, count, streams, coupled, mapping)?;
        Ok(Self::Several(decoder))
    }

    fn decode(&mut self, packet: &[u8], samples: &mut [f32]) -> Result<usize, OpusError> {
        match self {
            Self::One(decoder) => decoder.decode_float(packet, samples, false),
            Self::Several(decoder) => decoder.decode_float(packet, samples, false),
        }
    }
}

impl Opus {
    /// Reads the identification header (RFC 7845 5.1).
    fn new(parameters: &AudioCodecParameters) -> Result<Self, Failure> {
        let head = parameters.extra_data.as_deref().unwrap_or(&[]);
        let (Some(&channels), Some(&[low, high])) = (head.get(9), head.get(16..18)) else {
            return Err("Opus without its header".into());
        };
        // MP4 stores the same fields in the other order; encoders write no gain there.
        let gain = i16::from_le_bytes([low, high]);
        let channels = usize::from(channels);
        Ok(Self {
            decoder: OpusStreams::new(head, channels)?,
            channels,
            gain: 10f32.powf(f32::from(gain) / (20.0 * 256.0)),
        })
    }

    fn decode(&mut self, packet: &[u8], interleaved: &mut Vec<f32>) -> Decoded {
        // An empty packet is a lost one to the decoder, which would make up its sound.
        if packet.is_empty() {
            return Decoded::Damaged;
        }
        interleaved.resize(OPUS_MAX_SAMPLES * self.channels, 0.0);
        let Ok(samples) = self.decoder.decode(packet, interleaved) else {
            interleaved.clear();
            return Decoded::Damaged;
        };
        interleaved.truncate(samples * self.channels);
        if self.gain != 1.0 {
            interleaved.iter_mut().for_each(|x| *x *= self.gain);
        }
        Decoded::Samples {
            rate_hz: OPUS_RATE_HZ,
            channels: self.channels,
        }
    }
}
