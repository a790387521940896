//! `clippy models`: lists, downloads and checks OpenCLIP weights.

use clippy_clip::pretrained;
use clippy_core::blocking;
use clippy_core::settings::Settings;
use tokio_util::sync::CancellationToken;

use crate::arguments::{ModelsArguments, ModelsCommand};
use crate::failure::Failure;
use crate::output::say;

/// Runs the subcommand.
pub async fn run(
    settings: &Settings,
    arguments: &ModelsArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let models = settings.collection.data_dir.join("models");
    match &arguments.command {
        ModelsCommand::List => {
            say!("{:<28} {:<34} downloaded", "model", "pretrained");
            say!(
                "{:<28} {:<34} yes (bundled; used when nothing is set)",
                "clippy-small",
                ""
            );
            for entry in pretrained::all() {
                let here = models
                    .join(&entry.model)
                    .join(&entry.tag)
                    .join(pretrained::WEIGHTS_FILE)
                    .is_file();
                say!(
                    "{:<28} {:<34} {}",
                    entry.model,
                    entry.tag,
                    if here { "yes" } else { "" }
                );
            }
            Ok(())
        }
        ModelsCommand::Pull { name, pretrained } => {
            super::pull::run(&models, name, pretrained, shutdown).await
        }
        ModelsCommand::Verify { path, model } => {
            let (path, model) = (path.clone(), model.clone());
            let verified = blocking("checking the weights", move || {
                Ok(clippy_clip::verify(&path, model.as_deref())?)
            })
            .await?;
            say!("{} is valid.", verified.weights.display());
            say!("  architecture  {}", verified.info.name);
            say!("  dimension     {}", verified.info.dimension);
            say!("  picture side  {} pixels", verified.info.transform.side);
            say!("  text length   {} tokens", verified.info.context_length);
            say!("  fingerprint   {}", verified.info.fingerprint);
            Ok(())
        }
    }
}
