//! Turn-taking, through the public surface: sound in, events out.

mod common;

use std::sync::Arc;

use common::{Talk, hear, ms, silence, speech, until, voice};
use essence_brain::{Brain, Echo, Event, Input, MAX_TEXT_BYTES, Said, Settings, Speaker, State};

fn is_state(state: State) -> impl Fn(&Event) -> bool {
    move |event| *event == Event::State(state)
}

/// A conversation in which the avatar speaks a sentence of four seconds.
fn speaking() -> Talk {
    let talk = Talk::new();
    talk.brain
        .send(Input::Text("Tell me something.".to_owned()));
    talk.request();
    talk.say("One two three four five six seven eight.", 4_000);
    talk.until(is_state(State::Speaking));
    talk.brain.send(Input::Microphone(silence(600)));
    talk
}

#[test]
fn a_sentence_and_silence_are_a_turn_with_the_whole_sentence_in_it() {
    let talk = Talk::new();
    talk.hear(&[silence(1_000), speech(), silence(1_000)].concat());
    talk.until(is_state(State::Thinking));
    let Said::Voice(samples) = talk.request().said else {
        panic!("it was said");
    };
    let energy = |samples: &[f32]| samples.iter().map(|x| f64::from(x * x)).sum::<f64>();
    // The recording may hold pauses that end a turn, but its beginning is all there.
    let first = speech();
    let first = &first[..ms(900)];
    assert!(
        energy(&samples[..ms(1_300)]) > 0.97 * energy(first),
        "the beginning was cut off"
    );
}

#[test]
fn silence_and_the_noise_of_a_room_are_no_turn() {
    let talk = Talk::new();
    let mut seed = 1u32;
    let noise: Vec<f32> = (0..ms(5_000))
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 * 0.002 - 0.002
        })
        .collect();
    talk.hear(&[silence(3_000), noise, silence(1_000)].concat());
    // Samples that are not numbers are heard as silence.
    talk.hear(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY].repeat(8_000));
    // An answered text shows that everything before it was heard.
    while !talk.brain.send(Input::Text("Hello".to_owned())) {
        std::thread::yield_now();
    }
    let events = talk.until(is_state(State::Thinking));
    assert!(
        matches!(&events[..], [Event::Caption(_), Event::State(_)]),
        "{events:?}"
    );
}

#[test]
fn a_cough_pauses_the_avatar_and_it_goes_on() {
    let talk = speaking();
    talk.hear(&[voice(200), silence(600)].concat());
    let events = talk.until(|event| *event == Event::Pause(false));
    assert_eq!(events, [Event::Pause(true), Event::Pause(false)]);
    talk.complete();
    let events = talk.until(|event| matches!(event, Event::EndOfSpeech { .. }));
    assert!(!events.contains(&Event::Interrupt), "{events:?}");
}

#[test]
fn a_voice_interrupts_and_the_text_is_cut_where_it_was_spoken() {
    let talk = speaking();
    talk.brain.send(Input::Played {
        reply: 1,
        ms: 2_000,
    });
    talk.hear(&voice(700));
    let events = talk.until(is_state(State::Listening));
    let place = |wanted: &Event| events.iter().position(|event| event == wanted);
    assert!(
        place(&Event::Pause(true)) < place(&Event::Interrupt),
        "{events:?}"
    );
    let cut = events.iter().find_map(|event| match event {
        Event::Caption(caption) => Some(caption.clone()),
        _ => None,
    });
    let cut = cut.expect("the caption is cut");
    assert_eq!(cut.text, "One two three four—");
    assert_eq!(
        (cut.start_ms, cut.end_ms, cut.r#final),
        (0, Some(2_000), true)
    );
    talk.complete();
    talk.hear(&silence(1_000));
    let request = talk.request();
    assert!(
        matches!(request.said, Said::Voice(_)),
        "the words that interrupted are a turn"
    );
    let spoken: Vec<_> = request
        .history
        .iter()
        .map(|turn| turn.text.as_str())
        .collect();
    assert_eq!(spoken, ["Tell me something.", "One two three four—"]);
}

#[test]
fn an_interruption_comes_within_300_ms_of_voice() {
    let talk = speaking();
    // 300 ms and the detector's own 60 ms, in which a voice is not certain yet.
    talk.hear(&voice(360));
    talk.until(|event| *event == Event::Interrupt);
}

#[test]
fn events_are_the_same_however_the_sound_is_cut() {
    let sound = [silence(500), voice(900), silence(1_500)].concat();
    let run = |block: usize| {
        let talk = Talk::new();
        hear(&talk.brain, &sound, block);
        until(&talk.events, is_state(State::Thinking));
        talk.request().said
    };
    let expected = run(640);
    assert_eq!(run(1), expected);
    assert_eq!(run(997), expected);
    assert_eq!(run(sound.len()), expected);
}

#[test]
fn releasing_the_key_ends_the_turn_at_once() {
    let talk = Talk::new();
    talk.hear(&voice(600));
    while !talk.brain.send(Input::EndOfTurn) {
        std::thread::yield_now();
    }
    talk.until(is_state(State::Thinking));
    assert!(matches!(talk.request().said, Said::Voice(_)));
}

#[test]
fn text_is_answered_without_a_microphone_and_too_long_a_text_is_cut() {
    let talk = Talk::new();
    talk.brain.send(Input::Text(" \n ".to_owned()));
    talk.brain.send(Input::Text("ä".repeat(MAX_TEXT_BYTES)));
    let Said::Text(text) = talk.request().said else {
        panic!("it was typed");
    };
    assert_eq!(text.len(), MAX_TEXT_BYTES);
}

#[test]
fn a_reply_goes_from_thinking_over_speaking_to_listening() {
    let talk = Talk::new();
    talk.brain.send(Input::Text("Hello".to_owned()));
    talk.request();
    talk.say("First.", 500);
    talk.say("Second.", 250);
    talk.complete();
    let events = talk.until(|event| matches!(event, Event::EndOfSpeech { reply: 1 }));
    let states: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::State(state) => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [State::Thinking, State::Speaking]);
    let last = events.iter().rev().find_map(|event| match event {
        Event::Caption(caption) => Some(caption),
        _ => None,
    });
    let last = last.expect("captions come");
    assert_eq!(
        (last.speaker, last.part, last.text.as_str()),
        (Speaker::Avatar, 1, "Second.")
    );
    assert_eq!((last.start_ms, last.end_ms), (500, Some(750)));
    talk.brain.send(Input::Finished { reply: 1 });
    talk.until(is_state(State::Listening));
}

#[test]
fn a_reply_whose_end_comes_after_its_last_sound_was_spoken_ends_all_the_same() {
    let talk = Talk::new();
    talk.brain.send(Input::Text("Hello".to_owned()));
    talk.request();
    talk.say("First.", 500);
    talk.until(is_state(State::Speaking));
    talk.brain.send(Input::Finished { reply: 1 });
    talk.complete();
    talk.until(is_state(State::Listening));
}

#[test]
fn gestures_follow_whole_words() {
    let gestures = [("hello".to_owned(), "wave".to_owned())].into();
    let talk = Talk::with(Settings {
        gestures,
        ..Settings::default()
    });
    talk.brain.send(Input::Text("Hi".to_owned()));
    talk.request();
    talk.say("Othello said: nothing.", 100);
    talk.say("Hello, you!", 100);
    let events = talk.until(|event| matches!(event, Event::Gesture(_)));
    assert_eq!(events.last(), Some(&Event::Gesture("wave".to_owned())));
    let sentences = events
        .iter()
        .filter(|e| matches!(e, Event::Speech { .. }))
        .count();
    assert_eq!(sentences, 1, "the gesture belongs to the second sentence");
}

/// White noise of a loudness, the same in every run.
fn noise(milliseconds: usize, dbfs: f32) -> Vec<f32> {
    let mut seed = 1u32;
    // Evenly spread samples have a power of a third of their peak's.
    let peak = 10f32.powf(dbfs / 20.0) * 3f32.sqrt();
    let samples = (0..ms(milliseconds)).map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((seed >> 8) as f32 / 8_388_608.0 - 1.0) * peak
    });
    samples.collect()
}

/// A tone of a square's shape.
fn square(milliseconds: usize, hz: usize, peak: f32) -> Vec<f32> {
    let half = 8_000 / hz;
    let sign = |i: usize| {
        if (i / half).is_multiple_of(2) {
            peak
        } else {
            -peak
        }
    };
    (0..ms(milliseconds)).map(sign).collect()
}

fn mixed(one: &[f32], other: &[f32]) -> Vec<f32> {
    one.iter().zip(other).map(|(a, b)| a + b).collect()
}

/// The events of a sound that is heard while nobody speaks, up to a typed text.
fn events_of(sound: &[f32]) -> Vec<Event> {
    let talk = Talk::new();
    talk.hear(&[silence(1_000), sound.to_vec(), silence(1_500)].concat());
    talk.brain.send(Input::Text("Hello".to_owned()));
    talk.until(|event| matches!(event, Event::Caption(_)))
}

#[test]
fn steady_noise_and_humming_are_no_turn_however_loud() {
    for dbfs in [-60.0, -45.0, -39.0, -30.0, -20.0, -10.0] {
        let events = events_of(&noise(4_000, dbfs));
        assert_eq!(events.len(), 1, "noise of {dbfs} dBFS: {events:?}");
    }
    for hz in [50, 100, 220, 440, 1_000] {
        for peak in [0.01, 0.1, 1.0] {
            let events = events_of(&square(2_000, hz, peak));
            assert_eq!(events.len(), 1, "{hz} Hz at {peak}: {events:?}");
        }
    }
    let both = mixed(&noise(4_000, -39.0), &square(4_000, 220, 1.0));
    assert_eq!(events_of(&both).len(), 1);
}

#[test]
fn noise_and_a_cough_interrupt_nothing_and_a_voice_in_noise_does() {
    let talk = speaking();
    talk.hear(&noise(4_000, -39.0));
    // A burst that dies away within a quarter of a second.
    let fading = |(i, x): (usize, f32)| x * (-(i as f32) / 1_000.0).exp();
    let cough: Vec<f32> = noise(250, -6.0)
        .into_iter()
        .enumerate()
        .map(fading)
        .collect();
    talk.hear(&[silence(500), cough, silence(600)].concat());
    talk.say("Nine.", 100);
    let events = talk.until(|event| matches!(event, Event::Caption(c) if c.text == "Nine."));
    assert!(!events.contains(&Event::Interrupt), "{events:?}");
    talk.hear(&mixed(&voice(700), &noise(700, -39.0)));
    talk.until(|event| *event == Event::Interrupt);
}

#[test]
fn a_conversation_that_cannot_keep_up_drops_sound_and_nothing_else() {
    let (entered, entrance) = std::sync::mpsc::channel();
    let (leave, exit) = std::sync::mpsc::channel::<()>();
    let mut held = true;
    let (sender, events) = std::sync::mpsc::channel();
    let brain = Brain::start(
        Arc::new(Echo::default()),
        Settings::default(),
        move |event| {
            // The first event holds the conversation up.
            if std::mem::take(&mut held) {
                entered.send(()).expect("the test is there");
                let _ = exit.recv();
            }
            let _ = sender.send(event);
        },
    );
    let brain = brain.expect("a conversation begins");
    assert!(brain.send(Input::Text("One".to_owned())));
    entrance.recv().expect("the first event");
    let taken = (0..400)
        .filter(|_| brain.send(Input::Microphone(silence(40))))
        .count();
    assert_eq!((taken, brain.dropped()), (256, 144));
    for input in [
        Input::Interrupt,
        Input::EndOfTurn,
        Input::Text("Two".to_owned()),
    ] {
        assert!(brain.send(input));
    }
    leave.send(()).expect("the conversation waits");
    until(
        &events,
        |event| matches!(event, Event::Caption(c) if c.text == "Two"),
    );
    assert_eq!(brain.dropped(), 144);
}
