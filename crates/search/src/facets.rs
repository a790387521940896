//! The tags and styles that the best hits have in common.

use clippy_core::Result;
use clippy_core::gallery::{
    Filter, GalleryReader, STYLE_GROUP_FIELD, STYLE_TAGS_FIELD, TAGS_FIELD,
};
use clippy_core::ids::PointId;
use clippy_core::search::fusion::Hit;
use clippy_core::style_groups::StyleGroups;

use crate::answer::{Facets, GroupCount};

/// Facets are counted over this many of the best hits.
pub const FACET_POOL: usize = 200;
/// The most values of a facet in an answer.
const MOST_FACET_VALUES: usize = 40;
/// More keys of groups than pictures can have: those of two runs.
const MOST_KEYS: usize = 2_000;

/// Counts the tags and styles of the best hits.
pub(crate) async fn count_facets<G>(
    gallery: &G,
    hits: &[Hit],
    groups: Option<&StyleGroups>,
) -> Result<Facets>
where
    G: GalleryReader + ?Sized,
{
    let ids: Vec<PointId> = hits.iter().take(FACET_POOL).map(|hit| hit.id).collect();
    let of = ids.len();
    if ids.is_empty() {
        return Ok(Facets::default());
    }
    let filter = Filter {
        only_ids: Some(ids),
        ..Filter::default()
    };
    let (styles, mut tags) = tokio::try_join!(
        gallery.facet(STYLE_TAGS_FIELD, &filter, MOST_FACET_VALUES),
        gallery.facet(TAGS_FIELD, &filter, 2 * MOST_FACET_VALUES),
    )?;
    // Styles are also among the tags: each is listed once.
    tags.retain(|tag| !styles.iter().any(|style| style.value == tag.value));
    tags.truncate(MOST_FACET_VALUES);
    let style_groups = match groups {
        None => Vec::new(),
        Some(groups) => {
            let keys = gallery.facet(STYLE_GROUP_FIELD, &filter, MOST_KEYS).await?;
            let counts = groups.counts(&keys).into_iter();
            counts
                .map(|(group, count)| GroupCount {
                    id: group.id,
                    name: group.name.clone(),
                    count,
                })
                .collect()
        }
    };
    Ok(Facets {
        of,
        tags,
        styles,
        style_groups,
    })
}
