//! The placement of patches in base frames.

use crate::{Error, ErrorKind, Result};

/// Takes patch coordinates to frame coordinates: `x = a u + b v + c`, `y = d u + e v + f`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    pub(crate) a: f64,
    pub(crate) b: f64,
    pub(crate) c: f64,
    pub(crate) d: f64,
    pub(crate) e: f64,
    pub(crate) f: f64,
}

impl Affine {
    /// From the last six numbers of a row of `geometry.f32`.
    ///
    /// # Errors
    /// `InvalidAvatar` if it places no patch.
    pub(crate) fn from_row(row: &[f32]) -> Result<Self> {
        let [a, b, c, d, e, f] = std::array::from_fn(|i| f64::from(row[i]));
        let affine = Self { a, b, c, d, e, f };
        // Generous bounds that keep fixed-point arithmetic far from its limits.
        let tame = [a, b, c, d, e, f]
            .iter()
            .all(|x| x.is_finite() && x.abs() < 1e5);
        if !tame || affine.determinant().abs() < 1e-4 {
            return Err(Error::new(
                ErrorKind::InvalidAvatar,
                format!("geometry.f32 has an affine that places no patch: {affine:?}"),
            ));
        }
        Ok(affine)
    }

    fn determinant(&self) -> f64 {
        self.a * self.e - self.b * self.d
    }

    /// From frame coordinates back to patch coordinates.
    pub(crate) fn inverse(&self) -> Option<Self> {
        let determinant = self.determinant();
        let (a, b) = (self.e / determinant, -self.b / determinant);
        let (d, e) = (-self.d / determinant, self.a / determinant);
        let inverse = Self {
            a,
            b,
            c: -(a * self.c + b * self.f),
            d,
            e,
            f: -(d * self.c + e * self.f),
        };
        determinant.is_normal().then_some(inverse)
    }

    pub(crate) fn apply(&self, u: f64, v: f64) -> (f64, f64) {
        (
            self.a * u + self.b * v + self.c,
            self.d * u + self.e * v + self.f,
        )
    }

    /// Columns and rows of a `width` × `height` frame that a patch of `size` can touch.
    pub(crate) fn bounds(
        &self,
        size: usize,
        width: usize,
        height: usize,
    ) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let size = size as f64;
        let corners =
            [(0.0, 0.0), (size, 0.0), (0.0, size), (size, size)].map(|(u, v)| self.apply(u, v));
        let range = |values: [f64; 4], end: usize| {
            let low = values.into_iter().fold(f64::INFINITY, f64::min).floor();
            let high = values.into_iter().fold(f64::NEG_INFINITY, f64::max).ceil();
            let (low, high) = (
                low.clamp(0.0, end as f64) as usize,
                high.clamp(0.0, end as f64) as usize,
            );
            low..high.max(low)
        };
        (
            range(corners.map(|corner| corner.0), width),
            range(corners.map(|corner| corner.1), height),
        )
    }

    /// How far two placements of the patch lie apart; only to be compared.
    pub(crate) fn distance(&self, other: &Self) -> f64 {
        let middle = |affine: &Self| affine.apply(64.0, 64.0);
        let ((x, y), (p, q)) = (middle(self), middle(other));
        // Not `hypot`, which each system's library rounds as it likes.
        let length = |x: f64, y: f64| (x * x + y * y).sqrt();
        length(x - p, y - q) + 64.0 * length(self.b - other.b, self.d - other.d)
    }
}
