//! A session's frames must not depend on how its audio is cut, and its audio must come back.

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
/// Longest utterance, in samples of all channels: it keeps a run in the milliseconds.
const LONGEST: usize = 9_000;

fn avatar() -> &'static Avatar {
    static AVATAR: OnceLock<Avatar> = OnceLock::new();
    AVATAR.get_or_init(|| {
        let engine = Engine::builder().provider(Provider::Cpu).build();
        let engine = engine.expect("run `cargo xtask runtime` first");
        let path = super::testdata("avatars/toy.imx");
        engine.open(path).expect("the toy avatar opens")
    })
}

fn session() -> Session {
    let options = SessionOptions::default().pacing(Pacing::Unpaced);
    avatar().session(options).expect("the options are valid")
}

pub(crate) fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let rate = match input.rate {
        Rate::Usual(index) => RATES[usize::from(index) % RATES.len()],
        Rate::Any(rate) => rate,
    };
    let channels = u16::from(input.channels % 34);
    let samples = input.wave.samples();
    let floats: Vec<f32> = samples.iter().map(|&x| f32::from(x) / 32768.0).collect();
    let piece = |from: usize, to: usize| match input.float {
        true => AudioData::F32(&floats[from..to]),
        false => AudioData::I16(&samples[from..to]),
    };

    let whole = session();
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

    let cut = session();
    if input.before > 0 {
        let noise = vec![9_000i16; usize::from(input.before) * 40];
        cut.push_audio(&noise[..], 16_000, 1).expect("valid");
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
