//! Placing the mouth patch on the base frame through its affine.
//!
//! For every pixel of the frame that the patch's outline covers, its centre is taken back into the
//! patch (16.16 fixed point), the four neighbours are mixed bilinearly with weights of 1/256 and
//! the result is laid over the frame with its alpha. Outside of the patch alpha is 0, as it is on
//! the patch's outermost pixels, so the outline needs no special treatment.

use crate::avatar::Affine;

/// A mouth patch in 8 bits, interleaved R, G, B, alpha.
#[derive(Debug, Default)]
pub(crate) struct Patch {
    size: usize,
    pixels: Vec<[u8; 4]>,
}

const ONE: f64 = 65_536.0;

impl Patch {
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            pixels: vec![[0; 4]; size * size],
        }
    }

    /// Takes over the network's output `[4, S, S]`, its alpha scaled by `presence` in [0, 1].
    pub(crate) fn set(&mut self, planes: &[f32], presence: f32) {
        let area = self.size * self.size;
        let (red, rest) = planes.split_at(area);
        let (green, rest) = rest.split_at(area);
        let (blue, alpha) = rest.split_at(area);
        let alpha_scale = 255.0 * presence.clamp(0.0, 1.0);
        for ((((out, r), g), b), a) in self
            .pixels
            .iter_mut()
            .zip(red)
            .zip(green)
            .zip(blue)
            .zip(alpha)
        {
            *out = [
                level(*r, 255.0),
                level(*g, 255.0),
                level(*b, 255.0),
                level(*a, alpha_scale),
            ];
        }
    }

    /// Lays the patch over an RGB picture.
    pub(crate) fn blend_into(&self, rgb: &mut [u8], width: usize, height: usize, affine: &Affine) {
        let Some(inverse) = affine.inverse() else {
            return;
        };
        let (columns, rows) = affine.bounds(self.size, width, height);
        let du = (inverse.a * ONE).round() as i64;
        let dv = (inverse.d * ONE).round() as i64;
        for y in rows {
            // The centre of this row's first pixel, in patch coordinates counted from pixel
            // centres.
            let (fx, fy) = (columns.start as f64 + 0.5, y as f64 + 0.5);
            let (u, v) = inverse.apply(fx, fy);
            let mut u = ((u - 0.5) * ONE).round() as i64;
            let mut v = ((v - 0.5) * ONE).round() as i64;
            let row = &mut rgb[(y * width + columns.start) * 3..(y * width + columns.end) * 3];
            for pixel in row.chunks_exact_mut(3) {
                if let Some([r, g, b, a]) = self.sample(u, v)
                    && a > 0
                {
                    for (under, over) in pixel.iter_mut().zip([r, g, b]) {
                        *under = mix(*under, over, a);
                    }
                }
                u += du;
                v += dv;
            }
        }
    }

    /// The patch at a fixed-point position, or None where it has no pixel.
    #[inline]
    fn sample(&self, u: i64, v: i64) -> Option<[u32; 4]> {
        let (column, row) = (
            usize::try_from(u >> 16).ok()?,
            usize::try_from(v >> 16).ok()?,
        );
        if column + 1 >= self.size || row + 1 >= self.size {
            return None;
        }
        let (fu, fv) = ((u >> 8 & 255) as u32, (v >> 8 & 255) as u32);
        let weights = [
            (256 - fu) * (256 - fv),
            fu * (256 - fv),
            (256 - fu) * fv,
            fu * fv,
        ];
        let at = row * self.size + column;
        let corners = [
            self.pixels[at],
            self.pixels[at + 1],
            self.pixels[at + self.size],
            self.pixels[at + self.size + 1],
        ];
        Some(std::array::from_fn(|channel| {
            let sum: u32 = corners
                .iter()
                .zip(weights)
                .map(|(c, w)| u32::from(c[channel]) * w)
                .sum();
            (sum + 0x8000) >> 16
        }))
    }
}

/// `under` and `over` (0 to 255) mixed by `alpha` (0 to 255), rounded to the nearest.
#[inline]
fn mix(under: u8, over: u32, alpha: u32) -> u8 {
    let sum = over * alpha + u32::from(under) * (255 - alpha) + 127;
    // Exact division by 255 for sums below 65 536.
    ((sum + 1 + (sum >> 8)) >> 8) as u8
}

/// A value in [0, 1] as a level; NaN becomes 0.
#[inline]
fn level(value: f32, scale: f32) -> u8 {
    (value.clamp(0.0, 1.0) * scale + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mix_rounds_to_the_nearest_for_every_input() {
        for alpha in 0..=255u32 {
            for under in (0..=255u32).step_by(5) {
                for over in (0..=255u32).step_by(3) {
                    let exact = f64::from(over * alpha + under * (255 - alpha)) / 255.0;
                    let mixed = mix(under as u8, over, alpha);
                    assert!(
                        (f64::from(mixed) - exact).abs() <= 0.5,
                        "{under} {over} {alpha}"
                    );
                }
            }
        }
    }

    /// A patch at a whole-pixel position is copied where it is opaque, and nowhere else.
    #[test]
    fn an_opaque_patch_lands_where_its_affine_says() {
        let size = 8;
        let mut planes = vec![0.0; 4 * 64];
        for y in 2..6 {
            for x in 2..6 {
                planes[y * 8 + x] = 1.0;
                planes[3 * 64 + y * 8 + x] = 1.0;
            }
        }
        let mut patch = Patch::new(size);
        patch.set(&planes, 1.0);
        let mut rgb = vec![10; 16 * 16 * 3];
        patch.blend_into(
            &mut rgb,
            16,
            16,
            &Affine {
                a: 1.0,
                b: 0.0,
                c: 5.0,
                d: 0.0,
                e: 1.0,
                f: 3.0,
            },
        );
        for y in 0..16 {
            for x in 0..16 {
                let inside = (7..11).contains(&x) && (5..9).contains(&y);
                let expected = if inside { [255, 0, 0] } else { [10; 3] };
                assert_eq!(rgb[(y * 16 + x) * 3..][..3], expected, "at {x}, {y}");
            }
        }
    }
}
