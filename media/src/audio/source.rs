//! The source of an audio's bytes: a file, or a stream that is opened once and read once.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, ErrorKind as IoErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use essence::{Error, ErrorKind, Result};
use symphonia::core::io::{MediaSource, ReadOnlySource};

use super::mp4_index::{self, Mp4Track};
use super::names;
use super::wav::{Facts, Problem, WavStream};

/// A stream of a format whose index may be at its end is copied to a temporary file, up to this
/// size: a day of sound at 192 kbit/s has 2 GB.
const MAX_COPY_BYTES: u64 = 4 << 30;

/// A stream of bytes that can't be rewound.
pub(super) type Stream = Box<dyn Read + Send + Sync>;

/// The facts that are found before the demuxer sees anything.
pub(super) struct Opened {
    pub(super) media: Box<dyn MediaSource>,
    /// The name of a format that isn't read, if the beginning tells one.
    pub(super) unread: Option<&'static str>,
    pub(super) tracks: Vec<Mp4Track>,
    pub(super) wav: Option<WavFacts>,
}

/// The facts in the header of a WAV file.
pub(super) struct WavFacts {
    pub(super) expected_samples: Option<u64>,
    /// Whether the decoder knows blocks, the last of which may be filled up.
    pub(super) has_blocks: bool,
    pub(super) is_mpeg: bool,
    pub(super) foreign: Arc<AtomicBool>,
}

/// Opens `path`. A pipe is opened this once.
pub(super) fn open(path: &Path) -> Result<Opened> {
    let shown = path.display();
    let cannot = |e: std::io::Error| match e.kind() {
        IoErrorKind::NotFound => Error::new(
            ErrorKind::NotFound,
            format!("audio file {shown} does not exist; check the path"),
        ),
        _ => Error::new(ErrorKind::Io, format!("cannot read audio file {shown}")).with_source(e),
    };
    // Before it is opened, since a folder can't be on some systems.
    if std::fs::metadata(path).map_err(cannot)?.is_dir() {
        return Err(Error::new(
            ErrorKind::UnsupportedFormat,
            format!("{shown} is a folder, not an audio file"),
        ));
    }
    let file = File::open(path).map_err(cannot)?;
    let name = shown.to_string();
    match file.metadata().map_err(cannot)?.is_file() {
        true => from_file(file, &name),
        false => from_stream(Box::new(file), &name),
    }
}

/// A source that reads `stream`, which `name` names in messages.
pub(super) fn from_stream(mut stream: Stream, name: &str) -> Result<Opened> {
    let head = head(&mut stream, name)?;
    if needs_seeking(&head) {
        let file = copy(Cursor::new(head).chain(stream), name)?;
        return from_file(file, name);
    }
    let stream: Rewound = Cursor::new(head.clone()).chain(stream);
    forward_only(stream, None, &head, name)
}

fn from_file(mut file: File, name: &str) -> Result<Opened> {
    let cannot = |e| cannot_read(name, e);
    let head = head(&mut file, name)?;
    let bytes = file.seek(SeekFrom::End(0)).map_err(cannot)?;
    file.rewind().map_err(cannot)?;
    if !needs_seeking(&head) {
        return forward_only(BufReader::new(file), Some(bytes), &head, name);
    }
    let tracks = match is_mp4(&head) {
        true => mp4_index::read(&mut file).map_err(cannot)?,
        false => Vec::new(),
    };
    file.rewind().map_err(cannot)?;
    Ok(Opened {
        media: Box::new(file),
        unread: names::container(&head),
        tracks,
        wav: None,
    })
}

/// The beginning of a stream, put in front of its rest.
type Rewound = Chain<Cursor<Vec<u8>>, Stream>;

/// Formats that are read from the front to the back. The demuxer isn't told that it could seek: it
/// would estimate the length of an MP3 file from its first frames, and cut it off there.
fn forward_only(
    input: impl Read + Send + Sync + 'static,
    bytes: Option<u64>,
    head: &[u8],
    name: &str,
) -> Result<Opened> {
    let unread = names::container(head);
    let is_wav = matches!(head.get(..4), Some(b"RIFF" | b"RF64" | b"BW64"))
        && head.get(8..12) == Some(b"WAVE");
    if !is_wav {
        return Ok(Opened {
            media: Box::new(ReadOnlySource::new(input)),
            unread,
            tracks: Vec::new(),
            wav: None,
        });
    }
    let (stream, facts) = WavStream::open(input, bytes).map_err(|problem| match problem {
        Problem::Io(e) => cannot_read(name, e),
        Problem::Damaged(why) => Error::new(
            ErrorKind::UnsupportedFormat,
            format!("audio file {name} is a damaged WAV file: {why}; export it again"),
        ),
        Problem::Refused(what) => unread_codec(name, "WAV", &what.0),
    })?;
    let Facts {
        expected_samples,
        foreign,
        format,
    } = facts;
    if expected_samples == Some(0) {
        return Err(Error::new(
            ErrorKind::UnsupportedFormat,
            format!("audio file {name} is empty: it holds 0 samples"),
        ));
    }
    Ok(Opened {
        media: Box::new(ReadOnlySource::new(stream)),
        unread,
        tracks: Vec::new(),
        wav: Some(WavFacts {
            expected_samples,
            has_blocks: format.has_blocks(),
            is_mpeg: format.is_mpeg(),
            foreign,
        }),
    })
}

/// Containers whose demuxers want to seek, or know the length only then.
fn needs_seeking(head: &[u8]) -> bool {
    let begins = |magic: &[u8]| head.starts_with(magic);
    is_mp4(head)
        || begins(b"OggS")
        || begins(b"fLaC")
        || begins(b"caff")
        || begins(b"FORM")
        || begins(b"\x1A\x45\xDF\xA3")
}

/// The boxes that MP4 and QuickTime files begin with.
fn is_mp4(head: &[u8]) -> bool {
    let first = head.get(4..8).unwrap_or(&[]);
    [
        &b"ftyp"[..],
        b"moov",
        b"mdat",
        b"wide",
        b"free",
        b"skip",
        b"pnot",
    ]
    .contains(&first)
}

fn head(input: &mut impl Read, name: &str) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    input
        .take(names::HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|e| cannot_read(name, e))?;
    if head.is_empty() {
        return Err(Error::new(
            ErrorKind::UnsupportedFormat,
            format!("audio file {name} is empty (0 bytes)"),
        ));
    }
    Ok(head)
}

/// A temporary file without a name that holds all of `input`.
fn copy(input: impl Read, name: &str) -> Result<File> {
    let cannot = |e| {
        let what = format!("cannot keep a copy of {name} in the folder for temporary files");
        Error::new(ErrorKind::Io, what).with_source(e)
    };
    let mut file = tempfile::tempfile().map_err(cannot)?;
    let copied = std::io::copy(&mut input.take(MAX_COPY_BYTES + 1), &mut file).map_err(cannot)?;
    if copied > MAX_COPY_BYTES {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "{name} has more than {} GiB; give the name of a file instead",
                MAX_COPY_BYTES >> 30
            ),
        ));
    }
    file.rewind().map_err(cannot)?;
    Ok(file)
}

#[cold]
fn cannot_read(name: &str, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot read audio file {name}")).with_source(cause)
}

/// The error for a codec that isn't read.
#[cold]
pub(super) fn unread_codec(name: &str, container: &str, codec: &str) -> Error {
    Error::new(
        ErrorKind::UnsupportedFormat,
        format!(
            "audio file {name} ({container}) holds {codec}, which isn't read; convert it, for \
             example with `ffmpeg -i IN OUT.wav`"
        ),
    )
}
