//! Heads of model files: a whole model of its kind, or an error that names the file.
//!
//! The modules are the local brain's own, which are built here without it: its dependencies are many.

use std::path::PathBuf;

#[path = "../../brain/src/local/bytes.rs"]
mod bytes;
#[path = "../../brain/src/local/ggml.rs"]
mod ggml;
#[path = "../../brain/src/local/gguf.rs"]
mod gguf;

/// Bytes of a head of whisper.cpp's before its filters, and of these, which are left out of inputs.
const WHISPER_HEAD: usize = 4 * 14;
const FILTERS: usize = 80 * 201 * 4;

pub(crate) fn run(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else {
        return;
    };
    let path = std::env::temp_dir().join(format!("essence-fuzz-{}", std::process::id()));
    if kind & 1 == 0 {
        write(&path, rest);
        if let Ok(template) = judged(&path, gguf::template(&path)) {
            assert!(
                template.len() <= rest.len() * 3,
                "a template comes from the file"
            );
        }
        assert!(gguf::check(&path).is_ok() == gguf::template(&path).is_ok());
        return;
    }
    let (head, tail) = rest.split_at(WHISPER_HEAD.min(rest.len()));
    write(&path, &[head, &vec![0; FILTERS], tail].concat());
    let _ = judged(&path, ggml::check(&path));
}

fn write(path: &PathBuf, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("there is room for temporary files");
}

fn judged<T>(path: &PathBuf, result: engine::Result<T>) -> engine::Result<T> {
    if let Err(error) = &result {
        let message = error.message();
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(message.contains("pull --local"), "{message}");
    }
    result
}
