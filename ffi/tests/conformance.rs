//! The engine's own tests, run a second time through the C interface of the shared library.
//!
//! The `essence` that they name is `proxy/` here: the same Rust interface, every call of which goes
//! through C.
#![allow(
    clippy::duplicate_mod,
    reason = "each file brings what the tests share"
)]

#[path = "../../engine/tests/avatar.rs"]
mod avatar;
#[path = "../../engine/tests/conversation.rs"]
mod conversation;
#[path = "../../engine/tests/curves.rs"]
mod curves;
#[path = "../../engine/tests/gestures.rs"]
mod gestures;
#[path = "../../engine/tests/golden.rs"]
mod golden;
#[path = "../../engine/tests/hostile.rs"]
mod hostile;
#[path = "../../engine/tests/laws.rs"]
mod laws;
#[path = "../../engine/tests/log.rs"]
mod log;
#[path = "../../engine/tests/pool.rs"]
mod pool;
#[path = "../../engine/tests/precision.rs"]
mod precision;
#[path = "../../engine/tests/queue.rs"]
mod queue;
#[path = "../../engine/tests/realtime.rs"]
mod realtime;
#[path = "../../engine/tests/recorded.rs"]
mod recorded;
#[path = "../../engine/tests/threads.rs"]
mod threads;
#[path = "../../engine/tests/visemes.rs"]
mod visemes;
#[path = "../../engine/tests/wakeup.rs"]
mod wakeup;
