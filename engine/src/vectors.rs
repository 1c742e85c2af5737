//! The vectors that the studio wrote for the engine's tests.

/// The numbers in `testdata/vectors/<name>`.
pub(crate) fn vector(name: &str) -> Vec<f32> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/vectors");
    let bytes = std::fs::read(format!("{folder}/{name}")).expect("the vectors are committed");
    let numbers = bytes.as_chunks::<4>().0.iter();
    numbers.map(|x| f32::from_le_bytes(*x)).collect()
}
