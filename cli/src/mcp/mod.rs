//! `bithuman mcp`: the platform's verbs as tools of the Model Context Protocol, over stdin and stdout.
//!
//! One JSON-RPC 2.0 message a line. Tools run in threads of their own, so that a film that takes
//! minutes keeps neither a `ping` nor another tool waiting; `notifications/cancelled`, or the end of
//! stdin, ends waiting.

mod rest;
mod tools;

use std::collections::HashMap;
use std::io::{BufRead, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::{Value, json};

use self::rest::Rest;
use self::tools::Tools;
use crate::console::Console;
use crate::failure::Failure;

/// Versions of the protocol, newest first: tools and their answers are the same in all.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// Most bytes of a message.
const MAX_LINE_BYTES: u64 = 4 << 20;

/// Most tools at a time.
const MAX_CALLS: usize = 16;

// Codes of JSON-RPC.
const PARSE_ERROR: i32 = -32_700;
const INVALID_REQUEST: i32 = -32_600;
const METHOD_NOT_FOUND: i32 = -32_601;
const INVALID_PARAMS: i32 = -32_602;

/// The platform's verbs as tools for agents (Model Context Protocol, over stdin and stdout)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
BITHUMAN_API_URL names the server (http://127.0.0.1:8088, where `bithuman serve` listens),
BITHUMAN_API_SECRET its key.

A client's configuration:
  {\"mcpServers\": {\"bithuman\": {\"command\": \"bithuman\", \"args\": [\"mcp\"]}}}")]
pub(crate) struct Args {}

pub(crate) fn run(_console: &Console, _args: &Args) -> Result<ExitCode, Failure> {
    let rest = Arc::new(Rest::from_environment()?);
    let tools = Arc::new(Tools::new());
    let calls = Arc::new(Calls::default());
    let mut threads = Vec::new();
    let mut input = std::io::stdin().lock();
    while let Some(line) = next_line(&mut input) {
        threads.retain(|thread: &thread::JoinHandle<()>| !thread.is_finished());
        let message = match line {
            Line::Message(text) if text.trim_ascii().is_empty() => continue,
            Line::Message(text) => serde_json::from_slice::<Value>(&text).ok(),
            Line::TooLong => None,
        };
        let Some(message) = message else {
            say(&error(&Value::Null, PARSE_ERROR, "this is no JSON"));
            continue;
        };
        match answer(&tools, &message) {
            Reply::Nothing => {}
            Reply::Now(reply) => say(&reply),
            Reply::Cancel(id) => calls.cancel(&id),
            Reply::Call(id, _) if threads.len() >= MAX_CALLS => {
                say(&result(
                    &id,
                    tools::refused("too many tools run; try again"),
                ));
            }
            Reply::Call(id, params) => {
                let cancelled = calls.begin(&id);
                let (rest, tools, calls) =
                    (Arc::clone(&rest), Arc::clone(&tools), Arc::clone(&calls));
                threads.push(thread::spawn(move || {
                    let given = tools.call(&rest, &params, &cancelled);
                    // Nobody waits for the answer of a call that was cancelled.
                    if calls.end(&id) {
                        say(&result(&id, given));
                    }
                }));
            }
        }
    }
    // A request to the server ends by itself; one that only waits is told to.
    calls.close();
    for thread in threads {
        let _ = thread.join();
    }
    Ok(ExitCode::SUCCESS)
}

/// The calls that run, by the text of their id.
#[derive(Default)]
struct Calls(Mutex<HashMap<String, Arc<AtomicBool>>>);

impl Calls {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<AtomicBool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, id: &Value) -> Arc<AtomicBool> {
        let cancelled = Arc::default();
        self.all().insert(id.to_string(), Arc::clone(&cancelled));
        cancelled
    }

    /// Whether it was not cancelled.
    fn end(&self, id: &Value) -> bool {
        self.all().remove(&id.to_string()).is_some()
    }

    fn cancel(&self, id: &Value) {
        if let Some(call) = self.all().remove(&id.to_string()) {
            call.store(true, Ordering::Relaxed);
        }
    }

    fn close(&self) {
        for call in self.all().values() {
            call.store(true, Ordering::Relaxed);
        }
    }
}

enum Reply {
    Nothing,
    Now(Value),
    Cancel(Value),
    Call(Value, Value),
}

/// The answer to a message.
fn answer(tools: &Tools, message: &Value) -> Reply {
    let id = message.get("id");
    let fits = matches!(id, None | Some(Value::String(_) | Value::Number(_)));
    let Some(method) = message
        .get("method")
        .and_then(Value::as_str)
        .filter(|_| fits)
    else {
        // A response to a request that was never made is passed over.
        if message.get("result").is_some() || message.get("error").is_some() {
            return Reply::Nothing;
        }
        return Reply::Now(error(&Value::Null, INVALID_REQUEST, "this is no request"));
    };
    let none = json!({});
    let params = message.get("params").unwrap_or(&none);
    let Some(id) = id else {
        return match (method, params.get("requestId")) {
            ("notifications/cancelled", Some(id)) => Reply::Cancel(id.clone()),
            _ => Reply::Nothing,
        };
    };
    match method {
        "initialize" => Reply::Now(result(id, initialize(params))),
        "ping" => Reply::Now(result(id, json!({}))),
        "tools/list" => Reply::Now(result(id, json!({ "tools": tools.list() }))),
        "tools/call" if tools.has(params) => Reply::Call(id.clone(), params.clone()),
        "tools/call" => Reply::Now(error(id, INVALID_PARAMS, "there is no such tool")),
        _ => Reply::Now(error(id, METHOD_NOT_FOUND, "there is no such method")),
    }
}

fn initialize(params: &Value) -> Value {
    let wanted = params.get("protocolVersion").and_then(Value::as_str);
    let version = wanted
        .filter(|wanted| VERSIONS.contains(wanted))
        .unwrap_or(VERSIONS[0]);
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": { "listChanged": false } },
        "serverInfo": { "name": "bithuman", "title": "Talking avatars", "version": env!("CARGO_PKG_VERSION") },
        "instructions": "Makes talking avatars (agents) out of a prompt and a picture, lets them speak in \
                         conversations that go on, and renders videos and speech, on the user's own server.",
    })
}

fn result(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn error(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

/// One message to stdout. A client that went away is told nothing more.
fn say(message: &Value) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{message}").and_then(|()| stdout.flush());
}

enum Line {
    Message(Vec<u8>),
    TooLong,
}

/// The next line; None at the end. One that is too long is passed over.
fn next_line(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    let read = input.take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
    if read.ok()? == 0 {
        return None;
    }
    if line.last() == Some(&b'\n') || (line.len() as u64) < MAX_LINE_BYTES {
        return Some(Line::Message(line));
    }
    input.skip_until(b'\n').ok()?;
    Some(Line::TooLong)
}
