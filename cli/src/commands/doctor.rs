//! `clippy doctor`: is everything as it should be, and if not, what mends it.

use std::path::Path;
use std::sync::Arc;

use clippy_core::settings::Settings;
use clippy_gallery::{EdgeCollections, QdrantCollections, holder};
use clippy_jobs::RedisReport;

use crate::failure::Failure;
use crate::generation;
use crate::models::looked_at;
use crate::qdrant;

/// Checks the parts one by one; fails when any is at fault.
pub async fn run(settings: &Settings) -> Result<(), Failure> {
    let mut faults = 0_u32;
    let mut say = |part: &str, outcome: Result<String, String>| match outcome {
        Ok(fine) => println!("ok     {part}: {fine}"),
        Err(fault) => {
            faults += 1;
            println!("FAULT  {part}: {fault}");
        }
    };
    say("data folder", writable(&settings.collection.data_dir));

    let looked = looked_at(settings).await;
    let info = looked.as_ref().ok().map(|(info, _)| Arc::clone(info));
    say(
        "model",
        looked
            .map(|(info, how)| format!("{} {}, {} dimensions, {how}", info.name, info.pretrained, info.dimension))
            .map_err(|failure| failure.to_string()),
    );

    let name = &settings.collection.name;
    let server = qdrant::server(settings);
    let collection = match &server {
        Some(server) => QdrantCollections::inspect(server, name).await,
        None => EdgeCollections::inspect(&settings.collection.data_dir, name),
    };
    let counted = if server.is_some() { "on Qdrant" } else { "at the last checkpoint" };
    say(
        "collection",
        match (&collection, &info) {
            (Err(error), _) => Err(error.message.clone()),
            (Ok(None), _) => Ok("none yet; `clippy migrate`, `clippy ingest` or `clippy demo` makes one".to_owned()),
            (Ok(Some(found)), Some(info)) if found.dimension != info.dimension => Err(format!(
                "its vectors have {} values, but those of the model {} {} have {}: set MODEL_NAME and PRETRAINED to the \
                 model that filled it, or name another QDRANT_COLLECTION",
                found.dimension, info.name, info.pretrained, info.dimension
            )),
            (Ok(Some(found)), _) if found.schema_version == 0 => Ok(format!(
                "{}, {} pictures {counted}, of Clippy 0.2: it is searched as it is, and `clippy migrate` adds what is \
                 missing",
                found.name, found.points
            )),
            (Ok(Some(found)), Some(info)) if found.fingerprint != info.fingerprint => Err(format!(
                "it was filled by {} {}, but the model is {} {}: set MODEL_NAME and PRETRAINED back (or unset them, after a \
                 re-index: the data folder remembers its model), run `clippy reindex`, or use another DATA_DIR",
                found.model, found.pretrained, info.name, info.pretrained
            )),
            (Ok(Some(found)), _) => Ok(format!(
                "{}, {} pictures {counted}, filled by {} {}",
                found.name, found.points, found.model, found.pretrained
            )),
        },
    );
    if let Ok(Some(found)) = &collection {
        for root in &found.roots {
            let there = Path::new(root).is_dir();
            say(
                "pictures",
                if there {
                    Ok(root.clone())
                } else {
                    Err(format!("{root} is not there any more: ingest again with --images-root"))
                },
            );
        }
    }
    let owner = match holder(&settings.collection.data_dir) {
        None => "nobody has it open".to_owned(),
        Some(holder) => match holder.address {
            Some(address) => format!("process {} serves it at {address}", holder.pid),
            None => format!("process {} has it open", holder.pid),
        },
    };
    say("owner", Ok(owner));
    match &settings.jobs.redis_url {
        None => say("queue", Ok("embedded; jobs run in `clippy serve`".to_owned())),
        Some(url) => match RedisReport::ask(url.expose()).await {
            Err(error) => say("queue", Err(error.message)),
            Ok(report) if report.faults.is_empty() => {
                say("queue", Ok(format!("Redis {}, append-only, never evicting", report.version)));
            }
            Ok(report) => report.faults.into_iter().for_each(|fault| say("queue", Err(format!("Redis: {fault}")))),
        },
    }
    for (part, answer) in generation::ready().await {
        say(&part, answer);
    }
    if faults == 0 { Ok(()) } else { Err(Failure::run(format!("{faults} of these are at fault"))) }
}

/// A folder that is there, or can be made, and can be written to.
fn writable(folder: &Path) -> Result<String, String> {
    let probe = folder.join(".doctor");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"a probe"))
        .and_then(|()| std::fs::remove_file(&probe))
        .map(|()| folder.display().to_string())
        .map_err(|error| {
            format!(
                "{} cannot be written to ({error}): mend its permissions, or name another with --data-dir",
                folder.display()
            )
        })
}
