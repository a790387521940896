//! Kinds of settings that several providers read.

use clippy_core::Result;
use clippy_core::settings::{Reader, wrong};

use super::address::{Address, without_login};

/// A server's address. A wrong one is not repeated with the user and the password in it.
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

/// An amount in US dollars.
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

/// Yes or no.
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

/// A part of a model's URL.
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

/// Letters, digits, dots and dashes: nothing that leads to another URL.
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
