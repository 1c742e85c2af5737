//! The mouth driven by the page: curves and visemes.

use essence::{Curves, Error, ErrorKind, Viseme, VisemeSet, Visemes};

use crate::error::give;
use crate::world::with;

/// Bit of `how`: unknown names are passed over.
const IGNORE_UNKNOWN: u32 = 1;
/// Bit of `how`: no sound comes with the utterance.
const WITHOUT_SOUND: u32 = 2;

/// Pushes keyframes of ARKit values. The names lie in a buffer, one a line; `times` are doubles in
/// another one; `values` floats, `[times, names]`, in a third.
#[unsafe(no_mangle)]
pub extern "C" fn web_push_curves(
    session: i32,
    names: usize,
    names_length: usize,
    times: usize,
    time_count: usize,
    values: usize,
    how: u32,
) -> i32 {
    give(with(|world| {
        let text = world.buffers.text(names, names_length)?.to_owned();
        let names: Vec<&str> = text.lines().collect();
        let times = world.buffers.doubles(times, time_count)?;
        let count = names.len().checked_mul(time_count).ok_or_else(too_many)?;
        let values = world.buffers.floats(values, count)?;
        let curves = Curves::new(&names, &times, &values)
            .ignore_unknown(how & IGNORE_UNKNOWN != 0)
            .without_sound(how & WITHOUT_SOUND != 0);
        world.session(session)?.session.push_curves(&curves)?;
        Ok(0)
    }))
}

/// Pushes visemes. The set's name and the symbols lie in a buffer, one a line, the set first; `times`
/// are pairs of doubles in another one, begin and end of each; an end that is not a number stands for
/// the next one's begin.
#[unsafe(no_mangle)]
pub extern "C" fn web_push_visemes(
    session: i32,
    symbols: usize,
    symbols_length: usize,
    times: usize,
    how: u32,
) -> i32 {
    give(with(|world| {
        let text = world.buffers.text(symbols, symbols_length)?.to_owned();
        let mut lines = text.split('\n');
        let set: VisemeSet = lines.next().unwrap_or_default().parse()?;
        let symbols: Vec<&str> = lines.collect();
        let count = symbols.len().checked_mul(2).ok_or_else(too_many)?;
        let times = world.buffers.doubles(times, count)?;
        let visemes: Vec<Viseme<'_>> = symbols
            .iter()
            .zip(times.as_chunks::<2>().0)
            .map(|(symbol, &[start, end])| viseme(symbol, start, end))
            .collect();
        let visemes = Visemes::new(set, &visemes)
            .ignore_unknown(how & IGNORE_UNKNOWN != 0)
            .without_sound(how & WITHOUT_SOUND != 0);
        world.session(session)?.session.push_visemes(&visemes)?;
        Ok(0)
    }))
}

fn viseme(symbol: &str, start_s: f64, end: f64) -> Viseme<'_> {
    Viseme {
        symbol,
        start_s,
        end_s: Some(end).filter(|end| !end.is_nan()),
    }
}

#[cold]
fn too_many() -> Error {
    Error::new(ErrorKind::LimitExceeded, "too many names")
}
