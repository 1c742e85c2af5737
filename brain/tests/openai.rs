//! The client of `OpenAI`'s interface against a stand-in server on loopback.

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use common::{start, until, voice};
use essence_brain::{
    Event, Hear as _, Input, OpenAi, OpenAiSettings, Settings, Speak as _, Speaker, State,
    Think as _,
};

/// A request that the server got: path, headers and body.
#[derive(Debug)]
struct Got {
    path: String,
    headers: String,
    body: Vec<u8>,
}

/// Answers each request with the bytes that `answer` makes of it.
fn server(answer: impl Fn(&Got, &mut TcpStream) + Send + 'static) -> (String, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let (sender, got) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let Some(request) = read(&mut stream) else {
                continue;
            };
            answer(&request, &mut stream);
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    (url, got)
}

fn read(stream: &mut TcpStream) -> Option<Got> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        headers.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Got {
        path,
        headers,
        body,
    })
}

fn head(stream: &mut TcpStream, status: &str, kind: &str) {
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n"
    );
}

fn event(text: &str) -> String {
    let escaped = text.replace('"', "\\\"");
    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{escaped}\"}}}}]}}\n\n")
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
    let mut words = String::new();
    let cancel = essence_brain::Cancel::default();
    let result = client.think(&[], &cancel, &mut |token| words.push_str(token));
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
        assert!(
            client.think(&[], &cancel, &mut |_| {}).is_err(),
            "{answer:?}"
        );
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
    let error = client.think(&[], &essence_brain::Cancel::default(), &mut |_| {});
    assert!(
        error
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
