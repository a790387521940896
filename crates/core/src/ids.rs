//! Point ids: a manifest's number, or a UUID.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::Error;

/// The id of a picture in the collection.
///
/// Written to JSON as a number when it is one, since Clippy 0.2 did so and its clients compare with `===`.
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
        if let Ok(number) = text.parse::<u64>() {
            return Ok(Self::Number(number));
        }
        Uuid::parse_str(text).map(Self::Uuid).map_err(|_| {
            let shown: String = text.chars().take(60).collect();
            Error::invalid(format!("\"{shown}\" is not a picture's id: ids are whole numbers or UUIDs"))
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
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(u64),
            Text(String),
        }
        match Raw::deserialize(deserializer)
            .map_err(|_| serde::de::Error::custom("an id is a whole number or a UUID"))?
        {
            Raw::Number(number) => Ok(Self::Number(number)),
            Raw::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
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
        assert_eq!(serde_json::from_str::<Vec<PointId>>(&json).expect("what was just written"), ids);
        assert_eq!(serde_json::from_str::<PointId>("\"12\"").expect("digits in a string"), PointId::Number(12));
    }

    #[test]
    fn anything_else_is_refused_with_what_was_given() {
        for wrong in ["", "-1", "1.5", "apple", "18446744073709551616"] {
            let error = wrong.parse::<PointId>().expect_err(wrong);
            assert!(error.message.contains(wrong), "{}", error.message);
        }
    }
}
