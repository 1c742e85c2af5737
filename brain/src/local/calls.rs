//! Functions in the text of a language model: how they are told of, and how a reply calls them.
//!
//! The form is the one that Hermes and Qwen models are trained on: JSON between `<tool_call>` and
//! `</tool_call>`, results between `<tool_response>` and `</tool_response>`.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::responder::{Round, Thought};
use crate::tool::{Tool, ToolCall, described};

const BEGIN: &str = "<tool_call>";
const END: &str = "</tool_call>";

/// Most bytes of a call.
const MAX_CALL: usize = 16 << 10;

/// Whether a model with this chat template knows the form.
pub(super) fn are_known(template: &str) -> bool {
    template.contains(BEGIN)
}

/// The instructions that tell of functions; empty for none.
pub(super) fn instructions(tools: &[Arc<dyn Tool>]) -> String {
    if tools.is_empty() {
        return String::new();
    }
    let mut text =
        "\n\n# Tools\n\nThese functions are yours to call where they help:\n<tools>\n".to_owned();
    for tool in tools {
        let function = json!({ "type": "function", "function": described(&**tool) });
        text.push_str(&format!("{function}\n"));
    }
    text.push_str(&format!(
        "</tools>\n\nTo call one, write its name and arguments as JSON:\n{BEGIN}\n\
         {{\"name\": <function-name>, \"arguments\": <args-json-object>}}\n{END}"
    ));
    text
}

/// A round as the model's own message and the answer to it.
pub(super) fn messages(round: &Round) -> (String, String) {
    let mut own = round.words.clone();
    let mut answer = String::new();
    for (call, result) in &round.calls {
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        let written = json!({ "name": call.name, "arguments": arguments });
        own.push_str(&format!("\n{BEGIN}\n{written}\n{END}"));
        answer.push_str(&format!("<tool_response>\n{result}\n</tool_response>\n"));
    }
    (own.trim_start().to_owned(), answer.trim_end().to_owned())
}

/// Parts the words of a reply from its calls, however they are cut.
#[derive(Default)]
pub(super) struct Calls {
    text: String,
    inside: bool,
    count: usize,
}

impl Calls {
    pub(super) fn push(&mut self, piece: &str, thought: &mut dyn FnMut(Thought<'_>)) {
        self.text.push_str(piece);
        loop {
            let mark = if self.inside { END } else { BEGIN };
            let Some(at) = self.text.find(mark) else {
                break;
            };
            let rest = self.text.split_off(at + mark.len());
            let before = std::mem::replace(&mut self.text, rest);
            self.give(&before[..at], thought);
            self.inside = !self.inside;
        }
        if self.inside {
            if self.text.len() > MAX_CALL {
                // Without its beginning it is no call, but its end still has to be found.
                let tail = self.text.ceil_char_boundary(self.text.len() - END.len());
                self.text.drain(..tail);
            }
            return;
        }
        // The end may be the beginning of a mark.
        let kept = (1..BEGIN.len())
            .rev()
            .find(|&n| self.text.ends_with(&BEGIN[..n]));
        let rest = self.text.split_off(self.text.len() - kept.unwrap_or(0));
        let words = std::mem::replace(&mut self.text, rest);
        self.give(&words, thought);
    }

    /// The reply is over.
    pub(super) fn end(&mut self, thought: &mut dyn FnMut(Thought<'_>)) {
        let rest = std::mem::take(&mut self.text);
        self.give(&rest, thought);
    }

    fn give(&mut self, text: &str, thought: &mut dyn FnMut(Thought<'_>)) {
        if !self.inside {
            if !text.is_empty() {
                thought(Thought::Text(text));
            }
            return;
        }
        let call: Value = serde_json::from_str(text.trim()).unwrap_or_default();
        self.count += 1;
        thought(Thought::Call(ToolCall {
            id: self.count.to_string(),
            name: call["name"].as_str().unwrap_or_default().to_owned(),
            arguments: call["arguments"].to_string(),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, size: usize) -> (String, Vec<(String, String)>) {
        let (mut words, mut calls) = (String::new(), Vec::new());
        let mut thought = |thought: Thought<'_>| match thought {
            Thought::Text(text) => words.push_str(text),
            Thought::Call(call) => calls.push((call.name, call.arguments)),
        };
        let mut reader = Calls::default();
        let letters: Vec<char> = text.chars().collect();
        for piece in letters.chunks(size) {
            reader.push(&piece.iter().collect::<String>(), &mut thought);
        }
        reader.end(&mut thought);
        (words, calls)
    }

    #[test]
    fn calls_are_parted_from_words_however_tokens_are_cut() {
        let text = "Hällo <b>you</b>!\n<tool_call>\n{\"name\": \"perform\", \"arguments\": {\"gesture\": \
                    \"wave\"}}\n</tool_call> Bye <tool_";
        for size in 1..40 {
            let (words, calls) = read(text, size);
            assert_eq!(words, "Hällo <b>you</b>!\n Bye <tool_");
            let expected = ("perform".to_owned(), r#"{"gesture":"wave"}"#.to_owned());
            assert_eq!(calls, [expected], "{size} a token");
        }
    }

    #[test]
    fn what_is_no_call_is_not_spoken_and_calls_nothing() {
        for text in [
            "<tool_call>wave!</tool_call>",
            "<tool_call>[1, 2]</tool_call>",
            "<tool_call>{\"name\": 7",
        ] {
            let (words, calls) = read(text, 3);
            assert_eq!((words.as_str(), calls[0].0.as_str()), ("", ""), "{text}");
        }
        let (words, calls) = read(
            &format!("<tool_call>{}</tool_call>Yes", "x".repeat(99_999)),
            7,
        );
        assert_eq!((words.as_str(), calls.len()), ("Yes", 1));
        // A call that only lacks its end is one.
        let (_, calls) = read("<tool_call>{\"name\": \"end_call\", \"arguments\": {}}", 5);
        assert_eq!(calls[0].0, "end_call");
    }
}
