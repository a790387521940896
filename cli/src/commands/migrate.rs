//! `clippy migrate`: brings the collection and the embedded database to this version's schema.

use clippy_core::settings::Settings;
use clippy_gallery::qdrant::{migrate, plan};
use clippy_gallery::schema::Schema;
use clippy_gallery::{EmbeddedState, QdrantServer};

use crate::arguments::MigrateArguments;
use crate::failure::Failure;
use crate::local_services::{LocalServices, database};
use crate::models::inspect;
use crate::output::say;
use crate::qdrant;

/// Prints the plan, and executes it unless this is a dry run.
pub async fn run(settings: &Settings, arguments: &MigrateArguments) -> Result<(), Failure> {
    if let Some(server) = qdrant::server(settings) {
        return on_server(settings, server, arguments.dry_run).await;
    }
    let found = clippy_gallery::EdgeCollections::inspect(
        &settings.collection.data_dir,
        &settings.collection.name,
    )?;
    let version = found.as_ref().map_or(0, |info| info.schema_version);
    let newest = Schema::current().version;
    match &found {
        Some(info) => say!(
            "Collection {}: version {version} of {newest}, filled by {} {}.",
            info.name,
            info.model,
            info.pretrained
        ),
        None => say!(
            "Collection {}: does not exist yet.",
            settings.collection.name
        ),
    }
    for migration in clippy_gallery::schema::migrations()
        .iter()
        .filter(|migration| migration.version > version)
    {
        say!("  {} {}", migration.version, migration.summary);
        for step in migration.steps() {
            say!("      {step}");
        }
    }
    if arguments.dry_run {
        return Ok(());
    }
    // Opening applies the pending migrations of the collection and of the database.
    LocalServices::open(settings, None).await?;
    say!("Everything is at version {newest}.");
    Ok(())
}

/// Migrates a collection on a server.
async fn on_server(
    settings: &Settings,
    server: QdrantServer,
    dry_run: bool,
) -> Result<(), Failure> {
    let model = inspect(settings).await?.info;
    let options = qdrant::options(settings, server, &model);
    let newest = Schema::current().version;
    let planned = plan(&options).await?;
    match planned.version {
        None => say!("Collection {}: does not exist yet.", options.name),
        Some(0) => {
            say!(
                "Collection {}: {} pictures of Clippy 0.2, without a version.",
                options.name,
                planned.points
            );
        }
        Some(version) => {
            say!(
                "Collection {}: {} pictures, version {version} of {newest}.",
                options.name,
                planned.points
            );
        }
    }
    planned.steps.iter().for_each(|step| say!("  {step}"));
    planned
        .hints
        .iter()
        .for_each(|hint| say!("  not done by this command: {hint}"));
    if dry_run {
        return Ok(());
    }
    migrate(&options).await?;
    EmbeddedState::open(&database(settings), settings.preferences).await?;
    say!("Everything is at version {newest}.");
    Ok(())
}
