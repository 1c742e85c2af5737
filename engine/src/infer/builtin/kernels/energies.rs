//! Means of exponentials, which turn levels into energies: to the bit those of ONNX Runtime.

use super::simd::{Simd, Work};

/// The mean of e^x of each row.
pub(in crate::infer::builtin) struct Energies {
    pub(in crate::infer::builtin) from: *const f32,
    pub(in crate::infer::builtin) rows: usize,
    /// A multiple of [`WIDTH`].
    pub(in crate::infer::builtin) length: usize,
    pub(in crate::infer::builtin) to: *mut f32,
}

/// The most that a vector holds, on any processor.
pub(in crate::infer::builtin) const WIDTH: usize = 16;

/// Sums of a row that are kept apart, on all processors, so that all add in the same order: that of ONNX
/// Runtime's library for matrices, Eigen, in vectors of four, two at a time.
const PARTS: usize = 8;

impl Work for Energies {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for row in 0..self.rows {
            let mut parts = [0.0; PARTS];
            let mut made = [0.0; WIDTH];
            for at in (0..self.length).step_by(S::LANES) {
                unsafe {
                    let x = S::load_floats(self.from.add(row * self.length + at));
                    S::store_floats(exp::<S>(x), made.as_mut_ptr());
                }
                let part = if S::LANES < PARTS { at % PARTS } else { 0 };
                for (lane, x) in made[..S::LANES].iter().enumerate() {
                    parts[(part + lane) % PARTS] += x;
                }
            }
            let [a, b, c, d] = std::array::from_fn(|i| parts[i] + parts[i + 4]);
            unsafe {
                let sum: f32 = (a + c) + (b + d);
                self.to.add(row).write(sum / self.length as f32);
            }
        }
    }
}

/// e^x for |x| < 87, wrong by a unit in the last place at most. The series is that of ONNX Runtime (MLAS,
/// `compute.cpp`): powers of what is left of x between two powers of two, fitted to |x| < ln 2 / 2.
#[inline(always)]
unsafe fn exp<S: Simd>(x: S::F) -> S::F {
    const SERIES: [f32; 7] = [
        0.001_378_059_4,
        0.008_373_124_5,
        0.041_669_536,
        0.166_664_72,
        0.499_999_85,
        1.0,
        1.0,
    ];
    unsafe {
        let x = S::least(S::largest(x, S::splat_float(-87.0)), S::splat_float(87.0));
        let n = S::round(S::multiply(x, S::splat_float(std::f32::consts::LOG2_E)));
        // ln 2 in two parts.
        let rest = S::fused(S::float(n), S::splat_float(-0.693_145_75), x);
        let rest = S::fused(S::float(n), S::splat_float(-1.428_606_8e-6), rest);
        let mut made = S::splat_float(SERIES[0]);
        for factor in &SERIES[1..] {
            made = S::fused(made, rest, S::splat_float(*factor));
        }
        S::multiply(made, S::power_of_two(n))
    }
}
