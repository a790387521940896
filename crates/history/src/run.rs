//! Records what a worker made.

use clippy_core::Result;
use clippy_core::history::{History, HistoryEntry, HistoryInput, HistoryParent, HistoryPicture};
use clippy_generate::{
    GenerateRequest, GenerationMeta, Intake, Output, Receipt, stored_hash, stored_inputs,
};

use crate::facts::MadeFacts;

/// A run whose pictures are stored.
#[derive(Debug)]
pub struct MadeRun<'r> {
    /// The id of its job.
    pub job: &'r str,
    /// Whose job it is.
    pub owner: Option<&'r str>,
    /// When the job was created, in milliseconds since 1970.
    pub at: i64,
    /// What was asked for.
    pub request: &'r GenerateRequest,
    /// How it was made.
    pub meta: &'r GenerationMeta,
    /// How each input was used.
    pub receipt: &'r Receipt,
    /// The stored pictures with the sizes of their files in bytes, by their index.
    pub pictures: &'r [(Output, u64)],
}

/// Records a run. When this returns, the record is on disk.
///
/// # Errors
/// Those of the history.
pub async fn record(history: &dyn History, intake: &Intake, run: &MadeRun<'_>) -> Result<()> {
    let facts = MadeFacts {
        provider: run.meta.provider.clone(),
        model: run.meta.model.clone(),
        mode: run.meta.mode.clone(),
        constructed_prompt: run.meta.constructed_prompt.clone(),
        request: run.request.clone(),
        complete: true,
        receipt: Some(run.receipt.clone()),
    };
    let pictures = (0..).zip(run.pictures);
    let entry = HistoryEntry {
        parent: parent_of(history, run.owner, run.request).await?,
        inputs: inputs_of(intake, run.request).await,
        pictures: pictures
            .map(|(index, (output, size))| picture_of(index, output, *size))
            .collect(),
        ..entry_of(run.job, run.owner, run.at, &facts)?
    };
    history.record(&entry).await
}

/// An entry without pictures, uploads and parent.
pub(crate) fn entry_of(
    id: &str,
    owner: Option<&str>,
    at: i64,
    facts: &MadeFacts,
) -> Result<HistoryEntry> {
    let request = &facts.request;
    let searched = request.query.as_ref().and_then(|query| query.text.clone());
    let references = request.refs.iter().filter_map(|reference| reference.id);
    Ok(HistoryEntry {
        id: id.to_owned(),
        owner: owner.map(str::to_owned),
        at,
        parent: None,
        words: request
            .prompt
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_owned(),
        further_words: searched.unwrap_or_default(),
        styles: request.style_tags.clone(),
        references: references.collect(),
        inputs: Vec::new(),
        facts: facts.to_value()?,
        pictures: Vec::new(),
    })
}

pub(crate) fn picture_of(index: u32, output: &Output, size: u64) -> HistoryPicture {
    HistoryPicture {
        index,
        sha256: output.sha256.clone(),
        media_type: output.media_type.clone(),
        width: output.width,
        height: output.height,
        size,
        seed: output.lineage.seed,
        favourite: false,
    }
}

/// The uploads of a request that are stored.
pub(crate) async fn inputs_of(intake: &Intake, request: &GenerateRequest) -> Vec<HistoryInput> {
    let mut inputs = Vec::new();
    for sha256 in stored_inputs(request) {
        if let Some(size) = intake.size_of(&sha256).await {
            inputs.push(HistoryInput { sha256, size });
        }
    }
    inputs
}

/// The picture that a request goes on from: the one that it names, or else the one whose file was
/// sent as its base.
pub(crate) async fn parent_of(
    history: &dyn History,
    owner: Option<&str>,
    request: &GenerateRequest,
) -> Result<Option<HistoryParent>> {
    if let Some(parent) = &request.parent {
        return Ok(Some(parent.clone()));
    }
    let Some(sha256) = request.base.as_deref().and_then(stored_hash) else {
        return Ok(None);
    };
    let found = history.find_picture(sha256).await?;
    Ok(found
        .filter(|(_, whose)| whose.as_deref() == owner)
        .map(|(parent, _)| parent))
}
