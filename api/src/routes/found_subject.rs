//! Finds a subject in the gallery for a prompt, for a provider that cannot paint what words name.

use clippy_core::Result;
use clippy_core::gallery::tags_of;
use clippy_core::ids::PointId;
use clippy_core::search::fusion::Hit;
use clippy_core::search::lexical::LexicalQuery;
use clippy_generate::{GenerateRequest, NamedSubject, ReferenceInput, Role};
use clippy_search::SearchQuery;

use crate::state::AppState;

/// The weight of a found subject: nothing else says what to show.
const WEIGHT: f32 = 1.0;
/// The letters of a prompt that are searched for; the rest describes details.
const MOST_LETTERS: usize = 500;
/// How many of the pictures that are closest to the whole prompt are looked at for one that is
/// tagged with its subject.
const CLOSEST: usize = 50;

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
    let Some(subject) = provider.subject_to_find(&request) else {
        return Ok(request);
    };
    let Some(found) = find(state, &subject).await? else {
        return Ok(request);
    };
    request.found_subject = Some(found);
    request.refs.push(ReferenceInput {
        role: Role::Subject.as_str().to_owned(),
        weight: Some(WEIGHT),
        id: Some(found),
        ..ReferenceInput::default()
    });
    Ok(request)
}

/// Finds a picture that shows the subject: the closest one that is tagged with its name, or else the
/// closest one to the name alone, if that is close. The other words of the prompt alone, such as
/// "red", make no picture a subject.
async fn find(state: &AppState, subject: &NamedSubject) -> Result<Option<PointId>> {
    let (searcher, _) = state.searcher();
    let asked = |text: &str, top| SearchQuery {
        text: Some(text.chars().take(MOST_LETTERS).collect()),
        top,
        ..SearchQuery::default()
    };
    let closest = searcher.search(asked(&subject.prompt, CLOSEST)).await?;
    for name in &subject.names {
        if let Some(hit) = closest.hits.iter().find(|hit| is_tagged(hit, name)) {
            return Ok(Some(hit.id));
        }
    }
    for name in &subject.names {
        let answer = searcher.search(asked(name, 1)).await?;
        let is_close = !answer.nothing_close;
        if let Some(hit) = answer.hits.into_iter().next().filter(|_| is_close) {
            return Ok(Some(hit.id));
        }
    }
    Ok(None)
}

/// Whether one of the words of a picture's tags is this name, in any number.
fn is_tagged(hit: &Hit, name: &str) -> bool {
    let forms = LexicalQuery::new(name).tags();
    tags_of(&hit.payload).any(|tag| {
        let words = LexicalQuery::new(&tag.replace('_', " "));
        words.tags().iter().any(|word| forms.contains(word))
    })
}
