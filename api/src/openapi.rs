//! The OpenAPI document, with the keys that routes need.

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use clippy_core::Error;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::Server;
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::problem::{Problem, ProblemBody};

/// The parts of the document that do not come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Clippy",
        description = "Finds reference pictures in many art styles for a drawing, a picture or \
            words.\n\n\
            Every error is RFC 9457 problem JSON with a `code` for programs and a `detail` for \
            people. An invalid request (broken JSON, a weight that is not a number, a file that \
            is not a picture) is answered 400. A JSON body with a missing or mistyped field, or a \
            valid request that this server cannot fulfil, is answered 422. Failures of the server \
            have an `error_id`, by which its log has the cause. 503 and 429 have \
            `Retry-After`.\n\n\
            `/search/hybrid`, `/image/{id}` and `/images/generate` also work without `/api`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "search", description = "Finding and showing pictures."),
        (
            name = "preferences",
            description = "The preferences of artists, learnt from clicks and saves."
        ),
        (
            name = "boards",
            description = "Named, ordered sets of pictures, with a role, a weight and a note for \
                each."
        ),
        (
            name = "generation",
            description = "Generating pictures from sketches, references and words."
        ),
        (
            name = "history",
            description = "Generated pictures, apart from the jobs that made them."
        ),
        (name = "jobs", description = "Waiting, running and finished jobs, and their events."),
        (
            name = "admin",
            description = "For admins: needs a key of ADMIN_KEYS or, if no keys are set, a call \
                from the same machine."
        ),
        (name = "operations", description = "Tickets, health and metrics.")
    ),
    components(schemas(ProblemBody)),
    modifiers(&SecuritySchemes)
)]
pub(crate) struct ApiDoc;

/// Adds the parts that all routes share: the refusals of bodies and keys, the body of every error,
/// and the server's address.
pub(crate) fn add_common_parts(mut document: Document, base: &str) -> Document {
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.delete,
            &mut item.patch,
        ];
        for operation in operations.into_iter().flatten() {
            let mut common = Vec::new();
            if operation.request_body.is_some() {
                common.extend([
                    ("408", "The body arrived too slowly."),
                    ("413", "The body is too large."),
                    ("415", "The content type is not supported."),
                ]);
            }
            if operation.security.is_some() {
                common.push(("401", "A key is needed."));
                common.push((
                    "503",
                    "Too many requests are waiting, or a service is unavailable; see Retry-After.",
                ));
            }
            let responses = &mut operation.responses.responses;
            // A range covers all of its statuses.
            for (status, description) in common {
                let range = format!("{}XX", &status[..1]);
                if !responses.contains_key(status) && !responses.contains_key(&range) {
                    let refusal = ResponseBuilder::new().description(description).build();
                    responses.insert(status.to_owned(), RefOr::T(refusal));
                }
            }
            for (status, response) in responses {
                if let RefOr::T(response) = response
                    && status.starts_with(['4', '5'])
                    && response.content.is_empty()
                {
                    add_problem(response);
                }
            }
        }
    }
    if !base.is_empty() {
        document.servers = Some(vec![Server::new(base)]);
    }
    document
}

/// Writes the document as JSON. This takes milliseconds, so it is done only once.
pub(crate) fn to_json(document: &Document) -> Result<Bytes, String> {
    serde_json::to_vec(document)
        .map(Bytes::from)
        .map_err(|error| error.to_string())
}

/// Sends the document.
pub(crate) async fn send(written: Result<Bytes, String>) -> Result<impl IntoResponse, Problem> {
    let json = written
        .map_err(|error| Error::internal(format!("the document cannot be written: {error}")))?;
    Ok((
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        json,
    ))
}

/// Says that a response has the body of an error.
fn add_problem(response: &mut Response) {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ProblemBody")))
        .build();
    response
        .content
        .insert("application/problem+json".to_owned(), content.into());
}

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let api_key = ApiKey::Header(ApiKeyValue::new("X-Api-Key"));
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(api_key));
    }
}
