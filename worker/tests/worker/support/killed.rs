//! A worker that a test kills.

use std::sync::Arc;
use std::time::Duration;

use clippy_jobs::{Lane, Runner, RunnerSettings, SqliteJobs, SqliteSettings};
use clippy_worker::jobs::{BulkSettings, handlers};
use tokio_util::sync::CancellationToken;

use super::Fixture;
use super::timing::short_timing;

/// A worker that stops in the middle of its work when it is dropped, like a killed process.
pub struct Worker(Option<tokio::runtime::Runtime>);

impl Worker {
    /// Takes jobs of one lane from the fixture's `jobs.db`, one at a time.
    pub fn start(fixture: &Fixture, lane: Lane) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("one");
        let file = fixture.path("jobs.db");
        let (tools, folders) = (fixture.live_tools(), fixture.folders());
        let handlers = handlers(&tools, &folders, BulkSettings::default());
        runtime.spawn(async move {
            let store = SqliteJobs::open(&file, SqliteSettings::default()).await;
            let settings = RunnerSettings {
                lanes: vec![(lane, 1)],
                timing: short_timing(),
                drain: Duration::from_secs(5),
            };
            let store = Arc::new(store.expect("opened"));
            let runner = Runner::new(store, handlers, settings).expect("good settings");
            runner.run(CancellationToken::new()).await;
        });
        Self(Some(runtime))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.take().expect("running").shutdown_background();
    }
}
