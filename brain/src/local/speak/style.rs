//! Styles of Supertonic's voices: a file for each, two tensors inside.

use std::path::Path;

use essence::onnx::Input;
use essence::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

use super::voice::{json, no_voice};

/// How a voice sounds.
#[derive(Debug)]
pub(super) struct Style {
    pub(super) name: String,
    duration: Tensor,
    text: Tensor,
}

#[derive(Debug)]
struct Tensor {
    shape: Vec<usize>,
    values: Vec<f32>,
}

#[derive(Deserialize)]
struct StyleFile {
    style_ttl: StyleTensor,
    style_dp: StyleTensor,
}

#[derive(Deserialize)]
struct StyleTensor {
    data: Value,
    dims: Vec<usize>,
}

impl Style {
    /// The style of a voice; `names` are those that there are.
    pub(super) fn open(folder: &Path, name: &str, names: &[String]) -> Result<Self> {
        if !names.iter().any(|known| known == name) {
            return Err(no_voice(name, names));
        }
        let path = folder.join(format!("{name}.json"));
        let file: StyleFile = json(&path)?;
        let tensor = |tensor: StyleTensor| {
            let mut values = Vec::new();
            flatten(&tensor.data, &mut values);
            let mut axes = tensor.dims.iter();
            let count = axes.try_fold(1usize, |n, &axis| n.checked_mul(axis));
            match tensor.dims.len() == 3 && count == Some(values.len()) {
                true => Ok(Tensor {
                    shape: tensor.dims,
                    values,
                }),
                false => {
                    let message = format!("{} is damaged; fetch it again", path.display());
                    Err(Error::new(ErrorKind::UnsupportedFormat, message))
                }
            }
        };
        Ok(Self {
            duration: tensor(file.style_dp)?,
            text: tensor(file.style_ttl)?,
            name: name.to_owned(),
        })
    }

    /// The input of the network that says how long a text takes.
    pub(super) fn duration(&self) -> Input<'_> {
        Input::F32(&self.duration.shape, &self.duration.values)
    }

    /// The input of those that make its sound.
    pub(super) fn text(&self) -> Input<'_> {
        Input::F32(&self.text.shape, &self.text.values)
    }
}

/// The voices of a folder of styles, in order.
pub(super) fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let name = name.strip_suffix(".json")?;
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            (!name.is_empty() && name.bytes().all(plain)).then(|| name.to_owned())
        })
        .collect();
    names.sort();
    names
}

fn flatten(value: &Value, into: &mut Vec<f32>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flatten(value, into)),
        value => into.extend(value.as_f64().map(|number| number as f32)),
    }
}
