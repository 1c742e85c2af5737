//! The responder that has its replies written in a file: demonstrations and tests.

mod file;

use std::path::Path;

use essence::{Error, ErrorKind, Result};

use self::file::{Line, ScriptFile};
use crate::piece::{Piece, Pieces};
use crate::pipeline::say_all;
use crate::program::SpeechProgram;
use crate::responder::{Request, Responder, Said};

/// The script inside the crate, with its sounds. `brain/src/script/make.sh` makes them.
const DEFAULT: &str = include_str!("default.json");

macro_rules! sounds {
    ($($name:literal),*) => {
        [$(($name, include_bytes!(concat!("sounds/", $name)))),*]
    };
}

const DEFAULT_SOUNDS: [(&str, &[u8]); 8] = sounds![
    "greeting.opus",
    "hello.opus",
    "goodbye.opus",
    "who.opus",
    "heard.opus",
    "interrupt.opus",
    "local.opus",
    "brain.opus"
];

/// Canned replies.
///
/// A typed text gets the first reply of which a word in `when` occurs in it. Everything else, and every
/// voice, gets the replies without `when`, one after the other; with `say_typed` such a text is spoken as
/// it is. Replies without `sound` are spoken by a speech program.
#[derive(Debug)]
pub struct Script {
    file: ScriptFile,
    speak: Option<SpeechProgram>,
}

impl Script {
    /// The few lines that ship with the crate.
    ///
    /// # Errors
    /// `Internal` if they are damaged.
    pub fn built_in(speak: Option<SpeechProgram>) -> Result<Self> {
        let file = ScriptFile::parse(DEFAULT, "the built-in script", &|name| {
            let found = DEFAULT_SOUNDS.iter().find(|(known, _)| *known == name);
            let bytes = found.map(|&(_, bytes)| bytes).ok_or_else(|| {
                Error::new(
                    ErrorKind::Internal,
                    format!("no sound {name} in the program"),
                )
            })?;
            file::decode(bytes, name)
        })?;
        Ok(Self::new(file, speak))
    }

    /// Reads a script, a JSON file as docs/run.md describes it, and the sounds beside it.
    ///
    /// # Errors
    /// - `NotFound`: the file or a sound doesn't exist.
    /// - `InvalidArgument`: it isn't a script; the message says where.
    /// - `LimitExceeded`: it is larger than a script may be.
    /// - Those of reading audio.
    pub fn open(path: impl AsRef<Path>, speak: Option<SpeechProgram>) -> Result<Self> {
        Ok(Self::new(ScriptFile::open(path.as_ref())?, speak))
    }

    fn new(file: ScriptFile, speak: Option<SpeechProgram>) -> Self {
        Self { file, speak }
    }

    /// The reply without `when` whose turn it is.
    fn in_turn(&self, request: &Request) -> Option<&Line> {
        let lines: Vec<_> = self
            .file
            .replies
            .iter()
            .filter(|l| l.when.is_empty())
            .collect();
        // The greeting is the first reply.
        let before = request
            .reply
            .saturating_sub(1 + u64::from(self.file.greeting.is_some()));
        let next = before.checked_rem(lines.len() as u64)?;
        lines.get(usize::try_from(next).ok()?).copied()
    }

    fn matching(&self, text: &str) -> Option<&Line> {
        let text = text.to_lowercase();
        let words: Vec<_> = text
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .collect();
        let fits = |line: &&Line| line.when.iter().any(|w| words.contains(&w.as_str()));
        self.file.replies.iter().find(fits)
    }

    fn speak(&self, line: &Line, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        if let Some(gesture) = &line.gesture {
            pieces(Piece::Gesture(gesture.clone()));
        }
        let Some(sound) = &line.sound else {
            return self.say(&line.text, request, pieces);
        };
        pieces(Piece::Text(line.text.clone()));
        for block in sound.samples.chunks(sound.rate_hz as usize / 2) {
            pieces(Piece::Speech {
                rate_hz: sound.rate_hz,
                samples: block.to_vec(),
            });
        }
        Ok(())
    }

    fn say(&self, text: &str, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        match &self.speak {
            Some(speak) => say_all(speak, text, request, pieces),
            None => Err(SpeechProgram::missing()),
        }
    }
}

impl Responder for Script {
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        let line = match &request.said {
            Said::Nothing => self.file.greeting.as_ref(),
            Said::Voice(_) => self.in_turn(request),
            Said::Speak(text) => return self.say(text, request, pieces),
            Said::Text(text) => match self.matching(text) {
                None if self.file.say_typed && self.speak.is_some() => {
                    return self.say(text, request, pieces);
                }
                found => found.or_else(|| self.in_turn(request)),
            },
        };
        match line {
            Some(line) => self.speak(line, request, pieces),
            None => Ok(()),
        }
    }
}
