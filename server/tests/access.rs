//! Requests of strangers: refused, in words, and the server goes on.

mod common;

use std::io::{Read as _, Write as _};
use std::time::Duration;

use common::{Page, answer, connect, get, metric, options, post, raw, server};
use essence_server::{Options, PUBLIC_BIND_REFUSED};

#[test]
fn the_page_needs_its_code_in_any_spelling_and_starts_nothing() {
    let server = server(options());
    let code = server.code().to_owned();
    for path in [
        format!("/{code}"),
        format!("/{}", code.replace('-', "")),
        format!("/{}", code.to_lowercase()),
        format!("/embed/{code}"),
    ] {
        let page = get(&server, &path);
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.headers
                .contains("content-security-policy: default-src 'none'")
        );
        assert!(page.headers.contains("x-content-type-options: nosniff"));
        assert!(page.text().contains("data-code=\""));
    }
    for path in [
        "/",
        "/AAAA",
        &format!("/{code}A"),
        &format!("/{}", &code[1..]),
        "/assets/../Cargo.toml",
        "/assets/x",
    ] {
        assert_eq!(get(&server, path).status, 404, "{path}");
    }
    let poster = get(&server, &format!("/{code}/poster.png"));
    assert!(poster.body.starts_with(b"\x89PNG"));
    assert_eq!(get(&server, "/healthz").text(), "ok\n");
    assert_eq!(metric(&server, "sessions"), 0);
    assert_eq!(metric(&server, "sessions_total"), 0);
}

#[test]
fn all_files_of_the_page_are_there() {
    let server = server(options());
    let mut names = vec![
        "app.js".to_owned(),
        "style.css".to_owned(),
        "worklets.js".to_owned(),
    ];
    let mut at = 0;
    while at < names.len() {
        let file = get(&server, &format!("/assets/{}", names[at]));
        assert_eq!(file.status, 200, "{}", names[at]);
        let text = file.text();
        for import in text.lines().filter(|line| line.starts_with("import ")) {
            let name = import
                .split("'./")
                .nth(1)
                .and_then(|rest| rest.split('\'').next());
            let name = name.expect("an import from this folder").to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        at += 1;
    }
    assert!(names.len() > 6, "{names:?}");
}

#[test]
fn the_widget_is_a_script_under_its_name_and_those_of_earlier_ones() {
    let server = server(options());
    let widget = get(&server, "/widget.js");
    assert!(widget.headers.contains("content-type: text/javascript"));
    // Classic scripts, as the tag of another site loads them, import nothing.
    assert!(
        !widget
            .text()
            .lines()
            .any(|line| line.starts_with("import "))
    );
    for path in [
        "/embed.js",
        "/bithuman-chat-widget-v5.js",
        "/bithuman-web-gadget.js",
        "/widgets/bithuman-chat-widget.js",
        "/widgets/bithuman-gadget.js",
    ] {
        assert_eq!(get(&server, path).body, widget.body, "{path}");
    }
}

#[test]
fn a_foreign_host_is_refused_so_that_no_name_can_be_bound_to_this_machine() {
    let mut options = options();
    options.hosts = vec!["face.example.org".to_owned()];
    let server = server(options);
    let status = |headers: &str| {
        let request = format!(
            "GET /{} HTTP/1.1\r\n{headers}connection: close\r\n\r\n",
            server.code()
        );
        raw(&server, &request).status
    };
    assert_eq!(status("host: evil.example\r\n"), 421);
    assert_eq!(status("host: 127.0.0.1.evil.example:8088\r\n"), 421);
    assert_eq!(status("host: localhost.\r\n"), 421);
    assert_eq!(status(""), 421);
    assert_eq!(status("host: localhost\r\nhost: evil.example\r\n"), 421);
    assert_eq!(status("host: localhost:8088\r\n"), 200);
    assert_eq!(status("host: [::1]:8088\r\n"), 200);
    assert_eq!(status("host: Face.Example.org\r\n"), 200);
}

#[test]
fn a_foreign_origin_gets_no_conversation() {
    let server = server(options());
    let own = format!("http://{}", server.address());
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "file://",
        &format!("{own}.evil.example"),
    ] {
        assert_eq!(
            Page::try_open(&server, "", origin).err(),
            Some(403),
            "{origin}"
        );
        let path = format!("/{}/offer?session=x", server.code());
        assert_eq!(post(&server, &path, origin, "v=0").status, 403, "{origin}");
    }
    assert!(Page::try_open(&server, "", &own).is_ok());
    let path = format!(
        "/{}/offer?session=00000000000000000000000000000000",
        server.code()
    );
    assert_eq!(
        post(&server, &path, &own, "v=0").status,
        404,
        "no such conversation"
    );
}

#[test]
fn giant_and_malformed_requests_are_refused() {
    let mut options = options();
    options.request_limit = Duration::from_secs(3);
    let server = server(options);
    let address = server.address();
    let mut page = Page::open(&server, None);
    let token = page.expect("session")["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let path = format!("/{}/offer?session={token}", server.code());
    let own = format!("http://{address}");
    assert_eq!(post(&server, &path, &own, "no offer at all").status, 400);
    assert_eq!(post(&server, &path, &own, &"a".repeat(1 << 20)).status, 413);
    let claimed = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\norigin: {own}\r\ncontent-length: 9999999999999\r\n\r\n"
    );
    let status = raw(&server, &claimed).status;
    assert!(
        status == 408 || status == 413,
        "{status}: it waits for no such body"
    );
    let long = format!(
        "GET /{} HTTP/1.1\r\nhost: {address}\r\n\r\n",
        "a".repeat(100_000)
    );
    let mut stream = connect(&server);
    let _ = stream.write_all(long.as_bytes());
    assert!(answer(stream).is_none_or(|a| a.status >= 400));
    let mut stream = connect(&server);
    let _ = stream.write_all(&[0xff; 4_096]);
    assert!(answer(stream).is_none_or(|a| a.status >= 400));
    assert_eq!(get(&server, "/healthz").status, 200);
}

#[test]
fn half_open_connections_are_closed_and_too_many_are_refused() {
    let mut options = options();
    options.request_limit = Duration::from_millis(300);
    options.max_connections = 20;
    let server = server(options);
    let mut silent: Vec<_> = (0..200).map(|_| connect(&server)).collect();
    for stream in &mut silent {
        let _ = stream.write_all(b"GET / HT");
    }
    // Each of them is closed: those beyond the limit at once, the others by the time limit.
    for stream in &mut silent {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    assert_eq!(get(&server, "/healthz").status, 200);
    assert!(metric(&server, "connections_refused_total") >= 100);
}

#[test]
fn a_public_address_is_refused_without_the_permission() {
    let mut public = Options::default();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        public.address = address.parse().expect("an address");
        let error = public.check().expect_err(address);
        assert!(error.message().starts_with(PUBLIC_BIND_REFUSED), "{error}");
        assert!(error.message().contains("https"), "{error}");
    }
    public.allow_public_bind = true;
    assert!(public.check().is_ok());
    for address in ["127.0.0.1:0", "[::1]:0", "127.9.9.9:0"] {
        let mut options = Options::default();
        options.address = address.parse().expect("an address");
        assert!(options.check().is_ok(), "{address}");
    }
}

#[test]
fn an_origin_that_would_break_the_policy_is_refused() {
    let mut options = options();
    options.embedders = vec!["https://example.org; script-src *".to_owned()];
    assert!(options.check().is_err());
    options.embedders = vec!["https://example.org".to_owned()];
    let server = server(options);
    let embedded = get(&server, &format!("/embed/{}", server.code()));
    assert!(
        embedded
            .headers
            .contains("frame-ancestors 'self' https://example.org")
    );
    let page = get(&server, &format!("/{}", server.code()));
    assert!(page.headers.contains("frame-ancestors 'none'"));
}
