//! Transcription: a WAV file in a form of several parts.

use std::io::Read as _;

use essence::{Error, ErrorKind, Result};
use serde_json::Value;

use super::{OpenAi, unexpected};
use crate::cancel::Cancel;
use crate::responder::Hear;

/// Samples a second of what is heard.
const RATE_HZ: u32 = 16_000;

/// Most bytes of an answer.
const MAX_ANSWER: u64 = 1 << 20;

/// The line between the parts. Samples of 16 bits could hold it by chance once in 2^200.
const BOUNDARY: &str = "essence-c1f0a7e25d1b4d3c9a6e";

impl Hear for OpenAi {
    fn hear(&self, samples: &[f32], _: &Cancel) -> Result<String> {
        let model = &self.settings.transcription_model;
        let mut body = Vec::with_capacity(samples.len() * 2 + 512);
        for (name, value) in [("model", model.as_str()), ("response_format", "json")] {
            body.extend_from_slice(
                format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
            );
        }
        body.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"speech.wav\"\r\n\
                 content-type: audio/wav\r\n\r\n"
            )
            .as_bytes(),
        );
        wav(samples, &mut body);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let (_, answer) = self
            .http
            .post("/audio/transcriptions", &content_type, &body)?;
        let mut text = Vec::new();
        answer
            .take(MAX_ANSWER)
            .read_to_end(&mut text)
            .map_err(|e| Error::new(ErrorKind::Io, "the transcription broke off").with_source(e))?;
        let value: Value =
            serde_json::from_slice(&text).map_err(|_| unexpected("a transcription is not JSON"))?;
        let words = value["text"]
            .as_str()
            .ok_or_else(|| unexpected("a transcription has no text"))?;
        Ok(words.trim().to_owned())
    }
}

/// Appends a WAV file of 16 bits.
fn wav(samples: &[f32], out: &mut Vec<u8>) {
    let bytes = samples.len() as u32 * 2;
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + bytes).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    // PCM, one channel.
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&RATE_HZ.to_le_bytes());
    out.extend_from_slice(&(RATE_HZ * 2).to_le_bytes());
    out.extend_from_slice(&2u16.to_le_bytes());
    out.extend_from_slice(&16u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&bytes.to_le_bytes());
    for sample in samples {
        let value = (sample.clamp(-1.0, 1.0) * 32_767.0) as i16;
        out.extend_from_slice(&value.to_le_bytes());
    }
}
