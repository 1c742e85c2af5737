//! A picture file becomes an expression avatar: its face is found and judged, and what was found is
//! packed with the picture.

use std::fmt::Write as _;

use super::detect;
use super::fit::Fit;
use super::head::Head;
use super::judge::{judge, only_face, refused};
use super::key::keyed;
use super::landmarks::{self, Landmarks};
use super::network::Network;
use super::person;
use super::picture::Picture;
use super::rig::MOUTH;
use crate::imx::{Container, EXPRESSION, Writer};
use crate::{Error, ErrorKind, Result};

/// Largest width or height of the frames, and largest other side.
const LONGER: usize = 1920;
const SHORTER: usize = 1080;
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
    let person = person::found(&frame)?;
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
    if let Some(person) = &person {
        writer.add(PERSON, person.clone())?;
    }
    let bytes = writer.finish(&manifest(options, &frame, file, person.is_some()))?;
    Ok((bytes, report))
}

/// The speech network of the avatars that this library ships.
static SPEECH: &[u8] = include_bytes!("data/speech.onnx");

/// The member that says where the person is.
const PERSON: &str = "person.u8";

fn manifest(options: &PortraitOptions, frame: &Picture, file: &str, person: bool) -> String {
    let person = match person {
        true => format!("\"person\":\"{PERSON}\","),
        false => String::new(),
    };
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
         \"landmarks\":\"landmarks.f32\",{person}\"coefficients\":[{coefficients}],\"arkit\":{{{arkit}}},\
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
