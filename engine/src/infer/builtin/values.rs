//! Values that steps take and make: constants, and places in the arena.

use std::sync::Arc;

use super::arena::{Arena, Others, Place};
use crate::infer::model::{ElementType, Tensor, TensorSource};
use crate::infer::plain::Plain;

/// The numbers of a constant.
#[derive(Debug)]
pub(super) enum Data {
    F16(Vec<u16>),
    F32(Vec<f32>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    I8(Vec<i8>),
    U8(Vec<u8>),
}

impl Data {
    /// From the bytes of a file, little-endian.
    fn read(element: ElementType, raw: &[u8]) -> Self {
        fn numbers<const N: usize, T>(raw: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
            raw.as_chunks().0.iter().map(|&x| number(x)).collect()
        }
        match element {
            ElementType::F16 => Self::F16(numbers(raw, u16::from_le_bytes)),
            ElementType::F32 => Self::F32(numbers(raw, f32::from_le_bytes)),
            ElementType::I32 => Self::I32(numbers(raw, i32::from_le_bytes)),
            ElementType::I64 => Self::I64(numbers(raw, i64::from_le_bytes)),
            ElementType::I8 => Self::I8(numbers(raw, i8::from_le_bytes)),
            ElementType::U8 => Self::U8(raw.to_vec()),
        }
    }

    /// Of a tensor whose values are in the file.
    pub(super) fn of(tensor: &Tensor<'_>) -> Option<Self> {
        match &tensor.source {
            TensorSource::Sizes(sizes) => Some(Self::I64(sizes.clone())),
            TensorSource::Weights(raw) => Some(Self::read(tensor.element, raw)),
            TensorSource::Input | TensorSource::Node => None,
        }
    }

    /// The same numbers as floats.
    pub(super) fn to_floats(&self) -> Vec<f32> {
        match self {
            Self::F16(all) => all.iter().map(|&x| half(x)).collect(),
            Self::F32(all) => all.clone(),
            Self::I32(all) => all.iter().map(|&x| x as f32).collect(),
            Self::I64(all) => all.iter().map(|&x| x as f32).collect(),
            Self::I8(all) => all.iter().map(|&x| x.into()).collect(),
            Self::U8(all) => all.iter().map(|&x| x.into()).collect(),
        }
    }

    /// The same numbers as integers; floats are cut towards 0.
    pub(super) fn to_integers(&self) -> Vec<i64> {
        match self {
            Self::I32(all) => all.iter().map(|&x| x.into()).collect(),
            Self::I64(all) => all.clone(),
            Self::I8(all) => all.iter().map(|&x| x.into()).collect(),
            Self::U8(all) => all.iter().map(|&x| x.into()).collect(),
            Self::F16(_) | Self::F32(_) => self.to_floats().into_iter().map(|x| x as i64).collect(),
        }
    }
}

/// A number of half precision.
pub(super) fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, fraction) = (u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    match exponent {
        // A multiple of the least one, 2^-24.
        0 => f32::from_bits(sign | (fraction as f32 / (1u32 << 24) as f32).to_bits()),
        31 => f32::from_bits(sign | 0x7F80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// Elements that steps compute with.
pub(super) trait Number: Plain {
    /// The numbers of a constant, if it has such.
    fn of(data: &Data) -> Option<&[Self]>;
}

macro_rules! number {
    ($type:ty, $variant:ident) => {
        impl Number for $type {
            fn of(data: &Data) -> Option<&[Self]> {
                match data {
                    Data::$variant(all) => Some(all),
                    _ => None,
                }
            }
        }
    };
}
number!(f32, F32);
number!(i64, I64);
number!(u8, U8);

/// The place of a step's input.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Constant(Arc<Data>),
    /// A value's number.
    Value(usize),
}

/// Inputs and output of a step, for one item.
pub(super) struct Run<'a> {
    pub(super) arena: &'a mut Arena,
    pub(super) item: usize,
    /// Of each value.
    pub(super) places: &'a [Place],
    pub(super) inputs: &'a [Source],
    pub(super) output: usize,
}

impl<'a> Run<'a> {
    /// The output, to be written, and the inputs.
    pub(super) fn open<T: Number>(&mut self) -> (&mut [T], Inputs<'_>) {
        let (output, others) = self.arena.split(self.item, self.places[self.output]);
        let inputs = Inputs {
            others,
            places: self.places,
            sources: self.inputs,
        };
        (output, inputs)
    }
}

/// The inputs of a step, for one item.
pub(super) struct Inputs<'a> {
    others: Others<'a>,
    places: &'a [Place],
    sources: &'a [Source],
}

impl<'a> Inputs<'a> {
    /// An input, of the type that it was lowered for.
    pub(super) fn get<T: Number>(&self, index: usize) -> &'a [T] {
        match &self.sources[index] {
            Source::Value(value) => self.others.get(self.places[*value]),
            Source::Constant(data) => T::of(data).unwrap_or_default(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.sources.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_what_they_stand_for() {
        let known = [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x0001, 5.960_464_5e-8),
            (0x03FF, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x3555, 0.333_251_95),
        ];
        for (bits, number) in known {
            assert_eq!(half(bits).to_bits(), f32::to_bits(number), "{bits:04x}");
        }
    }
}
