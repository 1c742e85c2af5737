//! The one menu of this workspace.
fn main() {}
