//! The mouth patch: sampled, and blended over the base frame.

use std::arch::aarch64::*;

use super::super::portable::patch::{self, BLOCK, BLOCK_ROW, CHUNK, SamplingPath};
use super::load;

/// Bytes of a block: as many lie between its rows and the next block's.
const CELL: usize = BLOCK_ROW * BLOCK;

/// Samples of a patch: four at a time.
#[target_feature(enable = "neon")]
#[expect(
    unsafe_code,
    reason = "loads at places that were clamped, stores to whole arrays"
)]
pub(in super::super) fn sample(
    (pixels, size): (&[[u8; 4]], usize),
    path: SamplingPath,
    count: usize,
    out: &mut [[u8; 4]; CHUNK],
) {
    // A place and the one to its right are read, and the same a row below.
    let Some(last) = pixels.len().checked_sub(size + 2) else {
        return;
    };
    // SAFETY: four numbers are loaded of four.
    let lanes = unsafe { vld1q_s32([0, 1, 2, 3].as_ptr()) };
    let along = |axis: usize| vmlaq_n_s32(vdupq_n_s32(path.start[axis]), lanes, path.step[axis]);
    let (mut u, mut v) = (along(0), along(1));
    let four_steps = path.step.map(|step| vdupq_n_s32(step.wrapping_mul(4)));
    let last = vdupq_n_u32(last as u32);
    // A place's eight bits of fraction, for each of four channels.
    let fraction = load(&[1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9, 13, 13, 13, 13]);
    for out in out
        .as_chunks_mut::<4>()
        .0
        .iter_mut()
        .take(count.div_ceil(4))
    {
        let at = vmlaq_n_s32(vshrq_n_s32::<16>(u), vshrq_n_s32::<16>(v), size as i32);
        // Beyond `count` the path may have left the patch.
        let at = vminq_u32(vreinterpretq_u32_s32(at), last);
        let mut places = [0; 4];
        // SAFETY: four places are stored to four.
        unsafe { vst1q_u32(places.as_mut_ptr(), at) };
        // Four pixels and their neighbours to the right.
        let row = |below: usize| {
            let at = &pixels[below..];
            let pair = |place: u32| {
                // SAFETY: 8 bytes from at most `size + 2` pixels before the end, and so a row below.
                vreinterpret_u32_u8(unsafe { vld1_u8(at.as_ptr().add(place as usize).cast()) })
            };
            let front = vcombine_u32(pair(places[0]), pair(places[1]));
            let back = vcombine_u32(pair(places[2]), pair(places[3]));
            let pixels = vreinterpretq_u8_u32(vuzp1q_u32(front, back));
            (pixels, vreinterpretq_u8_u32(vuzp2q_u32(front, back)))
        };
        let (above, below) = (row(0), row(size));
        let fractions = |x: int32x4_t| vqtbl1q_u8(vreinterpretq_u8_s32(x), fraction);
        let (right, down) = (fractions(u), fractions(v));
        // Of two pixels, a (256 - right) + b right: sums of 16 bits, which may wrap on the way.
        let low = |(a, b): (uint8x16_t, uint8x16_t)| {
            let (a, b, right) = (vget_low_u8(a), vget_low_u8(b), vget_low_u8(right));
            vmlsl_u8(vmlal_u8(vshll_n_u8::<8>(a), b, right), a, right)
        };
        let high = |(a, b): (uint8x16_t, uint8x16_t)| {
            vmlsl_high_u8(vmlal_high_u8(vshll_high_n_u8::<8>(a), b, right), a, right)
        };
        // The same downwards, in 32 bits.
        let two = |above: uint16x8_t, below: uint16x8_t, down: uint16x8_t| {
            let (a, b, x) = (vget_low_u16(above), vget_low_u16(below), vget_low_u16(down));
            let low = vmlsl_u16(vmlal_u16(vshll_n_u16::<8>(a), b, x), a, x);
            let high = vmlal_high_u16(vshll_high_n_u16::<8>(above), below, down);
            let high = vmlsl_high_u16(high, above, down);
            vmovn_u16(vrshrn_high_n_u32::<16>(vrshrn_n_u32::<16>(low), high))
        };
        let front = two(low(above), low(below), vmovl_u8(vget_low_u8(down)));
        let back = two(high(above), high(below), vmovl_high_u8(down));
        // SAFETY: four pixels are 16 bytes.
        unsafe { vst1q_u8(out.as_mut_ptr().cast(), vcombine_u8(front, back)) };
        u = vaddq_s32(u, four_steps[0]);
        v = vaddq_s32(v, four_steps[1]);
    }
}

/// Blends RGBA pixels over RGB ones: eight at a time.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(in super::super) fn blend(over: &[[u8; 4]; CHUNK], rgb: &mut [u8]) {
    let (under, _) = rgb.as_chunks_mut::<24>();
    let done = 8 * under.len().min(CHUNK / 8);
    for (under, over) in under.iter_mut().zip(over.as_chunks::<8>().0) {
        // SAFETY: 32 bytes are loaded of 32, and 24 of 24.
        let (over, below) = unsafe { (vld4_u8(over.as_ptr().cast()), vld3_u8(under.as_ptr())) };
        let (alpha, rest) = (over.3, vmvn_u8(over.3));
        let blended = |over: uint8x8_t, under: uint8x8_t| {
            let sum = vmlal_u8(vmull_u8(over, alpha), under, rest);
            // Exact division by 255, rounded: (sum + (sum + 128) / 256 + 128) / 256.
            vraddhn_u16(sum, vrshrq_n_u16::<8>(sum))
        };
        let blended = uint8x8x3_t(
            blended(over.0, below.0),
            blended(over.1, below.1),
            blended(over.2, below.2),
        );
        // SAFETY: 24 bytes are stored to 24.
        unsafe { vst3_u8(under.as_mut_ptr(), blended) };
    }
    patch::blend_rest(&over[done..], &mut rgb[3 * done..]);
}

/// A row of pixels from every fourth block row: four blocks at a time.
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads and stores of whole arrays")]
pub(in super::super) fn depth_to_space_row(
    rows: &[[u8; BLOCK_ROW]],
    alphas: &[[u8; BLOCK]],
    opacity: u16,
    out: &mut [[[u8; 4]; BLOCK]],
) {
    // Three bytes of a block row and one of the sixteen alphas behind it, for each pixel of a block.
    let tables = [0, 1, 2, 3].map(|block| {
        let pixels: [[u8; 4]; 4] =
            [0, 1, 2, 3].map(|i| [3 * i, 3 * i + 1, 3 * i + 2, 16 + 4 * block + i]);
        // SAFETY: four times four bytes are 16.
        unsafe { vld1q_u8(pixels.as_ptr().cast()) }
    });
    // Four blocks, of the last of which only the first row is read, and four bytes more.
    let mut blocks = rows.as_flattened();
    let fours = alphas
        .as_chunks::<4>()
        .0
        .iter()
        .zip(out.as_chunks_mut::<4>().0);
    let mut done = 0;
    for (alphas, out) in fours {
        let Some(bytes) = blocks.first_chunk::<{ 3 * CELL + 16 }>() else {
            break;
        };
        // SAFETY: four times four bytes are 16.
        let alphas = unsafe { vld1q_u8(alphas.as_ptr().cast()) };
        // Rounded while it is narrowed.
        let scaled = |alphas: uint8x8_t| vrshrn_n_u16::<8>(vmulq_n_u16(vmovl_u8(alphas), opacity));
        let alphas = vcombine_u8(scaled(vget_low_u8(alphas)), scaled(vget_high_u8(alphas)));
        for (block, (out, table)) in out.iter_mut().zip(tables).enumerate() {
            let row = &bytes[CELL * block..][..16];
            // SAFETY: `row` has 16 bytes.
            let row = unsafe { vld1q_u8(row.as_ptr()) };
            let pixels = vqtbl2q_u8(uint8x16x2_t(row, alphas), table);
            // SAFETY: four pixels are 16 bytes.
            unsafe { vst1q_u8(out.as_mut_ptr().cast(), pixels) };
        }
        blocks = blocks.get(4 * CELL..).unwrap_or_default();
        done += 4;
    }
    patch::depth_to_space_rest(done, rows, alphas, opacity, out);
}
