//! A picture out of words.

use essence::Result;

use crate::cancel::Cancel;

/// The shape of a picture.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shape {
    /// Wider than high.
    Landscape,
    /// Higher than wide.
    Portrait,
    /// As wide as high.
    #[default]
    Square,
}

/// Makes pictures.
pub trait Paint: Send + Sync {
    /// A picture of what `prompt` describes, as a file: PNG, JPEG or WebP. Blocks, for a minute or more with some
    /// models.
    ///
    /// # Errors
    /// `Cancelled`, once `cancel` says so; `Io` and others, in words for a user.
    fn paint(&self, prompt: &str, shape: Shape, cancel: &Cancel) -> Result<Vec<u8>>;
}
