//! The command line: names and defaults as CONTRACT promises them to scripts.

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
    /// Folder of everything that Clippy keeps (setting DATA_DIR) [default: data].
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// A running Clippy to talk to, instead of the one that serves this data folder.
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Reads the command line. What asks for help or the version, and what is wrong, is answered
    /// here: a mistake with one line and exit code 2.
    pub fn read() -> Result<Self, ExitCode> {
        let given: Vec<OsString> = std::env::args_os().collect();
        Self::try_parse_from(&given).map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                let code = u8::try_from(error.exit_code()).unwrap_or(2);
                // A reader that has gone away wants no help.
                drop(error.print());
                ExitCode::from(code)
            }
            _ => {
                eprintln!("clippy: {}", one_line(&error, &given));
                ExitCode::from(2)
            }
        })
    }

    /// The settings, with the flags on top.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let mut settings =
            Settings::from_environment().map_err(|error| Failure::usage(error.message))?;
        if let Some(folder) = &self.data_dir {
            settings.collection.data_dir.clone_from(folder);
        }
        // As Clippy 0.2 did: from the working folder on, wherever it is used later.
        if let Some(root) = &settings.collection.images_root {
            let absolute = std::path::absolute(root).map_err(|error| {
                Failure::usage(format!(
                    "IMAGES_ROOT is \"{}\", which is no path: {error}",
                    root.display()
                ))
            })?;
            settings.collection.images_root = Some(absolute);
        }
        Ok(settings)
    }
}

/// What is wrong with a command line, in one line: what clap says of it, without usage and hints,
/// and where help is.
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
    format!("{said} (`{command} --help` tells more)")
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Draw a small gallery, embed it with the bundled model and serve it: all offline.
    Demo(DemoArguments),
    /// Serve the API and the web page.
    Serve(ServeArguments),
    /// Take jobs from Redis, beside servers that have no workers.
    Worker(WorkerArguments),
    /// Create or upgrade the collection and the embedded database.
    Migrate(MigrateArguments),
    /// Add the pictures of folders, with the tags that lie beside them; a second run does only what
    /// changed.
    Add(AddArguments),
    /// Embed and store the pictures of a manifest; a second run does only what is missing.
    Ingest(IngestArguments),
    /// Fill missing or zero vectors of stored pictures, never touching the others.
    Backfill(BackfillArguments),
    /// Build the collection anew beside the live one, compare, and switch; searches go on all the
    /// time.
    Reindex(ReindexArguments),
    /// Jobs: list, show, cancel, retry, watch.
    Jobs(JobsArguments),
    /// The lanes that jobs wait in: list, pause, resume.
    Queues(QueuesArguments),
    /// Search from the shell.
    Search(SearchArguments),
    /// Measure recall and mean reciprocal rank on queries with known answers.
    Eval(EvalArguments),
    /// Refresh the background distributions that scores are calibrated by.
    Calibrate(CalibrateArguments),
    /// OpenCLIP weights: list what is known, download, check.
    Models(ModelsArguments),
    /// Take over what another Clippy kept: the tastes of Clippy 0.2 (kg_store.json).
    Import(ImportArguments),
    /// Check settings, weights and collection; exit 1 on a fault, with the mend.
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
    /// Serve beyond this machine although no API_KEYS are set.
    #[arg(long)]
    pub allow_anyone: bool,
    /// Run jobs in this process although REDIS_URL is set; without REDIS_URL they always are.
    #[arg(long)]
    pub with_worker: bool,
}

#[derive(Debug, Args)]
pub struct WorkerArguments {
    /// Lanes to take jobs from, with commas between them.
    #[arg(long, value_name = "LANES", value_delimiter = ',', value_parser = parsed::<Lane>, default_value = "interactive,bulk,control")]
    pub lanes: Vec<Lane>,
    /// Jobs that are run at once in each lane [default: 16 interactive, 2 bulk, 2 control].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: Option<u16>,
    /// Embed for others besides, at this address: what EMBEDDER_URL of API machines without a GPU
    /// names.
    #[arg(long, value_name = "ADDR")]
    pub serve_embedder: Option<BindAddress>,
    /// Embed for other machines also when no API_KEYS are set.
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
    /// Take the names of sub-folders as tags, and as styles.
    #[arg(long)]
    pub tags_from_folders: bool,
    /// Look at the files and say what would be done, but store nothing.
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
    /// Of several runs that share the manifest, which one this is, counted from 0.
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
    /// Folder that relative paths are looked up under [default: IMAGES_ROOT, else the manifest's
    /// folder].
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
    /// Exit 1 when a single line failed; without it only when nothing succeeded.
    #[arg(long)]
    pub fail_on_any: bool,
    /// Make a job of it, on the server, and do not wait.
    #[arg(long)]
    pub enqueue: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

impl ManifestArguments {
    /// The flags as a request; paths are as they were typed.
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
    /// Read the manifest and look at the files, but store nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Reads a [`Which`]; help and errors list the names.
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
    /// Make them anew where they are there already, too.
    #[arg(long)]
    pub force_all: bool,
    /// Only the pictures whose ids stand in this file, one a line.
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
    /// Go back to the collection that the last reindex replaced, with all that was written since.
    #[arg(long, conflicts_with_all = ["model", "pretrained", "allow_missing"])]
    pub rollback: bool,
    /// Drop the collection that the last reindex replaced: there is no way back then.
    #[arg(long, conflicts_with_all = ["model", "pretrained", "allow_missing", "rollback"])]
    pub drop_old: bool,
    /// Sentence that a picture's tags are embedded as.
    #[arg(long, value_name = "TEXT", default_value = TEXT_TEMPLATE)]
    pub text_template: String,
    /// Switch although more than one of ten pictures cannot be read any more.
    #[arg(long)]
    pub allow_missing: bool,
    /// Make a job of it, on the server, and do not wait.
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
    /// Print what the server answers, as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// List jobs, newest first.
    List {
        /// Of this kind only.
        #[arg(long, value_name = "KIND", value_parser = parsed::<JobKind>)]
        kind: Option<JobKind>,
        /// In this state only.
        #[arg(long, value_name = "STATE", value_parser = parsed::<JobState>)]
        state: Option<JobState>,
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=500))]
        limit: u64,
        /// Where the page before said to go on.
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
    /// Follow a job until it ends; exit 1 when it does not end well.
    Watch {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct QueuesArguments {
    #[command(subcommand)]
    pub command: QueuesCommand,
    /// Print what the server answers, as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum QueuesCommand {
    /// What waits and runs in each lane.
    List,
    /// Take nothing more from a lane; what runs goes on.
    Pause {
        /// interactive, bulk or control.
        #[arg(value_parser = parsed::<Lane>)]
        lane: Lane,
    },
    /// Take from a lane again.
    Resume {
        /// interactive, bulk or control.
        #[arg(value_parser = parsed::<Lane>)]
        lane: Lane,
    },
}

/// Reads one of the names that jobs have for things; the error lists them.
fn parsed<T: std::str::FromStr<Err = clippy_core::Error>>(text: &str) -> Result<T, String> {
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
}

#[derive(Debug, Args)]
pub struct SearchArguments {
    #[command(flatten)]
    pub what: SearchWhat,
    #[command(flatten)]
    pub weights: WeightArguments,
    /// Tags that results hold one of, with commas between them.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// The gallery's own pictures, pictures made here and added to it, or both.
    #[arg(long, value_parser = ["gallery", "generated", "any"])]
    pub origin: Option<String>,
    /// How many results.
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub top: usize,
    /// How much results should differ in their look, 0..1. Left out, a sketch alone finds several
    /// guesses at what was drawn.
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub diversity: Option<f32>,
    /// Look at every picture instead of walking the graph.
    #[arg(long)]
    pub exact: bool,
    /// Print the answer as JSON, as the HTTP route gives it.
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
    /// How much results should differ in their look, 0..1. Left out, a sketch alone finds several
    /// guesses at what was drawn.
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub diversity: Option<f32>,
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CalibrateArguments {
    /// Print the answer as JSON, as the HTTP route gives it.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The file, or the folder that it is in. Only Clippy 0.2's kg_store.json is known so far.
    #[arg(value_name = "FILE|DIR")]
    pub path: PathBuf,
    /// Print what was taken over as JSON.
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
    /// Download a model's weights, going on where an earlier download stopped.
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
        /// Architecture of a `.safetensors` file that lies alone.
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
}

#[cfg(test)]
mod tests;
