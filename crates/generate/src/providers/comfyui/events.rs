//! The frames of ComfyUI's WebSocket.

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::failure::{execution_error, interrupted_error};
use super::lenient;
use crate::contract::GenerateError;

/// The progress of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeProgress {
    /// The node's id in the graph.
    pub node: String,
    /// Steps done.
    pub value: f32,
    /// The number of steps. Nodes without steps report 0 of 1, then 1 of 1.
    pub most: f32,
}

/// A frame about one prompt.
#[derive(Debug)]
pub enum Event {
    /// The server has started it.
    Started,
    /// These nodes are skipped, because the server has cached their output.
    Cached(Vec<String>),
    /// This node is running.
    Working(String),
    /// The progress of nodes.
    Progress(Vec<NodeProgress>),
    /// The prompt is done.
    Finished,
    /// The prompt failed.
    Failed(GenerateError),
    /// The unfinished picture, and its media type.
    Preview(Bytes, &'static str),
}

/// Parses a text frame; `None` for other prompts and for frames of no interest.
#[must_use]
pub fn parse_text(text: &str, prompt: Uuid) -> Option<Event> {
    let frame = lenient::json(text.as_bytes())?;
    let data = &frame["data"];
    // Frames without an id are about this client's own prompts.
    let named = data["prompt_id"].as_str();
    if named.is_some_and(|id| id != prompt.to_string()) {
        return None;
    }
    match frame["type"].as_str()? {
        "execution_start" => named.map(|_| Event::Started),
        "execution_cached" => {
            let nodes = data["nodes"].as_array()?.iter().filter_map(Value::as_str);
            Some(Event::Cached(nodes.map(str::to_owned).collect()))
        }
        "progress" => {
            let node = data["node"].as_str().unwrap_or_default();
            Some(Event::Progress(vec![progress(node, data)?]))
        }
        "progress_state" => {
            let nodes = data["nodes"].as_object()?;
            Some(Event::Progress(
                nodes
                    .iter()
                    .filter_map(|(id, state)| progress(id, state))
                    .collect(),
            ))
        }
        "executing" => match data["node"].as_str() {
            Some(node) => Some(Event::Working(node.to_owned())),
            None => named.map(|_| Event::Finished),
        },
        "execution_success" => named.map(|_| Event::Finished),
        "execution_error" => named.map(|_| Event::Failed(execution_error(data))),
        "execution_interrupted" => named.map(|_| Event::Failed(interrupted_error())),
        _ => None,
    }
}

fn progress(node: &str, data: &Value) -> Option<NodeProgress> {
    let number = |key: &str| data[key].as_f64().map(|number| number as f32);
    Some(NodeProgress {
        node: node.to_owned(),
        value: number("value")?,
        most: number("max")?,
    })
}

/// Parses a binary frame: type 1 is a preview, type 4 a preview with JSON before it.
#[must_use]
pub fn parse_binary(frame: &Bytes) -> Option<Event> {
    let word = |at: usize| {
        frame
            .get(at..at + 4)?
            .try_into()
            .ok()
            .map(u32::from_be_bytes)
    };
    let start = match word(0)? {
        1 => 8,
        4 => 8usize.checked_add(word(4)? as usize)?,
        _ => return None,
    };
    if frame.len() <= start {
        return None;
    }
    let picture = frame.slice(start..);
    let media_type = if picture.starts_with(b"\x89PNG") {
        "image/png"
    } else if picture.starts_with(&[0xff, 0xd8]) {
        "image/jpeg"
    } else {
        return None;
    };
    Some(Event::Preview(picture, media_type))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_frames_of_this_prompt_count() {
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let frame = |kind: &str, data: Value| json!({"type": kind, "data": data}).to_string();
        let read = |kind: &str, data: Value| parse_text(&frame(kind, data), own);
        let Some(Event::Progress(nodes)) = read(
            "progress",
            json!({"value": 3, "max": 28, "prompt_id": own, "node": "3"}),
        ) else {
            panic!("progress")
        };
        assert_eq!(
            nodes,
            [NodeProgress {
                node: "3".to_owned(),
                value: 3.0,
                most: 28.0
            }]
        );
        assert!(
            read(
                "progress",
                json!({"value": 3, "max": 28, "prompt_id": other})
            )
            .is_none()
        );
        // Python writes NaN, which is not JSON. The frame is read nevertheless.
        let text = format!(
            r#"{{"type": "execution_start", "data": {{"prompt_id": "{own}", "timestamp": NaN}}}}"#
        );
        assert!(matches!(parse_text(&text, own), Some(Event::Started)));
        assert!(matches!(
            read("executing", json!({"node": null, "prompt_id": own})),
            Some(Event::Finished)
        ));
        assert!(
            matches!(read("executing", json!({"node": "3", "prompt_id": own})),
            Some(Event::Working(node)) if node == "3")
        );
        assert!(read("executing", json!({"node": null})).is_none());
        assert!(matches!(
            read("execution_success", json!({"prompt_id": own})),
            Some(Event::Finished)
        ));
        assert!(
            read(
                "status",
                json!({"status": {"exec_info": {"queue_remaining": 1}}})
            )
            .is_none()
        );
        let failed = read(
            "execution_error",
            json!({"prompt_id": own, "node_type": "KSampler",
            "exception_message": "CUDA out of memory"}),
        );
        let Some(Event::Failed(error)) = failed else {
            panic!("an error")
        };
        assert!(
            error.message.contains("KSampler") && error.message.contains("--lowvram"),
            "{error}"
        );
        assert!(parse_text("{", own).is_none() && parse_text("[]", own).is_none());
    }

    #[test]
    fn previews_are_extracted_and_malformed_frames_are_ignored() {
        let plain = Bytes::from([&[0, 0, 0, 1, 0, 0, 0, 1][..], &[0xff, 0xd8, 1, 2]].concat());
        assert!(matches!(parse_binary(&plain), Some(Event::Preview(picture,
            "image/jpeg")) if picture[..] == [0xff, 0xd8, 1, 2]));
        let with_json = Bytes::from([&[0, 0, 0, 4, 0, 0, 0, 2][..], b"{}", b"\x89PNG"].concat());
        assert!(matches!(
            parse_binary(&with_json),
            Some(Event::Preview(_, "image/png"))
        ));
        for rubbish in [
            &[][..],
            &[0, 0, 0, 1],
            &[0, 0, 0, 4, 255, 255, 255, 255, 1],
            &[0, 0, 0, 1, 0, 0, 0, 1, 9, 9],
        ] {
            assert!(
                parse_binary(&Bytes::copy_from_slice(rubbish)).is_none(),
                "{rubbish:?}"
            );
        }
    }
}
