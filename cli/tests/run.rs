//! `bithuman run`: begins, says where, ends; refuses what nobody should get by mistake.

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use common::{bithuman, run, toy};
use serde_json::Value;

#[test]
fn it_says_its_address_serves_the_page_and_ends_when_asked() {
    for avatar in [Some(toy()), None] {
        let mut command = bithuman();
        command.args(["run", "--port", "0", "--json", "--brain", "script"]);
        command.args(&avatar);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let event: Value = serde_json::from_str(&line).expect("one object on one line");
        assert_eq!(
            (&event["event"], &event["brain"]),
            (&"session_started".into(), &"script".into())
        );
        let (host, port) = (event["host"].as_str().expect("host"), &event["port"]);
        let code = event["code"].as_str().expect("code");
        assert_eq!(event["url"], format!("http://{host}:{port}/{code}"));
        assert!(event["max_sessions"].as_u64().is_some_and(|n| n > 0));

        let mut stream = TcpStream::connect(format!("{host}:{port}")).expect("it listens");
        let request =
            format!("GET /{code} HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("a page");
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("<button id=\"start\""));

        #[cfg(unix)]
        {
            common::signal("TERM", child.id());
            assert_eq!(child.wait().expect("it ends").code(), Some(0));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[test]
fn a_public_address_is_refused_before_anything_is_loaded() {
    let result = run(["run", "there_is_none.imx", "--host", "0.0.0.0", "--json"]);
    assert_eq!(result.error(), (2, "PUBLIC_BIND_REFUSED".to_owned()));
    assert!(
        result.stderr.contains("--allow-public-bind"),
        "{}",
        result.stderr
    );
    // With the permission, the next error is the avatar's.
    let allowed = [
        "run",
        "there_is_none.imx",
        "--host",
        "0.0.0.0",
        "--allow-public-bind",
        "--json",
    ];
    assert_eq!(run(allowed).error(), (66, "FILE_NOT_FOUND".to_owned()));
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let toy = toy().display().to_string();
    for (arguments, code, part) in [
        (vec!["--host", "my-computer"], 2, "address"),
        (vec!["--brain", "magic"], 2, "script:FILE"),
        (vec!["--brain", "script:"], 2, "script:FILE"),
        (
            vec!["--brain", "script:there_is_none.json"],
            66,
            "there_is_none.json",
        ),
        (vec!["--gesture", "hello"], 2, "hello=wave"),
        (vec!["--gesture", "hello=fly"], 2, "no gesture"),
        (vec!["--max-sessions", "0"], 2, "0"),
        (vec!["--allow-embed", "example.org"], 2, "origin"),
    ] {
        let mut all = vec!["run", &toy, "--port", "0", "--json"];
        all.extend(&arguments);
        let result = run(all);
        assert_eq!(result.error().0, code, "{arguments:?}: {}", result.stderr);
        assert!(
            result.stderr.contains(part),
            "{arguments:?}: {}",
            result.stderr
        );
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let toy = toy().display().to_string();
    let result = run(["run", &toy, "--port", &port, "--brain", "echo", "--json"]);
    assert_eq!(result.error().0, 1);
    assert!(result.stderr.contains("--port"), "{}", result.stderr);
}
