//! WAV files as they are met, not as they should be: RIFF and RF64, headers that were written before
//! the length was known, recordings joined one behind the other.
//!
//! The header is read here and replaced by one that the demuxer reads without doubt; the samples
//! pass unchanged. The length of the sound is that of the data. The header's own is believed where
//! it is possible:
//!
//! - 0, or 10^9 bytes and more that aren't there: a program that streams and can't go back wrote it
//!   (ffmpeg and the speech services write 0, 2^31 - 1, 2^32 - 1, 2 * 10^9 and such). The data goes
//!   on to the end.
//! - another length that isn't there: the file is cut off.
//! - less than is there: other chunks follow, or another recording, which is played on.

use std::io::{Cursor, ErrorKind, Read, Result as IoResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::wav_format::{Format, Refused};

/// Three hours of 48 kHz stereo in 16 bits. A length from here on of which the file has less is a
/// placeholder.
const PLACEHOLDER_BYTES: u64 = 1_000_000_000;
/// A format chunk has 16 to 50 bytes.
const MAX_FORMAT_BYTES: u64 = 1024;

/// The facts of the header.
#[derive(Debug)]
pub(super) struct Facts {
    /// Samples per channel, if the header can be believed.
    pub(super) expected_samples: Option<u64>,
    /// Set when behind the recording begins another of another format, which isn't played.
    pub(super) foreign: Arc<AtomicBool>,
    pub(super) format: Format,
}

/// Why a WAV file isn't read.
#[derive(Debug)]
pub(super) enum Problem {
    Io(std::io::Error),
    /// The header is damaged or incomplete.
    Damaged(&'static str),
    /// The samples are of a kind that isn't read.
    Refused(Refused),
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Damaged("it ends within its header"),
            _ => Self::Io(error),
        }
    }
}

/// A WAV file with a header of ours.
pub(super) struct WavStream<R> {
    header: Cursor<Vec<u8>>,
    input: Counted<R>,
    format: Format,
    /// Bytes left of the data chunk.
    left: u64,
    /// Bytes behind that belong to the chunk: part of a sample, a byte of padding.
    tail: u64,
    foreign: Arc<AtomicBool>,
}

/// The chunk `data` of a recording.
struct Data {
    bytes: u64,
    tail: u64,
    expected_bytes: Option<u64>,
}

impl<R: Read> WavStream<R> {
    /// Reads the header. `bytes`: the length of the whole file, if it has one.
    pub(super) fn open(input: R, bytes: Option<u64>) -> Result<(Self, Facts), Problem> {
        let mut input = Counted {
            input,
            back: Cursor::default(),
            position: 0,
            end: bytes,
        };
        let mut head = [0; 12];
        input.read_exact(&mut head)?;
        let (format, data) = read_header(&mut input)?;
        let expected_samples = data.expected_bytes.map(|n| format.samples(n));
        // A decoder of blocks has to know the end: what it asks for beyond would fail as a whole.
        let known = data.expected_bytes.filter(|_| format.has_blocks());
        let known = known.map(|n| n.min(input.left()));
        let foreign = Arc::new(AtomicBool::new(false));
        let stream = Self {
            header: Cursor::new(format.header(known.and_then(|n| u32::try_from(n).ok()))),
            input,
            format: format.clone(),
            left: data.bytes,
            tail: data.tail,
            foreign: Arc::clone(&foreign),
        };
        let facts = Facts {
            expected_samples,
            foreign,
            format,
        };
        Ok((stream, facts))
    }

    /// At the end of a data chunk: whether another recording of the same format follows.
    fn next_recording(&mut self) -> IoResult<bool> {
        self.input.skip(std::mem::take(&mut self.tail))?;
        loop {
            let mut head = [0; 8];
            if !self.input.fill(&mut head)? || !is_chunk_name(&head) {
                return Ok(false);
            }
            if !matches!(&head[..4], b"RIFF" | b"RF64" | b"BW64") {
                let size = u64::from(le32(&head[4..]));
                self.input.skip(size + size % 2)?;
                continue;
            }
            let mut form = [0; 4];
            if !self.input.fill(&mut form)? || &form != b"WAVE" {
                return Ok(false);
            }
            let Ok((format, data)) = read_header(&mut self.input) else {
                return Ok(false);
            };
            if format != self.format {
                self.foreign.store(true, Ordering::Relaxed);
                return Ok(false);
            }
            (self.left, self.tail) = (data.bytes, data.tail);
            if self.left > 0 {
                return Ok(true);
            }
        }
    }
}

impl<R: Read> Read for WavStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let n = self.header.read(buffer)?;
        if n > 0 || buffer.is_empty() {
            return Ok(n);
        }
        if self.left == 0 && !self.next_recording()? {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let n = self.input.read(&mut buffer[..most])?;
        self.left = if n == 0 { 0 } else { self.left - n as u64 };
        Ok(n)
    }
}

/// Reads chunks up to the samples: of the format and where the data ends.
fn read_header<R: Read>(input: &mut Counted<R>) -> Result<(Format, Data), Problem> {
    let mut format = None;
    let mut long_size = None;
    loop {
        let mut head = [0; 8];
        if !input.fill(&mut head)? {
            return Err(Problem::Damaged("it has no samples (no chunk `data`)"));
        }
        let size = le32(&head[4..]);
        let bytes = u64::from(size);
        match &head[..4] {
            b"fmt " => {
                if bytes > MAX_FORMAT_BYTES {
                    return Err(Problem::Damaged("its chunk `fmt ` is too long"));
                }
                let mut chunk = vec![0; size as usize];
                input.read_exact(&mut chunk)?;
                input.skip(bytes % 2)?;
                format = Some(Format::read(&chunk).map_err(Problem::Refused)?);
            }
            b"ds64" if bytes >= 24 => {
                // RF64 (EBU Tech 3306): the size of the file, of the data, the number of samples.
                let mut sizes = [0; 24];
                input.read_exact(&mut sizes)?;
                input.skip(bytes - 24 + bytes % 2)?;
                let low = u64::from(le32(&sizes[8..]));
                long_size = Some(low | u64::from(le32(&sizes[12..])) << 32);
            }
            b"fact" if bytes >= 4 => {
                let mut samples = [0; 4];
                input.read_exact(&mut samples)?;
                input.skip(bytes - 4 + bytes % 2)?;
                if let Some(format) = &mut format {
                    format.stated_samples = Some(u64::from(le32(&samples)));
                }
            }
            b"data" => {
                let format = format.ok_or(Problem::Damaged("its chunk `fmt ` is missing"))?;
                let declared = match long_size {
                    Some(long) if size == u32::MAX => long,
                    _ => bytes,
                };
                let data = data_chunk(input, declared, format.block_bytes())?;
                return Ok((format, data));
            }
            _ => input.skip(bytes + bytes % 2)?,
        }
    }
}

/// How much of what follows is the data, which should have `declared` bytes.
fn data_chunk<R: Read>(input: &mut Counted<R>, declared: u64, block: u64) -> IoResult<Data> {
    let there = input.left();
    let whole = |bytes: u64| Data {
        // Part of a sample in front of another recording would put all its samples out of step.
        bytes: bytes - bytes % block,
        tail: bytes % block + bytes % 2,
        expected_bytes: Some(bytes),
    };
    let to_the_end = Data {
        bytes: u64::MAX,
        tail: 0,
        expected_bytes: None,
    };
    if declared == 0 {
        return Ok(match input.another_chunk_follows()? {
            true => whole(0),
            false => to_the_end,
        });
    }
    let known = input.end.is_some();
    Ok(match declared {
        PLACEHOLDER_BYTES.. if !known || declared > there => to_the_end,
        n if known && n > there => Data {
            expected_bytes: Some(n),
            ..to_the_end
        },
        n => whole(n),
    })
}

/// Whether the four bytes could be the name of a chunk.
fn is_chunk_name(head: &[u8]) -> bool {
    head.iter().take(4).all(|byte| (b' '..=b'~').contains(byte))
}

fn le32(bytes: &[u8]) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[..4]);
    u32::from_le_bytes(four)
}

/// A reader that knows its position.
struct Counted<R> {
    input: R,
    /// Bytes that were looked at and come first.
    back: Cursor<Vec<u8>>,
    position: u64,
    end: Option<u64>,
}

impl<R: Read> Counted<R> {
    /// Bytes up to the end, as far as it is known.
    fn left(&self) -> u64 {
        let end = self.end.unwrap_or(u64::MAX);
        end.saturating_sub(self.position)
    }

    /// Fills `buffer`. `false`: the end came first.
    fn fill(&mut self, buffer: &mut [u8]) -> IoResult<bool> {
        match self.read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn skip(&mut self, bytes: u64) -> IoResult<()> {
        std::io::copy(&mut self.take(bytes), &mut std::io::sink()).map(|_| ())
    }

    /// Whether a chunk that ends with the file, or nothing, comes next, rather than samples.
    fn another_chunk_follows(&mut self) -> IoResult<bool> {
        let left = self.left();
        let mut head = Vec::new();
        self.by_ref().take(8).read_to_end(&mut head)?;
        let follows = match (head.len(), self.end) {
            (0, _) => true,
            (8, Some(_)) if is_chunk_name(&head) => {
                let size = u64::from(le32(&head[4..]));
                size + size % 2 + 8 == left || size + 8 == left
            }
            // A stream's end isn't known, but hardly a sound begins like this.
            (8, None) => [b"LIST", b"id3 ", b"PEAK", b"JUNK"]
                .contains(&&[head[0], head[1], head[2], head[3]]),
            _ => false,
        };
        self.position -= head.len() as u64;
        self.back = Cursor::new(head);
        Ok(follows)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let mut n = self.back.read(buffer)?;
        if n == 0 {
            n = self.input.read(buffer)?;
        }
        self.position += n as u64;
        Ok(n)
    }
}
