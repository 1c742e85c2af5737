//! What a conversation remembers: its turns, and the texts that the app has added.

use crate::event::Speaker;
use crate::responder::Turn;

/// Turns that are remembered.
const MAX_TURNS: usize = 40;

/// Bytes of added texts that are remembered.
const MAX_CONTEXT_BYTES: usize = 16_000;

/// The memory of a conversation, whose oldest parts are forgotten first.
#[derive(Debug, Default)]
pub(crate) struct History {
    turns: Vec<Turn>,
    context: Vec<String>,
}

impl History {
    pub(crate) fn turns(&self) -> Vec<Turn> {
        self.turns.clone()
    }

    pub(crate) fn context(&self) -> Vec<String> {
        self.context.clone()
    }

    pub(crate) fn remember(&mut self, speaker: Speaker, text: String) {
        if text.is_empty() {
            return;
        }
        self.turns.push(Turn { speaker, text });
        let excess = self.turns.len().saturating_sub(MAX_TURNS);
        self.turns.drain(..excess);
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
