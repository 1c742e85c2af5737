//! Faults of a network, in words that name the place.

use std::fmt;

/// Characters of a foreign name that a message shows.
const SHOWN: usize = 64;

/// Why a network is refused.
#[derive(Debug)]
pub(crate) struct Fault(String);

/// The result of everything that reads a network.
pub(super) type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    #[cold]
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The same fault with the place in front.
    #[cold]
    pub(super) fn within(self, place: impl fmt::Display) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses with a message.
#[cold]
pub(super) fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Fault::new(message))
}

/// A limit of [`super::limits`] against what a file asks for.
pub(super) fn at_most(what: &str, has: u64, most: u64) -> Result<()> {
    if has > most {
        return refuse(format!("{has} {what}; at most {most} are allowed"));
    }
    Ok(())
}

/// A name out of a file in quotes: control characters escaped, long names cut.
#[derive(Clone, Copy)]
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(SHOWN).map(|(at, _)| at);
        let shown = &self.0[..end.unwrap_or(self.0.len())];
        let dots = if end.is_some() { "…" } else { "" };
        write!(f, "\"{}{dots}\"", shown.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_cut() {
        assert_eq!(Quoted("a\x1b[31m\n").to_string(), r#""a\u{1b}[31m\n""#);
        let long = Quoted(&"é".repeat(1000)).to_string();
        assert_eq!(long.chars().count(), SHOWN + 3, "{long}");
    }
}
