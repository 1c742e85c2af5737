//! Servers over https and wss: the system's certificates decide, and one that they don't vouch for gets no key.
//!
//! The certificates are those of the process, so each client is a process of this file's own.
#![cfg(target_os = "linux")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use common::{start, until};
use essence_brain::{Event, Input, OpenAi, OpenAiSettings, Realtime, Responder, Settings};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// The address that a process of this file is to talk to, instead of testing.
const ADDRESS: &str = "BRAIN_TEST_ADDRESS";

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A certificate for `localhost` that nobody has signed, in a file; and a server that has it.
struct Secure {
    folder: tempfile::TempDir,
    port: u16,
    /// The bytes that the server saw of each connection.
    seen: Receiver<Result<String, String>>,
}

impl Secure {
    fn start(serve: fn(Stream) -> Result<String, String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("a certificate");
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("it is written");
        let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes());
        let chain = vec![CertificateDer::from(made.cert.der().to_vec())];
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("there are some")
            .with_no_client_auth()
            .with_single_cert(chain, key.expect("a key"));
        let config = Arc::new(config.expect("they fit"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, seen) = channel();
        std::thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let connection = ServerConnection::new(config.clone()).expect("a connection");
                let result = serve(StreamOwned::new(connection, tcp));
                if sender.send(result).is_err() {
                    return;
                }
            }
        });
        Self { folder, port, seen }
    }

    /// Runs a client in a process of its own, which trusts this certificate or only the system's; its output.
    fn client(&self, role: &str, trusts: bool) -> String {
        let program = std::env::current_exe().expect("this program has a path");
        let own = self.folder.path().join("cert.pem");
        let none = Path::new("/dev/null");
        let output = Command::new(program)
            .args(["--exact", role, "--nocapture"])
            .env(ADDRESS, format!("https://localhost:{}/v1", self.port))
            .env("SSL_CERT_FILE", if trusts { &own } else { none })
            .env_remove("SSL_CERT_DIR")
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn settings(base_url: String) -> OpenAiSettings {
    OpenAiSettings {
        base_url,
        api_key: "secret-key".to_owned(),
        ..OpenAiSettings::default()
    }
}

fn say(result: &str) {
    writeln!(std::io::stdout(), "{result}").expect("stdout");
}

#[test]
fn speaks_by_wss() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    let realtime: Arc<dyn Responder> =
        Arc::new(Realtime::new(settings(address)).expect("a client"));
    let (brain, events) = start(realtime, Settings::default());
    brain.send(Input::Text("Hello".to_owned()));
    let got = until(&events, |event| {
        matches!(event, Event::Failure(_) | Event::EndOfSpeech { .. })
    });
    say(&format!("{got:?}"));
}

#[test]
fn thinks_by_https() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    let client = OpenAi::new(settings(address)).expect("a client");
    let (result, words) = common::thought(&client, &[], &essence_brain::Cancel::default());
    say(&format!("{result:?} {words}"));
}

/// A reply of the Realtime protocol. The authorization that the client came with.
fn realtime(stream: Stream) -> Result<String, String> {
    use tungstenite::handshake::server::{ErrorResponse, Request, Response};
    let mut authorization = String::new();
    #[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let value = request.headers().get("authorization");
        authorization = value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        Ok(response)
    };
    let mut socket = tungstenite::accept_hdr(stream, look).map_err(|error| error.to_string())?;
    let send = |socket: &mut WebSocket<Stream>, event: Value| {
        socket
            .send(Message::text(event.to_string()))
            .map_err(|error| error.to_string())
    };
    send(
        &mut socket,
        json!({ "type": "session.created", "session": { "type": "realtime" } }),
    )?;
    loop {
        let message = socket.read().map_err(|error| error.to_string())?;
        if message
            .to_text()
            .is_ok_and(|text| text.contains("response.create"))
        {
            break;
        }
    }
    for event in [
        json!({ "type": "response.created", "response": { "id": "one" } }),
        json!({ "type": "response.output_audio.delta", "response_id": "one", "delta": "AAAA".repeat(1_600) }),
        json!({ "type": "response.done", "response": { "id": "one", "status": "completed" } }),
    ] {
        send(&mut socket, event)?;
    }
    // Until the client is through.
    while socket.read().is_ok() {}
    Ok(authorization)
}

/// A reply of the chat interface. The request's head.
fn chat(mut stream: Stream) -> Result<String, String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream
            .read_exact(&mut byte)
            .map_err(|error| error.to_string())?;
        head.push(byte[0]);
    }
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"I see.\"}}]}\n\ndata: [DONE]\n\n";
    let length = event.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{event}"
    );
    stream
        .write_all(answer.as_bytes())
        .map_err(|error| error.to_string())?;
    stream.flush().map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

#[test]
fn a_trusted_server_is_spoken_to_and_another_gets_no_key() {
    type Serve = fn(Stream) -> Result<String, String>;
    let servers: [(&str, Serve, &str); 2] = [
        ("speaks_by_wss", realtime, "EndOfSpeech"),
        ("thinks_by_https", chat, "Ok(()) I see."),
    ];
    for (role, serve, wanted) in servers {
        let server = Secure::start(serve);
        let output = server.client(role, true);
        assert!(output.contains(wanted), "{role}: {output}");
        let seen = server
            .seen
            .recv()
            .expect("it was asked")
            .expect("it was spoken to");
        assert!(seen.contains("Bearer secret-key"), "{role}: {seen}");

        let output = server.client(role, false);
        assert!(!output.contains(wanted), "{role}: {output}");
        assert!(
            output.contains("ertificate"),
            "{role} names the reason: {output}"
        );
        let seen = server.seen.recv().expect("it was asked");
        assert!(seen.is_err(), "{role}: an unknown server saw {seen:?}");
    }
}
