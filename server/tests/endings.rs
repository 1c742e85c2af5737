//! The platform keeps what is in use and nothing else: files and credits of what is deleted, replaced or broken off.

mod common;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use common::rest::{Tone, agent, call, platform, serve, until, value};
use essence::Result;
use essence_brain::{Cancel, Speak};
use essence_server::Server;
use serde_json::{Value, json};

/// Speaks once it is let.
struct Gated {
    asked: Sender<()>,
    let_in: Mutex<Receiver<()>>,
}

impl Speak for Gated {
    fn speak(&self, text: &str, cancel: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        let _ = self.asked.send(());
        let gate = self.let_in.lock().unwrap_or_else(PoisonError::into_inner);
        // A test that is over lets everybody in.
        let _ = gate.recv();
        Tone.speak(text, cancel, sound)
    }
}

/// All files of a data folder.
fn files(data: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![data.join("files")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.push(path),
            }
        }
    }
    found
}

fn post(server: &Server, path: &str, body: &Value) -> Value {
    let answer = call(server, "POST", path, "any", Some(body));
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    value(&answer)
}

fn rendered(server: &Server, code: &str) -> Value {
    until(server, &format!("/v1/dynamics/{code}"), |answer| {
        answer["data"]["status"] == "ready"
    })
}

/// Half a second of silence as a file, in base64.
fn recording() -> String {
    let samples = [0x80_u8; 4_000];
    let mut wav = b"RIFF".to_vec();
    wav.extend(36_u32.wrapping_add(4_000).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    // Sixteen bytes of format: PCM, one channel, 8000 samples and bytes a second, one byte each, eight bits.
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    wav.extend([8_000_u32, 8_000].map(u32::to_le_bytes).concat());
    wav.extend([1_u16, 8].map(u16::to_le_bytes).concat());
    wav.extend(b"data");
    wav.extend(4_000_u32.to_le_bytes());
    wav.extend(samples);
    base64::engine::general_purpose::STANDARD.encode(wav)
}

#[test]
fn nothing_is_left_of_an_agent_that_is_deleted() {
    let data = tempfile::tempdir().expect("a folder");
    let server = serve(platform(data.path()));
    agent(&server, "SHORT");
    let own = files(data.path()).len();
    let mut clips = None;
    for _ in 0..2 {
        post(
            &server,
            "/v1/dynamics/generate",
            &json!({"agent_id": "SHORT"}),
        );
        let gestures = rendered(&server, "SHORT")["data"]["gestures"].clone();
        let number = gestures.as_object().map_or(0, |gestures| gestures.len());
        assert!(number > 0, "the toy knows gestures: {gestures}");
        assert_eq!(
            files(data.path()).len(),
            own + number,
            "a clip takes the place of the one before"
        );
        assert_ne!(clips, Some(gestures.clone()), "they were rendered anew");
        clips = Some(gestures);
    }
    let before = files(data.path()).len();
    for input in [
        json!({"type": "text", "text": "Hello."}),
        json!({"type": "audio", "audio_url": recording()}),
    ] {
        let video =
            json!({"model": "expression-2", "agent_code": "SHORT", "wait": true, "input": input});
        let made = post(&server, "/v1/video/generate", &video);
        assert_eq!(made["status"], "completed", "{made}");
    }
    assert_eq!(
        files(data.path()).len(),
        before + 2,
        "a recording is not kept"
    );
    let gone = call(&server, "DELETE", "/v1/agent/SHORT", "any", None);
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(files(data.path()), Vec::<PathBuf>::new());
}

#[test]
fn what_a_deleted_agent_was_waiting_for_is_not_paid() {
    let data = tempfile::tempdir().expect("a folder");
    let (asked, is_asked) = channel();
    let (open, let_in) = channel();
    let mut options = platform(data.path());
    options.credits = Some(1_000.0);
    options.workers = 1;
    options.speak = Some(Arc::new(Gated {
        asked,
        let_in: Mutex::new(let_in),
    }));
    let server = serve(options);
    let balance =
        || value(&call(&server, "GET", "/v1/me", "any", None))["data"]["credit_balance"].clone();
    agent(&server, "BRIEF");
    let paid = balance();
    let video = json!({"model": "expression-2", "agent_code": "BRIEF", "input": {"type": "text", "text": "Hello."}});
    let begun = post(&server, "/v1/video/generate", &video);
    is_asked.recv().expect("the video is under way");
    post(
        &server,
        "/v1/dynamics/generate",
        &json!({"agent_id": "BRIEF"}),
    );
    assert!(
        balance().as_f64() < paid.as_f64(),
        "both are paid in advance"
    );
    let gone = call(&server, "DELETE", "/v1/agent/BRIEF", "any", None);
    assert_eq!((gone.status, balance()), (200, paid.clone()));
    let path = format!("/v1/video/{}", begun["job_id"].as_str().unwrap_or_default());
    assert_eq!(call(&server, "GET", &path, "any", None).status, 404);
    drop(open);
    // The next job begins once the one that was under way has come to its end, for nothing.
    agent(&server, "NEXT");
    assert_eq!(balance().as_f64(), paid.as_f64().map(|paid| paid - 500.0));
    let own = value(&call(&server, "GET", "/v1/agent/NEXT", "any", None));
    let own = ["model_url", "image_url"].map(|name| own["data"][name].is_string());
    let kept = own.iter().filter(|is| **is).count();
    assert_eq!(
        files(data.path()).len(),
        kept,
        "the video went with its agent"
    );
}

#[test]
fn a_job_that_is_cancelled_is_over_at_once_and_costs_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let (asked, is_asked) = channel();
    let (open, let_in) = channel();
    let mut options = platform(data.path());
    options.credits = Some(2_000.0);
    options.speak = Some(Arc::new(Gated {
        asked,
        let_in: Mutex::new(let_in),
    }));
    let server = serve(options);
    let balance =
        || value(&call(&server, "GET", "/v1/me", "any", None))["data"]["credit_balance"].clone();
    agent(&server, "HASTY");
    let (paid, had) = (balance(), files(data.path()).len());
    let video = json!({"model": "expression-2", "agent_code": "HASTY", "input": {"type": "text", "text": "Hello."}});
    let begun = post(&server, "/v1/video/generate", &video);
    is_asked.recv().expect("the video is under way");
    // The one worker is busy, so that this one waits.
    let waits = json!({"agent_id": "LATE", "model": "expression-2"});
    post(&server, "/v1/agent/generate", &waits);
    let listed = value(&call(
        &server,
        "GET",
        "/v1/jobs?status=processing",
        "any",
        None,
    ));
    let open_jobs = listed["data"].as_array().cloned().unwrap_or_default();
    assert_eq!(open_jobs.len(), 2, "{listed}");
    for job in &open_jobs {
        let path = format!(
            "/v1/jobs/{}/cancel",
            job["job_id"].as_str().unwrap_or_default()
        );
        for first in [true, false] {
            let answer = value(&call(&server, "POST", &path, "any", None));
            assert_eq!(answer["cancelled"], first, "{answer}");
        }
    }
    assert_eq!(balance(), paid);
    let path = format!("/v1/video/{}", begun["job_id"].as_str().unwrap_or_default());
    let ended = value(&call(&server, "GET", &path, "any", None));
    assert_eq!(
        (&ended["status"], &ended["error"]["message"]),
        (&json!("failed"), &json!("it was cancelled"))
    );
    let late = value(&call(&server, "GET", "/v1/agent/LATE", "any", None));
    assert_eq!(late["data"]["status"], "failed");
    drop(open);
    agent(&server, "AFTER");
    let path = "/v1/jobs?status=failed";
    let failed = value(&call(&server, "GET", path, "any", None));
    assert_eq!(
        failed["pagination"]["total"], 2,
        "nothing came of them: {failed}"
    );
    assert_eq!(
        files(data.path()).len(),
        2 * had,
        "the video was thrown away"
    );
}

#[test]
fn changes_outlive_the_renders_that_they_meet() {
    let data = tempfile::tempdir().expect("a folder");
    let mut options = platform(data.path());
    options.workers = 2;
    let server = serve(options);
    agent(&server, "BUSY");
    let words: Vec<String> = (0..12).map(|i| format!("word{i}")).collect();
    std::thread::scope(|scope| {
        for word in &words {
            scope.spawn(|| {
                let foreign =
                    json!({"x": {"file": "images/0123456789abcdef0123456789abcdef/a.png"}});
                let change =
                    json!({"dynamics": {"keywords": {word: "nod"}, "batch_results": foreign}});
                let path = "/v1/dynamics/BUSY";
                let answer = call(&server, "PUT", path, "any", Some(&change));
                assert_eq!(answer.status, 200, "{answer:?}");
            });
        }
    });
    rendered(&server, "BUSY");
    let agent = value(&call(&server, "GET", "/v1/agent/BUSY", "any", None));
    let dynamics = &agent["data"]["dynamics"];
    for word in &words {
        assert_eq!(dynamics["keywords"][word], "nod", "{dynamics}");
    }
    let clips = dynamics["batch_results"].as_object().expect("clips");
    assert!(clips.len() > 1, "{dynamics}");
    assert_eq!(
        clips["x"]["file"],
        Value::Null,
        "files are the server's to name"
    );
}
