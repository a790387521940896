//! Adds pictures to the history that are in the list of outputs only: those of older data folders,
//! and those of jobs that failed after a picture was stored.

use clippy_core::history::HistoryEntry;
use clippy_core::{ErrorCode, Result};
use clippy_generate::{
    GenerateRequest, Intake, Lineage, LineageReference, ListedOutput, Receipt, ReferenceInput,
    stored_name,
};
use clippy_jobs::{Envelope, Job, JobId, JobState, JobStore};
use serde::Deserialize;

use crate::facts::MadeFacts;
use crate::run::{entry_of, inputs_of, picture_of};

/// What a listed picture is.
pub(crate) enum Found {
    /// A picture that the history can have.
    Entry(Box<HistoryEntry>),
    /// Its job is not over, so its worker may be about to record it.
    NotOver,
}

/// The entry of a listed picture. What its job still has is taken from there, the rest from its
/// lineage.
pub(crate) async fn find(
    jobs: &dyn JobStore,
    intake: &Intake,
    listed: &ListedOutput,
) -> Result<Found> {
    let ListedOutput { output, file, .. } = listed;
    let lineage = &output.lineage;
    let job = match lineage.job.as_deref().map(str::parse::<JobId>) {
        Some(Ok(id)) => find_job(jobs, id).await?,
        _ => None,
    };
    if let Some(job) = &job
        && !matches!(
            job.state,
            JobState::Succeeded | JobState::Failed | JobState::Cancelled
        )
    {
        return Ok(Found::NotOver);
    }
    let asked = job
        .as_ref()
        .and_then(|job| Envelope::<GenerateRequest>::read(&job.payload).ok());
    let complete = asked.is_some();
    let request = match asked {
        Some(Envelope { request, .. }) => request,
        None => request_of(intake, lineage).await,
    };
    let receipt = job.as_ref().and_then(|job| job.receipt.as_ref());
    let facts = MadeFacts {
        provider: lineage.provider.clone(),
        model: lineage.model.clone(),
        mode: lineage.mode.clone(),
        constructed_prompt: lineage.constructed_prompt.clone(),
        complete,
        receipt: receipt.and_then(|receipt| Receipt::deserialize(receipt).ok()),
        request,
    };
    let id = lineage.job.as_deref().unwrap_or(&output.sha256);
    let owner = job.as_ref().and_then(|job| job.owner.as_deref());
    Ok(Found::Entry(Box::new(HistoryEntry {
        inputs: inputs_of(intake, &facts.request).await,
        pictures: vec![picture_of(lineage.index, output, file.size)],
        ..entry_of(id, owner, time_of(job.as_ref(), listed), &facts)?
    })))
}

async fn find_job(jobs: &dyn JobStore, id: JobId) -> Result<Option<Job>> {
    match jobs.get(id).await {
        Ok(job) => Ok(Some(job)),
        Err(error) if error.code == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// When a picture was asked for: the ids of jobs begin with the time. If that is not known, when
/// its file was written.
fn time_of(job: Option<&Job>, listed: &ListedOutput) -> i64 {
    if let Some(job) = job {
        return job.created_at.as_millis();
    }
    let id = listed.output.lineage.job.as_deref().unwrap_or_default();
    let time = uuid::Uuid::parse_str(id)
        .ok()
        .and_then(|id| id.get_timestamp());
    time.map_or(listed.file.written_at, |time| {
        let (seconds, nanos) = time.to_unix();
        let millis = seconds.saturating_mul(1_000) + u64::from(nanos / 1_000_000);
        i64::try_from(millis).unwrap_or_default()
    })
}

/// What was asked for, as far as a picture's lineage has it.
async fn request_of(intake: &Intake, lineage: &Lineage) -> GenerateRequest {
    let stored = async |sha256: &str| {
        let size = intake.size_of(sha256).await;
        size.map(|_| stored_name(sha256))
    };
    let mut refs = Vec::new();
    for LineageReference {
        role,
        weight,
        origin,
    } in &lineage.references
    {
        let reference = ReferenceInput {
            role: role.as_str().to_owned(),
            weight: Some(*weight),
            ..ReferenceInput::default()
        };
        if origin.id.is_some() {
            let id = origin.id;
            refs.push(ReferenceInput { id, ..reference });
        } else if let Some(name) = stored(&origin.sha256).await {
            let image_url = Some(name);
            refs.push(ReferenceInput {
                image_url,
                ..reference
            });
        } else if let Some(url) = &origin.source_url {
            let url = Some(url.clone());
            refs.push(ReferenceInput { url, ..reference });
        }
    }
    let sketch = match &lineage.sketch_sha256 {
        Some(sha256) => stored(sha256).await,
        None => None,
    };
    GenerateRequest {
        prompt: Some(lineage.prompt.clone()).filter(|prompt| !prompt.is_empty()),
        refs,
        sketch,
        style_tags: lineage.style_tags.clone(),
        provider: Some(lineage.provider.clone()),
        query: lineage.query.clone(),
        ..GenerateRequest::default()
    }
}
