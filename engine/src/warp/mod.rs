//! Pixels moved by a mesh: the triangles of a picture, drawn where their corners have gone.
//!
//! Positions are integers in [`UNIT`]ths of a pixel, sampling is integer arithmetic on 8-bit values:
//! the same corners give the same picture on every machine, and corners that stay where they are
//! give the picture itself, byte for byte.

mod taps;
mod triangle;

use taps::Kernel;

/// Steps of a position to a pixel.
pub(crate) const UNIT: i32 = 32;
/// Pixels that a texture is continued by on every side, for taps that reach over its edge.
const PAD: usize = 3;

/// A place in [`UNIT`]ths of a pixel, x to the right and y down; pixel centres lie at half a pixel.
pub(crate) type Place = [i32; 2];

/// Rounds pixels to a [`Place`], kept within what integers can carry on with.
pub(crate) fn place([x, y]: [f32; 2]) -> Place {
    [x, y].map(|v| (v * UNIT as f32).round().clamp(-262_144.0, 262_144.0) as i32)
}

/// A picture to be drawn from: RGBA, its edge continued.
#[derive(Debug)]
pub(crate) struct Texture {
    width: usize,
    height: usize,
    /// Pixels from one row to the next.
    stride: usize,
    rgba: Vec<[u8; 4]>,
}

impl Texture {
    /// From packed pixels, `width * height` of them.
    pub(crate) fn new(pixels: &[[u8; 4]], width: usize, height: usize) -> Self {
        let stride = width + 2 * PAD;
        let mut rgba = Vec::with_capacity(stride * (height + 2 * PAD));
        for y in 0..height + 2 * PAD {
            let y = y.saturating_sub(PAD).min(height - 1);
            let row = &pixels[y * width..][..width];
            rgba.extend([row[0]; PAD]);
            rgba.extend_from_slice(row);
            rgba.extend([row[width - 1]; PAD]);
        }
        Self {
            width,
            height,
            stride,
            rgba,
        }
    }

    /// A texture without pixels, to be [filled](Self::fill).
    pub(crate) fn empty() -> Self {
        Self {
            width: 0,
            height: 0,
            stride: 2 * PAD,
            rgba: Vec::new(),
        }
    }

    /// Takes other pixels: `row(y, pixels)` writes each row. Memory is kept.
    pub(crate) fn fill(
        &mut self,
        (width, height): (usize, usize),
        mut row: impl FnMut(usize, &mut [[u8; 4]]),
    ) {
        (self.width, self.height, self.stride) = (width, height, width + 2 * PAD);
        self.rgba.resize(self.stride * (height + 2 * PAD), [0; 4]);
        let stride = self.stride;
        for y in 0..height {
            let line = &mut self.rgba[(y + PAD) * stride..][..stride];
            row(y, &mut line[PAD..PAD + width]);
            let (first, last) = (line[PAD], line[PAD + width - 1]);
            line[..PAD].fill(first);
            line[PAD + width..].fill(last);
        }
        for y in 0..PAD {
            self.rgba
                .copy_within(PAD * stride..(PAD + 1) * stride, y * stride);
            let last = (PAD + height - 1) * stride;
            self.rgba
                .copy_within(last..last + stride, (PAD + height + y) * stride);
        }
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Row `y`.
    pub(crate) fn row(&self, y: usize) -> &[[u8; 4]] {
        &self.rgba[(y + PAD) * self.stride + PAD..][..self.width]
    }
}

/// A picture that is drawn: packed RGBA.
#[derive(Debug)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    rgba: Vec<[u8; 4]>,
    kernel: Kernel,
}

impl Canvas {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            rgba: vec![[0; 4]; width * height],
            kernel: Kernel::best(),
        }
    }

    /// Takes another size; what it shows is not defined then. Memory is kept.
    pub(crate) fn resize(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.rgba.resize(width * height, [0; 4]);
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    pub(crate) fn pixels(&self) -> &[[u8; 4]] {
        &self.rgba
    }

    pub(crate) fn row_mut(&mut self, y: usize) -> &mut [[u8; 4]] {
        &mut self.rgba[y * self.width..][..self.width]
    }

    /// The texture as it is; it has the canvas's size.
    pub(crate) fn copy(&mut self, texture: &Texture) {
        for (y, row) in self.rgba.chunks_exact_mut(self.width).enumerate() {
            row.copy_from_slice(texture.row(y));
        }
    }

    /// Draws triangles in their order: corner `i` of the texture at `from[i]`, of the canvas at
    /// `to[i]`. Triangles that have turned over lie under all others: they close what would be a
    /// hole beside a fold.
    pub(crate) fn draw(
        &mut self,
        texture: &Texture,
        triangles: &[[u16; 3]],
        from: &[Place],
        to: &[Place],
    ) {
        for turned_over in [true, false] {
            for corners in triangles {
                let corners = corners.map(usize::from);
                let (from, to) = (corners.map(|i| from[i]), corners.map(|i| to[i]));
                if triangle::turned_over(from, to) == turned_over {
                    triangle::draw(self, texture, from, to);
                }
            }
        }
    }

    /// Blends triangles over what is there, by the texture's alpha times `cover`, in [0, 255]: from
    /// the first places to the second ones. Triangles that have turned over are left out.
    pub(crate) fn blend(
        &mut self,
        texture: &Texture,
        triangles: &[[u16; 3]],
        (from, to): (&[Place], &[Place]),
        cover: u32,
    ) {
        let mut span = Vec::new();
        for corners in triangles {
            let corners = corners.map(usize::from);
            let places = (corners.map(|i| from[i]), corners.map(|i| to[i]));
            if !triangle::turned_over(places.0, places.1) {
                triangle::blend(self, texture, places, cover, &mut span);
            }
        }
    }
}
