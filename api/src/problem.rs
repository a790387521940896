//! RFC 9457 problem JSON, the form of every error of every route. Error codes are mapped to
//! statuses here.

use std::any::Any;
use std::time::Duration;

use axum::Json;
use axum::extract::multipart::MultipartError;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_core::{Error, ErrorCode};
use clippy_generate::BudgetRefusal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The default of `Retry-After`.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// `Retry-After` for a full lane, since jobs take longer than requests.
const LANE_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Maps an error code to a status. No other place does.
pub(crate) fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidInput | ErrorCode::InvalidPicture => StatusCode::BAD_REQUEST,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Conflict | ErrorCode::MaybeCharged => StatusCode::CONFLICT,
        ErrorCode::Unsupported | ErrorCode::Blocked => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::Overloaded | ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::OverBudget => StatusCode::PAYMENT_REQUIRED,
        ErrorCode::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn title_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidInput => "Invalid request",
        ErrorCode::InvalidPicture => "Unreadable picture",
        ErrorCode::TooLarge => "Too large",
        ErrorCode::NotFound => "Not found",
        ErrorCode::Forbidden => "Forbidden",
        ErrorCode::Unauthorized => "Key required",
        ErrorCode::Conflict => "Conflict",
        ErrorCode::Unsupported => "Not supported",
        ErrorCode::Overloaded => "Server overloaded",
        ErrorCode::Unavailable => "Service unavailable",
        ErrorCode::Timeout => "Timed out",
        ErrorCode::Blocked => "Blocked by a safety filter",
        ErrorCode::MaybeCharged => "Possibly charged",
        ErrorCode::OverBudget => "Over budget",
        ErrorCode::Internal => "Internal error",
    }
}

/// Returns the detail of a server error, which reveals no internals.
fn public_detail(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Overloaded => {
            "Too many requests are waiting. Try again after the time in Retry-After."
        }
        ErrorCode::Unavailable => {
            "A service that this needs is unavailable. Try again in a few seconds."
        }
        ErrorCode::Timeout => "The request took longer than allowed. Try again, or ask for less.",
        _ => "Something went wrong in the server. Its log has the cause by this error_id.",
    }
}

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// A name for the kind of error: `urn:clippy:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of error in words; the same for every error of this code.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened, why, and what to do.
    detail: String,
    /// The kind of error, for programs: `invalid_input`, `invalid_picture`, `too_large`,
    /// `not_found`, …
    code: String,
    /// For failures of the server: the id by which its log has the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_id: Option<Uuid>,
    /// For a job that is not in the state that the call needs: its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

/// An error that becomes an answer.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    code: &'static str,
    error: Error,
    retry_after: Option<Duration>,
    /// Whether to keep it out of the log, since it was logged already or is not worth it.
    quiet: bool,
    /// The job's state, if that is the reason for the refusal.
    state: Option<&'static str>,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code;
        let retry_after =
            matches!(code, ErrorCode::Overloaded | ErrorCode::Unavailable).then_some(RETRY_AFTER);
        // Overload is counted by the metrics; logging it would flood the log.
        let quiet = code == ErrorCode::Overloaded;
        Self {
            status: status_of(code),
            title: title_of(code),
            code: code.as_str(),
            error,
            retry_after,
            quiet,
            state: None,
        }
    }
}

impl Problem {
    /// Sets `Retry-After`.
    pub(crate) fn retry_after(self, after: Duration) -> Self {
        Self {
            retry_after: Some(after),
            ..self
        }
    }

    /// Like [`Problem::from`], for errors of the job store. A full lane is 429 and not 503, since
    /// only this kind of work is overloaded.
    pub(crate) fn of_job(error: Error) -> Self {
        if error.code != ErrorCode::Overloaded {
            return error.into();
        }
        let problem = Self::from(error).retry_after(LANE_RETRY_AFTER);
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            title: "Queue full",
            ..problem
        }
    }

    /// Adds the state of the job.
    pub(crate) fn in_state(self, state: &'static str) -> Self {
        Self {
            state: Some(state),
            ..self
        }
    }

    /// Keeps the error out of the log, since it was logged already.
    pub(crate) fn quiet(self) -> Self {
        Self {
            quiet: true,
            ..self
        }
    }

    /// Returns the problem of a budget that can never pay for the request (402), or that is used up
    /// for today (429 with `Retry-After` tomorrow).
    pub(crate) fn of_budget(refusal: BudgetRefusal) -> Self {
        let retry_after = refusal.retry_after();
        let problem = Self::from(Error::from(refusal));
        let status = match retry_after {
            Some(_) => StatusCode::TOO_MANY_REQUESTS,
            None => problem.status,
        };
        Self {
            status,
            retry_after,
            ..problem
        }
    }

    /// Returns the detail for the caller. The cause of a server error is logged here once, with the
    /// returned id.
    fn detail(&self) -> (String, Option<Uuid>) {
        let Self {
            status,
            code,
            error,
            quiet,
            ..
        } = self;
        if !status.is_server_error() {
            return (error.message.clone(), None);
        }
        let error_id = Uuid::new_v4();
        let cause = error.source.as_ref().map(ToString::to_string);
        if *quiet {
            tracing::debug!(%error_id, code, %error, "refused");
        } else {
            tracing::error!(%error_id, code, %error, cause, "a request failed");
        }
        let detail = if error.is_disk_full() {
            "The server's disk is full. Its owner must make room there; then try again."
        } else {
            public_detail(error.code)
        };
        (detail.to_owned(), Some(error_id))
    }

    /// Returns the status and the detail, for answers in another form.
    pub(crate) fn status_and_detail(&self) -> (StatusCode, String) {
        (self.status, self.detail().0)
    }

    pub(crate) fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            title: "Unsupported content type",
            code: "unsupported_media_type",
            error: Error::invalid(detail),
            retry_after: None,
            quiet: true,
            state: None,
        }
    }

    /// Returns the problem of a change that was meant for another version (412).
    pub(crate) fn precondition_failed(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::PRECONDITION_FAILED,
            title: "Changed meanwhile",
            code: "precondition_failed",
            error: Error::invalid(detail),
            retry_after: None,
            quiet: true,
            state: None,
        }
    }

    /// Returns the problem of a `Host` header that is not a name of this server (421).
    pub(crate) fn misdirected(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::MISDIRECTED_REQUEST,
            title: "Unknown host",
            code: "misdirected",
            error: Error::invalid(detail),
            retry_after: None,
            quiet: true,
            state: None,
        }
    }

    /// Returns the problem of a body that arrived too slowly. The connection ends with the answer.
    pub(crate) fn request_timeout(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            title: "Body too slow",
            code: "request_timeout",
            error: Error::invalid(detail),
            retry_after: None,
            quiet: true,
            state: None,
        }
    }

    /// Returns the problem of a request whose head cannot be read or is too long.
    pub(crate) fn unreadable_head(status: StatusCode, detail: &str) -> Self {
        Self {
            status,
            ..Self::from(Error::invalid(detail))
        }
    }

    pub(crate) fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            title: "Method not allowed",
            code: "method_not_allowed",
            error: Error::invalid(detail),
            retry_after: None,
            quiet: true,
            state: None,
        }
    }

    /// Converts a rejection of axum's extractors to a problem.
    pub(crate) fn from_rejection(status: StatusCode, detail: String) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Error::new(
                ErrorCode::TooLarge,
                "the body is larger than this route accepts: send a smaller file",
            )
            .into(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::unsupported_media_type(detail),
            status if status.is_server_error() => Error::internal(detail).into(),
            StatusCode::NOT_FOUND => Error::not_found(detail).into(),
            StatusCode::METHOD_NOT_ALLOWED => Self::method_not_allowed(detail),
            status => Self {
                status,
                ..Self::from(Error::invalid(detail))
            },
        }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::from_rejection(rejection.status(), rejection.body_text())
    }
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Self {
        Self::from_rejection(
            error.status(),
            format!("the multipart body cannot be read: {}", error.body_text()),
        )
    }
}

impl Problem {
    fn body(&self) -> ProblemBody {
        let (detail, error_id) = self.detail();
        ProblemBody {
            kind: format!("urn:clippy:problem:{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail,
            code: self.code.to_owned(),
            error_id,
            state: self.state,
        }
    }

    /// Returns the whole response as bytes, for connections without a readable request.
    pub(crate) fn as_http(&self) -> Vec<u8> {
        let body = serde_json::to_string(&self.body()).unwrap_or_default();
        let after = self.retry_after.map_or_else(String::new, |after| {
            format!("retry-after: {}\r\n", after.as_secs().max(1))
        });
        let head = format!(
            "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
             x-content-type-options: nosniff\r\n{after}content-length: {}\r\nconnection: \
             close\r\n\r\n",
            self.status,
            body.len()
        );
        format!("{head}{body}").into_bytes()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.body();
        let Self {
            status,
            retry_after,
            ..
        } = self;
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = retry_after {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(after.as_secs().max(1)),
            );
        }
        if status == StatusCode::REQUEST_TIMEOUT {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"clippy\""),
            );
        }
        response
    }
}

/// Returns the answer of a handler that panicked. The panic's message goes to the log.
pub(crate) fn panic_response(panic: Box<dyn Any + Send + 'static>) -> Response {
    let said = match panic.downcast::<String>() {
        Ok(said) => *said,
        Err(panic) => panic
            .downcast::<&'static str>()
            .map_or_else(|_| "no message".to_owned(), |said| (*said).to_owned()),
    };
    Problem::from(Error::internal(format!("a handler panicked: {said}"))).into_response()
}
