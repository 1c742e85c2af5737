//! Settings of the platform around the conversations.

use std::path::PathBuf;
use std::sync::Arc;

use essence::Engine;
use essence_brain::{Paint, Speak};

use crate::api::limits::Plan;

/// Settings of the platform that a [`Server`](crate::Server) offers beside its conversations.
#[derive(Clone)]
#[non_exhaustive]
pub struct PlatformOptions {
    /// The folder with everything: the database, files, work under way.
    pub data: PathBuf,
    /// The address of a Postgres that several servers share; `SQLite` in the data folder without.
    pub database: Option<String>,
    /// A bucket of an S3-compatible store for the files, such as `s3://avatars/site-1`; the data folder without,
    /// which is a cache of it with one. `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` and so on say where
    /// it is and whose.
    pub bucket: Option<String>,
    /// Opens the avatars.
    pub engine: Engine,
    /// The face of agents that are made of words alone: an avatar's file.
    pub face: Arc<[u8]>,
    /// The voice of texts; without one there is no speech.
    pub speak: Option<Arc<dyn Speak>>,
    /// Makes the faces of agents that are made of words alone; `face` without.
    pub paint: Option<Arc<dyn Paint>>,
    /// The studio's Python, which makes avatars of films.
    pub studio: Option<PathBuf>,
    /// Whether avatars of pictures that are asked for as `essence-…` are distilled by the studio once they are ready:
    /// a millisecond a frame, and no gestures.
    pub distill: bool,
    /// The command line, with which the studio tries what it made.
    pub command: Option<PathBuf>,
    /// Whether addresses in requests may be of this machine and the networks around it.
    pub allow_private_urls: bool,
    /// How often an account may ask.
    pub plan: Plan,
    /// Credits that an account begins with; without, nothing is metered.
    pub credits: Option<f64>,
    /// Jobs that are worked on at a time.
    pub workers: usize,
    /// Whether what is said in conversations is kept, for `GET …/messages`.
    pub transcripts: bool,
    /// The address that others know this server by, such as `https://avatars.example.org`.
    pub public_url: Option<String>,
    /// Gets a line for each failure that isn't the caller's.
    pub log: Arc<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for PlatformOptions {
    /// Leaves the database's address out, which has a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlatformOptions")
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

impl PlatformOptions {
    /// A platform in a folder, whose agents of words have `face`: one worker, no voice, no studio, no limits.
    pub fn new(data: impl Into<PathBuf>, engine: Engine, face: impl Into<Arc<[u8]>>) -> Self {
        Self {
            data: data.into(),
            database: None,
            bucket: None,
            engine,
            face: face.into(),
            speak: None,
            paint: None,
            studio: None,
            distill: false,
            command: None,
            allow_private_urls: false,
            plan: Plan::default(),
            credits: None,
            workers: 1,
            transcripts: true,
            public_url: None,
            log: Arc::new(|_| {}),
        }
    }
}
