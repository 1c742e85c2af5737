//! Resampling of a row in width. AVX-512 wants the taps in an order of its own.

use super::isa::{Isa, Kind};
#[cfg(target_arch = "aarch64")]
use super::neon;
use super::portable::scale::{self, FourTaps};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// The taps of a row.
#[derive(Debug)]
pub(crate) struct HorizontalTaps {
    taps: Vec<FourTaps>,
    /// For whole groups of pixels from the start on.
    #[cfg(target_arch = "x86_64")]
    groups: Vec<avx512::Group>,
}

impl HorizontalTaps {
    /// `first` grows from pixel to pixel.
    pub(crate) fn new(taps: Vec<FourTaps>) -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            groups: avx512::Group::all(&taps),
            taps,
        }
    }
}

/// Resamples a row of RGB in width. `out` is as long as `taps`.
#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(
        unsafe_code,
        reason = "the processor has the instruction set of an `Isa`"
    )
)]
pub(crate) fn resample_horizontally(
    isa: Isa,
    source: &[u8],
    taps: &HorizontalTaps,
    out: &mut [u8],
) {
    match isa.kind() {
        Kind::Portable => scale::resample_horizontally(0, source, &taps.taps, out),
        // SAFETY: an `Isa` exists only where the processor has it.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { avx2::resample_horizontally(0, source, &taps.taps, out) },
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => {
            // SAFETY: as above.
            let done = unsafe { avx512::resample_horizontally(source, &taps.groups, out) };
            // SAFETY: an `Isa` of AVX-512 exists only where the processor has AVX2, too.
            unsafe { avx2::resample_horizontally(done, source, &taps.taps, out) }
        }
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => unsafe { neon::resample_horizontally(source, &taps.taps, out) },
    }
}
