//! Moves a voice's pitch, pace and brightness.
//!
//! Pace is changed by overlapping pieces of the sound where they fit best (WSOLA: Verhelst and Roelands,
//! 1993), pitch by that and playing faster or slower, which moves the formants along: a lower voice is
//! one of a larger throat.

/// Milliseconds of a piece, of which half overlaps the next, and of the search for where it fits.
const PIECE_MS: u32 = 30;
const SEARCH_MS: u32 = 10;

/// Voices' pitches in Hz that are looked for.
const PITCH_HZ: std::ops::Range<f32> = 70.0..320.0;

/// Ratios by which a voice may be moved and still sound like one.
const PITCH_RATIO: std::ops::RangeInclusive<f32> = 0.6..=1.7;
const TEMPO: std::ops::RangeInclusive<f32> = 0.4..=2.6;

/// Ratios within which nothing is changed.
const SAME: f32 = 0.03;

/// The frequency from which on brightness counts, Hz.
const BRIGHT_HZ: f32 = 2_000.0;

/// The target that a voice is moved to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    pub(crate) pitch: Pitch,
    /// Times as fast.
    pub(crate) tempo: f32,
    /// −1 to 1.
    pub(crate) brightness: f32,
}

/// The pitch that a voice is moved to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pitch {
    /// Hz.
    To(f32),
    /// Times as high.
    By(f32),
}

/// The sound as it is asked for.
pub(crate) fn tuned(samples: &[f32], rate_hz: u32, tuning: &Tuning) -> Vec<f32> {
    let pitch = match tuning.pitch {
        Pitch::To(hz) => pitch_of(samples, rate_hz).map_or(1.0, |own| hz / own),
        Pitch::By(ratio) => ratio,
    };
    let pitch = clamped(pitch, PITCH_RATIO);
    let tempo = clamped(tuning.tempo, TEMPO);
    // Playing faster shortens; the pieces make up for it.
    let stretch = pitch / tempo;
    let mut sound = match (stretch - 1.0).abs() < SAME {
        true => samples.to_vec(),
        false => stretched(samples, rate_hz, stretch),
    };
    if (pitch - 1.0).abs() >= SAME {
        sound = resampled(&sound, pitch);
    }
    if tuning.brightness != 0.0 {
        brighten(&mut sound, rate_hz, tuning.brightness);
    }
    sound
}

fn clamped(value: f32, range: std::ops::RangeInclusive<f32>) -> f32 {
    match value.is_finite() {
        true => value.clamp(*range.start(), *range.end()),
        false => 1.0,
    }
}

/// The median pitch of the voiced parts of a sound, in Hz.
fn pitch_of(samples: &[f32], rate_hz: u32) -> Option<f32> {
    let rate = rate_hz as f32;
    // At about 8 kHz there is all that pitch needs.
    let step = (rate_hz / 8_000).max(1) as usize;
    let thin: Vec<f32> = samples
        .chunks_exact(step)
        .map(|block| block.iter().sum::<f32>() / step as f32)
        .collect();
    let rate = rate / step as f32;
    let (shortest, longest) = (
        (rate / PITCH_HZ.end) as usize,
        (rate / PITCH_HZ.start) as usize,
    );
    let mut found = Vec::new();
    for block in thin.chunks_exact(3 * longest.max(1)) {
        let power: f32 = block.iter().map(|x| x * x).sum();
        if power / (block.len() as f32) < 1e-4 {
            continue;
        }
        let similarity = |lag: usize| {
            let pairs = block.iter().zip(&block[lag..]);
            let (mut product, mut a, mut b) = (0.0, 1e-9, 1e-9);
            for (x, y) in pairs {
                product += x * y;
                a += x * x;
                b += y * y;
            }
            product / f32::sqrt(a * b)
        };
        let lags: Vec<f32> = (shortest..=longest).map(similarity).collect();
        let best = lags.iter().copied().fold(0.0, f32::max);
        // The shortest period that is nearly as good: the others are its multiples.
        let first = lags.iter().position(|&s| s > 0.9 * best);
        if let Some(first) = first.filter(|_| best > 0.6) {
            let mut peak = first;
            while peak + 1 < lags.len() && lags[peak + 1] > lags[peak] {
                peak += 1;
            }
            found.push(rate / (shortest + peak) as f32);
        }
    }
    found.sort_by(f32::total_cmp);
    found.get(found.len() / 2).copied()
}

/// The sound `stretch` times as long, at the same pitch.
fn stretched(samples: &[f32], rate_hz: u32, stretch: f32) -> Vec<f32> {
    let piece = (rate_hz * PIECE_MS / 1_000) as usize;
    let (hop, search) = (piece / 2, (rate_hz * SEARCH_MS / 1_000) as usize);
    if hop == 0 || samples.len() < piece + 2 * search {
        return samples.to_vec();
    }
    let window: Vec<f32> = (0..piece)
        .map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / piece as f32).cos())
        .collect();
    let length = (samples.len() as f32 * stretch) as usize;
    let mut out = vec![0.0; length + piece];
    // The place at which the piece before would go on by itself.
    let mut follows = 0usize;
    let last = samples.len() - piece;
    for at in (0..length).step_by(hop) {
        let wanted = (at as f32 / stretch) as usize;
        if wanted > last {
            break;
        }
        let begin = match at {
            0 => 0,
            _ => {
                let from = wanted.saturating_sub(search);
                let to = (wanted + search).min(last);
                let target = &samples[follows.min(last)..];
                (from..=to)
                    .step_by(2)
                    .max_by(|&a, &b| {
                        let fit = |at: usize| -> f32 {
                            let pairs = samples[at..at + hop].iter().zip(target).step_by(2);
                            pairs.map(|(x, y)| x * y).sum()
                        };
                        fit(a).total_cmp(&fit(b))
                    })
                    .unwrap_or(wanted)
            }
        };
        for ((out, sample), weight) in out[at..].iter_mut().zip(&samples[begin..]).zip(&window) {
            *out += sample * weight;
        }
        follows = begin + hop;
    }
    out.truncate(length);
    out
}

/// The sound played `ratio` times as fast.
fn resampled(samples: &[f32], ratio: f32) -> Vec<f32> {
    let length = (samples.len() as f32 / ratio) as usize;
    (0..length)
        .map(|i| {
            let at = i as f32 * ratio;
            let (whole, part) = (at as usize, at.fract());
            let sample = |i: usize| samples.get(i).copied().unwrap_or(0.0);
            sample(whole) * (1.0 - part) + sample(whole + 1) * part
        })
        .collect()
}

/// Raises or lowers what is above [`BRIGHT_HZ`].
fn brighten(samples: &mut [f32], rate_hz: u32, amount: f32) {
    let pole = (-std::f32::consts::TAU * BRIGHT_HZ / rate_hz as f32).exp();
    let mut low = 0.0;
    for sample in samples {
        low = *sample + pole * (low - *sample);
        *sample = (*sample + 2.0 * amount * (*sample - low)).clamp(-1.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 16_000;

    /// A second of a voice-like tone.
    fn tone(hz: f32) -> Vec<f32> {
        let sample = |i: u32| {
            let phase = std::f32::consts::TAU * hz * i as f32 / RATE as f32;
            0.3 * phase.sin() + 0.15 * (2.0 * phase).sin() + 0.1 * (3.0 * phase).sin()
        };
        (0..RATE).map(sample).collect()
    }

    #[test]
    fn pitch_is_found_and_moved() {
        let own = tone(200.0);
        let found = pitch_of(&own, RATE).unwrap_or(0.0);
        assert!((found - 200.0).abs() < 6.0, "{found}");
        let tuning = Tuning {
            pitch: Pitch::To(140.0),
            tempo: 1.0,
            brightness: 0.0,
        };
        let lower = tuned(&own, RATE, &tuning);
        let found = pitch_of(&lower, RATE).unwrap_or(0.0);
        assert!((found - 140.0).abs() < 6.0, "{found}");
        let seconds = lower.len() as f32 / RATE as f32;
        assert!((seconds - 1.0).abs() < 0.05, "{seconds}");
    }

    #[test]
    fn pace_keeps_the_pitch() {
        let tuning = Tuning {
            pitch: Pitch::By(1.0),
            tempo: 1.5,
            brightness: 0.0,
        };
        let faster = tuned(&tone(150.0), RATE, &tuning);
        let seconds = faster.len() as f32 / RATE as f32;
        assert!((seconds - 2.0 / 3.0).abs() < 0.05, "{seconds}");
        let found = pitch_of(&faster, RATE).unwrap_or(0.0);
        assert!((found - 150.0).abs() < 6.0, "{found}");
    }

    #[test]
    fn nonsense_is_survived() {
        let tuning = Tuning {
            pitch: Pitch::To(f32::NAN),
            tempo: f32::INFINITY,
            brightness: 1.0,
        };
        for samples in [&[][..], &[0.5], &[f32::NAN; 4_000]] {
            let out = tuned(samples, RATE, &tuning);
            assert!(out.len() <= samples.len());
        }
    }
}
