//! `render` into pictures: numbers, transparency, backgrounds and fit.

mod common;

use std::ffi::OsStr;

use common::{Folder, render, run, testdata, tone, toy};

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
