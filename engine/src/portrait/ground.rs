//! The ground behind a person: she is cut out of the picture with a rim of what is around her, and what
//! she hid is the ground's mirror image, which carries its lines on. So what lies behind a head stays where it is while the head moves.
//!
//! The rim is soft and still shows the picture's own ground: over the same ground it is seen only where
//! the head has gone, and at rest not at all.

use super::fit::Fit;
use super::mesh::Hold;
use super::picture::Picture;
use super::points::OVAL;
use super::raster::{self, Plane};
use super::solid::smooth;
use crate::imx::PERSON_PX;
use crate::warp::Canvas;

/// Longer side of the planes that are worked on, in pixels.
const WORKED: usize = 640;
/// How sure the network is of the person's pixels, in [0, 255].
const PERSON: f32 = 90.0;
/// Gaps in the person that are closed, room around her that is hers, and the rim's width, in eyes.
const GAP: f32 = 0.08;
const ROOM: f32 = 0.015;
const RIM: f32 = 0.035;
/// Least share of the face's outline that lies in the person, and of the picture that is ground.
const FACE: f32 = 0.9;
const LEAST_GROUND: f32 = 0.02;
/// How near to the picture's edge a person is cut off by it, in worked pixels.
const CUT_OFF: usize = 2;
/// Rounds of smoothing over what is painted, at each size, and over what is mirrored.
const ROUNDS: usize = 4;
const MIRRORED_ROUNDS: usize = 2;
/// How far behind the person the ground is its mirror image, and from where on it is only painted, in
/// eyes.
const MIRRORED: [f32; 2] = [0.35, 0.7];

/// The picture without its person.
#[derive(Debug)]
pub(crate) struct Ground {
    pixels: Vec<[u8; 4]>,
}

/// The person of a picture.
pub(crate) struct Person {
    /// How much of each pixel goes with her.
    pub(crate) alpha: Vec<u8>,
    /// The edges of the picture that hold her.
    pub(crate) hold: Hold,
    pub(crate) ground: Ground,
}

impl Person {
    /// Cuts her out of the picture by what the network saw, `[PERSON_PX, PERSON_PX]`; nothing where it
    /// didn't see the face, or no ground.
    pub(crate) fn cut(seen: &[u8], fit: &Fit, picture: &Picture) -> Option<Self> {
        let (width, height) = (picture.width, picture.height);
        let step = width.max(height).div_ceil(WORKED);
        let (columns, rows) = (width.div_ceil(step), height.div_ceil(step));
        let eyes = fit.eyes / step as f32;
        let seen = Plane::new(PERSON_PX, PERSON_PX, |x, y| {
            f32::from(seen[y * PERSON_PX + x])
        });
        let core = Plane::new(columns, rows, |x, y| {
            let at = [(x, columns), (y, rows)]
                .map(|(i, size)| (i as f32 + 0.5) / size as f32 * PERSON_PX as f32);
            match seen.sample(at) > PERSON {
                true => 255.0,
                false => 0.0,
            }
        });
        let core = core.closed((GAP * eyes).ceil() as usize);
        let inside = OVAL.iter().filter(|&&i| {
            let at = [0, 1].map(|k| (fit.points[i][k] / step as f32).max(0.0) as usize);
            core.at([at[0].min(columns - 1), at[1].min(rows - 1)]) > 0.0
        });
        if (inside.count() as f32) < FACE * OVAL.len() as f32 {
            return None;
        }
        let cell = columns.max(rows) as f32 / PERSON_PX as f32;
        let room = (ROOM * eyes + 0.5 * cell).ceil() as usize;
        let rim = (0.5 * RIM * eyes).ceil().max(1.0) as usize;
        let soft = core.largest(room + rim).blurred(rim);
        let ground = soft.values.iter().filter(|&&value| value < 1.0).count();
        if (ground as f32) < LEAST_GROUND * soft.values.len() as f32 {
            return None;
        }
        let alpha: Vec<u8> = (0..width * height)
            .map(|i| (soft.sample(middle(i, width, step)) + 0.5) as u8)
            .collect();
        Some(Self {
            ground: Ground::painted(picture, &alpha, &soft, (step, eyes)),
            hold: Hold::of(&core, step as f32, CUT_OFF),
            alpha,
        })
    }
}

/// The middle of pixel `i` of a picture of this width, in pixels `step` times as large.
fn middle(i: usize, width: usize, step: usize) -> [f32; 2] {
    [i % width, i / width].map(|at| (at as f32 + 0.5) / step as f32)
}

impl Ground {
    fn painted(
        picture: &Picture,
        alpha: &[u8],
        soft: &Plane,
        (step, eyes): (usize, f32),
    ) -> Self {
        let (width, height) = (picture.width, picture.height);
        let own = picture.rgba.as_chunks::<4>().0;
        let known = Plane::new(soft.width, soft.height, |x, y| {
            let whole = (y * step..((y + 1) * step).min(height))
                .flat_map(|y| (x * step..((x + 1) * step).min(width)).map(move |x| (x, y)));
            let all = whole.into_iter().all(|(x, y)| alpha[y * width + x] < 255);
            f32::from(u8::from(all))
        });
        let mirror = Mirror::new(&known, eyes);
        let mut pixels = own.to_vec();
        for c in 0..3 {
            let colours = Plane::new(soft.width, soft.height, |x, y| {
                let (mut sum, mut count) = (0.0, 0.0);
                for y in y * step..((y + 1) * step).min(height) {
                    for x in x * step..((x + 1) * step).min(width) {
                        sum += f32::from(own[y * width + x][c]);
                        count += 1.0;
                    }
                }
                sum / count
            });
            let filled = mirror.laid(&colours, &raster::filled(&colours, &known, ROUNDS), &known);
            for (i, pixel) in pixels.iter_mut().enumerate() {
                if alpha[i] == 255 {
                    let value = filled.sample(middle(i, width, step));
                    pixel[c] = (value + 0.5).clamp(0.0, 255.0) as u8;
                }
            }
        }
        Self { pixels }
    }

    /// Lays the ground under what is drawn.
    pub(crate) fn lay(&self, canvas: &mut Canvas) {
        let (width, height) = canvas.size();
        for y in 0..height {
            let ground = &self.pixels[y * width..][..width];
            for (pixel, ground) in canvas.row_mut(y).iter_mut().zip(ground) {
                let alpha = u16::from(pixel[3]);
                for (level, &under) in pixel.iter_mut().zip(ground) {
                    let mixed = u16::from(*level) * alpha + u16::from(under) * (255 - alpha) + 128;
                    // Divided by 255, rounded.
                    *level = ((mixed + (mixed >> 8)) >> 8) as u8;
                }
                pixel[3] = 255;
            }
        }
    }
}

/// For each hidden pixel the ground's that it mirrors, and how much of it.
struct Mirror {
    places: Vec<Option<([f32; 2], f32)>>,
}

impl Mirror {
    fn new(known: &Plane, eyes: f32) -> Self {
        let nearest = raster::nearest(known);
        let places = (0..known.values.len()).map(|i| {
            let (x, y) = (i % known.width, i / known.width);
            let [u, v] = nearest[i]?;
            if (u, v) == (x, y) {
                return None;
            }
            let away = [x as f32 - u as f32, y as f32 - v as f32];
            let far = (away[0] * away[0] + away[1] * away[1]).sqrt() / eyes;
            let share = 1.0 - smooth(far, MIRRORED[0], MIRRORED[1]);
            let across = [u as f32 - away[0], v as f32 - away[1]];
            let seen = across[0] >= 0.0
                && across[1] >= 0.0
                && (across[0] as usize) < known.width
                && (across[1] as usize) < known.height
                && known.at(across.map(|at| at as usize)) > 0.0;
            let at = if seen { across } else { [u as f32, v as f32] };
            (share > 0.0).then_some((at.map(|at| at + 0.5), share))
        });
        Self {
            places: places.collect(),
        }
    }

    /// The mirror image of `ground` over what is `painted`.
    fn laid(&self, ground: &Plane, painted: &Plane, known: &Plane) -> Plane {
        let mut laid = painted.clone();
        for (value, place) in laid.values.iter_mut().zip(&self.places) {
            if let Some((at, share)) = *place {
                *value += share * (ground.sample(at) - *value);
            }
        }
        (0..MIRRORED_ROUNDS).fold(laid, |laid, _| raster::relaxed(&laid, known))
    }
}
