//! The protocol's events, in both of its spellings.

use std::time::{Duration, Instant};

use essence::{Error, ErrorKind};
use serde_json::{Value, json};

use super::failed;
use super::socket::Socket;
use super::sound::{RATE_HZ, decode, encode, upsample};
use crate::event::{ReplyId, Speaker};
use crate::openai::OpenAiSettings;
use crate::responder::{Piece, Pieces, Request, Said};
use crate::sentence::Sentences;

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
        };
        let session = this.settings(settings);
        this.socket
            .send(&json!({ "type": "session.update", "session": session }))?;
        for turn in &request.history {
            this.say(turn.speaker, &turn.text)?;
        }
        Ok(this)
    }

    pub(super) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    fn settings(&self, settings: &OpenAiSettings) -> Value {
        let transcription = json!({ "model": settings.transcription_model });
        if self.released {
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
        }
    }

    /// Puts words into the session.
    fn say(&mut self, speaker: Speaker, text: &str) -> essence::Result<()> {
        let (role, kind) = match speaker {
            Speaker::User => ("user", "input_text"),
            Speaker::Avatar if self.released => ("assistant", "output_text"),
            Speaker::Avatar => ("assistant", "text"),
        };
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
        let mut response = json!({ "type": "response.create" });
        match &request.said {
            Said::Nothing => {
                let order = format!("Greet the user with these words: {}", settings.greeting);
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
        self.reply(request, pieces)
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

    fn reply(&mut self, request: &Request, pieces: Pieces<'_>) -> Result<(), Fault> {
        let mut response = None::<String>;
        let mut sentences = Sentences::default();
        let mut wants_words = matches!(request.said, Said::Voice(_));
        let mut cancelled = None::<Instant>;
        let mut done = None::<Instant>;
        let mut heard = Instant::now();
        loop {
            if cancelled.is_none() && request.cancel.is_cancelled() {
                if done.is_some() {
                    return Ok(());
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
            if done.is_some_and(|at| !wants_words || at.elapsed() > WORDS_LIMIT) {
                return Ok(());
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
                "response.output_audio.delta" | "response.audio.delta" => {
                    let delta = event["delta"].as_str().and_then(decode);
                    let samples =
                        delta.ok_or_else(|| failed("the brain's server sent what is no sound"))?;
                    if let Some((.., came)) = &mut self.latest {
                        *came += samples.len() as u64;
                    }
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
                "conversation.item.input_audio_transcription.completed" if wants_words => {
                    wants_words = false;
                    let text = event["transcript"].as_str().unwrap_or_default().trim();
                    if !text.is_empty() {
                        pieces(Piece::Heard(text.to_owned()));
                    }
                }
                "conversation.item.input_audio_transcription.failed" => wants_words = false,
                "response.done" => match event["response"]["status"].as_str() {
                    Some("failed") => {
                        let details = &event["response"]["status_details"];
                        return Err(Fault::Refused(refused(details)));
                    }
                    _ if cancelled.is_some() => return Ok(()),
                    _ => done = Some(Instant::now()),
                },
                "error" if event["error"]["code"] == "session_expired" => {
                    return Err(Fault::Lost(refused(&event)));
                }
                "error" if event["error"]["event_id"] == TRUNCATE => {}
                // There was nothing to cancel.
                "error" if event["error"]["event_id"] == CANCEL => return Ok(()),
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
