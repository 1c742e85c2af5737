//! Audio, curves and visemes, pushed through C.

use crate::raw::{self, API};
use crate::session::Session;
use crate::{AudioData, Curves, Error, ErrorKind, Result, VisemeSet, Visemes, call, text};

impl Session {
    pub fn push_audio<'a>(
        &self,
        audio: impl Into<AudioData<'a>>,
        rate_hz: u32,
        channels: u16,
    ) -> Result<()> {
        let channels = u32::from(channels);
        // SAFETY: the session lives, the samples are there for the call.
        call(|err| unsafe {
            match audio.into() {
                AudioData::F32(samples) => (API.essence_session_push_audio_f32)(
                    self.handle,
                    samples.as_ptr(),
                    samples.len(),
                    rate_hz,
                    channels,
                    err,
                ),
                AudioData::I16(samples) => (API.essence_session_push_audio_i16)(
                    self.handle,
                    samples.as_ptr(),
                    samples.len(),
                    rate_hz,
                    channels,
                    err,
                ),
            }
        })?;
        Ok(())
    }

    pub fn push_audio_tagged<'a>(
        &self,
        audio: impl Into<AudioData<'a>>,
        rate_hz: u32,
        channels: u16,
        tag: u64,
    ) -> Result<()> {
        let channels = u32::from(channels);
        let session = self.handle;
        // SAFETY: the session lives, the samples are there for the call.
        call(|err| unsafe {
            match audio.into() {
                AudioData::F32(samples) => {
                    let (data, count) = (samples.as_ptr(), samples.len());
                    let push = API.essence_session_push_tagged_f32;
                    push(session, data, count, rate_hz, channels, tag, err)
                }
                AudioData::I16(samples) => {
                    let (data, count) = (samples.as_ptr(), samples.len());
                    let push = API.essence_session_push_tagged_i16;
                    push(session, data, count, rate_hz, channels, tag, err)
                }
            }
        })?;
        Ok(())
    }

    pub fn push_curves(&self, curves: &Curves<'_>) -> Result<()> {
        let names = texts(curves.names.iter().copied())?;
        let names: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
        if curves.values.len() != names.len() * curves.times_s.len() {
            // C has one count for both.
            let message = format!("{} values", curves.values.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let given = raw::Curves {
            struct_size: size_of::<raw::Curves>() as u32,
            ignore_unknown: curves.ignore_unknown.into(),
            without_sound: curves.without_sound.into(),
            reserved: 0,
            names: names.as_ptr(),
            name_count: names.len(),
            times_s: curves.times_s.as_ptr(),
            time_count: curves.times_s.len(),
            values: curves.values.as_ptr(),
        };
        // SAFETY: the session lives, and so does all that `given` points to.
        call(|err| unsafe {
            (API.essence_session_push_curves)(self.handle, &raw const given, err)
        })?;
        Ok(())
    }

    pub fn push_visemes(&self, visemes: &Visemes<'_>) -> Result<()> {
        let timed = visemes.visemes;
        let symbols = texts(timed.iter().map(|viseme| viseme.symbol))?;
        let symbols: Vec<_> = symbols.iter().map(|symbol| symbol.as_ptr()).collect();
        let starts: Vec<_> = timed.iter().map(|viseme| viseme.start_s).collect();
        let ends: Vec<_> = timed
            .iter()
            .map(|viseme| viseme.end_s.unwrap_or(f64::NAN))
            .collect();
        let set = VisemeSet::ALL.iter().position(|set| *set == visemes.set);
        let given = raw::Visemes {
            struct_size: size_of::<raw::Visemes>() as u32,
            set: set.expect("it is one of all") as u32,
            ignore_unknown: visemes.ignore_unknown.into(),
            without_sound: visemes.without_sound.into(),
            symbols: symbols.as_ptr(),
            starts_s: starts.as_ptr(),
            ends_s: ends.as_ptr(),
            count: timed.len(),
        };
        // SAFETY: the session lives, and so does all that `given` points to.
        call(|err| unsafe {
            (API.essence_session_push_visemes)(self.handle, &raw const given, err)
        })?;
        Ok(())
    }
}

/// Strings as C takes them.
fn texts<'a>(strings: impl Iterator<Item = &'a str>) -> Result<Vec<std::ffi::CString>> {
    strings.map(text).collect()
}
