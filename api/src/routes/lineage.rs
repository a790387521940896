//! `GET /api/lineage`: what was made from a picture.

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
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// Most pictures that one answer lists.
const MOST: usize = 200;
/// Records that are read at once, and at most, until so many are found that the caller may see.
const AT_ONCE: usize = 500;
const MOST_READ: usize = 20_000;

/// Of which picture.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LineageQuery {
    /// A picture of the gallery.
    #[serde(rename = "ref")]
    #[param(rename = "ref")]
    reference: String,
}

/// What was made from a picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineageResponse {
    /// The picture of the gallery.
    #[serde(rename = "ref")]
    #[schema(value_type = u64)]
    reference: PointId,
    /// What was made from it, the latest first, at most 200.
    images: Vec<MadeResponse>,
}

/// A made picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeResponse {
    /// SHA-256 of the file.
    sha256: String,
    /// Where it is, while its job is remembered.
    url: String,
    /// Its media type.
    media_type: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// Where it came from: prompt, sketch, references with role, weight, source and licence,
    /// provider, model, seed.
    #[schema(value_type = Object)]
    lineage: Lineage,
}

impl MadeResponse {
    fn of(output: Output, job: &str) -> Self {
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
            url: format!("/api/jobs/{job}/images/{}", lineage.index),
            media_type,
            width,
            height,
            lineage,
        }
    }
}

/// The caller's pictures that were made from a picture of the gallery. An admin key sees
/// everybody's.
#[utoipa::path(
    get,
    path = "/api/lineage",
    tag = "generation",
    params(LineageQuery),
    responses(
        (status = 200, description = "What was made from it; nothing is an empty list.", body = LineageResponse),
        (status = 400, description = "`ref` is no id.", body = ProblemBody, content_type = "application/problem+json"),
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
    // Pictures of one job come one after the other: each job is looked up once.
    let mut known: HashMap<String, bool> = HashMap::new();
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
            let is_visible = match known.get(&job) {
                Some(is_visible) => *is_visible,
                None => {
                    let is_visible = is_visible(&state, &caller, &job).await?;
                    known.insert(job.clone(), is_visible);
                    is_visible
                }
            };
            // A picture that was made again is recorded again.
            if is_visible && listed.insert(output.sha256.clone()) {
                images.push(MadeResponse::of(output, &job));
            }
        }
        if !some.more {
            break;
        }
    }
    Ok(Json(LineageResponse { reference, images }))
}

/// Whether this caller may see a picture's job. What belongs to nobody that is known is an admin's.
async fn is_visible(state: &AppState, caller: &Caller, job: &str) -> Result<bool, Error> {
    let Some(owner) = caller.sees() else {
        return Ok(true);
    };
    let Ok(id) = job.parse::<JobId>() else {
        return Ok(false);
    };
    match state.jobs().get(id).await {
        Ok(found) => Ok(found.owner.as_deref() == Some(owner)),
        Err(error) if error.code == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
