//! Idle animation: blinks, gaze, breath, sway, and nods and brows with the voice's stress.
//!
//! All of it follows from a seed and the number of the tick, so that the same conversation gives the
//! same frames. Sway is value noise in four octaves whose strength falls with their frequency, like
//! the slow noise of people who sit still.

use super::rig::Rig;
use super::solid::smooth;

/// Ticks of a blink: shut in two, open in four.
const BLINK: [f32; 7] = [0.45, 0.93, 1.0, 0.8, 0.5, 0.22, 0.06];
/// Least and most ticks from one blink to the next: 1.8 to 6 s.
const BLINK_PAUSE: [u64; 2] = [45, 150];
/// Ticks of one gaze: 0.7 to 3.4 s.
const GAZE_PAUSE: [u64; 2] = [18, 85];
/// Ticks over which life comes up from the picture's stillness.
const WAKING: f32 = 40.0;
/// How far each of the stress's filters goes to its input in a tick.
const FOLLOWS: f32 = 0.5;
/// Root mean square of samples below which a tick counts as silent.
const SILENT: f32 = 0.003;

/// The state of a session's idle animation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    tick: u64,
    speaking: f32,
    was_talking: bool,
    /// Slow mean of the voice's level.
    mean: f32,
    /// The voice's stress through three low-pass filters in series: the head follows the last one, so that
    /// it gathers speed instead of starting at it in the frame in which the mouth opens.
    stress: [f32; 3],
    /// The stress that the brows follow.
    brows: f32,
    blink_from: u64,
    next_blink: u64,
    gaze_from: [f32; 2],
    gaze_to: [f32; 2],
    gaze_at: u64,
    next_gaze: u64,
}

impl Life {
    /// Moves on by a tick with a voice of this root mean square in it.
    pub(crate) fn step(&mut self, talking: bool, level: f32) {
        self.tick += 1;
        let talks = if talking { 1.0 } else { 0.0 };
        self.speaking += (talks - self.speaking) * if talking { 0.2 } else { 0.06 };
        self.hear(level);
        if self.next_blink == 0 {
            self.next_blink = 30 + self.between(1, [0, 40]);
        }
        // A sentence's end is when people blink.
        let ended = self.was_talking && !talking && self.tick > self.blink_from + 25;
        self.was_talking = talking;
        if self.tick >= self.next_blink || ended {
            self.blink_from = self.tick;
            self.next_blink = self.tick + self.between(2, BLINK_PAUSE);
        }
        if self.tick >= self.next_gaze {
            self.gaze_from = self.gaze_to;
            // Mostly near the viewer's eyes; now and then aside while speaking.
            let far = if self.random(3) < 0.18 + 0.2 * self.speaking {
                4.0
            } else {
                1.1
            };
            self.gaze_to = [
                far * (2.0 * self.random(4) - 1.0),
                0.5 * far * (2.0 * self.random(5) - 1.0),
            ];
            self.gaze_at = self.tick;
            self.next_gaze = self.tick + self.between(6, GAZE_PAUSE);
        }
    }

    /// Stress is how far the voice stands above its own mean.
    fn hear(&mut self, level: f32) {
        let silent = level < SILENT;
        if !silent {
            self.mean += (level - self.mean) * if self.mean == 0.0 { 1.0 } else { 0.02 };
        }
        let stress = if silent || self.mean <= 0.0 {
            0.0
        } else {
            (level / self.mean - 0.75).clamp(0.0, 1.6)
        };
        let mut input = stress;
        for filter in &mut self.stress {
            *filter += (input - *filter) * FOLLOWS;
            input = *filter;
        }
        self.brows += (input - self.brows) * 0.12;
    }

    /// The rig of the present tick.
    pub(crate) fn rig(&self) -> Rig {
        let mut rig = Rig::default();
        let awake = smooth(self.tick as f32, 0.0, WAKING);
        // Stiller in listening than in speech.
        let sway = awake * (0.55 + 0.45 * self.speaking);
        rig.turn = [
            sway * 3.2 * self.noise(11),
            sway * 2.0 * self.noise(12),
            sway * 1.9 * self.noise(13),
        ];
        rig.shift = [sway * 0.030 * self.noise(14), sway * 0.016 * self.noise(15)];
        let breath = self.tick as f32 / 96.0;
        let breath = breath - breath.floor();
        rig.shift[1] -= awake * 0.008 * smooth(1.0 - (2.0 * breath - 1.0).abs(), 0.0, 1.0);
        let [.., nod] = self.stress;
        rig.turn[1] += awake * 2.8 * nod;
        rig.turn[0] += awake * 1.2 * nod * self.noise(16);
        rig.face[0] = awake * (0.30 * self.brows + 0.10 * (self.noise(17)).max(0.0)).min(0.6);
        rig.face[1] = awake * (0.22 * self.brows).min(0.5);
        let since = self.tick.saturating_sub(self.blink_from);
        if self.blink_from > 0
            && let Some(&shut) = BLINK.get(since as usize)
        {
            rig.blink = [shut; 2];
        }
        // A saccade takes two ticks.
        let way = ((self.tick - self.gaze_at) as f32 / 2.0).min(1.0);
        for (axis, gaze) in rig.gaze.iter_mut().enumerate() {
            let (from, to) = (self.gaze_from[axis], self.gaze_to[axis]);
            // Eyes stay on the viewer while the head turns a little.
            let held = if axis == 0 {
                -0.5 * rig.turn[0]
            } else {
                -0.35 * rig.turn[1]
            };
            *gaze = awake * (from + way * (to - from) + held);
        }
        rig
    }

    /// Slow noise of one channel, in about [-1, 1].
    fn noise(&self, channel: u64) -> f32 {
        let mut sum = 0.0;
        for (octave, (period, weight)) in [(210, 0.55), (97, 0.28), (43, 0.12), (19, 0.05)]
            .into_iter()
            .enumerate()
        {
            let channel = channel * 8 + octave as u64;
            let (cell, part) = (
                self.tick / period,
                (self.tick % period) as f32 / period as f32,
            );
            let at = |cell: u64| 2.0 * unit(hash(channel, cell)) - 1.0;
            let (from, to) = (at(cell), at(cell + 1));
            sum += weight * (from + smooth(part, 0.0, 1.0) * (to - from));
        }
        1.6 * sum
    }

    fn random(&self, channel: u64) -> f32 {
        unit(hash(channel, self.tick))
    }

    fn between(&self, channel: u64, [least, most]: [u64; 2]) -> u64 {
        least + hash(channel, self.tick) % (most - least)
    }
}

/// A number that looks random, the same for the same place (`SplitMix64`'s finaliser).
fn hash(channel: u64, at: u64) -> u64 {
    let mut x = channel.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(at);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

fn unit(hash: u64) -> f32 {
    (hash >> 40) as f32 / 16_777_216.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nod_gathers_speed() {
        let (mut even, mut loud) = (Life::default(), Life::default());
        for _ in 0..100 {
            even.step(true, 0.02);
            loud.step(true, 0.02);
        }
        let mut nod = vec![0.0];
        for _ in 0..6 {
            even.step(true, 0.02);
            loud.step(true, 0.06);
            nod.push(loud.rig().turn[1] - even.rig().turn[1]);
        }
        let steps: Vec<f32> = nod.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let largest = steps.iter().copied().fold(0.0, f32::max);
        assert!(largest > 0.1, "no nod: {steps:?} degrees a tick");
        assert!(
            steps[0] < 0.75 * largest,
            "starts at full speed: {steps:?} degrees a tick"
        );
    }
}
