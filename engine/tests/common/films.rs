//! Films for the tests: the shipped avatar's first base frame with a mesh over it.
#![allow(dead_code, reason = "each test file uses a part")]

use essence::imx::{Container, Writer};
use essence::{Avatar, ErrorKind, Frame};
use serde_json::{Value, json};

use crate::common::{drain, engine, recording, testdata};
use crate::portraits::{RATE, drawn, face, made, session};

pub(crate) const COEFFICIENTS: usize = 16;

/// The members that make the pixels of the one base frame move.
pub(crate) struct Warp {
    pub(crate) landmarks: Vec<f32>,
    pub(crate) own: Vec<f32>,
    pub(crate) matrix: Vec<f32>,
    pub(crate) limits: Option<Vec<f32>>,
    pub(crate) inside: &'static str,
    /// Colours of the film's own mouths, and their gaps.
    pub(crate) mouths: Option<(Vec<[u8; 3]>, Vec<f32>)>,
    /// Colours of more of them, a row for each gap, and what the manifest says of them.
    pub(crate) shapes: Option<(Vec<[u8; 3]>, Value)>,
}

impl Warp {
    pub(crate) fn new(inside: &'static str) -> Self {
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
            shapes: None,
        }
    }

    /// With mouths of plain colours.
    pub(crate) fn of_film(mouths: &[([u8; 3], f32)]) -> Self {
        let mut warp = Self::new("film");
        warp.mouths = Some(mouths.iter().copied().unzip());
        warp
    }

    /// With two gaps, of two widths and two chins each.
    pub(crate) fn of_shapes() -> Self {
        let mut warp = Self::of_film(&[([90, 20, 20], 0.02), ([90, 20, 20], 0.08)]);
        let colours = (0..8).map(|k| [20 + 20 * k, 20, 230 - 20 * k]).collect();
        let said = json!({"file": "warp/shapes.jpg",
            "widths": [[0.4, 0.6], [0.4, 0.6]], "chins": [[0.3, 0.7], [0.3, 0.7]]});
        warp.shapes = Some((colours, said));
        warp
    }

    pub(crate) fn point(&self, number: usize) -> [f32; 2] {
        [self.landmarks[3 * number], self.landmarks[3 * number + 1]]
    }

    /// The shipped avatar with one base frame, moved so.
    pub(crate) fn open(&self) -> essence::Result<Avatar> {
        engine().open_bytes(file(Some(self)))
    }
}

pub(crate) fn file(warp: Option<&Warp>) -> Vec<u8> {
    let mika = Container::open(testdata("avatars/mika.imx")).unwrap();
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
            writer.add("warp/mouths.jpg", mouths(colours, 1)).unwrap();
            manifest["warp"]["mouths"] =
                json!({"file": "warp/mouths.jpg", "width": 16, "height": 8, "gaps": gaps});
        }
        if let Some((colours, said)) = &warp.shapes {
            let gaps = warp.mouths.as_ref().unwrap().1.len();
            let picture = mouths(colours, colours.len() / gaps);
            writer.add("warp/shapes.jpg", picture).unwrap();
            manifest["warp"]["mouths"]["shapes"] = said.clone();
        }
    }
    writer.finish(&manifest.to_string()).unwrap()
}

/// A JPEG of plain mouths of 16 × 8 pixels, so many beside each other.
fn mouths(colours: &[[u8; 3]], columns: usize) -> Vec<u8> {
    let row = |colours: &[[u8; 3]]| {
        let line: Vec<u8> = colours
            .iter()
            .flat_map(|colour| colour.repeat(16))
            .collect();
        line.repeat(8)
    };
    let rgb: Vec<u8> = colours.chunks(columns).flat_map(row).collect();
    let (width, height) = (16 * columns as u32, 8 * (colours.len() / columns) as u32);
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95)
        .encode(&rgb, width, height, image::ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

/// Frames of a little speech, from silence to silence.
pub(crate) fn spoken(avatar: &Avatar) -> Vec<Frame> {
    let (samples, rate) = recording("speech_16000.wav");
    assert_eq!(rate, RATE);
    let samples: Vec<f32> = samples[..20_000]
        .iter()
        .map(|&x| f32::from(x) / 32768.0)
        .collect();
    drawn(avatar, &samples)
}

/// How many pixels are nearly of a colour.
pub(crate) fn count(frame: &Frame, colour: [u8; 3]) -> usize {
    let near = |pixel: &&[u8; 3]| pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 30);
    frame
        .pixels()
        .as_chunks::<3>()
        .0
        .iter()
        .filter(near)
        .count()
}

/// Whether frames of speech don't depend on where its sound is cut.
pub(crate) fn is_the_same_however_cut(avatar: &Avatar) -> bool {
    let whole = spoken(avatar);
    let (samples, _) = recording("speech_16000.wav");
    let session = session(avatar);
    for part in samples[..20_000].chunks(777) {
        let part: Vec<f32> = part.iter().map(|&x| f32::from(x) / 32768.0).collect();
        session.push_audio(&part, RATE, 1).unwrap();
    }
    session.flush();
    let cut = drain(&session);
    let mut pairs = whole.iter().zip(&cut);
    whole.len() == cut.len() && pairs.all(|(a, b)| a.pixels() == b.pixels())
}

/// A film that is changed so is refused, for a reason that `says` so.
pub(crate) fn refused(change: &dyn Fn(&mut Warp), says: &str) {
    let mut warp = Warp::new("drawn");
    change(&mut warp);
    let error = warp.open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidAvatar, "{error}");
    assert!(
        error.to_string().contains(says),
        "{error} doesn't say {says:?}"
    );
}
