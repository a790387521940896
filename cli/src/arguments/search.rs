//! The flags of `clippy search`, `eval` and `calibrate`.

use std::path::PathBuf;

use clap::Args;

/// How much each space counts.
#[derive(Debug, Clone, Copy, PartialEq, Args)]
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

/// Where the queries come from.
#[derive(Debug, Args)]
#[group(id = "source", required = true, multiple = true)]
pub struct EvalSource {
    /// Queries with their answers, one a line, as JSON; paths are relative to this file.
    #[arg(long, value_name = "FILE")]
    pub queries: Option<PathBuf>,
    /// Make queries from the gallery's own pictures, tags and styles, and say which weights fit
    /// them. No setting is changed.
    #[arg(long)]
    pub own: bool,
}

#[derive(Debug, Args)]
pub struct EvalArguments {
    #[command(flatten)]
    pub source: EvalSource,
    /// Write the figures and the worst misses, with small pictures, to this HTML file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
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
