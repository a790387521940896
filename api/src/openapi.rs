//! The document that describes all routes, and the keys that they take.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// Everything of the document that is not said by the routes themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Clippy",
        description = "Finds reference pictures in many art styles for a drawing, a picture or words.\n\n\
            Every error is RFC 9457 problem JSON with a `code` for programs and a `detail` for people. What cannot \
            work as it is (broken JSON, a weight that is no number, a file that is no picture) is 400; a JSON body \
            with a missing or mistyped field, or something understood that cannot be honoured here, is 422. Failures \
            of the server carry an `error_id`, under which its log has the cause. 503 and 429 come with `Retry-After`.\n\n\
            `/search/hybrid`, `/image/{id}` and `/images/generate` also work without `/api`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "search", description = "Finding and showing pictures."),
        (name = "preferences", description = "What clicks and saves say about an artist."),
        (name = "generation", description = "Making pictures from sketches, references and words."),
        (name = "jobs", description = "Slow work: what waits, runs and has ended, and what happens while it runs."),
        (name = "admin", description = "For who runs the server: needs a key of ADMIN_KEYS, or without any, a call from the same machine."),
        (name = "operations", description = "Health and metrics.")
    ),
    modifiers(&Keys)
)]
pub(crate) struct ApiDoc;

struct Keys;

impl Modify for Keys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let api_key = ApiKey::Header(ApiKeyValue::new("X-Api-Key"));
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(api_key));
    }
}
