//! What a run tells whoever started it: its stage, its place, and its result.

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::ids::PointId;
use serde::{Deserialize, Serialize};

/// The step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Embedding the words of the tags.
    Words,
    /// Learning from tagged pictures.
    Learning,
    /// Proposing tags.
    Proposing,
    /// Making proposals tags.
    Accepting,
    /// Building the search graphs again.
    Indexing,
}

impl Stage {
    /// Its name in progress messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Words => "reading words",
            Self::Learning => "learning from tags",
            Self::Proposing => "proposing",
            Self::Accepting => "accepting",
            Self::Indexing => "indexing",
        }
    }
}

/// Follows a run.
#[async_trait]
pub trait Observer: Send + Sync {
    /// Receives the progress of a stage.
    fn progress(&self, stage: Stage, done: u64, total: u64);

    /// Whether the run should stop. What is stored until then stays.
    fn is_stopped(&self) -> bool;

    /// Receives the place up to which everything is stored.
    async fn checkpoint(&self, cursor: &TagCursor) -> Result<()>;
}

/// The place where a run continues.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TagCursor {
    /// Whether all tags are proposed, and the run accepts them.
    pub(crate) accepting: bool,
    /// The first picture that is not done.
    pub(crate) from: Option<PointId>,
    /// What was done so far.
    pub report: TagReport,
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TagReport {
    /// Pictures that were compared.
    pub pictures: u64,
    /// Words that they were compared with.
    pub words: u64,
    /// Pictures for which tags were proposed.
    pub proposed_pictures: u64,
    /// Tags that were proposed, over all pictures.
    pub proposed: u64,
    /// Proposals that were made tags.
    pub accepted: u64,
    /// Tagged pictures that the probabilities were learned from.
    pub learned_from: u64,
    /// The highest probability that a word can get which no picture has as a tag.
    pub most_for_new_words: f64,
    /// Whether the end of the gallery was reached.
    pub complete: bool,
}
