//! A conversation in its thread, in real time.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::mpsc::channel;

use common::{Recorder, TICK, avatar, recording};
use essence_live::{Event, Publisher, PublisherOptions, SOUND_LIMIT};

#[test]
fn it_speaks_in_real_time_reports_and_ends_when_dropped() {
    let (sender, events) = channel();
    let publisher = Publisher::start(
        &avatar("toy.imx"),
        PublisherOptions::default(),
        move |event| {
            let _ = sender.send(event);
        },
    )
    .unwrap();
    let recorder = Recorder::new();
    let sink = publisher.attach(recorder.clone());
    publisher
        .push_audio(&recording(16_000)[..16_000], 16_000, 9)
        .unwrap();
    publisher.flush();
    let mut seen = Vec::new();
    for event in &events {
        let ended = matches!(event, Event::SpeechEnded { reply: 9, .. });
        seen.push(event);
        if ended {
            break;
        }
    }
    assert!(
        matches!(seen[0], Event::SpeechStarted { reply: 9, .. }),
        "{seen:?}"
    );
    let Some(Event::SpeechEnded { position, .. }) = seen.last() else {
        panic!("{seen:?}");
    };
    assert_eq!(position.as_millis(), 1_000);
    let frames = recorder.frames();
    let sound: Vec<u64> = frames
        .iter()
        .flat_map(|frame| &frame.sound)
        .map(|sound| sound.index)
        .collect();
    let all: Vec<u64> = (sound[0]..sound[0] + sound.len() as u64).collect();
    assert_eq!(sound, all, "sound is whole");
    let last = &frames[frames.len() - 1];
    let apart = (last.index - frames[0].index) as u32;
    assert_eq!(last.due - frames[0].due, TICK * apart, "25 frames a second");
    assert!(TICK * apart < SOUND_LIMIT);
    assert!(publisher.perform("no such motion").is_err());

    publisher.detach(sink);
    assert!(publisher.is_running());
    drop(publisher);
    let last = events.iter().last().unwrap();
    assert!(matches!(last, Event::Closed { error: None }), "{last:?}");
}
