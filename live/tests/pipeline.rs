//! A conversation is drawn and encoded once, on one clock, and watchers get what they want of it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{Conversation, PictureDecoder, Recorder, TICK, correlate, floats, recording, sound};
use essence_live::{Demand, Event, PublisherOptions, ws};

/// Samples by which an Opus decoder is behind at 48 kHz: 6.5 ms (RFC 7845, 4.2).
const OPUS_DELAY: usize = 312;

#[test]
fn every_40_ms_have_a_picture_that_decodes_and_a_packet_of_sound() {
    let mut talk = Conversation::new("toy.imx");
    let recorder = Recorder::new();
    talk.pipeline.attach(recorder.clone());
    talk.say(&recording(16_000), 16_000, 1);
    talk.run(75);
    let size = talk.pipeline.session().frame_size();
    let mut decoder = PictureDecoder::new();
    let frames = recorder.frames();
    assert_eq!(frames.len(), 75);
    let mut shown = 0;
    for (k, frame) in frames.iter().enumerate() {
        assert_eq!(frame.index, k as u64);
        assert_eq!(frame.due - frames[0].due, TICK * k as u32, "one clock");
        assert_eq!(frame.sound.len(), 1, "frame {k}");
        assert_eq!(frame.sound[0].index, k as u64);
        if let Some(picture) = &frame.picture {
            let (width, height, _) = decoder.decode(&picture.data).expect("a picture");
            assert_eq!((width, height), size);
            assert_eq!(picture.key, k == 0, "one key frame is enough");
            shown += 1;
        }
    }
    assert!(
        shown >= 74,
        "rate control may skip a picture, not {}",
        75 - shown
    );
}

#[test]
fn the_sound_is_what_was_pushed_and_lies_where_its_frame_does() {
    let reference = floats(&recording(48_000));
    for rate in [16_000, 24_000, 44_100, 48_000] {
        let mut talk = Conversation::new("toy.imx");
        let recorder = Recorder::new();
        talk.pipeline.attach(recorder.clone());
        talk.say(&recording(rate), rate, 1);
        talk.run(220);
        let begin = talk.events.iter().find_map(|event| match event {
            Event::SpeechStarted { reply: 1, index } => Some(*index as usize),
            _ => None,
        });
        let begin = 1920 * begin.expect("the reply begins");
        let (encoded, decoded) = sound(&recorder.frames());
        // Compared where there are voices, up to 8 kHz at 16 kHz.
        let said = &reference[24_000..120_000];
        let (lag, likeness) = correlate(said, &encoded[begin + 24_000..], 500);
        assert!(likeness > 0.98, "{rate} Hz: {likeness}");
        let most = if rate == 48_000 { 0 } else { 49 };
        assert!(lag <= most, "{rate} Hz: {lag} samples late");
        let (lag, likeness) = correlate(said, &decoded[begin + 24_000..], 900);
        assert!(likeness > 0.85, "{rate} Hz, through Opus: {likeness}");
        assert!(
            lag.abs_diff(OPUS_DELAY) <= 60,
            "{rate} Hz: {lag} samples late through Opus"
        );
    }
}

#[test]
fn speech_at_48_khz_is_encoded_sample_for_sample() {
    let mut talk = Conversation::new("toy.imx");
    let recorder = Recorder::new();
    talk.pipeline.attach(recorder.clone());
    let said = recording(48_000);
    talk.say(&said, 48_000, 1);
    talk.run(290);
    let frames = recorder.frames();
    let heard: Vec<i16> = frames
        .iter()
        .flat_map(|frame| &frame.sound)
        .flat_map(|sound| sound.pcm.iter().copied())
        .collect();
    let begin = heard.windows(said.len()).position(|window| window == said);
    assert_eq!(begin.map(|begin| begin % 1920), Some(0), "on a frame");
}

/// A second of a tone, loud from its first sample to its last.
fn tone(rate_hz: u32, seconds: u32) -> Vec<i16> {
    let sample = |i| (f64::from(i) * 440.0 / f64::from(rate_hz) * std::f64::consts::TAU).sin();
    (0..rate_hz * seconds)
        .map(|i| (sample(i) * 8_192.0) as i16)
        .collect()
}

/// 8,001 samples a second are 320.04 in a frame.
#[test]
fn a_rate_that_frames_do_not_divide_gives_no_gap() {
    let mut talk = Conversation::new("toy.imx");
    let recorder = Recorder::new();
    talk.pipeline.attach(recorder.clone());
    talk.say(&tone(8_001, 4), 8_001, 1);
    talk.run(90);
    let begin = talk.events.iter().find_map(|event| match event {
        Event::SpeechStarted { index, .. } => Some(*index as usize),
        _ => None,
    });
    let (encoded, _) = sound(&recorder.frames()[begin.unwrap()..]);
    let step = (440.0 / 48_000.0 * std::f64::consts::TAU) as f32;
    // A sine obeys x[n + 1] + x[n - 1] = 2 cos(step) x[n]; a gap or a jump doesn't.
    let worst = encoded[480..]
        .windows(3)
        .map(|x| (x[0] + x[2] - 2.0 * step.cos() * x[1]).abs())
        .fold(0.0, f32::max);
    assert!(worst < 1e-3, "a jump of {worst}");
}

#[test]
fn nothing_of_an_utterance_sounds_after_it() {
    let mut talk = Conversation::new("toy.imx");
    let recorder = Recorder::new();
    talk.pipeline.attach(recorder.clone());
    talk.say(&tone(16_000, 1), 16_000, 1);
    talk.run(50);
    talk.say(&[0; 16_000], 16_000, 2);
    talk.run(50);
    let (encoded, _) = sound(&recorder.frames());
    let end = encoded.iter().rposition(|x| x.abs() > 0.1).unwrap();
    assert!(
        end < 50 * 1_920,
        "the tone's end waits for the next utterance"
    );
    // The resampler rings for 2 ms.
    let after = &encoded[end + 96..];
    assert!(after.len() > 48_000 && after.iter().all(|x| *x == 0.0));
}

#[test]
fn an_interruption_silences_within_a_frame_and_tells_how_far_the_reply_was_spoken() {
    let mut talk = Conversation::new("toy.imx");
    let recorder = Recorder::new();
    talk.pipeline.attach(recorder.clone());
    talk.say(&recording(48_000), 48_000, 7);
    talk.run(60);
    let spoken = talk.events.iter().rev().find_map(|event| match event {
        Event::Played { reply: 7, position } => Some(*position),
        _ => None,
    });
    let spoken = spoken.expect("the reply is spoken");
    assert!(spoken > Duration::from_secs(1), "{spoken:?}");
    recorder.take();
    talk.events.clear();
    talk.pipeline.session().interrupt();
    talk.run(30);
    let frames = recorder.frames();
    let silent = |sound: &essence_live::Sound| sound.pcm.iter().all(|x| *x == 0);
    assert!(
        frames.iter().flat_map(|frame| &frame.sound).all(silent),
        "the first frame after it is silent"
    );
    assert!(frames.iter().all(|frame| frame.interruptions == 1));
    let interrupted = talk.events.iter().any(|event| {
        matches!(event, Event::Interrupted { reply: Some(7), position } if *position == spoken)
    });
    assert!(interrupted, "{:?}", talk.events);
    assert!(
        !talk
            .events
            .iter()
            .any(|event| matches!(event, Event::Played { .. } | Event::SpeechEnded { .. })),
        "nothing of it is spoken any more: {:?}",
        talk.events
    );
    // The same reply again begins at its beginning.
    talk.events.clear();
    talk.say(&recording(48_000)[..48_000], 48_000, 7);
    talk.run(40);
    assert!(
        matches!(talk.events[0], Event::SpeechStarted { reply: 7, .. }),
        "{:?}",
        talk.events
    );
}

#[test]
fn replies_begin_and_end_with_their_length() {
    let mut talk = Conversation::new("toy.imx");
    let said = recording(16_000);
    talk.say(&said[..24_000], 16_000, 3);
    talk.say(&said[..8_000], 16_000, 4);
    talk.run(80);
    let marks: Vec<(u64, Option<Duration>)> = talk
        .events
        .iter()
        .filter_map(|event| match event {
            Event::SpeechStarted { reply, .. } => Some((*reply, None)),
            Event::SpeechEnded { reply, position } => Some((*reply, Some(*position))),
            _ => None,
        })
        .collect();
    let seconds = Duration::from_millis;
    assert_eq!(
        marks,
        [
            (3, None),
            (3, Some(seconds(1_500))),
            (4, None),
            (4, Some(seconds(500)))
        ]
    );
}

#[test]
fn a_slow_watcher_loses_pictures_and_no_sound_and_nobody_else_notices() {
    let mut talk = Conversation::new("toy.imx");
    let recorder = Recorder::new();
    talk.pipeline.attach(recorder.clone());
    let mut slow = ws::connect(ws::SoundFormat::Pcm16);
    talk.pipeline.attach(slow.sink);
    talk.run(60);
    let mut messages = Vec::new();
    while let Some(message) = slow.down.try_next() {
        messages.push(message);
    }
    let indices = |kinds: &[u8]| -> Vec<u32> {
        messages
            .iter()
            .filter(|message| kinds.contains(&message[0]))
            .map(|message| u32::from_le_bytes(message[4..8].try_into().unwrap()))
            .collect()
    };
    assert_eq!(
        indices(&[3]),
        (0..60).collect::<Vec<_>>(),
        "all of the sound"
    );
    let pictures = indices(&[0, 1]);
    assert!(pictures.len() <= 8, "pictures that wait: {pictures:?}");
    assert!(slow.down.dropped_pictures() >= 50);
    let first = messages.iter().find(|message| message[0] < 2);
    assert!(
        first.is_none_or(|message| message[0] == 1),
        "they go on with a key frame"
    );
    assert_eq!(recorder.frames().len(), 60);
    assert!(
        recorder
            .frames()
            .iter()
            .filter(|frame| frame.picture.is_some())
            .count()
            >= 58
    );
    // Once it reads, its pictures come again.
    talk.run(30);
    let mut decoder = PictureDecoder::new();
    let mut decoded = 0;
    while let Some(message) = slow.down.try_next() {
        decoded += usize::from(message[0] < 2 && decoder.decode(&message[8..]).is_some());
    }
    assert!(decoded >= 4, "{decoded} pictures");
}

#[test]
fn a_watcher_that_reads_nothing_for_ten_seconds_is_detached() {
    let mut talk = Conversation::new("toy.imx");
    let mut dead = ws::connect(ws::SoundFormat::Opus);
    let id = talk.pipeline.attach(dead.sink);
    talk.run(249);
    assert!(talk.events.is_empty(), "{:?}", talk.events);
    talk.run(3);
    let closed = |event: &Event| matches!(event, Event::SinkClosed { sink } if *sink == id);
    assert!(talk.events.iter().any(closed), "{:?}", talk.events);
    assert!(dead.down.try_next().is_none(), "its memory is free");
}

#[test]
fn a_key_frame_comes_on_demand_but_no_more_than_two_a_second() {
    let mut talk = Conversation::new("toy.imx");
    let recorder = Recorder::new();
    talk.pipeline.attach(recorder.clone());
    talk.run(40);
    recorder.want(|demand| demand.key = true);
    talk.run(1);
    let frames = recorder.take();
    assert!(frames[40].picture.as_ref().unwrap().key, "at once");
    talk.run(99);
    let keys = recorder
        .frames()
        .iter()
        .filter(|frame| frame.picture.as_ref().is_some_and(|picture| picture.key))
        .count();
    assert!(
        (6..=8).contains(&keys),
        "{keys} key frames in four seconds of asking"
    );
}

#[test]
fn a_lower_bit_rate_gives_fewer_bits_without_a_key_frame() {
    let mut options = PublisherOptions::default();
    options.picture_bitrate_bps = Some(1_500_000);
    let mut talk = Conversation::with("mika.imx", options);
    let recorder = Recorder::new();
    talk.pipeline.attach(recorder.clone());
    talk.say(&recording(16_000), 16_000, 1);
    talk.run(50);
    recorder.take();
    let bits = |recorder: &Recorder, talk: &mut Conversation| {
        talk.run(50);
        let frames = recorder.take();
        let pictures = frames.iter().filter_map(|frame| frame.picture.as_ref());
        pictures
            .inspect(|picture| assert!(!picture.key, "no key frame"))
            .map(|picture| picture.data.len() * 8)
            .sum::<usize>()
    };
    let before = bits(&recorder, &mut talk);
    recorder.want(|demand| demand.bitrate_bps = Some(150_000));
    talk.run(10);
    assert_eq!(talk.pipeline.statistics().bitrate_bps, 150_000);
    recorder.take();
    let after = bits(&recorder, &mut talk);
    assert!(after * 2 < before, "{before} bits, then {after}");
    assert!(after < 2 * 150_000 * 14 / 10, "{after} bits in two seconds");
}

#[test]
fn nobody_gets_what_nobody_wants() {
    let mut talk = Conversation::new("toy.imx");
    let recorder = Recorder::new();
    talk.pipeline.attach(recorder.clone());
    recorder.want(|demand| demand.pictures = false);
    talk.run(5);
    let frames = recorder.take();
    assert!(
        frames
            .iter()
            .all(|frame| frame.picture.is_none() && frame.sound.len() == 1)
    );
    recorder.want(|demand| *demand = Demand::NOTHING);
    talk.run(5);
    assert!(recorder.take().is_empty(), "not even a call");
    recorder.want(|demand| *demand = Demand::ALL);
    talk.run(1);
    assert_eq!(recorder.take().len(), 1);
    recorder.want(|demand| *demand = Demand::CLOSED);
    talk.run(2);
    assert!(recorder.take().is_empty());
    assert!(
        matches!(talk.events[..], [Event::SinkClosed { .. }]),
        "{:?}",
        talk.events
    );
}

#[test]
fn an_avatar_larger_than_browsers_decode_is_scaled_down_evenly() {
    let talk = Conversation::new("mika.imx");
    let (width, height) = talk.pipeline.session().frame_size();
    assert!(width % 2 == 0 && height % 2 == 0 && width * height <= 1280 * 720);
    let mut options = PublisherOptions::default();
    options.session = options.session.output_size(essence::OutputSize {
        width: 333,
        height: 200,
    });
    let refused = essence_live::Pipeline::new(&common::avatar("toy.imx"), options);
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), essence::ErrorKind::InvalidArgument);
    assert!(error.message().contains("333×200"), "{error}");
}
