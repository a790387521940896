//! `clippy serve`: serves the API and the page.

use std::net::SocketAddr;

use clippy_core::preparing::Preparing;
use clippy_core::settings::{BindAddress, Settings};
use clippy_jobs::RunnerSettings;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::arguments::ServeArguments;
use crate::failure::Failure;
use crate::local_services::{LocalServices, url_of};
use crate::output::say;
use crate::queue::{self, Workers};
use crate::watching;

/// Serves the data folder until `shutdown`.
pub async fn run(
    settings: &Settings,
    arguments: &ServeArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let listening =
        ListenAddress::resolve(arguments.bind.as_ref().unwrap_or(&settings.server.bind)).await?;
    if !arguments.allow_anyone {
        listening.check_exposure(settings, OR_ALLOW_ANYONE)?;
    }
    check_workers(settings, arguments.with_worker)?;
    let listener = listening.bind().await?;
    let url = url_of(&listener)?;
    // Redis first, so that the data folder is not locked while this waits for Redis.
    let connected = match &settings.jobs.redis_url {
        Some(redis) => Some(queue::connect(settings, redis, &shutdown).await?),
        None => None,
    };
    // Loading the model takes a while, so a signal must be able to stop it.
    let Some(services) = shutdown
        .run_until_cancelled(LocalServices::open(settings, Some(&url)))
        .await
    else {
        return Ok(());
    };
    let services = services?;
    let (jobs, runner) = match connected {
        // Workers run elsewhere, unless this process is told to have some.
        Some(jobs) => (jobs, arguments.with_worker.then(RunnerSettings::default)),
        None => (
            queue::open_embedded(settings).await?,
            Some(RunnerSettings::embedded()),
        ),
    };
    let start =
        |runner| Workers::start(jobs.clone(), services.handlers(settings), runner, &shutdown);
    let workers = runner.map(start).transpose()?;
    say!("Clippy serves at {url}");
    say!("Its data is in {}", folder_name(settings));
    let serving = async {
        let watching = watching::start(settings, jobs.clone()).await?;
        let beside = (Preparing::default(), watching as _);
        services
            .serve_while(settings, beside, jobs, listener, shutdown.clone())
            .await
    };
    match workers {
        Some(workers) => queue::run_beside(workers, &shutdown, serving).await,
        None => serving.await,
    }
}

/// The data folder, by its whole path: it may be relative to the folder in which the command was
/// typed, and another one has another gallery.
fn folder_name(settings: &Settings) -> String {
    let folder = &settings.collection.data_dir;
    let whole = std::path::absolute(folder);
    whole.as_deref().unwrap_or(folder).display().to_string()
}

/// Refuses a queue in Redis without workers here if the collection is embedded: only this process
/// can write to that collection, so its jobs would wait for ever.
fn check_workers(settings: &Settings, with_worker: bool) -> Result<(), Failure> {
    if settings.jobs.redis_url.is_none() || settings.collection.qdrant_url.is_some() || with_worker
    {
        return Ok(());
    }
    Err(Failure::usage(
        "REDIS_URL is set and the collection is embedded, so other workers cannot use it: add \
         --with-worker to run jobs in this process, or unset REDIS_URL",
    ))
}

/// The address that a server listens at, with its host name resolved.
#[derive(Debug)]
pub struct ListenAddress {
    given: BindAddress,
    addresses: Vec<SocketAddr>,
}

impl ListenAddress {
    /// Resolves the host name. IPv4 addresses come first, since every client of `localhost` tries
    /// IPv4.
    pub async fn resolve(given: &BindAddress) -> Result<Self, Failure> {
        let found = tokio::net::lookup_host((given.host(), given.port()))
            .await
            .map_err(|error| {
                Failure::usage(format!(
                    "{given} is not an address of this machine ({error}): choose another with \
                     --bind or BIND"
                ))
            })?;
        let mut addresses: Vec<SocketAddr> = found.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        Ok(Self {
            given: given.clone(),
            addresses,
        })
    }

    /// Refuses an address that other machines can reach if no keys are set. `remedy` ends the
    /// message with another way to allow it.
    pub fn check_exposure(&self, settings: &Settings, remedy: &str) -> Result<(), Failure> {
        let closed = !settings.server.api_keys.is_empty() || !settings.server.admin_keys.is_empty();
        if closed
            || self
                .addresses
                .iter()
                .all(|address| address.ip().to_canonical().is_loopback())
        {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{} can be reached from other machines and no API_KEYS are set: set some, or bind \
             127.0.0.1{remedy}",
            self.given
        )))
    }

    /// Binds the first address that is available. The usual cause of a failure is another Clippy.
    pub async fn bind(&self) -> Result<TcpListener, Failure> {
        TcpListener::bind(self.addresses.as_slice())
            .await
            .map_err(|error| {
                Failure::run(format!(
                    "{} cannot be served at ({error}): choose another with --bind, such as \
                     127.0.0.1:0",
                    self.given
                ))
            })
    }
}

/// The remedy for [`ListenAddress::check_exposure`] of commands with the flag.
pub const OR_ALLOW_ANYONE: &str = ", or add --allow-anyone";
