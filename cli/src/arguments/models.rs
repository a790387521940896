//! The flags of `clippy models`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct ModelsArguments {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the known models, and which of them are on this machine.
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
