//! One part: the points of a range, embedded again.

use clippy_core::gallery::{Filter, With};
use clippy_core::ids::PointId;
use clippy_core::ledger::LineRecord;
use clippy_core::{Error, Result};
use clippy_jobs::{JobContext, JobError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::Range;
use super::renew::{CHUNK, Renewer};
use super::{ReindexTools, stage};
use crate::jobs::account::Account;

/// How far a part is: written with each chunk that the new collection acknowledged.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Cursor {
    account: Account,
    /// Where the next chunk begins; `None` before the first.
    next: Option<PointId>,
}

/// Does a part's points, from where its last run ended; gives its account.
pub(super) async fn run(
    context: &JobContext,
    tools: &ReindexTools,
    range: &Range,
    renewer: &Renewer,
) -> Result<Value, JobError> {
    let live = tools.live.now();
    let mut cursor = context
        .cursor()
        .and_then(|cursor| Cursor::deserialize(cursor).ok())
        .unwrap_or_default();
    loop {
        context.go_on()?;
        let from = cursor.next.unwrap_or(range.begin);
        let mut page = live
            .gallery
            .scroll(&Filter::default(), Some(from), CHUNK, With::PAYLOAD)
            .await?;
        let before = page.points.len();
        page.points
            .retain(|point| range.end.is_none_or(|end| point.id < end));
        let ends_here =
            page.points.len() < before || page.next.is_none_or(|next| range.end == Some(next));
        for (id, outcome) in renewer.renew(page.points).await? {
            let line = range.before + cursor.account.totals.lines;
            cursor.account.add(&LineRecord {
                line,
                id: Some(id),
                outcome,
            });
        }
        let done = cursor.account.totals.lines;
        stage(
            context,
            done.min(range.points),
            Some(range.points),
            "embedding",
        );
        if ends_here {
            break;
        }
        cursor.next = page.next;
        let written = serde_json::to_value(&cursor)
            .map_err(|error| Error::internal("a cursor is no JSON").with_source(error))?;
        context.checkpoint(written).await?;
    }
    let account = serde_json::to_value(cursor.account);
    Ok(account.map_err(|error| Error::internal("an account is no JSON").with_source(error))?)
}
