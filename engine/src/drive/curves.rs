//! ARKit curves: keyframes by name, and the avatar's coefficients that they mean.

use std::collections::VecDeque;

use super::{invalid, nanoseconds};
use crate::Result;

/// Keyframes of ARKit blendshape values, for [`Session::push_curves`](crate::Session::push_curves).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Curves<'a> {
    /// ARKit's names, each one of [`AvatarInfo::arkit_names`](crate::AvatarInfo::arkit_names) and none
    /// twice. With none, the keyframes end the span in which the ones before drive the mouth.
    pub names: &'a [&'a str],
    /// The keyframes' times in seconds from the utterance's start, **ascending**.
    pub times_s: &'a [f64],
    /// `[times, names]`, row-major: a value for each name and time, clamped to **[0, 1]**.
    pub values: &'a [f32],
    /// Passes over names that the avatar lacks instead of refusing them: a tracker gives 52 names, a
    /// filmed avatar has those of the mouth.
    pub ignore_unknown: bool,
    /// No sound comes with this utterance: its frames come as soon as keyframes reach behind them.
    pub without_sound: bool,
}

impl<'a> Curves<'a> {
    /// Keyframes at `times_s`, with sound or before a flush.
    pub fn new(names: &'a [&'a str], times_s: &'a [f64], values: &'a [f32]) -> Self {
        Self {
            names,
            times_s,
            values,
            ignore_unknown: false,
            without_sound: false,
        }
    }

    /// The same, passing over unknown names.
    #[must_use]
    pub fn ignore_unknown(mut self, ignore: bool) -> Self {
        self.ignore_unknown = ignore;
        self
    }

    /// The same without sound.
    #[must_use]
    pub fn without_sound(mut self, without: bool) -> Self {
        self.without_sound = without;
        self
    }
}

/// Keyframes in an avatar's coefficients.
#[derive(Debug)]
pub(crate) struct CurveKeys {
    times: Vec<u64>,
    /// `[times, coefficients]`; NaN for what isn't driven.
    rows: Vec<f32>,
}

/// The avatar's coefficients behind the names of curves.
pub(crate) struct ArkitTable<'a> {
    /// Names, in the order of `weights`.
    pub(crate) names: &'a [String],
    /// Each name's weights of the coefficients.
    pub(crate) weights: &'a [Vec<f32>],
    pub(crate) coefficients: usize,
}

/// Rounds in which the least squares are solved at most. Where each name is one coefficient's, the first
/// is exact and the second changes nothing.
const ROUNDS: usize = 32;

impl CurveKeys {
    /// # Errors
    /// `InvalidArgument`: a name is unknown or there twice, times don't ascend, values are too few, too
    /// many or not finite.
    pub(crate) fn new(curves: &Curves<'_>, table: &ArkitTable<'_>) -> Result<Self> {
        let Curves {
            names,
            times_s,
            values,
            ..
        } = *curves;
        if names.len().checked_mul(times_s.len()) != Some(values.len()) {
            return Err(invalid(format!(
                "{} values; {} names at {} times have a value each",
                values.len(),
                names.len(),
                times_s.len()
            )));
        }
        let rows = find(names, curves.ignore_unknown, table)?;
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(invalid(format!(
                "the value of `{}` at {} s is not finite",
                names[index % names.len()],
                times_s[index / names.len()]
            )));
        }
        let mut keys = Self {
            times: Vec::with_capacity(times_s.len()),
            rows: Vec::with_capacity(times_s.len() * table.coefficients),
        };
        for &time in times_s {
            let time_ns = nanoseconds(time, "the time of a keyframe")?;
            if let Some(&before) = keys.times.last().filter(|&&before| before >= time_ns) {
                return Err(not_ascending(before, time_ns));
            }
            keys.times.push(time_ns);
        }
        let width = names.len().max(1);
        for key in 0..times_s.len() {
            let named = values.get(key * width..(key + 1) * width).unwrap_or(&[]);
            keys.rows.extend(solve(&rows, named, table));
        }
        Ok(keys)
    }

    pub(super) fn bytes(&self) -> usize {
        self.times.len() * size_of::<u64>() + self.rows.len() * size_of::<f32>()
    }

    pub(super) fn end_ns(&self) -> u64 {
        self.times.last().map_or(0, |last| last + 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

/// The rows of the table that `names` mean; None for a name that is passed over.
fn find(names: &[&str], ignore: bool, table: &ArkitTable<'_>) -> Result<Vec<Option<usize>>> {
    let mut rows: Vec<Option<usize>> = Vec::with_capacity(names.len());
    for name in names {
        let row = table.names.iter().position(|known| known == name);
        if row.is_none() && !ignore {
            return Err(invalid(format!(
                "the avatar has no ARKit value `{name}`; it has {}",
                table.names.join(", ")
            )));
        }
        if row.is_some() && rows.contains(&row) {
            return Err(invalid(format!("`{name}` is named twice")));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The coefficients in [0, 1] whose ARKit values come nearest to `values` (least squares, by coordinate
/// descent); NaN for those that no name depends on. A coefficient with several names of its own is their
/// mean, as of left and right.
fn solve(rows: &[Option<usize>], values: &[f32], table: &ArkitTable<'_>) -> Vec<f32> {
    let named = || {
        let pairs = rows.iter().zip(values);
        pairs.filter_map(|(row, value)| Some((&table.weights[(*row)?], value.clamp(0.0, 1.0))))
    };
    let mut solution = vec![f32::NAN; table.coefficients];
    let is_driven = |index: usize| named().any(|(weights, _)| weights[index] != 0.0);
    for (index, value) in solution.iter_mut().enumerate() {
        if is_driven(index) {
            *value = 0.0;
        }
    }
    for _ in 0..ROUNDS {
        let mut changed = false;
        for index in 0..table.coefficients {
            if solution[index].is_nan() {
                continue;
            }
            let (mut sum, mut norm) = (0.0, 0.0);
            for (weights, value) in named() {
                let others: f32 = (0..table.coefficients)
                    .filter(|&other| other != index && weights[other] != 0.0)
                    .map(|other| weights[other] * solution[other])
                    .sum();
                sum += weights[index] * (value - others);
                norm += weights[index] * weights[index];
            }
            let value = (sum / norm).clamp(0.0, 1.0);
            // Denormal weights can leave nothing to divide by.
            let value = if value.is_finite() { value } else { 0.0 };
            changed |= value != solution[index];
            solution[index] = value;
        }
        if !changed {
            break;
        }
    }
    solution
}

#[cold]
fn not_ascending(before_ns: u64, time_ns: u64) -> crate::Error {
    invalid(format!(
        "a keyframe at {} s comes after one at {} s; times ascend throughout an utterance",
        time_ns as f64 / 1e9,
        before_ns as f64 / 1e9
    ))
}

/// The keyframes of an utterance.
#[derive(Debug, Default)]
pub(super) struct Keyframes {
    times: VecDeque<u64>,
    rows: VecDeque<f32>,
    end_ns: u64,
}

impl Keyframes {
    pub(super) fn check(&self, keys: &CurveKeys) -> Result<()> {
        match keys.times.first() {
            Some(&first) if first < self.end_ns => Err(not_ascending(self.end_ns - 1, first)),
            _ => Ok(()),
        }
    }

    pub(super) fn push(&mut self, keys: CurveKeys) {
        self.end_ns = self.end_ns.max(keys.end_ns());
        self.times.extend(keys.times);
        self.rows.extend(keys.rows);
    }

    /// Just behind the last keyframe, which is still shown.
    pub(super) fn end_ns(&self) -> u64 {
        self.end_ns
    }

    pub(super) fn bytes(&self) -> usize {
        self.times.len() * size_of::<u64>() + self.rows.len() * size_of::<f32>()
    }

    /// Drives the coefficients that both keyframes around `time` name, linearly from one to the other.
    pub(super) fn sample(&self, time: u64, driven: &mut [Option<f32>]) {
        let Some(before) = self
            .times
            .partition_point(|&key| key <= time)
            .checked_sub(1)
        else {
            return;
        };
        let width = driven.len();
        let (from_ns, until_ns) = (self.times[before], self.times.get(before + 1));
        for (index, driven) in driven.iter_mut().enumerate() {
            let from = self.rows[before * width + index];
            let value = match until_ns {
                _ if from_ns == time => from,
                Some(until_ns) => {
                    let part = (time - from_ns) as f32 / (until_ns - from_ns) as f32;
                    let until = self.rows[(before + 1) * width + index];
                    from + (until - from) * part
                }
                None => f32::NAN,
            };
            if !value.is_nan() {
                *driven = Some(value);
            }
        }
    }

    pub(super) fn discard_before(&mut self, time: u64) {
        let done = self
            .times
            .partition_point(|&key| key <= time)
            .saturating_sub(1);
        let width = self.rows.len().checked_div(self.times.len()).unwrap_or(0);
        self.times.drain(..done);
        self.rows.drain(..done * width);
    }
}
