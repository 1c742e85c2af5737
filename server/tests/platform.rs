//! The REST interface with a toy avatar: agents, videos, conversations, accounts, credits, restarts.

mod common;

use std::io::Write as _;
use std::time::Instant;

use common::rest::{agent, call, platform, send, serve, until, value};
use common::{DEADLINE, Page};
use essence_server::Administration;
use serde_json::{Value, json};

#[test]
fn an_agent_is_made_changed_listed_and_deleted() {
    let data = tempfile::tempdir().expect("a folder");
    let server = serve(platform(data.path()));
    agent(&server, "GUIDE1");
    let taken = json!({"agent_id": "GUIDE1"});
    let answer = call(&server, "POST", "/v1/agent/generate", "any", Some(&taken));
    assert_eq!(value(&answer)["error"]["code"], "VALIDATION_ERROR");
    let prompt = json!({"system_prompt": "You are brief."});
    let answer = call(&server, "POST", "/v1/agent/GUIDE1", "any", Some(&prompt));
    assert_eq!(
        value(&answer),
        json!({"agent_code": "GUIDE1", "updated": true})
    );
    let listed = value(&call(&server, "GET", "/v1/agents?limit=1", "any", None));
    assert_eq!(listed["data"][0]["system_prompt"], "You are brief.");
    assert_eq!(
        listed["pagination"],
        json!({"limit": 1, "offset": 0, "total": 1, "has_more": false})
    );
    let model = listed["data"][0]["model_url"]
        .as_str()
        .expect("a file")
        .to_owned();
    let path = model
        .split_once("/files/")
        .map(|(_, name)| format!("/files/{name}"))
        .expect("its path");
    let file = call(&server, "GET", &path, "", None);
    assert_eq!((file.status, &file.body[..4]), (200, &b"IMX\0"[..]));
    let gone = value(&call(&server, "DELETE", "/v1/agent/GUIDE1", "any", None));
    assert_eq!(gone["deleted"], true);
    assert_eq!(
        call(&server, "GET", "/v1/agent/GUIDE1", "any", None).status,
        404
    );
    assert_eq!(
        call(&server, "GET", &path, "", None).status,
        404,
        "its files go with it"
    );
}

#[test]
fn a_video_says_a_text() {
    let data = tempfile::tempdir().expect("a folder");
    let server = serve(platform(data.path()));
    agent(&server, "GUIDE2");
    let asked = json!({"model": "expression-2", "agent_code": "GUIDE2", "wait": true,
        "input": {"type": "text", "text": "Hello there."}});
    let answer = value(&call(
        &server,
        "POST",
        "/v1/video/generate",
        "any",
        Some(&asked),
    ));
    assert_eq!(answer["status"], "completed", "{answer}");
    // Half a second of speech, at its voice's pitch.
    let seconds = answer["duration_seconds"].as_f64().unwrap_or(0.0);
    assert!((0.4..0.8).contains(&seconds), "{seconds}");
    let url = answer["video_url"].as_str().expect("a file");
    let (_, name) = url.split_once("/files/").expect("its name");
    let whole = call(&server, "GET", &format!("/files/{name}"), "", None);
    assert_eq!(&whole.body[4..8], b"ftyp");
    let part = send(
        &server,
        "GET",
        &format!("/files/{name}"),
        "range: bytes=4-7\r\n",
        None,
    );
    assert_eq!((part.status, &part.body[..]), (206, &b"ftyp"[..]));
    let used = value(&call(
        &server,
        "GET",
        "/v1/usage?agent_code=GUIDE2",
        "any",
        None,
    ));
    assert_eq!(used["data"][0]["activity_type"], "talking-video", "{used}");
}

#[test]
fn a_conversation_is_spoken_to() {
    let data = tempfile::tempdir().expect("a folder");
    let server = serve(platform(data.path()));
    agent(&server, "GUIDE3");
    let speak = json!({"message": "We have a discount.", "room_id": "room-7"});
    let path = "/v1/agent/GUIDE3/speak";
    let nobody = call(&server, "POST", path, "any", Some(&speak));
    assert_eq!(
        (nobody.status, &value(&nobody)["code"]),
        (404, &json!("NO_ACTIVE_ROOMS"))
    );
    let origin = format!("http://{}", server.address());
    let opened = Page::try_connect(server.address(), "GUIDE3", "?room=room-7", &origin);
    let mut page = opened.expect("the page is let in");
    assert_eq!(page.expect("session")["name"], "Friendly Guide");
    page.send(r#"{"type":"media","sound":"pcm"}"#);
    let answer = value(&call(&server, "POST", path, "any", Some(&speak)));
    assert_eq!(
        answer,
        json!({"agent_code": "GUIDE3", "context_type": "speak", "delivered_to_rooms": 1})
    );
    assert_eq!(page.expect("caption")["text"], "We have a discount.");
    let elsewhere = json!({"message": "Hi", "room_id": "room-8"});
    assert_eq!(
        call(&server, "POST", path, "any", Some(&elsewhere)).status,
        404
    );
}

#[test]
fn accounts_have_agents_of_their_own_and_pages_want_tokens() {
    let data = tempfile::tempdir().expect("a folder");
    let administration = Administration::open(data.path(), None).expect("it opens");
    let ada = administration.create_key("ada", "ada").expect("a key");
    let bob = administration.create_key("bob", "bob").expect("a key");
    let server = serve(platform(data.path()));
    assert_eq!(call(&server, "GET", "/v1/me", "any", None).status, 401);
    let asked = json!({"agent_id": "ADAS", "model": "expression-2"});
    assert_eq!(
        call(&server, "POST", "/v1/agent/generate", &ada, Some(&asked)).status,
        200
    );
    let begun = Instant::now();
    while value(&call(&server, "GET", "/v1/agent/ADAS", &ada, None))["data"]["status"] != "ready" {
        assert!(begun.elapsed() < DEADLINE, "not in time");
        std::thread::yield_now();
    }
    assert_eq!(
        call(&server, "GET", "/v1/agent/ADAS", &bob, None).status,
        404
    );
    assert_eq!(
        call(&server, "DELETE", "/v1/agent/ADAS", &bob, None).status,
        404
    );
    let listed = value(&call(&server, "GET", "/v1/agents", &bob, None));
    assert_eq!(listed["data"], json!([]));
    let wanted = json!({"agent_id": "ADAS", "fingerprint": "f"});
    let token = value(&call(
        &server,
        "POST",
        "/v1/embed-tokens/request",
        &ada,
        Some(&wanted),
    ));
    let token = token["data"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(call(&server, "GET", "/embed/ADAS", "", None).status, 403);
    assert_eq!(
        call(&server, "GET", "/embed/ADAS?token=forged", "", None).status,
        403
    );
    let page = call(
        &server,
        "GET",
        &format!("/embed/ADAS?token={token}"),
        "",
        None,
    );
    assert_eq!(page.status, 200, "{page:?}");
    assert!(administration.revoke_key("ada").expect("it works"));
    assert_eq!(call(&server, "GET", "/v1/me", &ada, None).status, 401);
}

#[test]
fn credits_are_taken_once_and_given_back() {
    let data = tempfile::tempdir().expect("a folder");
    let mut options = platform(data.path());
    options.credits = Some(600.0);
    let server = serve(options);
    let balance =
        || value(&call(&server, "GET", "/v1/me", "any", None))["data"]["credit_balance"].clone();
    let asked = json!({"agent_id": "PAID", "model": "expression-2"});
    let key = "api-secret: any\r\nidempotency-key: k1\r\n";
    let first = send(&server, "POST", "/v1/agent/generate", key, Some(&asked));
    let again = send(&server, "POST", "/v1/agent/generate", key, Some(&asked));
    assert_eq!((first.status, first.text()), (200, again.text()));
    assert_eq!(balance(), 100);
    let more = json!({"model": "expression-2"});
    let refused = call(&server, "POST", "/v1/agent/generate", "any", Some(&more));
    assert_eq!(
        (refused.status, &value(&refused)["code"]),
        (402, &json!("INSUFFICIENT_BALANCE"))
    );
    until(&server, "/v1/agent/PAID", |answer| {
        answer["data"]["status"] == "ready"
    });
    let video = json!({"model": "expression-2", "agent_code": "PAID", "wait": true,
        "input": {"type": "text", "text": "Hello."}});
    let made = value(&call(
        &server,
        "POST",
        "/v1/video/generate",
        "any",
        Some(&video),
    ));
    // Up to two minutes were taken, one is what it came to.
    assert_eq!(
        (&made["credits_charged"], balance()),
        (&json!(4), json!(96))
    );
}

#[test]
fn a_caller_that_hung_up_finds_its_video_by_its_key() {
    let data = tempfile::tempdir().expect("a folder");
    let server = serve(platform(data.path()));
    agent(&server, "GUIDE4");
    let asked = json!({"model": "expression-2", "agent_code": "GUIDE4", "wait": true,
        "input": {"type": "text", "text": "Hello there."}});
    let (body, address) = (asked.to_string(), server.address());
    let length = body.len();
    let mut hasty = common::connect(&server);
    let request = format!(
        "POST /v1/video/generate HTTP/1.1\r\nhost: {address}\r\napi-secret: any\r\nidempotency-key: k2\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    hasty.write_all(request.as_bytes()).expect("it is sent");
    let begun = Instant::now();
    while data.path().join("files/videos").read_dir().is_err() {
        assert!(begun.elapsed() < DEADLINE, "nothing was begun");
        std::thread::yield_now();
    }
    drop(hasty);
    let key = "api-secret: any\r\nidempotency-key: k2\r\n";
    loop {
        let again = send(&server, "POST", "/v1/video/generate", key, Some(&asked));
        if again.status == 200 {
            assert_eq!(value(&again)["status"], "completed");
            break;
        }
        // The first one isn't answered yet.
        assert_eq!(again.status, 400, "{again:?}");
        assert!(begun.elapsed() < DEADLINE, "never answered: {again:?}");
        std::thread::yield_now();
    }
    let used = value(&call(
        &server,
        "GET",
        "/v1/usage?agent_code=GUIDE4",
        "any",
        None,
    ));
    let videos = used["data"].as_array().into_iter().flatten();
    let videos = videos.filter(|event| event["activity_type"] == "talking-video");
    assert_eq!(videos.count(), 1, "{used}");
}

#[test]
fn work_goes_on_after_a_restart_and_a_backup_is_whole() {
    let data = tempfile::tempdir().expect("a folder");
    let asked = json!({"agent_id": "LATER", "model": "expression-2"});
    let server = serve(platform(data.path()));
    assert_eq!(
        call(&server, "POST", "/v1/agent/generate", "any", Some(&asked)).status,
        200
    );
    drop(server);
    let server = serve(platform(data.path()));
    until(&server, "/v1/agent/LATER", |answer| {
        answer["data"]["status"] == "ready"
    });
    let copy = data.path().join("copy");
    let administration = Administration::open(data.path(), None).expect("it opens");
    administration.backup(&copy).expect("it is copied");
    assert!(
        administration.backup(&copy).is_err(),
        "nothing is written over"
    );
    drop(server);
    let server = serve(platform(&copy));
    let agent = value(&call(&server, "GET", "/v1/agent/LATER", "any", None));
    let model = agent["data"]["model_url"]
        .as_str()
        .expect("a file")
        .to_owned();
    let (_, name) = model.split_once("/files/").expect("its name");
    assert_eq!(
        call(&server, "GET", &format!("/files/{name}"), "", None).status,
        200
    );
}

#[test]
fn what_is_not_as_documented_is_refused_in_words() {
    let data = tempfile::tempdir().expect("a folder");
    let server = serve(platform(data.path()));
    for (method, path, body, status) in [
        (
            "POST",
            "/v1/agent/generate",
            json!({"model": "my-model"}),
            400,
        ),
        (
            "POST",
            "/v1/agent/generate",
            json!({"image": "http://127.0.0.1:1/face.jpg"}),
            400,
        ),
        (
            "POST",
            "/v1/agent/generate",
            json!({"agent_id": "../x"}),
            400,
        ),
        ("POST", "/v1/agent/generate", json!({"prompt": "a\0b"}), 400),
        (
            "POST",
            "/v1/agent/generate",
            json!({"prompt": "a cartoon fox", "model": "essence-2"}),
            422,
        ),
        ("POST", "/v1/agent/generate", json!([]), 400),
        ("POST", "/v1/agent/NONE", json!({"system_prompt": "x"}), 404),
        ("GET", "/v1/agents?limit=0", Value::Null, 400),
        ("GET", "/v1/agent/%00", Value::Null, 404),
        ("GET", "/v1/agent/%ff", Value::Null, 404),
        ("GET", "/files/images/../../bithuman.db", Value::Null, 404),
        (
            "POST",
            "/v1/webhooks",
            json!({"url": "https://127.0.0.1/x"}),
            400,
        ),
        (
            "POST",
            "/v1/webhooks",
            json!({"url": "https://example.org", "events": ["all"]}),
            400,
        ),
        ("POST", "/v1/tts", json!({"text": "hi", "speed": 9}), 400),
        (
            "POST",
            "/v1/tts",
            json!({"text": "hi", "voice_code": "none"}),
            404,
        ),
        ("PATCH", "/v1/agents", Value::Null, 405),
    ] {
        let body = Some(&body).filter(|body| !body.is_null());
        let answer = call(&server, method, path, "any", body);
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        let refusal = value(&answer);
        assert_eq!(refusal["status_code"], status, "{refusal}");
        let message = refusal["error"]["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{refusal}");
    }
}
