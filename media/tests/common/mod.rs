//! Files for the tests and what a reader makes of them.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};

use essence::Result;
use essence_media::AudioReader;

/// A committed file, made by `tests/generate.py`.
pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// All that a reader gives for a file.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    pub(crate) samples: Vec<f32>,
    pub(crate) warnings: Vec<String>,
}

impl Heard {
    pub(crate) fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }

    /// When the middle of all energy is, in seconds.
    pub(crate) fn middle(&self) -> f64 {
        let energy = |x: f32| f64::from(x) * f64::from(x);
        let all: f64 = self.samples.iter().map(|&x| energy(x)).sum();
        let samples = self.samples.iter().enumerate();
        let moment: f64 = samples.map(|(i, &x)| i as f64 * energy(x)).sum();
        moment / all / f64::from(self.rate)
    }
}

pub(crate) fn hear(path: impl AsRef<Path>) -> Result<Heard> {
    drain(AudioReader::open(path)?)
}

/// The same bytes from a file named `name` and from a stream, which must not differ.
pub(crate) fn hear_bytes(name: &str, bytes: &[u8]) -> Result<Heard> {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("write");
    let file = hear(&path);
    let stream = std::io::Cursor::new(bytes.to_vec());
    let streamed = AudioReader::from_stream(stream, name).and_then(drain);
    match (&file, &streamed) {
        (Ok(file), Ok(stream)) => {
            assert_eq!(file.rate, stream.rate, "{name}");
            assert!(file.samples == stream.samples, "{name}: a stream differs");
        }
        (Err(file), Err(stream)) => assert_eq!(file.kind(), stream.kind(), "{name}"),
        (file, stream) => panic!("{name}: {file:?} as a file, {stream:?} as a stream"),
    }
    file
}

fn drain(mut reader: AudioReader) -> Result<Heard> {
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block()? {
        assert!(!block.is_empty(), "a block holds a sample");
        samples.extend_from_slice(block);
    }
    Ok(Heard {
        rate: reader.sample_rate(),
        channels: reader.channels(),
        samples,
        warnings: reader.warnings(),
    })
}

/// The chunks of a WAV file, to be written right or wrong.
#[derive(Clone)]
pub(crate) struct Wav {
    pub(crate) magic: [u8; 4],
    pub(crate) riff_size: u32,
    /// Chunks between the head and the format: name and content.
    pub(crate) before: Vec<([u8; 4], Vec<u8>)>,
    pub(crate) format: Vec<u8>,
    pub(crate) data_size: u32,
    pub(crate) data: Vec<u8>,
    /// Bytes behind the data.
    pub(crate) after: Vec<u8>,
}

impl Wav {
    /// A right one: `tag` is 1 for integers, 3 for floats.
    pub(crate) fn new(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Self {
        let align = channels * bits / 8;
        let mut format = Vec::new();
        format.extend_from_slice(&tag.to_le_bytes());
        format.extend_from_slice(&channels.to_le_bytes());
        format.extend_from_slice(&rate.to_le_bytes());
        format.extend_from_slice(&(rate * u32::from(align)).to_le_bytes());
        format.extend_from_slice(&align.to_le_bytes());
        format.extend_from_slice(&bits.to_le_bytes());
        Self {
            magic: *b"RIFF",
            riff_size: 36 + data.len() as u32,
            before: Vec::new(),
            format,
            data_size: data.len() as u32,
            data: data.to_vec(),
            after: Vec::new(),
        }
    }

    /// 16 bits, mono, 16 kHz.
    pub(crate) fn speech(samples: &[i16]) -> Self {
        let data: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self::new(1, 1, 16000, 16, &data)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.magic.to_vec();
        bytes.extend_from_slice(&self.riff_size.to_le_bytes());
        bytes.extend_from_slice(b"WAVE");
        for (name, content) in &self.before {
            bytes.extend_from_slice(&chunk(name, content));
        }
        bytes.extend_from_slice(&chunk(b"fmt ", &self.format));
        bytes.extend_from_slice(b"data");
        bytes.extend_from_slice(&self.data_size.to_le_bytes());
        bytes.extend_from_slice(&self.data);
        bytes.extend_from_slice(&self.after);
        bytes
    }
}

/// A chunk with its byte of padding.
pub(crate) fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}
