//! Functions of the C library, by their floats nearest to the true values. Those of 32 bits differ from system to
//! system in their last digits, and so would frames; of 64 bits they do, too, but rounded to 32 they are the same but
//! for one number in hundreds of millions.
//!
//! What every processor rounds alike needs none of this: sums, products, quotients and square roots.

/// e^x.
pub(crate) fn exp(x: f32) -> f32 {
    f64::from(x).exp() as f32
}

/// The natural logarithm.
pub(crate) fn ln(x: f32) -> f32 {
    f64::from(x).ln() as f32
}

/// The logarithm to base 10.
pub(crate) fn log10(x: f32) -> f32 {
    f64::from(x).log10() as f32
}

/// The cosine of an angle.
pub(crate) fn cos(x: f32) -> f32 {
    f64::from(x).cos() as f32
}

/// The angle of the point (x, y).
#[cfg(feature = "portrait")]
pub(crate) fn atan2(y: f32, x: f32) -> f32 {
    f64::from(y).atan2(x.into()) as f32
}

/// 1 / (1 + e^-x), which turns a network's number into a share.
pub(crate) fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}
