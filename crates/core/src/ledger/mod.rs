//! The ledger of an ingest: the outcome of every line of a manifest. Its counts add up to the lines
//! that were read.

mod reasons;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Result;
use crate::ids::PointId;

pub use self::reasons::{FailureGroup, ListedLine, ListedLines, MOST_LISTED, Reasons};

/// Why backfill skips a line whose picture is not stored.
pub const NOT_STORED: &str = "it is not in the collection: ingest it first";
/// Why a dry run skips a line that a real one would embed.
pub const DRY_RUN: &str = "a dry run: it would be embedded";

/// Why a line failed. Lines of one kind have the same remedy, so they are reported together.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The line is not text, or too long.
    NotText,
    /// The line is not a JSON object.
    NotJson,
    /// The line has no id, or one that is neither a whole number nor a UUID.
    BadId,
    /// The line does not say where the picture is.
    NoPath,
    /// A field of the line has the wrong type.
    BadField,
    /// There is no file at the path.
    NoFile,
    /// The file is outside of the folders that pictures are served from.
    Outside,
    /// The file exists but cannot be read.
    Unreadable,
    /// The file is not a picture, or a broken one.
    NotAPicture,
    /// The model's output was unusable.
    NotEmbedded,
    /// The picture was deleted while its line was processed.
    Deleted,
    /// The file was overwritten after it was scanned.
    Overwritten,
    /// Anything else. Records of earlier versions have this kind, too.
    #[default]
    Other,
}

impl FailureKind {
    /// Describes the failure, to complete "12 lines failed: …".
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::NotText => "the line is not UTF-8 text, or is too long",
            Self::NotJson => "the line is not a JSON object",
            Self::BadId => "the line has no usable id",
            Self::NoPath => "the line has no local_path",
            Self::BadField => "a field has the wrong type",
            Self::NoFile => "there is no file at the path",
            Self::Outside => "the file lies outside of the folders that pictures are served from",
            Self::Unreadable => "the file cannot be read",
            Self::NotAPicture => "the file is not a picture that can be read",
            Self::NotEmbedded => "the model's output for the picture is unusable",
            Self::Deleted => "the picture was deleted while its line was processed",
            Self::Overwritten => "the file was overwritten after it was scanned",
            Self::Other => "another reason",
        }
    }

    /// Returns the remedy for lines of this kind; `None` when it depends on the reason.
    #[must_use]
    pub fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::NotText => "save the manifest as UTF-8, one picture a line",
            Self::NotJson => {
                "a manifest has one JSON object a line: {\"id\": 1, \"local_path\": \"a.png\", \
                 \"tags_all\": [\"apple\"]}"
            }
            Self::BadId => "give each line an \"id\": a whole number of 0 or more, or a UUID",
            Self::NoPath => "give each line a \"local_path\": where its picture is",
            Self::BadField => "tags_all and matched_tags are lists of texts: [\"apple\", \"red\"]",
            Self::NoFile => {
                "name the folder that relative paths begin at with --images-root (or IMAGES_ROOT), \
                 or run this from the folder that they begin at"
            }
            Self::Outside => {
                "name the folder that holds the files themselves with --images-root, or set \
                 IMAGES_ROOT to it"
            }
            Self::Unreadable => "let this user read the files",
            Self::NotAPicture => "replace or remove these files",
            Self::NotEmbedded => "check the model with `clippy doctor`",
            Self::Deleted => "ingest the manifest again",
            Self::Overwritten => "add the folder again",
            Self::Other => return None,
        })
    }
}

/// Why one line failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFailure {
    /// What kind of reason it is.
    pub kind: FailureKind,
    /// What happened, why, and what to do.
    pub reason: String,
}

impl LineFailure {
    /// Makes a failure of this kind.
    pub fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }

    /// Adds the file's path to the reason, unless the reason already names it.
    #[must_use]
    pub fn about(self, path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        if self.reason.contains(name) {
            return self;
        }
        Self {
            reason: format!("{path}: {}", self.reason),
            ..self
        }
    }
}

impl From<LineFailure> for LineOutcome {
    fn from(LineFailure { kind, reason }: LineFailure) -> Self {
        Self::Failed { reason, kind }
    }
}

/// The outcome of one line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LineOutcome {
    /// Its vectors were made and stored.
    Embedded,
    /// The collection already has the same content, embedded by the same model.
    Unchanged,
    /// An earlier line of the same manifest has this id.
    DuplicateOf {
        /// The earlier line, counted from 0.
        line: u64,
    },
    /// Left out on purpose, such as an empty line.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It should have been stored and could not be.
    Failed {
        /// Why, and what to do.
        reason: String,
        /// What kind of reason that is.
        #[serde(default)]
        kind: FailureKind,
    },
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRecord {
    /// The manifest's line, counted from 0.
    pub line: u64,
    /// The point's id, when the line has a valid one.
    pub id: Option<PointId>,
    /// Its outcome.
    #[serde(flatten)]
    pub outcome: LineOutcome,
}

/// The sums of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LedgerTotals {
    /// Lines read.
    pub lines: u64,
    /// See [`LineOutcome::Embedded`].
    pub embedded: u64,
    /// See [`LineOutcome::Unchanged`].
    pub unchanged: u64,
    /// See [`LineOutcome::DuplicateOf`].
    pub duplicates: u64,
    /// See [`LineOutcome::Skipped`].
    pub skipped: u64,
    /// See [`LineOutcome::Failed`].
    pub failed: u64,
}

impl LedgerTotals {
    /// Counts one more line.
    pub fn add(&mut self, outcome: &LineOutcome) {
        self.lines += 1;
        match outcome {
            LineOutcome::Embedded => self.embedded += 1,
            LineOutcome::Unchanged => self.unchanged += 1,
            LineOutcome::DuplicateOf { .. } => self.duplicates += 1,
            LineOutcome::Skipped { .. } => self.skipped += 1,
            LineOutcome::Failed { .. } => self.failed += 1,
        }
    }

    /// Adds the sums of another part of the same manifest.
    pub fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.embedded += other.embedded;
        self.unchanged += other.unchanged;
        self.duplicates += other.duplicates;
        self.skipped += other.skipped;
        self.failed += other.failed;
    }

    /// Returns whether every line that was read has exactly one outcome.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.embedded + self.unchanged + self.duplicates + self.skipped + self.failed == self.lines
    }
}

/// Stores ledgers.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Opens a ledger for one run over a manifest.
    async fn begin(&self, manifest: &str) -> Result<Uuid>;

    /// Claims ids for lines. Returns the lines whose id an earlier line of this run has claimed,
    /// with that line. Claiming a pair again gives the same answer.
    async fn claim(&self, run: Uuid, lines: &[(u64, PointId)]) -> Result<Vec<(u64, u64)>>;

    /// Writes lines. A line that exists is replaced, so that writing twice is harmless.
    async fn record(&self, run: Uuid, lines: &[LineRecord]) -> Result<()>;

    /// Returns the totals, counted from the lines themselves.
    async fn totals(&self, run: Uuid) -> Result<LedgerTotals>;

    /// Returns the failed lines in order, from `after` on (a page of at most `limit`).
    async fn failures(
        &self,
        run: Uuid,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LineRecord>>;

    /// Closes a ledger, as complete or as stopped early.
    async fn finish(&self, run: Uuid, complete: bool) -> Result<()>;
}
