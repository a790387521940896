//! The `clippy` program. It reads settings and flags, assembles the parts, and prints their
//! answers.
//!
//! This is the only crate that names implementations. All others use the traits of `clippy-core`.

// `crate::output` says why.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod bundled;
mod cleaning;
mod client;
mod commands;
mod environment;
mod evaluation;
mod events;
mod failure;
mod folder_id;
mod following;
mod generation;
mod local_services;
mod logging;
mod memory;
mod model_choice;
mod models;
mod output;
mod private;
mod qdrant;
mod queue;
mod remote_models;
mod shutdown;
mod tending;
mod watching;

use std::path::Path;
use std::process::ExitCode;

use clippy_core::settings::Settings;
use clippy_gallery::holder;
use tokio_util::sync::CancellationToken;

use crate::arguments::{Arguments, Command};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::note;
use crate::shutdown::until_stopped;

fn main() -> ExitCode {
    // These must run before any other thread.
    private::make_new_files_private();
    memory::tune_allocator();
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match run(&arguments).and_then(|()| output::finish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                note!("clippy: {failure}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let environment = Environment::load()?;
    environment::reach_loopback_directly();
    let settings = arguments.settings()?;
    let serves = arguments.command.serves();
    logging::start(&settings.log, serves)?;
    environment.report();
    // `doctor` must not change anything, and lists all faults.
    if !matches!(arguments.command, Command::Doctor) {
        environment.check_keys()?;
        restrict_rights(&settings.collection.data_dir);
    }
    if serves {
        memory::return_unused_memory();
        allow_many_connections();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::run(format!("the async runtime cannot start: {error}")))?;
    let ended = runtime.block_on(async {
        let shutdown = shutdown::on_signals()?;
        Box::pin(command(arguments, settings, &environment, shutdown)).await
    });
    // The results of threads that are still computing are not needed.
    runtime.shutdown_background();
    ended
}

async fn command(
    arguments: &Arguments,
    mut settings: Settings,
    environment: &Environment,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let server = arguments.server.as_deref();
    let elsewhere = server.is_some()
        || holder(&settings.collection.data_dir).is_some_and(|holder| holder.address.is_some());
    if arguments.command.reads_collection() && (arguments.command.serves() || !elsewhere) {
        until_stopped(&shutdown, qdrant::choose_collection(&mut settings)).await?;
    }
    let settings = &settings;
    match &arguments.command {
        Command::Demo(demo) => Box::pin(commands::demo::run(settings, demo, shutdown)).await,
        Command::Serve(serve) => commands::serve::run(settings, serve, shutdown).await,
        Command::Worker(worker) => commands::worker::run(settings, worker, shutdown).await,
        Command::Add(add) => Box::pin(commands::add::run(settings, server, add, shutdown)).await,
        Command::Ingest(ingest) => commands::ingest::run(settings, server, ingest, shutdown).await,
        Command::Backfill(backfill) => {
            commands::backfill::run(settings, server, backfill, shutdown).await
        }
        Command::Reindex(reindex) => {
            commands::reindex::run(settings, server, reindex, shutdown).await
        }
        Command::Tag(tag) => commands::tag::run(settings, server, tag, shutdown).await,
        Command::Styles(styles) => commands::styles::run(settings, server, styles, shutdown).await,
        Command::Models(models) => commands::models::run(settings, models, shutdown).await,
        Command::Fetch(fetch) => {
            Box::pin(commands::fetch::run(settings, server, fetch, shutdown)).await
        }
        // The other commands have nothing to finish when they are stopped.
        Command::Migrate(migrate) => {
            until_stopped(
                &shutdown,
                Box::pin(commands::migrate::run(settings, migrate)),
            )
            .await
        }
        Command::Export(export) => {
            until_stopped(
                &shutdown,
                Box::pin(commands::export::run(settings, server, export)),
            )
            .await
        }
        Command::Import(import) => {
            until_stopped(
                &shutdown,
                Box::pin(commands::import::run(settings, server, import)),
            )
            .await
        }
        Command::Backup(backup) => {
            until_stopped(
                &shutdown,
                Box::pin(commands::backup::run(settings, server, backup)),
            )
            .await
        }
        Command::Jobs(jobs) => {
            until_stopped(&shutdown, commands::jobs::run(settings, server, jobs)).await
        }
        Command::Queues(queues) => {
            until_stopped(&shutdown, commands::queues::run(settings, server, queues)).await
        }
        Command::Search(search) => {
            until_stopped(&shutdown, commands::search::run(settings, server, search)).await
        }
        Command::Eval(eval) => {
            until_stopped(&shutdown, commands::eval::run(settings, server, eval)).await
        }
        Command::Calibrate(calibrate) => {
            until_stopped(
                &shutdown,
                commands::calibrate::run(settings, server, calibrate),
            )
            .await
        }
        Command::Doctor => {
            until_stopped(
                &shutdown,
                Box::pin(commands::doctor::run(settings, environment)),
            )
            .await
        }
    }
}

/// Restricts the rights of files that earlier versions made readable for other users.
fn restrict_rights(data: &Path) {
    match private::restrict(data) {
        Ok(found) if found.open.is_empty() => {}
        Ok(found) => tracing::warn!(
            "other users of this machine could read {} in {}; only you can now",
            found.open.join(", "),
            data.display()
        ),
        Err(error) => tracing::warn!(
            "other users of this machine may be able to read {} ({error}): see `clippy doctor`",
            data.display()
        ),
    }
}

/// Raises the limit of open files. Every event stream is a connection, and the default limit is
/// about a thousand.
fn allow_many_connections() {
    const WANTED: u64 = 65_536;
    match rlimit::increase_nofile_limit(WANTED) {
        Ok(limit) => tracing::debug!(limit, "the limit of open files and connections"),
        Err(error) => {
            tracing::warn!(%error, "the limit of open connections could not be raised")
        }
    }
}
