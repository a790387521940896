//! Duplicates: a rescaled or re-saved copy adds nothing to a page of results.
//!
//! Ingest records two things about a picture: its perceptual hash (`phash`), which ignores colours
//! and style, and the mean colours of 8 x 8 cells (in `_clippy`), which a copy keeps and a drawing
//! of the same subject in another style does not. Two pictures look the same when both agree.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

use super::fusion::Hit;
use crate::gallery::{HASH_FIELD, NOTES_FIELD, Payload};

/// The name of the note that holds the appearance, in base64.
pub const APPEARANCE_NOTE: &str = "appearance";
/// Bits in which the hashes of copies may differ.
const MOST_BITS: u32 = 6;
/// The largest difference of a cell's colour value, of 255.
const MOST_OFF: u8 = 8;

/// What copies of a picture have in common, as ingest recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appearance {
    hash: u64,
    colours: Vec<u8>,
}

impl Appearance {
    /// The appearance of a stored picture; `None` when it was not recorded, or not completely.
    #[must_use]
    pub fn of(payload: &Payload) -> Option<Self> {
        let hash =
            u64::from_str_radix(payload.get(HASH_FIELD).and_then(Value::as_str)?, 16).ok()?;
        let noted = payload.get(NOTES_FIELD)?.get(APPEARANCE_NOTE)?.as_str()?;
        let colours = STANDARD_NO_PAD
            .decode(noted)
            .ok()
            .filter(|colours| !colours.is_empty())?;
        Some(Self { hash, colours })
    }

    /// The mean colours of 8 x 8 cells, RGB, rows first.
    #[must_use]
    pub fn colours(&self) -> &[u8] {
        &self.colours
    }

    /// Whether the two pictures look the same.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        (self.hash ^ other.hash).count_ones() <= MOST_BITS
            && self.colours.len() == other.colours.len()
            && self
                .colours
                .iter()
                .zip(&other.colours)
                .all(|(one, other)| one.abs_diff(*other) <= MOST_OFF)
    }
}

/// Encodes the colours as [`APPEARANCE_NOTE`] holds them.
#[must_use]
pub fn encode_colours(appearance: &[u8]) -> String {
    STANDARD_NO_PAD.encode(appearance)
}

/// Leaves out every hit that looks like a better one, and lists it there as a duplicate. More hits
/// never change the result for the first ones, so pages do not overlap.
#[must_use]
pub fn collapse(hits: Vec<Hit>) -> Vec<Hit> {
    let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
    let mut appearances: Vec<(usize, Appearance)> = Vec::new();
    for hit in hits {
        let Some(appearance) = Appearance::of(&hit.payload) else {
            kept.push(hit);
            continue;
        };
        let better = appearances
            .iter()
            .find(|(_, better)| better.looks_like(&appearance));
        match better {
            Some((place, _)) => kept[*place].duplicates.push(hit.id),
            None => {
                appearances.push((kept.len(), appearance));
                kept.push(hit);
            }
        }
    }
    kept
}

/// How many duplicates these hits have.
#[must_use]
pub fn count_duplicates<'a>(hits: impl IntoIterator<Item = &'a Hit>) -> usize {
    hits.into_iter().map(|hit: &Hit| hit.duplicates.len()).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::PointId;

    fn hit(id: u64, hash: &str, appearance: Option<&[u8]>) -> Hit {
        let notes = appearance.map_or_else(
            || json!({}),
            |appearance| json!({ APPEARANCE_NOTE: encode_colours(appearance) }),
        );
        let payload = json!({ "phash": hash, "_clippy": notes })
            .as_object()
            .cloned()
            .expect("an object");
        Hit {
            payload,
            ..Hit::bare(PointId::Number(id), 1.0 - id as f32 / 100.0)
        }
    }

    fn ids(hits: &[Hit]) -> Vec<(u64, Vec<u64>)> {
        let number = |id: &PointId| match id {
            PointId::Number(number) => *number,
            PointId::Uuid(_) => 0,
        };
        hits.iter()
            .map(|hit| (number(&hit.id), hit.duplicates.iter().map(number).collect()))
            .collect()
    }

    #[test]
    fn copies_collapse_into_the_best_and_other_styles_do_not() {
        let (paper, shade, red) = (
            [250_u8, 250, 250, 9],
            [246_u8, 255, 250, 2],
            [250_u8, 20, 20, 9],
        );
        let hits = vec![
            hit(1, "00000000000000ff", Some(&paper)),
            hit(2, "00000000000000ff", Some(&red)),
            hit(3, "000000000000003f", Some(&shade)),
            hit(4, "ff000000000000ff", Some(&paper)),
            hit(5, "00000000000000ff", None),
            hit(6, "not hexadecimal!", Some(&paper)),
            hit(7, "00000000000000ff", Some(&paper)),
            hit(8, "00000000000000ff", Some(&paper[..3])),
        ];
        let first = collapse(hits[..4].to_vec());
        let all = collapse(hits);
        assert_eq!(
            ids(&all),
            [
                (1, vec![3, 7]),
                (2, vec![]),
                (4, vec![]),
                (5, vec![]),
                (6, vec![]),
                (8, vec![])
            ],
            "the same hash and colours; the same hash in other colours; another hash; nothing to \
             tell by"
        );
        assert_eq!(ids(&first), [(1, vec![3]), (2, vec![]), (4, vec![])]);
        assert_eq!(count_duplicates(&all), 2);
    }
}
