//! The voice studio: the axes that voices are tuned along, and how a tuned voice sounds.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::caller::Caller;
use super::error::{Answer, ApiError, ErrorBody};
use super::voice::{OWN_SPEED, check_language, check_text, sound};
use crate::platform::Platform;
use crate::voices::{AXES, VOICES};

/// The axes.
#[derive(Serialize, ToSchema)]
pub(crate) struct AxisList {
    axes: Vec<Axis>,
}

/// An axis that voices are moved along.
#[derive(Serialize, ToSchema)]
struct Axis {
    #[schema(example = "pitch")]
    name: &'static str,
    description: &'static str,
    suggested_min: f64,
    suggested_max: f64,
    /// Each voice's place on it.
    anchor_projections: BTreeMap<&'static str, f64>,
}

/// Lists the axes that voices are tuned along.
#[utoipa::path(get, path = "/v1/studio/axes", operation_id = "listVoiceAxes", tag = "Voice",
    responses((status = 200, description = "The axes", body = AxisList),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody)))]
pub(crate) async fn axes(State(_): State<Arc<Platform>>, _: Caller) -> Json<AxisList> {
    // Octaves around the middle of all voices.
    let place = |hz: f32| f64::from((hz / 155.0).log2());
    let axis = |(name, description, most): (&'static str, &'static str, f64)| Axis {
        name,
        description,
        suggested_min: -most,
        suggested_max: most,
        anchor_projections: VOICES
            .map(|(voice, hz)| match name {
                "gender" => (voice, if voice.starts_with('F') { 0.5 } else { -0.5 }),
                "pitch" => (voice, (place(hz) * 100.0).round() / 100.0),
                _ => (voice, 0.0),
            })
            .into(),
    };
    Json(AxisList {
        axes: AXES.map(axis).into(),
    })
}

/// A voice to try.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PreviewRequest {
    #[schema(example = "Tuned voice preview.")]
    text: String,
    #[schema(example = "F1")]
    base_voice: String,
    /// Offsets by axis, −1 to 1.
    axes: Option<BTreeMap<String, f64>>,
    #[schema(default = "en")]
    language: Option<String>,
}

/// Speaks a text by a voice that is tuned for it. `x-voice-code` carries the voice's code.
#[utoipa::path(post, path = "/v1/studio/preview", operation_id = "previewTunedVoice", tag = "Voice",
    request_body = PreviewRequest,
    responses((status = 200, description = "Sound", content((Vec<u8> = "audio/wav"))),
        (status = 400, description = "The body is not as documented", body = ErrorBody),
        (status = 401, description = "The secret is missing or wrong", body = ErrorBody),
        (status = 503, description = "Too many wait, or this machine has no voice", body = ErrorBody)))]
pub(crate) async fn preview(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    body: Body<PreviewRequest>,
) -> Answer<Response> {
    let asked = body.value;
    check_text(&asked.text)?;
    check_language(asked.language.as_deref())?;
    if asked.base_voice.starts_with("bv1_") {
        return Err(ApiError::invalid("base_voice is M1 to M5 or F1 to F5"));
    }
    let voice = platform.voices.check(&asked.base_voice)?;
    let voice = voice.with_axes(asked.axes.unwrap_or_default())?;
    let code = voice.code();
    let mut response = sound(&platform, asked.text, voice, OWN_SPEED, false).await?;
    if let Ok(code) = code.parse() {
        response.headers_mut().insert("x-voice-code", code);
    }
    Ok(response)
}
