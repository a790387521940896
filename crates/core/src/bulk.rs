//! What bulk work is asked for: the parameters of `ingest`, `backfill` and `reindex` as they travel
//! in a job.
//!
//! They are the command line's flags by their snake_case names. The API writes them, a worker reads
//! them; both may be of different versions for a while, so the payload carries one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Error, ErrorCode, Result};

/// The version of the payloads that this program writes.
pub const PAYLOAD_VERSION: u64 = 1;

/// A request as the payload of a job.
///
/// # Errors
/// [`ErrorCode::Internal`] when it cannot be written as JSON, such as a path that is not UTF-8.
pub fn payload<T: Serialize>(request: &T) -> Result<Value> {
    let request = serde_json::to_value(request).map_err(|error| {
        Error::new(
            ErrorCode::InvalidInput,
            format!("the request cannot be written as JSON: {error}"),
        )
    })?;
    Ok(json!({ "version": PAYLOAD_VERSION, "request": request }))
}

fn clip_batch() -> u64 {
    32
}

fn upsert_batch() -> u64 {
    256
}

/// The sentence that tags are embedded as, unless another is asked for.
pub const TEXT_TEMPLATE: &str = "an illustration with {tags}";

fn text_template() -> String {
    TEXT_TEMPLATE.to_owned()
}

/// A manifest, which of its lines, and how its pictures are found and embedded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRequest {
    /// The manifest: one picture a line, as JSON. Absolute, since a worker may run in another
    /// folder.
    pub manifest: PathBuf,
    /// Folder that relative paths are looked up under; without it the manifest's own folder.
    #[serde(default)]
    pub images_root: Option<PathBuf>,
    /// Pictures that are embedded together.
    #[serde(default = "clip_batch")]
    pub clip_batch: u64,
    /// Points that are stored together.
    #[serde(default = "upsert_batch")]
    pub upsert_batch: u64,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    #[serde(default = "text_template")]
    pub text_template: String,
    /// First line, counted from 0.
    #[serde(default)]
    pub start_line: u64,
    /// How many lines at most.
    #[serde(default)]
    pub max_lines: Option<u64>,
    /// Of several runs that share the manifest, which one this is, counted from 0.
    #[serde(default)]
    pub shard_index: Option<u64>,
    /// How many runs share the manifest.
    #[serde(default)]
    pub shard_count: Option<u64>,
    /// File to write the ids of failed lines to.
    #[serde(default)]
    pub fail_log: Option<PathBuf>,
}

impl ManifestRequest {
    /// A whole manifest, with the defaults of the command line.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            images_root: None,
            clip_batch: clip_batch(),
            upsert_batch: upsert_batch(),
            text_template: text_template(),
            start_line: 0,
            max_lines: None,
            shard_index: None,
            shard_count: None,
            fail_log: None,
        }
    }

    /// Refuses what can never work, before a job is made of it.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] that names the field and what it must be.
    pub fn check(&self) -> Result<()> {
        for (name, value, most) in [
            ("clip_batch", self.clip_batch, 4096),
            ("upsert_batch", self.upsert_batch, 65_536),
        ] {
            if value == 0 || value > most {
                return Err(Error::invalid(format!(
                    "{name} is {value}, but must be 1..{most}"
                )));
            }
        }
        if !self.text_template.contains("{tags}") {
            return Err(Error::invalid(format!(
                "text_template is \"{}\", which has no {{tags}} in it, so that every picture \
                 would get the same text",
                self.text_template
            )));
        }
        match (self.shard_index, self.shard_count) {
            (None, None) => Ok(()),
            (Some(index), Some(count)) if index < count => Ok(()),
            (Some(index), Some(count)) => Err(Error::invalid(format!(
                "shard_index is {index}, but must be less than shard_count, which is {count}: \
                 shards are counted from 0"
            ))),
            _ => Err(Error::invalid(
                "shard_index and shard_count belong together: give both or neither",
            )),
        }
    }
}

/// `clippy ingest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestRequest {
    /// Which manifest, and how.
    #[serde(flatten)]
    pub lines: ManifestRequest,
    /// Make no text vectors.
    #[serde(default)]
    pub no_text: bool,
    /// Read the manifest and look at the files, but store nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which vectors to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The picture's.
    Image,
    /// The edge map's.
    Edge,
    /// The tags'.
    Text,
    /// Image and edge.
    Both,
    /// All three.
    All,
}

/// `clippy backfill`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillRequest {
    /// Which manifest says where the pictures are and what their tags are.
    #[serde(flatten)]
    pub lines: ManifestRequest,
    /// Which vectors.
    pub which: Which,
    /// Make them anew where they are there, too.
    #[serde(default)]
    pub force_all: bool,
    /// Only the lines whose ids stand in this file, one a line.
    #[serde(default)]
    pub ids_file: Option<PathBuf>,
}

/// `clippy reindex`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReindexRequest {
    /// open_clip's name of the architecture; without it the model in use.
    #[serde(default)]
    pub model: Option<String>,
    /// The weights of that model.
    #[serde(default)]
    pub pretrained: Option<String>,
    /// Go back to the collection that the last reindex replaced.
    #[serde(default)]
    pub rollback: bool,
    /// Drop the collection that the last reindex replaced.
    #[serde(default)]
    pub drop_old: bool,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    #[serde(default = "text_template")]
    pub text_template: String,
    /// Switch although many pictures cannot be read any more.
    #[serde(default)]
    pub allow_missing: bool,
}

impl Default for ReindexRequest {
    fn default() -> Self {
        Self {
            model: None,
            pretrained: None,
            rollback: false,
            drop_old: false,
            text_template: text_template(),
            allow_missing: false,
        }
    }
}

impl ReindexRequest {
    /// Refuses what can never work.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] that says what does not fit.
    pub fn check(&self) -> Result<()> {
        let builds = self.model.is_some() || self.pretrained.is_some() || self.allow_missing;
        if self.rollback && builds {
            return Err(Error::invalid(
                "rollback goes back to what was there: it takes neither model nor pretrained nor \
                 allow_missing",
            ));
        }
        if self.drop_old && (builds || self.rollback) {
            return Err(Error::invalid(
                "drop_old only drops what was kept for a rollback: it goes with nothing else",
            ));
        }
        // open_clip's `local-dir:PATH` names architecture and weights in one.
        if self.model.is_none()
            && self
                .pretrained
                .as_ref()
                .is_some_and(|given| !given.starts_with("local-dir:"))
        {
            return Err(Error::invalid(
                "pretrained names weights of a model: name the model too",
            ));
        }
        if !self.text_template.contains("{tags}") {
            return Err(Error::invalid(format!(
                "text_template is \"{}\", which has no {{tags}} in it, so that every picture \
                 would get the same text",
                self.text_template
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_from_its_payload_and_fills_in_what_was_left_out() {
        let request = BackfillRequest {
            lines: ManifestRequest {
                shard_index: Some(1),
                shard_count: Some(2),
                ..ManifestRequest::new("/m.jsonl")
            },
            which: Which::Both,
            force_all: true,
            ids_file: None,
        };
        let payload = payload(&request).expect("JSON");
        assert_eq!(payload["version"], PAYLOAD_VERSION);
        assert_eq!(
            serde_json::from_value::<BackfillRequest>(payload["request"].clone()).expect("read"),
            request
        );
        let short: IngestRequest =
            serde_json::from_value(json!({"manifest": "/m.jsonl"})).expect("enough");
        assert_eq!(short.lines, ManifestRequest::new("/m.jsonl"));
        assert!(!short.no_text && !short.dry_run);
    }

    #[test]
    fn what_cannot_work_is_named() {
        let good = ManifestRequest::new("/m.jsonl");
        good.check().expect("the defaults");
        for (wrong, name) in [
            (
                ManifestRequest {
                    clip_batch: 0,
                    ..good.clone()
                },
                "clip_batch",
            ),
            (
                ManifestRequest {
                    upsert_batch: 100_000,
                    ..good.clone()
                },
                "upsert_batch",
            ),
            (
                ManifestRequest {
                    text_template: "a picture".to_owned(),
                    ..good.clone()
                },
                "text_template",
            ),
            (
                ManifestRequest {
                    shard_index: Some(0),
                    ..good.clone()
                },
                "shard_count",
            ),
            (
                ManifestRequest {
                    shard_index: Some(2),
                    shard_count: Some(2),
                    ..good
                },
                "shard_index",
            ),
        ] {
            let error = wrong.check().expect_err(name);
            assert!(error.message.contains(name), "{}", error.message);
        }
        let model = Some("RN50".to_owned());
        for (wrong, name) in [
            (
                ReindexRequest {
                    rollback: true,
                    model,
                    ..ReindexRequest::default()
                },
                "rollback",
            ),
            (
                ReindexRequest {
                    drop_old: true,
                    rollback: true,
                    ..ReindexRequest::default()
                },
                "drop_old",
            ),
            (
                ReindexRequest {
                    pretrained: Some("openai".to_owned()),
                    ..ReindexRequest::default()
                },
                "model",
            ),
            (
                ReindexRequest {
                    text_template: "a picture".to_owned(),
                    ..ReindexRequest::default()
                },
                "text_template",
            ),
        ] {
            let error = wrong.check().expect_err(name);
            assert!(error.message.contains(name), "{}", error.message);
        }
        let folder = ReindexRequest {
            pretrained: Some("local-dir:/m".to_owned()),
            ..ReindexRequest::default()
        };
        folder.check().expect("a folder names its model");
    }
}
