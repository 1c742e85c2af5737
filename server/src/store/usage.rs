//! Uses of the platform, and their times.

use sqlx::{AnyConnection, Row as _};

use super::database::{Store, Stored, new_id, now};

/// One use.
#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub(crate) struct UsageEvent {
    /// Chosen when it is written.
    #[sqlx(default)]
    pub(crate) id: String,
    pub(crate) activity_type: String,
    pub(crate) pricing_code: String,
    pub(crate) agent_code: Option<String>,
    /// Positive: credits that were used.
    pub(crate) credits_change: f64,
    pub(crate) frames_rendered: Option<i64>,
    pub(crate) room_name: Option<String>,
    pub(crate) start_time: Option<String>,
    pub(crate) end_time: Option<String>,
    /// Set when it is written.
    #[sqlx(default)]
    pub(crate) created_at: String,
}

/// A part of the list.
#[derive(Clone, Debug)]
pub(crate) struct UsageFilter<'a> {
    pub(crate) account: &'a str,
    /// At or after, and at or before; empty for any.
    pub(crate) start: &'a str,
    pub(crate) end: &'a str,
    /// Empty for any.
    pub(crate) agent_code: &'a str,
    pub(crate) limit: i64,
    pub(crate) offset: i64,
}

/// The condition of both statements below.
macro_rules! matching {
    ($select:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM usage_events WHERE account = $1 AND ($2 = '' OR created_at >= $2) \
             AND ($3 = '' OR created_at <= $3) AND ($4 = '' OR agent_code = $4) ",
            $rest
        )
    };
}

impl Store {
    /// A page of uses, newest first, and the number of all.
    pub(crate) async fn usage(&self, filter: &UsageFilter<'_>) -> Stored<(Vec<UsageEvent>, i64)> {
        let events = sqlx::query_as(matching!(
            "*",
            "ORDER BY created_at DESC, id LIMIT $5 OFFSET $6"
        ))
        .bind(filter.account)
        .bind(filter.start)
        .bind(filter.end)
        .bind(filter.agent_code)
        .bind(filter.limit)
        .bind(filter.offset)
        .fetch_all(&self.pool)
        .await?;
        let row = sqlx::query(matching!("COUNT(*) AS n", ""))
            .bind(filter.account)
            .bind(filter.start)
            .bind(filter.end)
            .bind(filter.agent_code)
            .fetch_one(&self.pool)
            .await?;
        Ok((events, row.try_get("n")?))
    }
}

pub(super) async fn insert(
    change: &mut AnyConnection,
    account: &str,
    event: &UsageEvent,
) -> Stored<()> {
    sqlx::query(
        "INSERT INTO usage_events (id, account, activity_type, pricing_code, agent_code, credits_change, \
         frames_rendered, room_name, start_time, end_time, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(new_id())
    .bind(account)
    .bind(&event.activity_type)
    .bind(&event.pricing_code)
    .bind(event.agent_code.clone())
    .bind(event.credits_change)
    .bind(event.frames_rendered)
    .bind(event.room_name.clone())
    .bind(event.start_time.clone())
    .bind(event.end_time.clone())
    .bind(now())
    .execute(change)
    .await?;
    Ok(())
}
