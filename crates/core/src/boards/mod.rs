//! Boards: named, ordered sets of pictures. Each picture on a board has a role, a weight and a
//! note.
//!
//! A board is changed by operations on its pictures, never by writing the whole list. Two tabs may
//! change one board at the same time, and both changes stay.

mod import;
mod operations;
mod share;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::PointId;
use crate::{Error, Result};

pub use import::{BoardsImported, check_board, merged};
pub use operations::{Operation, Place};
pub use share::{MOST_SHARES, NewShare, Share, digest_of};

/// The most boards of one owner.
pub const MOST_BOARDS: usize = 500;
/// The most pictures on one board.
pub const MOST_ITEMS: usize = 2_000;
/// The longest name of a board, in characters.
pub const LONGEST_NAME: usize = 120;
/// The longest note of a picture, in characters.
pub const LONGEST_NOTE: usize = 1_000;
/// The name of the board that a heart puts pictures on.
pub const SAVED_NAME: &str = "Saved";
/// The weight of a picture that is added without one.
pub const DEFAULT_WEIGHT: f64 = 0.7;
/// The most pictures that a search takes from a board for each of its fields.
pub const MOST_SEARCHED: usize = 16;

/// What a picture of a board is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardRole {
    /// Nothing in particular.
    #[default]
    Any,
    /// What it looks like.
    Style,
    /// What it shows.
    Subject,
}

impl BoardRole {
    /// The name in answers, and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Style => "style",
            Self::Subject => "subject",
        }
    }

    /// The role with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = [Self::Any, Self::Style, Self::Subject].into_iter();
        all.find(|role| role.name() == name)
    }
}

/// A picture on a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardItem {
    /// The picture. It may have been deleted from the gallery since.
    pub picture: PointId,
    /// What it is used for.
    #[serde(default)]
    pub role: BoardRole,
    /// How much it counts, 0..1.
    pub weight: f64,
    /// What the artist wrote about it.
    #[serde(default)]
    pub note: String,
    /// When it was added, in seconds since 1970.
    pub added_at: u64,
}

/// A board with its pictures, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// Its id.
    pub id: Uuid,
    /// Whose it is: the name of a key, or empty for callers without one.
    #[serde(default)]
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Whether it is the board that a heart puts pictures on. Each owner has one.
    #[serde(default)]
    pub saved: bool,
    /// Counted up by every change.
    pub version: u64,
    /// When it was made, in seconds since 1970.
    pub created_at: u64,
    /// When it was changed last, in seconds since 1970.
    pub changed_at: u64,
    /// Its pictures.
    pub items: Vec<BoardItem>,
}

/// What a search by a board looks for: the fields of the same names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BoardQuery {
    /// Pictures to be like: those whose role is not `style`.
    pub like: Vec<PointId>,
    /// Pictures whose look is wanted: those with the role `style`.
    pub style_like: Vec<PointId>,
}

impl Board {
    /// Makes an empty board.
    #[must_use]
    pub fn new(owner: &str, name: &str, now: u64) -> Self {
        Self {
            id: Uuid::now_v7(),
            owner: owner.to_owned(),
            name: name.to_owned(),
            saved: false,
            version: 1,
            created_at: now,
            changed_at: now,
            items: Vec::new(),
        }
    }

    /// Makes the board that a heart puts pictures on.
    #[must_use]
    pub fn new_saved(owner: &str, now: u64) -> Self {
        Self {
            saved: true,
            ..Self::new(owner, SAVED_NAME, now)
        }
    }

    /// Makes a board with the same pictures.
    #[must_use]
    pub fn copy(&self, name: &str, now: u64) -> Self {
        Self {
            items: self.items.clone(),
            ..Self::new(&self.owner, name, now)
        }
    }

    /// The pictures that a search by this board compares with: of each role those with the highest
    /// weights, at most [`MOST_SEARCHED`]. Pictures with a weight of 0 are left out.
    #[must_use]
    pub fn query(&self) -> BoardQuery {
        let strongest = |is_style: bool| {
            let of_role = |item: &&BoardItem| (item.role == BoardRole::Style) == is_style;
            let mut items: Vec<&BoardItem> = self
                .items
                .iter()
                .filter(of_role)
                .filter(|item| item.weight > 0.0)
                .collect();
            // The sort is stable: of equal weights, the first on the board count.
            items.sort_by(|one, other| other.weight.total_cmp(&one.weight));
            items.truncate(MOST_SEARCHED);
            items.into_iter().map(|item| item.picture).collect()
        };
        BoardQuery {
            like: strongest(false),
            style_like: strongest(true),
        }
    }

    /// Returns what a list of boards says about it.
    #[must_use]
    pub fn summary(&self, shared: bool) -> BoardSummary {
        let pictures = self.items.iter().map(|item| item.picture);
        BoardSummary {
            id: self.id,
            name: self.name.clone(),
            saved: self.saved,
            version: self.version,
            created_at: self.created_at,
            changed_at: self.changed_at,
            count: self.items.len(),
            covers: pictures.take(COVERS).collect(),
            shared,
        }
    }
}

/// The most covers of a board in a list.
pub const COVERS: usize = 4;

/// A board in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardSummary {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether it is the board that a heart puts pictures on.
    pub saved: bool,
    /// As [`Board::version`].
    pub version: u64,
    /// As [`Board::created_at`].
    pub created_at: u64,
    /// As [`Board::changed_at`].
    pub changed_at: u64,
    /// How many pictures it has.
    pub count: usize,
    /// Its first pictures, at most [`COVERS`].
    pub covers: Vec<PointId>,
    /// Whether a link to it is valid.
    pub shared: bool,
}

/// Names one of an owner's boards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoardRef {
    /// The board that a heart puts pictures on. It always exists.
    Saved,
    /// The board with this id.
    Id(Uuid),
}

impl std::str::FromStr for BoardRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "saved" {
            return Ok(Self::Saved);
        }
        // An invalid id is answered like an unknown one.
        Uuid::parse_str(text)
            .map(Self::Id)
            .map_err(|_| unknown_board(text))
    }
}

/// What became of a change that was meant for one version of a board.
#[derive(Debug, Clone, PartialEq)]
pub enum Edited<T> {
    /// It was made.
    Done(T),
    /// Nothing was changed: the board has another version now.
    Stale {
        /// The version that it has.
        version: u64,
    },
}

/// Stores boards. Concurrent writers lose no change. Every owner sees own boards only: the ids of
/// others are unknown.
#[async_trait]
pub trait Boards: Send + Sync + 'static {
    /// The boards of an owner: *Saved* first, then those that were changed last. `now` decides
    /// which links are valid.
    async fn list(&self, owner: &str, now: u64) -> Result<Vec<BoardSummary>>;

    /// One board.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] for an unknown one.
    async fn board(&self, owner: &str, board: BoardRef) -> Result<Board>;

    /// Adds a board, which has a new id.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Conflict`] when the owner has [`MOST_BOARDS`] already.
    async fn add(&self, board: Board) -> Result<()>;

    /// Renames a board, if it has the expected version or none is expected.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] for an unknown one, [`crate::ErrorCode::Conflict`] for
    /// *Saved*.
    async fn rename(
        &self,
        owner: &str,
        board: BoardRef,
        name: &str,
        expected: Option<u64>,
    ) -> Result<Edited<Board>>;

    /// Applies all operations, in their order, or none, if the board has the expected version or
    /// none is expected.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] for an unknown board; what [`Board::apply`] reports.
    async fn apply(
        &self,
        owner: &str,
        board: BoardRef,
        operations: &[Operation],
        expected: Option<u64>,
    ) -> Result<Edited<Board>>;

    /// Deletes a board and its links, if it has the expected version or none is expected.
    ///
    /// # Errors
    /// As [`Boards::rename`].
    async fn delete(
        &self,
        owner: &str,
        board: BoardRef,
        expected: Option<u64>,
    ) -> Result<Edited<()>>;

    /// Adds a link to a board. Only the digest of its token is stored.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] for an unknown board, [`crate::ErrorCode::Conflict`] when it
    /// has [`MOST_SHARES`] valid links.
    async fn share(&self, owner: &str, board: BoardRef, share: &NewShare) -> Result<Share>;

    /// The valid links of a board.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] for an unknown board.
    async fn shares(&self, owner: &str, board: BoardRef, now: u64) -> Result<Vec<Share>>;

    /// Revokes a link. Returns whether it existed.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] for an unknown board.
    async fn revoke(&self, owner: &str, board: BoardRef, share: Uuid) -> Result<bool>;

    /// The board that a valid link with this digest leads to, and until when.
    async fn shared(&self, digest: &[u8; 32], now: u64) -> Result<Option<(Board, u64)>>;

    /// Up to `limit` boards of all owners whose ids come after `after`, for an export.
    async fn all(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Board>>;

    /// Imports all of them, or none, as [`merged`] says.
    async fn import(&self, boards: Vec<Board>) -> Result<BoardsImported>;
}

/// Returns a board's name without surrounding spaces.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`] when it is empty, too long, or has control characters.
pub fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "name must have 1 to {LONGEST_NAME} characters, in one line"
        )));
    }
    Ok(name.to_owned())
}

/// The error for a board that an owner does not have.
#[must_use]
pub fn unknown_board(shown: &str) -> Error {
    let shown = clippy_common::shorten(shown, 60);
    Error::not_found(format!(
        "there is no board {shown}: it may have been deleted"
    ))
}

/// The error of an owner with too many boards.
#[must_use]
pub fn too_many_boards() -> Error {
    Error::new(
        crate::ErrorCode::Conflict,
        format!("there are {MOST_BOARDS} boards already, which is the most: delete one first"),
    )
}

/// The error of a board with too many links.
#[must_use]
pub fn too_many_shares() -> Error {
    Error::new(
        crate::ErrorCode::Conflict,
        format!("this board has {MOST_SHARES} valid links, which is the most: revoke one first"),
    )
}

/// The error for a change of *Saved* itself, rather than of its pictures.
#[must_use]
pub fn saved_stays() -> Error {
    Error::new(
        crate::ErrorCode::Conflict,
        "\"Saved\" is where the heart puts pictures: it can be neither renamed nor deleted. Copy \
         it to a board of your own, or remove its pictures",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: u64, role: BoardRole, weight: f64) -> BoardItem {
        BoardItem {
            picture: PointId::Number(number),
            role,
            weight,
            note: String::new(),
            added_at: 7,
        }
    }

    #[test]
    fn a_search_takes_the_heaviest_pictures_of_each_role_in_the_boards_order() {
        let mut board = Board::new("", "mine", 7);
        board.items = vec![
            item(1, BoardRole::Any, 0.5),
            item(2, BoardRole::Style, 0.1),
            item(3, BoardRole::Subject, 0.9),
            item(4, BoardRole::Any, 0.5),
            item(5, BoardRole::Style, 0.0),
        ];
        let numbers = |ids: &[PointId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let query = board.query();
        assert_eq!(numbers(&query.like), ["3", "1", "4"]);
        assert_eq!(numbers(&query.style_like), ["2"]);
        board.items = (0..40).map(|id| item(id, BoardRole::Any, 0.5)).collect();
        assert_eq!(board.query().like.len(), MOST_SEARCHED);
    }

    #[test]
    fn names_are_one_line_that_is_not_empty() {
        assert_eq!(check_name("  Poster ").expect("a name"), "Poster");
        for wrong in ["", "  ", "a\nb", &"x".repeat(LONGEST_NAME + 1)] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }
}
