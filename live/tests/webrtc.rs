//! A WebRTC peer over loopback gets pictures and sound on one clock, and is heard.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::browser::{Browser, is_key};
use common::{PictureDecoder, SoundDecoder, avatar, correlate, floats, recording};
use essence::ErrorKind;
use essence_live::rtc::{CloseReason, Connection, Hub, HubOptions, Peer, PeerEvent, PeerOptions};
use essence_live::{Event, MICROPHONE_RATE_HZ, Publisher, PublisherOptions};

fn hub() -> Hub {
    Hub::bind(HubOptions::new("127.0.0.1:0".parse().unwrap())).unwrap()
}

fn on_loopback() -> PeerOptions {
    PeerOptions::for_remote("127.0.0.1".parse().unwrap())
}

/// A publisher of the toy avatar, and the frame that the reply 1 begins with, once it does.
fn publisher() -> (Publisher, Arc<Mutex<Option<u64>>>) {
    let begin = Arc::new(Mutex::new(None));
    let told = begin.clone();
    let publisher = Publisher::start(
        &avatar("toy.imx"),
        PublisherOptions::default(),
        move |event| {
            if let Event::SpeechStarted { reply: 1, index } = event {
                *told.lock().unwrap() = Some(index);
            }
        },
    );
    (publisher.unwrap(), begin)
}

/// Connects a browser that `publisher` sends to.
fn connect(
    hub: &Hub,
    publisher: &Publisher,
    options: PeerOptions,
) -> (Browser, Peer, Receiver<PeerEvent>) {
    let (mut browser, offer) = Browser::new();
    let (sender, events) = channel();
    let on_event = move |event| {
        let _ = sender.send(event);
    };
    let Connection {
        answer, sink, peer, ..
    } = hub.answer(&offer, options, on_event).unwrap();
    publisher.attach(sink);
    browser.accept(&answer);
    browser.run_until("connected", |browser| browser.connected);
    (browser, peer, events)
}

#[test]
fn pictures_and_sound_arrive_whole_on_one_clock() {
    let hub = hub();
    let (publisher, begin) = publisher();
    let (mut browser, _peer, _events) = connect(&hub, &publisher, on_loopback());
    browser.run_until("sound", |browser| browser.sounds.len() >= 5);
    let said = recording(48_000);
    publisher.push_audio(&said[..144_000], 48_000, 1).unwrap();
    publisher.flush();
    browser.run_until("three seconds of speech", |browser| {
        let begin = *begin.lock().unwrap();
        begin.is_some_and(|begin| browser.sounds.contains_key(&(begin + 75)))
    });

    let numbers: Vec<u64> = browser.sounds.keys().copied().collect();
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    assert_eq!(
        numbers.len() as u64,
        last - first + 1,
        "no gap: {numbers:?}"
    );
    let mut decoder = SoundDecoder::new();
    let packets = browser.sounds.values();
    let heard: Vec<f32> = packets.flat_map(|packet| decoder.decode(packet)).collect();
    let begin = begin.lock().unwrap().unwrap();
    let at = 1_920 * (begin - first) as usize;
    let (lag, likeness) = correlate(&floats(&said[24_000..120_000]), &heard[at + 24_000..], 900);
    assert!(likeness > 0.85, "{likeness}");
    assert!(
        lag.abs_diff(312) <= 12,
        "{lag} samples, of which Opus takes 312"
    );

    let mut decoder = PictureDecoder::new();
    let pictures = browser.pictures.values();
    let decoded = pictures
        .filter(|picture| decoder.decode(picture).is_some())
        .count();
    assert_eq!(decoded, browser.pictures.len(), "all decode");
    let statistics = publisher.session().statistics();
    let expected = (last - first + 1).saturating_sub(statistics.skipped);
    assert!(
        decoded as u64 + 5 >= expected,
        "{decoded} of {expected} pictures"
    );
}

#[test]
fn a_browser_that_lost_a_picture_gets_a_key_frame() {
    let hub = hub();
    let (publisher, _) = publisher();
    let (mut browser, _peer, _events) = connect(&hub, &publisher, on_loopback());
    browser.run_until("pictures", |browser| browser.pictures.len() >= 30);
    let keys = |browser: &Browser| {
        browser
            .pictures
            .values()
            .filter(|picture| is_key(picture))
            .count()
    };
    assert_eq!(keys(&browser), 1, "the first picture alone");
    browser.request_key_frame();
    browser.run_until("a key frame", |browser| keys(browser) == 2);
}

#[test]
fn the_microphone_is_heard_at_16_khz() {
    let hub = hub();
    let (publisher, _) = publisher();
    let (mut browser, _peer, events) = connect(&hub, &publisher, on_loopback());
    let said = floats(&recording(48_000)[24_000..120_000]);
    let mut encoder = opus_rs::OpusEncoder::new(48_000, 1, opus_rs::Application::Voip).unwrap();
    encoder.bitrate_bps = 48_000;
    browser.run_until("sound", |browser| !browser.sounds.is_empty());
    for (index, piece) in said.chunks_exact(960).enumerate() {
        let mut packet = vec![0; 1_275];
        let bytes = encoder.encode(piece, 960, &mut packet).unwrap();
        packet.truncate(bytes);
        browser.speak(index as u64, packet);
    }
    let mut heard = Vec::new();
    browser.run_until("what was said", |_| {
        while let Ok(event) = events.try_recv() {
            if let PeerEvent::Microphone(samples) = event {
                heard.extend(samples);
            }
        }
        // str0m keeps the newest packets back, in case older ones come late.
        heard.len() >= 25_000
    });
    assert_eq!(MICROPHONE_RATE_HZ, 16_000);
    let reference = floats(&recording(16_000)[8_000..32_000]);
    let (lag, likeness) = correlate(&reference, &heard, 400);
    assert!(likeness > 0.85, "{likeness}");
    assert!(lag < 200, "{lag} samples");
}

#[test]
fn texts_go_both_ways_and_wait_for_the_channel() {
    let hub = hub();
    let (publisher, _) = publisher();
    let (mut browser, offer) = Browser::new();
    let (sender, events) = channel();
    let connection = hub
        .answer(&offer, on_loopback(), move |event| {
            let _ = sender.send(event);
        })
        .unwrap();
    connection.peer.send_text("before it is open").unwrap();
    publisher.attach(connection.sink);
    browser.accept(&connection.answer);
    browser.run_until("a text", |browser| !browser.texts.is_empty());
    connection.peer.send_text("after").unwrap();
    browser.run_until("another", |browser| browser.texts.len() == 2);
    assert_eq!(browser.texts, ["before it is open", "after"]);
    browser.run_until("the channel", Browser::has_text_channel);
    browser.send_text("{\"type\":\"hello\"}");
    let mut text = None;
    browser.run_until("an answer", |_| {
        while let Ok(event) = events.try_recv() {
            if let PeerEvent::Text(told) = event {
                text = Some(told);
            }
        }
        text.is_some()
    });
    assert_eq!(text.as_deref(), Some("{\"type\":\"hello\"}"));
    let error = connection.peer.send_text("x".repeat(100_000)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn a_browser_that_says_goodbye_is_gone_and_its_seat_free() {
    let mut options = HubOptions::new("127.0.0.1:0".parse().unwrap());
    options.max_peers = 1;
    let hub = Hub::bind(options).unwrap();
    let (publisher, _) = publisher();
    let (mut browser, _peer, events) = connect(&hub, &publisher, on_loopback());
    let (_, offer) = Browser::new();
    let refused = hub.answer(&offer, on_loopback(), |_| {});
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::LimitExceeded);
    browser.run_until("the channel", Browser::has_text_channel);
    browser.close();
    assert_eq!(reason(&events), Some(CloseReason::Remote));
    // The sender of the events is dropped with the peer, and the seat right after it.
    while hub.peers() > 0 {
        std::thread::yield_now();
    }
    connect(&hub, &publisher, on_loopback());
}

#[test]
fn a_browser_that_does_not_connect_or_vanishes_is_given_up() {
    let mut options = HubOptions::new("127.0.0.1:0".parse().unwrap());
    options.connect_limit = Duration::ZERO;
    let hub = Hub::bind(options).unwrap();
    let (_, offer) = Browser::new();
    let (sender, events) = channel();
    let on_event = move |event| {
        let _ = sender.send(event);
    };
    let _waiting = hub.answer(&offer, on_loopback(), on_event).unwrap();
    assert_eq!(reason(&events), Some(CloseReason::NeverConnected));

    let hub = self::hub();
    let (publisher, _) = publisher();
    let (browser, _peer, events) = connect(&hub, &publisher, on_loopback());
    drop(browser);
    assert_eq!(reason(&events), Some(CloseReason::Unreachable));
}

/// Waits for the end of a peer.
fn reason(events: &Receiver<PeerEvent>) -> Option<CloseReason> {
    events.iter().find_map(|event| match event {
        PeerEvent::Closed { reason } => Some(reason),
        _ => None,
    })
}

#[test]
fn dropping_a_peer_or_the_conversation_says_goodbye() {
    let hub = hub();
    let (publisher, _) = publisher();
    let (_one, peer, one_events) = connect(&hub, &publisher, on_loopback());
    let (_two, _peer, two_events) = connect(&hub, &publisher, on_loopback());
    drop(peer);
    assert_eq!(reason(&one_events), Some(CloseReason::Local));
    drop(publisher);
    assert_eq!(reason(&two_events), Some(CloseReason::Local));
}

#[test]
fn offers_that_are_none_are_refused_and_the_hub_goes_on() {
    let hub = hub();
    let refused = |offer: &str| hub.answer(offer, on_loopback(), |_| {}).unwrap_err();
    for offer in [
        "",
        "v=0",
        "\0\0\0",
        "{\"type\":\"offer\"}",
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
    ] {
        let error = refused(offer);
        assert_eq!(
            error.kind(),
            ErrorKind::InvalidArgument,
            "{offer:?}: {error}"
        );
    }
    assert_eq!(
        refused(&"a".repeat(70_000)).kind(),
        ErrorKind::LimitExceeded
    );
    let (_, without_h264) = Browser::with(|config| {
        config
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
    });
    let error = refused(&without_h264);
    assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
    assert!(error.message().contains("video in H264/90000"), "{error}");

    // A good offer, damaged: whatever comes of it, nothing fails but the offer.
    let (_, offer) = Browser::new();
    let mut seed = 1u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize
    };
    for _ in 0..200 {
        let mut bytes = offer.clone().into_bytes();
        for _ in 0..=random() % 8 {
            let at = random() % bytes.len();
            match random() % 3 {
                0 => bytes[at] = random() as u8,
                1 => drop(bytes.drain(at..(at + random() % 40).min(bytes.len()))),
                _ => {
                    let copy = bytes[at..(at + random() % 200).min(bytes.len())].to_vec();
                    bytes.splice(at..at, copy);
                }
            }
        }
        let _ = hub.answer(&String::from_utf8_lossy(&bytes), on_loopback(), |_| {});
    }
    let (publisher, _) = publisher();
    connect(&hub, &publisher, on_loopback());
}

#[test]
fn a_flood_of_rubbish_disturbs_nobody() {
    let hub = hub();
    let (publisher, _) = publisher();
    let (mut browser, _peer, _events) = connect(&hub, &publisher, on_loopback());
    let flood = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut seed = 1u32;
    for length in (0..20_000usize).map(|n| n % 1_500) {
        // Every protocol's first byte: STUN, DTLS, RTP and RTCP, and none.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut datagram = vec![(seed >> 24) as u8; length];
        if let Some(first) = datagram.first_mut() {
            *first = [0, 20, 22, 64, 128, 200][length % 6];
        }
        let _ = flood.send_to(&datagram, hub.local_addr());
    }
    let before = browser.sounds.len();
    browser.run_until("sound goes on", |browser| {
        browser.sounds.len() > before + 25
    });
    assert_eq!(hub.peers(), 1);
}

#[test]
fn a_hub_at_every_address_has_to_know_one() {
    let options = HubOptions::new("0.0.0.0:0".parse().unwrap());
    let error = Hub::bind(options.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("public_addresses"), "{error}");
    let mut options = options;
    options.public_addresses = vec![
        "192.0.2.7:8088".parse().unwrap(),
        "198.51.100.9:0".parse().unwrap(),
    ];
    let hub = Hub::bind(options).unwrap();
    let (_, offer) = Browser::new();
    let answer = hub
        .answer(&offer, PeerOptions::default(), |_| {})
        .unwrap()
        .answer;
    assert!(answer.contains("192.0.2.7 8088"), "{answer}");
    let own_port = format!("198.51.100.9 {}", hub.local_addr().port());
    assert!(answer.contains(&own_port), "{answer}");
    let streams: std::collections::BTreeSet<&str> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("a=msid:"))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        streams.len(),
        1,
        "browsers keep one stream in step: {answer}"
    );
}
