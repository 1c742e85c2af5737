//! The line of lashes where shut lids meet: lids are drawn with the skin above them, so the line that
//! the picture shows along the open eye is drawn anew.

use super::fit::Fit;
use super::picture::Picture;
use super::points::EYES;
use super::rig::Posed;
use super::solid::{add, scale, smooth};
use crate::warp::Canvas;

/// Half the line's thickness in the middle, in eyes.
const THICKNESS: f32 = 0.014;
/// How dark it gets.
const STRENGTH: f32 = 0.8;

/// The colour of each eye's lashes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lashes([[f32; 3]; 2]);

impl Lashes {
    /// The darker of what lies along the upper lids' edges.
    pub(crate) fn of(fit: &Fit, picture: &Picture) -> Self {
        Self(EYES.each_ref().map(|eye| {
            let mut darkest: Vec<[f32; 3]> = eye
                .upper
                .iter()
                .map(|&i| {
                    let tries = (-3..=2).map(|step| {
                        let off = fit.direction([0.0, 0.012 * step as f32 * fit.eyes, 0.0]);
                        let [x, y, _] = add(fit.points[i], off);
                        picture.sample(x, y)
                    });
                    tries
                        .min_by(|a, b| light(a).total_cmp(&light(b)))
                        .unwrap_or_default()
                })
                .collect();
            darkest.sort_by(|a, b| light(a).total_cmp(&light(b)));
            darkest[2]
        }))
    }

    /// Draws the lines over shut lids.
    pub(crate) fn draw(&self, fit: &Fit, posed: &Posed, blink: [f32; 2], canvas: &mut Canvas) {
        for ((eye, blink), colour) in EYES.iter().zip(blink).zip(self.0) {
            let strength = STRENGTH * smooth(blink, 0.35, 0.9);
            if strength <= 0.0 {
                continue;
            }
            let mut line = vec![posed.points[eye.corners[0]]];
            line.extend(eye.upper.iter().zip(eye.lower).map(|(&u, l)| {
                let (u, l) = (posed.points[u], posed.points[l]);
                // Where the lids meet, once they do.
                let t = 0.5 * smooth(blink, 0.6, 1.0);
                [u[0] + t * (l[0] - u[0]), u[1] + t * (l[1] - u[1])]
            }));
            line.push(posed.points[eye.corners[1]]);
            stroke(&line, THICKNESS * fit.eyes, strength, colour, canvas);
        }
    }
}

fn light(c: &[f32; 3]) -> f32 {
    0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]
}

/// A soft line that is thin at its ends.
fn stroke(line: &[[f32; 2]], reach: f32, strength: f32, colour: [f32; 3], canvas: &mut Canvas) {
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
            let at = [x as f32 + 0.5, y as f32 + 0.5];
            let mut cover = 0.0f32;
            for (k, ends) in line.windows(2).enumerate() {
                let (distance, share) = to_segment(at, ends[0], ends[1]);
                let along = (k as f32 + share) / (line.len() - 1) as f32;
                let thick = reach * (0.45 + 2.2 * along * (1.0 - along));
                cover = cover
                    .max((thick + 0.5 - distance).clamp(0.0, 1.0) * (1.0 - 0.4 * distance / thick));
            }
            let cover = strength * cover.clamp(0.0, 1.0);
            if cover > 0.0 {
                for (level, value) in row[x].iter_mut().zip(colour) {
                    let under = f32::from(*level);
                    *level = (under + cover * (value - under) + 0.5) as u8;
                }
            }
        }
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
