//! Pixels between pixels: Catmull-Rom interpolation of 4 × 4 taps along a row, in integers.
#![allow(
    unsafe_code,
    reason = "vector instructions; every use has its reason beside it"
)]

use super::{PAD, Texture};

/// Positions between two pixels that have their own weights.
const PHASES: usize = 64;
/// Sum of the weights down, and across.
const DOWN: i64 = 64;
const ACROSS: i64 = 256;
/// Bits that both sums make together.
const SHIFT: i32 = 14;

static WEIGHTS_DOWN: [[i16; 4]; PHASES] = weights(DOWN);
static WEIGHTS_ACROSS: [[i16; 4]; PHASES] = weights(ACROSS);

/// Catmull-Rom weights of the four pixels around each phase, rounded so that they sum to `sum`.
const fn weights(sum: i64) -> [[i16; 4]; PHASES] {
    let mut out = [[0; 4]; PHASES];
    let n = PHASES as i64;
    let mut phase = 0;
    while phase < PHASES {
        let t = phase as i64;
        // Times 2 n³.
        let exact = [
            -t * n * n + 2 * t * t * n - t * t * t,
            2 * n * n * n - 5 * t * t * n + 3 * t * t * t,
            t * n * n + 4 * t * t * n - 3 * t * t * t,
            -t * t * n + t * t * t,
        ];
        let mut rest = sum;
        let mut tap = 0;
        while tap < 4 {
            let whole = 2 * n * n * n;
            let rounded = (exact[tap] * sum + whole / 2).div_euclid(whole);
            out[phase][tap] = rounded as i16;
            rest -= rounded;
            tap += 1;
        }
        // The rest of the rounding goes to the nearer pixel.
        out[phase][if 2 * phase <= PHASES { 1 } else { 2 }] += rest as i16;
        phase += 1;
    }
    out
}

/// How spans are sampled.
///
/// `Avx2` is only made where the processor has it; that is what makes calling it sound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kernel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Kernel {
    /// The best that the processor has.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            return Self::Avx2;
        }
        Self::Portable
    }

    /// Fills `out` with the texture's pixels from `start` on, `step` apart, both in 65536ths of a
    /// pixel.
    pub(super) fn span(
        self,
        texture: &Texture,
        start: [i32; 2],
        step: [i32; 2],
        out: &mut [[u8; 4]],
    ) {
        if step == [65536, 0] && is_whole(start[0]) && is_whole(start[1]) {
            copy(texture, start, out);
            return;
        }
        match self {
            Self::Portable => portable(texture, start, step, out),
            // SAFETY: `Avx2` exists only where the processor has AVX2.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { avx2(texture, start, step, out) },
        }
    }
}

/// Whether a place has phase 0.
fn is_whole(place: i32) -> bool {
    (place - 32768) & 0xfc00 == 0
}

/// Index of the first tap's pixel, and the phases across and down, of a place.
#[inline(always)]
fn locate(texture: &Texture, [u, v]: [i32; 2]) -> (usize, usize, usize) {
    let (u, v) = (u - 32768, v - 32768);
    // Taps reach from one pixel before to two behind: they stay within the padding.
    let x = (u >> 16).clamp(-2, texture.width as i32);
    let y = (v >> 16).clamp(-2, texture.height as i32);
    let first = (y + PAD as i32 - 1) as usize * texture.stride + (x + PAD as i32 - 1) as usize;
    let phase = |place: i32| (place >> 10 & 63) as usize;
    (first, phase(u), phase(v))
}

fn copy(texture: &Texture, start: [i32; 2], out: &mut [[u8; 4]]) {
    for (i, pixel) in out.iter_mut().enumerate() {
        let (first, _, _) = locate(texture, [start[0] + ((i as i32) << 16), start[1]]);
        *pixel = texture.rgba[first + texture.stride + 1];
    }
}

fn portable(texture: &Texture, start: [i32; 2], step: [i32; 2], out: &mut [[u8; 4]]) {
    let [mut u, mut v] = start;
    for pixel in out {
        let (first, across, down) = locate(texture, [u, v]);
        let mut columns = [[0i32; 4]; 4];
        for (row, &weight) in WEIGHTS_DOWN[down].iter().enumerate() {
            let taps = &texture.rgba[first + row * texture.stride..][..4];
            for (sums, tap) in columns.iter_mut().zip(taps) {
                for (sum, &level) in sums.iter_mut().zip(tap) {
                    *sum += i32::from(weight) * i32::from(level);
                }
            }
        }
        let mut sums = [1 << (SHIFT - 1); 4];
        for (column, &weight) in columns.iter().zip(&WEIGHTS_ACROSS[across]) {
            for (sum, value) in sums.iter_mut().zip(column) {
                *sum += i32::from(weight) * value;
            }
        }
        *pixel = sums.map(|sum| (sum >> SHIFT).clamp(0, 255) as u8);
        u = u.wrapping_add(step[0]);
        v = v.wrapping_add(step[1]);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(texture: &Texture, start: [i32; 2], step: [i32; 2], out: &mut [[u8; 4]]) {
    use std::arch::x86_64::*;
    let [mut u, mut v] = start;
    // Channels of two neighbouring pixels side by side, in each half.
    let pairs = _mm256_setr_epi8(
        0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12,
        13, 6, 7, 14, 15,
    );
    let half = _mm_set1_epi32(1 << (SHIFT - 1));
    for pixel in out {
        let (first, across, down) = locate(texture, [u, v]);
        let mut sum = _mm256_setzero_si256();
        for (row, &weight) in WEIGHTS_DOWN[down].iter().enumerate() {
            let taps = &texture.rgba[first + row * texture.stride..][..4];
            // SAFETY: `taps` are four pixels of four bytes: sixteen bytes to read.
            let taps = unsafe { _mm_loadu_si128(taps.as_ptr().cast()) };
            let levels = _mm256_cvtepu8_epi16(taps);
            sum = _mm256_add_epi16(sum, _mm256_mullo_epi16(levels, _mm256_set1_epi16(weight)));
        }
        let sum = _mm256_shuffle_epi8(sum, pairs);
        let [a, b, c, d] = WEIGHTS_ACROSS[across].map(|w| i32::from(w as u16));
        let (near, far) = (a | b << 16, c | d << 16);
        let weights = _mm256_setr_epi32(near, near, near, near, far, far, far, far);
        let products = _mm256_madd_epi16(sum, weights);
        let total = _mm_add_epi32(
            _mm256_castsi256_si128(products),
            _mm256_extracti128_si256::<1>(products),
        );
        let total = _mm_srai_epi32::<SHIFT>(_mm_add_epi32(total, half));
        let packed = _mm_packus_epi16(_mm_packs_epi32(total, total), total);
        *pixel = _mm_cvtsi128_si32(packed).to_le_bytes();
        u = u.wrapping_add(step[0]);
        v = v.wrapping_add(step[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize) -> Vec<[u8; 4]> {
        let mut state = 1u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..count).map(|_| [(); 4].map(|()| next())).collect()
    }

    #[test]
    fn weights_sum_to_one_at_every_phase() {
        for (down, across) in WEIGHTS_DOWN.iter().zip(&WEIGHTS_ACROSS) {
            assert_eq!(down.iter().sum::<i16>(), 64, "{down:?}");
            assert_eq!(across.iter().sum::<i16>(), 256, "{across:?}");
        }
        assert_eq!(WEIGHTS_DOWN[0], [0, 64, 0, 0], "no neighbour at a pixel");
    }

    #[test]
    fn every_kernel_gives_the_same_bytes() {
        let texture = Texture::new(&noise(37 * 29), 37, 29);
        for (u, v, du, dv) in [
            (0, 0, 65536, 0),
            (12_345, 800_000, 70_000, -3_000),
            (-900_000, -900_000, 200_000, 123_456),
            (2_000_000, 1_500_000, -61_111, -40_000),
            (i32::MAX - 70_000, i32::MIN + 70_000, 1 << 24, -(1 << 24)),
        ] {
            let mut expected = vec![[0; 4]; 40];
            let mut seen = expected.clone();
            portable(&texture, [u, v], [du, dv], &mut expected);
            Kernel::best().span(&texture, [u, v], [du, dv], &mut seen);
            assert_eq!(seen, expected, "from {u}, {v} by {du}, {dv}");
        }
    }

    #[test]
    fn whole_steps_give_the_texture_itself() {
        let pixels = noise(20 * 10);
        let texture = Texture::new(&pixels, 20, 10);
        let mut seen = vec![[0; 4]; 20];
        for y in 0..10 {
            portable(&texture, [32768, (y << 16) + 32768], [65536, 0], &mut seen);
            assert_eq!(seen, pixels[20 * y as usize..][..20], "row {y}");
        }
    }
}
