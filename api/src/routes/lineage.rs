//! `GET /api/lineage`: the generated pictures that used a picture of the gallery.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode};
use clippy_generate::{Lineage, Output};
use clippy_jobs::JobId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::Caller;
use crate::extract::ApiQuery;
use crate::problem::Problem;
use crate::routes::history::visible_entry;
use crate::state::AppState;

/// How many pictures one answer lists.
const MOST: usize = 200;
/// The number of records that are read at a time, and the most that are read for one answer. Many
/// of them may be hidden from the caller.
const AT_ONCE: usize = 500;
const MOST_READ: usize = 20_000;

/// Selects the picture.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LineageQuery {
    /// The id of a picture of the gallery.
    #[serde(rename = "ref")]
    #[param(rename = "ref")]
    reference: String,
}

/// The generated pictures that used a picture of the gallery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineageResponse {
    /// The picture of the gallery.
    #[serde(rename = "ref")]
    #[schema(value_type = u64)]
    reference: PointId,
    /// The generated pictures, newest first, at most 200.
    images: Vec<MadeResponse>,
}

/// A generated picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeResponse {
    /// SHA-256 of the file.
    sha256: String,
    /// Its path on this server.
    url: String,
    /// Its media type.
    media_type: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// How it was generated: prompt, sketch, references with role, weight, source and licence,
    /// provider, model, seed.
    #[schema(value_type = Object)]
    lineage: Lineage,
}

impl MadeResponse {
    fn of(output: Output, folder: &str) -> Self {
        let Output {
            sha256,
            media_type,
            width,
            height,
            lineage,
            ..
        } = output;
        Self {
            sha256,
            url: format!("{folder}/{}", lineage.index),
            media_type,
            width,
            height,
            lineage,
        }
    }
}

/// Lists the caller's generated pictures that used a picture of the gallery. With an admin key,
/// those of all callers.
#[utoipa::path(
    get,
    path = "/api/lineage",
    tag = "generation",
    params(LineageQuery),
    responses(
        (
            status = 200,
            description = "The generated pictures, or an empty list.",
            body = LineageResponse
        ),
        (status = 400, description = "`ref` is not an id."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_lineage(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<LineageQuery>,
) -> Result<Json<LineageResponse>, Problem> {
    let reference: PointId = query.reference.parse()?;
    let mut images = Vec::new();
    // Several pictures may belong to one job, which is looked up only once.
    let mut known: HashMap<String, Option<String>> = HashMap::new();
    let mut listed = HashSet::new();
    let (outputs, mut passed) = (&state.generation().outputs, 0);
    'reading: while passed < MOST_READ {
        let some = outputs.made_from(reference, passed, AT_ONCE).await?;
        passed += AT_ONCE;
        for output in some.outputs {
            if images.len() == MOST {
                break 'reading;
            }
            let Some(job) = output.lineage.job.clone() else {
                continue;
            };
            let folder = match known.get(&job) {
                Some(folder) => folder.clone(),
                None => {
                    let folder = folder_of(&state, &caller, &job).await?;
                    known.insert(job.clone(), folder.clone());
                    folder
                }
            };
            // A picture is recorded again each time it is generated.
            if let Some(folder) = folder
                && listed.insert(output.sha256.clone())
            {
                images.push(MadeResponse::of(output, &folder));
            }
        }
        if !some.more {
            break;
        }
    }
    Ok(Json(LineageResponse { reference, images }))
}

/// Where this caller finds the pictures of a job: at the job, or in the history if the job was
/// dropped. `None` if the caller may not see them.
async fn folder_of(state: &AppState, caller: &Caller, job: &str) -> Result<Option<String>, Error> {
    if let Ok(id) = job.parse::<JobId>() {
        match state.jobs().get(id).await {
            Ok(found) => {
                let folder = format!("/api/jobs/{job}/images");
                return Ok(caller.may_see(&found).then_some(folder));
            }
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    match visible_entry(state, caller, job).await {
        Ok(_) => Ok(Some(format!("/api/history/{job}/pictures"))),
        Err(error) if error.code == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
