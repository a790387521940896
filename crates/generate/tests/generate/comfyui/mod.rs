//! ComfyUI: the graph that is sent, progress with and without a WebSocket, receipts, preflight,
//! failures.

mod following;
mod graphs;
mod preflight;
mod running;
mod templates;

use std::time::Duration;

use clippy_generate::comfyui::ComfyUiSettings;
use clippy_generate::{ComfyUiProvider, GenerateRequest};
use serde_json::{Value, json};

use crate::comfyui_fake::FakeComfyUi;

pub fn settings(server: &FakeComfyUi) -> ComfyUiSettings {
    ComfyUiSettings {
        poll: Duration::from_millis(40),
        ..ComfyUiSettings::at(&server.url).expect("settings")
    }
}

pub fn provider(server: &FakeComfyUi) -> ComfyUiProvider {
    ComfyUiProvider::new(settings(server)).expect("a provider")
}

pub fn words() -> GenerateRequest {
    GenerateRequest {
        prompt: Some("a boat".into()),
        seed: Some(7),
        ..GenerateRequest::default()
    }
}

/// Replaces the parts of a prompt that would make a snapshot unreadable or random: the names of
/// uploads, which are hashes, and ids.
fn plain(prompt: &Value) -> Value {
    fn shorten(value: &Value) -> Value {
        match value {
            Value::String(text) if text.contains("/renamed_") => {
                assert!(
                    text.starts_with("clippy/") && text.ends_with(".png [temp]"),
                    "{text}"
                );
                let kind = text
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .split('_')
                    .nth(1)
                    .unwrap_or_default();
                json!(format!("{kind} [temp]"))
            }
            Value::Array(values) => values.iter().map(shorten).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), shorten(value)))
                .collect(),
            other => other.clone(),
        }
    }
    let mut body = shorten(prompt);
    for id in ["client_id", "prompt_id"] {
        assert!(
            body[id]
                .as_str()
                .is_some_and(|id| uuid::Uuid::parse_str(id).is_ok())
        );
        body[id] = json!("a UUID");
    }
    body
}
