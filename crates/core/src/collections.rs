//! The physical collections behind one public name, and how the live one is replaced without a
//! pause.
//!
//! A re-index builds a collection beside the live one, catches up with the writes that happened
//! meanwhile, and makes it the live one in one atomic step. The previous live collection is kept
//! for a rollback. Its list of changes is kept, too, so that a rollback loses no later write.
//!
//! ```text
//! begin_beside ─→ copy, re-embedded ─→ changes … changes ─→ pause_writes ─→ changes (few) ─→ switch ─→ unpaused
//! ```
//!
//! # What an implementation promises
//!
//! 1. **One live collection.** At any moment, also after a kill, exactly one physical collection is
//!    live, and it is complete.
//! 2. **No change is missed.** From before [`Collections::begin_beside`] returns, every write to
//!    the live collection that is acknowledged has its ids in the [`Collections::changes`] of every
//!    follower (the collection that is being built, and the one from before). Ids may be there that
//!    did not change; recording comes *before* the write itself.
//! 3. **Writers never mix models.** A write to a collection that is no longer live is refused with
//!    [`ErrorCode::Unavailable`](crate::ErrorCode::Unavailable). A retry uses the new pair of model
//!    and collection ([`crate::live`]). Only [`Collections::open`] gives a handle that writes to a
//!    collection that is not live.
//! 4. **Searchers never mix models.** A gallery handle always uses its *physical* collection, never
//!    the alias. So a searcher that holds a model and its gallery keeps working after a switch, as
//!    long as the old collection exists.
//!
//! # The way for a Qdrant server
//!
//! - Physical collections are named `<collection>@<model>-<n>` ([`physical_name`]), and the public
//!   name is an alias. [`Collections::switch`] is one `update_aliases` call with *delete alias* and
//!   *create alias* together, which the server carries out as one change.
//! - **A physical collection with the public name itself** (made by Clippy 0.2) cannot be replaced
//!   by an alias: an alias may not have the name of a collection, and the collection must stay for
//!   the rollback. Therefore the live collection has an alias of its own, `<collection>@live`.
//!   Clippy resolves it first, then the alias `<collection>`, then the collection `<collection>`. A
//!   switch sets `<collection>@live` and, unless a collection has that name, `<collection>` too, in
//!   the same call. So the first re-index of an adopted collection switches without renaming or
//!   deleting anything, and Clippy itself never asks for a name that is missing. When the adopted
//!   collection is dropped ([`Collections::drop_old`]), an alias takes over its name right after
//!   the deletion. Other programs, which know only the public name, see the old pictures until the
//!   drop and the new ones after it, with one short gap in between.
//! - **Roles, models and the list of changes** are kept on the server, so that any process finds
//!   them. A collection's role, the source of its model, its owner and its followers are collection
//!   metadata. Changed ids are points (payload only) of a small collection `<own name>@changes` for
//!   each follower. A changed id has one point there, with a mark that is new at every write. It is
//!   removed by that mark, so an id that was written again meanwhile stays. A writer records ids
//!   there before it writes.
//! - **Late notice.** A writer in another process learns late of a follower, a pause or a switch.
//!   So it reads the metadata of its collection again after the write and *before it acknowledges*.
//!   If writing was paused meanwhile or a follower was added, it records the ids again. If another
//!   collection became the live one, it reports that nothing was written. Nobody has to wait for
//!   running writes; the wait of [`NOTICE_WITHIN`] is for all nodes of a cluster to see a mark. A
//!   pause ends by itself, so that a killed re-index blocks nobody, and `switch` refuses when
//!   little of the pause is left.
//! - **Following a switch.** Every process polls [`Collections::live`] (one call that lists
//!   aliases) once every [`NOTICE_WITHIN`], loads the new collection's model from its recorded
//!   source, opens its gallery, and replaces its pair. Until then it answers with the old model
//!   from the old collection, which exists until it is dropped.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::embedding::{Embedder, ModelInfo};
use crate::gallery::Gallery;
use crate::ids::PointId;

/// How old a process's knowledge of collections and pauses may be, where several processes share a
/// collection.
pub const NOTICE_WITHIN: Duration = Duration::from_secs(2);

/// Names a model as the settings do. Without both fields it is the bundled one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelSource {
    /// `MODEL_NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `PRETRAINED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained: Option<String>,
}

/// Loads models by their source.
#[async_trait]
pub trait Models: Send + Sync + 'static {
    /// Returns the model in the settings, which is used when the collection records none.
    fn configured(&self) -> ModelSource;

    /// Loads a model. While a loaded model is in use, another call returns the same one.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] or `NotFound` when there is no such model, with what to
    /// do about it.
    async fn load(&self, source: &ModelSource) -> Result<Arc<dyn Embedder>>;
}

/// The role of a physical collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Searches and writes go to it.
    Live,
    /// A re-index fills it.
    Building,
    /// It was live before the last switch, and is kept for a rollback.
    Previous,
}

/// One physical collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhysicalCollection {
    /// Its own name, never reused: [`physical_name`], or the public name for the first one.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// The source of its model, for [`Models::load`]; `None` for an older collection that did not
    /// record it. Then it is the model in the settings.
    pub source: Option<ModelSource>,
    /// Fingerprint of the model that fills it.
    pub fingerprint: String,
    /// The id of the job that builds it. Empty unless [`Role::Building`].
    pub owner: String,
}

/// A position in a follower's list of changes.
pub type ChangePosition = u64;

/// A page of the changes that a follower has to catch up with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Points of the live collection that were, or may have been, written or deleted; each once.
    pub ids: Vec<PointId>,
    /// Pass it to [`Collections::mark_caught_up`] when these changes are stored, and to
    /// [`Collections::changes`] for the next page.
    pub next: ChangePosition,
    /// Whether there are changes after `next` already.
    pub more: bool,
}

/// While this exists, writes to the live collection wait. Earlier writes have ended.
pub trait WritePause: Send + Sync {}

/// The physical collections behind one public name. The module's documentation lists the promises.
#[async_trait]
pub trait Collections: Send + Sync + 'static {
    /// Returns all collections, the live one first.
    async fn list(&self) -> Result<Vec<PhysicalCollection>>;

    /// Returns the live collection. This is cheap, since processes that follow switches poll it.
    async fn live(&self) -> Result<PhysicalCollection>;

    /// Opens a collection by its own name: for reading, and for the writes of the job that builds
    /// it or catches it up. Writes through a handle of the live collection are recorded as changes,
    /// and refused after a switch.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] when there is none of this name.
    async fn open(&self, name: &str) -> Result<Arc<dyn Gallery>>;

    /// Makes an empty collection for this model beside the live one, and records the live one's
    /// changes from now on. When one is being built for the same model already, it is continued
    /// with its list of changes. One for another model is a leftover, and is dropped.
    async fn begin_beside(
        &self,
        model: &ModelInfo,
        source: &ModelSource,
        owner: &str,
    ) -> Result<PhysicalCollection>;

    /// Returns the changes that a follower has to catch up with, oldest first, from `after` on
    /// (`None`: from the last position given to [`Collections::mark_caught_up`]), at most about
    /// `limit` ids.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] when it follows nothing.
    async fn changes(
        &self,
        name: &str,
        after: Option<ChangePosition>,
        limit: usize,
    ) -> Result<Changes>;

    /// Records that all changes up to here are stored. A kill may lose this record; catching up
    /// twice is harmless.
    async fn mark_caught_up(&self, name: &str, position: ChangePosition) -> Result<()>;

    /// Makes new writes to the live collection wait, and returns when those under way have ended.
    async fn pause_writes(&self) -> Result<Box<dyn WritePause>>;

    /// Makes a follower the live collection, and the live one the previous one, in one atomic step.
    /// `pause` must have been taken before the follower's last changes were read. The collection of
    /// an earlier switch is dropped, unless it is the one that becomes live.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Conflict`] when it has changes left, or when it is not built by `owner`;
    /// `NotFound` when it follows nothing; `Unavailable` when the pause is over.
    async fn switch(&self, name: &str, owner: Option<&str>, pause: &dyn WritePause) -> Result<()>;

    /// Drops the collection that is kept for a rollback, and an abandoned one that was being built.
    /// Returns their names. Never touches the live one.
    async fn drop_old(&self) -> Result<Vec<String>>;
}

/// Returns the name of the `number`-th collection of a public name:
/// `<collection>@<model>-<number>`.
#[must_use]
pub fn physical_name(collection: &str, model: &str, number: u64) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() || "_-.".contains(character) {
            character
        } else {
            '-'
        }
    };
    let model: String = model.chars().map(plain).take(80).collect();
    format!("{collection}@{model}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_collections_are_plain_whatever_the_model_is_called() {
        assert_eq!(physical_name("clippy", "ViT-B-32", 1), "clippy@ViT-B-32-1");
        assert_eq!(
            physical_name("clippy", "../my model", 2),
            "clippy@..-my-model-2"
        );
    }
}
