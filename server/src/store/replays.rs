//! Answers to requests with an `Idempotency-Key`, for those that come again.

use sqlx::Row as _;

use super::database::{Store, Stored, now_ms};

/// Milliseconds that an answer is kept.
const KEPT_MS: i64 = 24 * 3_600_000;

/// Milliseconds after which a request that never got its answer, as by a kill, may come again.
const ABANDONED_MS: i64 = 120_000;

/// The first answer to a request.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A request with a key begins.
#[derive(Clone, Debug)]
pub(crate) enum Begun {
    /// It is the first one; its answer is to be [noted](Store::end_replay).
    First,
    /// It was answered before.
    Again(Replay),
    /// The first one is not answered yet.
    UnderWay,
    /// The key came with another request.
    Another,
}

impl Store {
    /// Begins a request: `id` is the account, the route and the key, `request` a digest of the body.
    pub(crate) async fn begin_replay(&self, id: &str, request: &str) -> Stored<Begun> {
        let now_ms = now_ms();
        sqlx::query(
            "DELETE FROM replays WHERE created_ms < $1 OR (status = 0 AND created_ms < $2)",
        )
        .bind(now_ms - KEPT_MS)
        .bind(now_ms - ABANDONED_MS)
        .execute(&self.pool)
        .await?;
        let first = sqlx::query(
            "INSERT INTO replays (id, request, status, body, created_ms) VALUES ($1, $2, 0, '', $3) \
             ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(request)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        if first.rows_affected() == 1 {
            return Ok(Begun::First);
        }
        let row = sqlx::query("SELECT request, status, body FROM replays WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        // Forgotten in between: the other one has failed.
        let Some(row) = row else {
            return Ok(Begun::UnderWay);
        };
        if row.try_get::<String, _>("request")? != request {
            return Ok(Begun::Another);
        }
        let status = u16::try_from(row.try_get::<i64, _>("status")?).unwrap_or(0);
        Ok(match status {
            0 => Begun::UnderWay,
            status => Begun::Again(Replay {
                status,
                body: row.try_get("body")?,
            }),
        })
    }

    /// Notes the answer; none forgets the request, so that it may come again.
    pub(crate) async fn end_replay(&self, id: &str, answer: Option<&Replay>) -> Stored<()> {
        match answer {
            Some(answer) => {
                sqlx::query("UPDATE replays SET status = $1, body = $2 WHERE id = $3")
                    .bind(i64::from(answer.status))
                    .bind(&answer.body)
                    .bind(id)
                    .execute(&self.pool)
                    .await?;
            }
            None => {
                sqlx::query("DELETE FROM replays WHERE id = $1")
                    .bind(id)
                    .execute(&self.pool)
                    .await?;
            }
        }
        Ok(())
    }
}
