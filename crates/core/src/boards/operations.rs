//! The changes of a board's pictures.

use clippy_common::shorten;

use super::{Board, BoardItem, BoardRole, DEFAULT_WEIGHT, LONGEST_NOTE, MOST_ITEMS};
use crate::ids::PointId;
use crate::{Error, ErrorCode, Result};

/// Where a picture is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before all others.
    Start,
    /// After all others.
    End,
    /// Before this picture.
    Before(PointId),
}

/// One change of a board's pictures.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Adds a picture. One that is on the board stays in its place, and gets the given fields.
    Add {
        /// The picture.
        picture: PointId,
        /// Where.
        place: Place,
        /// Its role.
        role: Option<BoardRole>,
        /// Its weight.
        weight: Option<f64>,
        /// Its note.
        note: Option<String>,
    },
    /// Changes the given fields of a picture.
    Change {
        /// The picture.
        picture: PointId,
        /// Its role.
        role: Option<BoardRole>,
        /// Its weight.
        weight: Option<f64>,
        /// Its note.
        note: Option<String>,
    },
    /// Puts a picture in another place.
    Move {
        /// The picture.
        picture: PointId,
        /// Where.
        place: Place,
    },
    /// Takes a picture off the board. One that is not on it is no error.
    Remove {
        /// The picture.
        picture: PointId,
    },
}

impl Operation {
    /// The picture that it is about.
    #[must_use]
    pub fn picture(&self) -> PointId {
        match self {
            Self::Add { picture, .. }
            | Self::Change { picture, .. }
            | Self::Move { picture, .. }
            | Self::Remove { picture } => *picture,
        }
    }

    /// Checks the values.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] that names the field.
    pub fn check(&self) -> Result<()> {
        let (weight, note) = match self {
            Self::Add { weight, note, .. } | Self::Change { weight, note, .. } => (weight, note),
            Self::Move { .. } | Self::Remove { .. } => return Ok(()),
        };
        if let Some(weight) = weight.filter(|weight| !(0.0..=1.0).contains(weight)) {
            return Err(Error::invalid(format!(
                "weight is {weight}, but must be 0..1"
            )));
        }
        check_note(note.as_deref().unwrap_or_default())
    }
}

/// Checks a note.
pub(super) fn check_note(note: &str) -> Result<()> {
    let length = note.chars().count();
    if length > LONGEST_NOTE {
        return Err(Error::invalid(format!(
            "note has {length} characters; at most {LONGEST_NOTE} are kept"
        )));
    }
    if note
        .chars()
        .any(|one| one.is_control() && one != '\n' && one != '\t')
    {
        let shown = shorten(note, 60).replace(char::is_control, " ");
        return Err(Error::invalid(format!(
            "note \"{shown}\" has control characters: remove them"
        )));
    }
    Ok(())
}

impl Board {
    /// Applies operations in their order. Returns whether they changed anything; if they did, the
    /// board has a new version. After an error, drop the board: some may have been applied.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] for a wrong value, [`ErrorCode::NotFound`] for a picture that is
    /// not on the board (any more), [`ErrorCode::Conflict`] for a board that is full.
    pub fn apply(&mut self, operations: &[Operation], now: u64) -> Result<bool> {
        let before = self.items.clone();
        for operation in operations {
            operation.check()?;
            self.apply_one(operation, now)?;
        }
        let changed = before != self.items;
        if changed {
            self.version += 1;
            self.changed_at = now;
        }
        Ok(changed)
    }

    fn apply_one(&mut self, operation: &Operation, now: u64) -> Result<()> {
        match operation {
            Operation::Add {
                picture,
                place,
                role,
                weight,
                note,
            } => {
                if let Some(known) = self.items.iter_mut().find(|item| item.picture == *picture) {
                    known.set(*role, *weight, note.as_deref());
                    return Ok(());
                }
                if self.items.len() >= MOST_ITEMS {
                    return Err(Error::new(
                        ErrorCode::Conflict,
                        format!(
                            "this board has {MOST_ITEMS} pictures, which is the most: remove some, \
                             or use another board"
                        ),
                    ));
                }
                let at = self.index_of(*place)?;
                let mut item = BoardItem {
                    picture: *picture,
                    role: BoardRole::default(),
                    weight: DEFAULT_WEIGHT,
                    note: String::new(),
                    added_at: now,
                };
                item.set(*role, *weight, note.as_deref());
                self.items.insert(at, item);
            }
            Operation::Change {
                picture,
                role,
                weight,
                note,
            } => {
                let at = self.find(*picture)?;
                self.items[at].set(*role, *weight, note.as_deref());
            }
            Operation::Move { picture, place } => {
                let from = self.find(*picture)?;
                if *place == Place::Before(*picture) {
                    return Ok(());
                }
                let item = self.items.remove(from);
                let at = self.index_of(*place)?;
                self.items.insert(at, item);
            }
            Operation::Remove { picture } => self.items.retain(|item| item.picture != *picture),
        }
        Ok(())
    }

    fn find(&self, picture: PointId) -> Result<usize> {
        let mut pictures = self.items.iter().map(|item| item.picture);
        pictures.position(|known| known == picture).ok_or_else(|| {
            Error::not_found(format!(
                "picture {picture} is not on this board: it may have been removed in another tab"
            ))
        })
    }

    fn index_of(&self, place: Place) -> Result<usize> {
        match place {
            Place::Start => Ok(0),
            Place::End => Ok(self.items.len()),
            Place::Before(picture) => self.find(picture),
        }
    }
}

impl BoardItem {
    fn set(&mut self, role: Option<BoardRole>, weight: Option<f64>, note: Option<&str>) {
        self.role = role.unwrap_or(self.role);
        self.weight = weight.unwrap_or(self.weight);
        if let Some(note) = note {
            note.trim().clone_into(&mut self.note);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(number: u64, place: Place) -> Operation {
        Operation::Add {
            picture: PointId::Number(number),
            place,
            role: None,
            weight: None,
            note: None,
        }
    }

    fn noted(number: u64, note: &str) -> Operation {
        Operation::Change {
            picture: PointId::Number(number),
            role: None,
            weight: None,
            note: Some(note.to_owned()),
        }
    }

    fn moved(number: u64, place: Place) -> Operation {
        let picture = PointId::Number(number);
        Operation::Move { picture, place }
    }

    fn order(board: &Board) -> String {
        let ids: Vec<String> = board
            .items
            .iter()
            .map(|item| item.picture.to_string())
            .collect();
        ids.join(" ")
    }

    fn board_of(count: u64) -> Board {
        let mut board = Board::new("", "mine", 1);
        let added: Vec<Operation> = (1..=count).map(|id| add(id, Place::End)).collect();
        assert!(board.apply(&added, 2).expect("applied"));
        board
    }

    #[test]
    fn pictures_are_put_moved_and_removed_by_their_neighbours() {
        let mut board = board_of(3);
        let before = |number| Place::Before(PointId::Number(number));
        for (operation, expected) in [
            (add(4, Place::Start), "4 1 2 3"),
            (add(5, before(2)), "4 1 5 2 3"),
            (add(4, Place::End), "4 1 5 2 3"),
            (moved(3, before(4)), "3 4 1 5 2"),
            (moved(3, Place::End), "4 1 5 2 3"),
            (moved(1, before(1)), "4 1 5 2 3"),
            (moved(4, before(2)), "1 5 4 2 3"),
            (Operation::Remove { picture: 5.into() }, "1 4 2 3"),
            (Operation::Remove { picture: 5.into() }, "1 4 2 3"),
        ] {
            let (version, old) = (board.version, order(&board));
            let changed = board.apply(std::slice::from_ref(&operation), 9);
            assert_eq!(order(&board), expected, "{operation:?}");
            assert_eq!(changed.expect("applied"), old != expected);
            assert_eq!(board.version, version + u64::from(old != expected));
        }
    }

    #[test]
    fn a_picture_that_another_tab_removed_is_an_error() {
        for operation in [
            noted(9, "gone"),
            moved(9, Place::Start),
            moved(1, Place::Before(PointId::Number(9))),
            add(4, Place::Before(PointId::Number(9))),
        ] {
            let error = board_of(3).apply(&[operation], 9).expect_err("unknown");
            assert_eq!(error.code, ErrorCode::NotFound);
            assert!(error.message.contains("picture 9"), "{error}");
        }
    }

    #[test]
    fn a_known_picture_gets_only_the_given_fields() {
        let mut board = board_of(2);
        board.apply(&[noted(2, " of the door ")], 3).expect("noted");
        let again = Operation::Add {
            picture: PointId::Number(2),
            place: Place::Start,
            role: Some(BoardRole::Style),
            weight: None,
            note: None,
        };
        board.apply(&[again], 4).expect("added again");
        let item = &board.items[1];
        assert_eq!(
            (item.note.as_str(), item.role),
            ("of the door", BoardRole::Style)
        );
        assert!((item.weight - DEFAULT_WEIGHT).abs() < f64::EPSILON);
    }

    #[test]
    fn wrong_values_and_full_boards_are_refused() {
        let long = "x".repeat(LONGEST_NOTE + 1);
        for wrong in [noted(1, &long), noted(1, "a\u{7}b")] {
            let error = board_of(1).apply(&[wrong], 3).expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidInput);
        }
        let weight = |weight| Operation::Change {
            picture: PointId::Number(1),
            role: None,
            weight: Some(weight),
            note: None,
        };
        for wrong in [-0.1, 1.5, f64::NAN] {
            assert!(board_of(1).apply(&[weight(wrong)], 3).is_err(), "{wrong}");
        }
        let mut full = board_of(MOST_ITEMS as u64);
        let error = full.apply(&[add(0, Place::Start)], 3).expect_err("full");
        assert_eq!(error.code, ErrorCode::Conflict);
    }
}
