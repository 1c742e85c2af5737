//! Work that requests leave behind: agents, gestures, videos, deliveries.
//!
//! Each worker takes a job's lease, prolongs it while the work goes on, and ends the job with all that
//! comes of it in one change of the database. A worker whose lease was lost throws its work away.

mod agent;
mod delivery;
mod dynamics;
mod film;
mod outcome;
mod sessions;
mod studio;
mod video;

use std::sync::Arc;
use std::time::Duration;

use essence_brain::Cancel;
use tokio::sync::watch;
use tokio::time;

pub(crate) use self::agent::AgentOrder;
pub(crate) use self::dynamics::DynamicsOrder;
use self::outcome::Attempt;
pub(crate) use self::video::{VideoOrder, VideoResult};
use crate::access;
use crate::platform::Platform;
use crate::store::{Claim, Job, Kind, LEASE_MS};

/// How long a worker sleeps at most: other servers of the same database queue jobs, too.
const SLEEP: Duration = Duration::from_secs(2);

/// How long it waits for a database that fails.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Begins to work on a platform's jobs and to write down its sessions, until `stop` changes. `address` is the server's own.
///
/// # Errors
/// `Io`: the system gives no random numbers.
pub(crate) fn start(
    platform: &Arc<Platform>,
    address: &str,
    stop: &watch::Receiver<bool>,
) -> essence::Result<()> {
    platform.set_address(address);
    sessions::start(platform, stop);
    let name = access::token()?;
    for number in 0..platform.workers() {
        let working = worker(platform.clone(), format!("{name}-{number}"), stop.clone());
        platform.keep(tokio::spawn(working));
    }
    Ok(())
}

/// Takes jobs until `stop` changes.
async fn worker(platform: Arc<Platform>, name: String, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let wait = match platform.store.claim(&name).await {
            Ok(Some(claim)) => {
                if let Err(error) = attempt(&platform, &claim, &mut stop).await {
                    platform.log(&format!("job {}: {error}", claim.job.id));
                }
                continue;
            }
            Ok(None) => match platform.store.next_due_ms().await {
                Ok(Some(due)) => Duration::from_millis(due.unsigned_abs()).min(SLEEP),
                _ => SLEEP,
            },
            Err(error) => {
                platform.log(&format!("jobs can't be taken: {error}"));
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = platform.woken() => {}
            () = time::sleep(wait.max(Duration::from_millis(10))) => {}
            _ = stop.changed() => {}
        }
    }
}

/// One attempt at a job.
async fn attempt(
    platform: &Arc<Platform>,
    claim: &Claim,
    stop: &mut watch::Receiver<bool>,
) -> Result<(), sqlx::Error> {
    let cancel = Cancel::default();
    let mut working = std::pin::pin!(work(platform.clone(), claim.clone(), cancel.clone()));
    let mut heartbeat = time::interval(Duration::from_millis(LEASE_MS.unsigned_abs() / 3));
    let attempt = loop {
        tokio::select! {
            attempt = &mut working => break attempt,
            _ = heartbeat.tick() => {
                if matches!(platform.store.heartbeat(claim).await, Ok(false)) {
                    cancel.cancel();
                }
            }
            _ = stop.changed() => {
                // Another server goes on with it, or this one after its next start.
                cancel.cancel();
                return platform.store.release(claim, 0).await;
            }
        }
    };
    match attempt {
        Attempt::Over(outcome) => {
            let result = outcome.result.as_deref().map_err(String::as_str);
            let ended = platform
                .store
                .finish(claim, result, &outcome.effects)
                .await?;
            let unused = match (&outcome.result, &ended) {
                (Ok(_), Some(_)) => [].as_slice(),
                _ => &outcome.files,
            };
            let spent = ended.is_some().then_some(&outcome.spent);
            let gone = unused.iter().chain(ended.iter().flatten());
            gone.chain(spent.into_iter().flatten())
                .for_each(|name| platform.files.remove(name));
            platform.wake();
        }
        Attempt::Again(delay_ms) => platform.store.release(claim, delay_ms).await?,
    }
    Ok(())
}

/// The files that belong to a job: what it is made of, and what has become of it.
pub(crate) fn files_of(job: &Job) -> Vec<String> {
    let mut files = Vec::new();
    if let Ok(order) = serde_json::from_str::<VideoOrder>(&job.input) {
        files.extend(order.files().cloned());
    }
    let result = job.result.as_deref().map(serde_json::from_str);
    if let Some(Ok(VideoResult { file, .. })) = result {
        files.push(file);
    }
    files
}

async fn work(platform: Arc<Platform>, claim: Claim, cancel: Cancel) -> Attempt {
    let hopeless = claim
        .is_hopeless()
        .then(|| "the server died at each attempt; its log may say why".to_owned());
    match claim.job.kind() {
        Some(Kind::Agent | Kind::Model) => agent::attempt(platform, claim, cancel, hopeless).await,
        Some(Kind::Dynamics) => dynamics::attempt(platform, claim, cancel, hopeless).await,
        Some(Kind::Video) => video::attempt(platform, claim, cancel, hopeless).await,
        Some(Kind::Delivery) => delivery::attempt(platform, claim).await,
        // Of a later version, which will take it.
        None => Attempt::Again(60_000),
    }
}
