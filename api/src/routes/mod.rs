//! The handlers, one file for each resource.

pub(crate) mod add;
pub(crate) mod admin;
pub(crate) mod backup;
pub(crate) mod boards;
pub(crate) mod bulk;
pub(crate) mod caller_events;
pub(crate) mod change;
pub(crate) mod collection;
mod event_cursor;
mod event_stream;
pub(crate) mod export;
pub(crate) mod facet;
pub(crate) mod feedback;
pub(crate) mod fetch;
mod found_subject;
pub(crate) mod gallery;
pub(crate) mod gallery_counts;
pub(crate) mod generate;
pub(crate) mod generate_body;
pub(crate) mod generate_image;
pub(crate) mod health;
pub(crate) mod history;
mod history_entry;
pub(crate) mod history_files;
mod idempotency;
pub(crate) mod image;
pub(crate) mod import;
pub(crate) mod job_answer;
pub(crate) mod job_events;
pub(crate) mod job_images;
mod job_result;
pub(crate) mod jobs;
pub(crate) mod lineage;
mod long_answer;
pub(crate) mod map;
pub(crate) mod older_answer;
pub(crate) mod older_body;
mod own_picture;
mod payload;
pub(crate) mod picture;
pub(crate) mod pictures;
pub(crate) mod preparing;
pub(crate) mod proposed;
pub(crate) mod providers;
pub(crate) mod queues;
mod receipt;
pub(crate) mod search;
pub(crate) mod stored_file;
pub(crate) mod styles;
pub(crate) mod suggest;
pub(crate) mod tag;
pub(crate) mod tickets;
mod watch;
pub(crate) mod watched;

use axum::http::{Method, Uri};
use clippy_common::shorten;

use crate::problem::Problem;

/// Answers a request without a route.
pub(crate) async fn not_found(method: Method, uri: Uri) -> Problem {
    no_route(&method, uri.path())
}

/// Returns the problem of a path without a route.
pub(crate) fn no_route(method: &Method, path: &str) -> Problem {
    let path = shorten(path, 120);
    clippy_core::Error::not_found(format!(
        "there is no route {method} {path}; /docs lists all routes"
    ))
    .into()
}

/// Answers a request whose route exists, but not for this method.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let path = shorten(uri.path(), 120);
    Problem::method_not_allowed(format!(
        "{path} does not accept {method}; /docs lists its methods"
    ))
}
