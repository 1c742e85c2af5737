//! How an attempt at a job ends.

use crate::store::Effect;

/// The end of a job: its result in JSON, or a sentence on why there is none; and what comes with it.
pub(crate) struct Outcome {
    pub(crate) result: Result<String, String>,
    pub(crate) effects: Vec<Effect>,
    /// Files that are of no use if the job failed or its lease was lost.
    pub(crate) files: Vec<String>,
    /// Files that are of no use once the job is over.
    pub(crate) spent: Vec<String>,
}

/// The end of an attempt.
pub(crate) enum Attempt {
    Over(Outcome),
    /// It is to be tried again after so many milliseconds.
    Again(i64),
}
