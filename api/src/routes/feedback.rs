//! `POST /api/feedback` and `GET|PATCH|DELETE /api/profile`.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use clippy_core::gallery::{Payload, STYLE_FIELD, With, tags_of};
use clippy_core::ids::PointId;
use clippy_core::preferences::{Action, Feedback, ProfileEdit};
use clippy_core::{Error, Result};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::bulk::{Rest, refuse_unknown};
use crate::access::Caller;
use crate::extract::{ApiJson, ApiQuery, at_most, check_user_id};
use crate::problem::Problem;
use crate::state::AppState;

/// How many tags one call may have, and the longest tag in bytes.
const MOST_TAGS: usize = 256;
const LONGEST_TAG: usize = 200;
/// How many tags or styles a profile may have.
const MOST_TOP: usize = 200;

/// A click or a save.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FeedbackForm {
    /// The artist.
    #[schema(min_length = 1, max_length = 256)]
    user_id: String,
    /// The picture's id: a number, or text.
    #[schema(value_type = String)]
    image_id: PointId,
    /// The artist's action.
    action: ActionName,
    /// The tags that the action was about. The default is the picture's tags.
    #[serde(default, deserialize_with = "at_most::<_, _, 256>")]
    tags: Option<Vec<String>>,
}

/// An artist's action on a picture.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActionName {
    /// Opened the picture.
    Click,
    /// Saved the picture.
    Save,
}

/// The changes of a click or a save.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeedbackResponse {
    /// Always true.
    ok: bool,
    /// How many tags have a new weight.
    updated_tags: usize,
    /// Whether a style has a new weight.
    updated_style: bool,
}

/// Learns from a click or a save. An artist belongs to the key of the call: with another key, the
/// same `user_id` is another artist. Calls without a key and with admin keys share their artists.
#[utoipa::path(
    post,
    path = "/api/feedback",
    tag = "preferences",
    request_body = FeedbackForm,
    responses(
        (status = 200, description = "The action was recorded.", body = FeedbackResponse),
        (status = 400, description = "The request is invalid."),
        (status = 404, description = "No such picture."),
        (status = 422, description = "A field is missing or has the wrong type."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn record_feedback(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(form): ApiJson<FeedbackForm>,
) -> Result<Json<FeedbackResponse>, Problem> {
    let user_id = caller.artist(&check_user_id(&form.user_id)?);
    let id = form.image_id;
    let point = state
        .gallery()
        .retrieve(&[id], With::PAYLOAD)
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| Error::not_found(format!("image_id: the collection has no picture {id}")))?;
    let named = check_tags(form.tags.unwrap_or_default())?;
    let tags = if named.is_empty() {
        tags_of(&point.payload).map(str::to_owned).collect()
    } else {
        named
    };
    let action = match form.action {
        ActionName::Click => Action::Click,
        ActionName::Save => Action::Save,
    };
    let feedback = Feedback {
        user_id,
        image_id: id,
        action,
        tags,
        style: style_of(&point.payload),
    };
    let outcome = state.preferences().record(feedback).await?;
    Ok(Json(FeedbackResponse {
        ok: true,
        updated_tags: outcome.updated_tags,
        updated_style: outcome.updated_style,
    }))
}

/// Returns the style in the manifest. Clippy 0.2 called the field `style_cluster`.
fn style_of(payload: &Payload) -> Option<String> {
    [STYLE_FIELD, "style_cluster"]
        .iter()
        .find_map(|field| match payload.get(*field) {
            Some(Value::String(style)) if !style.trim().is_empty() => Some(style.clone()),
            Some(Value::Number(style)) => Some(style.to_string()),
            _ => None,
        })
}

fn check_tags(tags: Vec<String>) -> Result<Vec<String>> {
    if tags.len() > MOST_TAGS || tags.iter().any(|tag| tag.len() > LONGEST_TAG) {
        return Err(Error::invalid(format!(
            "tags: at most {MOST_TAGS} tags of at most {LONGEST_TAG} bytes are allowed"
        )));
    }
    Ok(tags
        .into_iter()
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .collect())
}

/// Selects a profile.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProfileQuery {
    /// The artist.
    user_id: String,
    /// How many tags and styles, 1..200.
    #[param(default = 20, minimum = 1, maximum = 200)]
    top: Option<usize>,
}

/// The preferences of an artist, the strongest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileResponse {
    /// The artist.
    user_id: String,
    /// Tags and their weights, 0..1.
    #[schema(value_type = HashMap<String, f64>)]
    #[serde(serialize_with = "as_object")]
    tags: Vec<(String, f64)>,
    /// Styles and their weights, 0..1.
    #[schema(value_type = HashMap<String, f64>)]
    #[serde(serialize_with = "as_object")]
    styles: Vec<(String, f64)>,
    /// The number of recorded actions.
    counts: Counts,
}

/// The number of recorded actions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// Clicks.
    clicked: u64,
    /// Saves.
    saved: u64,
}

/// Serialises pairs as an object, in their order.
fn as_object<S: Serializer>(members: &[(String, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(members.len()))?;
    for (name, weight) in members {
        map.serialize_entry(name, weight)?;
    }
    map.end()
}

/// Returns an artist's preferences, learnt from clicks and saves with the same key. An unknown
/// artist has an empty profile.
#[utoipa::path(
    get,
    path = "/api/profile",
    tag = "preferences",
    params(ProfileQuery),
    responses(
        (status = 200, description = "The strongest tags and styles.", body = ProfileResponse),
        (status = 400, description = "The request is invalid."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_profile(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<ProfileQuery>,
) -> Result<Json<ProfileResponse>, Problem> {
    let user_id = check_user_id(&query.user_id)?;
    let top = query.top.unwrap_or(20);
    if top == 0 || top > MOST_TOP {
        return Err(Error::invalid(format!("top is {top}, but must be 1..{MOST_TOP}")).into());
    }
    Ok(Json(profile_of(&state, &caller, user_id, top).await?))
}

async fn profile_of(
    state: &AppState,
    caller: &Caller,
    user_id: String,
    top: usize,
) -> Result<ProfileResponse> {
    let artist = caller.artist(&user_id);
    let profile = state.preferences().profile(&artist, top).await?;
    Ok(ProfileResponse {
        user_id,
        tags: profile.tags,
        styles: profile.styles,
        counts: Counts {
            clicked: profile.clicked,
            saved: profile.saved,
        },
    })
}

/// New weights of an artist's tags and styles.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ProfileBody {
    /// The artist.
    #[schema(min_length = 1, max_length = 256)]
    user_id: String,
    /// Weights by tag, 0..1; null forgets a tag. Up to 256.
    #[serde(default)]
    tags: HashMap<String, Option<f64>>,
    /// Weights by style, 0..1; null forgets a style. Up to 256.
    #[serde(default)]
    styles: HashMap<String, Option<f64>>,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

/// Corrects what was learnt about an artist: sets weights of tags and styles, or forgets them.
#[utoipa::path(
    patch,
    path = "/api/profile",
    tag = "preferences",
    request_body = ProfileBody,
    responses(
        (status = 200, description = "The strongest tags and styles now.", body = ProfileResponse),
        (status = 400, description = "A weight or a name is invalid, or there are too many."),
        (status = 422, description = "A field is missing, unknown or mistyped."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn edit_profile(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(body): ApiJson<ProfileBody>,
) -> Result<Json<ProfileResponse>, Problem> {
    refuse_unknown(&body.rest)?;
    let user_id = check_user_id(&body.user_id)?;
    if body.tags.len() > MOST_TAGS || body.styles.len() > MOST_TAGS {
        let message =
            format!("tags and styles: at most {MOST_TAGS} of each can be changed at once");
        return Err(Error::invalid(message).into());
    }
    let edit = ProfileEdit {
        tags: body.tags,
        styles: body.styles,
    };
    edit.check()?;
    let preferences = state.preferences();
    preferences.edit(&caller.artist(&user_id), edit).await?;
    Ok(Json(profile_of(&state, &caller, user_id, MOST_TOP).await?))
}

/// Selects an artist.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArtistQuery {
    /// The artist.
    user_id: String,
}

/// Forgets everything that was learnt about an artist. The answer is the empty profile.
#[utoipa::path(
    delete,
    path = "/api/profile",
    tag = "preferences",
    params(ArtistQuery),
    responses(
        (status = 200, description = "The empty profile.", body = ProfileResponse),
        (status = 400, description = "The request is invalid."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn reset_profile(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<ArtistQuery>,
) -> Result<Json<ProfileResponse>, Problem> {
    let user_id = check_user_id(&query.user_id)?;
    state.preferences().reset(&caller.artist(&user_id)).await?;
    Ok(Json(profile_of(&state, &caller, user_id, MOST_TOP).await?))
}
