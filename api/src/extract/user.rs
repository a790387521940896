//! The name of an artist, as every route reads it.

use clippy_core::{Error, Result};

/// Longest name of an artist, in bytes.
const LONGEST_USER_ID: usize = 256;

/// The name without the spaces around it.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] when it is empty, too long or no plain text.
pub(crate) fn checked_user(user_id: &str) -> Result<String> {
    let user_id = user_id.trim();
    if user_id.is_empty()
        || user_id.len() > LONGEST_USER_ID
        || user_id.chars().any(char::is_control)
    {
        return Err(Error::invalid(format!(
            "user_id must be a name of 1 to {LONGEST_USER_ID} bytes"
        )));
    }
    Ok(user_id.to_owned())
}
