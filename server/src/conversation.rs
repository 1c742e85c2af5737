//! One conversation: an avatar's pictures and sound joined to a brain.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;

use essence::Result;
use essence_brain::{Brain, Caption, Event as Said, Input, Responder, Settings, Speaker, State};
use essence_live::rtc::Peer;
use essence_live::{Event as Shown, SinkId, SpeechDown};
use tokio::sync::mpsc;

use crate::face::Face;
use crate::metrics::Metrics;
use crate::protocol::ToPage;
use crate::renderer::Renderer;
use crate::sessions::Chronicle;

/// Captions that a page gets when it comes back.
const KEPT_CAPTIONS: usize = 100;

/// Messages that wait for a page. One that reads none for so long is disconnected.
pub(crate) const PAGE_QUEUE: usize = 256;

/// A conversation under way. Dropping the last handle ends it, which waits for its threads.
pub(crate) struct Conversation {
    pub(crate) token: String,
    /// Its name for those who may not take it over.
    pub(crate) room: String,
    pub(crate) face: Arc<Face>,
    pub(crate) begun: Instant,
    /// Whether its page draws the avatar.
    pub(crate) page_draws: bool,
    renderer: OnceLock<Renderer>,
    brain: OnceLock<Brain>,
    metrics: Arc<Metrics>,
    page: Mutex<Page>,
    failed: AtomicBool,
    /// The avatar has ended the call.
    ended: AtomicBool,
    /// Of an agent's.
    chronicle: Option<Chronicle>,
}

/// The page's side.
struct Page {
    state: State,
    captions: Vec<Caption>,
    /// The way to the page that is connected.
    sender: Option<mpsc::Sender<ToPage>>,
    /// The number of the page, counted from 1; a later page takes the conversation over.
    number: u64,
    /// When the last page left.
    left: Option<Instant>,
    /// Whether pictures and sound were ever asked for.
    joined: bool,
    sink: Option<SinkId>,
    peer: Option<Peer>,
}

impl Conversation {
    /// Begins a conversation.
    pub(crate) fn start(
        (token, room): (String, String),
        face: Arc<Face>,
        page_draws: bool,
        responder: Arc<dyn Responder>,
        settings: Settings,
        metrics: Arc<Metrics>,
        chronicle: Option<Chronicle>,
    ) -> Result<Arc<Self>> {
        let this = Arc::new(Self {
            token,
            room,
            face,
            begun: Instant::now(),
            page_draws,
            renderer: OnceLock::new(),
            brain: OnceLock::new(),
            metrics,
            page: Mutex::new(Page {
                state: State::Listening,
                captions: Vec::new(),
                sender: None,
                number: 0,
                left: Some(Instant::now()),
                joined: false,
                sink: None,
                peer: None,
            }),
            failed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            chronicle,
        });
        // Weak: the conversation owns both threads.
        let weak = Arc::downgrade(&this);
        let brain = Brain::start(responder, settings, move |event| {
            with(&weak, |this| this.said(event));
        })?;
        let _ = this.brain.set(brain);
        let weak = Arc::downgrade(&this);
        let renderer = Renderer::start(&this.face.avatar, page_draws, move |event| {
            with(&weak, |this| this.shown(event));
        })?;
        let _ = this.renderer.set(renderer);
        Ok(this)
    }

    /// From the brain down to the avatar and the page.
    fn said(&self, event: Said) {
        let Some(renderer) = self.renderer.get() else {
            return;
        };
        match event {
            Said::Pause(paused) => renderer.set_paused(paused),
            Said::Speech {
                reply,
                rate_hz,
                samples,
            } => {
                if let Err(error) = renderer.push_audio(&samples, rate_hz, reply) {
                    self.tell(ToPage::Failure {
                        message: error.to_string(),
                    });
                }
            }
            Said::EndOfSpeech { .. } => {
                if let Some(event) = renderer.flush() {
                    self.shown(event);
                }
            }
            Said::Interrupt => {
                self.metrics.interruptions.add();
                renderer.interrupt();
                self.tell(ToPage::Interrupted);
            }
            Said::Gesture(name) => {
                // A gesture that this avatar doesn't know is no failure of the conversation.
                if renderer.perform(&self.face.avatar, &name) {
                    self.tell(ToPage::Gesture { name });
                }
            }
            Said::EndCall => {
                self.ended.store(true, Ordering::Release);
                let message = "the avatar has ended the call".to_owned();
                self.tell(ToPage::Ended { message });
            }
            Said::State(state) => {
                self.page().state = state;
                self.tell(ToPage::State { state });
            }
            Said::Caption(caption) => {
                self.keep(&caption);
                if let Some(chronicle) = &self.chronicle {
                    chronicle.said(&caption);
                }
                self.tell(ToPage::Caption(caption));
            }
            Said::Failure(message) => {
                self.metrics.failures.add();
                self.tell(ToPage::Failure { message });
            }
        }
    }

    /// From the avatar up to the brain.
    fn shown(&self, event: Shown) {
        match event {
            Shown::Played { reply, position } => {
                let ms = u64::try_from(position.as_millis()).unwrap_or(u64::MAX);
                self.input(Input::Played { reply, ms });
            }
            Shown::SpeechEnded { reply, .. } => {
                if let Some(chronicle) = &self.chronicle {
                    chronicle.spoken();
                }
                self.input(Input::Finished { reply });
            }
            Shown::Closed { error: Some(error) } => {
                self.failed.store(true, Ordering::Release);
                self.metrics.failures.add();
                let message = format!("the avatar failed: {error}");
                self.tell(ToPage::Ended { message });
            }
            _ => {}
        }
    }

    /// Hands a message to the brain, which drops sound when far too much of it waits.
    pub(crate) fn input(&self, input: Input) {
        if let Some(brain) = self.brain.get()
            && !brain.send(input)
        {
            self.metrics.inputs_dropped.add();
        }
    }

    pub(crate) fn perform(&self, name: &str) {
        self.said(Said::Gesture(name.to_owned()));
    }

    /// A page connects: what it has to know first, its messages, and its number.
    pub(crate) fn enter(&self, webrtc: bool, resumed: bool) -> (u64, mpsc::Receiver<ToPage>) {
        let (sender, receiver) = mpsc::channel(PAGE_QUEUE);
        let mut page = self.page();
        page.number += 1;
        page.left = None;
        self.detach(&mut page);
        let info = self.face.avatar.info();
        let (width, height) = match self.renderer.get() {
            Some(Renderer::Server(publisher)) => publisher.session().frame_size(),
            _ => (info.frame_width, info.frame_height),
        };
        // The channel is empty.
        let _ = sender.try_send(ToPage::Session {
            token: self.token.clone(),
            resumed,
            name: self.face.name.clone(),
            width,
            height,
            gestures: info.motions.clone(),
            webrtc: webrtc && !self.page_draws,
            state: page.state,
            captions: page.captions.clone(),
        });
        if let Some(before) = page.sender.replace(sender) {
            let message = "the conversation goes on in another window".to_owned();
            let _ = before.try_send(ToPage::Ended { message });
        }
        (page.number, receiver)
    }

    /// A page is gone.
    pub(crate) fn leave(&self, number: u64) {
        let mut page = self.page();
        if page.number != number {
            return;
        }
        page.sender = None;
        page.left = Some(Instant::now());
        self.detach(&mut page);
        drop(page);
        // A reply that has begun has no end any more.
        self.input(Input::EndOfTurn);
    }

    /// Sends pictures and sound to a page's sink, instead of where they went before.
    pub(crate) fn attach(
        &self,
        number: u64,
        sink: impl essence_live::Sink + 'static,
        peer: Option<Peer>,
    ) {
        let mut page = self.page();
        if let Some(Renderer::Server(publisher)) = self.renderer.get()
            && page.number == number
        {
            self.detach(&mut page);
            page.sink = Some(publisher.attach(sink));
            page.peer = peer;
            self.joined(&mut page);
        }
    }

    /// The way of speech to a page that draws; none if another page has come, or the server draws.
    pub(crate) fn attach_speech(&self, number: u64) -> Option<SpeechDown> {
        let mut page = self.page();
        match self.renderer.get()? {
            Renderer::Page(speech) if page.number == number => {
                self.joined(&mut page);
                Some(speech.connect())
            }
            _ => None,
        }
    }

    fn joined(&self, page: &mut Page) {
        let was_joined = std::mem::replace(&mut page.joined, true);
        if let Some(chronicle) = self.chronicle.as_ref().filter(|_| !was_joined) {
            chronicle.joined();
        }
    }

    /// Takes a binary message of a page that draws, if it tells what was heard.
    pub(crate) fn heard(&self, message: &[u8]) -> bool {
        let Some(Renderer::Page(speech)) = self.renderer.get() else {
            return false;
        };
        let events = speech.receive(message);
        let is_told = events.is_some();
        events
            .into_iter()
            .flatten()
            .for_each(|event| self.shown(event));
        is_told
    }

    fn detach(&self, page: &mut Page) {
        page.peer = None;
        if let (Some(sink), Some(Renderer::Server(publisher))) =
            (page.sink.take(), self.renderer.get())
        {
            publisher.detach(sink);
        }
    }

    /// The number of the page that is connected.
    pub(crate) fn connected(&self) -> Option<u64> {
        let page = self.page();
        page.sender.is_some().then_some(page.number)
    }

    /// The time since the last page left, if none is there; and whether pictures were ever asked for.
    pub(crate) fn absence(&self) -> (Option<std::time::Duration>, bool) {
        let page = self.page();
        (page.left.map(|left| left.elapsed()), page.joined)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire) || self.is_to_end()
    }

    /// Whether its end was asked for by the REST interface.
    pub(crate) fn is_to_end(&self) -> bool {
        self.chronicle.as_ref().is_some_and(Chronicle::is_to_end)
    }

    /// Sends a message to the page, if one is there. A page that doesn't read is let go.
    pub(crate) fn tell(&self, message: ToPage) {
        let mut page = self.page();
        if page
            .sender
            .as_ref()
            .is_some_and(|s| s.try_send(message).is_err())
        {
            page.sender = None;
            page.left = Some(Instant::now());
        }
    }

    fn keep(&self, caption: &Caption) {
        let mut page = self.page();
        let place = |c: &Caption| (c.reply, c.speaker == Speaker::Avatar, c.part);
        let captions = &mut page.captions;
        let known = captions.iter().rposition(|c| place(c) == place(caption));
        match known {
            Some(at) if caption.text.is_empty() => drop(captions.remove(at)),
            Some(at) => captions[at] = caption.clone(),
            None if caption.text.is_empty() => {}
            None => captions.push(caption.clone()),
        }
        let excess = captions.len().saturating_sub(KEPT_CAPTIONS);
        captions.drain(..excess);
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with(this: &Weak<Conversation>, act: impl FnOnce(&Conversation)) {
    if let Some(this) = this.upgrade() {
        act(&this);
    }
}
