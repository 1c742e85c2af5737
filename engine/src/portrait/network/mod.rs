//! A small executor for the networks that look at pictures, faces and people: convolutions, pooling,
//! sums and what else they are made of, in `f32`, one picture at a time.
//!
//! Tensors are `[height, width, channels]`, channels innermost. The file's layout is described in
//! `studio/essence_studio/face/networks.py`; weights are kept as `f32`, with the output channels
//! innermost, so that the compiler vectorises the inner loops.

mod operators;

use crate::{Error, ErrorKind, Result};

/// Largest side, channel count or kernel that a file may ask for.
const LARGEST: usize = 4096;
/// Largest number of operators, tensors or outputs.
const MOST: usize = 4096;

/// A network, ready to run.
#[derive(Debug)]
pub(crate) struct Network {
    input: [usize; 3],
    tensors: usize,
    outputs: Vec<usize>,
    operators: Vec<Operator>,
}

/// One tensor: `[height, width, channels]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tensor {
    pub(crate) shape: [usize; 3],
    pub(crate) data: Vec<f32>,
}

#[derive(Debug)]
struct Operator {
    kind: Kind,
    a: usize,
    out: usize,
    shape: [usize; 3],
    kernel: [usize; 2],
    stride: usize,
    padding: [usize; 2],
    /// Slope of each channel below zero; empty: no activation.
    slopes: Vec<f32>,
}

#[derive(Debug)]
enum Kind {
    /// Weights `[kernel, channels in, channels out]`, biases `[channels out]`.
    Convolution(Vec<f32>, Vec<f32>),
    /// Weights `[kernel, channels]`, biases `[channels]`.
    Depthwise(Vec<f32>, Vec<f32>),
    MaxPool,
    /// Adds tensor `b`; channels that `a` lacks count as zero.
    Add(usize),
    HardSwish,
    /// Each channel's mean.
    Mean,
    Logistic,
    /// Multiplies each channel by tensor `b`'s, which is one pixel.
    Scale(usize),
    /// Twice as high and wide, bilinear, pixel centres at a half.
    Double,
    /// Each pixel becomes 2 × 2: weights `[4, channels in, channels out]`, biases `[channels out]`.
    Spread(Vec<f32>, Vec<f32>),
}

impl Kind {
    /// The second tensor that is read.
    fn other(&self) -> Option<usize> {
        match *self {
            Self::Add(b) | Self::Scale(b) => Some(b),
            _ => None,
        }
    }
}

impl Network {
    /// Reads a network of the studio's.
    ///
    /// # Errors
    /// `Internal` if the bytes are not one: they are part of this library.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        Reader { bytes }.network().ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "a face network inside the library is damaged",
            )
        })
    }

    /// Runs the network; one tensor for each output, in the file's order.
    ///
    /// # Errors
    /// `Internal` if `input` has another shape than the network takes.
    pub(crate) fn run(&self, input: Tensor) -> Result<Vec<Tensor>> {
        if input.shape != self.input || input.data.len() != input.shape.iter().product::<usize>() {
            return Err(Error::new(
                ErrorKind::Internal,
                format!(
                    "a face network takes {:?} numbers, not {:?}",
                    self.input, input.shape
                ),
            ));
        }
        let mut last_use = vec![0; self.tensors];
        for (step, operator) in self.operators.iter().enumerate() {
            last_use[operator.a] = step;
            if let Some(b) = operator.kind.other() {
                last_use[b] = step;
            }
        }
        for &output in &self.outputs {
            last_use[output] = usize::MAX;
        }
        let mut tensors = vec![Tensor::default(); self.tensors];
        tensors[0] = input;
        for (step, operator) in self.operators.iter().enumerate() {
            let mut out = operator.run(&tensors);
            operator.activate(&mut out);
            tensors[operator.out] = out;
            let other = operator.kind.other().unwrap_or(operator.a);
            for used in [operator.a, other] {
                if last_use[used] == step {
                    tensors[used] = Tensor::default();
                }
            }
        }
        Ok(self
            .outputs
            .iter()
            .map(|&output| std::mem::take(&mut tensors[output]))
            .collect())
    }
}

/// Reads a network's bytes from the front.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn number(&mut self) -> Option<usize> {
        let (head, rest) = self.bytes.split_first_chunk::<4>()?;
        self.bytes = rest;
        usize::try_from(u32::from_le_bytes(*head)).ok()
    }

    fn below(&mut self, limit: usize) -> Option<usize> {
        self.number().filter(|&number| number < limit)
    }

    fn halves(&mut self, count: usize) -> Option<Vec<f32>> {
        let (head, rest) = self.bytes.split_at_checked(2 * count)?;
        self.bytes = rest;
        let halves = head.as_chunks::<2>().0;
        Some(
            halves
                .iter()
                .map(|&half| from_half(u16::from_le_bytes(half)))
                .collect(),
        )
    }

    /// Weights `[rest, to]`; the file has them the other way round.
    fn weights(&mut self, to: usize, rest: usize) -> Option<Vec<f32>> {
        let read = self.halves(to * rest)?;
        let mut weights = vec![0.0; read.len()];
        for (at, value) in read.into_iter().enumerate() {
            weights[at % rest * to + at / rest] = value;
        }
        Some(weights)
    }

    fn network(&mut self) -> Option<Network> {
        self.bytes = self.bytes.strip_prefix(b"ESNN")?;
        if self.number()? != 1 {
            return None;
        }
        let input = [
            self.below(LARGEST)?,
            self.below(LARGEST)?,
            self.below(LARGEST)?,
        ];
        let tensors = self.below(MOST)?;
        let count = self.below(MOST)?;
        let outputs = (0..count)
            .map(|_| self.below(tensors))
            .collect::<Option<Vec<_>>>()?;
        let count = self.below(MOST)?;
        let mut shapes = vec![[0; 3]; tensors];
        *shapes.first_mut()? = input;
        let operators = (0..count)
            .map(|_| self.operator(&mut shapes))
            .collect::<Option<Vec<_>>>()?;
        Some(Network {
            input,
            tensors,
            outputs,
            operators,
        })
    }

    fn operator(&mut self, shapes: &mut [[usize; 3]]) -> Option<Operator> {
        let kind = self.number()?;
        let a = self.below(shapes.len())?;
        let b = self.below(shapes.len())?;
        let out = self.below(shapes.len())?;
        let mut sizes = [0; 5];
        for size in &mut sizes {
            *size = self.below(LARGEST).filter(|&size| size > 0)?;
        }
        let [height, width, channels, rows, columns] = sizes;
        let stride = self.below(LARGEST)?;
        let padding = [self.below(LARGEST)?, self.below(LARGEST)?];
        let slopes = self.below(LARGEST)?;
        let (from, out_shape) = (shapes[a][2], [height, width, channels]);
        let taps = rows * columns;
        let kind = match kind {
            0 => Kind::Convolution(self.weights(channels, taps * from)?, self.halves(channels)?),
            1 if from == channels => {
                Kind::Depthwise(self.halves(taps * channels)?, self.halves(channels)?)
            }
            2 if from == channels => Kind::MaxPool,
            3 if from <= channels && shapes[b] == out_shape => Kind::Add(b),
            4 if shapes[a] == out_shape => Kind::HardSwish,
            5 if out_shape == [1, 1, from] => Kind::Mean,
            6 if shapes[a] == out_shape => Kind::Logistic,
            7 if shapes[a] == out_shape && shapes[b] == [1, 1, from] => Kind::Scale(b),
            8 if out_shape == [2 * shapes[a][0], 2 * shapes[a][1], from] => Kind::Double,
            9 if taps == 4 && out_shape[..2] == [2 * shapes[a][0], 2 * shapes[a][1]] => {
                Kind::Spread(self.weights(channels, taps * from)?, self.halves(channels)?)
            }
            _ => return None,
        };
        let slopes = match slopes {
            0 => Vec::new(),
            _ if slopes == channels => self.halves(slopes)?,
            _ => return None,
        };
        shapes[out] = out_shape;
        Some(Operator {
            kind,
            a,
            out,
            shape: out_shape,
            kernel: [rows, columns],
            stride,
            padding,
            slopes,
        })
    }
}

/// IEEE 754 binary16 to binary32; weights are finite.
fn from_half(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let exponent = u32::from(half >> 10 & 0x1f);
    let fraction = u32::from(half & 0x3ff);
    if exponent == 0 {
        // Subnormal: a multiple of 2^-24.
        let value = fraction as f32 / 16_777_216.0;
        return if sign == 0 { value } else { -value };
    }
    f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13)
}
