//! Webhooks: registered, tested, and what became of their events.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Body, Named};
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody, shown};
use crate::platform::Platform;
use crate::store::{self, SESSION_EVENTS, Webhook, event_body, new_id, new_secret, now};

/// Events that are sent; those of conversations only to webhooks that name them.
const EVENTS: [&str; 6] = [
    "agent.ready",
    "agent.failed",
    "video.completed",
    "video.failed",
    SESSION_EVENTS[0],
    SESSION_EVENTS[1],
];

/// Most webhooks of an account, and characters of an address and of a description.
const MAX_WEBHOOKS: usize = 100;
const MAX_CHARS: usize = 2_048;

/// A webhook to register.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct WebhookRequest {
    /// The address that gets events: `https://…`.
    #[schema(example = "https://example.com/bithuman/webhook")]
    url: String,
    /// The events; without, all but those of conversations (`room.join`, `chat.push`).
    #[schema(example = json!(["agent.ready", "agent.failed"]))]
    events: Option<Vec<String>>,
    description: Option<String>,
}

/// A webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    id: String,
    url: String,
    /// Empty: all but those of conversations.
    events: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    active: bool,
    created_at: String,
    updated_at: String,
    /// The secret that events are signed with; told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_60fe3d…")]
    secret: Option<String>,
}

impl WebhookView {
    fn new(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.clone(),
            url: webhook.url.clone(),
            events: webhook.events().map(str::to_owned).collect(),
            description: webhook.description.clone(),
            active: true,
            created_at: webhook.created_at.clone(),
            updated_at: webhook.updated_at.clone(),
            secret: None,
        }
    }
}

/// One webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookAnswer {
    #[schema(example = true)]
    success: bool,
    data: WebhookView,
}

/// The account's webhooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookList {
    #[schema(example = true)]
    success: bool,
    data: Vec<WebhookView>,
}

/// Registers a webhook. Each event carries `X-BitHuman-Signature: sha256=…`, an HMAC-SHA256 of the timestamp in
/// `X-BitHuman-Timestamp`, a dot and the body.
#[utoipa::path(post, path = "/v1/webhooks", operation_id = "createWebhook", tag = "Webhooks", request_body = WebhookRequest,
    responses((status = 200, description = "It is registered", body = WebhookAnswer),
        (status = 400, description = "The address is none that events go to", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn create(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    body: Body<WebhookRequest>,
) -> Answer<Json<WebhookAnswer>> {
    let asked = body.value;
    let long = |text: &str| text.chars().count() > MAX_CHARS;
    if long(&asked.url) || asked.description.as_deref().is_some_and(long) {
        let message = format!("url and description have at most {MAX_CHARS} characters");
        return Err(ApiError::invalid(message));
    }
    platform.fetcher.check_webhook(&asked.url)?;
    let mut events = asked.events.unwrap_or_default();
    for event in &events {
        if !EVENTS.contains(&event.as_str()) {
            let message = format!(
                "'{}' is no event; give some of {}",
                shown(event),
                EVENTS.join(", ")
            );
            return Err(ApiError::invalid(message));
        }
    }
    events.sort();
    events.dedup();
    if platform.store.webhooks(&caller.account).await?.len() >= MAX_WEBHOOKS {
        let message = format!("an account has at most {MAX_WEBHOOKS} webhooks; delete one");
        return Err(ApiError::invalid(message));
    }
    let webhook = Webhook {
        id: new_id(),
        account: caller.account,
        url: asked.url,
        events: events.join(","),
        description: asked.description,
        secret: new_secret("whsec_")?,
        created_at: now(),
        updated_at: now(),
    };
    platform.store.add_webhook(&webhook).await?;
    let data = WebhookView {
        secret: Some(webhook.secret.clone()),
        ..WebhookView::new(&webhook)
    };
    Ok(Json(WebhookAnswer {
        success: true,
        data,
    }))
}

/// Lists the webhooks.
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "listWebhooks", tag = "Webhooks",
    responses((status = 200, description = "The webhooks", body = WebhookList),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
) -> Answer<Json<WebhookList>> {
    let webhooks = platform.store.webhooks(&caller.account).await?;
    Ok(Json(WebhookList {
        success: true,
        data: webhooks.iter().map(WebhookView::new).collect(),
    }))
}

/// Gives a webhook.
#[utoipa::path(get, path = "/v1/webhooks/{webhook_id}", operation_id = "getWebhook", tag = "Webhooks",
    params(("webhook_id" = String, Path, description = "The webhook")),
    responses((status = 200, description = "The webhook", body = WebhookAnswer),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such webhook", body = ErrorBody)))]
pub(crate) async fn get(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(id): Named,
) -> Answer<Json<WebhookAnswer>> {
    let webhook = find(&platform, &caller, &id).await?;
    let data = WebhookView::new(&webhook);
    Ok(Json(WebhookAnswer {
        success: true,
        data,
    }))
}

/// A webhook is gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookDeleted {
    #[schema(example = true)]
    success: bool,
    #[schema(example = true)]
    deleted: bool,
}

/// Deletes a webhook and its log.
#[utoipa::path(delete, path = "/v1/webhooks/{webhook_id}", operation_id = "deleteWebhook", tag = "Webhooks",
    params(("webhook_id" = String, Path, description = "The webhook")),
    responses((status = 200, description = "It is gone", body = WebhookDeleted),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such webhook", body = ErrorBody)))]
pub(crate) async fn delete(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(id): Named,
) -> Answer<Json<WebhookDeleted>> {
    match platform.store.delete_webhook(&caller.account, &id).await? {
        true => Ok(Json(WebhookDeleted {
            success: true,
            deleted: true,
        })),
        false => Err(ApiError::not_found("Webhook")),
    }
}

/// The result of a test.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestAnswer {
    #[schema(example = true)]
    success: bool,
    data: Tested,
}

/// A test's delivery.
#[derive(Serialize, ToSchema)]
struct Tested {
    delivered: bool,
    /// The answer's status; none where nobody answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    attempts: u32,
}

/// Sends a `ping`, once.
#[utoipa::path(post, path = "/v1/webhooks/{webhook_id}/test", operation_id = "testWebhook", tag = "Webhooks",
    params(("webhook_id" = String, Path, description = "The webhook")),
    responses((status = 200, description = "It was tried", body = TestAnswer),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such webhook", body = ErrorBody)))]
pub(crate) async fn test(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(id): Named,
) -> Answer<Json<TestAnswer>> {
    let webhook = find(&platform, &caller, &id).await?;
    let body = event_body("ping", "{}");
    let delivery = platform
        .store
        .add_delivery(&webhook.id, "ping", &body)
        .await?;
    let status = deliver(&platform, &webhook, &delivery, "ping", body).await?;
    platform.store.note_attempt(&delivery, status).await?;
    Ok(Json(TestAnswer {
        success: true,
        data: Tested {
            delivered: status.is_some_and(|status| (200..300).contains(&status)),
            status_code: status,
            attempts: 1,
        },
    }))
}

/// A delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(crate) struct DeliveryView {
    id: String,
    event_type: String,
    /// The answer's status; none where nobody answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<i64>,
    attempts: i64,
    delivered: bool,
    created_at: String,
    updated_at: String,
}

/// The log of a webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    #[schema(example = true)]
    success: bool,
    data: Vec<DeliveryView>,
}

/// Lists the latest hundred deliveries to a webhook, newest first.
#[utoipa::path(get, path = "/v1/webhooks/{webhook_id}/deliveries", operation_id = "listWebhookDeliveries", tag = "Webhooks",
    params(("webhook_id" = String, Path, description = "The webhook")),
    responses((status = 200, description = "The deliveries", body = DeliveryList),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such webhook", body = ErrorBody)))]
pub(crate) async fn deliveries(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(id): Named,
) -> Answer<Json<DeliveryList>> {
    let webhook = find(&platform, &caller, &id).await?;
    let deliveries = platform.store.deliveries(&webhook.id).await?;
    let data = deliveries.into_iter().map(|delivery| DeliveryView {
        delivered: delivery.is_delivered(),
        id: delivery.id,
        event_type: delivery.event_type,
        status_code: delivery.status_code,
        attempts: delivery.attempts,
        created_at: delivery.created_at,
        updated_at: delivery.updated_at,
    });
    Ok(Json(DeliveryList {
        success: true,
        data: data.collect(),
    }))
}

async fn find(platform: &Platform, caller: &Caller, id: &str) -> Answer<Webhook> {
    let webhook = platform.store.webhook(&caller.account, id).await?;
    webhook.ok_or_else(|| ApiError::not_found("Webhook"))
}

/// Sends an event, signed; the status of the answer, none where nobody answers in time.
pub(crate) async fn deliver(
    platform: &Platform,
    webhook: &Webhook,
    delivery: &str,
    event: &str,
    body: String,
) -> Result<Option<u16>, tokio::task::JoinError> {
    let timestamp = (store::now_ms() / 1_000).to_string();
    let headers = [
        ("x-bithuman-event", event.to_owned()),
        ("x-bithuman-delivery", delivery.to_owned()),
        (
            "x-bithuman-signature",
            signature(&webhook.secret, &timestamp, &body),
        ),
        ("x-bithuman-timestamp", timestamp),
    ];
    let (fetcher, url) = (platform.fetcher.clone(), webhook.url.clone());
    tokio::task::spawn_blocking(move || fetcher.deliver(&url, &headers, &body)).await
}

fn signature(secret: &str, timestamp: &str, body: &str) -> String {
    use std::fmt::Write as _;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{timestamp}.{body}").as_bytes());
    let mut text = "sha256=".to_owned();
    for byte in tag.as_ref() {
        // Writing to a string doesn't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
