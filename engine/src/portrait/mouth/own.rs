//! The picture's own mouth, where it shows one that is open.

use super::colours::lightest_skin;
use super::opening::Lips;
use crate::portrait::fit::Fit;
use crate::portrait::picture::{Picture, light};
use crate::portrait::points::{LOWER_LIP, UPPER_LIP};
use crate::portrait::rig::Posed;
use crate::portrait::solid::smooth;

/// Light between the picture's lips, as a share of the cheeks', from which it is teeth.
const TEETH_LIGHT: f32 = 0.7;

/// The picture's own pixels between its lips, which lie on the skull.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<[f32; 3]>,
    /// How much of it is shown while the lips part as here, and while they part farther.
    pub(super) shares: Vec<[f32; 2]>,
    /// Whether they are teeth; else what is shown gives way to drawn ones.
    pub(super) teeth: bool,
    /// The lips that they lie between.
    pub(super) lips: Option<Lips>,
}

/// Light that the lightest sixth of the pixels between the picture's lips reaches.
pub(super) fn lightest(pixels: &[[f32; 3]], shares: &[[f32; 2]]) -> f32 {
    let shown = pixels
        .iter()
        .zip(shares)
        .filter(|(_, share)| share[0] > 0.0);
    let mut levels: Vec<f32> = shown.map(|(pixel, _)| light(pixel)).collect();
    levels.sort_by(f32::total_cmp);
    levels.get(levels.len() * 5 / 6).copied().unwrap_or(0.0)
}

impl Own {
    pub(super) fn of(fit: &Fit, picture: &Picture) -> Self {
        let inner = UPPER_LIP[3].iter().chain(&LOWER_LIP[3]);
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for &i in inner {
            let [x, y, _] = fit.points[i];
            bounds = [
                bounds[0].min(x),
                bounds[1].min(y),
                bounds[2].max(x),
                bounds[3].max(y),
            ];
        }
        // Pixels outside the picture are no mouth.
        let most = [picture.width as f32, picture.height as f32];
        for (i, bound) in bounds.iter_mut().enumerate() {
            *bound = bound.clamp(0.0, most[i % 2]);
        }
        let [left, top] = [bounds[0] - 4.0, bounds[1] - 4.0].map(|v| v.floor() as i64);
        let width = (bounds[2] + 4.0 - left as f32).ceil().max(1.0) as usize;
        let height = (bounds[3] + 4.0 - top as f32).ceil().max(1.0) as usize;
        let rest = Posed {
            points: fit.points.iter().map(|p| [p[0], p[1]]).collect(),
            ..Posed::default()
        };
        let lips = Lips::new(fit, &rest);
        let soft = 0.03 * fit.eyes;
        let (mut pixels, mut shares) = (Vec::new(), Vec::new());
        for j in 0..height {
            for i in 0..width {
                let (x, y) = (left + i as i64, top + j as i64);
                pixels.push(picture.rgb(x, y));
                let at = [x as f32 + 0.5, y as f32 + 0.5];
                shares.push(lips.as_ref().map_or([0.0; 2], |lips| {
                    let (mask, _, below) = lips.inside(at);
                    let there = if mask > 0.0 { 1.0 } else { 0.0 };
                    [there, there * smooth(below, 0.0, soft)]
                }));
            }
        }
        let teeth = lightest(&pixels, &shares) > TEETH_LIGHT * lightest_skin(fit, picture);
        if !teeth {
            shares.iter_mut().for_each(|share| share[1] = 0.0);
        }
        Self {
            left,
            top,
            width,
            height,
            pixels,
            shares,
            teeth,
            lips,
        }
    }

    /// The mean colour of the lighter ones of its pixels.
    pub(super) fn colour(&self) -> [f32; 3] {
        let least = 0.9 * lightest(&self.pixels, &self.shares);
        let shown = self.pixels.iter().zip(&self.shares);
        let teeth = shown.filter(|(pixel, share)| share[0] > 0.0 && light(pixel) >= least);
        let (mut sum, mut count) = ([0.0; 3], 0.0);
        for (pixel, _) in teeth {
            count += 1.0;
            for (sum, level) in sum.iter_mut().zip(pixel) {
                *sum += level;
            }
        }
        sum.map(|sum| sum / f32::max(count, 1.0))
    }

    /// A place of the picture's own mouth, and how far down from `at` it lies: where the upper lip has
    /// gone up, teeth go on as they end beneath it.
    pub(super) fn below_lip(&self, at: [f32; 2], edge: f32) -> ([f32; 2], f32) {
        let Some(lips) = self.lips.as_ref().filter(|_| self.teeth) else {
            return (at, 0.0);
        };
        let (above, _, _) = lips.distances(at);
        let lifted = if above > -1e3 { edge - above } else { 0.0 };
        if lifted <= 0.0 {
            return (at, 0.0);
        }
        let [x, y] = lips.axis;
        ([at[0] - y * lifted, at[1] + x * lifted], lifted)
    }

    /// Colour and share at a place of the picture, for lips that part `farther` than there, in
    /// [0, 1].
    pub(super) fn at(&self, [x, y]: [f32; 2], farther: f32) -> Option<([f32; 3], f32)> {
        let (x, y) = (x - 0.5 - self.left as f32, y - 0.5 - self.top as f32);
        if !(x >= 0.0 && y >= 0.0) {
            return None;
        }
        let (i, j) = (x as usize, y as usize);
        if i + 1 >= self.width || j + 1 >= self.height {
            return None;
        }
        let (p, q) = (x - i as f32, y - j as f32);
        let mut colour = [0.0; 3];
        let mut share = 0.0;
        for (di, dj, weight) in [
            (0, 0, (1.0 - p) * (1.0 - q)),
            (1, 0, p * (1.0 - q)),
            (0, 1, (1.0 - p) * q),
            (1, 1, p * q),
        ] {
            let at = (j + dj) * self.width + i + di;
            for (sum, value) in colour.iter_mut().zip(self.pixels[at]) {
                *sum += weight * value;
            }
            let [as_here, parted] = self.shares[at];
            share += weight * (as_here + farther * (parted - as_here));
        }
        Some((colour, share))
    }
}
