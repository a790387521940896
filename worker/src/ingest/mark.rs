//! The mark that a point carries: what its vectors were made from, so that a later run can tell
//! what is unchanged.

use clippy_core::gallery::NOTES_FIELD;
use clippy_core::gallery::Payload;
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
    /// When the file was changed last, in nanoseconds since 1970; `None` where the file system
    /// does not tell.
    pub mtime_ns: Option<u64>,
    /// Fingerprint of the model.
    pub model: String,
    /// MD5 (hex) of the sentence behind the text vector; `None` when there is no such vector.
    pub text: Option<String>,
    /// What the picture looks like, for telling copies; points of earlier versions have none.
    #[serde(default)]
    pub appearance: Option<String>,
}

impl Mark {
    /// The mark of a point that a model makes of these bytes, still without its text.
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

    /// The mark of a stored point. One that cannot be understood is as good as none: the picture is
    /// embedded again.
    pub(crate) fn of(payload: &Payload) -> Option<Self> {
        payload
            .get(FIELD)
            .and_then(|value| Self::deserialize(value).ok())
    }

    /// The mark as a payload of one field.
    pub(crate) fn to_payload(&self) -> Payload {
        let mut mark = serde_json::json!({
            "md5": self.md5, "size": self.size, "mtime_ns": self.mtime_ns, "model": self.model, "text": self.text,
        });
        if let Some(appearance) = &self.appearance {
            mark[APPEARANCE_NOTE] = appearance.as_str().into();
        }
        Payload::from_iter([(FIELD.to_owned(), mark)])
    }
}

/// MD5 in hex, as manifests of picture boards write it.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// Fields that ingest fills from the file, where the manifest does not.
const FILLED: [&str; 4] = ["md5", "width", "height", "phash"];

/// A manifest's payload with the fields that an earlier run filled, as it should be stored.
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

/// Whether two payloads say the same, whatever their marks.
pub(crate) fn same_but_mark(wanted: &Payload, stored: &Payload) -> bool {
    let stored_fields = stored.iter().filter(|(name, _)| *name != FIELD);
    wanted.len() == stored_fields.clone().count()
        && stored_fields
            .into_iter()
            .all(|(name, value)| wanted.get(name) == Some(value))
}
