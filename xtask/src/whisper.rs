//! Whisper out of `CTranslate2`'s format into whisper.cpp's.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

/// The first bytes of whisper.cpp's files: "ggml" as a little-endian number.
const MAGIC: i32 = 0x6767_6d6c;

/// Tokens that have a text of their own in English models; what follows has a meaning instead.
const TEXT_TOKENS: usize = 50_257;

/// Values of a filter of the mel spectrogram: half the 400 of a window, and one.
const SPECTRUM: usize = 201;

/// A tensor of `CTranslate2`, in 16 or 32 bits.
struct Tensor {
    shape: Vec<usize>,
    half: bool,
    bytes: Vec<u8>,
}

/// Writes a model of `ct2` with the tokens of its `tokenizer.json`.
///
/// # Errors
/// It is of another kind than a Whisper model in 16 bits.
pub(crate) fn convert(ct2: &[u8], tokenizer: &str) -> Result<Vec<u8>> {
    let tensors = read(ct2)?;
    let of = |name: &str| {
        tensors
            .get(name)
            .with_context(|| format!("no tensor {name}"))
    };
    let layers = |side: &str| {
        (0..)
            .take_while(|i| tensors.contains_key(&format!("{side}/layer_{i}/ffn/layer_norm/gamma")))
            .count()
    };
    let embedding = &of("decoder/embeddings/weight")?.shape;
    let (tokens, state) = (embedding[0], embedding[1]);
    let audio = of("encoder/position_encodings/encodings")?.shape[0];
    let text = of("decoder/position_encodings/encodings")?.shape[0];
    let mels = of("encoder/conv1/weight")?.shape[1];
    let (encoder, decoder) = (layers("encoder"), layers("decoder"));
    let mut out = Writer(Vec::with_capacity(ct2.len() * 11 / 10));
    out.number(MAGIC);
    let heads = state / 64;
    // Tensors of one axis are in 32 bits, others in 16: file type 1.
    for value in [
        tokens, audio, state, heads, encoder, text, state, heads, decoder, mels, 1,
    ] {
        out.count(value)?;
    }
    out.filters(mels)?;
    out.tokens(tokenizer)?;
    out.whole(
        &of,
        "encoder.positional_embedding",
        "encoder/position_encodings/encodings",
    )?;
    for i in 1..=2 {
        out.whole(
            &of,
            &format!("encoder.conv{i}.weight"),
            &format!("encoder/conv{i}/weight"),
        )?;
        let bias = of(&format!("encoder/conv{i}/bias"))?;
        out.tensor(
            &format!("encoder.conv{i}.bias"),
            bias,
            Shape::Column,
            0..usize::MAX,
        )?;
    }
    for i in 0..encoder {
        out.block(
            &of,
            &format!("encoder.blocks.{i}"),
            &format!("encoder/layer_{i}"),
            state,
            false,
        )?;
    }
    out.norm(&of, "encoder.ln_post", "encoder/layer_norm")?;
    out.whole(
        &of,
        "decoder.positional_embedding",
        "decoder/position_encodings/encodings",
    )?;
    out.whole(
        &of,
        "decoder.token_embedding.weight",
        "decoder/embeddings/weight",
    )?;
    for i in 0..decoder {
        out.block(
            &of,
            &format!("decoder.blocks.{i}"),
            &format!("decoder/layer_{i}"),
            state,
            true,
        )?;
    }
    out.norm(&of, "decoder.ln", "decoder/layer_norm")?;
    Ok(out.0)
}

/// The tensors of a `CTranslate2` file: numbers, each name with its length, axes, type and bytes.
fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let mut rest = bytes;
    let mut take = |n: usize| -> Result<&[u8]> {
        let (head, tail) = rest
            .split_at_checked(n)
            .context("the model ends too early")?;
        rest = tail;
        Ok(head)
    };
    macro_rules! number {
        ($type:ty) => {
            <$type>::from_le_bytes(take(size_of::<$type>())?.try_into()?)
        };
    }
    macro_rules! name {
        () => {{
            let length = number!(u16);
            let text = take(usize::from(length))?;
            String::from_utf8_lossy(text)
                .trim_end_matches('\0')
                .to_owned()
        }};
    }
    let version = number!(u32);
    let kind = name!();
    let revision = number!(u32);
    if version != 6 || kind != "WhisperSpec" {
        bail!("a model of {kind}, version {version}, revision {revision}, is not known here");
    }
    let mut tensors = BTreeMap::new();
    for _ in 0..number!(u32) {
        let name = name!();
        let axes = number!(u8);
        let mut shape = Vec::new();
        for _ in 0..axes {
            shape.push(number!(u32) as usize);
        }
        let element = number!(u8);
        let length = number!(u32);
        let bytes = take(length as usize)?.to_vec();
        // 0 and 4 are floats of 32 and 16 bits; the others are settings.
        if element == 0 || element == 4 {
            tensors.insert(
                name,
                Tensor {
                    shape,
                    half: element == 4,
                    bytes,
                },
            );
        }
    }
    Ok(tensors)
}

/// The shape that a tensor gets.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    AsIs,
    /// One axis becomes a column of floats.
    Column,
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, value: i32) {
        self.0.extend(value.to_le_bytes());
    }

    fn count(&mut self, value: usize) -> Result<()> {
        self.number(i32::try_from(value)?);
        Ok(())
    }

    /// The mel filters of Slaney's Auditory Toolbox, at 16 kHz for windows of 400 samples.
    fn filters(&mut self, mels: usize) -> Result<()> {
        let step = 6.4f64.ln() / 27.0;
        let to_hz = |mel: f64| {
            if mel >= 15.0 {
                1_000.0 * (step * (mel - 15.0)).exp()
            } else {
                mel * 200.0 / 3.0
            }
        };
        let top = 15.0 + 8f64.ln() / step;
        let edges: Vec<f64> = (0..mels + 2)
            .map(|i| to_hz(top * i as f64 / (mels + 1) as f64))
            .collect();
        self.count(mels)?;
        self.count(SPECTRUM)?;
        for window in edges.windows(3) {
            let &[low, middle, high] = window else {
                unreachable!("windows of three")
            };
            for i in 0..SPECTRUM {
                let hz = 40.0 * i as f64;
                let up = (hz - low) / (middle - low);
                let down = (high - hz) / (high - middle);
                let value = up.min(down).max(0.0) * 2.0 / (high - low);
                self.0.extend((value as f32).to_le_bytes());
            }
        }
        Ok(())
    }

    /// The bytes of each token, whose text GPT-2 writes with a printable character for each.
    fn tokens(&mut self, tokenizer: &str) -> Result<()> {
        let tokenizer: serde_json::Value = serde_json::from_str(tokenizer)?;
        let vocabulary = tokenizer["model"]["vocab"]
            .as_object()
            .context("no vocabulary")?;
        let mut texts = vec![""; TEXT_TOKENS];
        for (text, id) in vocabulary {
            let id = usize::try_from(id.as_u64().context("a token without a number")?)?;
            if let Some(place) = texts.get_mut(id) {
                *place = text;
            }
        }
        let bytes = byte_characters();
        self.count(TEXT_TOKENS)?;
        for text in texts {
            let mapped: Option<Vec<u8>> = text.chars().map(|c| bytes.get(&c).copied()).collect();
            let token = mapped.unwrap_or_else(|| text.as_bytes().to_vec());
            self.count(token.len())?;
            self.0.extend(token);
        }
        Ok(())
    }

    /// Rows `rows` of a tensor, in 16 bits if it has more than one axis and isn't a column or a position.
    fn tensor(
        &mut self,
        name: &str,
        tensor: &Tensor,
        shape: Shape,
        rows: std::ops::Range<usize>,
    ) -> Result<()> {
        let row = tensor.shape[1..].iter().product::<usize>() * if tensor.half { 2 } else { 4 };
        let rows = rows.start..rows.end.min(tensor.shape[0]);
        let bytes = &tensor.bytes[rows.start * row..rows.end * row];
        let mut axes = tensor.shape.clone();
        axes[0] = rows.len();
        if shape == Shape::Column {
            axes.push(1);
        }
        let single =
            shape == Shape::Column || axes.len() < 2 || name.ends_with("positional_embedding");
        self.count(axes.len())?;
        self.count(name.len())?;
        self.number(i32::from(!single));
        for &axis in axes.iter().rev() {
            self.count(axis)?;
        }
        self.0.extend(name.as_bytes());
        match (tensor.half, single) {
            (true, false) | (false, true) => self.0.extend(bytes),
            (true, true) => {
                for half in bytes.chunks_exact(2) {
                    self.0
                        .extend(wide(u16::from_le_bytes([half[0], half[1]])).to_le_bytes());
                }
            }
            (false, false) => bail!("{name} is in 32 bits; take a model in 16"),
        }
        Ok(())
    }

    fn whole<'a>(
        &mut self,
        of: &impl Fn(&str) -> Result<&'a Tensor>,
        to: &str,
        from: &str,
    ) -> Result<()> {
        self.tensor(to, of(from)?, Shape::AsIs, 0..usize::MAX)
    }

    fn norm<'a>(
        &mut self,
        of: &impl Fn(&str) -> Result<&'a Tensor>,
        to: &str,
        from: &str,
    ) -> Result<()> {
        for (name, part) in [("weight", "gamma"), ("bias", "beta")] {
            let tensor = of(&format!("{from}/{part}"))?;
            self.tensor(&format!("{to}.{name}"), tensor, Shape::AsIs, 0..usize::MAX)?;
        }
        Ok(())
    }

    /// A layer: attention, in the decoder also to what was heard, and two dense layers.
    fn block<'a>(
        &mut self,
        of: &impl Fn(&str) -> Result<&'a Tensor>,
        to: &str,
        from: &str,
        state: usize,
        crossed: bool,
    ) -> Result<()> {
        let all = 0..usize::MAX;
        // Query, key and value lie one after the other in a tensor; keys have no bias.
        let third = |i: usize| i * state..(i + 1) * state;
        let mut put = |name: &str, source: String, rows| {
            self.tensor(&format!("{to}.{name}"), of(&source)?, Shape::AsIs, rows)
        };
        let own = format!("{from}/self_attention");
        for (name, part) in [("weight", "gamma"), ("bias", "beta")] {
            put(
                &format!("attn_ln.{name}"),
                format!("{own}/layer_norm/{part}"),
                all.clone(),
            )?;
        }
        put(
            "attn.query.weight",
            format!("{own}/linear_0/weight"),
            third(0),
        )?;
        put("attn.query.bias", format!("{own}/linear_0/bias"), third(0))?;
        put(
            "attn.key.weight",
            format!("{own}/linear_0/weight"),
            third(1),
        )?;
        put(
            "attn.value.weight",
            format!("{own}/linear_0/weight"),
            third(2),
        )?;
        put("attn.value.bias", format!("{own}/linear_0/bias"), third(2))?;
        put(
            "attn.out.weight",
            format!("{own}/linear_1/weight"),
            all.clone(),
        )?;
        put("attn.out.bias", format!("{own}/linear_1/bias"), all.clone())?;
        if crossed {
            let other = format!("{from}/attention");
            for (name, part) in [("weight", "gamma"), ("bias", "beta")] {
                put(
                    &format!("cross_attn_ln.{name}"),
                    format!("{other}/layer_norm/{part}"),
                    all.clone(),
                )?;
            }
            put(
                "cross_attn.query.weight",
                format!("{other}/linear_0/weight"),
                all.clone(),
            )?;
            put(
                "cross_attn.query.bias",
                format!("{other}/linear_0/bias"),
                all.clone(),
            )?;
            put(
                "cross_attn.key.weight",
                format!("{other}/linear_1/weight"),
                third(0),
            )?;
            put(
                "cross_attn.value.weight",
                format!("{other}/linear_1/weight"),
                third(1),
            )?;
            put(
                "cross_attn.value.bias",
                format!("{other}/linear_1/bias"),
                third(1),
            )?;
            put(
                "cross_attn.out.weight",
                format!("{other}/linear_2/weight"),
                all.clone(),
            )?;
            put(
                "cross_attn.out.bias",
                format!("{other}/linear_2/bias"),
                all.clone(),
            )?;
        }
        for (name, part) in [("weight", "gamma"), ("bias", "beta")] {
            put(
                &format!("mlp_ln.{name}"),
                format!("{from}/ffn/layer_norm/{part}"),
                all.clone(),
            )?;
        }
        for (layer, number) in [("mlp.0", 0), ("mlp.2", 1)] {
            for part in ["weight", "bias"] {
                put(
                    &format!("{layer}.{part}"),
                    format!("{from}/ffn/linear_{number}/{part}"),
                    all.clone(),
                )?;
            }
        }
        Ok(())
    }
}

/// GPT-2's characters for bytes: those that are printable stand for themselves, the others follow
/// from 256 on.
fn byte_characters() -> BTreeMap<char, u8> {
    let printable = |byte: u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut next = 256;
    let mut characters = BTreeMap::new();
    for byte in 0..=255u8 {
        let character = if printable(byte) {
            char::from(byte)
        } else {
            next += 1;
            char::from_u32(next - 1).unwrap_or_default()
        };
        characters.insert(character, byte);
    }
    characters
}

/// A float of 16 bits in 32.
fn wide(half: u16) -> f32 {
    let sign = if half & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(half >> 10 & 0x1f);
    let fraction = f32::from(half & 0x3ff) / 1_024.0;
    sign * match exponent {
        0 => fraction * 2f32.powi(-14),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction) * 2f32.powi(exponent - 15),
    }
}
