//! The flags of `clippy export`, `clippy import` and `clippy backup`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Folder for the export. It must not exist, or be empty.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Print what was exported as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The folder of an export, or Clippy 0.2's kg_store.json or the folder that it is in.
    #[arg(value_name = "DIR|FILE")]
    pub path: PathBuf,
    /// Overwrite pictures that the collection has in another form. Without it they stay as they
    /// are.
    #[arg(long)]
    pub replace: bool,
    /// Serve pictures from the folders that the export names.
    #[arg(long)]
    pub open_folders: bool,
    /// Print what was imported as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BackupArguments {
    /// Folder for the copy, which must not exist or be empty; with --verify, the copy.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Check every file of a copy, and write nothing.
    #[arg(long, conflicts_with = "thumbnails")]
    pub verify: bool,
    /// Copy thumbnails, too. Without them they are made again when they are needed.
    #[arg(long)]
    pub thumbnails: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}
