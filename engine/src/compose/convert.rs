//! From RGB to the pixel formats that callers want.
//!
//! YUV is BT.601, limited range (ITU-R BT.601-7, table 3): Y = 16 + 65.481 R + 128.553 G + 24.966 B
//! for R, G, B in [0, 1], and so on, in 16-bit fixed point. Chroma is the mean of the 2×2 pixels
//! that share it.

use crate::{PictureMut, PixelFormat};

/// Converts a packed RGB picture of the size of `out`.
pub(crate) fn from_rgb(rgb: &[u8], out: &mut PictureMut<'_>) {
    let (width, height) = out.size();
    let rows = rgb.chunks_exact(3 * width);
    match out.format() {
        PixelFormat::Rgb8 => {
            for (out, rgb) in out.rows(0).zip(rows) {
                out.copy_from_slice(rgb);
            }
        }
        PixelFormat::Bgr8 => pixels::<3>(rows, out, |[r, g, b]| [b, g, r]),
        PixelFormat::Rgba8 => pixels::<4>(rows, out, |[r, g, b]| [r, g, b, 255]),
        PixelFormat::Bgra8 => pixels::<4>(rows, out, |[r, g, b]| [b, g, r, 255]),
        PixelFormat::I420 => {
            for (y, (u, v)) in out.rows_of_chroma().enumerate() {
                chroma_row(rgb, width, height, y, |x, cu, cv| {
                    u[x] = cu;
                    v[x] = cv;
                });
            }
            luma_plane(rows, out);
        }
        PixelFormat::Nv12 => {
            for (y, row) in out.rows(1).enumerate() {
                chroma_row(rgb, width, height, y, |x, cu, cv| {
                    row[2 * x] = cu;
                    row[2 * x + 1] = cv;
                });
            }
            luma_plane(rows, out);
        }
    }
}

/// Packed formats: pixel by pixel.
fn pixels<'a, const N: usize>(
    rows: impl Iterator<Item = &'a [u8]>,
    out: &mut PictureMut<'_>,
    convert: impl Fn([u8; 3]) -> [u8; N],
) {
    for (out, rgb) in out.rows(0).zip(rows) {
        for (out, rgb) in out.as_chunks_mut::<N>().0.iter_mut().zip(rgb.as_chunks().0) {
            *out = convert(*rgb);
        }
    }
}

fn luma_plane<'a>(rows: impl Iterator<Item = &'a [u8]>, out: &mut PictureMut<'_>) {
    for (luma, rgb) in out.rows(0).zip(rows) {
        for (y, rgb) in luma.iter_mut().zip(rgb.chunks_exact(3)) {
            let [r, g, b] = [0, 1, 2].map(|i| i32::from(rgb[i]));
            *y = ((16_829 * r + 33_039 * g + 6_416 * b + (16 << 16) + 0x8000) >> 16) as u8;
        }
    }
}

/// The chroma samples of rows `2 y` and `2 y + 1`; a last odd row or column counts twice.
fn chroma_row(
    rgb: &[u8],
    width: usize,
    height: usize,
    y: usize,
    mut put: impl FnMut(usize, u8, u8),
) {
    let top = &rgb[2 * y * width * 3..][..width * 3];
    let bottom = &rgb[(2 * y + 1).min(height - 1) * width * 3..][..width * 3];
    // Whole pairs in chunks of a fixed size, so that the compiler sees no bounds.
    let (pairs_above, pairs_below) = (top.as_chunks::<6>().0, bottom.as_chunks::<6>().0);
    for (x, (t, b)) in pairs_above.iter().zip(pairs_below).enumerate() {
        let sum = |i: usize| [t[i], t[i + 3], b[i], b[i + 3]].map(i32::from).iter().sum();
        let (u, v) = chroma(sum(0), sum(1), sum(2));
        put(x, u, v);
    }
    if let (&[r, g, b], &[p, q, s]) = (top.as_chunks::<6>().1, bottom.as_chunks::<6>().1) {
        let twice = |above: u8, below: u8| 2 * (i32::from(above) + i32::from(below));
        let (u, v) = chroma(twice(r, p), twice(g, q), twice(b, s));
        put(width / 2, u, v);
    }
}

/// U and V of the sums of four pixels: 18 bits of fraction.
#[inline]
fn chroma(red: i32, green: i32, blue: i32) -> (u8, u8) {
    let middle = (128 << 18) + (1 << 17);
    let u = (-9_714 * red - 19_071 * green + 28_785 * blue + middle) >> 18;
    let v = (28_785 * red - 24_103 * green - 4_682 * blue + middle) >> 18;
    (u as u8, v as u8)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

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
