//! Color: RGB to YCbCr, and base frames back to RGB.

use std::arch::aarch64::*;

use super::super::portable::color::{self, Ycbcr};

/// Y of a row: 16 pixels at a time.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(in super::super) fn rgb_to_y(standard: Ycbcr, rgb: &[u8], out: &mut [u8]) {
    let weights = standard.weights();
    // All are below 2¹⁶.
    let [red, green, blue] = weights.y.map(|weight| weight as u16);
    let offset = vdupq_n_u32(weights.y_offset as u32);
    let blocks = (rgb.len() / 48).min(out.len() / 16);
    let pixels = rgb.as_chunks::<48>().0;
    for (out, rgb) in out.as_chunks_mut::<16>().0.iter_mut().zip(pixels) {
        // SAFETY: 48 bytes are loaded of 48.
        let uint8x16x3_t(r, g, b) = unsafe { vld3q_u8(rgb.as_ptr()) };
        let eight = |r: uint8x8_t, g: uint8x8_t, b: uint8x8_t| {
            let (r, g, b) = (vmovl_u8(r), vmovl_u8(g), vmovl_u8(b));
            let low = vmull_n_u16(vget_low_u16(r), red);
            let low = vmlal_n_u16(low, vget_low_u16(g), green);
            let low = vmlal_n_u16(low, vget_low_u16(b), blue);
            let high = vmull_high_n_u16(r, red);
            let high = vmlal_high_n_u16(high, g, green);
            let high = vmlal_high_n_u16(high, b, blue);
            // The upper halves of the sums with the offset.
            vmovn_u16(vaddhn_high_u32(vaddhn_u32(low, offset), high, offset))
        };
        let low = eight(vget_low_u8(r), vget_low_u8(g), vget_low_u8(b));
        let high = eight(vget_high_u8(r), vget_high_u8(g), vget_high_u8(b));
        // SAFETY: 16 bytes are stored to 16.
        unsafe { vst1q_u8(out.as_mut_ptr(), vcombine_u8(low, high)) };
    }
    color::rgb_to_y(standard, &rgb[48 * blocks..], &mut out[16 * blocks..]);
}

/// How Cb or Cr follows from the sums of four pixels' R, G and B.
#[derive(Clone, Copy)]
struct Weights {
    /// Of the color that counts for it, and of the two that count against it.
    plus: u16,
    minus: [u16; 2],
    /// 128 and a half with 18 bits of fraction.
    middle: u32,
}

/// Weights of Cb (blue counts for it) and of Cr (red does).
fn weights(standard: Ycbcr) -> [Weights; 2] {
    let weights = standard.weights();
    // The signs are as said above, the absolute values below 2¹⁶.
    let [cb, cr] = [weights.cb, weights.cr].map(|weights| weights.map(|x| x.unsigned_abs() as u16));
    let middle = weights.middle as u32;
    [
        Weights {
            plus: cb[2],
            minus: [cb[0], cb[1]],
            middle,
        },
        Weights {
            plus: cr[0],
            minus: [cr[1], cr[2]],
            middle,
        },
    ]
}

/// One chroma of eight squares of four pixels. The sum is positive, so that it may be taken in
/// numbers without sign, which wrap around on the way.
#[target_feature(enable = "neon")]
fn chroma_of(plus: uint16x8_t, minus: [uint16x8_t; 2], weights: Weights) -> uint8x8_t {
    let ([a, b], [x, y]) = (minus, weights.minus);
    let middle = vdupq_n_u32(weights.middle);
    let low = vmlal_n_u16(middle, vget_low_u16(plus), weights.plus);
    let low = vmlsl_n_u16(low, vget_low_u16(a), x);
    let low = vmlsl_n_u16(low, vget_low_u16(b), y);
    let high = vmlal_high_n_u16(middle, plus, weights.plus);
    let high = vmlsl_high_n_u16(high, a, x);
    let high = vmlsl_high_n_u16(high, b, y);
    vshrn_n_u16::<2>(vshrn_high_n_u32::<16>(vshrn_n_u32::<16>(low), high))
}

/// Sums of R, G and B of squares of four pixels.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads of whole arrays")]
fn squares(top: &[u8; 48], bottom: &[u8; 48]) -> [uint16x8_t; 3] {
    // SAFETY: 48 bytes are loaded of 48, twice.
    let (t, b) = unsafe { (vld3q_u8(top.as_ptr()), vld3q_u8(bottom.as_ptr())) };
    let sum = |top: uint8x16_t, bottom: uint8x16_t| vpadalq_u8(vpaddlq_u8(top), bottom);
    [sum(t.0, b.0), sum(t.1, b.1), sum(t.2, b.2)]
}

/// U and V of the whole pairs of two rows: eight pairs at a time.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "stores to whole arrays")]
pub(in super::super) fn rgb_to_uv(
    standard: Ycbcr,
    top: &[u8],
    bottom: &[u8],
    u: &mut [u8],
    v: &mut [u8],
) {
    let [for_u, for_v] = weights(standard);
    let (t, b) = (top.as_chunks::<48>().0, bottom.as_chunks::<48>().0);
    let out = u
        .as_chunks_mut::<8>()
        .0
        .iter_mut()
        .zip(v.as_chunks_mut::<8>().0);
    let mut done = 0;
    for ((t, b), (u, v)) in t.iter().zip(b).zip(out) {
        let [red, green, blue] = squares(t, b);
        // SAFETY: 8 bytes are stored to 8, twice.
        unsafe {
            vst1_u8(u.as_mut_ptr(), chroma_of(blue, [red, green], for_u));
            vst1_u8(v.as_mut_ptr(), chroma_of(red, [green, blue], for_v));
        }
        done += 8;
    }
    let (top, bottom) = (&top[6 * done..], &bottom[6 * done..]);
    color::rgb_to_uv(standard, top, bottom, &mut u[done..], &mut v[done..]);
}

/// U and V of the whole pairs of two rows, in turn.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "stores to whole arrays")]
pub(in super::super) fn rgb_to_uv_interleaved(
    standard: Ycbcr,
    top: &[u8],
    bottom: &[u8],
    out: &mut [u8],
) {
    let [for_u, for_v] = weights(standard);
    let (t, b) = (top.as_chunks::<48>().0, bottom.as_chunks::<48>().0);
    let mut done = 0;
    for ((t, b), out) in t.iter().zip(b).zip(out.as_chunks_mut::<16>().0) {
        let [red, green, blue] = squares(t, b);
        let u = chroma_of(blue, [red, green], for_u);
        let v = chroma_of(red, [green, blue], for_v);
        // SAFETY: 16 bytes are stored to 16.
        unsafe { vst2_u8(out.as_mut_ptr(), uint8x8x2_t(u, v)) };
        done += 8;
    }
    let (top, bottom) = (&top[6 * done..], &bottom[6 * done..]);
    color::rgb_to_uv_interleaved(standard, top, bottom, &mut out[2 * done..]);
}

/// A row of RGB from Y, and from Cb and Cr in sixteenths: eight pixels at a time.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(in super::super) fn ycc_to_rgb(y: &[u8], cb: &[i16], cr: &[i16], rgb: &mut [u8]) {
    let eights = y.as_chunks::<8>().0.iter();
    let eights = eights.zip(cb.as_chunks::<8>().0.iter().zip(cr.as_chunks::<8>().0));
    let (middle, half) = (vdupq_n_s16(2048), vdupq_n_s16(8));
    let pixels = rgb.as_chunks_mut::<24>().0.iter_mut();
    let mut done = 0;
    for (rgb, (y, (cb, cr))) in pixels.zip(eights) {
        // SAFETY: eight elements are loaded of eight, three times.
        let (y, cb, cr) = unsafe {
            (
                vld1_u8(y.as_ptr()),
                vld1q_s16(cb.as_ptr()),
                vld1q_s16(cr.as_ptr()),
            )
        };
        let y = vaddq_s16(vreinterpretq_s16_u16(vshll_n_u8::<4>(y)), half);
        let (cb, cr) = (vsubq_s16(cb, middle), vsubq_s16(cr, middle));
        let (cb, cr) = (vshlq_n_s16::<2>(cb), vshlq_n_s16::<2>(cr));
        // Gives the upper half of a product doubled, so that weights are halved.
        let r = vaddq_s16(y, vqdmulhq_n_s16(cr, 22_970 / 2));
        let g = vsubq_s16(y, vqdmulhq_n_s16(cb, 5_638 / 2));
        let g = vsubq_s16(g, vqdmulhq_n_s16(cr, 11_700 / 2));
        let b = vaddq_s16(y, vqdmulhq_n_s16(cb, 29_032 / 2));
        let level = |sum: int16x8_t| vqshrun_n_s16::<4>(sum);
        let pixels = uint8x8x3_t(level(r), level(g), level(b));
        // SAFETY: 24 bytes are stored to 24.
        unsafe { vst3_u8(rgb.as_mut_ptr(), pixels) };
        done += 8;
    }
    let (y, cb, cr) = (&y[done..], &cb[done..], &cr[done..]);
    color::ycc_to_rgb(y, cb, cr, &mut rgb[3 * done..]);
}
