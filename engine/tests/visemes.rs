//! The mouth driven by visemes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{assert_same, curve, drain, mika, testdata, toy, unpaced};
use essence::{Avatar, ErrorKind, Pacing, Session, SessionOptions, Viseme, VisemeSet, Visemes};

/// A sentence's events in the table that eSpeak NG's were written to.
fn sentences() -> Vec<(String, Vec<(f64, String)>)> {
    let table = std::fs::read_to_string(testdata("visemes/espeak.tsv")).unwrap();
    let mut sentences: Vec<(String, Vec<(f64, String)>)> = Vec::new();
    for line in table.lines() {
        if let Some(sentence) = line.strip_prefix("# ") {
            sentences.push((sentence.to_owned(), Vec::new()));
        } else {
            let (time, symbol) = line.split_once('\t').unwrap();
            let event = (time.parse().unwrap(), symbol.to_owned());
            sentences.last_mut().unwrap().1.push(event);
        }
    }
    sentences
}

fn visemes(events: &[(f64, String)]) -> Vec<Viseme<'_>> {
    let timed = events.iter();
    timed
        .map(|(start_s, symbol)| Viseme {
            symbol,
            start_s: *start_s,
            end_s: None,
        })
        .collect()
}

fn without_pictures(avatar: &Avatar) -> Session {
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pictures(false);
    avatar.session(options).unwrap()
}

/// Lips are shut where the jaw's opening is taken back in full (`mouthClose`) and the lips press.
#[test]
fn phonemes_of_espeak_shut_mikas_lips_at_every_p_b_and_m() {
    let avatar = mika();
    let sentences = sentences();
    assert_eq!(sentences.len(), 20);
    let (mut closures, mut opened) = (0, 0);
    for (sentence, events) in &sentences {
        let session = without_pictures(&avatar);
        let visemes = visemes(events);
        let pushed = session.push_visemes(&Visemes::new(VisemeSet::Ipa, &visemes));
        pushed.unwrap();
        session.flush();
        let frames = drain(&session);
        let [jaw, close, press] =
            ["jawOpen", "mouthClose", "mouthPressLeft"].map(|name| curve(&avatar, &frames, name));
        let shut = |frame: usize| close[frame] > 0.999 * jaw[frame] && press[frame] > 0.399;
        let mut here = 0;
        for (start, symbol) in events {
            if ["p", "b", "m"].contains(&symbol.as_str()) {
                let first = (start * 25.0 - 0.5).ceil() as usize;
                assert!(
                    (first..=first + 1).any(shut),
                    "{sentence} `{symbol}` at {start} s"
                );
                here += 1;
            }
        }
        assert!(here > 0, "{sentence} has a p, b or m");
        closures += here;
        opened += usize::from(jaw.iter().any(|&jaw| jaw > 0.2));
    }
    assert!(closures > 60, "{closures} closures");
    assert_eq!(opened, 20, "mouths open in between");
}

#[test]
fn visemes_do_not_depend_on_chunks_and_fill_their_time() {
    let avatar = toy();
    for (sentence, events) in &sentences()[..5] {
        let visemes = visemes(events);
        let whole = unpaced(&avatar);
        whole
            .push_visemes(&Visemes::new(VisemeSet::Ipa, &visemes))
            .unwrap();
        whole.flush();
        let whole = drain(&whole);
        let end = events.last().unwrap().0 + 0.12;
        assert_eq!(
            whole.len(),
            (25.0 * end - 1e-6).ceil() as usize,
            "{sentence}"
        );
        for chunk in [1, 3, 8] {
            let session = unpaced(&avatar);
            let mut frames = Vec::new();
            for piece in visemes.chunks(chunk) {
                let piece = Visemes::new(VisemeSet::Ipa, piece).without_sound(true);
                session.push_visemes(&piece).unwrap();
                frames.extend(drain(&session));
            }
            assert!(!frames.is_empty(), "frames come as visemes do");
            session.flush();
            frames.extend(drain(&session));
            assert_same(&whole, &frames, &format!("{sentence} in chunks of {chunk}"));
        }
    }
}

/// The same word in every set opens, rounds and shuts the mouth at the same times.
#[test]
fn every_set_of_visemes_moves_the_mouth() {
    let avatar = toy();
    let words: [(VisemeSet, [&str; 4]); 6] = [
        (VisemeSet::Arpabet, ["SIL", "B", "UW1", "AA"]),
        (VisemeSet::Azure, ["0", "21", "7", "2"]),
        (VisemeSet::Espeak, ["_:", "b", "u:", "A:"]),
        (VisemeSet::Ipa, ["", "b", "uː", "ɑː"]),
        (VisemeSet::Oculus, ["sil", "PP", "ou", "aa"]),
        (VisemeSet::Polly, ["sil", "p", "u", "a"]),
    ];
    for (set, symbols) in words {
        let mut start_s = 0.0;
        let timed = symbols.map(|symbol| {
            let viseme = Viseme {
                symbol,
                start_s,
                end_s: Some(start_s + 0.28),
            };
            start_s += 0.28;
            viseme
        });
        let session = without_pictures(&avatar);
        session.push_visemes(&Visemes::new(set, &timed)).unwrap();
        session.flush();
        let frames = drain(&session);
        assert_eq!(frames.len(), 28, "{set}");
        let at = |name: &str, frame: usize| curve(&avatar, &frames, name)[frame];
        assert_eq!(at("jawOpen", 2), 0.0, "{set}: rest");
        assert!(at("mouthPressLeft", 9) > 0.39, "{set}: shut");
        assert!(at("mouthPucker", 17) > 0.5, "{set}: rounded");
        assert!(at("jawOpen", 24) > 0.5, "{set}: open");
    }
}

#[test]
fn wrong_visemes_are_refused() {
    let avatar = toy();
    let session = unpaced(&avatar);
    let at = |symbol, start_s, end_s| Viseme {
        symbol,
        start_s,
        end_s,
    };
    let cases: [(&[Viseme<'_>], &str); 5] = [
        (
            &[at("QQ", 0.0, None)],
            "`QQ` is not a viseme or phoneme of the set arpabet",
        ),
        (&[at("AA", 0.5, None), at("B", 0.4, None)], "come in order"),
        (
            &[at("AA", 0.0, Some(0.5)), at("B", 0.4, None)],
            "come in order",
        ),
        (&[at("AA", 0.5, Some(0.4))], "ends before it begins"),
        (&[at("AA", f64::NAN, None)], "NaN"),
    ];
    for (visemes, named) in cases {
        let error = session
            .push_visemes(&Visemes::new(VisemeSet::Arpabet, visemes))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(
            error.to_string().contains(named),
            "`{error}` does not say {named}"
        );
    }
    session.flush();
    assert!(drain(&session).is_empty(), "nothing was taken");
    let unknown = [at("AA", 0.0, None), at("QQ", 0.1, None)];
    let visemes = Visemes::new(VisemeSet::Arpabet, &unknown).ignore_unknown(true);
    session.push_visemes(&visemes).unwrap();
    assert_eq!("azure".parse::<VisemeSet>().unwrap(), VisemeSet::Azure);
    assert!(
        "sapi"
            .parse::<VisemeSet>()
            .unwrap_err()
            .to_string()
            .contains("arpabet, azure")
    );
}
