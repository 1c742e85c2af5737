//! Work that outlives a request: rows with a lease. Several servers take from one table.
//!
//! A job is *queued*, then *running* while somebody's lease lasts, then *done* or *failed*. Who takes a
//! lease changes the row in one statement that expects it untaken; who ends a job writes its result,
//! its agent, its charge and its events in one transaction that expects the lease to be his own. So a
//! job that was killed half-way is taken again after its lease, and none ends twice. What a job may
//! cost is taken in the transaction that queues it; what it didn't use is given back in the one that
//! ends it, or deletes it with its agent.

use serde_json::json;
use sqlx::{AnyConnection, Row as _};

use super::agents::Agent;
use super::database::{Store, Stored, new_id, now, now_ms};
use super::job::{Claim, Effect, Job, Kind, NewJob, Queued, State};
use super::keys::Charge;
use super::{agents, keys, usage, webhooks};

/// Milliseconds that a lease lasts without a heartbeat.
pub(crate) const LEASE_MS: i64 = 15_000;

impl Store {
    /// Queues a job and takes what it may cost.
    pub(crate) async fn queue(&self, job: NewJob<'_>) -> Stored<Queued> {
        let mut change = self.pool.begin().await?;
        if !insert(&mut change, job).await? {
            change.rollback().await?;
            return Ok(Queued::Unpaid);
        }
        change.commit().await?;
        Ok(Queued::Yes)
    }

    /// Adds an agent and the job that makes it.
    pub(crate) async fn queue_agent(
        &self,
        agent: &Agent,
        input: &str,
        charge: Option<Charge>,
    ) -> Stored<Queued> {
        let mut change = self.pool.begin().await?;
        let id = new_id();
        let job = NewJob {
            id: &id,
            account: &agent.account,
            kind: Kind::Agent,
            subject: &agent.code,
            input,
            charge,
        };
        let queued = if !Self::insert_agent(&mut change, agent).await? {
            Queued::Taken
        } else if !insert(&mut change, job).await? {
            Queued::Unpaid
        } else {
            Queued::Yes
        };
        match queued {
            Queued::Yes => change.commit().await?,
            Queued::Taken | Queued::Unpaid => change.rollback().await?,
        }
        Ok(queued)
    }

    /// Deletes an agent and its jobs, ended or not, and gives back what was taken for those that aren't; all that
    /// there was of it.
    pub(crate) async fn delete_agent(
        &self,
        account: &str,
        code: &str,
    ) -> Stored<Option<(Agent, Vec<Job>)>> {
        let mut change = self.pool.begin().await?;
        let Some(agent) = agents::delete(&mut change, account, code).await? else {
            change.rollback().await?;
            return Ok(None);
        };
        let jobs: Vec<Job> = sqlx::query_as(
            "DELETE FROM jobs WHERE subject = $1 AND kind <> 'delivery' RETURNING *",
        )
        .bind(code)
        .fetch_all(&mut *change)
        .await?;
        for job in &jobs {
            if job.state() == State::Open {
                keys::refund(&mut change, account, job.charged).await?;
            }
        }
        for statement in [
            "DELETE FROM session_messages WHERE session IN (SELECT id FROM sessions WHERE agent_code = $1)",
            "UPDATE sessions SET stopping = 1 WHERE agent_code = $1 AND ended IS NULL",
        ] {
            sqlx::query(statement)
                .bind(code)
                .execute(&mut *change)
                .await?;
        }
        change.commit().await?;
        Ok(Some((agent, jobs)))
    }

    /// A job of an account's.
    pub(crate) async fn job(&self, account: &str, id: &str) -> Stored<Option<Job>> {
        sqlx::query_as("SELECT * FROM jobs WHERE id = $1 AND account = $2")
            .bind(id)
            .bind(account)
            .fetch_optional(&self.pool)
            .await
    }

    /// A page of an account's jobs without deliveries, newest first, and the number of all.
    pub(crate) async fn jobs(
        &self,
        account: &str,
        state: Option<State>,
        limit: i64,
        offset: i64,
    ) -> Stored<(Vec<Job>, i64)> {
        let (first, second) = match state {
            None => ("", ""),
            Some(State::Open) => ("queued", "running"),
            Some(State::Done) => ("done", "done"),
            Some(State::Failed) => ("failed", "failed"),
        };
        let jobs = sqlx::query_as(
            "SELECT * FROM jobs WHERE account = $1 AND kind <> 'delivery' AND ($2 = '' OR state IN ($2, $3)) \
             ORDER BY created_at DESC, id LIMIT $4 OFFSET $5",
        )
        .bind(account)
        .bind(first)
        .bind(second)
        .bind(limit)
        .bind(offset)
        .fetch_all(&self.pool)
        .await?;
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM jobs WHERE account = $1 AND kind <> 'delivery' \
             AND ($2 = '' OR state IN ($2, $3))",
        )
        .bind(account)
        .bind(first)
        .bind(second)
        .fetch_one(&self.pool)
        .await?;
        Ok((jobs, row.try_get("n")?))
    }

    /// Ends a job before its time; false if it is over. Its worker finds its lease lost.
    pub(crate) async fn cancel_job(&self, account: &str, id: &str) -> Stored<bool> {
        const REASON: &str = "it was cancelled";
        let mut change = self.pool.begin().await?;
        let job: Option<Job> = sqlx::query_as(
            "UPDATE jobs SET state = 'failed', error = $1, updated_at = $2 \
             WHERE id = $3 AND account = $4 AND state IN ('queued', 'running') RETURNING *",
        )
        .bind(REASON)
        .bind(now())
        .bind(id)
        .bind(account)
        .fetch_optional(&mut *change)
        .await?;
        let Some(job) = job else {
            change.rollback().await?;
            return Ok(false);
        };
        keys::refund(&mut change, account, job.charged).await?;
        let (code, video) = (&job.subject, job.kind() == Some(Kind::Video));
        if job.kind() == Some(Kind::Agent) {
            agents::set_failed(&mut change, code, REASON).await?;
            let data = json!({"agent_id": code, "agent_code": code, "status": "failed", "error_message": REASON});
            announce(&mut change, account, "agent.failed", &data.to_string()).await?;
        } else if video {
            let data = json!({"job_id": id, "status": "failed", "error": {"message": REASON}});
            announce(&mut change, account, "video.failed", &data.to_string()).await?;
        }
        change.commit().await?;
        Ok(true)
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

    /// Ends a job with a result (in JSON) or an error, and what comes with it: gives the files that are nobody's
    /// any more. None if the lease was lost: then nothing has changed.
    pub(crate) async fn finish(
        &self,
        claim: &Claim,
        outcome: Result<&str, &str>,
        effects: &[Effect],
    ) -> Stored<Option<Vec<String>>> {
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
            return Ok(None);
        }
        let (mut unused, mut replaced) = (claim.job.charged, Vec::new());
        for effect in effects {
            if let Effect::Usage(event) = effect {
                unused -= event.credits_change;
            }
            replaced.extend(apply(&mut change, &claim.job, effect).await?);
        }
        keys::refund(&mut change, &claim.job.account, unused.max(0.0)).await?;
        change.commit().await?;
        Ok(Some(replaced))
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

/// Adds a job as part of a change; false if it can't be paid for.
async fn insert(change: &mut AnyConnection, job: NewJob<'_>) -> Stored<bool> {
    if let Some(charge) = job.charge
        && !keys::charge(change, job.account, charge).await?
    {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO jobs (id, account, kind, subject, input, charged, state, attempts, owner, lease_until, \
         not_before, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 'queued', 0, '', 0, 0, $7, $7)",
    )
    .bind(job.id)
    .bind(job.account)
    .bind(job.kind.as_str())
    .bind(job.subject)
    .bind(job.input)
    .bind(job.charge.map_or(0.0, |charge| charge.amount))
    .bind(now())
    .execute(change)
    .await?;
    Ok(true)
}

/// Applies an effect; the files that it makes nobody's.
async fn apply(change: &mut AnyConnection, job: &Job, effect: &Effect) -> Stored<Vec<String>> {
    match effect {
        Effect::Agent(agent) => agents::write_result(change, agent).await?,
        Effect::Clips { code, clips } => return agents::set_clips(change, code, clips).await,
        Effect::Usage(event) => usage::insert(change, &job.account, event).await?,
        Effect::Job { kind, input } => {
            let next = NewJob {
                id: &new_id(),
                account: &job.account,
                kind: *kind,
                subject: &job.subject,
                input,
                charge: None,
            };
            insert(change, next).await?;
        }
        Effect::Event { kind, data } => announce(change, &job.account, kind, data).await?,
    }
    Ok(Vec::new())
}

/// Queues an event for every webhook of an account's that wants it, as part of a change.
pub(super) async fn announce(
    change: &mut AnyConnection,
    account: &str,
    kind: &str,
    data: &str,
) -> Stored<()> {
    for delivery in webhooks::announce(change, account, kind, data).await? {
        let id = new_id();
        let delivery = NewJob {
            id: &id,
            account,
            kind: Kind::Delivery,
            subject: &delivery,
            input: "{}",
            charge: None,
        };
        insert(change, delivery).await?;
    }
    Ok(())
}
