//! The rig of a face in an emotion, on top of speech and life.
//!
//! Which shapes an emotion moves follows Ekman's and Friesen's EMFACS; how far each goes was set by
//! eye on portraits.

use super::rig::{CHEEK_SQUINT, DOWN, FROWN, INNER_UP, OUTER_UP, Rig, SMILE, SNEER, SQUINT, WIDE};
use crate::motion::emotion::{Emotion, Weights};

/// Places of the mouth's coefficients; see `rig::MOUTH`.
const JAW: usize = 0;
const SHRUG_LOWER: usize = 7;
const STRETCH: usize = 10;
const PRESS: usize = 11;

/// Adds emotions by their `weights` to a face that speaks by `speaking`, in [0, 1]. The mouth of a
/// face that speaks belongs to its speech, but for the corners, which go along by half.
pub(crate) fn add(rig: &mut Rig, weights: &Weights, speaking: f32) {
    for (&emotion, &weight) in Emotion::ALL[1..].iter().zip(weights) {
        if weight > 0.0 {
            rig.add(&full(emotion, weight, speaking));
        }
    }
}

fn full(emotion: Emotion, weight: f32, speaking: f32) -> Rig {
    let mut rig = Rig::default();
    let face = &mut rig.face;
    let corners = weight * (1.0 - 0.5 * speaking);
    let silent = weight * (1.0 - speaking);
    match emotion {
        Emotion::Neutral => {}
        Emotion::Joy => {
            face[SMILE] = 0.8 * corners;
            face[CHEEK_SQUINT] = 0.55 * weight;
            face[SQUINT] = 0.3 * weight;
            face[OUTER_UP] = 0.1 * weight;
            rig.turn[1] = -weight;
        }
        Emotion::Sadness => {
            face[INNER_UP] = 0.85 * weight;
            face[FROWN] = 0.75 * corners;
            rig.blink = [0.14 * weight; 2];
            rig.gaze[1] = 2.5 * weight;
            rig.turn[1] = 2.5 * weight;
        }
        Emotion::Anger => {
            face[DOWN] = 0.95 * weight;
            face[SQUINT] = 0.45 * weight;
            face[SNEER] = 0.25 * weight;
            face[FROWN] = 0.2 * corners;
            rig.mouth[PRESS] = 0.35 * silent;
            rig.turn[1] = 1.5 * weight;
        }
        Emotion::Surprise => {
            face[INNER_UP] = 0.9 * weight;
            face[OUTER_UP] = 0.85 * weight;
            face[WIDE] = 0.45 * weight;
            rig.mouth[JAW] = 0.26 * silent;
            rig.talk = silent;
            rig.turn[1] = -2.0 * weight;
        }
        Emotion::Fear => {
            face[INNER_UP] = 0.95 * weight;
            face[OUTER_UP] = 0.3 * weight;
            face[DOWN] = 0.25 * weight;
            face[WIDE] = 0.45 * weight;
            face[FROWN] = 0.25 * corners;
            rig.mouth[JAW] = 0.1 * silent;
            rig.mouth[STRETCH] = 0.6 * silent;
            rig.talk = silent;
            rig.turn[1] = -1.5 * weight;
        }
        Emotion::Disgust => {
            // The wrinkled nose takes the upper lip along, which has to shut.
            face[SNEER] = 0.55 * weight * (1.0 - 0.8 * speaking);
            face[FROWN] = 0.4 * corners;
            rig.mouth[SHRUG_LOWER] = 0.4 * silent;
            face[DOWN] = 0.45 * weight;
            face[SQUINT] = 0.4 * weight;
            rig.turn[0] = -1.5 * weight;
        }
    }
    rig
}
