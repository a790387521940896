//! The mark of a point: what its vectors were made from. A later run compares it with the file to
//! find out what is unchanged.

use clippy_core::gallery::{
    ADDED_FIELD, HASH_FIELD, HEIGHT_FIELD, MD5_FIELD, NOTES_FIELD, Payload, STYLE_GROUP_FIELD,
    WIDTH_FIELD,
};
use clippy_core::search::duplicates::APPEARANCE_NOTE;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The payload field that holds the mark.
pub const FIELD: &str = NOTES_FIELD;

/// What the vectors of a point were made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// MD5 (hex) of the file's content.
    pub md5: String,
    /// Bytes of the file.
    pub size: u64,
    /// Modification time of the file, in nanoseconds since 1970; `None` where the file system has
    /// none.
    pub mtime_ns: Option<u64>,
    /// Fingerprint of the model.
    pub model: String,
    /// MD5 (hex) of the sentence behind the text vector; `None` when there is no such vector.
    pub text: Option<String>,
    /// What the picture looks like, for finding copies. Points of earlier versions have none.
    #[serde(default)]
    pub appearance: Option<String>,
}

impl Mark {
    /// Returns the mark of a point that a model makes from these bytes, still without its text.
    pub(crate) fn new(bytes: &[u8], mtime_ns: Option<u64>, model: &str) -> Self {
        let (md5, size, model) = (md5_hex(bytes), bytes.len() as u64, model.to_owned());
        Self {
            md5,
            size,
            mtime_ns,
            model,
            text: None,
            appearance: None,
        }
    }

    /// Reads the mark of a stored point. A mark that cannot be parsed counts as missing, so that
    /// the picture is embedded again.
    pub(crate) fn of(payload: &Payload) -> Option<Self> {
        payload
            .get(FIELD)
            .and_then(|value| Self::deserialize(value).ok())
    }

    /// Returns the mark as a payload with one field.
    pub(crate) fn to_payload(&self) -> Payload {
        let mut mark = serde_json::json!({
            "md5": self.md5, "size": self.size, "mtime_ns": self.mtime_ns, "model": self.model,
            "text": self.text,
        });
        if let Some(appearance) = &self.appearance {
            mark[APPEARANCE_NOTE] = appearance.as_str().into();
        }
        Payload::from_iter([(FIELD.to_owned(), mark)])
    }
}

/// Returns the MD5 in hex, as manifests of picture boards write it.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// Fields that ingest fills if the manifest does not have them.
const FILLED: [&str; 6] = [
    ADDED_FIELD,
    MD5_FIELD,
    WIDTH_FIELD,
    HEIGHT_FIELD,
    HASH_FIELD,
    STYLE_GROUP_FIELD,
];

/// Adds the fields that an earlier run filled to a manifest's payload.
pub(crate) fn carried_over(mut wanted: Payload, stored: &Payload) -> Payload {
    for name in FILLED {
        if wanted.get(name).is_none_or(Value::is_null)
            && let Some(value) = stored.get(name)
        {
            wanted.insert(name.to_owned(), value.clone());
        }
    }
    wanted
}

/// Whether two payloads are equal, apart from their marks and the groups of their styles.
pub(crate) fn same_but_mark(wanted: &Payload, stored: &Payload) -> bool {
    let is_compared = |(name, _): &(&String, &Value)| *name != FIELD && *name != STYLE_GROUP_FIELD;
    let count = |payload: &Payload| payload.iter().filter(is_compared).count();
    count(wanted) == count(stored)
        && stored
            .iter()
            .filter(is_compared)
            .all(|(name, value)| wanted.get(name) == Some(value))
}
