//! The studio's pictures of teeth, gums and tongue, and their place in a portrait.

use image::ImageFormat;

use crate::portrait::picture::Picture;
use crate::portrait::solid::Point;
use crate::{Error, ErrorKind, Result};

/// One of the studio's pictures, at the portrait's size.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Light on teeth, light on flesh, coverage; premultiplied, each in [0, 1].
    pub(super) values: Vec<[f32; 3]>,
}

impl Layer {
    /// From a PNG, `pixels` wide.
    pub(super) fn read(bytes: &[u8], pixels: f32) -> Result<Self> {
        let image = image::load_from_memory_with_format(bytes, ImageFormat::Png).map_err(|e| {
            Error::new(
                ErrorKind::Internal,
                format!("a picture inside the library is damaged: {e}"),
            )
        })?;
        let image = image.into_rgba8();
        let whole = Picture {
            width: image.width() as usize,
            height: image.height() as usize,
            rgba: image.into_raw(),
        };
        let width = (pixels.round() as usize).clamp(8, 2048);
        let height = (width * whole.height).div_ceil(whole.width);
        let small = whole.resized(width, height);
        let values = small.rgba.as_chunks::<4>().0;
        Ok(Self {
            width,
            height,
            values: values
                .iter()
                .map(|&[r, g, _, a]| {
                    let cover = f32::from(a) / 255.0;
                    [
                        f32::from(r) / 255.0 * cover,
                        f32::from(g) / 255.0 * cover,
                        cover,
                    ]
                })
                .collect(),
        })
    }

    /// Between pixels, from the layer's middle; nothing outside.
    pub(super) fn at(&self, [x, y]: [f32; 2]) -> [f32; 3] {
        let (x, y) = (
            x + self.width as f32 / 2.0 - 0.5,
            y + self.height as f32 / 2.0 - 0.5,
        );
        let (left, top) = (x.floor(), y.floor());
        if !(left >= 0.0 && top >= 0.0) {
            return [0.0; 3];
        }
        let (i, j) = (left as usize, top as usize);
        if i + 1 >= self.width || j + 1 >= self.height {
            return [0.0; 3];
        }
        let (p, q) = (x - left, y - top);
        let at = |i: usize, j: usize| self.values[j * self.width + i];
        let (a, b, c, d) = (at(i, j), at(i + 1, j), at(i, j + 1), at(i + 1, j + 1));
        [0, 1, 2]
            .map(|k| (1.0 - q) * ((1.0 - p) * a[k] + p * b[k]) + q * ((1.0 - p) * c[k] + p * d[k]))
    }
}

/// A layer's place in the picture.
pub(super) struct Frame {
    pub(super) origin: [f32; 2],
    /// Rows of the inverse of its axes.
    pub(super) inverse: [[f32; 2]; 2],
}

impl Frame {
    /// From where its middle lies and its axes, of length one in space.
    pub(super) fn new(origin: Point, right: Point, down: Point) -> Self {
        let determinant = right[0] * down[1] - right[1] * down[0];
        let by = 1.0 / determinant.abs().max(0.2) * determinant.signum();
        Self {
            origin: [origin[0], origin[1]],
            inverse: [
                [down[1] * by, -down[0] * by],
                [-right[1] * by, right[0] * by],
            ],
        }
    }

    /// Pixels right of and below the layer's middle.
    pub(super) fn coordinates(&self, at: [f32; 2]) -> [f32; 2] {
        let (x, y) = (at[0] - self.origin[0], at[1] - self.origin[1]);
        self.inverse.map(|row| row[0] * x + row[1] * y)
    }
}
