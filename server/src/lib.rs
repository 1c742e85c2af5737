//! Conversations with a talking avatar in a browser: the page, its sockets, and the sessions behind them.
//!
//! A [`Server`] joins the crates that don't know each other: `essence-live` draws, encodes and sends;
//! `essence-brain` hears, takes turns and answers. Each conversation has one of both, joined by two queues:
//! heard sound goes up, speech and captions come down.
//!
//! # Addresses
//!
//! | address | gives |
//! |---|---|
//! | `GET /CODE`, `GET /embed/CODE` | the page; hyphens and case of the code don't matter |
//! | `GET /CODE/poster.png` | the avatar at rest |
//! | `GET /CODE/ws` | the page's WebSocket: control as JSON text, pictures and sound as [binary](essence_live::ws) |
//! | `POST /CODE/offer?session=TOKEN` | WebRTC: the page's offer for the answer, both SDP |
//! | `GET /assets/…` | scripts and styles |
//! | `GET /CODE/avatar.imx`, `/assets/web/…` | the avatar's file, and the package that draws it in the page, with [`Options::web`] |
//! | `POST /launch` | sends an avatar into a LiveKit room: JSON, multipart or urlencoded |
//! | `GET /health`, `/ready`, `/status` | how many seats are taken, in JSON |
//! | `GET /tasks`, `/tasks/ID`, `POST /tasks/ID/stop` | the avatars in rooms |
//! | `GET /healthz` | `ok` |
//! | `GET /metrics` | counters for Prometheus |
//!
//! # Sessions
//! Fetching the page starts nothing. A conversation begins when a page opens its WebSocket, goes on for
//! [`Options::resume`] without one (a reload, a broken network), and ends after
//! [`Options::session_limit`] in any case. There are at most [`Options::max_sessions`] at a time.
//!
//! # Strangers
//! The code is compared in constant time. `Host` has to be an address or a [known
//! name](Options::hosts), which keeps other sites from reaching a server on this machine by a name of
//! theirs; `Origin` has to be the server's own where something is changed. Bodies, messages, connections
//! and waits are limited.
#![deny(unsafe_code)]

mod access;
mod administration;
mod api;
mod assets;
mod bucket;
mod connections;
mod conversation;
mod encoded;
mod face;
mod fetch;
mod files;
mod launch;
mod launch_avatars;
mod launch_entry;
mod launch_error;
mod launch_options;
mod launch_request;
mod launch_state;
mod launch_tasks;
mod media;
mod metrics;
mod models;
mod options;
mod origin;
mod persona;
mod platform;
mod platform_options;
mod poster;
mod protocol;
mod remote;
mod renderer;
mod routes;
mod server;
mod sessions;
mod socket;
mod state;
mod store;
mod subject;
mod table;
mod tls;
mod tools;
mod voices;
mod web;
mod web_package;
mod work;

pub use administration::{Administration, KeyInfo};
pub use api::limits::Plan;
pub use launch_options::LaunchOptions;
pub use options::{Options, PUBLIC_BIND_REFUSED, TlsFiles};
pub use platform_options::PlatformOptions;
pub use server::Server;
pub use web_package::WebPackage;
