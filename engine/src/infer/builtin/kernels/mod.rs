//! Kernels for the layers that take all the time, each for several instruction sets, the widest of
//! which is chosen when a network is loaded.
//!
//! # Why is it unsafe?
//! Kernels read and write by pointers and have no bounds to check. Sizes are compared when a network is
//! compiled (`fuse/`), and the places of values when a step runs ([`Batch`]).

#![expect(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    reason = "kernels on pointers: the contract is that of `Simd` and of each kernel's fields"
)]

#[cfg(target_arch = "x86_64")]
mod avx;
mod conv;
mod dense;
mod energies;
mod finish;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(not(target_feature = "simd128"))]
mod plain;
mod rows;
mod simd;
#[cfg(target_arch = "x86_64")]
mod sse;
#[cfg(test)]
mod tests;
#[cfg(target_feature = "simd128")]
mod wasm;

use super::arena::{Arena, LINE, Place};
use super::values::Source;
use crate::processor::{Width, permits};

#[cfg(target_arch = "x86_64")]
pub(super) use avx::{Avx2, Avx512, AvxVnni};
pub(super) use conv::{Conv, Enlarge, Loose};
pub(super) use dense::{Dense, Product, Quantize};
pub(super) use energies::{Energies, WIDTH};
pub(super) use finish::{Finish, Textures};
#[cfg(target_arch = "aarch64")]
pub(super) use neon::{Neon, NeonDot};
#[cfg(not(target_feature = "simd128"))]
pub(super) use plain::Plain;
pub(super) use rows::{CHAIN, Multiply, Rows};
pub(super) use simd::Simd;
#[cfg(target_arch = "x86_64")]
pub(super) use sse::{Sse2, Sse4};
#[cfg(target_feature = "simd128")]
pub(super) use wasm::Simd128 as Plain;
#[cfg(all(target_feature = "simd128", feature = "relaxed-simd"))]
pub(super) use wasm::{RelaxedSigned, RelaxedUnsigned};

/// An instruction set that kernels are there for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::infer) enum Level {
    /// The target's baseline: in the browser, vectors of 128 bits.
    Plain,
    #[cfg(target_arch = "x86_64")]
    Sse2,
    #[cfg(target_arch = "x86_64")]
    Sse4,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
    #[cfg(target_arch = "aarch64")]
    NeonDot,
    #[cfg(all(target_feature = "simd128", feature = "relaxed-simd"))]
    RelaxedSigned,
    #[cfg(all(target_feature = "simd128", feature = "relaxed-simd"))]
    RelaxedUnsigned,
}

impl Level {
    /// Every one, the best last.
    const ALL: &'static [Self] = &[
        Self::Plain,
        #[cfg(target_arch = "x86_64")]
        Self::Sse2,
        #[cfg(target_arch = "x86_64")]
        Self::Sse4,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::AvxVnni,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "aarch64")]
        Self::Neon,
        #[cfg(target_arch = "aarch64")]
        Self::NeonDot,
        #[cfg(all(target_feature = "simd128", feature = "relaxed-simd"))]
        Self::RelaxedSigned,
        #[cfg(all(target_feature = "simd128", feature = "relaxed-simd"))]
        Self::RelaxedUnsigned,
    ];

    /// The levels that this processor has, the best last.
    pub(in crate::infer) fn all() -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|&level| on!(level, S => S::is_here()))
    }

    /// The best that this processor has.
    pub(in crate::infer) fn best() -> Self {
        let permitted = |level: &Self| permits(level.width());
        Self::all().filter(permitted).last().unwrap_or(Self::Plain)
    }

    fn width(self) -> Width {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 | Self::Sse4 => Width::Sse4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Width::Avx2,
            Self::Plain => Width::Sse4,
            #[cfg(any(
                target_arch = "x86_64",
                target_arch = "aarch64",
                feature = "relaxed-simd"
            ))]
            _ => Width::Widest,
        }
    }

    /// Whether it is as fast as ONNX Runtime's kernels on the same processor.
    pub(in crate::infer) fn is_fast(self) -> bool {
        match self {
            Self::Plain => cfg!(target_feature = "simd128"),
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 | Self::Sse4 => false,
            #[cfg(any(
                target_arch = "x86_64",
                target_arch = "aarch64",
                feature = "relaxed-simd"
            ))]
            _ => true,
        }
    }
}

/// Evaluates an expression with the type of a level's instruction set.
macro_rules! on {
    ($level:expr, $simd:ident => $body:expr) => {{
        use $crate::infer::builtin::kernels;
        match $level {
            kernels::Level::Plain => {
                type $simd = kernels::Plain;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            kernels::Level::Sse2 => {
                type $simd = kernels::Sse2;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            kernels::Level::Sse4 => {
                type $simd = kernels::Sse4;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            kernels::Level::Avx2 => {
                type $simd = kernels::Avx2;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            kernels::Level::AvxVnni => {
                type $simd = kernels::AvxVnni;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            kernels::Level::Avx512 => {
                type $simd = kernels::Avx512;
                $body
            }
            #[cfg(target_arch = "aarch64")]
            kernels::Level::Neon => {
                type $simd = kernels::Neon;
                $body
            }
            #[cfg(target_arch = "aarch64")]
            kernels::Level::NeonDot => {
                type $simd = kernels::NeonDot;
                $body
            }
            #[cfg(all(target_feature = "simd128", feature = "relaxed-simd"))]
            kernels::Level::RelaxedSigned => {
                type $simd = kernels::RelaxedSigned;
                $body
            }
            #[cfg(all(target_feature = "simd128", feature = "relaxed-simd"))]
            kernels::Level::RelaxedUnsigned => {
                type $simd = kernels::RelaxedUnsigned;
                $body
            }
        }
    }};
}
pub(super) use on;

/// Inputs, output and memory of a step, for all items of a batch.
pub(super) struct Batch<'a> {
    pub(super) arena: &'a mut Arena,
    pub(super) places: &'a [Place],
    pub(super) inputs: &'a [Source],
    pub(super) output: usize,
    pub(super) items: usize,
}

impl Batch<'_> {
    /// Bytes from an item to the next.
    pub(super) fn item(&self) -> usize {
        self.arena.item_bytes()
    }

    /// The first item's output, of at least so many bytes, whole lines counted.
    pub(super) fn output(&mut self, bytes: usize) -> *mut u8 {
        self.value(self.output, bytes)
    }

    /// The first item's input, a value of at least so many bytes, whole lines counted.
    pub(super) fn input(&mut self, index: usize, bytes: usize) -> *mut u8 {
        let Source::Value(value) = self.inputs[index] else {
            unreachable!("a value, not a constant: it was lowered so");
        };
        self.value(value, bytes)
    }

    fn value(&mut self, value: usize, bytes: usize) -> *mut u8 {
        let place = self.places[value];
        assert!(
            bytes <= place.bytes.next_multiple_of(LINE) && self.arena.holds(self.items, place),
            "a value lies in the arena"
        );
        self.arena.base().wrapping_add(place.offset)
    }
}

/// A layer that runs on whole batches.
pub(super) trait Layer: std::fmt::Debug + Send + Sync {
    /// Makes the output of all items.
    fn run(&self, batch: &mut Batch<'_>);
}
