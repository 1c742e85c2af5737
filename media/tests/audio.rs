//! Samples of an [`AudioReader`] for every format, and for files that are not what they seem.

use std::io::Cursor;
use std::path::PathBuf;

use essence::{ErrorKind, Result};
use essence_media::AudioReader;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// A file of this test's own.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("essence-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("write");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A wav file: `format` is 1 for integers, 3 for floats; `data` the samples' bytes.
fn wav(format: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let align = channels * bits / 8;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&(36 + data.len() as u32).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16u32.to_le_bytes());
    bytes.extend_from_slice(&format.to_le_bytes());
    bytes.extend_from_slice(&channels.to_le_bytes());
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&(rate * u32::from(align)).to_le_bytes());
    bytes.extend_from_slice(&align.to_le_bytes());
    bytes.extend_from_slice(&bits.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&(data.len() as u32).to_le_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn floats(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn read_all(reader: &mut AudioReader) -> Result<Vec<f32>> {
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block()? {
        samples.extend_from_slice(block);
    }
    Ok(samples)
}

fn read_bytes(name: &str, bytes: &[u8]) -> Result<(u32, Vec<f32>)> {
    let file = Scratch::new(name, bytes);
    let mut reader = AudioReader::open(&file.0)?;
    let samples = read_all(&mut reader)?;
    Ok((reader.sample_rate(), samples))
}

#[test]
fn sixteen_bits_are_exact() {
    let values: Vec<i16> = (i16::MIN..=i16::MAX).step_by(7).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let (rate, samples) = read_bytes("16.wav", &wav(1, 1, 22050, 16, &bytes)).expect("reads");
    assert_eq!(rate, 22050);
    let expected: Vec<f32> = values.iter().map(|&x| f32::from(x) / 32768.0).collect();
    assert!(samples == expected);
}

#[test]
fn other_sample_formats_are_exact() {
    let (_, samples) = read_bytes("8.wav", &wav(1, 1, 8000, 8, &[0, 64, 128, 255])).expect("8");
    assert_eq!(samples, [-1.0, -0.5, 0.0, 127.0 / 128.0]);
    let bytes = [0, 0, 0x80, 0, 0, 0xc0, 0, 0, 0, 0xff, 0xff, 0x7f];
    let (_, samples) = read_bytes("24.wav", &wav(1, 1, 96000, 24, &bytes)).expect("24");
    assert_eq!(samples, [-1.0, -0.5, 0.0, 8_388_607.0 / 8_388_608.0]);
    let bytes: Vec<u8> = [i32::MIN, i32::MIN / 2, 0, 1 << 30]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let (_, samples) = read_bytes("32.wav", &wav(1, 1, 44100, 32, &bytes)).expect("32");
    assert_eq!(samples, [-1.0, -0.5, 0.0, 0.5]);
    let (_, samples) =
        read_bytes("f.wav", &wav(3, 1, 44100, 32, &floats(&[-1.5, 0.1, 1e-9]))).expect("float");
    assert_eq!(samples, [-1.5, 0.1, 1e-9]);
}

#[test]
fn channels_are_mixed_by_their_mean() {
    let bytes = floats(&[0.5, 0.25, 1.0, 0.0, 0.25, 0.25]);
    let (_, samples) = read_bytes("stereo.wav", &wav(3, 2, 16000, 32, &bytes)).expect("stereo");
    assert_eq!(samples, [0.375, 0.5, 0.25]);
    let bytes = floats(&[0.3, 0.6, 0.9, -0.2, 0.2, 0.6]);
    let (_, samples) = read_bytes("six.wav", &wav(3, 6, 16000, 32, &bytes)).expect("six");
    assert!((samples[0] - 0.4).abs() < 1e-6, "{samples:?}");
}

#[test]
fn sound_that_is_too_quiet_for_the_mouth_is_told() {
    let warned = |level: f32| {
        let tone: Vec<f32> = (0..1_600).map(|i| level * (i as f32 * 0.3).sin()).collect();
        let bytes = wav(3, 1, 16000, 32, &floats(&tone));
        let mut reader = AudioReader::from_stream(Cursor::new(bytes), "tone.wav").expect("a tone");
        while reader.next_block().expect("sound").is_some() {}
        reader.warnings()
    };
    assert_eq!(warned(0.1), [""; 0]);
    assert_eq!(warned(0.0), [""; 0], "silence is meant");
    let warnings = warned(0.005);
    assert!(
        warnings.len() == 1 && warnings[0].contains("46 dB"),
        "{warnings:?}"
    );
}

#[test]
fn channels_in_antiphase_are_heard() {
    let tone = |i: u32| (i as f32 * 0.3).sin() * 0.4;
    let channels: Vec<f32> = (0..8_000).flat_map(|i| [tone(i), -tone(i)]).collect();
    let (_, samples) =
        read_bytes("antiphase.wav", &wav(3, 2, 16000, 32, &floats(&channels))).expect("antiphase");
    assert_eq!(samples.len(), 8_000);
    // The left channel, once the crossfade of 5 ms is over.
    let first = 80;
    for (i, sample) in samples.iter().enumerate().skip(first) {
        assert!((sample - tone(i as u32)).abs() < 1e-5, "{i}: {sample}");
    }
}

/// A burst of 10 ms that begins 0.2 s into 0.4 s, in every format.
#[test]
fn every_format_is_read_without_its_encoders_delay() {
    for name in [
        "burst.wav",
        "burst.flac",
        "burst.mp3",
        "burst.ogg",
        "burst.m4a",
    ] {
        let mut reader = AudioReader::open(data(name)).expect(name);
        assert_eq!(
            (reader.sample_rate(), reader.channels()),
            (16000, 1),
            "{name}"
        );
        let samples = read_all(&mut reader).expect(name);
        assert_eq!(samples.len(), 6400, "{name}");
        assert_eq!(reader.missing_samples(), 0, "{name}");
        assert_eq!(reader.damaged_packets(), 0, "{name}");
        let energy: f64 = samples.iter().map(|&x| f64::from(x * x)).sum();
        let moment: f64 = samples
            .iter()
            .enumerate()
            .map(|(i, &x)| i as f64 * f64::from(x * x))
            .sum();
        let middle = moment / energy;
        assert!(
            (middle - 3280.0).abs() < 16.0,
            "{name}: the burst is around {middle}"
        );
    }
}

#[test]
fn lossless_formats_agree_to_the_bit() {
    let wav = read_all(&mut AudioReader::open(data("burst.wav")).expect("wav")).expect("wav");
    let flac = read_all(&mut AudioReader::open(data("burst.flac")).expect("flac")).expect("flac");
    assert!(wav == flac);
}

#[test]
fn the_name_does_not_have_to_tell_the_format() {
    for name in ["burst.mp3", "burst.ogg", "burst.m4a"] {
        let bytes = std::fs::read(data(name)).expect(name);
        let (_, samples) = read_bytes(&format!("{name}.wav"), &bytes).expect(name);
        assert_eq!(samples.len(), 6400, "{name}");
    }
}

#[test]
fn short_audio_is_fine_and_no_audio_is_an_error_that_says_so() {
    let (_, samples) = read_bytes("s.wav", &wav(1, 1, 16000, 16, &[0; 320])).expect("0.01 s");
    assert_eq!(samples.len(), 160);
    let (_, samples) = read_bytes("one.wav", &wav(1, 1, 16000, 16, &[0; 2])).expect("a sample");
    assert_eq!(samples.len(), 1);

    let error = read_bytes("none.wav", &wav(1, 1, 16000, 16, &[])).expect_err("no samples");
    assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
    assert!(error.message().contains("0 samples"), "{error}");
    let error = read_bytes("zero.wav", &[]).expect_err("no bytes");
    assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
    assert!(error.message().contains("empty"), "{error}");
}

#[test]
fn a_sample_that_is_not_a_number_is_named() {
    for (value, position) in [(f32::NAN, 3), (f32::INFINITY, 5000), (f32::NEG_INFINITY, 0)] {
        let mut samples = vec![0.25; 8000];
        samples[position] = value;
        let bytes = wav(3, 1, 16000, 32, &floats(&samples));
        let error = read_bytes(&format!("nan{position}.wav"), &bytes).expect_err("not finite");
        assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
        assert!(
            error.message().contains(&format!("sample {position} ")),
            "{error}"
        );
    }
}

#[test]
fn a_cut_file_plays_what_is_there() {
    let full = std::fs::read(data("burst.wav")).expect("read");
    let file = Scratch::new("cut.wav", &full[..full.len() / 2]);
    let mut reader = AudioReader::open(&file.0).expect("opens");
    let samples = read_all(&mut reader).expect("plays");
    assert!((3000..3200).contains(&samples.len()), "{}", samples.len());
    assert_eq!(reader.missing_samples(), 6400 - samples.len() as u64);

    // Compressed: what is there, or an error that names the file. Never more than what was there.
    for name in ["burst.flac", "burst.mp3", "burst.ogg", "burst.m4a"] {
        let full = std::fs::read(data(name)).expect(name);
        for cut in [1, 4, 10, 50, 90, 99] {
            let bytes = &full[..full.len() * cut / 100];
            match read_bytes(&format!("cut{cut}-{name}"), bytes) {
                Ok((_, samples)) => assert!(samples.len() <= 6400, "{name} at {cut} %"),
                Err(error) => assert!(error.message().contains(name), "{name}: {error}"),
            }
        }
    }
}

#[test]
fn what_is_not_audio_is_refused() {
    let error = AudioReader::open(data("missing.wav")).expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("missing.wav"), "{error}");
    let error = AudioReader::open(data("")).expect_err("a folder");
    assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
    assert!(error.message().contains("folder"), "{error}");
    let text = b"This is a letter, not a recording. ".repeat(200);
    let error = read_bytes("letter.wav", &text).expect_err("text");
    assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
    assert!(error.message().contains("convert"), "{error}");
}
