//! Every instruction set against plain Rust, on random shapes and numbers.

use super::*;
use crate::infer::builtin::values::Data;

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn float(&mut self) -> f32 {
        self.next() as f32 / (1u64 << 30) as f32 - 1.0
    }

    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }
}

/// A test's result at each level of this processor, the plain one's first.
fn all<T>(make: impl Fn(Level) -> Option<T>) -> Vec<(Level, T)> {
    let made = Level::all().map(|level| make(level).map(|made| (level, made)));
    made.flatten().collect()
}

fn same<T: PartialEq + std::fmt::Debug>(made: &[(Level, T)], what: &str) {
    let [(_, plain), others @ ..] = made else {
        panic!("{what}: the plain kernel takes all");
    };
    for (level, other) in others {
        assert!(other == plain, "{what} on {level:?}");
    }
}

#[test]
fn dense_layers_are_the_same_to_the_bit() {
    let mut random = Random(1);
    for round in 0..60 {
        let (inputs, outputs) = (1 + random.below(70), 1 + random.below(150));
        let items = 1 + random.below(4);
        let numbers = random.floats(inputs * outputs);
        let weights = match round % 2 {
            0 => Data::F32(numbers),
            _ => Data::F16(
                numbers
                    .iter()
                    .map(|x| 0x3000 | (x.to_bits() >> 13) as u16 & 0x8FFF)
                    .collect(),
            ),
        };
        let bias = random.floats(outputs);
        let padded = outputs.next_multiple_of(16);
        let from = random.floats(items * inputs.next_multiple_of(padded));
        let item = 4 * inputs.next_multiple_of(padded);
        let made = all(|level| {
            let mut to = vec![0.0f32; items * item / 4];
            on!(level, S => {
                let dense = Dense::pack::<S>(inputs, &weights, round % 3 == 0, bias.clone(), round % 5 == 0)?;
                let product = Product { dense: &dense, from: from.as_ptr(), to: to.as_mut_ptr(), items, item };
                unsafe { S::enter(product) };
            });
            let rows = to.chunks(item / 4).map(|row| row[..outputs].to_vec());
            Some(rows.collect::<Vec<_>>())
        });
        same(&made, &format!("{inputs} to {outputs}, {items} items"));
    }
}

#[test]
fn rows_are_the_same_to_a_rounding() {
    let mut random = Random(2);
    for _ in 0..20 {
        let (steps, width, outputs) = (3 + random.below(20), 1 + random.below(300), 48);
        let (count, apart) = (1 + random.below(3), 1 + random.below(3));
        let last = steps.saturating_sub((count - 1) * apart).max(1);
        if (count - 1) * apart >= steps {
            continue;
        }
        let rows: Vec<usize> = (0..1 + random.below(20))
            .map(|_| random.below(last) * width)
            .collect();
        let pieces = match apart {
            1 => [1, count * width, 0],
            _ => [count, width, apart * width],
        };
        let weights = random.floats(outputs * count * width);
        let bias = random.floats(outputs);
        let items = 1 + random.below(4);
        let length = (steps * width).max(rows.len() * outputs);
        let from = random.floats(items * length);
        let made = all(|level| {
            let mut to = vec![0.0f32; items * length];
            on!(level, S => {
                let layer = Rows::pack::<S>(rows.clone(), pieces, &weights, bias.clone())?;
                let multiply = Multiply { layer: &layer, from: from.as_ptr(), to: to.as_mut_ptr(), items, item: 4 * length };
                unsafe { S::enter(multiply) };
            });
            Some(to)
        });
        let plain = &made[0].1;
        for (level, other) in &made[1..] {
            let apart = plain.iter().zip(other).map(|(a, b)| (a - b).abs());
            let worst = apart.fold(0.0, f32::max);
            assert!(worst < 2e-4, "{width} wide on {level:?}: {worst}");
        }
        // From AVX2 on they are the same to the bit.
        let fused: Vec<_> = made
            .into_iter()
            .filter(|(level, _)| level.is_fast())
            .collect();
        if !fused.is_empty() {
            same(&fused, &format!("{width} wide"));
        }
    }
}

#[test]
fn energies_are_the_same_to_the_bit_and_right() {
    let mut random = Random(3);
    for rows in 1..6 {
        let length = WIDTH * (1 + random.below(6));
        let from: Vec<f32> = random
            .floats(rows * length)
            .iter()
            .map(|x| 20.0 * x)
            .collect();
        let made = all(|level| {
            let mut to = vec![0.0f32; rows];
            on!(level, S => unsafe {
                S::enter(Energies { from: from.as_ptr(), rows, length, to: to.as_mut_ptr() });
            });
            Some(to)
        });
        same(&made, "energies");
        for (row, made) in from.chunks(length).zip(&made[0].1) {
            let exact = row.iter().map(|&x| f64::from(x).exp()).sum::<f64>() / length as f64;
            assert!(
                (f64::from(*made) / exact - 1.0).abs() < 1e-6,
                "{made} for {exact}"
            );
        }
    }
}

/// A convolution's numbers.
fn loose<'a>(
    random: &mut Random,
    kernel: [usize; 2],
    [channels, outputs]: [usize; 2],
    buffers: &'a mut (Vec<i8>, Vec<i32>),
) -> Loose<'a> {
    let depth = kernel[0] * kernel[1] * channels;
    buffers.0 = (0..outputs * depth)
        .map(|_| random.below(128) as i8 - 64)
        .collect();
    buffers.1 = (0..outputs)
        .map(|_| random.below(20_000) as i32 - 10_000)
        .collect();
    Loose {
        kernel,
        channels,
        weights: &buffers.0,
        bias: &buffers.1,
        scale: (0..outputs)
            .map(|_| 0.002 * (1.1 + random.float()))
            .collect(),
        zero: random.below(200) as u8,
        groups: if kernel == [2, 2] { 2 } else { 1 },
        width: 1,
    }
}

#[test]
fn enlargements_are_the_same_to_the_byte() {
    let mut random = Random(4);
    for round in 0..12 {
        let (side, channels, outputs) = (
            2 + random.below(9),
            4 * (1 + random.below(9)),
            32 * (1 + random.below(5)),
        );
        let mut buffers = Default::default();
        let mut loose = loose(&mut random, [2, 2], [channels, outputs], &mut buffers);
        loose.width = side + 1;
        let items = 1 + round % 3;
        let sizes = [
            (side + 2).pow(2) * channels,
            (2 * side + 2).pow(2) * outputs / 4,
        ];
        let item = sizes[0].max(sizes[1]);
        let mut from = vec![0u8; items * item];
        for pixels in from.chunks_mut(item) {
            for y in 1..=side {
                let row = (y * (side + 2) + 1) * channels;
                pixels[row..row + side * channels].fill_with(|| random.below(256) as u8);
            }
        }
        let made = all(|level| {
            let mut to = vec![0u8; items * item];
            on!(level, S => {
                let conv = Conv::pack::<S>(&loose)?;
                if !conv.blocks().is_multiple_of(2) {
                    return None;
                }
                let enlarge = Enlarge { conv: &conv, side, from: from.as_ptr(), to: to.as_mut_ptr(), items, item };
                unsafe { S::enter(enlarge) };
            });
            Some(to)
        });
        same(&made, &format!("{side} × {side}, {channels} to {outputs}"));
    }
}

#[test]
fn blocks_are_the_same_to_the_byte() {
    let mut random = Random(5);
    for round in 0..8 {
        let (side, channels, outputs) = (4 * (1 + random.below(6)), 4 * (1 + random.below(8)), 48);
        let mut buffers = Default::default();
        let mut loose = loose(&mut random, [3, 3], [channels, outputs], &mut buffers);
        loose.width = side;
        let (items, count, pixels) = (1 + round % 3, 1 + round % 5, side * side * outputs);
        let item = ((side + 2).pow(2) * channels).max(pixels).max(64);
        let from: Vec<u8> = (0..items * item).map(|_| random.below(256) as u8).collect();
        let textures = Textures {
            count,
            pixels,
            moving: (0..count * pixels).map(|_| random.next() as i8).collect(),
            still: (0..pixels)
                .map(|_| 0x2C00 | random.below(0x0C00) as u16)
                .collect(),
            scale: 0.0078,
            zero: 64,
            ratios: [0.97, 1.99],
            fixed: -250.0,
        };
        let weights: Vec<f32> = (0..items * item / 4)
            .map(|_| 0.01 * random.float())
            .collect();
        let made = all(|level| {
            let (mut to, mut row) = (vec![0u8; items * item], vec![0u8; side * outputs]);
            on!(level, S => {
                if !(side * outputs).is_multiple_of(4 * S::LANES) {
                    return None;
                }
                let conv = Conv::pack::<S>(&loose)?;
                let finish = Finish {
                    conv: &conv,
                    textures: &textures,
                    side,
                    from: from.as_ptr(),
                    weights: weights.as_ptr(),
                    row: row.as_mut_ptr(),
                    to: to.as_mut_ptr(),
                    items,
                    item,
                };
                unsafe { S::enter(finish) };
            });
            Some(to)
        });
        same(
            &made,
            &format!("{side} × {side}, {channels} channels, {count} textures"),
        );
        let levels = &made[0].1;
        assert!(
            levels.iter().any(|&x| x > 0 && x < 255),
            "levels between the ends"
        );
    }
}
