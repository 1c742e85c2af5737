//! Films whose own pixels move: the shipped avatar's first base frame with a mesh over it.
#![cfg(feature = "portrait")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "common/portraits.rs"]
mod portraits;

use common::{engine, recording};
use essence::imx::{Container, Writer};
use essence::{Avatar, Curves, ErrorKind, Frame};
use portraits::{RATE, drawn, face, made};
use serde_json::{Value, json};

const SIDE: usize = 512;
const COEFFICIENTS: usize = 16;

/// The members that make the pixels of the one base frame move.
struct Warp {
    landmarks: Vec<f32>,
    own: Vec<f32>,
    matrix: Vec<f32>,
    limits: Option<Vec<f32>>,
    inside: &'static str,
    /// Colours of the film's own mouths, and their gaps.
    mouths: Option<(Vec<[u8; 3]>, Vec<f32>)>,
}

impl Warp {
    fn new(inside: &'static str) -> Self {
        let portrait = Container::from_bytes(made(&face()).0).unwrap();
        let bytes = portrait.member("landmarks.f32").unwrap();
        let numbers = bytes.as_chunks::<4>().0.iter();
        Self {
            landmarks: numbers.map(|&b| f32::from_le_bytes(b)).collect(),
            own: vec![0.0; COEFFICIENTS],
            matrix: (0..COEFFICIENTS * COEFFICIENTS)
                .map(|i| f32::from(i % (COEFFICIENTS + 1) == 0))
                .collect(),
            limits: None,
            inside,
            mouths: None,
        }
    }

    /// With mouths of plain colours.
    fn of_film(mouths: &[([u8; 3], f32)]) -> Self {
        let mut warp = Self::new("film");
        warp.mouths = Some(mouths.iter().copied().unzip());
        warp
    }

    fn point(&self, number: usize) -> [f32; 2] {
        [self.landmarks[3 * number], self.landmarks[3 * number + 1]]
    }

    /// The shipped avatar with one base frame, moved so.
    fn open(&self) -> essence::Result<Avatar> {
        engine().open_bytes(file(Some(self)))
    }
}

fn file(warp: Option<&Warp>) -> Vec<u8> {
    let mika = Container::open(common::testdata("avatars/mika.imx")).unwrap();
    let mut manifest: Value = serde_json::from_str(mika.manifest_json()).unwrap();
    manifest["frame"]["count"] = json!(1);
    manifest["motions"] = json!({"idle": {"first": 0, "count": 1}});
    let mut writer = Writer::new();
    let geometry = mika.member("geometry.f32").unwrap();
    let row = geometry.len() / mika.manifest().unwrap().frame.count as usize;
    for member in mika.members() {
        let data = mika.member(member.name).unwrap();
        match member.name {
            "manifest.json" => {}
            "geometry.f32" => writer.add(member.name, data[..row].to_vec()).unwrap(),
            name if name.starts_with("frames/") && name != "frames/00000.jpg" => {}
            name => writer.add(name, data.to_vec()).unwrap(),
        }
    }
    if let Some(warp) = warp {
        let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        writer
            .add("warp/landmarks.f32", bytes(&warp.landmarks))
            .unwrap();
        writer.add("warp/own.f32", bytes(&warp.own)).unwrap();
        writer.add("warp/matrix.f32", bytes(&warp.matrix)).unwrap();
        manifest["format_version"] = json!("2.2");
        manifest["warp"] = json!({"landmarks": "warp/landmarks.f32", "own": "warp/own.f32",
            "matrix": "warp/matrix.f32", "inside": warp.inside});
        if let Some(limits) = &warp.limits {
            writer.add("warp/limits.f32", bytes(limits)).unwrap();
            manifest["warp"]["limits"] = json!("warp/limits.f32");
        }
        if let Some((colours, gaps)) = &warp.mouths {
            writer.add("warp/mouths.jpg", mouths(colours)).unwrap();
            manifest["warp"]["mouths"] =
                json!({"file": "warp/mouths.jpg", "width": 16, "height": 8, "gaps": gaps});
        }
    }
    writer.finish(&manifest.to_string()).unwrap()
}

/// A JPEG of plain mouths of 16 × 8 pixels, one below the other.
fn mouths(colours: &[[u8; 3]]) -> Vec<u8> {
    let rgb: Vec<u8> = colours
        .iter()
        .flat_map(|colour| colour.repeat(16 * 8))
        .collect();
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95)
        .encode(
            &rgb,
            16,
            8 * colours.len() as u32,
            image::ExtendedColorType::Rgb8,
        )
        .unwrap();
    bytes
}

/// Frames of a little speech, from silence to silence.
fn spoken(avatar: &Avatar) -> Vec<Frame> {
    let (samples, rate) = recording("speech_16000.wav");
    assert_eq!(rate, RATE);
    let samples: Vec<f32> = samples[..20_000]
        .iter()
        .map(|&x| f32::from(x) / 32768.0)
        .collect();
    drawn(avatar, &samples)
}

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

/// How many pixels are nearly of a colour.
fn count(frame: &Frame, colour: [u8; 3]) -> usize {
    let near = |pixel: &&[u8; 3]| pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 30);
    frame
        .pixels()
        .as_chunks::<3>()
        .0
        .iter()
        .filter(near)
        .count()
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
fn the_film_s_own_mouths_show_by_their_gaps() {
    let (blue, green) = ([20, 20, 230], [20, 230, 20]);
    let count = |frames: &[Frame], colour: [u8; 3]| -> usize {
        frames.iter().map(|frame| count(frame, colour)).sum()
    };
    let only = spoken(&Warp::of_film(&[(blue, 0.1)]).open().unwrap());
    assert!(count(&only, blue) > 1000, "one mouth serves every gap");
    assert_eq!(
        count(&only[..1], blue),
        0,
        "and none where the lips are shut"
    );
    let both = spoken(
        &Warp::of_film(&[(blue, 0.02), (green, 0.08)])
            .open()
            .unwrap(),
    );
    assert!(
        count(&both, blue) > 50 && count(&both, green) > 500,
        "nearly shut, and wide"
    );
    assert!(count(&both, green) < count(&only, blue), "not all of them");
}

#[test]
fn the_same_frames_come_however_the_sound_is_cut() {
    let avatar = Warp::new("network").open().unwrap();
    let whole = spoken(&avatar);
    let (samples, _) = recording("speech_16000.wav");
    let session = portraits::session(&avatar);
    for part in samples[..20_000].chunks(777) {
        let part: Vec<f32> = part.iter().map(|&x| f32::from(x) / 32768.0).collect();
        session.push_audio(&part, RATE, 1).unwrap();
    }
    session.flush();
    let cut = common::drain(&session);
    assert_eq!(whole.len(), cut.len());
    for (a, b) in whole.iter().zip(&cut) {
        assert!(a.pixels() == b.pixels(), "frame {}", a.index());
    }
}

#[test]
fn members_that_don_t_fit_are_refused() {
    let refused = |change: &dyn Fn(&mut Warp), says: &str| {
        let mut warp = Warp::new("drawn");
        change(&mut warp);
        let error = warp.open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{error}");
        assert!(
            error.to_string().contains(says),
            "{error} doesn't say {says:?}"
        );
    };
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
    let mouths = |gaps: &[f32]| Some((vec![[90, 20, 20]; 2], gaps.to_vec()));
    refused(
        &|warp| warp.mouths = mouths(&[0.1, 0.1]),
        "warp.mouths.gaps",
    );
    refused(&|warp| warp.mouths = mouths(&[0.1]), "warp/mouths.jpg");
}
