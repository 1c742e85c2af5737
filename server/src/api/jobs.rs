//! Work under way and what became of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::{Named, Params};
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody};
use super::page::{Page, Pagination};
use crate::platform::Platform;
use crate::store::{Job, State as JobState};

/// The jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobParams {
    /// Jobs in an answer, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// Jobs to pass over.
    #[param(minimum = 0, default = 0)]
    offset: Option<i64>,
    /// Only jobs in this state: `processing`, `completed` or `failed`.
    status: Option<String>,
}

/// A job.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobView {
    job_id: String,
    /// `agent`, `model`, `dynamics` or `video`.
    #[schema(example = "video")]
    kind: String,
    #[schema(example = "A91XMB7113")]
    agent_code: String,
    /// `processing`, `completed` or `failed`.
    status: &'static str,
    /// Servers that have begun it; more than one where one of them died.
    attempts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    created_at: String,
    updated_at: String,
}

impl JobView {
    fn new(job: Job) -> Self {
        Self {
            status: match job.state() {
                JobState::Open => "processing",
                JobState::Done => "completed",
                JobState::Failed => "failed",
            },
            job_id: job.id,
            kind: job.kind,
            agent_code: job.subject,
            attempts: job.attempts,
            error: job.error,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

/// A page of jobs.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobPage {
    #[schema(example = true)]
    success: bool,
    data: Vec<JobView>,
    pagination: Pagination,
}

/// A job has ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct Cancelled {
    #[schema(example = true)]
    success: bool,
    job_id: String,
    /// False where it was over already.
    cancelled: bool,
}

/// Lists the account's jobs, newest first; deliveries to webhooks have a log of their own.
#[utoipa::path(get, path = "/v1/jobs", operation_id = "listJobs", tag = "Jobs", params(JobParams),
    responses((status = 200, description = "A page of jobs", body = JobPage),
        (status = 400, description = "The query is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Params(params): Params<JobParams>,
) -> Answer<Json<JobPage>> {
    let page = Page::new(params.limit, params.offset, 20, 100)?;
    let state = match params.status.as_deref() {
        None => None,
        Some("processing") => Some(JobState::Open),
        Some("completed") => Some(JobState::Done),
        Some("failed") => Some(JobState::Failed),
        Some(_) => {
            let message = "status is processing, completed or failed";
            return Err(ApiError::invalid(message));
        }
    };
    let store = &platform.store;
    let (jobs, total) = store
        .jobs(&caller.account, state, page.limit, page.offset)
        .await?;
    Ok(Json(JobPage {
        success: true,
        data: jobs.into_iter().map(JobView::new).collect(),
        pagination: page.of(total),
    }))
}

/// Ends a job before its time; what was taken for it is given back. An agent that was being made counts as failed.
#[utoipa::path(post, path = "/v1/jobs/{job_id}/cancel", operation_id = "cancelJob", tag = "Jobs",
    params(("job_id" = String, Path, description = "The job")),
    responses((status = 200, description = "It is over", body = Cancelled),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody)))]
pub(crate) async fn cancel(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Named(job_id): Named,
) -> Answer<Json<Cancelled>> {
    let job = platform.store.job(&caller.account, &job_id).await?;
    job.ok_or_else(|| ApiError::not_found("Job"))?;
    let cancelled = platform.store.cancel_job(&caller.account, &job_id).await?;
    if cancelled {
        // Its event is on its way.
        platform.wake();
    }
    Ok(Json(Cancelled {
        success: true,
        job_id,
        cancelled,
    }))
}
