//! Converts Google's errors.

use std::time::Duration;

use clippy_common::shorten;
use clippy_http::retry_after;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::contract::{FailureCause, FailureClass, GenerateError};

/// The error of a call without an answer. Without a connection nothing can have been charged.
#[must_use]
pub fn transport_error(error: &reqwest::Error) -> GenerateError {
    if error.is_connect() || error.is_builder() {
        return GenerateError::transient(
            "the provider could not be reached: check the network and the base URL",
            None,
        );
    }
    let what = if error.is_timeout() {
        "did not answer in time"
    } else {
        "broke off"
    };
    GenerateError::maybe_charged(format!(
        "the provider {what} after the call was sent: it may have been charged"
    ))
}

/// The error of an answer with an error status. The body is JSON, JSON in a list, or the page of a
/// proxy.
#[must_use]
pub fn answer_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> GenerateError {
    let parsed: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = parsed
        .get(0)
        .unwrap_or(&parsed)
        .get("error")
        .cloned()
        .unwrap_or(Value::Null);
    let name = error["status"]
        .as_str()
        .unwrap_or(status.canonical_reason().unwrap_or(""))
        .to_owned();
    let text = error["message"]
        .as_str()
        .map_or_else(|| plain(body), str::to_owned);
    let text = shorten(&text, 400);
    let code = status.as_u16();
    let wait = retry_after(headers).or_else(|| retry_info(&error));
    let message = format!("{code} {name}: {text}");
    match code {
        401 => {
            let message =
                format!("{message}. Check the API key, or the service account and its token");
            // `retry_after` marks an error that a new token may fix.
            GenerateError {
                retry_after: Some(Duration::ZERO),
                ..GenerateError::new(FailureClass::Auth, message)
            }
        }
        403 => GenerateError::new(
            FailureClass::Auth,
            format!(
                "{message}. Enable the API for the project and give the account the role \
                 roles/aiplatform.user"
            ),
        )
        .with_cause(FailureCause::NotAllowed),
        400 if text.contains("API key") => GenerateError::new(
            FailureClass::Auth,
            format!("{message}. Check GEMINI_API_KEY"),
        ),
        408 | 429 | 500 | 502 | 503 | 504 => {
            GenerateError::transient(format!("{message}. Try again later"), wait)
        }
        400 => GenerateError::permanent(format!(
            "{message}. The provider rejects this request; the model may have to be enabled for \
             the project"
        )),
        // Any other 404 is from a server that is not Google's.
        404 if name.starts_with("NOT_FOUND") => {
            GenerateError::permanent(message).with_cause(FailureCause::NoSuchModel)
        }
        404 => GenerateError::permanent(message).with_cause(FailureCause::NoSuchAddress),
        _ => GenerateError::permanent(message),
    }
}

/// `google.rpc.RetryInfo`: `"13s"` or `"0.5s"`.
fn retry_info(error: &Value) -> Option<Duration> {
    let details = error["details"].as_array()?;
    let delay = details
        .iter()
        .find_map(|detail| detail["retryDelay"].as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The text of an HTML page, without its tags.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4_000)]);
    let mut inside = false;
    let kept: String = text
        .chars()
        .filter(|letter| {
            match letter {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    return false;
                }
                _ => {}
            }
            !inside
        })
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}
