//! The arithmetic of each operator.

use super::{Kind, Operator, Tensor};
use crate::nearest;

impl Operator {
    pub(super) fn run(&self, tensors: &[Tensor]) -> Tensor {
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
            Kind::HardSwish => map(a, &mut out, |v| v * (v + 3.0).clamp(0.0, 6.0) / 6.0),
            Kind::Mean => mean(a, &mut out),
            Kind::Logistic => map(a, &mut out, nearest::logistic),
            Kind::Scale(b) => scale(a, &tensors[*b], &mut out),
            Kind::Double => double(a, &mut out),
            Kind::Spread(weights, biases) => spread(a, weights, biases, &mut out),
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

    pub(super) fn activate(&self, out: &mut Tensor) {
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

fn map(a: &Tensor, out: &mut Tensor, by: impl Fn(f32) -> f32) {
    for (out, &value) in out.data.iter_mut().zip(&a.data) {
        *out = by(value);
    }
}

fn mean(a: &Tensor, out: &mut Tensor) {
    let channels = a.shape[2];
    for pixel in a.data.chunks_exact(channels) {
        for (sum, value) in out.data.iter_mut().zip(pixel) {
            *sum += value;
        }
    }
    let count = (a.data.len() / channels) as f32;
    out.data.iter_mut().for_each(|sum| *sum /= count);
}

fn scale(a: &Tensor, b: &Tensor, out: &mut Tensor) {
    let channels = b.data.len();
    let pixels = a.data.chunks_exact(channels);
    for (out, pixel) in out.data.chunks_exact_mut(channels).zip(pixels) {
        for ((out, value), by) in out.iter_mut().zip(pixel).zip(&b.data) {
            *out = value * by;
        }
    }
}

fn double(a: &Tensor, out: &mut Tensor) {
    let [height, width, channels] = a.shape;
    // The nearer pixel counts three times what its neighbour does.
    let around = |i: usize, size: usize| {
        let near = i / 2;
        let far = if i.is_multiple_of(2) {
            near.saturating_sub(1)
        } else {
            (near + 1).min(size - 1)
        };
        [(near, 0.75), (far, 0.25)]
    };
    for (pixel, sums) in out.data.chunks_exact_mut(channels).enumerate() {
        for (y, down) in around(pixel / (2 * width), height) {
            for (x, across) in around(pixel % (2 * width), width) {
                let values = &a.data[(y * width + x) * channels..][..channels];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += down * across * value;
                }
            }
        }
    }
}

fn spread(a: &Tensor, weights: &[f32], biases: &[f32], out: &mut Tensor) {
    let (width, from, to) = (2 * a.shape[1], a.shape[2], biases.len());
    for (pixel, sums) in out.data.chunks_exact_mut(to).enumerate() {
        let (y, x) = (pixel / width, pixel % width);
        sums.copy_from_slice(biases);
        let values = &a.data[(y / 2 * a.shape[1] + x / 2) * from..][..from];
        let rows = &weights[(2 * (y % 2) + x % 2) * from * to..][..from * to];
        for (value, row) in values.iter().zip(rows.chunks_exact(to)) {
            for (sum, w) in sums.iter_mut().zip(row) {
                *sum += value * w;
            }
        }
    }
}
