//! The platform around the conversations: agents and all that is made of them, in one data folder.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use essence::{Avatar, Engine, Error, ErrorKind, Result};
use essence_brain::Paint;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::api::error::{Answer, ApiError, shown};
use crate::api::limits::Limits;
use crate::bucket::Bucket;
use crate::face::Face;
use crate::fetch::Fetcher;
use crate::files::Files;
use crate::launch_state::Launch;
use crate::models;
use crate::origin::Origin;
use crate::platform_options::PlatformOptions;
use crate::sessions::Sessions;
use crate::store::{Agent, Charge, NewJob, Queued, Store, new_secret};
use crate::table::Table;
use crate::voices::Voices;

/// Avatars of agents that stay open: the last ones that were talked to.
const OPEN_FACES: usize = 8;

/// Credits that an account shows where nothing is metered.
const UNLIMITED: f64 = 1_000_000_000.0;

/// The platform of a server.
pub(crate) struct Platform {
    pub(crate) store: Store,
    pub(crate) files: Files,
    pub(crate) fetcher: Fetcher,
    pub(crate) engine: Engine,
    pub(crate) voices: Arc<Voices>,
    pub(crate) paint: Option<Arc<dyn Paint>>,
    pub(crate) limits: Limits,
    /// Signs tokens.
    pub(crate) token_key: String,
    pub(crate) studio: Option<PathBuf>,
    pub(crate) distill: bool,
    pub(crate) command: Option<PathBuf>,
    pub(crate) table: Arc<Table>,
    pub(crate) sessions: Sessions,
    /// Avatars in LiveKit rooms.
    pub(crate) launch: Arc<Launch>,
    pub(crate) public_url: Option<String>,
    pub(crate) scheme: &'static str,
    own_url: OnceLock<String>,
    face: Arc<[u8]>,
    faces: Mutex<VecDeque<Arc<Face>>>,
    opening: tokio::sync::Mutex<()>,
    credits: Option<f64>,
    workers: usize,
    wake: Notify,
    working: Mutex<Vec<JoinHandle<()>>>,
    log: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Platform {
    /// Opens the data folder and the database.
    ///
    /// # Errors
    /// `InvalidArgument`: a setting makes no sense. `Io`: they can't be had.
    pub(crate) async fn open(
        options: PlatformOptions,
        table: Arc<Table>,
        launch: Arc<Launch>,
        tls: bool,
    ) -> Result<Arc<Self>> {
        let bucket = options.bucket.as_deref().map(Bucket::open).transpose()?;
        if let Some(bucket) = &bucket {
            bucket.check().await?;
        }
        let files = Files::open(&options.data, bucket)?;
        let store = Store::open(&options.data, options.database.as_deref()).await?;
        let failed = |e| Error::new(ErrorKind::Io, "the database can't be read").with_source(e);
        let fresh = new_secret("")?;
        let token_key = store.setting("token_key", &fresh).await.map_err(failed)?;
        Ok(Arc::new(Self {
            store,
            files,
            fetcher: Fetcher::new(options.allow_private_urls),
            engine: options.engine,
            voices: Arc::new(Voices::new(options.speak)),
            paint: options.paint,
            limits: Limits::new(options.plan),
            token_key,
            distill: options.distill && options.studio.is_some(),
            studio: options.studio,
            command: options.command,
            table,
            sessions: Sessions::new(options.transcripts)?,
            launch,
            public_url: options
                .public_url
                .map(|url| url.trim_end_matches('/').to_owned()),
            scheme: if tls { "https" } else { "http" },
            own_url: OnceLock::new(),
            face: options.face,
            faces: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            credits: options.credits,
            workers: options.workers.max(1),
            wake: Notify::new(),
            working: Mutex::default(),
            log: options.log,
        }))
    }

    /// Tells the server its own address.
    pub(crate) fn set_address(&self, address: &str) {
        let _ = self.own_url.set(address.to_owned());
    }

    /// Jobs that are worked on at a time.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// Keeps a worker, whose end is waited for at the server's.
    pub(crate) fn keep(&self, worker: JoinHandle<()>) {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        working.push(worker);
    }

    /// The server's address, for those who don't ask it: webhooks.
    pub(crate) fn own_url(&self) -> Origin {
        let own = self.public_url.as_ref().or(self.own_url.get());
        Origin::from(own.cloned().unwrap_or_default())
    }

    pub(crate) fn log(&self, line: &str) {
        (self.log)(line);
    }

    /// A job was queued.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// An account's agent.
    ///
    /// # Errors
    /// 404.
    pub(crate) async fn agent(&self, account: &str, code: &str) -> Answer<Agent> {
        let agent = self.store.agent(account, code).await?;
        agent.ok_or_else(|| ApiError::no_agent(code))
    }

    pub(crate) fn is_metered(&self) -> bool {
        self.credits.is_some()
    }

    /// Credits as they are really taken.
    pub(crate) fn charged(&self, credits: i64) -> i64 {
        match self.is_metered() {
            true => credits,
            false => 0,
        }
    }

    /// The credits of an account.
    pub(crate) async fn balance(&self, account: &str) -> Answer<f64> {
        match self.credits {
            Some(first) => Ok(self.store.credits(account, first).await?),
            None => Ok(UNLIMITED),
        }
    }

    /// The charge for something that costs so many credits; none where nothing is metered.
    pub(crate) fn charge(&self, credits: i64) -> Option<Charge> {
        let first = self.credits.filter(|_| credits > 0)?;
        Some(Charge {
            amount: credits as f64,
            first,
        })
    }

    /// Queues a job that costs so many credits at most.
    ///
    /// # Errors
    /// 402.
    pub(crate) async fn queue(&self, job: NewJob<'_>) -> Answer<()> {
        let queued = self.store.queue(job).await?;
        self.queued(queued, job.charge)
    }

    /// Wakes a worker for a job that was queued.
    ///
    /// # Errors
    /// 402.
    pub(crate) fn queued(&self, queued: Queued, charge: Option<Charge>) -> Answer<()> {
        if queued == Queued::Unpaid {
            let credits = charge.map_or(0.0, |charge| charge.amount);
            return Err(ApiError::new(
                axum::http::StatusCode::PAYMENT_REQUIRED,
                "INSUFFICIENT_BALANCE",
                format!("This costs {credits} credits, and there are fewer"),
            ));
        }
        self.wake.notify_one();
        Ok(())
    }

    /// The file of an agent's avatar, as one of its models or as its own.
    fn model_file(agent: &Agent, model: Option<&str>) -> Option<String> {
        let have = agent.models();
        let own = models::families_of(&agent.model);
        let wanted = model.into_iter().chain(own.iter().copied());
        let found = wanted.filter_map(|family| have.get(family)).next();
        found.or(have.values().next()).cloned()
    }

    /// An agent's avatar. Blocks.
    ///
    /// # Errors
    /// `NotFound`: it isn't ready. Those of opening a file.
    pub(crate) fn avatar_of(&self, agent: &Agent, model: Option<&str>) -> Result<Avatar> {
        let name = Self::model_file(agent, model);
        let file = name.map(|name| self.files.find(&name)).transpose()?;
        let file = file.flatten();
        let file = file.ok_or_else(|| {
            let message = format!("agent {} has no avatar yet", shown(&agent.code));
            Error::new(ErrorKind::NotFound, message)
        })?;
        self.engine.open(file)
    }

    /// The page of an agent's, open: its avatar, its picture at rest, its prompt. None: there is no such agent,
    /// or it isn't ready.
    ///
    /// # Errors
    /// The errors of the database and of opening a file.
    pub(crate) async fn face_of(self: &Arc<Self>, code: &str) -> Answer<Option<Arc<Face>>> {
        let agent = self.store.agent_of_any(code).await?;
        let Some(agent) = agent.filter(Agent::is_ready) else {
            return Ok(None);
        };
        if let Some(face) = self.known_face(&agent) {
            return Ok(Some(face));
        }
        // Goes on where its caller gives up, for the next one.
        tokio::spawn(self.clone().open_face(agent)).await?.map(Some)
    }

    /// The open page of an agent's, unless the agent was changed since.
    fn known_face(&self, agent: &Agent) -> Option<Arc<Face>> {
        let known = |face: &&Arc<Face>| face.code == agent.code && face.version == agent.updated_at;
        self.faces().iter().find(known).cloned()
    }

    /// Opens the page of an agent's, one after the other: a page asks for its picture and for its conversation at the
    /// same time, and a small machine has enough to do with one.
    async fn open_face(self: Arc<Self>, agent: Agent) -> Answer<Arc<Face>> {
        let _one = self.opening.lock().await;
        if let Some(face) = self.known_face(&agent) {
            return Ok(face);
        }
        let platform = self.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let avatar = platform.avatar_of(&agent, None)?;
            Face::of_agent(&agent, avatar)
        });
        let face = Arc::new(opened.await??);
        let mut faces = self.faces();
        faces.retain(|known| known.code != face.code);
        faces.push_back(face.clone());
        while faces.len() > OPEN_FACES {
            faces.pop_front();
        }
        Ok(face)
    }

    /// Closes an agent's page, which has changed.
    pub(crate) fn forget_face(&self, code: &str) {
        self.faces().retain(|face| face.code != code);
    }

    /// The face of an agent that is made of words alone.
    pub(crate) fn shipped_face(&self) -> &[u8] {
        &self.face
    }

    fn faces(&self) -> MutexGuard<'_, VecDeque<Arc<Face>>> {
        self.faces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets workers end and closes the database.
    pub(crate) async fn close(&self, limit: Duration) {
        self.sessions.close();
        let working =
            std::mem::take(&mut *self.working.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = async {
            for worker in working {
                // One that has panicked has ended, too.
                let _ = worker.await;
            }
            self.store.close().await;
        };
        let _ = tokio::time::timeout(limit, ended).await;
    }
}
