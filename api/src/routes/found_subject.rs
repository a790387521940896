//! Finds a subject in the gallery for a prompt, for a provider that cannot paint what words name.

use clippy_core::Result;
use clippy_generate::{GenerateRequest, ReferenceInput, Role};
use clippy_search::SearchQuery;

use crate::state::AppState;

/// The weight of a found subject: nothing else says what to show.
const WEIGHT: f32 = 1.0;
/// The letters of a prompt that are searched for; the rest describes details.
const MOST_LETTERS: usize = 500;

/// Adds the picture of the gallery that is closest to the prompt as a subject reference, if the
/// provider needs one. Without a close picture, the request stays as it is.
///
/// # Errors
/// Those of the search, and [`clippy_core::ErrorCode::Unsupported`] for an unknown provider.
pub(super) async fn with_found_subject(
    state: &AppState,
    mut request: GenerateRequest,
) -> Result<GenerateRequest> {
    let providers = &state.generation().providers;
    let provider = providers.get(request.provider.as_deref())?;
    request.validate()?;
    let Some(words) = provider.subject_to_find(&request) else {
        return Ok(request);
    };
    let query = SearchQuery {
        text: Some(words.chars().take(MOST_LETTERS).collect()),
        top: 1,
        ..SearchQuery::default()
    };
    let (searcher, _) = state.searcher();
    let answer = searcher.search(query).await?;
    if answer.nothing_close {
        return Ok(request);
    }
    let Some(best) = answer.hits.into_iter().next() else {
        return Ok(request);
    };
    request.found_subject = Some(best.id);
    request.refs.push(ReferenceInput {
        role: Role::Subject.as_str().to_owned(),
        weight: Some(WEIGHT),
        id: Some(best.id),
        ..ReferenceInput::default()
    });
    Ok(request)
}
