//! Hearing, thinking and speaking, joined to a responder.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use essence::{Error, ErrorKind, Result};

use crate::cancel::Cancel;
use crate::event::Speaker;
use crate::piece::{Piece, Pieces};
use crate::responder::{
    Hear, Prompt, Request, Responder, Round, Said, Speak, Think, Thought, Turn,
};
use crate::sentence::Sentences;
use crate::tool::{MAX_CALLS, MAX_ROUNDS};

/// Sentences that wait to be spoken; thinking waits while there are more.
const WAITING: usize = 8;

/// A responder of three parts. A sentence is spoken as soon as it is complete, while the next ones are
/// being thought: both run at the same time.
pub struct Pipeline<H, T, S> {
    /// Turns sound into words.
    pub hear: H,
    /// Finds the reply.
    pub think: T,
    /// Turns the reply into sound.
    pub speak: S,
    /// The words that begin a conversation; empty for none.
    pub greeting: String,
    /// Whether speech begins with the first clause instead of the first sentence: sooner, with less of a
    /// melody.
    pub eager: bool,
}

impl<H, T, S> std::fmt::Debug for Pipeline<H, T, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").finish_non_exhaustive()
    }
}

impl<H: Hear, T: Think, S: Speak> Responder for Pipeline<H, T, S> {
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        let cancel = &request.cancel;
        let text = match &request.said {
            Said::Nothing if self.greeting.is_empty() => return Ok(()),
            Said::Nothing => return say_all(&self.speak, &self.greeting, request, pieces),
            Said::Speak(text) => return say_all(&self.speak, text, request, pieces),
            Said::Text(text) => text.clone(),
            Said::Voice(samples) => {
                let text = self.hear.hear(samples, cancel)?;
                if text.trim().is_empty() {
                    return Ok(());
                }
                pieces(Piece::Heard(text.clone()));
                text
            }
        };
        let mut history = request.history.clone();
        history.push(Turn {
            speaker: Speaker::User,
            text,
        });
        let (sender, sentences) = sync_channel(WAITING);
        // Dropped when the first clause has its sound.
        let (first, first_spoken) = sync_channel::<()>(0);
        let mut first = Some(first);
        // Of thinking alone: speech that fails ends it, too, and is the error that is told.
        let enough = Cancel::default();
        let stop = enough.clone();
        let _follow = cancel.on_cancel(move || stop.cancel());
        thread::scope(|scope| {
            let (history, enough) = (&history, &enough);
            let thinking = thread::Builder::new()
                .name("thinking".to_owned())
                .spawn_scoped(scope, move || {
                    // Dropped at its end, which ends the speaking.
                    let out = Out {
                        sender,
                        first_spoken: self.eager.then_some(first_spoken),
                    };
                    self.think_into(out, request, history, enough)
                })
                .map_err(|e| {
                    Error::new(ErrorKind::Io, "the system gives no more threads").with_source(e)
                })?;
            let mut spoken = Ok(());
            for next in sentences {
                if spoken.is_err() || cancel.is_cancelled() {
                    first = None;
                    continue;
                }
                match next {
                    Next::Words(text) => {
                        spoken = say(&self.speak, &text, request, pieces);
                        first = None;
                    }
                    Next::Piece(piece) => pieces(piece),
                }
                if spoken.is_err() {
                    enough.cancel();
                }
            }
            drop(first);
            let thought = thinking
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            spoken.and(thought)
        })
    }
}

impl<H: Hear, T: Think, S: Speak> Pipeline<H, T, S> {
    /// Thinks, hands sentences over as they are complete, and calls functions.
    fn think_into(
        &self,
        mut out: Out,
        request: &Request,
        history: &[Turn],
        cancel: &Cancel,
    ) -> Result<()> {
        let mut sentences = Sentences::new(self.eager);
        let mut rounds: Vec<Round> = Vec::new();
        let mut calls = 0;
        loop {
            let tools = match rounds.len() < MAX_ROUNDS {
                true => request.tools.as_slice(),
                false => &[],
            };
            let prompt = Prompt {
                history,
                context: &request.context,
                tools,
                rounds: &rounds,
            };
            let mut words = String::new();
            let mut wanted = Vec::new();
            self.think
                .think(&prompt, cancel, &mut |thought| match thought {
                    Thought::Text(token) => {
                        words.push_str(token);
                        sentences
                            .push(token)
                            .into_iter()
                            .for_each(|text| out.send(Next::Words(text)));
                    }
                    Thought::Call(call) => wanted.push(call),
                })?;
            sentences
                .rest()
                .into_iter()
                .for_each(|text| out.send(Next::Words(text)));
            let mut made = Vec::new();
            for call in wanted {
                cancel.check()?;
                calls += 1;
                let result = match calls <= MAX_CALLS {
                    true => request
                        .tools
                        .call(&call, cancel, &mut |piece| out.send(Next::Piece(piece))),
                    false => "error: too many calls".to_owned(),
                };
                made.push((call, result));
            }
            // Further words come only where a result wants them, or none were said.
            let said = !words.trim().is_empty();
            let done = said && made.iter().all(|(_, result)| result.is_empty());
            if done || made.is_empty() || tools.is_empty() {
                return Ok(());
            }
            rounds.push(Round { words, calls: made });
        }
    }
}

/// The way from thinking to speaking.
struct Out {
    sender: SyncSender<Next>,
    /// Ends when the first words have their sound.
    first_spoken: Option<Receiver<()>>,
}

impl Out {
    fn send(&mut self, next: Next) {
        let words = matches!(next, Next::Words(_));
        // The other side goes on to the end of all that is sent, so it is there.
        let _ = self.sender.send(next);
        if words && let Some(first_spoken) = self.first_spoken.take() {
            // The voice has the processor to itself for the sound that is waited for; there is time to think
            // while it is heard.
            let _ = first_spoken.recv();
        }
    }
}

/// The next thing that thinking hands over.
enum Next {
    /// A sentence to speak.
    Words(String),
    /// The work of a function.
    Piece(Piece),
}

/// Gives a text and its sound, sentence by sentence.
pub(crate) fn say_all(
    speak: &dyn Speak,
    text: &str,
    request: &Request,
    pieces: Pieces<'_>,
) -> Result<()> {
    let mut sentences = Sentences::default();
    let mut all = sentences.push(text);
    all.extend(sentences.rest());
    all.iter()
        .try_for_each(|text| say(speak, text, request, pieces))
}

/// Gives a text and its sound.
pub(crate) fn say(
    speak: &dyn Speak,
    text: &str,
    request: &Request,
    pieces: Pieces<'_>,
) -> Result<()> {
    pieces(Piece::Text(text.to_owned()));
    speak.speak(text, &request.cancel, &mut |rate_hz, samples| {
        pieces(Piece::Speech {
            rate_hz,
            samples: samples.to_vec(),
        });
    })
}
