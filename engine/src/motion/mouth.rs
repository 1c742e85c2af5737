//! The mouth over time: at rest in silence (noise gate), ramped into speech and out of it.

/// Frames of a ramp.
const RAMP: f32 = 3.0;
/// Frames of the ramp after an interruption. The first frame may come a whole frame's time after it,
/// so a third one would come too late for the promised 120 ms.
pub(crate) const CLOSING: u8 = 2;

/// The mouth of one session, frame by frame.
#[derive(Debug)]
pub(crate) struct Mouth {
    /// The coefficients that show.
    shown: Vec<f32>,
    /// The coefficients that the running ramp started from.
    from: Vec<f32>,
    /// Progress of the ramp, in [0, 1].
    ramp: f32,
    speaking: bool,
    /// Opacity of the patch over the base frame, in [0, 1].
    patch_opacity: f32,
}

impl Mouth {
    /// At rest, for `coefficients` coefficients.
    pub(crate) fn new(coefficients: usize) -> Self {
        Self {
            shown: vec![0.0; coefficients],
            from: vec![0.0; coefficients],
            ramp: 1.0,
            speaking: false,
            patch_opacity: 0.0,
        }
    }

    /// Takes over another mouth of the same coefficients.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.shown.copy_from_slice(&other.shown);
        self.from.copy_from_slice(&other.from);
        (self.ramp, self.speaking, self.patch_opacity) =
            (other.ramp, other.speaking, other.patch_opacity);
    }

    /// Back to rest at once.
    pub(crate) fn reset(&mut self) {
        self.shown.fill(0.0);
        self.speaking = false;
        self.patch_opacity = 0.0;
    }

    /// A frame of speech with these coefficients, scaled by the noise gate's `gate` in (0, 1]. In
    /// silence, even within speech, the mouth [rests](Self::rest).
    pub(crate) fn speak(&mut self, coefficients: &[f32], gate: f32) {
        self.step_ramp(true, RAMP);
        self.patch_opacity = (self.patch_opacity + 1.0 / RAMP).min(1.0);
        for ((shown, &from), &to) in self.shown.iter_mut().zip(&self.from).zip(coefficients) {
            // A network's output is clamped and finite by contract; a broken one must not spread.
            let to = if to.is_finite() {
                to.clamp(0.0, 1.0) * gate
            } else {
                0.0
            };
            *shown = from + (to - from) * self.ramp;
        }
    }

    /// A frame without speech: the mouth closes over three frames, then the patch fades from the
    /// base frame.
    pub(crate) fn rest(&mut self) {
        if !self.speaking && !self.is_closing_by_itself() {
            // The mouth was driven from outside: it closes from there.
            self.from.copy_from_slice(&self.shown);
            self.ramp = 0.0;
        }
        if self.ramp >= 1.0 && !self.speaking {
            self.patch_opacity = (self.patch_opacity - 1.0 / RAMP).max(0.0);
            if self.patch_opacity < 1e-3 {
                self.patch_opacity = 0.0;
            }
        }
        self.close_over(RAMP);
    }

    /// A frame without speech whose coefficients are to be [driven](Self::drive) from outside: the patch
    /// shows as long as they are not zero.
    pub(crate) fn rest_driven(&mut self, driven: &[Option<f32>]) {
        let moves = driven.iter().flatten().any(|&value| value > 0.0);
        let own = self.speaking || self.ramp < 1.0 && self.is_closing_by_itself();
        if moves && !own {
            self.patch_opacity = (self.patch_opacity + 1.0 / RAMP).min(1.0);
        } else {
            self.rest();
        }
    }

    /// Shows coefficients from outside, each in [0, 1], in place of its own.
    pub(crate) fn drive(&mut self, driven: &[Option<f32>]) {
        for (shown, driven) in self.shown.iter_mut().zip(driven) {
            *shown = driven.unwrap_or(*shown);
        }
    }

    /// Whether it shows what its own ramp to rest gives.
    fn is_closing_by_itself(&self) -> bool {
        let left = 1.0 - self.ramp;
        let mut both = self.shown.iter().zip(&self.from);
        both.all(|(&shown, &from)| shown == from * left)
    }

    /// A frame after an interruption: the mouth closes over two.
    pub(crate) fn close(&mut self) {
        if !self.speaking && !self.is_closing_by_itself() {
            self.from.copy_from_slice(&self.shown);
            self.ramp = 0.0;
        }
        self.close_over(CLOSING.into());
    }

    fn close_over(&mut self, frames: f32) {
        self.step_ramp(false, frames);
        for (shown, &from) in self.shown.iter_mut().zip(&self.from) {
            *shown = from * (1.0 - self.ramp);
        }
    }

    fn step_ramp(&mut self, speaking: bool, frames: f32) {
        if self.speaking != speaking {
            self.speaking = speaking;
            self.from.copy_from_slice(&self.shown);
            self.ramp = 0.0;
        }
        let ramp = self.ramp + 1.0 / frames;
        // Thirds do not add up to one in binary.
        self.ramp = if ramp > 0.95 { 1.0 } else { ramp };
    }

    /// The coefficients to show, each in [0, 1].
    pub(crate) fn coefficients(&self) -> &[f32] {
        &self.shown
    }

    /// Opacity of the patch over the base frame, in [0, 1].
    pub(crate) fn patch_opacity(&self) -> f32 {
        self.patch_opacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closes_faster_after_an_interruption() {
        let mut mouth = Mouth::new(1);
        for _ in 0..3 {
            mouth.speak(&[0.9], 1.0);
        }
        let seen = [(); 2].map(|()| {
            mouth.close();
            mouth.coefficients()[0]
        });
        assert!((seen[0] - 0.45).abs() < 1e-6 && seen[1] == 0.0, "{seen:?}");
    }

    #[test]
    fn closes_over_three_frames_then_fades() {
        let mut mouth = Mouth::new(1);
        for _ in 0..3 {
            mouth.speak(&[0.9], 1.0);
        }
        let mut seen = Vec::new();
        for _ in 0..6 {
            mouth.rest();
            seen.push((mouth.coefficients()[0], mouth.patch_opacity()));
        }
        let expected = [
            (0.6, 1.0),
            (0.3, 1.0),
            (0.0, 1.0),
            (0.0, 0.667),
            (0.0, 0.333),
            (0.0, 0.0),
        ];
        for (seen, expected) in seen.iter().zip(expected) {
            assert!(
                (seen.0 - expected.0).abs() < 1e-3,
                "coefficient {seen:?}, not {expected:?}"
            );
            assert!(
                (seen.1 - expected.1).abs() < 1e-3,
                "patch_opacity {seen:?}, not {expected:?}"
            );
        }
    }
}
