//! A conversation in a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use essence::{Error, ErrorKind, Result};

use crate::conversation::{Conversation, Job, Settings};
use crate::event::{Event, Input};
use crate::queue::{Message, Queue};
use crate::responder::{Request, Responder};

/// Responders that run at a time, at most: one that is waited for, and cancelled ones that have not
/// noticed yet.
const MAX_RUNNING: usize = 4;

/// A conversation under way. Dropping it ends it: no event comes afterwards, and replies under way
/// are cancelled.
///
/// The same input gives the same events, however it is cut and whenever it comes, as far as the
/// [`Responder`] does; time is counted in the microphone's samples.
#[derive(Debug)]
pub struct Brain {
    queue: Arc<Queue>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Brain {
    /// Begins a conversation. `events` is called from the conversation's thread and should not block
    /// for long: what is heard waits meanwhile.
    ///
    /// # Errors
    /// `Io` if the system gives no thread.
    pub fn start(
        responder: Arc<dyn Responder>,
        settings: Settings,
        events: impl FnMut(Event) + Send + 'static,
    ) -> Result<Self> {
        let queue: Arc<Queue> = Arc::default();
        let responder = responder.for_conversation().unwrap_or(responder);
        let hears_anew = responder.hears_anew();
        let activity = responder.voice_activity();
        let running = Running {
            responder,
            queue: queue.clone(),
            count: Arc::default(),
        };
        let thread = thread::Builder::new()
            .name("conversation".to_owned())
            .spawn(move || {
                let conversation = Conversation::new(settings, hears_anew, activity);
                converse(conversation, &running, events);
            })
            .map_err(|e| no_thread().with_source(e))?;
        Ok(Self {
            queue,
            thread: Some(thread),
        })
    }

    /// Hands a message over. False if it was dropped: sound of the microphone where more than ten
    /// seconds of it wait, since the conversation can't keep up, or anything once it has failed.
    ///
    /// # Real time
    /// Never blocks for long: for as long as another message is put in.
    pub fn send(&self, input: Input) -> bool {
        self.queue.input(input)
    }

    /// Messages that were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Drop for Brain {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // Dropped by `events`, it can't wait for itself.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn no_thread() -> Error {
    Error::new(ErrorKind::Io, "the system gives no more threads")
}

fn converse(mut conversation: Conversation, running: &Running, mut events: impl FnMut(Event)) {
    // Whatever ends this thread, no responder waits for it.
    let closed = Closed(&running.queue);
    while let Some(message) = closed.0.next() {
        match message {
            Message::Input(input) => conversation.input(input),
            Message::Piece(reply, piece) => {
                conversation.piece(reply, piece);
            }
            Message::Complete(reply, result) => conversation.complete(reply, result),
            Message::Anticipated(silence, ending) => conversation.anticipated(silence, ending),
        }
        for job in conversation.jobs() {
            let reply = match &job {
                Job::Reply(request) => Some(request.reply),
                // Without it the reply comes later, that is all.
                Job::Anticipate { .. } => None,
            };
            if let (Err(error), Some(reply)) = (running.run(job), reply) {
                conversation.complete(reply, Err(error));
            }
        }
        conversation.events().into_iter().for_each(&mut events);
    }
}

/// Closes the queue when the conversation's thread ends, by a bug as well.
struct Closed<'a>(&'a Queue);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The responders' threads.
struct Running {
    responder: Arc<dyn Responder>,
    queue: Arc<Queue>,
    count: Arc<AtomicUsize>,
}

impl Running {
    fn run(&self, job: Job) -> Result<()> {
        if self.count.load(Ordering::Acquire) >= MAX_RUNNING {
            let message = "the last replies are still being stopped; say it again in a moment";
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        self.count.fetch_add(1, Ordering::AcqRel);
        let counted = Counted(Arc::clone(&self.count));
        let responder = Arc::clone(&self.responder);
        let queue = self.queue.clone();
        thread::Builder::new()
            .name("reply".to_owned())
            .spawn(move || {
                let _counted = counted;
                match job {
                    Job::Reply(request) => answer(&*responder, &request, &queue),
                    Job::Anticipate {
                        silence,
                        voice,
                        cancel,
                    } => {
                        let run = || responder.anticipate(&voice, &cancel);
                        // The reply does the same work again, and tells of the bug.
                        let ending = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
                        let ending = ending.unwrap_or_default();
                        queue.reply(Message::Anticipated(silence, ending));
                    }
                }
            })
            .map_err(|e| no_thread().with_source(e))?;
        Ok(())
    }
}

/// One of the running; no longer when it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn answer(responder: &dyn Responder, request: &Request, queue: &Queue) {
    let cancel = &request.cancel;
    let mut pieces = |piece| {
        if !cancel.is_cancelled() && !queue.reply(Message::Piece(request.reply, piece)) {
            cancel.cancel();
        }
    };
    let run = std::panic::AssertUnwindSafe(|| responder.respond(request, &mut pieces));
    let result = std::panic::catch_unwind(run).unwrap_or_else(|_| {
        let message = "the reply failed by a bug; please report it";
        Err(Error::new(ErrorKind::Internal, message))
    });
    queue.reply(Message::Complete(request.reply, result));
}
