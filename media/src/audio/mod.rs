//! Streaming decode of audio files to mono samples.

mod edits;

use std::fs::File;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use essence::{Error, ErrorKind, Result};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as DecodeError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use self::edits::Edits;

/// A file of audio, read as blocks of mono samples.
///
/// Reads wav (8, 16, 24, 32-bit and float), flac, mp3, ogg (Vorbis), m4a and aac (AAC-LC).
/// Channels are mixed down by their mean. Integer samples become `x / 2^(bits - 1)` exactly.
/// The delay that an encoder added in front (mp3, ogg, m4a) is removed where the file states it.
///
/// Memory does not grow with the length of the file.
pub struct AudioReader {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    sample_rate: u32,
    channels: usize,
    expected_samples: Option<u64>,
    edits: Edits,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    /// Where `mono` begins to hold samples that the caller has not seen: all of it or none.
    pending: bool,
    /// Samples decoded so far, before `edits`.
    decoded: u64,
    /// Samples handed out or pending.
    produced: u64,
    damaged_packets: u64,
    ended: bool,
}

impl std::fmt::Debug for AudioReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioReader")
            .field("path", &self.path)
            .field("sample_rate", &self.sample_rate)
            .field("channels", &self.channels)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

impl AudioReader {
    /// Opens `path` and decodes its first block.
    ///
    /// # Errors
    /// `NotFound`: no such file. `Io`: it cannot be read. `UnsupportedFormat`: it is not audio of a
    /// kind this crate reads, it holds no samples, or its first block has a sample that is not a
    /// number.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let shown = path.display();
        let metadata = std::fs::metadata(path).map_err(|e| match e.kind() {
            IoErrorKind::NotFound => Error::new(
                ErrorKind::NotFound,
                format!("audio file {shown} does not exist; check the path"),
            ),
            _ => {
                Error::new(ErrorKind::Io, format!("cannot read audio file {shown}")).with_source(e)
            }
        })?;
        if metadata.is_dir() {
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!("{shown} is a folder, not an audio file"),
            ));
        }
        let file = File::open(path).map_err(|e| {
            Error::new(ErrorKind::Io, format!("cannot open audio file {shown}")).with_source(e)
        })?;
        if metadata.is_file() && metadata.len() == 0 {
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!("audio file {shown} is empty (0 bytes)"),
            ));
        }

        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
            hint.with_extension(extension);
        }
        let unreadable = |e: DecodeError| {
            Error::new(
                ErrorKind::UnsupportedFormat,
                format!(
                    "{shown} is not audio that can be read here (wav, flac, mp3, ogg Vorbis, m4a \
                     or aac), or its beginning is damaged; convert it to wav"
                ),
            )
            .with_source(e)
        };
        let source = MediaSourceStream::new(Box::new(file), Default::default());
        let format = symphonia::default::get_probe()
            .probe(
                &hint,
                source,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
            .map_err(unreadable)?;
        let track = format.default_track(TrackType::Audio).ok_or_else(|| {
            Error::new(
                ErrorKind::UnsupportedFormat,
                format!("{shown} has no audio track"),
            )
        })?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|p| p.audio())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::UnsupportedFormat,
                    format!("the audio codec of {shown} is not known here; convert it to wav"),
                )
            })?;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(unreadable)?;
        let edits = if format.format_info().short_name == "isomp4" {
            edits::read(path, track.id)
        } else {
            Edits::default()
        };
        let mut reader = Self {
            path: path.to_owned(),
            track: track.id,
            sample_rate: parameters.sample_rate.unwrap_or(0),
            channels: parameters.channels.as_ref().map_or(0, |c| c.count()),
            expected_samples: edits.keep.or(track.num_frames).filter(|&n| n > 0),
            format,
            decoder,
            edits,
            interleaved: Vec::new(),
            mono: Vec::new(),
            pending: false,
            decoded: 0,
            produced: 0,
            damaged_packets: 0,
            ended: false,
        };
        reader.pending = reader.decode_block()?;
        if !reader.pending {
            let why = if reader.damaged_packets > 0 {
                "nothing in it could be decoded"
            } else {
                "it holds 0 samples"
            };
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!("audio file {shown} is empty: {why}"),
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

    /// How many samples the file says it holds per channel; a hint, and absent for some formats.
    pub fn expected_samples(&self) -> Option<u64> {
        self.expected_samples
    }

    /// The next block of mono samples, or `None` at the end.
    ///
    /// # Errors
    /// `UnsupportedFormat`: a sample is not a number or infinite (the message says which), or the
    /// stream changes its rate. `Io`: the file could not be read on.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>> {
        if !std::mem::take(&mut self.pending) && !self.decode_block()? {
            return Ok(None);
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

    /// Decodes until `mono` holds at least one sample. `false` at the end of the file.
    fn decode_block(&mut self) -> Result<bool> {
        while !self.ended {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                // A file cut off in the middle of a packet: what came before was played.
                Err(DecodeError::IoError(e)) if e.kind() == IoErrorKind::UnexpectedEof => break,
                Err(DecodeError::IoError(e)) => {
                    return Err(
                        Error::new(ErrorKind::Io, self.at("cannot be read on")).with_source(e)
                    );
                }
                Err(DecodeError::ResetRequired) => {
                    return Err(Error::new(
                        ErrorKind::UnsupportedFormat,
                        self.at("another stream begins; convert the file to a single stream"),
                    ));
                }
                Err(e) => {
                    return Err(
                        Error::new(ErrorKind::UnsupportedFormat, self.at("is damaged"))
                            .with_source(e),
                    );
                }
            };
            if packet.track_id != self.track {
                continue;
            }
            let silent_samples = packet.dur.get();
            match self.decoder.decode(&packet) {
                Ok(buffer) => {
                    let (rate, channels) = (buffer.spec().rate(), buffer.num_planes());
                    if self.decoded == 0 && rate > 0 {
                        self.sample_rate = rate;
                        self.channels = channels;
                    } else if rate != self.sample_rate {
                        return Err(Error::new(
                            ErrorKind::UnsupportedFormat,
                            self.at(&format!(
                                "its rate changes from {} to {rate} Hz; convert it to one rate",
                                self.sample_rate
                            )),
                        ));
                    }
                    buffer.copy_to_vec_interleaved(&mut self.interleaved);
                    mix_down(&self.interleaved, channels, &mut self.mono);
                }
                Err(DecodeError::DecodeError(_) | DecodeError::IoError(_)) => {
                    self.damaged_packets += 1;
                    // A packet is a fraction of a second; the bound is against a lying header.
                    self.mono.clear();
                    self.mono.resize(silent_samples.min(1 << 16) as usize, 0.0);
                }
                Err(e) => {
                    return Err(Error::new(
                        ErrorKind::UnsupportedFormat,
                        self.at("cannot be decoded; convert it to wav"),
                    )
                    .with_source(e));
                }
            }
            let first = self.decoded;
            self.decoded += self.mono.len() as u64;
            self.edits.apply(first, &mut self.mono);
            if let Some(i) = self.mono.iter().position(|x| !x.is_finite()) {
                let position = self.produced + i as u64;
                return Err(Error::new(
                    ErrorKind::UnsupportedFormat,
                    format!(
                        "sample {position} ({:.3} s) of audio file {} is {}, not a number between \
                         -1 and 1; export the audio again",
                        position as f64 / f64::from(self.sample_rate.max(1)),
                        self.path.display(),
                        self.mono[i]
                    ),
                ));
            }
            if !self.mono.is_empty() {
                if self.sample_rate == 0 {
                    return Err(Error::new(
                        ErrorKind::UnsupportedFormat,
                        format!(
                            "audio file {} does not say its sample rate",
                            self.path.display()
                        ),
                    ));
                }
                self.produced += self.mono.len() as u64;
                return Ok(true);
            }
        }
        self.ended = true;
        Ok(false)
    }

    /// "audio file X, after 1.234 s: …"
    fn at(&self, what: &str) -> String {
        let seconds = self.produced as f64 / f64::from(self.sample_rate.max(1));
        format!(
            "audio file {}, after {seconds:.3} s: {what}",
            self.path.display()
        )
    }
}

/// The mean over channels. A single channel passes bit for bit.
fn mix_down(interleaved: &[f32], channels: usize, mono: &mut Vec<f32>) {
    mono.clear();
    match channels {
        0 => {}
        1 => mono.extend_from_slice(interleaved),
        n => mono.extend(
            interleaved
                .chunks_exact(n)
                .map(|frame| frame.iter().sum::<f32>() / n as f32),
        ),
    }
}
