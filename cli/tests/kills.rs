//! Processes that are killed in the midst of a conversation: the page and the brain. The server goes on, other
//! conversations notice nothing, and the conversation is taken up again.
#![cfg(target_os = "linux")]

mod common;
#[path = "../../server/tests/common/page.rs"]
mod page;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use common::{bithuman, toy};
use page::{KEY_PICTURE, OPUS, Page, control, media, metric};
use serde_json::{Value, json};

/// The task of a process of this file, instead of testing.
const ROLE: &str = "BITHUMAN_TEST_ROLE";

/// Stands before the word that such a process says when it is ready.
const READY: &str = "ready: ";

/// A process of this file with a role.
struct Process {
    child: Child,
    /// Its words when it was ready.
    word: String,
}

impl Process {
    fn start(role: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args(["--exact", "a_process_with_a_role", "--nocapture"])
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdout = child.stdout.take().expect("stdout");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let word = lines.find_map(|line| Some(line.split_once(READY)?.1.to_owned()));
        Self {
            child,
            word: word.expect("it is ready"),
        }
    }

    /// `kill -9`.
    fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ready(word: &str) {
    writeln!(std::io::stdout(), "{READY}{word}").expect("stdout");
}

#[test]
fn a_process_with_a_role() {
    let role = std::env::var(ROLE).unwrap_or_default();
    let words: Vec<&str> = role.split(' ').collect();
    match words[..] {
        ["brain", port] => brain(port.parse().expect("a port")),
        ["page", address, code, token] => talk(
            address.parse().expect("an address"),
            code,
            Some(token).filter(|token| !token.is_empty()),
        ),
        _ => {}
    }
}

/// A page that plays, and then reads no more: what was sent to it is lost with it.
fn talk(address: SocketAddr, code: &str, token: Option<&str>) {
    let mut page = Page::connect(address, code, token);
    let session = page.expect("session");
    page.send(r#"{"type": "media", "sound": "opus"}"#);
    page.until(|message| media(message).filter(|&(kind, _)| kind == KEY_PICTURE));
    ready(session["token"].as_str().expect("a token"));
    // Until it is killed.
    let _ = std::io::stdin().read(&mut [0]);
}

/// A server with `OpenAI`'s interface, whose connections stay open. It never ends a reply to what is asked slowly.
fn brain(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
    ready(
        &listener
            .local_addr()
            .expect("an address")
            .port()
            .to_string(),
    );
    for stream in listener.incoming().flatten() {
        thread::spawn(move || answer(stream));
    }
}

fn answer(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    while let Some((path, body)) = request(&mut reader) {
        let said = body["messages"].as_array().and_then(|all| all.last());
        let said = said.map_or(&body["input"], |last| &last["content"]);
        let slowly = said.as_str().is_some_and(|said| said.contains("slowly"));
        match &path[..] {
            "/v1/chat/completions" => {
                let words = if slowly {
                    "Once upon a time, slowly."
                } else {
                    "I am back."
                };
                let delta = json!({ "choices": [{ "delta": { "content": words } }] });
                let events = format!("data: {delta}\n\ndata: [DONE]\n\n");
                send(
                    &mut stream,
                    "text/event-stream",
                    events.len(),
                    events.as_bytes(),
                );
            }
            // Ten seconds are promised, and two of them come.
            "/v1/audio/speech" if slowly => send(&mut stream, "audio/pcm", 480_000, &[7; 96_000]),
            _ => send(&mut stream, "audio/pcm", 24_000, &[7; 24_000]),
        }
    }
}

fn request(reader: &mut impl std::io::BufRead) -> Option<(String, Value)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).ok()?))
}

fn send(stream: &mut TcpStream, kind: &str, length: usize, body: &[u8]) {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

/// `bithuman run` with the toy avatar.
struct Server {
    child: Child,
    address: SocketAddr,
    code: String,
}

impl Server {
    fn start(brain: &str, brain_url: &str) -> Self {
        let mut child = bithuman()
            .args(["run", "--json", "--port", "0", "--max-sessions", "2"])
            .args(["--brain", brain])
            .arg(toy())
            .env("OPENAI_BASE_URL", brain_url)
            .env_remove("OPENAI_API_KEY")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let event: Value = serde_json::from_str(&line).expect("one object");
        let (host, port) = (event["host"].as_str().expect("host"), &event["port"]);
        Self {
            child,
            address: format!("{host}:{port}").parse().expect("an address"),
            code: event["code"].as_str().expect("code").to_owned(),
        }
    }

    fn page(&self, session: Option<&str>) -> Page {
        Page::connect(self.address, &self.code, session)
    }

    fn metric(&self, name: &str) -> u64 {
        metric(self.address, name)
    }

    /// Open files, and threads.
    fn holds(&self) -> [usize; 2] {
        ["fd", "task"].map(|folder| {
            let path = format!("/proc/{}/{folder}", self.child.id());
            std::fs::read_dir(path).expect("the server lives").count()
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A conversation that only listens, in a thread.
struct Bystander {
    over: Arc<AtomicBool>,
    thread: JoinHandle<u32>,
}

impl Bystander {
    fn join(server: &Server) -> Self {
        let mut page = server.page(None);
        page.send(r#"{"type": "media", "sound": "opus"}"#);
        let mut next = page
            .until(|message| media(message).filter(|&(kind, _)| kind == OPUS))
            .1
            + 1;
        let over = Arc::new(AtomicBool::new(false));
        let stop = over.clone();
        let thread = thread::spawn(move || {
            let mut packets = 0;
            while !stop.load(Ordering::Acquire) {
                let message = page.0.read().expect("its connection goes on");
                if let Some(control) = control(&message) {
                    assert_ne!(control["type"], "failure", "{control}");
                }
                if let Some((OPUS, number)) = media(&message) {
                    assert_eq!(number, next, "no packet of sound is missing");
                    next += 1;
                    packets += 1;
                }
            }
            packets
        });
        Self { over, thread }
    }

    /// It got all that it was to get.
    fn leaves_content(self) {
        self.over.store(true, Ordering::Release);
        let packets = self.thread.join().expect("nothing disturbed it");
        assert!(packets > 0, "it got nothing");
    }
}

#[test]
fn a_brain_that_is_killed_fails_its_reply_alone_and_answers_when_it_is_back() {
    let process = Process::start("brain 0");
    let port = process.word.clone();
    let server = Server::start("openai", &format!("http://127.0.0.1:{port}/v1"));
    let bystander = Bystander::join(&server);
    let mut page = server.page(None);
    page.send(r#"{"type": "media", "sound": "opus"}"#);

    // In the midst of a reply.
    page.send(r#"{"type": "text", "text": "Tell me slowly"}"#);
    while page.expect("state")["state"] != "speaking" {}
    process.kill();
    page.expect("failure");
    while page.expect("state")["state"] != "listening" {}

    // Before one.
    page.send(r#"{"type": "text", "text": "Are you there?"}"#);
    let failure = page.expect("failure");
    let message = failure["message"].as_str().expect("a sentence");
    assert!(
        message.contains("no answer from http://127.0.0.1"),
        "{message}"
    );
    page.until(|message| media(message).filter(|&(kind, _)| kind == OPUS));

    // Between two of them, over a connection that was kept: the new one knows nothing of it.
    let mut process = Process::start(&format!("brain {port}"));
    for round in 0..2 {
        page.send(r#"{"type": "text", "text": "And now?"}"#);
        let back =
            |caption: &Value| caption["speaker"] == "avatar" && caption["text"] == "I am back.";
        while !back(&page.expect("caption")) {}
        while page.expect("state")["state"] != "listening" {}
        if round == 0 {
            process.kill();
            process = Process::start(&format!("brain {port}"));
        }
    }
    bystander.leaves_content();
    assert_eq!(server.metric("sessions"), 2);
}

#[test]
fn a_page_that_is_killed_leaves_nothing_behind_and_its_conversation_goes_on() {
    let server = Server::start("script", "");
    let bystander = Bystander::join(&server);
    let mut token = String::new();
    let mut held = Vec::new();
    for _ in 0..12 {
        let process = Process::start(&format!("page {} {} {token}", server.address, server.code));
        token.clone_from(&process.word);
        process.kill();
        // The one that remains is the question's own.
        while server.metric("pages") > 1 || server.metric("connections") > 2 {}
        held.push(server.holds());
    }
    let most = |rounds: &[[usize; 2]], what: usize| rounds.iter().map(|held| held[what]).max();
    for what in [0, 1] {
        // The first rounds start threads that wait for more to do.
        let (before, after) = (most(&held[..6], what), most(&held[6..], what));
        assert!(
            after <= before.map(|n| n + 1),
            "open files, threads: {held:?}"
        );
    }

    let mut page = server.page(Some(&token));
    let session = page.expect("session");
    assert_eq!(session["resumed"], true);
    assert_eq!(
        session["captions"].as_array().map(Vec::len),
        Some(1),
        "the greeting"
    );
    page.send(r#"{"type": "media", "sound": "opus"}"#);
    page.until(|message| media(message).filter(|&(kind, _)| kind == KEY_PICTURE));
    page.send(r#"{"type": "text", "text": "goodbye"}"#);
    while page.expect("state")["state"] != "speaking" {}
    bystander.leaves_content();
    assert_eq!(server.metric("sessions_total"), 2);
}
