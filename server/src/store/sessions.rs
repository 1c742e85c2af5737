//! Conversations of agents: who talks with whom since when, and what was said.
//!
//! A session is live until it ends or its server hasn't seen it for a while, as after a kill.

use sqlx::{AnyConnection, Row as _};
use time::{Duration, OffsetDateTime};

use super::database::{Store, Stored, now, stamp};
use super::jobs;
use super::usage::{self, UsageEvent};

/// How long a session counts as live without its server having seen it.
const UNSEEN: Duration = Duration::seconds(120);

/// How long ago a session may have begun to be a recent one.
const RECENT: Duration = Duration::hours(24);

/// The kinds of sessions: with the server's brain; an avatar in a room whose brain is elsewhere.
pub(crate) const CONVERSATIONS: &str = "conversations";
pub(crate) const SELF_HOSTED: &str = "self_hosted";

/// A conversation of an agent.
#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) agent_code: String,
    pub(crate) agent_name: String,
    /// [`CONVERSATIONS`] or [`SELF_HOSTED`].
    pub(crate) kind: String,
    pub(crate) room_name: String,
    /// The server that it lives in.
    pub(crate) server: String,
    pub(crate) started: String,
    pub(crate) last_seen: String,
    pub(crate) ended: Option<String>,
}

/// Something that was said.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct SessionMessage {
    /// `user` or `assistant`.
    pub(crate) role: String,
    pub(crate) message: String,
    pub(crate) created_at: String,
}

/// Words for conversations of an agent, on their way to another server.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Words {
    pub(crate) agent_code: String,
    /// Empty for all of the agent's.
    pub(crate) room_name: String,
    /// `speak` or `add_context`.
    pub(crate) kind: String,
    pub(crate) text: String,
    created_at: String,
}

/// Sessions to list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Window {
    Live,
    Recent,
    All,
}

/// The sessions of an agent ($1) that other servers than $2 have seen since $3, in the room $4 or in any. An avatar
/// whose brain is elsewhere knows nothing ($5): it only speaks.
macro_rules! elsewhere {
    () => {
        "FROM sessions WHERE agent_code = $1 AND server <> $2 AND ended IS NULL AND last_seen >= $3 \
         AND ($4 = '' OR room_name = $4) AND ($5 = 'speak' OR kind = 'conversations')"
    };
}

impl Store {
    /// Notes that a session has begun.
    pub(crate) async fn begin_session(&self, session: &Session) -> Stored<()> {
        sqlx::query(
            "INSERT INTO sessions (id, account, agent_code, agent_name, kind, room_name, server, started, last_seen, \
             stopping) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 0)",
        )
        .bind(&session.id)
        .bind(&session.account)
        .bind(&session.agent_code)
        .bind(&session.agent_name)
        .bind(&session.kind)
        .bind(&session.room_name)
        .bind(&session.server)
        .bind(now())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Tells webhooks of something in a session; `data` is in JSON.
    pub(crate) async fn tell(&self, session: &Session, kind: &str, data: &str) -> Stored<()> {
        let mut change = self.pool.begin().await?;
        // Written before it is read: a reader of SQLite's that wants to write is refused if others have written
        // meanwhile.
        sqlx::query("UPDATE sessions SET last_seen = $1 WHERE id = $2 AND ended IS NULL")
            .bind(now())
            .bind(&session.id)
            .execute(&mut *change)
            .await?;
        jobs::announce(&mut change, &session.account, kind, data).await?;
        change.commit().await
    }

    /// Notes what was said in a session that goes on.
    pub(crate) async fn add_message(&self, session: &str, role: &str, message: &str) -> Stored<()> {
        sqlx::query(
            "INSERT INTO session_messages (session, number, role, message, created_at) \
             SELECT id, (SELECT COUNT(*) FROM session_messages WHERE session = $1), $2, $3, $4 \
             FROM sessions WHERE id = $1 AND stopping = 0",
        )
        .bind(session)
        .bind(role)
        .bind(message)
        .bind(now())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Ends a session and notes its use.
    pub(crate) async fn end_session(&self, id: &str) -> Stored<()> {
        let mut change = self.pool.begin().await?;
        let ended = sqlx::query_as(
            "UPDATE sessions SET ended = $1, last_seen = $1 WHERE id = $2 AND ended IS NULL RETURNING *",
        )
        .bind(now())
        .bind(id)
        .fetch_all(&mut *change)
        .await?;
        note_use(&mut change, &ended).await?;
        change.commit().await
    }

    /// Says that this server's sessions go on, and ends those whose servers have said so for too long a time.
    pub(crate) async fn see_sessions(&self, server: &str) -> Stored<()> {
        let mut change = self.pool.begin().await?;
        sqlx::query("UPDATE sessions SET last_seen = $1 WHERE server = $2 AND ended IS NULL")
            .bind(now())
            .bind(server)
            .execute(&mut *change)
            .await?;
        let abandoned = sqlx::query_as(
            "UPDATE sessions SET ended = last_seen WHERE ended IS NULL AND last_seen < $1 RETURNING *",
        )
        .bind(before(UNSEEN))
        .fetch_all(&mut *change)
        .await?;
        note_use(&mut change, &abandoned).await?;
        // Nobody has taken them, and nobody will.
        sqlx::query("DELETE FROM session_words WHERE created_at < $1")
            .bind(before(UNSEEN))
            .execute(&mut *change)
            .await?;
        change.commit().await
    }

    /// Leaves words for the sessions of an agent that live in other servers than `server`: how many those are.
    pub(crate) async fn send_words(
        &self,
        server: &str,
        code: &str,
        room: Option<&str>,
        (kind, text): (&str, &str),
    ) -> Stored<usize> {
        let room = room.unwrap_or_default();
        let since = before(UNSEEN);
        let row = sqlx::query(concat!("SELECT COUNT(*) AS n ", elsewhere!()))
            .bind(code)
            .bind(server)
            .bind(&since)
            .bind(room)
            .bind(kind)
            .fetch_one(&self.pool)
            .await?;
        let found = usize::try_from(row.try_get::<i64, _>("n")?).unwrap_or(0);
        if found > 0 {
            sqlx::query(concat!(
                "INSERT INTO session_words (server, agent_code, room_name, kind, text, created_at) \
                 SELECT DISTINCT server, $1, $4, $5, $6, $7 ",
                elsewhere!()
            ))
            .bind(code)
            .bind(server)
            .bind(since)
            .bind(room)
            .bind(kind)
            .bind(text)
            .bind(now())
            .execute(&self.pool)
            .await?;
        }
        Ok(found)
    }

    /// Takes the words that others have left for this server's sessions, in their order.
    pub(crate) async fn take_words(&self, server: &str) -> Stored<Vec<Words>> {
        let mut words: Vec<Words> =
            sqlx::query_as("DELETE FROM session_words WHERE server = $1 RETURNING *")
                .bind(server)
                .fetch_all(&self.pool)
                .await?;
        words.sort_by(|a, b| a.created_at.cmp(&b.created_at));
        Ok(words)
    }

    /// An account's session.
    pub(crate) async fn session(&self, account: &str, id: &str) -> Stored<Option<Session>> {
        sqlx::query_as("SELECT * FROM sessions WHERE id = $1 AND account = $2")
            .bind(id)
            .bind(account)
            .fetch_optional(&self.pool)
            .await
    }

    /// Sessions, newest first; `kind` is empty for both.
    pub(crate) async fn sessions(
        &self,
        account: &str,
        window: Window,
        kind: &str,
        limit: i64,
    ) -> Stored<Vec<Session>> {
        let since = match window {
            Window::Live | Window::All => String::new(),
            Window::Recent => before(RECENT),
        };
        sqlx::query_as(
            "SELECT * FROM sessions WHERE account = $1 AND started >= $2 AND ($3 = '' OR kind = $3) \
             AND ($4 = 0 OR (ended IS NULL AND last_seen >= $5)) ORDER BY started DESC, id LIMIT $6",
        )
        .bind(account)
        .bind(since)
        .bind(kind)
        .bind(i64::from(window == Window::Live))
        .bind(before(UNSEEN))
        .bind(limit)
        .fetch_all(&self.pool)
        .await
    }

    /// The number of an account's sessions that go on.
    pub(crate) async fn live_sessions(&self, account: &str) -> Stored<usize> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM sessions WHERE account = $1 AND ended IS NULL AND last_seen >= $2",
        )
        .bind(account)
        .bind(before(UNSEEN))
        .fetch_one(&self.pool)
        .await?;
        Ok(usize::try_from(row.try_get::<i64, _>("n")?).unwrap_or(0))
    }

    /// Messages of a session, from its beginning.
    pub(crate) async fn messages(&self, session: &str) -> Stored<Vec<SessionMessage>> {
        sqlx::query_as(
            "SELECT role, message, created_at FROM session_messages WHERE session = $1 ORDER BY number",
        )
        .bind(session)
        .fetch_all(&self.pool)
        .await
    }

    /// Asks for the end of an account's session, or of all with an empty `id`: how many were asked.
    pub(crate) async fn stop_sessions(&self, account: &str, id: &str) -> Stored<u64> {
        let asked = sqlx::query(
            "UPDATE sessions SET stopping = 1 WHERE account = $1 AND ($2 = '' OR id = $2) AND ended IS NULL",
        )
        .bind(account)
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(asked.rows_affected())
    }

    /// This server's sessions that somebody has asked to end.
    pub(crate) async fn stopping(&self, server: &str) -> Stored<Vec<String>> {
        let rows = sqlx::query(
            "SELECT id FROM sessions WHERE server = $1 AND stopping = 1 AND ended IS NULL",
        )
        .bind(server)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| row.try_get("id")).collect()
    }
}

impl Session {
    /// Whether it goes on, as far as its server has said.
    pub(crate) fn is_live(&self) -> bool {
        self.ended.is_none() && self.last_seen >= before(UNSEEN)
    }
}

fn before(age: Duration) -> String {
    stamp(OffsetDateTime::now_utc() - age)
}

async fn note_use(change: &mut AnyConnection, sessions: &[Session]) -> Stored<()> {
    for session in sessions {
        let event = UsageEvent {
            activity_type: "bithuman-serve".to_owned(),
            pricing_code: "usage_essence_model_self_hosted".to_owned(),
            agent_code: Some(session.agent_code.clone()),
            room_name: Some(session.room_name.clone()),
            start_time: Some(session.started.clone()),
            end_time: session.ended.clone(),
            ..UsageEvent::default()
        };
        usage::insert(change, &session.account, &event).await?;
    }
    Ok(())
}
