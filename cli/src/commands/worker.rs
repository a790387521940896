//! `clippy worker`: runs jobs that servers queue in Redis.

use clippy_core::settings::Settings;
use clippy_jobs::{Lane, RunnerSettings};
use tokio_util::sync::CancellationToken;

use crate::arguments::WorkerArguments;
use crate::commands::serve::{ListenAddress, OR_ALLOW_ANYONE};
use crate::failure::Failure;
use crate::local_services::{LocalServices, url_of};
use crate::output::say;
use crate::queue::{self, Workers};

/// Runs jobs until `shutdown` is cancelled. With `--serve-embedder`, also embeds for other
/// processes.
pub async fn run(
    settings: &Settings,
    arguments: &WorkerArguments,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let Some(redis) = &settings.jobs.redis_url else {
        return Err(Failure::usage(
            "REDIS_URL is not set: `clippy worker` runs jobs from Redis. Set it, or use `clippy \
             serve`, which runs jobs itself",
        ));
    };
    if settings.collection.qdrant_url.is_none() {
        return Err(Failure::usage(
            "QDRANT_URL is not set, and only one process can use a collection in DATA_DIR: set it, \
             or run jobs in the server with `clippy serve --with-worker`",
        ));
    }
    let settings_of_runner = runner_settings(arguments);
    let listener = match &arguments.serve_embedder {
        Some(address) => {
            let listening = ListenAddress::resolve(address).await?;
            if !arguments.allow_anyone {
                listening.check_exposure(settings, OR_ALLOW_ANYONE)?;
            }
            Some(listening.bind().await?)
        }
        None => None,
    };
    // This comes before waiting for Redis, so that wrong settings fail at once.
    let Some(services) = shutdown
        .run_until_cancelled(LocalServices::open_beside(settings))
        .await
    else {
        return Ok(());
    };
    let services = services?;
    let _following = services.follow();
    let jobs = queue::connect(settings, redis, &shutdown).await?;
    let mut workers = Workers::start(
        jobs,
        services.handlers(settings),
        settings_of_runner,
        &shutdown,
    )?;
    tracing::info!(lanes = ?arguments.lanes, "taking jobs");
    let Some(listener) = listener else {
        return workers.wait().await;
    };
    say!(
        "Clippy embeds at {}{}",
        url_of(&listener)?,
        clippy_remote::wire::PATH
    );
    let stop = shutdown.clone().cancelled_owned();
    // If any key is set, callers need one, as on all routes.
    let keys = [
        settings.server.api_keys.as_slice(),
        &settings.server.admin_keys,
    ]
    .concat();
    let serving = clippy_api::serve_embedder(listener, services.current_embedder(), &keys, stop);
    queue::run_beside(workers, &shutdown, async { Ok(serving.await?) }).await
}

/// Returns the lanes that were named, each once. The concurrency of a lane is the one that was
/// given, or else its default.
fn runner_settings(arguments: &WorkerArguments) -> RunnerSettings {
    let defaults = RunnerSettings::default();
    let usual = |lane: Lane| {
        defaults
            .lanes
            .iter()
            .find(|(known, _)| *known == lane)
            .map_or(1, |(_, usual)| *usual)
    };
    let mut lanes: Vec<(Lane, usize)> = Vec::new();
    for lane in &arguments.lanes {
        if lanes.iter().all(|(known, _)| known != lane) {
            lanes.push((
                *lane,
                arguments
                    .concurrency
                    .map_or_else(|| usual(*lane), usize::from),
            ));
        }
    }
    RunnerSettings { lanes, ..defaults }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_have_default_concurrency_unless_one_is_given() {
        let all = WorkerArguments {
            lanes: Lane::ALL.to_vec(),
            concurrency: None,
            serve_embedder: None,
            allow_anyone: false,
        };
        assert_eq!(runner_settings(&all).lanes, RunnerSettings::default().lanes);
        let some = WorkerArguments {
            lanes: vec![Lane::Bulk, Lane::Bulk, Lane::Control],
            concurrency: Some(5),
            serve_embedder: None,
            allow_anyone: false,
        };
        assert_eq!(
            runner_settings(&some).lanes,
            [(Lane::Bulk, 5), (Lane::Control, 5)]
        );
    }
}
