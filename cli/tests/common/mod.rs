//! Running the program as a user would.
#![allow(dead_code, reason = "each test file uses a part")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// The results of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

pub(crate) fn bithuman() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bithuman"));
    command.stdin(Stdio::null());
    command
}

pub(crate) fn run<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Run {
    let output = bithuman().args(args).output().expect("the program starts");
    Run {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Sends a signal, by its name, to a process.
pub(crate) fn signal(name: &str, process: u32) {
    let kill = format!("kill -{name} {process}");
    let status = Command::new("sh").args(["-c", &kill]).status();
    assert!(status.expect("sh").success());
}

impl Run {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The one object on stdout of a run that went well.
    #[track_caller]
    pub(crate) fn object(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert_eq!(
            self.stderr, "",
            "a run with --json that goes well says nothing on stderr"
        );
        let object: Value = serde_json::from_slice(&self.stdout).expect("stdout is one object");
        assert_eq!(object["schema_version"], 1);
        object
    }

    /// The one error on stderr of a run that failed: its exit code and its `code`.
    #[track_caller]
    pub(crate) fn error(&self) -> (i32, String) {
        assert_eq!(
            self.text(),
            "",
            "a run with --json that fails says nothing on stdout"
        );
        let error: Value = serde_json::from_str(&self.stderr).expect("stderr is one object");
        let error = &error["error"];
        for key in ["code", "kind", "message"] {
            assert!(
                error[key].as_str().is_some_and(|s| !s.is_empty()),
                "{key} in {error}"
            );
        }
        assert!(error["hint"].is_string() || error["hint"].is_null());
        (
            self.code.unwrap_or(-1),
            error["code"].as_str().unwrap_or("").to_owned(),
        )
    }
}

pub(crate) fn testdata(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata")
        .join(path)
}

pub(crate) fn toy() -> PathBuf {
    testdata("avatars/toy.imx")
}

/// A folder of a test's own, removed with its files at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("bithuman-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("write");
        path
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the test's folder");
        let mut names: Vec<_> = entries
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A wav file: `format` is 1 for integers, 3 for floats.
pub(crate) fn wav(format: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let align = channels * bits / 8;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&(36 + data.len() as u32).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16u32.to_le_bytes());
    bytes.extend_from_slice(&format.to_le_bytes());
    bytes.extend_from_slice(&channels.to_le_bytes());
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&(rate * u32::from(align)).to_le_bytes());
    bytes.extend_from_slice(&align.to_le_bytes());
    bytes.extend_from_slice(&bits.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&(data.len() as u32).to_le_bytes());
    bytes.extend_from_slice(data);
    bytes
}

/// `seconds` of a tone in 16 bits, mono.
pub(crate) fn tone(rate: u32, seconds: f64) -> Vec<u8> {
    let samples = (f64::from(rate) * seconds).round() as u32;
    let data: Vec<u8> = (0..samples)
        .flat_map(|i| {
            {
                let t = f64::from(i) / f64::from(rate);
                ((t * 220.0 * std::f64::consts::TAU).sin() * 12000.0).round() as i16
            }
            .to_le_bytes()
        })
        .collect();
    wav(1, 1, rate, 16, &data)
}

/// The arguments of a render with `--json`.
pub(crate) fn render<'a>(avatar: &'a Path, audio: &'a Path, output: &'a Path) -> Vec<&'a OsStr> {
    ["--json", "render"]
        .map(OsStr::new)
        .into_iter()
        .chain([
            avatar.as_os_str(),
            OsStr::new("-a"),
            audio.as_os_str(),
            OsStr::new("-o"),
        ])
        .chain([output.as_os_str()])
        .collect()
}
