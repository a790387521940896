//! Gemini's answers: pictures, refusals and blocks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::error::{FailureClass, GenerateError};
use crate::paid_once::CallPictures;

/// The parts of the first candidate that are not thoughts.
fn parts(answer: &Value) -> impl Iterator<Item = &Value> {
    let parts = answer["candidates"][0]["content"]["parts"].as_array();
    parts.into_iter().flatten().filter(|part| part["thought"].as_bool() != Some(true))
}

/// All text that is no thought.
pub fn text(answer: &Value) -> String {
    parts(answer).filter_map(|part| part["text"].as_str()).collect()
}

/// Why there is nothing, where the answer says so.
pub fn block(answer: &Value) -> Option<String> {
    if let Some(reason) = answer["promptFeedback"]["blockReason"].as_str() {
        let more = answer["promptFeedback"]["blockReasonMessage"].as_str().unwrap_or_default();
        return Some(format!("the prompt was blocked: {reason} {more}").trim_end().to_owned());
    }
    let candidate = &answer["candidates"][0];
    let reason = candidate["finishReason"].as_str()?;
    (reason != "STOP" && reason != "MAX_TOKENS").then(|| {
        let more = candidate["finishMessage"].as_str().unwrap_or_default();
        format!("the picture was blocked: {reason} {more}").trim_end().to_owned()
    })
}

/// The picture of an answer.
///
/// # Errors
/// [`FailureClass::Blocked`] with the provider's reason, or its words where it refused in words;
/// [`FailureClass::MaybeCharged`] when the picture cannot be read.
pub fn picture(answer: &Value) -> Result<CallPictures, GenerateError> {
    let data = parts(answer).filter_map(|part| part["inlineData"]["data"].as_str()).last();
    let Some(data) = data else {
        let said: String = text(answer).chars().take(300).collect();
        let reason = block(answer).unwrap_or_else(|| match said.as_str() {
            "" => "the model answered without a picture and without a reason".to_owned(),
            words => format!("the model answered in words: {words}"),
        });
        let message = format!("{reason}. Change the prompt or the references");
        return Err(GenerateError::new(FailureClass::Blocked, message));
    };
    let bytes = STANDARD.decode(data).map_err(|_| {
        GenerateError::maybe_charged("the provider sent a picture that is no base64: it may have been charged")
    })?;
    Ok(CallPictures { pictures: vec![bytes.into()], filtered: Vec::new() })
}
