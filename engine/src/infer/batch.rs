//! Sizes of batches.

/// Most items of a batch. Four take 0.65 (speech) and 0.75 (identity) of the time of four runs on ONNX
/// Runtime; from there on little is gained, and the item that is due first waits for all.
pub(crate) const BATCH: usize = 4;

/// Size of the batch that self-tests try besides one item. Shapes of every size were inferred from the
/// same ones (`model/`), so that one size stands for all; four would take 3 ms more of 60.
pub(crate) const TRIED_BATCH: usize = 2;
