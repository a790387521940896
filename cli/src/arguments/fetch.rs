//! The flags of `clippy fetch`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct FetchArguments {
    #[command(subcommand)]
    pub site: FetchSite,
}

#[derive(Debug, Subcommand)]
pub enum FetchSite {
    /// Safebooru, or another site with Gelbooru's interface (`--base-url`).
    Safebooru(SafebooruArguments),
}

#[derive(Debug, Args)]
pub struct SafebooruArguments {
    /// File with one tag a line; spaces become underscores, `#` begins a comment.
    #[arg(long, value_name = "FILE")]
    pub tags_file: PathBuf,
    /// Folder for the pictures and the manifest; with --enqueue the name of one in the server's
    /// DATA_DIR/fetched.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Put all pictures into one folder, instead of one for each tag.
    #[arg(long)]
    pub union: bool,
    /// How many pictures are downloaded at the same time.
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,
    /// Read at most this many pages of 100 posts for each tag.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_pages: Option<u64>,
    /// Go on with the run in the output folder. A job always does.
    #[arg(long, conflicts_with = "enqueue")]
    pub resume: bool,
    /// Only posts whose id is smaller.
    #[arg(long, value_name = "N")]
    pub older_than_id: Option<u64>,
    /// Only posts whose id is at most this.
    #[arg(long, value_name = "N")]
    pub max_id: Option<u64>,
    /// Requests a second, of all workers together.
    #[arg(long, value_name = "R", default_value_t = 4.0, value_parser = parse_rate)]
    pub rate: f64,
    /// Address of the site [default: `https://safebooru.org`, or the first of the server's
    /// FETCH_SITES].
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Start a job on the server, and do not wait for it.
    #[arg(long)]
    pub enqueue: bool,
    /// Embed and store the pictures, too, when the job has fetched them.
    #[arg(long, requires = "enqueue")]
    pub ingest: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

fn parse_rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && (0.001..=1000.0).contains(rate))
        .ok_or_else(|| "must be a number from 0.001 to 1000".to_owned())
}
