//! A conversation whose replies the test makes, and the sound to talk to it with.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod http;
pub(crate) mod peer;
pub(crate) mod stage;

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use essence_brain::{
    Brain, Cancel, Event, Input, Piece, Pieces, Prompt, Request, Responder, Settings, Think,
    Thought, Turn,
};

/// A test that waits for longer has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// Milliseconds into the sound where somebody is in the midst of speaking.
pub(crate) const VOICE_MS: usize = 1_000;

pub(crate) fn ms(ms: usize) -> usize {
    16 * ms
}

/// The repository's speech, 16 kHz.
pub(crate) fn speech() -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/speech_16000.wav");
    let bytes = std::fs::read(path).expect("testdata has speech");
    let samples = bytes[44..].chunks_exact(2);
    samples
        .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0)
        .collect()
}

pub(crate) fn silence(milliseconds: usize) -> Vec<f32> {
    vec![0.0; ms(milliseconds)]
}

/// A piece of speech in the midst of silence.
pub(crate) fn voice(milliseconds: usize) -> Vec<f32> {
    let speech = speech();
    speech[ms(VOICE_MS)..ms(VOICE_MS + milliseconds)].to_vec()
}

/// Gives requests to the test and pieces of the test's to the conversation.
struct Puppet {
    requests: Mutex<Sender<Request>>,
    pieces: Mutex<Receiver<Option<Piece>>>,
}

impl Responder for Puppet {
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> essence::Result<()> {
        self.requests
            .lock()
            .expect("no panic")
            .send(request.clone())
            .expect("the other end is there");
        let received = self.pieces.lock().expect("no panic");
        while let Ok(Some(piece)) = received.recv() {
            pieces(piece);
        }
        Ok(())
    }
}

/// A conversation and both of its ends.
pub(crate) struct Talk {
    pub(crate) brain: Brain,
    pub(crate) events: Receiver<Event>,
    pub(crate) requests: Receiver<Request>,
    pub(crate) pieces: Sender<Option<Piece>>,
}

impl Talk {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let (requests, received_requests) = channel();
        let (pieces, received_pieces) = channel();
        let puppet = Puppet {
            requests: Mutex::new(requests),
            pieces: Mutex::new(received_pieces),
        };
        let (brain, events) = start(Arc::new(puppet), settings);
        Self {
            brain,
            events,
            requests: received_requests,
            pieces,
        }
    }

    /// Sound in pieces of 40 ms, as from a browser.
    pub(crate) fn hear(&self, samples: &[f32]) {
        hear(&self.brain, samples, 640);
    }

    pub(crate) fn request(&self) -> Request {
        self.requests
            .recv_timeout(DEADLINE)
            .expect("a request comes")
    }

    /// The avatar says a sentence of so many milliseconds.
    pub(crate) fn say(&self, text: &str, milliseconds: usize) {
        self.pieces
            .send(Some(Piece::Text(text.to_owned())))
            .expect("the other end is there");
        let samples = vec![0.1; ms(milliseconds)];
        self.pieces
            .send(Some(Piece::Speech {
                rate_hz: 16_000,
                samples,
            }))
            .expect("the other end is there");
    }

    /// The reply is complete.
    pub(crate) fn complete(&self) {
        self.pieces.send(None).expect("the other end is there");
    }

    /// The events up to the first that fits, it included.
    pub(crate) fn until(&self, fits: impl Fn(&Event) -> bool) -> Vec<Event> {
        until(&self.events, fits)
    }
}

/// A thought, and the words up to its end.
pub(crate) fn thought(
    think: &dyn Think,
    history: &[Turn],
    cancel: &Cancel,
) -> (essence::Result<()>, String) {
    let mut words = String::new();
    let prompt = Prompt {
        history,
        ..Prompt::default()
    };
    let result = think.think(&prompt, cancel, &mut |thought| match thought {
        Thought::Text(text) => words.push_str(text),
        Thought::Call(call) => panic!("{call:?} though there are no functions"),
    });
    (result, words)
}

/// A reply's number and the user's words, without anything around them.
pub(crate) fn request(reply: u64, said: essence_brain::Said) -> Request {
    Request {
        reply,
        said,
        history: Vec::new(),
        context: Vec::new(),
        tools: essence_brain::Tools::default(),
        interrupted: None,
        cancel: Cancel::default(),
    }
}

pub(crate) fn start(responder: Arc<dyn Responder>, settings: Settings) -> (Brain, Receiver<Event>) {
    let (sender, events) = channel();
    let brain = Brain::start(responder, settings, move |event| {
        let _ = sender.send(event);
    });
    (brain.expect("a conversation begins"), events)
}

/// Waits where messages would be dropped, as a browser that sends in real time never has to.
pub(crate) fn hear(brain: &Brain, samples: &[f32], block: usize) {
    for block in samples.chunks(block) {
        while !brain.send(Input::Microphone(block.to_vec())) {
            std::thread::yield_now();
        }
    }
}

pub(crate) fn until(events: &Receiver<Event>, fits: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut all = Vec::new();
    loop {
        let event = events.recv_timeout(DEADLINE);
        let event = event.unwrap_or_else(|_| panic!("the event didn't come; there were {all:?}"));
        all.push(event);
        if fits(&all[all.len() - 1]) {
            return all;
        }
    }
}
