//! The width of vectors that kernels are chosen for: the processor's widest, or less, to measure the time of a
//! lesser processor.

#[cfg(feature = "internals")]
use std::sync::atomic::{AtomicU8, Ordering};

/// Families of x86-64's instruction sets, each with all before it.
#[cfg_attr(
    not(feature = "internals"),
    allow(unreachable_pub, dead_code, reason = "only measurements name them all")
)]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Width {
    /// Up to SSE4.1.
    Sse4,
    /// AVX2.
    Avx2,
    /// AVX-VNNI, AVX-512, and whatever other processors have.
    Widest,
}

#[cfg(feature = "internals")]
static MOST: AtomicU8 = AtomicU8::new(Width::Widest as u8);

/// Chooses no wider kernels from now on, for avatars and sessions that are made.
#[cfg(feature = "internals")]
pub fn limit(most: Width) {
    MOST.store(most as u8, Ordering::Relaxed);
}

/// Whether kernels of this width may be chosen.
pub(crate) fn permits(width: Width) -> bool {
    #[cfg(feature = "internals")]
    let permitted = width as u8 <= MOST.load(Ordering::Relaxed);
    #[cfg(not(feature = "internals"))]
    let permitted = width <= Width::Widest;
    permitted
}
