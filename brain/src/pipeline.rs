//! Hearing, thinking and speaking, joined to a responder.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use essence::{Error, ErrorKind, Result};

use crate::event::Speaker;
use crate::responder::{Cancel, Hear, Piece, Pieces, Request, Responder, Said, Speak, Think, Turn};
use crate::sentence::Sentences;

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
            Said::Nothing => return say(&self.speak, &self.greeting, request, pieces),
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
                    let sender = sender;
                    self.think_into(&sender, history, enough)
                })
                .map_err(|e| {
                    Error::new(ErrorKind::Io, "the system gives no more threads").with_source(e)
                })?;
            let mut spoken = Ok(());
            for text in sentences {
                if spoken.is_err() || cancel.is_cancelled() {
                    continue;
                }
                spoken = say(&self.speak, &text, request, pieces);
                if spoken.is_err() {
                    enough.cancel();
                }
            }
            let thought = thinking
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            spoken.and(thought)
        })
    }
}

impl<H: Hear, T: Think, S: Speak> Pipeline<H, T, S> {
    /// Thinks, and hands sentences over as they are complete.
    fn think_into(
        &self,
        sender: &SyncSender<String>,
        history: &[Turn],
        cancel: &Cancel,
    ) -> Result<()> {
        let mut sentences = Sentences::new(self.eager);
        self.think.think(history, cancel, &mut |token| {
            for text in sentences.push(token) {
                // The other side goes on to the end of all sentences, so it is there.
                let _ = sender.send(text);
            }
        })?;
        if let Some(text) = sentences.rest() {
            let _ = sender.send(text);
        }
        Ok(())
    }
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
