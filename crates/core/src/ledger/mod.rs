//! The account of an ingest: what became of every line of a manifest. Its counts add up to the
//! lines read.

mod reasons;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Result;
use crate::ids::PointId;

pub use self::reasons::{Alike, Reasons};

/// Why backfill skips a line whose picture is not stored.
pub const NOT_STORED: &str = "it is not in the collection: ingest it first";
/// Why a dry run skips a line that a real one would embed.
pub const DRY_RUN: &str = "a dry run: it would be embedded";

/// What kind of reason a line failed for. Lines of a kind are mended by the same thing, so they are
/// told together.
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
    /// The file lies outside of the folders that pictures are served from.
    Outside,
    /// The file is there and cannot be read.
    Unreadable,
    /// The file is not a picture, or a broken one.
    NotAPicture,
    /// The model made nothing usable of it.
    NotEmbedded,
    /// The picture was deleted while its line was worked on.
    Deleted,
    /// Anything else; what earlier versions recorded has no kind either.
    #[default]
    Other,
}

impl FailureKind {
    /// What lines of this kind have in common, as the end of "12 lines: …".
    #[must_use]
    pub fn what(self) -> &'static str {
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
            Self::NotEmbedded => "the model made nothing usable of the picture",
            Self::Deleted => "the picture was deleted while its line was worked on",
            Self::Other => "another reason",
        }
    }

    /// What mends lines of this kind; `None` where only the reason itself tells.
    #[must_use]
    pub fn mend(self) -> Option<&'static str> {
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
    /// A failure of this kind.
    pub fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }
}

impl From<LineFailure> for LineOutcome {
    fn from(LineFailure { kind, reason }: LineFailure) -> Self {
        Self::Failed { reason, kind }
    }
}

/// What became of one line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LineOutcome {
    /// Its vectors were made and stored.
    Embedded,
    /// The collection holds the same content, made by the same model, already.
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

/// One line of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRecord {
    /// The manifest's line, counted from 0.
    pub line: u64,
    /// The point, when the line names one that can be understood.
    pub id: Option<PointId>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: LineOutcome,
}

/// The sums of an account.
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

    /// Whether every line that was read has one outcome.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.embedded + self.unchanged + self.duplicates + self.skipped + self.failed == self.lines
    }
}

/// Where accounts are kept.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Opens an account for one run over a manifest.
    async fn begin(&self, manifest: &str) -> Result<Uuid>;

    /// Of these (line, id) pairs: the ones whose id was claimed by an earlier line of this run,
    /// with that line. The others are claimed for their lines by this call. Asking again for
    /// the same pair answers the same.
    async fn claim(&self, run: Uuid, lines: &[(u64, PointId)]) -> Result<Vec<(u64, u64)>>;

    /// Writes lines; a line that stands already is replaced, so that writing twice is harmless.
    async fn record(&self, run: Uuid, lines: &[LineRecord]) -> Result<()>;

    /// The sums, counted from the lines themselves.
    async fn totals(&self, run: Uuid) -> Result<LedgerTotals>;

    /// The lines that failed, in order, from `after` on (a page of at most `limit`).
    async fn failures(
        &self,
        run: Uuid,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LineRecord>>;

    /// Closes an account: finished, or stopped before its end.
    async fn finish(&self, run: Uuid, complete: bool) -> Result<()>;
}
