//! The command line. Scripts depend on its names and defaults, so they must not change.

mod bulk;
mod fetch;
mod jobs;
mod models;
mod search;
mod styles;
mod tag;
mod transfer;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use clippy_core::settings::{BindAddress, Settings};
use clippy_jobs::Lane;
use clippy_transfer::ExportFolder;

use crate::failure::Failure;
use crate::output::note;
use jobs::parse_name;

pub use bulk::{
    AddArguments, BackfillArguments, IngestArguments, ManifestArguments, ReindexArguments,
};
pub use fetch::{FetchArguments, FetchSite, SafebooruArguments};
pub use jobs::{JobsArguments, JobsCommand, QueuesArguments, QueuesCommand};
pub use models::{ModelsArguments, ModelsCommand};
pub use search::{CalibrateArguments, EvalArguments, SearchArguments, WeightArguments};
pub use styles::StylesArguments;
pub use tag::TagArguments;
pub use transfer::{BackupArguments, ExportArguments, ImportArguments};

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
                note!("clippy: {}", one_line(&error, &given));
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
    /// Measure recall and mean reciprocal rank on queries with known answers, or on the own gallery.
    Eval(EvalArguments),
    /// Refresh the background distributions that scores are calibrated by.
    Calibrate(CalibrateArguments),
    /// Propose tags for pictures, with the probability that each is right.
    Tag(TagArguments),
    /// Styles that the gallery has: list, find, rename, merge.
    Styles(StylesArguments),
    /// OpenCLIP weights: list the known ones, download, check.
    Models(ModelsArguments),
    /// Write the collection into a folder: manifest, vectors, preferences, deleted pictures.
    Export(ExportArguments),
    /// Read an export of Clippy, or the preferences of Clippy 0.2 (kg_store.json).
    Import(ImportArguments),
    /// Copy the data folder while a server uses it, or check a copy.
    Backup(BackupArguments),
    /// Download pictures with tags from a site, and write a manifest for `clippy ingest`.
    Fetch(FetchArguments),
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
        match self {
            Self::Demo(_)
            | Self::Jobs(_)
            | Self::Queues(_)
            | Self::Models(_)
            | Self::Fetch(_)
            | Self::Backup(_)
            | Self::Doctor => false,
            Self::Import(import) => ExportFolder::is_one(&import.path),
            _ => true,
        }
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

#[cfg(test)]
mod tests;
