//! Agents: a persona, a face and a voice under one code.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sqlx::{AnyConnection, Row as _};

use super::database::{Store, Stored, now};

/// An agent's row. Files are names in the [file store](crate::files).
#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub(crate) struct Agent {
    pub(crate) code: String,
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) language: String,
    pub(crate) gender: String,
    /// The model that it was made for.
    pub(crate) model: String,
    /// The avatars' files by the model that they are, in JSON.
    pub(crate) models: String,
    /// The picture's subject: `person`, `drawing`, `nobody` (no face is in it), or empty where nobody has looked.
    pub(crate) subject: String,
    pub(crate) system_prompt: String,
    pub(crate) image_file: Option<String>,
    pub(crate) video_file: Option<String>,
    pub(crate) audio_file: Option<String>,
    pub(crate) voice_id: String,
    /// `processing`, `generating`, `ready` or `failed`.
    pub(crate) status: String,
    pub(crate) event_type: String,
    /// 0 to 1.
    pub(crate) progress: f64,
    pub(crate) progress_msg: String,
    pub(crate) current_step: String,
    pub(crate) error_message: Option<String>,
    /// The gestures, in JSON.
    pub(crate) dynamics: String,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

impl Agent {
    /// The files of its avatars by the model that they are.
    pub(crate) fn models(&self) -> BTreeMap<String, String> {
        serde_json::from_str(&self.models).unwrap_or_default()
    }

    /// The files that it keeps.
    pub(crate) fn files(&self) -> Vec<String> {
        let own = [&self.image_file, &self.video_file, &self.audio_file];
        let own = own.into_iter().flatten().cloned();
        let gestures = self.gestures();
        let clips = gestures["batch_results"].as_object().into_iter().flatten();
        let clips = clips.filter_map(|(_, clip)| clip["file"].as_str().map(str::to_owned));
        own.chain(self.models().into_values())
            .chain(clips)
            .collect()
    }

    /// Its gestures, an object.
    pub(crate) fn gestures(&self) -> Value {
        gestures_of(&self.dynamics)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

/// A part of the list of agents.
#[derive(Clone, Debug)]
pub(crate) struct AgentFilter<'a> {
    pub(crate) account: &'a str,
    pub(crate) status: Option<&'a str>,
    pub(crate) limit: i64,
    pub(crate) offset: i64,
}

/// How far the making of an agent is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress<'a> {
    pub(crate) status: &'a str,
    pub(crate) step: &'a str,
    /// 0 to 1.
    pub(crate) fraction: f64,
    pub(crate) message: &'a str,
}

impl Store {
    /// Adds an agent; false if its code is taken.
    pub(super) async fn insert_agent(change: &mut AnyConnection, agent: &Agent) -> Stored<bool> {
        let added = sqlx::query(
            "INSERT INTO agents (code, account, name, description, language, gender, model, models, subject, \
             system_prompt, image_file, video_file, audio_file, voice_id, status, event_type, \
             progress, progress_msg, current_step, error_message, dynamics, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
             $21, $22, $22) ON CONFLICT DO NOTHING",
        )
        .bind(&agent.code)
        .bind(&agent.account)
        .bind(&agent.name)
        .bind(&agent.description)
        .bind(&agent.language)
        .bind(&agent.gender)
        .bind(&agent.model)
        .bind(&agent.models)
        .bind(&agent.subject)
        .bind(&agent.system_prompt)
        .bind(agent.image_file.clone())
        .bind(agent.video_file.clone())
        .bind(agent.audio_file.clone())
        .bind(&agent.voice_id)
        .bind(&agent.status)
        .bind(&agent.event_type)
        .bind(agent.progress)
        .bind(&agent.progress_msg)
        .bind(&agent.current_step)
        .bind(agent.error_message.clone())
        .bind(&agent.dynamics)
        .bind(now())
        .execute(change)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// An agent of an account's.
    pub(crate) async fn agent(&self, account: &str, code: &str) -> Stored<Option<Agent>> {
        sqlx::query_as("SELECT * FROM agents WHERE code = $1 AND account = $2")
            .bind(code)
            .bind(account)
            .fetch_optional(&self.pool)
            .await
    }

    /// An agent of anybody's, for its page.
    pub(crate) async fn agent_of_any(&self, code: &str) -> Stored<Option<Agent>> {
        sqlx::query_as("SELECT * FROM agents WHERE code = $1")
            .bind(code)
            .fetch_optional(&self.pool)
            .await
    }

    /// A page of agents, newest first, and the number of all.
    pub(crate) async fn agents(&self, filter: &AgentFilter<'_>) -> Stored<(Vec<Agent>, i64)> {
        // An empty status is any.
        let status = filter.status.unwrap_or_default();
        let agents = sqlx::query_as(
            "SELECT * FROM agents WHERE account = $1 AND ($2 = '' OR status = $2) \
             ORDER BY created_at DESC, code LIMIT $3 OFFSET $4",
        )
        .bind(filter.account)
        .bind(status)
        .bind(filter.limit)
        .bind(filter.offset)
        .fetch_all(&self.pool)
        .await?;
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM agents WHERE account = $1 AND ($2 = '' OR status = $2)",
        )
        .bind(filter.account)
        .bind(status)
        .fetch_one(&self.pool)
        .await?;
        Ok((agents, row.try_get("n")?))
    }

    /// Sets an agent's prompt; false if there is no such agent.
    pub(crate) async fn set_prompt(&self, account: &str, code: &str, prompt: &str) -> Stored<bool> {
        let done = sqlx::query(
            "UPDATE agents SET system_prompt = $1, updated_at = $2 WHERE code = $3 AND account = $4",
        )
        .bind(prompt)
        .bind(now())
        .bind(code)
        .bind(account)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Changes an agent's gestures, however many change them at the same time: `change` gives their new JSON, or
    /// none to leave them as they are. The agent as it was, and whether it has changed; none if there is no such agent.
    pub(crate) async fn change_dynamics(
        &self,
        account: &str,
        code: &str,
        change: impl FnOnce(Value) -> Option<String>,
    ) -> Stored<Option<(Agent, bool)>> {
        let mut transaction = self.pool.begin().await?;
        // Written before it is read: from then on nobody else changes the row.
        let agent: Option<Agent> = sqlx::query_as(
            "UPDATE agents SET updated_at = $1 WHERE code = $2 AND account = $3 RETURNING *",
        )
        .bind(now())
        .bind(code)
        .bind(account)
        .fetch_optional(&mut *transaction)
        .await?;
        let changed = agent.as_ref().and_then(|agent| change(agent.gestures()));
        let Some((agent, dynamics)) = agent.clone().zip(changed) else {
            transaction.rollback().await?;
            return Ok(agent.map(|agent| (agent, false)));
        };
        sqlx::query("UPDATE agents SET dynamics = $1 WHERE code = $2")
            .bind(dynamics)
            .bind(code)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some((agent, true)))
    }

    /// Says how far the making of an agent is. One that is ready already stays so.
    pub(crate) async fn set_progress(&self, code: &str, progress: Progress<'_>) -> Stored<()> {
        sqlx::query(
            "UPDATE agents SET status = $1, current_step = $2, progress = $3, progress_msg = $4, updated_at = $5 \
             WHERE code = $6 AND status <> 'ready'",
        )
        .bind(progress.status)
        .bind(progress.step)
        .bind(progress.fraction)
        .bind(progress.message)
        .bind(now())
        .bind(code)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Gestures out of their JSON, an object.
fn gestures_of(dynamics: &str) -> Value {
    match serde_json::from_str(dynamics) {
        Ok(Value::Object(map)) => Value::Object(map),
        _ => Value::Object(Map::new()),
    }
}

/// Gives an agent's gestures new clips, as part of a change, whatever else has changed of them meanwhile; the files
/// of the clips that they had.
pub(super) async fn set_clips(
    change: &mut AnyConnection,
    code: &str,
    clips: &[(String, String)],
) -> Stored<Vec<String>> {
    // Written before it is read: from then on nobody else changes the row.
    let row = sqlx::query("UPDATE agents SET updated_at = $1 WHERE code = $2 RETURNING dynamics")
        .bind(now())
        .bind(code)
        .fetch_optional(&mut *change)
        .await?;
    let Some(row) = row else {
        return Ok(Vec::new());
    };
    let mut gestures = gestures_of(&row.try_get::<String, _>("dynamics")?);
    let mut replaced = Vec::new();
    for (gesture, file) in clips {
        let clip = &mut gestures["batch_results"][gesture];
        if let Some(before) = clip["file"].as_str() {
            replaced.push(before.to_owned());
        }
        *clip = json!({"file": file, "status": "success"});
    }
    if gestures["enabled"] == Value::Null {
        gestures["enabled"] = true.into();
    }
    sqlx::query("UPDATE agents SET dynamics = $1 WHERE code = $2")
        .bind(gestures.to_string())
        .bind(code)
        .execute(change)
        .await?;
    Ok(replaced)
}

/// Says that an agent could not be made, as part of a change.
pub(super) async fn set_failed(change: &mut AnyConnection, code: &str, reason: &str) -> Stored<()> {
    sqlx::query(
        "UPDATE agents SET status = 'failed', event_type = 'failed', progress_msg = 'Failed', error_message = $1, \
         updated_at = $2 WHERE code = $3",
    )
    .bind(reason)
    .bind(now())
    .bind(code)
    .execute(change)
    .await?;
    Ok(())
}

/// Deletes an agent, as part of a change.
pub(super) async fn delete(
    change: &mut AnyConnection,
    account: &str,
    code: &str,
) -> Stored<Option<Agent>> {
    sqlx::query_as("DELETE FROM agents WHERE code = $1 AND account = $2 RETURNING *")
        .bind(code)
        .bind(account)
        .fetch_optional(change)
        .await
}

/// The result of making an agent or a model of it, written with the end of its job.
pub(super) async fn write_result(change: &mut AnyConnection, agent: &Agent) -> Stored<()> {
    sqlx::query(
        "UPDATE agents SET models = $1, subject = $2, image_file = $3, video_file = $4, audio_file = $5, status = $6, \
         event_type = $7, progress = $8, progress_msg = $9, current_step = $10, error_message = $11, name = $12, \
         updated_at = $13 WHERE code = $14",
    )
    .bind(&agent.models)
    .bind(&agent.subject)
    .bind(agent.image_file.clone())
    .bind(agent.video_file.clone())
    .bind(agent.audio_file.clone())
    .bind(&agent.status)
    .bind(&agent.event_type)
    .bind(agent.progress)
    .bind(&agent.progress_msg)
    .bind(&agent.current_step)
    .bind(agent.error_message.clone())
    .bind(&agent.name)
    .bind(now())
    .bind(&agent.code)
    .execute(change)
    .await?;
    Ok(())
}
