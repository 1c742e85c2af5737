//! Chat, token by token.

use essence::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{OpenAi, sse, unexpected};
use crate::event::Speaker;
use crate::responder::{Cancel, Think, Turn};

/// Most tokens of a reply.
const MAX_TOKENS: u32 = 400;

impl Think for OpenAi {
    fn think(&self, history: &[Turn], cancel: &Cancel, token: &mut dyn FnMut(&str)) -> Result<()> {
        let mut messages = vec![json!({ "role": "system", "content": self.settings.instructions })];
        messages.extend(history.iter().map(|turn| {
            let role = match turn.speaker {
                Speaker::Avatar => "assistant",
                Speaker::User => "user",
            };
            json!({ "role": role, "content": turn.text })
        }));
        let request = json!({
            "model": self.settings.model,
            "messages": messages,
            "max_tokens": MAX_TOKENS,
            "stream": true,
        });
        let answer = self.http.post_json("/chat/completions", &request)?;
        let mut any = false;
        sse::events(answer, cancel, |data| {
            if data == "[DONE]" {
                return Ok(false);
            }
            let value: Value =
                serde_json::from_str(data).map_err(|_| unexpected("an event is not JSON"))?;
            if let Some(message) = value["error"]["message"].as_str() {
                let message = format!("the server stopped: {message}");
                return Err(Error::new(ErrorKind::Io, message));
            }
            if let Some(text) = value["choices"][0]["delta"]["content"].as_str() {
                any |= !text.is_empty();
                token(text);
            }
            Ok(true)
        })?;
        match any {
            true => Ok(()),
            false => Err(unexpected("it has no words")),
        }
    }
}
