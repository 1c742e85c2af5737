//! The ground behind a person: she is cut out of the picture with a rim of what is around her, and what
//! she hid is painted from there. So what lies behind a head stays where it is while the head moves.
//!
//! The rim is soft and still shows the picture's own ground: over the same ground it is seen only where
//! the head has gone, and at rest not at all.

use super::fit::Fit;
use super::mesh::Hold;
use super::picture::Picture;
use super::points::OVAL;
use super::raster::{self, Plane};
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
/// Alpha up to which a pixel of a transparent picture is none of the person's.
const CLEAR: u8 = 16;
/// Rounds of smoothing over what is painted, at each size.
const ROUNDS: usize = 4;

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
    /// `alpha` in planes of which a pixel is `step` of the picture's.
    soft: Plane,
    step: usize,
}

impl Person {
    /// Cuts her out of a picture of this size by what the network saw, `[PERSON_PX, PERSON_PX]`; nothing
    /// where it didn't see the face, or no ground.
    pub(crate) fn cut(seen: &[u8], fit: &Fit, (width, height): (usize, usize)) -> Option<Self> {
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
        let hold = Hold::of(&core, step as f32, CUT_OFF);
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
            alpha,
            hold,
            soft,
            step,
        })
    }

    /// The ground behind her in a `picture`, which may lack what she wears.
    pub(crate) fn ground(&self, picture: &Picture) -> Ground {
        Ground::painted(picture, &self.alpha, &self.soft, self.step)
    }
}

/// The edges that hold the person of a picture whose ground is transparent.
pub(crate) fn hold(picture: &Picture) -> Hold {
    let pixels = picture.rgba.as_chunks::<4>().0;
    let person = Plane::new(picture.width, picture.height, |x, y| {
        f32::from(pixels[y * picture.width + x][3].saturating_sub(CLEAR))
    });
    Hold::of(&person, 1.0, CUT_OFF)
}

/// The middle of pixel `i` of a picture of this width, in pixels `step` times as large.
fn middle(i: usize, width: usize, step: usize) -> [f32; 2] {
    [i % width, i / width].map(|at| (at as f32 + 0.5) / step as f32)
}

impl Ground {
    fn painted(picture: &Picture, alpha: &[u8], soft: &Plane, step: usize) -> Self {
        let (width, height) = (picture.width, picture.height);
        let own = picture.rgba.as_chunks::<4>().0;
        let known = Plane::new(soft.width, soft.height, |x, y| {
            let whole = (y * step..((y + 1) * step).min(height))
                .flat_map(|y| (x * step..((x + 1) * step).min(width)).map(move |x| (x, y)));
            let all = whole.into_iter().all(|(x, y)| alpha[y * width + x] < 255);
            f32::from(u8::from(all))
        });
        let mut pixels: Vec<[u8; 4]> = own.iter().map(|&[r, g, b, _]| [r, g, b, 255]).collect();
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
            let filled = raster::filled(&colours, &known, ROUNDS);
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
                match u16::from(pixel[3]) {
                    0xff => {}
                    0 => *pixel = *ground,
                    alpha => {
                        for (level, &under) in pixel.iter_mut().zip(ground) {
                            let own = u16::from(*level) * alpha;
                            let mixed = own + u16::from(under) * (0xff - alpha) + 128;
                            // Divided by 255, rounded.
                            *level = ((mixed + (mixed >> 8)) >> 8) as u8;
                        }
                        pixel[3] = 0xff;
                    }
                }
            }
        }
    }
}
