//! The platform's names for models, and what they cost there. Here every model is one `.imx` file that
//! the same engine plays; the names say what it is made of.

use crate::api::error::{ApiError, shown};

/// Models that can be asked for, with the credits that making one costs.
pub(crate) const MODELS: [(&str, i64); 9] = [
    ("auto", 500),
    ("essence", 250),
    ("essence-1", 250),
    ("essence-2", 500),
    ("essence-2-light", 500),
    ("essence-2-quality", 500),
    ("expression", 250),
    ("expression-1", 250),
    ("expression-2", 500),
];

/// Models that an agent can be launched as.
pub(crate) const FAMILIES: [&str; 5] = [
    "essence-1",
    "essence-2-light",
    "essence-2-quality",
    "expression-1",
    "expression-2",
];

/// Models that can be added to an agent.
pub(crate) const ADDABLE: [&str; 4] = ["essence-1", "essence-2", "expression-1", "expression-2"];

/// Models that render talking videos, with the credits of a minute.
pub(crate) const VIDEO: [(&str, i64); 3] = [
    ("expression-2", 4),
    ("essence-2-quality", 8),
    ("essence-2-light", 4),
];

/// Credits of an agent's gestures.
pub(crate) const DYNAMICS_CREDITS: i64 = 250;

/// The credits that making a model costs.
pub(crate) fn credits(model: &str) -> i64 {
    let known = MODELS.iter().find(|(name, _)| *name == model);
    known.map_or(0, |&(_, credits)| credits)
}

/// A model that is asked for, without shorthands.
///
/// # Errors
/// 400, with the names that are known.
pub(crate) fn canonical(model: Option<&str>) -> Result<&'static str, ApiError> {
    let asked = model.unwrap_or("essence-1");
    match asked {
        "essence" => Ok("essence-1"),
        "expression" => Ok("expression-1"),
        asked => known(asked, MODELS.map(|(name, _)| name).as_slice()),
    }
}

/// The family of a model or of one of its tiers, such as `expression-2-gpu`.
///
/// # Errors
/// 400, with the names that are known.
pub(crate) fn family(model: &str) -> Result<&'static str, ApiError> {
    let model = match model {
        "essence" => "essence-1",
        "expression" => "expression-1",
        "essence-2" => "essence-2-light",
        other => ["-gpu", "-cpu", "-ane"]
            .iter()
            .find_map(|tier| other.strip_suffix(tier))
            .unwrap_or(other),
    };
    known(model, &FAMILIES)
}

/// The families that making a model gives.
pub(crate) fn families_of(model: &str) -> &'static [&'static str] {
    match model {
        "essence-2" => &["essence-2-light", "essence-2-quality"],
        "essence-2-light" => &["essence-2-light"],
        "essence-2-quality" => &["essence-2-quality"],
        "expression-1" => &["expression-1"],
        "expression-2" => &["expression-2"],
        _ => &["essence-1"],
    }
}

/// Whether a model asks for a photograph of a person.
pub(crate) fn wants_person(model: &str) -> bool {
    model.starts_with("essence-2")
}

/// One of `names`, spelled as there.
///
/// # Errors
/// 400, with the names.
pub(crate) fn known(model: &str, names: &[&'static str]) -> Result<&'static str, ApiError> {
    names
        .iter()
        .find(|name| **name == model)
        .copied()
        .ok_or_else(|| {
            ApiError::invalid(format!(
                "Invalid model '{}'; must be one of: {}",
                shown(model),
                names.join(", ")
            ))
        })
}

/// The refusal of a model that an agent doesn't have.
pub(crate) fn not_generated(code: &str, family: &str) -> ApiError {
    let message = match family {
        "essence-2-quality" => format!(
            "agent {code}'s essence-2-quality model requires a source video, which this agent doesn't have"
        ),
        family => format!("agent {code}'s {family} model hasn't been generated yet"),
    };
    ApiError::new(
        axum::http::StatusCode::CONFLICT,
        "MODEL_NOT_GENERATED",
        message,
    )
}
