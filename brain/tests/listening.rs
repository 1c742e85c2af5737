//! Voices and ends of turns told by networks beside the models: toy networks, and ones that fail.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::stage::settings;
use common::{hear, ms, silence, start, until, voice};
use essence::ErrorKind;
use essence_brain::{
    Cancel, Ending, Event, Found, Input, Local, LocalSettings, Part, Pieces, Request, Responder,
    Said, Settings, State, VoiceActivity,
};

fn toy(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/listening");
    folder.join(name)
}

/// A loud hum whose loudness never stays the same: no voice to the network inside.
fn hum(milliseconds: usize) -> Vec<f32> {
    let sample = |i: usize| {
        let loudness = [0.35, 0.6, 0.45, 0.9][i / 256 % 4];
        loudness * (i as f32 * 0.9).sin()
    };
    (0..ms(milliseconds)).map(sample).collect()
}

/// Whether a conversation takes a sound for a turn.
fn is_a_turn(responder: Arc<dyn Responder>, sound: &[f32]) -> bool {
    let (brain, events) = start(responder, Settings::default());
    hear(
        &brain,
        &[silence(500), sound.to_vec(), silence(1_500)].concat(),
        640,
    );
    // Whatever there was comes before the answer to this.
    brain.send(Input::Text("Hello".to_owned()));
    let heard = until(
        &events,
        |event| matches!(event, Event::Caption(c) if c.text == "Hello"),
    );
    heard.contains(&Event::State(State::Thinking))
}

#[test]
fn voices_are_told_by_sileros_network_where_it_is() {
    let Some(mut settings) = settings() else {
        return;
    };
    let turn = |settings: &LocalSettings, sound: &[f32]| {
        let local = Local::open(settings.clone()).expect("it opens");
        is_a_turn(Arc::new(local), sound)
    };
    assert_eq!(settings.find(Part::Listen), Found::BuiltIn);
    let soft: Vec<f32> = voice(800).iter().map(|x| x * 0.2).collect();
    assert!(turn(&settings, &soft), "a soft voice");
    assert!(!turn(&settings, &hum(800)), "a hum");
    // To the toy what is loud is a voice.
    settings.vad = Some(toy("silero.onnx"));
    assert_eq!(
        settings.find(Part::Listen),
        Found::Present(toy("silero.onnx"))
    );
    assert!(!turn(&settings, &soft), "a soft voice, by the toy");
    assert!(turn(&settings, &hum(800)), "a hum, by the toy");
}

#[test]
fn the_end_of_a_turn_is_told_by_its_sound_where_the_network_is() {
    let Some(mut settings) = settings() else {
        return;
    };
    let look = |settings: &LocalSettings, sound: &[f32]| {
        let local = Local::open(settings.clone()).expect("it opens");
        let conversation = local.for_conversation().expect("one of its own");
        conversation.anticipate(sound, &Cancel::default())
    };
    assert_eq!(settings.find(Part::Turn), Found::BuiltIn);
    let long = hum(6_000);
    assert_eq!(look(&settings, &long), Ending::Unknown, "by the words");
    settings.turn = Some(toy("smart_turn.onnx"));
    // To the toy a long turn is over.
    assert_eq!(look(&settings, &hum(1_000)), Ending::Unfinished);
    assert_eq!(look(&settings, &long), Ending::Finished);
    // Its last eight seconds are heard.
    let late = [silence(6_000), long.clone()].concat();
    assert_eq!(look(&settings, &late), Ending::Finished);
    let early = [long.clone(), silence(6_000)].concat();
    assert_eq!(look(&settings, &early), Ending::Unfinished);
    // Without the network's answer the words have to do.
    let local = Local::open(settings).expect("it opens");
    let conversation = local.for_conversation().expect("one of its own");
    let cancel = Cancel::default();
    cancel.cancel();
    assert_eq!(conversation.anticipate(&long, &cancel), Ending::Unknown);
}

#[test]
fn networks_are_found_beside_the_models() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = LocalSettings::new(folder.path());
    let put = |name: &str, toy_name: &str| {
        let path = folder.path().join(name);
        std::fs::copy(toy(toy_name), &path).expect("it is copied");
        Found::Present(path)
    };
    let silero = put("silero_vad.onnx", "silero.onnx");
    assert_eq!(settings.find(Part::Listen), silero);
    put("smart-turn-v3.1-cpu.onnx", "smart_turn.onnx");
    let latest = put("smart-turn-v3.2-cpu.onnx", "smart_turn.onnx");
    assert_eq!(settings.find(Part::Turn), latest);
    let named = |name: &str| {
        LocalSettings::from_variables("models", |variable| {
            (variable == name).then(|| "none.onnx".to_owned())
        })
    };
    let missing = Found::Missing("none.onnx".into());
    let vad = named("BITHUMAN_LOCAL_VAD").expect("settings");
    assert_eq!(vad.find(Part::Listen), missing);
    let turn = named("BITHUMAN_LOCAL_TURN").expect("settings");
    assert_eq!(turn.find(Part::Turn), missing);
}

#[test]
fn other_networks_and_damaged_ones_are_refused_by_name() {
    let Some(plain) = settings() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for (own, other, variable) in [
        ("silero.onnx", "smart_turn.onnx", "BITHUMAN_LOCAL_VAD"),
        ("smart_turn.onnx", "silero.onnx", "BITHUMAN_LOCAL_TURN"),
    ] {
        let path = folder.path().join(own);
        let refused = |bytes: Option<&[u8]>| {
            let mut settings = plain.clone();
            match variable {
                "BITHUMAN_LOCAL_VAD" => settings.vad = Some(path.clone()),
                _ => settings.turn = Some(path.clone()),
            }
            if let Some(bytes) = bytes {
                std::fs::write(&path, bytes).expect("it is written");
            }
            let error = Local::open(settings).expect_err(own);
            assert!(error.message().contains(own), "{error}");
            error
        };
        let error = refused(None);
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains(variable), "{error}");
        let whole = std::fs::read(toy(own)).expect("a network");
        for bytes in [&b""[..], &whole[..whole.len() / 2], b"GGUF and so on"] {
            assert_eq!(refused(Some(bytes)).kind(), ErrorKind::UnsupportedFormat);
        }
        let error = refused(Some(&std::fs::read(toy(other)).expect("a network")));
        assert!(error.message().contains(variable), "{error}");
    }
}

/// Knows no voice, and fails after so many frames.
struct Deaf(usize);

impl VoiceActivity for Deaf {
    fn probability(&mut self, frame: &[f32]) -> Option<f32> {
        assert_eq!(frame.len(), 256, "16 ms");
        self.0 = self.0.checked_sub(1)?;
        Some(0.0)
    }
}

struct Listener(usize);

impl Responder for Listener {
    fn respond(&self, request: &Request, _: Pieces<'_>) -> essence::Result<()> {
        assert_ne!(request.said, Said::Nothing);
        Ok(())
    }

    fn voice_activity(&self) -> Option<Box<dyn VoiceActivity>> {
        Some(Box::new(Deaf(self.0)))
    }
}

#[test]
fn the_network_inside_takes_over_from_one_that_fails() {
    let turn = |frames: usize| {
        let listener = Listener(frames);
        is_a_turn(Arc::new(listener), &voice(800))
    };
    assert!(!turn(usize::MAX));
    assert!(turn(0) && turn(20));
}
