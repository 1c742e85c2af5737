//! Speech for a page that draws: what goes out, and what follows from what was heard.
#![expect(clippy::unwrap_used, reason = "tests")]

use essence::ErrorKind;
use essence_live::ws::Up;
use essence_live::{Event, SPEECH_AHEAD, SPEECH_LIMIT, SpeechDown, SpeechQueue};

const RATE: u32 = 24_000;
const SPEECH: u8 = 4;
const ENDS: u8 = 5;
const DROPPED: u8 = 6;
const PAUSED: u8 = 7;

/// A ramp, so that each sample tells its place.
fn samples(from: usize, count: usize) -> Vec<f32> {
    let value = |i| f32::from(i16::try_from(i % 30_000).unwrap()) / 32768.0;
    (from..from + count).map(value).collect()
}

/// Messages that can be had now: their kinds, and the samples of all.
fn take(page: &mut SpeechDown) -> (Vec<u8>, Vec<i16>) {
    let (mut kinds, mut heard) = (Vec::new(), Vec::new());
    while let Some(message) = page.try_next() {
        kinds.push(message[0]);
        if message[0] == SPEECH {
            assert_eq!(message[4..8], RATE.to_le_bytes());
            heard.extend(
                message[8..]
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|b| i16::from_le_bytes(*b)),
            );
        }
    }
    kinds.dedup();
    (kinds, heard)
}

fn heard(queue: &SpeechQueue, drops: u16, milliseconds: u32) -> Vec<String> {
    let mut message = vec![20, 0];
    message.extend(drops.to_le_bytes());
    message.extend(milliseconds.to_le_bytes());
    let events = queue.receive(&message).unwrap();
    events.iter().map(told).collect()
}

fn told(event: &Event) -> String {
    match event {
        Event::Played { reply, position } => format!("{reply} at {}", position.as_millis()),
        Event::SpeechEnded { reply, position } => format!("{reply} ended {}", position.as_millis()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn speech_goes_out_as_it_came_and_ends_when_it_was_heard() {
    let queue = SpeechQueue::new();
    let mut page = queue.connect();
    assert_eq!(take(&mut page).0, [DROPPED]);
    queue.push_audio(&samples(0, 12_000), RATE, 7).unwrap();
    queue.push_audio(&samples(12_000, 12_000), RATE, 7).unwrap();
    assert!(queue.flush().is_none());
    queue.push_audio(&samples(24_000, 2_400), RATE, 8).unwrap();
    let (kinds, out) = take(&mut page);
    assert_eq!(kinds, [SPEECH, ENDS, SPEECH]);
    assert!(
        out.iter()
            .enumerate()
            .all(|(i, &x)| usize::try_from(x).unwrap() == i)
    );
    assert_eq!(out.len(), 26_400);
    assert_eq!(heard(&queue, 1, 40), ["7 at 40"]);
    assert_eq!(heard(&queue, 1, 960), ["7 at 960"]);
    assert_eq!(
        heard(&queue, 1, 999),
        ["7 at 1000", "7 ended 1000"],
        "a rounding"
    );
    assert_eq!(heard(&queue, 1, 1_040), ["8 at 41"], "counted from there");
    // All of it was heard before the end of it was known.
    assert_eq!(heard(&queue, 1, 1_099), ["8 at 100"]);
    assert_eq!(
        queue.flush().as_ref().map(told).as_deref(),
        Some("8 ended 100")
    );
    assert_eq!(take(&mut page).0, [ENDS]);
    assert!(heard(&queue, 1, 1_099).is_empty(), "an end is told once");
}

#[test]
fn an_end_that_was_not_sent_yet_is_told_and_sent() {
    let queue = SpeechQueue::new();
    let mut page = queue.connect();
    queue.push_audio(&samples(0, 2_400), RATE, 3).unwrap();
    take(&mut page);
    assert!(queue.flush().is_none(), "it was not heard yet");
    assert_eq!(heard(&queue, 1, 100), ["3 at 100", "3 ended 100"]);
    assert_eq!(take(&mut page).0, [ENDS]);
    assert!(heard(&queue, 1, 100).is_empty(), "an end is told once");
}

#[test]
fn it_goes_some_seconds_ahead_and_waits() {
    let queue = SpeechQueue::new();
    let mut page = queue.connect();
    queue.push_audio(&samples(0, 20 * 24_000), RATE, 1).unwrap();
    let ahead = SPEECH_AHEAD.as_secs_f64() * f64::from(RATE);
    let (_, out) = take(&mut page);
    assert!(
        (out.len() as f64) < 1.1 * ahead && out.len() as f64 >= ahead,
        "{}",
        out.len()
    );
    heard(&queue, 1, 3_000);
    assert!(take(&mut page).1.len() > 2 * 24_000, "as much again");
    let limit = SPEECH_LIMIT.as_secs() as usize;
    let error = queue
        .push_audio(&samples(0, limit * 24_000), RATE, 1)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    let error = queue.push_audio(&samples(0, 9), 7, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn what_was_cut_does_not_come_and_counts_no_more() {
    let queue = SpeechQueue::new();
    let mut page = queue.connect();
    queue.push_audio(&samples(0, 24_000), RATE, 1).unwrap();
    take(&mut page);
    heard(&queue, 1, 400);
    queue.set_paused(true);
    queue.interrupt();
    queue.set_paused(false);
    queue.push_audio(&samples(0, 2_400), RATE, 2).unwrap();
    assert!(
        heard(&queue, 1, 440).is_empty(),
        "of before the interruption"
    );
    assert!(
        heard(&queue, 2, 440).is_empty(),
        "before the page knows of it"
    );
    let (kinds, out) = take(&mut page);
    assert_eq!(
        (&kinds[..], out.len()),
        (&[DROPPED, PAUSED, SPEECH][..], 2_400)
    );
    assert!(heard(&queue, 1, 480).is_empty());
    assert_eq!(heard(&queue, 2, 60), ["2 at 60"]);
    assert!(heard(&queue, 2, 40).is_empty(), "time doesn't go back");
}

#[test]
fn a_page_that_comes_back_gets_what_was_not_heard() {
    let queue = SpeechQueue::new();
    let mut first = queue.connect();
    queue.push_audio(&samples(0, 24_000), RATE, 1).unwrap();
    queue.flush();
    take(&mut first);
    heard(&queue, 1, 300);
    queue.set_paused(true);
    let mut second = queue.connect();
    assert!(
        first.try_next().is_none(),
        "the former one gets nothing any more"
    );
    let (kinds, out) = take(&mut second);
    assert_eq!(kinds, [DROPPED, PAUSED, SPEECH, ENDS]);
    assert_eq!((out[0], out.len()), (7_200, 16_800));
    assert_eq!(heard(&queue, 2, 100), ["1 at 400"]);
    assert_eq!(heard(&queue, 2, 700), ["1 at 1000", "1 ended 1000"]);
}

#[test]
fn pages_may_say_what_they_like() {
    let queue = SpeechQueue::new();
    let mut page = queue.connect();
    for message in [
        &[][..],
        &[20],
        &[20, 1, 0, 0, 0, 0, 0, 0],
        &[19, 0, 0, 0, 0, 0, 0, 0],
    ] {
        assert!(queue.receive(message).is_none(), "{message:?}");
    }
    take(&mut page);
    assert!(heard(&queue, 1, u32::MAX).is_empty(), "nothing was sent");
    queue.push_audio(&samples(0, 2_400), RATE, 1).unwrap();
    assert!(heard(&queue, 1, u32::MAX).is_empty());
    take(&mut page);
    assert_eq!(
        heard(&queue, 1, u32::MAX),
        ["1 at 100"],
        "no more than was sent"
    );
    let mut up = Up::of_drawing_page();
    let mut samples = Vec::new();
    up.receive(&[19, 1, 0, 0, 0, 0, 0, 0], &mut samples)
        .unwrap();
    assert!(samples.is_empty());
}
