//! Sends a file that is stored by its content, so that it never changes under its address.

use std::fs::File;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_core::pictures::PictureContent;
use clippy_core::{Error, Result};

use crate::admission::CallerId;
use crate::problem::Problem;
use crate::routes::image::{PICTURE_POLICY, cache_control, matches};
use crate::sending::body_of;
use crate::state::AppState;

/// The headers of an answer with such a file, whether the file itself is sent or not.
pub(crate) struct StoredFileAnswer {
    always: [(header::HeaderName, HeaderValue); 2],
}

impl StoredFileAnswer {
    /// # Errors
    /// `Internal` when the hash is no valid header.
    pub(crate) fn new(state: &AppState, sha256: &str) -> Result<Self> {
        let etag = HeaderValue::from_str(&format!("\"{sha256}\""))
            .map_err(|error| Error::internal("a hash is not a valid header").with_source(error))?;
        Ok(Self {
            always: [
                (header::ETAG, etag),
                (header::CACHE_CONTROL, cache_control(state, true)),
            ],
        })
    }

    /// Whether the caller has the file already (`If-None-Match`).
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let [(_, etag), _] = &self.always;
        let mut given = headers.get_all(header::IF_NONE_MATCH).iter();
        given.any(|given| matches(given, etag))
    }

    /// 304, for a caller that has the file.
    pub(crate) fn not_modified(self) -> Response {
        (StatusCode::NOT_MODIFIED, self.always).into_response()
    }

    /// 200 with the file.
    ///
    /// # Errors
    /// 503 when too many files are being sent.
    pub(crate) fn send(
        self,
        state: &AppState,
        who: CallerId,
        file: File,
        length: u64,
        media_type: &'static str,
    ) -> Result<Response, Problem> {
        let place = state.admission().send_file(who)?;
        let shown = [
            (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
            (
                header::CONTENT_DISPOSITION,
                HeaderValue::from_static("inline"),
            ),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(PICTURE_POLICY),
            ),
            (header::CONTENT_LENGTH, HeaderValue::from(length)),
        ];
        let body = body_of(PictureContent::File(file, length), Some(place));
        Ok((self.always, shown, body).into_response())
    }
}
