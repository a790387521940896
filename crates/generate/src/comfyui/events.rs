//! What ComfyUI says over its WebSocket.

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::client::{execution_error, interrupted_there};
use crate::error::GenerateError;

/// A frame that matters to one prompt.
#[derive(Debug)]
pub enum Event {
    /// Steps done, and steps in all, of the node that works.
    Step(f32, f32),
    /// The prompt is done.
    Finished,
    /// The prompt failed.
    Failed(GenerateError),
    /// The picture so far, and its media type.
    Preview(Bytes, &'static str),
}

/// Reads a text frame; `None` for other prompts and for what does not matter.
#[must_use]
pub fn of_text(text: &str, prompt: Uuid) -> Option<Event> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let data = &frame["data"];
    // Some kinds of frames carry no id; those are about this client's own prompts.
    let named = data["prompt_id"].as_str();
    if named.is_some_and(|id| id != prompt.to_string()) {
        return None;
    }
    match frame["type"].as_str()? {
        "progress" => Some(Event::Step(number(&data["value"])?, number(&data["max"])?)),
        "progress_state" => {
            let running = data["nodes"].as_object()?.values().find(|node| node["state"] == "running")?;
            Some(Event::Step(number(&running["value"])?, number(&running["max"])?))
        }
        "executing" if named.is_some() && data["node"].is_null() => Some(Event::Finished),
        "execution_success" => named.map(|_| Event::Finished),
        "execution_error" => named.map(|_| Event::Failed(execution_error(data))),
        "execution_interrupted" => named.map(|_| Event::Failed(interrupted_there())),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f32> {
    value.as_f64().map(|number| number as f32)
}

/// Reads a binary frame: 1 is a preview with a format, 4 one with JSON before it.
#[must_use]
pub fn of_bytes(frame: &Bytes) -> Option<Event> {
    let word = |at: usize| frame.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
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
        let read = |kind: &str, data: Value| of_text(&frame(kind, data), own);
        assert!(matches!(
            read("progress", json!({"value": 3, "max": 28, "prompt_id": own})),
            Some(Event::Step(3.0, 28.0))
        ));
        assert!(read("progress", json!({"value": 3, "max": 28, "prompt_id": other})).is_none());
        assert!(matches!(read("executing", json!({"node": null, "prompt_id": own})), Some(Event::Finished)));
        assert!(read("executing", json!({"node": "3", "prompt_id": own})).is_none());
        assert!(read("executing", json!({"node": null})).is_none());
        assert!(matches!(read("execution_success", json!({"prompt_id": own})), Some(Event::Finished)));
        assert!(read("status", json!({"status": {"exec_info": {"queue_remaining": 1}}})).is_none());
        let failed = read(
            "execution_error",
            json!({"prompt_id": own, "node_type": "KSampler", "exception_message": "CUDA out of memory"}),
        );
        let Some(Event::Failed(error)) = failed else { panic!("an error") };
        assert!(error.message.contains("KSampler") && error.message.contains("--lowvram"), "{error}");
        assert!(of_text("{", own).is_none() && of_text("[]", own).is_none());
    }

    #[test]
    fn previews_are_cut_out_of_their_frames_and_rubbish_is_not() {
        let plain = Bytes::from([&[0, 0, 0, 1, 0, 0, 0, 1][..], &[0xff, 0xd8, 1, 2]].concat());
        assert!(
            matches!(of_bytes(&plain), Some(Event::Preview(picture, "image/jpeg")) if picture[..] == [0xff, 0xd8, 1, 2])
        );
        let with_json = Bytes::from([&[0, 0, 0, 4, 0, 0, 0, 2][..], b"{}", b"\x89PNG"].concat());
        assert!(matches!(of_bytes(&with_json), Some(Event::Preview(_, "image/png"))));
        for rubbish in [&[][..], &[0, 0, 0, 1], &[0, 0, 0, 4, 255, 255, 255, 255, 1], &[0, 0, 0, 1, 0, 0, 0, 1, 9, 9]] {
            assert!(of_bytes(&Bytes::copy_from_slice(rubbish)).is_none(), "{rubbish:?}");
        }
    }
}
