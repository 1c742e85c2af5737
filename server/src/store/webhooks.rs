//! Webhooks and the deliveries of events to them.

use sqlx::AnyConnection;

use super::database::{Store, Stored, new_id, now};

/// A webhook.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) url: String,
    /// Divided by commas; empty for all but those of conversations.
    pub(crate) events: String,
    pub(crate) description: Option<String>,
    pub(crate) secret: String,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// Events of conversations, which only those get that name them: there are many.
pub(crate) const SESSION_EVENTS: [&str; 2] = ["room.join", "chat.push"];

impl Webhook {
    /// The events that it wants; none for all but those of conversations.
    pub(crate) fn events(&self) -> impl Iterator<Item = &str> {
        self.events.split(',').filter(|event| !event.is_empty())
    }
}

/// An event on its way to a webhook.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) webhook: String,
    pub(crate) event_type: String,
    /// The body, which is signed as it is.
    pub(crate) body: String,
    pub(crate) status_code: Option<i64>,
    pub(crate) attempts: i64,
    delivered: i64,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

impl Delivery {
    pub(crate) fn is_delivered(&self) -> bool {
        self.delivered != 0
    }
}

impl Store {
    pub(crate) async fn add_webhook(&self, webhook: &Webhook) -> Stored<()> {
        sqlx::query(
            "INSERT INTO webhooks (id, account, url, events, description, secret, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        )
        .bind(&webhook.id)
        .bind(&webhook.account)
        .bind(&webhook.url)
        .bind(&webhook.events)
        .bind(webhook.description.clone())
        .bind(&webhook.secret)
        .bind(&webhook.created_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The webhooks of an account, oldest first.
    pub(crate) async fn webhooks(&self, account: &str) -> Stored<Vec<Webhook>> {
        sqlx::query_as("SELECT * FROM webhooks WHERE account = $1 ORDER BY created_at, id")
            .bind(account)
            .fetch_all(&self.pool)
            .await
    }

    pub(crate) async fn webhook(&self, account: &str, id: &str) -> Stored<Option<Webhook>> {
        sqlx::query_as("SELECT * FROM webhooks WHERE id = $1 AND account = $2")
            .bind(id)
            .bind(account)
            .fetch_optional(&self.pool)
            .await
    }

    /// Deletes a webhook and its log; false if there is none.
    pub(crate) async fn delete_webhook(&self, account: &str, id: &str) -> Stored<bool> {
        let mut change = self.pool.begin().await?;
        let gone = sqlx::query("DELETE FROM webhooks WHERE id = $1 AND account = $2")
            .bind(id)
            .bind(account)
            .execute(&mut *change)
            .await?;
        let gone = gone.rows_affected() == 1;
        if gone {
            sqlx::query("DELETE FROM deliveries WHERE webhook = $1")
                .bind(id)
                .execute(&mut *change)
                .await?;
        }
        change.commit().await?;
        Ok(gone)
    }

    /// The latest deliveries to a webhook, newest first.
    pub(crate) async fn deliveries(&self, webhook: &str) -> Stored<Vec<Delivery>> {
        sqlx::query_as(
            "SELECT * FROM deliveries WHERE webhook = $1 ORDER BY created_at DESC, id LIMIT 100",
        )
        .bind(webhook)
        .fetch_all(&self.pool)
        .await
    }

    /// A delivery and its webhook, unless that was deleted.
    pub(crate) async fn delivery(&self, id: &str) -> Stored<Option<(Delivery, Webhook)>> {
        let delivery: Option<Delivery> = sqlx::query_as("SELECT * FROM deliveries WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        let Some(delivery) = delivery else {
            return Ok(None);
        };
        let webhook = sqlx::query_as("SELECT * FROM webhooks WHERE id = $1")
            .bind(&delivery.webhook)
            .fetch_optional(&self.pool)
            .await?;
        Ok(webhook.map(|webhook| (delivery, webhook)))
    }

    /// Notes a delivery that is attempted outside a job, as a test is.
    pub(crate) async fn add_delivery(
        &self,
        webhook: &str,
        kind: &str,
        body: &str,
    ) -> Stored<String> {
        let mut connection = self.pool.acquire().await?;
        insert(&mut connection, webhook, kind, body).await
    }

    /// Notes an attempt at a delivery; no status where nobody answered.
    pub(crate) async fn note_attempt(&self, id: &str, status: Option<u16>) -> Stored<()> {
        let delivered = status.is_some_and(|status| (200..300).contains(&status));
        sqlx::query(
            "UPDATE deliveries SET attempts = attempts + 1, status_code = $1, delivered = $2, updated_at = $3 \
             WHERE id = $4",
        )
        .bind(status.map(i64::from))
        .bind(i64::from(delivered))
        .bind(now())
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Notes an event for every webhook that wants it: the deliveries.
pub(super) async fn announce(
    change: &mut AnyConnection,
    account: &str,
    kind: &str,
    data: &str,
) -> Stored<Vec<String>> {
    let webhooks: Vec<Webhook> = sqlx::query_as("SELECT * FROM webhooks WHERE account = $1")
        .bind(account)
        .fetch_all(&mut *change)
        .await?;
    let mut deliveries = Vec::new();
    for webhook in webhooks {
        let wanted = match webhook.events.is_empty() {
            true => !SESSION_EVENTS.contains(&kind),
            false => webhook.events().any(|event| event == kind),
        };
        if wanted {
            let body = event_body(kind, data);
            deliveries.push(insert(change, &webhook.id, kind, &body).await?);
        }
    }
    Ok(deliveries)
}

/// The body of an event: `{id, event, created, data}`, with `data` in JSON.
pub(crate) fn event_body(kind: &str, data: &str) -> String {
    let (id, created) = (new_id(), now());
    format!(r#"{{"id":"{id}","event":"{kind}","created":"{created}","data":{data}}}"#)
}

async fn insert(
    change: &mut AnyConnection,
    webhook: &str,
    kind: &str,
    body: &str,
) -> Stored<String> {
    let id = new_id();
    sqlx::query(
        "INSERT INTO deliveries (id, webhook, event_type, body, attempts, delivered, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, 0, 0, $5, $5)",
    )
    .bind(&id)
    .bind(webhook)
    .bind(kind)
    .bind(body)
    .bind(now())
    .execute(change)
    .await?;
    Ok(id)
}
