//! The local brain at the command line: what is missing, damaged, forbidden or refused, and what mends it.
//! Resuming and hashes are those of `pull SLUG` (showcase.rs); what the brain does is tested in `brain/`.

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;

use common::{Folder, bithuman, finished};

/// A command with a cache of its own and nothing of the user's.
fn command(cache: &Folder) -> Command {
    let mut command = bithuman();
    for name in [
        "BITHUMAN_MODELS",
        "BITHUMAN_LOCAL_LLM",
        "BITHUMAN_LOCAL_WHISPER",
        "BITHUMAN_LOCAL_TTS",
        "BITHUMAN_LOCAL_VAD",
        "BITHUMAN_LOCAL_TURN",
        "BITHUMAN_MODELS_URL",
        "HF_ENDPOINT",
        "HF_HUB_OFFLINE",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
    ] {
        command.env_remove(name);
    }
    command
        .env("XDG_CACHE_HOME", cache.path(""))
        .env("BITHUMAN_BRAIN_LIBRARY", cache.path("none.so"));
    command
}

#[test]
fn offline_nothing_is_fetched_and_every_file_is_named_with_its_place() {
    let cache = Folder::new();
    let run = finished(
        command(&cache)
            .args(["pull", "--local", "--json"])
            .env("BITHUMAN_OFFLINE", "1")
            // A connection would be refused, with another error.
            .env("BITHUMAN_MODELS_URL", "http://127.0.0.1:1"),
    );
    assert_eq!(run.code, Some(77), "{}", run.stderr);
    let (_, message) = run.error();
    for part in [
        "ggml-tiny.en.bin",
        "qwen2.5-0.5b-instruct-q4_k_m.gguf",
        "supertonic-3/onnx/vocoder.onnx",
    ] {
        assert!(
            run.stderr.contains(part) || message.contains(part),
            "{}",
            run.stderr
        );
    }
    assert!(!cache.path("bithuman/models").exists());
}

#[test]
fn a_mirror_is_asked_and_its_refusal_is_told() {
    let cache = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
        let first = lines.next().expect("a line").expect("a line");
        while lines
            .next()
            .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
        {}
        let _ = stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        first
    });
    let run = finished(
        command(&cache)
            .args(["pull", "--local"])
            .env_remove("BITHUMAN_OFFLINE")
            .env("HF_ENDPOINT", format!("http://127.0.0.1:{port}/")),
    );
    assert_ne!(run.code, Some(0));
    let first = serving.join().expect("no panic");
    assert!(
        first.starts_with("GET /ggerganov/whisper.cpp/resolve/main/ggml-tiny.en.bin "),
        "{first}"
    );
    // Sizes and licences come first.
    for part in ["Whisper tiny.en", "licence MIT", "OpenRAIL-M", "Fetching"] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
}

#[test]
fn doctor_tells_every_part_and_what_mends_it() {
    let cache = Folder::new();
    let models = cache.path("bithuman/models");
    std::fs::create_dir_all(models.join("supertonic-3/onnx")).expect("it is made");
    std::fs::write(models.join("ggml-tiny.en.bin"), b"lmgg and so on").expect("it is written");
    std::fs::write(models.join("supertonic-3/onnx/tts.json"), b"{}").expect("it is written");
    let local = finished(command(&cache).args(["doctor", "--json"])).object()["local"].clone();
    assert_eq!(local["library"]["state"], "missing");
    let reason = local["library"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("none.so"), "{reason}");
    let states: Vec<_> = local["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| {
            (
                part["part"].as_str(),
                part["state"].as_str(),
                part["mend"].as_str(),
            )
        })
        .collect();
    let mend = Some("bithuman pull --local");
    assert_eq!(states[0], (Some("hear"), Some("damaged"), mend));
    assert_eq!(states[1], (Some("think"), Some("missing"), mend));
    assert_eq!((states[2].0, states[2].2), (Some("speak"), mend));
    let inside = ["listen", "turn"].map(|part| (Some(part), Some("built in"), None));
    assert_eq!(states[3..], inside);
    let text = finished(command(&cache).arg("doctor")).text();
    assert!(text.contains("earshot, inside the program"), "{text}");
    assert!(text.contains("libbithuman_brain is missing"), "{text}");
    assert!(text.contains("`bithuman pull --local` mends it"), "{text}");
}

#[test]
fn a_local_brain_without_its_library_is_refused_before_anything_is_fetched() {
    let cache = Folder::new();
    let run = finished(
        command(&cache)
            .args(["run", "--port", "0"])
            .env("BITHUMAN_LOCAL", "1")
            .env("BITHUMAN_MODELS_URL", "http://127.0.0.1:1"),
    );
    assert_eq!(run.code, Some(69), "{}", run.stderr);
    assert!(
        run.stderr.contains("BITHUMAN_BRAIN_LIBRARY"),
        "{}",
        run.stderr
    );
    let run = finished(
        command(&cache)
            .args(["run", "--port", "0", "--brain", "local"])
            .env("BITHUMAN_LOCAL_STEPS", "many"),
    );
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(
        run.stderr.contains("BITHUMAN_LOCAL_STEPS"),
        "{}",
        run.stderr
    );
}
