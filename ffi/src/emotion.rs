//! Emotions as C sees them.

use engine::{Emotion, Error};

use crate::boundary::invalid;
use crate::constants::constants;

constants! {
    /// An emotion that a face shows beside its speech. Since ABI 1.4.
    essence_emotion: u32 {
        /// The face as it is. Every avatar can show it.
        ESSENCE_EMOTION_NEUTRAL = 0,
        /// A smile with raised cheeks.
        ESSENCE_EMOTION_JOY = 1,
        /// Inner brows raised, corners of the mouth down, the gaze lowered.
        ESSENCE_EMOTION_SADNESS = 2,
        /// Brows down, eyes narrowed.
        ESSENCE_EMOTION_ANGER = 3,
        /// Brows raised, eyes and lips a little apart.
        ESSENCE_EMOTION_SURPRISE = 4,
        /// Inner brows raised, eyes wider, corners of the mouth drawn apart.
        ESSENCE_EMOTION_FEAR = 5,
        /// The nose wrinkled, the upper lip raised.
        ESSENCE_EMOTION_DISGUST = 6,
    }
}

const EMOTIONS: [(Emotion, essence_emotion); 7] = [
    (Emotion::Neutral, ESSENCE_EMOTION_NEUTRAL),
    (Emotion::Joy, ESSENCE_EMOTION_JOY),
    (Emotion::Sadness, ESSENCE_EMOTION_SADNESS),
    (Emotion::Anger, ESSENCE_EMOTION_ANGER),
    (Emotion::Surprise, ESSENCE_EMOTION_SURPRISE),
    (Emotion::Fear, ESSENCE_EMOTION_FEAR),
    (Emotion::Disgust, ESSENCE_EMOTION_DISGUST),
];

/// Emotions as bits, that of value `n` being `1 << n`.
pub(crate) fn bits(emotions: &[Emotion]) -> u32 {
    let known = EMOTIONS.iter();
    let known = known.filter(|(emotion, _)| emotions.contains(emotion));
    known.fold(0, |bits, (_, value)| bits | 1 << value)
}

/// The emotion of a value.
pub(crate) fn emotion(value: essence_emotion) -> Result<Emotion, Error> {
    let known = EMOTIONS.iter().find(|row| row.1 == value);
    known
        .map(|row| row.0)
        .ok_or_else(|| invalid(format!("{value} is not an essence_emotion")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_emotion_of_the_engine_has_a_value_and_a_bit() {
        for emotion in Emotion::ALL {
            assert!(EMOTIONS.iter().any(|row| row.0 == emotion), "{emotion}");
        }
        assert_eq!(bits(&Emotion::ALL), (1 << EMOTIONS.len()) - 1);
        assert_eq!(bits(&[Emotion::Neutral, Emotion::Fear]), 0b10_0001);
    }
}
