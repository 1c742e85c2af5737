//! Opus of any number of channels: the streams of a packet taken apart, decoded and put in order.

use opus_decoder::OpusDecoder;
use symphonia::core::codecs::audio::AudioCodecParameters;

use super::decoded::{Decoded, Failure};

/// Opus always decodes to this rate (RFC 7845 5.1).
const OPUS_RATE_HZ: u32 = 48_000;
/// A packet of Opus has at most 120 ms (RFC 6716 2).
const OPUS_MAX_SAMPLES: usize = OPUS_RATE_HZ as usize * 120 / 1000;
/// A channel of a mapping that is silent (RFC 7845 5.1.1).
const SILENT: u8 = 255;

/// The decoder of a track.
pub(super) struct Opus {
    streams: Vec<Stream>,
    /// For each channel the decoded one that it is, counted through all streams.
    mapping: Vec<u8>,
    /// The factor of the samples.
    gain: f32,
}

/// One of the streams that packets hold.
struct Stream {
    decoder: OpusDecoder,
    channels: usize,
    /// The samples of a packet, interleaved.
    samples: Vec<f32>,
}

impl Opus {
    /// Reads the identification header (RFC 7845 5.1).
    ///
    /// # Errors
    /// The header is too short, or no decoder takes its streams.
    pub(super) fn new(parameters: &AudioCodecParameters) -> Result<Self, Failure> {
        let head = parameters.extra_data.as_deref().unwrap_or(&[]);
        let (Some(&channels), Some(&[low, high])) = (head.get(9), head.get(16..18)) else {
            return Err("Opus without its header".into());
        };
        // MP4 stores the same fields in the other order; encoders write no gain there.
        let gain = i16::from_le_bytes([low, high]);
        let channels = usize::from(channels);
        let family = head.get(18).copied().unwrap_or(0);
        let (streams, coupled, mapping) = match (family, channels) {
            (0, 1 | 2) => (1, channels - 1, (0..channels as u8).collect()),
            (0, _) => {
                return Err(format!("Opus of {channels} channels without their mapping").into());
            }
            _ => {
                let (Some(&[streams, coupled]), Some(mapping)) =
                    (head.get(19..21), head.get(21..21 + channels))
                else {
                    return Err("Opus whose header ends before its channels' mapping".into());
                };
                (usize::from(streams), usize::from(coupled), mapping.to_vec())
            }
        };
        let decoded = streams + coupled;
        let known = |&channel: &u8| channel == SILENT || usize::from(channel) < decoded;
        if streams == 0 || coupled > streams || mapping.is_empty() || !mapping.iter().all(known) {
            return Err("Opus whose channels' mapping contradicts itself".into());
        }
        let streams = (0..streams).map(|stream| {
            let channels = if stream < coupled { 2 } else { 1 };
            Ok(Stream {
                decoder: OpusDecoder::new(OPUS_RATE_HZ, channels)?,
                channels,
                samples: Vec::new(),
            })
        });
        Ok(Self {
            streams: streams.collect::<Result<_, Failure>>()?,
            mapping,
            gain: 10f32.powf(f32::from(gain) / (20.0 * 256.0)),
        })
    }

    pub(super) fn decode(&mut self, packet: &[u8], interleaved: &mut Vec<f32>) -> Decoded {
        let Some(samples) = self.decode_streams(packet) else {
            return Decoded::Damaged;
        };
        let planes: Vec<_> = self
            .streams
            .iter()
            .flat_map(|stream| (0..stream.channels).map(move |channel| (stream, channel)))
            .collect();
        for i in 0..samples {
            interleaved.extend(self.mapping.iter().map(|&channel| {
                let plane = planes.get(usize::from(channel));
                plane.map_or(0.0, |(stream, channel)| {
                    self.gain * stream.samples[i * stream.channels + channel]
                })
            }));
        }
        Decoded::Samples {
            rate_hz: OPUS_RATE_HZ,
            channels: self.mapping.len(),
        }
    }

    /// Decodes a packet of each stream; gives the number of samples, the same of all.
    fn decode_streams(&mut self, packet: &[u8]) -> Option<usize> {
        let mut rest = packet;
        let mut count = None;
        let last = self.streams.len() - 1;
        for (number, stream) in self.streams.iter_mut().enumerate() {
            let samples = if number == last {
                stream.decode(rest)?
            } else {
                let (own, after) = split(rest)?;
                rest = after;
                stream.decode(&own)?
            };
            if *count.get_or_insert(samples) != samples {
                return None;
            }
        }
        count
    }
}

impl Stream {
    fn decode(&mut self, packet: &[u8]) -> Option<usize> {
        // An empty packet is a lost one to the decoder, which would make up its sound.
        if packet.is_empty() {
            return None;
        }
        self.samples.resize(OPUS_MAX_SAMPLES * self.channels, 0.0);
        let samples = self.decoder.decode_float(packet, &mut self.samples, false);
        let samples = samples.ok()?;
        (samples <= OPUS_MAX_SAMPLES).then_some(samples)
    }
}

/// Splits the first packet off, which tells its length (RFC 6716 appendix B), and makes an ordinary one
/// of it. None where it is damaged.
fn split(packet: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (&toc, rest) = packet.split_first()?;
    let mut own = vec![toc];
    let (length, rest) = match toc & 3 {
        // One frame, or two of one length.
        0 => frame_length(rest)?,
        1 => {
            let (length, rest) = frame_length(rest)?;
            (2 * length, rest)
        }
        // Two frames; an ordinary packet tells the first one's length.
        2 => {
            let (first, after) = frame_length(rest)?;
            own.extend_from_slice(&rest[..rest.len() - after.len()]);
            let (second, after) = frame_length(after)?;
            (first + second, after)
        }
        _ => {
            let (&kind, mut rest) = rest.split_first()?;
            own.push(kind);
            let frames = usize::from(kind & 0x3f);
            let mut length = 0;
            if kind & 0x40 != 0 {
                loop {
                    let (&padding, after) = rest.split_first()?;
                    own.push(padding);
                    rest = after;
                    if padding < 255 {
                        length += usize::from(padding);
                        break;
                    }
                    length += 254;
                }
            }
            if kind & 0x80 == 0 {
                let (each, after) = frame_length(rest)?;
                (length + frames * each, after)
            } else {
                for _ in 1..frames {
                    let (frame, after) = frame_length(rest)?;
                    own.extend_from_slice(&rest[..rest.len() - after.len()]);
                    length += frame;
                    rest = after;
                }
                let (last, after) = frame_length(rest)?;
                (length + last, after)
            }
        }
    };
    let (frames, rest) = rest.split_at_checked(length)?;
    own.extend_from_slice(frames);
    Some((own, rest))
}

/// The length of a frame in one or two bytes (RFC 6716 3.2.1), and what follows.
fn frame_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 252 {
        return Some((usize::from(first), rest));
    }
    let (&second, rest) = rest.split_first()?;
    Some((usize::from(first) + 4 * usize::from(second), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_tell_their_length_become_ordinary_ones() {
        for (packet, ordinary) in [
            (&[0xfc, 2, 7, 8][..], &[0xfc, 7, 8][..]),
            (&[0xfd, 1, 7, 8], &[0xfd, 7, 8]),
            (&[0xfe, 1, 2, 7, 8, 9], &[0xfe, 1, 7, 8, 9]),
            // Three frames of a constant length, with two bytes of padding.
            (
                &[0xff, 0x43, 2, 1, 7, 8, 9, 0, 0],
                &[0xff, 0x43, 2, 7, 8, 9, 0, 0],
            ),
            // Three of their own lengths.
            (
                &[0xff, 0x83, 1, 0, 2, 7, 8, 9],
                &[0xff, 0x83, 1, 0, 7, 8, 9],
            ),
        ] {
            let followed = [packet, &[0xaa, 0xbb]].concat();
            let (own, rest) = split(&followed).expect("a packet");
            assert_eq!((&own[..], rest), (ordinary, &[0xaa, 0xbb][..]));
            for cut in 0..packet.len() {
                assert!(split(&packet[..cut]).is_none(), "{packet:?} cut at {cut}");
            }
        }
        let long = [&[0xfc, 252, 1][..], &[5; 256]].concat();
        assert_eq!(split(&long).expect("a packet").0.len(), 257);
    }
}
