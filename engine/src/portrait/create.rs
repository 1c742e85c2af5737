//! A picture file becomes an expression avatar: its face is found and judged, and what was found is
//! packed with the picture.

use std::fmt::Write as _;

use super::detect::{self, Face};
use super::fit::Fit;
use super::head::Head;
use super::key::keyed;
use super::landmarks::{self, EYES, Landmarks};
use super::network::Network;
use super::picture::Picture;
use super::points::{LOWER_LIP, UPPER_LIP};
use super::rig::MOUTH;
use crate::imx::{Container, EXPRESSION, Writer};
use crate::{Error, ErrorKind, Result};

/// Largest width or height of the frames, and largest other side.
const LONGER: usize = 1920;
const SHORTER: usize = 1080;
/// Least distance between the eyes' outer corners, in pixels of the frames.
const SMALLEST_EYES: f32 = 40.0;
/// Largest turn to a side and up or down, in degrees.
const LARGEST_YAW: f32 = 42.0;
const LARGEST_PITCH: f32 = 35.0;
/// Largest tilt in the picture: more lies on its side.
const LARGEST_ROLL: f32 = 50.0;
/// Least certainty of the landmark network that there is a face.
const LEAST_PRESENCE: f32 = 0.6;
/// A second face of this share of the first one's width is as much meant.
const SECOND_FACE: f32 = 0.5;
/// Level of the face's lighter pixels below which it is too dark.
const DARKEST: f32 = 55.0;
/// Mel frames of the speech network's window.
const WINDOW: usize = 80;

/// How an avatar is made from a picture.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PortraitOptions {
    /// The avatar's name.
    pub name: String,
    /// The licence that it may be used under; empty: unsaid.
    pub license: String,
    /// Takes faces that are turned far, dark, or hardly like faces, as art may have them.
    pub force: bool,
}

/// The fit of a head to a picture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PortraitReport {
    /// Width of the frames in pixels.
    pub width: usize,
    /// Height of the frames in pixels.
    pub height: usize,
    /// Distance of the eyes' outer corners, seen from the front, in pixels.
    pub eyes_px: f32,
    /// The head's turn in degrees: to the picture's right, downwards, clockwise.
    pub turn_degrees: [f32; 3],
    /// Distance of the lips as a share of the eyes': 0 where they are shut.
    pub opening: f32,
}

impl PortraitReport {
    fn of(frame: &Picture, fit: &Fit) -> Self {
        Self {
            width: frame.width,
            height: frame.height,
            eyes_px: fit.eyes,
            turn_degrees: fit.angles(),
            opening: fit.gap[5] / fit.eyes,
        }
    }
}

/// The fit of an expression avatar's head to its picture.
///
/// # Errors
/// - `UnsupportedFormat`: an avatar of another family.
/// - `InvalidAvatar`: its picture is damaged.
pub fn describe(container: &Container) -> Result<PortraitReport> {
    let Some(manifest) = container.expression() else {
        return Err(Error::new(
            ErrorKind::UnsupportedFormat,
            format!(
                "an avatar of the model family {:?} has no portrait",
                container.engine()
            ),
        ));
    };
    let (frame, landmarks) = super::members(container, manifest)?;
    let fit = Fit::new(&Head::read(super::HEAD)?, &frame, &landmarks);
    Ok(PortraitReport::of(&frame, &fit))
}

/// Makes an expression avatar: the bytes of an `.imx` file, and what was found in the picture.
///
/// # Errors
/// - `UnsupportedFormat`: not a PNG, JPEG or WebP.
/// - `LimitExceeded`: the picture is too large.
/// - `InvalidAvatar`: the file is damaged, or shows no face that could speak; the message says why
///   and what to do.
pub fn create(picture: &[u8], options: &PortraitOptions) -> Result<(Vec<u8>, PortraitReport)> {
    let (frame, landmarks) = found(picture, options.force)?;
    let head = Head::read(super::HEAD)?;
    let fit = Fit::new(&head, &frame, &landmarks);
    let report = PortraitReport::of(&frame, &fit);
    let file = match picture {
        [0x89, ..] => "portrait.png",
        [b'R', ..] => "portrait.webp",
        _ => "portrait.jpg",
    };
    let mut writer = Writer::new();
    writer.add("speech.onnx", SPEECH.to_vec())?;
    let points = landmarks.points.as_flattened();
    let points = points.iter().flat_map(|v| v.to_le_bytes()).collect();
    writer.add("landmarks.f32", points)?;
    writer.add(file, picture.to_vec())?;
    let bytes = writer.finish(&manifest(options, &frame, file))?;
    Ok((bytes, report))
}

/// The speech network of the avatars that this library ships.
static SPEECH: &[u8] = include_bytes!("data/speech.onnx");

fn manifest(options: &PortraitOptions, frame: &Picture, file: &str) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let names: Vec<String> = MOUTH.iter().map(|name| format!("\"{name}\"")).collect();
    let mut arkit = String::new();
    for name in MOUTH.iter().filter(|&&name| name != "tongueTip") {
        let sided = [
            "mouthSmile",
            "mouthStretch",
            "mouthPress",
            "mouthLowerDown",
            "mouthUpperUp",
            "mouthDimple",
        ]
        .contains(name);
        for side in if sided { &["Left", "Right"][..] } else { &[""] } {
            let comma = if arkit.is_empty() { "" } else { "," };
            let _ = write!(arkit, "{comma}\"{name}{side}\":{{\"{name}\":1.0}}");
        }
    }
    format!(
        "{{\"format_version\":\"2.0\",\"engine\":\"{EXPRESSION}\",\"engine_abi\":1,\
         \"name\":{name},\"license\":{license},\
         \"picture\":{{\"file\":\"{file}\",\"width\":{width},\"height\":{height}}},\
         \"landmarks\":\"landmarks.f32\",\"coefficients\":[{coefficients}],\"arkit\":{{{arkit}}},\
         \"networks\":{{\"speech\":{{\"file\":\"speech.onnx\",\
         \"inputs\":{{\"mel\":[\"N\",{WINDOW},80]}},\
         \"outputs\":{{\"coefficients\":[\"N\",{count}]}}}}}}}}",
        name = text(&options.name),
        license = text(&options.license),
        width = frame.width,
        height = frame.height,
        coefficients = names.join(","),
        count = MOUTH.len(),
    )
}

/// The picture at the frames' size with its landmarks.
fn found(bytes: &[u8], force: bool) -> Result<(Picture, Landmarks)> {
    let picture = Picture::decode(bytes)?;
    let (width, height) = frame_size(picture.width, picture.height);
    if width.min(height) < 64 {
        return Err(refused(format!(
            "the picture is too small ({} × {} pixels); take one of 512 pixels or more",
            picture.width, picture.height
        )));
    }
    let frame = keyed(picture.fitted(width, height));
    drop(picture);
    let detector = Network::read(include_bytes!("data/detector.net"))?;
    let faces = detect::faces(&detector, &frame)?;
    let face = only_face(&faces, force)?;
    let network = Network::read(include_bytes!("data/landmarks.net"))?;
    let landmarks = landmarks::landmarks(&network, &frame, &face)?;
    judge(&frame, &landmarks, force)?;
    Ok((frame, landmarks))
}

/// The frames' size for a picture's: its own, or what fits, even on both sides.
fn frame_size(width: usize, height: usize) -> (usize, usize) {
    let (longer, shorter) = (width.max(height), width.min(height));
    let scale = (LONGER as f64 / longer as f64)
        .min(SHORTER as f64 / shorter as f64)
        .min(1.0);
    let even = |side: usize| ((side as f64 * scale / 2.0).floor() as usize).max(1) * 2;
    (even(width), even(height))
}

fn only_face(faces: &[Face], force: bool) -> Result<Face> {
    let Some(&first) = faces.first() else {
        return Err(refused(
            "no face was found; the picture has to show one from the front, with both eyes, the \
             nose and the mouth uncovered"
                .to_owned(),
        ));
    };
    let others = faces[1..]
        .iter()
        .filter(|face| face.width() > SECOND_FACE * first.width())
        .count();
    if others > 0 && !force {
        return Err(refused(format!(
            "{} faces were found; cut the picture so that one is in it",
            others + 1
        )));
    }
    Ok(first)
}

/// Refuses faces that could not speak.
fn judge(picture: &Picture, landmarks: &Landmarks, force: bool) -> Result<()> {
    let points = &landmarks.points;
    if landmarks.presence < LEAST_PRESENCE && !force {
        return Err(refused(
            "what was found is hardly a face, or much of it is covered; take a picture with both \
             eyes, the nose and the mouth uncovered, or insist on this one with --force"
                .to_owned(),
        ));
    }
    let head = Head::read(super::HEAD)?;
    let fit = Fit::new(&head, picture, landmarks);
    if fit.eyes < SMALLEST_EYES {
        return Err(refused(format!(
            "the face is too small: {:.0} pixels between the outer corners of the eyes, at least \
             {SMALLEST_EYES:.0} are needed; cut the picture around the head, or take a larger one",
            fit.eyes
        )));
    }
    let needed = EYES
        .iter()
        .chain(&UPPER_LIP[0])
        .chain(&LOWER_LIP[0])
        .all(|&i| {
            let [x, y, _] = points[i];
            let margin = 0.05 * fit.eyes;
            x > margin
                && y > margin
                && x < picture.width as f32 - margin
                && y < picture.height as f32 - margin
        });
    if !needed {
        return Err(refused(
            "the eyes or the mouth lie at the picture's edge or outside; take a picture that shows \
             the whole face with some room around it"
                .to_owned(),
        ));
    }
    let [yaw, pitch, roll] = fit.angles();
    if roll.abs() > LARGEST_ROLL && !force {
        return Err(refused(format!(
            "the face lies on its side (tilted by {:.0}°); turn the picture upright",
            roll.abs()
        )));
    }
    if (yaw.abs() > LARGEST_YAW || pitch.abs() > LARGEST_PITCH) && !force {
        return Err(refused(format!(
            "the face is turned away by {:.0}°; take a picture from the front, or insist on this one \
             with --force",
            yaw.abs().max(pitch.abs())
        )));
    }
    if lightest(picture, &fit) < DARKEST && !force {
        return Err(refused(
            "the face is too dark; brighten the picture, or insist on this one with --force"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Level that the lighter tenth of the face reaches.
fn lightest(picture: &Picture, fit: &Fit) -> f32 {
    let mut levels: Vec<f32> = fit.points[..super::head::POINTS]
        .iter()
        .map(|&[x, y, _]| {
            let [r, g, b] = picture.sample(x, y);
            0.299 * r + 0.587 * g + 0.114 * b
        })
        .collect();
    levels.sort_by(f32::total_cmp);
    levels[levels.len() * 9 / 10]
}

#[cold]
fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidAvatar, message)
}
