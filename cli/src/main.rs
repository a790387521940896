//! `clippy`: the one binary. It reads settings and flags, puts the parts together, and prints what they answer.
//!
//! This is the only place that names implementations: everything below it works through the traits of `clippy-core`.

mod arguments;
mod bundled;
mod client;
mod commands;
mod embedded;
mod evaluation;
mod events;
mod failure;
mod following;
mod generation;
mod logging;
mod memory;
mod models;
mod qdrant;
mod queue;
mod remote_models;
mod shutdown;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    memory::keep_tensors();
    // Bad arguments end here: one line, exit code 2.
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("clippy: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    // A missing .env is the usual case; an unreadable one must not be passed over in silence.
    match dotenvy::dotenv() {
        Ok(_) => {}
        Err(error) if error.not_found() => {}
        Err(error) => return Err(Failure::usage(format!(".env cannot be read: {error}"))),
    }
    let settings = arguments.settings()?;
    logging::start(&settings.server.log_level, arguments.command.serves())?;
    if arguments.command.serves() {
        allow_many_connections();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::run(format!("the async runtime cannot start: {error}")))?;
    runtime.block_on(async {
        let shutdown = shutdown::on_signals()?;
        match arguments.command {
            Command::Demo(demo) => commands::demo::run(&settings, &demo, shutdown).await,
            Command::Serve(serve) => commands::serve::run(&settings, &serve, shutdown).await,
            Command::Migrate(migrate) => commands::migrate::run(&settings, &migrate).await,
            Command::Worker(worker) => commands::worker::run(&settings, &worker, shutdown).await,
            Command::Ingest(ingest) => {
                commands::ingest::run(&settings, arguments.server.as_deref(), &ingest, shutdown).await
            }
            Command::Backfill(backfill) => {
                commands::backfill::run(&settings, arguments.server.as_deref(), &backfill, shutdown).await
            }
            Command::Reindex(reindex) => {
                commands::reindex::run(&settings, arguments.server.as_deref(), &reindex, shutdown).await
            }
            Command::Jobs(jobs) => commands::jobs::run(&settings, arguments.server.as_deref(), &jobs).await,
            Command::Queues(queues) => commands::queues::run(&settings, arguments.server.as_deref(), &queues).await,
            Command::Search(search) => commands::search::run(&settings, arguments.server.as_deref(), &search).await,
            Command::Eval(eval) => commands::eval::run(&settings, arguments.server.as_deref(), &eval).await,
            Command::Calibrate(calibrate) => {
                commands::calibrate::run(&settings, arguments.server.as_deref(), &calibrate).await
            }
            Command::Models(models) => commands::models::run(&settings, &models, shutdown).await,
            Command::Doctor => commands::doctor::run(&settings).await,
        }
    })
}

/// Every stream of events is an open connection. Systems let a process have about a thousand by default, and more when it
/// asks.
fn allow_many_connections() {
    const WANTED: u64 = 65_536;
    match rlimit::increase_nofile_limit(WANTED) {
        Ok(limit) => tracing::debug!(limit, "open files and connections that this process may have"),
        Err(error) => tracing::warn!(%error, "this process may not have more open connections than usual"),
    }
}
