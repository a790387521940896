//! What a generation's job ends with.

use clippy_core::{Error, Result};
use clippy_generate::{
    GeneratedImage, Generation, GenerationMeta, LineageReference, Output, Outputs,
};
use clippy_jobs::JobError;
use serde::Serialize;
use serde_json::{Value, json};

/// One picture: where it is, and what makes it again.
pub(super) async fn image(
    job: &str,
    index: u32,
    image: &GeneratedImage,
    output: &Output,
    outputs: &Outputs,
) -> Result<Value, JobError> {
    let file = outputs.path_of(output);
    let size = tokio::fs::metadata(&file).await.map_err(|error| {
        tracing::error!(file = %file.display(), %error, "a picture was kept and is not there");
        JobError::from(Error::internal(format!(
            "picture {} was kept and is not there",
            output.sha256
        )))
    })?;
    Ok(json!({
        "index": index,
        "url": format!("/api/jobs/{job}/images/{index}"),
        "sha256": output.sha256,
        "size": size.len(),
        "media_type": output.media_type,
        "width": output.width,
        "height": output.height,
        "seed": image.seed,
    }))
}

/// All of it.
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

/// As JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<Value, JobError> {
    serde_json::to_value(value).map_err(|error| {
        Error::internal("a generation's answer cannot be written as JSON")
            .with_source(error)
            .into()
    })
}
