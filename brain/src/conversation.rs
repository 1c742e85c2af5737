//! The state of a conversation: every message in, the events that follow from it out.
//!
//! No thread, no clock and no queue: `brain` has those.

use std::collections::BTreeMap;

use essence::{Error, ErrorKind};

use crate::cancel::Cancel;
use crate::ending::Ending;
use crate::event::{Caption, Event, Input, ReplyId, Speaker, State};
use crate::history::History;
use crate::piece::Piece;
use crate::responder::{Interrupted, Request, Said};
use crate::spoken::Spoken;
use crate::tool::Tools;
use crate::turn::{Change, Timing, TurnTaking};
use crate::voice::VoiceActivity;

/// Most bytes of a text that a user types.
pub const MAX_TEXT_BYTES: usize = 4_000;

/// Most seconds of sound of a reply; the rest is dropped, and said.
pub const MAX_REPLY_S: u64 = 300;

/// Most bytes of a reply's words.
const MAX_REPLY_BYTES: usize = 16_000;

/// Milliseconds of the avatar's speech in which the page's echo canceller may not have settled.
const WARY_MS: u64 = 500;

/// Settings of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Times of turn-taking.
    pub timing: Timing,
    /// Gestures by words of the avatar: whole words, in lower case.
    pub gestures: BTreeMap<String, String>,
    /// Functions that replies may call.
    pub tools: Tools,
}

/// Work for the thread that runs responders.
#[derive(Debug)]
pub(crate) enum Job {
    /// A reply.
    Reply(Box<Request>),
    /// The turn may be over with this sound.
    Anticipate {
        silence: u64,
        voice: Vec<f32>,
        cancel: Cancel,
    },
}

pub(crate) struct Conversation {
    settings: Settings,
    hears_anew: bool,
    turns: TurnTaking,
    state: State,
    history: History,
    begun: bool,
    /// Replies so far, which is the number of the latest one.
    replies: ReplyId,
    current: Option<Reply>,
    /// The latest reply, if it was interrupted.
    interrupted: Option<Interrupted>,
    /// Work that was begun in the silence that may end the turn.
    anticipated: Option<Cancel>,
    /// Silences so far.
    silences: u64,
    /// The turn that the user goes on with.
    continued: Option<Continued>,
    /// Milliseconds of microphone since the avatar began to speak.
    speaking_ms: u64,
    out: Vec<Event>,
    jobs: Vec<Job>,
}

/// A turn that was taken for over, but whose reply had no sound when the user went on.
struct Continued {
    reply: ReplyId,
    voice: Vec<f32>,
}

/// The reply under way.
struct Reply {
    cancel: Cancel,
    /// The sound that it answers.
    voice: Option<Vec<f32>>,
    spoken: Spoken,
    played_ms: u64,
    bytes: usize,
    /// The responder has given its last piece.
    complete: bool,
    /// All sound so far has been spoken, and nothing came since.
    starved: bool,
    too_long: bool,
    /// The call is over when it has been spoken.
    ends_call: bool,
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.stop_anticipated();
    }
}

impl Conversation {
    /// `hears_anew`: a turn that goes on comes again as a whole. `activity` tells voices, if not the network
    /// inside.
    pub(crate) fn new(
        settings: Settings,
        hears_anew: bool,
        activity: Option<Box<dyn VoiceActivity>>,
    ) -> Self {
        Self {
            hears_anew,
            turns: TurnTaking::new(settings.timing, activity),
            settings,
            state: State::Listening,
            history: History::default(),
            begun: false,
            replies: 0,
            current: None,
            interrupted: None,
            anticipated: None,
            silences: 0,
            continued: None,
            speaking_ms: 0,
            out: Vec::new(),
            jobs: Vec::new(),
        }
    }

    /// The events since the last call.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.out)
    }

    /// The work that came up since the last call.
    pub(crate) fn jobs(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.jobs)
    }

    pub(crate) fn input(&mut self, input: Input) {
        match input {
            Input::Begin => {
                if !std::mem::replace(&mut self.begun, true) && self.current.is_none() {
                    self.ask(Said::Nothing);
                }
            }
            Input::Microphone(samples) => self.microphone(&samples),
            Input::EndOfTurn => {
                let changes = self.turns.end_of_turn();
                self.follow(changes);
            }
            Input::Text(text) => self.take(&text, Said::Text),
            Input::Speak(text) => self.take(&text, Said::Speak),
            Input::AddContext(text) => self.history.add_context(cut(&text)),
            Input::Interrupt => {
                self.forget_voice();
                self.interrupt();
            }
            Input::Played { reply, ms } => {
                if let Some(current) = self.current_reply(reply) {
                    current.played_ms = current.played_ms.max(ms);
                }
            }
            Input::Finished { reply } => {
                match self.current_reply(reply) {
                    Some(current) if current.complete => self.finish(),
                    // The avatar waits for sound that may never come.
                    Some(current) => current.starved = true,
                    None => {}
                }
            }
        }
    }

    fn microphone(&mut self, samples: &[f32]) {
        let speaking = self.state != State::Listening;
        let wary = self.state == State::Speaking && self.speaking_ms < WARY_MS;
        self.speaking_ms += samples.len() as u64 / 16;
        let changes = self.turns.hear(samples, speaking, wary);
        self.follow(changes);
    }

    fn follow(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Pause => self.out.push(Event::Pause(true)),
                Change::Resume => self.out.push(Event::Pause(false)),
                Change::Interrupt => {
                    self.continue_turn();
                    self.interrupt();
                }
                Change::Silence(voice) => {
                    let cancel = Cancel::default();
                    self.anticipated = Some(cancel.clone());
                    self.silences += 1;
                    let job = Job::Anticipate {
                        silence: self.silences,
                        voice: self.whole(voice),
                        cancel,
                    };
                    self.jobs.push(job);
                }
                Change::GoesOn => self.stop_anticipated(),
                Change::EndOfTurn(samples) => {
                    self.interrupt();
                    let whole = self.whole(samples);
                    if let Some(continued) = self.continued.take() {
                        self.unhear(continued.reply);
                    }
                    self.ask(Said::Voice(whole));
                }
            }
        }
    }

    /// The look of the words before a silence.
    pub(crate) fn anticipated(&mut self, silence: u64, ending: Ending) {
        if self.silences == silence {
            let changes = self.turns.look(ending);
            self.follow(changes);
        }
    }

    /// The user goes on before anything of the reply is heard: it was no end of the turn.
    fn continue_turn(&mut self) {
        let Some(reply) = &mut self.current else {
            return;
        };
        if self.hears_anew && !reply.spoken.has_sound() {
            let voice = reply.voice.take();
            self.continued = voice.map(|voice| Continued {
                reply: self.replies,
                voice,
            });
        }
    }

    /// A turn's sound with that of the turn that it goes on with, unless that makes it too long.
    fn whole(&mut self, samples: Vec<f32>) -> Vec<f32> {
        let longest = self.settings.timing.longest_ms.saturating_mul(16);
        let fits =
            |continued: &Continued| (continued.voice.len() + samples.len()) as u64 <= longest;
        self.continued = self.continued.take().filter(fits);
        match &self.continued {
            Some(continued) => [&continued.voice[..], &samples].concat(),
            None => samples,
        }
    }

    /// Takes the words of a turn back that is heard as a part of the next one.
    fn unhear(&mut self, reply: ReplyId) {
        if self.history.forget(reply) {
            self.out.push(Event::Caption(heard(reply, String::new())));
        }
    }

    /// A text takes the turn.
    fn take(&mut self, text: &str, said: impl FnOnce(String) -> Said) {
        let text = cut(text);
        if text.is_empty() {
            return;
        }
        self.forget_voice();
        self.interrupt();
        self.ask(said(text));
    }

    fn forget_voice(&mut self) {
        self.continued = None;
        let mut changes = Vec::new();
        self.turns.forget(&mut changes);
        self.follow(changes);
    }

    /// Stops the reply under way, if there is one, where it was really spoken.
    fn interrupt(&mut self) {
        let Some(mut reply) = self.current.take() else {
            return;
        };
        self.out.push(Event::Pause(false));
        self.out.push(Event::Interrupt);
        self.interrupted = Some(Interrupted {
            reply: self.replies,
            played_ms: reply.played_ms,
        });
        let (words, changed) = reply.spoken.cut(reply.played_ms);
        self.out.extend(changed.into_iter().map(Event::Caption));
        self.history.say(words);
        self.state(State::Listening);
    }

    fn ask(&mut self, said: Said) {
        self.begun = true;
        self.replies += 1;
        let cancel = Cancel::default();
        let history = self.history.turns();
        if let Said::Text(text) = &said {
            self.heard(text.clone());
        }
        let voice = match &said {
            Said::Voice(samples) => Some(samples.clone()),
            _ => None,
        };
        self.current = Some(Reply {
            cancel: cancel.clone(),
            voice,
            spoken: Spoken::new(self.replies),
            played_ms: 0,
            bytes: 0,
            complete: false,
            starved: false,
            too_long: false,
            ends_call: false,
        });
        self.jobs.push(Job::Reply(Box::new(Request {
            reply: self.replies,
            said,
            history,
            context: self.history.context(),
            tools: self.settings.tools.clone(),
            interrupted: self.interrupted.take(),
            cancel,
        })));
        self.state(State::Thinking);
    }

    fn heard(&mut self, text: String) {
        self.out
            .push(Event::Caption(heard(self.replies, text.clone())));
        self.history.hear(self.replies, text);
    }

    /// Stops what was begun in a silence.
    fn stop_anticipated(&mut self) {
        if let Some(cancel) = self.anticipated.take() {
            cancel.cancel();
        }
    }

    /// A piece of a reply. False if nobody waits for it any more.
    pub(crate) fn piece(&mut self, reply: ReplyId, piece: Piece) -> bool {
        let Some(current) = self.current_reply(reply) else {
            return false;
        };
        match piece {
            Piece::Heard(text) => self.heard(text),
            Piece::Gesture(name) => self.out.push(Event::Gesture(name)),
            Piece::EndCall => current.ends_call = true,
            Piece::Text(text) => {
                current.bytes += text.len();
                if current.bytes > MAX_REPLY_BYTES {
                    current.too_long = true;
                    return false;
                }
                let captions = current.spoken.text(text.clone());
                self.out.extend(captions.into_iter().map(Event::Caption));
                self.gestures(&text);
            }
            Piece::Speech { rate_hz, samples } => return self.speech(reply, rate_hz, samples),
        }
        true
    }

    fn speech(&mut self, reply: ReplyId, rate_hz: u32, samples: Vec<f32>) -> bool {
        let Some(current) = self.current_reply(reply) else {
            return false;
        };
        let spoken = &mut current.spoken;
        let rate_fits = spoken.rate_hz() == 0 || spoken.rate_hz() == rate_hz;
        if !rate_fits || !(essence::MIN_RATE_HZ..=essence::MAX_RATE_HZ).contains(&rate_hz) {
            let message = format!("the speech came at {rate_hz} samples a second and was left out");
            self.out.push(Event::Failure(message));
            return false;
        }
        if spoken.ms() > MAX_REPLY_S * 1_000 {
            current.too_long = true;
            return false;
        }
        if samples.is_empty() {
            return true;
        }
        spoken.sound(rate_hz, samples.len());
        current.starved = false;
        self.out.push(Event::Speech {
            reply,
            rate_hz,
            samples,
        });
        if self.state != State::Speaking {
            self.speaking_ms = 0;
            self.state(State::Speaking);
        }
        true
    }

    /// The responder has ended, well or not.
    pub(crate) fn complete(&mut self, reply: ReplyId, result: Result<(), Error>) {
        let Some(current) = self.current_reply(reply) else {
            return;
        };
        current.complete = true;
        let too_long = current.too_long;
        let captions = current.spoken.end();
        let has_sound = current.spoken.has_sound();
        let is_spoken = !has_sound || current.starved;
        self.out.extend(captions.into_iter().map(Event::Caption));
        match result {
            Err(error) if error.kind() != ErrorKind::Cancelled => {
                self.out.push(Event::Failure(error.to_string()));
            }
            _ if too_long => self.out.push(Event::Failure(
                "the reply was too long and was cut".to_owned(),
            )),
            _ => {}
        }
        if has_sound {
            self.out.push(Event::EndOfSpeech { reply });
        }
        if is_spoken {
            self.finish();
        }
    }

    /// The reply has been spoken to its end.
    fn finish(&mut self) {
        let mut ends_call = false;
        if let Some(reply) = self.current.take() {
            ends_call = reply.ends_call;
            self.history.say(reply.spoken.whole());
        }
        self.state(State::Listening);
        if ends_call {
            self.out.push(Event::EndCall);
        }
    }

    fn gestures(&mut self, text: &str) {
        let text = text.to_lowercase();
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '\'') {
            if let Some(gesture) = self.settings.gestures.get(word) {
                self.out.push(Event::Gesture(gesture.clone()));
            }
        }
    }

    fn current_reply(&mut self, reply: ReplyId) -> Option<&mut Reply> {
        let latest = self.replies == reply;
        self.current.as_mut().filter(|_| latest)
    }

    fn state(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.out.push(Event::State(state));
        }
    }
}

/// The caption of the user's words that a reply answers; empty for none.
fn heard(reply: ReplyId, text: String) -> Caption {
    Caption {
        speaker: Speaker::User,
        reply,
        part: 0,
        text,
        start_ms: 0,
        end_ms: None,
        r#final: true,
    }
}

/// A text without the space around it, up to the most bytes.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests;
