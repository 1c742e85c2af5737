//! The account: its secret, its credits, what things cost, what was used.
//!
//! Credits are for programs that look at them: without `--metered` there are always as many as anybody
//! needs, and nothing is taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::Params;
use super::caller::{self, Caller};
use super::error::{Answer, ApiError, ErrorBody};
use super::page::{Page, Pagination};
use crate::models;
use crate::origin::Origin;
use crate::platform::Platform;
use crate::store::{self, UsageFilter};

/// Whether a secret is right.
#[derive(Serialize, ToSchema)]
pub(crate) struct Validity {
    #[schema(example = true)]
    valid: bool,
}

/// Says whether the secret is right. The status is 200 either way.
#[utoipa::path(post, path = "/v1/validate", operation_id = "validateApiSecret", tag = "Authentication",
    responses((status = 200, description = "Look at `valid`", body = Validity)))]
pub(crate) async fn validate(
    State(platform): State<Arc<Platform>>,
    headers: HeaderMap,
) -> Answer<Json<Validity>> {
    let valid = match caller::secret(&headers) {
        Some(secret) => Caller::find(&platform, secret).await?.is_some(),
        None => false,
    };
    Ok(Json(Validity { valid }))
}

/// The account.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeAnswer {
    data: Me,
    #[schema(example = "success")]
    status: &'static str,
    #[schema(example = 200)]
    status_code: u16,
}

/// An account.
#[derive(Serialize, ToSchema)]
struct Me {
    user_id: String,
    /// Empty: accounts here have no address.
    email: String,
    #[schema(example = "unlimited")]
    plan: &'static str,
    plan_code: String,
    /// Whole credits that can be used.
    credit_balance: i64,
    plan_credits_remaining: i64,
    topup_credits_remaining: i64,
    #[schema(example = "active")]
    account_status: &'static str,
    upgrade_url: String,
    pricing_url: String,
}

/// Gives the account.
#[utoipa::path(get, path = "/v1/me", operation_id = "getMe", tag = "Account",
    responses((status = 200, description = "The account", body = MeAnswer),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn me(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    origin: Origin,
) -> Answer<Json<MeAnswer>> {
    let credits = platform.balance(&caller.account).await?;
    let plan = platform.limits.plan().name();
    Ok(Json(MeAnswer {
        data: Me {
            user_id: caller.account,
            email: String::new(),
            plan,
            plan_code: format!("membership_{plan}"),
            credit_balance: credits as i64,
            plan_credits_remaining: credits as i64,
            topup_credits_remaining: 0,
            account_status: "active",
            upgrade_url: origin.page("/console"),
            pricing_url: origin.page("/v1/pricing"),
        },
        status: "success",
        status_code: 200,
    }))
}

/// The prices.
#[derive(Serialize, ToSchema)]
pub(crate) struct PricingAnswer {
    #[schema(example = true)]
    success: bool,
    data: Pricing,
}

/// Prices in credits.
#[derive(Serialize, ToSchema)]
struct Pricing {
    #[schema(example = "credits")]
    unit: &'static str,
    agent_generation: GenerationPricing,
    talking_video: VideoPricing,
    dynamics_generation: DynamicsPricing,
    notes: &'static str,
}

/// Prices of agents.
#[derive(Serialize, ToSchema)]
struct GenerationPricing {
    unit: &'static str,
    by_model: BTreeMap<&'static str, i64>,
    note: &'static str,
}

/// Prices of talking videos.
#[derive(Serialize, ToSchema)]
struct VideoPricing {
    unit: &'static str,
    billing: &'static str,
    rates: BTreeMap<&'static str, i64>,
}

/// The price of gestures.
#[derive(Serialize, ToSchema)]
struct DynamicsPricing {
    flat: i64,
    note: &'static str,
}

/// Gives the prices.
#[utoipa::path(get, path = "/v1/pricing", operation_id = "getPricing", tag = "Account",
    responses((status = 200, description = "The prices", body = PricingAnswer),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn pricing(
    State(platform): State<Arc<Platform>>,
    _: Caller,
) -> Json<PricingAnswer> {
    let shorthands = ["essence", "expression"];
    let by_model = models::MODELS
        .into_iter()
        .filter(|(name, _)| !shorthands.contains(name));
    Json(PricingAnswer {
        success: true,
        data: Pricing {
            unit: "credits",
            agent_generation: GenerationPricing {
                unit: "credits",
                by_model: by_model.collect(),
                note: "Adding expression-1 to an agent is free",
            },
            talking_video: VideoPricing {
                unit: "credits_per_minute",
                billing: "ceil(minutes) * rate, minimum 1 minute",
                rates: models::VIDEO.into_iter().collect(),
            },
            dynamics_generation: DynamicsPricing {
                flat: models::DYNAMICS_CREDITS,
                note: "All gestures of an agent",
            },
            notes: match platform.is_metered() {
                true => "This server is metered",
                false => "This server takes nothing: credits are unlimited",
            },
        },
    })
}

/// The application whose credits are asked for. Here all have the same.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreditParams {
    #[serde(rename = "app")]
    #[param(default = "imaginex")]
    _app: Option<String>,
    #[serde(rename = "app_key")]
    _app_key: Option<String>,
}

/// The credits.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreditAnswer {
    #[schema(example = true)]
    success: bool,
    data: Credits,
}

/// Credits of an account.
#[derive(Serialize, ToSchema)]
struct Credits {
    user_id: String,
    balance: f64,
    plan_credits: f64,
    topup_credits: f64,
    /// Minutes that they last, by model.
    minutes_estimate: BTreeMap<&'static str, i64>,
    is_enterprise: bool,
    #[serde(rename = "isEnterprisePlanUser")]
    is_enterprise_plan_user: bool,
}

/// Gives the credits and how many minutes of video they are.
#[utoipa::path(get, path = "/v2/credit-summaries", operation_id = "getCreditSummaries", tag = "Billing",
    params(CreditParams),
    responses((status = 200, description = "The credits", body = CreditAnswer),
        (status = 400, description = "The query is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn credit_summaries(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Params(_): Params<CreditParams>,
) -> Answer<Json<CreditAnswer>> {
    let balance = platform.balance(&caller.account).await?;
    let minutes = |&(name, rate): &(&'static str, i64)| (name, balance as i64 / rate);
    let enterprise = platform.limits.plan().name() == "enterprise";
    Ok(Json(CreditAnswer {
        success: true,
        data: Credits {
            user_id: caller.account,
            balance,
            plan_credits: balance,
            topup_credits: 0.0,
            minutes_estimate: models::VIDEO.iter().map(minutes).collect(),
            is_enterprise: enterprise,
            is_enterprise_plan_user: enterprise,
        },
    }))
}

/// The uses to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageParams {
    /// Uses in an answer, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Uses to pass over.
    #[param(minimum = 0, default = 0)]
    offset: Option<i64>,
    /// Only uses at this time or later, in ISO 8601.
    #[param(format = DateTime)]
    start: Option<String>,
    /// Only uses at this time or earlier.
    #[param(format = DateTime)]
    end: Option<String>,
    /// Only uses of this agent.
    agent_code: Option<String>,
}

/// A use.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageEvent)]
pub(crate) struct UsageView {
    id: String,
    #[schema(example = "bithuman-serve")]
    activity_type: String,
    pricing_code: String,
    app: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_code: Option<String>,
    /// Positive: credits that were used.
    credits_change: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    frames_rendered: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    created_at: String,
}

/// A page of uses.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsagePage {
    #[schema(example = true)]
    success: bool,
    data: Vec<UsageView>,
    pagination: Pagination,
}

/// Lists what was used, newest first.
#[utoipa::path(get, path = "/v1/usage", operation_id = "getUsage", tag = "Billing", params(UsageParams),
    responses((status = 200, description = "A page of uses", body = UsagePage),
        (status = 400, description = "The query is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn usage(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Params(params): Params<UsageParams>,
) -> Answer<Json<UsagePage>> {
    let page = Page::new(params.limit, params.offset, 50, 200)?;
    let (start, end) = (at("start", params.start)?, at("end", params.end)?);
    let filter = UsageFilter {
        account: &caller.account,
        start: &start,
        end: &end,
        agent_code: params.agent_code.as_deref().unwrap_or_default(),
        limit: page.limit,
        offset: page.offset,
    };
    let (events, total) = platform.store.usage(&filter).await?;
    let data = events.into_iter().map(|event| UsageView {
        id: event.id,
        activity_type: event.activity_type,
        pricing_code: event.pricing_code,
        app: "imaginex",
        agent_code: event.agent_code,
        credits_change: event.credits_change,
        frames_rendered: event.frames_rendered,
        room_name: event.room_name,
        start_time: event.start_time,
        end_time: event.end_time,
        created_at: event.created_at,
    });
    Ok(Json(UsagePage {
        success: true,
        data: data.collect(),
        pagination: page.of(total),
    }))
}

/// A time of the query in the form that rows have; empty where none is given.
fn at(name: &str, given: Option<String>) -> Answer<String> {
    let Some(given) = given else {
        return Ok(String::new());
    };
    // In a query "+" is a space.
    let text = given.trim().replace(' ', "+");
    let format = &time::format_description::well_known::Rfc3339;
    match time::OffsetDateTime::parse(&text, format) {
        Ok(at) => Ok(store::stamp(at)),
        Err(_) => Err(ApiError::invalid(format!(
            "{name} is no time such as 2026-01-31T12:00:00Z"
        ))),
    }
}
