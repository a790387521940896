//! Computes a picture's id from its content. A picture that was moved or renamed stays the same
//! point, and two copies of a file are one point.

use clippy_core::ids::PointId;
use uuid::Builder;

/// Returns the id of a file with this SHA-256: a UUID of version 8 (RFC 9562) from its first 16
/// bytes.
#[must_use]
pub fn id_of(sha256: &[u8; 32]) -> PointId {
    let mut first = [0; 16];
    first.copy_from_slice(&sha256[..16]);
    PointId::Uuid(Builder::from_custom_bytes(first).into_uuid())
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_same_bytes_have_the_same_id_and_it_never_changes_between_versions() {
        let id = |bytes: &[u8]| id_of(&Sha256::digest(bytes).into());
        assert_eq!(id(b"apple"), id(b"apple"));
        assert_ne!(id(b"apple"), id(b"apples"));
        // Stored collections depend on this value.
        assert_eq!(
            id(b"abc").to_string(),
            "ba7816bf-8f01-8fea-8141-40de5dae2223"
        );
    }
}
