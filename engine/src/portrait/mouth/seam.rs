//! The line where lips meet, and the dark behind them while they are parted.

use super::colours::Colours;
use super::opening::Lips;
use crate::portrait::edges;
use crate::portrait::fit::Fit;
use crate::portrait::picture::{Picture, light};
use crate::portrait::points::{LOWER_LIP, UPPER_LIP};
use crate::portrait::rig::Posed;
use crate::portrait::solid::smooth;
use crate::portrait::stroke::Stroke;
use crate::warp::Canvas;

/// Strength of the dark line between shut lips, the gap at which it is gone, and half its thickness, in eyes.
const SEAM: f32 = 0.4;
const SEAM_GONE: f32 = 0.012;
const SEAM_REACH: f32 = 0.012;
/// How far from it the lips' light is taken, in eyes.
const SEAM_BESIDE: f32 = 0.03;

/// Light of the seam between filmed lips, of the lips' own.
const FILMED: [f32; 3] = [0.55, 0.45, 0.45];

/// Colours of one face's lips and of what lies behind them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seam {
    dark: [f32; 3],
    lips: [f32; 3],
}

impl Seam {
    pub(crate) fn of(fit: &Fit, picture: &Picture) -> Self {
        let Colours { dark, lips, .. } = Colours::of(fit, picture);
        Self { dark, lips }
    }

    /// The seam of filmed lips, which light reaches: what lies deeper is filmed, too.
    pub(crate) fn filmed(fit: &Fit, picture: &Picture) -> Self {
        let Colours { lips, .. } = Colours::of(fit, picture);
        let dark = [0, 1, 2].map(|c| lips[c] * FILMED[c]);
        Self { dark, lips }
    }

    /// Darkens what lies behind the lips, before they are drawn: nothing of the mouth at rest shows
    /// beside or between them.
    pub(crate) fn fill(&self, fit: &Fit, posed: &Posed, canvas: &mut Canvas) {
        let Some(lips) = Lips::new(fit, posed) else {
            return;
        };
        let (width, height) = canvas.size();
        let [left, top, right, bottom] = lips.bounds(width, height);
        let [r, g, b] = self.dark.map(|v| v as u8);
        for y in top..bottom {
            let row = canvas.row_mut(y);
            for (x, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
                let (above, below, _) = lips.distances([x as f32 + 0.5, y as f32 + 0.5]);
                if above > -1.5 && below > -1.5 {
                    *pixel = [r, g, b, pixel[3]];
                }
            }
        }
    }

    /// Draws the dark line between lips that touch, where the picture shows them parted and so has none.
    pub(crate) fn close(&self, fit: &Fit, posed: &Posed, canvas: &mut Canvas) {
        if fit.gap[5] <= 0.0 {
            return;
        }
        let inner = |lip: &[[usize; 11]; 4], k: usize| posed.points[lip[3][k]];
        let line: [[f32; 2]; 11] = std::array::from_fn(|k| {
            let (u, l) = (inner(&UPPER_LIP, k), inner(&LOWER_LIP, k));
            [(u[0] + l[0]) / 2.0, (u[1] + l[1]) / 2.0]
        });
        // Lips of which one lies in the dark need no line.
        let (width, height) = canvas.size();
        let reach = SEAM_BESIDE * fit.eyes;
        let beside = |lip: &[[usize; 11]; 4], k: usize| {
            let ([x, y], [u, v]) = (posed.points[lip[3][k]], posed.points[lip[2][k]]);
            let (dx, dy) = (u - x, v - y);
            let by = reach / (dx * dx + dy * dy).sqrt().max(1e-3);
            let [x, y] = [(x + by * dx, width), (y + by * dy, height)]
                .map(|(at, most)| (at.max(0.0) as usize).min(most - 1));
            let [r, g, b, _] = canvas.pixels()[y * width + x].map(f32::from);
            light(&[r, g, b])
        };
        let usual = light(&self.lips);
        // Corners are as shut as what is beside them.
        let shut: [f32; 11] = std::array::from_fn(|k| {
            let k = k.clamp(1, 9);
            let (u, l) = (inner(&UPPER_LIP, k), inner(&LOWER_LIP, k));
            let (x, y) = (l[0] - u[0], l[1] - u[1]);
            1.0 - smooth((x * x + y * y).sqrt() / fit.eyes, 0.0, SEAM_GONE)
        });
        let strength: [f32; 11] = std::array::from_fn(|k| {
            let k = k.clamp(1, 9);
            let darker = beside(&UPPER_LIP, k).min(beside(&LOWER_LIP, k));
            SEAM * shut[k] * smooth(darker / usual.max(1.0), 0.2, 0.6)
        });
        edges::soften(&line, &shut, canvas);
        if strength.iter().any(|&strength| strength > 0.0) {
            let stroke = Stroke {
                line: &line,
                reach: SEAM_REACH * fit.eyes,
                fade: 0.4,
                strength: &strength,
                colour: self.dark,
            };
            stroke.draw(canvas);
        }
    }
}
