//! Converts ComfyUI's errors.

use clippy_common::shorten;
use reqwest::StatusCode;
use serde_json::Value;

use crate::contract::GenerateError;

/// The error of a failed node, from an `execution_error` frame.
#[must_use]
pub fn execution_error(frame: &Value) -> GenerateError {
    let text = |key: &str| shorten(frame[key].as_str().unwrap_or("?").trim(), 400);
    let (node, message) = (text("node_type"), text("exception_message"));
    let lower = message.to_lowercase();
    let help = if lower.contains("out of memory") || lower.contains("allocation") {
        "its graphics memory is full: use a smaller picture, fewer references, or start it with \
         --lowvram"
    } else {
        "see its log"
    };
    GenerateError::permanent(format!(
        "ComfyUI failed in the node {node}: {message} ({help})"
    ))
}

/// The error of a prompt that someone interrupted at the server.
#[must_use]
pub fn interrupted_error() -> GenerateError {
    GenerateError::permanent(
        "the picture was interrupted at the ComfyUI server: use retry to start it again",
    )
}

/// The error of an answer with an error status. If the answer comes from ComfyUI, the body has its
/// reasons.
#[must_use]
pub fn refusal(status: StatusCode, body: Option<&Value>) -> GenerateError {
    let mut reasons = Vec::new();
    if let Some(body) = body {
        reasons.extend(body["error"]["message"].as_str().map(str::to_owned));
        reasons.extend(body["error"].as_str().map(str::to_owned));
        for (id, node) in body["node_errors"].as_object().into_iter().flatten() {
            let class = node["class_type"].as_str().unwrap_or("?");
            for error in node["errors"].as_array().into_iter().flatten() {
                let (message, details) = (
                    error["message"].as_str().unwrap_or("?"),
                    error["details"].as_str().unwrap_or(""),
                );
                reasons.push(
                    format!("node {id} ({class}): {message} {details}")
                        .trim_end()
                        .to_owned(),
                );
            }
        }
    }
    let reason: String = if reasons.is_empty() {
        "no reason given".to_owned()
    } else {
        reasons.join("; ")
    };
    let message = format!("ComfyUI answered {status}: {}", shorten(&reason, 900));
    if status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
    {
        return GenerateError::transient(message, None);
    }
    GenerateError::permanent(message)
}
