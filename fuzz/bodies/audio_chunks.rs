//! A session's frames must not depend on how its audio is cut, and its audio must come back.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
use engine::{AudioData, Avatar, Engine, Frame, Pacing, Provider, Session, SessionOptions};

#[derive(Arbitrary, Debug)]
struct Input {
    rate: Rate,
    channels: u8,
    float: bool,
    /// Lengths of the pieces, in samples of all channels.
    cuts: Vec<u16>,
    /// After which pieces frames are drawn at once.
    draws: u32,
    /// Said before and interrupted.
    before: u8,
    wave: Wave,
}

#[derive(Arbitrary, Debug)]
enum Rate {
    Usual(u8),
    Any(u32),
}

#[derive(Arbitrary, Debug)]
enum Wave {
    /// These samples again and again.
    Bytes(Vec<i16>, u16),
    /// A buzz of a length.
    Buzz { samples: u16, step: u16, loud: u8 },
}

const RATES: [u32; 8] = [
    8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 192_000,
];
/// Longest utterance, in samples of all channels.
const LONGEST: usize = 9_000;
/// Frames that an utterance mostly has at most: it keeps a run below a millisecond.
const FRAMES: usize = 3;
/// Rates whose sessions are kept.
const KEPT: usize = 16;

fn avatar() -> &'static Avatar {
    static AVATAR: OnceLock<Avatar> = OnceLock::new();
    AVATAR.get_or_init(|| {
        let engine = Engine::builder().provider(Provider::Cpu).build();
        let engine = engine.expect("run `cargo xtask runtime` first");
        let path = super::testdata("avatars/toy.imx");
        engine.open(path).expect("the toy avatar opens")
    })
}

fn session(pictures: bool) -> Rc<Session> {
    let options = SessionOptions::default()
        .pacing(Pacing::Unpaced)
        .pictures(pictures);
    Rc::new(avatar().session(options).expect("the options are valid"))
}

/// Two sessions for audio of a rate, new ones if `anew`. Making one takes as long as speaking a few
/// frames, at other rates than the networks' a hundred times that: mostly they are used again, which
/// their interruption has to make good. Rates that are refused take no part.
fn sessions(rate_hz: u32, pictures: bool, anew: bool) -> [Rc<Session>; 2] {
    type Pairs = HashMap<(u32, bool), [Rc<Session>; 2]>;
    thread_local! {
        static SESSIONS: RefCell<Pairs> = RefCell::default();
    }
    let make = || [session(pictures), session(pictures)];
    if anew || !(8_000..=192_000).contains(&rate_hz) {
        return make();
    }
    let pair = SESSIONS.with_borrow_mut(|kept| {
        let key = (rate_hz, pictures);
        if kept.len() >= KEPT && !kept.contains_key(&key) {
            kept.clear();
        }
        kept.entry(key).or_insert_with(make).clone()
    });
    for session in &pair {
        session.interrupt();
        draw(session);
    }
    pair
}

pub(crate) fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    // Resampling, long utterances and pictures take all the time that they are given. Chance, told by
    // the input, decides, so that they don't crowd out the rest once they are in the corpus.
    let chance = super::hash(data);
    let resampled = chance % 32 == 0;
    let long = chance % 64 == 1;
    let pictures = resampled || long || chance % 8 == 2;
    let anew = chance >> 32 & 15 == 0;
    let rate = match input.rate {
        _ if !resampled => 16_000,
        Rate::Usual(index) => RATES[usize::from(index) % RATES.len()],
        Rate::Any(rate) => rate,
    };
    let channels = u16::from(input.channels % 34);
    let mut samples = input.wave.samples();
    if !long {
        let per_channel = (rate as usize).saturating_mul(FRAMES) / 25;
        samples.truncate(per_channel.saturating_mul(usize::from(channels.max(1))));
    }
    let samples = samples;
    let floats: Vec<f32> = samples.iter().map(|&x| f32::from(x) / 32768.0).collect();
    let piece = |from: usize, to: usize| match input.float {
        true => AudioData::F32(&floats[from..to]),
        false => AudioData::I16(&samples[from..to]),
    };

    let [whole, cut] = sessions(rate, pictures, anew);
    if whole
        .push_audio(piece(0, samples.len()), rate, channels)
        .is_err()
    {
        // A rate or number of channels outside the domain, or an incomplete sample frame: nothing
        // must have been taken.
        whole.flush();
        assert!(draw(&whole).is_empty(), "what was refused gives no frame");
        return;
    }
    whole.flush();
    let expected = draw(&whole);
    let per_channel = samples.len() / usize::from(channels);
    assert_eq!(
        expected.len(),
        (25 * per_channel).div_ceil(rate as usize),
        "number of frames"
    );

    if input.before > 0 {
        let noise = vec![9_000i16; usize::from(input.before) * 20];
        // Now and then at another rate than what follows.
        let rate = if input.before % 16 == 15 {
            16_000
        } else {
            rate
        };
        cut.push_audio(&noise[..], rate, 1).expect("valid");
        for _ in 0..input.before % 5 {
            let _ = cut.next_frame().expect("rendering works");
        }
        cut.interrupt();
        draw(&cut);
    }
    let (mut at, mut frames) = (0, Vec::new());
    for (index, length) in input.cuts.iter().enumerate() {
        let length = usize::from(*length) / usize::from(channels) * usize::from(channels);
        let to = (at + length).min(samples.len());
        cut.push_audio(piece(at, to), rate, channels)
            .expect("valid");
        at = to;
        if input.draws >> (index % 32) & 1 == 1 {
            frames.extend(draw(&cut));
        }
    }
    cut.push_audio(piece(at, samples.len()), rate, channels)
        .expect("valid");
    cut.flush();
    frames.extend(draw(&cut));

    assert_eq!(frames.len(), expected.len(), "number of frames in pieces");
    for (index, (a, b)) in frames.iter().zip(&expected).enumerate() {
        assert!(a.pixels() == b.pixels(), "picture {index}");
        assert!(
            a.audio() == b.audio() && a.arkit() == b.arkit(),
            "sound or curves {index}"
        );
        assert!(
            a.flags() == b.flags() && a.base_frame() == b.base_frame(),
            "frame {index}"
        );
    }
    let heard: usize = frames.iter().map(|frame| frame.audio().len()).sum();
    assert_eq!(heard, per_channel, "every sample comes back");
    if channels == 1 {
        let heard = frames.iter().flat_map(|frame| frame.audio_i16());
        assert!(
            heard.eq(samples.iter().copied()),
            "the samples come back as they went in"
        );
    }
}

/// All frames that are ready.
fn draw(session: &Session) -> Vec<Frame> {
    std::iter::from_fn(|| session.next_frame().expect("rendering works")).collect()
}

impl Wave {
    fn samples(&self) -> Vec<i16> {
        match self {
            Self::Bytes(bytes, times) => {
                let length = bytes.len().saturating_mul(usize::from(*times)).min(LONGEST);
                bytes.iter().copied().cycle().take(length).collect()
            }
            Self::Buzz {
                samples,
                step,
                loud,
            } => {
                let mut phase = 0u16;
                (0..usize::from(*samples).min(LONGEST))
                    .map(|_| {
                        phase = phase.wrapping_add(*step);
                        (i32::from(phase as i16) * i32::from(*loud) / 256) as i16
                    })
                    .collect()
            }
        }
    }
}
