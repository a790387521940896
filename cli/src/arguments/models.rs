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
    /// Download a model from Hugging Face, continuing an earlier download.
    ///
    /// It goes to Hugging Face's cache (HF_HOME), which Python's tools share: what is there already
    /// is not downloaded again. A gated or private model needs HF_TOKEN.
    Pull {
        /// Architecture, such as ViT-B-32; or a repository, hf-hub:ORG/REPO or
        /// hf-hub:ORG/REPO@REVISION, which needs no tag.
        name: String,
        /// Tag of the architecture's weights, such as laion2b_s34b_b79k.
        pretrained: Option<String>,
    },
    /// Check a model folder or a weights file: its tensors, its dimension, its fingerprint.
    Verify {
        /// The folder, a `.safetensors` file, or hf-hub:ORG/REPO.
        path: PathBuf,
        /// Architecture of a `.safetensors` file without a configuration.
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
}
