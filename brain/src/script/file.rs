//! A script's file: JSON with texts and the names of sounds.

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::{Component, Path};

use essence::{Error, ErrorKind, Result};
use essence_media::AudioReader;
use serde::Deserialize;

/// Most bytes of the JSON.
const MAX_BYTES: u64 = 1 << 20;

/// Most replies.
const MAX_REPLIES: usize = 1_000;

/// Most samples of all sounds together: 64 MiB.
const MAX_SAMPLES: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct ScriptFile {
    pub(super) greeting: Option<Line>,
    pub(super) replies: Vec<Line>,
    pub(super) say_typed: bool,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// In lower case.
    pub(super) when: Vec<String>,
    pub(super) gesture: Option<String>,
    pub(super) sound: Option<Sound>,
}

#[derive(Debug)]
pub(super) struct Sound {
    pub(super) rate_hz: u32,
    pub(super) samples: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    greeting: Option<WrittenLine>,
    #[serde(default)]
    replies: Vec<WrittenLine>,
    #[serde(default)]
    say_typed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLine {
    text: String,
    #[serde(default)]
    when: Vec<String>,
    gesture: Option<String>,
    sound: Option<String>,
}

impl ScriptFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let file = File::open(path).map_err(|e| {
            let kind = match e.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Io,
            };
            Error::new(kind, format!("cannot read the script {shown}")).with_source(e)
        })?;
        let mut text = String::new();
        let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
        read.map_err(|e| invalid(&shown, "it is not UTF-8 text").with_source(e))?;
        if text.len() as u64 > MAX_BYTES {
            let message = format!("the script {shown} is larger than {MAX_BYTES} bytes");
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, &shown, &|name| {
            let relative = Path::new(name);
            let inside = relative
                .components()
                .all(|c| matches!(c, Component::Normal(_)));
            if !inside || name.is_empty() {
                let message = format!("the sound {name:?} is not in the script's folder");
                return Err(invalid(&shown, &message));
            }
            read_all(AudioReader::open(folder.join(relative))?, name)
        })
    }

    pub(super) fn parse(
        text: &str,
        shown: &str,
        sound: &dyn Fn(&str) -> Result<Sound>,
    ) -> Result<Self> {
        let written: Written = serde_json::from_str(text)
            .map_err(|e| invalid(shown, "it is not the JSON of a script").with_source(e))?;
        if written.replies.len() > MAX_REPLIES {
            let message = format!("the script {shown} has more than {MAX_REPLIES} replies");
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        let mut samples = 0;
        let mut line = |line: WrittenLine| {
            let sound = line.sound.as_deref().map(sound).transpose()?;
            samples += sound.as_ref().map_or(0, |s| s.samples.len());
            if samples > MAX_SAMPLES {
                let message =
                    format!("the sounds of {shown} are longer than {MAX_SAMPLES} samples");
                return Err(Error::new(ErrorKind::LimitExceeded, message));
            }
            if line.text.trim().is_empty() {
                return Err(invalid(shown, "a reply has no `text`"));
            }
            Ok(Line {
                text: line.text,
                when: line.when.iter().map(|word| word.to_lowercase()).collect(),
                gesture: line.gesture,
                sound,
            })
        };
        let greeting = written.greeting.map(&mut line).transpose()?;
        let replies = written.replies.into_iter().map(&mut line);
        let replies = replies.collect::<Result<Vec<_>>>()?;
        if replies.is_empty() && !written.say_typed {
            return Err(invalid(shown, "it has no `replies`"));
        }
        Ok(Self {
            greeting,
            replies,
            say_typed: written.say_typed,
        })
    }
}

/// A sound inside the program.
pub(super) fn decode(bytes: &'static [u8], name: &str) -> Result<Sound> {
    read_all(AudioReader::from_stream(Cursor::new(bytes), name)?, name)
}

fn read_all(mut reader: AudioReader, name: &str) -> Result<Sound> {
    let rate_hz = reader.sample_rate();
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block()? {
        samples.extend_from_slice(block);
        if samples.len() > MAX_SAMPLES {
            let message = format!("the sound {name} is longer than {MAX_SAMPLES} samples");
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
    }
    Ok(Sound { rate_hz, samples })
}

#[cold]
fn invalid(shown: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{shown}: {what}"))
}
