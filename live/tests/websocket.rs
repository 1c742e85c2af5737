//! Messages of the WebSocket transport: what the page gets, and what it may send.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};

use common::{Conversation, PictureDecoder, SoundDecoder, correlate, floats, recording};
use essence::ErrorKind;
use essence_live::ws::{self, MAX_MESSAGE_BYTES, SoundFormat};

/// A message from the page.
fn message(kind: u8, flag: u8, value: u32, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, flag, 0, 0];
    message.extend_from_slice(&value.to_le_bytes());
    message.extend_from_slice(payload);
    message
}

#[test]
fn a_page_gets_pictures_and_opus_of_the_same_frames() {
    let mut talk = Conversation::new("toy.imx");
    let mut page = ws::connect(SoundFormat::Opus);
    talk.pipeline.attach(page.sink);
    let (mut pictures, mut sounds) = (PictureDecoder::new(), SoundDecoder::new());
    for k in 0..50u32 {
        if k == 20 {
            talk.pipeline.session().interrupt();
        }
        talk.run(1);
        let mut kinds = Vec::new();
        while let Some(message) = page.down.try_next() {
            let interruptions = u16::from_le_bytes([message[2], message[3]]);
            assert_eq!(interruptions, u16::from(k >= 20), "frame {k}");
            assert_eq!(message[1], 0);
            assert_eq!(message[4..8], k.to_le_bytes(), "the number of the frame");
            match message[0] {
                0 | 1 => assert!(pictures.decode(&message[8..]).is_some(), "frame {k}"),
                2 => assert_eq!(sounds.decode(&message[8..]).len(), 1_920),
                kind => panic!("a message of kind {kind}"),
            }
            kinds.push(message[0]);
        }
        assert_eq!(kinds[0], 2, "sound first");
        assert_eq!(k == 0, kinds.contains(&1), "one key picture, the first");
    }
}

#[test]
fn waiting_for_a_message_ends_when_there_is_one_and_when_the_conversation_does() {
    struct Woken(AtomicUsize);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let mut talk = Conversation::new("toy.imx");
    let mut page = ws::connect(SoundFormat::Opus);
    talk.pipeline.attach(page.sink);
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    let waker = woken.clone().into();
    let mut context = Context::from_waker(&waker);
    assert!(pin!(page.down.next()).poll(&mut context).is_pending());
    talk.run(1);
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    let next = pin!(page.down.next()).poll(&mut context);
    assert!(matches!(next, Poll::Ready(Some(_))), "{next:?}");
    while page.down.try_next().is_some() {}
    assert!(pin!(page.down.next()).poll(&mut context).is_pending());
    drop(talk);
    assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    assert_eq!(pin!(page.down.next()).poll(&mut context), Poll::Ready(None));
}

#[test]
fn a_hidden_page_gets_sound_alone_and_a_key_picture_when_it_is_back() {
    let mut talk = Conversation::new("toy.imx");
    let mut page = ws::connect(SoundFormat::Opus);
    talk.pipeline.attach(page.sink);
    let down = &mut page.down;
    // The kinds of messages, in order, that a reading page gets of the next frames.
    let mut kinds = |frames: usize| -> Vec<u8> {
        let mut kinds = Vec::new();
        for _ in 0..frames {
            talk.run(1);
            kinds.extend(std::iter::from_fn(|| down.try_next()).map(|message| message[0]));
        }
        kinds
    };
    let up = &mut page.up;
    let mut send = |message: &[u8]| up.receive(message, &mut Vec::new()).unwrap();
    kinds(3);
    send(&message(19, 0, 0, &[]));
    assert_eq!(kinds(5), [2; 5], "sound alone");
    send(&message(19, 1, 0, &[]));
    let back: Vec<u8> = kinds(12).into_iter().filter(|kind| *kind < 2).collect();
    assert_eq!(back.first(), Some(&1), "a key picture first");
    send(&message(18, 0, 0, &[]));
    let asked: Vec<u8> = kinds(13).into_iter().filter(|kind| *kind < 2).collect();
    assert_eq!(
        asked.iter().filter(|kind| **kind == 1).count(),
        1,
        "on demand"
    );
    assert!(asked.len() >= 12, "others go on meanwhile: {asked:?}");
}

#[test]
fn a_microphone_is_heard_at_16_khz_from_pcm_at_any_rate_and_from_opus() {
    let reference = floats(&recording(16_000)[8_000..40_000]);
    for rate in [16_000usize, 24_000, 44_100, 48_000] {
        let mut page = ws::connect(SoundFormat::Opus);
        let said = recording(rate as u32);
        let said = &said[rate / 2..rate * 5 / 2];
        let mut heard = Vec::new();
        for piece in said.chunks(rate / 47) {
            let bytes: Vec<u8> = piece.iter().flat_map(|x| x.to_le_bytes()).collect();
            let message = message(16, 0, rate as u32, &bytes);
            page.up.receive(&message, &mut heard).unwrap();
        }
        assert!(
            heard.len().abs_diff(32_000) <= 1,
            "{rate} Hz: {}",
            heard.len()
        );
        let (lag, likeness) = correlate(&reference[..30_000], &heard, 100);
        assert!(likeness > 0.98, "{rate} Hz: {likeness}");
        assert!(lag <= 17, "{rate} Hz: {lag} samples late");
    }
    let mut page = ws::connect(SoundFormat::Opus);
    let mut encoder = opus_rs::OpusEncoder::new(48_000, 1, opus_rs::Application::Voip).unwrap();
    encoder.bitrate_bps = 48_000;
    let mut heard = Vec::new();
    for piece in floats(&recording(48_000)[24_000..120_000]).chunks_exact(960) {
        let mut packet = vec![0; 1_275];
        let bytes = encoder.encode(piece, 960, &mut packet).unwrap();
        let message = message(17, 0, 0, &packet[..bytes]);
        page.up.receive(&message, &mut heard).unwrap();
    }
    let (_, likeness) = correlate(&reference[..30_000], &heard, 400);
    assert!(likeness > 0.85, "{likeness}");
}

#[test]
fn messages_of_another_form_are_refused_by_name_and_the_next_one_is_taken() {
    let mut page = ws::connect(SoundFormat::Opus);
    let mut heard = Vec::new();
    let mut refused = |message: &[u8]| page.up.receive(message, &mut heard).unwrap_err();
    for (bytes, kind, words) in [
        (
            vec![],
            ErrorKind::InvalidArgument,
            "shorter than its header",
        ),
        (
            vec![16; 7],
            ErrorKind::InvalidArgument,
            "shorter than its header",
        ),
        (
            message(5, 0, 0, &[]),
            ErrorKind::InvalidArgument,
            "unknown kind 5",
        ),
        (
            message(19, 2, 0, &[]),
            ErrorKind::InvalidArgument,
            "on (1) or off (0)",
        ),
        (
            message(16, 0, 16_000, &[1]),
            ErrorKind::InvalidArgument,
            "within a sample",
        ),
        (
            message(16, 0, 0, &[0; 2]),
            ErrorKind::InvalidArgument,
            "outside 8,000 to 192,000",
        ),
        (
            message(16, 0, u32::MAX, &[0; 2]),
            ErrorKind::InvalidArgument,
            "outside 8,000 to 192,000",
        ),
        (
            message(16, 0, 8_000, &[0; 16_002]),
            ErrorKind::LimitExceeded,
            "more than a second",
        ),
        (
            vec![16; MAX_MESSAGE_BYTES + 1],
            ErrorKind::LimitExceeded,
            "at most",
        ),
        (
            message(17, 0, 0, &[]),
            ErrorKind::UnsupportedFormat,
            "damaged",
        ),
        (
            message(17, 0, 0, &[0xff; 3]),
            ErrorKind::UnsupportedFormat,
            "damaged",
        ),
    ] {
        let error = refused(&bytes);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    assert!(heard.is_empty());
    // Random packets: errors or samples, at most 120 ms each.
    let mut seed = 1u32;
    for length in 0..3_000usize {
        let packet: Vec<u8> = (0..length % 300)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        heard.clear();
        let _ = page.up.receive(&message(17, 0, 0, &packet), &mut heard);
        assert!(heard.len() <= 1_921 && heard.iter().all(|x| x.is_finite()));
    }
    let silence = message(16, 0, 16_000, &[0; 640]);
    heard.clear();
    page.up.receive(&silence, &mut heard).unwrap();
    assert_eq!(heard.len(), 320);
}
