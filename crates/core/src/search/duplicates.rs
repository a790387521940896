//! Pictures that look the same: a scaled or saved copy adds nothing to a page of results.
//!
//! Ingest notes two things of a picture: its perceptual hash (`phash`), which is blind for colours
//! and for style, and its appearance (in `_clippy`), the colours of 8 x 8 cells, which a copy keeps
//! and a drawing of the same thing in another style does not. Two pictures are the same when both
//! agree.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;

use super::fusion::Hit;
use crate::gallery::Payload;

/// The payload field of the perceptual hash, 16 hexadecimal digits.
pub const HASH_FIELD: &str = "phash";
/// The payload field of the program's own notes.
pub const NOTES_FIELD: &str = "_clippy";
/// The note of the appearance, base64.
pub const APPEARANCE_NOTE: &str = "appearance";
/// Bits in which the hashes of copies may differ.
const MOST_BITS: u32 = 6;
/// How far a colour of a cell may be off, of 255.
const MOST_OFF: u8 = 8;

/// How a picture looks, as ingest noted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    hash: u64,
    appearance: Vec<u8>,
}

impl Look {
    /// The look of a stored picture; `None` when nothing, or not enough, is noted of it.
    #[must_use]
    pub fn of(payload: &Payload) -> Option<Self> {
        let hash =
            u64::from_str_radix(payload.get(HASH_FIELD).and_then(Value::as_str)?, 16).ok()?;
        let noted = payload.get(NOTES_FIELD)?.get(APPEARANCE_NOTE)?.as_str()?;
        let appearance = STANDARD_NO_PAD
            .decode(noted)
            .ok()
            .filter(|appearance| !appearance.is_empty())?;
        Some(Self { hash, appearance })
    }

    /// Whether the two are one picture for the eye.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.hash ^ other.hash).count_ones() <= MOST_BITS
            && self.appearance.len() == other.appearance.len()
            && self
                .appearance
                .iter()
                .zip(&other.appearance)
                .all(|(one, other)| one.abs_diff(*other) <= MOST_OFF)
    }
}

/// The appearance as it is noted.
#[must_use]
pub fn noted(appearance: &[u8]) -> String {
    STANDARD_NO_PAD.encode(appearance)
}

/// Leaves out every hit that looks like a better one, and notes it there. More hits never change
/// what becomes of the first ones, so pages fit together.
#[must_use]
pub fn collapsed(hits: Vec<Hit>) -> Vec<Hit> {
    let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
    let mut looks: Vec<(usize, Look)> = Vec::new();
    for hit in hits {
        let Some(look) = Look::of(&hit.payload) else {
            kept.push(hit);
            continue;
        };
        match looks.iter().find(|(_, better)| better.is_same(&look)) {
            Some((place, _)) => kept[*place].duplicates.push(hit.id),
            None => {
                looks.push((kept.len(), look));
                kept.push(hit);
            }
        }
    }
    kept
}

/// How many hits were left out for these.
#[must_use]
pub fn left_out<'a>(hits: impl IntoIterator<Item = &'a Hit>) -> usize {
    hits.into_iter().map(|hit: &Hit| hit.duplicates.len()).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gallery::PerSpace;
    use crate::ids::PointId;

    fn hit(id: u64, hash: &str, appearance: Option<&[u8]>) -> Hit {
        let notes = appearance.map_or_else(
            || json!({}),
            |appearance| json!({ APPEARANCE_NOTE: noted(appearance) }),
        );
        let payload = json!({ "phash": hash, "_clippy": notes })
            .as_object()
            .cloned()
            .expect("an object");
        let none = PerSpace::default();
        Hit {
            id: PointId::Number(id),
            score: 1.0 - id as f32 / 100.0,
            scores: none,
            percentiles: none,
            percentile: None,
            lexical: None,
            payload,
            duplicates: Vec::new(),
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
        let first = collapsed(hits[..4].to_vec());
        let all = collapsed(hits);
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
        assert_eq!(left_out(&all), 2);
    }
}
