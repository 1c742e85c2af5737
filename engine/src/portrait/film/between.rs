//! The pixels between parted lips.

use crate::compose::blend::Patch;
use crate::geometry::Affine;
use crate::portrait::fit::Fit;
use crate::portrait::mouth::opening::Lips;
use crate::portrait::rig::Posed;
use crate::warp::Canvas;

/// Draws the identity network's patch, whose place in the frame the affine says; the canvas begins at
/// `left`, `top` of it.
pub(super) fn patch(
    fit: &Fit,
    posed: &Posed,
    (patch, affine): (&Patch, &Affine),
    (left, top): (usize, usize),
    canvas: &mut Canvas,
) {
    let (Some(lips), Some(inverse)) = (Lips::new(fit, posed), affine.inverse()) else {
        return;
    };
    draw(&lips, canvas, |at, _, _| {
        let (x, y) = (
            left as f64 + f64::from(at[0]),
            top as f64 + f64::from(at[1]),
        );
        let (u, v) = inverse.apply(x, y);
        patch.sample(u as f32, v as f32)
    });
}

/// Draws `colour(place, below the upper lip, above the lower one)` where the lips are parted.
pub(super) fn draw(
    lips: &Lips,
    canvas: &mut Canvas,
    colour: impl Fn([f32; 2], f32, f32) -> [f32; 3],
) {
    let (width, height) = canvas.size();
    let [left, top, right, bottom] = lips.bounds(width, height);
    for y in top..bottom {
        let row = canvas.row_mut(y);
        for (x, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
            let at = [x as f32 + 0.5, y as f32 + 0.5];
            let (mask, above, below) = lips.inside(at);
            if mask <= 0.0 {
                continue;
            }
            for (level, value) in pixel.iter_mut().zip(colour(at, above, below)) {
                let under = f32::from(*level);
                *level = (under + mask * (value - under) + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
    }
}
