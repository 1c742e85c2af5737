//! `libbithuman_brain`: whisper.cpp and llama.cpp in one library, built once and kept; and the tests
//! that want it or real weights.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};
use xshell::{Shell, cmd};

use crate::{bindings, models, root, runtime};

/// Files that decide the library's code, beside the machine.
const SOURCES: [&str; 5] = [
    "CMakeLists.txt",
    "Cargo.lock",
    "brain.cpp",
    "brain.h",
    "exports.map",
];

/// The functions that the library may export, and no others.
const PREFIX: &str = "bithuman_brain_";

/// The library, built unless it is there.
///
/// # Errors
/// cmake or a C++ compiler is missing, or the build fails.
pub(crate) fn library(sh: &Shell) -> Result<PathBuf> {
    let folder = root().join("target/brain");
    let library = folder.join(file_name());
    let key_file = folder.join("key");
    let key = key(sh)?;
    if library.is_file() && sh.read_file(&key_file).is_ok_and(|kept| kept == key) {
        return Ok(library);
    }
    if cmd!(sh, "cmake --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_err()
    {
        bail!(
            "libbithuman_brain needs cmake: install it (`apt install cmake`, `pip install cmake`)"
        );
    }
    let (llama, whisper) = sources(sh)?;
    sh.create_dir(&folder)?;
    let build = folder.join("build");
    let llama = format!("-DBRAIN_LLAMA={}", llama.display());
    let whisper = format!("-DBRAIN_WHISPER={}", whisper.display());
    let native = root().join("brain/native");
    cmd!(
        sh,
        "cmake -S {native} -B {build} -DCMAKE_BUILD_TYPE=Release -Wno-dev {llama} {whisper}"
    )
    .quiet()
    .ignore_stdout()
    .run()?;
    let jobs = std::thread::available_parallelism().map_or(1, Into::into);
    let jobs = format!("-j{jobs}");
    cmd!(
        sh,
        "cmake --build {build} --config Release --target bithuman_brain {jobs}"
    )
    .run()?;
    let built = [
        build.join(file_name()),
        build.join("Release").join(file_name()),
    ]
    .into_iter()
    .find(|path| path.is_file())
    .context("cmake built no library")?;
    // Renamed, so that a process that has the old one mapped keeps it.
    let part = library.with_extension("part");
    sh.copy_file(&built, &part)?;
    std::fs::rename(&part, &library)?;
    check_exports(sh, &library)?;
    sh.write_file(&key_file, key)?;
    Ok(library)
}

/// The library for packages, if this machine has built it or can.
pub(crate) fn for_packages(sh: &Shell) -> Result<Option<PathBuf>> {
    let cmake = cmd!(sh, "cmake --version").quiet().ignore_stdout();
    match cmake.ignore_stderr().run() {
        Ok(()) => library(sh).map(Some),
        Err(_) => {
            println!("no cmake: the packages hold no libbithuman_brain");
            Ok(None)
        }
    }
}

/// The library as a wheel, in `folder`.
pub(crate) fn wheel(sh: &Shell, library: &Path, folder: &Path) -> Result<()> {
    let python = runtime::python()?;
    let version = env!("CARGO_PKG_VERSION");
    cmd!(
        sh,
        "{python} packaging/brain/wheel.py {library} {version} {folder}"
    )
    .run()?;
    Ok(())
}

/// The tests that want the library and real weights: hearing, thinking and speaking, each for itself
/// and as a conversation.
pub(crate) fn test(sh: &Shell) -> Result<()> {
    let _environment = environment(sh)?;
    let server = LlamaServer::start(sh)?;
    let _server = sh.push_env("BRAIN_LLAMA_SERVER", &server.address);
    cmd!(
        sh,
        "cargo test --locked --workspace --test weights -- --ignored --nocapture --test-threads 1"
    )
    .run()?;
    Ok(())
}

/// llama.cpp's own server of `OpenAI`'s interface; it ends when it is dropped.
struct LlamaServer {
    address: String,
    child: Child,
}

impl LlamaServer {
    fn start(sh: &Shell) -> Result<Self> {
        let python = bindings::ready(sh, "llama", &[], |python| {
            cmd!(
                sh,
                "{python} -m pip install --quiet --disable-pip-version-check xllamacpp==2026.10.11549"
            )
            .run()?;
            Ok(())
        })?;
        let model = models::ensure(sh)?.join("SmolLM2-135M-Instruct.Q4_1.gguf");
        let mut child = Command::new(python)
            .arg(root().join("xtask/llama_server.py"))
            .arg(model)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("the server has an output")?;
        let mut server = Self {
            address: String::new(),
            child,
        };
        // Its address, when it serves.
        BufReader::new(output).read_line(&mut server.address)?;
        server.address = server.address.trim().to_owned();
        ensure!(
            server.address.starts_with("http"),
            "llama.cpp's server says {:?}",
            server.address
        );
        Ok(server)
    }
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Time and memory by part, as docs/local.md tells it.
pub(crate) fn figures(sh: &Shell) -> Result<()> {
    let _environment = environment(sh)?;
    // As users have it: in the development build, what tells voices from noise isn't optimised.
    cmd!(
        sh,
        "cargo build --release --locked --package essence-brain --example local_figures"
    )
    .run()?;
    let program = root().join("target/release/examples/local_figures");
    cmd!(sh, "{program}").run()?;
    println!("\nrandom twins of the default models, with the real Whisper:");
    let (models, voice) = twins(sh)?;
    let _models = sh.push_env("BITHUMAN_MODELS", models);
    let _voice = sh.push_env("BITHUMAN_LOCAL_TTS", voice);
    let question = root().join("testdata/audio/speech_16000.wav");
    cmd!(sh, "{program} {question}").run()?;
    Ok(())
}

/// A folder of models with the shapes and sizes of the default ones, and the voice among them.
fn twins(sh: &Shell) -> Result<(PathBuf, PathBuf)> {
    let folder = root().join("target/twins");
    let voice = folder.join("voice");
    if !voice.is_dir() {
        let python = bindings::ready(sh, "twins", &[], |python| {
            let packages = ["numpy", "onnx"];
            cmd!(
                sh,
                "{python} -m pip install --quiet --disable-pip-version-check {packages...}"
            )
            .run()?;
            Ok(())
        })?;
        let toy = root().join("testdata/voices/supertonic-2");
        let part = folder.with_extension("part");
        sh.remove_path(&part)?;
        cmd!(sh, "{python} xtask/twins.py {toy} {part}").run()?;
        sh.copy_file(models::ensure(sh)?.join("ggml-tiny.en.bin"), &part)?;
        std::fs::rename(&part, &folder)?;
    }
    Ok((folder, voice))
}

/// The variables that name the library, the weights and ONNX Runtime.
fn environment(sh: &Shell) -> Result<[xshell::PushEnv<'_>; 3]> {
    let library = library(sh)?;
    let models = models::ensure(sh)?;
    let runtime = runtime::ensure(sh)?;
    Ok([
        sh.push_env("BITHUMAN_BRAIN_LIBRARY", library),
        sh.push_env("BITHUMAN_MODELS", models),
        sh.push_env("ORT_DYLIB_PATH", runtime),
    ])
}

fn file_name() -> String {
    format!("{DLL_PREFIX}bithuman_brain{DLL_SUFFIX}")
}

/// Changes with the sources, their versions and the compiler.
fn key(sh: &Shell) -> Result<String> {
    let mut hash = Sha256::new();
    for name in SOURCES {
        hash.update(sh.read_binary_file(root().join("brain/native").join(name))?);
    }
    let compiler = cmd!(sh, "c++ --version").quiet().ignore_stderr().read();
    hash.update(compiler.unwrap_or_default());
    let digest = hash.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The folders of llama.cpp and whisper.cpp, which cargo downloads as parts of two crates.
fn sources(sh: &Shell) -> Result<(PathBuf, PathBuf)> {
    let manifest = root().join("brain/native/Cargo.toml");
    let metadata = cmd!(
        sh,
        "cargo metadata --format-version 1 --locked --manifest-path {manifest}"
    )
    .quiet()
    .read()?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let folder = |name: &str, inside: &str| -> Result<PathBuf> {
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let path = packages
            .filter(|package| package["name"] == name)
            .find_map(|package| package["manifest_path"].as_str())
            .with_context(|| format!("cargo tells no folder of {name}"))?;
        Ok(PathBuf::from(path).with_file_name(inside))
    };
    Ok((
        folder("llama-cpp-sys-2", "llama.cpp")?,
        folder("whisper-rs-sys", "whisper.cpp")?,
    ))
}

/// Refuses a library that shows more than its interface: a process may hold another ggml.
fn check_exports(sh: &Shell, library: &PathBuf) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let Ok(symbols) = cmd!(sh, "nm --dynamic --defined-only {library}")
        .quiet()
        .read()
    else {
        return Ok(());
    };
    let names = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    let foreign: Vec<_> = names.filter(|name| !name.starts_with(PREFIX)).collect();
    if !foreign.is_empty() {
        bail!("{} exports {}", library.display(), foreign.join(", "));
    }
    Ok(())
}
