//! The local brain on stand-ins: a fake library in C, files that only have a head, toy networks.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::stage::{STAGE, fake, gguf, opened, settings, toy_voice, whisper};
use common::{start, until, voice};
use essence::{ErrorKind, Result};
use essence_brain::{
    Cancel, Event, Found, Hear as _, Input, Local, LocalSettings, Part, Prompt, Responder as _,
    Settings, Speak as _, Speaker, Think as _, Turn,
};

fn turn(speaker: Speaker, text: &str) -> Turn {
    Turn {
        speaker,
        text: text.to_owned(),
    }
}

fn thought(local: &Local, history: &[Turn]) -> Result<String> {
    let (result, words) = common::thought(&local.thinking()?, history, &Cancel::default());
    result.map(|()| words)
}

#[test]
fn what_is_missing_is_named_with_what_mends_it() {
    let empty = tempfile::tempdir().expect("a folder");
    let Some(mut settings) = settings() else {
        return;
    };
    settings.models = empty.path().to_owned();
    let error = Local::open(settings.clone()).expect_err("nothing is there");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for part in [
        "ggml-tiny.en.bin",
        "bithuman pull --local",
        "BITHUMAN_LOCAL_WHISPER",
    ] {
        assert!(error.message().contains(part), "{error}");
    }
    let path = empty.path().join("qwen2.5-0.5b-instruct-q4_k_m.gguf");
    assert_eq!(settings.find(Part::Think), Found::Missing(path.clone()));
    let file = &essence_brain::DEFAULT_MODELS[1].files[0];
    std::fs::write(essence_brain::partial(&path, file), b"GG").expect("it is written");
    assert_eq!(settings.find(Part::Think), Found::Partial(path));
}

#[test]
fn libraries_that_are_none_are_refused_with_the_places_that_were_tried() {
    let Some(mut settings) = settings() else {
        return;
    };
    let folder = STAGE.folder.path();
    let mut refused = |path: PathBuf, reason: &str| {
        settings.library = Some(path.clone());
        let error = Local::open(settings.clone()).expect_err("no library");
        assert_eq!(error.kind(), ErrorKind::RuntimeMissing);
        let message = error.message();
        assert!(message.contains(reason), "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(message.contains("BITHUMAN_BRAIN_LIBRARY"), "{message}");
    };
    refused(folder.join("none.so"), "no such file");
    refused(folder.join("model.gguf"), "");
    let old = fake(folder, "old", &["-DFAKE_ABI=7"]).expect("a compiler");
    refused(old, "its interface is 7");
    let weak = fake(folder, "weak", &["-DFAKE_LACKING=\"AVX2\""]).expect("a compiler");
    refused(weak, "this processor lacks AVX2");
}

#[test]
fn damaged_files_are_refused_before_the_library_sees_them() {
    let Some(settings) = settings() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for (name, whole, is_whisper) in [
        ("some.bin", whisper(), true),
        ("some.gguf", gguf(64), false),
    ] {
        let path = folder.path().join(name);
        let mut settings = settings.clone();
        match is_whisper {
            true => settings.whisper = Some(path.display().to_string()),
            false => settings.llm = Some(path.clone()),
        }
        let part = if is_whisper { Part::Hear } else { Part::Think };
        let find = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("it is written");
            settings.find(part)
        };
        assert_eq!(find(&whole), Found::Present(path.clone()));
        // Cut anywhere in its head, and before its end.
        let cuts = (0..whole.len()).filter(|&n| n < 200 || n % 997 == 0 || n + 60 > whole.len());
        for length in cuts {
            match find(&whole[..length]) {
                Found::Damaged(at, reason) => {
                    assert_eq!(at, path);
                    assert!(
                        reason.contains(name) && reason.contains("pull --local"),
                        "{reason}"
                    );
                }
                found => panic!("{length} bytes of {name}: {found:?}"),
            }
        }
        let error = Local::open(settings.clone()).expect_err("damaged");
        assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
        // Any byte of the head made large or turned over: an answer, whatever it is.
        for at in (0..whole.len()).filter(|&at| at < 300 || at + 300 > whole.len()) {
            for value in [0xff, 0x00, whole[at] ^ 0x80] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                find(&bytes);
            }
        }
    }
    let path = folder.path().join("refused.gguf");
    std::fs::write(&path, gguf(64)).expect("it is written");
    let mut settings = settings;
    settings.llm = Some(path);
    let error = Local::open(settings).expect_err("refused");
    assert!(error.message().contains("refused.gguf"), "{error}");
    assert!(error.message().contains("no chat template"), "{error}");
}

#[test]
fn a_language_that_the_model_does_not_know_is_an_error() {
    let Some(mut settings) = settings() else {
        return;
    };
    for (language, part) in [
        ("xx", "no language"),
        ("de", "English alone"),
        ("e\0n", "no language"),
    ] {
        settings.language = language.to_owned();
        let error = Local::open(settings.clone()).expect_err(language);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn variables_are_settings_and_wrong_ones_are_refused() {
    let with = |pairs: &[(&str, &str)]| {
        LocalSettings::from_variables("cache", |name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    let plain = with(&[("BITHUMAN_LOCAL_LLM", " "), ("BITHUMAN_MODELS", "")]).expect("settings");
    assert_eq!(plain.models, Path::new("cache"));
    assert_eq!((plain.llm, plain.whisper.as_deref()), (None, None));
    let german =
        with(&[("BITHUMAN_LOCAL_LANG", "de"), ("BITHUMAN_LOCAL_STEPS", "8")]).expect("settings");
    // The default model of Whisper knows English alone.
    assert_eq!(german.whisper.as_deref(), Some("tiny"));
    assert_eq!(german.steps, 8);
    for (name, value) in [
        ("BITHUMAN_LOCAL_SPEED", "9"),
        ("BITHUMAN_LOCAL_STEPS", "0"),
        ("BITHUMAN_LOCAL_THREADS", "many"),
    ] {
        let error = with(&[(name, value)]).expect_err(name);
        assert!(error.message().contains(name), "{error}");
    }
}

#[test]
fn turns_that_do_not_fit_are_left_out_whole() {
    let Some(local) = opened() else { return };
    let text = thought(&local, &[turn(Speaker::User, "How many?")]).expect("a reply");
    assert_eq!(
        text,
        "2 messages, and the first is How many? grüß dich. Last: How many?."
    );
    let long = "x".repeat(700);
    let history = [
        turn(Speaker::User, &format!("first {long}")),
        turn(Speaker::Avatar, &long),
        turn(Speaker::User, &format!("second {long}")),
        turn(Speaker::Avatar, "short"),
        turn(Speaker::User, "So"),
        turn(Speaker::User, "how many?"),
    ];
    let text = thought(&local, &history).expect("a reply");
    assert!(
        text.starts_with("4 messages, and the first is second")
            && text.contains("Last: So how many?"),
        "{text}"
    );
    let error = thought(&local, &[turn(Speaker::User, &"y".repeat(4_000))]).expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn work_ends_when_it_is_cancelled() {
    let Some(local) = opened() else { return };
    let cancel = Cancel::default();
    let hearing = local.hearing();
    std::thread::scope(|scope| {
        let endless = scope.spawn(|| hearing.hear(&[1.0; 1_600], &cancel));
        cancel.cancel();
        let error = endless.join().expect("no panic").expect_err("stopped");
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let thinking = local.thinking().expect("a conversation");
    let mut tokens = 0;
    let prompt = Prompt {
        history: &[turn(Speaker::User, "Story")],
        ..Prompt::default()
    };
    let result = thinking.think(&prompt, &cancel, &mut |_| {
        tokens += 1;
        stop.cancel();
    });
    assert_eq!(
        (result.expect_err("stopped").kind(), tokens),
        (ErrorKind::Cancelled, 1)
    );
    let error = local.speaking().speak("Hello", &cancel, &mut |_, _| {});
    assert_eq!(error.expect_err("stopped").kind(), ErrorKind::Cancelled);
}

#[test]
fn a_failure_names_the_model() {
    let Some(local) = opened() else { return };
    let error = local
        .hearing()
        .hear(&[-1.0; 16], &Cancel::default())
        .expect_err("it fails");
    assert!(error.message().contains("ggml-tiny.en.bin"), "{error}");
    assert!(error.message().contains("out of ideas"), "{error}");
}

#[test]
fn a_voice_speaks_as_long_as_its_networks_say() {
    let Some(mut settings) = settings() else {
        return;
    };
    settings.speed = 2.0;
    let local = Local::open(settings).expect("it opens");
    let mut blocks = Vec::new();
    local
        .speaking()
        .speak("**Hi** 🙂", &Cancel::default(), &mut |rate, samples| {
            blocks.push((rate, samples.len()));
        })
        .expect("it speaks");
    // `<en>Hi.</en>` has 12 characters of 60 ms at twice the speed, rounded down as the makers' code does.
    assert_eq!(blocks, [(44_100, 15_875)]);
    let mut nothing = 0;
    local
        .speaking()
        .speak("🙂 …", &Cancel::default(), &mut |_, samples| {
            nothing += samples.len();
        })
        .expect("it is silent");
    assert_eq!(nothing, 0);
}

#[test]
fn damaged_voices_are_refused_by_name() {
    let Some(mut settings) = settings() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |file: &str| {
        let to = folder.path().join(file);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("it is made");
        std::fs::copy(toy_voice().join(file), to).expect("it is copied");
    };
    let files = [
        "onnx/tts.json",
        "onnx/unicode_indexer.json",
        "onnx/duration_predictor.onnx",
        "onnx/text_encoder.onnx",
        "onnx/vector_estimator.onnx",
        "onnx/vocoder.onnx",
        "voice_styles/F1.json",
    ];
    files.iter().for_each(|file| copy(file));
    settings.tts = Some(folder.path().to_owned());
    Local::open(settings.clone()).expect("it opens");
    for file in files {
        let path = folder.path().join(file);
        let whole = std::fs::read(&path).expect("a file");
        for bytes in [&b""[..], &whole[..whole.len() / 2], b"GGUF and so on"] {
            std::fs::write(&path, bytes).expect("it is written");
            let error = Local::open(settings.clone()).expect_err(file);
            let name = file.rsplit('/').next().expect("a name");
            assert!(error.message().contains(name), "{file}: {error}");
        }
        std::fs::remove_file(&path).expect("it is there");
        assert!(Local::open(settings.clone()).is_err(), "{file} is missing");
        copy(file);
    }
    settings.voice = Some("../F1".to_owned());
    assert!(
        Local::open(settings).is_err(),
        "a voice outside of its folder"
    );
}

#[test]
fn words_are_worked_out_in_the_silence_before_the_turn_is_over() {
    let Some(local) = opened() else { return };
    let conversation = local.for_conversation().expect("one of its own");
    let mut voice = vec![0.25; 3_200];
    let number = |pieces: &[essence_brain::Piece]| {
        pieces.iter().find_map(|piece| match piece {
            essence_brain::Piece::Heard(words) => {
                words.split(' ').nth(1).and_then(|n| n.parse::<u32>().ok())
            }
            _ => None,
        })
    };
    let ask = |samples: Vec<f32>| {
        let mut pieces = Vec::new();
        let request = common::request(1, essence_brain::Said::Voice(samples));
        conversation
            .respond(&request, &mut |piece| pieces.push(piece))
            .expect("a reply");
        number(&pieces).expect("words")
    };
    let first = ask(voice.clone());
    conversation.anticipate(&voice, &Cancel::default());
    voice.extend([0.0; 1_600]);
    // The words of the call before, not of another one.
    assert_eq!(ask(voice.clone()), first + 1);
    assert_eq!(ask(voice.clone()), first + 2);
    let gone_on = Cancel::default();
    conversation.anticipate(&voice, &gone_on);
    gone_on.cancel();
    assert_eq!(ask(voice), first + 4);
}

#[test]
fn a_conversation_is_heard_answered_and_cut_where_it_was_spoken() {
    let Some(local) = opened() else { return };
    let (brain, events) = start(Arc::new(local), Settings::default());
    common::hear(&brain, &voice(800), 640);
    brain.send(Input::EndOfTurn);
    let first = until(&events, |event| matches!(event, Event::Speech { .. }));
    let heard = first.iter().find_map(|event| match event {
        Event::Caption(c) if c.speaker == Speaker::User => Some(c.text.clone()),
        _ => None,
    });
    assert!(heard.expect("words").starts_with("call "));
    // An endless reply, interrupted: the rest never comes, and the next turn is answered.
    brain.send(Input::Text("Story".into()));
    until(&events, |event| {
        matches!(event, Event::Speech { reply: 2, .. })
    });
    brain.send(Input::Played { reply: 2, ms: 900 });
    brain.send(Input::Text("How many?".into()));
    let last = until(&events, |event| {
        matches!(event, Event::EndOfSpeech { reply: 3 })
    });
    assert!(last.contains(&Event::Interrupt));
    let cut = last.iter().find_map(|event| match event {
        Event::Caption(c) if c.reply == 2 && c.text.ends_with('—') => Some(c.text.clone()),
        _ => None,
    });
    assert_eq!(cut.as_deref(), Some("And then—"));
    let reply: String = last
        .iter()
        .filter_map(|event| match event {
            Event::Caption(c) if c.reply == 3 && c.speaker == Speaker::Avatar && c.r#final => {
                Some(c.text.clone())
            }
            _ => None,
        })
        .collect();
    assert!(reply.contains("messages"), "{reply}");
}
