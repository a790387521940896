//! The flags of `clippy tag`.

use clap::Args;
use clippy_core::bulk::{TEXT_TEMPLATE, TagRequest};

#[derive(Debug, Args)]
pub struct TagArguments {
    /// Words to compare pictures with: a file with one tag a line, or `styles` for the gallery's
    /// style tags [default: the gallery's tags].
    #[arg(long, value_name = "FILE")]
    pub vocabulary: Option<String>,
    /// The lowest probability of a proposal.
    #[arg(long, value_name = "P", default_value_t = TagRequest::AT_LEAST)]
    pub at_least: f64,
    /// Make the proposals tags at once.
    #[arg(long)]
    pub accept: bool,
    /// Sentence that a picture's tags are embedded as.
    #[arg(long, value_name = "TEXT", default_value = TEXT_TEMPLATE)]
    pub text_template: String,
    /// Start a job on the server, and do not wait for it.
    #[arg(long)]
    pub enqueue: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}
