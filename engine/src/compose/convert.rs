//! From RGB to the pixel formats that callers want, two rows at a time.
//!
//! YUV is BT.601, limited range (ITU-R BT.601-7, table 3): Y = 16 + 65.481 R + 128.553 G + 24.966 B
//! for R, G, B in [0, 1], and so on, in 16-bit fixed point. Chroma is the mean of the 2×2 pixels
//! that share it.

use super::arch::{self, Isa};
use crate::{PictureMut, PixelFormat};

/// Converts row `y` (an even number) of a picture and the next one, if there is one; packed RGB.
pub(crate) fn put_rows(
    isa: Isa,
    y: usize,
    top: &[u8],
    bottom: Option<&[u8]>,
    out: &mut PictureMut<'_>,
) {
    let rows = || std::iter::once((y, top)).chain(bottom.map(|bottom| (y + 1, bottom)));
    let format = out.format();
    for (y, rgb) in rows() {
        let row = out.row_mut(0, y);
        match format {
            PixelFormat::Rgb8 => row.copy_from_slice(rgb),
            PixelFormat::Bgr8 => arch::swap_rb(isa, rgb, row),
            PixelFormat::Rgba8 => arch::widen(isa, rgb, row),
            PixelFormat::Bgra8 => arch::widen_swapped(isa, rgb, row),
            PixelFormat::I420 | PixelFormat::Nv12 => arch::luma(isa, rgb, row),
        }
    }
    // A last odd row or column counts twice.
    let bottom = bottom.unwrap_or(top);
    let odd = match (top.as_chunks::<6>().1, bottom.as_chunks::<6>().1) {
        (&[r, g, b], &[p, q, s]) => {
            let twice = |above: u8, below: u8| 2 * (i32::from(above) + i32::from(below));
            Some(chroma(twice(r, p), twice(g, q), twice(b, s)))
        }
        _ => None,
    };
    match format {
        PixelFormat::I420 => {
            let (u, v) = out.chroma_rows_mut(y / 2);
            arch::chroma(isa, top, bottom, u, v);
            if let (Some(odd), Some(u), Some(v)) = (odd, u.last_mut(), v.last_mut()) {
                (*u, *v) = odd;
            }
        }
        PixelFormat::Nv12 => {
            let row = out.row_mut(1, y / 2);
            arch::chroma_in_turn(isa, top, bottom, row);
            if let (Some(odd), Some(last)) = (odd, row.last_chunk_mut()) {
                *last = [odd.0, odd.1];
            }
        }
        _ => {}
    }
}

/// U and V of the sums of four pixels: 18 bits of fraction.
#[inline(always)]
pub(super) fn chroma(red: i32, green: i32, blue: i32) -> (u8, u8) {
    let middle = (128 << 18) + (1 << 17);
    let u = (-9_714 * red - 19_071 * green + 28_785 * blue + middle) >> 18;
    let v = (28_785 * red - 24_103 * green - 4_682 * blue + middle) >> 18;
    (u as u8, v as u8)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn from_rgb(rgb: &[u8], out: &mut PictureMut<'_>) {
        let (width, height) = out.size();
        for y in (0..height).step_by(2) {
            let mut rows = rgb.chunks_exact(3 * width).skip(y);
            let top = rows.next().unwrap();
            put_rows(Isa::best(), y, top, rows.next(), out);
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
