//! Tokens for pages that embed an agent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody};
use crate::access;
use crate::models;
use crate::platform::Platform;

/// Seconds that a token lasts.
const LASTS_S: u64 = 3_600;

/// The issuer of tokens, and their purpose.
pub(crate) const ISSUER: &str = "bithuman";
const AUDIENCE: &str = "bithuman-embed";

/// Most characters of a fingerprint.
pub(crate) const MAX_FINGERPRINT_CHARS: usize = 256;

/// A token that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TokenRequest {
    /// The agent's code.
    #[schema(example = "A78WKV4515")]
    agent_id: String,
    /// The visitor's device: the same each time.
    #[schema(example = "9f3c8b1a2d4e5f6789ab")]
    fingerprint: String,
    /// The model to launch; the agent's own without.
    #[schema(example = "expression-2")]
    model: Option<String>,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    #[schema(example = "success")]
    status: &'static str,
    #[schema(example = 200)]
    status_code: u16,
    data: Token,
}

/// A token for a page.
#[derive(Serialize, ToSchema)]
struct Token {
    /// A JWT, signed by HS256, for an hour: `/embed/CODE?token=…`.
    token: String,
    /// The conversation's name, by which it is spoken to as `room_id`.
    sid: String,
    model: String,
    supported_models: Vec<String>,
}

/// The claims of a token.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    /// The visitor.
    sub: String,
    /// The conversation's name.
    pub(crate) sid: String,
    pub(crate) agent_code: String,
    pub(crate) model: String,
    iat: u64,
    exp: u64,
}

/// Makes a token by which a page may embed the agent for an hour.
#[utoipa::path(post, path = "/v1/embed-tokens/request", operation_id = "requestEmbedToken", tag = "Embedding",
    request_body = TokenRequest,
    responses((status = 200, description = "The token", body = TokenAnswer),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such agent", body = ErrorBody),
        (status = 409, description = "The agent isn't of that model", body = ErrorBody)))]
pub(crate) async fn request(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    body: Body<TokenRequest>,
) -> Answer<Json<TokenAnswer>> {
    let asked = body.value;
    let chars = asked.fingerprint.chars().count();
    if !(1..=MAX_FINGERPRINT_CHARS).contains(&chars) {
        let message = format!("fingerprint has 1 to {MAX_FINGERPRINT_CHARS} characters");
        return Err(ApiError::invalid(message));
    }
    let family = asked.model.as_deref().map(models::family).transpose()?;
    let agent = platform.agent(&caller.account, &asked.agent_id).await?;
    let have = agent.models();
    if let Some(family) = family
        && !have.contains_key(family)
    {
        return Err(models::not_generated(&agent.code, family));
    }
    let model = family.unwrap_or(models::families_of(&agent.model)[0]);
    let now = now_s();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: asked.fingerprint,
        sid: format!("sid_{}", access::token()?),
        agent_code: agent.code.clone(),
        model: model.to_owned(),
        iat: now,
        exp: now + LASTS_S,
    };
    let token = platform.signed(&claims)?;
    Ok(Json(TokenAnswer {
        status: "success",
        status_code: 200,
        data: Token {
            token,
            sid: claims.sid,
            model: claims.model,
            supported_models: have.into_keys().collect(),
        },
    }))
}

impl Platform {
    /// A token with these claims.
    ///
    /// # Errors
    /// 500.
    pub(crate) fn signed(&self, claims: &impl Serialize) -> Answer<String> {
        let key = EncodingKey::from_secret(self.token_key.as_bytes());
        let header = Header::new(Algorithm::HS256);
        jsonwebtoken::encode(&header, claims, &key).map_err(ApiError::internal)
    }

    /// The claims of a token for an agent; none if it is forged, over, or another agent's.
    pub(crate) fn claims(&self, token: &str, code: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.leeway = 0;
        let key = DecodingKey::from_secret(self.token_key.as_bytes());
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
            .ok()?
            .claims;
        (claims.agent_code == code).then_some(claims)
    }
}

/// Seconds since 1970.
pub(crate) fn now_s() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.map_or(0, |since| since.as_secs())
}
