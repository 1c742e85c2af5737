//! ONNX Runtime's library: which files are taken for one.
//!
//! One test, since the first library that loads is the process's for good.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use essence::{Engine, Error, ErrorKind};

/// The library that `cargo xtask runtime` brought.
fn library() -> PathBuf {
    std::env::var_os("ORT_DYLIB_PATH").unwrap().into()
}

fn engine(library: &Path) -> Result<Engine, Error> {
    Engine::builder()
        .runtime_library(library.to_owned())
        .build()
}

fn refused(library: &Path, part: &str) {
    let error = engine(library).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RuntimeMissing, "{error}");
    let path = library.display().to_string();
    assert!(error.message().contains(&path), "{path}: {error}");
    assert!(error.message().contains(part), "{part:?}: {error}");
}

#[test]
fn only_a_whole_onnx_runtime_is_loaded_and_by_any_spelling() {
    let folder = std::env::temp_dir().join(format!("essence-runtime-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    refused(&folder.join("nothing.so"), "no such file");
    refused(&folder, "not a file");
    refused(Path::new("/dev/zero"), "not a file");
    cut_off(&folder);
    impostors(&folder);
    spellings(&folder);
    fs::remove_dir_all(folder).unwrap();
}

/// Whatever is missing of it, the library is refused before the system's loader maps it, which would
/// end the process (SIGBUS).
fn cut_off(folder: &Path) {
    let whole = fs::read(library()).unwrap();
    let end = whole.len();
    for length in [0, 3, 40, 63, 64, 700, 4_096, end / 2, end - 100, end - 1] {
        let path = folder.join(format!("cut-{length}.so"));
        fs::write(&path, &whole[..length]).unwrap();
        let elf = cfg!(target_os = "linux") && length >= 40;
        refused(&path, if elf { "cut off" } else { "" });
        fs::remove_file(path).unwrap();
    }
}

/// Libraries with the right name in them that are no ONNX Runtime.
fn impostors(folder: &Path) {
    const SOURCE: &str = r#"
        #[repr(C)]
        pub struct Base(extern "C" fn(u32) -> *const u8, extern "C" fn() -> *const u8);
        extern "C" fn api(_: u32) -> *const u8 { std::ptr::null() }
        extern "C" fn version() -> *const u8 { VERSION }
        static BASE: Base = Base(api, version);
        #[unsafe(no_mangle)]
        pub extern "C" fn OrtGetApiBase() -> *const Base { FOUND }
    "#;
    let null = "std::ptr::null()";
    for (index, (version, found, part)) in [
        (null, null, "OrtGetApiBase gives NULL"),
        (null, "&raw const BASE", "its version is NULL"),
        (
            "c\"1.2.0\".as_ptr().cast()",
            "&raw const BASE",
            "version 1.2.0 is too old",
        ),
        (
            "c\"1.31.0\".as_ptr().cast()",
            "&raw const BASE",
            "lacks the C interface 19",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let source = SOURCE.replace("VERSION", version).replace("FOUND", found);
        let (file, library) = (
            folder.join("impostor.rs"),
            folder.join(format!("impostor{index}.so")),
        );
        fs::write(&file, source).unwrap();
        let compiled = Command::new("rustc")
            .args([
                "--edition=2024",
                "--crate-type=cdylib",
                "-Cpanic=abort",
                "-o",
            ])
            .args([&library, &file])
            .status()
            .unwrap();
        assert!(compiled.success(), "the impostor compiles");
        refused(&library, part);
    }
    fs::write(folder.join("text.so"), "no library").unwrap();
    refused(&folder.join("text.so"), "");
}

/// A link and a detour name the same library as the first path did.
fn spellings(folder: &Path) {
    let link = folder.join("libonnxruntime.so");
    symlink(fs::canonicalize(library()).unwrap(), &link).unwrap();
    let (parent, name) = (library().parent().unwrap().to_owned(), library());
    let detour = parent.join(".").join(name.file_name().unwrap());
    let first = engine(&library()).unwrap();
    for path in [&link, &detour] {
        assert_eq!(
            engine(path).unwrap().runtime().unwrap().path,
            first.runtime().unwrap().path
        );
    }
    let error = engine(&folder.join("text.so")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}");
}
