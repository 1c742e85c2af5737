//! Thinking: a language model in GGUF, its own chat template, and the context kept between turns.

use std::sync::{Mutex, MutexGuard, PoisonError};

use essence::{Error, ErrorKind, Result};

use super::library::RawReply;
use super::native::{Chat, Role};
use crate::event::Speaker;
use crate::responder::{Cancel, Think, Turn};

/// Most tokens of a reply.
const MAX_TOKENS: usize = 220;

/// Settings of the sampler: close to the likeliest word, without going round in circles.
const SAMPLER: RawReply = RawReply {
    max_tokens: 0,
    temperature: 0.3,
    top_k: 40,
    repeat_penalty: 1.1,
    seed: 0,
    prompt_tokens: 0,
    kept_tokens: 0,
    made_tokens: 0,
};

/// A conversation with a language model.
#[derive(Debug)]
pub(super) struct LocalThink {
    chat: Mutex<Chat>,
    instructions: String,
    /// Tokens that there is room for.
    context: usize,
}

impl LocalThink {
    pub(super) fn new(chat: Chat, context: usize, instructions: &str) -> Self {
        Self {
            chat: Mutex::new(chat),
            instructions: instructions.to_owned(),
            context,
        }
    }

    /// Reads the instructions, so that the first reply doesn't wait for it.
    pub(super) fn prepare(&self, cancel: &Cancel) -> Result<()> {
        let messages = self.messages(&[]);
        self.chat().reply(&messages, SAMPLER, cancel, &mut |_| {})?;
        Ok(())
    }

    fn messages(&self, history: &[Turn]) -> Vec<(Role, String)> {
        let mut messages: Vec<(Role, String)> = Vec::with_capacity(history.len() + 1);
        messages.push((Role::System, self.instructions.clone()));
        for turn in history {
            let role = match turn.speaker {
                Speaker::Avatar => Role::Assistant,
                Speaker::User => Role::User,
            };
            match messages.last_mut() {
                // Templates want turns to take turns.
                Some((last, text)) if *last == role => {
                    text.push(' ');
                    text.push_str(&turn.text);
                }
                _ => messages.push((role, turn.text.clone())),
            }
        }
        messages
    }

    /// The messages that fit: the oldest turns are left out, whole, up to a turn of the user's.
    fn fitting(&self, chat: &mut Chat, history: &[Turn]) -> Result<Vec<(Role, String)>> {
        let mut messages = self.messages(history);
        while chat.count(&messages)? + MAX_TOKENS > self.context {
            let later = messages.iter().skip(2);
            let next = later.clone().position(|(role, _)| *role == Role::User);
            let Some(next) = next else {
                let message = "the instructions and what was said are too long for the language model's context";
                return Err(Error::new(ErrorKind::LimitExceeded, message));
            };
            messages.drain(1..2 + next);
        }
        Ok(messages)
    }

    fn chat(&self) -> MutexGuard<'_, Chat> {
        self.chat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Think for LocalThink {
    fn think(&self, history: &[Turn], cancel: &Cancel, token: &mut dyn FnMut(&str)) -> Result<()> {
        let mut chat = self.chat();
        let messages = self.fitting(&mut chat, history)?;
        let settings = RawReply {
            max_tokens: i32::try_from(MAX_TOKENS).unwrap_or(i32::MAX),
            ..SAMPLER
        };
        let mut characters = Characters::default();
        chat.reply(&messages, settings, cancel, &mut |bytes| {
            let text = characters.push(bytes);
            if !text.is_empty() {
                token(&text);
            }
        })?;
        Ok(())
    }
}

/// Joins pieces that end inside a character.
#[derive(Default)]
struct Characters(Vec<u8>);

impl Characters {
    /// The whole characters so far; what is none becomes U+FFFD.
    fn push(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let keep = match std::str::from_utf8(&self.0) {
            // The last character may still come.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.0.len(),
        };
        let rest = self.0.split_off(keep);
        let whole = std::mem::replace(&mut self.0, rest);
        String::from_utf8_lossy(&whole).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::Characters;

    #[test]
    fn characters_are_whole_however_tokens_are_cut() {
        let text = "Grüß dich – 你好 🙂!";
        for size in 1..8 {
            let mut characters = Characters::default();
            let pieces = text
                .as_bytes()
                .chunks(size)
                .map(|piece| characters.push(piece));
            assert_eq!(pieces.collect::<String>(), text, "{size} bytes a piece");
        }
        assert_eq!(Characters::default().push(b"a\xffb"), "a\u{fffd}b");
    }
}
