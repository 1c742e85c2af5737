//! Echo, script and speech programs.

mod common;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use common::{ms, request, start, until, voice};
use essence::ErrorKind;
use essence_brain::{
    Brain, Cancel, Echo, Event, Input, Piece, Request, Responder, Said, Script, Settings,
    Speak as _, SpeechProgram,
};

fn pieces(responder: &dyn Responder, request: &Request) -> essence::Result<Vec<Piece>> {
    let mut all = Vec::new();
    responder.respond(request, &mut |piece| all.push(piece))?;
    Ok(all)
}

fn texts(pieces: &[Piece]) -> Vec<&str> {
    let texts = pieces.iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn seconds(pieces: &[Piece]) -> f64 {
    let lengths = pieces.iter().map(|piece| match piece {
        Piece::Speech { rate_hz, samples } => samples.len() as f64 / f64::from(*rate_hz),
        _ => 0.0,
    });
    lengths.sum()
}

#[test]
fn echo_repeats_what_it_hears() {
    let (brain, events) = start(Arc::new(Echo::default()), Settings::default());
    common::hear(&brain, &voice(800), 640);
    brain.send(Input::EndOfTurn);
    let events = until(&events, |event| matches!(event, Event::EndOfSpeech { .. }));
    let repeated: Vec<f32> = events
        .iter()
        .filter_map(|event| match event {
            Event::Speech {
                rate_hz: 16_000,
                samples,
                ..
            } => Some(samples.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let said = voice(800);
    // Whole frames of voice activity, from the first one with voice on.
    let middle = &said[ms(300)..ms(500)];
    assert!(
        repeated
            .windows(middle.len())
            .any(|window| window == middle)
    );
}

#[test]
fn the_script_in_the_program_has_a_sound_for_every_reply() {
    let script = Script::built_in(None).expect("the script is whole");
    let greeting = pieces(&script, &request(1, Said::Nothing)).expect("it greets");
    assert!(texts(&greeting)[0].starts_with("Hello!"));
    assert!(
        (3.0..9.0).contains(&seconds(&greeting)),
        "{}",
        seconds(&greeting)
    );
    let mut lines = Vec::new();
    for reply in 2..7 {
        let said =
            pieces(&script, &request(reply, Said::Voice(vec![0.0; 16]))).expect("it answers");
        assert!(seconds(&said) > 2.0);
        lines.push(texts(&said)[0].to_owned());
    }
    assert_eq!(lines[0], lines[4], "four lines, one after the other");
    lines.truncate(4);
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 4);
    let bye =
        pieces(&script, &request(2, Said::Text("OK, goodbye then!".into()))).expect("it answers");
    assert!(texts(&bye)[0].starts_with("Goodbye"));
}

#[test]
fn a_script_that_is_wrong_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("script.json");
    let open = |text: &str| {
        std::fs::write(&path, text).expect("it is written");
        Script::open(&path, None)
            .map(|_| ())
            .map_err(|e| (e.kind(), e.to_string()))
    };
    for (text, kind, part) in [
        ("", ErrorKind::InvalidArgument, "JSON"),
        ("{}", ErrorKind::InvalidArgument, "no `replies`"),
        (
            r#"{"replies": [{"text": " "}]}"#,
            ErrorKind::InvalidArgument,
            "no `text`",
        ),
        (
            r#"{"replies": [{"words": "a"}]}"#,
            ErrorKind::InvalidArgument,
            "words",
        ),
        (
            r#"{"replies": [{"text": "a", "sound": "../secret.wav"}]}"#,
            ErrorKind::InvalidArgument,
            "not in the script's folder",
        ),
        (
            r#"{"replies": [{"text": "a", "sound": "none.wav"}]}"#,
            ErrorKind::NotFound,
            "none.wav",
        ),
    ] {
        let (found, message) = open(text).expect_err(text);
        assert_eq!(found, kind, "{message}");
        assert!(message.contains(part), "{message}");
    }
    let huge = format!(
        "{{\"replies\": [{{\"text\": \"{}\"}}]}}",
        "a".repeat(2 << 20)
    );
    assert_eq!(
        open(&huge).expect_err("too large").0,
        ErrorKind::LimitExceeded
    );
    let missing = Script::open(folder.path().join("none.json"), None);
    assert_eq!(missing.expect_err("missing").kind(), ErrorKind::NotFound);
    assert!(open(r#"{"replies": [{"text": "Hello."}]}"#).is_ok());
}

#[test]
fn a_reply_without_a_sound_needs_a_speech_program_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("script.json");
    std::fs::write(&path, r#"{"replies": [{"text": "Hello."}]}"#).expect("it is written");
    let script = Script::open(&path, None).expect("it is a script");
    let error = pieces(&script, &request(1, Said::Text("x".into()))).expect_err("no program");
    assert!(error.message().contains("flite or espeak-ng"), "{error}");
}

/// A folder with a program that is called flite and does what `script` says.
#[cfg(unix)]
fn program(script: &str) -> (tempfile::TempDir, SpeechProgram) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("flite");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("it is written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let found = SpeechProgram::find_in(folder.path().as_os_str()).expect("it is found");
    (folder, found)
}

#[cfg(unix)]
#[test]
fn a_text_reaches_a_speech_program_as_it_is_and_never_as_an_argument() {
    let wav = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/speech_16000.wav");
    let kept = tempfile::tempdir().expect("a folder");
    let (text, arguments) = (kept.path().join("text"), kept.path().join("arguments"));
    let (_folder, program) = program(&format!(
        "cat > {text:?}; echo \"$@\" > {arguments:?}; cp {wav:?} \"$6\"",
    ));
    let hostile = "-o /etc/passwd; $(reboot) `id` \"quoted\" \u{7}\nsecond line --help";
    let mut samples = 0;
    program
        .speak(hostile, &Cancel::default(), &mut |rate, block| {
            assert_eq!(rate, 16_000);
            samples += block.len();
        })
        .expect("it speaks");
    assert_eq!(samples, common::speech().len());
    let got = std::fs::read_to_string(text).expect("the text came");
    assert_eq!(
        got,
        "-o /etc/passwd; $(reboot) `id` \"quoted\"   second line --help\n"
    );
    let got = std::fs::read_to_string(arguments).expect("arguments came");
    assert!(!got.contains("passwd"), "{got}");
}

#[cfg(unix)]
#[test]
fn a_speech_program_that_hangs_is_stopped_with_its_reply() {
    let (_folder, program) = program("exec sleep 1000");
    let cancel = Cancel::default();
    let stop = cancel.clone();
    std::thread::scope(|scope| {
        let speaking = scope.spawn(|| program.speak("Hello", &cancel, &mut |_, _| {}));
        stop.cancel();
        let error = speaking
            .join()
            .expect("no panic")
            .expect_err("it was stopped");
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
}

#[cfg(unix)]
#[test]
fn a_speech_program_that_fails_or_lies_is_an_error() {
    for script in ["exit 3", "true", "cat > \"$6\""] {
        let (_folder, program) = program(script);
        let result = program.speak("Hello", &Cancel::default(), &mut |_, _| {});
        assert!(result.is_err(), "{script}");
    }
}

#[test]
fn an_installed_speech_program_speaks() {
    let Some(program) = SpeechProgram::find() else {
        let mut stdout = std::io::stdout().lock();
        let skipped = "neither flite nor espeak-ng is installed: skipped";
        writeln!(stdout, "{skipped}").expect("stdout is there");
        return;
    };
    let mut length = 0.0;
    let mut loudest = 0.0f32;
    program
        .speak(
            "Hello, this is a sentence.",
            &Cancel::default(),
            &mut |rate, block| {
                length += block.len() as f64 / f64::from(rate);
                loudest = block.iter().fold(loudest, |most, x| most.max(x.abs()));
            },
        )
        .expect("it speaks");
    assert!((1.0..5.0).contains(&length), "{length}");
    assert!(loudest > 0.05, "{loudest}");
}

#[test]
fn a_responder_that_panics_costs_its_reply_alone() {
    struct Panics;
    impl Responder for Panics {
        fn respond(
            &self,
            request: &Request,
            pieces: essence_brain::Pieces<'_>,
        ) -> essence::Result<()> {
            assert_ne!(request.reply, 1, "on purpose");
            pieces(Piece::Text("Still here.".into()));
            Ok(())
        }
    }
    let (brain, events): (Brain, _) = start(Arc::new(Panics), Settings::default());
    brain.send(Input::Text("a".into()));
    until(&events, |event| matches!(event, Event::Failure(_)));
    brain.send(Input::Text("b".into()));
    until(
        &events,
        |event| matches!(event, Event::Caption(c) if c.text == "Still here."),
    );
}
