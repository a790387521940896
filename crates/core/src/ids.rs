//! Point ids: a manifest's number, or a UUID.

use std::fmt;
use std::str::FromStr;

use clippy_common::shorten;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::Error;

/// The id of a picture in the collection.
///
/// A number is written to JSON as a number, as Clippy 0.2 did: its clients compare with `===`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PointId {
    /// A manifest's `id`.
    Number(u64),
    /// A UUID, for pictures that come from no manifest.
    Uuid(Uuid),
}

impl fmt::Display for PointId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Uuid(uuid) => write!(formatter, "{uuid}"),
        }
    }
}

impl FromStr for PointId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // `parse` alone would take "+5" for 5.
        if let Ok(number) = text.parse::<u64>()
            && text.starts_with(|first: char| first.is_ascii_digit())
        {
            return Ok(Self::Number(number));
        }
        Uuid::parse_str(text).map(Self::Uuid).map_err(|_| {
            let shown = shorten(text, 60);
            Error::invalid(format!(
                "\"{shown}\" is not a picture's id: ids are whole numbers or UUIDs"
            ))
        })
    }
}

impl From<u64> for PointId {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl Serialize for PointId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Uuid(uuid) => serializer.collect_str(uuid),
        }
    }
}

impl<'de> Deserialize<'de> for PointId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

/// Reads an id. A list or an object is refused without being read into memory.
struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = PointId;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an id, which is a whole number or a UUID")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<PointId, E> {
        Ok(PointId::Number(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<PointId, E> {
        whole(number).map(PointId::Number).ok_or_else(|| {
            E::custom(format_args!(
                "{number} is not a picture's id: ids are whole numbers or UUIDs"
            ))
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PointId, E> {
        text.parse().map_err(E::custom)
    }
}

/// Returns the integer that a float stands for: spreadsheets write ids as `17.0`. Above 2^53 floats
/// cannot represent every integer, so the id would be ambiguous.
fn whole(number: f64) -> Option<u64> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    ((0.0..=MOST).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_json_numbers_and_uuids_are_strings() {
        let uuid = Uuid::nil();
        let ids = vec![PointId::Number(7), PointId::Uuid(uuid)];
        let json = serde_json::to_string(&ids).expect("plain data");
        assert_eq!(json, r#"[7,"00000000-0000-0000-0000-000000000000"]"#);
        assert_eq!(
            serde_json::from_str::<Vec<PointId>>(&json).expect("what was just written"),
            ids
        );
        assert_eq!(
            serde_json::from_str::<PointId>("\"12\"").expect("digits in a string"),
            PointId::Number(12)
        );
    }

    #[test]
    fn whole_numbers_that_are_written_as_real_ones_are_ids() {
        assert_eq!(
            serde_json::from_str::<PointId>("5000001.0").expect("whole"),
            PointId::Number(5_000_001)
        );
        assert_eq!(
            serde_json::from_str::<PointId>("1e3").expect("whole"),
            PointId::Number(1000)
        );
        for wrong in ["1.5", "-1.0", "1e300", "18446744073709551616"] {
            assert!(serde_json::from_str::<PointId>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_was_given() {
        for wrong in ["", "-1", "+5", "1.5", "apple", "18446744073709551616"] {
            let error = wrong.parse::<PointId>().expect_err(wrong);
            assert!(error.message.contains(wrong), "{}", error.message);
        }
    }
}
