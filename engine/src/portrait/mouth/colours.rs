//! Colours of what the picture doesn't show, taken from its skin, lips and eyes.

use crate::portrait::fit::Fit;
use crate::portrait::picture::{Picture, light};
use crate::portrait::points::EYES;
use crate::portrait::solid::{Point, add, scale, sub};

#[derive(Clone, Copy, Debug)]
pub(super) struct Colours {
    pub(super) teeth: [f32; 3],
    /// Light of the mouth's flesh on teeth in the dark, as a share of theirs.
    pub(super) shade: [f32; 3],
    pub(super) flesh: [f32; 3],
    pub(super) dark: [f32; 3],
    pub(super) lips: [f32; 3],
}

impl Colours {
    /// From the skin, the lips and the eyes' whites.
    pub(super) fn of(fit: &Fit, picture: &Picture) -> Self {
        let mean = |points: &[usize]| {
            let mut sum = [0.0; 3];
            for &i in points {
                let colour = around(picture, fit.points[i], 0.02 * fit.eyes);
                for (sum, value) in sum.iter_mut().zip(colour) {
                    *sum += value / points.len() as f32;
                }
            }
            sum
        };
        let skin = mean(&[50, 280, 205, 425, 151, 9, 4, 101, 330]);
        let lips = mean(&[73, 11, 303, 90, 16, 320, 180, 404, 85, 315]);
        let white = whites(fit, picture, skin);
        let level = light(&white).max(light(&skin) * 1.08).min(235.0);
        // Ivory in the colour of the picture's light.
        let tint = [0, 1, 2].map(|c| 0.65 * white[c] / light(&white).max(1.0) + 0.35);
        let ivory = [1.02, 0.99, 0.92];
        let teeth = [0, 1, 2].map(|c| (level * 1.12 * tint[c] * ivory[c]).min(246.0));
        let flesh = [0, 1, 2].map(|c| 0.85 * lips[c] + [14.0, 0.0, 2.0][c]);
        let dark = [0, 1, 2].map(|c| lips[c] * [0.16, 0.09, 0.09][c]);
        // Pictures without colours keep to them.
        let warm = ((lips[0] - lips[2]) / 40.0).clamp(0.0, 1.0);
        let shade = [0.2, -0.02, -0.12].map(|by| warm * by);
        Self {
            teeth,
            shade,
            flesh,
            dark,
            lips,
        }
    }
}

/// Light of the cheeks.
pub(super) fn lightest_skin(fit: &Fit, picture: &Picture) -> f32 {
    let cheeks = [50, 280].map(|i| light(&around(picture, fit.points[i], 0.02 * fit.eyes)));
    cheeks[0].max(cheeks[1])
}

/// Mean colour of a small square.
pub(super) fn around(picture: &Picture, at: Point, reach: f32) -> [f32; 3] {
    let mut sum = [0.0; 3];
    for i in 0..9 {
        let (dx, dy) = ((i % 3) as f32 - 1.0, (i / 3) as f32 - 1.0);
        let colour = picture.sample(at[0] + dx * reach, at[1] + dy * reach);
        for (sum, value) in sum.iter_mut().zip(colour) {
            *sum += value / 9.0;
        }
    }
    sum
}

/// The eyes' whites: the lighter pixels between the lids, never darker than the skin.
pub(super) fn whites(fit: &Fit, picture: &Picture, skin: [f32; 3]) -> [f32; 3] {
    let mut found: Vec<[f32; 3]> = Vec::new();
    for eye in &EYES {
        for k in 0..7 {
            let (u, l) = (fit.points[eye.upper[k]], fit.points[eye.lower[k]]);
            for step in 1..6 {
                let p = add(u, scale(sub(l, u), step as f32 / 6.0));
                found.push(picture.sample(p[0], p[1]));
            }
        }
    }
    found.sort_by(|a, b| light(b).total_cmp(&light(a)));
    let some = &found[..found.len() / 6];
    let mut sum = [0.0; 3];
    for colour in some {
        for (sum, value) in sum.iter_mut().zip(colour) {
            *sum += value / some.len() as f32;
        }
    }
    let least = light(&skin);
    let by = (least / light(&sum).max(1.0)).max(1.0);
    sum.map(|v| (v * by).min(250.0))
}
