//! Rows that last: agents, jobs, webhooks, usage. `SQLite` in the data folder, or Postgres that several
//! servers share.
//!
//! Every statement is one that both databases understand. A change that must not happen twice is one
//! statement that says in its `WHERE` what it expects, and counts what it has changed.

mod agents;
mod database;
mod job;
mod jobs;
mod keys;
mod migrations;
mod replays;
mod sessions;
mod usage;
mod webhooks;

pub(crate) use self::agents::{Agent, AgentFilter, Progress};
pub(crate) use self::database::{Store, new_id, now, now_ms, stamp};
pub(crate) use self::job::{Claim, Effect, Job, Kind, NewJob, Queued, State};
pub(crate) use self::jobs::LEASE_MS;
pub(crate) use self::keys::{Charge, new_secret};
pub(crate) use self::replays::{Begun, Replay};
pub(crate) use self::sessions::{CONVERSATIONS, SELF_HOSTED, Session, Window, Words};
pub(crate) use self::usage::{UsageEvent, UsageFilter};
pub(crate) use self::webhooks::{SESSION_EVENTS, Webhook, event_body};
