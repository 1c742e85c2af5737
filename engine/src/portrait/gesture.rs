//! Gestures: what a face does over some frames, on top of speech and life.

use super::rig::{
    CHEEK_SQUINT, DOWN, FROWN, INNER_UP, LIP_UP, OUTER_UP, Rig, SMILE, SNEER, SQUINT, WIDE,
};
use super::solid::smooth;

/// A gesture's name and its frames.
pub(crate) const GESTURES: [(&str, u32); 12] = [
    ("nod", 34),
    ("shake", 40),
    ("smile", 75),
    ("laugh", 70),
    ("wink", 14),
    ("tilt", 60),
    ("surprised", 55),
    ("think", 75),
    ("sad", 75),
    ("angry", 60),
    ("disgusted", 60),
    ("afraid", 55),
];

/// The rig that gesture `number` adds at a frame of its own.
pub(crate) fn gesture(number: usize, frame: u32) -> Rig {
    let Some(&(name, frames)) = GESTURES.get(number) else {
        return Rig::default();
    };
    let t = frame as f32 / (frames - 1) as f32;
    // Comes and goes without a jump.
    let held = smooth(t, 0.0, 0.22) * (1.0 - smooth(t, 0.72, 1.0));
    let mut rig = Rig::default();
    let face = &mut rig.face;
    match name {
        "nod" => {
            rig.turn[1] = 6.5 * wave(2.0 * t) * (1.0 - 0.45 * t);
            face[INNER_UP] = 0.25 * held;
        }
        "shake" => rig.turn[0] = 6.0 * swing(2.0 * t) * held,
        "smile" => {
            face[SMILE] = 0.75 * held;
            face[CHEEK_SQUINT] = 0.5 * held;
            face[SQUINT] = 0.3 * held;
            rig.turn[2] = 1.2 * held;
        }
        "laugh" => {
            let shaking = 0.5 + 0.5 * wave(5.0 * t);
            rig.mouth[0] = (0.16 + 0.10 * shaking) * held;
            rig.mouth[13] = 0.25 * held;
            rig.talk = held;
            face[SMILE] = 0.85 * held;
            face[CHEEK_SQUINT] = 0.8 * held;
            face[SQUINT] = 0.55 * held;
            rig.turn[1] = (-3.0 + 1.6 * shaking) * held;
            rig.shift[1] = 0.012 * shaking * held;
        }
        "wink" => {
            let shut = smooth(t, 0.0, 0.2) * (1.0 - smooth(t, 0.6, 1.0));
            rig.blink[1] = shut;
            face[CHEEK_SQUINT] = 0.35 * shut;
            face[SMILE] = 0.2 * shut;
        }
        "tilt" => {
            rig.turn[2] = 7.0 * held;
            face[INNER_UP] = 0.2 * held;
        }
        "surprised" => {
            face[INNER_UP] = 0.9 * held;
            face[OUTER_UP] = 0.8 * held;
            face[WIDE] = 0.2 * held;
            rig.mouth[0] = 0.2 * held;
            rig.talk = held;
            rig.turn[1] = -2.5 * held;
        }
        "think" => {
            rig.gaze = [5.0 * held, -4.0 * held];
            rig.turn = [3.0 * held, -2.0 * held, 2.5 * held];
            face[DOWN] = 0.25 * held;
            rig.mouth[11] = 0.25 * held;
        }
        "sad" => {
            face[INNER_UP] = 0.8 * held;
            face[FROWN] = 0.6 * held;
            rig.gaze[1] = 3.0 * held;
            rig.turn[1] = 3.5 * held;
        }
        "angry" => {
            face[DOWN] = 0.85 * held;
            face[SQUINT] = 0.4 * held;
            face[SNEER] = 0.3 * held;
            rig.mouth[11] = 0.3 * held;
            rig.turn[1] = 2.0 * held;
        }
        "disgusted" => {
            face[SNEER] = 0.7 * held;
            face[LIP_UP] = 0.2 * held;
            face[DOWN] = 0.4 * held;
            face[SQUINT] = 0.4 * held;
            rig.turn[0] = -2.5 * held;
        }
        _ => {
            face[INNER_UP] = 0.9 * held;
            face[WIDE] = 0.2 * held;
            face[FROWN] = 0.3 * held;
            rig.mouth[10] = 0.3 * held;
            rig.turn[1] = -2.0 * held;
        }
    }
    rig
}

/// 0 at whole turns, 1 halfway between.
fn wave(turns: f32) -> f32 {
    let t = turns - turns.floor();
    smooth((1.0 - (2.0 * t - 1.0).abs()).max(0.0), 0.0, 1.0)
}

/// To one side and to the other within a turn.
fn swing(turns: f32) -> f32 {
    let t = turns - turns.floor();
    if t < 0.5 {
        wave(2.0 * t)
    } else {
        -wave(2.0 * t - 1.0)
    }
}
