//! Carries out a bulk change in pages, and continues after a crash.

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

use crate::selection::{Place, Selection};
use crate::{Keeper, Restored};

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCursor {
    place: Place,
    report: ChangeReport,
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
/// twice.
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
    if cursor == ChangeCursor::default() {
        let detail = json!({ "stage": "begun", "request": request });
        keeper.record(action, total, detail).await?;
    }
    while !cursor.place.ended && !observer.is_stopped() {
        work_on_page(&keeper, &selection, request, &mut cursor).await?;
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
    let detail = json!({ "stage": stage, "report": report });
    keeper.record(action, report.changed, detail).await?;
    Ok(report)
}

async fn work_on_page(
    keeper: &Keeper<'_>,
    selection: &Selection<'_>,
    request: &ChangeRequest,
    ChangeCursor { place, report }: &mut ChangeCursor,
) -> Result<()> {
    let template = &request.text_template;
    if request.action == ChangeAction::Restore {
        let (kept, seen) = selection.kept_page(place).await?;
        let restored = keeper.put_back(kept, template).await?;
        report.seen += seen;
        report.changed += restored.restored + restored.lifted;
        report.restored.merge(restored);
        return Ok(());
    }
    let (points, seen) = selection.page(place).await?;
    let ids: Vec<PointId> = points.iter().map(|point| point.id).collect();
    report.seen += seen;
    report.changed += match (request.action, request.edit()) {
        (_, Some(edit)) => keeper.edit(&ids, &edit, template).await?,
        (ChangeAction::Hide, None) => keeper.remove(&ids, KeptKind::Hidden).await?,
        (_, None) => keeper.remove(&ids, KeptKind::Deleted).await?,
    };
    Ok(())
}
