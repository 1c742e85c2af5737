//! The tools: `tools.json` says what each takes and asks of the server; what is no plain request is
//! here.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use ureq::http::Method;

use super::rest::Rest;

/// Most bytes of a file that is uploaded; the server takes no larger one.
const MAX_FILE_BYTES: u64 = 100 << 20;

/// How long a tool waits for what is being made, and how often it asks.
const WAIT_LIMIT: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(500);

/// A tool of `tools.json`.
#[derive(Deserialize)]
struct Tool {
    name: String,
    description: String,
    /// Method and path; `{name}` stands for an argument.
    request: String,
    /// The member of the answer that is given; the whole answer without.
    #[serde(default)]
    answer: String,
    /// The address that says how far it is, in names of the answer's members.
    #[serde(default)]
    state: String,
    properties: Map<String, Value>,
    #[serde(default)]
    required: Vec<String>,
}

/// All tools.
pub(super) struct Tools(Vec<Tool>);

impl Tools {
    pub(super) fn new() -> Self {
        Self(serde_json::from_str(include_str!("tools.json")).unwrap_or_default())
    }

    /// The tools as a client is told of them.
    pub(super) fn list(&self) -> Vec<Value> {
        let told = |tool: &Tool| {
            let schema = json!({
                "type": "object", "properties": tool.properties, "required": tool.required,
                "additionalProperties": false,
            });
            json!({ "name": tool.name, "description": tool.description, "inputSchema": schema })
        };
        self.0.iter().map(told).collect()
    }

    fn find(&self, params: &Value) -> Option<&Tool> {
        let name = params.get("name")?.as_str()?;
        self.0.iter().find(|tool| tool.name == name)
    }

    /// Whether these parameters of a call name a tool.
    pub(super) fn has(&self, params: &Value) -> bool {
        self.find(params).is_some()
    }

    /// Calls a tool; what it gives, or why not, as the client is told.
    pub(super) fn call(&self, rest: &Rest, params: &Value, cancelled: &AtomicBool) -> Value {
        let none = Map::new();
        let given = params.get("arguments").and_then(Value::as_object);
        let answer = self
            .find(params)
            .ok_or_else(|| "there is no such tool".to_owned())
            .and_then(|tool| tool.call(rest, given.unwrap_or(&none), cancelled));
        match answer {
            Ok(value) => {
                let content = [json!({ "type": "text", "text": value.to_string() })];
                json!({ "content": content, "structuredContent": value, "isError": false })
            }
            Err(why) => refused(&why),
        }
    }
}

/// A tool's answer that it has failed.
pub(super) fn refused(why: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": why }], "isError": true })
}

impl Tool {
    fn call(
        &self,
        rest: &Rest,
        given: &Map<String, Value>,
        cancelled: &AtomicBool,
    ) -> Result<Value, String> {
        self.check(given)?;
        let (method, path) = self.request.split_once(' ').unwrap_or_default();
        let method: Method = method.parse().map_err(|_| "no such request")?;
        let mut path = filled(path, given);
        if method != Method::POST {
            path += &self.query(given);
            return self.taken(rest.json(method, &path, None)?);
        }
        let body = self.body(given)?;
        if let Some(output) = given.get("output").and_then(Value::as_str) {
            return write(output, &rest.bytes(method, &path, Some(&body))?);
        }
        let made = self.taken(rest.json(method, &path, Some(&body))?)?;
        if given.get("wait") == Some(&Value::Bool(true)) {
            let path = filled(&self.state, made.as_object().unwrap_or(given));
            return finished(rest, &path, cancelled);
        }
        Ok(made)
    }

    fn check(&self, given: &Map<String, Value>) -> Result<(), String> {
        if let Some(missing) = self.required.iter().find(|name| !given.contains_key(*name)) {
            return Err(format!("{missing} is missing"));
        }
        for (name, value) in given {
            let fits = match self.properties.get(name).map(|about| &about["type"]) {
                None => return Err(format!("{} takes no {name}", self.name)),
                Some(kind) if kind == "string" => value.is_string(),
                Some(kind) if kind == "boolean" => value.is_boolean(),
                Some(kind) if kind == "integer" => value.is_i64(),
                Some(_) => value.is_number(),
            };
            if !fits {
                return Err(format!("{name} has to be: {}", self.properties[name]));
            }
        }
        Ok(())
    }

    /// Arguments that are not in the path.
    fn others<'a>(
        &'a self,
        given: &'a Map<String, Value>,
    ) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let own = ["wait", "output", "path"];
        given.iter().filter(move |(name, _)| {
            !own.contains(&name.as_str()) && !self.request.contains(&format!("{{{name}}}"))
        })
    }

    fn query(&self, given: &Map<String, Value>) -> String {
        let pairs = self.others(given).enumerate().map(|(i, (name, value))| {
            let mark = if i == 0 { '?' } else { '&' };
            format!("{mark}{name}={}", segment(value))
        });
        pairs.collect()
    }

    fn body(&self, given: &Map<String, Value>) -> Result<Value, String> {
        if let Some(path) = given.get("path").and_then(Value::as_str) {
            return file(Path::new(path));
        }
        let defaults = self.properties.iter();
        let mut body: Map<String, Value> = defaults
            .filter_map(|(name, about)| Some((name.clone(), about.get("default")?.clone())))
            .collect();
        body.extend(
            self.others(given)
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        if self.name == "create_video" {
            let kind = if body.contains_key("audio_url") {
                "audio"
            } else {
                "text"
            };
            let mut input = json!({ "type": kind });
            for name in ["text", "audio_url", "voice"] {
                if let Some(value) = body.remove(name) {
                    input[name] = value;
                }
            }
            body.insert("input".to_owned(), input);
        }
        Ok(body.into())
    }

    /// The part of an answer that is given.
    fn taken(&self, mut answer: Value) -> Result<Value, String> {
        Ok(match answer.get_mut(&self.answer) {
            Some(part) => part.take(),
            None => answer,
        })
    }
}

/// The thing that is made, once nothing more is done for it.
fn finished(rest: &Rest, path: &str, cancelled: &AtomicBool) -> Result<Value, String> {
    let begin = Instant::now();
    loop {
        let mut answer = rest.json(Method::GET, path, None)?;
        let now = match answer.get_mut("data") {
            Some(data) => data.take(),
            None => answer,
        };
        let going = matches!(now["status"].as_str(), Some("processing" | "generating"))
            // It may come early, while there is more to be made.
            || now["status"] == "completed" && now["progress"].as_f64().is_some_and(|part| part < 1.0);
        if !going || begin.elapsed() > WAIT_LIMIT || cancelled.load(Ordering::Relaxed) {
            return Ok(now);
        }
        std::thread::sleep(POLL);
    }
}

/// A path with members in place of their names.
fn filled(path: &str, members: &Map<String, Value>) -> String {
    let fill = |path: String, (name, value): (&String, &Value)| {
        path.replace(&format!("{{{name}}}"), &segment(value))
    };
    members.iter().fold(path.to_owned(), fill)
}

/// A value as one segment of a path, or as a value of a query.
fn segment(value: &Value) -> String {
    use std::fmt::Write as _;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string doesn't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The body that uploads a file.
fn file(path: &Path) -> Result<Value, String> {
    let shown = path.display();
    let unreadable = |e| format!("cannot read {shown}: {e}");
    let about = path.metadata().map_err(unreadable)?;
    if !about.is_file() || about.len() > MAX_FILE_BYTES {
        return Err(format!(
            "{shown} is no file of {MAX_FILE_BYTES} bytes at most"
        ));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(json!({ "file_data": STANDARD.encode(bytes), "file_name": name }))
}

/// Writes a new file.
fn write(path: &str, bytes: &[u8]) -> Result<Value, String> {
    let unwritable = |e| format!("cannot write {path}: {e}");
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(unwritable)?;
    file.write_all(bytes).map_err(unwritable)?;
    Ok(json!({ "path": path, "bytes": bytes.len() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_are_read_and_name_arguments_that_they_have() {
        let tools = Tools::new();
        assert_eq!(tools.0.len(), 14);
        for tool in &tools.0 {
            assert!(
                tool.required
                    .iter()
                    .all(|name| tool.properties.contains_key(name))
            );
            let names = tool
                .request
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next());
            names.for_each(|name| assert!(tool.required.contains(&name.to_owned()), "{name}"));
        }
    }

    #[test]
    fn arguments_are_one_segment() {
        let given = json!({ "code": "../a b?c#d%2f" });
        let path = filled("/v1/agent/{code}", given.as_object().expect("an object"));
        assert_eq!(path, "/v1/agent/%2E%2E%2Fa%20b%3Fc%23d%252f");
    }
}
