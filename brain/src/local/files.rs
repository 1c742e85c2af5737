//! The models of a local brain: which there are, where they lie, whether they are whole.

use std::path::{Path, PathBuf};

use essence::{Error, ErrorKind, Result};

use super::settings::LocalSettings;

/// Something that a local brain needs a model for, or does better with one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// Tells voices from noise.
    Listen,
    /// Tells by the sound of its end whether a turn is over.
    Turn,
    /// Turns speech into words.
    Hear,
    /// Finds the words of a reply.
    Think,
    /// Turns words into speech.
    Speak,
}

/// A file of the default models, as it can be fetched.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ModelFile {
    /// The file's place in the folder of models, with `/`.
    pub path: &'static str,
    /// The part of the address behind the hub's.
    pub address: &'static str,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: &'static str,
}

/// The default model of a part.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DefaultModel {
    /// The part that it is for.
    pub part: Part,
    /// Its name.
    pub name: &'static str,
    /// Its licence.
    pub licence: &'static str,
    /// Its files.
    pub files: &'static [ModelFile],
}

/// The state of a part's files.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Found {
    /// All of it, at this path.
    Present(PathBuf),
    /// A file of it has another size than it should have, or makes no sense; the reason.
    Damaged(PathBuf, String),
    /// Some of its files, or a download that broke off.
    Partial(PathBuf),
    /// Nothing is needed: the program does without.
    BuiltIn,
    /// Nothing, at this path.
    Missing(PathBuf),
    /// A program that is installed does it.
    Program(PathBuf),
}

macro_rules! file {
    ($path:expr, $address:expr, $size:literal, $sha256:literal) => {
        ModelFile {
            path: $path,
            address: $address,
            size: $size,
            sha256: $sha256,
        }
    };
}

macro_rules! supertonic {
    ($($file:literal, $size:literal, $sha256:literal;)*) => {
        &[$(file!(
            concat!("supertonic-3/", $file),
            concat!("Supertone/supertonic-3/resolve/724fb5abbf5502583fb520898d45929e62f02c0b/", $file),
            $size,
            $sha256
        )),*]
    };
}

/// The models that are fetched where none is named, 860 to 970 MB.
pub const DEFAULT_MODELS: [DefaultModel; 3] = [
    DefaultModel {
        part: Part::Hear,
        name: "Whisper tiny.en",
        licence: "MIT",
        files: &[file!(
            "ggml-tiny.en.bin",
            "ggerganov/whisper.cpp/resolve/main/ggml-tiny.en.bin",
            77_704_715,
            "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f"
        )],
    },
    DefaultModel {
        part: Part::Think,
        name: "Qwen2.5-0.5B-Instruct Q4_K_M",
        licence: "Apache-2.0",
        files: &[file!(
            "qwen2.5-0.5b-instruct-q4_k_m.gguf",
            "Qwen/Qwen2.5-0.5B-Instruct-GGUF/resolve/main/qwen2.5-0.5b-instruct-q4_k_m.gguf",
            491_400_032,
            "74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db"
        )],
    },
    DefaultModel {
        part: Part::Speak,
        name: "Supertonic 3",
        licence: "OpenRAIL-M (restricts uses; read supertonic-3/LICENSE)",
        files: supertonic! {
            "LICENSE", 15_007, "0d944a9110fed9a9602d60e0423a272903e7bd21ab060490774efc77c2275e9f";
            "onnx/duration_predictor.onnx", 3_700_147, "c3eb91414d5ff8a7a239b7fe9e34e7e2bf8a8140d8375ffb14718b1c639325db";
            "onnx/text_encoder.onnx", 36_416_150, "c7befd5ea8c3119769e8a6c1486c4edc6a3bc8365c67621c881bbb774b9902ff";
            "onnx/vector_estimator.onnx", 256_534_781, "883ac868ea0275ef0e991524dc64f16b3c0376efd7c320af6b53f5b780d7c61c";
            "onnx/vocoder.onnx", 101_424_195, "085de76dd8e8d5836d6ca66826601f615939218f90e519f70ee8a36ed2a4c4ba";
            "onnx/tts.json", 8_253, "42078d3aef1cd43ab43021f3c54f47d2d75ceb4e75f627f118890128b06a0d09";
            "onnx/unicode_indexer.json", 277_676, "9bf7346e43883a81f8645c81224f786d43c5b57f3641f6e7671a7d6c493cb24f";
            "voice_styles/F1.json", 292_046, "bbdec6ee00231c2c742ad05483df5334cab3b52fda3ba38e6a07059c4563dbc2";
            "voice_styles/F2.json", 292_423, "7c722c6a72707b1a77f035d67f0d1351ba187738e06f7683e8c72b1df3477fc6";
            "voice_styles/F3.json", 290_794, "12f6ef2573baa2defa1128069cb59f203e3ab67c92af77b42df8a0e3a2f7c6ab";
            "voice_styles/F4.json", 291_808, "c2fa764c1225a76dfc3e2c73e8aa4f70d9ee48793860eb34c295fff01c2e032b";
            "voice_styles/F5.json", 291_479, "45966e73316415626cf41a7d1c6f3b4c70dbc1ba2bee5c1978ef0ce33244fc8d";
            "voice_styles/M1.json", 291_748, "e35604687f5d23694b8e91593a93eec0e4eca6c0b02bb8ed69139ab2ea6b0a5b";
            "voice_styles/M2.json", 292_055, "b76cbf62bac707c710cf0ae5aba5e31eea1a6339a9734bfae33ab98499534a50";
            "voice_styles/M3.json", 290_198, "ea1ac35ccb91b0d7ecad533a2fbd0eec10c91513d8951e3b25fbba99954e159b";
            "voice_styles/M4.json", 291_522, "ca8eefad4fcd989c9379032ff3e50738adc547eeb5e221b82593a6d7b3bac303";
            "voice_styles/M5.json", 291_469, "dd22b92740314321f8ae11c5e87f8dd60d060f15dd3a632b5adf77f471f77af2";
        },
    },
];

/// Silero's network, as its packages name it.
const SILERO: &str = "silero_vad.onnx";

/// The beginning of the smart-turn networks' names, which end with a version.
const SMART_TURN: &str = "smart-turn-";

/// The voice that is chosen, by what its files are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum VoiceModel {
    Supertonic(PathBuf),
    Kokoro(PathBuf),
    Piper(PathBuf),
}

/// The file of Whisper for a setting: a path, or a name such as `tiny.en`.
pub(super) fn whisper(settings: &LocalSettings) -> PathBuf {
    match &settings.whisper {
        Some(name) if is_name(name) => settings.models.join(format!("ggml-{name}.bin")),
        Some(path) => PathBuf::from(path),
        None => settings.models.join(DEFAULT_MODELS[0].files[0].path),
    }
}

/// The language model: the one that is named, the default one, or the only one in the folder.
pub(super) fn language_model(settings: &LocalSettings) -> PathBuf {
    if let Some(path) = &settings.llm {
        return path.clone();
    }
    let default = settings.models.join(DEFAULT_MODELS[1].files[0].path);
    if default.exists() {
        return default;
    }
    only(&settings.models, "gguf").unwrap_or(default)
}

/// The network of a part that may be without one: the one that is named, or that is in the folder of models.
pub(super) fn optional(settings: &LocalSettings, part: Part) -> Option<PathBuf> {
    match part {
        Part::Listen => settings.vad.clone().or_else(|| {
            let path = settings.models.join(SILERO);
            path.exists().then_some(path)
        }),
        Part::Turn => settings.turn.clone().or_else(|| {
            // The latest, by their names.
            let named = |path: &PathBuf| {
                let name = path.file_name().and_then(|name| name.to_str());
                name.is_some_and(|name| name.starts_with(SMART_TURN))
            };
            files_in(&settings.models, "onnx").filter(named).max()
        }),
        _ => None,
    }
}

/// The voice: the one that is named, or the first kind that is in the folder.
pub(super) fn voice(settings: &LocalSettings) -> Option<VoiceModel> {
    let models = &settings.models;
    let supertonic = |folder: &Path| folder.join("onnx/tts.json").is_file();
    let kokoro = |folder: &Path| folder.join("vocab.json").is_file();
    if let Some(path) = &settings.tts {
        return Some(match () {
            () if supertonic(path) => VoiceModel::Supertonic(path.clone()),
            () if kokoro(path) => VoiceModel::Kokoro(path.clone()),
            () => VoiceModel::Piper(path.clone()),
        });
    }
    for name in ["supertonic-3", "supertonic-2", "supertonic"] {
        let folder = models.join(name);
        if supertonic(&folder) {
            return Some(VoiceModel::Supertonic(folder));
        }
    }
    if let Some(path) = only(&models.join("piper"), "onnx") {
        return Some(VoiceModel::Piper(path));
    }
    let folder = models.join("kokoro");
    kokoro(&folder).then_some(VoiceModel::Kokoro(folder))
}

/// The network of a folder with one.
pub(super) fn network_in(folder: &Path) -> Result<PathBuf> {
    only(folder, "onnx").ok_or_else(|| {
        let message = format!("{} has to hold one network (.onnx)", folder.display());
        Error::new(ErrorKind::NotFound, message)
    })
}

/// The only file of a kind in a folder.
fn only(folder: &Path, extension: &str) -> Option<PathBuf> {
    let mut files = files_in(folder, extension);
    let found = files.next()?;
    files.next().is_none().then_some(found)
}

/// The files of a kind in a folder, in no order.
fn files_in(folder: &Path, extension: &str) -> impl Iterator<Item = PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .map(|entry| entry.path())
        .filter(move |path| path.extension().is_some_and(|found| found == extension))
        .filter(|path| path.is_file())
}

/// Whether a setting of Whisper is a name instead of a path.
fn is_name(text: &str) -> bool {
    !text.ends_with(".bin")
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// The state of a part's files, without loading them.
pub(super) fn find(settings: &LocalSettings, part: Part) -> Found {
    let files = || {
        let models = DEFAULT_MODELS.iter();
        models
            .filter(|model| model.part == part)
            .flat_map(|model| model.files)
    };
    let checked = |path: PathBuf, check: fn(&Path) -> Result<()>| {
        if !path.exists() {
            let begun = files().any(|file| {
                settings.models.join(file.path) == path && partial(&path, file).exists()
            });
            return match begun {
                true => Found::Partial(path),
                false => Found::Missing(path),
            };
        }
        match check(&path) {
            Ok(()) => Found::Present(path),
            Err(error) => Found::Damaged(path, error.message().to_owned()),
        }
    };
    match part {
        Part::Hear => checked(whisper(settings), super::ggml::check),
        Part::Think => checked(language_model(settings), super::gguf::check),
        Part::Speak => speak(settings, files()),
        Part::Listen | Part::Turn => match optional(settings, part) {
            Some(path) if path.is_file() => Found::Present(path),
            Some(path) => Found::Missing(path),
            None => Found::BuiltIn,
        },
    }
}

fn speak<'a>(settings: &LocalSettings, files: impl Iterator<Item = &'a ModelFile>) -> Found {
    let pinned = settings.models.join("supertonic-3");
    let path = match voice(settings) {
        Some(VoiceModel::Piper(path)) if !path.exists() => return Found::Missing(path),
        Some(VoiceModel::Piper(path) | VoiceModel::Kokoro(path)) => return Found::Present(path),
        Some(VoiceModel::Supertonic(path)) if path != pinned => return Found::Present(path),
        Some(VoiceModel::Supertonic(path)) => path,
        None => {
            let begun = pinned.exists();
            return match crate::SpeechProgram::find() {
                _ if begun => Found::Partial(pinned),
                Some(program) => Found::Program(program.path().to_owned()),
                None => Found::Missing(pinned),
            };
        }
    };
    for file in files {
        let at = settings.models.join(file.path);
        match std::fs::metadata(&at) {
            Ok(metadata) if metadata.len() == file.size => {}
            Ok(metadata) => {
                let reason = format!("it has {} bytes of {}", metadata.len(), file.size);
                return Found::Damaged(at, reason);
            }
            Err(_) => return Found::Partial(path),
        }
    }
    Found::Present(path)
}

/// The file that a download of `path` grows in.
pub fn partial(path: &Path, file: &ModelFile) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.{}.part", &file.sha256[..16]))
}
