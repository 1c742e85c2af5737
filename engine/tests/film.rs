//! Films whose own pixels move: the shipped avatar's first base frame with a mesh over it.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/films.rs"]
mod films;
#[path = "common/portraits.rs"]
mod portraits;

use common::engine;
use essence::{Avatar, Curves, Frame};
use films::{COEFFICIENTS, Warp, count, file, refused, spoken};
use portraits::drawn;

const SIDE: usize = 512;

/// The last of some frames in which curves hold the mouth as `shape` says.
fn held(avatar: &Avatar, shape: &[(&str, f32)]) -> Frame {
    let (names, values): (Vec<&str>, Vec<f32>) = shape.iter().copied().unzip();
    let times: Vec<f64> = (0..20).map(|key| f64::from(key) / 25.0).collect();
    let session = portraits::session(avatar);
    session
        .push_curves(&Curves::new(&names, &times, &values.repeat(times.len())).without_sound(true))
        .unwrap();
    session.flush();
    common::drain(&session).swap_remove(15)
}

/// Left, top, right and bottom of all pixels that differ; None where none does.
fn changed(a: &Frame, b: &Frame) -> Option<[usize; 4]> {
    let mut bounds: Option<[usize; 4]> = None;
    let pixels = a
        .pixels()
        .as_chunks::<3>()
        .0
        .iter()
        .zip(b.pixels().as_chunks::<3>().0);
    for (i, (a, b)) in pixels.enumerate() {
        if a != b {
            let (x, y) = (i % SIDE, i / SIDE);
            let [left, top, right, bottom] = bounds.unwrap_or([x, y, x, y]);
            bounds = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
        }
    }
    bounds
}

#[test]
fn speech_moves_the_frame_s_pixels_around_the_mouth_and_no_others() {
    let still = &drawn(&engine().open_bytes(file(None)).unwrap(), &[0.0; 6_400])[0];
    for inside in ["drawn", "network"] {
        let warp = Warp::new(inside);
        let frames = spoken(&warp.open().unwrap());
        assert_eq!(
            changed(&frames[0], still),
            None,
            "{inside}: at rest it is the frame"
        );
        let [right, left] = [warp.point(33), warp.point(263)];
        let eyes = (left[0] - right[0]).hypot(left[1] - right[1]);
        let mouth = warp.point(13);
        let mut most = 0;
        for frame in &frames {
            let Some([left, top, right, bottom]) = changed(frame, still) else {
                continue;
            };
            most = most.max(bottom - top);
            let reach = |x: usize, middle: f32| (x as f32 - middle).abs() / eyes;
            assert!(
                reach(left, mouth[0]) < 1.25 && reach(right, mouth[0]) < 1.25,
                "{inside}"
            );
            assert!(
                (mouth[1] - top as f32) / eyes < 0.85,
                "{inside}: up to {top}"
            );
            assert!(
                (bottom as f32 - mouth[1]) / eyes < 1.25,
                "{inside}: down to {bottom}"
            );
        }
        assert!(
            most > 60,
            "{inside}: the chin moves, too, {most} rows in all"
        );
    }
}

#[test]
fn what_the_frame_shows_already_is_taken_back() {
    let mut warp = Warp::new("drawn");
    let plain = drawn(&warp.open().unwrap(), &[0.0; 6_400]);
    warp.own[0] = 0.4;
    let shut = drawn(&warp.open().unwrap(), &[0.0; 6_400]);
    assert!(
        changed(&plain[0], &shut[0]).is_some(),
        "a jaw that is down goes up at rest"
    );
}

#[test]
fn the_matrix_says_what_the_person_makes_of_speech() {
    let mut warp = Warp::new("drawn");
    let lowest = |warp: &Warp| {
        let frames = spoken(&warp.open().unwrap());
        let changes = frames.iter().filter_map(|frame| changed(frame, &frames[0]));
        changes.map(|[.., bottom]| bottom).max().unwrap_or(0)
    };
    let chin = lowest(&warp);
    warp.matrix.fill(0.0);
    // Lips that stand a little apart at rest shut for speech; the jaw keeps still.
    let lips = lowest(&warp);
    let middle = warp.point(17)[1] as usize;
    assert!(chin > middle + 30, "speech lowers the chin: {chin}");
    assert!(
        lips < middle + 10,
        "nothing that is asked lowers nothing: {lips}"
    );
}

#[test]
fn limits_bound_what_the_person_s_lips_do() {
    let mut warp = Warp::new("drawn");
    let roll = |warp: &Warp, amount: f32| {
        let lower = [("mouthRollLower", amount), ("mouthRollUpper", amount)];
        held(&warp.open().unwrap(), &lower)
    };
    let (some, far) = (roll(&warp, 0.3), roll(&warp, 0.9));
    assert!(changed(&some, &far).is_some(), "without limits it goes on");
    warp.limits = Some(vec![0.3; COEFFICIENTS]);
    let bounded = roll(&warp, 0.9);
    assert_eq!(changed(&some, &bounded), None, "no farther than 0.3");
}

#[test]
fn lips_that_are_asked_to_shut_leave_no_crack() {
    let blue = [20, 20, 230];
    let mut warp = Warp::of_film(&[(blue, 0.05)]);
    // Of what presses lips, this person's do nothing but to come together.
    warp.matrix[11 * COEFFICIENTS..][..COEFFICIENTS].fill(0.0);
    let avatar = warp.open().unwrap();
    let shown = |jaw, press| {
        let frame = held(
            &avatar,
            &[
                ("jawOpen", jaw),
                ("mouthPressLeft", press),
                ("mouthPressRight", press),
            ],
        );
        count(&frame, blue)
    };
    assert!(shown(0.06, 0.0) > 20, "a crack is open");
    assert_eq!(shown(0.06, 0.2), 0, "and shut for a closure");
    assert!(
        shown(0.5, 0.2) > 200,
        "a wide mouth of which some press is said stays open"
    );
}

#[test]
fn the_network_draws_between_the_lips_only() {
    let (network, drawn) = (Warp::new("network"), Warp::new("drawn"));
    let pairs: Vec<_> = spoken(&network.open().unwrap())
        .into_iter()
        .zip(spoken(&drawn.open().unwrap()))
        .collect();
    let (corner, other) = (network.point(61), network.point(291));
    let mut seen = false;
    for (a, b) in &pairs {
        let Some([left, _, right, _]) = changed(a, b) else {
            continue;
        };
        seen = true;
        let (from, to) = (corner[0].min(other[0]), corner[0].max(other[0]));
        assert!(
            left as f32 > from - 12.0 && (right as f32) < to + 12.0,
            "{left} to {right}"
        );
    }
    assert!(seen, "teeth that are painted are not the network's");
}

#[test]
fn the_same_frames_come_however_the_sound_is_cut() {
    let avatar = Warp::new("network").open().unwrap();
    assert!(films::is_the_same_however_cut(&avatar));
}

#[test]
fn members_that_don_t_fit_are_refused() {
    refused(&|warp| warp.landmarks.truncate(99), "warp/landmarks.f32");
    refused(&|warp| warp.own.push(0.0), "warp/own.f32");
    refused(&|warp| warp.matrix[5] = f32::NAN, "warp/matrix.f32");
    refused(&|warp| warp.limits = Some(vec![1.0; 3]), "warp/limits.f32");
    refused(
        &|warp| warp.limits = Some(vec![1.5; COEFFICIENTS]),
        "limits are 0 to 1",
    );
    refused(&|warp| warp.landmarks[7] = 1e30, "warp/landmarks.f32");
    refused(&|warp| warp.landmarks.fill(40.0), "no face");
    refused(&|warp| warp.inside = "teeth", "teeth");
    refused(&|warp| warp.inside = "film", "warp.mouths is missing");
}
