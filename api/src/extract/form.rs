//! Opens a form whose parts are read one by one.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::Extensions;
use clippy_core::Error;

use super::body::{Admitted, BodyLimits, Held, IncomingBody, Refusal, Unparsed};
use crate::admission::CallerId;
use crate::problem::Problem;
use crate::state::AppState;

/// A form that is being read.
pub(super) struct OpenForm {
    multipart: Multipart,
    refusal: Refusal,
    held: Held,
    extensions: Extensions,
}

impl OpenForm {
    /// Starts reading the body, within the limits of a search's body.
    ///
    /// # Errors
    /// 400 when it is no form, 413 when its announced length is over the limit.
    pub(super) async fn new(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let limits = BodyLimits::new(state.options().search_body_bytes, state.options());
        let who = CallerId::of(&parts.extensions);
        let coming = IncomingBody::new(
            &parts.headers,
            body,
            limits,
            state.admission().bodies(),
            who,
        )
        .await?;
        let (stream, refusal, held) = coming.parts();
        let extensions = parts.extensions.clone();
        let mut request = Request::from_parts(parts, Body::from_stream(stream));
        // The stream has its own limit, so that of the router does not apply.
        DefaultBodyLimit::disable().apply(&mut request);
        let multipart = Multipart::from_request(request, state)
            .await
            .map_err(|rejection| {
                Error::invalid(format!(
                    "the form cannot be read: {}",
                    rejection.body_text()
                ))
            })?;
        Ok(Self {
            multipart,
            refusal,
            held,
            extensions,
        })
    }

    /// Reads the parts, and takes the request's place. Also returns the counted bytes of the body.
    ///
    /// # Errors
    /// Those of `read`, and of a body that is refused; 503 when there is no place.
    pub(super) async fn read<T>(
        mut self,
        read: impl AsyncFnOnce(&mut Multipart, &Unparsed) -> Result<T, Problem>,
    ) -> Result<(T, Admitted), Problem> {
        let found = read(&mut self.multipart, self.refusal.unparsed()).await;
        let found = found.map_err(|problem| self.refusal.take().unwrap_or(problem))?;
        Ok((found, Admitted::new(self.held, &self.extensions)?))
    }
}
