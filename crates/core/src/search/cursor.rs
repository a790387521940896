//! The cursor of a search: where the next page begins, and of which query.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The deepest offset. A deeper search would walk over the whole collection, which a vector index
/// is not made for.
pub const DEEPEST: usize = 5_000;

#[derive(Serialize, Deserialize)]
struct Position {
    offset: usize,
    query: String,
}

/// A short fingerprint of everything that decides the order of results.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..9])
}

/// The cursor of the page that begins at `offset`, or `None` when pages do not go that deep.
#[must_use]
pub fn encode(offset: usize, query: &str) -> Option<String> {
    let position = Position {
        offset,
        query: query.to_owned(),
    };
    (offset < DEEPEST)
        .then(|| URL_SAFE_NO_PAD.encode(serde_json::to_vec(&position).unwrap_or_default()))
}

/// The offset in a cursor.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`] when it was not made by [`encode`], or belongs to another
/// query.
pub fn decode(cursor: &str, query: &str) -> Result<usize> {
    let position = URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Position>(&bytes).ok())
        .filter(|position| position.offset < DEEPEST)
        .ok_or_else(|| {
            Error::invalid("cursor was not made by a search: send next_cursor unchanged")
        })?;
    if position.query != query {
        return Err(Error::invalid(
            "cursor belongs to another query: send the same sketch, words, weights and filters, \
             or leave the cursor out",
        ));
    }
    Ok(position.offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_for_its_own_query_only() {
        let query = fingerprint(&[b"apple", b"24"]);
        let cursor = encode(48, &query).expect("not deep");
        assert_eq!(decode(&cursor, &query).expect("its own query"), 48);
        assert!(decode(&cursor, &fingerprint(&[b"apple2", b"4"])).is_err());
        assert!(decode("nonsense", &query).is_err());
        assert_eq!(encode(DEEPEST, &query), None);
    }
}
