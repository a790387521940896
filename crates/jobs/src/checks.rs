//! Limits and messages that both stores share.

use std::time::Duration;

use clippy_core::{Error, ErrorCode, Result};
use serde::Serialize;
use serde_json::{Value, json};

use crate::events::{EventKind, MAX_LOG, MAX_PREVIEW};
use crate::record::{JobFailure, JobId, JobKind, Lane, NewChild, NewJob};
use crate::runs::Outcome;

/// Children made in one call at most.
pub(crate) const MAX_CHILDREN: usize = 1_000;

/// The largest result, receipt or checkpoint, in bytes of JSON. Larger data belongs in a file.
const MAX_RESULT: usize = 1024 * 1024;
/// The longest reason of a failure, in characters.
const MAX_REASON: usize = 4_000;

/// How often a worker process may end while it runs a job that makes no progress.
pub(crate) const MAX_LOSSES: u32 = 2;

/// The failure of a job that was delivered as often as allowed, as JSON.
pub(crate) fn delivery_limit() -> String {
    let message = "It was given to a worker as often as allowed, and each time the worker stopped \
                   without reporting an outcome (killed, out of memory, or frozen). Look at the \
                   workers' logs, then retry.";
    json!({"code": ErrorCode::Internal.as_str(), "message": message, "retryable": true}).to_string()
}

/// The failure of a job that ended its worker process too often, as JSON.
pub(crate) fn ended_its_worker(kind: &str) -> String {
    let charged = if kind == JobKind::Generate.as_str() {
        " If its provider was called, that call may have been charged."
    } else {
        ""
    };
    let message = format!(
        "It ended its worker process twice (out of memory, an abort, or a kill), the second time \
         while it ran alone, so it is not run again automatically.{charged} Look at the worker's \
         log, ask for less, or retry."
    );
    json!({"code": ErrorCode::Internal.as_str(), "message": message, "retryable": true}).to_string()
}

pub(crate) fn unknown(id: JobId) -> Error {
    Error::not_found(format!(
        "There is no job {id}: it never was, or it ended so long ago that it was dropped"
    ))
}

pub(crate) fn key_reused(id: &str) -> Error {
    let message = format!(
        "This Idempotency-Key was used for job {id} with another body. Send the same body, or \
         choose a new key"
    );
    Error::new(ErrorCode::Unsupported, message)
}

pub(crate) fn lane_full(lane: Lane, limit: u64) -> Error {
    let message = format!("The {lane} lane is full: {limit} jobs are waiting. Try again later");
    Error::new(ErrorCode::Overloaded, message)
}

pub(crate) fn already_finished(id: JobId, state: &str) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!("Job {id} has already ended ({state}): there is nothing to cancel"),
    )
}

pub(crate) fn not_retryable(id: JobId, state: &str) -> Error {
    let message = format!("Job {id} is {state}: only a failed or cancelled job can be retried");
    Error::new(ErrorCode::Conflict, message)
}

pub(crate) fn parent_ended(id: JobId, state: &str) -> Error {
    let message = format!(
        "Job {id} is a part of a job that is {state}: retry that job, which retries its failed \
         parts"
    );
    Error::new(ErrorCode::Conflict, message)
}

pub(crate) fn stored_json(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|error| Error::internal("a stored value is not JSON").with_source(error))
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal("a value cannot be written as JSON").with_source(error))
}

/// Returns the data of a preview or log event in its stored form.
pub(crate) fn event_data(kind: EventKind, data: &Value) -> Result<String> {
    let text = data.to_string();
    match kind {
        EventKind::Preview if text.len() > MAX_PREVIEW => Err(Error::new(
            ErrorCode::TooLarge,
            format!(
                "A preview is {} bytes, more than {MAX_PREVIEW}: store the picture as a file, and \
                 send its name",
                text.len()
            ),
        )),
        EventKind::Log if text.len() > MAX_LOG => {
            let message: String = data["message"]
                .as_str()
                .unwrap_or_default()
                .chars()
                .take(MAX_LOG / 8)
                .collect();
            Ok(json!({"level": data["level"], "message": format!("{message} …")}).to_string())
        }
        EventKind::Preview | EventKind::Log => Ok(text),
        EventKind::State | EventKind::Progress | EventKind::Done => Err(Error::internal(format!(
            "only the store writes \"{}\" events",
            kind.as_str()
        ))),
    }
}

/// Checks the children, and returns the unit of their weights as JSON.
pub(crate) fn children(unit: &str, children: &[NewChild]) -> Result<String> {
    if children.len() > MAX_CHILDREN {
        return Err(Error::internal(format!(
            "{} children in one call: at most {MAX_CHILDREN}",
            children.len()
        )));
    }
    if let Some(big) = children
        .iter()
        .find(|child| child.payload.to_string().len() > NewJob::MAX_PAYLOAD)
    {
        return Err(Error::new(
            ErrorCode::TooLarge,
            format!("The part \"{}\" has too large a payload", big.key),
        ));
    }
    to_json(&unit)
}

/// Returns a result, receipt or checkpoint in its stored form, if it is not too large.
pub(crate) fn bounded(what: &str, value: &Value) -> Result<String> {
    let text = value.to_string();
    if text.len() > MAX_RESULT {
        let message = format!(
            "The job's {what} is {} bytes, more than {MAX_RESULT}: store it as a file, and give \
             its name",
            text.len()
        );
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    Ok(text)
}

fn failure(failure: &JobFailure) -> Result<String> {
    if failure.message.chars().count() <= MAX_REASON {
        return to_json(failure);
    }
    let message: String = failure
        .message
        .chars()
        .take(MAX_REASON)
        .chain(" …".chars())
        .collect();
    to_json(&JobFailure {
        message,
        ..failure.clone()
    })
}

/// Returns an outcome in its stored form: its name, its result or failure, the receipt, the delay.
pub(crate) fn outcome(outcome: &Outcome) -> Result<(&'static str, String, String, Duration)> {
    let none = String::new;
    Ok(match outcome {
        Outcome::Succeeded { result, receipt } => {
            let receipt = receipt
                .as_ref()
                .map(|receipt| bounded("receipt", receipt))
                .transpose()?;
            (
                "succeeded",
                bounded("result", result)?,
                receipt.unwrap_or_default(),
                Duration::ZERO,
            )
        }
        Outcome::WaitForChildren => ("wait", none(), none(), Duration::ZERO),
        Outcome::Failed(reason) => ("failed", failure(reason)?, none(), Duration::ZERO),
        Outcome::Cancelled => ("cancelled", none(), none(), Duration::ZERO),
        Outcome::Retry {
            delay,
            failure: reason,
        } => ("retry", failure(reason)?, none(), *delay),
        Outcome::Later { delay } => ("later", none(), none(), *delay),
    })
}
