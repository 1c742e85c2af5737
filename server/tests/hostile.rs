//! Clients that mean harm, in numbers: memory stays flat and the server goes on.
#![cfg(target_os = "linux")]

mod common;

use std::io::Write as _;
use std::time::Duration;

use common::{Page, answer, connect, echo, get, metric, options};
use essence_server::Server;
use tungstenite::Message;

/// Growth that the allocator's and the system's own habits explain.
const SLACK_KIB: u64 = 16 << 10;

/// Memory of this process, in which the server runs.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process has a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.and_then(|n| n.parse().ok()).expect("a number of kB")
}

/// One of the ways to waste a connection.
fn harass(server: &Server, n: usize) {
    let code = server.code();
    let request = match n % 6 {
        // A port scan.
        0 => String::new(),
        // Half a request.
        1 => format!("GET /{code} HTT"),
        2 => "GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n".to_owned(),
        3 => format!("GET /WRONG-{n} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        // A body that never comes.
        4 => format!(
            "POST /{code}/offer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\nv=0"
        ),
        _ => "\u{16}\u{3}\u{1}\u{0}\u{ff}".repeat(40),
    };
    // It may be refused at once, when others are still being let go.
    let _ = connect(server).write_all(request.as_bytes());
}

#[test]
fn ten_thousand_connections_leave_no_memory_behind() {
    let mut options = options();
    options.request_limit = Duration::from_millis(500);
    let server = echo(options);
    (0..1_000).for_each(|n| harass(&server, n));
    let before = resident_kib();
    (0..10_000).for_each(|n| harass(&server, n));
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < SLACK_KIB, "grown by {grown} KiB");
    // The seats of the last ones come back.
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let healthy = || {
        let mut stream = connect(&server);
        let _ = stream.write_all(request.as_bytes());
        answer(stream).is_some_and(|answer| answer.status == 200)
    };
    while !healthy() {
        std::thread::yield_now();
    }
    assert_eq!(metric(&server, "sessions_total"), 0);
}

#[test]
fn a_flood_of_data_costs_no_memory_and_ends_where_it_breaks_the_rules() {
    let server = echo(options());
    let mut page = Page::open(&server, None);
    page.expect("session");
    page.send(r#"{"type": "media", "sound": "pcm"}"#);
    let block = vec![0xa5u8; 16 << 10];
    let mut flood = |count: usize| {
        for _ in 0..count {
            page.0
                .send(Message::binary(block.clone()))
                .expect("it is borne");
            // Answers are read, so that the way here doesn't fill up.
            let _ = page
                .0
                .get_ref()
                .set_read_timeout(Some(Duration::from_micros(1)));
            while page.0.read().is_ok() {}
        }
    };
    flood(200);
    let before = resident_kib();
    // 64 MiB.
    flood(4_000);
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < SLACK_KIB, "grown by {grown} KiB");
    assert_eq!(get(&server, "/healthz").status, 200);
    // Control messages without end are no conversation: the page is let go, the server is not.
    let mut refused = false;
    for id in 0..100_000 {
        let ping = format!("{{\"type\": \"ping\", \"id\": {id}}}");
        if page.0.send(Message::text(ping)).is_err() {
            refused = true;
            break;
        }
    }
    assert!(refused, "a hundred thousand messages were borne");
    assert_eq!(get(&server, "/healthz").status, 200);
}
