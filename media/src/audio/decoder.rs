//! Packets to samples: Symphonia's decoders, and two that it hasn't got.

use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder as SymphoniaDecoder, AudioDecoderOptions,
};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::packet::Packet;

use super::decoded::{Decoded, Failure};
use super::opus::Opus;

/// The decoder of a track.
pub(super) enum Decoder {
    Aac(Box<Aac>),
    Opus(Box<Opus>),
    Other(Box<dyn SymphoniaDecoder>),
}

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
