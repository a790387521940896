//! Parses Imagen's answers.

use serde_json::Value;

use crate::contract::{CallPictures, FailureClass, GenerateError};
use crate::providers::google::base64::decode_paid_picture;

/// The pictures of an answer, and why others were filtered.
///
/// # Errors
/// [`FailureClass::Blocked`] when all of them were.
pub fn parse_pictures(answer: &Value, asked: u32) -> Result<CallPictures, GenerateError> {
    let mut call = CallPictures::default();
    for prediction in answer["predictions"].as_array().into_iter().flatten() {
        if let Some(data) = prediction["bytesBase64Encoded"].as_str() {
            call.pictures.push(decode_paid_picture(data)?);
        } else if let Some(reason) = prediction["raiFilteredReason"].as_str() {
            call.filtered.push(reason.to_owned());
        }
    }
    if call.pictures.is_empty() {
        let reason = if call.filtered.is_empty() {
            "no reason was given".to_owned()
        } else {
            call.filtered.join("; ")
        };
        let message = format!(
            "all {asked} pictures were filtered ({reason}). Change the prompt or the references"
        );
        return Err(GenerateError::new(FailureClass::Blocked, message));
    }
    Ok(call)
}
