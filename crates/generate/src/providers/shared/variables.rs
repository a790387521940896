//! Readers for kinds of settings that several providers have.

use clippy_core::Result;
use clippy_core::settings::{Reader, wrong};

use super::address::{Address, without_login};

/// Reads a server's address. The error for an invalid one does not show a user name or password.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] that names the variable.
pub fn address(reader: &Reader, name: &str) -> Result<Option<Address>> {
    let Some(text) = reader.text(&[name]) else {
        return Ok(None);
    };
    let expected = "an http or https URL without ? and #";
    Address::parse(&text)
        .map(Some)
        .map_err(|_| wrong(name, &without_login(&text), expected))
}

/// Reads an amount in US dollars.
///
/// # Errors
/// As [`address`].
pub fn dollars(reader: &Reader, name: &str) -> Result<Option<f64>> {
    let Some(text) = reader.text(&[name]) else {
        return Ok(None);
    };
    let amount = text
        .parse::<f64>()
        .ok()
        .filter(|amount| amount.is_finite() && *amount >= 0.0);
    amount
        .map(Some)
        .ok_or_else(|| wrong(name, &text, "an amount in US dollars, such as 0.04"))
}

/// Reads a yes-or-no setting.
///
/// # Errors
/// As [`address`].
pub fn flag(reader: &Reader, name: &str) -> Result<Option<bool>> {
    let Some(text) = reader.text(&[name]) else {
        return Ok(None);
    };
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Some(true)),
        "0" | "false" | "no" | "off" => Ok(Some(false)),
        _ => Err(wrong(name, &text, "true or false")),
    }
}

/// Reads a setting that becomes a part of a model's URL.
///
/// # Errors
/// As [`address`].
pub fn model(reader: &Reader, name: &str) -> Result<Option<String>> {
    reader
        .text(&[name])
        .map(|text| check_model(name, text))
        .transpose()
}

/// As [`model`], or the default.
///
/// # Errors
/// As [`address`].
pub fn model_or(reader: &Reader, name: &str, default: &str) -> Result<String> {
    check_model(name, reader.text_or(&[name], default))
}

/// Checks that a text has letters, digits and a few harmless signs only, so that it cannot lead to
/// another URL.
fn check_model(name: &str, text: String) -> Result<String> {
    let plain =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '@');
    if text.chars().all(plain) {
        Ok(text)
    } else {
        Err(wrong(
            name,
            &text,
            "a model's id, such as gemini-3.1-flash-image",
        ))
    }
}
