//! Messages of other threads for a participant's thread.

use std::collections::VecDeque;
use std::sync::Mutex;

use mio::Waker;

use crate::pipeline::lock;
use crate::{Event, PublisherStatistics};

/// Texts of the app's that wait to be spoken, at most.
const SPEECHES_WAITING: usize = 16;

/// Requests of other threads to the participant's.
pub(super) struct Inbox {
    waker: Waker,
    pub(super) inner: Mutex<Mail>,
}

#[derive(Default)]
pub(super) struct Mail {
    pub(super) leave: bool,
    /// Sound of the app's: samples a second, and mono samples.
    pub(super) speech: Vec<(u32, Vec<f32>)>,
    pub(super) events: VecDeque<Event>,
    pub(super) statistics: PublisherStatistics,
}

impl Inbox {
    pub(super) fn new(waker: Waker) -> Self {
        Self {
            waker,
            inner: Mutex::default(),
        }
    }

    /// It can't fail but for want of kernel memory, and then the thread comes round within a second.
    pub(super) fn wake(&self) {
        let _ = self.waker.wake();
    }

    pub(super) fn leave(&self) {
        lock(&self.inner).leave = true;
        self.wake();
    }

    /// Sound of the app's; false if too much of it waits.
    pub(super) fn say(&self, rate_hz: u32, samples: Vec<f32>) -> bool {
        let mut mail = lock(&self.inner);
        let room = mail.speech.len() < SPEECHES_WAITING;
        if room {
            mail.speech.push((rate_hz, samples));
        }
        drop(mail);
        self.wake();
        room
    }

    pub(super) fn statistics(&self) -> PublisherStatistics {
        lock(&self.inner).statistics
    }

    /// An event of the drawing thread. Of a reply that goes on, the latest position is enough.
    pub(super) fn push(&self, event: Event) {
        let mut mail = lock(&self.inner);
        if let (Some(Event::Played { reply: last, .. }), Event::Played { reply, .. }) =
            (mail.events.back(), &event)
            && last == reply
        {
            mail.events.pop_back();
        }
        mail.events.push_back(event);
        drop(mail);
        self.wake();
    }
}
