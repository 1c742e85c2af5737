//! Tokens to sentences, so that speech can begin before the reply is complete.

/// A sentence shorter than this waits for the next one: speech engines need some text for a melody.
const LEAST_CHARS: usize = 12;

/// A sentence longer than this is cut at the next comma or space.
const MOST_CHARS: usize = 240;

/// A first clause shorter than this waits for more, where clauses are spoken.
const LEAST_CLAUSE_CHARS: usize = 14;

/// A first clause of this length ends before a word that begins a phrase, and of the second one before any
/// word: its sound is the first that is heard, and takes as long to make as it is long.
const LONG_CLAUSE_CHARS: usize = 24;
const MOST_CLAUSE_CHARS: usize = 48;

/// Words before which English speech may pause.
const PHRASES: [&str; 16] = [
    "and", "because", "but", "by", "for", "from", "if", "or", "so", "that", "when", "where",
    "which", "while", "who", "with",
];

/// Collects tokens.
#[derive(Debug, Default)]
pub(crate) struct Sentences {
    text: String,
    /// Whether the next piece may be a clause.
    eager: bool,
}

impl Sentences {
    /// `eager`: the first piece may be a clause.
    pub(crate) fn new(eager: bool) -> Self {
        Self {
            text: String::new(),
            eager,
        }
    }

    /// Takes a token; the sentences that are complete with it.
    pub(crate) fn push(&mut self, token: &str) -> Vec<String> {
        self.text.push_str(token);
        let mut complete = Vec::new();
        while let Some(end) = self.end() {
            let rest = self.text.split_off(end);
            let sentence = std::mem::replace(&mut self.text, rest);
            self.eager &= trimmed(&sentence).is_none();
            complete.extend(trimmed(&sentence));
        }
        complete
    }

    /// The rest, when no token comes any more.
    pub(crate) fn rest(&mut self) -> Option<String> {
        trimmed(&std::mem::take(&mut self.text))
    }

    /// The first byte after a complete sentence: one that a space follows, so that `3.14` and `e.g` stay
    /// whole.
    fn end(&self) -> Option<usize> {
        let mut chars = self.text.char_indices().enumerate().peekable();
        let mut after_stop = false;
        let mut after_clause = false;
        while let Some((count, (at, c))) = chars.next() {
            let next = chars.peek().map_or(self.text.len(), |&(_, (next, _))| next);
            match c {
                '\n' if count > 0 => return Some(next),
                // The full stops of Chinese and Japanese, which no space follows.
                '。' | '！' | '？' => return Some(next),
                _ if c.is_whitespace() && after_stop && count >= LEAST_CHARS => return Some(at),
                _ if c.is_whitespace()
                    && after_clause
                    && self.eager
                    && count >= LEAST_CLAUSE_CHARS =>
                {
                    return Some(at);
                }
                _ if c.is_whitespace() && self.eager && count >= LONG_CLAUSE_CHARS => {
                    // The next word has to be there as a whole.
                    let rest = self.text[next..].split_once(char::is_whitespace);
                    let phrase = rest.is_some_and(|(word, _)| PHRASES.contains(&word));
                    if phrase || count >= MOST_CLAUSE_CHARS {
                        return Some(at);
                    }
                }
                _ if (c.is_whitespace() || c == ',') && count >= MOST_CHARS => return Some(next),
                _ if count >= 2 * MOST_CHARS => return Some(next),
                _ => {}
            }
            after_clause = matches!(c, ',' | ';' | ':' | '–' | '—');
            after_stop = matches!(c, '.' | '!' | '?' | '…' | ':' | ';')
                || (after_stop && matches!(c, '"' | '\'' | ')' | '”' | '’'));
        }
        None
    }
}

fn trimmed(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Sentences;

    fn cut(text: &str, chars: usize) -> Vec<String> {
        let mut sentences = Sentences::default();
        let letters: Vec<char> = text.chars().collect();
        let mut all = Vec::new();
        for token in letters.chunks(chars) {
            all.extend(sentences.push(&token.iter().collect::<String>()));
        }
        all.extend(sentences.rest());
        all
    }

    #[test]
    fn sentences_are_the_same_however_tokens_are_cut() {
        let text =
            "Well. That is 3.14 times as much! \"Really?\" Yes, e.g. this one。次の文。\nEnd";
        let expected = cut(text, 1);
        assert_eq!(expected[0], "Well. That is 3.14 times as much!");
        for chars in 2..40 {
            assert_eq!(cut(text, chars), expected, "{chars} a token");
        }
    }

    #[test]
    fn speech_may_begin_with_a_clause() {
        let mut sentences = Sentences::new(true);
        let mut pieces =
            sentences.push("Oh, that is a good question, and I know, well, the answer. Yes.");
        pieces.extend(sentences.rest());
        assert_eq!(
            pieces,
            [
                "Oh, that is a good question,",
                "and I know, well, the answer.",
                "Yes."
            ]
        );
    }

    #[test]
    fn a_long_first_clause_ends_at_a_phrase_however_tokens_are_cut() {
        for (text, first) in [
            (
                "The sun is a star in the middle of the sky that gives light to us.",
                "The sun is a star in the middle of the sky",
            ),
            (
                "The sun is a very large ball of hot gas around which the planets go.",
                "The sun is a very large ball of hot gas around",
            ),
            (
                "Internationalization of representations is unavoidable here.",
                "Internationalization of representations is unavoidable",
            ),
            ("The sun is hot and bright.", "The sun is hot and bright."),
        ] {
            for chars in 1..9 {
                let mut sentences = Sentences::new(true);
                let letters: Vec<char> = text.chars().collect();
                let tokens = letters
                    .chunks(chars)
                    .map(|token| token.iter().collect::<String>());
                let mut pieces: Vec<String> =
                    tokens.flat_map(|token| sentences.push(&token)).collect();
                pieces.extend(sentences.rest());
                assert_eq!(pieces[0], first, "{chars} a token");
                assert_eq!(pieces.join(" "), text);
            }
        }
    }

    #[test]
    fn a_text_without_any_stop_is_cut_all_the_same() {
        let pieces = cut(&"x".repeat(2_000), 7);
        assert!(pieces.len() > 3, "{}", pieces.len());
        assert_eq!(pieces.concat().len(), 2_000);
    }
}
