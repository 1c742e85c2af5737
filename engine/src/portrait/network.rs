//! A small executor for the face networks: convolutions, depthwise convolutions, pooling and
//! additions in `f32`, one picture at a time.
//!
//! Tensors are `[height, width, channels]`, channels innermost. The file's layout is described in
//! `studio/essence_studio/face/networks.py`; weights are kept as `f32`, with the output channels
//! innermost, so that the compiler vectorises the inner loops.

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
            if let Kind::Add(b) = operator.kind {
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
            let other = match operator.kind {
                Kind::Add(b) => b,
                _ => operator.a,
            };
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

impl Operator {
    fn run(&self, tensors: &[Tensor]) -> Tensor {
        let a = &tensors[self.a];
        let mut out = Tensor {
            shape: self.shape,
            data: vec![0.0; self.shape.iter().product()],
        };
        match &self.kind {
            Kind::Convolution(weights, biases) => self.convolve(a, weights, biases, &mut out),
            Kind::Depthwise(weights, biases) => self.depthwise(a, weights, biases, &mut out),
            Kind::MaxPool => self.max_pool(a, &mut out),
            Kind::Add(b) => add(a, &tensors[*b], &mut out),
        }
        out
    }

    /// Kernel positions that fall inside the input for output pixel (`y`, `x`): the number of the
    /// position and the input pixel.
    fn taps(
        &self,
        [height, width, _]: [usize; 3],
        y: usize,
        x: usize,
    ) -> impl Iterator<Item = (usize, usize)> + '_ {
        let [rows, columns] = self.kernel;
        (0..rows * columns).filter_map(move |tap| {
            let y = (y * self.stride + tap / columns).checked_sub(self.padding[0])?;
            let x = (x * self.stride + tap % columns).checked_sub(self.padding[1])?;
            (y < height && x < width).then_some((tap, y * width + x))
        })
    }

    fn convolve(&self, a: &Tensor, weights: &[f32], biases: &[f32], out: &mut Tensor) {
        let (from, to) = (a.shape[2], self.shape[2]);
        for (pixel, sums) in out.data.chunks_exact_mut(to).enumerate() {
            sums.copy_from_slice(biases);
            for (tap, at) in self.taps(a.shape, pixel / self.shape[1], pixel % self.shape[1]) {
                let values = &a.data[at * from..][..from];
                let rows = weights[tap * from * to..][..from * to].chunks_exact(2 * to);
                let rest = rows.remainder();
                for (pair, row) in values.chunks_exact(2).zip(rows) {
                    let (first, second) = row.split_at(to);
                    for ((sum, w), v) in sums.iter_mut().zip(first).zip(second) {
                        *sum += pair[0] * w + pair[1] * v;
                    }
                }
                if let Some(&value) = values.last().filter(|_| from % 2 == 1) {
                    for (sum, w) in sums.iter_mut().zip(rest) {
                        *sum += value * w;
                    }
                }
            }
        }
    }

    fn depthwise(&self, a: &Tensor, weights: &[f32], biases: &[f32], out: &mut Tensor) {
        let channels = self.shape[2];
        for (pixel, sums) in out.data.chunks_exact_mut(channels).enumerate() {
            sums.copy_from_slice(biases);
            for (tap, at) in self.taps(a.shape, pixel / self.shape[1], pixel % self.shape[1]) {
                let values = &a.data[at * channels..][..channels];
                let row = &weights[tap * channels..][..channels];
                for ((sum, value), w) in sums.iter_mut().zip(values).zip(row) {
                    *sum += value * w;
                }
            }
        }
    }

    fn max_pool(&self, a: &Tensor, out: &mut Tensor) {
        let channels = self.shape[2];
        for (pixel, largest) in out.data.chunks_exact_mut(channels).enumerate() {
            largest.fill(f32::MIN);
            for (_, at) in self.taps(a.shape, pixel / self.shape[1], pixel % self.shape[1]) {
                for (largest, &value) in largest.iter_mut().zip(&a.data[at * channels..]) {
                    *largest = largest.max(value);
                }
            }
        }
    }

    fn activate(&self, out: &mut Tensor) {
        if !self.slopes.is_empty() {
            for pixel in out.data.chunks_exact_mut(self.slopes.len()) {
                for (value, slope) in pixel.iter_mut().zip(&self.slopes) {
                    *value = value.max(0.0) + slope * value.min(0.0);
                }
            }
        }
    }
}

fn add(a: &Tensor, b: &Tensor, out: &mut Tensor) {
    let (some, all) = (a.shape[2], b.shape[2]);
    out.data.copy_from_slice(&b.data);
    for (sums, values) in out
        .data
        .chunks_exact_mut(all)
        .zip(a.data.chunks_exact(some))
    {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
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
        let from = shapes[a][2];
        let taps = rows * columns;
        let kind = match kind {
            0 => {
                // The file has the input's channels innermost.
                let read = self.halves(channels * taps * from)?;
                let mut weights = vec![0.0; read.len()];
                for (at, value) in read.into_iter().enumerate() {
                    let (to, rest) = (at / (taps * from), at % (taps * from));
                    weights[rest * channels + to] = value;
                }
                Kind::Convolution(weights, self.halves(channels)?)
            }
            1 if from == channels => {
                Kind::Depthwise(self.halves(taps * channels)?, self.halves(channels)?)
            }
            2 if from == channels => Kind::MaxPool,
            3 if from <= channels && shapes[b] == [height, width, channels] => Kind::Add(b),
            _ => return None,
        };
        let slopes = match slopes {
            0 => Vec::new(),
            _ if slopes == channels => self.halves(slopes)?,
            _ => return None,
        };
        shapes[out] = [height, width, channels];
        Some(Operator {
            kind,
            a,
            out,
            shape: [height, width, channels],
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
