//! The picture of an identity network in 8 bits, as the studio writes it: a small picture is quantised
//! and enlarged by convolutions of 2 × 2, whose outputs are squares of pixels; one of 3 × 3 makes
//! blocks, to which textures are added.

#![expect(
    unsafe_code,
    reason = "sizes are compared here, for kernels on pointers"
)]

use std::marker::PhantomData;

use super::{Finder, Found};
use crate::infer::builtin::kernels::{
    Batch, Conv, Enlarge, Finish, Layer, Level, Loose, Quantize, Simd, Textures, on,
};
use crate::infer::builtin::values::Data;
use crate::infer::model::{Node, Operator, TensorId};

/// The graph as the file has it, in no order yet.
struct Decoder {
    /// The convolutions that enlarge, from the first to the last, and the one of 3 × 3.
    enlarge: Vec<Layout>,
    last: Layout,
    textures: Textures,
    /// Sides and channels of the first picture, and how it is quantised.
    side: usize,
    channels: usize,
    scale: f32,
    zero: u8,
}

/// A convolution as it stands in the file.
struct Layout {
    kernel: [usize; 2],
    channels: usize,
    weights: Vec<i8>,
    bias: Vec<i32>,
    scale: Vec<f32>,
    zero: u8,
    groups: usize,
    width: usize,
}

/// The layer whose last node is `index`, a `QLinearAdd`.
pub(super) fn find(level: Level, finder: &mut Finder<'_, '_, '_>, index: usize) -> Option<Found> {
    let add = finder.node(index);
    let mut nodes = vec![index];
    let (at, last) = finder.before(add, 0)?;
    nodes.push(at);
    // Enlargements, from the last to the first.
    let (mut enlarge, mut node) = (Vec::new(), last);
    let (reshape_index, reshape) = loop {
        let (at, before) = finder.before(node, 0)?;
        if !matches!(before.operator, Operator::Slice) {
            break (at, before);
        }
        let (next, squares) = enlargement(finder, before)?;
        nodes.push(at);
        nodes.extend(squares);
        enlarge.push(next);
        node = next;
    };
    enlarge.reverse();
    let (quantize_index, quantize) = finder.before(reshape, 0)?;
    let first = finder.made(reshape);
    let known = matches!(reshape.operator, Operator::Reshape)
        && matches!(quantize.operator, Operator::QuantizeLinear);
    let &[1, side, width, channels] = first else {
        return None;
    };
    if !known || side != width {
        return None;
    }
    nodes.extend([reshape_index, quantize_index]);
    let spread = finder.value(quantize, 0)?;
    let (textures, weights, of_textures) = textures(finder, add)?;
    nodes.extend(of_textures);

    let layouts = enlarge.iter().enumerate();
    let layouts = layouts.map(|(i, node)| layout(finder, node, [2, 2], 2, (side << i) + 1));
    let decoder = Decoder {
        enlarge: layouts.collect::<Option<Vec<_>>>()?,
        last: layout(finder, last, [3, 3], 1, side << enlarge.len())?,
        textures,
        side,
        channels,
        scale: finder.float(quantize, 1)?,
        zero: u8::try_from(*finder.integers(quantize, 2)?.first()?).ok()?,
    };
    // Each convolution takes what the one before makes, and the last one's pixels are the output's.
    let (layer, scratch): (Box<dyn Layer>, Vec<usize>) = on!(level, S => {
        let (packed, scratch) = Packed::<S>::pack(decoder)?;
        (Box::new(packed), scratch)
    });
    Some(Found {
        layer,
        inputs: vec![spread, weights],
        output: add.outputs[0],
        scratch,
        nodes,
    })
}

/// The convolution before a `Slice`, and the nodes between, if they lay its outputs out as squares:
/// `[i, j, (p, q, c)]` as `[2 i + p, 2 j + q, c]`, the outermost rows and columns cut off.
fn enlargement<'g>(
    finder: &mut Finder<'_, 'g, '_>,
    slice: &'g Node,
) -> Option<(&'g Node, [usize; 4])> {
    let (joined_index, joined) = finder.before(slice, 0)?;
    let (turned_index, turned) = finder.before(joined, 0)?;
    let (cut_index, cut) = finder.before(turned, 0)?;
    let (conv_index, conv) = finder.before(cut, 0)?;
    let known = matches!(joined.operator, Operator::Reshape)
        && matches!(&turned.operator, Operator::Transpose { perm } if perm[..] == [0, 1, 3, 2, 4])
        && matches!(cut.operator, Operator::Reshape);
    let &[1, high, wide, outputs] = finder.made(conv) else {
        return None;
    };
    let side = high.checked_sub(1)?;
    let (starts, ends) = (finder.integers(slice, 1)?, finder.integers(slice, 2)?);
    let axes = finder.integers(slice, 3)?;
    let ends: Vec<_> = ends.iter().map(|&x| usize::try_from(x).ok()).collect();
    let fits = known
        && high == wide
        && outputs.is_multiple_of(4)
        && finder.made(cut) == [1, high, wide, 2, outputs / 2]
        && finder.made(joined) == [1, 2 * high, 2 * wide, outputs / 4]
        && finder.made(slice) == [1, 2 * side, 2 * side, outputs / 4]
        && starts == [1, 1]
        && ends == [Some(2 * side + 1); 2]
        && axes == [1, 2];
    let nodes = [joined_index, turned_index, cut_index, conv_index];
    fits.then_some((conv, nodes))
}

/// The textures that are added, the value that weighs them, and the nodes between.
fn textures(
    finder: &mut Finder<'_, '_, '_>,
    add: &Node,
) -> Option<(Textures, TensorId, [usize; 3])> {
    let (blocks_index, blocks) = finder.before(add, 3)?;
    let (levels_index, levels) = finder.before(blocks, 0)?;
    let (sum_index, sum) = finder.before(levels, 0)?;
    let known = matches!(blocks.operator, Operator::Reshape)
        && matches!(levels.operator, Operator::QuantizeLinear)
        && matches!(
            sum.operator,
            Operator::Gemm {
                alpha: 1.0,
                beta: 1.0,
                transpose_a: false,
                transpose_b: false
            }
        );
    let weights = finder.value(sum, 0)?;
    let &[1, count] = finder.tensor(weights).shape.axes() else {
        return None;
    };
    let pixels: usize = finder.made(add).iter().product();
    let (moving, still) = (finder.stored(sum, 1)?, finder.stored(sum, 2)?);
    let (Data::I8(moving), Data::F16(still)) = (&*moving, &*still) else {
        return None;
    };
    let mut scale = |index| finder.float(add, index);
    let (left, right, made) = (scale(1)?, scale(4)?, scale(6)?);
    let mut zero = |index| Some(*finder.integers(add, index)?.first()? as f32);
    let (left_zero, right_zero, made_zero) = (zero(2)?, zero(5)?, zero(7)?);
    let ratios = [left / made, right / made];
    let textures = Textures {
        count,
        pixels,
        moving: moving.clone(),
        still: still.clone(),
        scale: finder.float(levels, 1)?,
        zero: i32::try_from(*finder.integers(levels, 2)?.first()?).ok()?,
        ratios,
        fixed: made_zero - (ratios[0] * left_zero + ratios[1] * right_zero),
    };
    let fits = known
        && finder.made(blocks) == finder.made(add)
        && textures.scale == right
        && textures.moving.len() == count * pixels
        && textures.still.len() == pixels
        // Sums of levels stay far from the end of whole numbers.
        && ratios.iter().all(|ratio| *ratio < 1e6)
        && textures.fixed.abs() < 1e9;
    let nodes = [blocks_index, levels_index, sum_index];
    fits.then_some((textures, weights, nodes))
}

fn layout(
    finder: &mut Finder<'_, '_, '_>,
    node: &Node,
    kernel: [usize; 2],
    groups: usize,
    width: usize,
) -> Option<Layout> {
    let Operator::QLinearConv(window) = &node.operator else {
        return None;
    };
    let weights = finder.stored(node, 3)?;
    let &[outputs, channels, high, wide] = finder.tensor(finder.input(node, 3)?).shape.axes()
    else {
        return None;
    };
    let Data::I8(weights) = &*weights else {
        return None;
    };
    let plain = window.pads == [1; 4]
        && window.strides == [1; 2]
        && window.dilations == [1; 2]
        && window.group == 1
        && [high, wide] == kernel;
    // Borders are zeros.
    let zeros =
        finder.integers(node, 2)? == [0] && finder.integers(node, 5)?.iter().all(|&x| x == 0);
    if !plain || !zeros {
        return None;
    }
    let bias = match finder.input(node, 8) {
        Some(_) => finder.integers(node, 8)?,
        None => vec![0; outputs],
    };
    let (input, output) = (finder.float(node, 1)?, finder.float(node, 6)?);
    let scales = finder.floats(node, 4)?;
    // In this order, as ONNX Runtime multiplies them.
    let scale = |index| Some(input * *scales.get(index).or(scales.first())? / output);
    Some(Layout {
        kernel,
        channels,
        weights: weights.clone(),
        bias: bias
            .into_iter()
            .map(|x| i32::try_from(x).ok())
            .collect::<Option<_>>()?,
        scale: (0..outputs).map(scale).collect::<Option<_>>()?,
        zero: u8::try_from(*finder.integers(node, 7)?.first()?).ok()?,
        groups,
        width,
    })
}

#[derive(Debug)]
struct Packed<S> {
    enlarge: Vec<Conv>,
    last: Conv,
    textures: Textures,
    side: usize,
    channels: usize,
    scale: f32,
    zero: i32,
    simd: PhantomData<S>,
}

impl<S: Simd> Packed<S> {
    /// The layer, and the bytes of its pictures and of a row of blocks; None if layers don't fit each
    /// other or the vectors.
    fn pack(decoder: Decoder) -> Option<(Self, Vec<usize>)> {
        let conv = |layout: &Layout| {
            Conv::pack::<S>(&Loose {
                kernel: layout.kernel,
                channels: layout.channels,
                weights: &layout.weights,
                bias: &layout.bias,
                scale: layout.scale.clone(),
                zero: layout.zero,
                groups: layout.groups,
                width: layout.width,
            })
        };
        let packed = Self {
            enlarge: decoder.enlarge.iter().map(conv).collect::<Option<_>>()?,
            last: conv(&decoder.last)?,
            textures: decoder.textures,
            side: decoder.side,
            channels: decoder.channels,
            scale: decoder.scale,
            zero: decoder.zero.into(),
            simd: PhantomData,
        };
        let (mut side, mut channels) = (packed.side, packed.channels);
        let mut bytes = Vec::new();
        let mut fits = (side * channels).is_multiple_of(S::LANES);
        for conv in &packed.enlarge {
            bytes.push((side + 2).pow(2) * channels);
            fits &= conv.channels == channels && conv.outputs.is_multiple_of(16);
            fits &= conv.blocks().is_multiple_of(2);
            (side, channels) = (2 * side, conv.outputs / 4);
        }
        bytes.push((side + 2).pow(2) * channels);
        let row = side * packed.last.outputs;
        bytes.push(row);
        fits &= packed.last.channels == channels
            && row.is_multiple_of(4 * S::LANES)
            && packed.textures.pixels == side * row;
        fits.then_some((packed, bytes))
    }
}

impl<S: Simd> Layer for Packed<S> {
    fn run(&self, batch: &mut Batch<'_>) {
        let (items, item) = (batch.items, batch.item());
        let spread = batch.input(0, 4 * self.side * self.side * self.channels);
        let weights = batch.input(1, 4 * self.textures.count);
        let mut side = self.side;
        let mut from = batch.input(2, (side + 2).pow(2) * self.channels);
        for index in 0..items {
            let quantize = Quantize {
                from: spread.wrapping_add(index * item).cast::<f32>(),
                to: from.wrapping_add(index * item),
                side,
                channels: self.channels,
                scale: self.scale,
                zero: self.zero,
            };
            // SAFETY: the level was chosen for this processor; both places are as large.
            unsafe { S::enter(quantize) };
        }
        for (index, conv) in self.enlarge.iter().enumerate() {
            let to = batch.input(3 + index, (2 * side + 2).pow(2) * conv.outputs / 4);
            let enlarge = Enlarge {
                conv,
                side,
                from,
                to,
                items,
                item,
            };
            // SAFETY: as above; `pack` has compared the sizes of both pictures.
            unsafe { S::enter(enlarge) };
            (side, from) = (2 * side, to);
        }
        let row = batch.input(3 + self.enlarge.len(), side * self.last.outputs);
        let finish = Finish {
            conv: &self.last,
            textures: &self.textures,
            side,
            from,
            weights: weights.cast::<f32>(),
            row,
            to: batch.output(self.textures.pixels),
            items,
            item,
        };
        // SAFETY: as above.
        unsafe { S::enter(finish) };
    }
}
