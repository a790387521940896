//! The flags of `clippy jobs` and `clippy queues`.

use clap::{Args, Subcommand};
use clippy_jobs::{JobKind, JobState, Lane};

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
        #[arg(
            long,
            value_name = "N",
            default_value_t = 50,
            value_parser = clap::value_parser!(u64).range(1..=500)
        )]
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
pub(super) fn parse_name<T: std::str::FromStr<Err = clippy_core::Error>>(
    text: &str,
) -> Result<T, String> {
    text.parse()
        .map_err(|error: clippy_core::Error| error.message)
}
