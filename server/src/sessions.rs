//! The conversations of agents as the REST interface tells of them. What happens in them is told to one task
//! ([`work::sessions`](crate::work)), which writes it down, so that no conversation waits for the database.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use essence::Result;
use essence_brain::{Caption, Speaker};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

use crate::access;
use crate::store::{Session, new_id};

/// Something that happens in a session.
pub(crate) enum Happening {
    Begun(Box<Session>),
    Joined(Box<Session>),
    Said {
        session: Box<Session>,
        role: &'static str,
        message: String,
    },
    Ended(String),
    /// The server stops.
    Over,
}

/// The sessions of a server.
pub(crate) struct Sessions {
    /// The server's name among those of one database.
    pub(crate) server: String,
    /// Whether what is said is kept.
    pub(crate) keeps_words: bool,
    sender: UnboundedSender<Happening>,
    receiver: Mutex<Option<UnboundedReceiver<Happening>>>,
    /// The ways to sessions that go on, to ask for their ends.
    open: Mutex<HashMap<String, watch::Sender<bool>>>,
}

/// The account of a session, and whom it talks with: an agent's code and name.
#[derive(Clone, Debug)]
pub(crate) struct Whose {
    pub(crate) account: String,
    /// Empty for a picture that is no agent's.
    pub(crate) code: String,
    pub(crate) name: String,
}

/// One session: notes what happens in it, and its end when dropped.
pub(crate) struct Chronicle {
    session: Session,
    sender: UnboundedSender<Happening>,
    asked: watch::Receiver<bool>,
    /// The avatar's words that may yet be cut.
    speaking: Mutex<Vec<Caption>>,
}

impl Sessions {
    /// # Errors
    /// `Io`: the system gives no random numbers.
    pub(crate) fn new(keeps_words: bool) -> Result<Self> {
        let (sender, receiver) = unbounded_channel();
        Ok(Self {
            server: access::token()?,
            keeps_words,
            sender,
            receiver: Mutex::new(Some(receiver)),
            open: Mutex::default(),
        })
    }

    /// A session of somebody's begins in a room.
    pub(crate) fn begin(&self, whose: Whose, room: &str, kind: &str) -> Chronicle {
        let session = Session {
            id: new_id(),
            account: whose.account,
            agent_code: whose.code,
            agent_name: whose.name,
            kind: kind.to_owned(),
            room_name: room.to_owned(),
            server: self.server.clone(),
            ..Session::default()
        };
        let (ask, asked) = watch::channel(false);
        let mut open = self.open();
        // Sessions that are over hear nothing any more.
        open.retain(|_, ask| !ask.is_closed());
        open.insert(session.id.clone(), ask);
        drop(open);
        let sender = self.sender.clone();
        // Nobody listens once the server stops.
        let _ = sender.send(Happening::Begun(Box::new(session.clone())));
        Chronicle {
            session,
            sender,
            asked,
            speaking: Mutex::default(),
        }
    }

    /// Asks a session of this server's to end.
    pub(crate) fn end(&self, id: &str) {
        if let Some(ask) = self.open().get(id) {
            ask.send_replace(true);
        }
    }

    /// All that happens, for the one that writes it down.
    pub(crate) fn take(&self) -> Option<UnboundedReceiver<Happening>> {
        self.receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Lets the writer end once it has written what has happened up to now.
    pub(crate) fn close(&self) {
        let _ = self.sender.send(Happening::Over);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<bool>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chronicle {
    pub(crate) fn id(&self) -> &str {
        &self.session.id
    }

    /// Whether somebody has asked for its end.
    pub(crate) fn is_to_end(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits until somebody asks for its end.
    pub(crate) async fn to_end(&self) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }

    /// A page shows the avatar, or a room does.
    pub(crate) fn joined(&self) {
        self.tell(Happening::Joined(Box::new(self.session.clone())));
    }

    /// Something was said. Words of the avatar are noted once no interruption can cut them any more: when they
    /// are spoken, somebody else speaks, or the session is over.
    pub(crate) fn said(&self, caption: &Caption) {
        let mut open = self.speaking.lock().unwrap_or_else(PoisonError::into_inner);
        if open
            .first()
            .is_some_and(|first| first.reply != caption.reply)
        {
            self.note(&mut open);
        }
        match caption.speaker {
            Speaker::Avatar => {
                open.retain(|known| known.part != caption.part);
                open.push(caption.clone());
            }
            Speaker::User if caption.r#final => self.push("user", caption.text.clone()),
            Speaker::User => {}
        }
    }

    /// The avatar has spoken to its end.
    pub(crate) fn spoken(&self) {
        let mut open = self.speaking.lock().unwrap_or_else(PoisonError::into_inner);
        self.note(&mut open);
    }

    /// The avatar's words are as they are.
    fn note(&self, open: &mut Vec<Caption>) {
        open.sort_by_key(|caption| caption.part);
        let words: Vec<&str> = open
            .iter()
            .map(|caption| caption.text.trim())
            .filter(|text| !text.is_empty())
            .collect();
        self.push("assistant", words.join(" "));
        open.clear();
    }

    fn push(&self, role: &'static str, message: String) {
        if !message.trim().is_empty() {
            let session = Box::new(self.session.clone());
            self.tell(Happening::Said {
                session,
                role,
                message,
            });
        }
    }

    fn tell(&self, happening: Happening) {
        let _ = self.sender.send(happening);
    }
}

impl Drop for Chronicle {
    fn drop(&mut self) {
        let mut open = std::mem::take(
            self.speaking
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.note(&mut open);
        self.tell(Happening::Ended(self.session.id.clone()));
    }
}
