//! The physical collections behind the one that everybody names, and how the live one is replaced
//! without a pause.
//!
//! A re-index builds a collection beside the live one, lets it catch up with what was written
//! meanwhile, and makes it the live one in one atomic step. What was live before stays for a
//! rollback, and goes on being caught up with: its list of changes is kept too, so that a rollback
//! loses nothing that was written since.
//!
//! ```text
//! begin_beside ─→ copy, re-embedded ─→ changes … changes ─→ pause_writes ─→ changes (few) ─→ switch ─→ unpaused
//! ```
//!
//! # What an implementation promises
//!
//! 1. **One live collection.** At any moment, and after a kill at any moment, exactly one physical
//!    collection is the live one, and it is whole.
//! 2. **No change is missed.** From before [`Collections::begin_beside`] returns, every write to
//!    the live collection that is acknowledged has its ids in the [`Collections::changes`] of every
//!    follower (the collection that is being built, and the one from before). Ids may be there that
//!    did not change; recording comes *before* the write itself.
//! 3. **Writers never mix models.** A write that was begun on a collection which is no longer the
//!    live one is refused with [`ErrorCode::Unavailable`](crate::ErrorCode::Unavailable): whoever
//!    tries again takes the new pair of model and collection ([`crate::live`]). Only
//!    [`Collections::open`] gives a handle that writes to another one than the live.
//! 4. **Searchers never mix models.** The galleries that are handed out name their *physical*
//!    collection in everything they ask, never the alias. So a searcher that holds a model and its
//!    gallery goes on with both, whatever is switched, for as long as the old collection is there.
//!
//! # The way for a Qdrant server
//!
//! - Physical collections are named `<collection>@<model>-<n>` ([`physical_name`]), and the public
//!   name is an alias. [`Collections::switch`] is one `update_aliases` call with *delete alias* and
//!   *create alias* together, which the server carries out as one change.
//! - **A physical collection that bears the public name** (Clippy 0.2 made it so) cannot be aliased
//!   away, since an alias may not have the name of a collection, and the collection must stay for
//!   the rollback. Therefore the live one is named by an alias of its own, `<collection>@live`,
//!   which Clippy resolves first; then the alias `<collection>`; then the collection `<collection>`
//!   itself. A switch sets `<collection>@live` and, where no collection bears that name,
//!   `<collection>` as well, in the same call. So the first re-index of an adopted collection
//!   switches without renaming or deleting anything, and nothing of Clippy's own ever asks for a
//!   name that is missing. When the adopted collection is dropped ([`Collections::drop_old`]), its
//!   name is free, and an alias of it is made right after the deletion, for other programs: those
//!   that know only the public name see the old pictures until the drop, and the new ones after it,
//!   with one short gap in between, which is theirs alone.
//! - **Roles, models and the list of changes** are kept on the server, so that any process finds
//!   them: what a collection is there for, the source of its model, its owner and its followers as
//!   collection metadata; changed ids as points (payload only) of a small collection `<own
//!   name>@changes` for each follower. A changed id has one point there, with a mark that is new at
//!   every write, and is forgotten by that mark: what was written again meanwhile stays. A writer
//!   records ids there before it writes.
//! - **Noticing.** A writer in another process learns of a follower, of a pause or of a switch
//!   late. So it looks at the metadata of its collection anew after it wrote and *before it
//!   acknowledges*: when writing was paused meanwhile or a follower came, it records the ids again;
//!   when another collection has become the live one, it says that nothing was written. Nobody has
//!   to wait for writes that are under way; [`NOTICE_WITHIN`] is waited for so that all nodes of a
//!   cluster know of a mark. A pause ends by itself (so that a killed re-index stops nobody), and
//!   `switch` refuses when little of it is left.
//! - **Following a switch.** Every process polls [`Collections::live`] (one call that lists
//!   aliases) once every [`NOTICE_WITHIN`], loads the new collection's model from its recorded
//!   source, opens its gallery, and replaces its pair. Until then it answers with the old model
//!   from the old collection, which is there until somebody drops it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::embedding::{Embedder, ModelInfo};
use crate::gallery::Gallery;
use crate::ids::PointId;

/// How old a process's knowledge of what is live, built or paused may be, where several processes
/// share a collection.
pub const NOTICE_WITHIN: Duration = Duration::from_secs(2);

/// Which model, as settings name it; neither means the bundled one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelSource {
    /// `MODEL_NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `PRETRAINED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained: Option<String>,
}

/// Reads models that are named as settings name them.
#[async_trait]
pub trait Models: Send + Sync + 'static {
    /// What the settings name, which a start without a remembered model takes.
    fn configured(&self) -> ModelSource;

    /// The model, ready to embed. Asking again while somebody still holds it gives the same one.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] or `NotFound` when there is no such model here, and what
    /// to do about it.
    async fn load(&self, source: &ModelSource) -> Result<Arc<dyn Embedder>>;
}

/// What a physical collection is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Searches and writes go to it.
    Live,
    /// A re-index fills it.
    Building,
    /// It was the live one before the last switch, and is kept for a rollback.
    Previous,
}

/// One physical collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Physical {
    /// Its own name, unique for ever: [`physical_name`], or the public name for the first one.
    pub name: String,
    /// What it is there for.
    pub role: Role,
    /// How to name its model to [`Models::load`]; `None` for one that was made before this was
    /// recorded: then it is the model that the settings name.
    pub source: Option<ModelSource>,
    /// Fingerprint of the model that fills it.
    pub fingerprint: String,
    /// Who builds it: the id of a job. Empty unless [`Role::Building`].
    pub owner: String,
}

/// A place in a follower's list of changes.
pub type ChangePosition = u64;

/// Some of what a follower has to catch up with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Points of the live collection that were written or deleted (or may have been); each once.
    pub ids: Vec<PointId>,
    /// Pass it to [`Collections::caught_up`] when they were taken over, and to
    /// [`Collections::changes`] to go on.
    pub next: ChangePosition,
    /// Whether there is more after `next` already.
    pub more: bool,
}

/// Writes to the live collection wait while this lives; those that were under way have ended.
pub trait WritePause: Send + Sync {}

/// The physical collections behind one public name. See the module's documentation for the
/// promises.
#[async_trait]
pub trait Collections: Send + Sync + 'static {
    /// All of them: the live one first.
    async fn list(&self) -> Result<Vec<Physical>>;

    /// The live one. Cheap: it is asked again and again by processes that follow switches.
    async fn live(&self) -> Result<Physical>;

    /// A collection by its own name, for reading, and for the writes of whoever builds it or
    /// catches it up. A handle of the live one writes as everybody does: changes are recorded,
    /// and a switch ends it.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] when there is none of this name (any more).
    async fn open(&self, name: &str) -> Result<Arc<dyn Gallery>>;

    /// An empty collection for this model beside the live one, whose changes are recorded from now
    /// on. When one is being built already by the same model, it is taken over as it is, with
    /// its list of changes: a re-index goes on where it was. One of another model is dropped:
    /// it was left over.
    async fn begin_beside(
        &self,
        model: &ModelInfo,
        source: &ModelSource,
        owner: &str,
    ) -> Result<Physical>;

    /// What a follower still has to catch up with, oldest first, from `after` on (`None`: from
    /// where [`Collections::caught_up`] was told last), at most about `limit` ids.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] when it follows nothing.
    async fn changes(
        &self,
        name: &str,
        after: Option<ChangePosition>,
        limit: usize,
    ) -> Result<Changes>;

    /// Everything up to here was taken over, and stored. It need not be remembered after a kill:
    /// catching up twice is harmless.
    async fn caught_up(&self, name: &str, position: ChangePosition) -> Result<()>;

    /// Lets new writes to the live collection wait, and returns when those under way have ended.
    async fn pause_writes(&self) -> Result<Box<dyn WritePause>>;

    /// Makes a follower the live collection, and the live one the one from before, in one step that
    /// a kill cannot cut in two. `pause` must have been taken before the follower's last
    /// changes were asked for. The collection that was kept from an earlier switch is dropped,
    /// unless it is the very one that becomes live.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Conflict`] when it has changes left, or when `owner` is given and is not
    /// who builds it (any more); `NotFound` when it follows nothing; `Unavailable` when the
    /// pause is over.
    async fn switch(&self, name: &str, owner: Option<&str>, pause: &dyn WritePause) -> Result<()>;

    /// Drops the collection that was kept for a rollback, and one that is being built by nobody any
    /// more. Gives their names. The live one is never touched.
    async fn drop_old(&self) -> Result<Vec<String>>;
}

/// The name of the `number`-th collection of a public name: `<collection>@<model>-<number>`.
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
