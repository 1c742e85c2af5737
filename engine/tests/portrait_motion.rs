//! Motion of avatars made from pictures: speech, gestures, emotions.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/portraits.rs"]
mod portraits;

use common::{assert_same, buzz, drain};
use essence::imx::Container;
use essence::{Avatar, Emotion, Frame};
use portraits::{RATE, avatar, difference, drawn, face, face_pixels, made, png, session};

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
