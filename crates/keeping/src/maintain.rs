//! Completes changes that a crash interrupted.

use clippy_core::Result;
use clippy_core::ids::PointId;
use clippy_core::trash::{KeptFilter, KeptKind, KeptState};

use crate::Keeper;

/// Points that are completed together.
const PAGE: usize = 256;

/// Deletes pictures whose deletion was interrupted, and puts back pictures whose restoring was
/// interrupted. Returns how many pictures were completed.
///
/// # Errors
/// Those of the collection, the model and the trash.
pub async fn complete_interrupted(keeper: &Keeper<'_>, template: &str) -> Result<u64> {
    let mut completed = 0;
    for state in [KeptState::Begun, KeptState::Restoring] {
        let filter = KeptFilter {
            kinds: vec![KeptKind::Deleted, KeptKind::Hidden],
            states: vec![state],
            ..KeptFilter::default()
        };
        let mut after = 0;
        loop {
            let page = keeper.trash.list(&filter, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.number;
            completed += page.len() as u64;
            if state == KeptState::Restoring {
                keeper.put_back(page, template).await?;
                continue;
            }
            let ids: Vec<PointId> = page.iter().map(|one| one.kept.point.id).collect();
            keeper.gallery.delete(&ids).await?;
            let numbers: Vec<u64> = page.iter().map(|one| one.number).collect();
            keeper.trash.set_state(&numbers, KeptState::Done).await?;
        }
    }
    Ok(completed)
}
