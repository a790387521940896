//! What a generation's job carries: the request, with the names of its pictures.

use clippy_core::ErrorCode;
use clippy_core::bulk::PAYLOAD_VERSION;
use clippy_generate::GenerateRequest;
use clippy_jobs::{JobContext, JobError};
use serde::Deserialize;

#[derive(Deserialize)]
struct Payload {
    request: GenerateRequest,
}

/// The request of a job.
pub(super) fn read(context: &JobContext) -> Result<GenerateRequest, JobError> {
    let payload = &context.job().payload;
    if let Some(version) = payload["version"]
        .as_u64()
        .filter(|version| *version > PAYLOAD_VERSION)
    {
        let message = format!(
            "This job was made by a newer Clippy (payload {version}, this worker reads up to \
             {PAYLOAD_VERSION}): update the workers, then retry it"
        );
        return Err(JobError::permanent(ErrorCode::Unsupported, message));
    }
    let Payload { request } = Payload::deserialize(payload).map_err(|error| {
        let message =
            format!("The job's parameters cannot be understood: {error}. Ask for it again");
        JobError::permanent(ErrorCode::InvalidInput, message)
    })?;
    Ok(request)
}
