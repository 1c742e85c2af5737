//! Types of tensors' elements.

use std::fmt;

use super::fault::{Result, refuse};

/// Types of elements. Values in files are little-endian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ElementType {
    /// IEEE 754 half precision; weights only, cast to `F32` before use.
    F16,
    F32,
    I32,
    I64,
    I8,
    U8,
}

impl ElementType {
    /// From `TensorProto.DataType`.
    pub(super) fn from_onnx(data_type: i32) -> Result<Self> {
        Ok(match data_type {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            6 => Self::I32,
            7 => Self::I64,
            10 => Self::F16,
            8 => return refuse("its elements are strings, which are not allowed"),
            9 => return refuse("its elements are of type bool, which is not read"),
            11 => return refuse("its elements are of type f64, which is not read"),
            other => {
                return refuse(format!(
                    "its elements are of type {other}, which is not read"
                ));
            }
        })
    }

    pub(in crate::infer) const fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::I64 => 8,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I8 => "i8",
            Self::U8 => "u8",
        })
    }
}
