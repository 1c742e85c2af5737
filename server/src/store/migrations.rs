//! The tables, as a list of changes. A change is never edited once it was released; new ones are added.

use sqlx::{Executor as _, Row as _};

use super::database::{Store, Stored};

/// The changes in order; their number is the schema's version.
const CHANGES: [&[&str]; 2] = [
    &[
        "CREATE TABLE api_keys (
        digest TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        name TEXT NOT NULL,
        created_at TEXT NOT NULL,
        revoked_at TEXT
    )",
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE accounts (
        account TEXT PRIMARY KEY,
        credits DOUBLE PRECISION NOT NULL
    )",
        "CREATE TABLE agents (
        code TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        language TEXT NOT NULL,
        gender TEXT NOT NULL,
        model TEXT NOT NULL,
        models TEXT NOT NULL,
        subject TEXT NOT NULL,
        system_prompt TEXT NOT NULL,
        image_file TEXT,
        video_file TEXT,
        audio_file TEXT,
        voice_id TEXT NOT NULL,
        status TEXT NOT NULL,
        event_type TEXT NOT NULL,
        progress DOUBLE PRECISION NOT NULL,
        progress_msg TEXT NOT NULL,
        current_step TEXT NOT NULL,
        error_message TEXT,
        dynamics TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )",
        "CREATE INDEX agents_by_age ON agents (account, created_at)",
        "CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        input TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        owner TEXT NOT NULL,
        lease_until BIGINT NOT NULL,
        not_before BIGINT NOT NULL,
        result TEXT,
        error TEXT,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )",
        "CREATE INDEX jobs_due ON jobs (state, not_before)",
        "CREATE INDEX jobs_by_subject ON jobs (subject, kind)",
        "CREATE TABLE webhooks (
        id TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        url TEXT NOT NULL,
        events TEXT NOT NULL,
        description TEXT,
        secret TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )",
        "CREATE TABLE deliveries (
        id TEXT PRIMARY KEY,
        webhook TEXT NOT NULL,
        event_type TEXT NOT NULL,
        body TEXT NOT NULL,
        status_code BIGINT,
        attempts BIGINT NOT NULL,
        delivered BIGINT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )",
        "CREATE INDEX deliveries_by_webhook ON deliveries (webhook, created_at)",
        "CREATE TABLE usage_events (
        id TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        activity_type TEXT NOT NULL,
        pricing_code TEXT NOT NULL,
        agent_code TEXT,
        credits_change DOUBLE PRECISION NOT NULL,
        frames_rendered BIGINT,
        room_name TEXT,
        start_time TEXT,
        end_time TEXT,
        created_at TEXT NOT NULL
    )",
        "CREATE INDEX usage_by_age ON usage_events (account, created_at)",
        "CREATE TABLE replays (
        id TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        status BIGINT NOT NULL,
        body TEXT NOT NULL,
        created_ms BIGINT NOT NULL
    )",
    ],
    &[
        "ALTER TABLE jobs ADD COLUMN charged DOUBLE PRECISION NOT NULL DEFAULT 0",
        "CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        agent_code TEXT NOT NULL,
        agent_name TEXT NOT NULL,
        kind TEXT NOT NULL,
        room_name TEXT NOT NULL,
        server TEXT NOT NULL,
        started TEXT NOT NULL,
        last_seen TEXT NOT NULL,
        ended TEXT,
        stopping BIGINT NOT NULL
    )",
        "CREATE INDEX sessions_by_age ON sessions (account, started)",
        "CREATE TABLE session_messages (
        session TEXT NOT NULL,
        number BIGINT NOT NULL,
        role TEXT NOT NULL,
        message TEXT NOT NULL,
        created_at TEXT NOT NULL,
        PRIMARY KEY (session, number)
    )",
        "CREATE TABLE session_words (
        server TEXT NOT NULL,
        agent_code TEXT NOT NULL,
        room_name TEXT NOT NULL,
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        created_at TEXT NOT NULL
    )",
    ],
];

impl Store {
    /// Applies the changes that the database hasn't seen, each with its number in one transaction.
    pub(super) async fn migrate(&self) -> Stored<()> {
        self.pool
            .execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)")
            .await?;
        for (number, statements) in (1i64..).zip(CHANGES) {
            let mut change = self.pool.begin().await?;
            // Taken first: of two servers that start together one waits here, and then finds it done.
            let taken = sqlx::query(
                "INSERT INTO schema_version (version) VALUES ($1) ON CONFLICT DO NOTHING",
            )
            .bind(number)
            .execute(&mut *change)
            .await?;
            if taken.rows_affected() == 0 {
                change.rollback().await?;
                continue;
            }
            for statement in statements {
                change.execute(*statement).await?;
            }
            change.commit().await?;
        }
        let newest = sqlx::query("SELECT MAX(version) AS newest FROM schema_version")
            .fetch_one(&self.pool)
            .await?;
        if newest.try_get::<i64, _>("newest")? > CHANGES.len() as i64 {
            let message =
                "it was written by a later version of bithuman; use that one, or another folder";
            return Err(sqlx::Error::Configuration(message.into()));
        }
        Ok(())
    }
}
