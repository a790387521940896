//! Boards of an export, and how they are merged with those that are there.

use serde::{Deserialize, Serialize};

use super::operations::check_note;
use super::{Board, MOST_ITEMS, check_name};
use crate::{Error, Result};

/// The longest name of an owner, in bytes.
const LONGEST_OWNER: usize = 256;

/// What an import changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BoardsImported {
    /// Boards that are new, or have more pictures now.
    pub changed: u64,
    /// Boards that stay as they are.
    pub unchanged: u64,
}

/// Checks a board of a file or of a caller.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`] that names the board.
pub fn check_board(board: &Board) -> Result<()> {
    let wrong = |reason: &str| {
        let name = clippy_common::shorten(&board.name, 60);
        Error::invalid(format!("the board \"{name}\": {reason}"))
    };
    check_name(&board.name).map_err(|error| wrong(&error.message))?;
    if board.owner.len() > LONGEST_OWNER {
        return Err(wrong("its owner is too long"));
    }
    if board.items.len() > MOST_ITEMS {
        return Err(wrong(&format!("it has more than {MOST_ITEMS} pictures")));
    }
    let mut seen = std::collections::HashSet::new();
    for item in &board.items {
        if !seen.insert(item.picture) {
            return Err(wrong(&format!("picture {} is on it twice", item.picture)));
        }
        if !(0.0..=1.0).contains(&item.weight) {
            return Err(wrong("a weight is not from 0 to 1"));
        }
        check_note(&item.note).map_err(|error| wrong(&error.message))?;
    }
    Ok(())
}

/// Returns what is stored of an imported board, given the one that is there: the same *Saved*, or
/// the board with the same id. `None` when nothing changes.
///
/// A board that is there stays as it is, since it may have been changed since the export. *Saved*
/// gets the pictures that it does not have, as far as there is room. So a second import changes
/// nothing.
#[must_use]
pub fn merged(known: Option<&Board>, imported: &Board, now: u64) -> Option<Board> {
    let Some(known) = known else {
        return Some(imported.clone());
    };
    if !(known.saved && imported.saved) {
        return None;
    }
    let mut both = known.clone();
    let is_new = |picture| !known.items.iter().any(|item| item.picture == picture);
    let added = imported.items.iter().filter(|item| is_new(item.picture));
    both.items.extend(added.cloned());
    both.items.truncate(MOST_ITEMS);
    if both.items.len() == known.items.len() {
        return None;
    }
    both.version += 1;
    both.changed_at = now;
    Some(both)
}
