//! Carries out a bulk change in pages, and continues after a crash.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::changes::{ChangeAction, ChangeRequest};
use clippy_core::embedding::Embedder;
use clippy_core::gallery::Gallery;
use clippy_core::ids::PointId;
use clippy_core::trash::{KeptKind, Trash};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::planned::Planned;
use crate::selection::{Place, Selection};
use crate::{Keeper, Restored};

/// The lines of the journal in which a stage of a change is looked for.
const NEWEST: usize = 200;

/// What a bulk change uses.
#[derive(Clone)]
pub struct ChangeTools {
    /// The collection.
    pub gallery: Arc<dyn Gallery>,
    /// The model that filled it.
    pub embedder: Arc<dyn Embedder>,
    /// Keeps the pictures as they were before the change.
    pub trash: Arc<dyn Trash>,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeReport {
    /// Pictures that were looked at.
    pub seen: u64,
    /// Pictures that changed.
    pub changed: u64,
    /// What a restore did.
    pub restored: Restored,
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeCursor {
    place: Place,
    report: ChangeReport,
    /// What the page that begins at the place will change. After a crash, it tells what was done
    /// but not counted.
    planned: Planned,
}

/// Follows a run.
#[async_trait]
pub trait Observer: Send + Sync {
    /// Receives how many pictures were looked at, and about how many there are.
    fn progress(&self, done: u64, total: u64);

    /// Whether the run should stop after the current page.
    fn is_stopped(&self) -> bool;

    /// Saves where to continue.
    async fn checkpoint(&self, cursor: &ChangeCursor) -> Result<()>;
}

/// Carries out a change, from the cursor on. A page that is repeated after a crash changes nothing
/// twice, and what it changed before the crash is counted.
///
/// # Errors
/// Those of the collection, the model, the trash and the checkpoint.
pub async fn run(
    tools: &ChangeTools,
    request: &ChangeRequest,
    (change, by): (&str, Option<&str>),
    mut cursor: ChangeCursor,
    observer: &dyn Observer,
) -> Result<ChangeReport> {
    let keeper = Keeper {
        gallery: &*tools.gallery,
        embedder: &*tools.embedder,
        trash: &*tools.trash,
        change,
        by,
    };
    crate::complete_interrupted(&keeper, &request.text_template).await?;
    let selection = Selection::new(keeper.gallery, keeper.trash, request);
    let total = selection.total().await?;
    let action = request.action.name();
    if cursor == ChangeCursor::default() && !is_recorded(&keeper, "begun").await? {
        let detail = json!({ "stage": "begun", "request": request });
        keeper.record(action, total, detail).await?;
    }
    let had_ended = cursor.place.ended;
    while !cursor.place.ended && !observer.is_stopped() {
        work_on_page(&keeper, &selection, request, &mut cursor, observer).await?;
        observer.checkpoint(&cursor).await?;
        let seen = cursor.report.seen;
        observer.progress(seen, total.max(seen));
    }
    let report = cursor.report;
    let stage = if cursor.place.ended {
        "done"
    } else {
        "stopped"
    };
    // An earlier run may have been stopped after it had recorded the end.
    if !had_ended || !is_recorded(&keeper, stage).await? {
        let detail = json!({ "stage": stage, "report": report });
        keeper.record(action, report.changed, detail).await?;
    }
    Ok(report)
}

/// Whether the newest lines of the journal have this stage of the change.
async fn is_recorded(keeper: &Keeper<'_>, stage: &str) -> Result<bool> {
    let lines = keeper.trash.journal(None, NEWEST).await?;
    Ok(lines
        .iter()
        .any(|line| line.entry.change == keeper.change && line.entry.detail["stage"] == stage))
}

async fn work_on_page(
    keeper: &Keeper<'_>,
    selection: &Selection<'_>,
    request: &ChangeRequest,
    cursor: &mut ChangeCursor,
    observer: &dyn Observer,
) -> Result<()> {
    let template = &request.text_template;
    let mut place = cursor.place;
    if request.action == ChangeAction::Restore {
        let (kept, seen) = selection.kept_page(&mut place).await?;
        let (count, done) = cursor.planned.put_back(keeper.trash).await?;
        count_restored(&mut cursor.report, count, done);
        cursor.planned = Planned::of_kept(&kept, &keeper.embedder.info().fingerprint);
        note_plan(cursor, observer).await?;
        let restored = keeper.put_back(kept, template).await?;
        count_restored(&mut cursor.report, seen, restored);
    } else {
        let page = selection.page(&mut place).await?;
        let ids: Vec<PointId> = page.changing.iter().map(|point| point.id).collect();
        let done = cursor.planned.changed(keeper).await?;
        cursor.report.seen += count_without(&done, &page.seen);
        cursor.report.changed += count_without(&done, &ids);
        cursor.planned = Planned::of_pictures(ids.clone());
        note_plan(cursor, observer).await?;
        cursor.report.seen += page.seen.len() as u64;
        cursor.report.changed += match (request.action, request.edit()) {
            (_, Some(edit)) => keeper.edit(&ids, &edit, template).await?,
            (ChangeAction::Hide, None) => keeper.remove(&ids, KeptKind::Hidden).await?,
            (_, None) => keeper.remove(&ids, KeptKind::Deleted).await?,
        };
    }
    cursor.place = place;
    cursor.planned = Planned::default();
    Ok(())
}

/// How many of the pictures are not among the others.
fn count_without(pictures: &[PointId], others: &[PointId]) -> u64 {
    let others: HashSet<&PointId> = others.iter().collect();
    let left = pictures.iter().filter(|id| !others.contains(id));
    left.count() as u64
}

fn count_restored(report: &mut ChangeReport, seen: u64, restored: Restored) {
    report.seen += seen;
    report.changed += restored.restored + restored.lifted;
    report.restored.merge(restored);
}

/// Saves what the page will change, before it changes anything.
async fn note_plan(cursor: &ChangeCursor, observer: &dyn Observer) -> Result<()> {
    if cursor.planned == Planned::default() {
        return Ok(());
    }
    observer.checkpoint(cursor).await
}
