//! Everything that the page has handles of.

use std::cell::RefCell;
use std::collections::BTreeMap;

use essence::imx::Loader;
use essence::{Avatar, Engine, Error, ErrorKind, Provider, Result};

use crate::memory::Buffers;
use crate::session::Conversation;

#[derive(Default)]
pub(crate) struct World {
    pub(crate) buffers: Buffers,
    engine: Option<Engine>,
    things: BTreeMap<i32, Thing>,
    last: i32,
    /// The result of a call that gives text.
    pub(crate) text: String,
}

/// The thing behind a handle.
pub(crate) enum Thing {
    Avatar(Avatar),
    Loader(Box<Loader>),
    Session(Box<Conversation>),
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

/// Calls `f` with everything.
pub(crate) fn with<R>(f: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(f)
}

impl World {
    /// The engine, which is made with the first avatar.
    pub(crate) fn engine(&mut self) -> Result<Engine> {
        if let Some(engine) = &self.engine {
            return Ok(engine.clone());
        }
        let engine = Engine::builder()
            .provider(Provider::Builtin)
            .threads(1)
            .build()?;
        Ok(self.engine.insert(engine).clone())
    }

    /// A handle of something new.
    pub(crate) fn add(&mut self, thing: Thing) -> Result<i32> {
        let next = self.last.checked_add(1).ok_or_else(|| {
            let message = "no handles are left; load the module anew";
            Error::new(ErrorKind::LimitExceeded, message)
        })?;
        self.last = next;
        self.things.insert(next, thing);
        Ok(next)
    }

    /// Lets go of what a handle is of; nothing happens if there is no such handle.
    pub(crate) fn remove(&mut self, handle: i32) {
        self.things.remove(&handle);
    }

    pub(crate) fn avatar(&self, handle: i32) -> Result<&Avatar> {
        match self.things.get(&handle) {
            Some(Thing::Avatar(avatar)) => Ok(avatar),
            _ => Err(no_such("avatar", handle)),
        }
    }

    pub(crate) fn loader(&mut self, handle: i32) -> Result<&mut Loader> {
        match self.things.get_mut(&handle) {
            Some(Thing::Loader(loader)) => Ok(loader),
            _ => Err(no_such("loader", handle)),
        }
    }

    pub(crate) fn session(&mut self, handle: i32) -> Result<&mut Conversation> {
        match self.things.get_mut(&handle) {
            Some(Thing::Session(session)) => Ok(session),
            _ => Err(no_such("session", handle)),
        }
    }
}

/// Lets go of an avatar, a session or a loader. Sessions keep their avatar alive.
#[unsafe(no_mangle)]
pub extern "C" fn web_close(handle: i32) {
    with(|world| world.remove(handle));
}

/// Address of the text that the last call gave, UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn web_text() -> *const u8 {
    with(|world| world.text.as_ptr())
}

#[cold]
fn no_such(what: &str, handle: i32) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{handle} is no {what}"))
}
