//! Checks the name of an artist, for all routes.

use clippy_core::{Error, Result};

/// The longest name of an artist, in bytes.
const LONGEST_USER_ID: usize = 256;

/// Returns the name without surrounding spaces.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] when it is empty, too long or contains control
/// characters.
pub(crate) fn check_user_id(user_id: &str) -> Result<String> {
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
