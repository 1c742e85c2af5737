//! The pixels between parted lips.

use crate::compose::blend::Patch;
use crate::geometry::Affine;
use crate::imx::{Container, Mouths};
use crate::portrait::fit::Fit;
use crate::portrait::mouth::Mouth;
use crate::portrait::mouth::opening::Lips;
use crate::portrait::picture::Picture;
use crate::portrait::rig::Posed;
use crate::portrait::solid::smooth;
use crate::warp::Canvas;
use crate::{Error, ErrorKind, Result};

/// The part of the way between two of the film's mouths in which one grows into the other.
const MIXED: [f32; 2] = [0.25, 0.75];

/// The source of what shows between the lips.
#[derive(Debug)]
pub(super) enum Between {
    /// Teeth and tongue as portraits have them.
    Drawn(Box<Mouth>),
    /// The film's own open mouths.
    Film(Atlas),
    /// The identity network's patch.
    Network,
}

/// The film's own open mouths, from the nearly shut to the widest.
#[derive(Debug)]
pub(super) struct Atlas {
    width: usize,
    height: usize,
    gaps: Vec<f32>,
    /// RGBA, one mouth below the other.
    pixels: Vec<[u8; 4]>,
}

impl Atlas {
    /// # Errors
    /// `InvalidAvatar` if the picture is damaged.
    pub(super) fn open(container: &Container, mouths: &Mouths) -> Result<Self> {
        let (width, height) = (mouths.width as usize, mouths.height as usize);
        let damaged = |says: &str| {
            let message = format!("{}: {says}", mouths.file);
            Error::new(ErrorKind::InvalidAvatar, message)
        };
        let picture = Picture::decode(container.member(&mouths.file)?)
            .map_err(|error| damaged(error.message()))?;
        if (picture.width, picture.height) != (width, height * mouths.gaps.len()) {
            return Err(damaged("not of the size that the manifest says"));
        }
        Ok(Self {
            width,
            height,
            gaps: mouths.gaps.clone(),
            pixels: picture.rgba.as_chunks::<4>().0.to_vec(),
        })
    }

    /// Draws the two mouths that are open nearly as far as these lips, one growing into the other.
    pub(super) fn draw(&self, fit: &Fit, posed: &Posed, canvas: &mut Canvas) {
        let Some(lips) = Lips::new(fit, posed) else {
            return;
        };
        let gap = lips.widest / fit.eyes;
        let next = self.gaps.partition_point(|&other| other < gap);
        let (a, b) = (next.saturating_sub(1), next.min(self.gaps.len() - 1));
        let way = (gap - self.gaps[a]) / (self.gaps[b] - self.gaps[a]).max(1e-6);
        let share = if a == b {
            0.0
        } else {
            smooth(way, MIXED[0], MIXED[1])
        };
        draw(&lips, canvas, |at, above, below| {
            let (dx, dy) = (at[0] - lips.corner[0], at[1] - lips.corner[1]);
            let u = (lips.axis[0] * dx + lips.axis[1] * dy) / lips.length;
            let v = above / (above + below).max(1e-3);
            let (one, other) = (self.sample(a, u, v), self.sample(b, u, v));
            [0, 1, 2].map(|c| one[c] + share * (other[c] - one[c]))
        });
    }

    /// A mouth's colour at a place in [0, 1] across and down, bilinear.
    fn sample(&self, mouth: usize, u: f32, v: f32) -> [f32; 3] {
        let (last_x, last_y) = ((self.width - 1) as f32, (self.height - 1) as f32);
        let x = (u * self.width as f32 - 0.5).clamp(0.0, last_x);
        let y = (v * self.height as f32 - 0.5).clamp(0.0, last_y);
        let (left, top) = (x as usize, y as usize);
        let (right, below) = (
            (left + 1).min(self.width - 1),
            (top + 1).min(self.height - 1),
        );
        let (x, y) = (x - left as f32, y - top as f32);
        let rows = &self.pixels[mouth * self.width * self.height..][..self.width * self.height];
        let mut sum = [0.0; 3];
        for (column, row, weight) in [
            (left, top, (1.0 - x) * (1.0 - y)),
            (right, top, x * (1.0 - y)),
            (left, below, (1.0 - x) * y),
            (right, below, x * y),
        ] {
            for (sum, level) in sum.iter_mut().zip(rows[row * self.width + column]) {
                *sum += weight * f32::from(level);
            }
        }
        sum
    }
}

/// Draws the identity network's patch, whose place in the frame the affine says; the canvas begins at
/// `left`, `top` of it.
pub(super) fn patch(
    fit: &Fit,
    posed: &Posed,
    (patch, affine): (&Patch, &Affine),
    (left, top): (usize, usize),
    canvas: &mut Canvas,
) {
    let (Some(lips), Some(inverse)) = (Lips::new(fit, posed), affine.inverse()) else {
        return;
    };
    draw(&lips, canvas, |at, _, _| {
        let (x, y) = (
            left as f64 + f64::from(at[0]),
            top as f64 + f64::from(at[1]),
        );
        let (u, v) = inverse.apply(x, y);
        patch.sample(u as f32, v as f32)
    });
}

/// Draws `colour(place, below the upper lip, above the lower one)` where the lips are parted.
fn draw(lips: &Lips, canvas: &mut Canvas, colour: impl Fn([f32; 2], f32, f32) -> [f32; 3]) {
    let (width, height) = canvas.size();
    let [left, top, right, bottom] = lips.bounds(width, height);
    for y in top..bottom {
        let row = canvas.row_mut(y);
        for (x, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
            let at = [x as f32 + 0.5, y as f32 + 0.5];
            let (mask, above, below) = lips.inside(at);
            if mask <= 0.0 {
                continue;
            }
            for (level, value) in pixel.iter_mut().zip(colour(at, above, below)) {
                let under = f32::from(*level);
                *level = (under + mask * (value - under) + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
    }
}
