//! `info`, `doctor`, `completion`, usage, and every bad avatar.

mod common;

use std::ffi::OsStr;

use common::{Folder, bithuman, render, run, testdata, tone, toy};
use serde_json::Value;

fn info(path: &std::path::Path) -> common::Run {
    run([OsStr::new("info"), path.as_os_str(), OsStr::new("--json")])
}

#[test]
fn info_describes_an_avatar() {
    for name in ["avatars/toy.imx", "avatars/toy.zip.imx"] {
        let path = testdata(name);
        let object = info(&path).object();
        assert_eq!(object["path"], path.display().to_string());
        assert_eq!(object["format_version"], "2.0");
        assert_eq!(object["engine"], "essence");
        assert_eq!(
            object["size_bytes"],
            std::fs::metadata(&path).expect("the file").len()
        );
        assert!(object["manifest"]["frame"]["width"].is_u64());
        let members = object["members"].as_array().expect("members");
        let names: Vec<_> = members.iter().filter_map(|m| m["name"].as_str()).collect();
        assert!(
            names.contains(&"speech.onnx") && names.contains(&"manifest.json"),
            "{names:?}"
        );
        assert!(
            members
                .iter()
                .all(|m| m["size_bytes"].as_u64().is_some_and(|n| n > 0))
        );

        let text = run([OsStr::new("open"), path.as_os_str()]);
        assert_eq!(text.code, Some(0));
        for part in ["engine essence", "speech.onnx", "idle", "base frame"] {
            assert!(text.text().contains(part), "{part} in {}", text.text());
        }
    }
}

#[test]
fn codes_name_what_is_wrong_with_a_file() {
    for (name, code) in [
        ("bad/empty.imx", "NOT_IMX"),
        ("bad/text.imx", "NOT_IMX"),
        // A picture that no face can be read from.
        ("bad/not_an_avatar.png", "INVALID_AVATAR"),
        ("bad/legacy_bimx.imx", "UNSUPPORTED_IMX_VERSION"),
        ("bad/container_version_3.imx", "UNSUPPORTED_IMX_VERSION"),
        ("bad/newer_major.imx", "UNSUPPORTED_IMX_VERSION"),
        ("bad/missing_manifest.imx", "MISSING_MANIFEST"),
        ("bad/zip_without_manifest.zip", "MISSING_MANIFEST"),
        ("bad/hash_differs.imx", "SHA256_MISMATCH"),
        ("bad/zip_hash_differs.zip", "SHA256_MISMATCH"),
        ("bad/truncated.imx", "INVALID_AVATAR"),
        ("avatars/there_is_none.imx", "FILE_NOT_FOUND"),
    ] {
        let path = testdata(name);
        let result = info(&path);
        assert_eq!(
            result.error(),
            (66, code.to_owned()),
            "{name}: {}",
            result.stderr
        );
        let error: Value = serde_json::from_str(&result.stderr).expect("an object");
        let message = error["error"]["message"].as_str().unwrap_or("");
        assert!(
            message.contains(name.rsplit('/').next().unwrap_or(name)),
            "{message}"
        );
    }
}

/// Every bad file ends `info` or `render` with an error that says something, never with a crash.
#[test]
fn no_bad_file_passes_or_crashes() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.1));
    let output = folder.path("out.mp4");
    let mut seen = 0;
    for entry in std::fs::read_dir(testdata("bad"))
        .expect("the bad files")
        .flatten()
    {
        let path = entry.path();
        if !path.is_file() || path.extension().is_some_and(|e| e == "md") {
            continue;
        }
        let result = run(render(&path, &audio, &output));
        let (exit, code) = result.error();
        assert!(
            [1, 66].contains(&exit),
            "{}: {}",
            path.display(),
            result.stderr
        );
        assert_ne!(code, "INTERNAL", "{}: {}", path.display(), result.stderr);
        seen += 1;
    }
    assert!(seen > 50, "only {seen} bad files");
    assert_eq!(folder.names(), ["in.wav"]);
}

#[test]
fn another_model_family_is_described_but_not_rendered() {
    let path = testdata("bad/other_family.imx");
    let object = info(&path).object();
    assert_ne!(object["engine"], "essence");
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.1));
    let result = run(render(&path, &audio, &folder.path("out.mp4")));
    assert_eq!(
        result.error(),
        (66, "UNSUPPORTED_MODEL_FAMILY".to_owned()),
        "{}",
        result.stderr
    );
}

#[test]
fn doctor_tells_what_is_there() {
    let result = run([
        OsStr::new("doctor"),
        toy().as_os_str(),
        OsStr::new("--json"),
    ]);
    let object = result.object();
    assert_eq!(object["ok"], true, "{object}");
    assert_eq!(object["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(object["ready"], true);
    assert_eq!(object["host"]["os"], std::env::consts::OS);
    assert_eq!(object["versions"]["cli"], env!("CARGO_PKG_VERSION"));
    let header = include_str!("../../include/essence.h");
    let abi = format!(
        "#define ESSENCE_ABI_VERSION_MAJOR {}\n",
        object["versions"]["abi"]
    );
    assert!(header.contains(&abi), "{abi}");
    assert_eq!(object["auth"]["signed_in"], false);
    for (key, selected) in [("", "script"), ("a-key", "realtime")] {
        let mut command = bithuman();
        command
            .args(["doctor", "--json"])
            // Without a local brain, which would be selected where it is whole.
            .env("BITHUMAN_BRAIN_LIBRARY", "none/none.so")
            .env("OPENAI_API_KEY", key);
        let brain = &common::finished(command.env_remove("OPENAI_BASE_URL")).object()["brain"];
        assert_eq!(brain["selected"], selected);
        assert_eq!(brain["cloud"], !key.is_empty());
    }
    assert_eq!(object["runtime"]["found"], true);
    assert!(
        object["runtime"]["version"]
            .as_str()
            .is_some_and(|v| v.starts_with("1."))
    );
    assert!(
        object["providers"]
            .as_array()
            .is_some_and(|p| p.iter().any(|p| p == "cpu"))
    );
    assert!(object["cpu"]["threads"].as_u64().is_some_and(|n| n >= 1));
    assert_eq!(object["avatar"]["self_test"], "passed");
    assert_eq!(object["avatar"]["quantized"], false);
    assert!(
        object["avatar"]["render_fps"]
            .as_f64()
            .is_some_and(|fps| fps > 0.0)
    );

    let text = run(["doctor"]);
    assert_eq!(text.code, Some(0));
    assert!(text.text().contains("ready to render"), "{}", text.text());
}

#[test]
fn a_missing_runtime_is_named_by_every_command_that_needs_it() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.1));
    let output = folder.path("out.mp4");
    let nowhere = folder.path("no-such-library.so");
    let avatar = toy();
    let mut args = render(&avatar, &audio, &output);
    args.extend([OsStr::new("--runtime"), nowhere.as_os_str()]);
    let result = run(args);
    assert_eq!(result.error(), (69, "RUNTIME_MISSING".to_owned()));
    assert!(
        result.stderr.contains("no-such-library"),
        "{}",
        result.stderr
    );

    let result = run([
        OsStr::new("doctor"),
        OsStr::new("--runtime"),
        nowhere.as_os_str(),
        avatar.as_os_str(),
        OsStr::new("--json"),
    ]);
    assert_eq!(result.code, Some(69));
    let object: Value = serde_json::from_slice(&result.stdout).expect("a report all the same");
    assert_eq!(
        (&object["ok"], &object["runtime"]["found"]),
        (&false.into(), &false.into())
    );
    assert_eq!(object["problem"]["code"], "RUNTIME_MISSING");

    // Commands that need no runtime work without one.
    assert_eq!(info(&avatar).code, Some(0));
}

#[test]
fn a_film_is_rendered_where_there_is_no_onnx_runtime() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.5));
    let (avatar, nowhere) = (toy(), folder.path("nowhere"));
    for provider in ["auto", "builtin"] {
        let output = folder.path(&format!("{provider}.mp4"));
        let mut command = bithuman();
        command
            .args(render(&avatar, &audio, &output))
            .args(["--provider", provider])
            .env("ORT_DYLIB_PATH", &nowhere)
            .env("HOME", &nowhere)
            .env("PATH", "")
            .env_remove("VIRTUAL_ENV")
            .env_remove("CONDA_PREFIX");
        common::finished(&mut command).object();
        let film = std::fs::read(&output).expect("a film");
        assert_eq!(&film[4..8], b"ftyp", "{provider}");
    }
}

#[test]
fn a_provider_that_is_not_there_is_refused_by_name() {
    let folder = Folder::new();
    let audio = folder.write("in.wav", &tone(16000, 0.1));
    let (avatar, output) = (toy(), folder.path("out.mp4"));
    // Not both exist on any machine.
    let codes = ["coreml", "openvino"].map(|provider| {
        let mut args = render(&avatar, &audio, &output);
        args.extend(["--provider", provider].map(OsStr::new));
        let result = run(args);
        (result.code != Some(0)).then(|| {
            assert!(result.stderr.contains(provider), "{}", result.stderr);
            result.error()
        })
    });
    assert!(
        codes.contains(&Some((69, "PROVIDER_UNAVAILABLE".to_owned()))),
        "{codes:?}"
    );
}

#[test]
fn doctor_ends_with_the_exit_code_of_a_bad_avatar() {
    let bad = testdata("bad/hash_differs.imx");
    let result = run([OsStr::new("doctor"), bad.as_os_str(), OsStr::new("--json")]);
    assert_eq!(result.code, Some(66));
    let object: Value = serde_json::from_slice(&result.stdout).expect("a report");
    assert_eq!(object["avatar"]["error"]["code"], "SHA256_MISMATCH");
}

#[test]
fn usage_errors_are_json_when_it_is_asked_for() {
    for args in [
        &["--json"][..],
        &["--json", "rendr"],
        &["render", "--json"],
        &[
            "render",
            "a.imx",
            "-a",
            "b.wav",
            "-o",
            "c.mp4",
            "--quality",
            "best",
            "--json",
        ],
        &[
            "--json", "render", "a.imx", "-a", "b.wav", "-o", "c.mp4", "--limit", "0",
        ],
        &[
            "--json",
            "render",
            "a.imx",
            "-a",
            "b.wav",
            "-o",
            "c.mp4",
            "--target-size",
            "9",
        ],
        &[
            "--json",
            "render",
            "a.imx",
            "-a",
            "b.wav",
            "-o",
            "c.mp4",
            "--provider",
            "abacus",
        ],
        &[
            "--json", "render", "a.imx", "-a", "b.wav", "-o", "c.mp4", "--format", "rgb",
        ],
        &["--json", "info"],
    ] {
        assert_eq!(run(args).error(), (2, "USAGE".to_owned()), "{args:?}");
    }
    let text = run(["render"]);
    assert_eq!(text.code, Some(2));
    assert!(text.stderr.contains("--audio"), "{}", text.stderr);
    assert_eq!(text.text(), "");
}

#[test]
fn errors_in_text_have_a_message_and_a_hint() {
    let result = run(["info", "no-such-file.imx"]);
    assert_eq!((result.code, result.text()), (Some(66), String::new()));
    assert!(
        result.stderr.starts_with("error: no-such-file.imx"),
        "{}",
        result.stderr
    );
}

#[test]
fn version_and_help() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(run(["--version"]).text(), format!("bithuman {version}\n"));
    assert_eq!(run(["--version", "--json"]).object()["version"], version);
    for args in [
        &["--help"][..],
        &["help"],
        &["render", "--help"],
        &["doctor", "--help"],
    ] {
        let help = run(args);
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(help.text().contains("Usage: bithuman"), "{args:?}");
    }
}

#[test]
fn every_shell_gets_its_completion() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(["completion", shell]);
        assert_eq!(script.code, Some(0), "{shell}");
        assert!(script.text().contains("target-size"), "{shell}");
    }
}

/// `bithuman info x | head -1` must not complain.
#[test]
fn text_to_a_closed_pipe_is_no_error() {
    let mut child = bithuman()
        .args(["completion", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}
