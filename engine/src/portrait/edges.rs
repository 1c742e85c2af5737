//! Edges of lids and lips that have moved. A pixel belongs to one triangle, so where a lid slides over the
//! eye, or lips meet that the picture shows parted, there is a stair; the mean along the edge makes a line
//! of it and keeps it sharp across.

use super::head::POINTS;
use super::mesh::Mesh;
use super::rig::Posed;
use super::solid::smooth;
use super::stroke::{bounds, nearest};
use crate::warp::{Canvas, Place, UNIT};

/// How far from the edge pixels are softened, in pixels: wholly up to the first, not at all from the
/// second on.
const REACH: [f32; 2] = [0.8, 1.7];
/// Width of the first ring around the face, of that at rest, below which the outline lies over what is
/// around it.
const NARROW: f32 = 0.6;
/// Weights of the places along the edge, and the distance between two of them in pixels.
const TAPS: [f32; 7] = [1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0];
const STEP: f32 = 0.7;

/// Softens what lies along a line through points of the picture, by the strength at each of them, in
/// [0, 1].
pub(crate) fn soften(line: &[[f32; 2]], strength: &[f32], canvas: &mut Canvas) {
    let [columns, rows] = bounds(line, REACH[1], canvas.size());
    if strength.iter().all(|&strength| strength <= 0.0) || columns.is_empty() || rows.is_empty() {
        return;
    }
    let before = Window::copy(canvas, columns.clone(), rows.clone());
    for y in rows {
        let row = canvas.row_mut(y);
        for x in columns.clone() {
            let at = [x as f32 + 0.5, y as f32 + 0.5];
            let Some(near) = nearest(line, at) else {
                continue;
            };
            let (from, to) = (strength[near.segment], strength[near.segment + 1]);
            let here = from + near.share * (to - from);
            let share = here * (1.0 - smooth(near.distance, REACH[0], REACH[1]));
            if share > 0.0 {
                let mean = before.mean_along(at, near.way);
                for (level, mean) in row[x].iter_mut().zip(mean) {
                    let own = f32::from(*level);
                    *level = (own + share * (mean - own) + 0.5) as u8;
                }
            }
        }
    }
}

/// Softens the face's outline where the head's turn has taken it over what is around it: as far as the
/// first ring around it has become narrower.
pub(crate) fn soften_outline(mesh: &Mesh, posed: &Posed, canvas: &mut Canvas) {
    let outline = &mesh.outline;
    let strengths = outline.iter().enumerate().map(|(k, &i)| {
        let ring = POINTS + k;
        let width = |places: &[Place]| {
            let [x, y] = [0, 1].map(|axis| (places[ring][axis] - places[i][axis]) as f32);
            (x * x + y * y).sqrt() / UNIT as f32
        };
        1.0 - smooth(
            width(&posed.places),
            0.0,
            NARROW * width(&mesh.rest).max(1e-3),
        )
    });
    let strengths: Vec<f32> = strengths.collect();
    for (k, &i) in outline.iter().enumerate() {
        let next = (k + 1) % outline.len();
        let line = [posed.points[i], posed.points[outline[next]]];
        soften(&line, &[strengths[k], strengths[next]], canvas);
    }
}

/// A part of the canvas as it was.
struct Window {
    left: usize,
    top: usize,
    width: usize,
    pixels: Vec<[u8; 4]>,
}

impl Window {
    fn copy(
        canvas: &mut Canvas,
        columns: std::ops::Range<usize>,
        rows: std::ops::Range<usize>,
    ) -> Self {
        let (left, top, width) = (columns.start, rows.start, columns.len());
        let mut pixels = Vec::with_capacity(width * rows.len());
        for y in rows {
            pixels.extend_from_slice(&canvas.row_mut(y)[columns.clone()]);
        }
        Self {
            left,
            top,
            width,
            pixels,
        }
    }

    /// The mean of the places around `at` along a `way` of length one.
    fn mean_along(&self, at: [f32; 2], way: [f32; 2]) -> [f32; 4] {
        let middle = (TAPS.len() / 2) as f32;
        let (mut sum, mut total) = ([0.0; 4], 0.0);
        for (k, weight) in TAPS.into_iter().enumerate() {
            let by = STEP * (k as f32 - middle);
            let level = self.sample([at[0] + by * way[0], at[1] + by * way[1]]);
            for (sum, level) in sum.iter_mut().zip(level) {
                *sum += weight * level;
            }
            total += weight;
        }
        sum.map(|sum| sum / total)
    }

    /// Bilinear; its edge goes on beyond it.
    fn sample(&self, [x, y]: [f32; 2]) -> [f32; 4] {
        let height = self.pixels.len() / self.width;
        let x = (x - 0.5 - self.left as f32).clamp(0.0, (self.width - 1) as f32);
        let y = (y - 0.5 - self.top as f32).clamp(0.0, (height - 1) as f32);
        let (i, j) = (x as usize, y as usize);
        let (p, q) = (x - i as f32, y - j as f32);
        let (right, below) = ((i + 1).min(self.width - 1), (j + 1).min(height - 1));
        let pixel = |i: usize, j: usize| self.pixels[j * self.width + i].map(f32::from);
        let (a, b) = (pixel(i, j), pixel(right, j));
        let (c, d) = (pixel(i, below), pixel(right, below));
        std::array::from_fn(|k| {
            (1.0 - q) * (a[k] + p * (b[k] - a[k])) + q * (c[k] + p * (d[k] - c[k]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line that divides white above from black below.
    const ENDS: [[f32; 2]; 2] = [[-10.0, 2.1], [50.0, 17.4]];

    /// Height of the line at `x`.
    fn height(x: f32) -> f32 {
        let [[x0, y0], [x1, y1]] = ENDS;
        y0 + (x - x0) / (x1 - x0) * (y1 - y0)
    }

    /// White above the line and black below it, each pixel by its centre: a stair.
    fn stair() -> Canvas {
        let mut canvas = Canvas::new(40, 20);
        for y in 0..20 {
            for (x, pixel) in canvas.row_mut(y).iter_mut().enumerate() {
                let above = y as f32 + 0.5 < height(x as f32 + 0.5);
                *pixel = if above { [255; 4] } else { [0, 0, 0, 255] };
            }
        }
        canvas
    }

    /// The largest difference to an edge that covers pixels in part.
    fn error(canvas: &Canvas) -> f32 {
        let differences = canvas.pixels().iter().enumerate().map(|(i, pixel)| {
            let (x, y) = ((i % 40) as f32 + 0.5, (i / 40) as f32 + 0.5);
            let cover = (height(x) - y + 0.5).clamp(0.0, 1.0);
            (f32::from(pixel[0]) / 255.0 - cover).abs()
        });
        differences.fold(0.0, f32::max)
    }

    #[test]
    fn a_stair_becomes_a_line() {
        let mut canvas = stair();
        assert!(error(&canvas) > 0.45, "no stair to begin with");
        soften(&ENDS, &[1.0; 2], &mut canvas);
        let left = error(&canvas);
        assert!(left < 0.3, "differs by {left} from a smooth edge");
    }

    #[test]
    fn what_lies_farther_off_stays() {
        let (before, mut canvas) = (stair(), stair());
        soften(&ENDS, &[1.0; 2], &mut canvas);
        for (i, pixels) in canvas.pixels().iter().zip(before.pixels()).enumerate() {
            let (x, y) = ((i % 40) as f32 + 0.5, (i / 40) as f32 + 0.5);
            if (height(x) - y).abs() > 2.0 {
                assert_eq!(pixels.0, pixels.1, "changed at {x}, {y}");
            }
        }
    }

    #[test]
    fn no_strength_and_lines_outside_the_picture_change_nothing() {
        let (before, mut canvas) = (stair(), stair());
        soften(&ENDS, &[0.0; 2], &mut canvas);
        soften(&[[-90.0, -90.0], [-80.0, -70.0]], &[1.0; 2], &mut canvas);
        soften(&[[900.0, 9.0], [980.0, 9.0]], &[1.0; 2], &mut canvas);
        soften(&[], &[], &mut canvas);
        assert_eq!(canvas.pixels(), before.pixels());
    }
}
