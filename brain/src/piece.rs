//! The pieces that a reply is made of.

/// A piece of a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// The user's words, as they were understood.
    Heard(String),
    /// The words of the sound that follows, up to the next `Text`.
    Text(String),
    /// Sound of the words before it.
    Speech {
        /// Samples a second, the same within a reply.
        rate_hz: u32,
        /// Mono, **−1 to 1**.
        samples: Vec<f32>,
    },
    /// A gesture to play.
    Gesture(String),
    /// The conversation ends once this reply has been spoken, unless it is interrupted.
    EndCall,
}

/// Takes the pieces of a reply as they come.
pub type Pieces<'a> = &'a mut dyn FnMut(Piece);
