//! `clippy import`: reads an export into a collection.

use std::path::{Path, PathBuf};

use clippy_core::folders::Folders;
use clippy_core::settings::Settings;
use clippy_transfer::{ExportFolder, Imported};

use super::export::{TransferBar, print_json};
use super::tastes_of_clippy_0_2;
use crate::arguments::ImportArguments;
use crate::client::ServerCollection;
use crate::failure::Failure;
use crate::local_services::{running_server, with_server_to_fill};
use crate::models;
use crate::output::say;

/// Imports an export, or the preferences of Clippy 0.2.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &ImportArguments,
) -> Result<(), Failure> {
    if !ExportFolder::is_one(&arguments.path) {
        return tastes_of_clippy_0_2::run(settings, arguments).await;
    }
    let export = open(&arguments.path).await?;
    if running_server(settings, server)?.is_none() {
        // Before the collection is made, which would be one of the wrong model.
        let model = models::inspect(settings).await?.info;
        export
            .description()
            .check_model(&model.name, &model.pretrained, &model.fingerprint)?;
    }
    if arguments.open_folders {
        if server.is_some() {
            return Err(Failure::usage(
                "--open-folders changes the data folder of this machine: run it on the machine of \
                 the server, without --server",
            ));
        }
        open_folders(settings, &export)?;
    }
    let bar = TransferBar::new(arguments.json);
    let imported = with_server_to_fill(settings, server, async |client| {
        let sink = ServerCollection(client);
        Ok(clippy_transfer::import(&arguments.path, &sink, arguments.replace, &bar).await?)
    })
    .await;
    drop(bar);
    let imported = imported?;
    if arguments.json {
        return print_json(&imported);
    }
    report(&imported);
    Ok(())
}

async fn open(path: &Path) -> Result<ExportFolder, Failure> {
    let path = path.to_owned();
    let opened = clippy_core::blocking("opening an export", move || ExportFolder::open(&path));
    Ok(opened.await?)
}

/// Allows the process that opens this data folder to serve the folders that the export names.
fn open_folders(settings: &Settings, export: &ExportFolder) -> Result<(), Failure> {
    let data = &settings.collection.data_dir;
    std::fs::create_dir_all(data)
        .map_err(|error| Failure::run(format!("{} cannot be made: {error}", data.display())))?;
    let roots = &export.description().collection.roots;
    let found: Vec<PathBuf> = roots
        .iter()
        .filter_map(|root| Path::new(root).canonicalize().ok())
        .collect();
    Ok(Folders::new(None, Some(data.clone())).allow(&found)?)
}

fn report(imported: &Imported) {
    let points = imported.points;
    say!(
        "{} pictures added, {} unchanged, {} replaced; {} that differ here stay as they are, {} \
         stay deleted.",
        points.added,
        points.unchanged,
        points.replaced,
        points.kept,
        points.deleted
    );
    let records = imported.records;
    say!(
        "{} deleted pictures, {} boards and the preferences of {} artists added.",
        records.deleted,
        records.boards.changed,
        records.tastes.artists
    );
    if points.kept > 0 {
        say!("--replace overwrites the pictures that differ.");
    }
    let accepted = imported.begun.accepted;
    if !accepted.style {
        say!(
            "Style vectors were left out, since another style head made those of this collection: \
             run `clippy backfill --which style --manifest M.jsonl`."
        );
    }
    if !accepted.text {
        say!(
            "Text vectors were left out, since this collection writes tags in another form: run \
             `clippy backfill --which text --manifest M.jsonl`."
        );
    }
    if !imported.begun.closed.is_empty() {
        say!(
            "Pictures in {} are not shown: import again with --open-folders, or set IMAGES_ROOT.",
            imported.begun.closed.join(", ")
        );
    }
}
