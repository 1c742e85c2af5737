//! Calls of the C interface in any order, with handles that live or are null, structs of any size and
//! integers of any value. Every call must come back with a status that the header has, and an error
//! with a message.
//!
//! Calls that the header forbids outright (pointers to freed or foreign memory) are not tried.

mod engines;
mod files;
mod frames;
mod input;
mod names;
mod sessions;
mod world;

use arbitrary::{Arbitrary, Unstructured};

use world::World;

/// A call, by what it is about.
#[derive(Arbitrary, Debug)]
enum Call {
    Engine(engines::Call),
    File(files::Call),
    Frame(frames::Call),
    Name(names::Call),
    Session(sessions::Call),
    // As often again: most of what can go wrong is here.
    SessionToo(sessions::Call),
    FrameToo(frames::Call),
}

pub(crate) fn run(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let mut world = World::new(data.arbitrary().unwrap_or(false));
    for _ in 0..40 {
        let Ok(call) = data.arbitrary::<Call>() else {
            break;
        };
        match call {
            Call::Engine(call) => world.engine(call),
            Call::File(call) => world.file(call),
            Call::Frame(call) | Call::FrameToo(call) => world.frame(call),
            Call::Name(call) => world.name(call),
            Call::Session(call) | Call::SessionToo(call) => world.session(call),
        }
        if data.is_empty() {
            break;
        }
    }
}
