//! A conversation in a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use essence::{Error, ErrorKind, Result};

use crate::conversation::{Conversation, Job, Settings};
use crate::event::{Event, Input, ReplyId};
use crate::responder::{Piece, Responder};

/// Messages that wait, at most.
const QUEUE: usize = 256;

/// Responders that run at a time, at most: one that is waited for, and cancelled ones that have not
/// noticed yet.
const MAX_RUNNING: usize = 4;

enum Message {
    Input(Input),
    Piece(ReplyId, Piece),
    Complete(ReplyId, Result<()>),
    Stop,
}

/// A conversation under way. Dropping it ends it: no event comes afterwards, and replies under way
/// are cancelled.
///
/// The same input gives the same events, however it is cut and whenever it comes, as far as the
/// [`Responder`] does; time is counted in the microphone's samples.
#[derive(Debug)]
pub struct Brain {
    messages: SyncSender<Message>,
    stop: Arc<AtomicBool>,
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
        let (messages, received) = sync_channel(QUEUE);
        let responder = responder.for_conversation().unwrap_or(responder);
        let running = Running {
            responder,
            messages: messages.clone(),
            count: Arc::default(),
        };
        let stop: Arc<AtomicBool> = Arc::default();
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("conversation".to_owned())
            .spawn(move || {
                let conversation = Conversation::new(settings);
                converse(conversation, &received, &stopped, &running, events);
            })
            .map_err(|e| no_thread().with_source(e))?;
        Ok(Self {
            messages,
            stop,
            thread: Some(thread),
        })
    }

    /// Hands a message over. False if it was dropped, since too many wait or the conversation has
    /// failed.
    ///
    /// # Real time
    /// Never blocks.
    pub fn send(&self, input: Input) -> bool {
        !matches!(
            self.messages.try_send(Message::Input(input)),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_))
        )
    }
}

impl Drop for Brain {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // It is looked for before each message; this one wakes the thread, if it waits for one.
        let _ = self.messages.try_send(Message::Stop);
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

fn converse(
    mut conversation: Conversation,
    received: &Receiver<Message>,
    stop: &AtomicBool,
    running: &Running,
    mut events: impl FnMut(Event),
) {
    while let Ok(message) = received.recv() {
        if stop.load(Ordering::Acquire) {
            break;
        }
        match message {
            Message::Input(input) => conversation.input(input),
            Message::Piece(reply, piece) => {
                conversation.piece(reply, piece);
            }
            Message::Complete(reply, result) => conversation.complete(reply, result),
            Message::Stop => break,
        }
        for job in conversation.jobs() {
            let reply = job.reply;
            if let Err(error) = running.run(job) {
                conversation.complete(reply, Err(error));
            }
        }
        conversation.events().into_iter().for_each(&mut events);
    }
}

/// The responders' threads.
struct Running {
    responder: Arc<dyn Responder>,
    messages: SyncSender<Message>,
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
        let messages = self.messages.clone();
        thread::Builder::new()
            .name("reply".to_owned())
            .spawn(move || {
                let _counted = counted;
                answer(&*responder, &job, &messages);
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

fn answer(responder: &dyn Responder, job: &Job, messages: &SyncSender<Message>) {
    let cancel = &job.request.cancel;
    let mut pieces = |piece| {
        if !cancel.is_cancelled() && messages.send(Message::Piece(job.reply, piece)).is_err() {
            cancel.cancel();
        }
    };
    let run = std::panic::AssertUnwindSafe(|| responder.respond(&job.request, &mut pieces));
    let result = std::panic::catch_unwind(run).unwrap_or_else(|_| {
        let message = "the reply failed by a bug; please report it";
        Err(Error::new(ErrorKind::Internal, message))
    });
    let _ = messages.send(Message::Complete(job.reply, result));
}
