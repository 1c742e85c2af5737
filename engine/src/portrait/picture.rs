//! Picture files: PNG, JPEG and WebP, turned the way their EXIF says, with their alpha.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};

use super::raster::{self, Plane};
use crate::{Error, ErrorKind, Result};

/// Largest width or height that is read, and most pixels.
const LARGEST_SIDE: u32 = 8192;
const MOST_PIXELS: u64 = 24_000_000;
/// Most memory that a decoder may take.
const DECODER_BYTES: u64 = 256 << 20;
/// Alpha from which on a pixel counts as opaque, and below which its colour is not to be trusted.
const OPAQUE: u8 = 250;
const HIDDEN: u8 = 16;
/// Level behind transparent pixels when faces are looked for.
const BEHIND: u32 = 128;

/// A decoded picture: packed RGBA, straight alpha, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgba: Vec<u8>,
}

impl Picture {
    /// Decodes a file's bytes.
    ///
    /// # Errors
    /// - `UnsupportedFormat` if they are not PNG, JPEG or WebP.
    /// - `InvalidAvatar` if the file is damaged, cut off or empty.
    /// - `LimitExceeded` if the picture has more than 24 million pixels, or 8192 on a side.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|e| damaged(&e))?;
        if reader.format().is_none() {
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                "not a picture that can be read; save it as PNG, JPEG or WebP",
            ));
        }
        // Decoders show a file that was cut off as far as it goes.
        if bytes.starts_with(&[0xff, 0xd8]) && !ends_as_jpeg(bytes) {
            return Err(damaged(&"its end is missing"));
        }
        let mut limits = Limits::default();
        limits.max_image_width = Some(LARGEST_SIDE);
        limits.max_image_height = Some(LARGEST_SIDE);
        limits.max_alloc = Some(DECODER_BYTES);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(|e| refused(&e))?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(too_large());
        }
        // A damaged EXIF block is no reason to refuse the picture.
        let turned = decoder.orientation().ok();
        let mut image = DynamicImage::from_decoder(decoder).map_err(|e| refused(&e))?;
        if let Some(turned) = turned {
            image.apply_orientation(turned);
        }
        let image = image.into_rgba8();
        let (width, height) = (image.width() as usize, image.height() as usize);
        Ok(Self {
            width,
            height,
            rgba: image.into_raw(),
        })
    }

    /// The same picture at the frames' size. Transparent pixels take the colours of their neighbours,
    /// whatever colour they hide, so that nothing of it shows at the edges.
    pub(crate) fn fitted(&self, width: usize, height: usize) -> Self {
        let mut fitted = if (width, height) == (self.width, self.height) {
            self.clone()
        } else {
            self.resized(width, height)
        };
        if fitted.has_alpha() {
            fitted.spread_colours();
        }
        fitted
    }

    /// Whether some of it is transparent.
    pub(crate) fn has_alpha(&self) -> bool {
        let mut pixels = self.rgba.as_chunks::<4>().0.iter();
        pixels.any(|pixel| pixel[3] < OPAQUE)
    }

    fn spread_colours(&mut self) {
        let (width, height) = (self.width, self.height);
        let pixels = self.rgba.as_chunks_mut::<4>().0;
        let known = Plane::new(width, height, |x, y| match pixels[y * width + x][3] {
            0..HIDDEN => 0.0,
            _ => 1.0,
        });
        for c in 0..3 {
            let plane = Plane::new(width, height, |x, y| pixels[y * width + x][c].into());
            let filled = raster::filled(&plane, &known, 0);
            for (pixel, value) in pixels.iter_mut().zip(filled.values) {
                pixel[c] = (value + 0.5) as u8;
            }
        }
    }

    /// The same picture at another size, each pixel the mean of what it covers.
    pub(crate) fn resized(&self, width: usize, height: usize) -> Self {
        let across = Spans::new(self.width, width);
        let down = Spans::new(self.height, height);
        let mut rows = vec![0.0f32; 4 * width * self.height];
        for (from, to) in self
            .rgba
            .chunks_exact(4 * self.width)
            .zip(rows.chunks_exact_mut(4 * width))
        {
            for (x, to) in to.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                for (at, weight) in across.of(x) {
                    // Colour counts as much as it is opaque.
                    let alpha = f32::from(from[4 * at + 3]) / 255.0 * weight;
                    for c in 0..3 {
                        to[c] += f32::from(from[4 * at + c]) * alpha;
                    }
                    to[3] += alpha;
                }
            }
        }
        let mut rgba = Vec::with_capacity(4 * width * height);
        for y in 0..height {
            for x in 0..width {
                let mut sum = [0.0f32; 4];
                for (at, weight) in down.of(y) {
                    let from = &rows[4 * (at * width + x)..][..4];
                    for (sum, value) in sum.iter_mut().zip(from) {
                        *sum += value * weight;
                    }
                }
                let alpha = sum[3].max(1e-6);
                rgba.extend([sum[0], sum[1], sum[2]].map(|v| (v / alpha + 0.5) as u8));
                rgba.push((sum[3] * 255.0 + 0.5) as u8);
            }
        }
        Self {
            width,
            height,
            rgba,
        }
    }

    /// Colour of a pixel over grey, each in [0, 255]; the nearest one for places outside.
    pub(crate) fn rgb(&self, x: i64, y: i64) -> [f32; 3] {
        let x = x.clamp(0, self.width as i64 - 1) as usize;
        let y = y.clamp(0, self.height as i64 - 1) as usize;
        let pixel = &self.rgba[4 * (y * self.width + x)..][..4];
        let alpha = u32::from(pixel[3]);
        [0, 1, 2].map(|c| (u32::from(pixel[c]) * alpha + BEHIND * (255 - alpha)) as f32 / 255.0)
    }

    /// Colour between pixels, by bilinear interpolation; pixel centres lie at .5.
    pub(crate) fn sample(&self, x: f32, y: f32) -> [f32; 3] {
        let [x, y] = [x, y].map(|v| (v - 0.5).clamp(-1e6, 1e6));
        let (left, top) = (x.floor(), y.floor());
        let (right_share, bottom_share) = (x - left, y - top);
        let (left, top) = (left as i64, top as i64);
        let mut sum = [0.0; 3];
        for (dx, dy, weight) in [
            (0, 0, (1.0 - right_share) * (1.0 - bottom_share)),
            (1, 0, right_share * (1.0 - bottom_share)),
            (0, 1, (1.0 - right_share) * bottom_share),
            (1, 1, right_share * bottom_share),
        ] {
            let colour = self.rgb(left + dx, top + dy);
            for (sum, value) in sum.iter_mut().zip(colour) {
                *sum += weight * value;
            }
        }
        sum
    }
}

/// Light of a colour, by the weights of ITU-R BT.601-7.
pub(crate) fn light([r, g, b]: &[f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// Whether a JPEG's end marker follows its picture's data; a thumbnail's, in front of it, doesn't
/// count.
fn ends_as_jpeg(bytes: &[u8]) -> bool {
    let mut at = 2;
    // Segments with their lengths, up to the start of the picture's data.
    while let Some(&[0xff, kind, high, low]) = bytes.get(at..).and_then(|b| b.first_chunk::<4>()) {
        if kind == 0xda {
            return bytes[at..].windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
        at += if kind == 0xff {
            1
        } else {
            2 + usize::from(u16::from_be_bytes([high, low]))
        };
    }
    false
}

/// For each output pixel the input pixels that it covers.
struct Spans {
    step: f32,
    from: usize,
}

impl Spans {
    fn new(from: usize, to: usize) -> Self {
        Self {
            step: from as f32 / to as f32,
            from,
        }
    }

    /// Input pixels of output pixel `at` and their weights, which sum to 1.
    fn of(&self, at: usize) -> impl Iterator<Item = (usize, f32)> {
        let (begin, end) = (at as f32 * self.step, (at + 1) as f32 * self.step);
        let (first, last) = (begin as usize, (end.ceil() as usize).min(self.from));
        let step = self.step;
        (first..last.max(first + 1)).map(move |i| {
            let covered = end.min((i + 1) as f32) - begin.max(i as f32);
            (i, covered / step)
        })
    }
}

#[cold]
fn too_large() -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!(
            "the picture is too large: at most {} million pixels, {LARGEST_SIDE} wide and high, are \
             read; save it smaller",
            MOST_PIXELS / 1_000_000
        ),
    )
}

fn refused(error: &ImageError) -> Error {
    match error {
        ImageError::Limits(_) => too_large(),
        ImageError::Unsupported(_) => Error::new(
            ErrorKind::UnsupportedFormat,
            format!("a picture of a kind that is not read ({error}); save it as PNG, JPEG or WebP"),
        ),
        _ => damaged(error),
    }
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::InvalidAvatar,
        format!("the picture is damaged or cut off ({error}); save or download it again"),
    )
}
