//! Conversations over the WebSocket: pictures, sound, captions, interruption, coming back.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::page::{KEY_PICTURE, OPUS, PICTURE, media};
use common::{Page, echo, metric, options, server, with};
use essence::Result;
use essence_brain::{
    Cancel, Hear, Pieces, Pipeline, Prompt, Speak, Think, Thought, Tool, ToolCall,
};
use tungstenite::Message;

/// 40 ms of microphone at 16 kHz.
fn microphone(samples: &[i16]) -> Message {
    let mut bytes = vec![16, 0, 0, 0];
    bytes.extend(16_000u32.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|x| x.to_le_bytes()));
    Message::binary(bytes)
}

fn speech() -> Vec<i16> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/speech_16000.wav");
    let bytes = std::fs::read(path).expect("testdata has speech");
    bytes[44..]
        .chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect()
}

#[test]
fn a_page_gets_pictures_sound_and_a_greeting_with_captions() {
    let server = server(options());
    let mut page = Page::open(&server, None);
    let session = page.expect("session");
    assert_eq!(session["resumed"], false);
    assert_eq!(session["state"], "listening");
    page.send(r#"{"type": "media", "sound": "opus"}"#);
    let (mut pictures, mut packets, mut first, mut last) = (0, 0, None, 0);
    let mut said = Vec::new();
    page.until(|message| {
        if let Message::Text(text) = message {
            said.push(text.to_string());
        }
        match media(message) {
            Some((KEY_PICTURE, _)) => pictures += 1,
            Some((PICTURE, _)) => {
                assert!(pictures > 0, "the first picture is a key picture");
                pictures += 1;
            }
            Some((OPUS, k)) => {
                packets += 1;
                first.get_or_insert(k);
                last = k;
            }
            _ => {}
        }
        (packets >= 50 && pictures >= 25).then_some(())
    });
    let said = said.concat();
    assert!(said.contains("\"text\":\"Hello!"), "{said}");
    assert!(said.contains("\"state\":\"speaking\""), "{said}");
    let first = first.expect("sound came");
    assert_eq!(last - first + 1, packets, "no packet of sound is missing");
    assert_eq!(metric(&server, "sessions"), 1);
}

#[test]
fn text_interrupts_and_is_answered() {
    let server = server(options());
    let mut page = Page::open(&server, None);
    page.send(r#"{"type": "media", "sound": "pcm"}"#);
    while page.expect("state")["state"] != "speaking" {}
    page.send(r#"{"type": "text", "text": "goodbye"}"#);
    page.expect("interrupted");
    loop {
        let caption = page.expect("caption");
        if caption["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("Goodbye"))
        {
            break;
        }
    }
    while page.expect("state")["state"] != "listening" {}
}

#[test]
fn a_voice_is_heard_and_repeated_by_echo() {
    let server = echo(options());
    let mut page = Page::open(&server, None);
    page.send(r#"{"type": "media", "sound": "opus"}"#);
    page.expect("session");
    // Two seconds, which a page may send at once.
    for block in speech()[..32_000].chunks(640) {
        page.0.send(microphone(block)).expect("it is sent");
    }
    page.send(r#"{"type": "end_of_turn"}"#);
    while page.expect("state")["state"] != "speaking" {}
    while page.expect("state")["state"] != "listening" {}
}

#[test]
fn a_page_that_comes_back_goes_on_and_takes_over() {
    let server = server(options());
    let mut first = Page::open(&server, None);
    let token = first.expect("session")["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    first.send(r#"{"type": "media", "sound": "opus"}"#);
    first.expect("caption");
    let mut second = Page::open(&server, Some(&token));
    let session = second.expect("session");
    assert_eq!(
        (&session["resumed"], session["token"].as_str()),
        (&true.into(), Some(&token[..]))
    );
    assert_eq!(
        session["captions"].as_array().map(Vec::len),
        Some(1),
        "what was said is still there"
    );
    first.expect("ended");
    assert_eq!(metric(&server, "sessions"), 1);
    assert_eq!(metric(&server, "sessions_resumed_total"), 1);
    drop(second);
    let mut third = Page::open(&server, Some(&token));
    assert_eq!(third.expect("session")["resumed"], true);
    third.send(r#"{"type": "media", "sound": "opus"}"#);
    third.until(|message| media(message).filter(|&(kind, _)| kind == KEY_PICTURE));
}

#[test]
fn a_full_server_refuses_in_a_sentence_and_a_page_that_leaves_makes_room() {
    let server = server(options());
    let mut pages: Vec<_> = (0..2).map(|_| Page::open(&server, None)).collect();
    for page in &mut pages {
        page.expect("session");
    }
    let refused = Page::open(&server, None).expect("refused");
    assert_eq!(
        refused["message"],
        "All 2 seats are taken. Try again in a while."
    );
    pages[0].send(r#"{"type": "leave"}"#);
    while metric(&server, "sessions") == 2 {}
    Page::open(&server, None).expect("session");
}

#[test]
fn a_conversation_ends_when_nobody_comes_back_nobody_joins_or_it_is_too_long() {
    let mut absent = options();
    absent.resume = Duration::from_millis(100);
    let mut unjoined = options();
    unjoined.join_limit = Duration::from_millis(100);
    let mut long = options();
    long.session_limit = Duration::from_millis(100);
    let server_of_absent = server(absent);
    let mut page = Page::open(&server_of_absent, None);
    page.expect("session");
    drop(page);
    while metric(&server_of_absent, "sessions") > 0 {}
    for (options, reason) in [(unjoined, "nobody joined"), (long, "longest time")] {
        let server = server(options);
        let mut page = Page::open(&server, None);
        let ended = page.expect("ended");
        assert!(
            ended["message"]
                .as_str()
                .is_some_and(|m| m.contains(reason)),
            "{ended}"
        );
        while metric(&server, "sessions") > 0 {}
    }
}

#[test]
fn a_page_that_talks_nonsense_is_let_go_and_the_conversation_waits_for_it() {
    let server = server(options());
    for nonsense in [
        "{",
        r#"{"type": "drop table"}"#,
        r#"{"type": "text"}"#,
        &"a".repeat(20_000),
    ] {
        let mut page = Page::open(&server, None);
        let token = page.expect("session")["token"]
            .as_str()
            .expect("a token")
            .to_owned();
        page.send(nonsense);
        while page.0.read().is_ok() {}
        let mut page = Page::open(&server, Some(&token));
        assert_eq!(page.expect("session")["resumed"], true, "{nonsense}");
        // Damaged media costs itself alone.
        page.send(r#"{"type": "media", "sound": "opus"}"#);
        for bytes in [
            vec![],
            vec![16],
            vec![255; 100],
            vec![17; 60],
            vec![19, 9, 0, 0, 0, 0, 0, 0],
        ] {
            page.0.send(Message::binary(bytes)).expect("it is sent");
        }
        page.send(r#"{"type": "ping", "id": 7}"#);
        assert_eq!(page.expect("pong")["id"], 7.0);
        page.send(r#"{"type": "leave"}"#);
        while page.0.read().is_ok() {}
    }
}

#[test]
fn a_flood_of_messages_ends_the_connection() {
    let server = server(options());
    let mut page = Page::open(&server, None);
    page.expect("session");
    while page
        .0
        .send(Message::text(r#"{"type": "interrupt"}"#))
        .is_ok()
    {}
    assert_eq!(
        metric(&server, "sessions"),
        1,
        "the conversation waits for its page"
    );
}

#[test]
fn stopping_the_server_tells_its_pages() {
    let server = server(options());
    let mut page = Page::open(&server, None);
    page.expect("session");
    drop(server);
    let ended = page.expect("ended");
    assert_eq!(ended["message"], "the server stops");
}

/// A brain that calls the function of the user's words, and says goodbye.
#[derive(Clone)]
struct Caller;

impl Hear for Caller {
    fn hear(&self, _: &[f32], _: &Cancel) -> Result<String> {
        Ok(String::new())
    }
}

impl Think for Caller {
    fn think(
        &self,
        prompt: &Prompt<'_>,
        _: &Cancel,
        thought: &mut dyn FnMut(Thought<'_>),
    ) -> Result<()> {
        let (name, arguments) = match prompt.history.last().map(|turn| turn.text.as_str()) {
            Some("go") => ("end_call", "{}"),
            Some("own") => ("own", "{}"),
            _ => ("perform", r#"{"gesture": "wave"}"#),
        };
        let names: Vec<_> = prompt.tools.iter().map(|tool| tool.name()).collect();
        thought(Thought::Text(&format!("I have {}.", names.join(" and "))));
        thought(Thought::Call(ToolCall {
            id: "1".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }));
        Ok(())
    }
}

impl Speak for Caller {
    fn speak(&self, _: &str, _: &Cancel, sound: &mut dyn FnMut(u32, &[f32])) -> Result<()> {
        sound(16_000, &[0.1; 8_000]);
        Ok(())
    }
}

/// A function of the app's.
struct Own;

impl Tool for Own {
    fn name(&self) -> &str {
        "own"
    }

    fn description(&self) -> &str {
        "Does what the app does."
    }

    fn parameters(&self) -> String {
        r#"{"type": "object"}"#.to_owned()
    }

    fn call(&self, _: &str, _: &Cancel, pieces: Pieces<'_>) -> Result<String> {
        pieces(essence_brain::Piece::Gesture("wave".to_owned()));
        Ok(String::new())
    }
}

#[test]
fn a_reply_plays_a_gesture_and_ends_the_call_once_it_was_spoken() {
    let mut options = options();
    options.tools = vec![Arc::new(Own)];
    let pipeline = Pipeline {
        hear: Caller,
        think: Caller,
        speak: Caller,
        greeting: String::new(),
        eager: false,
    };
    let server = with(options, Arc::new(pipeline));
    let mut page = Page::open(&server, None);
    let session = page.expect("session");
    let token = session["token"].as_str().expect("a token").to_owned();
    page.send(r#"{"type": "media", "sound": "pcm"}"#);
    for text in ["wave", "own"] {
        page.send(&format!(r#"{{"type": "text", "text": "{text}"}}"#));
        assert_eq!(page.expect("gesture")["name"], "wave");
        while page.expect("state")["state"] != "listening" {}
    }
    page.send(r#"{"type": "text", "text": "go"}"#);
    let said = page.expect("caption");
    assert_eq!(said["text"], "go");
    let said = page.expect("caption");
    assert_eq!(said["text"], "I have end_call and perform and own.");
    while page.expect("state")["state"] != "speaking" {}
    // Half a second of sound is played to its end.
    let mut sound = 0;
    let message = page.until(|message| {
        sound += usize::from(media(message).is_some_and(|(kind, _)| kind > KEY_PICTURE));
        common::page::control(message).filter(|value| value["type"] == "ended")
    });
    assert_eq!(message["message"], "the avatar has ended the call");
    assert!(sound >= 12, "{sound} pieces of sound");
    // It can't be come back to.
    let mut again = Page::open(&server, Some(&token));
    assert_eq!(again.expect("session")["resumed"], false);
}
