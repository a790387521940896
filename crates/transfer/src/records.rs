//! What belongs to a collection besides its points: preferences, boards, and deleted pictures.

use clippy_core::boards::{Board, BoardsImported};
use clippy_core::gallery::{Payload, Point, Vectors};
use clippy_core::ids::PointId;
use clippy_core::tastes::{Taste, TastesImported};
use clippy_core::trash::{KeptKind, KeptPoint, KeptState};
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// A picture that was deleted or hidden.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptRecord {
    /// The picture.
    pub id: PointId,
    /// Why it is kept.
    pub kind: KeptKind,
    /// The job or the call that removed it.
    pub change: String,
    /// The name of the key of who asked for it.
    #[serde(default)]
    pub by: Option<String>,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Until when it can be put back; without it, for ever.
    #[serde(default)]
    pub until: Option<u64>,
    /// The fingerprint of the model that made the vectors.
    pub model: String,
    /// Whether only the tombstone is left.
    pub emptied: bool,
    /// Its payload.
    pub payload: Payload,
    /// Its vectors.
    pub vectors: Vectors,
}

impl From<KeptPoint> for KeptRecord {
    fn from(kept: KeptPoint) -> Self {
        Self {
            id: kept.point.id,
            kind: kept.kind,
            change: kept.change,
            by: kept.by,
            at: kept.at,
            until: kept.until,
            model: kept.model,
            emptied: kept.emptied,
            payload: kept.point.payload,
            vectors: kept.point.vectors,
        }
    }
}

impl KeptRecord {
    /// The picture as a trash keeps it.
    pub(crate) fn into_kept(self) -> KeptPoint {
        KeptPoint {
            point: Point {
                id: self.id,
                vectors: self.vectors,
                payload: self.payload,
            },
            kind: self.kind,
            state: KeptState::Done,
            change: self.change,
            by: self.by,
            at: self.at,
            until: self.until,
            model: self.model,
            emptied: self.emptied,
        }
    }

    /// Checks a record of a file or of a caller.
    ///
    /// # Errors
    /// `InvalidInput` for an earlier state of an edited picture, which is no deleted one.
    pub(crate) fn check(&self) -> Result<()> {
        if self.kind.is_removed() {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "picture {} is neither deleted nor hidden",
            self.id
        )))
    }
}

/// Checks the preferences of one artist.
///
/// # Errors
/// `InvalidInput` for an artist without a name, or a weight that is not from 0 to 1.
pub(crate) fn check_taste(taste: &Taste) -> Result<()> {
    let artist = clippy_common::shorten(&taste.user_id, 60);
    if taste.user_id.trim().is_empty() {
        return Err(Error::invalid("an artist has no name"));
    }
    let mut weights = taste.tags.values().chain(taste.styles.values());
    if weights.all(|weight| (0.0..=1.0).contains(weight)) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "a preference of \"{artist}\" is not from 0 to 1"
    )))
}

/// A page of records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Records {
    /// Preferences of artists.
    #[serde(default)]
    pub tastes: Vec<Taste>,
    /// Boards.
    #[serde(default)]
    pub boards: Vec<Board>,
    /// Deleted and hidden pictures.
    #[serde(default)]
    pub trash: Vec<KeptRecord>,
    /// Where the next page begins; `None` at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What became of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRecords {
    /// Preferences.
    pub tastes: TastesImported,
    /// Boards. A server of an earlier version has none.
    #[serde(default)]
    pub boards: BoardsImported,
    /// Deleted pictures that are new in the trash.
    pub deleted: u64,
    /// Deleted pictures that are in the trash already.
    pub known: u64,
    /// Deleted pictures that stay, since the collection has them.
    pub present: u64,
}

impl StoredRecords {
    /// Adds the counts of another page.
    pub fn add(&mut self, other: Self) {
        self.tastes.artists += other.tastes.artists;
        self.tastes.tags += other.tastes.tags;
        self.tastes.styles += other.tastes.styles;
        self.boards.changed += other.boards.changed;
        self.boards.unchanged += other.boards.unchanged;
        self.deleted += other.deleted;
        self.known += other.known;
        self.present += other.present;
    }
}
