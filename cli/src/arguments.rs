//! The command line. Scripts depend on its names and defaults, so they must not change.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use clippy_core::bulk::{
    CLIP_BATCH, MAX_CLIP_BATCH, MAX_UPSERT_BATCH, ManifestRequest, TEXT_TEMPLATE, UPSERT_BATCH,
    Which,
};
use clippy_core::settings::{BindAddress, Settings};
use clippy_jobs::{JobKind, JobState, Lane};

use crate::failure::Failure;

/// Style-aware image retrieval: references in many art styles for a sketch or a few words.
#[derive(Debug, Parser)]
#[command(name = "clippy", version, arg_required_else_help = true)]
pub struct Arguments {
    /// Folder of all data (setting DATA_DIR) [default: data].
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address of the server to use, instead of the one that serves this data folder.
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Reads the command line. Prints help or the version if asked to; the exit code of a mistake
    /// is 2, with one line that says what it is.
    pub fn read() -> Result<Self, ExitCode> {
        let given: Vec<OsString> = std::env::args_os().collect();
        Self::try_parse_from(&given).map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                let code = u8::try_from(error.exit_code()).unwrap_or(2);
                // A closed standard output is no error here.
                drop(error.print());
                ExitCode::from(code)
            }
            _ => {
                eprintln!("clippy: {}", one_line(&error, &given));
                ExitCode::from(2)
            }
        })
    }

    /// Reads the settings, and overrides them by the flags.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let mut settings =
            Settings::from_environment().map_err(|error| Failure::usage(error.message))?;
        if let Some(folder) = &self.data_dir {
            settings.collection.data_dir.clone_from(folder);
        }
        // A relative path begins at the working folder, as in Clippy 0.2.
        if let Some(root) = &settings.collection.images_root {
            let absolute = std::path::absolute(root).map_err(|error| {
                Failure::usage(format!(
                    "IMAGES_ROOT is \"{}\", which is not a path: {error}",
                    root.display()
                ))
            })?;
            settings.collection.images_root = Some(absolute);
        }
        Ok(settings)
    }
}

/// Returns clap's message about a wrong command line as one line: without usage and hints, but with
/// the command that prints help.
fn one_line(error: &clap::Error, given: &[OsString]) -> String {
    let text = error.render().to_string();
    let said: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let said = said.join(" ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    let known = <Arguments as clap::CommandFactory>::command();
    let command = given
        .iter()
        .skip(1)
        .filter_map(|word| word.to_str())
        .find(|word| {
            known
                .get_subcommands()
                .any(|command| command.get_name() == *word)
        });
    let command = command.map_or_else(|| "clippy".to_owned(), |name| format!("clippy {name}"));
    format!("{said} (see `{command} --help`)")
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Draw a small gallery, embed it with the bundled model and serve it, all offline.
    Demo(DemoArguments),
    /// Serve the API and the web page.
    Serve(ServeArguments),
    /// Run jobs from Redis, for servers without workers.
    Worker(WorkerArguments),
    /// Create or upgrade the collection and the embedded database.
    Migrate(MigrateArguments),
    /// Add the pictures of folders, with the tags in the files beside them. A second run adds only
    /// what is new or changed.
    Add(AddArguments),
    /// Embed and store the pictures of a manifest; a second run does only what is missing.
    Ingest(IngestArguments),
    /// Make the missing or zero vectors of stored pictures, and change nothing else.
    Backfill(BackfillArguments),
    /// Build a new collection beside the live one, compare them, and switch; searches work all the
    /// time.
    Reindex(ReindexArguments),
    /// Jobs: list, show, cancel, retry, watch.
    Jobs(JobsArguments),
    /// Lanes of jobs: list, pause, resume.
    Queues(QueuesArguments),
    /// Search from the shell.
    Search(SearchArguments),
    /// Measure recall and mean reciprocal rank on queries with known answers.
    Eval(EvalArguments),
    /// Refresh the background distributions that scores are calibrated by.
    Calibrate(CalibrateArguments),
    /// OpenCLIP weights: list the known ones, download, check.
    Models(ModelsArguments),
    /// Import data of another Clippy: the preferences of Clippy 0.2 (kg_store.json).
    Import(ImportArguments),
    /// Check settings, weights and collection, and say how to fix faults; exit 1 if there are any.
    Doctor,
}

impl Command {
    /// Whether the command is a server, whose log is its output.
    pub fn serves(&self) -> bool {
        matches!(self, Self::Demo(_) | Self::Serve(_) | Self::Worker(_))
    }

    /// Whether the command may use the collection that the settings name, in this process.
    pub fn reads_collection(&self) -> bool {
        !matches!(
            self,
            Self::Demo(_)
                | Self::Jobs(_)
                | Self::Queues(_)
                | Self::Models(_)
                | Self::Import(_)
                | Self::Doctor
        )
    }
}

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Address to serve at [default: BIND, else 127.0.0.1:8000].
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<BindAddress>,
}

#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Address to serve at [default: BIND, else 127.0.0.1:8000].
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<BindAddress>,
    /// Allow calls from other machines even if no API_KEYS are set.
    #[arg(long)]
    pub allow_anyone: bool,
    /// Run jobs in this process even if REDIS_URL is set; without REDIS_URL it always does.
    #[arg(long)]
    pub with_worker: bool,
}

#[derive(Debug, Args)]
pub struct WorkerArguments {
    /// Lanes to run jobs of, separated by commas.
    #[arg(
        long,
        value_name = "LANES",
        value_delimiter = ',',
        value_parser = parse_name::<Lane>,
        default_value = "interactive,bulk,control"
    )]
    pub lanes: Vec<Lane>,
    /// Jobs to run at the same time in each lane [default: 16 interactive, 2 bulk, 2 control].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: Option<u16>,
    /// Also serve the model at this address, for servers that set EMBEDDER_URL to it.
    #[arg(long, value_name = "ADDR")]
    pub serve_embedder: Option<BindAddress>,
    /// Serve the model to other machines even if no API_KEYS are set.
    #[arg(long)]
    pub allow_anyone: bool,
}

#[derive(Debug, Args)]
pub struct MigrateArguments {
    /// Print the plan and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct AddArguments {
    /// Folders and files; `-` reads a list of them from standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Use the names of sub-folders as tags and styles.
    #[arg(long)]
    pub tags_from_folders: bool,
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
    #[arg(long, value_name = "N", requires = "shard_index", value_parser = clap::value_parser!(u64).range(1..))]
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
    #[arg(long, value_name = "N", default_value_t = CLIP_BATCH, value_parser = clap::value_parser!(u64).range(1..=MAX_CLIP_BATCH))]
    pub clip_batch: u64,
    /// Points that are stored together.
    #[arg(long, value_name = "N", default_value_t = UPSERT_BATCH, value_parser = clap::value_parser!(u64).range(1..=MAX_UPSERT_BATCH))]
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
    /// Tag of its weights, or a path; `local-dir:FOLDER` needs no --model.
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

#[derive(Debug, Args)]
pub struct JobsArguments {
    #[command(subcommand)]
    pub command: JobsCommand,
    /// Print the server's answer as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// List jobs, newest first.
    List {
        /// Only jobs of this kind.
        #[arg(long, value_name = "KIND", value_parser = parse_name::<JobKind>)]
        kind: Option<JobKind>,
        /// Only jobs in this state.
        #[arg(long, value_name = "STATE", value_parser = parse_name::<JobState>)]
        state: Option<JobState>,
        /// How many jobs.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=500))]
        limit: u64,
        /// Where to continue, as printed below the previous page.
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
    },
    /// Show one job.
    Show {
        /// Its id.
        id: String,
    },
    /// Stop a job.
    Cancel {
        /// Its id.
        id: String,
    },
    /// Queue a failed or cancelled job again.
    Retry {
        /// Its id.
        id: String,
    },
    /// Follow a job until it ends; exit 1 if it does not succeed.
    Watch {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct QueuesArguments {
    #[command(subcommand)]
    pub command: QueuesCommand,
    /// Print the server's answer as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum QueuesCommand {
    /// List the lanes, with their waiting and running jobs.
    List,
    /// Start no more jobs of a lane; running jobs continue.
    Pause {
        /// interactive, bulk or control.
        #[arg(value_parser = parse_name::<Lane>)]
        lane: Lane,
    },
    /// Start jobs of a lane again.
    Resume {
        /// interactive, bulk or control.
        #[arg(value_parser = parse_name::<Lane>)]
        lane: Lane,
    },
}

/// Parses a lane, a kind or a state of jobs. The error lists the valid names.
fn parse_name<T: std::str::FromStr<Err = clippy_core::Error>>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|error: clippy_core::Error| error.message)
}

/// How much each space counts.
#[derive(Debug, Args)]
pub struct WeightArguments {
    /// Weight of the picture.
    #[arg(
        long,
        value_name = "W",
        default_value_t = 0.7,
        allow_negative_numbers = true
    )]
    pub w_img: f32,
    /// Weight of its edges.
    #[arg(
        long,
        value_name = "W",
        default_value_t = 0.3,
        allow_negative_numbers = true
    )]
    pub w_edge: f32,
    /// Weight of the words.
    #[arg(
        long,
        value_name = "W",
        default_value_t = 0.2,
        allow_negative_numbers = true
    )]
    pub w_txt: f32,
    /// Weight of the style.
    #[arg(
        long,
        value_name = "W",
        default_value_t = 0.5,
        allow_negative_numbers = true
    )]
    pub w_style: f32,
}

#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = true)]
pub struct SearchWhat {
    /// Words to look for.
    #[arg(long, value_name = "WORDS")]
    pub text: Option<String>,
    /// A drawing to look for.
    #[arg(long, value_name = "FILE")]
    pub sketch: Option<PathBuf>,
    /// A picture to look for.
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// A picture whose style results should have.
    #[arg(long, value_name = "FILE")]
    pub style_image: Option<PathBuf>,
    /// Ids of pictures whose style results should have, with commas between them.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub style_like: Vec<String>,
}

#[derive(Debug, Args)]
pub struct SearchArguments {
    #[command(flatten)]
    pub what: SearchWhat,
    #[command(flatten)]
    pub weights: WeightArguments,
    /// Tags, separated by commas; results have at least one of them.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// The gallery's own pictures, generated pictures, or both.
    #[arg(long, value_parser = ["gallery", "generated", "any"])]
    pub origin: Option<String>,
    /// How many results.
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub top: usize,
    /// How much results should differ visually, 0..1. Without it, a search by sketch alone finds
    /// several guesses at what was drawn.
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub diversity: Option<f32>,
    /// The order of the results: per_style begins with the best few of each style.
    #[arg(long, value_parser = ["likeness", "guesses", "diverse", "per_style"])]
    pub order: Option<String>,
    /// Compare every picture instead of using the search graph.
    #[arg(long)]
    pub exact: bool,
    /// Print the answer of the HTTP route as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct EvalArguments {
    /// Queries with their answers, one a line, as JSON; paths are relative to this file.
    #[arg(long, value_name = "FILE")]
    pub queries: PathBuf,
    /// Leave pictures of this style out of results and answers; may be given several times.
    #[arg(long, value_name = "STYLE")]
    pub exclude_style: Vec<String>,
    #[command(flatten)]
    pub weights: WeightArguments,
    /// Rank by raw cosines instead of calibrated scores, to compare the two.
    #[arg(long)]
    pub raw: bool,
    /// How much results should differ visually, 0..1. Without it, a search by sketch alone finds
    /// several guesses at what was drawn.
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub diversity: Option<f32>,
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CalibrateArguments {
    /// Print the answer of the HTTP route as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The file, or the folder that it is in. Only Clippy 0.2's kg_store.json is known so far.
    #[arg(value_name = "FILE|DIR")]
    pub path: PathBuf,
    /// Print what was imported as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ModelsArguments {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the known models and which of them are here.
    List,
    /// Download a model's weights, continuing an earlier download.
    Pull {
        /// Architecture, such as ViT-B-32.
        name: String,
        /// Tag of its weights, such as laion2b_s34b_b79k.
        pretrained: String,
    },
    /// Check a model folder or a weights file: its tensors, its dimension, its fingerprint.
    Verify {
        /// The folder, or a `.safetensors` file.
        path: PathBuf,
        /// Architecture of a `.safetensors` file without a configuration.
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
}

#[cfg(test)]
mod tests;
