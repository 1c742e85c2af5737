//! The emotion that a session's face shows.

use engine::Emotion;

use crate::boundary::{export, invalid};
use crate::handle;
use crate::names::constants;
use crate::session::essence_session;
use crate::status::ESSENCE_OK;

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

export! {
    /// Lets the face show an emotion in place of the one before, until another one is asked for. It
    /// comes and goes within 0.7 s, from the next frame that is prepared on;
    /// essence_session_interrupt() leaves it. While the face speaks, the mouth belongs to speech, and
    /// the emotion moves its corners by half as much. Since ABI 1.4.
    ///
    /// `strength`: **0 to 1**.
    ///
    /// Fails with: INVALID_ARGUMENT (no value of essence_emotion, or a strength outside its range),
    /// NOT_FOUND (not one of the avatar's `emotions`; avatars that were filmed have
    /// #ESSENCE_EMOTION_NEUTRAL alone).
    /// Threads: any, concurrently.
    fn essence_session_set_emotion(session: *const essence_session, emotion: essence_emotion, strength: f32) -> essence_status {
        let session = handle::shared(session)?;
        let known = EMOTIONS.iter().find(|row| row.1 == emotion);
        let known = known.ok_or_else(|| invalid(format!("{emotion} is not an essence_emotion")))?.0;
        session.session.set_emotion(known, strength)?;
        Ok(ESSENCE_OK)
    }
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
