//! `clippy models`: lists, downloads and checks OpenCLIP weights.

use std::path::{Path, PathBuf};

use clippy_clip::hub::{Cache, Repository};
use clippy_clip::{ModelSource, pretrained};
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
            let cache = Cache::new(&settings.hub.cache);
            let downloaded = blocking("looking for models", move || {
                Ok(downloaded(&models, &cache))
            });
            for (entry, is_here) in pretrained::all().iter().zip(downloaded.await?) {
                let is_here = if is_here { "yes" } else { "" };
                say!("{:<28} {:<34} {is_here}", entry.model, entry.tag);
            }
            say!(
                "Others: `clippy models pull hf-hub:ORG/REPO`, with the name of a repository of \
                 Hugging Face."
            );
            Ok(())
        }
        ModelsCommand::Pull { name, pretrained } => {
            let named = (name.as_str(), pretrained.as_deref());
            super::pull::run(&settings.hub, &models, named, shutdown).await
        }
        ModelsCommand::Verify { path, model } => {
            let (path, model) = (path.clone(), model.clone());
            let cache = Cache::new(&settings.hub.cache);
            let verified = blocking("checking the weights", move || {
                let path = match path.to_str().and_then(Repository::parse) {
                    Some(repository) => folder_of(repository?, cache)?,
                    None => path,
                };
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

/// Which of the published weights are on this machine, in the folder of earlier versions or in
/// Hugging Face's cache.
fn downloaded(models: &Path, cache: &Cache) -> Vec<bool> {
    let entries = pretrained::all().iter();
    let sources = entries.map(|entry| ModelSource::Tag {
        model: entry.model.clone(),
        tag: entry.tag.clone(),
        models: models.to_owned(),
        cache: Some(cache.clone()),
    });
    sources.map(|source| source.describe().is_ok()).collect()
}

/// The folder of a repository's model in Hugging Face's cache.
fn folder_of(repository: Repository, cache: Cache) -> clippy_clip::Result<PathBuf> {
    let weights = ModelSource::Hub { repository, cache }.describe()?.weights;
    Ok(weights.parent().map(Path::to_owned).unwrap_or(weights))
}
