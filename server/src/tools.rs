//! Functions that replies may call.

use std::sync::Arc;

use essence::{Avatar, Result};
use essence_brain::{EndCall, Perform, Tool, Tools};

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
