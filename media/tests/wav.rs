//! WAV files with headers as they are met in the wild: written before the length was known, by
//! programs that count wrong, in rare formats.

mod common;

use common::{Heard, Wav, chunk, hear_bytes};

/// A second of a ramp, which shows any sample that is missing or out of place.
fn ramp() -> Vec<i16> {
    (0..16000).map(|i| i as i16 - 8000).collect()
}

fn floats() -> Vec<f32> {
    ramp().iter().map(|&x| f32::from(x) / 32768.0).collect()
}

#[track_caller]
fn plays_whole(name: &str, wav: &Wav) -> Heard {
    let heard = hear_bytes(name, &wav.bytes()).expect(name);
    assert!(
        heard.samples == floats(),
        "{name}: {} samples",
        heard.samples.len()
    );
    assert_eq!(heard.warnings, [""; 0], "{name}");
    heard
}

/// Headers as ffmpeg, speech services and text-to-speech libraries write them when they stream.
#[test]
fn a_length_that_was_not_known_yet_is_no_length() {
    for (riff_size, data_size) in [
        (0, 0),
        (36, 0),
        (u32::MAX, 0),
        (u32::MAX, u32::MAX),
        (0x7FFF_FFFF, 0x7FFF_FFFF),
        (0x7FFF_FFFF, 0x7FFF_FFDB),
        (u32::MAX, 0xFFFF_FFDB),
        (2_000_000_036, 2_000_000_000),
        (0x8000_0024, 0x8000_0000),
        (0xFFFF_FF00, 0xFFFF_FEDC),
        (1_000_000_036, 1_000_000_000),
    ] {
        let wav = Wav {
            riff_size,
            data_size,
            ..Wav::speech(&ramp())
        };
        plays_whole(&format!("{riff_size}_{data_size}.wav"), &wav);
    }
}

#[test]
fn the_length_of_the_whole_file_does_not_matter() {
    for riff_size in [0, 4, 100, 32028, 32044, 5_000_000] {
        let wav = Wav {
            riff_size,
            ..Wav::speech(&ramp())
        };
        plays_whole(&format!("riff{riff_size}.wav"), &wav);
    }
}

#[test]
fn a_format_chunk_may_be_longer_than_it_needs_to_be() {
    for extra in [2, 4, 8, 22, 24, 100] {
        let mut wav = Wav::speech(&ramp());
        wav.format.resize(16 + extra, 0);
        plays_whole(&format!("fmt{}.wav", 16 + extra), &wav);
    }
    // Odd, and filled up to an even length.
    let mut wav = Wav::speech(&ramp());
    wav.format.push(0);
    plays_whole("fmt17.wav", &wav);
}

#[test]
fn bits_are_stored_in_whole_bytes() {
    // 12 bits in 16.
    let mut wav = Wav::speech(&ramp());
    wav.format[14] = 12;
    plays_whole("12in16.wav", &wav);
    // 20 bits in 24, at the top.
    let data: Vec<u8> = ramp()
        .iter()
        .flat_map(|&x| {
            let [low, high] = x.to_le_bytes();
            [0, low, high]
        })
        .collect();
    let mut wav = Wav::new(1, 1, 16000, 24, &data);
    wav.format[14] = 20;
    plays_whole("20in24.wav", &wav);
}

#[test]
fn other_chunks_are_passed_over_and_not_played() {
    let list = chunk(b"LIST", b"INFOISFT\x05\0\0\0abcde\0");
    let mut wav = Wav::speech(&ramp());
    wav.before = vec![
        (*b"JUNK", vec![7; 27]),
        (*b"bext", vec![0; 602]),
        (*b"fact", vec![1, 2, 3, 4]),
        (*b"LIST", vec![1]),
    ];
    wav.after = list.clone();
    plays_whole("chunks.wav", &wav);
    // An odd length of data is filled up; the list behind is no sound.
    let mut wav = Wav::new(1, 1, 8000, 8, &[128; 801]);
    wav.after = [&[0][..], &list].concat();
    let heard = hear_bytes("odd.wav", &wav.bytes()).expect("plays");
    assert_eq!(heard.samples.len(), 801);
    // Nothing but a list is no sound.
    let mut wav = Wav::speech(&[]);
    wav.after = list;
    let error = hear_file("nothing.wav", &wav.bytes());
    assert!(error.contains("0 samples"), "{error}");
}

#[test]
fn rf64_and_bw64_keep_their_length_in_a_chunk_of_their_own() {
    for magic in [*b"RF64", *b"BW64"] {
        let mut sizes = Vec::new();
        for size in [0x1_0000_0000_u64, 32000, 16000] {
            sizes.extend_from_slice(&size.to_le_bytes());
        }
        sizes.extend_from_slice(&[0; 4]);
        let wav = Wav {
            magic,
            riff_size: u32::MAX,
            data_size: u32::MAX,
            before: vec![(*b"ds64", sizes)],
            after: chunk(b"LIST", b"INFO"),
            ..Wav::speech(&ramp())
        };
        plays_whole("rf64.wav", &wav);
    }
}

#[test]
fn the_extensible_format_names_the_usual_ones() {
    let extensible = |tag: u16, channels, bits: u16, data: &[u8]| {
        let mut wav = Wav::new(0xFFFE, channels, 16000, bits, data);
        wav.format.extend_from_slice(&22u16.to_le_bytes());
        wav.format.extend_from_slice(&bits.to_le_bytes());
        wav.format.extend_from_slice(&[4, 0, 0, 0]);
        wav.format.extend_from_slice(&tag.to_le_bytes());
        wav.format
            .extend_from_slice(b"\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71");
        wav
    };
    let integers: Vec<u8> = ramp().iter().flat_map(|x| x.to_le_bytes()).collect();
    plays_whole("pcm.wav", &extensible(1, 1, 16, &integers));
    let float: Vec<u8> = floats().iter().flat_map(|x| x.to_le_bytes()).collect();
    plays_whole("float.wav", &extensible(3, 1, 32, &float));
    let mut unknown = extensible(1, 1, 16, &integers);
    unknown.format[30] = 9;
    let error = hear_file("unknown.wav", &unknown.bytes());
    assert!(error.contains("unknown subformat"), "{error}");
}

#[test]
fn recordings_that_were_joined_play_one_after_the_other() {
    let ramp = ramp();
    let (first, second) = ramp.split_at(7001);
    let joined = [Wav::speech(first).bytes(), Wav::speech(second).bytes()].concat();
    let heard = hear_bytes("joined.wav", &joined).expect("plays");
    assert!(heard.samples == floats());
    // With a list between, and an odd byte.
    let mut odd = Wav::speech(first);
    odd.data.push(99);
    odd.data_size += 1;
    odd.after = [&[0][..], &chunk(b"LIST", b"INFO")].concat();
    let joined = [odd.bytes(), Wav::speech(second).bytes()].concat();
    let heard = hear_bytes("joined.wav", &joined).expect("plays");
    assert!(heard.samples == floats());
    // Another rate can't be played on, which is said.
    let other = Wav::new(1, 1, 8000, 16, &[0; 800]);
    let joined = [Wav::speech(&ramp).bytes(), other.bytes()].concat();
    let heard = hear_bytes("two_rates.wav", &joined).expect("plays");
    assert!(heard.samples == floats());
    assert!(heard.warnings[0].contains("joined"), "{:?}", heard.warnings);
}

#[test]
fn a_file_that_is_cut_off_says_how_much_is_missing() {
    let full = Wav::speech(&ramp()).bytes();
    for (keep, missing) in [
        (44 + 2000, "0.94 s"),
        (44 + 2001, "0.94 s"),
        (44 + 30000, "0.06 s"),
    ] {
        let heard = hear_bytes("cut.wav", &full[..keep]);
        // A stream of which less comes than was declared has the same warning.
        let heard = heard.expect("plays");
        assert_eq!(heard.samples.len(), (keep - 44) / 2);
        assert!(heard.warnings[0].contains(missing), "{:?}", heard.warnings);
    }
}

#[test]
fn floats_as_large_as_integers_are_warned_about() {
    let data: Vec<u8> = ramp()
        .iter()
        .flat_map(|&x| f32::from(x).to_le_bytes())
        .collect();
    let wav = Wav::new(3, 1, 16000, 32, &data);
    let heard = hear_bytes("int_range.wav", &wav.bytes()).expect("plays");
    assert!(
        heard.warnings[0].contains("full scale"),
        "{:?}",
        heard.warnings
    );
    // A little too loud is only loud.
    let data: Vec<u8> = floats()
        .iter()
        .flat_map(|x| (x * 8.0).to_le_bytes())
        .collect();
    let wav = Wav::new(3, 1, 16000, 32, &data);
    let heard = hear_bytes("loud.wav", &wav.bytes()).expect("plays");
    assert_eq!(heard.warnings, [""; 0]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let tag = |tag: u16, bits: u16| Wav::new(tag, 1, 16000, bits, &[0; 640]).bytes();
    for (name, bytes, word) in [
        ("gsm.wav", tag(0x31, 0), "GSM"),
        ("wma.wav", tag(0x161, 16), "Windows Media"),
        ("odd.wav", tag(0x4321, 16), "0x4321"),
        ("64.wav", tag(1, 64), "64 bits"),
        ("half.wav", tag(3, 16), "16 bits"),
        ("rifx.wav", b"RIFX\0\0\0\0WAVE".repeat(9), "RIFX"),
        ("avi.wav", b"RIFF\0\0\0\0AVI LIST".repeat(9), "AVI"),
        (
            "short.wav",
            Wav::speech(&[]).bytes()[..30].to_vec(),
            "header",
        ),
    ] {
        let error = hear_file(name, &bytes);
        assert!(
            error.contains(word) && error.contains(name),
            "{name}: {error}"
        );
    }
    let mut wav = Wav::speech(&ramp());
    wav.format[2] = 0;
    let error = hear_file("no_channels.wav", &wav.bytes());
    assert!(error.contains("0 channels"), "{error}");
}

/// The error of a file that isn't read.
#[track_caller]
fn hear_file(name: &str, bytes: &[u8]) -> String {
    let error = hear_bytes(name, bytes).expect_err(name);
    assert_eq!(
        error.kind(),
        essence::ErrorKind::UnsupportedFormat,
        "{error}"
    );
    error.to_string()
}

/// Numbers at the edges of their fields, as damage makes them.
#[test]
fn absurd_formats_are_refused_or_played_and_never_overflow() {
    for tag in [1, 2, 3, 6, 0x11, 0x55] {
        for (channels, align, bits) in [
            (1, u16::MAX, 16),
            (1, 2, u16::MAX),
            (u16::MAX, u16::MAX, u16::MAX),
            (2, 60_000, 4),
            (1, 0, 0),
            (40_000, 2, 16),
        ] {
            let mut wav = Wav::speech(&ramp());
            for (at, value) in [(0, tag), (2, channels), (12, align), (14, bits)] {
                let value: u16 = value;
                wav.format[at..at + 2].copy_from_slice(&value.to_le_bytes());
            }
            let name = format!("{tag}_{channels}_{align}_{bits}.wav");
            match hear_bytes(&name, &wav.bytes()) {
                Ok(heard) => assert!(heard.samples.len() <= 64_000, "{name}"),
                Err(error) => assert!(error.to_string().contains(&name), "{error}"),
            }
        }
    }
}
