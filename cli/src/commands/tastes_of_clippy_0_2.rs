//! `clippy import`, for the preferences of Clippy 0.2.

use std::path::{Path, PathBuf};

use clippy_core::settings::Settings;
use clippy_core::tastes::{Tastes, of_clippy_0_2};
use clippy_gallery::EmbeddedState;

use crate::arguments::ImportArguments;
use crate::failure::Failure;
use crate::local_services::database;
use crate::output::say;

/// Clippy 0.2's file of preferences.
pub const PREFERENCES_FILE: &str = "kg_store.json";

/// Imports Clippy 0.2's file of preferences. A running server sees them at once.
pub async fn run(settings: &Settings, arguments: &ImportArguments) -> Result<(), Failure> {
    let file = file(&arguments.path)?;
    let bytes = tokio::fs::read(&file)
        .await
        .map_err(|error| Failure::run(format!("{} cannot be read: {error}", file.display())))?;
    let preferences = of_clippy_0_2(&bytes)
        .map_err(|error| Failure::run(format!("{}: {}", file.display(), error.message)))?;
    let state = EmbeddedState::open(&database(settings), settings.preferences).await?;
    let imported = state.import(preferences).await?;
    state.close().await;
    if arguments.json {
        let line = serde_json::to_string(&imported).map_err(|error| {
            Failure::run(format!("the answer cannot be written as JSON: {error}"))
        })?;
        say!("{line}");
    } else {
        say!(
            "{} artists: {} weights of tags and {} of styles are new or higher now.",
            imported.artists,
            imported.tags,
            imported.styles
        );
    }
    Ok(())
}

/// The file itself, or the one in the folder.
fn file(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let inside = path.join(PREFERENCES_FILE);
    if inside.is_file() {
        return Ok(inside);
    }
    Err(Failure::run(format!(
        "{} is no export of `clippy export`, and contains no {PREFERENCES_FILE}, the preferences \
         of Clippy 0.2: nothing else can be imported",
        path.display()
    )))
}
