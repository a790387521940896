//! Removes pictures whose files are gone (`clippy add --prune`).

use clippy_core::Result;
use clippy_core::ids::PointId;
use clippy_core::trash::KeptKind;
use clippy_keeping::Keeper;
use clippy_library::scan::{self, Library};
use serde_json::json;

use crate::ingest::Tools;

/// Pictures that are removed together.
const TOGETHER: usize = 256;

/// Moves pictures to the trash whose files are still gone, and returns their number. `change` is
/// the name of the change, which undoes it, and `by` says who asked for it.
pub(crate) async fn remove(
    tools: &Tools,
    library: &Library,
    (change, by): (&str, Option<&str>),
    gone: &[PointId],
) -> Result<u64> {
    if gone.is_empty() {
        return Ok(0);
    }
    let keeper = Keeper {
        gallery: &*tools.gallery,
        embedder: &*tools.embedder,
        trash: &*tools.trash,
        change,
        by,
    };
    let mut removed = 0;
    for some in gone.chunks(TOGETHER) {
        let back = scan::with_file(library, some).await?;
        let ids: Vec<PointId> = some
            .iter()
            .filter(|id| !back.contains(id))
            .copied()
            .collect();
        removed += keeper.remove(&ids, KeptKind::Deleted).await?;
    }
    keeper.record("prune", removed, json!({})).await?;
    Ok(removed)
}
