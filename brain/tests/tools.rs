//! Functions that replies call, words that the app lets the avatar say, and texts that it adds: through
//! whole conversations with each kind of brain.

mod common;

use std::io::Write as _;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use common::http::{Got, event, head, server};
use common::peer::{conversation, peer};
use common::stage::opened;
use common::{Talk, start, until};
use essence::{Error, ErrorKind, Result};
use essence_brain::{
    Brain, Cancel, EndCall, Event, Input, OpenAi, OpenAiSettings, Perform, Pieces, Said, Settings,
    Speaker, State, Tool, ToolCall, Tools, Turn,
};
use serde_json::{Value, json};

/// A function of an app's: it keeps what it was called with.
#[derive(Default)]
struct Weather {
    calls: Mutex<Vec<String>>,
}

impl Tool for Weather {
    fn name(&self) -> &str {
        "weather"
    }

    fn description(&self) -> &str {
        "Tells the weather of a city."
    }

    fn parameters(&self) -> String {
        r#"{"type": "object", "properties": {"city": {"type": "string"}}}"#.to_owned()
    }

    fn call(&self, arguments: &str, _: &Cancel, _: Pieces<'_>) -> Result<String> {
        self.calls
            .lock()
            .expect("no panic")
            .push(arguments.to_owned());
        match arguments.contains("Ulm") {
            true => Ok("21 degrees".to_owned()),
            false => Err(Error::new(ErrorKind::NotFound, "no such city")),
        }
    }
}

/// Settings with the functions of a session and the app's.
fn with_tools() -> (Settings, Arc<Weather>) {
    let weather = Arc::<Weather>::default();
    let tools = Tools::new([
        Arc::new(Perform::new(["nod".to_owned(), "wave".to_owned()])) as Arc<dyn Tool>,
        Arc::new(EndCall),
        Arc::clone(&weather) as Arc<dyn Tool>,
    ]);
    let settings = Settings {
        tools: tools.expect("they fit"),
        ..Settings::default()
    };
    (settings, weather)
}

/// Says that a reply was spoken, and waits for the turn to be the user's.
fn spoken(brain: &Brain, events: &Receiver<Event>, reply: u64) -> Vec<Event> {
    let mut all = until(
        events,
        |event| matches!(event, Event::EndOfSpeech { reply: ended } if *ended == reply),
    );
    brain.send(Input::Finished { reply });
    all.extend(until(events, |event| {
        *event == Event::State(State::Listening)
    }));
    all
}

fn words(events: &[Event], wanted: u64) -> String {
    let captions = events.iter().filter_map(|event| match event {
        Event::Caption(c) if c.speaker == Speaker::Avatar && c.reply == wanted && c.r#final => {
            Some(c.text.as_str())
        }
        _ => None,
    });
    captions.collect::<Vec<_>>().join(" ")
}

fn failures(events: &[Event]) -> Vec<&Event> {
    let failures = |event: &&Event| matches!(event, Event::Failure(_));
    events.iter().filter(failures).collect()
}

#[test]
fn a_local_brain_waves_looks_something_up_and_goes_on() {
    let Some(local) = opened() else { return };
    let (settings, weather) = with_tools();
    let (brain, events) = start(Arc::new(local), settings);
    brain.send(Input::Text("Functions?".into()));
    assert_eq!(words(&spoken(&brain, &events, 1), 1), "I know 2.");
    brain.send(Input::Text("Wave!".into()));
    let got = spoken(&brain, &events, 2);
    assert!(got.contains(&Event::Gesture("wave".into())), "{got:?}");
    assert_eq!(words(&got, 2), "Hello, my good friend!");
    brain.send(Input::Text("Weather?".into()));
    assert_eq!(
        words(&spoken(&brain, &events, 3), 3),
        "It tells 21 degrees."
    );
    assert_eq!(
        *weather.calls.lock().expect("no panic"),
        [r#"{"city":"Ulm"}"#]
    );
}

/// Speech for any text, and to chat what `answer` makes of the messages.
fn chat(
    answer: impl Fn(&[Value]) -> String + Send + 'static,
    settings: Settings,
) -> (Brain, Receiver<Event>, Receiver<Got>) {
    let (url, got) = server(move |got, stream| {
        if got.path.ends_with("/speech") {
            head(stream, "200 OK", "audio/pcm");
            let _ = stream.write_all(&[0; 4_800]);
            return;
        }
        let request: Value = serde_json::from_slice(&got.body).expect("JSON");
        head(stream, "200 OK", "text/event-stream");
        let messages = request["messages"].as_array().expect("messages");
        let _ = stream.write_all(answer(messages).as_bytes());
    });
    let client = OpenAi::new(OpenAiSettings {
        base_url: url,
        ..OpenAiSettings::default()
    });
    let responder = client.expect("a client").responder();
    let (brain, events) = start(Arc::new(responder), settings);
    (brain, events, got)
}

/// The next request to chat.
fn asked(got: &Receiver<Got>) -> Value {
    loop {
        let got = got.recv().expect("a request");
        if got.path.ends_with("/completions") {
            return serde_json::from_slice(&got.body).expect("JSON");
        }
    }
}

fn called(pieces: &[Value]) -> String {
    let events = pieces.iter().map(|piece| {
        let event = json!({ "choices": [{ "delta": { "tool_calls": [piece] } }] });
        format!("data: {event}\n\n")
    });
    events.collect()
}

fn last(messages: &[Value]) -> (&str, &str) {
    let last = messages.last().expect("a message");
    let text = |name: &str| last[name].as_str().unwrap_or_default();
    (text("role"), text("content"))
}

#[test]
fn a_server_with_openais_interface_calls_functions_and_ends_the_call() {
    let (settings, weather) = with_tools();
    let answer = |messages: &[Value]| match last(messages) {
        ("user", "How is it in Ulm?") => called(&[
            json!({ "index": 0, "id": "a", "function": { "name": "weather", "arguments": "{\"city\":" } }),
            json!({ "index": 0, "function": { "arguments": " \"Ulm\"}" } }),
            json!({ "index": 1, "id": "b", "function": { "name": "dance", "arguments": "{}" } }),
        ]),
        ("tool", result) => event(&format!("I see: {result}")),
        ("user", "Bye.") => {
            let end = json!({ "index": 0, "id": "c", "function": { "name": "end_call", "arguments": "" } });
            event("Goodbye, my friend.") + &called(&[end])
        }
        other => panic!("{other:?}"),
    };
    let (brain, events, got) = chat(answer, settings);
    brain.send(Input::Text("How is it in Ulm?".into()));
    let told = spoken(&brain, &events, 1);
    assert_eq!(
        words(&told, 1),
        r#"I see: error: there is no function "dance""#
    );
    assert!(failures(&told).is_empty(), "{told:?}");
    assert_eq!(
        *weather.calls.lock().expect("no panic"),
        [r#"{"city": "Ulm"}"#]
    );
    let request = asked(&got);
    let names = request["tools"].as_array().expect("functions").iter();
    let names: Vec<_> = names.map(|tool| &tool["function"]["name"]).collect();
    assert_eq!(names, ["perform", "end_call", "weather"]);
    let gestures = &request["tools"][0]["function"]["parameters"]["properties"]["gesture"]["enum"];
    assert_eq!(*gestures, json!(["nod", "wave"]));
    // The calls and their results, in the order of the protocol.
    let second = asked(&got);
    let roles = second["messages"].as_array().expect("messages").iter();
    let roles: Vec<_> = roles.map(|message| &message["role"]).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "tool"]);
    assert_eq!(second["messages"][3]["content"], "21 degrees");
    assert_eq!(second["messages"][3]["tool_call_id"], "a");
    // The call ends when the goodbye was heard, not before.
    brain.send(Input::Text("Bye.".into()));
    let told = spoken(&brain, &events, 2);
    assert!(!told.contains(&Event::EndCall), "{told:?}");
    assert_eq!(words(&told, 2), "Goodbye, my friend.");
    until(&events, |event| *event == Event::EndCall);
}

#[test]
fn a_goodbye_that_is_interrupted_does_not_end_the_call() {
    let (settings, _) = with_tools();
    let answer = |messages: &[Value]| match last(messages) {
        ("user", "Bye.") => {
            let end = json!({ "index": 0, "id": "c", "function": { "name": "end_call" } });
            event("Goodbye, my friend.") + &called(&[end])
        }
        _ => event("Then let us go on."),
    };
    let (brain, events, _got) = chat(answer, settings);
    brain.send(Input::Text("Bye.".into()));
    until(&events, |event| matches!(event, Event::EndOfSpeech { .. }));
    brain.send(Input::Text("Wait!".into()));
    let mut all = spoken(&brain, &events, 2);
    // Whatever still comes of the first reply comes before this one's end.
    brain.send(Input::Speak("The end.".into()));
    all.extend(spoken(&brain, &events, 3));
    assert!(!all.contains(&Event::EndCall), "{all:?}");
}

#[test]
fn functions_that_are_called_for_ever_end() {
    let (settings, weather) = with_tools();
    let answer = |_: &[Value]| {
        called(&[
            json!({ "index": 0, "id": "a", "function": { "name": "weather", "arguments": "{}" } }),
        ])
    };
    let (brain, events, got) = chat(answer, settings);
    brain.send(Input::Text("Go round.".into()));
    until(&events, |event| *event == Event::State(State::Listening));
    assert_eq!(weather.calls.lock().expect("no panic").len(), 5);
    let requests: Vec<_> = (0..5).map(|_| asked(&got)).collect();
    assert!(requests[3]["tools"].is_array() && requests[4]["tools"].is_null());
    let result = &requests[1]["messages"][3]["content"];
    assert!(
        result
            .as_str()
            .is_some_and(|text| text.contains("no such city")),
        "{result}"
    );
}

#[test]
fn a_realtime_server_calls_functions_and_hears_their_results() {
    for released in [true, false] {
        let (settings, _) = with_tools();
        let (brain, events, peers) = conversation(settings, None);
        brain.send(Input::AddContext("The user is called Ada.".into()));
        brain.send(Input::Text("How is it in Ulm?".into()));
        let mut peer = peer(&peers);
        let session = peer.open(released);
        assert_eq!(session["tools"][2]["name"], "weather");
        assert_eq!(session["tools"][2]["type"], "function");
        let mut sent = Vec::new();
        peer.expect("response.create", &mut sent);
        assert_eq!(sent[0]["item"]["role"], "system");
        assert_eq!(
            sent[0]["item"]["content"][0]["text"],
            "The user is called Ada."
        );
        let call = |id: &str, name: &str, arguments: &str| {
            json!({ "type": "response.output_item.done", "response_id": "one", "item":
                { "type": "function_call", "call_id": id, "name": name, "arguments": arguments } })
        };
        peer.send(json!({ "type": "response.created", "response": { "id": "one" } }));
        peer.send(call("a", "weather", r#"{"city": "Ulm"}"#));
        peer.send(call("b", "perform", r#"{"gesture": "nod"}"#));
        peer.done("one", "completed");
        let mut sent = Vec::new();
        peer.expect("response.create", &mut sent);
        let results: Vec<_> = sent.iter().map(|sent| &sent["item"]).collect();
        assert_eq!(results.len(), 2, "{sent:?}");
        assert_eq!(
            *results[0],
            json!({ "type": "function_call_output", "call_id": "a", "output": "21 degrees" })
        );
        peer.begin(released, "two", "Warm, goodbye.", 200);
        let mut end = call("c", "end_call", "{}");
        end["response_id"] = "two".into();
        peer.send(end);
        peer.done("two", "completed");
        let got = spoken(&brain, &events, 1);
        assert!(got.contains(&Event::Gesture("nod".into())), "{got:?}");
        assert!(failures(&got).is_empty(), "{got:?}");
        until(&events, |event| *event == Event::EndCall);
        // No further reply was asked for, and the text is not told again.
        brain.send(Input::Text("Still there?".into()));
        let mut sent = Vec::new();
        peer.expect("response.create", &mut sent);
        let kinds: Vec<_> = sent.iter().map(|sent| &sent["item"]["type"]).collect();
        assert_eq!(kinds, ["function_call_output", "message"]);
    }
}

#[test]
fn the_app_lets_the_avatar_speak_and_the_words_enter_the_history() {
    let answer = |messages: &[Value]| event(&format!("{} messages.", messages.len()));
    let (brain, events, got) = chat(answer, Settings::default());
    brain.send(Input::Speak(
        "  Our shop closes at six. Please hurry up now!  ".into(),
    ));
    let told = spoken(&brain, &events, 1);
    assert_eq!(
        words(&told, 1),
        "Our shop closes at six. Please hurry up now!"
    );
    let users = |event: &&Event| matches!(event, Event::Caption(c) if c.speaker == Speaker::User);
    assert_eq!(told.iter().filter(users).count(), 0, "{told:?}");
    brain.send(Input::Speak(" ".into()));
    brain.send(Input::Text("When?".into()));
    spoken(&brain, &events, 2);
    let messages = &asked(&got)["messages"];
    assert_eq!(messages[1]["role"], "assistant");
    assert_eq!(
        messages[1]["content"],
        "Our shop closes at six. Please hurry up now!"
    );
}

#[test]
fn words_of_the_apps_interrupt_a_reply_and_are_cut_by_the_next_one() {
    let talk = Talk::new();
    talk.brain.send(Input::Text("Tell me a lot.".into()));
    talk.request();
    talk.say("This is the beginning of a story", 4_000);
    talk.until(|event| matches!(event, Event::Speech { reply: 1, .. }));
    talk.complete();
    talk.brain.send(Input::Played {
        reply: 1,
        ms: 2_000,
    });
    talk.brain.send(Input::Speak("Attention please".into()));
    let request = talk.request();
    assert_eq!(request.said, Said::Speak("Attention please".into()));
    let avatar = |text: &str| Turn {
        speaker: Speaker::Avatar,
        text: text.into(),
    };
    assert_eq!(request.history[1], avatar("This is the—"));
    let got = talk.until(|event| *event == Event::State(State::Thinking));
    assert!(got.contains(&Event::Interrupt), "{got:?}");
    talk.say("Attention please", 1_000);
    talk.until(|event| matches!(event, Event::Speech { reply: 2, .. }));
    talk.complete();
    talk.brain.send(Input::Played { reply: 2, ms: 700 });
    talk.brain.send(Input::Text("What?".into()));
    assert_eq!(talk.request().history[2], avatar("Attention—"));
}

#[test]
fn added_texts_are_known_to_replies_without_one_of_their_own() {
    let answer = |_: &[Value]| event("Welcome back to us.");
    let (brain, events, got) = chat(answer, Settings::default());
    brain.send(Input::AddContext("The user has paid.".into()));
    brain.send(Input::AddContext("The user has paid.".into()));
    brain.send(Input::AddContext("\n".into()));
    brain.send(Input::Text("Hello".into()));
    spoken(&brain, &events, 1);
    let messages = asked(&got)["messages"].take();
    let system = messages[0]["content"].as_str().expect("instructions");
    assert!(system.ends_with("\n\nThe user has paid."), "{system}");
    assert_eq!(system.matches("paid").count(), 1);
    assert_eq!(messages[1]["content"], "Hello");
    // The oldest are forgotten where there are too many.
    for i in 0..5 {
        brain.send(Input::AddContext(format!("{i} {}", "x".repeat(3_900))));
    }
    brain.send(Input::Text("Hello again".into()));
    spoken(&brain, &events, 2);
    let messages = asked(&got)["messages"].take();
    let system = messages[0]["content"].as_str().expect("instructions");
    assert!(
        !system.contains("paid") && system.contains("\n\n4 x"),
        "{}",
        system.len()
    );
    assert!(system.len() < 17_000);
}

#[test]
fn functions_that_can_not_be_offered_are_refused() {
    struct Named(String, &'static str);
    impl Tool for Named {
        fn name(&self) -> &str {
            &self.0
        }
        fn description(&self) -> &str {
            ""
        }
        fn parameters(&self) -> String {
            self.1.to_owned()
        }
        fn call(&self, _: &str, _: &Cancel, _: Pieces<'_>) -> Result<String> {
            Ok(String::new())
        }
    }
    let tools = |names: &[&str], parameters| {
        let named = names
            .iter()
            .map(|name| Named((*name).to_owned(), parameters));
        Tools::new(named.map(|tool| Arc::new(tool) as Arc<dyn Tool>))
    };
    tools(&["a", "b-2"], "{}").expect("they fit");
    let many: Vec<String> = (0..33).map(|i| format!("f{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (names, parameters, part) in [
        (&["a", "a"][..], "{}", "two functions"),
        (&["a b"], "{}", "a-z"),
        (&[""], "{}", "a-z"),
        (&["a"], "[]", "no JSON object"),
        (&["a"], "{", "no JSON object"),
        (&many, "{}", "more than 32"),
    ] {
        let error = tools(names, parameters).expect_err(part);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(part), "{error}");
    }
    assert_eq!(ToolCall::default().name, "");
}
