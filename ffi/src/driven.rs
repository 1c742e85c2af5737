//! The face driven from outside: curves, visemes, emotions, and audio with a tag.

use std::ffi::c_char;
use std::ptr;

use engine::{Curves, Error, Viseme, VisemeSet, Visemes};

use crate::boundary::{export, flag, invalid};
use crate::constants::constants;
use crate::emotion::{self, essence_emotion};
use crate::handle;
use crate::session::{essence_session, push};
use crate::sized::{self, sized};
use crate::status::ESSENCE_OK;
use crate::text;

constants! {
    /// Whose names for visemes or phonemes. Since ABI 1.4.
    essence_viseme_set: u32 {
        /// ARPAbet, as CMU's dictionary, Festival and Flite write it: `AH0`; `SIL` is silence.
        ESSENCE_VISEME_SET_ARPABET = 0,
        /// Viseme ids of Microsoft's (Azure's) speech service: `0` to `21`.
        ESSENCE_VISEME_SET_AZURE = 1,
        /// Phoneme mnemonics of eSpeak NG: `oU`; `_` is a pause.
        ESSENCE_VISEME_SET_ESPEAK = 2,
        /// The International Phonetic Alphabet; an empty symbol and `_` are pauses.
        ESSENCE_VISEME_SET_IPA = 3,
        /// The fifteen visemes of Oculus (Meta): `sil PP FF TH DD kk CH SS nn RR aa E ih oh ou`.
        ESSENCE_VISEME_SET_OCULUS = 4,
        /// Visemes of Amazon Polly's speech marks: `p t S T f k i r s u @ a e E o O sil`.
        ESSENCE_VISEME_SET_POLLY = 5,
    }
}

/// Keyframes of ARKit values. Begin with #ESSENCE_CURVES_INIT. All is borrowed for the call. Since ABI
/// 1.4.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_curves {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// 1: names that the avatar lacks are passed over. 0, the default: they are refused.
    pub ignore_unknown: u32,
    /// 1: no sound comes with this utterance; frames come as keyframes do, one frame behind them. 0,
    /// the default: frames come with the sound, or after essence_session_flush().
    pub without_sound: u32,
    /// 0.
    pub reserved: u32,
    /// Names, UTF-8, each one of the avatar's `arkit_names` and none twice.
    pub names: *const *const c_char,
    /// Number of names; with none, the keyframes end the span in which those before drive the mouth.
    pub name_count: usize,
    /// Times in seconds from the utterance's start, ascending.
    pub times_s: *const f64,
    /// Number of times.
    pub time_count: usize,
    /// A value for each name of the first time, then of the second, and so on: `name_count` ×
    /// `time_count`, clamped to [0, 1].
    pub values: *const f32,
}

sized!(essence_curves {
    ignore_unknown: 0,
    without_sound: 0,
    reserved: 0,
    names: ptr::null(),
    name_count: 0,
    times_s: ptr::null(),
    time_count: 0,
    values: ptr::null(),
});

/// Visemes or phonemes in time. Begin with #ESSENCE_VISEMES_INIT. All is borrowed for the call. Since
/// ABI 1.4.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct essence_visemes {
    /// Size of this struct as the caller knows it.
    pub struct_size: u32,
    /// Whose names the symbols are. Default: #ESSENCE_VISEME_SET_ARPABET.
    pub set: essence_viseme_set,
    /// 1: symbols that the set lacks count as a part of the viseme before. 0, the default: they are
    /// refused.
    pub ignore_unknown: u32,
    /// 1: no sound comes with this utterance; frames come as soon as the visemes are known up to 0.4 s
    /// ahead. 0, the default: frames come with the sound, or after essence_session_flush().
    pub without_sound: u32,
    /// Symbols, UTF-8.
    pub symbols: *const *const c_char,
    /// When each begins, in seconds from the utterance's start, ascending.
    pub starts_s: *const f64,
    /// When each ends; NaN: when the next one begins, or 120 ms after its start if it is the last one.
    /// NULL stands for NaN throughout.
    pub ends_s: *const f64,
    /// Number of symbols and of times.
    pub count: usize,
}

sized!(essence_visemes {
    set: ESSENCE_VISEME_SET_ARPABET,
    ignore_unknown: 0,
    without_sound: 0,
    symbols: ptr::null(),
    starts_s: ptr::null(),
    ends_s: ptr::null(),
    count: 0,
});

const SETS: [(VisemeSet, essence_viseme_set); 6] = [
    (VisemeSet::Arpabet, ESSENCE_VISEME_SET_ARPABET),
    (VisemeSet::Azure, ESSENCE_VISEME_SET_AZURE),
    (VisemeSet::Espeak, ESSENCE_VISEME_SET_ESPEAK),
    (VisemeSet::Ipa, ESSENCE_VISEME_SET_IPA),
    (VisemeSet::Oculus, ESSENCE_VISEME_SET_OCULUS),
    (VisemeSet::Polly, ESSENCE_VISEME_SET_POLLY),
];

export! {
    /// Takes keyframes of ARKit values for the utterance that is being pushed; they begin one if there
    /// is none. From a keyframe to the next one, linearly interpolated, the values that both name
    /// replace what the speech network makes; frame k shows those at k / 25 s. The others go on coming
    /// from the network, or are 0 without sound. Push keyframes before the sound of their time. The
    /// `arkit` values of spoken frames, pushed back with the same sound, give the same frames. Since
    /// ABI 1.4.
    ///
    /// `curves`: borrowed for the call.
    ///
    /// Fails with (nothing is taken then): INVALID_ARGUMENT (an unknown name or one that is there
    /// twice, times that don't ascend, values that are not finite), INVALID_STATE (sound in an
    /// utterance without sound, or the reverse), LIMIT_EXCEEDED, UNSUPPORTED_VERSION.
    /// Threads: any, concurrently.
    fn essence_session_push_curves(session: *const essence_session, curves: *const essence_curves) -> essence_status {
        let session = handle::shared(session)?;
        if curves.is_null() {
            return Err(invalid("the curves are NULL"));
        }
        let given = sized::read(curves)?;
        let names = strings(given.names, given.name_count, "names")?;
        let times = text::slice(given.times_s, given.time_count, "times")?;
        let count = given.name_count.checked_mul(given.time_count);
        let count = count.ok_or_else(|| invalid("more values than fit into memory"))?;
        let values = text::slice(given.values, count, "values")?;
        let curves = Curves::new(&names, times, values)
            .ignore_unknown(flag(given.ignore_unknown, "ignore_unknown")?)
            .without_sound(flag(given.without_sound, "without_sound")?);
        session.session.push_curves(&curves)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// Takes visemes or phonemes with their times, as speech engines give them, for the utterance that
    /// is being pushed; they begin one if there is none. Neighbours flow into each other, and lips shut
    /// for p, b and m in at least one frame. An utterance with visemes takes its whole mouth from them;
    /// curves come on top. Push visemes before the sound of their time. Since ABI 1.4.
    ///
    /// `visemes`: borrowed for the call.
    ///
    /// Fails with (nothing is taken then): INVALID_ARGUMENT (a symbol that the set lacks, times that
    /// don't ascend), INVALID_STATE (sound in an utterance without sound, or the reverse),
    /// LIMIT_EXCEEDED, UNSUPPORTED_VERSION.
    /// Threads: any, concurrently.
    fn essence_session_push_visemes(session: *const essence_session, visemes: *const essence_visemes) -> essence_status {
        let session = handle::shared(session)?;
        if visemes.is_null() {
            return Err(invalid("the visemes are NULL"));
        }
        let given = sized::read(visemes)?;
        let set = SETS.iter().find(|row| row.1 == given.set);
        let set = set.ok_or_else(|| invalid(format!("{} is not an essence_viseme_set", given.set)))?.0;
        let symbols = strings(given.symbols, given.count, "symbols")?;
        let starts = text::slice(given.starts_s, given.count, "starts")?;
        let ends = if given.ends_s.is_null() {
            &[]
        } else {
            text::slice(given.ends_s, given.count, "ends")?
        };
        let timed = symbols.iter().zip(starts).enumerate();
        let timed: Vec<_> = timed.map(|(index, (symbol, &start_s))| Viseme {
            symbol,
            start_s,
            end_s: ends.get(index).copied().filter(|end| !end.is_nan()),
        }).collect();
        let visemes = Visemes::new(set, &timed)
            .ignore_unknown(flag(given.ignore_unknown, "ignore_unknown")?)
            .without_sound(flag(given.without_sound, "without_sound")?);
        session.session.push_visemes(&visemes)?;
        Ok(ESSENCE_OK)
    }
}

export! {
    /// The same as essence_session_push_audio_i16() with a tag of the caller's, which comes back as
    /// `tag` of the frames whose first sample is of this piece; 0 stands for none. Since ABI 1.4.
    ///
    /// Fails with: as essence_session_push_audio_i16().
    /// Threads: any, concurrently.
    fn essence_session_push_tagged_i16(
        session: *const essence_session,
        samples: *const i16,
        count: usize,
        rate_hz: u32,
        channels: u32,
        tag: u64,
    ) -> essence_status {
        let session = handle::shared(session)?;
        push(&session, text::slice(samples, count, "samples")?.into(), rate_hz, channels, tag)
    }
}

export! {
    /// The same as essence_session_push_audio_f32() with a tag, as
    /// essence_session_push_tagged_i16(). Since ABI 1.4.
    ///
    /// Fails with: as essence_session_push_audio_f32().
    /// Threads: any, concurrently.
    fn essence_session_push_tagged_f32(
        session: *const essence_session,
        samples: *const f32,
        count: usize,
        rate_hz: u32,
        channels: u32,
        tag: u64,
    ) -> essence_status {
        let session = handle::shared(session)?;
        push(&session, text::slice(samples, count, "samples")?.into(), rate_hz, channels, tag)
    }
}

export! {
    /// Lets the face show an emotion in place of the one before, until another one is asked for. It
    /// comes and goes within 0.7 s, from the next frame that is prepared on;
    /// essence_session_interrupt() leaves it. While the face speaks, the mouth belongs to speech, and
    /// the emotion moves its corners by half as much. Since ABI 1.4.
    ///
    /// `strength`: **0 to 1**.
    ///
    /// Fails with: INVALID_ARGUMENT (no value of essence_emotion, or a strength outside its range),
    /// NOT_FOUND (not one of the avatar's `emotions`; avatars that were filmed have
    /// #ESSENCE_EMOTION_NEUTRAL alone).
    /// Threads: any, concurrently.
    fn essence_session_set_emotion(session: *const essence_session, emotion: essence_emotion, strength: f32) -> essence_status {
        let session = handle::shared(session)?;
        session.session.set_emotion(emotion::emotion(emotion)?, strength)?;
        Ok(ESSENCE_OK)
    }
}

/// Borrows an array of strings for the length of a call.
///
/// # Safety
/// `pointer` points to `count` pointers to NUL-terminated strings that outlive `'a`.
unsafe fn strings<'a>(
    pointer: *const *const c_char,
    count: usize,
    what: &str,
) -> Result<Vec<&'a str>, Error> {
    // SAFETY: as this function demands.
    let pointers = unsafe { text::slice(pointer, count, what) }?;
    let strings = pointers.iter();
    // SAFETY: as this function demands.
    strings
        .map(|&string| unsafe { text::string(string, what) })
        .collect()
}
