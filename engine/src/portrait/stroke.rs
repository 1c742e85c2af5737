//! Soft lines that are drawn over a face: lashes of shut lids, the seam of shut lips.

use super::solid::{add, scale};
use crate::warp::Canvas;

/// A line through points of the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stroke<'a> {
    pub(crate) line: &'a [[f32; 2]],
    /// Half its thickness in the middle, in pixels; it is thinner at its ends.
    pub(crate) reach: f32,
    /// Its strength at each of the points, in [0, 1].
    pub(crate) strength: &'a [f32],
    pub(crate) colour: [f32; 3],
}

impl Stroke<'_> {
    pub(crate) fn draw(&self, canvas: &mut Canvas) {
        let (line, reach) = (self.line, self.reach);
        let (width, height) = canvas.size();
        let bound = |i: usize, most: usize| {
            let values = line.iter().map(|p| p[i]);
            let low = values.clone().fold(f32::MAX, f32::min) - reach - 1.0;
            let high = values.fold(f32::MIN, f32::max) + reach + 2.0;
            (low.max(0.0) as usize).min(most)..(high.max(0.0) as usize).min(most)
        };
        let (columns, rows) = (bound(0, width), bound(1, height));
        for y in rows {
            let row = canvas.row_mut(y);
            for x in columns.clone() {
                let cover = self.cover([x as f32 + 0.5, y as f32 + 0.5]);
                if cover > 0.0 {
                    for (level, value) in row[x].iter_mut().zip(self.colour) {
                        let under = f32::from(*level);
                        *level = (under + cover * (value - under) + 0.5) as u8;
                    }
                }
            }
        }
    }

    /// How much of a pixel the line covers.
    fn cover(&self, at: [f32; 2]) -> f32 {
        let mut cover = 0.0f32;
        for (k, ends) in self.line.windows(2).enumerate() {
            let (distance, share) = to_segment(at, ends[0], ends[1]);
            let along = (k as f32 + share) / (self.line.len() - 1) as f32;
            let thick = self.reach * (0.45 + 2.2 * along * (1.0 - along));
            let strength = self.strength[k] + share * (self.strength[k + 1] - self.strength[k]);
            let here = (thick + 0.5 - distance).clamp(0.0, 1.0) * (1.0 - 0.4 * distance / thick);
            cover = cover.max(strength * here.clamp(0.0, 1.0));
        }
        cover
    }
}

/// Distance to a segment, and how far along it the nearest place lies.
fn to_segment(at: [f32; 2], a: [f32; 2], b: [f32; 2]) -> (f32, f32) {
    let (x, y) = (b[0] - a[0], b[1] - a[1]);
    let (u, v) = (at[0] - a[0], at[1] - a[1]);
    let share = ((u * x + v * y) / (x * x + y * y).max(1e-6)).clamp(0.0, 1.0);
    let [dx, dy, _] = add([u, v, 0.0], scale([x, y, 0.0], -share));
    ((dx * dx + dy * dy).sqrt(), share)
}
