//! `POST /launch` and its companions, without a room: shapes, secrets, seats.

mod common;

use std::path::Path;
use std::time::Instant;

use common::{Answer, DEADLINE, avatar, get, metric, options, raw, server};
use essence_server::{Options, Server};
use serde_json::Value;

/// A token for `{"sub":"avatar","video":{"room":"room"}}`, which nobody has signed.
const TOKEN: &str = "e30.eyJzdWIiOiJhdmF0YXIiLCJ2aWRlbyI6eyJyb29tIjoicm9vbSJ9fQ.c2ln";

/// The same for the room `other`.
const OTHER_TOKEN: &str = "e30.eyJzdWIiOiJhdmF0YXIiLCJ2aWRlbyI6eyJyb29tIjoib3RoZXIifX0.c2ln";

/// Nothing listens there.
const NOWHERE: &str = "ws://127.0.0.1:1";

fn send(server: &Server, head: &str, kind: &str, body: &str) -> Answer {
    let (address, length) = (server.address(), body.len());
    let kind = match kind {
        "" => String::new(),
        kind => format!("content-type: {kind}\r\n"),
    };
    raw(
        server,
        &format!(
            "POST /launch HTTP/1.1\r\nhost: {address}\r\n{head}{kind}content-length: {length}\r\nconnection: \
             close\r\n\r\n{body}"
        ),
    )
}

fn json(server: &Server, body: &Value) -> Answer {
    send(server, "", "application/json", &body.to_string())
}

fn body(room: &str) -> Value {
    serde_json::json!({ "livekit_url": NOWHERE, "livekit_token": TOKEN, "room_name": room })
}

fn value(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

fn call(server: &Server, method: &str, path: &str) -> Answer {
    let address = server.address();
    raw(
        server,
        &format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"),
    )
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < DEADLINE, "not in time: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn all_three_shapes_launch_and_the_same_again_is_the_same_task() {
    let server = server(options());
    let form = format!(
        "livekit_url=ws%3A%2F%2F127.0.0.1%3A1&livekit_token={TOKEN}&room_name=room&avatar_id=*"
    );
    let part = |name: &str, value: &str| {
        format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let multipart = [
        ("livekit_url", NOWHERE),
        ("livekit_token", TOKEN),
        ("room_name", "room"),
    ]
    .map(|(name, value)| part(name, value))
    .concat();
    let answers = [
        json(&server, &body("room")),
        send(&server, "", "application/x-www-form-urlencoded", &form),
        send(
            &server,
            "authorization: Bearer any\r\n",
            "multipart/form-data; boundary=x",
            &format!("{multipart}--x--\r\n"),
        ),
    ];
    let mut tasks = Vec::new();
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let value = value(answer);
        assert_eq!(
            (&value["status"], &value["room_name"]),
            (&"pending".into(), &"room".into())
        );
        tasks.push(value["task_id"].as_str().expect("an id").to_owned());
    }
    assert!(tasks.iter().all(|task| *task == tasks[0]), "{tasks:?}");
    assert_eq!(metric(&server, "livekit_launches_total"), 1);
    let task = get(&server, &format!("/tasks/{}", tasks[0]));
    assert_eq!(value(&task)["participant_identity"], "avatar");
    assert!(!task.text().contains(TOKEN));
    assert_eq!(
        call(&server, "POST", &format!("/tasks/{}/stop", tasks[0])).status,
        200
    );
    until("the task is cancelled", || {
        value(&get(&server, &format!("/tasks/{}", tasks[0])))["status"] == "cancelled"
    });
    assert_eq!(value(&get(&server, "/health"))["active_sessions"], 0);
}

#[test]
fn rooms_take_seats_and_give_them_back() {
    let mut options = options();
    options.max_sessions = Some(1);
    let server = server(options);
    assert_eq!(value(&get(&server, "/ready"))["status"], "ready");
    let launched = value(&json(&server, &body("room")));
    let ready = get(&server, "/ready");
    assert_eq!(
        (ready.status, &value(&ready)["status"]),
        (503, &"at_capacity".into())
    );
    let mut second = body("other");
    second["livekit_token"] = OTHER_TOKEN.into();
    let refused = json(&server, &second);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("at capacity"), "{}", refused.text());
    assert_eq!(
        value(&get(&server, "/status"))["rooms"],
        serde_json::json!(["room"])
    );
    let id = launched["task_id"].as_str().expect("an id");
    call(&server, "POST", &format!("/tasks/{id}/stop"));
    until("the seat is free", || get(&server, "/ready").status == 200);
}

#[test]
fn a_secret_is_wanted_where_there_is_one() {
    let mut options = options();
    options.launch.secret = Some("open sesame".to_owned());
    let server = server(options);
    let text = body("room").to_string();
    for head in [
        "",
        "api-secret: open\r\n",
        "api-secret: open sesame!\r\n",
        "authorization: Basic open sesame\r\n",
        "authorization: Bearer\r\n",
    ] {
        let answer = send(&server, head, "application/json", &text);
        assert_eq!(answer.status, 401, "{head:?}: {}", answer.text());
        assert!(!answer.text().contains("sesame"));
    }
    for path in ["/status", "/tasks", "/tasks/1"] {
        assert_eq!(get(&server, path).status, 401, "{path}");
    }
    for path in ["/health", "/ready"] {
        assert_eq!(get(&server, path).status, 200, "{path}");
    }
    for head in [
        "api-secret: open sesame\r\n",
        "authorization: bearer open sesame\r\n",
    ] {
        let answer = send(&server, head, "application/json", &text);
        assert_eq!(answer.status, 200, "{head:?}: {}", answer.text());
    }
}

#[test]
fn pages_of_other_sites_launch_nothing() {
    let server = server(options());
    let text = body("room").to_string();
    let head = "origin: https://example.org\r\n";
    assert_eq!(send(&server, head, "application/json", &text).status, 403);
    assert_eq!(metric(&server, "livekit_launches_total"), 0);
}

#[test]
fn a_server_that_others_reach_launches_nothing_without_a_secret() {
    let mut options = options();
    options.address.set_ip([0, 0, 0, 0].into());
    options.allow_public_bind = true;
    let server = server(options);
    let mut stream =
        std::net::TcpStream::connect(("127.0.0.1", server.address().port())).expect("it listens");
    std::io::Write::write_all(
        &mut stream,
        b"POST /launch HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )
    .expect("it is sent");
    let answer = common::answer(stream).expect("an answer");
    assert_eq!(answer.status, 403);
    assert!(
        answer.text().contains("BITHUMAN_API_SECRET"),
        "{}",
        answer.text()
    );
}

#[test]
fn bodies_that_make_no_sense_are_refused_in_words() {
    let mut options = options();
    options.launch = files();
    let server = server(options);
    let with = |name: &str, given: Value| {
        let mut body = body("room");
        body[name] = given;
        body.to_string()
    };
    let huge = "A".repeat(14_000_000);
    let kind = "application/json";
    for (kind, text, status, word) in [
        (kind, "{".to_owned(), 400, "no JSON"),
        (kind, "[]".to_owned(), 400, "no JSON object"),
        (kind, "{}".to_owned(), 400, "livekit_url is missing"),
        (
            kind,
            with("room_name", "".into()),
            400,
            "room_name is missing",
        ),
        (kind, with("room_name", "other".into()), 400, "another room"),
        (kind, with("livekit_token", "abc".into()), 400, "no token"),
        (kind, with("livekit_token", "a.!.c".into()), 400, "no token"),
        (
            kind,
            with("livekit_url", "x".repeat(20_000).into()),
            400,
            "too long",
        ),
        (kind, with("agent_id", "../toy".into()), 400, "avatar_id"),
        (kind, with("agent_id", ".toy".into()), 400, "avatar_id"),
        (
            kind,
            with("agent_id", "nobody".into()),
            404,
            "Agent not found for code: nobody",
        ),
        (
            kind,
            with("image", "http://127.0.0.1/x.png".into()),
            400,
            "fetches nothing",
        ),
        (
            kind,
            with("avatar_image_url", "https://x.org/".into()),
            400,
            "fetches nothing",
        ),
        (
            kind,
            with("model_url", "https://x.org/".into()),
            400,
            "fetches nothing",
        ),
        (kind, with("image", "*".into()), 400, "base64"),
        (kind, with("image", "AAAA".into()), 400, ""),
        (kind, with("image", huge.clone().into()), 413, ""),
        ("", body("room").to_string(), 415, "multipart"),
        ("text/plain", body("room").to_string(), 415, "multipart"),
        ("multipart/form-data", "--x".to_owned(), 400, "form"),
        (
            "multipart/form-data; boundary=x",
            "--x".to_owned(),
            400,
            "form",
        ),
        (
            "application/x-www-form-urlencoded",
            "livekit_url=%2".to_owned(),
            400,
            "encoded",
        ),
        (
            "application/x-www-form-urlencoded",
            "livekit_url=%ff".to_owned(),
            400,
            "UTF-8",
        ),
    ] {
        let answer = send(&server, "", kind, &text);
        let shown = &text[..text.len().min(100)];
        assert_eq!(answer.status, status, "{kind} {shown}: {}", answer.text());
        assert!(
            answer.text().contains(word),
            "{kind} {shown}: {}",
            answer.text()
        );
    }
    assert_eq!(metric(&server, "livekit_launches_total"), 0);
    assert_eq!(value(&get(&server, "/health"))["active_sessions"], 0);
}

#[test]
fn avatars_are_found_by_name_in_the_folders() {
    let mut options = options();
    options.launch = files();
    let server = server(options);
    let mut named = body("room");
    named["avatar_id"] = "TOY_KEYED".into();
    let launched = json(&server, &named);
    assert_eq!(launched.status, 200, "{}", launched.text());
    let id = value(&launched)["task_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let task = value(&get(&server, &format!("/tasks/{id}")));
    assert_ne!(task["avatar"], avatar().info().name.as_str(), "{task}");
}

/// The avatars of the tests, and an engine for them.
fn files() -> essence_server::LaunchOptions {
    let mut launch = essence_server::LaunchOptions::default();
    let engine = essence::Engine::builder().build();
    launch.engine = Some(engine.expect("ONNX Runtime is there"));
    launch.roots = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars")];
    launch
}

#[test]
fn options_do_not_show_their_secret() {
    let mut options = Options::default();
    options.launch.secret = Some("open sesame".to_owned());
    assert!(!format!("{options:?}").contains("sesame"));
}
