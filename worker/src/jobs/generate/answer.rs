//! The result of a `generate` job.

use clippy_core::{Error, Result};
use clippy_generate::{
    GeneratedImage, Generation, GenerationMeta, LineageReference, Output, Outputs,
};
use clippy_jobs::JobError;
use serde::Serialize;
use serde_json::{Value, json};

/// Returns the size of a stored picture's file in bytes.
pub(super) async fn size_of(output: &Output, outputs: &Outputs) -> Result<u64, JobError> {
    let file = outputs.path_of(output);
    let found = tokio::fs::metadata(&file).await.map_err(|error| {
        tracing::error!(file = %file.display(), %error, "the file of a stored picture is missing");
        JobError::from(Error::internal(format!(
            "the file of picture {} is missing",
            output.sha256
        )))
    })?;
    Ok(found.len())
}

/// Returns the entry of one picture in the result: its URL, its file with the size, and its seed.
pub(super) fn image(
    job: &str,
    index: u32,
    image: &GeneratedImage,
    (output, size): (&Output, u64),
) -> Value {
    json!({
        "index": index,
        "url": format!("/api/jobs/{job}/images/{index}"),
        "sha256": output.sha256,
        "size": size,
        "media_type": output.media_type,
        "width": output.width,
        "height": output.height,
        "seed": image.seed,
    })
}

/// Returns the whole result.
pub(super) fn result(
    generation: &Generation,
    meta: &GenerationMeta,
    images: &[Value],
) -> Result<Value, JobError> {
    let references: Vec<LineageReference> = generation
        .references
        .iter()
        .map(|reference| LineageReference {
            role: reference.role,
            weight: reference.weight,
            origin: reference.origin.clone(),
        })
        .collect();
    Ok(json!({
        "images": images,
        "model_used": meta.model.as_deref().unwrap_or(&meta.provider),
        "meta": json(meta)?,
        "lineage": {
            "sketch_sha256": generation.sketch_sha256,
            "query": json(&generation.query)?,
            "references": json(&references)?,
        },
    }))
}

/// Converts a part of the result to JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<Value, JobError> {
    serde_json::to_value(value).map_err(|error| {
        Error::internal("the result of a generation cannot be written as JSON")
            .with_source(error)
            .into()
    })
}
