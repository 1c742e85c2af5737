//! Instruction sets, and the macro that compiles a kernel for each of them.

use crate::processor::{Width, permits};

/// An instruction set that kernels are compiled for.
///
/// A value other than `PORTABLE` exists only where the processor has what it names. This makes calls
/// of its kernels sound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Isa(Kind);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// The target's baseline.
    Portable,
    /// AVX2 and BMI, 2013 and later.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 with byte permutations, 2019 and later.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// NEON, which every processor of aarch64 has.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Isa {
    /// The target's baseline.
    pub(crate) const PORTABLE: Self = Self(Kind::Portable);

    /// The widest instruction set of the processor.
    pub(crate) fn best() -> Self {
        let permitted = |isa: &Self| permits(isa.width());
        Self::all()
            .filter(permitted)
            .last()
            .unwrap_or(Self::PORTABLE)
    }

    /// Every instruction set of the processor, the widest one last.
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

    /// Whether a store fills a whole cache line, or half of one.
    pub(super) fn has_wide_stores(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::Avx512 => true,
            _ => false,
        }
    }

    fn width(self) -> Width {
        match self.0 {
            Kind::Portable => Width::Sse4,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => Width::Avx2,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => Width::Widest,
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => Width::Widest,
        }
    }

    pub(super) fn kind(self) -> Kind {
        self.0
    }
}

/// Makes a function that takes an [`Isa`] first and runs the kernel compiled for it.
///
/// The body of the kernel is a portable function, compiled once more for each instruction set; an
/// intrinsics version, where one is named, takes its place.
macro_rules! kernel {
    (
        $(#[$attribute:meta])*
        $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) = $portable:path;
        $(avx2 $avx2:path;)?
        $(avx512 $avx512:path;)?
        $(neon $neon:path;)?
    ) => {
        $(#[$attribute])*
        #[cfg_attr(
            any(target_arch = "x86_64", target_arch = "aarch64"),
            expect(unsafe_code, reason = "the processor has the instruction set of an `Isa`")
        )]
        $vis fn $name(isa: $crate::compose::arch::isa::Isa, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2")]
            fn avx2($($arg: $type),*) {
                kernel!(@one $portable $(, $avx2)?)($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(
                enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi"
            )]
            fn avx512($($arg: $type),*) {
                kernel!(@one $portable $(, $avx512)?)($($arg),*);
            }

            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            fn neon($($arg: $type),*) {
                kernel!(@one $portable $(, $neon)?)($($arg),*);
            }

            match isa.kind() {
                $crate::compose::arch::isa::Kind::Portable => $portable($($arg),*),
                // SAFETY: an `Isa` exists only where the processor has it.
                #[cfg(target_arch = "x86_64")]
                $crate::compose::arch::isa::Kind::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::compose::arch::isa::Kind::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "aarch64")]
                $crate::compose::arch::isa::Kind::Neon => unsafe { neon($($arg),*) },
            }
        }
    };
    (@one $portable:path) => { $portable };
    (@one $portable:path, $intrinsics:path) => { $intrinsics };
}
pub(super) use kernel;
