//! Thinking: a language model in GGUF, its own chat template, and the context kept between turns.

use std::sync::{Mutex, MutexGuard, PoisonError};

use essence::{Error, ErrorKind, Result};

use super::calls::{self, Calls};
use super::library::RawReply;
use super::native::{Chat, Role};
use crate::cancel::Cancel;
use crate::event::Speaker;
use crate::responder::{Prompt, Think, Thought};

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
    /// Whether the model was made to call functions.
    calls: bool,
    /// Tokens that there is room for.
    context: usize,
}

impl LocalThink {
    pub(super) fn new(chat: Chat, context: usize, instructions: &str, calls: bool) -> Self {
        Self {
            chat: Mutex::new(chat),
            instructions: instructions.to_owned(),
            calls,
            context,
        }
    }

    /// Reads the instructions, so that the first reply doesn't wait for it.
    pub(super) fn prepare(&self, prompt: &Prompt<'_>, cancel: &Cancel) -> Result<()> {
        let mut chat = self.chat();
        let messages = self.fitting(&mut chat, prompt)?;
        chat.reply(&messages, SAMPLER, cancel, &mut |_| {})?;
        Ok(())
    }

    fn messages(&self, prompt: &Prompt<'_>) -> Vec<(Role, String)> {
        let mut messages: Vec<(Role, String)> = Vec::with_capacity(prompt.history.len() + 1);
        let mut system = self.instructions.clone();
        for text in prompt.context {
            system.push_str("\n\n");
            system.push_str(text);
        }
        if self.calls {
            system.push_str(&calls::instructions(prompt.tools));
        }
        messages.push((Role::System, system));
        for turn in prompt.history {
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
        for round in prompt.rounds {
            let (own, answer) = calls::messages(round);
            messages.push((Role::Assistant, own));
            messages.push((Role::User, answer));
        }
        messages
    }

    /// The messages that fit: the oldest turns are left out, whole, up to a turn of the user's; then the
    /// oldest added texts.
    fn fitting(&self, chat: &mut Chat, prompt: &Prompt<'_>) -> Result<Vec<(Role, String)>> {
        let mut prompt = *prompt;
        loop {
            let messages = self.messages(&prompt);
            if chat.count(&messages)? + MAX_TOKENS <= self.context {
                return Ok(messages);
            }
            let speakers = prompt
                .history
                .windows(2)
                .map(|pair| (pair[0].speaker, pair[1].speaker));
            let next = { speakers }.position(|pair| pair == (Speaker::Avatar, Speaker::User));
            if let Some(next) = next {
                prompt.history = &prompt.history[next + 1..];
            } else if let [_, later @ ..] = prompt.context {
                prompt.context = later;
            } else {
                let message = "the instructions and what was said are too long for the language model's context";
                return Err(Error::new(ErrorKind::LimitExceeded, message));
            }
        }
    }

    fn chat(&self) -> MutexGuard<'_, Chat> {
        self.chat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Think for LocalThink {
    fn think(
        &self,
        prompt: &Prompt<'_>,
        cancel: &Cancel,
        thought: &mut dyn FnMut(Thought<'_>),
    ) -> Result<()> {
        let mut chat = self.chat();
        let messages = self.fitting(&mut chat, prompt)?;
        let settings = RawReply {
            max_tokens: i32::try_from(MAX_TOKENS).unwrap_or(i32::MAX),
            ..SAMPLER
        };
        let mut characters = Characters::default();
        let mut calls = Calls::default();
        chat.reply(&messages, settings, cancel, &mut |bytes| {
            calls.push(&characters.push(bytes), thought);
        })?;
        calls.end(thought);
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
