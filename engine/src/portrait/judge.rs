//! Whether a face that was found can speak, and what to say where it can't.

use super::detect::Face;
use super::fit::Fit;
use super::head::Head;
use super::landmarks::{EYES, Landmarks};
use super::picture::{Picture, light};
use super::points::{self, LOWER_LIP, UPPER_LIP};
use super::solid::{Point, add, scale, sub};
use crate::{Error, ErrorKind, Result};

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
/// Contrast of lips and of an eye, as shares of the skin's light, below which they are covered. Portraits
/// of every kind that were tried have 0.35 and 0.31 at least, masks and dark glasses next to none.
const PLAIN_MOUTH: f32 = 0.2;
const PLAIN_EYE: f32 = 0.12;
/// Cheeks, forehead and nose.
const SKIN: [usize; 9] = [50, 280, 205, 425, 151, 9, 4, 101, 330];

/// The largest face, if it is the only one that is meant.
pub(crate) fn only_face(faces: &[Face], force: bool) -> Result<Face> {
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
pub(crate) fn judge(picture: &Picture, landmarks: &Landmarks, force: bool) -> Result<()> {
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
    if !force {
        uncovered(picture, &fit)?;
    }
    Ok(())
}

/// Refuses eyes and mouths that the picture doesn't show: the landmark network guesses where they would be
/// under a mask or dark glasses, but nothing changes its light there.
fn uncovered(picture: &Picture, fit: &Fit) -> Result<()> {
    let lips: [[usize; 2]; 7] = std::array::from_fn(|k| [UPPER_LIP[0][k + 2], LOWER_LIP[0][k + 2]]);
    if contrast(picture, fit, &lips) < PLAIN_MOUTH {
        return Err(refused(
            "the mouth is covered, or hardly to be seen; take a picture that shows it, or insist on this \
             one with --force"
                .to_owned(),
        ));
    }
    let plain = points::EYES.iter().any(|eye| {
        let lids: [[usize; 2]; 7] = std::array::from_fn(|k| [eye.upper[k], eye.lower[k]]);
        contrast(picture, fit, &lids) < PLAIN_EYE
    });
    if plain {
        return Err(refused(
            "an eye is covered or shut; take a picture that shows both eyes open, or insist on this one \
             with --force"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Light between pairs of points, from that which a tenth is below to that which a tenth is above, as a
/// share of the skin's.
fn contrast(picture: &Picture, fit: &Fit, pairs: &[[usize; 2]; 7]) -> f32 {
    let around = |[x, y, _]: Point| {
        let reach = 0.008 * fit.eyes;
        let tries = [
            [0.0, 0.0],
            [reach, 0.0],
            [-reach, 0.0],
            [0.0, reach],
            [0.0, -reach],
        ];
        tries
            .map(|[dx, dy]| light(&picture.sample(x + dx, y + dy)))
            .iter()
            .sum::<f32>()
            / 5.0
    };
    let quantile = |levels: &mut Vec<f32>, share: f32| {
        levels.sort_by(f32::total_cmp);
        levels[((levels.len() - 1) as f32 * share) as usize]
    };
    let mut skin: Vec<f32> = SKIN.iter().map(|&i| around(fit.points[i])).collect();
    let skin = quantile(&mut skin, 0.5).max(30.0);
    let mut levels: Vec<f32> = pairs
        .iter()
        .flat_map(|&[from, to]| {
            let (from, to) = (fit.points[from], fit.points[to]);
            (0..9).map(move |i| add(from, scale(sub(to, from), i as f32 / 8.0)))
        })
        .map(around)
        .collect();
    (quantile(&mut levels, 0.9) - quantile(&mut levels, 0.1)) / skin
}

/// Level that the lighter tenth of the face reaches.
fn lightest(picture: &Picture, fit: &Fit) -> f32 {
    let mut levels: Vec<f32> = fit.points[..super::head::POINTS]
        .iter()
        .map(|&[x, y, _]| light(&picture.sample(x, y)))
        .collect();
    levels.sort_by(f32::total_cmp);
    levels[levels.len() * 9 / 10]
}

#[cold]
pub(crate) fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidAvatar, message)
}
