//! `curves`: the table of the face's curves.

mod common;

use std::ffi::OsStr;

use common::{Folder, run, testdata, tone, toy, wav};
use essence_media::AudioReader;

/// The largest `jawOpen` of the curves of an audio file.
fn widest_jaw(audio: &std::path::Path) -> f64 {
    let result = run([
        OsStr::new("curves"),
        toy().as_os_str(),
        OsStr::new("-a"),
        audio.as_os_str(),
    ]);
    let text = result.text();
    let mut rows = text.lines().map(|line| line.split(','));
    let mut header = rows.next().expect("a header");
    let jaw = header.position(|name| name == "jawOpen").expect("a column");
    rows.map(|mut row| row.nth(jaw).expect("a value").parse().expect("a number"))
        .fold(0.0, |most: f64, x: f64| most.max(x))
}

#[test]
fn a_stereo_file_in_antiphase_moves_the_mouth() {
    let folder = Folder::new();
    let (rate, mono) = speech();
    let pair = |sample: &f32, right: f32| [*sample, sample * right];
    let file = |name: &str, right: f32| {
        let samples = mono.iter().flat_map(|x| pair(x, right));
        let bytes: Vec<u8> = samples.flat_map(f32::to_le_bytes).collect();
        folder.write(name, &wav(3, 2, rate, 32, &bytes))
    };
    let in_phase = widest_jaw(&file("in_phase.wav", 1.0));
    let antiphase = widest_jaw(&file("antiphase.wav", -1.0));
    assert!(in_phase > 0.2, "speech opens the mouth: {in_phase}");
    assert!(
        (antiphase - in_phase).abs() < 0.02,
        "{antiphase} in antiphase, {in_phase} in phase"
    );
}

/// Two seconds of speech.
fn speech() -> (u32, Vec<f32>) {
    let mut reader = AudioReader::open(testdata("audio/speech_16000.wav")).expect("speech");
    let rate = reader.sample_rate();
    let mut mono = Vec::new();
    while let Some(block) = reader.next_block().expect("sound") {
        mono.extend_from_slice(block);
    }
    mono.truncate(2 * rate as usize);
    (rate, mono)
}

#[test]
fn curves_have_a_row_per_frame_and_arkits_names() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.3));
    let avatar = toy();
    let table = folder.path("curves.csv");
    let args = [
        OsStr::new("curves"),
        avatar.as_os_str(),
        OsStr::new("-a"),
        audio.as_os_str(),
        OsStr::new("-o"),
        table.as_os_str(),
        OsStr::new("--json"),
    ];
    let result = run(args).object();
    assert_eq!(result["frames"], 8);
    let text = std::fs::read_to_string(&table).expect("the table");
    let mut lines = text.lines();
    let header: Vec<_> = lines.next().expect("a header").split(',').collect();
    assert_eq!(header[..2], ["index", "time_s"]);
    assert!(header.contains(&"jawOpen"), "{header:?}");
    let columns: Vec<_> = result["columns"].as_array().expect("columns").to_vec();
    assert_eq!(columns, header[2..]);
    for (k, line) in lines.by_ref().enumerate() {
        let values: Vec<f64> = line
            .split(',')
            .map(|v| v.parse().expect("a number"))
            .collect();
        assert_eq!(values.len(), header.len());
        assert_eq!((values[0], values[1]), (k as f64, k as f64 / 25.0));
        assert!(
            values[2..].iter().all(|v| (0.0..=1.0).contains(v)),
            "{line}"
        );
    }
    assert_eq!(text.lines().count(), 9);

    // The same on stdout.
    let result = run(&args[..4]);
    assert_eq!(
        (result.code, result.text()),
        (Some(0), text),
        "{}",
        result.stderr
    );
}
