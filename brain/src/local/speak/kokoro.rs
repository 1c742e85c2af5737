//! Kokoro: phonemes as its makers write them, a voice's style, sound out.

use std::collections::HashMap;
use std::path::Path;

use essence::onnx::{ForeignNetwork, Input};
use essence::{Error, ErrorKind, Result};
use serde::Deserialize;

use super::phonemes::Phonemes;
use super::voice::{Voice, json, stopping, within};
use crate::cancel::Cancel;

const RATE_HZ: u32 = 24_000;

/// Most phonemes of a piece; a voice has a style for each number of them.
const MAX_PHONEMES: usize = 510;

/// Numbers of a style.
const STYLE: usize = 256;

/// A voice of Kokoro.
#[derive(Debug)]
pub(crate) struct Kokoro {
    network: ForeignNetwork,
    phonemes: Phonemes,
    ids: HashMap<String, i64>,
    styles: Vec<f32>,
    speed: f32,
}

#[derive(Deserialize)]
struct Vocabulary {
    vocab: HashMap<String, i64>,
}

impl Kokoro {
    /// Opens the network of a folder with `vocab.json` and `voices/NAME.bin`.
    pub(crate) fn open(
        library: Option<&Path>,
        folder: &Path,
        network: &Path,
        voice: Option<&str>,
        threads: usize,
        speed: f32,
    ) -> Result<Self> {
        let voice = voice.unwrap_or("af_heart");
        if !voice
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            let message = format!("{voice:?} is no name of a voice, such as af_heart");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let vocabulary: Vocabulary = json(&folder.join("vocab.json"))?;
        let path = folder.join("voices").join(format!("{voice}.bin"));
        let bytes = std::fs::read(&path).map_err(|e| {
            let message = format!("{}: no such voice", path.display());
            Error::new(ErrorKind::NotFound, message).with_source(e)
        })?;
        if bytes.len() != MAX_PHONEMES * STYLE * 4 {
            let message = format!(
                "{} is damaged or of another kind; fetch it again",
                path.display()
            );
            return Err(Error::new(ErrorKind::UnsupportedFormat, message));
        }
        let styles = bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let language = match voice.as_bytes().first() {
            Some(b'b') => "en-gb",
            Some(b'e') => "es",
            Some(b'f') => "fr-fr",
            Some(b'h') => "hi",
            Some(b'i') => "it",
            Some(b'p') => "pt-br",
            _ => "en-us",
        };
        Ok(Self {
            network: ForeignNetwork::open(library, network, threads)?,
            phonemes: Phonemes::find(language)?,
            ids: vocabulary.vocab,
            styles: styles.collect(),
            speed,
        })
    }
}

impl Voice for Kokoro {
    fn sound(&mut self, text: &str, cancel: &Cancel) -> Result<(u32, Vec<f32>)> {
        let phonemes = rewritten(&self.phonemes.of(text, cancel)?);
        let known = phonemes
            .chars()
            .filter_map(|c| self.ids.get(c.encode_utf8(&mut [0; 4]) as &str).copied());
        let mut ids = vec![0];
        ids.extend(known.take(MAX_PHONEMES - 1));
        let row = (ids.len() - 1).min(MAX_PHONEMES - 1);
        ids.push(0);
        let style = &self.styles[row * STYLE..(row + 1) * STYLE];
        // Exports differ in this name.
        let tokens = match self.network.has_input("tokens") {
            true => "tokens",
            false => "input_ids",
        };
        let shape = [1, ids.len()];
        let speed = [self.speed];
        let inputs = [
            (tokens, Input::I64(&shape, &ids)),
            ("style", Input::F32(&[1, STYLE], style)),
            ("speed", Input::F32(&[1], &speed)),
        ];
        let output = match tokens {
            "tokens" => "audio",
            _ => "waveform",
        };
        let (stop, _guard) = stopping(&self.network, cancel)?;
        let (_, samples) = self.network.run(&inputs, output, &stop)?;
        Ok((RATE_HZ, within(samples)))
    }
}

/// espeak-ng's English phonemes as Kokoro learnt them: one letter for a diphthong or an affricate, no
/// marks of length.
fn rewritten(ipa: &str) -> String {
    const PAIRS: [(&str, &str); 22] = [
        ("aɪ", "I"),
        ("aʊ", "W"),
        ("dʒ", "ʤ"),
        ("eɪ", "A"),
        ("tʃ", "ʧ"),
        ("ɔɪ", "Y"),
        ("oʊ", "O"),
        ("əʊ", "Q"),
        ("əl", "ᵊl"),
        ("ɜːɹ", "ɜɹ"),
        ("ɜː", "ɜɹ"),
        ("ɪə", "iə"),
        ("ɚ", "əɹ"),
        ("ɐ", "ə"),
        ("ɾ", "T"),
        ("ʔ", "t"),
        ("r", "ɹ"),
        ("x", "k"),
        ("e", "A"),
        ("ː", ""),
        ("\u{329}", ""),
        ("\u{303}", ""),
    ];
    let mut text = ipa.to_owned();
    for (from, to) in PAIRS {
        text = text.replace(from, to);
    }
    text
}
