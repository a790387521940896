//! Finds the styles that a collection is made of: groups of pictures whose style vectors are near
//! to each other.
//!
//! A run divides a sample ([`sample`]), adds its keys to all pictures ([`assign`]), names the
//! groups ([`names`]), and at last replaces the note. Until then, everything that is shown comes
//! from the run before, so that a run may be stopped or killed at any moment. The next run writes
//! its own keys over those of one that did not end.

mod assign;
mod names;
mod refresh;
mod sample;

use clippy_core::clustering::FEWEST;
use clippy_core::embedding::Embedder;
use clippy_core::gallery::{CollectionInfo, Filter, Gallery, STYLE_GROUPS_SCHEMA_VERSION, Space};
use clippy_core::style_groups::StyleGroups;
use clippy_core::{Error, ErrorCode, Result, styles};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use assign::group_the_rest;
pub use refresh::refresh;
pub(crate) use refresh::{CurrentGroups, carry_over};

/// One run at a time in a process: two would overwrite each other's keys.
static RUNNING: Mutex<()> = Mutex::const_new(());

/// What a run needs.
#[derive(Clone, Copy)]
pub struct Finder<'f> {
    /// The collection.
    pub gallery: &'f dyn Gallery,
    /// The model that filled it.
    pub embedder: &'f dyn Embedder,
    /// Stops the run.
    pub stop: &'f CancellationToken,
    /// Told how many of how many pictures are grouped.
    pub report: &'f (dyn Fn(u64, u64) + Sync),
}

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundStyles {
    /// How many pictures have a style vector.
    pub pictures: u64,
    /// The styles, the largest first.
    pub styles: Vec<FoundStyle>,
}

/// A style that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundStyle {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// How many pictures it has.
    pub count: u64,
}

impl Finder<'_> {
    /// Finds the styles of the collection. With `afresh` the groups that were found before, with
    /// their ids and names, are forgotten. Returns `None` if the run was stopped.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] with what to do for a collection without style vectors, with too
    /// few of them, or of an older schema, and what the collection and the model report.
    pub async fn find(&self, afresh: bool) -> Result<Option<FoundStyles>> {
        let _turn = RUNNING.lock().await;
        let head = self.check().await?;
        let pictures = count_styled(self.gallery).await?;
        if pictures < FEWEST as u64 {
            return Err(unsupported(format!(
                "styles are found among at least {FEWEST} pictures with a style vector, and this \
                 collection has {pictures}: add pictures, or {}",
                styles::FILL
            )));
        }
        let before = StyleGroups::read(self.gallery, Some(&head)).await?;
        let Some(sample) = sample::take(self).await? else {
            return Ok(None);
        };
        let fingerprint = self.embedder.info().fingerprint.clone();
        let run = Uuid::new_v4().simple().to_string()[..8].to_owned();
        let mut found = StyleGroups::new(run, head, fingerprint, pictures);
        if let Some(before) = &before {
            found.next_id = before.next_id;
        }
        let earlier = before.clone().filter(|_| !afresh);
        let found = sample.divide(found, earlier).await?;
        let Some(gathered) = assign::assign_all(self, &found, before.as_ref()).await? else {
            return Ok(None);
        };
        let found = gathered.describe(found);
        let found = names::name(self, found, &gathered).await?;
        if self.stop.is_cancelled() {
            return Ok(None);
        }
        let found = found.replace(self.gallery, afresh).await?;
        // Pictures that were stored meanwhile have keys of the run before.
        group_the_rest(self.gallery, &found, self.stop).await?;
        // The engines move changed points out of their graphs.
        self.gallery.optimize().await?;
        let styles = found.groups.iter().map(|group| FoundStyle {
            id: group.id,
            name: group.name.clone(),
            count: group.count,
        });
        Ok(Some(FoundStyles {
            pictures,
            styles: styles.collect(),
        }))
    }

    /// Checks that groups can be found. Returns the style head.
    async fn check(&self) -> Result<String> {
        let model = self.embedder.info();
        styles::check_search(self.gallery, model).await?;
        let info = self.gallery.info().await?;
        if !takes_groups(&info) {
            let CollectionInfo {
                name,
                schema_version,
                ..
            } = info;
            return Err(unsupported(format!(
                "the collection {name} has version {schema_version} of the schema, and groups \
                 styles from version {STYLE_GROUPS_SCHEMA_VERSION} on: run `clippy migrate`"
            )));
        }
        let head = styles::head_of(self.gallery, model).await?;
        head.ok_or_else(|| Error::internal("a model without a style head passed the check"))
    }
}

fn takes_groups(info: &CollectionInfo) -> bool {
    info.schema_version >= STYLE_GROUPS_SCHEMA_VERSION
}

/// Counts the pictures with a style vector.
async fn count_styled(gallery: &dyn Gallery) -> Result<u64> {
    let lacking = Filter {
        missing_any: vec![Space::Style],
        ..Filter::default()
    };
    let all = gallery.count(&Filter::default()).await?;
    let lacking = gallery.count(&lacking).await?;
    Ok(all.saturating_sub(lacking))
}

fn unsupported(message: String) -> Error {
    Error::new(ErrorCode::Unsupported, message)
}
