//! The messages of an engine to its log, level by level.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::{Arc, Mutex};

use common::{buzz, drain, testdata, unpaced};
use essence::{Avatar, Engine, LogLevel, Provider};

const RATE: u32 = 16_000;

type Messages = Arc<Mutex<Vec<(LogLevel, String)>>>;

/// An engine that logs up to `level`, with what it has logged so far.
fn logging(level: impl Into<Option<LogLevel>>) -> (Engine, Messages) {
    let messages = Messages::default();
    let sink = Arc::clone(&messages);
    let engine = Engine::builder()
        .provider(Provider::Cpu)
        .log(level, move |level, message| {
            sink.lock().unwrap().push((level, message.to_owned()));
        })
        .build()
        .unwrap();
    (engine, messages)
}

fn toy(engine: &Engine) -> Avatar {
    engine.open(testdata("avatars/toy.imx")).unwrap()
}

/// The messages of a level since the last call, without the number of their session.
fn taken(messages: &Messages, level: LogLevel) -> Vec<String> {
    let mut messages = messages.lock().unwrap();
    let (these, others) = std::mem::take(&mut *messages)
        .into_iter()
        .partition(|(at, _)| *at == level);
    *messages = others;
    let these: Vec<(LogLevel, String)> = these;
    let text = |(_, text): (_, String)| match text.split_once(": ") {
        Some((session, rest)) if session.starts_with("session ") => rest.to_owned(),
        _ => text,
    };
    these.into_iter().map(text).collect()
}

#[test]
fn a_conversation_is_told_at_debug() {
    let (engine, messages) = logging(LogLevel::Debug);
    let avatar = toy(&engine);
    taken(&messages, LogLevel::Debug);
    let session = unpaced(&avatar);
    for _ in 0..2 {
        session.push_audio(&buzz(1_000, RATE)[..], RATE, 1).unwrap();
        session.push_audio(&buzz(280, RATE)[..], RATE, 1).unwrap();
        session.flush();
    }
    assert_eq!(drain(&session).len(), 4);
    session
        .push_audio(&buzz(9_000, 48_000)[..], 48_000, 1)
        .unwrap();
    session.interrupt();
    drop(session);
    let told = taken(&messages, LogLevel::Debug);
    assert!(
        told[0].contains("\"toy\", 64×48 pixels, Unpaced"),
        "{told:?}"
    );
    let expected = [
        "an utterance begins, at 16000 Hz",
        "an utterance begins, at 16000 Hz",
        "an utterance ends with frame 1",
        "an utterance ends with frame 3",
        "an utterance begins, at 48000 Hz",
        "interrupted; 1 utterances are dropped",
        "ends",
    ];
    assert_eq!(told[1..], expected);
    assert_eq!(
        taken(&messages, LogLevel::Trace),
        [""; 0],
        "nothing below the level"
    );
}

#[test]
fn every_frame_is_told_at_trace() {
    let (engine, messages) = logging(LogLevel::Trace);
    let session = unpaced(&toy(&engine));
    session.push_audio(&buzz(1_280, RATE)[..], RATE, 1).unwrap();
    session.set_muted(true);
    session.flush();
    drain(&session);
    let told = taken(&messages, LogLevel::Trace);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("frame 0: base frame "), "{told:?}");
    assert!(
        told[0].ends_with(", 640 samples, speech, muted"),
        "{told:?}"
    );
    assert!(
        told[1].ends_with(", 640 samples, speech, end of speech, muted"),
        "{told:?}"
    );
}

#[test]
fn what_was_opened_is_told_at_info_and_what_was_loaded_at_debug() {
    let (engine, messages) = logging(LogLevel::Debug);
    toy(&engine);
    let told = taken(&messages, LogLevel::Info);
    assert!(told[0].starts_with("ONNX Runtime 1."), "{told:?}");
    assert!(told[1].starts_with("opened \"toy\": 64×48, "), "{told:?}");
    let told = taken(&messages, LogLevel::Debug).join("; ");
    assert!(
        told.contains("the networks of \"toy\" are loaded on cpu and tested, "),
        "{told:?}"
    );
}

#[test]
fn a_level_that_changes_is_followed_by_sessions_that_exist() {
    let (engine, messages) = logging(None);
    let session = unpaced(&toy(&engine));
    for (level, count) in [
        (None, 0),
        (Some(LogLevel::Debug), 1),
        (Some(LogLevel::Info), 0),
    ] {
        engine.set_log_level(level);
        session.interrupt();
        assert_eq!(messages.lock().unwrap().len(), count, "{level:?}");
        messages.lock().unwrap().clear();
    }
}
