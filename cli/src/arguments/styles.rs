//! The flags of `clippy styles`.

use clap::Args;

/// Flags of `clippy styles`.
#[derive(Debug, Args)]
pub struct StylesArguments {
    /// Find the styles: group the pictures by their style vectors. Styles that were found before
    /// keep their ids and names.
    #[arg(long, conflicts_with_all = ["rename", "merge"])]
    pub find: bool,
    /// Find the styles, and forget those that were found before.
    #[arg(long, conflicts_with_all = ["rename", "merge"])]
    pub afresh: bool,
    /// Name a style.
    #[arg(long, num_args = 2, value_names = ["ID", "NAME"], conflicts_with = "merge")]
    pub rename: Option<Vec<String>>,
    /// Merge the first style into the second one, which keeps its id and name.
    #[arg(long, num_args = 2, value_names = ["ID", "INTO"])]
    pub merge: Option<Vec<u64>>,
    /// Print the answer of the HTTP route as JSON.
    #[arg(long)]
    pub json: bool,
}
