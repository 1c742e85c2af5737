//! Files never harm: outputs are whole, nothing else is touched, every end is heard.
#![cfg(unix)]

mod common;

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{Folder, bithuman, render, run, signal, testdata, tone, toy};
use essence_media::AudioReader;
use serde_json::Value;

fn fifo(folder: &Folder, name: &str) -> PathBuf {
    let path = folder.path(name);
    let status = Command::new("mkfifo").arg(&path).status();
    assert!(status.expect("mkfifo").success());
    path
}

fn spawn<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Child {
    bithuman()
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// The exit code and the code of the one error of a run with `--json`.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("the program ends");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
    let code = error["error"]["code"].as_str().unwrap_or_default();
    (output.status.code(), code.to_owned())
}

/// Waits until the program hears signals (bit 14 of its caught ones is SIGTERM).
#[cfg(target_os = "linux")]
fn wait_until_listening(process: u32) {
    loop {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"));
        let caught = status.unwrap_or_default();
        let caught = caught.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        if caught.is_some_and(|mask| mask >> 14 & 1 == 1) {
            return;
        }
        std::thread::yield_now();
    }
}

fn sound_seconds(path: &Path) -> f64 {
    let mut reader = AudioReader::open(path).expect("a whole video");
    let mut samples = 0;
    while let Some(block) = reader.next_block().expect("its sound") {
        samples += block.len();
    }
    samples as f64 / f64::from(reader.sample_rate())
}

#[test]
fn two_renders_into_one_name_leave_one_whole_video() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 4.0));
    let longer = folder.write("longer.wav", &tone(16000, 6.0));
    let output = folder.path("out.mp4");
    let children = [&audio, &longer].map(|audio| spawn(render(&toy(), audio, &output)));
    let mut told = 0;
    for child in children {
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let object: Value = serde_json::from_slice(&output.stdout).expect("an object");
        let warnings = object["warnings"].to_string();
        told += usize::from(warnings.contains("another program"));
    }
    let seconds = sound_seconds(&output);
    assert!([4.0, 6.0].contains(&seconds), "{seconds} s");
    assert!(told <= 1, "only the later one replaces the other");
    assert_eq!(folder.names(), ["in.wav", "longer.wav", "out.mp4"]);
}

#[test]
fn a_part_that_is_somebodys_file_or_link_is_left_alone() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.2));
    let precious = folder.write("precious", b"precious");
    for command in ["render", "curves"] {
        let name = if command == "render" {
            "out.mp4"
        } else {
            "out.csv"
        };
        let part = folder.path(&format!("{name}.part"));
        symlink(&precious, &part).expect("link");
        let (avatar, output) = (toy(), folder.path(name));
        let args = [
            OsStr::new(command),
            avatar.as_os_str(),
            OsStr::new("-a"),
            audio.as_os_str(),
            OsStr::new("-o"),
            output.as_os_str(),
        ];
        let result = run(args);
        assert_eq!(result.code, Some(0), "{}", result.stderr);
        assert_eq!(std::fs::read(&precious).expect("there"), b"precious");
        let metadata = std::fs::symlink_metadata(&part).expect("there");
        assert!(metadata.is_symlink());
    }
}

#[test]
fn links_and_fifos_are_written_through() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.2));
    let (link, real) = (folder.path("link.mp4"), folder.path("real.mp4"));
    symlink("real.mp4", &link).expect("link");
    run(render(&toy(), &audio, &link)).object();
    assert!(
        std::fs::symlink_metadata(&link)
            .expect("there")
            .is_symlink()
    );
    assert_eq!(sound_seconds(&real), 0.2);

    let pipe = fifo(&folder, "pipe.mp4");
    let child = spawn(render(&toy(), &audio, &pipe));
    let video = std::fs::read(&pipe).expect("the video");
    assert_eq!(ended(child).0, Some(0));
    assert!(video == std::fs::read(&real).expect("the same video"));
    assert!(
        std::fs::metadata(&pipe)
            .expect("there")
            .file_type()
            .is_fifo()
    );
    assert_eq!(
        folder.names(),
        ["in.wav", "link.mp4", "pipe.mp4", "real.mp4"]
    );
}

#[test]
fn a_device_is_written_to_and_remains() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.2));
    let avatar = toy();
    for (device, code) in [("/dev/full", 1), ("/dev/null", 0)] {
        let result = run([
            OsStr::new("curves"),
            avatar.as_os_str(),
            OsStr::new("-a"),
            audio.as_os_str(),
            OsStr::new("-o"),
            OsStr::new(device),
        ]);
        assert_eq!(result.code, Some(code), "{device}: {}", result.stderr);
        let kind = std::fs::metadata(device).expect("still there").file_type();
        assert!(kind.is_char_device(), "{device}");
    }
}

/// The printed text is the program's result: its loss is a failure.
#[test]
fn a_result_that_cannot_be_printed_is_a_failure() {
    let full = || OpenOptions::new().write(true).open("/dev/full");
    if full().is_err() {
        return;
    }
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.2));
    let (avatar, output) = (toy(), folder.path("out.mp4"));
    let mut commands = vec![render(&avatar, &audio, &output)];
    for args in [
        &["info", "--json", "AVATAR"][..],
        &["info", "AVATAR"],
        &["doctor", "--json"],
        &["doctor"],
        &["completion", "bash"],
        &["--version"],
        &["--version", "--json"],
        &["--help"],
    ] {
        let args = args.iter().map(|&arg| match arg {
            "AVATAR" => avatar.as_os_str(),
            arg => OsStr::new(arg),
        });
        commands.push(args.collect());
    }
    for args in commands {
        let output = bithuman()
            .args(&args)
            .stdout(full().expect("/dev/full"))
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            error.contains("cannot write to stdout"),
            "{args:?}: {error}"
        );
    }
}

#[test]
fn a_file_of_messages_has_no_control_characters() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.2));
    let (avatar, output) = (toy(), folder.path("out.mp4"));
    let rendering = &render(&avatar, &audio, &output)[1..];
    for args in [rendering, &[OsStr::new("render")], &[OsStr::new("rendr")]] {
        for (name, value) in [("NO_COLOR", "1"), ("CLICOLOR", "1")] {
            let output = bithuman().args(args).env(name, value).output();
            let output = output.expect("the program starts");
            let escapes = output
                .stderr
                .iter()
                .chain(&output.stdout)
                .any(|&b| b == 0x1B);
            assert!(!escapes, "{args:?}: {output:?}");
        }
    }
}

#[test]
fn audio_comes_from_standard_input() {
    let folder = Folder::new();
    let output = folder.path("out.mp4");
    // An index at the end, which is copied; and samples that are decoded as they come.
    for name in [
        "../media/tests/data/burst.m4a",
        "../media/tests/data/burst.wav",
    ] {
        let audio = std::fs::read(testdata("").join("..").join(&name[3..])).expect(name);
        let mut command = bithuman();
        command.args(render(&toy(), Path::new("-"), &output));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(&audio).expect("taken");
        drop(stdin);
        let result = child.wait_with_output().expect("the program ends");
        let object: Value = serde_json::from_slice(&result.stdout).expect("an object");
        assert_eq!(object["frames"], 10, "{name}: {object}");
        assert_eq!(object["warnings"], Value::Array(Vec::new()));
    }
}

#[test]
fn a_named_pipe_is_opened_once() {
    let folder = Folder::new();
    let pipe = fifo(&folder, "pipe.m4a");
    let output = folder.path("out.mp4");
    let child = spawn(render(&toy(), &pipe, &output));
    let audio = testdata("../media/tests/data/burst.m4a");
    std::fs::write(&pipe, std::fs::read(audio).expect("read")).expect("taken");
    assert_eq!(ended(child).0, Some(0));
    assert_eq!(sound_seconds(&output), 0.4);
}

#[test]
fn an_end_is_heard_while_a_reader_stalls() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 120.0));
    let avatar = toy();
    let args = ["render", "-o", "-", "-a"].map(OsStr::new);
    let mut child = spawn(
        args.into_iter()
            .chain([audio.as_os_str(), avatar.as_os_str()]),
    );
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0; 1000]).expect("frames");
    // Nothing more is read; what is written soon fills the pipe.
    signal("TERM", child.id());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(130));
    drop(stdout);
}

#[test]
fn an_end_is_heard_while_a_writer_stalls() {
    let folder = Folder::new();
    let pipe = fifo(&folder, "pipe.wav");
    let output = folder.path("out.mp4");
    let child = spawn(render(&toy(), &pipe, &output));
    // Opens when the program does.
    let mut writer = OpenOptions::new().write(true).open(&pipe).expect("opens");
    writer.write_all(&tone(16000, 1.0)[..400]).expect("taken");
    signal("TERM", child.id());
    assert_eq!(ended(child), (Some(130), "INTERRUPTED".to_owned()));
    drop(writer);
    assert_eq!(folder.names(), ["pipe.wav"]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_end_is_heard_while_a_pipe_has_no_other_side() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.2));
    let (unread, unwritten) = (fifo(&folder, "out.mp4"), fifo(&folder, "in.m4a"));
    let output = folder.path("other.mp4");
    for (audio, output) in [(&unwritten, &output), (&audio, &unread)] {
        let child = spawn(render(&toy(), audio, output));
        wait_until_listening(child.id());
        signal("TERM", child.id());
        assert_eq!(ended(child), (Some(130), "INTERRUPTED".to_owned()));
    }
    assert_eq!(folder.names(), ["in.m4a", "in.wav", "out.mp4"]);
}

#[test]
fn what_is_not_permitted_has_an_exit_code_of_its_own() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.2));
    let output = folder.write("out.mp4", b"precious");
    let mut permissions = std::fs::metadata(&output).expect("there").permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&output, permissions).expect("chmod");
    let result = run(render(&toy(), &audio, &output));
    assert_eq!(result.error(), (77, "NOT_PERMITTED".to_owned()));
    assert_eq!(std::fs::read(&output).expect("there"), b"precious");
}

/// `pip install onnxruntime` is enough, wherever Python is.
#[cfg(target_os = "linux")]
#[test]
fn onnx_runtime_is_found_where_pip_put_it() {
    let library = std::env::var_os("ORT_DYLIB_PATH").expect("the library that tests use");
    let library = std::fs::canonicalize(library).expect("the library");
    let folder = Folder::new();
    let prefix = folder.path("venv");
    let capi = prefix.join("lib/python3.12/site-packages/onnxruntime/capi");
    std::fs::create_dir_all(&capi).expect("folders");
    std::fs::create_dir_all(prefix.join("bin")).expect("folders");
    let found = capi.join("libonnxruntime.so.1.99.0");
    symlink(library, &found).expect("link");

    let doctor = |provider: &str, variable: &str, value: &Path| {
        let output = bithuman()
            .args(["doctor", "--json", "--provider", provider])
            .env_remove("ORT_DYLIB_PATH")
            .env_remove("VIRTUAL_ENV")
            .env("HOME", folder.path("home"))
            .env("PATH", "")
            .env(variable, value)
            .output()
            .expect("the program starts");
        let object: Value = serde_json::from_slice(&output.stdout).expect("a report");
        (output.status.code(), object)
    };
    let (code, object) = doctor("auto", "VIRTUAL_ENV", &prefix);
    assert_eq!(code, Some(0), "{object}");
    assert_eq!(object["runtime"]["path"], found.display().to_string());

    std::fs::write(prefix.join("bin/python3"), "").expect("an interpreter");
    let (code, object) = doctor("auto", "PATH", &prefix.join("bin"));
    assert_eq!(code, Some(0), "{object}");
    assert_eq!(object["runtime"]["path"], found.display().to_string());

    // A library that isn't one: said, with its place.
    std::fs::remove_file(&found).expect("remove");
    std::fs::write(&found, "no library").expect("write");
    let (code, object) = doctor("cpu", "PATH", &prefix.join("bin"));
    assert_eq!(code, Some(69), "{object}");
    let message = object["problem"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("libonnxruntime.so.1.99.0"), "{message}");

    // Nothing is needed unless a provider of it is asked for.
    let (code, object) = doctor("auto", "PATH", &prefix.join("bin"));
    assert_eq!(code, Some(0), "{object}");
    assert_eq!(object["runtime"]["found"], false);
    assert_eq!(object["providers"], serde_json::json!(["builtin"]));
}
