//! The protocol of an agent, packet by packet: lost trailers, interruptions, calls without an answer.

#[path = "common/room.rs"]
mod room;

use std::time::Duration;

use essence::ErrorKind;
use essence_live::livekit::AgentOutput;
use room::messages::{Data, RpcError, RpcResult, StreamTrailer};
use room::{Room, STARTED, call, chunk, header};

#[test]
fn a_stream_is_a_segment_that_starts_and_finishes_once() {
    let mut room = Room::new();
    room.say("a", 1.0);
    assert_eq!(room.samples().len(), 16_000);
    assert_eq!(room.flushes(), [1]);
    assert_eq!(room.finished(), []);
    room.play(1, 0.5, false);
    assert_eq!((room.started(), room.finished().len()), (1, 0));
    room.play(1, 1.0, true);
    assert_eq!((room.started(), room.finished()), (1, vec![(1.0, false)]));
    assert_eq!(room.protocol.segments(), 0);
    room.wait(60.0);
    assert_eq!(room.finished().len(), 1);
}

#[test]
fn chunks_may_be_cut_within_samples() {
    let bytes: Vec<u8> = (0..=255).collect();
    let whole: Vec<i16> = bytes
        .chunks(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    for length in [1, 2, 3, 5, 7, 64, 256] {
        let mut room = Room::new();
        room.agent(Data::StreamHeader(header("a", "48000", "2")));
        for (index, piece) in bytes.chunks(length).enumerate() {
            room.agent(chunk("a", index as u64, piece.to_vec()));
        }
        assert_eq!(room.samples(), whole, "pieces of {length} bytes");
        let even = room.work.iter().all(|output| match output {
            AgentOutput::Audio { samples, .. } => samples.len() % 2 == 0,
            _ => true,
        });
        assert!(even, "samples of both channels come together");
    }
}

#[test]
fn a_chunk_that_comes_twice_is_heard_once() {
    let mut room = Room::new();
    room.open("a");
    for index in [0, 1, 1, 0, 2] {
        room.agent(chunk("a", index, vec![index as u8, 0]));
    }
    assert_eq!(room.samples(), [0, 1, 2]);
}

#[test]
fn a_lost_trailer_is_made_good_by_the_next_stream() {
    let mut room = Room::new();
    room.open("a");
    room.speak("a", 1.0);
    room.say("b", 0.5);
    assert_eq!(room.flushes(), [1, 2]);
    // The trailer comes late, and a chunk with it.
    room.speak("a", 0.1);
    room.close("a");
    assert_eq!(room.samples().len(), 24_000);
    room.play(1, 1.0, true);
    room.play(2, 0.5, true);
    assert_eq!(room.finished(), [(1.0, false), (0.5, false)]);
}

#[test]
fn a_stream_that_brings_nothing_for_ten_seconds_ends() {
    let mut room = Room::new();
    room.open("a");
    room.speak("a", 1.0);
    room.wait(5.0);
    room.agent(chunk("a", 10, vec![0; 3_200]));
    room.play(1, 1.1, true);
    room.wait(9.9);
    assert_eq!((room.flushes(), room.finished()), (vec![], vec![]));
    room.wait(0.2);
    assert_eq!(
        (room.flushes(), room.finished()),
        (vec![1], vec![(1.1, false)])
    );
    assert_eq!(room.protocol.deadline(), None);
}

#[test]
fn a_pause_within_a_stream_is_not_its_end() {
    let mut room = Room::new();
    room.open("a");
    room.speak("a", 1.0);
    // The engine ends the utterance, since nothing more has come.
    room.play(1, 1.0, true);
    assert_eq!(room.finished(), []);
    room.agent(chunk("a", 10, vec![0; 32_000]));
    room.play(1, 0.4, false);
    room.close("a");
    assert_eq!(room.finished(), []);
    room.play(1, 1.0, true);
    assert_eq!((room.started(), room.finished()), (1, vec![(2.0, false)]));
}

#[test]
fn a_stream_without_sound_is_over_at_once_but_in_its_turn() {
    let mut room = Room::new();
    room.say("a", 1.0);
    room.say("b", 0.0);
    assert_eq!(room.finished(), []);
    room.play(1, 1.0, true);
    assert_eq!(room.finished(), [(1.0, false), (0.0, false)]);
}

#[test]
fn clearing_interrupts_and_tells_how_far_it_was_heard() {
    let mut room = Room::new();
    room.open("a");
    room.speak("a", 2.0);
    room.play(1, 0.6, false);
    room.clear();
    assert_eq!(room.answers, [Ok("ok".to_owned())]);
    assert_eq!(room.interruptions(), 1);
    // The rest of the stream is of no use, its trailer included.
    let before = room.samples().len();
    room.agent(chunk("a", 20, vec![0; 3_200]));
    room.close("a");
    assert_eq!((room.samples().len(), room.flushes()), (before, vec![]));
    assert_eq!(room.finished(), []);
    room.interrupted(Some(1), 0.64);
    assert_eq!(room.finished(), [(0.64, true)]);
    room.say("b", 1.0);
    room.play(2, 1.0, true);
    assert_eq!(room.finished(), [(0.64, true), (1.0, false)]);
}

#[test]
fn clearing_in_silence_changes_nothing() {
    let mut room = Room::new();
    room.clear();
    room.say("a", 1.0);
    room.play(1, 1.0, true);
    room.clear();
    room.wait(5.0);
    assert_eq!(room.answers, [Ok("ok".to_owned()), Ok("ok".to_owned())]);
    assert_eq!(
        (room.interruptions(), room.finished()),
        (0, vec![(1.0, false)])
    );
}

#[test]
fn every_segment_that_is_cleared_is_told_of_once() {
    let mut room = Room::new();
    room.say("a", 1.0);
    room.say("b", 1.0);
    room.open("c");
    room.play(1, 0.4, false);
    room.clear();
    room.clear();
    room.interrupted(Some(1), 0.44);
    room.interrupted(None, 0.0);
    assert_eq!(room.finished(), [(0.44, true), (0.0, true), (0.0, true)]);
}

#[test]
fn interruptions_one_after_the_other_leave_no_segment_behind() {
    let mut room = Room::new();
    for turn in 1..=20 {
        let id = format!("turn {turn}");
        room.open(&id);
        room.speak(&id, 1.0);
        room.play(turn, 0.2, false);
        room.clear();
        room.interrupted(Some(turn), 0.24);
    }
    assert_eq!(room.finished(), vec![(0.24, true); 20]);
    room.say("last", 1.0);
    room.play(21, 1.0, true);
    assert_eq!(room.finished().last(), Some(&(1.0, false)));
}

#[test]
fn an_interruption_without_an_echo_is_told_within_the_agents_patience() {
    let mut room = Room::new();
    room.say("a", 1.0);
    room.play(1, 0.2, false);
    room.clear();
    room.wait(0.9);
    assert_eq!(room.finished(), []);
    room.wait(0.2);
    assert_eq!(room.finished(), [(0.2, true)]);
}

#[test]
fn a_segment_that_was_heard_whole_is_over_without_the_news_of_its_end() {
    let mut room = Room::new();
    room.say("a", 1.0);
    room.play(1, 0.96, false);
    room.wait(0.04);
    assert_eq!(room.finished(), []);
    room.play(1, 1.0, false);
    room.wait(0.0);
    assert_eq!(room.finished(), [(1.0, false)]);
    room.play(1, 1.0, true);
    assert_eq!(room.finished().len(), 1);
}

#[test]
fn an_end_that_was_lost_is_made_good_by_the_next_start() {
    let mut room = Room::new();
    room.say("a", 1.0);
    room.say("b", 1.0);
    room.play(1, 0.96, false);
    room.play(2, 0.04, false);
    assert_eq!(room.finished(), [(0.96, false)]);
}

#[test]
fn an_agent_that_is_gone_is_dropped_with_all_it_said() {
    let mut room = Room::new();
    room.open("a");
    room.speak("a", 1.0);
    room.play(1, 0.5, false);
    room.protocol.set_agent(None);
    room.settle();
    assert_eq!(room.interruptions(), 1);
    let before = room.samples().len();
    room.speak("a", 0.5);
    room.clear();
    room.interrupted(Some(1), 0.5);
    room.wait(30.0);
    assert_eq!(room.samples().len(), before);
    assert_eq!(room.finished(), []);
    assert_eq!(room.answers, [Ok("reject".to_owned())]);
    room.protocol.set_agent(Some("agent"));
    room.say("b", 1.0);
    room.play(2, 1.0, true);
    assert_eq!(room.finished(), [(1.0, false)]);
}

#[test]
fn others_than_the_agent_move_nothing() {
    let mut room = Room::new();
    room.say("a", 1.0);
    let before = room.work.clone();
    for value in [
        call("lk.clear_buffer", 1),
        Data::StreamHeader(header("b", "16000", "1")),
        chunk("a", 10, vec![0; 32]),
        Data::StreamTrailer(StreamTrailer {
            stream_id: "a".to_owned(),
        }),
    ] {
        room.receive("stranger", value)
            .expect("the packet is whole");
    }
    assert_eq!(room.work, before);
    assert_eq!(room.answers, [Ok("reject".to_owned())]);
    assert_eq!(room.protocol.segments(), 1);
}

#[test]
fn calls_that_are_not_known_are_refused_by_their_codes() {
    let mut room = Room::new();
    room.agent(call("lk.sing", 1));
    room.agent(call("lk.clear_buffer", 2));
    assert_eq!(room.answers, [Err(1400), Err(1404)]);
}

#[test]
fn gestures_that_the_avatar_has_are_played() {
    let mut room = Room::new();
    room.protocol.set_gestures(vec!["wave".to_owned()]);
    for payload in [r#"{"action":"wave"}"#, r#"{"action":"dance"}"#, "[", ""] {
        let Data::RpcRequest(mut request) = call("trigger_dynamics", 1) else {
            panic!("a call");
        };
        request.payload = payload.to_owned();
        room.agent(Data::RpcRequest(request.clone()));
        let answered = room.receive("stranger", Data::RpcRequest(request));
        answered.expect("the packet is whole");
    }
    assert_eq!(room.work, [AgentOutput::Perform("wave".to_owned())]);
    let answers = room.answers.iter().flatten();
    let answers: Vec<&String> = answers.filter(|answer| *answer != "reject").collect();
    let triggered = answers.iter().map(|answer| {
        let answer: serde_json::Value = serde_json::from_str(answer).expect("JSON");
        answer["animation_triggered"] == true
    });
    assert_eq!(triggered.collect::<Vec<_>>(), [true, false, false, false]);
}

#[test]
fn an_agent_that_does_not_want_to_hear_of_starts_is_told_of_ends() {
    let mut room = Room::new();
    room.answer = |method| {
        Some(match method {
            STARTED => RpcResult::Error(RpcError {
                code: 1400,
                message: String::new(),
            }),
            _ => RpcResult::Payload("ok".to_owned()),
        })
    };
    for turn in 1..=3 {
        room.say(&format!("turn {turn}"), 1.0);
        room.play(turn, 1.0, true);
    }
    assert_eq!((room.started(), room.finished().len()), (1, 3));
    assert_eq!(room.protocol.failed_calls(), 0);
}

#[test]
fn a_call_without_an_answer_is_made_three_times_and_speech_goes_on() {
    let mut room = Room::new();
    room.answer = |_| None;
    room.say("a", 1.0);
    room.play(1, 1.0, true);
    // Started is on its way; finished waits behind it.
    for _ in 0..30 {
        room.wait(1.0);
    }
    assert_eq!((room.started(), room.finished().len()), (3, 3));
    assert_eq!(room.protocol.failed_calls(), 2);
    room.answer = |_| Some(RpcResult::Payload("ok".to_owned()));
    room.say("b", 1.0);
    room.play(2, 1.0, true);
    assert_eq!(room.finished().len(), 4);
}

#[test]
fn a_call_that_fails_is_made_again() {
    let mut room = Room::new();
    room.answer = |_| {
        Some(RpcResult::Error(RpcError {
            code: 1500,
            message: String::new(),
        }))
    };
    room.say("a", 0.0);
    assert_eq!(room.finished(), vec![(0.0, false); 3]);
    assert_eq!(room.protocol.failed_calls(), 1);
}

#[test]
fn impossible_streams_are_refused_and_told_as_segments_of_no_length() {
    let mut room = Room::new();
    let mut compressed = header("z", "16000", "1");
    compressed.compression = 1;
    let mut bare = header("a", "16000", "1");
    bare.attributes.clear();
    for (header, kind) in [
        (bare, ErrorKind::InvalidArgument),
        (header("b", "7999", "1"), ErrorKind::InvalidArgument),
        (header("c", "16000", "0"), ErrorKind::InvalidArgument),
        (header("d", "16000", "9"), ErrorKind::InvalidArgument),
        (header("e", "-1", "x"), ErrorKind::InvalidArgument),
        (compressed, ErrorKind::UnsupportedFormat),
    ] {
        let refused = room.receive("agent", Data::StreamHeader(header));
        assert_eq!(refused.map_err(|error| error.kind()), Err(kind));
    }
    assert_eq!(room.finished(), vec![(0.0, true); 6]);
    assert_eq!((room.work.len(), room.protocol.segments()), (0, 0));
}

#[test]
fn a_stream_in_one_packet_is_whole() {
    let mut room = Room::new();
    let mut inline = header("a", "16000", "1");
    inline.inline_content = Some(vec![7, 0, 8, 0]);
    room.agent(Data::StreamHeader(inline));
    assert_eq!((room.samples(), room.flushes()), (vec![7, 8], vec![1]));
}

#[test]
fn damaged_packets_are_refused_and_change_nothing() {
    let mut room = Room::new();
    room.say("a", 1.0);
    let before = room.work.clone();
    for packet in [&[0xff][..], &[0x6a, 0x7f, 1, 2], &[0x0a; 40]] {
        let refused = room.protocol.receive(packet, room.now);
        let kind = refused.map_err(|error| error.kind());
        assert_eq!(kind, Err(ErrorKind::InvalidArgument));
    }
    room.settle();
    assert_eq!(room.work, before);
    assert!(room.protocol.receive(&[], room.now).is_ok());
}

#[test]
fn speech_that_could_not_be_taken_is_not_waited_for() {
    let mut room = Room::new();
    room.say("a", 1.0);
    room.protocol.refused(1, Duration::from_millis(300));
    room.play(1, 0.7, true);
    assert_eq!(room.finished(), [(0.7, false)]);
    room.say("b", 1.0);
    room.protocol.refused(2, Duration::from_secs(1));
    room.wait(0.0);
    assert_eq!(room.finished(), [(0.7, false), (0.0, false)]);
}

#[test]
fn an_agent_that_opens_streams_without_end_is_stopped() {
    let mut room = Room::new();
    let mut refused = 0;
    for index in 0..1_000 {
        let id = format!("stream {index}");
        let opened = room.receive("agent", Data::StreamHeader(header(&id, "16000", "1")));
        match opened {
            Ok(()) => room.speak(&id, 0.1),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::LimitExceeded);
                refused += 1;
            }
        }
    }
    assert_eq!((room.protocol.segments(), refused), (256, 744));
}
