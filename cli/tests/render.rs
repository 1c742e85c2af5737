//! `render`: the files it writes, and the input it refuses.

mod common;

use std::ffi::OsStr;
use std::io::Read;
use std::process::Stdio;

use common::{Folder, bithuman, render, run, signal, testdata, tone, toy, wav};
use essence_media::AudioReader;

/// Samples of a file's sound.
fn samples(path: &std::path::Path) -> (u32, usize) {
    let mut reader = AudioReader::open(path).expect("the sound opens");
    let mut n = 0;
    while let Some(block) = reader.next_block().expect("the sound decodes") {
        n += block.len();
    }
    (reader.sample_rate(), n)
}

#[test]
fn a_video_has_a_frame_for_every_forty_milliseconds() {
    let folder = Folder::new();
    let output = folder.path("out.mp4");
    for (rate, seconds, frames) in [
        (16000, 1.0, 25),
        (44100, 0.5, 13),
        (8000, 0.01, 1),
        (48000, 1.001, 26),
        (10007, 0.39, 10),
    ] {
        let audio = folder.write("in.wav", &tone(rate, seconds));
        let result = run(render(&toy(), &audio, &output)).object();
        assert_eq!(result["frames"], frames, "{seconds} s at {rate} Hz");
        assert_eq!(result["fps"], 25);
        assert_eq!(result["seconds"], f64::from(frames) / 25.0);
        assert_eq!(result["output"], output.display().to_string());
        let bytes = std::fs::metadata(&output).expect("the video").len();
        assert_eq!(result["bytes"], bytes);
        for key in ["wall_seconds", "render_seconds", "render_fps"] {
            assert!(
                result[key].as_f64().is_some_and(|x| x > 0.0),
                "{key} in {result}"
            );
        }
        let (file_rate, n) = samples(&output);
        assert_eq!(n, frames as usize * file_rate as usize / 25);
        assert_eq!(folder.names(), ["in.wav", "out.mp4"]);
    }
}

#[test]
fn every_kind_of_samples_renders() {
    let folder = Folder::new();
    let output = folder.path("out.mp4");
    let floats: Vec<u8> = (0..3200)
        .flat_map(|i| ((i % 50) as f32 / 100.0).to_le_bytes())
        .collect();
    for (name, bytes) in [
        ("stereo", wav(1, 2, 16000, 16, &[0x40; 1600 * 4])),
        ("8-bit", wav(1, 1, 16000, 8, &[100; 1600])),
        ("24-bit", wav(1, 1, 16000, 24, &[0x10; 1600 * 3])),
        ("float stereo", wav(3, 2, 16000, 32, &floats)),
    ] {
        let audio = folder.write("in.wav", &bytes);
        let result = run(render(&toy(), &audio, &output)).object();
        assert!(
            result["frames"].as_u64().is_some_and(|n| n > 0),
            "{name}: {result}"
        );
    }
}

#[test]
fn options_change_size_length_and_bytes() {
    let folder = Folder::new();
    let audio = testdata("audio/speech_16000.wav");
    let render = |output: &str, more: &[&str]| {
        let output = folder.path(output);
        let avatar = toy();
        let mut args = render(&avatar, &audio, &output);
        args.extend(more.iter().map(OsStr::new));
        run(args).object()
    };
    let size = |result: &serde_json::Value| {
        (
            result["width"].as_u64().unwrap_or(0),
            result["height"].as_u64().unwrap_or(0),
        )
    };
    let plain = render("a.mp4", &["--limit", "10"]);
    assert_eq!(plain["frames"], 10);
    let both = render("b.mp4", &["--limit", "10", "--target-size", "120x90"]);
    assert_eq!(size(&both), (120, 90));
    let one = render("c.mp4", &["--limit", "10", "--target-size", "200"]);
    let (width, height) = size(&one);
    assert_eq!(width.max(height), 200);
    let odd = render("odd.mp4", &["--limit", "2", "--target-size", "101x75"]);
    assert_eq!(size(&odd), (102, 76));
    let bytes = |quality: &str| {
        let more = [
            "--limit",
            "25",
            "--target-size",
            "256",
            "--quality",
            quality,
        ];
        render("q.mp4", &more)["bytes"].as_u64().unwrap_or(0)
    };
    let (low, medium, high) = (bytes("low"), bytes("medium"), bytes("high"));
    assert!(low < medium && medium < high, "{low} {medium} {high}");
}

#[test]
fn raw_frames_go_to_the_pipe_and_nothing_else() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.2));
    let avatar = toy();
    for (format, bytes_per_12_pixels) in [
        ("bgr", 36),
        ("rgb", 36),
        ("rgba", 48),
        ("i420", 18),
        ("nv12", 18),
    ] {
        let result = run([
            OsStr::new("render"),
            avatar.as_os_str(),
            OsStr::new("-a"),
            audio.as_os_str(),
            OsStr::new("-o"),
            OsStr::new("-"),
            OsStr::new("--target-size"),
            OsStr::new("64x48"),
            OsStr::new("--format"),
            OsStr::new(format),
        ]);
        assert_eq!(result.code, Some(0), "{format}: {}", result.stderr);
        assert_eq!(
            result.stdout.len(),
            5 * 64 * 48 / 12 * bytes_per_12_pixels,
            "{format}"
        );
        assert_eq!(result.stderr, "", "no progress where there is no terminal");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 60.0));
    let mut child = bithuman()
        .arg("render")
        .arg(toy())
        .arg("-a")
        .arg(&audio)
        .args(["-o", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut some = [0; 1000];
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_exact(&mut some)
        .expect("frames");
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// The first Ctrl-C ends with what there is.
#[cfg(unix)]
#[test]
fn an_interrupted_video_is_playable() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(8000, 1200.0));
    let output = folder.path("out.mp4");
    let child = bithuman()
        .args(render(&toy(), &audio, &output))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while folder.names().len() < 2 {
        std::thread::yield_now();
    }
    signal("INT", child.id());
    let result = child.wait_with_output().expect("the program ends");
    assert_eq!(result.status.code(), Some(130));
    let error = String::from_utf8_lossy(&result.stderr);
    assert!(error.contains("INTERRUPTED"), "{error}");
    match folder.names().as_slice() {
        [_, video] => {
            assert_eq!(video, "out.mp4");
            let (rate, n) = samples(&output);
            assert!(n > 0 && n < 1200 * rate as usize);
        }
        names => assert_eq!(names, ["in.wav"], "nothing, when not a frame was done"),
    }
}

#[test]
fn bad_audio_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    let output = folder.path("out.mp4");
    let mut nan: Vec<u8> = vec![0; 16000 * 4];
    nan[4000 * 4..4001 * 4].copy_from_slice(&f32::NAN.to_le_bytes());
    for (name, bytes) in [
        ("no samples", wav(1, 1, 16000, 16, &[])),
        ("no bytes", Vec::new()),
        ("not a number", wav(3, 1, 16000, 32, &nan)),
        ("text", b"hello".repeat(1000)),
        ("a rate too low", wav(1, 1, 4000, 16, &[0; 8000])),
        ("a rate too high", wav(1, 1, 400_000, 16, &[0; 8000])),
    ] {
        let audio = folder.write("in.wav", &bytes);
        let result = run(render(&toy(), &audio, &output));
        assert_eq!(
            result.error(),
            (66, "UNSUPPORTED_AUDIO".to_owned()),
            "{name}"
        );
        assert_eq!(folder.names(), ["in.wav"], "{name}");
    }
    let missing = folder.path("missing.wav");
    let result = run(render(&toy(), &missing, &output));
    assert_eq!(result.error(), (66, "AUDIO_NOT_FOUND".to_owned()));
}

#[test]
fn a_cut_file_renders_what_is_there_and_says_so() {
    let folder = Folder::new();
    let full = tone(16000, 1.0);
    let audio = folder.write("in.wav", &full[..full.len() / 2]);
    let result = run(render(&toy(), &audio, &folder.path("out.mp4"))).object();
    assert!(
        result["frames"]
            .as_u64()
            .is_some_and(|n| (12..14).contains(&n)),
        "{result}"
    );
    assert!(
        result["warnings"][0]
            .as_str()
            .is_some_and(|w| w.contains("cut off")),
        "{result}"
    );
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_any_work() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.2));
    let avatar = folder.write("a.mp4", &std::fs::read(toy()).expect("the toy avatar"));
    let error = |output: &str| {
        let result = run(render(&toy(), &audio, &folder.path(output)));
        result.error()
    };
    let usage = (2, "USAGE".to_owned());
    assert_eq!(
        error("missing/out.mp4"),
        (1, "OUTPUT_NOT_WRITABLE".to_owned())
    );
    assert_eq!(
        error("missing/%03d.png"),
        (1, "OUTPUT_NOT_WRITABLE".to_owned())
    );
    for output in [
        "out.avi", "out", "out.png", "in.wav", "%03d.jpg", "%d%d.png",
    ] {
        assert_eq!(error(output), usage, "{output}");
    }
    // The output is the avatar itself.
    let result = run(render(&avatar, &audio, &avatar));
    assert_eq!(result.error(), usage, "{}", result.stderr);
    assert_eq!(
        std::fs::read(&avatar).expect("still there"),
        std::fs::read(toy()).expect("toy")
    );
    // Raw frames and JSON both want stdout.
    let result = run(render(&toy(), &audio, std::path::Path::new("-")));
    assert_eq!(result.error(), usage, "{}", result.stderr);
    assert_eq!(folder.names(), ["a.mp4", "in.wav"]);
}

#[cfg(unix)]
#[test]
fn a_device_that_is_full_is_an_error_with_its_cause() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 1.0));
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let output = bithuman()
        .arg("render")
        .arg(toy())
        .arg("-a")
        .arg(&audio)
        .args(["-o", "-"])
        .stdout(full)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("cannot write to stdout"), "{error}");
}
