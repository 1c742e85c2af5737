//! Turns that end sooner or later by the look of their words, and turns that go on.

use super::*;

fn ms(ms: usize) -> usize {
    16 * ms
}

/// Somebody in the midst of speaking, for so many milliseconds.
fn voice(milliseconds: usize) -> Vec<f32> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../testdata/audio/speech_16000.wav"
    );
    let bytes = std::fs::read(path).expect("testdata has speech");
    let samples = bytes[44..].as_chunks::<2>().0.iter();
    let samples = samples.map(|&b| f32::from(i16::from_le_bytes(b)) / 32_768.0);
    samples.skip(ms(1_000)).take(ms(milliseconds)).collect()
}

/// A conversation that has heard a voice and so many milliseconds of silence; the number of the silence.
fn heard(hears_anew: bool, milliseconds: usize) -> (Conversation, u64) {
    let mut conversation = Conversation::new(Settings::default(), hears_anew, None);
    hear(&mut conversation, &voice(800));
    hear(&mut conversation, &vec![0.0; ms(milliseconds)]);
    let silences = conversation.jobs().into_iter().filter_map(|job| match job {
        Job::Anticipate { silence, .. } => Some(silence),
        Job::Reply(_) => None,
    });
    let silence = silences.last().expect("a silence");
    (conversation, silence)
}

fn hear(conversation: &mut Conversation, samples: &[f32]) {
    conversation.input(Input::Microphone(samples.to_vec()));
}

/// The reply that is asked for.
fn request(conversation: &mut Conversation) -> Option<Request> {
    conversation.jobs().into_iter().find_map(|job| match job {
        Job::Reply(request) => Some(*request),
        Job::Anticipate { .. } => None,
    })
}

/// Milliseconds of silence, in steps of 20, after which the turn ends.
fn ends_after(ending: Ending) -> usize {
    let (mut conversation, silence) = heard(true, 260);
    conversation.anticipated(silence, ending);
    let mut total = 260;
    while request(&mut conversation).is_none() {
        hear(&mut conversation, &[0.0; 320]);
        total += 20;
        assert!(total < 3_000, "it never ends");
    }
    total
}

#[test]
fn a_turn_ends_sooner_behind_a_sentence_and_later_in_the_midst_of_one() {
    let finished = ends_after(Ending::Finished);
    let unknown = ends_after(Ending::Unknown);
    let unfinished = ends_after(Ending::Unfinished);
    // The voice has ended up to 80 ms later than its sound.
    assert!((400..=480).contains(&finished), "{finished}");
    assert!((640..=720).contains(&unknown), "{unknown}");
    assert!((1_120..=1_200).contains(&unfinished), "{unfinished}");
}

#[test]
fn words_that_are_known_late_end_the_turn_at_once_and_those_before_a_voice_never() {
    let (mut conversation, silence) = heard(true, 560);
    conversation.anticipated(silence, Ending::Finished);
    assert!(request(&mut conversation).is_some());
    // The user goes on: what was found before has no meaning any more.
    let (mut conversation, silence) = heard(true, 300);
    hear(&mut conversation, &voice(300));
    hear(&mut conversation, &vec![0.0; ms(500)]);
    conversation.anticipated(silence, Ending::Finished);
    assert!(request(&mut conversation).is_none());
}

/// A turn that was taken for over, and goes on before anything of its reply is heard.
fn gone_on(hears_anew: bool) -> (Conversation, Request, Request) {
    let (mut conversation, silence) = heard(hears_anew, 460);
    conversation.anticipated(silence, Ending::Finished);
    let first = request(&mut conversation).expect("a turn");
    conversation.piece(first.reply, Piece::Heard("I would like tea.".to_owned()));
    conversation.events();
    hear(&mut conversation, &voice(800));
    hear(&mut conversation, &vec![0.0; ms(800)]);
    assert!(first.cancel.is_cancelled(), "nobody waits for it");
    let second = request(&mut conversation).expect("a turn");
    (conversation, first, second)
}

fn sound(request: &Request) -> &[f32] {
    match &request.said {
        Said::Voice(samples) => samples,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_turn_that_goes_on_is_heard_as_a_whole() {
    let (mut conversation, first, second) = gone_on(true);
    let (begin, whole) = (sound(&first), sound(&second));
    assert!(whole.starts_with(begin) && whole.len() > begin.len() + ms(800));
    assert_eq!(second.history, [], "the words come again");
    let taken_back =
        |event: &Event| matches!(event, Event::Caption(c) if c.reply == 1 && c.text.is_empty());
    assert!(conversation.events().iter().any(taken_back));
    // Late pieces of the first reply are nobody's.
    assert!(!conversation.piece(first.reply, Piece::Heard("late".to_owned())));
    conversation.piece(
        second.reply,
        Piece::Heard("I would like tea and cake.".to_owned()),
    );
    conversation.input(Input::Text("Well?".to_owned()));
    let third = request(&mut conversation).expect("a turn");
    let words: Vec<_> = third
        .history
        .iter()
        .map(|turn| turn.text.as_str())
        .collect();
    assert_eq!(words, ["I would like tea and cake."]);
}

#[test]
fn a_server_that_keeps_the_beginning_gets_the_rest_alone() {
    let (_, first, second) = gone_on(false);
    assert!(!sound(&second).starts_with(sound(&first)));
    assert_eq!(second.history.len(), 1);
}

#[test]
fn a_turn_whose_reply_is_heard_does_not_go_on() {
    let (mut conversation, silence) = heard(true, 460);
    conversation.anticipated(silence, Ending::Finished);
    let first = request(&mut conversation).expect("a turn");
    conversation.piece(first.reply, Piece::Heard("I would like tea.".to_owned()));
    conversation.piece(
        first.reply,
        Piece::Speech {
            rate_hz: 16_000,
            samples: vec![0.1; ms(900)],
        },
    );
    hear(&mut conversation, &vec![0.0; ms(600)]);
    hear(&mut conversation, &voice(800));
    hear(&mut conversation, &vec![0.0; ms(800)]);
    let second = request(&mut conversation).expect("a turn");
    assert!(!sound(&second).starts_with(sound(&first)));
    assert_eq!(second.history[0].text, "I would like tea.");
}
