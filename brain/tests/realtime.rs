//! Speech to speech against a stand-in server that speaks both spellings of the protocol.

mod common;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use common::peer::{Peer, conversation, peer, settings};
use common::{hear, silence, start, until, voice};
use essence::ErrorKind;
use essence_brain::{Brain, Event, Input, Realtime, ReplyId, Settings, Speaker, State};
use serde_json::json;

fn speech_ms(events: &[Event], wanted: ReplyId) -> usize {
    let lengths = events.iter().map(|event| match event {
        Event::Speech {
            reply,
            rate_hz: 24_000,
            samples,
        } if *reply == wanted => samples.len() / 24,
        _ => 0,
    });
    lengths.sum()
}

#[test]
fn a_spoken_turn_is_answered_in_both_spellings_of_the_protocol() {
    for released in [true, false] {
        let (brain, events, peers) = conversation(Settings::default(), None);
        hear(&brain, &[voice(900), silence(1_000)].concat(), 640);
        let mut peer = peer(&peers);
        assert_eq!(peer.path, "/v1/realtime?model=a%20model");
        assert_eq!(peer.authorization, "Bearer secret-key");
        let session = peer.open(released);
        // Turns are taken here.
        let detection = match released {
            true => &session["audio"]["input"]["turn_detection"],
            false => &session["turn_detection"],
        };
        assert!(
            detection.is_null() && session["instructions"].is_string(),
            "{session}"
        );
        let mut sent = Vec::new();
        peer.expect("response.create", &mut sent);
        let sound: usize = sent
            .iter()
            .filter_map(|event| event["audio"].as_str())
            .map(|text| text.len() / 4 * 3 / 48)
            .sum();
        assert!((900..2_600).contains(&sound), "{sound} ms of microphone");
        assert_eq!(
            sent.last().expect("events")["type"],
            "input_audio_buffer.commit"
        );
        peer.begin(released, "one", "I am well, thank you.", 600);
        peer.send(json!({ "type": "conversation.item.input_audio_transcription.completed", "transcript": "How are you? " }));
        peer.done("one", "completed");
        let got = until(&events, |event| matches!(event, Event::EndOfSpeech { .. }));
        assert_eq!(speech_ms(&got, 1), 600);
        let said = |speaker, text: &str| {
            got.iter().any(|event| matches!(event, Event::Caption(c) if c.speaker == speaker && c.text == text))
        };
        assert!(
            said(Speaker::User, "How are you?") && said(Speaker::Avatar, "I am well, thank you."),
            "{got:?}"
        );
        assert!(
            !got.iter().any(|event| matches!(event, Event::Failure(_))),
            "{got:?}"
        );
    }
}

#[test]
fn an_interruption_cancels_the_reply_and_cuts_it_where_it_was_spoken() {
    let (brain, events, peers) = conversation(Settings::default(), None);
    brain.send(Input::Text("Tell me something.".to_owned()));
    let mut peer = peer(&peers);
    peer.open(true);
    peer.expect("response.create", &mut Vec::new());
    peer.begin(true, "one", "One two three four.", 2_000);
    until(&events, |event| *event == Event::State(State::Speaking));
    brain.send(Input::Played { reply: 1, ms: 700 });
    brain.send(Input::Interrupt);
    peer.expect("response.cancel", &mut Vec::new());
    peer.done("one", "cancelled");
    brain.send(Input::Text("Go on.".to_owned()));
    let mut sent = Vec::new();
    peer.expect("response.create", &mut sent);
    assert_eq!(sent[0]["type"], "conversation.item.truncate");
    assert_eq!(
        (&sent[0]["item_id"], &sent[0]["audio_end_ms"]),
        (&"item-one".into(), &700.into())
    );
    assert_eq!(sent[1]["item"]["content"][0]["text"], "Go on.");
    // The rest of the first reply is not heard, and a refusal to cut is no failure.
    peer.send(
        json!({ "type": "error", "error": { "event_id": "truncate", "message": "too late" } }),
    );
    peer.send(
        json!({ "type": "response.output_audio.delta", "response_id": "one", "delta": "AAAA" }),
    );
    peer.begin(true, "two", "Five six.", 400);
    peer.done("two", "completed");
    let got = until(&events, |event| {
        matches!(event, Event::EndOfSpeech { reply: 2 })
    });
    assert_eq!(speech_ms(&got, 2), 400);
    assert!(
        !got.iter().any(|event| matches!(event, Event::Failure(_))),
        "{got:?}"
    );
}

/// A turn over a connection, to its end. The texts that came before its reply was asked for.
fn turn(
    brain: &Brain,
    events: &Receiver<Event>,
    peer: &mut Peer,
    reply: ReplyId,
    text: &str,
) -> Vec<String> {
    let mut sent = Vec::new();
    peer.expect("response.create", &mut sent);
    let id = format!("reply-{reply}");
    peer.begin(true, &id, text, 200);
    peer.done(&id, "completed");
    let got = until(
        events,
        |event| matches!(event, Event::EndOfSpeech { reply: ended } if *ended == reply),
    );
    let failed = got.iter().any(|event| matches!(event, Event::Failure(_)));
    assert!(!failed, "{got:?}");
    brain.send(Input::Finished { reply });
    until(events, |event| *event == Event::State(State::Listening));
    let texts = sent
        .iter()
        .filter_map(|event| event["item"]["content"][0]["text"].as_str());
    texts.map(str::to_owned).collect()
}

const SO_FAR: [&str; 3] = [
    "My name is Ada.",
    "Hello Ada, nice to meet you.",
    "Who am I?",
];

#[test]
fn a_lost_connection_is_opened_again_with_the_words_so_far() {
    let (brain, events, peers) = conversation(Settings::default(), None);
    brain.send(Input::Text(SO_FAR[0].to_owned()));
    let mut first = peer(&peers);
    first.open(true);
    turn(&brain, &events, &mut first, 1, SO_FAR[1]);
    // The session has reached its hour.
    let _ = first.socket.close(None);
    drop(first);
    brain.send(Input::Text(SO_FAR[2].to_owned()));
    let mut second = peer(&peers);
    second.open(true);
    let texts = turn(&brain, &events, &mut second, 2, "You are Ada.");
    assert_eq!(texts, SO_FAR);
}

#[test]
fn a_session_near_its_hour_is_opened_anew_between_two_turns_and_a_younger_one_is_kept() {
    let (brain, events, peers) = conversation(Settings::default(), Some(Duration::ZERO));
    brain.send(Input::Text(SO_FAR[0].to_owned()));
    let mut first = peer(&peers);
    first.open(true);
    turn(&brain, &events, &mut first, 1, SO_FAR[1]);
    brain.send(Input::Text(SO_FAR[2].to_owned()));
    let mut second = peer(&peers);
    second.open(true);
    let texts = turn(&brain, &events, &mut second, 2, "You are Ada.");
    assert_eq!(texts, SO_FAR);
    assert!(first.socket.read().is_err(), "the old session is let go");

    let (brain, events, peers) =
        conversation(Settings::default(), Some(Duration::from_secs(55 * 60)));
    brain.send(Input::Text(SO_FAR[0].to_owned()));
    let mut only = peer(&peers);
    only.open(true);
    turn(&brain, &events, &mut only, 1, SO_FAR[1]);
    brain.send(Input::Text(SO_FAR[2].to_owned()));
    let texts = turn(&brain, &events, &mut only, 2, "You are Ada.");
    assert_eq!(texts, SO_FAR[2..], "the server remembers the rest");
}

#[test]
fn refusals_are_told_and_the_conversation_goes_on() {
    let (brain, events, peers) = conversation(Settings::default(), None);
    brain.send(Input::Text("Hello".to_owned()));
    let mut peer = peer(&peers);
    peer.open(true);
    peer.expect("response.create", &mut Vec::new());
    peer.send(
        json!({ "type": "error", "error": { "code": "rate_limit", "message": "Wait a while." } }),
    );
    let got = until(&events, |event| matches!(event, Event::Failure(_)));
    assert!(
        matches!(got.last(), Some(Event::Failure(text)) if text.contains("Wait a while.")),
        "{got:?}"
    );
    brain.send(Input::Text("Hello again".to_owned()));
    peer.expect("response.create", &mut Vec::new());
    peer.send(json!({ "type": "response.created", "response": { "id": "two" } }));
    peer.send(
        json!({ "type": "response.done", "response": { "id": "two", "status": "failed",
        "status_details": { "error": { "message": "No credit is left." } } } }),
    );
    let got = until(&events, |event| matches!(event, Event::Failure(_)));
    assert!(
        matches!(got.last(), Some(Event::Failure(text)) if text.contains("No credit is left.")),
        "{got:?}"
    );
    // The network goes in the midst of a reply.
    brain.send(Input::Text("Once more".to_owned()));
    peer.expect("response.create", &mut Vec::new());
    peer.begin(true, "three", "This is the beginning.", 200);
    drop(peer);
    let got = until(&events, |event| matches!(event, Event::Failure(_)));
    assert_eq!(speech_ms(&got, 3), 200, "what came is spoken");
}

#[test]
fn what_makes_no_sense_is_told_and_the_next_turn_has_a_new_session() {
    let (brain, events, peers) = conversation(Settings::default(), None);
    for (fault, part) in [
        ("this is no JSON", "not JSON"),
        (
            r#"{"type": "response.output_audio.delta", "response_id": "one", "delta": "%%%"}"#,
            "no sound",
        ),
        (
            r#"{"type": "error", "error": {"code": "session_expired", "message": "An hour is over."}}"#,
            "An hour is over.",
        ),
    ] {
        brain.send(Input::Text("Hello".to_owned()));
        let mut peer = peer(&peers);
        peer.open(true);
        peer.expect("response.create", &mut Vec::new());
        peer.send(json!({ "type": "response.created", "response": { "id": "one" } }));
        let fault = tungstenite::Message::text(fault);
        peer.socket.send(fault).expect("the client is there");
        let got = until(&events, |event| matches!(event, Event::Failure(_)));
        assert!(
            matches!(got.last(), Some(Event::Failure(text)) if text.contains(part)),
            "{got:?}"
        );
        until(&events, |event| *event == Event::State(State::Listening));
    }
    brain.send(Input::Text("Hello".to_owned()));
    let mut last = peer(&peers);
    last.open(true);
    turn(&brain, &events, &mut last, 4, "I am back.");
}

#[test]
fn a_server_that_is_busy_says_for_how_long() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(
                b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 17\r\ncontent-length: 0\r\n\r\n",
            );
        }
    });
    let realtime = Realtime::new(settings(&url)).expect("a client");
    let (brain, events) = start(Arc::new(realtime), Settings::default());
    brain.send(Input::Text("Hello".to_owned()));
    let got = until(&events, |event| matches!(event, Event::Failure(_)));
    assert!(
        matches!(got.last(), Some(Event::Failure(text)) if text.contains("wait for 17 s")),
        "{got:?}"
    );
}

#[test]
fn a_refused_key_and_an_unsafe_address_are_named() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let realtime = Realtime::new(settings(&url)).expect("a client");
    let (brain, events) = start(Arc::new(realtime), Settings::default());
    brain.send(Input::Text("Hello".to_owned()));
    let got = until(&events, |event| matches!(event, Event::Failure(_)));
    assert!(
        matches!(got.last(), Some(Event::Failure(text)) if text.contains("OPENAI_API_KEY")),
        "{got:?}"
    );
    let error =
        Realtime::new(settings("http://example.org/v1")).expect_err("the key would be seen");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
