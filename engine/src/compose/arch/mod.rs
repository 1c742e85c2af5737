//! The kernels of compositing, each for several instruction sets.
//!
//! A kernel is one body of plain Rust, written so that the compiler turns its loops into vector
//! instructions: elements side by side, no branch, no bounds in the middle. [`kernel!`] compiles
//! that body once for the target's baseline (SSE2 on x86-64, NEON on aarch64) and once more for each
//! [`Isa`] that is chosen at run time. Where a body alone doesn't get there, `x86_64.rs`,
//! `avx512.rs` and `neon/` have it in intrinsics. All give the same bytes: the arithmetic is on
//! integers, and the tests compare every instruction set of the machine with a scalar oracle.

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod x86_64;

mod convert;
mod mix;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scale;
mod ycc;

pub(crate) use convert::{chroma, chroma_in_turn, luma, swap_rb, widen, widen_swapped};
pub(crate) use mix::{BLOCK, CHUNK, Way, fade, levels, mix, sample, unblock};
pub(crate) use scale::{BITS, FourTaps, Line, columns, rows};
pub(crate) use ycc::{chroma_of, colours, enlarge, full_chroma, full_luma};

/// An instruction set that kernels are compiled for.
///
/// A value other than `Portable` is only made where the processor has what it names; that is what
/// makes calling its kernels sound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Isa(Kind);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// What the target was compiled for.
    Portable,
    /// AVX2, BMI1 and BMI2, 2013 and later.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 with byte permutations, 2019 and later.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// What every processor of aarch64 has.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Isa {
    /// The target's baseline.
    pub(crate) const PORTABLE: Self = Self(Kind::Portable);

    /// The best that the processor has.
    pub(crate) fn best() -> Self {
        Self::all().last().unwrap_or(Self::PORTABLE)
    }

    /// All that the processor has, the best one last.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wider = {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2");
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vbmi");
            [(Kind::Avx2, avx2), (Kind::Avx512, avx512)]
        };
        #[cfg(target_arch = "aarch64")]
        let wider = [(Kind::Neon, std::arch::is_aarch64_feature_detected!("neon"))];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let wider: [(Kind, bool); 0] = [];
        let wider = wider.into_iter().filter(|(_, has)| *has);
        std::iter::once(Self::PORTABLE).chain(wider.map(|(kind, _)| Self(kind)))
    }

    /// Whether a store can fill a whole line of the cache, or half of one.
    fn wide_stores(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::Avx512 => true,
            _ => false,
        }
    }

    pub(super) fn kind(self) -> Kind {
        self.0
    }
}

/// Makes a function of this name that takes an [`Isa`] first and runs the body compiled for it, or what
/// `neon` names instead.
macro_rules! kernel {
    (
        $(#[$attribute:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block
        $(neon $neon:path)?
    ) => {
        $(#[$attribute])*
        #[cfg_attr(
            any(target_arch = "x86_64", target_arch = "aarch64"),
            expect(unsafe_code, reason = "instruction sets that were looked for")
        )]
        $vis fn $name(isa: $crate::compose::arch::Isa, $($arg: $type),*) {
            #[inline(always)]
            fn body($($arg: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2")]
            fn avx2($($arg: $type),*) {
                body($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(
                enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi"
            )]
            fn avx512($($arg: $type),*) {
                body($($arg),*);
            }

            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            fn neon($($arg: $type),*) {
                kernel!(@one body $($neon)?)($($arg),*);
            }

            match isa.kind() {
                $crate::compose::arch::Kind::Portable => body($($arg),*),
                // SAFETY: an `Isa` is only made where the processor has it.
                #[cfg(target_arch = "x86_64")]
                $crate::compose::arch::Kind::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::compose::arch::Kind::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "aarch64")]
                $crate::compose::arch::Kind::Neon => unsafe { neon($($arg),*) },
            }
        }
    };
    (@one $body:ident) => { $body };
    (@one $body:ident $neon:path) => { $neon };
}
use kernel;

#[cfg(test)]
pub(super) mod tests;
