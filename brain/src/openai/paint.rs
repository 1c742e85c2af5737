//! Pictures by `POST /images/generations`, in base64 inside the answer.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use essence::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{OpenAi, unexpected};
use crate::cancel::Cancel;
use crate::paint::{Paint, Shape};

/// Most bytes of an answer: a picture of 1536 × 1024 pixels as a PNG, in base64, and plenty.
const MAX_ANSWER_BYTES: u64 = 32 << 20;

impl Paint for OpenAi {
    fn paint(&self, prompt: &str, shape: Shape, cancel: &Cancel) -> Result<Vec<u8>> {
        let model = self.settings.image_model.as_str();
        let size = match (shape, model) {
            (Shape::Square, _) => "1024x1024",
            (Shape::Landscape, "dall-e-3") => "1792x1024",
            (Shape::Portrait, "dall-e-3") => "1024x1792",
            (Shape::Landscape, _) => "1536x1024",
            (Shape::Portrait, _) => "1024x1536",
        };
        let mut request = json!({ "prompt": prompt, "n": 1, "size": size });
        if !model.is_empty() {
            request["model"] = model.into();
        }
        // These give nothing else, and refuse to be asked.
        if !model.starts_with("gpt-image") {
            request["response_format"] = "b64_json".into();
        }
        let (_, answer) = self.http.post_json("/images/generations", &request)?;
        if cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "stopped"));
        }
        let mut text = Vec::new();
        answer
            .take(MAX_ANSWER_BYTES)
            .read_to_end(&mut text)
            .map_err(|e| Error::new(ErrorKind::Io, "the picture broke off").with_source(e))?;
        let answer: Value = serde_json::from_slice(&text).map_err(|_| unexpected("no JSON"))?;
        let picture = answer["data"][0]["b64_json"]
            .as_str()
            .ok_or_else(|| unexpected("no picture in base64"))?;
        let picture = STANDARD.decode(picture);
        picture.map_err(|_| unexpected("a picture that is no base64"))
    }
}
