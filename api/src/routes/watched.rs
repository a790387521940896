//! `/api/admin/watch`: lists the watched folders, and switches watching on and off.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use clippy_core::Error;
use clippy_core::watching::{WatchSwitch, WatchedFolder, WatchedState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bulk::{Rest, refuse_unknown};
use crate::extract::ApiJson;
use crate::folders::Folders;
use crate::problem::Problem;
use crate::state::AppState;

/// The watched folders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WatchResponse {
    /// In the order of their paths.
    folders: Vec<WatchedFolderResponse>,
}

/// One watched folder.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WatchedFolderResponse {
    /// Its absolute path.
    path: String,
    /// `starting`, `events` (the system reports changes), `polling` (looked at now and then),
    /// `away` (its drive seems to be away) or `off`.
    #[schema(value_type = String)]
    state: WatchedState,
    /// Why it is in this state, where that is not obvious.
    reason: Option<String>,
    /// When changes were found last, in seconds since 1970; null before the first ones.
    last_change: Option<u64>,
    /// Why its last job failed; null after one that succeeded.
    last_error: Option<String>,
    /// The job that adds its changes, while one does.
    job: Option<String>,
}

/// Which folder to watch, or to watch no more.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct WatchBody {
    /// The folder. It must be in `IMAGES_ROOT`, `DATA_DIR`, or a folder that was added before.
    path: String,
    /// Whether to watch it.
    on: bool,
    /// Whether the names of its sub-folders become tags and styles. Without this field, it stays as
    /// it is.
    tags_from_folders: Option<bool>,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

impl From<WatchedFolder> for WatchedFolderResponse {
    fn from(folder: WatchedFolder) -> Self {
        Self {
            path: folder.path,
            state: folder.state,
            reason: folder.reason,
            last_change: folder.last_change,
            last_error: folder.last_error,
            job: folder.job,
        }
    }
}

/// Lists the watched folders, with their states.
#[utoipa::path(
    get,
    path = "/api/admin/watch",
    tag = "admin",
    responses(
        (status = 200, description = "The folders.", body = WatchResponse),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_watched(
    State(state): State<AppState>,
) -> Result<Json<WatchResponse>, Problem> {
    let folders = state.watching().list().await?;
    Ok(Json(WatchResponse {
        folders: folders.into_iter().map(Into::into).collect(),
    }))
}

/// Switches the watching of a folder on or off. While it is on, new and changed pictures are added,
/// and those whose files are gone are marked. It stays switched after a restart.
#[utoipa::path(
    post,
    path = "/api/admin/watch",
    tag = "admin",
    request_body = WatchBody,
    responses(
        (status = 200, description = "The folder.", body = WatchedFolderResponse),
        (
            status = 400,
            description = "A path that does not exist or is not a folder, or one folder too many."
        ),
        (
            status = 403,
            description = "A path outside the folders of this server; `detail` says what to do."
        ),
        (status = 422, description = "A field that is missing, mistyped or unknown."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn switch_watching(
    State(state): State<AppState>,
    ApiJson(body): ApiJson<WatchBody>,
) -> Result<Json<WatchedFolderResponse>, Problem> {
    refuse_unknown(&body.rest)?;
    let given = body.path.trim().to_owned();
    let switch = WatchSwitch {
        on: body.on,
        tags_from_folders: body.tags_from_folders,
    };
    // A folder of the list is switched although its drive may be away.
    let listed = state.watching().list().await?;
    let path = if listed.iter().any(|folder| folder.path == given) {
        PathBuf::from(given)
    } else {
        find(&state, given).await?
    };
    let folder = state.watching().switch(&path, switch).await?;
    Ok(Json(folder.into()))
}

async fn find(state: &AppState, given: String) -> Result<PathBuf, Problem> {
    let recorded = state.gallery().info().await?.roots;
    let served = Folders::of(state.options());
    let found = served.run(move |folders| {
        let path = folders.pictures(&given, &recorded)?;
        if path.is_dir() {
            Ok(path)
        } else {
            Err(Error::invalid(format!(
                "\"{given}\" is not a folder: only folders are watched"
            )))
        }
    });
    Ok(found.await?)
}
