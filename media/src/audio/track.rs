//! The one track of a file that is heard, and what its container says of it.

use essence::{Error, ErrorKind, Result};
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_OPUS,
};
use symphonia::core::errors::Error as DemuxError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track as SymphoniaTrack, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{TimeBase, Timestamp};

use super::decoder::Decoder;
use super::guard::guarded;
use super::mp4_index::Mp4Track;
use super::names;
use super::source::{WavFacts, unread_codec};
use super::timeline::{Span, Timeline};

/// The formats that are read here, for messages.
const READ: &str = "wav, mp3, flac, ogg and opus, m4a and mp4, aac, aiff, caf, webm and mkv";

/// The demuxer for a file.
pub(super) fn demux(
    media: Box<dyn MediaSource>,
    extension: Option<&str>,
    unread: Option<&'static str>,
    name: &str,
) -> Result<Box<dyn FormatReader>> {
    let mut hint = Hint::new();
    if let Some(extension) = extension {
        hint.with_extension(extension);
    }
    let source = MediaSourceStream::new(media, Default::default());
    let (options, metadata) = (FormatOptions::default(), MetadataOptions::default());
    guarded(|| symphonia::default::get_probe().probe(&hint, source, options, metadata))
        .unwrap_or(Err(DemuxError::DecodeError("its reader failed")))
        .map_err(|e| {
            let what = match unread {
                Some(format) => format!(
                    "{name} is {format}, which isn't read; convert it, for example with \
                     `ffmpeg -i IN OUT.wav`"
                ),
                None => format!(
                    "{name} is not audio that can be read here ({READ}), or its beginning is \
                     damaged; convert it, for example with `ffmpeg -i IN OUT.wav`"
                ),
            };
            let error = Error::new(ErrorKind::UnsupportedFormat, what);
            match (unread, e) {
                // The file's kind tells more than what the demuxers miss.
                (Some(_), _) | (None, DemuxError::Unsupported(_)) => error,
                (None, e) => error.with_source(e),
            }
        })
}

/// A track and its decoder.
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) decoder: Decoder,
    /// As stated; the decoder knows better once it has a packet. 0: not stated.
    pub(super) rate_hz: u32,
    pub(super) channels: usize,
    timing: Timing,
    time_base: Option<TimeBase>,
}

/// The source of the sound's beginning and end.
enum Timing {
    /// An edit list.
    Mp4(Mp4Track),
    /// The length in the header of a WAV file.
    Wav { expected: Option<u64>, cut: bool },
    /// The tag in front of an MP3 file: the encoder's delay and padding, and what is between.
    Mpeg {
        delay: u64,
        length: Option<u64>,
        padding: u64,
    },
    /// The packets themselves; what the decoder needs in front, and the length, where the container
    /// states them.
    Packets { delay: u64, length: Option<u64> },
}

impl Track {
    /// The track of `format` that is heard.
    pub(super) fn new(
        format: &dyn FormatReader,
        tracks: &mut Vec<Mp4Track>,
        wav: Option<&WavFacts>,
        name: &str,
    ) -> Result<Self> {
        let info = format.format_info();
        let mp4 = info.short_name == "isomp4";
        // The name of a track's codec, and the error for one that isn't read.
        let unread = |track: &SymphoniaTrack, why: Option<String>| {
            let code = tracks.iter().find(|mp4| mp4.id == track.id);
            let id = track.codec_params.as_ref().and_then(|p| p.audio());
            let name_of_id = id.and_then(|parameters| names::codec(parameters.codec));
            let codec = match (name_of_id, why, code) {
                (Some(name), ..) => name.to_owned(),
                (None, Some(why), _) => why,
                (None, None, Some(mp4)) => names::mp4_codec(mp4.codec),
                (None, None, None) => "an unknown codec".to_owned(),
            };
            unread_codec(name, info.long_name, &codec)
        };
        let track = format.default_track(TrackType::Audio);
        let Some(track) = track else {
            // Sound in a codec that the demuxer doesn't know is a track without a type.
            let other = format.tracks().iter().find(|t| t.codec_params.is_none());
            return Err(match other {
                Some(other) if mp4 => unread(other, None),
                _ => Error::new(
                    ErrorKind::UnsupportedFormat,
                    format!("{name} has no audio track; give a file with sound"),
                ),
            });
        };
        let parameters = track.codec_params.as_ref().and_then(|p| p.audio());
        let parameters = parameters.ok_or_else(|| unread(track, None))?;
        let decoder = guarded(|| Decoder::new(parameters))
            .unwrap_or_else(|| Err("its decoder failed".into()))
            .map_err(|e| unread(track, Some(format!("sound that has no decoder here ({e})"))))?;
        let stated = track.num_frames.filter(|&n| n > 0);
        let mpeg = [CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3].contains(&parameters.codec)
            && matches!(info.short_name, "mp1" | "mp2" | "mp3");
        let edited = tracks.iter().position(|t| t.id == track.id);
        let timing = match (edited, wav) {
            (Some(at), _) => Timing::Mp4(tracks.swap_remove(at)),
            (_, Some(wav)) if !wav.is_mpeg => Timing::Wav {
                expected: wav.expected_samples,
                cut: wav.has_blocks,
            },
            _ if mpeg => Timing::Mpeg {
                delay: u64::from(track.delay.unwrap_or(0)),
                length: stated,
                padding: u64::from(track.padding.unwrap_or(0)),
            },
            // Ogg's clock for Opus begins before the delay (RFC 7845 4.2).
            _ if parameters.codec == CODEC_ID_OPUS && info.short_name == "ogg" => {
                let delay = u64::from(track.delay.unwrap_or(0));
                let length = stated.map(|n| n.saturating_sub(delay));
                Timing::Packets { delay, length }
            }
            _ => Timing::Packets {
                delay: 0,
                length: stated,
            },
        };
        Ok(Self {
            id: track.id,
            decoder,
            rate_hz: parameters.sample_rate.unwrap_or(0),
            channels: parameters.channels.as_ref().map_or(0, |c| c.count()),
            timing,
            time_base: track.time_base,
        })
    }

    /// The timeline at the decoder's rate; `begin`: the time of the first packet, negative for what
    /// comes before the sound.
    pub(super) fn timeline(&self, rate_hz: u32, begin: Timestamp) -> Timeline {
        match &self.timing {
            Timing::Mp4(track) => Timeline::new(track.spans(rate_hz)),
            Timing::Wav {
                expected: Some(to),
                cut: true,
            } => Timeline::new([Span::Media { from: 0, to: *to }]),
            Timing::Wav { .. } => Timeline::new([]),
            // Behind the padding begins another file, if anything: joined files play on.
            Timing::Mpeg {
                delay,
                length: Some(length),
                padding,
            } => {
                let to = delay.saturating_add(*length);
                Timeline::new([
                    Span::Media { from: *delay, to },
                    Span::from(to.saturating_add(*padding)),
                ])
            }
            Timing::Mpeg { delay, .. } => Timeline::new([Span::from(*delay)]),
            Timing::Packets { delay, .. } => {
                let ticks = begin.get().min(0).unsigned_abs();
                let before = self.samples(ticks, rate_hz);
                Timeline::new([Span::from(before.max(*delay))])
            }
        }
    }

    /// How many samples the file says it holds. For MP4 that needs the decoder's rate.
    pub(super) fn expected_samples(&self, timeline: &Timeline) -> Option<u64> {
        match &self.timing {
            Timing::Mp4(_) => timeline.length(),
            Timing::Wav { expected, .. } => *expected,
            Timing::Mpeg { length, .. } | Timing::Packets { length, .. } => *length,
        }
    }

    /// How many samples at the end of a packet are an encoder's padding, as the container says.
    pub(super) fn padding(&self, packet: &Packet, rate_hz: u32) -> u64 {
        match self.timing {
            Timing::Packets { .. } => self.samples(packet.trim_end.get(), rate_hz),
            _ => 0,
        }
    }

    /// How long a packet says it is, for one that is damaged.
    pub(super) fn duration(&self, packet: &Packet, rate_hz: u32) -> u64 {
        let whole = packet.dur.get().saturating_add(packet.trim_end.get());
        self.samples(whole.saturating_add(packet.trim_start.get()), rate_hz)
    }

    /// Ticks of the track's clock in samples; one for the other where it has none.
    fn samples(&self, ticks: u64, rate_hz: u32) -> u64 {
        let Some(base) = self.time_base else {
            return ticks;
        };
        let (numer, denom) = (u128::from(base.numer.get()), u128::from(base.denom.get()));
        let n = u128::from(ticks) * numer * u128::from(rate_hz);
        u64::try_from((n + denom / 2) / denom).unwrap_or(u64::MAX)
    }
}
