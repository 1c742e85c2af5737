//! Convolutions of bytes, channels last, to bytes.
//!
//! The picture lies with a border in memory, so that the taps of a kernel's row are one piece of memory:
//! `width * channels` bytes from the pixel's first tap on. Nothing is gathered (im2col is implicit): a
//! tile's pixels are read where they lie, four bytes at a time, each spread over a vector and multiplied
//! with `LANES` outputs' weights, which were packed in just this order. The input's zero point is 0.

use super::simd::{Simd, Work, floats, integers};

/// Weights and what turns sums into levels.
#[derive(Debug)]
pub(in crate::infer::builtin) struct Conv {
    /// Taps: rows, columns.
    pub(in crate::infer::builtin) kernel: [usize; 2],
    pub(in crate::infer::builtin) channels: usize,
    pub(in crate::infer::builtin) outputs: usize,
    /// Vectors of outputs in a tile.
    vectors: usize,
    most_rows: usize,
    lanes: usize,
    /// `[outputs / (vectors * LANES)][kernel rows][kernel columns * channels / 4][vectors][LANES][4]`
    weights: Vec<i8>,
    bias: Vec<i32>,
    scale: Vec<f32>,
    zero: i32,
}

/// As it stands in the file.
pub(in crate::infer::builtin) struct Loose<'a> {
    pub(in crate::infer::builtin) kernel: [usize; 2],
    pub(in crate::infer::builtin) channels: usize,
    /// `[outputs, channels, rows, columns]`
    pub(in crate::infer::builtin) weights: &'a [i8],
    pub(in crate::infer::builtin) bias: &'a [i32],
    pub(in crate::infer::builtin) scale: Vec<f32>,
    pub(in crate::infer::builtin) zero: u8,
    /// Outputs are `groups` parts, and a tile is of one.
    pub(in crate::infer::builtin) groups: usize,
    /// Pixels in a row.
    pub(in crate::infer::builtin) width: usize,
}

impl Conv {
    /// None where no kernel fits the numbers of channels, where weights have more than 7 bits, or where
    /// a level could leave the numbers of 30 bits before it is clipped.
    pub(in crate::infer::builtin) fn pack<S: Simd>(loose: &Loose<'_>) -> Option<Self> {
        let [rows, columns] = loose.kernel;
        let (channels, outputs) = (loose.channels, loose.bias.len());
        let depth = rows * columns * channels;
        let group = loose.groups * S::LANES;
        let fits = loose.weights.len() == outputs * depth
            && loose.scale.len() == outputs
            && channels.is_multiple_of(4)
            && outputs.is_multiple_of(group);
        if !fits || !loose.weights.iter().all(|x| (-64..=63).contains(x)) {
            return None;
        }
        let most = depth as f32 * 255.0 * 64.0;
        let levels = loose.bias.iter().zip(&loose.scale);
        let mut levels = levels.map(|(&bias, scale)| (bias.unsigned_abs() as f32 + most) * scale);
        if !levels.all(|level| level < 1e9) {
            return None;
        }
        let vectors = best::<S>(outputs / group, loose.width)?;
        let moved = |(bias, weights): (&i32, &[i8])| {
            bias + S::MOVED * weights.iter().map(|&x| i32::from(x)).sum::<i32>()
        };
        let mut weights = Vec::with_capacity(loose.weights.len());
        for block in 0..outputs / (vectors * S::LANES) {
            for row in 0..rows {
                for quad in 0..columns * channels / 4 {
                    for output in block * vectors * S::LANES..(block + 1) * vectors * S::LANES {
                        for tap in 4 * quad..4 * quad + 4 {
                            let (column, channel) = (tap / channels, tap % channels);
                            let at = (output * channels + channel) * rows + row;
                            weights.push(loose.weights[at * columns + column]);
                        }
                    }
                }
            }
        }
        Some(Self {
            kernel: loose.kernel,
            channels,
            outputs,
            vectors,
            most_rows: S::ROWS[vectors - 1],
            lanes: S::LANES,
            weights,
            bias: loose
                .bias
                .iter()
                .zip(loose.weights.chunks(depth))
                .map(moved)
                .collect(),
            scale: loose.scale.clone(),
            zero: loose.zero.into(),
        })
    }

    /// Blocks of channels that are made together.
    pub(in crate::infer::builtin) fn blocks(&self) -> usize {
        self.outputs / (self.vectors * self.lanes)
    }

    /// A block's levels for a row of `width` pixels, the first of which has its first tap at `from`;
    /// rows of the picture are `stride` bytes apart. They go to `to` and on, pixels `pitch` bytes apart.
    ///
    /// # Safety
    /// As for [`Simd`]; `S` is that of [`Self::pack`].
    #[inline(always)]
    pub(in crate::infer::builtin) unsafe fn row<S: Simd>(
        &self,
        block: usize,
        from: *const u8,
        stride: usize,
        width: usize,
        to: *mut u8,
        pitch: usize,
    ) {
        let tiles = width.div_ceil(self.most_rows);
        let (size, larger) = (width / tiles, width % tiles);
        let first = block * self.vectors * S::LANES;
        let mut pixel = 0;
        for tile in 0..tiles {
            let rows = size + usize::from(tile < larger);
            unsafe {
                let place = Place {
                    conv: self,
                    from: from.add(pixel * self.channels),
                    stride,
                    first,
                    to: to.add(pixel * pitch),
                    pitch,
                };
                match self.vectors {
                    1 => place.rows::<S, 1>(rows),
                    2 => place.rows::<S, 2>(rows),
                    3 => place.rows::<S, 3>(rows),
                    4 => place.rows::<S, 4>(rows),
                    _ => place.rows::<S, 5>(rows),
                }
            }
            pixel += rows;
        }
    }
}

/// How many vectors of outputs a tile best has: products take half a cycle, loads too, and a tile's sums
/// must outlast a product's latency.
fn best<S: Simd>(vectors: usize, width: usize) -> Option<usize> {
    let cost = |c: usize| {
        let most = S::ROWS[c - 1];
        let (tiles, mut cost) = (width.div_ceil(most), 0);
        for tile in 0..tiles {
            let rows = width / tiles + usize::from(tile < width % tiles);
            cost += (rows * c).max(rows + c).max(10) * 8 + (rows + c);
        }
        cost * (vectors / c)
    };
    (1..=5)
        .filter(|&c| S::ROWS[c - 1] > 0 && vectors.is_multiple_of(c))
        .min_by_key(|&c| cost(c))
}

struct Place<'a> {
    conv: &'a Conv,
    from: *const u8,
    stride: usize,
    /// The output that the tile begins with.
    first: usize,
    to: *mut u8,
    pitch: usize,
}

impl Place<'_> {
    #[inline(always)]
    unsafe fn rows<S: Simd, const C: usize>(&self, rows: usize) {
        macro_rules! tiles {
            ($($rows:literal)*) => {
                match rows {
                    $($rows if const { $rows <= S::ROWS[C - 1] } => unsafe {
                        self.store::<S, $rows, C>(self.tile::<S, $rows, C>());
                    })*
                    _ => {}
                }
            };
        }
        tiles!(1 2 3 4 5 6 7 8 9);
    }

    /// The sums of `R` pixels and `C` vectors of outputs.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const C: usize>(&self) -> [[S::I; C]; R] {
        let conv = self.conv;
        let (pitch, quads) = (conv.channels, conv.kernel[1] * conv.channels / 4);
        unsafe {
            let mut weights = conv
                .weights
                .as_ptr()
                .add(self.first * conv.kernel[0] * conv.kernel[1] * conv.channels);
            let bias = integers::<S, C>(conv.bias.as_ptr().add(self.first));
            let mut sums = [bias; R];
            for row in 0..conv.kernel[0] {
                let mut from = self.from.add(row * self.stride);
                for _ in 0..quads {
                    let taps = integers::<S, C>(weights.cast());
                    for (r, sums) in sums.iter_mut().enumerate() {
                        let pixel = S::spread(from.add(r * pitch));
                        for c in 0..C {
                            sums[c] = S::dot(sums[c], pixel, taps[c]);
                        }
                    }
                    from = from.add(4);
                    weights = weights.add(C * S::LANES * 4);
                }
            }
            sums
        }
    }

    /// `round(sum * scale) + zero`, four vectors at a time where they are neighbours: narrowing takes least then.
    #[inline(always)]
    unsafe fn store<S: Simd, const R: usize, const C: usize>(&self, sums: [[S::I; C]; R]) {
        let one_piece = self.pitch == C * S::LANES;
        unsafe {
            let scale = floats::<S, C>(self.conv.scale.as_ptr().add(self.first));
            let zero = S::splat(self.conv.zero);
            let mut levels = sums;
            for levels in &mut levels {
                for c in 0..C {
                    levels[c] = S::add(S::round(S::multiply(S::float(levels[c]), scale[c])), zero);
                }
            }
            let levels = levels.as_flattened();
            let mut v = 0;
            while v < R * C {
                let (r, c) = (v / C, v % C);
                let to = self.to.add(r * self.pitch + c * S::LANES);
                if c + 4 <= C || one_piece && v + 4 <= R * C {
                    S::store_four([levels[v], levels[v + 1], levels[v + 2], levels[v + 3]], to);
                    v += 4;
                } else {
                    S::store_bytes(levels[v], to);
                    v += 1;
                }
            }
        }
    }
}

/// Twice the size: a convolution of 2 x 2 that makes a square of two for each place between pixels.
pub(in crate::infer::builtin) struct Enlarge<'a> {
    pub(in crate::infer::builtin) conv: &'a Conv,
    pub(in crate::infer::builtin) side: usize,
    /// The picture with its border, and the one of twice the size with its border; further ones lie
    /// `item` bytes behind.
    pub(in crate::infer::builtin) from: *const u8,
    pub(in crate::infer::builtin) to: *mut u8,
    pub(in crate::infer::builtin) items: usize,
    pub(in crate::infer::builtin) item: usize,
}

impl Work for Enlarge<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (conv, side) = (self.conv, self.side);
        let (stride, depth) = ((side + 2) * conv.channels, conv.outputs / 4);
        let line = (2 * side + 2) * depth;
        // Blocks outermost, so that a block's weights stay in the nearest cache.
        for block in 0..conv.blocks() {
            // The upper pixels of the squares, then the lower ones: two pixels are one piece of memory.
            let half = block / (conv.blocks() / 2);
            for item in 0..self.items {
                for place in 1 - half..side + 1 - half {
                    unsafe {
                        let from = self.from.add(item * self.item + place * stride);
                        let to = self.to.add(item * self.item + (2 * place + half) * line);
                        let shift = (block * conv.vectors * S::LANES) % (2 * depth);
                        conv.row::<S>(block, from, stride, side + 1, to.add(shift), 2 * depth);
                    }
                }
            }
        }
        // Half squares at both ends lie on the border.
        for item in 0..self.items {
            for row in 1..=2 * side {
                unsafe {
                    let row = self.to.add(item * self.item + row * line);
                    row.write_bytes(0, depth);
                    row.add(line - depth).write_bytes(0, depth);
                }
            }
        }
    }
}
