//! A platform with a toy avatar, and its REST interface asked by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use essence::{Engine, Result};
use essence_brain::{Cancel, Piece, Pieces, Request, Responder, Said, Speak};
use essence_server::{PlatformOptions, Server};
use serde_json::{Value, json};

use super::{Answer, DEADLINE, avatar, options, raw};

/// Says half a second of a tone for each text.
pub(crate) struct Tone;

impl Speak for Tone {
    fn speak(&self, _: &str, _: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        let samples: Vec<f32> = (0..8_000).map(|i| 0.2 * (i as f32 * 0.08).sin()).collect();
        sound(16_000, &samples);
        Ok(())
    }
}

/// Says what the app wants said, and nothing else.
pub(crate) struct Reader;

impl Responder for Reader {
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        let Said::Speak(text) = &request.said else {
            return Ok(());
        };
        pieces(Piece::Text(text.clone()));
        Tone.speak(text, &request.cancel, &mut |rate_hz, samples| {
            let samples = samples.to_vec();
            pieces(Piece::Speech { rate_hz, samples });
        })
    }
}

/// A platform in `data`, whose agents have the toy's face.
pub(crate) fn platform(data: &Path) -> PlatformOptions {
    let toy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars/toy.imx");
    let engine = Engine::builder().build().expect("an engine");
    let face = std::fs::read(toy).expect("the toy");
    let mut platform = PlatformOptions::new(data, engine, face);
    platform.speak = Some(Arc::new(Tone));
    platform
}

pub(crate) fn serve(platform: PlatformOptions) -> Server {
    let mut options = options();
    options.platform = Some(platform);
    Server::start(options, avatar(), Arc::new(Reader)).expect("the server starts")
}

pub(crate) fn call(
    server: &Server,
    method: &str,
    path: &str,
    secret: &str,
    body: Option<&Value>,
) -> Answer {
    send(
        server,
        method,
        path,
        &format!("api-secret: {secret}\r\n"),
        body,
    )
}

pub(crate) fn send(
    server: &Server,
    method: &str,
    path: &str,
    headers: &str,
    body: Option<&Value>,
) -> Answer {
    let address = server.address();
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    raw(
        server,
        &format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}content-type: application/json\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ),
    )
}

pub(crate) fn value(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("no JSON: {answer:?}"))
}

/// Asks until an answer is as it is waited for.
pub(crate) fn until(server: &Server, path: &str, done: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let answer = value(&call(server, "GET", path, "any", None));
        if done(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "not in time: {answer}");
        std::thread::yield_now();
    }
}

/// An agent of words that is ready; its code.
pub(crate) fn agent(server: &Server, code: &str) {
    let asked =
        json!({"prompt": "You are a friendly guide.", "agent_id": code, "model": "expression-2"});
    let answer = call(server, "POST", "/v1/agent/generate", "any", Some(&asked));
    assert_eq!(answer.status, 200, "{answer:?}");
    let path = format!("/v1/agent/status/{code}");
    let ready = until(server, &path, |answer| answer["data"]["status"] == "ready");
    assert_eq!(ready["data"]["progress"], 1.0);
    assert_eq!(ready["data"]["name"], "Friendly Guide");
}
