//! `render` and `curves`: what they write, and what they refuse.

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
fn pictures_are_numbered_from_zero() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.12));
    let result = run(render(&toy(), &audio, &folder.path("f%03d.png"))).object();
    assert_eq!(result["frames"], 3);
    assert_eq!(
        folder.names(),
        ["f000.png", "f001.png", "f002.png", "in.wav"]
    );
    let png = std::fs::read(folder.path("f002.png")).expect("a picture");
    assert!(png.starts_with(b"\x89PNG"));
    let total: u64 = ["f000.png", "f001.png", "f002.png"]
        .iter()
        .map(|name| {
            std::fs::metadata(folder.path(name))
                .expect("a picture")
                .len()
        })
        .sum();
    assert_eq!(result["bytes"], total);
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

/// The pixels of a PNG file, its width, and the channels of a pixel.
fn png(path: &std::path::Path) -> (Vec<u8>, usize, usize) {
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("the picture"));
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("its pixels");
    (pixels, info.width as usize, info.color_type.samples())
}

/// The first picture of a second of speech, rendered with `more` arguments.
fn first_picture(folder: &Folder, avatar: &str, more: &[&str]) -> (Vec<u8>, usize, usize) {
    let avatar = testdata(avatar);
    let audio = testdata("audio/speech_16000.wav");
    let output = folder.path("f%d.png");
    let mut args = render(&avatar, &audio, &output);
    args.extend(["--limit", "1"].iter().chain(more).map(OsStr::new));
    run(args).object();
    png(&folder.path("f0.png"))
}

#[test]
fn a_keyed_avatar_is_drawn_with_alpha_and_over_backgrounds() {
    let folder = Folder::new();
    let keyed = "avatars/toy_keyed.imx";
    let (pixels, width, channels) = first_picture(&folder, keyed, &["--alpha"]);
    assert_eq!((width, channels), (64, 4));
    let middle = 4 * (24 * 64 + 32);
    assert_eq!((pixels[3], pixels[middle + 3]), (0, 255), "corner and face");
    let (pixels, _, channels) = first_picture(&folder, keyed, &["--background", "#102030"]);
    assert_eq!((channels, &pixels[..3]), (3, &[16, 32, 48][..]));
    // Over a picture: what the renderer wrote itself.
    first_picture(&folder, keyed, &["--background", "#f00408"]);
    std::fs::rename(folder.path("f0.png"), folder.path("red.png")).expect("rename");
    let red = folder.path("red.png").display().to_string();
    let (pixels, _, _) = first_picture(&folder, keyed, &["--background", &red]);
    assert_eq!(pixels[..3], [240, 4, 8]);
}

#[test]
fn the_avatar_fits_as_it_is_told() {
    let folder = Folder::new();
    let toy = "avatars/toy.imx";
    let (whole, _, _) = first_picture(&folder, toy, &[]);
    let sides = ["--size", "32x16", "--fit"];
    let (part, width, _) = first_picture(&folder, toy, &[&sides[..], &["crop:5,7"]].concat());
    assert_eq!(width, 32);
    for y in 0..16 {
        let (from, to) = (3 * (64 * (y + 7) + 5), 3 * 32 * y);
        assert!(part[to..to + 96] == whole[from..from + 96], "row {y}");
    }
    let (middle, _, _) = first_picture(&folder, toy, &[&sides[..], &["crop"]].concat());
    assert!(
        middle[..96] == whole[3 * (64 * 16 + 16)..][..96],
        "the middle"
    );
    let wide = ["--size", "96x16", "--background", "#ff00ff", "--fit"];
    let bars = |fit: &str| {
        let (pixels, _, _) = first_picture(&folder, toy, &[&wide[..], &[fit]].concat());
        let pixels = pixels.as_chunks::<3>().0;
        pixels
            .iter()
            .filter(|pixel| **pixel == [255, 0, 255])
            .count()
    };
    assert_eq!(bars("cover"), 0);
    assert!(bars("contain") > 1_000, "bars on both sides");
}

#[test]
fn pictures_that_cannot_be_are_refused_with_a_sentence() {
    let folder = Folder::new();
    let audio = testdata("audio/speech_16000.wav");
    let noise = folder
        .write("noise.png", b"no picture at all")
        .display()
        .to_string();
    let none = folder.path("none.png").display().to_string();
    for (avatar, output, more, said) in [
        ("toy.imx", "f%d.png", &["--alpha"][..], "was not keyed"),
        (
            "toy_keyed.imx",
            "f.mp4",
            &["--alpha"],
            "a video has no alpha",
        ),
        (
            "toy_keyed.imx",
            "-",
            &["--alpha", "--format", "rgb"],
            "choose rgba or bgra",
        ),
        (
            "toy_keyed.imx",
            "f%d.png",
            &["--alpha", "--background", "#000000"],
            "cannot be used with",
        ),
        (
            "toy.imx",
            "f%d.png",
            &["--background", "#12"],
            "six hexadecimal digits",
        ),
        (
            "toy.imx",
            "f%d.png",
            &["--background", &noise],
            "save it as PNG",
        ),
        ("toy.imx", "f%d.png", &["--background", &none], "#20a040"),
        ("toy.imx", "f%d.png", &["--fit", "fill"], "contain, cover"),
        (
            "toy.imx",
            "f%d.png",
            &["--fit", "crop:1,0"],
            "not inside of the avatar",
        ),
    ] {
        let avatar = testdata(&format!("avatars/{avatar}"));
        let output = match output {
            "-" => output.into(),
            name => folder.path(name),
        };
        let mut args = render(&avatar, &audio, &output);
        if output.as_os_str() == "-" {
            args.remove(0);
        }
        args.extend(more.iter().map(OsStr::new));
        let result = run(args);
        assert_eq!(result.code, Some(2), "{more:?}: {result:?}");
        assert!(result.stderr.contains(said), "{more:?}: {}", result.stderr);
        assert_eq!(folder.names(), ["noise.png"], "nothing is written");
    }
}
