//! Emotions: their names, and how a face eases from one to the next.

use crate::{Error, ErrorKind, Result};

/// An emotion that a face shows beside its speech: the six basic ones of Paul Ekman's, and none.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Emotion {
    /// The face as it is. Every avatar can show it.
    #[default]
    Neutral,
    /// A smile with raised cheeks.
    Joy,
    /// Inner brows raised, corners of the mouth down, the gaze lowered.
    Sadness,
    /// Brows down, eyes narrowed.
    Anger,
    /// Brows raised, eyes and lips a little apart.
    Surprise,
    /// Inner brows raised, eyes wider, corners of the mouth drawn apart.
    Fear,
    /// The nose wrinkled, the upper lip raised.
    Disgust,
}

impl Emotion {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Neutral,
        Self::Joy,
        Self::Sadness,
        Self::Anger,
        Self::Surprise,
        Self::Fear,
        Self::Disgust,
    ];

    /// Its name: lower case, English.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Joy => "joy",
            Self::Sadness => "sadness",
            Self::Anger => "anger",
            Self::Surprise => "surprise",
            Self::Fear => "fear",
            Self::Disgust => "disgust",
        }
    }
}

impl std::fmt::Display for Emotion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How far a face shows each emotion but [`Emotion::Neutral`], in [0, 1], in the order of
/// [`Emotion::ALL`].
pub(crate) type Weights = [f32; Emotion::ALL.len() - 1];

/// An emotion and its strength.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mood {
    emotion: Emotion,
    strength: f32,
}

impl Mood {
    /// Checks an emotion that is asked of an avatar that has `emotions`.
    ///
    /// # Errors
    /// - `InvalidArgument`: the strength is not in [0, 1].
    /// - `NotFound`: the avatar can't show it; the message names those that it can.
    pub(crate) fn new(emotion: Emotion, strength: f32, emotions: &[Emotion]) -> Result<Self> {
        if !(0.0..=1.0).contains(&strength) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("an emotion's strength is {strength}; it has to be from 0 to 1"),
            ));
        }
        if !emotions.contains(&emotion) {
            let names: Vec<_> = emotions.iter().map(|emotion| emotion.name()).collect();
            return Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "the avatar can't show the emotion `{emotion}`; it can show {}",
                    names.join(", ")
                ),
            ));
        }
        Ok(Self { emotion, strength })
    }

    fn weights(self) -> Weights {
        let mut weights = Weights::default();
        // Neutral is none of them.
        if let Some(weight) = (self.emotion as usize)
            .checked_sub(1)
            .and_then(|place| weights.get_mut(place))
        {
            *weight = self.strength;
        }
        weights
    }
}

/// Share of the way that each of the two filters goes in a frame: 90 % of a change is there after
/// 17 frames, 0.7 s.
const STEP: f32 = 0.2;
/// Distance below which a change is over.
const SETTLED: f32 = 1e-3;

/// A session's mood on its way, low-passed twice: it sets in and ends without a jerk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Easing {
    mood: Mood,
    first: Weights,
    shown: Weights,
}

impl Easing {
    /// Goes towards `mood` from here on.
    pub(crate) fn set(&mut self, mood: Mood) {
        self.mood = mood;
    }

    /// Moves on by a frame.
    pub(crate) fn step(&mut self) {
        let wanted = self.mood.weights();
        let filters = self.first.iter_mut().zip(&mut self.shown).zip(wanted);
        for ((first, shown), wanted) in filters {
            *first += STEP * (wanted - *first);
            *shown += STEP * (*first - *shown);
            if (wanted - *first).abs().max((wanted - *shown).abs()) < SETTLED {
                (*first, *shown) = (wanted, wanted);
            }
        }
    }

    /// How far each emotion is shown now.
    pub(crate) fn weights(&self) -> &Weights {
        &self.shown
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_emotion_comes_without_a_jerk_and_goes_whole() {
        let mut easing = Easing::default();
        easing.set(Mood::new(Emotion::Joy, 0.8, &Emotion::ALL).unwrap());
        let mut before = 0.0;
        let mut largest = 0.0f32;
        for frame in 1..=60 {
            easing.step();
            let joy = easing.weights()[0];
            assert!(joy >= before, "frame {frame} goes back");
            largest = largest.max(joy - before);
            before = joy;
            match frame {
                1 => assert!(joy < 0.05, "it begins slowly, not with {joy}"),
                17 => assert!(joy > 0.7, "most is there, not {joy}"),
                _ => {}
            }
        }
        assert_eq!(before, 0.8, "it arrives");
        assert!(largest < 0.08, "a step of {largest}");
        easing.set(Mood::default());
        for _ in 0..60 {
            easing.step();
        }
        assert_eq!(*easing.weights(), Weights::default());
    }

    #[test]
    fn one_emotion_gives_way_to_the_next() {
        let mut easing = Easing::default();
        for emotion in Emotion::ALL {
            easing.set(Mood::new(emotion, 1.0, &Emotion::ALL).unwrap());
            for _ in 0..20 {
                easing.step();
                let sum: f32 = easing.weights().iter().sum();
                assert!(sum < 1.001, "{emotion}: {sum} in all");
            }
        }
        assert!(easing.weights()[5] > 0.9, "the last one is disgust");
    }
}
