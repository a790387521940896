//! `clippy migrate`: brings the collection and the embedded database to this version's schema.

use clippy_core::settings::Settings;

use crate::arguments::MigrateArguments;
use crate::embedded::Embedded;
use crate::failure::Failure;

/// Prints the plan, and follows it unless it is a dry run.
pub async fn run(settings: &Settings, arguments: &MigrateArguments) -> Result<(), Failure> {
    let found = clippy_gallery::EdgeCollections::inspect(&settings.collection.data_dir, &settings.collection.name)?;
    let version = found.as_ref().map_or(0, |info| info.schema_version);
    let newest = clippy_gallery::schema::Schema::current().version;
    match &found {
        Some(info) => println!(
            "Collection {}: version {version} of {newest}, filled by {} {}.",
            info.name, info.model, info.pretrained
        ),
        None => println!("Collection {}: not there yet.", settings.collection.name),
    }
    for migration in clippy_gallery::schema::migrations().iter().filter(|migration| migration.version > version) {
        println!("  {} {}", migration.version, migration.summary);
        for step in migration.steps() {
            println!("      {step}");
        }
    }
    if arguments.dry_run {
        return Ok(());
    }
    // Opening applies what is pending, in the collection and in the database.
    Embedded::open(settings, None).await?;
    println!("Everything is at version {newest}.");
    Ok(())
}
