//! A conversation in a thread of its own.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use essence::AudioData;
use essence::{Avatar, Error, ErrorKind, Result, Session};

use crate::pipeline::{SinkChanges, lock};
use crate::{Event, Pipeline, PublisherOptions, PublisherStatistics, Sink, SinkId};

/// A conversation: a session whose frames a thread draws in real time, encodes once and sends to every
/// watcher.
///
/// All methods take `&self` and wait for nothing but short locks. Dropping it ends the conversation.
pub struct Publisher {
    session: Arc<Session>,
    changes: SinkChanges,
    statistics: Arc<Mutex<PublisherStatistics>>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Begins a conversation with `avatar`. `on_event` hears what happens, in the thread that draws: it
    /// must not block.
    ///
    /// # Errors
    /// - The errors of [`Pipeline::new`].
    /// - `Io`: the system gives no thread.
    pub fn start(
        avatar: &Avatar,
        options: PublisherOptions,
        mut on_event: impl FnMut(Event) + Send + 'static,
    ) -> Result<Self> {
        let mut pipeline = Pipeline::new(avatar, options)?;
        let session = pipeline.session().clone();
        let changes = pipeline.changes();
        let statistics = pipeline.shared_statistics();
        let thread = std::thread::Builder::new()
            .name("essence-live".to_owned())
            .spawn(move || {
                let error = loop {
                    match pipeline.step(&mut on_event) {
                        Ok(_) => {}
                        Err(error) if error.kind() == ErrorKind::Cancelled => break None,
                        Err(error) => break Some(error),
                    }
                };
                drop(pipeline);
                on_event(Event::Closed { error });
            })
            .map_err(|cause| {
                Error::new(ErrorKind::Io, "no thread for a conversation").with_source(cause)
            })?;
        Ok(Self {
            session,
            changes,
            statistics,
            thread: Some(thread),
        })
    }

    /// The session, for everything that has no method here: curves, visemes, statistics, loops.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Attaches a watcher. Its pictures begin with a key frame, at most 500 ms later.
    pub fn attach(&self, sink: impl Sink + 'static) -> SinkId {
        self.changes.attach(Box::new(sink))
    }

    /// Detaches a watcher. One that is gone already is no error.
    pub fn detach(&self, sink: SinkId) {
        self.changes.detach(sink);
    }

    /// Speaks: [`Session::push_audio_tagged`] with mono samples. `reply` comes back in [`Event`]s; 0 stands
    /// for none.
    ///
    /// # Errors
    /// The errors of [`Session::push_audio`].
    pub fn push_audio<'a>(
        &self,
        audio: impl Into<AudioData<'a>>,
        sample_rate_hz: u32,
        reply: u64,
    ) -> Result<()> {
        self.session
            .push_audio_tagged(audio, sample_rate_hz, 1, reply)
    }

    /// Ends the utterance: [`Session::flush`].
    pub fn flush(&self) {
        self.session.flush();
    }

    /// Drops everything that was pushed, from the next frame on, and tells by [`Event::Interrupted`] how
    /// far the reply was spoken: [`Session::interrupt`].
    pub fn interrupt(&self) {
        self.session.interrupt();
    }

    /// Pauses speech or lets it go on: [`Session::set_paused`].
    pub fn set_paused(&self, paused: bool) {
        self.session.set_paused(paused);
    }

    /// Plays a motion once: [`Session::perform`].
    ///
    /// # Errors
    /// `NotFound` if the avatar has no such motion.
    pub fn perform(&self, motion: &str) -> Result<()> {
        self.session.perform(motion)
    }

    /// Numbers since the conversation began.
    pub fn statistics(&self) -> PublisherStatistics {
        *lock(&self.statistics)
    }

    /// Whether the conversation goes on: it ends by a failure, too.
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.session.cancel();
        if let Some(thread) = self.thread.take() {
            // Dropped by `on_event`, it can't wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("session", &self.session)
            .field("running", &self.is_running())
            .finish_non_exhaustive()
    }
}
