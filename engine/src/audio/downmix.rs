//! The downmix to one channel: the mean of the channels, but where that cancels, as with channels in
//! antiphase, the loudest channel. Readers of files use it for the sound itself; for channels that are
//! pushed, the networks hear it, and the frames carry the mean.
//!
//! Energies are leaky means over 20 ms, sample by sample from the utterance's first one, so the result
//! doesn't depend on how the audio is cut. Where the channels don't cancel, it is the mean, bit for bit.

/// Time constant of the energies, in seconds.
const ENERGY_S: f32 = 0.02;
/// Length of the crossfade between the mean and a channel, in seconds.
const CROSSFADE_S: f32 = 0.005;
/// The mean cancels where its energy is below this share of what independent channels would give: 10 dB.
const CANCELLED: f32 = 0.1;
/// A channel takes the place of another where it is louder by this factor in energy: 3 dB.
const LOUDER: f32 = 2.0;
/// Energies below are silence; they would decay into denormal numbers.
const SILENCE: f32 = 1e-20;

/// Mixes interleaved channels down to one, which no phase between them can silence: their mean and,
/// where that is 10 dB below what independent channels would give, the loudest channel.
///
/// Energies are leaky means over 20 ms; between the mean and a channel lies a crossfade of 5 ms. Where
/// the channels don't cancel, the result is their mean, bit for bit. There is no delay.
#[derive(Debug)]
pub struct Downmix {
    energies: Vec<f32>,
    mean_energy: f32,
    loudest: usize,
    /// How much of the loudest channel is heard instead of the mean, in [0, 1].
    weight: f32,
    leak: f32,
    step: f32,
}

impl Downmix {
    /// A downmix of `channels` (at least one) at `rate_hz`, at the beginning of the sound.
    pub fn new(channels: u16, rate_hz: u32) -> Self {
        let rate = rate_hz as f32;
        Self {
            energies: vec![0.0; usize::from(channels.max(1))],
            mean_energy: 0.0,
            loudest: 0,
            weight: 0.0,
            leak: 1.0 / (ENERGY_S * rate),
            step: 1.0 / (CROSSFADE_S * rate),
        }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.energies.len()
    }

    /// Appends the downmix of `interleaved` to `mono`; an incomplete sample frame at its end is left out.
    /// One channel passes unchanged. It doesn't matter how the sound is cut into pieces.
    pub fn push(&mut self, interleaved: &[f32], mono: &mut Vec<f32>) {
        let count = self.channels();
        if count == 1 {
            mono.extend_from_slice(interleaved);
            return;
        }
        mono.extend(interleaved.chunks_exact(count).map(|samples| {
            let mean = samples.iter().sum::<f32>() / count as f32;
            self.next(|channel| samples[channel], mean)
        }));
    }

    /// Takes one sample of each channel, and their mean; gives one of the downmix.
    pub(crate) fn next(&mut self, sample: impl Fn(usize) -> f32, mean: f32) -> f32 {
        let follow = |energy: &mut f32, x: f32| {
            *energy += self.leak * (x * x - *energy);
            if *energy < SILENCE {
                *energy = 0.0;
            }
        };
        let mut sum = 0.0;
        for (channel, energy) in self.energies.iter_mut().enumerate() {
            follow(energy, sample(channel));
            sum += *energy;
        }
        follow(&mut self.mean_energy, mean);
        for (channel, energy) in self.energies.iter().enumerate() {
            if *energy > LOUDER * self.energies[self.loudest] {
                self.loudest = channel;
            }
        }
        let count = self.energies.len() as f32;
        let cancels = self.mean_energy * count * count < CANCELLED * sum;
        let step = if cancels { self.step } else { -self.step };
        self.weight = (self.weight + step).clamp(0.0, 1.0);
        if self.weight == 0.0 {
            return mean;
        }
        mean + self.weight * (sample(self.loudest) - mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 16_000;

    fn tone(i: usize) -> f32 {
        (i as f32 * 0.3).sin() * 0.4
    }

    /// Half a second of channels that are `gains` times a tone: energies of what is heard and of a channel.
    fn heard(gains: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let mut downmix = Downmix::new(u16::try_from(gains.len()).expect("few"), RATE);
        let mean = gains.iter().sum::<f32>() / gains.len() as f32;
        (0..RATE as usize / 2)
            .map(|i| {
                let mean = mean * tone(i);
                (downmix.next(|channel| gains[channel] * tone(i), mean), mean)
            })
            .unzip()
    }

    #[test]
    fn channels_that_do_not_cancel_are_their_mean() {
        for gains in [&[1.0, 1.0][..], &[1.0, 0.0], &[0.5, 0.9, 0.0], &[1.0; 32]] {
            let (heard, mean) = heard(gains);
            assert!(heard == mean, "{gains:?}, bit for bit");
        }
    }

    #[test]
    fn channels_in_antiphase_are_the_loudest_one() {
        for gains in [&[1.0, -1.0][..], &[-0.9, 1.0], &[0.2, -0.2, 0.0, 0.0]] {
            let (heard, _) = heard(gains);
            let loudest = gains
                .iter()
                .fold(0.0, |most: f32, gain| gain.abs().max(most));
            let most = heard[1_000..]
                .iter()
                .fold(0.0, |most: f32, x| x.abs().max(most));
            assert!(
                (most - 0.4 * loudest).abs() < 0.1 * loudest,
                "{gains:?}: {most}"
            );
            let jump = heard
                .windows(2)
                .fold(0.0, |most: f32, pair| (pair[1] - pair[0]).abs().max(most));
            assert!(jump < 0.4 * loudest, "{gains:?}: a jump by {jump}");
        }
    }
}
