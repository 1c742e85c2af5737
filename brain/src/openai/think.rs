//! Chat, token by token.

use essence::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{OpenAi, sse, unexpected};
use crate::cancel::Cancel;
use crate::event::Speaker;
use crate::responder::{Prompt, Think, Thought};
use crate::tool::{MAX_CALLS, ToolCall, described};

/// Most tokens of a reply.
const MAX_TOKENS: u32 = 400;

/// Most bytes of a call's arguments.
const MAX_ARGUMENTS: usize = 16 << 10;

impl Think for OpenAi {
    fn think(
        &self,
        prompt: &Prompt<'_>,
        cancel: &Cancel,
        thought: &mut dyn FnMut(Thought<'_>),
    ) -> Result<()> {
        let mut request = json!({
            "model": self.settings.model,
            "messages": self.messages(prompt),
            "max_tokens": MAX_TOKENS,
            "stream": true,
        });
        if !prompt.tools.is_empty() {
            let tools = prompt.tools.iter();
            request["tools"] = tools
                .map(|tool| json!({ "type": "function", "function": described(&**tool) }))
                .collect();
        }
        let (_, answer) = self.http.post_json("/chat/completions", &request)?;
        let mut any = false;
        let mut calls = Vec::new();
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
            let delta = &value["choices"][0]["delta"];
            if let Some(text) = delta["content"].as_str() {
                any |= !text.is_empty();
                thought(Thought::Text(text));
            }
            for piece in delta["tool_calls"].as_array().into_iter().flatten() {
                collect(piece, &mut calls)?;
            }
            Ok(true)
        })?;
        // Nothing may be left to say behind a function.
        if !any && calls.is_empty() && prompt.rounds.is_empty() {
            return Err(unexpected("it has no words"));
        }
        calls
            .into_iter()
            .for_each(|call| thought(Thought::Call(call)));
        Ok(())
    }
}

impl OpenAi {
    fn messages(&self, prompt: &Prompt<'_>) -> Vec<Value> {
        // In one message: many models' templates know instructions at the beginning alone.
        let system = [&self.settings.instructions]
            .into_iter()
            .chain(prompt.context);
        let system: Vec<_> = system.map(String::as_str).collect();
        let mut messages = vec![json!({ "role": "system", "content": system.join("\n\n") })];
        messages.extend(prompt.history.iter().map(|turn| {
            let role = match turn.speaker {
                Speaker::Avatar => "assistant",
                Speaker::User => "user",
            };
            json!({ "role": role, "content": turn.text })
        }));
        for round in prompt.rounds {
            let calls = round.calls.iter().map(|(call, _)| {
                let function = json!({ "name": call.name, "arguments": call.arguments });
                json!({ "id": call.id, "type": "function", "function": function })
            });
            let calls: Vec<_> = calls.collect();
            messages
                .push(json!({ "role": "assistant", "content": round.words, "tool_calls": calls }));
            messages.extend(round.calls.iter().map(|(call, result)| {
                json!({ "role": "tool", "tool_call_id": call.id, "content": result })
            }));
        }
        messages
    }
}

/// Adds a piece of a call, which the server tells by its place.
fn collect(piece: &Value, calls: &mut Vec<ToolCall>) -> Result<()> {
    // Some servers leave the place out and give whole calls.
    let new = calls.len() as u64;
    let at = piece["index"].as_u64().unwrap_or(new);
    if at > new || at >= MAX_CALLS as u64 {
        return Err(unexpected("it calls functions out of order, or too many"));
    }
    if at == new {
        calls.push(ToolCall::default());
    }
    let call = &mut calls[at as usize];
    for (part, text) in [
        (&piece["id"], &mut call.id),
        (&piece["function"]["name"], &mut call.name),
        (&piece["function"]["arguments"], &mut call.arguments),
    ] {
        text.push_str(part.as_str().unwrap_or_default());
        if text.len() > MAX_ARGUMENTS {
            return Err(unexpected("a function's arguments have no end"));
        }
    }
    Ok(())
}
