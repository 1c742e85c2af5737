//! The line of lashes where shut lids meet: lids are drawn with the skin above them, so the line that
//! the picture shows along the open eye is drawn anew.

use super::fit::Fit;
use super::picture::Picture;
use super::points::EYES;
use super::rig::Posed;
use super::solid::{add, smooth};
use super::stroke::Stroke;
use crate::warp::Canvas;

/// Half the line's thickness in the middle, in eyes.
const THICKNESS: f32 = 0.017;
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
            Stroke {
                line: &line,
                reach: THICKNESS * fit.eyes,
                strength: &[strength; 9],
                colour,
            }
            .draw(canvas);
        }
    }
}

fn light(c: &[f32; 3]) -> f32 {
    0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]
}
