//! The state that all requests of a server share.

use std::sync::Arc;

use essence::{Error, ErrorKind, Result};
use essence_brain::{Input, Responder, Settings};
use essence_live::rtc::Hub;

use crate::access::{self, Code};
use crate::api::error::ApiError;
use crate::conversation::Conversation;
use crate::face::Face;
use crate::launch_state::Launch;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::platform::Platform;
use crate::store::CONVERSATIONS;
use crate::table::Table;

/// The state of a server.
pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) code: Code,
    /// The face of that code.
    pub(crate) own: Arc<Face>,
    /// The faces of other codes, if this server has any.
    pub(crate) platform: Option<Arc<Platform>>,
    pub(crate) responder: Arc<dyn Responder>,
    pub(crate) hub: Option<Hub>,
    pub(crate) launch: Arc<Launch>,
    pub(crate) table: Arc<Table>,
    pub(crate) metrics: Arc<Metrics>,
}

/// A conversation to join.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The conversation that a page had.
    pub(crate) session: Option<String>,
    /// The name that the REST interface speaks to it by; one of its own without.
    pub(crate) room: Option<String>,
    /// Whether the page draws the avatar.
    pub(crate) page_draws: bool,
}

impl App {
    /// The face of a code, in any case and with any hyphens for the server's own.
    ///
    /// # Errors
    /// The errors of the database and of opening an avatar.
    pub(crate) async fn face(
        &self,
        code: &str,
    ) -> std::result::Result<Option<Arc<Face>>, ApiError> {
        if self.code.is(code) {
            return Ok(Some(self.own.clone()));
        }
        match &self.platform {
            Some(platform) => platform.face_of(code).await,
            None => Ok(None),
        }
    }

    /// Whether the page of a code may draw its avatar itself.
    pub(crate) fn draws_in_page(&self, code: &str) -> bool {
        self.options.web.is_some() && self.code.is(code)
    }

    /// The conversation that a page had with a face, if it still goes on, else a new one; and whether it
    /// went on.
    ///
    /// # Errors
    /// `LimitExceeded`, in a sentence for the user: every seat is taken.
    pub(crate) fn join(
        &self,
        face: &Arc<Face>,
        wanted: &Wanted,
    ) -> Result<(Arc<Conversation>, bool)> {
        let had = wanted
            .session
            .as_deref()
            .and_then(|token| self.table.find(token));
        match had.filter(|found| found.face.code == face.code) {
            Some(found) if found.page_draws == wanted.page_draws => {
                self.metrics.sessions_resumed.add();
                return Ok((found, true));
            }
            // The same page, now drawn elsewhere, begins anew.
            Some(found) => drop(self.table.remove(&found.token)),
            None => {}
        }
        let Some(seat) = self.table.reserve() else {
            self.metrics.sessions_refused.add();
            let message = match self.table.seats() {
                1 => "Somebody else is talking to the avatar. Try again in a while.".to_owned(),
                n => format!("All {n} seats are taken. Try again in a while."),
            };
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        };
        let room = match &wanted.room {
            Some(room) => room.clone(),
            None => format!("room_{}", access::token()?),
        };
        let chronicle = self.platform.as_ref().and_then(|platform| {
            let whose = face.whose()?;
            Some(platform.sessions.begin(whose, &room, CONVERSATIONS))
        });
        let conversation = Conversation::start(
            (access::token()?, room),
            face.clone(),
            wanted.page_draws,
            self.responder.clone(),
            Settings {
                gestures: face.gestures.clone(),
                tools: face.tools.clone(),
                ..Settings::default()
            },
            self.metrics.clone(),
            chronicle,
        )?;
        if !face.prompt.is_empty() {
            conversation.input(Input::AddContext(face.prompt.clone()));
        }
        self.table.insert(seat, conversation.clone());
        self.metrics.sessions.add();
        Ok((conversation, false))
    }
}
