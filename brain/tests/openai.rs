//! The client of `OpenAI`'s interface against a stand-in server on loopback.

mod common;

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use common::http::{Got, event, head, server};
use common::{start, thought, until, voice};
use essence::Result;
use essence_brain::{
    Event, Hear as _, Input, OpenAi, OpenAiSettings, Paint as _, Settings, Shape, Speak as _,
    Speaker, State,
};

/// An answer to nothing, and the words of it that came.
fn think(client: &OpenAi) -> (Result<()>, String) {
    thought(client, &[], &essence_brain::Cancel::default())
}

fn settings(url: &str) -> OpenAiSettings {
    OpenAiSettings {
        base_url: url.to_owned(),
        api_key: "secret-key".to_owned(),
        ..OpenAiSettings::default()
    }
}

/// All three services, with pieces cut where it hurts: inside characters, lines and samples.
fn whole(got: &Got, stream: &mut TcpStream) {
    match got.path.as_str() {
        "/v1/audio/transcriptions" => {
            head(stream, "200 OK", "application/json");
            let _ = stream.write_all(br#"{"text": " How are you? "}"#);
        }
        "/v1/chat/completions" => {
            head(stream, "200 OK", "text/event-stream");
            let text = format!(
                ": a comment\n\n{}{}{}data: [DONE]\n\n",
                event("I am fein — grüß "),
                event("dich, friend. And"),
                event(" you?")
            );
            for piece in text.as_bytes().chunks(7) {
                let _ = stream.write_all(piece);
                let _ = stream.flush();
            }
        }
        "/v1/audio/speech" => {
            head(stream, "200 OK", "audio/pcm");
            let samples: Vec<u8> = (0..12_000i16).flat_map(i16::to_le_bytes).collect();
            for piece in samples.chunks(1_001) {
                let _ = stream.write_all(piece);
            }
        }
        _ => head(stream, "404 Not Found", "text/plain"),
    }
}

#[test]
fn a_spoken_turn_is_transcribed_answered_and_spoken_sentence_by_sentence() {
    let (url, got) = server(whole);
    let responder = OpenAi::new(settings(&url)).expect("settings").responder();
    let (brain, events) = start(Arc::new(responder), Settings::default());
    common::hear(&brain, &voice(800), 640);
    brain.send(Input::EndOfTurn);
    let events = until(&events, |event| matches!(event, Event::EndOfSpeech { .. }));
    let said: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Caption(c) if c.r#final => Some((c.speaker, c.text.as_str(), c.start_ms)),
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        [
            (Speaker::User, "How are you?", 0),
            (Speaker::Avatar, "I am fein — grüß dich, friend.", 0),
            (Speaker::Avatar, "And you?", 500),
        ]
    );
    let samples: Vec<f32> = events
        .iter()
        .filter_map(|event| match event {
            Event::Speech {
                rate_hz: 24_000,
                samples,
                ..
            } => Some(samples.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(samples.len(), 24_000);
    assert!(
        samples
            .iter()
            .enumerate()
            .all(|(i, &x)| x == (i % 12_000) as f32 / 32_768.0)
    );
    let transcription = got.recv().expect("a request");
    assert_eq!(transcription.path, "/v1/audio/transcriptions");
    assert!(
        transcription
            .headers
            .to_lowercase()
            .contains("authorization: bearer secret-key")
    );
    let body = String::from_utf8_lossy(&transcription.body);
    assert!(body.contains("RIFF") && body.contains("name=\"model\"\r\n\r\nwhisper-1"));
    let chat = got.recv().expect("a request");
    let chat: serde_json::Value = serde_json::from_slice(&chat.body).expect("JSON");
    assert_eq!(chat["messages"][1]["content"], "How are you?");
    assert_eq!(chat["stream"], true);
}

#[test]
fn refusals_are_said_in_words_and_the_conversation_goes_on() {
    for (status, part) in [
        ("401 Unauthorized", "OPENAI_API_KEY"),
        ("429 Too Many Requests", "wait"),
        ("500 Internal Server Error", "try again"),
        ("302 Found", "moved"),
    ] {
        let (url, _got) = server(move |_, stream| {
            head(stream, status, "application/json");
            let _ = stream.write_all(br#"{"error": {"message": "because of a reason"}}"#);
        });
        let responder = OpenAi::new(settings(&url)).expect("settings").responder();
        let (brain, events) = start(Arc::new(responder), Settings::default());
        brain.send(Input::Text("Hello".into()));
        let events = until(&events, |event| *event == Event::State(State::Listening));
        let failure = events.iter().find_map(|event| match event {
            Event::Failure(message) => Some(message.as_str()),
            _ => None,
        });
        let failure = failure.expect("it is said");
        assert!(
            failure.contains(part) && failure.contains("because of a reason"),
            "{failure}"
        );
        assert!(!failure.contains("secret-key"), "{failure}");
    }
}

/// A service's path, and a request to it.
type Route<'a> = (&'a str, &'a dyn Fn(&OpenAi) -> Result<()>);

#[test]
fn every_route_tells_every_fault() {
    let cancel = &essence_brain::Cancel::default();
    let hear = |client: &OpenAi| client.hear(&[0.0; 16], cancel).map(drop);
    let chat = |client: &OpenAi| think(client).0;
    let speak = |client: &OpenAi| client.speak("Hello", cancel, &mut |_, _| {});
    let paint = |client: &OpenAi| client.paint("a face", Shape::Square, cancel).map(drop);
    let routes: [Route<'_>; 4] = [
        ("/v1/audio/transcriptions", &hear),
        ("/v1/chat/completions", &chat),
        ("/v1/audio/speech", &speak),
        ("/v1/images/generations", &paint),
    ];
    for (answer, part) in [
        ("401 Unauthorized\r\n\r\n", "OPENAI_API_KEY"),
        ("403 Forbidden\r\n\r\n", "OPENAI_API_KEY"),
        ("404 Not Found\r\n\r\n", "no such service"),
        (
            "429 Too Many Requests\r\nretry-after: 17\r\n\r\n",
            "wait for 17 s",
        ),
        // A date is no number of seconds.
        (
            "429 Too Many Requests\r\nretry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n",
            "asks to wait",
        ),
        (
            "500 Internal Server Error\r\n\r\n<html>{\"error\": 1}",
            "try again",
        ),
        ("503 Service Unavailable\r\n\r\n", "try again"),
        // The stream is cut: inside the head, and inside a body.
        ("200 OK\r\ncontent-le", "no answer"),
        ("200 OK\r\ncontent-length: 9000\r\n\r\n{\"da", "broke off"),
        (
            "200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\ndata: {\"",
            "broke off",
        ),
        // Another program answers.
        (
            "200 OK\r\ncontent-type: text/html\r\n\r\n<html>\n\n",
            "makes no sense",
        ),
        (
            "200 OK\r\ncontent-type: application/json\r\n\r\n{\"data\": [{\"text\": 1}], \"text\": []}",
            "makes no sense",
        ),
    ] {
        let (url, got) = server(move |_, stream| {
            let _ = write!(stream, "HTTP/1.1 {answer}");
        });
        let client = OpenAi::new(settings(&url)).expect("settings");
        for (path, ask) in routes {
            let error = ask(&client).expect_err(answer);
            assert!(
                error.message().contains(part),
                "{path}, {answer:?}: {error}"
            );
            assert_eq!(got.recv().expect("a request").path, path);
        }
    }
}

#[test]
fn a_server_that_falls_silent_holds_up_no_other_turn() {
    let (sender, silent) = std::sync::mpsc::channel();
    let first = std::sync::atomic::AtomicBool::new(true);
    let (url, _got) = server(move |got, stream| {
        if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            head(stream, "200 OK", "text/event-stream");
            let _ = stream.write_all(event("Well, ").as_bytes());
            // Kept open, without another word.
            let _ = sender.send(stream.try_clone());
        } else {
            whole(got, stream);
        }
    });
    let responder = OpenAi::new(settings(&url)).expect("settings").responder();
    let (brain, events) = start(Arc::new(responder), Settings::default());
    brain.send(Input::Text("Hello".into()));
    let stream = silent.recv().expect("a stream").expect("a handle");
    brain.send(Input::Text("Hello?".into()));
    let said = until(&events, |event| matches!(event, Event::EndOfSpeech { .. }));
    assert_eq!(said.last(), Some(&Event::EndOfSpeech { reply: 2 }));
    drop(stream);
}

#[test]
fn a_picture_comes_in_base64() {
    let (url, got) = server(|_, stream| {
        head(stream, "200 OK", "application/json");
        let _ = stream.write_all(br#"{"data": [{"b64_json": "cGl4ZWxz"}]}"#);
    });
    let paint = |model: &str, shape| {
        let mut settings = settings(&url);
        settings.image_model = model.to_owned();
        let client = OpenAi::new(settings).expect("settings");
        let picture = client.paint("a face", shape, &essence_brain::Cancel::default());
        assert_eq!(picture.expect("a picture"), b"pixels");
        let asked = got.recv().expect("a request");
        assert_eq!(asked.path, "/v1/images/generations");
        serde_json::from_slice::<serde_json::Value>(&asked.body).expect("JSON")
    };
    let asked = paint("painter", Shape::Landscape);
    assert_eq!(
        (&asked["model"], &asked["size"], &asked["response_format"]),
        (&"painter".into(), &"1536x1024".into(), &"b64_json".into())
    );
    // One that gives nothing else refuses to be asked for base64.
    let asked = paint("gpt-image-1", Shape::Square);
    assert_eq!(asked["response_format"], serde_json::Value::Null);
}

#[test]
fn the_wait_that_a_server_asks_for_is_told() {
    let (url, _got) = server(|_, stream| {
        let _ = stream.write_all(
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 17\r\nconnection: close\r\n\r\n",
        );
    });
    let client = OpenAi::new(settings(&url)).expect("settings");
    let error = client.hear(&[0.0; 16], &essence_brain::Cancel::default());
    let error = error.expect_err("refused");
    assert!(error.message().contains("wait for 17 s"), "{error}");
}

#[test]
fn speech_that_breaks_off_is_an_error_and_what_came_is_spoken() {
    let (url, _got) = server(|_, stream| {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9600\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(&[1; 4_800]);
    });
    let client = OpenAi::new(settings(&url)).expect("settings");
    let mut samples = 0;
    let cancel = essence_brain::Cancel::default();
    let error = client.speak("Hello", &cancel, &mut |_, block| samples += block.len());
    assert!(error.expect_err("cut").message().contains("broke off"));
    assert_eq!(samples, 2_400);
}

#[test]
fn a_reply_that_is_cut_in_its_midst_keeps_the_words_that_came() {
    let (url, _got) = server(|_, stream| {
        head(stream, "200 OK", "text/event-stream");
        let _ = stream.write_all(event("This came. ").as_bytes());
        let _ = stream.write_all(b"data: {\"choices\":[{\"de");
    });
    let client = OpenAi::new(settings(&url)).expect("settings");
    let (result, words) = think(&client);
    assert!(result.is_err(), "the rest is missing");
    assert_eq!(words, "This came. ");
}

#[test]
fn answers_that_break_off_or_make_no_sense_are_errors() {
    for answer in [
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hel",
        "data: not json\n\n",
        "data: {\"error\":{\"message\":\"overloaded\"}}\n\n",
        "",
        "data: \u{fffd}\n\n",
    ] {
        let (url, _got) = server(move |_, stream| {
            head(stream, "200 OK", "text/event-stream");
            let _ = stream.write_all(answer.as_bytes());
        });
        let client = OpenAi::new(settings(&url)).expect("settings");
        let cancel = essence_brain::Cancel::default();
        assert!(think(&client).0.is_err(), "{answer:?}");
        assert!(client.hear(&[0.0; 16], &cancel).is_err(), "{answer:?}");
    }
}

#[test]
fn a_line_without_an_end_is_refused_instead_of_being_kept() {
    let (url, _got) = server(|_, stream| {
        head(stream, "200 OK", "text/event-stream");
        let block = vec![b'x'; 1 << 16];
        while stream.write_all(&block).is_ok() {}
    });
    let client = OpenAi::new(settings(&url)).expect("settings");
    assert!(
        think(&client)
            .0
            .expect_err("endless")
            .message()
            .contains("without an end")
    );
}

#[test]
fn a_key_never_goes_unencrypted_to_another_machine() {
    let with = |url: &str, key: &str| {
        OpenAi::new(OpenAiSettings {
            base_url: url.to_owned(),
            api_key: key.to_owned(),
            ..OpenAiSettings::default()
        })
    };
    let error = with("http://example.org/v1", "k").expect_err("unencrypted");
    assert!(error.message().contains("https"), "{error}");
    assert!(
        with("http://127.0.0.1.example.org/v1", "k").is_err(),
        "a name that looks local"
    );
    assert!(with("file:///etc/passwd", "").is_err());
    assert!(with("https://example.org/v1", "a\r\nb").is_err());
    for (url, key) in [
        ("https://example.org/v1", "k"),
        ("http://localhost:11434/v1", "k"),
        ("http://[::1]:8080/v1", "k"),
        ("http://192.168.1.5:8080/v1", ""),
    ] {
        assert!(with(url, key).is_ok(), "{url}");
    }
    let shown = format!(
        "{:?}",
        with("https://example.org/v1", "secret-key").expect("fits")
    );
    assert!(!shown.contains("secret-key"), "{shown}");
}
