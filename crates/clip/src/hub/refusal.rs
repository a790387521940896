//! What the hub's refusals mean, and what to do about each.

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};

use super::announcement::text;
use super::patience::Setback;
use super::repository::Repository;

/// Where tokens are made.
const TOKENS: &str = "https://huggingface.co/settings/tokens";

/// Returns the setback of an answer that another attempt may not get: too many requests, or a fault
/// of the server.
pub(super) fn setback(response: &Response) -> Option<Setback> {
    let status = response.status();
    let is_busy = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    is_busy.then(|| Setback {
        reason: format!("the server answered {status}"),
        asked: clippy_http::retry_after(response.headers()),
        is_unreached: false,
    })
}

/// Whether the repository is there, and has no such file.
pub(super) fn is_missing_file(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::NOT_FOUND && text(headers, "x-error-code") == Some("EntryNotFound")
}

/// Says why the hub refuses a file, and what to do.
pub(super) fn reason(
    repository: &Repository,
    file: &str,
    (status, headers): (StatusCode, &HeaderMap),
    has_token: bool,
) -> String {
    let (id, page, revision) = (repository.id(), repository.page(), repository.revision());
    let code = text(headers, "x-error-code").unwrap_or_default();
    let is_bad_token = text(headers, "x-error-message")
        .is_some_and(|message| message.starts_with("Invalid credentials"));
    match (status.as_u16(), code) {
        (401 | 403, _) if has_token && is_bad_token => format!(
            "the hub does not accept the token. Make a new one at {TOKENS}, and set HF_TOKEN or \
             write it to the file `token` in HF_HOME"
        ),
        (_, "GatedRepo") | (403, _) => {
            let token = if has_token {
                "with the account of your token, which must be allowed to read gated repositories"
            } else {
                "and set HF_TOKEN to a token of that account"
            };
            format!("{id} is gated. Accept its licence at {page}, {token} ({TOKENS})")
        }
        (_, "RevisionNotFound") => {
            format!("{id} has no branch, tag or commit `{revision}`. {page} lists them")
        }
        (404, "EntryNotFound") => format!("{id} has no file {file}"),
        (401, _) if !has_token => format!(
            "there is no public repository {id}. Check the name, or, if it is private, set \
             HF_TOKEN to a token that may read it ({TOKENS})"
        ),
        (401 | 404, _) => format!(
            "there is no repository {id}, or the token may not read it. Check the name at {page}"
        ),
        _ => format!("the server answered {status}"),
    }
}
