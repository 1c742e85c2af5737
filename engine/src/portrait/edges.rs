//! Edges of lids and lips that have moved. A pixel belongs to one triangle, so where a lid slides over the
//! eye, or lips meet that the picture shows parted, there is a stair; the mean along the edge makes a line
//! of it and keeps it sharp across.

use super::solid::smooth;
use super::stroke::{bounds, nearest};
use crate::warp::Canvas;

/// How far from the edge pixels are softened, in pixels: wholly up to the first, not at all from the
/// second on.
const REACH: [f32; 2] = [0.8, 1.7];
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
