//! A run over the gallery: proposes tags for all of its pictures, and accepts them if asked to.

use std::sync::Arc;

use clippy_core::bulk::TagRequest;
use clippy_core::embedding::Embedder;
use clippy_core::gallery::{Filter, Gallery, Origin, Proposed, With};
use clippy_core::trash::Trash;
use clippy_core::{Error, ErrorCode, Result};
use serde_json::json;

use crate::check_takes_proposals;
use crate::observer::{Observer, Stage, TagCursor, TagReport};
use crate::proposing::{PAGE, Proposer};
use crate::record::proposals_of;
use crate::review::{Decision, Reviewed, Reviewer};

/// What a run uses.
#[derive(Clone)]
pub struct TagTools {
    /// The collection.
    pub gallery: Arc<dyn Gallery>,
    /// The model that filled it.
    pub embedder: Arc<dyn Embedder>,
    /// Keeps pictures as they were before proposals became tags.
    pub trash: Arc<dyn Trash>,
}

/// Proposes tags for the pictures of the gallery, and stores the proposals. They replace those of an
/// earlier run. Continues after `cursor`. `change` names the run, by which accepted tags can be undone,
/// and who asked for it.
///
/// # Errors
/// [`ErrorCode::Unsupported`] for a collection of an older schema, or with too few tagged pictures;
/// [`ErrorCode::Conflict`] for one that another model filled; [`ErrorCode::InvalidInput`] for a
/// vocabulary that cannot be read; and those of the collection and the model. Proposals that were
/// stored before an error stay.
pub async fn run(
    tools: &TagTools,
    request: &TagRequest,
    change: (&str, Option<&str>),
    mut cursor: TagCursor,
    observer: &dyn Observer,
) -> Result<TagReport> {
    request.check()?;
    check_collection(tools).await?;
    cursor.report.complete = false;
    if !cursor.accepting {
        let TagTools {
            gallery, embedder, ..
        } = tools;
        let prepared = Proposer::prepare(gallery, &**embedder, request, observer).await?;
        let Some(proposer) = prepared else {
            return Ok(cursor.report);
        };
        if !propose_all(tools, &proposer, &mut cursor, observer).await? {
            return Ok(cursor.report);
        }
    }
    if request.accept && !accept_all(tools, request, change, &mut cursor, observer).await? {
        return Ok(cursor.report);
    }
    observer.progress(
        Stage::Indexing,
        cursor.report.pictures,
        cursor.report.pictures,
    );
    tools.gallery.optimize().await?;
    cursor.report.complete = true;
    Ok(cursor.report)
}

async fn check_collection(tools: &TagTools) -> Result<()> {
    let (collection, model) = (tools.gallery.info().await?, tools.embedder.info());
    check_takes_proposals(&collection)?;
    if collection.fingerprint == model.fingerprint {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Conflict,
        format!(
            "the collection {} was filled by another model than {}: use that model, or reindex",
            collection.name, model.name
        ),
    ))
}

/// Returns whether the end was reached.
async fn propose_all(
    tools: &TagTools,
    proposer: &Proposer,
    cursor: &mut TagCursor,
    observer: &dyn Observer,
) -> Result<bool> {
    let filter = Filter {
        origin: Origin::Gallery,
        ..Filter::default()
    };
    let total = tools.gallery.count(&filter).await?;
    let calibration = &proposer.calibration;
    cursor.report.words = proposer.words() as u64;
    cursor.report.learned_from = calibration.pictures as u64;
    cursor.report.most_for_new_words = calibration.most_for_new_words;
    loop {
        if observer.is_stopped() {
            return Ok(false);
        }
        let page = tools
            .gallery
            .scroll(&filter, cursor.from, PAGE, With::ALL)
            .await?;
        let report = &mut cursor.report;
        report.pictures += page.points.len() as u64;
        for picture in proposer.propose(page.points).await? {
            report.proposed += picture.proposals.len() as u64;
            report.proposed_pictures += u64::from(!picture.proposals.is_empty());
            if let Some(fields) = picture.fields {
                tools.gallery.set_payload(picture.id, fields).await?;
            }
        }
        observer.progress(
            Stage::Proposing,
            report.pictures,
            total.max(report.pictures),
        );
        cursor.from = page.next;
        cursor.accepting = page.next.is_none();
        observer.checkpoint(cursor).await?;
        if cursor.accepting {
            return Ok(true);
        }
    }
}

/// Returns whether the end was reached.
async fn accept_all(
    tools: &TagTools,
    request: &TagRequest,
    (change, by): (&str, Option<&str>),
    cursor: &mut TagCursor,
    observer: &dyn Observer,
) -> Result<bool> {
    let fingerprint = &tools.embedder.info().fingerprint;
    let filter = Filter {
        proposed: Some(Proposed {
            by: fingerprint.clone(),
            words: Vec::new(),
        }),
        ..Filter::default()
    };
    let reviewer = Reviewer::new(
        &*tools.gallery,
        &*tools.embedder,
        &request.text_template,
        (&*tools.trash, change, by),
    );
    let total = tools.gallery.count(&filter).await?;
    let (mut done, mut all) = (0, Reviewed::default());
    let ended = loop {
        if observer.is_stopped() {
            break false;
        }
        let page = tools
            .gallery
            .scroll(&filter, cursor.from, PAGE, With::PAYLOAD)
            .await?;
        done += page.points.len() as u64;
        let decisions = page.points.iter().filter_map(|point| {
            let mut proposals = proposals_of(&point.payload, fingerprint);
            proposals.retain(|proposal| proposal.probability >= request.at_least);
            let accept: Vec<String> = proposals.into_iter().map(|one| one.tag).collect();
            (!accept.is_empty()).then_some(Decision {
                id: point.id,
                accept,
                reject: Vec::new(),
            })
        });
        let reviewed = reviewer.review_existing(decisions.collect()).await?;
        cursor.report.accepted += reviewed.accepted;
        all.accepted += reviewed.accepted;
        all.pictures += reviewed.pictures;
        observer.progress(Stage::Accepting, done.min(total), total);
        cursor.from = page.next;
        observer.checkpoint(cursor).await?;
        if cursor.from.is_none() {
            break true;
        }
    };
    let detail = json!({ "at_least": request.at_least });
    reviewer.record(all, detail).await?;
    Ok(ended)
}
