//! Piper's voices: phonemes of espeak-ng in, sound out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use essence::onnx::{ForeignNetwork, Input};
use essence::{Error, ErrorKind, Result};
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

use super::phonemes::Phonemes;
use super::voice::{Voice, json, stopping, within};
use crate::cancel::Cancel;

/// Most phonemes of a piece.
const MAX_IDS: usize = 4_000;

/// How many times as long, or as noisy, a voice may make its sound as one without settings.
const MAX_SCALE: f32 = 10.0;

/// A voice of Piper.
#[derive(Debug)]
pub(crate) struct Piper {
    network: ForeignNetwork,
    phonemes: Phonemes,
    ids: HashMap<String, Vec<i64>>,
    rate_hz: u32,
    scales: [f32; 3],
}

#[derive(Deserialize)]
struct Settings {
    audio: Audio,
    espeak: Espeak,
    #[serde(default)]
    inference: Inference,
    phoneme_id_map: HashMap<String, Vec<i64>>,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate: u32,
}

#[derive(Deserialize)]
struct Espeak {
    voice: String,
}

#[derive(Deserialize)]
#[serde(default)]
struct Inference {
    noise_scale: f32,
    length_scale: f32,
    noise_w: f32,
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            noise_scale: 0.667,
            length_scale: 1.0,
            noise_w: 0.8,
        }
    }
}

impl Piper {
    /// Opens `NAME.onnx` with `NAME.onnx.json` beside it.
    pub(crate) fn open(
        library: Option<&Path>,
        path: &Path,
        threads: usize,
        speed: f32,
    ) -> Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".json");
        let beside = PathBuf::from(beside);
        let settings: Settings = json(&beside)?;
        let rate_hz = settings.audio.sample_rate;
        if !(essence::MIN_RATE_HZ..=essence::MAX_RATE_HZ).contains(&rate_hz) {
            let message = format!("{}: {rate_hz} samples a second", beside.display());
            return Err(Error::new(ErrorKind::UnsupportedFormat, message));
        }
        let inference = settings.inference;
        // A network makes as much sound as it is told to.
        let scales = [
            inference.noise_scale,
            inference.length_scale,
            inference.noise_w,
        ];
        if !(0.0..=MAX_SCALE).contains(&scales[0])
            || !(1.0 / MAX_SCALE..=MAX_SCALE).contains(&scales[1])
            || !(0.0..=MAX_SCALE).contains(&scales[2])
        {
            let message = format!("{}: its scales are {scales:?}", beside.display());
            return Err(Error::new(ErrorKind::UnsupportedFormat, message));
        }
        Ok(Self {
            network: ForeignNetwork::open(library, path, threads)?,
            phonemes: Phonemes::find(&settings.espeak.voice)?,
            ids: settings.phoneme_id_map,
            rate_hz,
            scales: [
                inference.noise_scale,
                inference.length_scale / speed,
                inference.noise_w,
            ],
        })
    }

    /// The network's numbers: a blank between any two phonemes, and marks at both ends.
    fn numbers(&self, phonemes: &str) -> Vec<i64> {
        let of = |name: &str| self.ids.get(name).cloned().unwrap_or_default();
        let blank = of("_");
        let mut numbers = of("^");
        for c in phonemes.nfd() {
            let Some(ids) = self.ids.get(c.encode_utf8(&mut [0; 4]) as &str) else {
                continue;
            };
            if numbers.len() > MAX_IDS {
                break;
            }
            numbers.extend(&blank);
            numbers.extend(ids);
        }
        numbers.extend(&blank);
        numbers.extend(of("$"));
        numbers
    }
}

impl Voice for Piper {
    fn sound(&mut self, text: &str, cancel: &Cancel) -> Result<(u32, Vec<f32>)> {
        let phonemes = self.phonemes.of(text, cancel)?;
        let ids = self.numbers(&phonemes);
        let length = [ids.len() as i64];
        let shape = [1, ids.len()];
        let mut inputs = vec![
            ("input", Input::I64(&shape, &ids)),
            ("input_lengths", Input::I64(&[1], &length)),
            ("scales", Input::F32(&[3], &self.scales)),
        ];
        if self.network.has_input("sid") {
            // The first of several speakers.
            inputs.push(("sid", Input::I64(&[1], &[0])));
        }
        let (stop, _guard) = stopping(&self.network, cancel)?;
        let (_, samples) = self.network.run(&inputs, "output", &stop)?;
        Ok((self.rate_hz, within(samples)))
    }
}
