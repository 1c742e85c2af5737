//! Hashes of members, as the manifest writes them.

use sha2::{Digest, Sha256};

/// The sha256 in hex.
pub(super) fn sha256(data: &[u8]) -> String {
    let digest = Sha256::digest(data);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
