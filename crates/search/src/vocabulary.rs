//! The words of a collection's tags, cached for a while.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::gallery::{Filter, Gallery, PROPOSED_WORDS_FIELD, TAGS_FIELD};
use clippy_core::search::suggestions::Vocabulary;
use clippy_core::{Error, Result};
use moka::future::Cache;

/// The most tags that are read, those of most pictures first.
const MOST_TAGS: usize = 20_000;
/// How long the words are used. New tags change the suggestions later, and never the results.
const LIFETIME: Duration = Duration::from_secs(60);

/// The words of one collection.
pub(crate) struct VocabularyCache {
    words: Cache<(), Arc<Vocabulary>>,
}

impl Default for VocabularyCache {
    fn default() -> Self {
        Self {
            words: Cache::builder()
                .max_capacity(1)
                .time_to_live(LIFETIME)
                .build(),
        }
    }
}

impl VocabularyCache {
    /// Returns the words. Callers that arrive together read them once.
    ///
    /// # Errors
    /// What the collection reports.
    pub(crate) async fn get(&self, gallery: &dyn Gallery) -> Result<Arc<Vocabulary>> {
        let read = async {
            let every = Filter::default();
            let (tags, proposed) = tokio::try_join!(
                gallery.facet(TAGS_FIELD, &every, MOST_TAGS),
                gallery.facet(PROPOSED_WORDS_FIELD, &every, MOST_TAGS),
            )?;
            let all = tags.iter().chain(&proposed);
            let counted = all.map(|tag| (tag.value.as_str(), tag.count));
            Ok::<_, Error>(Arc::new(Vocabulary::of_tags(counted)))
        };
        let found = self.words.try_get_with((), read).await;
        found.map_err(|error| Error::new(error.code, error.message.clone()))
    }
}
