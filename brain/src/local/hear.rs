//! Hearing: Whisper on the utterance alone, begun in the silence that may end the turn.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use essence::{Error, ErrorKind, Result};

use super::native::Whisper;
use crate::cancel::Cancel;
use crate::ending::Ending;
use crate::responder::Hear;

/// Most seconds of an utterance that Whisper hears; it was made for 30.
const MAX_S: usize = 60;

/// Samples below this are silence: -55 dBFS.
const SILENT: f32 = 0.0018;

/// Samples a second.
const RATE_HZ: usize = 16_000;

/// Whisper for one conversation; the model is shared.
#[derive(Debug)]
pub(super) struct LocalHear {
    whisper: Arc<Mutex<Whisper>>,
    language: String,
    threads: usize,
    early: Mutex<Option<Early>>,
    done: Condvar,
}

/// Work that was begun before the turn was over.
#[derive(Debug)]
struct Early {
    voice: Vec<f32>,
    cancel: Cancel,
    result: Option<Result<String>>,
}

impl LocalHear {
    pub(super) fn new(whisper: Arc<Mutex<Whisper>>, language: &str, threads: usize) -> Self {
        Self {
            whisper,
            language: language.to_owned(),
            threads,
            early: Mutex::default(),
            done: Condvar::new(),
        }
    }

    /// Hears a turn that may be over.
    pub(super) fn anticipate(&self, voice: &[f32], cancel: &Cancel) -> Ending {
        *self.early() = Some(Early {
            voice: voice.to_vec(),
            cancel: cancel.clone(),
            result: None,
        });
        let result = self.run(voice, cancel);
        let ending = result.as_deref().map_or(Ending::Unknown, Ending::of);
        if let Some(early) = self.early().as_mut().filter(|early| early.voice == voice) {
            early.result = Some(result);
        }
        self.done.notify_all();
        ending
    }

    /// The words of what was begun early, if it is the beginning of these samples.
    fn anticipated(&self, samples: &[f32], cancel: &Cancel) -> Option<Result<String>> {
        let mut early = self.early();
        let begun = early.as_ref()?;
        if begun.cancel.is_cancelled() || !samples.starts_with(&begun.voice) {
            return None;
        }
        // The work stops with the reply that waits for it.
        let stop = begun.cancel.clone();
        let _stop = cancel.on_cancel(move || stop.cancel());
        loop {
            match early.as_mut() {
                Some(begun) if begun.result.is_some() => return early.take()?.result,
                Some(_) => {}
                None => return None,
            }
            early = self
                .done
                .wait(early)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run(&self, samples: &[f32], cancel: &Cancel) -> Result<String> {
        cancel.check()?;
        let samples = &samples[..samples.len().min(MAX_S * RATE_HZ)];
        if samples.iter().all(|x| x.abs() < SILENT) {
            // Whisper finds words in silence, such as "you".
            return Ok(String::new());
        }
        let mut whisper = self.whisper.lock().unwrap_or_else(PoisonError::into_inner);
        let words = whisper.hear(samples, &self.language, self.threads, cancel)?;
        Ok(unrepeated(&spoken(&words)))
    }

    fn early(&self) -> MutexGuard<'_, Option<Early>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hear for LocalHear {
    fn hear(&self, samples: &[f32], cancel: &Cancel) -> Result<String> {
        match self.anticipated(samples, cancel) {
            Some(Err(error)) if error.kind() == ErrorKind::Cancelled && !cancel.is_cancelled() => {}
            Some(result) => return result,
            None => {}
        }
        self.run(samples, cancel)
    }
}

/// The language, if the model knows it; else an error that says what to change.
pub(super) fn check_language(whisper: &Whisper, language: &str, file: &str) -> Result<()> {
    let wrong = |reason: &str| {
        let message = format!("BITHUMAN_LOCAL_LANG is {language:?}, {reason}");
        Err(Error::new(ErrorKind::InvalidArgument, message))
    };
    if !whisper.knows(language) {
        return wrong("which is no language of Whisper's; give a code such as en or de");
    }
    if language != "en" && !whisper.is_multilingual() {
        return wrong(&format!(
            "and {file} knows English alone; set BITHUMAN_LOCAL_WHISPER=tiny or base"
        ));
    }
    Ok(())
}

/// Whisper's words without what it puts into brackets: sounds that are no words.
fn spoken(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    let mut depth = 0u32;
    for c in words.chars() {
        match c {
            '[' | '(' | '♪' if depth == 0 => depth = 1,
            ']' | ')' | '♪' if depth > 0 => depth = 0,
            _ if depth == 0 => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Words of a repetition that the library breaks off, at least.
const BROKEN_OFF: usize = 4;

/// A phrase once, of which the whole text is nothing but repetitions: in windows that end with the
/// utterance, Whisper says short ones over and over. The last one may be broken off, the only one behind the end of
/// a sentence.
fn unrepeated(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let alike: Vec<String> = words
        .iter()
        .map(|word| {
            word.to_lowercase()
                .replace(|c: char| !c.is_alphanumeric(), "")
        })
        .collect();
    let repeats = |length: &usize| {
        let shifted = alike.iter().skip(*length);
        shifted.zip(&alike).all(|(word, before)| word == before)
    };
    let half = words.len() / 2;
    let broken_off =
        |length: &usize| words[length - 1].ends_with(['.', '!', '?']) && repeats(length);
    let length = (2..=half)
        .find(repeats)
        .or_else(|| (half + 1..=words.len().saturating_sub(BROKEN_OFF)).find(broken_off));
    words[..length.unwrap_or(words.len())].join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_phrase_that_repeats_itself_is_heard_once() {
        for (text, heard) in [
            (
                "And so my fellow and so my fellow And so",
                "And so my fellow",
            ),
            ("Ask not! Ask not!", "Ask not!"),
            (
                "Can you tell me something about the sun? Can you tell me something",
                "Can you tell me something about the sun?",
            ),
            (
                "I want to go home since I want to go",
                "I want to go home since I want to go",
            ),
            (
                "I am here. Are you here? I am",
                "I am here. Are you here? I am",
            ),
            ("Ask not what your country", "Ask not what your country"),
            ("no no", "no no"),
            ("Come on, come here.", "Come on, come here."),
            ("", ""),
        ] {
            assert_eq!(super::unrepeated(text), heard);
        }
    }

    #[test]
    fn what_is_in_brackets_is_no_word() {
        assert_eq!(super::spoken(" [BLANK_AUDIO]"), "");
        assert_eq!(
            super::spoken("(music) Hello  there. [laughs]"),
            "Hello there."
        );
        assert_eq!(super::spoken("♪ la la ♪ Stop."), "Stop.");
    }
}
