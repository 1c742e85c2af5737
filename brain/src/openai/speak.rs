//! Speech as raw samples, 24 kHz and 16 bits, as they come.

use std::io::Read as _;

use essence::{Error, ErrorKind, Result};
use serde_json::json;

use super::{OpenAi, unexpected};
use crate::cancel::Cancel;
use crate::responder::Speak;

/// Samples a second of `response_format: pcm`.
const RATE_HZ: u32 = 24_000;

/// Bytes that are read at once: 100 ms.
const BLOCK: usize = RATE_HZ as usize / 10 * 2;

/// Kinds of answers that are no raw samples.
const OTHERS: [&str; 7] = [
    "application/json",
    "audio/aac",
    "audio/flac",
    "audio/mp",
    "audio/ogg",
    "audio/wav",
    "text/",
];

impl Speak for OpenAi {
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        let request = json!({
            "model": self.settings.speech_model,
            "voice": self.settings.voice,
            "input": text,
            "response_format": "pcm",
        });
        let (kind, mut answer) = self.http.post_json("/audio/speech", &request)?;
        if OTHERS.iter().any(|other| kind.starts_with(other)) {
            // It would be noise.
            return Err(unexpected(&format!("it has {kind} instead of raw samples")));
        }
        let mut bytes = vec![0; BLOCK];
        let mut have = 0;
        let mut samples = Vec::with_capacity(BLOCK / 2);
        loop {
            if cancel.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "stopped"));
            }
            let read = answer.read(&mut bytes[have..]);
            let read =
                read.map_err(|e| Error::new(ErrorKind::Io, "the speech broke off").with_source(e))?;
            have += read;
            if have == BLOCK || read == 0 {
                samples.clear();
                // A last byte without its second one is no sample.
                samples.extend(
                    bytes[..have]
                        .chunks_exact(2)
                        .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0),
                );
                sound(RATE_HZ, &samples);
                have = 0;
            }
            if read == 0 {
                return Ok(());
            }
        }
    }
}
