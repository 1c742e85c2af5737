//! The opening between the lips: where it lies, and how much of the inside each pixel shows.

use crate::portrait::fit::Fit;
use crate::portrait::points::{LOWER_LIP, UPPER_LIP};
use crate::portrait::rig::Posed;
use crate::portrait::solid::smooth;

/// How far the mask reaches over the lips, and over how many pixels it gets soft: nearly all of it on the
/// lips, so that the dark behind them makes no line beside the teeth.
const OVER: f32 = 1.2;
const SOFT: f32 = 1.5;

/// The opening between the lips in the picture.
#[derive(Debug)]
pub(crate) struct Lips {
    pub(crate) corner: [f32; 2],
    /// Along the mouth, of length one.
    pub(crate) axis: [f32; 2],
    pub(crate) length: f32,
    /// Place along the axis and across it of the upper and lower inner lip.
    pub(crate) upper: [[f32; 2]; 11],
    pub(crate) lower: [[f32; 2]; 11],
    pub(crate) widest: f32,
    /// How far the mask is there at all, at each column.
    pub(crate) parted: [f32; 11],
}

impl Lips {
    /// Nothing where the lips are shut.
    pub(crate) fn new(fit: &Fit, posed: &Posed) -> Option<Self> {
        let corner = posed.points[UPPER_LIP[3][0]];
        let other = posed.points[UPPER_LIP[3][10]];
        let (dx, dy) = (other[0] - corner[0], other[1] - corner[1]);
        let length = (dx * dx + dy * dy).sqrt();
        if length < 1.0 {
            return None;
        }
        let axis = [dx / length, dy / length];
        let line = |points: [usize; 11]| {
            points.map(|i| {
                let [x, y] = posed.points[i];
                let (x, y) = (x - corner[0], y - corner[1]);
                [axis[0] * x + axis[1] * y, axis[0] * y - axis[1] * x]
            })
        };
        let (upper, lower) = (line(UPPER_LIP[3]), line(LOWER_LIP[3]));
        let gap = |k: usize| lower[k][1] - upper[k][1];
        let widest = (0..11).map(gap).fold(0.0, f32::max);
        let (from, to) = (0.004 * fit.eyes, 0.016 * fit.eyes);
        let parted = std::array::from_fn(|k| {
            // Corners open as their neighbours do.
            let beside = gap(k)
                .max(0.6 * gap(k.max(1) - 1))
                .max(0.6 * gap((k + 1).min(10)));
            smooth(beside, from, to)
        });
        Some(Self {
            corner,
            axis,
            length,
            upper,
            lower,
            widest,
            parted,
        })
    }

    pub(crate) fn bounds(&self, width: usize, height: usize) -> [usize; 4] {
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for [u, v] in self.upper.iter().chain(&self.lower) {
            let x = self.corner[0] + self.axis[0] * u - self.axis[1] * v;
            let y = self.corner[1] + self.axis[1] * u + self.axis[0] * v;
            bounds = [
                bounds[0].min(x - 2.0),
                bounds[1].min(y - 2.0),
                bounds[2].max(x + 3.0),
                bounds[3].max(y + 3.0),
            ];
        }
        let [left, top, right, bottom] = bounds.map(|v| v.max(0.0) as usize);
        [
            left.min(width),
            top.min(height),
            right.min(width),
            bottom.min(height),
        ]
    }

    /// How much of the inside a pixel shows, and how far it lies below the upper lip and above the
    /// lower one.
    pub(crate) fn inside(&self, at: [f32; 2]) -> (f32, f32, f32) {
        let (above, below, parted) = self.distances(at);
        let edge = |distance: f32| ((distance + OVER) / SOFT).clamp(0.0, 1.0);
        let gap = smooth(above + below, 0.0, 1.5);
        (edge(above) * edge(below) * parted * gap, above, below)
    }

    /// How far a pixel lies below the upper lip and above the lower one, and how far they part there.
    pub(crate) fn distances(&self, at: [f32; 2]) -> (f32, f32, f32) {
        let (x, y) = (at[0] - self.corner[0], at[1] - self.corner[1]);
        let (u, v) = (
            self.axis[0] * x + self.axis[1] * y,
            self.axis[0] * y - self.axis[1] * x,
        );
        if u < 0.0 || u > self.length {
            return (-1e3, -1e3, 0.0);
        }
        let (upper, share, k) = on(&self.upper, u);
        let (lower, _, _) = on(&self.lower, u);
        let parted = self.parted[k] + share * (self.parted[(k + 1).min(10)] - self.parted[k]);
        (v - upper, lower - v, parted)
    }
}

/// The height of a line at `u`, with the share of the way between column `k` and the next.
pub(crate) fn on(line: &[[f32; 2]; 11], u: f32) -> (f32, f32, usize) {
    let k = (1..10).take_while(|&k| line[k][0] <= u).count();
    let ([a, from], [b, to]) = (line[k], line[k + 1]);
    let share = if b - a > 1e-3 {
        ((u - a) / (b - a)).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (from + share * (to - from), share, k)
}
