//! The responder that repeats what it hears.

use essence::Result;

use crate::piece::{Piece, Pieces};
use crate::pipeline::say_all;
use crate::program::SpeechProgram;
use crate::responder::{Request, Responder, Said};

/// Samples of a piece of sound, half a second.
const BLOCK: usize = 8_000;

/// Repeats what it hears, in the user's own voice; text is spoken by an installed speech program.
/// For trying microphones, avatars and networks.
#[derive(Debug, Default)]
pub struct Echo {
    speak: Option<SpeechProgram>,
}

impl Echo {
    /// `speak` speaks what is typed.
    pub fn new(speak: Option<SpeechProgram>) -> Self {
        Self { speak }
    }
}

impl Responder for Echo {
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        match &request.said {
            Said::Nothing => Ok(()),
            Said::Text(text) | Said::Speak(text) => match &self.speak {
                Some(speak) => say_all(speak, text, request, pieces),
                None => Err(SpeechProgram::missing()),
            },
            Said::Voice(samples) => {
                for block in samples.chunks(BLOCK) {
                    pieces(Piece::Speech {
                        rate_hz: 16_000,
                        samples: block.to_vec(),
                    });
                }
                Ok(())
            }
        }
    }
}
