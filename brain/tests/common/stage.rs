//! Stand-ins for a local brain: a fake library in C, and models that have a head alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use essence_brain::{Local, LocalSettings};

/// The place of the fakes, and a folder of models that have a head alone.
pub(crate) struct Stage {
    pub(crate) folder: tempfile::TempDir,
    /// None where there is no C compiler.
    pub(crate) library: Option<PathBuf>,
}

pub(crate) static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ggml-tiny.en.bin"), whisper()).expect("it is written");
    std::fs::write(folder.path().join("model.gguf"), gguf(64)).expect("it is written");
    let library = fake(folder.path(), "fake", &[]);
    Stage { folder, library }
});

/// Compiles the fake library; None without a compiler, which is said.
pub(crate) fn fake(folder: &Path, name: &str, options: &[&str]) -> Option<PathBuf> {
    let library = folder.join(format!("{name}.so"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/local/fake.c");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-Wall", "-Werror"])
        .args(options)
        .args([Path::new("-o"), &library, &source])
        .status()
        .ok()?;
    assert!(status.success(), "{}", source.display());
    Some(library)
}

pub(crate) fn toy_voice() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/voices/supertonic-2")
}

/// Settings on the fakes; None where there is no compiler to make them.
pub(crate) fn settings() -> Option<LocalSettings> {
    let mut settings = LocalSettings::new(STAGE.folder.path());
    settings.library = Some(STAGE.library.clone()?);
    settings.tts = Some(toy_voice());
    settings.instructions = "Be kind.".to_owned();
    Some(settings)
}

pub(crate) fn opened() -> Option<Local> {
    Some(Local::open(settings()?).expect("it opens"))
}

/// A model of whisper.cpp's: a head, and tensors of one number each.
pub(crate) fn whisper() -> Vec<u8> {
    let sizes = [51_864, 1_500, 64, 1, 1, 448, 64, 1, 1, 80, 1];
    let mut file = 0x6767_6d6cu32.to_le_bytes().to_vec();
    for size in sizes.into_iter().chain([80, 201]) {
        file.extend(u32::to_le_bytes(size));
    }
    file.resize(file.len() + 80 * 201 * 4, 0);
    for number in [1u32, 3] {
        file.extend(number.to_le_bytes());
    }
    file.extend(b"the");
    for _ in 0..15 + 24 + 11 {
        for number in [1u32, 4, 0, 1] {
            file.extend(number.to_le_bytes());
        }
        file.extend(b"name");
        file.extend([0; 4]);
    }
    file
}

/// A GGUF with a tensor of `count` floats.
pub(crate) fn gguf(count: u64) -> Vec<u8> {
    let text = |file: &mut Vec<u8>, text: &str| {
        file.extend((text.len() as u64).to_le_bytes());
        file.extend(text.as_bytes());
    };
    let mut file = b"GGUF".to_vec();
    file.extend(3u32.to_le_bytes());
    for number in [1u64, 3] {
        file.extend(number.to_le_bytes());
    }
    text(&mut file, "general.architecture");
    file.extend(8u32.to_le_bytes());
    text(&mut file, "llama");
    text(&mut file, "tokenizer.chat_template");
    file.extend(8u32.to_le_bytes());
    text(&mut file, "calls functions by <tool_call>");
    text(&mut file, "tokenizer.ggml.tokens");
    file.extend(9u32.to_le_bytes());
    file.extend(8u32.to_le_bytes());
    file.extend(2u64.to_le_bytes());
    text(&mut file, "a");
    text(&mut file, "b");
    text(&mut file, "weight");
    file.extend(1u32.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend(0u32.to_le_bytes());
    file.extend(0u64.to_le_bytes());
    file.resize(file.len().next_multiple_of(32) + 4 * count as usize, 0);
    file
}
