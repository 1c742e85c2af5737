//! `AudioReader`: a file as blocks of mono samples.

use std::io::{ErrorKind as IoErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use essence::{Downmix, Error, ErrorKind, Result};
use symphonia::core::errors::Error as DemuxError;
use symphonia::core::formats::FormatReader;
use symphonia::core::packet::Packet;

use super::decoded::Decoded;
use super::guard::guarded;
use super::mp4_index::Mp4Track;
use super::source::{self, Opened};
use super::timeline::Timeline;
use super::track::{self, Track};

/// Floats beyond this many times full scale are integers that were stored as they are: music that
/// was mixed too loud reaches twice.
const LOUDEST: f32 = 8.0;
/// Speech whose loudest sample stays below this opens the mouth half or not at all: the speech network
/// takes it for the noise of a room. Measured with the shipped avatars; 36 dB below full scale.
const QUIET: f32 = 0.015;
/// A damaged packet becomes silence of its length, at most this long: the bound is against a
/// header that lies.
const MAX_DAMAGED_SAMPLES: u64 = 1 << 16;

/// A file of audio, read as blocks of mono samples.
///
/// Reads wav (integers of 8 to 32 bits, floats, A-law, mu-law, ADPCM; RF64), mp3, flac, ogg (Vorbis,
/// Opus, FLAC), m4a, mp4 and mov (AAC, HE-AAC, ALAC, Opus, FLAC, MP3), aac, aiff, caf, webm and mkv.
/// The format shows from the file's content, not from its name. Channels are mixed down by
/// [`Downmix`]: by their mean, and where that cancels (antiphase) the loudest channel is heard.
/// Integer samples become `x / 2^(bits - 1)` exactly. The delay that an encoder added in front is
/// removed where the file states it.
///
/// The sound is as long as its data, whatever a header says; files that were joined play on.
///
/// Memory does not grow with the length of the file.
pub struct AudioReader {
    name: String,
    format: Box<dyn FormatReader>,
    mp4_tracks: Vec<Mp4Track>,
    /// Set when another recording follows that isn't played.
    foreign: Option<Arc<AtomicBool>>,
    track: Track,
    sample_rate: u32,
    channels: usize,
    expected_samples: Option<u64>,
    /// `None` until the decoder told its rate.
    timeline: Option<Timeline>,
    downmix: Downmix,
    interleaved: Vec<f32>,
    mixed: Vec<f32>,
    mono: Vec<f32>,
    /// Whether `mono` holds samples that the caller has not seen: all of it or none.
    pending: bool,
    /// Samples handed out or pending.
    produced: u64,
    peak: f32,
    damaged_packets: u64,
    ended: bool,
}

impl std::fmt::Debug for AudioReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioReader")
            .field("name", &self.name)
            .field("sample_rate", &self.sample_rate)
            .field("channels", &self.channels)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

impl AudioReader {
    /// Opens `path` and decodes its first block. A pipe is opened this once, and read as
    /// [`from_stream`](Self::from_stream) does.
    ///
    /// # Errors
    /// `NotFound`: no such file. `Io`: it cannot be read. `UnsupportedFormat`: it is not audio of a
    /// kind this crate reads (the message names what it is, if that is known), it holds no samples,
    /// or its first block has a sample that is not a number.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|e| e.to_str());
        Self::new(source::open(path)?, extension, path.display().to_string())
    }

    /// Reads audio from a stream, such as standard input, which `name` names in messages. wav, mp3
    /// and aac are decoded as they come; other formats are copied to a temporary file first, since
    /// their index may be at the end.
    ///
    /// # Errors
    /// As [`open`](Self::open); besides, `LimitExceeded`: more than 4 GiB to copy.
    pub fn from_stream(stream: impl Read + Send + Sync + 'static, name: &str) -> Result<Self> {
        let opened = source::from_stream(Box::new(stream), name)?;
        Self::new(opened, None, name.to_owned())
    }

    fn new(opened: Opened, extension: Option<&str>, name: String) -> Result<Self> {
        let Opened {
            media,
            unread,
            mut tracks,
            wav,
        } = opened;
        let extension = match &wav {
            Some(wav) if wav.is_mpeg => Some("mp3"),
            Some(_) => Some("wav"),
            None => extension,
        };
        let format = track::demux(media, extension, unread, &name)?;
        let track = Track::new(&*format, &mut tracks, wav.as_ref(), &name)?;
        let mut reader = Self {
            name,
            format,
            mp4_tracks: tracks,
            foreign: wav.map(|wav| wav.foreign),
            sample_rate: track.rate_hz,
            channels: track.channels,
            track,
            expected_samples: None,
            timeline: None,
            downmix: Downmix::new(1, 1),
            interleaved: Vec::new(),
            mixed: Vec::new(),
            mono: Vec::new(),
            pending: false,
            produced: 0,
            peak: 0.0,
            damaged_packets: 0,
            ended: false,
        };
        reader.pending = reader.decode_block()?;
        if !reader.pending {
            let why = match reader.damaged_packets {
                0 => "it holds 0 samples",
                _ => "nothing in it could be decoded",
            };
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!("audio file {} is empty: {why}", reader.name),
            ));
        }
        Ok(reader)
    }

    /// Samples per second of every block.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Channels in the file, before they were mixed down.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// How many samples the file says it holds per channel. A hint: absent for some formats and for
    /// streams, and too few for files that were joined.
    pub fn expected_samples(&self) -> Option<u64> {
        self.expected_samples
    }

    /// The next block of mono samples, or `None` at the end.
    ///
    /// # Errors
    /// `UnsupportedFormat`: a sample is not a number or infinite (the message says which), the stream
    /// changes its rate, or it is too damaged. `Io`: the file could not be read on. After an error
    /// nothing follows.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>> {
        if !std::mem::take(&mut self.pending) {
            let more = self.decode_block();
            // Nothing comes after an error: what failed may be in any state.
            self.ended |= more.is_err();
            if !more? {
                return Ok(None);
            }
        }
        Ok(Some(&self.mono))
    }

    /// After the end: how many samples are missing against [`expected_samples`](Self::expected_samples),
    /// when the file is cut off.
    pub fn missing_samples(&self) -> u64 {
        match self.expected_samples {
            Some(expected) if self.ended => expected.saturating_sub(self.produced),
            _ => 0,
        }
    }

    /// Packets that could not be decoded and became silence.
    pub fn damaged_packets(&self) -> u64 {
        self.damaged_packets
    }

    /// Sentences for the user on what is wrong with the file; complete after the end.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let seconds = |samples: u64| samples as f64 / f64::from(self.sample_rate.max(1));
        // An encoder's last block may be filled up, so that a few samples more or less are no loss.
        let missing = seconds(self.missing_samples());
        if missing > 0.04 {
            warnings.push(format!(
                "the audio file is cut off: {missing:.2} s are missing at its end"
            ));
        }
        if self.damaged_packets > 0 {
            let n = self.damaged_packets;
            warnings.push(format!(
                "{n} damaged parts of the audio file became silence"
            ));
        }
        if self.peak > LOUDEST {
            warnings.push(format!(
                "the audio file's samples reach {:.0}, where 1 is full scale: they look like \
                 integers stored as floats, and the sound is clipped; divide them by 32768 or \
                 export the audio again",
                self.peak
            ));
        }
        if self.peak > 0.0 && self.peak < QUIET {
            warnings.push(format!(
                "the sound is very quiet, {:.0} dB below full scale at its loudest: speech like that \
                 opens the mouth half or not at all; make it louder",
                -20.0 * self.peak.log10()
            ));
        }
        if self
            .foreign
            .as_ref()
            .is_some_and(|f| f.load(Ordering::Relaxed))
        {
            warnings.push(
                "another recording of another format is joined to the audio file and was not \
                 played; convert both to one format"
                    .to_owned(),
            );
        }
        warnings
    }

    /// Decodes until `mono` holds at least one sample. `false` at the end of the file.
    fn decode_block(&mut self) -> Result<bool> {
        while !self.ended {
            if let Some(timeline) = &mut self.timeline {
                if timeline.next(&mut self.mono) {
                    self.check_block()?;
                    return Ok(true);
                }
                if timeline.is_over() {
                    break;
                }
            }
            let Some(packet) = self.next_packet()? else {
                break;
            };
            if packet.track_id == self.track.id {
                self.decode(&packet)?;
            }
        }
        self.ended = true;
        self.mono.clear();
        Ok(false)
    }

    /// The demuxer's next packet, or `None` at the end.
    fn next_packet(&mut self) -> Result<Option<Packet>> {
        loop {
            let packet = guarded(|| self.format.next_packet());
            return match packet.unwrap_or(Err(DemuxError::DecodeError("its reader failed"))) {
                Ok(packet) => Ok(packet),
                // A file cut off in the middle of a packet: what came before was played.
                Err(DemuxError::IoError(e)) if e.kind() == IoErrorKind::UnexpectedEof => Ok(None),
                Err(DemuxError::IoError(e)) => {
                    let error = Error::new(ErrorKind::Io, self.at("cannot be read on"));
                    Err(error.with_source(e))
                }
                // Ogg files joined: the next one begins.
                Err(DemuxError::ResetRequired) => {
                    self.begin_stream()?;
                    continue;
                }
                Err(e) => {
                    let error = Error::new(ErrorKind::UnsupportedFormat, self.at("is damaged"));
                    Err(error.with_source(e))
                }
            };
        }
    }

    /// Goes on with the stream that the demuxer has come to.
    fn begin_stream(&mut self) -> Result<()> {
        self.track = Track::new(&*self.format, &mut self.mp4_tracks, None, &self.name)?;
        self.timeline = None;
        // More is expected now than the first stream stated.
        self.expected_samples = None;
        Ok(())
    }

    /// Decodes a packet and hands it to the timeline.
    fn decode(&mut self, packet: &Packet) -> Result<()> {
        let decoded = guarded(|| self.track.decoder.decode(packet, &mut self.interleaved));
        let decoded = decoded.unwrap_or_else(|| Err("its decoder failed".into()));
        match decoded.map_err(|e| {
            let what = self.at("cannot be decoded; convert it, for example to wav");
            Error::new(ErrorKind::UnsupportedFormat, what).with_source(e)
        })? {
            Decoded::Samples { rate_hz, channels } => {
                self.accept(rate_hz, channels)?;
                self.mix_down(channels);
            }
            Decoded::Damaged => {
                self.damaged_packets += 1;
                let samples = self.track.duration(packet, self.sample_rate);
                self.mixed.clear();
                let samples = samples.min(MAX_DAMAGED_SAMPLES) as usize;
                self.mixed.resize(samples, 0.0);
            }
        }
        let padding = self.track.padding(packet, self.sample_rate);
        let kept = (self.mixed.len() as u64).saturating_sub(padding);
        self.mixed.truncate(kept as usize);

        if self.timeline.is_none() && !self.mixed.is_empty() {
            // Only damaged packets so far, in a format whose decoder tells the rate.
            if self.sample_rate == 0 {
                return Err(self.without_rate());
            }
            let timeline = self.track.timeline(self.sample_rate, packet.pts);
            if self.produced == 0 {
                self.expected_samples = self.track.expected_samples(&timeline);
            }
            self.timeline = Some(timeline);
        }
        if let Some(timeline) = &mut self.timeline {
            timeline.push(&mut self.mixed);
        }
        Ok(())
    }

    /// Mixes the decoded packet down. The number of channels may change between packets.
    fn mix_down(&mut self, channels: usize) {
        if self.downmix.channels() != channels {
            let channels = u16::try_from(channels).unwrap_or(u16::MAX);
            self.downmix = Downmix::new(channels, self.sample_rate);
        }
        self.mixed.clear();
        self.downmix.push(&self.interleaved, &mut self.mixed);
    }

    /// Takes what the decoder says of itself; the rate must stay.
    fn accept(&mut self, rate_hz: u32, channels: usize) -> Result<()> {
        if self.interleaved.is_empty() {
            return Ok(());
        }
        if rate_hz == 0 {
            return Err(self.without_rate());
        }
        if self.timeline.is_none() && self.produced == 0 {
            self.sample_rate = rate_hz;
            self.channels = channels;
        } else if rate_hz != self.sample_rate {
            let was = self.sample_rate;
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                self.at(&format!(
                    "its rate changes from {was} to {rate_hz} Hz; convert it to one rate"
                )),
            ));
        }
        Ok(())
    }

    #[cold]
    fn without_rate(&self) -> Error {
        Error::new(
            ErrorKind::UnsupportedFormat,
            format!("audio file {} does not say its sample rate", self.name),
        )
    }

    /// Checks and counts the samples of `mono`.
    fn check_block(&mut self) -> Result<()> {
        if let Some(i) = self.mono.iter().position(|x| !x.is_finite()) {
            let position = self.produced + i as u64;
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!(
                    "sample {position} ({:.3} s) of audio file {} is {}, not a number between \
                     -1 and 1; export the audio again",
                    position as f64 / f64::from(self.sample_rate.max(1)),
                    self.name,
                    self.mono[i]
                ),
            ));
        }
        let peak = |peak: f32, x: &f32| peak.max(x.abs());
        self.peak = self.mono.iter().fold(self.peak, peak);
        self.produced += self.mono.len() as u64;
        Ok(())
    }

    /// "audio file X, after 1.234 s: …"
    fn at(&self, what: &str) -> String {
        let seconds = self.produced as f64 / f64::from(self.sample_rate.max(1));
        format!("audio file {}, after {seconds:.3} s: {what}", self.name)
    }
}
