//! Functions that a reply may call: a gesture, the end of the call, and an app's own.

use std::sync::Arc;

use essence::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::cancel::Cancel;
use crate::piece::{Piece, Pieces};

/// Most functions of a conversation.
const MAX_TOOLS: usize = 32;

/// Most characters of a function's name, as providers have it.
const MAX_NAME: usize = 64;

/// Times that the words of a reply may wait for the results of functions, and functions that it may call.
pub(crate) const MAX_ROUNDS: usize = 4;
pub(crate) const MAX_CALLS: usize = 8;

/// Most bytes of a result that the model gets to read.
const MAX_RESULT_BYTES: usize = 8_000;

/// A function that a reply may call.
pub trait Tool: Send + Sync {
    /// The name that it is called by: **1 to 64** of `a`–`z`, `A`–`Z`, `0`–`9`, `_` and `-`.
    fn name(&self) -> &str;

    /// Its purpose and when to call it, for the model to read.
    fn description(&self) -> &str;

    /// The JSON Schema of its arguments, which are an object.
    fn parameters(&self) -> String;

    /// Does it. `arguments` is the model's JSON, which need not fit the schema; `pieces` takes what
    /// becomes of the conversation. The result is for the model to read: empty where its reply needs
    /// none.
    ///
    /// Runs in a thread of the reply and may block, but not for long after `cancel`: words that follow
    /// wait for it.
    ///
    /// # Errors
    /// The model gets the message as the result.
    fn call(&self, arguments: &str, cancel: &Cancel, pieces: Pieces<'_>) -> Result<String>;
}

/// A wish of the model's to call a function.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ToolCall {
    /// The provider's name of the call.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// Its arguments in JSON, as the model wrote them.
    pub arguments: String,
}

/// The functions of a conversation; clones share them.
#[derive(Clone, Default)]
pub struct Tools(Arc<[Arc<dyn Tool>]>);

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|tool| tool.name()))
            .finish()
    }
}

impl Tools {
    /// Joins functions.
    ///
    /// # Errors
    /// `InvalidArgument`: a name is used twice or is none that models may be given, parameters are no JSON
    /// object, or there are more than 32.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Result<Self> {
        let tools: Arc<[Arc<dyn Tool>]> = tools.into_iter().collect();
        if tools.len() > MAX_TOOLS {
            return Err(invalid(format!("more than {MAX_TOOLS} functions")));
        }
        for (i, tool) in tools.iter().enumerate() {
            let name = tool.name();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(plain) {
                return Err(invalid(format!(
                    "{name:?} can't be a function's name: take 1 to {MAX_NAME} of a-z, A-Z, 0-9, _ and -"
                )));
            }
            if tools[..i].iter().any(|before| before.name() == name) {
                return Err(invalid(format!("two functions are named {name}")));
            }
            let parameters = serde_json::from_str::<Value>(&tool.parameters());
            if !parameters.is_ok_and(|parameters| parameters.is_object()) {
                return Err(invalid(format!(
                    "the parameters of {name} are no JSON object"
                )));
            }
        }
        Ok(Self(tools))
    }

    pub(crate) fn as_slice(&self) -> &[Arc<dyn Tool>] {
        &self.0
    }

    /// Calls a function; its failure is a result, too.
    pub(crate) fn call(&self, call: &ToolCall, cancel: &Cancel, pieces: Pieces<'_>) -> String {
        let Some(tool) = self.0.iter().find(|tool| tool.name() == call.name) else {
            return format!("error: there is no function {:?}", call.name);
        };
        let mut result = tool
            .call(&call.arguments, cancel, pieces)
            .unwrap_or_else(|error| format!("error: {error}"));
        if result.len() > MAX_RESULT_BYTES {
            result.truncate(result.floor_char_boundary(MAX_RESULT_BYTES));
        }
        result
    }
}

/// A function as `OpenAI` writes it: `name`, `description`, `parameters`.
pub(crate) fn described(tool: &dyn Tool) -> Value {
    let parameters: Value = serde_json::from_str(&tool.parameters()).unwrap_or_default();
    json!({
        "name": tool.name(),
        "description": tool.description(),
        "parameters": parameters,
    })
}

#[cold]
fn invalid(what: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, what)
}

/// The function `perform`: the avatar plays one of its gestures.
#[derive(Clone, Debug)]
pub struct Perform {
    gestures: Vec<String>,
}

impl Perform {
    /// For an avatar with these gestures.
    pub fn new(gestures: impl IntoIterator<Item = String>) -> Self {
        Self {
            gestures: gestures.into_iter().collect(),
        }
    }
}

impl Tool for Perform {
    fn name(&self) -> &str {
        "perform"
    }

    fn description(&self) -> &str {
        "Makes a gesture with your body while you speak. Say your words as well."
    }

    fn parameters(&self) -> String {
        let gesture = json!({ "type": "string", "enum": self.gestures });
        json!({ "type": "object", "properties": { "gesture": gesture }, "required": ["gesture"] })
            .to_string()
    }

    fn call(&self, arguments: &str, _: &Cancel, pieces: Pieces<'_>) -> Result<String> {
        let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
        let wanted = arguments["gesture"].as_str().unwrap_or_default();
        let Some(gesture) = self.gestures.iter().find(|known| *known == wanted) else {
            return Err(invalid(format!(
                "`gesture` is one of {}",
                self.gestures.join(", ")
            )));
        };
        pieces(Piece::Gesture(gesture.clone()));
        Ok(String::new())
    }
}

/// The function `end_call`: the conversation ends when the reply has been spoken.
#[derive(Clone, Copy, Debug, Default)]
pub struct EndCall;

impl Tool for EndCall {
    fn name(&self) -> &str {
        "end_call"
    }

    fn description(&self) -> &str {
        "Ends this call, once the user wants to go or has said goodbye. Say goodbye as well."
    }

    fn parameters(&self) -> String {
        json!({ "type": "object", "properties": {} }).to_string()
    }

    fn call(&self, _: &str, _: &Cancel, pieces: Pieces<'_>) -> Result<String> {
        pieces(Piece::EndCall);
        Ok(String::new())
    }
}
