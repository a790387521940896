//! The flags of `clippy add`, `ingest`, `backfill` and `reindex`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clippy_core::bulk::{
    CLIP_BATCH, MAX_CLIP_BATCH, MAX_UPSERT_BATCH, ManifestRequest, TEXT_TEMPLATE, UPSERT_BATCH,
    Which,
};

#[derive(Debug, Args)]
pub struct AddArguments {
    /// Folders and files; `-` reads a list of them from standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Use the names of sub-folders as tags and styles.
    #[arg(long)]
    pub tags_from_folders: bool,
    /// Move pictures to the trash whose files are gone. Refused if the drive of a folder seems to
    /// be away.
    #[arg(long)]
    pub prune: bool,
    /// Add further changes until Ctrl-C. With a running server, the server watches the folders.
    #[arg(long, conflicts_with_all = ["dry_run", "prune"])]
    pub watch: bool,
    /// Show what would be done, but store nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which lines of a manifest are read.
#[derive(Debug, Args)]
pub struct SliceArguments {
    /// First line, counted from 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub start_line: u64,
    /// How many lines at most.
    #[arg(long, value_name = "N")]
    pub max_lines: Option<u64>,
    /// Index of this run, counted from 0, if several runs share the manifest.
    #[arg(long, value_name = "I", requires = "shard_count")]
    pub shard_index: Option<u64>,
    /// How many runs share the manifest.
    #[arg(
        long,
        value_name = "N",
        requires = "shard_index",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub shard_count: Option<u64>,
}

/// A manifest, and how its pictures are found and embedded.
#[derive(Debug, Args)]
pub struct ManifestArguments {
    /// The manifest: one picture a line, as JSON; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub manifest: PathBuf,
    /// Folder that relative paths begin at [default: IMAGES_ROOT, else the manifest's folder].
    #[arg(long, value_name = "DIR")]
    pub images_root: Option<PathBuf>,
    /// Pictures that are embedded together.
    #[arg(
        long,
        value_name = "N",
        default_value_t = CLIP_BATCH,
        value_parser = clap::value_parser!(u64).range(1..=MAX_CLIP_BATCH)
    )]
    pub clip_batch: u64,
    /// Points that are stored together.
    #[arg(
        long,
        value_name = "N",
        default_value_t = UPSERT_BATCH,
        value_parser = clap::value_parser!(u64).range(1..=MAX_UPSERT_BATCH)
    )]
    pub upsert_batch: u64,
    /// Sentence that a picture's tags are embedded as.
    #[arg(long, value_name = "TEXT", default_value = TEXT_TEMPLATE)]
    pub text_template: String,
    #[command(flatten)]
    pub slice: SliceArguments,
    /// File to write the failed lines to: the reason as a comment, then the id.
    #[arg(long, value_name = "FILE")]
    pub fail_log: Option<PathBuf>,
    /// Exit 1 when any line failed; without this only when nothing succeeded.
    #[arg(long)]
    pub fail_on_any: bool,
    /// Start a job on the server, and do not wait for it.
    #[arg(long)]
    pub enqueue: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

impl ManifestArguments {
    /// Converts the flags to a request. Paths are not changed.
    pub fn request(&self) -> ManifestRequest {
        ManifestRequest {
            manifest: self.manifest.clone(),
            images_root: self.images_root.clone(),
            clip_batch: self.clip_batch,
            upsert_batch: self.upsert_batch,
            text_template: self.text_template.clone(),
            start_line: self.slice.start_line,
            max_lines: self.slice.max_lines,
            shard_index: self.slice.shard_index,
            shard_count: self.slice.shard_count,
            fail_log: self.fail_log.clone(),
            more_roots: Vec::new(),
        }
    }
}

#[derive(Debug, Args)]
pub struct IngestArguments {
    #[command(flatten)]
    pub manifest: ManifestArguments,
    /// Make no text vectors.
    #[arg(long)]
    pub no_text: bool,
    /// Read the manifest and check the files, but store nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Returns the parser of a [`Which`]. Help and errors list its names.
fn which_parser() -> impl TypedValueParser<Value = Which> {
    let names = Which::ALL.map(|which| {
        let name = PossibleValue::new(which.as_str());
        match which {
            Which::Both => name.help("Image and edge"),
            _ => name,
        }
    });
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Which>())
}

#[derive(Debug, Args)]
pub struct BackfillArguments {
    #[command(flatten)]
    pub manifest: ManifestArguments,
    /// Which vectors to fill.
    #[arg(long, value_parser = which_parser())]
    pub which: Which,
    /// Make existing vectors again, too.
    #[arg(long)]
    pub force_all: bool,
    /// Only the pictures whose ids are in this file, one a line.
    #[arg(long, value_name = "FILE")]
    pub ids_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ReindexArguments {
    /// open_clip's name of the architecture to embed with [default: the model in use].
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Tag of its weights, or a path; `local-dir:FOLDER` and `hf-hub:ORG/REPO` need no --model.
    #[arg(long, value_name = "TAG")]
    pub pretrained: Option<String>,
    /// Go back to the collection that the last reindex replaced, including later writes.
    #[arg(long, conflicts_with_all = ["model", "pretrained", "allow_missing"])]
    pub rollback: bool,
    /// Delete the collection that the last reindex replaced; --rollback is impossible then.
    #[arg(long, conflicts_with_all = ["model", "pretrained", "allow_missing", "rollback"])]
    pub drop_old: bool,
    /// Sentence that a picture's tags are embedded as.
    #[arg(long, value_name = "TEXT", default_value = TEXT_TEMPLATE)]
    pub text_template: String,
    /// Switch even if more than one of ten pictures cannot be read any more.
    #[arg(long)]
    pub allow_missing: bool,
    /// Start a job on the server, and do not wait for it.
    #[arg(long)]
    pub enqueue: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}
