//! The parameters of bulk work (ingest, backfill and re-index), with their defaults and the rules
//! that they must keep.
//!
//! The field names are the command line's flags in snake case. The command line and the HTTP routes
//! only map their own syntax onto these types, and a worker reads them from a job. So a default or
//! a rule is written here and nowhere else.

mod fetch;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

pub use fetch::FetchRequest;

/// Default number of pictures that are embedded in one call.
pub const CLIP_BATCH: u64 = 32;
/// The largest number of pictures that may be embedded in one call.
pub const MAX_CLIP_BATCH: u64 = 4096;
/// Default number of points that are stored in one call.
pub const UPSERT_BATCH: u64 = 256;
/// The largest number of points that may be stored in one call.
pub const MAX_UPSERT_BATCH: u64 = 65_536;
/// Default template of the sentence that a picture's tags are embedded as.
pub const TEXT_TEMPLATE: &str = "an illustration with {tags}";

// serde takes its defaults from functions.
fn clip_batch() -> u64 {
    CLIP_BATCH
}

fn upsert_batch() -> u64 {
    UPSERT_BATCH
}

fn text_template() -> String {
    TEXT_TEMPLATE.to_owned()
}

/// Refuses a template without the placeholder: every picture would get the same text vector.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`] that says what is missing.
pub fn check_template(template: &str) -> Result<()> {
    if template.contains("{tags}") {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "text_template is \"{template}\", which has no {{tags}} in it: every picture \
         would get the same text"
    )))
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
    /// Pictures that are embedded in one call, 1..=[`MAX_CLIP_BATCH`].
    #[serde(default = "clip_batch")]
    pub clip_batch: u64,
    /// Points that are stored in one call, 1..=[`MAX_UPSERT_BATCH`].
    #[serde(default = "upsert_batch")]
    pub upsert_batch: u64,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    #[serde(default = "text_template")]
    pub text_template: String,
    /// First line, counted from 0.
    #[serde(default)]
    pub start_line: u64,
    /// Most lines to read.
    #[serde(default)]
    pub max_lines: Option<u64>,
    /// Which of the runs that share the manifest this is, counted from 0.
    #[serde(default)]
    pub shard_index: Option<u64>,
    /// How many runs share the manifest.
    #[serde(default)]
    pub shard_count: Option<u64>,
    /// File to write the ids of failed lines to.
    #[serde(default)]
    pub fail_log: Option<PathBuf>,
    /// Further folders that contain pictures. Absolute paths in one of them are stored relative to
    /// it, and it is recorded with the collection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_roots: Vec<PathBuf>,
}

impl ManifestRequest {
    /// Makes a request for a whole manifest, with every default.
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
            more_roots: Vec::new(),
        }
    }

    /// Refuses values that can never work.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the field and what it must be.
    pub fn check(&self) -> Result<()> {
        for (name, value, most) in [
            ("clip_batch", self.clip_batch, MAX_CLIP_BATCH),
            ("upsert_batch", self.upsert_batch, MAX_UPSERT_BATCH),
        ] {
            if value == 0 || value > most {
                return Err(Error::invalid(format!(
                    "{name} is {value}, but must be 1..{most}"
                )));
            }
        }
        check_template(&self.text_template)?;
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

/// Where the words of `clippy tag` come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vocabulary {
    /// The tags of the gallery's own pictures.
    #[default]
    Gallery,
    /// The style tags of the gallery's own pictures.
    Styles,
    /// A file with one tag a line.
    File(PathBuf),
}

/// `clippy tag`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagRequest {
    /// The lowest probability of a proposal, above 0 and below 1.
    pub at_least: f64,
    /// The words that pictures are compared with.
    #[serde(default)]
    pub vocabulary: Vocabulary,
    /// Make the proposals tags at once.
    #[serde(default)]
    pub accept: bool,
    /// The sentence that a picture's tags are embedded as, with `{tags}` in it.
    #[serde(default = "text_template")]
    pub text_template: String,
}

impl TagRequest {
    /// The default of [`TagRequest::at_least`].
    pub const AT_LEAST: f64 = 0.9;

    /// Refuses values that can never work.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the field and what it must be.
    pub fn check(&self) -> Result<()> {
        if !(self.at_least > 0.0 && self.at_least < 1.0) {
            return Err(Error::invalid(format!(
                "at_least is {}, but must be a probability above 0 and below 1",
                self.at_least
            )));
        }
        check_template(&self.text_template)
    }
}

/// `clippy ingest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestRequest {
    /// The lines to ingest.
    #[serde(flatten)]
    pub lines: ManifestRequest,
    /// Make no text vectors.
    #[serde(default)]
    pub no_text: bool,
    /// Read the manifest and look at the files, but store nothing.
    #[serde(default)]
    pub dry_run: bool,
}

impl IngestRequest {
    /// Makes a request to ingest these lines, with every default.
    #[must_use]
    pub fn new(lines: ManifestRequest) -> Self {
        Self {
            lines,
            no_text: false,
            dry_run: false,
        }
    }
}

/// A request to add folders (`clippy add`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddRequest {
    /// Folders and files. The paths are absolute, since a worker may run in another folder.
    pub paths: Vec<PathBuf>,
    /// Whether folder names become tags and styles.
    #[serde(default)]
    pub tags_from_folders: bool,
    /// Whether files are only examined and nothing is stored.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether pictures whose files are gone are moved to the trash.
    #[serde(default, skip_serializing_if = "is_false")]
    pub prune: bool,
    /// The parts of the paths to scan; empty scans everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<ScanPart>,
    /// Files that were written to within this many seconds may be incomplete, and are left for
    /// later.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub settled_secs: u64,
}

/// A part of a folder to scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanPart {
    /// The folder, absolute, with links resolved.
    pub folder: PathBuf,
    /// Whether the folders below it are scanned, too.
    pub deep: bool,
}

// serde takes references.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl AddRequest {
    /// Refuses values that can never work.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the field and what it must be.
    pub fn check(&self) -> Result<()> {
        if self.paths.is_empty() {
            return Err(Error::invalid(
                "paths is empty: name the folders and files to add",
            ));
        }
        Ok(())
    }
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
    /// The picture's style.
    Style,
    /// Image and edge.
    Both,
    /// All that the model makes and the collection takes.
    All,
}

impl Which {
    /// All of them, in the order that help and errors list them.
    pub const ALL: [Self; 6] = [
        Self::Image,
        Self::Edge,
        Self::Text,
        Self::Style,
        Self::Both,
        Self::All,
    ];

    /// Returns the name in a request's `which`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Edge => "edge",
            Self::Text => "text",
            Self::Style => "style",
            Self::Both => "both",
            Self::All => "all",
        }
    }
}

impl std::str::FromStr for Which {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|which| which.as_str() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid(format!("\"{text}\" is not one of {names}"))
        })
    }
}

/// `clippy backfill`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillRequest {
    /// The lines that name the pictures, where their files are, and their tags.
    #[serde(flatten)]
    pub lines: ManifestRequest,
    /// Which vectors.
    pub which: Which,
    /// Replace vectors that are stored already.
    #[serde(default)]
    pub force_all: bool,
    /// Only the lines whose ids this file lists, one a line. The file that `fail_log` writes is
    /// understood as well.
    #[serde(default)]
    pub ids_file: Option<PathBuf>,
}

/// A request to find the styles of a collection (`clippy styles --find`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StylesRequest {
    /// Whether the styles that were found before are forgotten, with their ids and names.
    pub find_styles_afresh: bool,
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
    /// Switch even when many pictures can no longer be read.
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
    /// Refuses values that can never work, and fields that exclude each other.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the fields.
    pub fn check(&self) -> Result<()> {
        let builds = self.model.is_some() || self.pretrained.is_some() || self.allow_missing;
        if self.rollback && builds {
            return Err(Error::invalid(
                "rollback returns to the previous collection: it cannot be combined with \
                 model, pretrained or allow_missing",
            ));
        }
        if self.drop_old && (builds || self.rollback) {
            return Err(Error::invalid(
                "drop_old only drops the collection kept for a rollback: it cannot be combined \
                 with other fields",
            ));
        }
        // open_clip's forms that name architecture and weights in one.
        let names_both = |given: &String| {
            ["local-dir:", "hf-hub:"]
                .iter()
                .any(|prefix| given.starts_with(prefix))
        };
        if self.model.is_none()
            && self
                .pretrained
                .as_ref()
                .is_some_and(|given| !names_both(given))
        {
            return Err(Error::invalid(
                "pretrained names weights of a model: name the model too",
            ));
        }
        check_template(&self.text_template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_fills_in_what_was_left_out() {
        let short: IngestRequest =
            serde_json::from_str(r#"{"manifest": "/m.jsonl"}"#).expect("enough");
        assert_eq!(
            short,
            IngestRequest::new(ManifestRequest::new("/m.jsonl")),
            "JSON and code have the same defaults"
        );
        let short: ReindexRequest = serde_json::from_str("{}").expect("enough");
        assert_eq!(short, ReindexRequest::default());
    }

    #[test]
    fn the_names_of_which_are_those_of_its_json() {
        for which in Which::ALL {
            let json = serde_json::to_value(which).expect("JSON");
            assert_eq!(json, which.as_str());
            assert_eq!(which.as_str().parse::<Which>().expect("a name"), which);
        }
        let error = "edges".parse::<Which>().expect_err("no name");
        assert!(error.message.contains("both"), "{}", error.message);
    }

    #[test]
    fn an_error_names_the_field_that_cannot_work() {
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
        for given in ["local-dir:/m", "hf-hub:org/repo"] {
            let request = ReindexRequest {
                pretrained: Some(given.to_owned()),
                ..ReindexRequest::default()
            };
            request.check().expect("it names its model");
        }
    }
}
