//! Links to boards. A link has a random token, of which only a digest is stored: whoever reads the
//! database cannot open a board with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The most valid links of one board.
pub const MOST_SHARES: usize = 32;

/// A link to a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its id, for revoking it. It opens nothing.
    pub id: Uuid,
    /// When it was made, in seconds since 1970.
    pub created_at: u64,
    /// Until when it is valid, in seconds since 1970.
    pub expires_at: u64,
}

/// A new link, with its token.
#[derive(Debug, Clone)]
pub struct NewShare {
    /// What is stored of it.
    pub share: Share,
    /// Opens the board. It is shown once.
    pub token: String,
}

impl NewShare {
    /// Makes a link that is valid for so many seconds.
    #[must_use]
    pub fn new(now: u64, seconds: u64) -> Self {
        // A random UUID has 122 bits of the operating system's random numbers; two are a token that
        // cannot be guessed.
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        secret[16..].copy_from_slice(Uuid::new_v4().as_bytes());
        Self {
            share: Share {
                id: Uuid::now_v7(),
                created_at: now,
                expires_at: now.saturating_add(seconds),
            },
            token: URL_SAFE_NO_PAD.encode(secret),
        }
    }

    /// What is stored of the token.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest_of(&self.token)
    }
}

/// The digest of a token. Tokens are random and long, so that a plain hash cannot be reversed.
#[must_use]
pub fn digest_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_differ() {
        let (one, other) = (NewShare::new(5, 10), NewShare::new(5, 10));
        assert_eq!(one.token.len(), 43);
        assert_ne!(one.token, other.token);
        assert_eq!(one.digest(), digest_of(&one.token));
        assert_eq!(one.share.expires_at, 15);
    }
}
