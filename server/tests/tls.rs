//! https by a certificate and a key, and the addresses of WebRTC.

mod common;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use common::{Page, avatar, connect, metric, options, post, raw, server};
use essence::ErrorKind;
use essence_brain::Echo;
use essence_server::{Options, Server, TlsFiles};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::client::IntoClientRequest as _;

/// A certificate for `localhost` and its key, in a folder that is removed at the end.
struct Files {
    folder: PathBuf,
    files: TlsFiles,
}

impl Files {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("bithuman-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("a certificate");
        let files = TlsFiles {
            certificate: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        };
        std::fs::write(&files.certificate, made.cert.pem()).expect("it is written");
        std::fs::write(&files.key, made.signing_key.serialize_pem()).expect("it is written");
        Self { folder, files }
    }

    fn options(&self) -> Options {
        let mut options = options();
        options.tls = Some(self.files.clone());
        options.hosts = vec!["localhost".to_owned()];
        options
    }

    /// A connection that trusts this certificate alone.
    fn connect(&self, server: &Server) -> StreamOwned<ClientConnection, std::net::TcpStream> {
        let mut roots = RootCertStore::empty();
        let certificate =
            CertificateDer::from_pem_file(&self.files.certificate).expect("a certificate");
        roots.add(certificate).expect("it is one");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("there are some")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        StreamOwned::new(client, connect(server))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn page_and_conversation_go_over_https() {
    let files = Files::new("page");
    let server = server(files.options());
    let port = server.address().port();
    assert_eq!(
        server.url(),
        format!("https://localhost:{port}/{}", server.code())
    );
    let mut stream = files.connect(&server);
    let request = format!(
        "GET /{} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n",
        server.code()
    );
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut page = String::new();
    // The end of the connection may come without TLS's own goodbye.
    let _ = stream.read_to_string(&mut page);
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("</html>"),
        "{page}"
    );

    let url = format!("wss://localhost:{port}/{}/ws", server.code());
    let mut request = url.into_client_request().expect("an address");
    let origin = format!("https://localhost:{port}");
    request
        .headers_mut()
        .insert("origin", origin.parse().expect("a header"));
    let (mut socket, _) =
        tungstenite::client(request, files.connect(&server)).expect("the page is let in");
    let first = socket.read().expect("a message").into_text().expect("text");
    assert!(first.contains("\"type\":\"session\""), "{first}");
}

#[test]
fn plain_http_is_told_where_to_go_and_half_a_handshake_is_let_go() {
    let files = Files::new("plain");
    let mut options = files.options();
    options.request_limit = Duration::from_millis(300);
    let server = server(options);
    let answer = raw(&server, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .text()
            .contains(&format!("https://{}", server.address())),
        "{}",
        answer.text()
    );
    for begin in [&b"\x16\x03\x01"[..], &[]] {
        let mut stream = connect(&server);
        stream.write_all(begin).expect("it is sent");
        let mut rest = Vec::new();
        // The server closes; whether by a reset is the system's choice.
        let _ = stream.read_to_end(&mut rest);
    }
    let mut stream = files.connect(&server);
    let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    assert!(text.contains("bithuman_connections 1\n"), "{text}");
}

#[test]
fn files_that_make_no_server_are_refused_by_name() {
    let (one, other) = (Files::new("one"), Files::new("other"));
    let refused = |certificate: PathBuf, key: PathBuf| {
        let mut options = options();
        options.tls = Some(TlsFiles { certificate, key });
        let started = Server::start(options, avatar(), Arc::new(Echo::default()));
        started.expect_err("it is refused")
    };
    let missing = refused(one.folder.join("none.pem"), one.files.key.clone());
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.message().contains("none.pem"), "{missing}");
    let text = one.folder.join("text.pem");
    std::fs::write(&text, "no PEM").expect("it is written");
    for (certificate, key) in [
        (text.clone(), one.files.key.clone()),
        (one.files.certificate.clone(), text.clone()),
        (one.files.key.clone(), one.files.key.clone()),
    ] {
        assert_eq!(refused(certificate, key).kind(), ErrorKind::InvalidArgument);
    }
    let foreign = refused(one.files.certificate.clone(), other.files.key.clone());
    assert_eq!(foreign.kind(), ErrorKind::InvalidArgument);
    assert!(foreign.message().contains("key.pem"), "{foreign}");
}

/// A browser's offer of a video that it receives and an audio.
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=setup:actpass\r\na=mid:1\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:102 H264/90000\r\n\
    a=rtcp-fb:102 nack\r\na=rtcp-fb:102 nack pli\r\n\
    a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n";

/// The answer of a server to the offer.
fn answered(options: Options) -> (Server, String) {
    let server = server(options);
    let mut page = Page::open(&server, None);
    let token = page.expect("session")["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let path = format!("/{}/offer?session={token}", server.code());
    let answer = post(
        &server,
        &path,
        &format!("http://{}", server.address()),
        OFFER,
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    (server, answer.text())
}

#[test]
fn browsers_are_told_the_public_address_or_those_of_the_interfaces() {
    let mut everywhere = options();
    everywhere
        .address
        .set_ip("0.0.0.0".parse().expect("an address"));
    everywhere.allow_public_bind = true;
    let (server, answer) = answered(everywhere.clone());
    assert!(
        answer.contains(&format!(" 127.0.0.1 {} typ host", server.address().port())),
        "{answer}"
    );
    assert_eq!(metric(&server, "sessions"), 1);
    everywhere.public_addresses = vec!["203.0.113.7".parse().expect("an address")];
    let (server, answer) = answered(everywhere);
    let candidates: Vec<_> = answer
        .lines()
        .filter(|line| line.starts_with("a=candidate"))
        .collect();
    assert!(!candidates.is_empty(), "{answer}");
    let public = format!(" 203.0.113.7 {} ", server.address().port());
    assert!(
        candidates.iter().all(|line| line.contains(&public)),
        "{candidates:?}"
    );
}
