//! Speech to speech: `OpenAI`'s Realtime protocol over a WebSocket.
//!
//! A conversation has one connection, which is opened for its first turn. Turns are taken by this
//! crate's own voice activity, so the server's is switched off: a turn's sound is sent as a whole. An
//! interrupted reply is cancelled, and cut at the server where the avatar had really spoken it. A
//! connection that is lost or nearly an hour old, which is the protocol's limit, is opened again with
//! the words so far.

mod connection;
mod socket;
mod sound;

use std::sync::{Arc, Mutex, PoisonError};

use essence::{Error, ErrorKind, Result};

use crate::openai::OpenAiSettings;
use crate::openai::check_address;
use crate::piece::{Piece, Pieces};
use crate::responder::{Request, Responder, Said};
use connection::{Connection, Fault};

/// A server with `OpenAI`'s Realtime protocol.
#[derive(Clone, Debug)]
pub struct Realtime {
    settings: Arc<OpenAiSettings>,
}

impl Realtime {
    /// A client. Connects to nothing yet.
    ///
    /// # Errors
    /// `InvalidArgument`: those of [`OpenAi::new`](crate::OpenAi::new).
    pub fn new(settings: OpenAiSettings) -> Result<Self> {
        check_address(&settings.base_url, &settings.api_key)?;
        Ok(Self {
            settings: Arc::new(settings),
        })
    }
}

impl Responder for Realtime {
    /// Answers over a connection for this reply alone.
    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        Session::new(&self.settings).respond(request, pieces)
    }

    fn hears_anew(&self) -> bool {
        false
    }

    fn for_conversation(&self) -> Option<Arc<dyn Responder>> {
        Some(Arc::new(Session::new(&self.settings)))
    }
}

/// One conversation.
struct Session {
    settings: Arc<OpenAiSettings>,
    connection: Mutex<Option<Connection>>,
}

impl Session {
    fn new(settings: &Arc<OpenAiSettings>) -> Self {
        Self {
            settings: settings.clone(),
            connection: Mutex::default(),
        }
    }
}

impl Responder for Session {
    /// The server keeps the beginning.
    fn hears_anew(&self) -> bool {
        false
    }

    fn respond(&self, request: &Request, pieces: Pieces<'_>) -> Result<()> {
        // A reply before this one may still be on its way to its end; it is cancelled by now.
        let mut slot = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if request.said == Said::Nothing && self.settings.greeting.is_empty() {
            return Ok(());
        }
        let renewal = self.settings.realtime_renewal;
        let mut kept = slot.take().filter(|kept| kept.age() < renewal);
        loop {
            if request.cancel.is_cancelled() {
                *slot = kept;
                return Ok(());
            }
            let fresh = kept.is_none();
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => Connection::open(&self.settings, request)?,
            };
            let mut begun = false;
            let mut counted = |piece: Piece| {
                begun = true;
                pieces(piece);
            };
            match connection.turn(&self.settings, request, &mut counted) {
                Ok(()) => {
                    *slot = Some(connection);
                    return Ok(());
                }
                Err(Fault::Refused(error)) => {
                    *slot = Some(connection);
                    return Err(error);
                }
                // It was lost between two turns.
                Err(Fault::Lost(_)) if !fresh && !begun => {}
                Err(Fault::Lost(error)) => return Err(error),
            }
        }
    }
}

#[cold]
fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Io, message.into())
}
