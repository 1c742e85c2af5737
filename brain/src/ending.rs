//! Whether words look like the end of a turn.

/// The look of the words of a turn that may be over.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Ending {
    /// They say nothing about it.
    #[default]
    Unknown,
    /// A sentence is complete.
    Finished,
    /// More has to follow.
    Unfinished,
}

/// English words that no sentence ends with, and sounds of people who think.
const OPEN: [&str; 44] = [
    "a", "an", "and", "as", "at", "because", "but", "by", "can", "could", "er", "for", "from",
    "hmm", "how", "i", "if", "in", "is", "its", "like", "my", "of", "on", "or", "our", "so",
    "than", "that", "the", "their", "then", "to", "uh", "uhm", "um", "was", "well", "when",
    "where", "which", "who", "with", "your",
];

impl Ending {
    /// The look of a transcript with punctuation, as Whisper writes it.
    pub(crate) fn of(words: &str) -> Self {
        let words = words.trim_end_matches(['"', '\'', '”', '’', ')', ' ']);
        let Some(mark) = words.chars().next_back() else {
            return Self::Unknown;
        };
        let last = words.split_whitespace().next_back().unwrap_or_default();
        let last = last
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase();
        let trails_off = words.ends_with("..");
        if trails_off || matches!(mark, ',' | ';' | ':' | '-' | '–' | '—' | '…') {
            return Self::Unfinished;
        }
        if mark != '?' && OPEN.contains(&last.as_str()) {
            return Self::Unfinished;
        }
        match mark {
            '.' | '!' | '?' | '。' | '！' | '？' => Self::Finished,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ending;

    #[test]
    fn sentences_end_with_a_mark_and_not_with_a_word_that_wants_another() {
        for (words, ending) in [
            ("How are you?", Ending::Finished),
            ("Yes.", Ending::Finished),
            ("\"I see!\"", Ending::Finished),
            ("What is it for?", Ending::Finished),
            ("今日は。", Ending::Finished),
            ("And so my fellow Americans,", Ending::Unfinished),
            ("I would like to...", Ending::Unfinished),
            ("I want to go to the.", Ending::Unfinished),
            ("Well.", Ending::Unfinished),
            ("Um.", Ending::Unfinished),
            ("I mean -", Ending::Unfinished),
            ("my name is Ada", Ending::Unknown),
            ("", Ending::Unknown),
            (" \"", Ending::Unknown),
        ] {
            assert_eq!(Ending::of(words), ending, "{words}");
        }
    }
}
