//! The 478 points of a face, by `MediaPipe`'s landmark network (Apache-2.0).

use super::detect::Face;
use super::network::{Network, Tensor};
use super::picture::Picture;
use crate::{Result, nearest};

/// Outer corners of the person's right and left eye; their distance is the unit of lengths in a face.
pub(crate) const EYES: [usize; 2] = [33, 263];
/// Side of the network's input.
const SIDE: usize = 256;
/// How much larger than the face the square around it is.
const ROOM: f32 = 1.5;
/// Passes: the first on the detector's square, the others on the landmarks' own.
const PASSES: usize = 3;

/// The points of one face.
#[derive(Clone, Debug)]
pub(crate) struct Landmarks {
    /// x and y in pixels, z in pixels, smaller nearer to the camera.
    pub(crate) points: Vec<[f32; 3]>,
    /// How sure the network is that this is a face, in [0, 1].
    pub(crate) presence: f32,
}

/// A turned square of the picture.
#[derive(Clone, Copy, Debug)]
struct Square {
    middle: [f32; 2],
    side: f32,
    /// Cosine and sine of how far it is turned.
    turn: [f32; 2],
}

impl Square {
    fn new(bounds: [f32; 4], eyes: [[f32; 2]; 2]) -> Self {
        let (dx, dy) = (eyes[1][0] - eyes[0][0], eyes[1][1] - eyes[0][1]);
        let length = (dx * dx + dy * dy).sqrt().max(1e-3);
        Self {
            middle: [(bounds[0] + bounds[2]) / 2.0, (bounds[1] + bounds[3]) / 2.0],
            side: ROOM * (bounds[2] - bounds[0]).max(bounds[3] - bounds[1]),
            turn: [dx / length, dy / length],
        }
    }

    /// Around landmarks, turned as they are.
    fn around(points: &[[f32; 3]]) -> Self {
        let eyes = EYES.map(|i| [points[i][0], points[i][1]]);
        let mut square = Self::new([0.0; 4], eyes);
        let [c, s] = square.turn;
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for &[x, y, _] in points {
            let (u, v) = (c * x + s * y, c * y - s * x);
            bounds = [
                bounds[0].min(u),
                bounds[1].min(v),
                bounds[2].max(u),
                bounds[3].max(v),
            ];
        }
        let (u, v) = ((bounds[0] + bounds[2]) / 2.0, (bounds[1] + bounds[3]) / 2.0);
        square.middle = [c * u - s * v, s * u + c * v];
        square.side = ROOM * (bounds[2] - bounds[0]).max(bounds[3] - bounds[1]);
        square
    }

    /// From the network's pixels to the picture's.
    fn place(&self, x: f32, y: f32) -> [f32; 2] {
        let step = self.side / SIDE as f32;
        let (u, v) = (
            (x - SIDE as f32 / 2.0) * step,
            (y - SIDE as f32 / 2.0) * step,
        );
        let [c, s] = self.turn;
        [
            self.middle[0] + c * u - s * v,
            self.middle[1] + s * u + c * v,
        ]
    }
}

/// The points of `face`.
pub(crate) fn landmarks(network: &Network, picture: &Picture, face: &Face) -> Result<Landmarks> {
    let mut square = Square::new(face.bounds, face.eyes);
    let mut found = pass(network, picture, &square)?;
    for _ in 1..PASSES {
        square = Square::around(&found.points);
        found = pass(network, picture, &square)?;
    }
    Ok(found)
}

fn pass(network: &Network, picture: &Picture, square: &Square) -> Result<Landmarks> {
    let step = square.side / SIDE as f32;
    let fine = (step.ceil() as usize).clamp(1, 4);
    let mut data = Vec::with_capacity(3 * SIDE * SIDE);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let mut sum = [0.0; 3];
            for part in 0..fine * fine {
                let at = |i: usize, part: usize| i as f32 + (part as f32 + 0.5) / fine as f32;
                let [px, py] = square.place(at(x, part % fine), at(y, part / fine));
                let colour = picture.sample(px, py);
                for (sum, value) in sum.iter_mut().zip(colour) {
                    *sum += value / (255 * fine * fine) as f32;
                }
            }
            data.extend(sum);
        }
    }
    let input = Tensor {
        shape: [SIDE, SIDE, 3],
        data,
    };
    // Whether the tongue shows, whether it is a face, the points.
    let outputs = network.run(input)?;
    let points = outputs[2]
        .data
        .as_chunks::<3>()
        .0
        .iter()
        .map(|&[x, y, z]| {
            let [x, y] = square.place(x, y);
            [x, y, z * step]
        })
        .collect();
    let presence = nearest::logistic(outputs[1].data[0]);
    Ok(Landmarks { points, presence })
}
