//! The session's mouth driven from outside: curves and visemes take the same queue as audio.

use super::Session;
use super::renderer::lock;
use crate::Result;
use crate::drive::{ArkitTable, CurveKeys, Curves, Keys, VisemeEvents, Visemes};
use crate::log::LogLevel;

impl Session {
    /// Takes keyframes of ARKit values for the utterance that is being pushed; they begin one if there is
    /// none. Values between two keyframes are interpolated linearly. A frame shows the values at its own
    /// time: frame `k` of the utterance those at `k / 25` s.
    ///
    /// # What they replace
    /// From a keyframe to the next one, the values that both name replace what the speech network makes;
    /// the others go on coming from the network, or are 0 without sound. Names are turned into the
    /// avatar's coefficients by least squares over its table of ARKit names, within [0, 1]: for a
    /// coefficient that several names share, as left and right of a smile, that is their mean.
    /// [`Frame::arkit`](crate::Frame::arkit) of frames that were spoken, pushed back at `k / 25` s with the same sound, gives the
    /// same frames. Before the first keyframe, behind the last one and where a push without names stands
    /// between, nothing is replaced.
    ///
    /// # With sound
    /// Sound sets the pace: push keyframes before the sound of their time, since a frame takes those that
    /// are there when it is prepared. Before any sound has come, the frames wait for it, and a
    /// [`flush`](Self::flush) says that there is none. An utterance lasts as long as the longer of both.
    ///
    /// # Without sound
    /// [`Curves::without_sound`] makes frames come as the keyframes do, one frame behind them. N
    /// keyframes at `k / 25` s give N frames.
    ///
    /// # Errors
    /// Nothing of the push is taken on an error.
    /// - `InvalidArgument`: an unknown name or one that is there twice, times that don't ascend, negative
    ///   ones, values that are not finite or of another number than names × times.
    /// - `InvalidState`: sound in an utterance without sound, or the reverse.
    /// - `LimitExceeded`: more would wait than the session's queue limits allow.
    ///
    /// # Real time
    /// As [`push_audio`](Self::push_audio), but allocates.
    pub fn push_curves(&self, curves: &Curves<'_>) -> Result<()> {
        let avatar = &self.core.avatar;
        let table = ArkitTable {
            names: &avatar.info.arkit_names,
            weights: &avatar.arkit,
            coefficients: avatar.info.coefficient_names.len(),
        };
        let keys = CurveKeys::new(curves, &table)?;
        if keys.is_empty() {
            return Ok(());
        }
        self.drive(Keys::Curves(keys), curves.without_sound)
    }

    /// Takes visemes or phonemes with their times, as speech engines give them, for the utterance that is
    /// being pushed; they begin one if there is none. Neighbours flow into each other (coarticulation);
    /// lips shut for p, b and m in at least one frame. An utterance with visemes takes its whole mouth
    /// from them: the speech network doesn't run for it. [Curves](Self::push_curves) come on top.
    ///
    /// # Sound
    /// As for [`push_curves`](Self::push_curves): push visemes before the sound of their time, all of them
    /// where they are known. Without sound ([`Visemes::without_sound`]), frames come as soon as the
    /// visemes are known up to 0.4 s ahead, or at the [`flush`](Self::flush); visemes up to `t` seconds
    /// give `ceil(25 t)` frames.
    ///
    /// # Errors
    /// Nothing of the push is taken on an error.
    /// - `InvalidArgument`: a symbol that the set lacks, times that don't ascend or are negative.
    /// - `InvalidState`, `LimitExceeded`: as for [`push_curves`](Self::push_curves).
    ///
    /// # Real time
    /// As [`push_audio`](Self::push_audio), but allocates.
    pub fn push_visemes(&self, visemes: &Visemes<'_>) -> Result<()> {
        let events = VisemeEvents::new(visemes)?;
        if events.is_empty() {
            return Ok(());
        }
        self.drive(Keys::Visemes(events), visemes.without_sound)
    }

    fn drive(&self, keys: Keys, without_sound: bool) -> Result<()> {
        let limits = self.core.limits;
        let begins = lock(&self.core.input).drive(keys, without_sound, limits)?;
        if begins {
            self.core.log(LogLevel::Debug, || {
                "an utterance begins, driven from outside".to_owned()
            });
        }
        self.core.announce();
        self.core.wake_unpaced();
        Ok(())
    }
}
