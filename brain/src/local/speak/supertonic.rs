//! Supertonic 1 to 3: text to sound in four networks, without phonemes.

use std::path::{Path, PathBuf};

use essence::onnx::{ForeignNetwork, Input};
use essence::{Error, ErrorKind, Result};
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

use super::style::{Style, names_in};
use super::voice::{Voice, json, stopping, within};
use crate::cancel::Cancel;

/// Most seconds of a piece.
const MAX_S: f32 = 60.0;

/// Languages that the third version speaks; `na` is for others.
const LANGUAGES: [&str; 31] = [
    "ar", "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hi", "hr", "hu", "id", "it",
    "ja", "ko", "lt", "lv", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "tr", "uk", "vi",
];

/// Settings of a voice.
#[derive(Clone, Debug)]
pub(crate) struct SupertonicSettings {
    /// `M1` to `M5`, `F1` to `F5`.
    pub(crate) voice: String,
    /// Code of the language; empty for the first version, which knows English alone.
    pub(crate) language: String,
    /// Steps from noise to speech: more are better and slower.
    pub(crate) steps: u32,
    pub(crate) speed: f32,
    /// Of the noise.
    pub(crate) seed: u64,
}

/// A voice of Supertonic.
#[derive(Debug)]
pub(crate) struct Supertonic {
    duration: ForeignNetwork,
    encoder: ForeignNetwork,
    estimator: ForeignNetwork,
    vocoder: ForeignNetwork,
    /// The network's number of each character of 16 bits.
    index: Vec<i64>,
    /// The folder with the styles, their names, and the one that speaks.
    styles: PathBuf,
    names: Vec<String>,
    style: Style,
    rate_hz: u32,
    /// Samples of a step of the latent, and its numbers.
    step: usize,
    width: usize,
    settings: SupertonicSettings,
    random: Random,
}

#[derive(Deserialize)]
struct Config {
    ae: Audio,
    ttl: Latent,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate: u32,
    base_chunk_size: usize,
}

#[derive(Deserialize)]
struct Latent {
    chunk_compress_factor: usize,
    latent_dim: usize,
}

impl Supertonic {
    /// Opens a folder with `onnx` and `voice_styles`.
    pub(crate) fn open(
        library: Option<&Path>,
        folder: &Path,
        settings: SupertonicSettings,
        threads: usize,
    ) -> Result<Self> {
        let styles = folder.join("voice_styles");
        let names = names_in(&styles);
        let style = Style::open(&styles, &settings.voice, &names)?;
        let config_file = folder.join("onnx/tts.json");
        let config: Config = json(&config_file)?;
        let step = config
            .ae
            .base_chunk_size
            .saturating_mul(config.ttl.chunk_compress_factor);
        let width = config
            .ttl
            .latent_dim
            .saturating_mul(config.ttl.chunk_compress_factor);
        let rate_hz = config.ae.sample_rate;
        let fits = (1..=1 << 16).contains(&step)
            && (1..=1 << 12).contains(&width)
            && (essence::MIN_RATE_HZ..=essence::MAX_RATE_HZ).contains(&rate_hz);
        if !fits {
            let message = format!("{} is damaged; fetch it again", config_file.display());
            return Err(Error::new(ErrorKind::UnsupportedFormat, message));
        }
        let network = |name: &str| {
            let path: PathBuf = folder.join("onnx").join(name);
            ForeignNetwork::open(library, &path, threads)
        };
        Ok(Self {
            styles,
            names,
            style,
            index: json(&folder.join("onnx/unicode_indexer.json"))?,
            duration: network("duration_predictor.onnx")?,
            encoder: network("text_encoder.onnx")?,
            estimator: network("vector_estimator.onnx")?,
            vocoder: network("vocoder.onnx")?,
            rate_hz,
            step,
            width,
            random: Random(settings.seed),
            settings,
        })
    }

    /// The numbers of a text; characters that the voice doesn't know are left out.
    fn numbers(&self, text: &str) -> Vec<i64> {
        let text = prepared(text, &self.settings.language);
        let known = text
            .chars()
            .filter_map(|c| self.index.get(c as usize).copied());
        known.filter(|&id| id >= 0).collect()
    }
}

impl Voice for Supertonic {
    fn sound(&mut self, text: &str, cancel: &Cancel) -> Result<(u32, Vec<f32>)> {
        let ids = self.numbers(text);
        let count = ids.len();
        if count == 0 {
            return Ok((self.rate_hz, Vec::new()));
        }
        let (stop, _guard) = stopping(&self.duration, cancel)?;
        let text_shape = [1, count];
        let mask = vec![1f32; count];
        let text_ids = ("text_ids", Input::I64(&text_shape, &ids));
        let text_mask_shape = [1, 1, count];
        let text_mask = ("text_mask", Input::F32(&text_mask_shape, &mask));
        let style = ("style_dp", self.style.duration());
        let (_, seconds) = self
            .duration
            .run(&[text_ids, style, text_mask], "duration", &stop)?;
        let seconds = seconds.first().copied().unwrap_or(0.0) / self.settings.speed;
        if !(seconds > 0.0 && seconds <= MAX_S) {
            let message = format!("Supertonic wants {seconds} s for {count} characters");
            return Err(Error::new(ErrorKind::Inference, message));
        }
        let style = ("style_ttl", self.style.text());
        let (text_shape, embedded) =
            self.encoder
                .run(&[text_ids, style, text_mask], "text_emb", &stop)?;
        let samples = (seconds * self.rate_hz as f32) as usize;
        let steps = samples.div_ceil(self.step).max(1);
        let shape = [1, self.width, steps];
        let mask_shape = [1, 1, steps];
        let latent_mask = vec![1f32; steps];
        let mut latent: Vec<f32> = (0..self.width * steps)
            .map(|_| self.random.normal())
            .collect();
        let total = [self.settings.steps as f32];
        for step in 0..self.settings.steps {
            let current = [step as f32];
            let inputs = [
                ("noisy_latent", Input::F32(&shape, &latent)),
                ("text_emb", Input::F32(&text_shape, &embedded)),
                style,
                ("latent_mask", Input::F32(&mask_shape, &latent_mask)),
                text_mask,
                ("current_step", Input::F32(&[1], &current)),
                ("total_step", Input::F32(&[1], &total)),
            ];
            let (_, next) = self.estimator.run(&inputs, "denoised_latent", &stop)?;
            if next.len() != latent.len() {
                let message = format!(
                    "Supertonic gives {} numbers for {}",
                    next.len(),
                    latent.len()
                );
                return Err(Error::new(ErrorKind::Inference, message));
            }
            latent = next;
        }
        let inputs = [("latent", Input::F32(&shape, &latent))];
        let (_, mut sound) = self.vocoder.run(&inputs, "wav_tts", &stop)?;
        sound.truncate(samples);
        Ok((self.rate_hz, within(sound)))
    }

    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn choose(&mut self, name: Option<&str>) -> Result<()> {
        let name = name.unwrap_or(&self.settings.voice);
        if self.style.name != name {
            self.style = Style::open(&self.styles, name, &self.names)?;
        }
        Ok(())
    }
}

/// Text as the networks learnt it: letters decomposed, signs of typography made plain, a stop at the end,
/// and the language around it.
fn prepared(text: &str, language: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.nfkd() {
        match c {
            '–' | '‑' | '—' => plain.push('-'),
            '“' | '”' => plain.push('"'),
            '‘' | '’' | '´' | '`' => plain.push('\''),
            '¯' | '_' | '[' | ']' | '|' | '/' | '#' | '→' | '←' => plain.push(' '),
            '♥' | '☆' | '♡' | '©' | '\\' => {}
            '@' => plain.push_str(" at "),
            c => plain.push(c),
        }
    }
    let plain = plain
        .replace("e.g.,", "for example, ")
        .replace("i.e.,", "that is, ");
    let mut text = String::with_capacity(plain.len());
    for word in plain.split_whitespace() {
        // No space comes before a mark.
        if !text.is_empty() && !word.starts_with([',', '.', '!', '?', ';', ':', '\'']) {
            text.push(' ');
        }
        for c in word.chars() {
            if !(matches!(c, '"' | '\'') && text.ends_with(c)) {
                text.push(c);
            }
        }
    }
    let ends = [
        '.', '!', '?', ';', ':', ',', '\'', '"', ')', ']', '}', '…', '。', '」', '』', '】', '〉',
        '》', '›', '»',
    ];
    if !text.ends_with(ends) {
        text.push('.');
    }
    match language {
        "" => text,
        language if LANGUAGES.contains(&language) => format!("<{language}>{text}</{language}>"),
        _ => format!("<na>{text}</na>"),
    }
}

/// Noise that is the same in every run.
#[derive(Debug)]
struct Random(u64);

impl Random {
    /// A number from 0 to 1, neither included (`SplitMix64`).
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 41) as f32 / (1u32 << 23) as f32 + f32::EPSILON / 2.0
    }

    /// A number of the normal distribution (Box and Muller).
    fn normal(&mut self) -> f32 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f32::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_prepared_as_the_networks_learnt_it() {
        for (text, expected) in [
            ("Hello , world", "<en>Hello, world.</en>"),
            ("“It’s” a–b", "<en>\"It's\" a-b.</en>"),
            (
                "me@home, e.g., here!",
                "<en>me at home, for example, here!</en>",
            ),
            ("ﬁne ''quoted''  a/b", "<en>fine'quoted' a b.</en>"),
        ] {
            assert_eq!(prepared(text, "en"), expected, "{text:?}");
        }
        assert_eq!(prepared("é", ""), "e\u{301}.");
        assert_eq!(prepared("x", "xx"), "<na>x.</na>");
    }

    /// `testdata/voices/official.py` makes it with the makers' code.
    #[derive(Deserialize)]
    struct Official {
        text: String,
        language: String,
        prepared: String,
        samples: Option<usize>,
    }

    #[test]
    fn text_and_length_are_those_of_the_makers_code() {
        let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
        let official: Vec<Official> =
            json(&testdata.join("vectors/supertonic.json")).expect("vectors");
        let settings = SupertonicSettings {
            voice: "F1".to_owned(),
            language: String::new(),
            steps: 2,
            speed: 1.05,
            seed: 1,
        };
        let toy = testdata.join("voices/supertonic-2");
        let mut voice = Supertonic::open(None, &toy, settings, 1).expect("it opens");
        for official in official {
            let (text, language) = (&official.text, &official.language);
            assert_eq!(prepared(text, language), official.prepared, "{text:?}");
            let Some(samples) = official.samples else {
                continue;
            };
            voice.settings.language.clone_from(language);
            let (_, sound) = voice.sound(text, &Cancel::default()).expect("it speaks");
            assert_eq!(sound.len(), samples, "{text:?}");
        }
    }

    #[test]
    fn voices_are_chosen_by_name() {
        let toy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/voices/supertonic-2");
        let settings = SupertonicSettings {
            voice: "F1".to_owned(),
            language: String::new(),
            steps: 1,
            speed: 1.0,
            seed: 1,
        };
        let mut voice = Supertonic::open(None, &toy, settings, 1).expect("it opens");
        assert_eq!(voice.names(), ["F1", "M1"]);
        let mut length = |name| {
            voice.choose(name)?;
            let (_, sound) = voice.sound("Hello there.", &Cancel::default())?;
            Ok::<_, Error>(sound.len())
        };
        let own = length(None).expect("it speaks");
        let other = length(Some("M1")).expect("it speaks");
        assert!(
            other.abs_diff(own + 44_100) <= 1,
            "a second more, as its style says"
        );
        assert_eq!(length(None).expect("it speaks"), own);
        let refused = length(Some("../F1")).expect_err("no such voice");
        assert!(refused.message().contains("there are F1, M1"), "{refused}");
    }

    #[test]
    fn noise_is_normal() {
        let mut random = Random(7);
        let noise: Vec<f32> = (0..50_000).map(|_| random.normal()).collect();
        let mean = noise.iter().sum::<f32>() / noise.len() as f32;
        let power = noise.iter().map(|x| x * x).sum::<f32>() / noise.len() as f32;
        assert!(
            mean.abs() < 0.02 && (power - 1.0).abs() < 0.03,
            "{mean} {power}"
        );
    }
}
