//! A face with a page: the server's own, or an agent's.

use std::collections::BTreeMap;

use essence::{Avatar, Result};
use essence_brain::Tools;

use crate::poster::poster;
use crate::sessions::Whose;
use crate::store::Agent;
use crate::tools::tools;

/// An avatar that is talked to under a code.
pub(crate) struct Face {
    pub(crate) code: String,
    /// The account whose agent it is; none for the server's own.
    pub(crate) account: Option<String>,
    pub(crate) avatar: Avatar,
    /// The name that its page shows.
    pub(crate) name: String,
    /// At rest, as a PNG.
    pub(crate) poster: Vec<u8>,
    /// Its persona; empty for the brain's own.
    pub(crate) prompt: String,
    /// Gestures by words of the avatar.
    pub(crate) gestures: BTreeMap<String, String>,
    /// Functions that replies may call.
    pub(crate) tools: Tools,
    /// When the agent was last changed; empty for the server's own.
    pub(crate) version: String,
}

impl Face {
    /// The account and the agent of its sessions; none for the server's own, which nobody accounts for.
    pub(crate) fn whose(&self) -> Option<Whose> {
        Some(Whose {
            account: self.account.clone()?,
            code: self.code.clone(),
            name: self.name.clone(),
        })
    }

    /// The face of an agent. Blocks.
    ///
    /// # Errors
    /// The errors of drawing a picture.
    pub(crate) fn of_agent(agent: &Agent, avatar: Avatar) -> Result<Self> {
        let dynamics = agent.gestures();
        let on = dynamics["enabled"].as_bool().unwrap_or(true);
        let known = &avatar.info().motions;
        let words = dynamics["keywords"].as_object().filter(|_| on);
        // Gestures that the avatar doesn't have are passed over.
        let gestures = words.into_iter().flatten().filter_map(|(word, gesture)| {
            let gesture = gesture
                .as_str()
                .filter(|name| known.iter().any(|k| k == name))?;
            Some((word.to_lowercase(), gesture.to_owned()))
        });
        Ok(Self {
            gestures: gestures.collect(),
            tools: tools(&avatar, &[])?,
            poster: poster(&avatar)?,
            name: agent.name.clone(),
            code: agent.code.clone(),
            account: Some(agent.account.clone()),
            prompt: agent.system_prompt.clone(),
            version: agent.updated_at.clone(),
            avatar,
        })
    }
}
