//! Visemes: what is said and when, and the mouth's movement that comes of it (coarticulation).
//!
//! As in the studio's curves for training (`studio/essence_studio/speech/targets.py`), jaw and lips are a
//! blend of the neighbouring phones' shapes, weighted by dominance functions (Cohen and Massaro 1993):
//! each phone pulls most in its middle and less the further away in time. What must happen whatever the
//! neighbours do are gestures on top: lips that shut for p, b and m, the lower lip under the teeth for f
//! and v, the tip of the tongue. In pauses of 200 ms and more the mouth comes to rest.
//!
//! Two things differ from the studio's. Frames are looked up in the middle of their sound, with a reach of
//! [`SEEN`] ahead, so that a frame depends on what is known by then. And the gate at speech's ends opens
//! before it and shuts behind it, so that a closure of 50 ms is complete in a frame of 40 ms even there.

use std::collections::VecDeque;

use super::shapes::{self, Entry, LIPS, PAUSE, Shape};
use super::symbols::{Phones, VisemeSet};
use super::{FRAME_NS, invalid, nanoseconds};
use crate::{Result, nearest};

/// Seconds ahead of a frame's middle at which phones begin that shape it.
const SEEN: f32 = 0.2;
/// Seconds ahead up to which times are regarded: a pause that is seen and longer than [`REST`] is one.
const KNOWN: f32 = SEEN + REST;
/// Seconds behind, after which nothing of a phone is left.
const BEHIND: f32 = 0.4;
/// Pauses of so many seconds come to rest.
const REST: f32 = 0.2;
/// Length in seconds of a last viseme without an end.
const LAST: f64 = 0.12;
/// Seconds for which the pull of a phone goes beyond its middle part: lips anticipate further.
const JAW_REACH: f32 = 0.045;
const LIP_REACH: f32 = 0.065;
/// Least length of a closure in seconds: longer than a frame, so that one shows it complete.
const CLOSURE: f32 = 0.05;

/// A viseme or phoneme of a speech engine.
#[derive(Clone, Copy, Debug)]
pub struct Viseme<'a> {
    /// Its name in the set, such as `PP`, `AH0` or `21`.
    pub symbol: &'a str,
    /// When it begins, in seconds from the utterance's start.
    pub start_s: f64,
    /// When it ends; None: when the next one begins, or 120 ms after its start if it is the last one.
    pub end_s: Option<f64>,
}

/// Visemes in time, for [`Session::push_visemes`](crate::Session::push_visemes).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Visemes<'a> {
    /// Whose names they have.
    pub set: VisemeSet,
    /// The visemes, by **ascending** start, none beginning before the one before it ends.
    pub visemes: &'a [Viseme<'a>],
    /// Takes symbols that the set lacks as a part of the viseme before instead of refusing them.
    pub ignore_unknown: bool,
    /// No sound comes with this utterance: its frames come as soon as the visemes are known up to 0.4 s
    /// ahead.
    pub without_sound: bool,
}

impl<'a> Visemes<'a> {
    /// Visemes with sound or before a flush.
    pub fn new(set: VisemeSet, visemes: &'a [Viseme<'a>]) -> Self {
        Self {
            set,
            visemes,
            ignore_unknown: false,
            without_sound: false,
        }
    }

    /// The same, passing over unknown symbols.
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

/// A viseme as phones.
#[derive(Debug)]
struct Event {
    start_ns: u64,
    end_ns: Option<u64>,
    phones: Phones,
}

/// Visemes that were checked.
#[derive(Debug)]
pub(crate) struct VisemeEvents(Vec<Event>);

impl VisemeEvents {
    /// # Errors
    /// `InvalidArgument`: the set lacks a symbol, or times don't ascend.
    pub(crate) fn new(visemes: &Visemes<'_>) -> Result<Self> {
        let mut events: Vec<Event> = Vec::with_capacity(visemes.visemes.len());
        for viseme in visemes.visemes {
            let start_ns = nanoseconds(viseme.start_s, "the start of a viseme")?;
            let end = viseme
                .end_s
                .map(|end| nanoseconds(end, "the end of a viseme"));
            let end_ns = end.transpose()?;
            let symbol = viseme.symbol;
            if end_ns.is_some_and(|end_ns| end_ns < start_ns) {
                return Err(invalid(format!(
                    "the viseme `{symbol}` ends before it begins"
                )));
            }
            if let Some(last) = events.last() {
                last.check_next(start_ns)?;
            }
            let phones = match visemes.set.phones(symbol) {
                Some(phones) => phones,
                None if visemes.ignore_unknown => Phones::new(),
                None => {
                    return Err(invalid(format!(
                        "`{symbol}` is not a viseme or phoneme of the set {}",
                        visemes.set
                    )));
                }
            };
            events.push(Event {
                start_ns,
                end_ns,
                phones,
            });
        }
        Ok(Self(events))
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len() * size_of::<Event>()
    }

    pub(super) fn end_ns(&self) -> u64 {
        self.0.last().map_or(0, Event::end_ns)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Event {
    /// When it ends if it is the last one. A closure is complete by then.
    fn end_ns(&self) -> u64 {
        let end_ns = self.end_ns.unwrap_or(self.start_ns + (LAST * 1e9) as u64);
        let shuts = |phone: &&str| {
            let entry = shapes::find(phone);
            matches!(entry, Some(Entry::Shape(shape)) if shape.bilabial > 0.0)
        };
        if self.phones.iter().any(shuts) {
            return end_ns.max(self.start_ns + (f64::from(CLOSURE) * 1e9) as u64);
        }
        end_ns
    }

    /// Whether one that begins at `start_ns` comes behind it.
    fn check_next(&self, start_ns: u64) -> Result<()> {
        let end_ns = self.end_ns.unwrap_or(self.start_ns);
        // Speech engines round times, to milliseconds at worst.
        if start_ns + 1_000_000 < end_ns || start_ns < self.start_ns {
            return Err(invalid(format!(
                "a viseme begins at {} s, before the one that ends at {} s; visemes come in order",
                start_ns as f64 / 1e9,
                end_ns as f64 / 1e9
            )));
        }
        Ok(())
    }
}

/// The visemes of an utterance.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    events: VecDeque<Event>,
    /// There were events, discarded or not.
    any: bool,
}

impl Timeline {
    pub(super) fn is_empty(&self) -> bool {
        !self.any
    }

    pub(super) fn check(&self, new: &VisemeEvents) -> Result<()> {
        match (self.events.back(), new.0.first()) {
            (Some(last), Some(first)) => last.check_next(first.start_ns),
            _ => Ok(()),
        }
    }

    pub(super) fn push(&mut self, new: VisemeEvents) {
        self.any |= !new.0.is_empty();
        self.events.extend(new.0);
    }

    pub(super) fn bytes(&self) -> usize {
        self.events.len() * size_of::<Event>()
    }

    pub(super) fn end_ns(&self) -> u64 {
        self.events.back().map_or(0, Event::end_ns)
    }

    /// Whether all visemes are known that shape frame `frame`.
    pub(super) fn is_ready(&self, frame: u64) -> bool {
        let known = self.events.back();
        let known = known.map_or(0, |last| last.end_ns.unwrap_or(last.start_ns));
        known >= middle(frame) + (KNOWN * 1e9) as u64
    }

    /// Nothing that ends before [`BEHIND`] shows; the last event stays, to be followed.
    pub(super) fn discard_before(&mut self, time: u64) {
        let reach = ((BEHIND + REST) * 1e9) as u64;
        while self.events.len() > 1 && self.events[1].start_ns + reach < time {
            self.events.pop_front();
        }
    }

    /// Drives all of the sixteen coefficients that the avatar has, if there are visemes.
    pub(super) fn sample(&self, frame: u64, names: &[String], driven: &mut [Option<f32>]) {
        if self.is_empty() {
            return;
        }
        let blend = self.blend(middle(frame));
        for (name, driven) in names.iter().zip(driven) {
            *driven = blend.coefficient(name).map(|value| value.clamp(0.0, 1.0));
        }
    }

    fn blend(&self, now_ns: u64) -> Blend {
        let mut blend = Blend::default();
        // Seconds from the middle of the frame: small numbers, exact enough as floats.
        let since = |time_ns: u64| (time_ns as f64 - now_ns as f64) as f32 * 1e-9;
        let mut pause: Option<(f32, f32)> = None;
        let mut spoken = false;
        for (index, event) in self.events.iter().enumerate() {
            let next = self.events.get(index + 1).map(|next| next.start_ns);
            let end_ns = match (event.end_ns, next) {
                (Some(end_ns), Some(next)) => end_ns.min(next),
                (Some(end_ns), None) => end_ns,
                (None, Some(next)) => next,
                (None, None) => event.end_ns(),
            };
            let (start, end) = (since(event.start_ns), since(end_ns).min(KNOWN));
            if start > SEEN {
                pause = pause.map(|(from, _)| (from, start.min(KNOWN)));
                break;
            }
            let phones = &event.phones;
            if phones.is_empty() || phones[..] == [PAUSE] {
                // A mark of nothing prolongs what is before it.
                let prolongs = phones.is_empty() && pause.is_none() && spoken;
                if prolongs {
                    blend.live(start, end);
                } else {
                    pause = Some((pause.map_or(start, |(from, _)| from), end));
                }
            } else {
                if let Some((from, _)) = pause.take() {
                    blend.pause(from, start, spoken);
                }
                let step = (end - start) / phones.len() as f32;
                for (place, phone) in phones.iter().enumerate() {
                    let from = start + step * place as f32;
                    blend.phone(phone, from, from + step);
                }
                spoken = true;
            }
            // What is between two events is a pause, too.
            if next.is_none_or(|next| since(next) > end) {
                pause = Some((
                    pause.map_or(end, |(from, _)| from),
                    next.map_or(KNOWN, since),
                ));
            }
        }
        if let Some((from, until)) = pause {
            blend.pause(from, until, spoken);
        }
        blend
    }
}

/// The middle of a frame's sound.
fn middle(frame: u64) -> u64 {
    frame * FRAME_NS + FRAME_NS / 2
}

/// The mouth at time 0, from the phones around it.
#[derive(Debug, Default)]
struct Blend {
    jaw: (f32, f32),
    lips: ([f32; LIPS.len()], f32),
    shut: f32,
    tuck: f32,
    tongue: f32,
    /// How far the mouth is not at rest.
    alive: f32,
}

impl Blend {
    fn phone(&mut self, phone: &str, start: f32, end: f32) {
        match shapes::find(phone) {
            Some(Entry::Shape(shape)) => self.shape(shape, start, end),
            Some(Entry::Glide { parts, first }) => {
                let middle = start + first * (end - start);
                self.phone(parts[0], start, middle);
                self.phone(parts[1], middle, end);
            }
            None => {}
        }
    }

    fn shape(&mut self, shape: &Shape, start: f32, end: f32) {
        self.pull(shape, start, end);
        let length = end - start;
        let mut until = end;
        if shape.bilabial > 0.0 {
            let shut = start + (shape.bilabial * length).max(CLOSURE);
            self.shut = self.shut.max(flank(start, shut, 0.07, 0.05));
            until = until.max(shut);
        }
        if shape.labiodental > 0.0 {
            let tucked = start + (shape.labiodental * length).max(CLOSURE);
            self.tuck = self.tuck.max(flank(start, tucked, 0.06, 0.05));
            until = until.max(tucked);
        }
        if shape.tongue > 0.0 {
            let there = (start + 0.03).max(end - 0.015);
            self.tongue = self
                .tongue
                .max(shape.tongue * flank(start, there, 0.05, 0.05));
        }
        self.live(start, until);
    }

    /// A pause; one that is short and follows speech is a shape like others.
    fn pause(&mut self, start: f32, end: f32, spoken: bool) {
        if let Some(Entry::Shape(shape)) = shapes::find(PAUSE)
            && end - start < REST
            && spoken
        {
            self.pull(shape, start, end);
            self.live(start, end);
        }
    }

    /// The mouth moves from `start` to `end`: it opens 50 ms before and is at rest 90 ms after.
    fn live(&mut self, start: f32, end: f32) {
        self.alive = self.alive.max(flank(start, end, 0.05, 0.09));
    }

    /// Adds a shape by its dominance.
    fn pull(&mut self, shape: &Shape, start: f32, end: f32) {
        let length = end - start;
        let distance = (((start + end) / 2.0).abs() - 0.25 * length).max(0.0);
        // A longer phone pulls more: it has time to reach its target.
        let strength = (0.35 + length / 0.12).min(1.0);
        let jaw = shape.jaw_hold * strength * dominance(distance / JAW_REACH);
        self.jaw.0 += jaw * shape.jaw;
        self.jaw.1 += jaw;
        let lips = shape.lip_hold * strength * dominance(distance / LIP_REACH);
        for (sum, value) in self.lips.0.iter_mut().zip(shape.lips()) {
            *sum += lips * value;
        }
        self.lips.1 += lips;
    }

    /// A coefficient's value; None for those that visemes don't move.
    fn coefficient(&self, name: &str) -> Option<f32> {
        let (shut, tuck) = (self.shut, self.tuck);
        let jaw = self.jaw.0 / (self.jaw.1 + 1e-9);
        let jaw = jaw * (1.0 - 0.35 * tuck) * (1.0 - 0.25 * shut);
        let open = 1.0 - shut;
        let value = match name {
            "jawOpen" => jaw,
            "mouthClose" => jaw * shut,
            "mouthPress" => 0.40 * shut,
            "mouthRollLower" => 0.30 * shut + 0.50 * tuck * open,
            "mouthRollUpper" => 0.24 * shut,
            "mouthShrugLower" => 0.10 * shut + 0.08 * tuck,
            "mouthShrugUpper" => 0.06 * shut,
            "tongueTip" => self.tongue,
            _ => {
                let index = LIPS.iter().position(|lip| *lip == name)?;
                let lip = self.lips.0[index] / (self.lips.1 + 1e-9);
                match name {
                    "mouthLowerDown" => lip * open * (1.0 - tuck),
                    "mouthUpperUp" => lip * open * (1.0 - tuck) + 0.18 * tuck * open,
                    "mouthFunnel" | "mouthStretch" | "mouthSmile" => lip * (1.0 - 0.7 * shut),
                    _ => lip,
                }
            }
        };
        Some(value * self.alive)
    }
}

/// The pull of a phone at a distance from its middle part, in reaches.
fn dominance(distance: f32) -> f32 {
    nearest::exp(-distance * distance.sqrt())
}

/// 1 from `start` to `end`, with smooth flanks outside of them, at time 0.
fn flank(start: f32, end: f32, before: f32, after: f32) -> f32 {
    let rise = ((before - start) / before).clamp(0.0, 1.0);
    let fall = ((end + after) / after).clamp(0.0, 1.0);
    0.5 - 0.5 * nearest::cos(std::f32::consts::PI * rise.min(fall))
}
