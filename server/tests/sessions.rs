//! Conversations as the REST interface tells of them: live ones, what was said, their ends, their events.

mod common;

use std::net::TcpListener;
use std::time::Instant;

use common::rest::{agent, call, platform, serve, until, value};
use common::{DEADLINE, Page};
use essence_server::{Administration, Server};
use serde_json::{Value, json};

const LIVE: &str = "/v2/me/runtime-sessions";

/// A page that shows an agent in a room.
fn page(server: &Server, code: &str, room: &str) -> Page {
    let origin = format!("http://{}", server.address());
    let opened = Page::try_connect(server.address(), code, &format!("?room={room}"), &origin);
    let mut page = opened.expect("the page is let in");
    page.expect("session");
    page.send(r#"{"type":"media","sound":"pcm"}"#);
    page
}

/// The one session that is live.
fn live(server: &Server) -> Value {
    let listed = until(server, LIVE, |answer| answer["data"]["active_count"] == 1);
    listed["data"]["sessions"][0].clone()
}

fn messages(session: &Value) -> String {
    format!(
        "{LIVE}/{}/messages",
        session["id"].as_str().unwrap_or_default()
    )
}

/// The number of uses that conversations of an agent have left.
fn uses(server: &Server, code: &str) -> usize {
    let used = value(&call(
        server,
        "GET",
        &format!("/v1/usage?agent_code={code}"),
        "any",
        None,
    ));
    let events = used["data"].as_array().into_iter().flatten();
    events
        .filter(|event| event["activity_type"] == "bithuman-serve" && event["end_time"].is_string())
        .count()
}

#[test]
fn a_conversation_is_listed_read_and_ended() {
    let data = tempfile::tempdir().expect("a folder");
    let server = serve(platform(data.path()));
    agent(&server, "TALK");
    let mut page = page(&server, "TALK", "room-1");
    let session = live(&server);
    assert_eq!(
        (
            &session["agent_code"],
            &session["room_name"],
            &session["status"]
        ),
        (&json!("TALK"), &json!("room-1"), &json!("live"))
    );
    page.send(r#"{"type":"text","text":"Do you have apples?"}"#);
    page.until(|message| {
        common::page::control(message).filter(|told| told["text"] == "Do you have apples?")
    });
    let speak = json!({"message": "We have apples."});
    let said = call(&server, "POST", "/v1/agent/TALK/speak", "any", Some(&speak));
    assert_eq!(said.status, 200, "{said:?}");
    page.until(|message| {
        common::page::control(message).filter(|told| told["text"] == "We have apples.")
    });
    let spoken = until(&server, &messages(&session), |answer| {
        answer["data"]["messages"][1]["message"] == "We have apples."
    });
    assert_eq!(spoken["data"]["messages"][1]["role"], "assistant");
    for state in ["speaking", "listening"] {
        page.until(|message| common::page::control(message).filter(|told| told["state"] == state));
    }
    page.send(r#"{"type":"text","text":"And pears?"}"#);
    let read = until(&server, &messages(&session), |answer| {
        answer["data"]["messages"].as_array().map_or(0, Vec::len) == 3
    });
    let read: Vec<(&str, &str)> = read["data"]["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|said| {
            (
                said["role"].as_str().unwrap_or(""),
                said["message"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(
        read,
        [
            ("user", "Do you have apples?"),
            ("assistant", "We have apples."),
            ("user", "And pears?")
        ]
    );
    let path = format!(
        "{LIVE}/{}/terminate",
        session["id"].as_str().unwrap_or_default()
    );
    let ending = value(&call(&server, "POST", &path, "any", None));
    assert_eq!(ending["data"]["ended"], 1, "{ending}");
    assert_eq!(
        page.expect("ended")["message"],
        "this conversation was ended"
    );
    drop(page);
    until(&server, LIVE, |answer| answer["data"]["active_count"] == 0);
    let all = value(&call(
        &server,
        "GET",
        &format!("{LIVE}?window=all"),
        "any",
        None,
    ));
    assert_eq!(all["data"]["sessions"][0]["status"], "ended", "{all}");
    assert_eq!(uses(&server, "TALK"), 1);
    let again = value(&call(&server, "POST", &path, "any", None));
    assert_eq!(again["data"]["ended"], 0, "one that is over ends no more");
    assert_eq!(
        call(&server, "DELETE", "/v1/agent/TALK", "any", None).status,
        200
    );
    let forgotten = value(&call(&server, "GET", &messages(&session), "any", None));
    assert_eq!(
        forgotten["data"]["messages"],
        json!([]),
        "words go with their agent"
    );
}

#[test]
fn words_are_not_kept_where_that_is_not_wanted() {
    let data = tempfile::tempdir().expect("a folder");
    let mut options = platform(data.path());
    options.transcripts = false;
    let server = serve(options);
    agent(&server, "MUTE");
    let mut page = page(&server, "MUTE", "room-2");
    let session = live(&server);
    assert_eq!(session["has_transcript"], false);
    page.send(r#"{"type":"text","text":"A secret."}"#);
    page.until(|message| common::page::control(message).filter(|told| told["text"] == "A secret."));
    drop(page);
    // A server that ends writes all that has happened up to here.
    drop(server);
    let server = serve(platform(data.path()));
    let read = value(&call(&server, "GET", &messages(&session), "any", None));
    assert_eq!(read["data"]["messages"], json!([]));
    let over = value(&call(
        &server,
        "GET",
        &format!("{LIVE}?window=recent"),
        "any",
        None,
    ));
    assert_eq!(over["data"]["sessions"][0]["status"], "ended", "{over}");
    assert_eq!(
        uses(&server, "MUTE"),
        1,
        "a server that ends accounts for its sessions"
    );
}

#[test]
fn webhooks_that_name_them_get_the_events_of_conversations() {
    let data = tempfile::tempdir().expect("a folder");
    let mut options = platform(data.path());
    options.allow_private_urls = true;
    let server = serve(options);
    // Nobody answers there: what counts is the log of what was to be delivered.
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", deaf.local_addr().expect("its address"));
    let hook = |events: Value| {
        let mut asked = json!({"url": url});
        if !events.is_null() {
            asked["events"] = events;
        }
        let made = value(&call(&server, "POST", "/v1/webhooks", "any", Some(&asked)));
        let id = made["data"]["id"].as_str().unwrap_or_default().to_owned();
        format!("/v1/webhooks/{id}/deliveries")
    };
    let naming = hook(json!(["room.join", "chat.push"]));
    let all = hook(Value::Null);
    agent(&server, "NEWS");
    let mut page = page(&server, "NEWS", "room-3");
    page.send(r#"{"type":"text","text":"Hello?"}"#);
    let kinds = |answer: &Value| -> Vec<String> {
        let events = answer["data"].as_array().into_iter().flatten();
        let kinds = events.filter_map(|event| event["event_type"].as_str());
        kinds.map(str::to_owned).collect()
    };
    let told = until(&server, &naming, |answer| kinds(answer).len() == 2);
    let mut told = kinds(&told);
    told.sort();
    assert_eq!(told, ["chat.push", "room.join"]);
    let told = value(&call(&server, "GET", &all, "any", None));
    assert_eq!(kinds(&told), ["agent.ready"]);
}

#[test]
fn accounts_see_and_end_their_own_sessions_alone() {
    let data = tempfile::tempdir().expect("a folder");
    let server = serve(platform(data.path()));
    agent(&server, "MINE");
    let page = page(&server, "MINE", "room-4");
    let session = live(&server);
    let id = session["id"].as_str().unwrap_or_default();
    let administration = Administration::open(data.path(), None).expect("it opens");
    let bob = administration.create_key("bob", "bob").expect("a key");
    for (method, path) in [
        ("GET", format!("/v1/runtime-sessions/{id}")),
        ("POST", format!("/v1/runtime-sessions/{id}/end")),
        ("GET", format!("{LIVE}/{id}/messages")),
        ("POST", format!("{LIVE}/{id}/terminate")),
        ("GET", "/v2/local/runtime-sessions".to_owned()),
        ("POST", "/v2/local/runtime/revoke-all".to_owned()),
    ] {
        let answer = call(&server, method, &path, &bob, None);
        assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
    }
    let none = value(&call(
        &server,
        "POST",
        "/v2/me/runtime/revoke-all",
        &bob,
        None,
    ));
    assert_eq!(none["data"]["ended"], 0);
    let listed = value(&call(&server, "GET", LIVE, &bob, None));
    assert_eq!(listed["data"]["active_count"], 0);
    let local = administration.create_key("local", "own").expect("a key");
    let begun = Instant::now();
    let ended = value(&call(
        &server,
        "POST",
        "/v2/local/runtime/revoke-all",
        &local,
        None,
    ));
    assert_eq!(ended["data"]["ended"], 1);
    while value(&call(&server, "GET", LIVE, &local, None))["data"]["active_count"] != 0 {
        assert!(begun.elapsed() < DEADLINE, "it goes on");
        std::thread::yield_now();
    }
    drop(page);
}
