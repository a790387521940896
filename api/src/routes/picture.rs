//! `GET|PATCH|DELETE /api/pictures/{id}`: one picture of the gallery.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use clippy_core::bulk::TEXT_TEMPLATE;
use clippy_core::changes::{ARTIST_FIELD, PictureEdit, SOURCE_FIELD};
use clippy_core::gallery::{POST_URL_FIELD, Payload, RATING_FIELD, With};
use clippy_core::ids::PointId;
use clippy_core::live::Live;
use clippy_core::style_groups::StyleGroups;
use clippy_core::trash::{KeptFilter, KeptKind, KeptPoint};
use clippy_core::{Error, Result};
use clippy_keeping::Keeper;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::bulk::{Rest, refuse_unknown};
use super::payload::public_payload;
use crate::access::Caller;
use crate::extract::ApiJson;
use crate::problem::Problem;
use crate::state::AppState;

/// One picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OnePictureResponse {
    /// A number when the id is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// `in_gallery`, `deleted` or `hidden`.
    state: &'static str,
    /// The manifest's fields.
    #[schema(value_type = Object)]
    payload: Payload,
    /// The id of its style, see `GET /api/styles`; left out where styles are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    style_group: Option<u64>,
    /// The id of the change that removed the picture from the gallery, or of the edit that was just
    /// made.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
    /// Until when the change can be undone, in seconds since 1970; left out without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    restorable_until: Option<u64>,
}

/// Returns one picture of the gallery, or of its trash.
#[utoipa::path(
    get,
    path = "/api/pictures/{id}",
    tag = "search",
    params(("id" = String, Path, description = "The picture's id.")),
    responses(
        (status = 200, description = "The picture.", body = OnePictureResponse),
        (status = 400, description = "An invalid id."),
        (status = 404, description = "The gallery has no such picture."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_picture(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<OnePictureResponse>, Problem> {
    let id: PointId = id.parse()?;
    let (_, live) = state.searcher();
    if let Some(picture) = shown(&state, &live, id).await? {
        return Ok(Json(picture));
    }
    let kept = in_trash(&state, id).await?.ok_or_else(|| unknown(id))?;
    Ok(Json(of_trash(&state, kept)))
}

/// Fields to change. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PictureBody {
    /// All tags of the picture. They replace the present ones.
    tags: Option<Vec<String>>,
    /// Tags to add.
    #[serde(default)]
    add_tags: Vec<String>,
    /// Tags to remove.
    #[serde(default)]
    remove_tags: Vec<String>,
    /// The tags that say how the picture is drawn (`matched_tags`). They are added to its tags.
    style_tags: Option<Vec<String>>,
    /// The content rating. An empty text removes it; this also holds for the fields below.
    rating: Option<String>,
    /// The artist.
    artist: Option<String>,
    /// Where the picture comes from.
    source: Option<String>,
    /// The page that it was posted on.
    source_post_url: Option<String>,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    #[schema(default = json!(TEXT_TEMPLATE))]
    text_template: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

impl PictureBody {
    fn edit(self) -> Result<(PictureEdit, String)> {
        refuse_unknown(&self.rest)?;
        let fields = [
            (RATING_FIELD, self.rating),
            (ARTIST_FIELD, self.artist),
            (SOURCE_FIELD, self.source),
            (POST_URL_FIELD, self.source_post_url),
        ];
        let given = fields.into_iter();
        let given = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let edit = PictureEdit {
            tags: self.tags,
            add_tags: self.add_tags,
            remove_tags: self.remove_tags,
            rename: None,
            style_tags: self.style_tags,
            fields: given.collect::<BTreeMap<_, _>>(),
        };
        edit.check()?;
        let template = self
            .text_template
            .unwrap_or_else(|| TEXT_TEMPLATE.to_owned());
        clippy_core::bulk::check_template(&template)?;
        Ok((edit, template))
    }
}

/// Edits a picture's tags and fields.
///
/// When the tags change, the text vector is computed again, and stored in the same write. A later
/// ingest of the same manifest keeps the edit. `POST /api/pictures/bulk` with `restore` and the
/// answer's `change` undoes it.
#[utoipa::path(
    patch,
    path = "/api/pictures/{id}",
    tag = "admin",
    params(("id" = String, Path, description = "The picture's id.")),
    request_body = PictureBody,
    responses(
        (status = 200, description = "The picture as it is now.", body = OnePictureResponse),
        (status = 400, description = "An invalid id, or a value out of range."),
        (status = 404, description = "The gallery has no such picture."),
        (status = 422, description = "A field that is mistyped or unknown."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn edit_picture(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    ApiJson(body): ApiJson<PictureBody>,
) -> Result<Json<OnePictureResponse>, Problem> {
    let id: PointId = id.parse()?;
    let (edit, template) = body.edit()?;
    let (_, live) = state.searcher();
    let change = Uuid::now_v7().to_string();
    let keeper = keeper(&state, &live, &change, &caller);
    let changed = keeper.edit(&[id], &edit, &template).await?;
    let mut picture = shown(&state, &live, id).await?.ok_or_else(|| unknown(id))?;
    if changed > 0 {
        let detail = json!({ "id": id, "edit": edit });
        keeper.record("edit", changed, detail).await?;
        picture.change = Some(change);
    }
    Ok(Json(picture))
}

/// Deletes a picture.
///
/// It is kept in the trash for 30 days: `POST /api/pictures/bulk` with `restore` puts it back as it
/// was. A file in a folder of the user is not touched; a file that was sent to this server is
/// deleted when the trash is emptied. A later ingest skips the picture.
#[utoipa::path(
    delete,
    path = "/api/pictures/{id}",
    tag = "admin",
    params(("id" = String, Path, description = "The picture's id.")),
    responses(
        (status = 200, description = "The deleted picture.", body = OnePictureResponse),
        (status = 400, description = "An invalid id."),
        (status = 404, description = "The gallery has no such picture."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn delete_picture(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<OnePictureResponse>, Problem> {
    let id: PointId = id.parse()?;
    let (_, live) = state.searcher();
    let change = Uuid::now_v7().to_string();
    let keeper = keeper(&state, &live, &change, &caller);
    let deleted = keeper.remove(&[id], KeptKind::Deleted).await?;
    if deleted > 0 {
        state.listings().clear();
        keeper
            .record("delete", deleted, json!({ "id": id }))
            .await?;
    }
    let kept = in_trash(&state, id).await?.ok_or_else(|| unknown(id))?;
    Ok(Json(of_trash(&state, kept)))
}

fn keeper<'k>(
    state: &'k AppState,
    live: &'k Live,
    change: &'k str,
    caller: &'k Caller,
) -> Keeper<'k> {
    Keeper {
        gallery: &*live.gallery,
        embedder: &*live.embedder,
        trash: state.trash(),
        change,
        by: Some(caller.name()),
    }
}

fn unknown(id: PointId) -> Error {
    Error::not_found(format!("the gallery has no picture {id}"))
}

async fn shown(state: &AppState, live: &Live, id: PointId) -> Result<Option<OnePictureResponse>> {
    let found = live.gallery.retrieve(&[id], With::PAYLOAD).await?;
    let Some(point) = found.into_iter().next() else {
        return Ok(None);
    };
    let head = live.embedder.info().style.as_deref();
    let groups = StyleGroups::read(&*live.gallery, head).await?;
    let group = groups.and_then(|groups| groups.group_of(&point.payload).map(|group| group.id));
    Ok(Some(OnePictureResponse {
        id,
        state: "in_gallery",
        payload: public_payload(&state.options().base_path, id, point.payload),
        style_group: group,
        change: None,
        restorable_until: None,
    }))
}

/// Finds the newest entry of the picture in the trash.
async fn in_trash(state: &AppState, id: PointId) -> Result<Option<KeptPoint>> {
    let filter = KeptFilter {
        ids: Some(vec![id]),
        kinds: vec![KeptKind::Deleted, KeptKind::Hidden],
        ..KeptFilter::default()
    };
    let found = state.trash().list(&filter, 0, 100).await?;
    Ok(found.into_iter().next_back().map(|one| one.kept))
}

fn of_trash(state: &AppState, kept: KeptPoint) -> OnePictureResponse {
    let id = kept.point.id;
    OnePictureResponse {
        id,
        state: kept.kind.name(),
        payload: public_payload(&state.options().base_path, id, kept.point.payload),
        style_group: None,
        change: Some(kept.change),
        restorable_until: kept.until,
    }
}
