//! From RGB to the callers' pixel formats, two rows at a time.
//!
//! Chroma of I420 and NV12 is the mean of the 2×2 pixels that share it (centred, as in JPEG and
//! MPEG-1).

use super::arch::{self, Isa, Ycbcr};
use crate::frame::{YuvColor, YuvMatrix, YuvRange};
use crate::{PictureMut, PixelFormat};

/// A row of a picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// Packed RGB.
    pub(crate) rgb: &'a [u8],
    /// Alpha of every pixel; None: opaque.
    pub(crate) alpha: Option<&'a [u8]>,
}

impl From<YuvColor> for Ycbcr {
    fn from(color: YuvColor) -> Self {
        match (color.matrix, color.range) {
            (YuvMatrix::Bt601, YuvRange::Limited) => Self::Bt601Limited,
            (YuvMatrix::Bt601, YuvRange::Full) => Self::Bt601Full,
            (YuvMatrix::Bt709, YuvRange::Limited) => Self::Bt709Limited,
            (YuvMatrix::Bt709, YuvRange::Full) => Self::Bt709Full,
        }
    }
}

/// Converts row `y` (an even number) of a picture and the next one, if there is one. Formats without
/// alpha drop that of the rows.
pub(crate) fn put_rows(
    isa: Isa,
    standard: Ycbcr,
    y: usize,
    (top, bottom): (Row<'_>, Option<Row<'_>>),
    out: &mut PictureMut<'_>,
) {
    let rows = || std::iter::once((y, top)).chain(bottom.map(|bottom| (y + 1, bottom)));
    let format = out.format();
    for (y, Row { rgb, alpha }) in rows() {
        let row = out.row_mut(0, y);
        match (format, alpha) {
            (PixelFormat::Rgb8, _) => row.copy_from_slice(rgb),
            (PixelFormat::Bgr8, _) => arch::rgb_to_bgr(isa, rgb, row),
            (PixelFormat::Rgba8, None) => arch::rgb_to_rgba(isa, rgb, row),
            (PixelFormat::Bgra8, None) => arch::rgb_to_bgra(isa, rgb, row),
            (PixelFormat::Rgba8, Some(alpha)) => arch::rgb_and_alpha_to_rgba(isa, rgb, alpha, row),
            (PixelFormat::Bgra8, Some(alpha)) => arch::rgb_and_alpha_to_bgra(isa, rgb, alpha, row),
            (PixelFormat::I420 | PixelFormat::Nv12, _) => arch::rgb_to_y(isa, standard, rgb, row),
        }
    }
    // A last odd row or column counts twice.
    let (top, bottom) = (top.rgb, bottom.unwrap_or(top).rgb);
    let odd = match (top.as_chunks::<6>().1, bottom.as_chunks::<6>().1) {
        (&[r, g, b], &[p, q, s]) => {
            let twice = |above: u8, below: u8| 2 * (i32::from(above) + i32::from(below));
            Some(standard.chroma_of_sums([twice(r, p), twice(g, q), twice(b, s)]))
        }
        _ => None,
    };
    match format {
        PixelFormat::I420 => {
            let (u, v) = out.chroma_rows_mut(y / 2);
            arch::rgb_to_uv(isa, standard, top, bottom, u, v);
            if let (Some(odd), Some(u), Some(v)) = (odd, u.last_mut(), v.last_mut()) {
                [*u, *v] = odd;
            }
        }
        PixelFormat::Nv12 => {
            let row = out.row_mut(1, y / 2);
            arch::rgb_to_uv_interleaved(isa, standard, top, bottom, row);
            if let (Some(odd), Some(last)) = (odd, row.last_chunk_mut()) {
                *last = odd;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn from_rgb(rgb: &[u8], out: &mut PictureMut<'_>) {
        let (width, height) = out.size();
        for y in (0..height).step_by(2) {
            let mut rows = rgb.chunks_exact(3 * width).skip(y);
            let mut row = || rows.next().map(|rgb| Row { rgb, alpha: None });
            let rows = (row().unwrap(), row());
            put_rows(Isa::best(), Ycbcr::Bt601Limited, y, rows, out);
        }
    }

    fn convert(rgb: &[u8], size: (usize, usize), format: PixelFormat, out: &mut [u8]) {
        from_rgb(rgb, &mut PictureMut::packed(format, size, out).unwrap());
    }

    /// Rows that lie apart hold what packed rows hold, and nothing is written between them.
    #[test]
    fn strides_move_rows_and_nothing_else() {
        let (width, height) = (7, 5);
        let rgb: Vec<u8> = (0..width * height * 3)
            .map(|i| (i * 89 % 251) as u8)
            .collect();
        for format in PixelFormat::ALL {
            let mut packed = vec![0; format.buffer_len(width, height)];
            convert(&rgb, (width, height), format, &mut packed);
            let sizes = [0, 1, 2].map(|plane| format.plane_size(plane, width, height));
            let strides = sizes.map(|(row, _)| row + 3);
            let mut planes = [0, 1, 2].map(|i| vec![0xAA; strides[i] * sizes[i].1]);
            let [y, u, v] = &mut planes;
            let mut picture = PictureMut::new(format, (width, height), [y, u, v], strides).unwrap();
            from_rgb(&rgb, &mut picture);
            let mut packed = packed.as_slice();
            for (plane, ((row, rows), stride)) in planes.iter().zip(sizes.iter().zip(strides)) {
                for line in plane.chunks_exact(stride).take(*rows) {
                    let (expected, rest) = packed.split_at(*row);
                    packed = rest;
                    assert_eq!(&line[..*row], expected, "{format}");
                    assert_eq!(&line[*row..], [0xAA; 3], "{format}: padding");
                }
            }
            assert!(packed.is_empty(), "{format}: all compared");
        }
    }

    /// The corners of the RGB cube against the standard's real-valued formula.
    #[test]
    fn yuv_agrees_with_the_standard() {
        for corner in 0..8u8 {
            let rgb = [corner & 1, corner >> 1 & 1, corner >> 2].map(|bit| bit * 255);
            let [r, g, b] = rgb.map(|x| f64::from(x) / 255.0);
            let expected = [
                16.0 + 65.481 * r + 128.553 * g + 24.966 * b,
                128.0 - 37.797 * r - 74.203 * g + 112.0 * b,
                128.0 + 112.0 * r - 93.786 * g - 18.214 * b,
            ];
            for format in [PixelFormat::I420, PixelFormat::Nv12] {
                let mut out = vec![0; format.buffer_len(3, 3)];
                convert(&rgb.repeat(9), (3, 3), format, &mut out);
                let v_at = if format == PixelFormat::I420 { 13 } else { 10 };
                for (at, expected) in [
                    (0, expected[0]),
                    (8, expected[0]),
                    (9, expected[1]),
                    (v_at, expected[2]),
                ] {
                    assert!(
                        (f64::from(out[at]) - expected).abs() < 0.6,
                        "{format} {rgb:?} at {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn packed_formats_reorder() {
        let rgb = [1, 2, 3, 4, 5, 6];
        for (format, expected) in [
            (PixelFormat::Rgb8, &[1, 2, 3, 4, 5, 6][..]),
            (PixelFormat::Bgr8, &[3, 2, 1, 6, 5, 4]),
            (PixelFormat::Rgba8, &[1, 2, 3, 255, 4, 5, 6, 255]),
            (PixelFormat::Bgra8, &[3, 2, 1, 255, 6, 5, 4, 255]),
        ] {
            let mut out = vec![0; format.buffer_len(2, 1)];
            convert(&rgb, (2, 1), format, &mut out);
            assert_eq!(out, expected, "{format}");
        }
    }
}
