//! Render, inspect and run talking avatars.
fn main() {}
