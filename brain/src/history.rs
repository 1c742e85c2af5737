//! A conversation's memory: its turns, and the texts that the app has added.

use crate::event::{ReplyId, Speaker};
use crate::responder::Turn;

/// Turns that are remembered.
const MAX_TURNS: usize = 40;

/// Bytes of added texts that are remembered.
const MAX_CONTEXT_BYTES: usize = 16_000;

/// The memory of a conversation, whose oldest parts are forgotten first.
#[derive(Debug, Default)]
pub(crate) struct History {
    turns: Vec<Turn>,
    /// The reply to the latest turn, if that is the user's.
    heard: Option<ReplyId>,
    context: Vec<String>,
}

impl History {
    pub(crate) fn turns(&self) -> Vec<Turn> {
        self.turns.clone()
    }

    pub(crate) fn context(&self) -> Vec<String> {
        self.context.clone()
    }

    /// The user's words, which a reply answers.
    pub(crate) fn hear(&mut self, reply: ReplyId, text: String) {
        if self.remember(Speaker::User, text) {
            self.heard = Some(reply);
        }
    }

    /// The avatar's words.
    pub(crate) fn say(&mut self, text: String) {
        if self.remember(Speaker::Avatar, text) {
            self.heard = None;
        }
    }

    /// Takes back the user's words that a reply would have answered, if they are the latest ones. False if
    /// they are not.
    pub(crate) fn forget(&mut self, reply: ReplyId) -> bool {
        let is_latest = self.heard.take() == Some(reply);
        if is_latest {
            self.turns.pop();
        }
        is_latest
    }

    fn remember(&mut self, speaker: Speaker, text: String) -> bool {
        if text.is_empty() {
            return false;
        }
        self.turns.push(Turn { speaker, text });
        let excess = self.turns.len().saturating_sub(MAX_TURNS);
        self.turns.drain(..excess);
        true
    }

    /// Adds a text of the app's; one that is known is not added again.
    pub(crate) fn add_context(&mut self, text: String) {
        if text.is_empty() || self.context.contains(&text) {
            return;
        }
        self.context.push(text);
        let bytes = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
        while bytes(&self.context) > MAX_CONTEXT_BYTES {
            self.context.remove(0);
        }
    }
}
