//! RGB to full-range YCbCr with one chroma for 2 × 2 pixels, and back: how base frames are kept.
//!
//! JFIF 1.02, section 7: Y = 0.299 R + 0.587 G + 0.114 B, Cb = 128 + (B - Y) / 1.772, Cr = 128 +
//! (R - Y) / 1.402, in 16 bits of fraction; 14 on the way back, where chroma is mixed 3 : 1 with
//! its neighbours in either direction, as it lies in the middle of its four pixels.

use super::kernel;

/// Fraction bits on the way to YCbCr.
const BITS: u32 = 16;

kernel! {
    /// Y of a row of packed RGB.
    pub(crate) fn full_luma(rgb: &[u8], out: &mut [u8]) {
        for (out, rgb) in out.iter_mut().zip(rgb.as_chunks::<3>().0) {
            let [r, g, b] = rgb.map(i32::from);
            *out = ((19_595 * r + 38_470 * g + 7_471 * b + (1 << (BITS - 1))) >> BITS) as u8;
        }
    }
}

kernel! {
    /// Cb and Cr of the whole pairs of two rows.
    pub(crate) fn full_chroma(top: &[u8], bottom: &[u8], blue: &mut [u8], red: &mut [u8]) {
        let pairs = top.as_chunks::<6>().0.iter().zip(bottom.as_chunks::<6>().0);
        for ((t, b), (blue, red)) in pairs.zip(blue.iter_mut().zip(red)) {
            let sum = |i: usize| {
                i32::from(t[i]) + i32::from(t[i + 3]) + i32::from(b[i]) + i32::from(b[i + 3])
            };
            (*blue, *red) = chroma_of([sum(0), sum(1), sum(2)]);
        }
    }
    neon super::neon::full_chroma
}

/// Cb and Cr of the sums of four pixels.
#[inline(always)]
pub(crate) fn chroma_of([r, g, b]: [i32; 3]) -> (u8, u8) {
    // 128 and a half; the largest is 255.5 then, which is cut.
    let middle = (128 << (BITS + 2)) + (1 << (BITS + 1)) - 1;
    let blue = (-11_059 * r - 21_709 * g + 32_768 * b + middle) >> (BITS + 2);
    let red = (32_768 * r - 27_439 * g - 5_329 * b + middle) >> (BITS + 2);
    (blue as u8, red as u8)
}

kernel! {
    /// Mixes a row of chroma with the one beyond it, 3 : 1, and doubles it in width: sixteenths.
    /// `mixed` has an element more at either end, and is overwritten.
    pub(crate) fn enlarge(near: &[u8], far: &[u8], mixed: &mut [i16], out: &mut [i16]) {
        let columns = near.len();
        for (mixed, (&near, &far)) in mixed[1..].iter_mut().zip(near.iter().zip(far)) {
            *mixed = 3 * i16::from(near) + i16::from(far);
        }
        mixed[0] = mixed[1];
        mixed[columns + 1] = mixed[columns];
        let (left, right) = (&mixed[..columns], &mixed[2..columns + 2]);
        let here = &mixed[1..columns + 1];
        let pairs = out.as_chunks_mut::<2>().0.iter_mut();
        for (out, (&here, (&left, &right))) in pairs.zip(here.iter().zip(left.iter().zip(right))) {
            *out = [3 * here + left, 3 * here + right];
        }
        // An odd width: the last chroma belongs to one column.
        if out.len() % 2 == 1
            && let Some(last) = out.last_mut()
        {
            *last = 3 * mixed[columns] + mixed[columns - 1];
        }
    }
}

kernel! {
    /// A row of packed RGB from Y, and from Cb and Cr in sixteenths.
    pub(crate) fn colours(luma: &[u8], blue: &[i16], red: &[i16], rgb: &mut [u8]) {
        let chroma = blue.iter().zip(red);
        let pixels = rgb.as_chunks_mut::<3>().0.iter_mut().zip(luma);
        for ((rgb, &luma), (&blue, &red)) in pixels.zip(chroma) {
            // All in sixteenths and in 16 bits; the upper half of a product is one instruction.
            let (blue, red) = (4 * (blue - 2048), 4 * (red - 2048));
            let part = |x: i16, of: i32| ((i32::from(x) * of) >> 16) as i16;
            let luma = 16 * i16::from(luma) + 8;
            let level = |sum: i16| (sum >> 4).clamp(0, 255) as u8;
            *rgb = [
                level(luma + part(red, 22_970)),
                level(luma - part(blue, 5_638) - part(red, 11_700)),
                level(luma + part(blue, 29_032)),
            ];
        }
    }
    neon super::neon::colours
}
