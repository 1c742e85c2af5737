//! Letters to phonemes, by the program espeak-ng: started, never linked.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use essence::{Error, ErrorKind, Result};

use crate::cancel::Cancel;
use crate::program::{find_program, run_on_text};

/// The program that Piper's and Kokoro's networks learnt their phonemes from.
#[derive(Clone, Debug)]
pub(crate) struct Phonemes {
    path: PathBuf,
    /// The language, such as `en-us`.
    voice: String,
}

impl Phonemes {
    /// The program on `PATH`.
    ///
    /// # Errors
    /// `NotFound`: it isn't installed. `InvalidArgument`: the language is no name.
    pub(crate) fn find(voice: &str) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '_' | '/');
        if voice.is_empty() || voice.starts_with('-') || !voice.chars().all(plain) {
            let message = format!("{voice:?} is no language of espeak-ng's");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let path = find_program("espeak-ng").ok_or_else(|| {
            let message = "voices of Piper and Kokoro need the program espeak-ng, which turns letters into phonemes: \
                           install it (`apt install espeak-ng`), or take Supertonic's (`bithuman pull --local`)";
            Error::new(ErrorKind::NotFound, message)
        })?;
        Ok(Self {
            path,
            voice: voice.to_owned(),
        })
    }

    /// The phonemes of a text in IPA, its punctuation kept.
    pub(crate) fn of(&self, text: &str, cancel: &Cancel) -> Result<String> {
        let clauses = clauses(text);
        // One run for all, which writes a line for each paragraph: starting programs takes time that the
        // first sound waits for.
        let paragraphs: Vec<_> = clauses.iter().map(|&(words, _)| words).collect();
        let mut lines = self.run(&paragraphs, cancel)?;
        if lines.len() != clauses.len() {
            // A paragraph has become several lines, as long ones do.
            let alone = clauses.iter().map(|&(words, _)| {
                let lines = self.run(&[words], cancel)?;
                Ok(lines.join(" "))
            });
            lines = alone.collect::<Result<_>>()?;
        }
        let mut all = String::new();
        for (line, (_, stop)) in lines.iter().zip(&clauses) {
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(line);
            all.extend(stop);
        }
        Ok(all)
    }

    /// The lines of phonemes that the program writes for paragraphs.
    fn run(&self, paragraphs: &[&str], cancel: &Cancel) -> Result<Vec<String>> {
        if paragraphs.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = Command::new(&self.path);
        command.args(["-q", "--ipa", "-v", &self.voice, "--stdin"]);
        command.stdout(Stdio::piped());
        let output = run_on_text(command, &self.path, paragraphs, cancel)?;
        let lines = String::from_utf8_lossy(&output);
        let lines = lines.lines().map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            without_marks(&words.join(" "))
        });
        Ok(lines.filter(|line| !line.is_empty()).collect())
    }
}

/// The text cut at punctuation that is heard, each piece with its mark.
fn clauses(text: &str) -> Vec<(&str, Option<char>)> {
    let mut clauses = Vec::new();
    let mut begin = 0;
    let mut letters = text.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        // 3.14 and 10:30 are words, and so are those before the end of a quotation.
        let ends = letters
            .peek()
            .is_none_or(|&(_, next)| !next.is_alphanumeric());
        if matches!(c, ',' | '.' | '!' | '?' | ';' | ':') && ends {
            clauses.push((text[begin..at].trim(), Some(c)));
            begin = at + c.len_utf8();
        }
    }
    clauses.push((text[begin..].trim(), None));
    clauses.retain(|(words, _)| words.chars().any(char::is_alphanumeric));
    clauses
}

/// Without the marks of a change of language, such as `(en)`.
fn without_marks(phonemes: &str) -> String {
    let mut text = String::with_capacity(phonemes.len());
    let mut inside = false;
    for c in phonemes.chars() {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{clauses, without_marks};

    #[test]
    fn clauses_end_at_marks_that_are_heard() {
        assert_eq!(
            clauses("Well, it is 3.14 at 10:30. \"Yes!\" she said"),
            [
                ("Well", Some(',')),
                ("it is 3.14 at 10:30", Some('.')),
                ("\"Yes", Some('!')),
                ("\" she said", None),
            ]
        );
        assert_eq!(clauses("... !"), []);
        assert_eq!(without_marks("(en)wˈɜːd(de) zaɡt"), "wˈɜːd zaɡt");
    }
}
