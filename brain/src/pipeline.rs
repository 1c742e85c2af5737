//! Hearing, thinking and speaking, joined to a responder.

use essence::Result;

use crate::event::Speaker;
use crate::responder::{Hear, Piece, Pieces, Request, Responder, Said, Speak, Think, Turn};
use crate::sentence::Sentences;

/// A responder of three parts. A sentence is spoken as soon as it is complete, while the next one is
/// being thought.
pub struct Pipeline<H, T, S> {
    /// Turns sound into words.
    pub hear: H,
    /// Finds the reply.
    pub think: T,
    /// Turns the reply into sound.
    pub speak: S,
    /// The words that begin a conversation; empty for none.
    pub greeting: String,
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
        let mut sentences = Sentences::default();
        let mut spoken = Ok(());
        let mut sentence = |text: String, spoken: &mut Result<()>| {
            if spoken.is_ok() && !cancel.is_cancelled() {
                *spoken = say(&self.speak, &text, request, pieces);
            }
        };
        self.think.think(&history, cancel, &mut |token| {
            for text in sentences.push(token) {
                sentence(text, &mut spoken);
            }
        })?;
        if let Some(text) = sentences.rest() {
            sentence(text, &mut spoken);
        }
        spoken
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
