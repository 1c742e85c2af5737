//! The protocol's events, in both of its spellings.

use std::time::{Duration, Instant};

use essence::{Error, ErrorKind};
use serde_json::{Value, json};

use super::failed;
use super::socket::Socket;
use super::sound::{RATE_HZ, decode, encode, upsample};
use crate::event::{ReplyId, Speaker};
use crate::openai::OpenAiSettings;
use crate::piece::{Piece, Pieces};
use crate::responder::{Request, Said};
use crate::sentence::Sentences;
use crate::tool::{MAX_CALLS, MAX_ROUNDS, ToolCall, Tools, described};

/// How long the server may say nothing while a reply is waited for.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a cancelled reply is waited for, and the words of a turn whose reply is there.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);
const WORDS_LIMIT: Duration = Duration::from_secs(3);

/// Samples in one event.
const BLOCK_SAMPLES: usize = 24_000;

/// Names of events of ours whose refusal is no failure: there may be nothing left to cancel or to cut.
const CANCEL: &str = "cancel";
const TRUNCATE: &str = "truncate";

/// A failed turn.
pub(super) enum Fault {
    /// The connection is of no use any more.
    Lost(Error),
    /// The server refuses the turn; the connection goes on.
    Refused(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Lost(error)
    }
}

/// A session at the server.
pub(super) struct Connection {
    socket: Socket,
    begun: Instant,
    /// The spelling of events and settings since the protocol's release; the preview had others.
    released: bool,
    /// The latest reply: its number here, its name there and the samples that came.
    latest: Option<(ReplyId, String, u64)>,
    /// Texts of the app's that the session knows.
    context: Vec<String>,
}

/// The functions that a response of the server's has wanted.
#[derive(Default)]
struct Response {
    /// Functions to call.
    calls: Vec<ToolCall>,
    /// Whether it has sound.
    spoken: bool,
}

impl Connection {
    /// Opens a session that knows the words so far.
    pub(super) fn open(settings: &OpenAiSettings, request: &Request) -> essence::Result<Self> {
        let mut socket = Socket::connect(settings)?;
        let begun = Instant::now();
        let created = loop {
            match socket.read()? {
                Some(event) if event["type"] == "session.created" => break event,
                Some(event) if event["type"] == "error" => return Err(refused(&event)),
                _ if begun.elapsed() > SILENCE => {
                    return Err(failed("the brain's server opens no session"));
                }
                _ => {}
            }
        };
        let session = &created["session"];
        let mut this = Self {
            socket,
            begun,
            released: session["type"] == "realtime" || session["audio"].is_object(),
            latest: None,
            context: Vec::new(),
        };
        let session = this.settings(settings, &request.tools);
        this.socket
            .send(&json!({ "type": "session.update", "session": session }))?;
        this.tell(request)?;
        for turn in &request.history {
            this.say(turn.speaker, &turn.text)?;
        }
        Ok(this)
    }

    pub(super) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    fn settings(&self, settings: &OpenAiSettings, tools: &Tools) -> Value {
        let transcription = json!({ "model": settings.transcription_model });
        let mut session = if self.released {
            let format = json!({ "type": "audio/pcm", "rate": RATE_HZ });
            json!({
                "type": "realtime",
                "instructions": settings.instructions,
                "output_modalities": ["audio"],
                "audio": {
                    "input": { "format": format, "transcription": transcription, "turn_detection": null },
                    "output": { "format": format, "voice": settings.voice },
                },
            })
        } else {
            json!({
                "instructions": settings.instructions,
                "modalities": ["audio", "text"],
                "voice": settings.voice,
                "input_audio_format": "pcm16",
                "output_audio_format": "pcm16",
                "input_audio_transcription": transcription,
                "turn_detection": null,
            })
        };
        let tools = tools.as_slice().iter().map(|tool| {
            let mut tool = described(&**tool);
            tool["type"] = "function".into();
            tool
        });
        session["tools"] = tools.collect();
        session
    }

    /// Puts the app's texts into the session that it doesn't know yet.
    fn tell(&mut self, request: &Request) -> essence::Result<()> {
        for text in &request.context {
            if !self.context.contains(text) {
                self.item("system", "input_text", text)?;
            }
        }
        self.context.clone_from(&request.context);
        Ok(())
    }

    /// Puts words into the session.
    fn say(&mut self, speaker: Speaker, text: &str) -> essence::Result<()> {
        let (role, kind) = match speaker {
            Speaker::User => ("user", "input_text"),
            Speaker::Avatar if self.released => ("assistant", "output_text"),
            Speaker::Avatar => ("assistant", "text"),
        };
        self.item(role, kind, text)
    }

    fn item(&mut self, role: &str, kind: &str, text: &str) -> essence::Result<()> {
        self.socket.send(&json!({
            "type": "conversation.item.create",
            "item": { "type": "message", "role": role, "content": [{ "type": kind, "text": text }] },
        }))
    }

    /// One turn: what was said goes, the reply comes.
    pub(super) fn turn(
        &mut self,
        settings: &OpenAiSettings,
        request: &Request,
        pieces: Pieces<'_>,
    ) -> Result<(), Fault> {
        self.truncate(request)?;
        self.tell(request)?;
        let mut response = json!({ "type": "response.create" });
        match &request.said {
            Said::Nothing => {
                let order = format!("Greet the user with these words: {}", settings.greeting);
                response["response"] = json!({ "instructions": order });
            }
            Said::Speak(text) => {
                let order = format!("Say exactly these words and nothing else: {text}");
                response["response"] = json!({ "instructions": order });
            }
            Said::Text(text) => self.say(Speaker::User, text)?,
            Said::Voice(samples) => {
                for block in upsample(samples).chunks(BLOCK_SAMPLES) {
                    let event =
                        json!({ "type": "input_audio_buffer.append", "audio": encode(block) });
                    self.socket.send(&event)?;
                }
                self.socket
                    .send(&json!({ "type": "input_audio_buffer.commit" }))?;
            }
        }
        self.socket.send(&response)?;
        let mut wants_words = matches!(request.said, Said::Voice(_));
        let mut calls = 0;
        for round in 1.. {
            let wanted = self.reply(request, &mut wants_words, pieces)?;
            let mut spoken = wanted.spoken;
            for call in &wanted.calls {
                calls += 1;
                let result = match calls <= MAX_CALLS && !request.cancel.is_cancelled() {
                    true => request.tools.call(call, &request.cancel, pieces),
                    false => "error: not called".to_owned(),
                };
                // Further sound comes only where a result wants it, or there was none.
                spoken &= result.is_empty();
                self.socket.send(&json!({
                    "type": "conversation.item.create",
                    "item": { "type": "function_call_output", "call_id": call.id, "output": result },
                }))?;
            }
            let done = wanted.calls.is_empty() || spoken || round > MAX_ROUNDS;
            if done || request.cancel.is_cancelled() {
                break;
            }
            let choice = if round == MAX_ROUNDS { "none" } else { "auto" };
            let next = json!({ "type": "response.create", "response": { "tool_choice": choice } });
            self.socket.send(&next)?;
        }
        Ok(())
    }

    /// Cuts the reply before this turn where the avatar had really spoken it.
    fn truncate(&mut self, request: &Request) -> Result<(), Fault> {
        let (Some(cut), Some((reply, item, samples))) = (request.interrupted, self.latest.take())
        else {
            return Ok(());
        };
        if cut.reply != reply {
            return Ok(());
        }
        // More than came would be refused.
        let came_ms = samples * 1_000 / u64::from(RATE_HZ);
        self.socket.send(&json!({
            "type": "conversation.item.truncate",
            "event_id": TRUNCATE,
            "item_id": item,
            "content_index": 0,
            "audio_end_ms": cut.played_ms.min(came_ms),
        }))?;
        Ok(())
    }

    /// One response of the server's. `wants_words`: those of the user's voice have not come yet.
    fn reply(
        &mut self,
        request: &Request,
        wants_words: &mut bool,
        pieces: Pieces<'_>,
    ) -> Result<Response, Fault> {
        let mut response = None::<String>;
        let mut wanted = Response::default();
        let mut sentences = Sentences::default();
        let mut cancelled = None::<Instant>;
        let mut done = None::<Instant>;
        let mut heard = Instant::now();
        loop {
            if cancelled.is_none() && request.cancel.is_cancelled() {
                if done.is_some() {
                    return Ok(wanted);
                }
                self.socket
                    .send(&json!({ "type": "response.cancel", "event_id": CANCEL }))?;
                cancelled = Some(Instant::now());
            }
            if cancelled.is_some_and(|at| at.elapsed() > CANCEL_LIMIT) {
                return Err(Fault::Lost(Error::new(
                    ErrorKind::Cancelled,
                    "the reply is not wanted any more",
                )));
            }
            // The words may also come with a later response.
            let go_on = !*wants_words || !wanted.calls.is_empty();
            if done.is_some_and(|at| go_on || at.elapsed() > WORDS_LIMIT) {
                return Ok(wanted);
            }
            let Some(event) = self.socket.read()? else {
                if heard.elapsed() > SILENCE {
                    return Err(Fault::Lost(failed(
                        "the brain's server says nothing any more",
                    )));
                }
                continue;
            };
            heard = Instant::now();
            let kind = event["type"].as_str().unwrap_or_default();
            // Events of a reply that was cancelled before may still come.
            let of = event["response_id"]
                .as_str()
                .or(event["response"]["id"].as_str());
            if kind == "response.created" && response.is_none() {
                response = of.map(str::to_owned);
            } else if of.is_some() && of != response.as_deref() {
                continue;
            }
            match kind {
                "response.output_item.added" if event["item"]["type"] == "message" => {
                    let item = event["item"]["id"].as_str().unwrap_or_default();
                    self.latest = Some((request.reply, item.to_owned(), 0));
                }
                "response.output_item.done" if event["item"]["type"] == "function_call" => {
                    let part = |name: &str| {
                        let text = event["item"][name].as_str();
                        text.unwrap_or_default().to_owned()
                    };
                    wanted.calls.push(ToolCall {
                        id: part("call_id"),
                        name: part("name"),
                        arguments: part("arguments"),
                    });
                }
                "response.output_audio.delta" | "response.audio.delta" => {
                    let delta = event["delta"].as_str().and_then(decode);
                    let samples =
                        delta.ok_or_else(|| failed("the brain's server sent what is no sound"))?;
                    if let Some((.., came)) = &mut self.latest {
                        *came += samples.len() as u64;
                    }
                    wanted.spoken |= !samples.is_empty();
                    pieces(Piece::Speech {
                        rate_hz: RATE_HZ,
                        samples,
                    });
                }
                "response.output_audio_transcript.delta" | "response.audio_transcript.delta" => {
                    let delta = event["delta"].as_str().unwrap_or_default();
                    sentences
                        .push(delta)
                        .into_iter()
                        .for_each(|text| pieces(Piece::Text(text)));
                }
                "response.output_audio_transcript.done" | "response.audio_transcript.done" => {
                    sentences
                        .rest()
                        .into_iter()
                        .for_each(|text| pieces(Piece::Text(text)));
                }
                "conversation.item.input_audio_transcription.completed" if *wants_words => {
                    *wants_words = false;
                    let text = event["transcript"].as_str().unwrap_or_default().trim();
                    if !text.is_empty() {
                        pieces(Piece::Heard(text.to_owned()));
                    }
                }
                "conversation.item.input_audio_transcription.failed" => *wants_words = false,
                "response.done" => match event["response"]["status"].as_str() {
                    Some("failed") => {
                        let details = &event["response"]["status_details"];
                        return Err(Fault::Refused(refused(details)));
                    }
                    _ if cancelled.is_some() => return Ok(wanted),
                    _ => done = Some(Instant::now()),
                },
                "error" if event["error"]["code"] == "session_expired" => {
                    return Err(Fault::Lost(refused(&event)));
                }
                "error" if event["error"]["event_id"] == TRUNCATE => {}
                // There was nothing to cancel.
                "error" if event["error"]["event_id"] == CANCEL => return Ok(wanted),
                "error" => return Err(Fault::Refused(refused(&event))),
                _ => {}
            }
        }
    }
}

/// Most characters of a server's message that are shown.
const MAX_MESSAGE_CHARS: usize = 200;

/// The server's own words for what is wrong.
#[cold]
fn refused(event: &Value) -> Error {
    let error = &event["error"];
    let said = error["message"].as_str().or(error["code"].as_str());
    let said: String = said
        .unwrap_or("no reason is given")
        .chars()
        .take(MAX_MESSAGE_CHARS)
        .collect();
    failed(format!("the brain's server refuses: {said}"))
}
