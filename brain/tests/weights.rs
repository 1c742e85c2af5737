//! The local brain with the library and real weights: `cargo xtask brain --test`.

mod common;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use common::{start, thought, until};
use essence::{Engine, Frame, FrameRequest, Pacing, Provider, SessionOptions};
use essence_brain::{
    Cancel, EndCall, Ending, Event, Hear as _, Input, Local, LocalSettings, OpenAi, OpenAiSettings,
    Pipeline, Prompt, Responder as _, Settings, Speak as _, Speaker, Think as _, Tool, Tools, Turn,
};
use essence_media::AudioReader;

fn settings() -> LocalSettings {
    let variable = |name: &str| std::env::var(name).ok();
    LocalSettings::from_variables("none", variable).expect("settings")
}

fn models() -> PathBuf {
    settings().models
}

fn with_voice(path: &str) -> LocalSettings {
    let mut settings = settings();
    settings.tts = Some(models().join(path));
    settings
}

/// Samples at 16 kHz.
fn at_16_khz(rate_hz: u32, samples: &[f32]) -> Vec<f32> {
    let step = f64::from(rate_hz) / 16_000.0;
    let count = (samples.len() as f64 / step) as usize;
    // A moving average keeps what lies above 8 kHz out, well enough for words.
    let width = step.ceil() as usize;
    (0..count)
        .map(|i| {
            let at = (i as f64 * step) as usize;
            let window = &samples[at..(at + width).min(samples.len())];
            window.iter().sum::<f32>() / window.len() as f32
        })
        .collect()
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A recording at 16 kHz.
fn recorded(path: &Path) -> Vec<f32> {
    let mut reader = AudioReader::open(path).expect("a recording");
    let rate = reader.sample_rate();
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().expect("sound") {
        samples.extend_from_slice(block);
    }
    at_16_khz(rate, &samples)
}

/// Eleven seconds of a speech, with pauses of up to a second.
fn recorded_speech() -> Vec<f32> {
    recorded(&models().join("jfk.wav"))
}

const RECORDED: &str = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do \
                        for your country.";

fn spoken(local: &Local, text: &str) -> (u32, Vec<f32>) {
    let mut all = Vec::new();
    let mut rate = 0;
    local
        .speaking()
        .speak(text, &Cancel::default(), &mut |rate_hz, samples| {
            rate = rate_hz;
            all.extend_from_slice(samples);
        })
        .expect("it speaks");
    (rate, all)
}

#[test]
#[ignore = "wants weights"]
fn what_a_voice_says_is_heard_word_for_word() {
    let sentence = "The quick brown fox jumps over the lazy dog, and then it goes back home.";
    for voice in ["piper/en_US-joe-medium.onnx", "kokoro"] {
        let local = Local::open(with_voice(voice)).expect("it opens");
        let (rate, samples) = spoken(&local, sentence);
        let heard = local
            .hearing()
            .hear(&at_16_khz(rate, &samples), &Cancel::default())
            .expect("it hears");
        assert_eq!(words(&heard), words(sentence), "{voice}: {heard}");
    }
}

#[test]
#[ignore = "wants weights"]
fn silence_has_no_words() {
    let local = Local::open(settings()).expect("it opens");
    let silence = vec![0.0; 32_000];
    let heard = local
        .hearing()
        .hear(&silence, &Cancel::default())
        .expect("it hears");
    assert_eq!(heard, "");
}

#[test]
#[ignore = "wants weights"]
fn a_reply_is_the_same_whether_its_beginning_was_kept_or_not() {
    let local = Local::open(settings()).expect("it opens");
    let mut history = Vec::new();
    let mut kept = local.thinking().expect("a conversation");
    for question in ["What color is the sky?", "And at night?"] {
        history.push(Turn {
            speaker: Speaker::User,
            text: question.to_owned(),
        });
        let answer = |thinking: &dyn essence_brain::Think| {
            let (result, text) = thought(thinking, &history, &Cancel::default());
            result.expect("a reply");
            text
        };
        let anew = answer(&local.thinking().expect("a conversation"));
        let text = answer(&mut kept);
        assert!(!text.trim().is_empty());
        assert_eq!(text, anew, "{question}");
        history.push(Turn {
            speaker: Speaker::Avatar,
            text,
        });
    }
}

#[test]
#[ignore = "wants weights"]
fn a_long_conversation_keeps_the_turns_that_fit() {
    let local = Local::open(settings()).expect("it opens");
    let thinking = local.thinking().expect("a conversation");
    let history: Vec<_> = (0..40)
        .map(|i| Turn {
            speaker: if i % 2 == 0 {
                Speaker::User
            } else {
                Speaker::Avatar
            },
            text: format!(
                "{i}: {}",
                "These are many words about a rather small thing. ".repeat(8)
            ),
        })
        .chain([Turn {
            speaker: Speaker::User,
            text: "Say yes.".to_owned(),
        }])
        .collect();
    let (result, text) = thought(&thinking, &history, &Cancel::default());
    result.expect("a reply");
    assert!(!text.is_empty());
}

#[test]
#[ignore = "wants weights"]
fn cancelled_work_stops() {
    let local = Local::open(settings()).expect("it opens");
    let cancel = Cancel::default();
    cancel.cancel();
    let stopped = |result: essence::Result<()>| {
        assert_eq!(
            result.expect_err("stopped").kind(),
            essence::ErrorKind::Cancelled
        );
    };
    stopped(local.hearing().hear(&vec![0.0; 160_000], &cancel).map(drop));
    stopped(
        local
            .speaking()
            .speak("Hello there.", &cancel, &mut |_, _| {}),
    );
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let history = [Turn {
        speaker: Speaker::User,
        text: "Tell me a long story.".to_owned(),
    }];
    let mut tokens = 0;
    let thinking = local.thinking().expect("a conversation");
    let prompt = Prompt {
        history: &history,
        ..Prompt::default()
    };
    stopped(thinking.think(&prompt, &cancel, &mut |_| {
        tokens += 1;
        stop.cancel();
    }));
    assert_eq!(tokens, 1);
}

/// An avatar that is pulled frame by frame, beside a conversation.
struct Face {
    session: essence::Session,
    frames: u64,
    mouths: u64,
}

impl Face {
    fn draw(&mut self) {
        let mut frame = Frame::new();
        while self
            .session
            .draw(&mut frame, FrameRequest::new())
            .expect("a frame")
            .is_frame()
        {
            self.frames += 1;
            self.mouths += u64::from(frame.audio().iter().any(|x| x.abs() > 0.01));
        }
    }
}

#[test]
#[ignore = "wants weights"]
fn a_whole_conversation_without_a_network() {
    let avatar = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/avatars/mika.imx");
    let engine = Engine::builder()
        .provider(Provider::Builtin)
        .build()
        .expect("an engine");
    let avatar = engine.open(avatar).expect("an avatar");
    let session = avatar
        .session(SessionOptions::default().pacing(Pacing::Unpaced))
        .expect("a session");
    let mut face = Face {
        session,
        frames: 0,
        mouths: 0,
    };
    let mut settings = with_voice("piper/en_US-joe-medium.onnx");
    settings.greeting = "Hello. What do you want to know?".to_owned();
    let local = Local::open(settings).expect("it opens");
    // The question is a recording of another voice.
    let kokoro = Local::open(with_voice("kokoro")).expect("it opens");
    let (rate, question) = spoken(&kokoro, "Can you tell me something about the sun?");
    let question = at_16_khz(rate, &question);
    let (brain, events) = start(Arc::new(local), Settings::default());
    brain.send(Input::Begin);
    let all = Arc::new(Mutex::new(Vec::new()));
    let take = |face: &mut Face, last: &dyn Fn(&Event) -> bool| {
        let events = until(&events, |event| last(event));
        for event in &events {
            match event {
                Event::Speech {
                    rate_hz, samples, ..
                } => {
                    face.session
                        .push_audio(essence::AudioData::F32(samples), *rate_hz, 1)
                        .expect("sound");
                }
                Event::EndOfSpeech { .. } => face.session.flush(),
                Event::Interrupt => face.session.interrupt(),
                _ => {}
            }
            face.draw();
        }
        all.lock().expect("events").extend(events.clone());
        events
    };
    take(&mut face, &|event| {
        matches!(event, Event::EndOfSpeech { reply: 1 })
    });
    assert!(face.mouths > 20, "the greeting is {} frames", face.mouths);
    brain.send(Input::Finished { reply: 1 });
    // In pieces of 20 ms, as a microphone gives it, and silence behind.
    let mut heard = vec![0.0; 8_000];
    heard.extend(&question);
    heard.extend(vec![0.0; 16_000]);
    for block in heard.chunks(320) {
        brain.send(Input::Microphone(block.to_vec()));
    }
    let events = take(&mut face, &|event| {
        matches!(event, Event::Speech { reply: 2, .. })
    });
    let question = events.iter().find_map(|event| match event {
        Event::Caption(c) if c.speaker == Speaker::User => Some(c.text.clone()),
        _ => None,
    });
    assert_eq!(
        words(&question.expect("a question")),
        words("Can you tell me something about the sun?")
    );
    // The user talks over the reply after 700 ms of it.
    let frames = face.frames;
    brain.send(Input::Played { reply: 2, ms: 700 });
    for block in heard.chunks(320) {
        brain.send(Input::Microphone(block.to_vec()));
    }
    let events = take(&mut face, &|event| {
        matches!(event, Event::EndOfSpeech { reply: 3 })
    });
    assert!(events.contains(&Event::Interrupt));
    assert!(face.frames > frames, "frames go on");
    let all = all.lock().expect("events");
    let cut = all.iter().rev().find_map(|event| match event {
        Event::Caption(c) if c.reply == 2 && c.speaker == Speaker::Avatar && !c.text.is_empty() => {
            Some(c.text.clone())
        }
        _ => None,
    });
    // The history holds the words of it that were spoken, a dash, or nothing at all.
    if let Some(cut) = cut {
        assert!(cut.ends_with('—'), "{cut}");
    }
    assert!(
        !all.iter().any(|event| matches!(event, Event::Failure(_))),
        "{all:?}"
    );
}

#[test]
#[ignore = "wants weights"]
fn damaged_models_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, own) in [
        ("ggml-tiny.en.bin", true),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", false),
    ] {
        let bytes = std::fs::read(models().join(name)).expect("weights");
        let path = folder.path().join(name);
        let open = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("it is written");
            let mut settings = settings();
            match own {
                true => settings.whisper = Some(path.display().to_string()),
                false => settings.llm = Some(path.clone()),
            }
            Local::open(settings).map(drop)
        };
        open(&bytes).expect("whole");
        for length in [0, 3, 100, bytes.len() / 2, bytes.len() - 1] {
            let error = open(&bytes[..length]).expect_err("cut");
            assert!(error.message().contains(name), "{error}");
        }
        let other = if own {
            "SmolLM2-135M-Instruct.Q4_1.gguf"
        } else {
            "ggml-tiny.en.bin"
        };
        let error =
            open(&std::fs::read(models().join(other)).expect("weights")).expect_err("foreign");
        assert!(error.message().contains("another kind"), "{error}");
    }
}

#[test]
#[ignore = "wants weights"]
fn a_recorded_sentence_is_heard_word_for_word() {
    let local = Local::open(settings()).expect("it opens");
    let heard = |samples: &[f32]| {
        let heard = local.hearing().hear(samples, &Cancel::default());
        heard.expect("it hears")
    };
    let speech = recorded_speech();
    assert_eq!(words(&heard(&speech)), words(RECORDED));
    // Softly, and with the silence around it that a turn has.
    let soft: Vec<f32> = speech.iter().map(|x| x * 0.1).collect();
    let turn = [vec![0.0; 5_000], soft, vec![0.0; 6_400]].concat();
    assert_eq!(words(&heard(&turn)), words(RECORDED));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/speech_16000.wav");
    let heard = heard(&recorded(&own));
    assert!(words(&heard).len() > 3, "{heard}");
}

#[test]
#[ignore = "wants weights"]
fn a_sentence_that_is_broken_off_is_no_end_of_a_turn() {
    let plain = with_voice("piper/en_US-joe-medium.onnx");
    let mut listening = plain.clone();
    listening.turn = Some(models().join("listening/smart-turn-v3.2-cpu.onnx"));
    // By the words alone, and by the sound, too.
    for settings in [plain, listening] {
        let listens = settings.turn.is_some();
        let local = Local::open(settings).expect("it opens");
        let conversation = local.for_conversation().expect("one of its own");
        for (text, ends) in [
            ("I would like to go to the", false),
            ("We have been to the market because", false),
            ("I need some flour, some eggs and", false),
            ("Can you tell me something about the sun?", true),
            ("We have been to the market.", true),
            ("I need some flour and some eggs.", true),
        ] {
            if ends && listens && text.contains("eggs") {
                // Piper speaks with another noise each time, and ends a list now and then as if more came.
                continue;
            }
            let (rate, samples) = spoken(&local, text);
            let voice = [at_16_khz(rate, &samples), vec![0.0; 2_300]].concat();
            let look = conversation.anticipate(&voice, &Cancel::default());
            assert_eq!(look == Ending::Finished, ends, "{text}: {look:?}");
        }
    }
}

#[test]
#[ignore = "wants weights"]
fn sileros_network_tells_a_speech_from_noise() {
    let mut settings = settings();
    settings.vad = Some(models().join("listening/silero_vad.onnx"));
    let local = Local::open(settings).expect("it opens");
    let conversation = local.for_conversation().expect("one of its own");
    let voiced = |sound: &[f32]| {
        let mut activity = conversation.voice_activity().expect("the network's");
        let frames = sound.as_chunks::<256>().0;
        let voiced = frames.iter().filter(|frame| {
            let probability = activity.probability(&frame[..]);
            probability.expect("it runs") >= 0.5
        });
        voiced.count() as f32 / frames.len() as f32
    };
    let speech = recorded_speech();
    let part = voiced(&speech);
    // Its pauses are a quarter of it.
    assert!((0.6..0.95).contains(&part), "{part} of a speech");
    let mut seed = 1u32;
    let noise = speech.iter().map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / 8_388_608.0 - 1.0
    });
    let noise: Vec<f32> = noise.map(|x| 0.2 * x).collect();
    let part = voiced(&noise);
    assert!(part < 0.02, "{part} of noise");
}

#[test]
#[ignore = "wants a server"]
fn llama_cpps_own_server_answers_turn_by_turn() {
    let address = std::env::var("BRAIN_LLAMA_SERVER").expect("`cargo xtask brain --test` names it");
    let client = OpenAi::new(OpenAiSettings {
        base_url: format!("{address}/v1"),
        ..OpenAiSettings::default()
    });
    let client = client.expect("a client");
    let local = Local::open(with_voice("piper/en_US-joe-medium.onnx")).expect("it opens");
    let pipeline = Pipeline {
        hear: local.hearing(),
        think: client.clone(),
        speak: local.speaking(),
        greeting: String::new(),
        eager: true,
    };
    // With functions, which this model doesn't know: the server has to take them.
    let settings = Settings {
        tools: Tools::new([Arc::new(EndCall) as Arc<dyn Tool>]).expect("they fit"),
        ..Settings::default()
    };
    let (brain, events) = start(Arc::new(pipeline), settings);
    for (reply, question) in [(1, "What color is the sky?"), (2, "And at night?")] {
        brain.send(Input::Text(question.to_owned()));
        let said = until(&events, |event| {
            matches!(event, Event::EndOfSpeech { .. } | Event::Failure(_))
        });
        assert_eq!(said.last(), Some(&Event::EndOfSpeech { reply }), "{said:?}");
        brain.send(Input::Finished { reply });
    }
    // Cancelled, the rest is not waited for.
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let history = [Turn {
        speaker: Speaker::User,
        text: "Tell me a long story.".to_owned(),
    }];
    let prompt = Prompt {
        history: &history,
        ..Prompt::default()
    };
    let error = client.think(&prompt, &cancel, &mut |_| stop.cancel());
    assert_eq!(
        error.expect_err("stopped").kind(),
        essence::ErrorKind::Cancelled
    );
    // There is no speech at this server.
    let error = client.speak("Hello.", &Cancel::default(), &mut |_, _| {});
    assert!(error.expect_err("refused").message().contains("404"));
}
