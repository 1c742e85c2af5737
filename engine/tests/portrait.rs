//! Avatars made from pictures. The face is the shipped avatar's first base frame.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{assert_same, buzz, drain, engine, testdata};
use essence::imx::{Container, EXPRESSION};
use essence::portrait::{PortraitOptions, PortraitReport, create};
use essence::{
    Avatar, Background, Emotion, ErrorKind, Frame, Pacing, PixelFormat, Session, SessionOptions,
};

const RATE: u32 = 16_000;

/// A JPEG of a face, 512 × 512.
fn face() -> Vec<u8> {
    let mika = Container::open(testdata("avatars/mika.imx")).unwrap();
    mika.member("frames/00000.jpg").unwrap().to_vec()
}

/// A PNG with some pixels.
fn png(width: u32, height: u32, pixels: &[u8], colour: png::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The face's pixels, packed RGB, as the first frame of an avatar made from it shows them.
fn face_pixels() -> Vec<u8> {
    drawn(&avatar(&face()), &[0.0; 6_400])[0].pixels().to_vec()
}

fn made(picture: &[u8]) -> (Vec<u8>, PortraitReport) {
    create(picture, &PortraitOptions::default()).unwrap()
}

fn avatar(picture: &[u8]) -> Avatar {
    engine().open_bytes(made(picture).0).unwrap()
}

fn session(avatar: &Avatar) -> Session {
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::Rgb8);
    avatar.session(options).unwrap()
}

fn drawn(avatar: &Avatar, audio: &[f32]) -> Vec<Frame> {
    let session = session(avatar);
    session.push_audio(audio, RATE, 1).unwrap();
    session.flush();
    drain(&session)
}

/// Mean difference of two pictures in levels, within some rows.
fn difference(a: &Frame, b: &Frame, rows: std::ops::Range<usize>) -> f64 {
    let row = 3 * a.width();
    let bytes = rows.start * row..rows.end * row;
    let pairs = a.pixels()[bytes.clone()].iter().zip(&b.pixels()[bytes]);
    let (mut sum, mut count) = (0.0, 0.0);
    for (a, b) in pairs {
        sum += f64::from(a.abs_diff(*b));
        count += 1.0;
    }
    sum / count
}

#[test]
fn a_picture_file_opens_as_an_avatar() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("portrait");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("Ada.jpg");
    std::fs::write(&path, face()).unwrap();
    assert!(essence::is_picture(&path), "a JPEG is a picture");
    let avatar = engine().open(&path).unwrap();
    let info = avatar.info();
    assert_eq!(info.name, "Ada");
    assert_eq!((info.frame_width, info.frame_height), (512, 512));
    for gesture in ["idle", "talking", "nod", "smile", "surprised"] {
        assert!(info.motions.iter().any(|name| name == gesture), "{gesture}");
    }
    assert_eq!(avatar.container().engine(), EXPRESSION);
}

#[test]
fn the_file_that_is_made_says_what_it_is_and_agrees_with_its_hashes() {
    let (bytes, report) = made(&face());
    let container = Container::from_bytes(bytes).unwrap();
    container.verify().unwrap();
    let manifest = container.expression().unwrap();
    assert_eq!(
        (manifest.picture.width, manifest.picture.height),
        (512, 512)
    );
    assert_eq!(manifest.coefficients.len(), 16);
    assert!((90.0..170.0).contains(&report.eyes_px), "{report:?}");
    assert!(
        report.turn_degrees.iter().all(|turn| turn.abs() < 15.0),
        "{report:?}"
    );
}

#[test]
fn making_twice_gives_the_same_bytes() {
    assert!(made(&face()).0 == made(&face()).0, "two makings differ");
}

#[test]
fn landmarks_lie_where_mediapipe_finds_them() {
    let container = Container::from_bytes(made(&face()).0).unwrap();
    let ours = container.floats("landmarks.f32").unwrap();
    let bytes = std::fs::read(testdata("vectors/mika_landmarks.f32")).unwrap();
    let theirs = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&b| f32::from_le_bytes(b));
    let theirs: Vec<f32> = theirs.collect();
    assert_eq!(ours.len(), theirs.len());
    let eyes = theirs[3 * 263] - theirs[3 * 33];
    let (mut worst, mut sum) = (0.0f32, 0.0);
    for (a, b) in ours.chunks(3).zip(theirs.chunks(3)) {
        let off = (a[0] - b[0]).hypot(a[1] - b[1]) / eyes;
        worst = worst.max(off);
        sum += off;
    }
    let mean = sum / 478.0;
    assert!(
        mean < 0.015 && worst < 0.06,
        "off by {mean} of the eyes, {worst} at most"
    );
}

#[test]
fn the_face_at_rest_is_the_picture() {
    let frames = drawn(&avatar(&face()), &[0.0; 6_400]);
    let first = &frames[0];
    let picture = png(512, 512, first.pixels(), png::ColorType::Rgb);
    let picture = drawn(&avatar(&picture), &[0.0; 6_400])[0].pixels().to_vec();
    // What is shown of what was shown is the same: nothing moves at rest.
    let squares: f64 = picture
        .iter()
        .zip(first.pixels())
        .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2))
        .sum();
    let psnr = 10.0 * (255.0f64.powi(2) / (squares / picture.len() as f64).max(1e-9)).log10();
    assert!(psnr >= 45.0, "{psnr} dB");
}

#[test]
fn frames_do_not_depend_on_how_audio_is_cut() {
    let avatar = avatar(&face());
    let audio = buzz(20_000, RATE);
    let whole = drawn(&avatar, &audio);
    let session = session(&avatar);
    let mut frames = Vec::new();
    for chunk in audio.chunks(777) {
        session.push_audio(chunk, RATE, 1).unwrap();
        frames.extend(drain(&session));
    }
    session.flush();
    frames.extend(drain(&session));
    assert_same(&whole, &frames, "chunks of 777");
}

#[test]
fn a_voice_moves_the_mouth_and_silence_leaves_it() {
    let avatar = avatar(&face());
    let loud = drawn(&avatar, &buzz(16_000, RATE));
    let quiet = drawn(&avatar, &[0.0; 16_000]);
    let spoken = (5..20).map(|i| difference(&loud[i], &quiet[i], 300..420));
    let spoken = spoken.fold(0.0, f64::max);
    assert!(spoken > 1.0, "the mouth differs by {spoken} levels");
    let jaw = |frame: &Frame| frame.arkit().iter().copied().fold(0.0, f32::max);
    assert!(
        quiet.iter().all(|frame| jaw(frame) == 0.0),
        "no mouth in silence"
    );
}

#[test]
fn a_gesture_moves_the_head() {
    let avatar = avatar(&face());
    let run = |gesture: Option<&str>| {
        let session = session(&avatar);
        if let Some(gesture) = gesture {
            session.perform(gesture).unwrap();
        }
        session.push_audio(&[0.0; 16_000][..], RATE, 1).unwrap();
        session.flush();
        drain(&session)
    };
    let (still, nodding) = (run(None), run(Some("nod")));
    let most = (0..25).map(|i| difference(&still[i], &nodding[i], 100..400));
    let most = most.fold(0.0, f64::max);
    assert!(most > 2.0, "a nod moves {most} levels");
}

/// The face with dark rims around its eyes and a bridge between them, and which pixels those are.
fn face_with_glasses() -> (Vec<u8>, Vec<bool>) {
    let container = Container::from_bytes(made(&face()).0).unwrap();
    let points = container.floats("landmarks.f32").unwrap();
    let middle =
        |a: usize, b: usize, axis: usize| (points[3 * a + axis] + points[3 * b + axis]) / 2.0;
    let eyes = [[33, 133], [362, 263]].map(|[a, b]| [middle(a, b, 0), middle(a, b, 1)]);
    let unit = points[3 * 263] - points[3 * 33];
    let mut pixels = face_pixels();
    let mut rims = vec![false; 512 * 512];
    for (i, rim) in rims.iter_mut().enumerate() {
        let (x, y) = ((i % 512) as f32 + 0.5, (i / 512) as f32 + 0.5);
        let around = eyes.iter().any(|&[cx, cy]| {
            let (u, v) = ((x - cx) / (0.27 * unit), (y - cy) / (0.13 * unit));
            (0.92..1.1).contains(&(u * u + v * v).sqrt())
        });
        let (left, right) = (eyes[0][0] + 0.27 * unit, eyes[1][0] - 0.27 * unit);
        let bridge = (left - 2.0..right + 2.0).contains(&x) && (y - eyes[0][1]).abs() < 3.0;
        *rim = around || bridge;
        if *rim {
            pixels[3 * i..3 * i + 3].copy_from_slice(&[18, 16, 15]);
        }
    }
    (png(512, 512, &pixels, png::ColorType::Rgb), rims)
}

#[test]
fn a_shut_eye_leaves_the_rims_of_glasses_where_they_are() {
    let (picture, rims) = face_with_glasses();
    let avatar = avatar(&picture);
    let session = session(&avatar);
    session.perform("wink").unwrap();
    session.push_audio(&[0.0; 9_600][..], RATE, 1).unwrap();
    session.flush();
    let frames = drain(&session);
    let dark = |frame: &Frame| {
        let pixels = frame.pixels().as_chunks::<3>().0.iter();
        pixels
            .map(|pixel| pixel.iter().all(|&level| level < 90))
            .collect::<Vec<_>>()
    };
    let seen = dark(&frames[0]);
    let rims: Vec<usize> = (0..rims.len()).filter(|&i| rims[i] && seen[i]).collect();
    assert!(rims.len() > 1_500, "{} pixels of rims", rims.len());
    // Shut from the fourth frame on.
    let shut = dark(&frames[5]);
    let stayed = rims.iter().filter(|&&i| shut[i]).count();
    assert!(
        stayed * 100 > rims.len() * 97,
        "{stayed} of {} stayed",
        rims.len()
    );
    // The eye is shut: its pixels have changed.
    let eye = difference(&frames[0], &frames[5], 180..300);
    assert!(eye > 0.3, "the eye differs by {eye} levels");
}

/// A face that shows an emotion from frame `from` on, without a voice.
fn shown(avatar: &Avatar, emotion: Emotion, strength: f32, from: usize) -> Vec<Frame> {
    let session = session(avatar);
    session.push_audio(&[0.0; 26_000][..], RATE, 1).unwrap();
    session.flush();
    let mut frames: Vec<_> = (0..from)
        .map(|_| session.next_frame().unwrap().unwrap())
        .collect();
    session.set_emotion(emotion, strength).unwrap();
    frames.extend(drain(&session));
    frames
}

#[test]
fn each_emotion_moves_the_face_and_comes_slowly() {
    let avatar = avatar(&face());
    assert_eq!(avatar.info().emotions, Emotion::ALL);
    let neutral = shown(&avatar, Emotion::Neutral, 1.0, 0);
    let mut faces: Vec<(Emotion, Frame)> = Vec::new();
    for emotion in &Emotion::ALL[1..] {
        let frames = shown(&avatar, *emotion, 1.0, 10);
        assert_same(&neutral[..10], &frames[..10], "before it was asked for");
        let moved = |k: usize| difference(&frames[k], &neutral[k], 100..420);
        assert!(moved(35) > 1.0, "{emotion} moves {} levels", moved(35));
        assert!(moved(11) < 0.25 * moved(35), "{emotion} begins at once");
        let half = shown(&avatar, *emotion, 0.5, 10);
        let half = difference(&half[35], &neutral[35], 100..420);
        assert!(
            half < 0.9 * moved(35),
            "{emotion} by half moves {half} levels"
        );
        for (other, face) in &faces {
            let apart = difference(face, &frames[35], 100..420);
            assert!(apart > 0.5, "{emotion} and {other}: {apart} levels apart");
        }
        faces.push((*emotion, frames[35].clone()));
    }
}

#[test]
fn an_emotion_outlasts_an_interruption_as_if_the_session_were_new() {
    let avatar = avatar(&face());
    let new = shown(&avatar, Emotion::Sadness, 0.7, 0);
    let session = session(&avatar);
    session.set_emotion(Emotion::Sadness, 0.7).unwrap();
    session
        .push_audio(&buzz(20_000, RATE)[..], RATE, 1)
        .unwrap();
    for _ in 0..8 {
        session.next_frame().unwrap().unwrap();
    }
    session.interrupt();
    session.push_audio(&[0.0; 26_000][..], RATE, 1).unwrap();
    session.flush();
    let again = drain(&session);
    for (one, other) in new.iter().zip(&again) {
        assert!(one.pixels() == other.pixels(), "frame {}", one.index());
    }
    assert_eq!(new.len(), again.len());
}

#[test]
fn lips_shut_for_closures_in_every_emotion() {
    let avatar = avatar(&face());
    let run = |emotion| {
        let session = session(&avatar);
        session.set_emotion(emotion, 1.0).unwrap();
        let timed = [("sil", 0.0), ("aa", 1.0), ("PP", 1.3), ("aa", 1.5)];
        let timed = timed.map(|(symbol, start_s)| essence::Viseme {
            symbol,
            start_s,
            end_s: None,
        });
        let visemes = essence::Visemes::new(essence::VisemeSet::Oculus, &timed).without_sound(true);
        session.push_visemes(&visemes).unwrap();
        session.flush();
        drain(&session)
    };
    for emotion in Emotion::ALL {
        let frames = run(emotion);
        // Dark pixels between the lips, of a mouth in the picture's middle.
        let dark = |frame: &Frame| {
            let rows = frame.pixels().chunks(3 * 512).skip(300).take(130);
            let middle = rows.flat_map(|row| row[3 * 200..3 * 312].as_chunks::<3>().0);
            middle.filter(|p| p.iter().all(|&level| level < 60)).count()
        };
        let (open, shut) = (dark(&frames[31]), dark(&frames[35]));
        assert!(
            10 * shut < open,
            "{emotion}: {shut} dark pixels where lips are shut, {open} where they are open"
        );
    }
}

#[test]
fn pictures_without_a_face_that_can_speak_are_refused_with_the_reason() {
    let refused = |picture: &[u8]| {
        let error = create(picture, &PortraitOptions::default()).unwrap_err();
        (error.kind(), error.message().to_owned())
    };
    let grey = png(640, 480, &[128; 3 * 640 * 480], png::ColorType::Rgb);
    let (kind, message) = refused(&grey);
    assert_eq!(kind, ErrorKind::InvalidAvatar);
    assert!(message.contains("no face"), "{message}");

    let (_, message) = refused(&face()[..9_000]);
    assert!(message.contains("cut off"), "{message}");

    let (kind, _) = refused(b"GIF89a and so on");
    assert_eq!(kind, ErrorKind::UnsupportedFormat);

    let one = face_pixels();
    let mut two = Vec::with_capacity(2 * one.len());
    for row in one.chunks(3 * 512) {
        two.extend_from_slice(row);
        two.extend_from_slice(row);
    }
    let (_, message) = refused(&png(1024, 512, &two, png::ColorType::Rgb));
    assert!(message.contains("2 faces"), "{message}");

    let dark: Vec<u8> = one.iter().map(|level| level / 8).collect();
    let dark = png(512, 512, &dark, png::ColorType::Rgb);
    let (_, message) = refused(&dark);
    assert!(
        message.contains("dark") || message.contains("no face"),
        "{message}"
    );
}

#[test]
fn a_transparent_picture_stays_transparent() {
    let (size, cut) = (512, 300);
    // Magenta is not to be seen, nor its mixture with the face at the edges.
    let around = |x: usize, y: usize| {
        let (u, v) = (x as f32 - 256.0, y as f32 - 256.0);
        ((u * u + v * v).sqrt() - cut as f32 / 1.3).clamp(-4.0, 4.0) / 8.0 + 0.5
    };
    let face = face_pixels();
    let mut rgba = Vec::with_capacity(4 * size * size);
    for (i, &[r, g, b]) in face.as_chunks::<3>().0.iter().enumerate() {
        let gone = around(i % size, i / size);
        let alpha = (255.0 * (1.0 - gone) + 0.5) as u8;
        rgba.extend(if alpha == 0 {
            [255, 0, 255, 0]
        } else {
            [r, g, b, alpha]
        });
    }
    let avatar = avatar(&png(512, 512, &rgba, png::ColorType::Rgba));
    assert!(avatar.info().has_matte, "it says so");
    let frames = |options: SessionOptions| {
        let session = avatar.session(options.pacing(Pacing::Unpaced)).unwrap();
        session.perform("nod").unwrap();
        session
            .push_audio(&buzz(12_800, RATE)[..], RATE, 1)
            .unwrap();
        session.flush();
        drain(&session)
    };
    let clear = frames(SessionOptions::default().pixel_format(PixelFormat::Rgba8));
    let pixel = |frame: &Frame, x: usize, y: usize| frame.pixels().as_chunks::<4>().0[512 * y + x];
    assert_eq!(pixel(&clear[0], 256, 256)[3], 255);
    for frame in &clear {
        assert_eq!(pixel(frame, 8, 8)[3], 0, "the corner");
        assert!(pixel(frame, 256, 300)[3] > 250, "the face");
        for [r, g, b, alpha] in frame.pixels().as_chunks::<4>().0 {
            let magenta = *r > 200 && *b > 200 && *g < 60;
            assert!(*alpha == 0 || !magenta, "{r} {g} {b} {alpha}");
        }
    }
    let green = Background::Color([0, 255, 0]);
    let format = SessionOptions::default().pixel_format(PixelFormat::Rgba8);
    let over = frames(format.background(green));
    assert_eq!(pixel(&over[10], 8, 8), [0, 255, 0, 255]);
}

#[test]
fn colours_behind_transparent_pixels_do_not_show() {
    let mut rgba: Vec<u8> = face_pixels()
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[r, g, b]| [r, g, b, 255])
        .collect();
    // A magenta that is not to be seen, in the upper left corner.
    for y in 0..60 {
        for x in 0..60 {
            rgba[4 * (512 * y + x)..][..4].copy_from_slice(&[255, 0, 255, 0]);
        }
    }
    let avatar = avatar(&png(512, 512, &rgba, png::ColorType::Rgba));
    let frames = drawn(&avatar, &[0.0; 6_400]);
    let [r, g, b] = frames[0].pixels().as_chunks::<3>().0[512 * 20 + 20];
    assert!(
        r.abs_diff(g) < 3 && b.abs_diff(g) < 3,
        "{r} {g} {b} is no grey"
    );
}

#[test]
fn a_green_screen_becomes_transparent_and_leaves_no_rim() {
    let face = face_pixels();
    let mut pixels = Vec::with_capacity(face.len());
    for (i, own) in face.as_chunks::<3>().0.iter().enumerate() {
        let (x, y) = ((i % 512) as f32 - 256.0, (i / 512) as f32 - 300.0);
        // The screen begins at 220 pixels, and shines into three before that.
        let share = (((x * x + y * y).sqrt() - 217.0) / 3.0).clamp(0.0, 1.0);
        for (own, screen) in own.iter().zip([10.0, 235.0, 20.0f32]) {
            let own = f32::from(*own);
            pixels.push((own + share * (screen - own)) as u8);
        }
    }
    let avatar = avatar(&png(512, 512, &pixels, png::ColorType::Rgb));
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pixel_format(PixelFormat::Rgba8);
    let session = avatar.session(options).unwrap();
    session.push_audio(&[0.0; 6_400][..], RATE, 1).unwrap();
    session.flush();
    let frames = drain(&session);
    let shown = frames[0].pixels().as_chunks::<4>().0;
    assert_eq!(shown[512 * 10 + 10][3], 0, "the screen is gone");
    assert_eq!(shown[512 * 300 + 256][3], 255, "the face is not");
    let green = |p: &&[u8; 4]| p[3] > 0 && p[1] > p[0].max(p[2]).saturating_add(12);
    assert_eq!(shown.iter().filter(green).count(), 0, "green pixels");
    let whole = shown.iter().filter(|p| p[3] == 255).count() as f32;
    let disc = std::f32::consts::PI * 217.0 * 217.0;
    assert!(
        whole > 0.9 * disc,
        "{whole} of {disc} pixels are the person"
    );
}

/// A generator of numbers that look random.
fn noise(seed: u32) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    }
}

#[test]
fn damaged_pictures_are_refused_or_drawn() {
    let sound = [face(), png(512, 512, &face_pixels(), png::ColorType::Rgb)];
    for seed in 0..60 {
        let mut next = noise(seed);
        let mut bytes = sound[seed as usize % 2].clone();
        if seed % 5 == 0 {
            bytes.truncate(next() as usize % bytes.len());
        }
        for _ in 0..1 + next() % 8 {
            // Headers are worth more than pixels.
            let within = if next().is_multiple_of(2) {
                700
            } else {
                usize::MAX
            };
            let at = next() as usize % bytes.len().min(within).max(1);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = next() as u8;
            }
        }
        if let Err(error) = create(&bytes, &PortraitOptions::default()) {
            assert_ne!(error.kind(), ErrorKind::Internal, "{seed}: {error}");
        }
    }
}

#[test]
fn landmarks_that_are_no_face_are_refused_or_drawn() {
    let (bytes, _) = made(&face());
    let container = Container::from_bytes(bytes).unwrap();
    for seed in 0..7 {
        let mut next = noise(seed);
        let mut points = container.floats("landmarks.f32").unwrap();
        for point in &mut points {
            let wild = (next() % 200_000) as f32 - 100_000.0;
            *point = match seed {
                0 => 0.0,
                1 => 5.0e4,
                2 => wild,
                3 => wild / 100.0,
                4 => *point + (wild / 50_000.0),
                _ if next().is_multiple_of(10) => wild,
                _ => *point,
            };
        }
        let mut writer = essence::imx::Writer::new();
        for member in container.members() {
            let data = match member.name {
                "manifest.json" => continue,
                "landmarks.f32" => points.iter().flat_map(|v| v.to_le_bytes()).collect(),
                name => container.member(name).unwrap().to_vec(),
            };
            writer.add(member.name, data).unwrap();
        }
        let bytes = writer.finish(container.manifest_json()).unwrap();
        match engine().open_bytes(bytes) {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{seed}: {error}");
                assert!(error.message().contains("no face"), "{seed}: {error}");
            }
            Ok(avatar) => {
                let frames = drawn(&avatar, &buzz(9_600, RATE));
                assert!(frames.len() >= 15, "{seed}: {} frames", frames.len());
            }
        }
    }
}
