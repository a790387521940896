//! The collection's tags, for autocompletion.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::Result;
use clippy_core::gallery::{FacetCount, Filter, GalleryReader, Origin, TAGS_FIELD};
use tokio::sync::Mutex;

/// How long the counted tags are used, since counting all of them for each typed letter would be
/// too slow.
const KEPT: Duration = Duration::from_secs(60);
/// How many tags are kept. In a larger collection the rarest are not completed.
const MOST: usize = 100_000;

/// A tag, prepared for comparison with typed text.
pub(crate) struct KnownTag {
    counted: FacetCount,
    lower: String,
}

impl From<FacetCount> for KnownTag {
    fn from(counted: FacetCount) -> Self {
        let lower = counted.value.to_lowercase();
        Self { counted, lower }
    }
}

/// Caches all tags with their counts.
#[derive(Default)]
pub(crate) struct KnownTags {
    kept: Mutex<Option<(Instant, Arc<Vec<KnownTag>>)>>,
}

impl KnownTags {
    /// Returns all tags, the most frequent first. Calls during a count wait for its result.
    ///
    /// # Errors
    /// Those of the collection.
    pub(crate) async fn all(&self, gallery: &dyn GalleryReader) -> Result<Arc<Vec<KnownTag>>> {
        // An async lock, since it is held while the collection counts.
        let mut kept = self.kept.lock().await;
        if let Some((counted, tags)) = kept.as_ref()
            && counted.elapsed() < KEPT
        {
            return Ok(Arc::clone(tags));
        }
        let of_gallery = Filter {
            origin: Origin::Gallery,
            ..Filter::default()
        };
        let counted = gallery.facet(TAGS_FIELD, &of_gallery, MOST).await?;
        let tags = Arc::new(counted.into_iter().map(KnownTag::from).collect::<Vec<_>>());
        *kept = Some((Instant::now(), Arc::clone(&tags)));
        Ok(tags)
    }
}

/// Completes a prefix: tags that begin with it, then tags with a word that begins with it, each
/// group with the most frequent first.
pub(crate) fn complete<'t>(
    tags: &'t [KnownTag],
    prefix: &str,
    limit: usize,
) -> Vec<&'t FacetCount> {
    let typed = prefix
        .trim()
        .to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join("_");
    let inside = format!("_{typed}");
    let begins = |tag: &&KnownTag| tag.lower.starts_with(&typed);
    let holds = |tag: &&KnownTag| !tag.lower.starts_with(&typed) && tag.lower.contains(&inside);
    tags.iter()
        .filter(begins)
        .chain(tags.iter().filter(holds))
        .take(limit)
        .map(|tag| &tag.counted)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_with_the_prefix_come_first_then_tags_with_a_word_that_has_it() {
        let tags = [
            "full_moon",
            "moon",
            "Moon_cake",
            "sun",
            "honeymoon",
            "new_moon_face",
        ];
        let tags: Vec<KnownTag> = tags
            .iter()
            .map(|tag| FacetCount {
                value: (*tag).to_owned(),
                count: 1,
            })
            .map(KnownTag::from)
            .collect();
        let found = |prefix: &str, limit| -> Vec<&str> {
            complete(&tags, prefix, limit)
                .into_iter()
                .map(|tag| tag.value.as_str())
                .collect()
        };
        assert_eq!(
            found("mo", 9),
            ["moon", "Moon_cake", "full_moon", "new_moon_face"]
        );
        assert_eq!(found(" MOON ", 3), ["moon", "Moon_cake", "full_moon"]);
        assert_eq!(found("moon  ca", 9), ["Moon_cake"]);
        assert_eq!(found("x", 9), Vec::<&str>::new());
        assert_eq!(found("", 2), ["full_moon", "moon"]);
    }
}
