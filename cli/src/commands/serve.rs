//! `clippy serve`: the API and the page.

use std::net::SocketAddr;

use clippy_core::settings::Settings;
use clippy_jobs::RunnerSettings;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::arguments::ServeArguments;
use crate::embedded::{Embedded, url_of};
use crate::failure::Failure;
use crate::queue::{self, Workers};

/// Serves the data folder until it is told to stop.
pub async fn run(settings: &Settings, arguments: &ServeArguments, shutdown: CancellationToken) -> Result<(), Failure> {
    let address = arguments.bind.unwrap_or(settings.server.bind);
    check_exposure(settings, address, arguments.allow_anyone)?;
    check_workers(settings, arguments.with_worker)?;
    let listener = listen(address).await?;
    let url = url_of(&listener)?;
    // Redis first: while it is waited for, the data folder is nobody's.
    let connected = match &settings.jobs.redis_url {
        Some(redis) => Some(queue::connect(settings, redis, &shutdown).await?),
        None => None,
    };
    let embedded = Embedded::open(settings, Some(&url)).await?;
    let jobs = match connected {
        Some(jobs) => jobs,
        None => queue::embedded(settings).await?,
    };
    let workers = Workers::start(jobs.clone(), embedded.handlers(), RunnerSettings::default(), &shutdown)?;
    println!("Clippy serves at {url}");
    queue::beside(workers, &shutdown, embedded.serve(settings, jobs, listener, shutdown.clone())).await
}

/// With a queue in Redis, workers are elsewhere, unless they are asked for here. A collection in this process can be
/// worked on by this process alone: without workers here, jobs would wait for ever.
fn check_workers(settings: &Settings, with_worker: bool) -> Result<(), Failure> {
    if settings.jobs.redis_url.is_none() || settings.collection.qdrant_url.is_some() || with_worker {
        return Ok(());
    }
    Err(Failure::usage(
        "REDIS_URL is set and the collection is embedded, so that workers elsewhere could not reach it: add \
         --with-worker to run jobs in this process, or unset REDIS_URL",
    ))
}

/// Binds the address; the usual reason for a refusal is another Clippy.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::run(format!(
            "{address} cannot be served at ({error}): choose another with --bind, such as 127.0.0.1:0"
        ))
    })
}

/// Without keys, whoever reaches the port may do everything: that is for this machine alone, unless it was asked for.
pub fn check_exposure(settings: &Settings, address: SocketAddr, allow_anyone: bool) -> Result<(), Failure> {
    if address.ip().is_loopback() || allow_anyone || !settings.server.api_keys.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{address} can be reached from other machines and no API_KEYS are set: set some, or bind 127.0.0.1, or add --allow-anyone"
    )))
}
