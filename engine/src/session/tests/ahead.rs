//! Frames prepared ahead, on a clock that stands still: here the tests do the pool's work, step by
//! step.

use super::*;

/// Whatever happens, and whenever the pool comes to it: the frames are those that are made on the
/// spot.
#[test]
fn preparing_ahead_changes_nothing() {
    let avatar = toy();
    let voice = voice(64_000);
    for seed in 0..12 {
        let mut random = Random(seed);
        let (ahead, spot) = (Talk::new(&avatar), Talk::new(&avatar));
        let (mut pushed, mut heard) = (0, 0);
        for tick in 0..500 {
            for _ in 0..random.below(3) {
                let piece = random.below(6_000);
                let from = random.below(voice.len() - piece);
                let choice = random.below(16);
                for talk in [&ahead, &spot] {
                    let session = &talk.session;
                    match choice {
                        0..=7 => session
                            .push_audio(&voice[from..from + piece], RATE, 1)
                            .unwrap(),
                        8..=10 => session.flush(),
                        11 => session.set_muted(piece & 1 == 0),
                        12 => session.set_paused(piece & 1 == 0),
                        13 => session.set_paused(false),
                        14 if piece & 3 == 0 => session.interrupt(),
                        _ => {}
                    }
                }
                pushed += if choice < 8 { piece } else { 0 };
            }
            for _ in 0..random.below(8) {
                ahead.work();
            }
            let (left, right) = (ahead.tick(), spot.tick());
            let what = format!("seed {seed}, tick {tick}");
            assert_eq!(left.index(), right.index(), "{what}");
            assert_eq!(left.flags(), right.flags(), "{what}");
            assert_eq!(left.base_frame(), right.base_frame(), "{what}");
            assert_eq!(left.arkit(), right.arkit(), "{what}");
            assert!(left.audio() == right.audio(), "{what}: sound");
            assert!(left.pixels() == right.pixels(), "{what}: picture");
            heard += left.audio().len();
        }
        assert!(heard > pushed / 10, "seed {seed}: something was said");
    }
}

#[test]
fn an_interruption_overtakes_what_is_prepared() {
    let talk = Talk::new(&toy());
    let voice = voice(32_000);
    for _ in 0..4 {
        talk.say(&voice);
        let seen = (0..7)
            .map(|_| width(&talk.tick()))
            .fold(0.0, |_, last| last);
        assert!(seen > 0.05, "the mouth is open: {seen}");
        assert_eq!(talk.prepare(), RING_FRAMES, "the ring is full");
        talk.session.interrupt();
        for step in 0..2 {
            let frame = talk.tick();
            assert!(frame.audio().is_empty(), "step {step} is silent");
            assert!(!frame.flags().speech, "step {step}");
            let expected = seen * (1.0 - (step + 1) as f32 / 2.0);
            assert!(
                (width(&frame) - expected).abs() < 1e-3,
                "step {step}: {} wide, not {expected}",
                width(&frame)
            );
        }
    }
}

/// Held and let go with the next frame, though six are prepared; the mouth closes from where it was
/// seen last, and not a sample is lost or said twice.
#[test]
fn a_pause_overtakes_what_is_prepared() {
    let talk = Talk::new(&toy());
    // The second one is at its end, with its last frame prepared.
    for (samples, before) in [(32_000, 9), (6_400, 5)] {
        let voice = voice(samples);
        talk.say(&voice);
        let mut heard = Vec::new();
        let mut seen = 0.0;
        for _ in 0..before {
            let frame = talk.tick();
            seen = width(&frame);
            heard.extend_from_slice(frame.audio());
        }
        assert!(talk.prepare() > 3, "frames are prepared");
        talk.session.set_paused(true);
        for step in 0..8 {
            let frame = talk.tick();
            assert!(frame.audio().is_empty(), "step {step} is silent");
            assert!(!frame.flags().speech, "step {step}");
            let expected = (seen * (1.0 - (step + 1) as f32 / 3.0)).max(0.0);
            assert!((width(&frame) - expected).abs() < 1e-3, "step {step}");
            assert_eq!(talk.prepare(), 0, "nothing is prepared meanwhile");
        }
        talk.session.set_paused(false);
        talk.prepare();
        let mut frames = before;
        loop {
            let frame = talk.tick();
            assert!(frame.flags().speech, "on it goes at once");
            frames += 1;
            heard.extend_from_slice(frame.audio());
            if frame.flags().end_of_speech {
                break;
            }
        }
        assert!(heard == voice, "nothing lost, nothing twice");
        assert_eq!(frames, samples / 640, "each frame once");
    }
}

#[test]
fn muting_overtakes_what_is_prepared() {
    let talk = Talk::new(&toy());
    let voice = voice(48_000);
    talk.say(&voice);
    let mut heard = Vec::new();
    for index in 0..75 {
        let muted = (20..50).contains(&index);
        if index == 20 || index == 50 {
            talk.session.set_muted(muted);
        }
        let frame = talk.tick();
        talk.prepare();
        assert_eq!(frame.flags().muted, muted, "frame {index}");
        heard.extend_from_slice(frame.audio());
    }
    let (from, to) = (20 * 640, 50 * 640);
    assert!(heard[..from] == voice[..from], "before");
    assert!(heard[from..to].iter().all(|&x| x == 0.0), "muted");
    assert!(heard[to..] == voice[to..], "after: as it was pushed");
}

/// In silence no frame can be prepared, but base frames can: the next one is decoded when its time
/// comes.
#[test]
fn base_frames_are_prefetched_in_silence() {
    let talk = Talk::new(&toy());
    for index in 0..40 {
        talk.tick();
        for _ in 0..2 {
            assert!(talk.work().is_none(), "there is no speech");
        }
        let next = talk.session.core.prefetched();
        let shown = talk.tick().base_frame();
        assert!(next.contains(&shown), "tick {index}: {shown} of {next:?}");
    }
}

/// Four sessions of an avatar, whose networks run for all of them at once, draw what each would draw
/// alone; the third one is interrupted, the fourth is silent.
#[test]
fn sessions_prepared_together_draw_what_they_draw_alone() {
    let avatar = toy();
    let talks = [(); 4].map(|()| [Talk::new(&avatar), Talk::new(&avatar)]);
    let mut random = Random(5);
    let voice: Vec<f32> = (0..4_000)
        .map(|_| random.below(2_000) as f32 / 2_000.0 - 0.5)
        .collect();
    let mut prepared = 0;
    for frame in 0..60 {
        for (number, talk) in talks.iter().enumerate() {
            for session in talk.iter().map(|talk| &talk.session) {
                if number < 3 && frame % 4 == number {
                    let from = 97 * number + 13 * frame;
                    let piece = &voice[from..from + 2_560];
                    session.push_audio(piece, RATE, 1).unwrap();
                }
                if (number, frame) == (2, 30) {
                    session.interrupt();
                }
            }
        }
        for _ in 0..2 {
            let pieces = talks.each_ref().map(|[a, _]| a.piece(Duration::ZERO));
            let next = Core::run_batch(&pieces, false);
            assert_eq!(next.len(), pieces.len());
            prepared += next.iter().filter(|next| next.is_some()).count();
        }
        for (number, [together, alone]) in talks.iter().enumerate() {
            let [a, b] = [together, alone].map(|talk| {
                talk.clock.advance(TICK);
                talk.session.next_frame().unwrap().unwrap()
            });
            assert_eq!(a.flags(), b.flags(), "session {number}, frame {frame}");
            assert_eq!(a.arkit(), b.arkit(), "session {number}, frame {frame}");
            assert_eq!(a.audio(), b.audio(), "session {number}, frame {frame}");
            assert!(a.pixels() == b.pixels(), "session {number}, frame {frame}");
        }
    }
    assert!(prepared > 80, "{prepared} frames were prepared ahead");
}

/// If a session waits for longer than a frame for each one, pictures are dropped before their time:
/// the others come when they are due, with the sound of those before them.
#[test]
fn a_session_that_lags_drops_pictures_ahead() {
    let talk = Talk::new(&toy());
    let voice: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.3).sin() * 0.3).collect();
    talk.say(&voice);
    let first = talk.tick();
    let mut heard = first.audio().to_vec();
    let mut shown = vec![first.index()];
    let lag = TICK + TICK / 2;
    while heard.len() < voice.len() {
        Core::run_batch(&[talk.piece(lag)], false);
        for _ in 0..2 {
            if let Some(frame) = try_next_frame(&talk.session) {
                let skipped = u64::from(frame.flags().skipped);
                assert_eq!(frame.index(), shown[shown.len() - 1] + skipped + 1);
                assert!(!frame.flags().late, "{frame:?}");
                heard.extend_from_slice(frame.audio());
                shown.push(frame.index());
            }
            talk.clock.advance(TICK);
        }
    }
    assert!(heard == voice, "every sample");
    assert!(shown.len() < 20, "of 25 pictures: {shown:?}");
}

/// If the audio ends before as much as was to be dropped, the last picture there is is shown.
#[test]
fn what_is_dropped_ends_with_the_audio() {
    let talk = Talk::new(&toy());
    talk.tick();
    // Six frames and what their last window hears.
    talk.session
        .push_audio(&[0.1; 640 * 8][..], RATE, 1)
        .unwrap();
    Core::run_batch(&[talk.piece(50 * TICK)], false);
    let frame = loop {
        if let Some(frame) = try_next_frame(&talk.session) {
            break frame;
        }
        talk.clock.advance(TICK);
    };
    let samples = 640 * u64::from(frame.flags().skipped + 1);
    assert!(samples > 640 && frame.flags().speech, "{frame:?}");
    assert_eq!(frame.audio().len() as u64, samples);
}

/// With the pool's own thread, on a clock of the host's that the test sets.
#[test]
fn the_pool_prepares_ahead_on_a_hosts_clock() {
    let clock = HostClock::new();
    clock.set_position(Duration::from_secs(3));
    let options = SessionOptions::default().clock(Clock::Host(clock.clone()));
    let session = toy().session(options).unwrap();
    session.push_audio(&voice(32_000)[..], RATE, 1).unwrap();
    session.flush();
    session.next_frame().unwrap().unwrap();
    while lock(&session.core.ring).room().is_some() {
        std::thread::yield_now();
    }
}
