//! Personas: what an agent is called and how its prompt is read.

use crate::access;

/// Prompts of agents that were given none.
const PROMPTS: [&str; 6] = [
    "You are a friendly AI assistant. You answer in one or two short sentences.",
    "You are a patient language tutor. You speak simply and correct mistakes kindly.",
    "You are a calm concierge of a small hotel. You help guests find what they need.",
    "You are a museum guide with a love of small stories. You keep them short.",
    "You are a cheerful fitness coach. You encourage, and you never push.",
    "You are a thoughtful librarian. You recommend books and say why in a sentence.",
];

/// Words of prompts that describe something other than a photograph of a person.
const UNREAL: [&str; 28] = [
    "alien", "animal", "anime", "bear", "bird", "cartoon", "cat", "comic", "creature", "dinosaur",
    "dog", "dragon", "drawing", "elf", "fox", "lion", "manga", "mascot", "monster", "octopus",
    "owl", "panda", "puppy", "rabbit", "robot", "tiger", "unicorn", "wolf",
];

/// Most words and characters of a name.
const NAME_WORDS: usize = 3;
const NAME_CHARS: usize = 40;

/// A prompt for an agent without one.
pub(crate) fn any_prompt() -> &'static str {
    // Without random numbers the first one does.
    let token = access::token().unwrap_or_default();
    let number = token.bytes().fold(0, |sum, byte| sum + usize::from(byte));
    PROMPTS[number % PROMPTS.len()]
}

/// A name after a prompt: of "You are a friendly fitness coach who …" it is "Friendly Fitness Coach".
pub(crate) fn name_of(prompt: &str) -> String {
    let lower = prompt.to_ascii_lowercase();
    let begin = lower.find("you are ").map_or(0, |at| at + "you are ".len());
    let words = prompt[begin..]
        .split_whitespace()
        .skip_while(|word| matches!(word.to_ascii_lowercase().as_str(), "a" | "an" | "the"));
    let mut name = String::new();
    for word in words.take(NAME_WORDS) {
        let plain: String = word
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == '-')
            .collect();
        let lower = plain.to_lowercase();
        if plain.is_empty()
            || matches!(
                lower.as_str(),
                "who" | "that" | "which" | "with" | "for" | "of"
            )
        {
            break;
        }
        if !name.is_empty() {
            name.push(' ');
        }
        let mut letters = plain.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(letters.as_str());
        if word.ends_with(['.', ',', ';', ':', '!', '?']) {
            break;
        }
    }
    match name.is_empty() {
        true => "Agent".to_owned(),
        false => name.chars().take(NAME_CHARS).collect(),
    }
}

/// Most characters of a prompt that a picture is asked for with.
const PICTURE_CHARS: usize = 600;

/// The description of a face for a prompt. What is asked for is what an avatar needs: all of the head, from the
/// front, the mouth closed and nothing before it.
pub(crate) fn picture_of(prompt: &str) -> String {
    let kind = match is_person(prompt) {
        true => "A photograph of a person",
        false => "An illustration of a character",
    };
    let persona: String = prompt.chars().take(PICTURE_CHARS).collect();
    format!(
        "{kind}, head and shoulders, looking straight into the camera, the mouth closed, the eyes open, nothing in front \
         of the face, even light, a plain background. The persona, of which no text appears in the picture: {persona}"
    )
}

/// Whether a prompt describes a person, as far as its words say.
pub(crate) fn is_person(prompt: &str) -> bool {
    let lower = prompt.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    !words.any(|word| UNREAL.contains(&word.strip_suffix('s').unwrap_or(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_prompts() {
        for (prompt, name) in [
            (
                "You are a friendly fitness coach who motivates users.",
                "Friendly Fitness Coach",
            ),
            ("you are an art critic. You analyse.", "Art Critic"),
            ("Be nice", "Be Nice"),
            ("You are Alex, the host.", "Alex"),
            ("", "Agent"),
            ("…", "Agent"),
        ] {
            assert_eq!(name_of(prompt), name, "{prompt}");
        }
    }

    #[test]
    fn creatures_are_no_persons() {
        assert!(is_person("You are a friendly coach for category theory"));
        assert!(!is_person("You are a wise cartoon owl"));
        assert!(!is_person("Two robots!"));
    }
}
