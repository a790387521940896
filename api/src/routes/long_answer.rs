//! Answers of work that may take longer than a request may.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use clippy_core::{Error, Result};
use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use crate::problem::Problem;
use crate::state::AppState;

/// How often an empty line shows that the work goes on.
const SIGN_EVERY: Duration = Duration::from_secs(1);

/// Does work, and answers at once with a body that ends when the work does: empty lines, then one
/// line of JSON, `{"done": …}` or `{"failed": "why"}`. When the caller goes, the work is given up.
pub(super) fn answer_when_done<T: Serialize + Send + 'static>(
    state: &AppState,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Response {
    let task = AbortOnDropHandle::new(tokio::spawn(work));
    let told = state.clone();
    let lines = stream::unfold(Some(task), move |task| {
        let state = told.clone();
        async move {
            let mut task = task?;
            let line = tokio::select! {
                ended = &mut task => {
                    let ended = ended.unwrap_or_else(|error| {
                        Err(Error::internal("the work ended early").with_source(error))
                    });
                    return Some((last_line(&state, ended), None));
                }
                () = tokio::time::sleep(SIGN_EVERY) => "\n".to_owned(),
            };
            Some((Ok::<_, Infallible>(line), Some(task)))
        }
    });
    let stopping = state.stopping().clone().cancelled_owned();
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-ndjson"),
        ),
        // Tells proxies not to buffer the answer.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    let body = Body::from_stream(lines.take_until(Box::pin(stopping)));
    (headers, body).into_response()
}

fn last_line<T: Serialize>(state: &AppState, ended: Result<T>) -> Result<String, Infallible> {
    let answer = ended.and_then(|done| {
        serde_json::to_value(done).map_err(|error| {
            Error::internal("an answer cannot be written as JSON").with_source(error)
        })
    });
    let line: Value = match answer {
        Ok(done) => json!({ "done": done }),
        Err(error) => {
            let (_, detail) = Problem::from(error).status_and_detail();
            json!({ "failed": state.hidden().name_folders(&detail) })
        }
    };
    Ok(format!("{line}\n"))
}
