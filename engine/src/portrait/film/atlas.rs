//! The film's own open mouths, by how far the lips stand apart, how wide the mouth is and how far the
//! chin lies below it.
//!
//! The gap alone doesn't say where teeth and tongue are: *ee* and *oo* part the lips as far. Each gap has
//! a grid of mouths from the narrow to the wide, and from those whose lower lip lies near the chin to
//! those whose jaw is down. What is shown flows from one neighbour into the other along all three, so
//! that no picture of the film ever pops in.

use super::between::draw;
use crate::imx::{Container, Mouths};
use crate::portrait::fit::Fit;
use crate::portrait::mouth::opening::Lips;
use crate::portrait::picture::Picture;
use crate::portrait::rig::Posed;
use crate::portrait::solid::smooth;
use crate::warp::Canvas;
use crate::{Error, ErrorKind, Result};

/// The part of the way between two of the film's mouths in which one grows into the other.
const MIXED: [f32; 2] = [0.25, 0.75];
/// The landmark of the chin.
const CHIN: usize = 152;

/// The film's own open mouths.
#[derive(Debug)]
pub(super) struct Atlas {
    /// Size of one mouth in pixels.
    width: usize,
    height: usize,
    gaps: Vec<f32>,
    /// Of each gap, the widths and the chins' distances of its mouths.
    widths: Vec<Vec<f32>>,
    chins: Vec<Vec<f32>>,
    /// One mouth after the other: by gap, then by width, then by chin.
    pixels: Vec<[u8; 3]>,
}

impl Atlas {
    /// # Errors
    /// `InvalidAvatar` if the picture is damaged.
    pub(super) fn open(container: &Container, mouths: &Mouths) -> Result<Self> {
        let (width, height) = (mouths.width as usize, mouths.height as usize);
        let gaps = mouths.gaps.clone();
        let (file, widths, chins) = match &mouths.shapes {
            Some(shapes) => (&shapes.file, shapes.widths.clone(), shapes.chins.clone()),
            // The gap alone chooses.
            None => {
                let one = vec![vec![0.0]; gaps.len()];
                (&mouths.file, one.clone(), one)
            }
        };
        let damaged = |says: &str| {
            let message = format!("{file}: {says}");
            Error::new(ErrorKind::InvalidAvatar, message)
        };
        let picture =
            Picture::decode(container.member(file)?).map_err(|error| damaged(error.message()))?;
        let columns = widths[0].len() * chins[0].len();
        if (picture.width, picture.height) != (width * columns, height * gaps.len()) {
            return Err(damaged("not of the size that the manifest says"));
        }
        let rgba = picture.rgba.as_chunks::<4>().0;
        let mut pixels = Vec::with_capacity(rgba.len());
        for row in rgba.chunks_exact(width * columns * height) {
            for column in 0..columns {
                let lines = row.chunks_exact(width * columns);
                let mouth = lines.flat_map(|line| &line[column * width..][..width]);
                pixels.extend(mouth.map(|&[r, g, b, _]| [r, g, b]));
            }
        }
        Ok(Self {
            width,
            height,
            gaps,
            widths,
            chins,
            pixels,
        })
    }

    /// Draws the mouth for these lips; `mixed` is a buffer of its own.
    pub(super) fn draw(
        &self,
        fit: &Fit,
        posed: &Posed,
        mixed: &mut Vec<[f32; 3]>,
        canvas: &mut Canvas,
    ) {
        let Some(lips) = Lips::new(fit, posed) else {
            return;
        };
        let [x, y] = posed.points[CHIN];
        let (x, y) = (x - lips.corner[0], y - lips.corner[1]);
        let chin = lips.axis[0] * y - lips.axis[1] * x - lips.lower[5][1];
        let shape = [lips.widest, lips.length, chin].map(|px| px / fit.eyes);
        self.mix(shape, mixed);
        draw(&lips, canvas, |at, above, below| {
            let (dx, dy) = (at[0] - lips.corner[0], at[1] - lips.corner[1]);
            let u = (lips.axis[0] * dx + lips.axis[1] * dy) / lips.length;
            let v = above / (above + below).max(1e-3);
            self.sample(mixed, u, v)
        });
    }

    /// Mixes the mouths around a gap, a width and a chin's distance, in eyes.
    fn mix(&self, [gap, width, chin]: [f32; 3], mixed: &mut Vec<[f32; 3]>) {
        let size = self.width * self.height;
        mixed.clear();
        mixed.resize(size, [0.0; 3]);
        for (row, share) in around(&self.gaps, gap) {
            let (widths, chins) = (&self.widths[row], &self.chins[row]);
            for (column, by_width) in around(widths, width) {
                for (place, by_chin) in around(chins, chin) {
                    let weight = share * by_width * by_chin;
                    if weight <= 0.0 {
                        continue;
                    }
                    let number = (row * widths.len() + column) * chins.len() + place;
                    let mouth = &self.pixels[number * size..][..size];
                    for (sums, levels) in mixed.iter_mut().zip(mouth) {
                        for (sum, &level) in sums.iter_mut().zip(levels) {
                            *sum += weight * f32::from(level);
                        }
                    }
                }
            }
        }
    }

    /// A mouth's colour at a place in [0, 1] across and down, bilinear.
    fn sample(&self, mouth: &[[f32; 3]], u: f32, v: f32) -> [f32; 3] {
        let (last_x, last_y) = ((self.width - 1) as f32, (self.height - 1) as f32);
        let x = (u * self.width as f32 - 0.5).clamp(0.0, last_x);
        let y = (v * self.height as f32 - 0.5).clamp(0.0, last_y);
        let (left, top) = (x as usize, y as usize);
        let (right, below) = (
            (left + 1).min(self.width - 1),
            (top + 1).min(self.height - 1),
        );
        let (x, y) = (x - left as f32, y - top as f32);
        let mut sum = [0.0; 3];
        for (column, row, weight) in [
            (left, top, (1.0 - x) * (1.0 - y)),
            (right, top, x * (1.0 - y)),
            (left, below, (1.0 - x) * y),
            (right, below, x * y),
        ] {
            for (sum, level) in sum.iter_mut().zip(mouth[row * self.width + column]) {
                *sum += weight * level;
            }
        }
        sum
    }
}

/// The two of growing `values` around another, and their shares.
fn around(values: &[f32], value: f32) -> [(usize, f32); 2] {
    let next = values.partition_point(|&other| other < value);
    let (a, b) = (next.saturating_sub(1), next.min(values.len() - 1));
    let way = (value - values[a]) / (values[b] - values[a]).max(1e-6);
    let share = if a == b {
        0.0
    } else {
        smooth(way, MIXED[0], MIXED[1])
    };
    [(a, 1.0 - share), (b, share)]
}
