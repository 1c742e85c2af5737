//! The state that all requests of a server share.

use std::sync::Arc;

use essence::{Avatar, Error, ErrorKind, Result};
use essence_brain::{EndCall, Perform, Responder, Settings, Tool, Tools};
use essence_live::rtc::Hub;

use crate::access::{self, Code};
use crate::conversation::Conversation;
use crate::launch_state::Launch;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::table::Table;

/// The state of a server.
pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) avatar: Avatar,
    pub(crate) responder: Arc<dyn Responder>,
    /// Functions that replies may call.
    pub(crate) tools: Tools,
    pub(crate) code: Code,
    pub(crate) poster: Vec<u8>,
    pub(crate) hub: Option<Hub>,
    pub(crate) launch: Launch,
    pub(crate) table: Arc<Table>,
    pub(crate) metrics: Arc<Metrics>,
}

impl App {
    /// The conversation of `token` if it still goes on, else a new one; and whether it went on.
    ///
    /// # Errors
    /// `LimitExceeded`, in a sentence for the user: every seat is taken.
    pub(crate) fn join(&self, token: Option<&str>) -> Result<(Arc<Conversation>, bool)> {
        if let Some(found) = token.and_then(|token| self.table.find(token)) {
            self.metrics.sessions_resumed.add();
            return Ok((found, true));
        }
        let Some(seat) = self.table.reserve() else {
            self.metrics.sessions_refused.add();
            let message = match self.table.seats() {
                1 => "Somebody else is talking to the avatar. Try again in a while.".to_owned(),
                n => format!("All {n} seats are taken. Try again in a while."),
            };
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        };
        let conversation = Conversation::start(
            access::token()?,
            &self.avatar,
            self.responder.clone(),
            Settings {
                gestures: self.options.gestures.clone(),
                tools: self.tools.clone(),
                ..Settings::default()
            },
            self.metrics.clone(),
        )?;
        self.table.insert(seat, conversation.clone());
        self.metrics.sessions.add();
        Ok((conversation, false))
    }
}

/// Functions for an avatar: its gestures if it has any, the end of the call, and the app's own.
///
/// # Errors
/// `InvalidArgument`: one of the app's can't be offered.
pub(crate) fn tools(avatar: &Avatar, own: &[Arc<dyn Tool>]) -> Result<Tools> {
    let loops = ["idle", "talking"];
    let mut gestures = avatar.info().motions.clone();
    gestures.retain(|name| !loops.contains(&name.as_str()));
    let perform = (!gestures.is_empty()).then(|| Perform::new(gestures));
    let mut tools: Vec<Arc<dyn Tool>> = vec![Arc::new(EndCall)];
    tools.extend(perform.map(|tool| Arc::new(tool) as Arc<dyn Tool>));
    tools.extend(own.iter().cloned());
    Tools::new(tools)
}
