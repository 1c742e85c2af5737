//! Face detection, by `MediaPipe`'s short-range detector (`BlazeFace`, Apache-2.0).

use super::network::{Network, Tensor};
use super::picture::Picture;
use crate::{Result, nearest};

/// Side of the detector's input.
const SIDE: usize = 128;
/// Grids of anchors: cells a side and anchors a cell (strides 8 and three times 16).
const GRIDS: [(usize, usize); 2] = [(16, 2), (8, 6)];
/// Score above which a box is a face.
const LEAST_SCORE: f32 = 0.5;
/// Boxes that overlap by more are the same face.
const SAME_FACE: f32 = 0.3;

/// A face found, in pixels of the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    /// Left, top, right, bottom.
    pub(crate) bounds: [f32; 4],
    /// The person's right and left eye.
    pub(crate) eyes: [[f32; 2]; 2],
    /// How sure the detector is, in [0, 1].
    pub(crate) score: f32,
}

impl Face {
    pub(crate) fn width(&self) -> f32 {
        self.bounds[2] - self.bounds[0]
    }

    fn overlap(&self, other: &Self) -> f32 {
        let side = |i: usize| {
            (self.bounds[i + 2].min(other.bounds[i + 2]) - self.bounds[i].max(other.bounds[i]))
                .max(0.0)
        };
        let area = |face: &Self| face.width() * (face.bounds[3] - face.bounds[1]);
        let shared = side(0) * side(1);
        shared / (area(self) + area(other) - shared).max(1e-6)
    }
}

/// All faces, the largest first. Squares of the picture are searched where the whole shows none: the
/// detector sees faces of a sixth of its input and more.
pub(crate) fn faces(network: &Network, picture: &Picture) -> Result<Vec<Face>> {
    let (width, height) = (picture.width as f32, picture.height as f32);
    let long = width.max(height);
    let mut found = Vec::new();
    for share in [1.0, 0.6, 0.35] {
        let side = share * long;
        for top in starts(height, side) {
            for left in starts(width, side) {
                square(network, picture, [left, top, side], &mut found)?;
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    let mut faces = merged(found);
    faces.sort_by(|a, b| b.width().total_cmp(&a.width()));
    Ok(faces)
}

/// Beginnings of squares of `side` that cover `length` and overlap by half.
fn starts(length: f32, side: f32) -> impl Iterator<Item = f32> {
    let room = length - side;
    let count = if room <= 0.0 {
        1
    } else {
        (room / (0.5 * side)).ceil() as usize + 1
    };
    (0..count).map(move |i| {
        if count == 1 {
            room / 2.0
        } else {
            room * i as f32 / (count - 1) as f32
        }
    })
}

/// Searches one square: its left, top and side in pixels.
fn square(
    network: &Network,
    picture: &Picture,
    [left, top, side]: [f32; 3],
    found: &mut Vec<Face>,
) -> Result<()> {
    let step = side / SIDE as f32;
    // Averaged over what a pixel covers: thin lines would come and go.
    let fine = (step.ceil() as usize).clamp(1, 4);
    let mut data = Vec::with_capacity(3 * SIDE * SIDE);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let mut sum = [0.0; 3];
            for part in 0..fine * fine {
                let at = |i: usize, part: usize| i as f32 + (part as f32 + 0.5) / fine as f32;
                let (px, py) = (
                    left + at(x, part % fine) * step,
                    top + at(y, part / fine) * step,
                );
                let outside = px < 0.0
                    || py < 0.0
                    || px >= picture.width as f32
                    || py >= picture.height as f32;
                if !outside {
                    let colour = picture.sample(px, py);
                    for (sum, value) in sum.iter_mut().zip(colour) {
                        *sum += value / (fine * fine) as f32;
                    }
                }
            }
            data.extend(sum.map(|value| value / 127.5 - 1.0));
        }
    }
    let input = Tensor {
        shape: [SIDE, SIDE, 3],
        data,
    };
    // Scores of both grids, then boxes of both.
    let outputs = network.run(input)?;
    for (grid, (cells, each)) in GRIDS.into_iter().enumerate() {
        let (scores, boxes) = (&outputs[grid].data, &outputs[2 + grid].data);
        for (anchor, (score, values)) in scores.iter().zip(boxes.chunks_exact(16)).enumerate() {
            let score = nearest::logistic(*score);
            if score < LEAST_SCORE {
                continue;
            }
            let cell = anchor / each;
            let middle = [cell % cells, cell / cells].map(|i| (i as f32 + 0.5) / cells as f32);
            let place = |x: f32, y: f32| {
                [
                    left + (middle[0] + x / SIDE as f32) * side,
                    top + (middle[1] + y / SIDE as f32) * side,
                ]
            };
            let [x, y] = place(values[0], values[1]);
            let [w, h] = [values[2], values[3]].map(|v| v / SIDE as f32 * side / 2.0);
            found.push(Face {
                bounds: [x - w, y - h, x + w, y + h],
                eyes: [place(values[4], values[5]), place(values[6], values[7])],
                score,
            });
        }
    }
    Ok(())
}

/// Boxes of the same face become one, the mean by their scores.
fn merged(mut found: Vec<Face>) -> Vec<Face> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut faces = Vec::new();
    while let Some(&best) = found.first() {
        let (same, other): (Vec<Face>, Vec<Face>) = found
            .into_iter()
            .partition(|face| best.overlap(face) > SAME_FACE);
        let total: f32 = same.iter().map(|face| face.score).sum();
        let mut mean = Face {
            bounds: [0.0; 4],
            eyes: [[0.0; 2]; 2],
            score: best.score,
        };
        for face in &same {
            let weight = face.score / total;
            for (sum, value) in mean.bounds.iter_mut().zip(face.bounds) {
                *sum += weight * value;
            }
            for (sum, value) in mean.eyes.iter_mut().flatten().zip(face.eyes.concat()) {
                *sum += weight * value;
            }
        }
        faces.push(mean);
        // A box that doesn't overlap itself is none.
        found = other;
        found.retain(|face| face.score != best.score || face.bounds != best.bounds);
    }
    faces
}
