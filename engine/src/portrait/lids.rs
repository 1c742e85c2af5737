//! The edges of lids: the line of lashes where shut ones meet, which lids that are drawn with the skin
//! above them have lost, and stairs where lids have moved.

use super::edges;
use super::fit::Fit;
use super::picture::{Picture, light};
use super::points::EYES;
use super::rig::{Posed, look};
use super::solid::{Point, add, apply, smooth, sub};
use super::stroke::Stroke;
use crate::warp::Canvas;

/// The line: half its thickness in the middle, in eyes, how much of it is gone there, and how dark it
/// gets.
const LINE: [f32; 3] = [0.014, 0.5, 0.85];
/// The shade above it, where the lid turns in: how far up it lies, half its thickness, and how dark it
/// gets.
const SHADE: [f32; 3] = [0.019, 0.038, 0.2];
/// How far the lashes of a shut lid hang below its edge, in eyes.
const HANG: f32 = 0.019;
/// How far the corners of a shut eye leave their place for the end of the line, which they would bend into
/// a bowl.
const STRAIGHT: f32 = 0.5;
/// Light of lashes as a share of the lid's, at most: in shade, and in paintings, they are told apart no
/// better, and a shut eye has nothing but them.
const DARK: f32 = 0.4;
/// How far a blink is where the line begins to show, and where it is whole.
const SHOWS: [f32; 2] = [0.15, 0.5];
/// Strength along the line, from the eye's inner corner to the outer one.
const ALONG: [f32; 9] = [0.15, 0.55, 0.8, 0.95, 1.0, 1.0, 1.0, 0.9, 0.3];
/// Places of the drawn line from one of the lid's points to the next.
const FINE: usize = 3;
/// Pixels that a lid or an iris moves until its edges are wholly softened.
const MOVED: f32 = 1.5;

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
            let lid: f32 = eye
                .above
                .iter()
                .map(|&i| {
                    let [x, y, _] = fit.points[i];
                    light(&picture.sample(x, y)) / 7.0
                })
                .sum();
            let dark = (DARK * lid / light(&darkest[2]).max(1.0)).min(1.0);
            darkest[2].map(|level| dark * level)
        }))
    }

    /// Draws the lines over shut lids.
    pub(crate) fn draw(&self, fit: &Fit, posed: &Posed, blink: [f32; 2], canvas: &mut Canvas) {
        let turn = posed.head.turn;
        for (number, (blink, colour)) in blink.into_iter().zip(self.0).enumerate() {
            let shown = smooth(blink, SHOWS[0], SHOWS[1]);
            if shown <= 0.0 {
                continue;
            }
            let hang = HANG * smooth(blink, 0.6, 1.0) * fit.eyes;
            let [x, y, _] = apply(&turn, fit.direction([0.0, hang, 0.0]));
            let edge = meeting(posed, number, blink);
            let line = fine(&edge.map(|p| [p[0] + x, p[1] + y]));
            let strength: Vec<f32> = (0..line.len())
                .map(|i| {
                    let i = if number == 0 { line.len() - 1 - i } else { i };
                    let (k, share) = (i / FINE, (i % FINE) as f32 / FINE as f32);
                    let next = ALONG[(k + 1).min(ALONG.len() - 1)];
                    shown * (ALONG[k] + share * (next - ALONG[k]))
                })
                .collect();
            let strengths = |by: f32| strength.iter().map(|s| by * s).collect::<Vec<f32>>();
            let [high, wide, dark] = SHADE;
            let [x, y, _] = apply(&turn, fit.direction([0.0, -high * fit.eyes, 0.0]));
            let above: Vec<[f32; 2]> = line.iter().map(|p| [p[0] + x, p[1] + y]).collect();
            Stroke {
                line: &above,
                reach: wide * fit.eyes,
                fade: 1.0,
                strength: &strengths(dark * smooth(blink, 0.5, 1.0)),
                colour,
            }
            .draw(canvas);
            let [thick, fade, dark] = LINE;
            Stroke {
                line: &line,
                reach: thick * fit.eyes,
                fade,
                strength: &strengths(dark),
                colour,
            }
            .draw(canvas);
        }
    }
}

/// Softens the edges of lids where they, or what they cover, have moved.
pub(crate) fn soften(
    fit: &Fit,
    posed: &Posed,
    (gaze, blink): ([f32; 2], [f32; 2]),
    canvas: &mut Canvas,
) {
    for (number, eye) in EYES.iter().enumerate() {
        let iris = look(fit, number, gaze);
        for lid in [&eye.upper, &eye.lower] {
            let far = lid
                .iter()
                .map(|&i| length(sub(posed.skin[i], fit.points[i])));
            let moved = far.fold(length(iris), f32::max);
            let mut line = vec![posed.points[eye.corners[0]]];
            line.extend(lid.iter().map(|&i| posed.points[i]));
            line.push(posed.points[eye.corners[1]]);
            // A lid that the other comes down on.
            let shuts = smooth(blink[number], 0.0, 0.5) * (1.0 - smooth(blink[number], 0.8, 1.0));
            let strength = smooth(moved, 0.0, MOVED).max(shuts);
            edges::soften(&line, &[strength; 9], canvas);
        }
    }
}

/// The upper lid's edge, from corner to corner; where the lids meet once they do, and then with less of
/// the corners' bend.
fn meeting(posed: &Posed, number: usize, blink: f32) -> [[f32; 2]; 9] {
    let eye = &EYES[number];
    let shut = smooth(blink, 0.6, 1.0);
    let line: [[f32; 2]; 9] = std::array::from_fn(|k| match k {
        0 => posed.points[eye.corners[0]],
        8 => posed.points[eye.corners[1]],
        _ => {
            let (upper, lower) = (
                posed.points[eye.upper[k - 1]],
                posed.points[eye.lower[k - 1]],
            );
            [0, 1].map(|i| upper[i] + 0.5 * shut * (lower[i] - upper[i]))
        }
    });
    std::array::from_fn(|k| {
        if k == 0 || k == 8 {
            let [beside, next] = if k == 0 { [1, 2] } else { [7, 6] };
            return [0, 1].map(|i| {
                let end = line[beside][i] + 0.6 * (line[beside][i] - line[next][i]);
                line[k][i] + STRAIGHT * shut * (end - line[k][i])
            });
        }
        [0, 1].map(|i| {
            let mean = (line[k - 1][i] + 2.0 * line[k][i] + line[k + 1][i]) / 4.0;
            line[k][i] + shut * (mean - line[k][i])
        })
    })
}

/// Catmull-Rom's curve through the points.
fn fine(line: &[[f32; 2]; 9]) -> Vec<[f32; 2]> {
    let at = |k: usize| line[k.clamp(1, 9) - 1];
    let mut out = Vec::with_capacity(8 * FINE + 1);
    for k in 1..9 {
        let [a, b, c, d] = [at(k - 1), at(k), at(k + 1), at(k + 2)];
        out.extend((0..FINE).map(|step| {
            let t = step as f32 / FINE as f32;
            [0, 1].map(|i| {
                let (from, to) = ((c[i] - a[i]) / 2.0, (d[i] - b[i]) / 2.0);
                let rest = c[i] - b[i];
                let (p, q) = (3.0 * rest - 2.0 * from - to, from + to - 2.0 * rest);
                b[i] + t * (from + t * (p + t * q))
            })
        }));
    }
    out.push(line[8]);
    out
}

fn length([x, y, _]: Point) -> f32 {
    (x * x + y * y).sqrt()
}
