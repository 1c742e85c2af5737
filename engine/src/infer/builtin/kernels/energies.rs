//! Means of exponentials, which turn levels into energies.

use super::simd::{Simd, Work};

/// The mean of e^x of each row.
pub(in crate::infer::builtin) struct Energies {
    pub(in crate::infer::builtin) from: *const f32,
    pub(in crate::infer::builtin) rows: usize,
    /// A multiple of [`PARTS`].
    pub(in crate::infer::builtin) length: usize,
    pub(in crate::infer::builtin) to: *mut f32,
}

/// Sums of a row that are kept apart, on all processors, so that all add in the same order.
pub(in crate::infer::builtin) const PARTS: usize = 16;

impl Work for Energies {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for row in 0..self.rows {
            unsafe {
                let mut parts = [0.0; PARTS];
                for part in (0..PARTS).step_by(S::LANES) {
                    let mut sum = S::splat_float(0.0);
                    for at in (part..self.length).step_by(PARTS) {
                        sum = S::plus(
                            sum,
                            exp::<S>(S::load_floats(self.from.add(row * self.length + at))),
                        );
                    }
                    S::store_floats(sum, parts.as_mut_ptr().add(part));
                }
                self.to
                    .add(row)
                    .write(parts.iter().sum::<f32>() / self.length as f32);
            }
        }
    }
}

/// e^x for |x| < 87, wrong by a unit in the last place or two.
#[inline(always)]
unsafe fn exp<S: Simd>(x: S::F) -> S::F {
    const SERIES: [f32; 7] = [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    unsafe {
        let x = S::least(S::largest(x, S::splat_float(-87.0)), S::splat_float(87.0));
        let n = S::round(S::multiply(x, S::splat_float(std::f32::consts::LOG2_E)));
        // ln 2 in two parts.
        let rest = S::fused(S::float(n), S::splat_float(-0.693_359_4), x);
        let rest = S::fused(S::float(n), S::splat_float(2.121_944_4e-4), rest);
        let mut made = S::splat_float(SERIES[0]);
        for factor in &SERIES[1..] {
            made = S::fused(made, rest, S::splat_float(*factor));
        }
        S::multiply(made, S::power_of_two(n))
    }
}
