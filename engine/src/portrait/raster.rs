//! Planes of numbers, and what is done with their pixels: morphology, and painting over holes.

/// One number a pixel, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<f32>,
}

impl Plane {
    /// A plane of `value(x, y)`.
    pub(crate) fn new(width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let values = (0..width * height).map(|i| value(i % width, i / width));
        Self {
            width,
            height,
            values: values.collect(),
        }
    }

    pub(crate) fn at(&self, [x, y]: [usize; 2]) -> f32 {
        self.values[y * self.width + x]
    }

    /// The value at a place in pixels, whose middles lie at a half: bilinear, its edge going on.
    pub(crate) fn sample(&self, [x, y]: [f32; 2]) -> f32 {
        let x = (x - 0.5).clamp(0.0, (self.width - 1) as f32);
        let y = (y - 0.5).clamp(0.0, (self.height - 1) as f32);
        let (i, j) = (x as usize, y as usize);
        let (p, q) = (x - i as f32, y - j as f32);
        let (right, below) = ((i + 1).min(self.width - 1), (j + 1).min(self.height - 1));
        (1.0 - q) * ((1.0 - p) * self.at([i, j]) + p * self.at([right, j]))
            + q * ((1.0 - p) * self.at([i, below]) + p * self.at([right, below]))
    }

    fn map(&self, to: impl Fn(f32) -> f32) -> Self {
        Self {
            values: self.values.iter().map(|&value| to(value)).collect(),
            ..*self
        }
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a - b);
        Self {
            values: values.collect(),
            ..*self
        }
    }

    /// The largest value within `reach` pixels, along rows and columns.
    pub(crate) fn largest(&self, reach: usize) -> Self {
        let mut out = self.clone();
        for row in out.values.chunks_exact_mut(self.width) {
            let line = row.to_vec();
            running_max(&line, reach, |x, value| row[x] = value);
        }
        for x in 0..self.width {
            let line: Vec<f32> = out.values[x..]
                .iter()
                .step_by(self.width)
                .copied()
                .collect();
            running_max(&line, reach, |y, value| {
                out.values[y * self.width + x] = value;
            });
        }
        out
    }

    /// Morphological closing: dark things thinner than twice `reach` take the light around them.
    pub(crate) fn closed(&self, reach: usize) -> Self {
        let negative = self.largest(reach).map(|value| -value);
        negative.largest(reach).map(|value| -value)
    }

    /// The mean within `reach` pixels, along rows and then columns; the edge goes on.
    pub(crate) fn blurred(&self, reach: usize) -> Self {
        let mean = |line: &dyn Fn(usize) -> f32, length: usize, i: usize| {
            let sum: f32 = (i..=i + 2 * reach)
                .map(|k| line(k.saturating_sub(reach).min(length - 1)))
                .sum();
            sum / (2 * reach + 1) as f32
        };
        let rows = Self::new(self.width, self.height, |x, y| {
            mean(&|x| self.at([x, y]), self.width, x)
        });
        Self::new(self.width, self.height, |x, y| {
            mean(&|y| rows.at([x, y]), self.height, y)
        })
    }

    /// The mean of each pixel's neighbourhood of 3 × 3.
    pub(crate) fn smoothed(&self) -> Self {
        Self::new(self.width, self.height, |x, y| {
            let (mut sum, mut count) = (0.0, 0.0);
            for y in y.saturating_sub(1)..(y + 2).min(self.height) {
                for x in x.saturating_sub(1)..(x + 2).min(self.width) {
                    sum += self.at([x, y]);
                    count += 1.0;
                }
            }
            sum / count
        })
    }
}

/// The largest value within `reach` of each place of a line (van Herk, Gil and Werman: three
/// comparisons a value, whatever the reach).
fn running_max(line: &[f32], reach: usize, mut put: impl FnMut(usize, f32)) {
    let block = 2 * reach + 1;
    let length = line.len();
    let padded = |i: usize| {
        let inside = i.checked_sub(reach).filter(|&i| i < length);
        inside.map_or(f32::MIN, |i| line[i])
    };
    let count = (length + 2 * reach).next_multiple_of(block);
    let mut before = vec![f32::MIN; count];
    let mut after = vec![f32::MIN; count];
    for i in 0..count {
        let first = i.is_multiple_of(block);
        before[i] = if first {
            padded(i)
        } else {
            padded(i).max(before[i - 1])
        };
    }
    for i in (0..count).rev() {
        let last = (i + 1).is_multiple_of(block);
        after[i] = if last {
            padded(i)
        } else {
            padded(i).max(after[i + 1])
        };
    }
    for x in 0..length {
        put(x, after[x].max(before[x + 2 * reach]));
    }
}

/// Rounds of smoothing over what was painted, and over what each coarser picture gives it.
const ROUNDS: usize = 30;
const COARSE_ROUNDS: usize = 8;

/// The colours with their `holes` painted over from around them: means of coarser and coarser
/// neighbourhoods, then smoothed.
pub(crate) fn painted_out(colours: &[Plane; 3], holes: &Plane) -> Vec<[u8; 3]> {
    let known = holes.map(|value| if value > 0.0 { 0.0 } else { 1.0 });
    let planes = colours.each_ref().map(|plane| {
        let mut painted = filled(plane, &known, COARSE_ROUNDS);
        for _ in 0..ROUNDS {
            painted = relaxed(&painted, &known);
        }
        painted
    });
    (0..holes.values.len())
        .map(|i| {
            planes
                .each_ref()
                .map(|plane| (plane.values[i] + 0.5).clamp(0.0, 255.0) as u8)
        })
        .collect()
}

/// Values where `known` is 0 from the next coarser picture that knows them, smoothed by `rounds` at each
/// size.
pub(crate) fn filled(plane: &Plane, known: &Plane, rounds: usize) -> Plane {
    if known.values.iter().all(|&known| known > 0.0) || plane.width.min(plane.height) < 2 {
        return plane.clone();
    }
    let (width, height) = (plane.width.div_ceil(2), plane.height.div_ceil(2));
    let sums = |weigh: &dyn Fn(usize) -> f32| {
        Plane::new(width, height, |x, y| {
            let mut sum = 0.0;
            for y in 2 * y..(2 * y + 2).min(plane.height) {
                for x in 2 * x..(2 * x + 2).min(plane.width) {
                    sum += weigh(y * plane.width + x);
                }
            }
            sum
        })
    };
    let weights = sums(&|i| known.values[i]);
    let mut means = sums(&|i| known.values[i] * plane.values[i]);
    for (mean, weight) in means.values.iter_mut().zip(&weights.values) {
        *mean /= weight.max(1e-6);
    }
    let coarse = filled(&means, &weights.map(|weight| weight.min(1.0)), rounds);
    let mut whole = Plane::new(plane.width, plane.height, |x, y| {
        match known.at([x, y]) > 0.0 {
            true => plane.at([x, y]),
            false => coarse.at([x / 2, y / 2]),
        }
    });
    for _ in 0..rounds {
        whole = relaxed(&whole, known);
    }
    whole
}

/// Each unknown value becomes the mean of its four neighbours.
fn relaxed(plane: &Plane, known: &Plane) -> Plane {
    Plane::new(plane.width, plane.height, |x, y| {
        if known.at([x, y]) > 0.0 {
            return plane.at([x, y]);
        }
        let (right, below) = ((x + 1).min(plane.width - 1), (y + 1).min(plane.height - 1));
        let around = [
            [x.saturating_sub(1), y],
            [right, y],
            [x, y.saturating_sub(1)],
            [x, below],
        ];
        around.iter().map(|&at| plane.at(at)).sum::<f32>() / 4.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_within_reach_is_found() {
        let plane = Plane::new(23, 17, |x, y| ((x * 7 + y * 13) % 29) as f32);
        for reach in [1, 3, 8] {
            let largest = plane.largest(reach);
            for y in 0..17usize {
                for x in 0..23usize {
                    let rows = y.saturating_sub(reach)..(y + reach + 1).min(17);
                    let columns = x.saturating_sub(reach)..(x + reach + 1).min(23);
                    let values = rows.flat_map(|y| columns.clone().map(move |x| [x, y]));
                    let most = values.map(|at| plane.at(at)).fold(0.0, f32::max);
                    assert_eq!(largest.at([x, y]), most, "{x}, {y} within {reach}");
                }
            }
        }
    }

    #[test]
    fn a_hole_takes_the_colours_around_it() {
        let ramp = Plane::new(40, 30, |x, _| 3.0 * x as f32);
        let holes = Plane::new(40, 30, |x, y| {
            match (15..20).contains(&x) && (5..25).contains(&y) {
                true => 255.0,
                false => 0.0,
            }
        });
        let damaged = Plane::new(40, 30, |x, y| match holes.at([x, y]) > 0.0 {
            true => 0.0,
            false => ramp.at([x, y]),
        });
        let painted = painted_out(&[damaged.clone(), damaged.clone(), damaged], &holes);
        for (i, [level, ..]) in painted.iter().enumerate() {
            let expected = ramp.values[i];
            assert!(
                (f32::from(*level) - expected).abs() < 4.0,
                "{i}: {level}, {expected}"
            );
        }
    }
}
