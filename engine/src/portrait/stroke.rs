//! Soft lines that are drawn over a face: lashes of shut lids, the seam of shut lips.

use std::ops::Range;

use crate::warp::Canvas;

/// A line through points of the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stroke<'a> {
    pub(crate) line: &'a [[f32; 2]],
    /// Half its thickness in the middle, in pixels; it is thinner at its ends.
    pub(crate) reach: f32,
    /// How much of its strength is gone at that distance, in [0, 1].
    pub(crate) fade: f32,
    /// Its strength at each of the points, in [0, 1].
    pub(crate) strength: &'a [f32],
    pub(crate) colour: [f32; 3],
}

impl Stroke<'_> {
    pub(crate) fn draw(&self, canvas: &mut Canvas) {
        let [columns, rows] = bounds(self.line, self.reach, canvas.size());
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
        let Some(near) = nearest(self.line, at) else {
            return 0.0;
        };
        let Nearest {
            segment: k,
            share,
            distance,
            ..
        } = near;
        let along = (k as f32 + share) / (self.line.len() - 1) as f32;
        let thick = self.reach * (0.45 + 2.2 * along * (1.0 - along));
        let strength = self.strength[k] + share * (self.strength[k + 1] - self.strength[k]);
        let here = (thick + 0.5 - distance).clamp(0.0, 1.0) * (1.0 - self.fade * distance / thick);
        strength * here.clamp(0.0, 1.0)
    }
}

/// The pixels that may lie within `reach` of a line, columns and rows.
pub(super) fn bounds(
    line: &[[f32; 2]],
    reach: f32,
    (width, height): (usize, usize),
) -> [Range<usize>; 2] {
    let range = |i: usize, most: usize| {
        let values = line.iter().map(|p| p[i]);
        let low = values.clone().fold(f32::MAX, f32::min) - reach - 1.0;
        let high = values.fold(f32::MIN, f32::max) + reach + 2.0;
        (low.max(0.0) as usize).min(most)..(high.max(0.0) as usize).min(most)
    };
    [range(0, width), range(1, height)]
}

/// The place of a line that is nearest to a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nearest {
    pub(super) distance: f32,
    /// The segment, and how far along it.
    pub(super) segment: usize,
    pub(super) share: f32,
    /// The segment's way, of length one.
    pub(super) way: [f32; 2],
}

/// Nothing for a line of less than two points.
pub(super) fn nearest(line: &[[f32; 2]], at: [f32; 2]) -> Option<Nearest> {
    let segments = line.windows(2).enumerate().map(|(segment, ends)| {
        let [[x0, y0], [x1, y1]] = [ends[0], ends[1]];
        let (x, y) = (x1 - x0, y1 - y0);
        let (u, v) = (at[0] - x0, at[1] - y0);
        let square = (x * x + y * y).max(1e-6);
        let share = ((u * x + v * y) / square).clamp(0.0, 1.0);
        let (dx, dy) = (u - share * x, v - share * y);
        (dx * dx + dy * dy, segment, share, [x, y], square)
    });
    let (square, segment, share, [x, y], length) = segments.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let length = length.sqrt();
    Some(Nearest {
        distance: square.sqrt(),
        segment,
        share,
        way: [x / length, y / length],
    })
}
