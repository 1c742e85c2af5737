//! The place where a conversation's avatar is drawn: here, or in the page, which then gets speech alone.

use essence::{Avatar, Result};
use essence_live::{Event, Publisher, PublisherOptions, SpeechQueue};

/// Takes speech; its events say what became of it.
pub(crate) enum Renderer {
    /// Draws here and encodes.
    Server(Publisher),
    /// The page draws.
    Page(SpeechQueue),
}

impl Renderer {
    /// # Errors
    /// Errors of [`Publisher::start`]; none if the page draws.
    pub(crate) fn start(
        avatar: &Avatar,
        page_draws: bool,
        on_event: impl FnMut(Event) + Send + 'static,
    ) -> Result<Self> {
        Ok(match page_draws {
            true => Self::Page(SpeechQueue::new()),
            false => {
                let options = PublisherOptions::default();
                Self::Server(Publisher::start(avatar, options, on_event)?)
            }
        })
    }

    pub(crate) fn push_audio(&self, samples: &[f32], rate_hz: u32, reply: u64) -> Result<()> {
        match self {
            Self::Server(publisher) => publisher.push_audio(samples, rate_hz, reply),
            Self::Page(speech) => speech.push_audio(samples, rate_hz, reply),
        }
    }

    /// Ends the utterance; gives what follows at once.
    pub(crate) fn flush(&self) -> Option<Event> {
        match self {
            Self::Server(publisher) => {
                publisher.flush();
                None
            }
            Self::Page(speech) => speech.flush(),
        }
    }

    pub(crate) fn interrupt(&self) {
        match self {
            Self::Server(publisher) => publisher.interrupt(),
            Self::Page(speech) => speech.interrupt(),
        }
    }

    pub(crate) fn set_paused(&self, paused: bool) {
        match self {
            Self::Server(publisher) => publisher.set_paused(paused),
            Self::Page(speech) => speech.set_paused(paused),
        }
    }

    /// Plays a motion. A page that draws does so when it is told of the gesture. False: `avatar` has no such motion.
    pub(crate) fn perform(&self, avatar: &Avatar, motion: &str) -> bool {
        match self {
            Self::Server(publisher) => publisher.perform(motion).is_ok(),
            Self::Page(_) => avatar.info().motions.iter().any(|known| known == motion),
        }
    }
}
