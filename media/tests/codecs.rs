//! Every codec and container that is read, in step to the sample; those that aren't, by name.
//!
//! The committed files hold a burst of 10 ms that begins 0.2 s into 0.4 s (`generate.py`).

mod common;

use common::{data, hear, hear_bytes};
use essence::ErrorKind;

/// The middle of the burst, in seconds.
const MIDDLE: f64 = 0.205;

/// A file of the burst: how long it may be, and how far the burst may be from its place.
#[track_caller]
fn burst(name: &str, rate: u32, channels: usize, seconds: std::ops::RangeInclusive<f64>, off: f64) {
    let bytes = std::fs::read(data(name)).expect(name);
    let heard = hear_bytes(name, &bytes).expect(name);
    assert_eq!((heard.rate, heard.channels), (rate, channels), "{name}");
    let (length, middle) = (heard.seconds(), heard.middle());
    assert!(seconds.contains(&length), "{name}: {length} s");
    assert!(
        (middle - MIDDLE).abs() < off,
        "{name}: the burst is at {middle} s"
    );
    assert_eq!(heard.warnings, [""; 0], "{name}");
}

#[test]
fn lossless_codecs_are_exact_in_every_container() {
    let expected = hear(data("burst.wav")).expect("wav").samples;
    for name in [
        "burst.flac",
        "burst.aiff",
        "burst_24.caf",
        "burst_alac.caf",
        "burst_alac.m4a",
        "burst_flac.mkv",
        "burst_flac.ogg",
    ] {
        burst(name, 16000, 1, 0.4..=0.4, 1e-3);
        let heard = hear(data(name)).expect(name);
        assert!(heard.samples == expected, "{name}");
    }
}

#[test]
fn telephone_codecs_and_adpcm_are_in_step() {
    for name in ["burst_alaw.wav", "burst_mulaw.wav"] {
        burst(name, 16000, 1, 0.4..=0.4, 1e-3);
    }
    // Coded in blocks, the last of which is filled up.
    burst("burst_adpcm_ms.wav", 16000, 1, 0.4..=0.47, 1e-3);
    burst("burst_adpcm_ima.wav", 16000, 1, 0.4..=0.47, 1e-3);
}

#[test]
fn opus_is_in_step_in_every_container() {
    burst("burst_opus.ogg", 48000, 1, 0.4..=0.4, 1e-3);
    burst("burst_opus.m4a", 48000, 1, 0.4..=0.4, 1e-3);
    // Symphonia doesn't say how much of the last packet is padding.
    burst("burst_opus.webm", 48000, 1, 0.4..=0.42, 1e-3);
    burst("burst_opus51.ogg", 48000, 6, 0.4..=0.4, 1e-3);
}

#[test]
fn vorbis_and_mpeg_are_in_step() {
    burst("burst.ogg", 16000, 1, 0.4..=0.4, 1e-3);
    burst("burst_vorbis.webm", 16000, 1, 0.4..=0.42, 1e-3);
    burst("burst.mp3", 16000, 1, 0.4..=0.4, 1e-3);
    // Without a tag that tells the delay of the encoder.
    burst("burst.mp2", 16000, 1, 0.4..=0.5, 0.04);
    burst("burst_mp3.wav", 24000, 1, 0.4..=0.5, 0.06);
    burst("burst_mp3.mp4", 24000, 1, 0.4..=0.4, 2e-3);
}

#[test]
fn aac_is_in_step_where_the_file_tells_its_delay() {
    burst("burst.m4a", 16000, 1, 0.4..=0.4, 1e-3);
    burst("burst.mov", 16000, 1, 0.4..=0.4, 1e-3);
    burst("burst51.m4a", 48000, 6, 0.4..=0.4, 2e-3);
    // ADTS tells nothing: a frame of 64 ms in front.
    burst("burst.aac", 16000, 1, 0.4..=0.52, 0.07);
    burst("burst_fragments.m4a", 16000, 1, 0.4..=0.52, 0.07);
}

/// Twice the rate of the core comes out, as a player would have it.
#[test]
fn he_aac_has_its_upper_band() {
    let mut samples = vec![0.0f32; 48000];
    for (i, x) in samples[24000..26400].iter_mut().enumerate() {
        *x = 0.5 * (i as f32 * 0.4).sin() * (i as f32 / 2400.0 * std::f32::consts::PI).sin();
    }
    let options = syom::EncodeOptions::adts().with_he(true);
    let adts = syom::encode_with(&[&samples], 48000, &options).expect("encodes");
    let heard = hear_bytes("he.aac", &adts).expect("plays");
    assert_eq!(heard.rate, 48000);
    assert!((1.0..1.2).contains(&heard.seconds()), "{}", heard.seconds());
    assert_eq!(heard.warnings, [""; 0]);
}

#[test]
fn silence_in_front_of_an_edit_is_kept() {
    let bytes = std::fs::read(data("burst_late.m4a")).expect("read");
    let heard = hear_bytes("late.m4a", &bytes).expect("plays");
    let (seconds, middle) = (heard.seconds(), heard.middle());
    assert!((seconds - 1.9).abs() < 2e-3, "{seconds} s");
    assert!(
        (middle - 1.5 - MIDDLE).abs() < 2e-3,
        "the burst is at {middle} s"
    );
}

/// The clock of a track need not be its sample rate.
#[test]
fn edits_are_in_the_units_of_their_track() {
    let original = std::fs::read(data("burst.m4a")).expect("read");
    for scale in [8000u32, 32000, 48000, 90000, 96000, 250_000] {
        let mut bytes = original.clone();
        let scaled = |ticks: u32| (u64::from(ticks) * u64::from(scale) / 16000) as u32;
        let mut patch = |name: &[u8; 4], fields: &[usize]| {
            let at = bytes.windows(4).position(|w| w == name).expect("the box");
            for field in fields {
                let field = at + 4 + field;
                let value = bytes[field..field + 4].try_into().expect("4 bytes");
                let value = scaled(u32::from_be_bytes(value));
                bytes[field..field + 4].copy_from_slice(&value.to_be_bytes());
            }
        };
        patch(b"mdhd", &[12, 16]);
        patch(b"elst", &[12]);
        let entries = original
            .windows(4)
            .position(|w| w == b"stts")
            .expect("stts");
        let entries = usize::from(original[entries + 11]);
        let deltas: Vec<usize> = (0..entries).map(|i| 12 + 8 * i).collect();
        patch(b"stts", &deltas);
        let name = format!("{scale}.m4a");
        let heard = hear_bytes(&name, &bytes).expect(&name);
        assert_eq!(heard.samples.len(), 6400, "{name}");
        assert!(
            (heard.middle() - MIDDLE).abs() < 1e-3,
            "{name}: {}",
            heard.middle()
        );
        assert_eq!(heard.warnings, [""; 0], "{name}");
    }
}

/// A box of an MP4 file.
fn mp4_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = (8 + content.len() as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(content);
    bytes
}

/// The file without its edit list, with a text in iTunes' tag for gapless playback.
fn with_itunes_tag(text: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(data("burst.m4a")).expect("read");
    let place = |bytes: &[u8], name| bytes.windows(4).position(|w| w == name);
    let edits = place(&bytes, b"edts").expect("an edit list");
    bytes[edits..edits + 4].copy_from_slice(b"free");
    while let Some(other) = place(&bytes, b"udta") {
        bytes[other..other + 4].copy_from_slice(b"free");
    }
    let full = |content: &[u8]| [&[0; 4], content].concat();
    let value = [&[0, 0, 0, 1, 0, 0, 0, 0], text.as_bytes()].concat();
    let item = [
        mp4_box(b"mean", &full(b"com.apple.iTunes")),
        mp4_box(b"name", &full(b"iTunSMPB")),
        mp4_box(b"data", &value),
    ];
    let handler = [&[0; 8][..], b"mdirappl", &[0; 9]].concat();
    let list = mp4_box(b"ilst", &mp4_box(b"----", &item.concat()));
    let meta = full(&[mp4_box(b"hdlr", &handler), list].concat());
    let tag = mp4_box(b"udta", &mp4_box(b"meta", &meta));
    // The index is the last box of the file.
    let moov = place(&bytes, b"moov").expect("the index") - 4;
    let size = (bytes.len() - moov + tag.len()) as u32;
    bytes[moov..moov + 4].copy_from_slice(&size.to_be_bytes());
    bytes.extend_from_slice(&tag);
    bytes
}

#[test]
fn itunes_tag_for_gapless_playback_cuts_delay_and_padding() {
    let play = |text| hear_bytes("itunes.m4a", &with_itunes_tag(text)).expect("plays");
    let heard = play(" 00000000 00000400 00000300 0000000000001900 00000000 00000000");
    assert_eq!(heard.samples.len(), 6400);
    assert!((heard.middle() - MIDDLE).abs() < 1e-3, "{}", heard.middle());
    assert_eq!(heard.warnings, [""; 0]);
    // Without it, or damaged: the whole track.
    for text in ["", " 0 0", " 00000000 XYZ 0 10", " 0 0 0 0"] {
        let heard = play(text);
        assert!(
            heard.samples.len() > 7000,
            "{text:?}: {}",
            heard.samples.len()
        );
    }
}

/// LAME writes no tag into a pipe: the length shows only from all of the data.
#[test]
fn mp3_of_a_variable_rate_without_a_tag_plays_whole() {
    for (name, middle) in [
        ("vbr_silence_first.mp3", 1.25),
        ("vbr_noise_first.mp3", 0.25),
    ] {
        let bytes = std::fs::read(data(name)).expect(name);
        let heard = hear_bytes(name, &bytes).expect(name);
        assert!(
            (1.5..1.61).contains(&heard.seconds()),
            "{name}: {} s",
            heard.seconds()
        );
        assert!(
            (heard.middle() - middle).abs() < 0.06,
            "{name}: {}",
            heard.middle()
        );
        assert_eq!(heard.warnings, [""; 0], "{name}");
    }
}

#[test]
fn files_that_were_joined_play_on() {
    for (name, off) in [
        ("burst.mp3", 0.08),
        ("vbr_noise_first.mp3", 0.08),
        ("burst.aac", 0.08),
        ("burst.mp2", 0.08),
        ("burst.ogg", 1e-3),
        ("burst_opus.ogg", 1e-3),
        ("burst_flac.ogg", 1e-3),
        ("burst.wav", 1e-3),
    ] {
        let one = std::fs::read(data(name)).expect(name);
        let single = hear_bytes(name, &one).expect(name);
        for times in [2, 3] {
            let joined = one.repeat(times);
            let heard = hear_bytes(name, &joined).expect(name);
            let expected = single.seconds() * times as f64;
            let seconds = heard.seconds();
            assert!(
                (seconds - expected).abs() < off * times as f64,
                "{name}: {seconds} s"
            );
            let loudest = |samples: &[f32]| samples.iter().fold(0f32, |m, x| m.max(x.abs()));
            let last = &heard.samples[(heard.samples.len() - single.samples.len())..];
            assert!(loudest(last) > 0.1, "{name}: the last one is silent");
            assert_eq!(heard.warnings, [""; 0], "{name}");
        }
    }
}

#[test]
fn a_tag_in_front_or_behind_is_no_sound() {
    for name in ["burst.mp3", "vbr_noise_first.mp3", "burst.aac"] {
        let bytes = std::fs::read(data(name)).expect(name);
        let plain = hear_bytes(name, &bytes).expect(name);
        // ID3v2.3 with a picture's worth of zeros; ID3v1.
        let size = [0, 1, 0, 0];
        let front = [&b"ID3\x03\0\0"[..], &size, &[0; 16384]].concat();
        let behind = [&b"TAG"[..], &[b'x'; 125]].concat();
        let tagged = [front, bytes, behind].concat();
        let heard = hear_bytes(name, &tagged).expect(name);
        assert_eq!(heard.samples.len(), plain.samples.len(), "{name}");
    }
}

#[test]
fn codecs_that_are_not_read_are_named() {
    for (name, word) in [
        ("burst.ac3", "AC-3"),
        ("burst_ac3.mp4", "AC-3"),
        ("burst_g726.wav", "G.726"),
        ("burst.wma", "Windows Media"),
        ("burst.au", "AU file"),
    ] {
        let bytes = std::fs::read(data(name)).expect(name);
        let error = hear_bytes(name, &bytes).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::UnsupportedFormat, "{name}");
        let message = error.to_string();
        assert!(message.contains(word), "{name}: {message}");
        assert!(
            message.contains(name) && message.contains("ffmpeg"),
            "{message}"
        );
    }
    for (bytes, word) in [
        (&b"#!AMR\n"[..], "AMR"),
        (b"MThd\0\0\0\x06", "MIDI"),
        (b"wvpk", "WavPack"),
        (b"\x89PNG\r\n\x1A\n", "a picture"),
        (b"<!DOCTYPE html>", "web page"),
        (b"PK\x03\x04", "ZIP"),
        (b"\0\0\0\x18ftypmp42", "damaged"),
        (b"hello", "not audio"),
    ] {
        let bytes = [bytes, &[0; 600]].concat();
        let error = hear_bytes("x.mp3", &bytes).expect_err(word);
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// Whatever is cut off or damaged: an error that names the file, or sound of no more than the length.
#[test]
fn damage_never_harms() {
    let mut random = 1u32;
    let mut next = move |end: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % end
    };
    let mut files: Vec<_> = std::fs::read_dir(data(""))
        .expect("the data")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    for path in files {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let original = std::fs::read(&path).expect("read");
        for round in 0..12 {
            let mut bytes = original.clone();
            if round % 2 == 0 {
                bytes.truncate(next(bytes.len()));
            }
            for _ in 0..next(8) {
                if !bytes.is_empty() {
                    let at = next(bytes.len());
                    bytes[at] = next(256) as u8;
                }
            }
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join(&name);
            std::fs::write(&file, &bytes).expect("write");
            match hear(&file) {
                Ok(heard) => assert!(heard.seconds() < 7200.0, "{name}, round {round}"),
                Err(error) => assert!(error.to_string().contains(&name), "{name}: {error}"),
            }
        }
    }
}
