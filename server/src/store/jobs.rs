//! Work that outlives a request: rows with a lease. Several servers take from one table.
//!
//! A job is *queued*, then *running* while somebody's lease lasts, then *done* or *failed*. Who takes a
//! lease changes the row in one statement that expects it untaken; who ends a job writes its result,
//! its agent, its charge and its events in one transaction that expects the lease to be his own. So a
//! job that was killed half-way is taken again after its lease, and none ends twice.

use sqlx::{AnyConnection, Row as _};

use super::agents::Agent;
use super::database::{Store, Stored, new_id, now, now_ms};
use super::usage::UsageEvent;
use super::{agents, keys, usage, webhooks};

/// Attempts at a job whose server dies under it. One that fails by itself isn't tried again: it would
/// fail again.
const MAX_ATTEMPTS: i64 = 4;

/// Milliseconds that a lease lasts without a heartbeat.
pub(crate) const LEASE_MS: i64 = 15_000;

/// The kind of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Makes an agent.
    Agent,
    /// Adds a model to an agent.
    Model,
    /// Renders an agent's gestures.
    Dynamics,
    /// Renders a talking video.
    Video,
    /// Delivers an event to a webhook.
    Delivery,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Dynamics => "dynamics",
            Self::Video => "video",
            Self::Delivery => "delivery",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::Agent,
            Self::Model,
            Self::Dynamics,
            Self::Video,
            Self::Delivery,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }
}

/// The state of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// Not over.
    Open,
    /// Over, with a result.
    Done,
    /// Over, with an error.
    Failed,
}

/// A job as it is read.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) kind: String,
    /// The agent's code, or the delivery.
    pub(crate) subject: String,
    /// In JSON.
    pub(crate) input: String,
    state: String,
    pub(crate) attempts: i64,
    /// In JSON, of one that is done.
    pub(crate) result: Option<String>,
    /// Of one that failed.
    pub(crate) error: Option<String>,
}

impl Job {
    pub(crate) fn kind(&self) -> Option<Kind> {
        Kind::parse(&self.kind)
    }

    pub(crate) fn state(&self) -> State {
        match self.state.as_str() {
            "done" => State::Done,
            "failed" => State::Failed,
            _ => State::Open,
        }
    }
}

/// A lease on a job.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) job: Job,
    pub(crate) owner: String,
}

/// A change that comes with the end of a job.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The agent is now like this.
    Agent(Box<Agent>),
    /// An agent's gestures, in JSON.
    Dynamics { code: String, dynamics: String },
    /// Credits that were used.
    Usage(UsageEvent),
    /// Credits that are given back.
    Refund(f64),
    /// An event for webhooks: its type and its data in JSON.
    Event { kind: &'static str, data: String },
}

impl Store {
    /// Queues a job under an identifier of the caller's choice.
    pub(crate) async fn queue(
        &self,
        id: &str,
        account: &str,
        kind: Kind,
        subject: &str,
        input: &str,
    ) -> Stored<()> {
        let mut connection = self.pool.acquire().await?;
        insert(&mut connection, id, account, kind, subject, input, 0).await
    }

    /// Adds an agent and the job that makes it; false if the code is taken.
    pub(crate) async fn queue_agent(&self, agent: &Agent, input: &str) -> Stored<bool> {
        let mut change = self.pool.begin().await?;
        if !Self::insert_agent(&mut change, agent).await? {
            change.rollback().await?;
            return Ok(false);
        }
        let (id, code) = (new_id(), &agent.code);
        insert(
            &mut change,
            &id,
            &agent.account,
            Kind::Agent,
            code,
            input,
            0,
        )
        .await?;
        change.commit().await?;
        Ok(true)
    }

    /// A job of an account's.
    pub(crate) async fn job(&self, account: &str, id: &str) -> Stored<Option<Job>> {
        sqlx::query_as("SELECT * FROM jobs WHERE id = $1 AND account = $2")
            .bind(id)
            .bind(account)
            .fetch_optional(&self.pool)
            .await
    }

    /// The newest job of a kind for an agent.
    pub(crate) async fn newest_job(&self, kind: Kind, subject: &str) -> Stored<Option<Job>> {
        sqlx::query_as(
            "SELECT * FROM jobs WHERE subject = $1 AND kind = $2 ORDER BY created_at DESC LIMIT 1",
        )
        .bind(subject)
        .bind(kind.as_str())
        .fetch_optional(&self.pool)
        .await
    }

    /// Takes the job that is due first, if any is.
    pub(crate) async fn claim(&self, owner: &str) -> Stored<Option<Claim>> {
        let now_ms = now_ms();
        // The outer condition is looked at again once a row that another server changes is free.
        let job: Option<Job> = sqlx::query_as(
            "UPDATE jobs SET state = 'running', owner = $1, lease_until = $2, attempts = attempts + 1, updated_at = $3 \
             WHERE id = (SELECT id FROM jobs WHERE (state = 'queued' AND not_before <= $4) \
             OR (state = 'running' AND lease_until < $4) ORDER BY not_before, created_at LIMIT 1) \
             AND ((state = 'queued' AND not_before <= $4) OR (state = 'running' AND lease_until < $4)) RETURNING *",
        )
        .bind(owner)
        .bind(now_ms + LEASE_MS)
        .bind(now())
        .bind(now_ms)
        .fetch_optional(&self.pool)
        .await?;
        let Some(job) = job else { return Ok(None) };
        Ok(Some(Claim {
            owner: owner.to_owned(),
            job,
        }))
    }

    /// Prolongs a lease; false if it is lost, as when the job's agent was deleted.
    pub(crate) async fn heartbeat(&self, claim: &Claim) -> Stored<bool> {
        let kept = sqlx::query(
            "UPDATE jobs SET lease_until = $1 WHERE id = $2 AND owner = $3 AND state = 'running'",
        )
        .bind(now_ms() + LEASE_MS)
        .bind(&claim.job.id)
        .bind(&claim.owner)
        .execute(&self.pool)
        .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Ends a job with a result (in JSON) or an error, and what comes with it. False if the lease was
    /// lost: then nothing has changed.
    pub(crate) async fn finish(
        &self,
        claim: &Claim,
        outcome: Result<&str, &str>,
        effects: &[Effect],
    ) -> Stored<bool> {
        let (state, result, error) = match outcome {
            Ok(result) => ("done", Some(result.to_owned()), None),
            Err(error) => ("failed", None, Some(error.to_owned())),
        };
        let mut change = self.pool.begin().await?;
        let ended = sqlx::query(
            "UPDATE jobs SET state = $1, result = $2, error = $3, updated_at = $4 \
             WHERE id = $5 AND owner = $6 AND state = 'running'",
        )
        .bind(state)
        .bind(result)
        .bind(error)
        .bind(now())
        .bind(&claim.job.id)
        .bind(&claim.owner)
        .execute(&mut *change)
        .await?;
        if ended.rows_affected() == 0 {
            change.rollback().await?;
            return Ok(false);
        }
        for effect in effects {
            apply(&mut change, &claim.job, effect).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Gives a job back, to be taken again after `delay_ms`. That is no attempt at which its server died.
    pub(crate) async fn release(&self, claim: &Claim, delay_ms: i64) -> Stored<()> {
        sqlx::query(
            "UPDATE jobs SET state = 'queued', attempts = attempts - 1, not_before = $1, updated_at = $2 \
             WHERE id = $3 AND owner = $4 AND state = 'running'",
        )
        .bind(now_ms() + delay_ms)
        .bind(now())
        .bind(&claim.job.id)
        .bind(&claim.owner)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Milliseconds until the next job is due: 0 where one is, None where none waits.
    pub(crate) async fn next_due_ms(&self) -> Stored<Option<i64>> {
        let row = sqlx::query(
            "SELECT MIN(CASE WHEN state = 'queued' THEN not_before ELSE lease_until END) AS due FROM jobs \
             WHERE state = 'queued' OR state = 'running'",
        )
        .fetch_one(&self.pool)
        .await?;
        let due: Option<i64> = row.try_get("due")?;
        Ok(due.map(|due| (due - now_ms()).max(0)))
    }
}

impl Claim {
    /// Whether the job has killed its server so often that it isn't tried again.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.job.attempts > MAX_ATTEMPTS
    }
}

async fn insert(
    change: &mut AnyConnection,
    id: &str,
    account: &str,
    kind: Kind,
    subject: &str,
    input: &str,
    not_before: i64,
) -> Stored<()> {
    sqlx::query(
        "INSERT INTO jobs (id, account, kind, subject, input, state, attempts, owner, lease_until, not_before, \
         created_at, updated_at) VALUES ($1, $2, $3, $4, $5, 'queued', 0, '', 0, $6, $7, $7)",
    )
    .bind(id)
    .bind(account)
    .bind(kind.as_str())
    .bind(subject)
    .bind(input)
    .bind(not_before)
    .bind(now())
    .execute(change)
    .await?;
    Ok(())
}

async fn apply(change: &mut AnyConnection, job: &Job, effect: &Effect) -> Stored<()> {
    match effect {
        Effect::Agent(agent) => agents::write_result(change, agent).await,
        Effect::Dynamics { code, dynamics } => {
            sqlx::query("UPDATE agents SET dynamics = $1, updated_at = $2 WHERE code = $3")
                .bind(dynamics)
                .bind(now())
                .bind(code)
                .execute(change)
                .await?;
            Ok(())
        }
        Effect::Usage(event) => usage::insert(change, &job.account, event).await,
        Effect::Refund(credits) => keys::refund(change, &job.account, *credits).await,
        Effect::Event { kind, data } => {
            for delivery in webhooks::announce(change, &job.account, kind, data).await? {
                let id = new_id();
                insert(
                    change,
                    &id,
                    &job.account,
                    Kind::Delivery,
                    &delivery,
                    "{}",
                    0,
                )
                .await?;
            }
            Ok(())
        }
    }
}
