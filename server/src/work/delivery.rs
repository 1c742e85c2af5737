//! Events on their way to webhooks: tried at once, after two seconds, and after five more.

use std::sync::Arc;

use super::outcome::{Attempt, Outcome};
use crate::api::webhooks;
use crate::platform::Platform;
use crate::store::Claim;

/// Milliseconds before each further attempt.
const DELAYS_MS: [i64; 2] = [2_000, 5_000];

pub(super) async fn attempt(platform: Arc<Platform>, claim: Claim) -> Attempt {
    let over = |result| {
        Attempt::Over(Outcome {
            result,
            effects: Vec::new(),
            files: Vec::new(),
            spent: Vec::new(),
        })
    };
    let (delivery, webhook) = match platform.store.delivery(&claim.job.subject).await {
        Ok(Some(found)) => found,
        Ok(None) => return over(Err("the webhook was deleted".to_owned())),
        Err(_) => return Attempt::Again(DELAYS_MS[0]),
    };
    let (event, body) = (delivery.event_type.as_str(), delivery.body.clone());
    let sent = webhooks::deliver(&platform, &webhook, &delivery.id, event, body).await;
    let status = sent.unwrap_or(None);
    if platform
        .store
        .note_attempt(&delivery.id, status)
        .await
        .is_err()
    {
        return Attempt::Again(DELAYS_MS[0]);
    }
    if status.is_some_and(|status| (200..300).contains(&status)) {
        return over(Ok("{}".to_owned()));
    }
    let tried = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
    match DELAYS_MS.get(tried) {
        Some(&delay) => Attempt::Again(delay),
        None => over(Err("nobody took the event".to_owned())),
    }
}
