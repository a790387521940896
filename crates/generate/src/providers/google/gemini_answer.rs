//! Parses Gemini's answers: pictures, texts, and refusals.

use clippy_common::shorten;
use serde_json::Value;

use super::base64::decode_paid_picture;
use crate::contract::{CallPictures, FailureClass, GenerateError};

/// The parts of all candidates.
fn parts(answer: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    let candidates = answer["candidates"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    candidates.iter().flat_map(|candidate| {
        candidate["content"]["parts"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    })
}

fn is_thought(part: &Value) -> bool {
    part["thought"].as_bool() == Some(true)
}

/// The base64 of a part that is a picture. Some gateways name the field `inline_data`.
fn data(part: &Value) -> Option<&str> {
    part["inlineData"]["data"]
        .as_str()
        .or_else(|| part["inline_data"]["data"].as_str())
}

/// The text of an answer, without thoughts.
pub fn text(answer: &Value) -> String {
    parts(answer)
        .filter(|part| !is_thought(part))
        .filter_map(|part| part["text"].as_str())
        .collect()
}

/// The reason why an answer was blocked, if it was.
pub fn block_reason(answer: &Value) -> Option<String> {
    if let Some(reason) = answer["promptFeedback"]["blockReason"].as_str() {
        let more = answer["promptFeedback"]["blockReasonMessage"]
            .as_str()
            .unwrap_or_default();
        return Some(
            format!("the prompt was blocked: {reason} {more}")
                .trim_end()
                .to_owned(),
        );
    }
    let candidate = &answer["candidates"][0];
    let reason = candidate["finishReason"].as_str()?;
    (reason != "STOP" && reason != "MAX_TOKENS").then(|| {
        let more = candidate["finishMessage"].as_str().unwrap_or_default();
        format!("the picture was blocked: {reason} {more}")
            .trim_end()
            .to_owned()
    })
}

/// The picture of an answer: the last one that is not a thought. If all pictures are thoughts, the
/// last of them is used unless the answer was blocked, because it has been paid for.
///
/// # Errors
/// [`FailureClass::Blocked`] with the provider's reason, or the text of the answer;
/// [`FailureClass::MaybeCharged`] when the picture cannot be decoded.
pub fn parse_picture(answer: &Value) -> Result<CallPictures, GenerateError> {
    let last = |thoughts: bool| {
        parts(answer)
            .rev()
            .filter(|part| is_thought(part) == thoughts)
            .find_map(data)
    };
    let blocked = block_reason(answer);
    let found = last(false).or_else(|| if blocked.is_none() { last(true) } else { None });
    let Some(data) = found else {
        let words = text(answer);
        let reason = blocked.unwrap_or_else(|| match &*shorten(&words, 300) {
            "" => "the model answered without a picture and without a reason".to_owned(),
            words => format!("the model answered with text only: {words}"),
        });
        let message = format!("{reason}. Change the prompt or the references");
        return Err(GenerateError::new(FailureClass::Blocked, message));
    };
    Ok(CallPictures {
        pictures: vec![decode_paid_picture(data)?],
        filtered: Vec::new(),
    })
}
