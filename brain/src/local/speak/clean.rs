//! Text as it is spoken: without signs that are there for the eye.

/// The text without markdown, emoji, addresses and control characters.
pub(crate) fn speakable(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.starts_with("http://") || bare.starts_with("https://") {
            continue;
        }
        let kept: String = word.chars().filter(|&c| !is_sign(c)).collect();
        // A rest of `**` or `1.` at the head of a list's item is nothing to say, but a dash is.
        if kept
            .chars()
            .any(|c| c.is_alphanumeric() || matches!(c, '&' | '%' | '+' | '=' | '–' | '—' | '-'))
        {
            words.push(kept);
        } else if let (Some(last), false) = (words.last_mut(), kept.is_empty()) {
            last.push_str(&kept);
        }
    }
    let text = words.join(" ");
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—'));
    match text.chars().any(char::is_alphanumeric) {
        true => text.to_owned(),
        false => String::new(),
    }
}

/// Signs of markdown, pictures, and what selects or joins pictures.
fn is_sign(c: char) -> bool {
    matches!(
        c,
        '*' | '#' | '`' | '~' | '|' | '<' | '>' | '_' | '\\' | '^' | '[' | ']' | '{' | '}'
    ) || matches!(c as u32, 0x200b..=0x200f | 0x2190..=0x21ff | 0x2300..=0x27bf | 0x2900..=0x297f | 0x2b00..=0x2bff | 0xfe00..=0xfe0f
            | 0x1f000..=0x1faff | 0xe0000..=0xe007f)
        || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::speakable;

    #[test]
    fn signs_for_the_eye_are_not_spoken() {
        for (text, spoken) in [
            ("**Hello**, _you_!", "Hello, you!"),
            ("# Title\n\n- one\n- two", "Title - one - two"),
            ("Nice 🙂👍 day ❤️.", "Nice day."),
            ("See https://example.org/a?b (or not).", "See (or not)."),
            ("`code` ~~no~~ a_b", "code no ab"),
            ("5 + 3 = 8, 50% & more – yes", "5 + 3 = 8, 50% & more – yes"),
            ("— well", "well"),
            ("🙂", ""),
            ("...", ""),
            ("\u{0}\u{7}a\u{200d}b", "ab"),
        ] {
            assert_eq!(speakable(text), spoken, "{text:?}");
        }
    }
}
