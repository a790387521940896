//! Tests of the jobs that watched folders create.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_core::watching::{WatchSwitch, WatchedState, Watching as _};
use clippy_jobs::{Job, JobFilter, JobStore, SqliteJobs, SqliteSettings};
use clippy_testing::{wait_for, wait_until};
use clippy_watch::WatchOptions;
use clippy_worker::watching::{WatchService, WatchTools};

const QUIET: Duration = Duration::from_millis(200);
const ON: WatchSwitch = WatchSwitch {
    on: true,
    tags_from_folders: None,
};
const OFF: WatchSwitch = WatchSwitch {
    on: false,
    tags_from_folders: None,
};

/// A folder of pictures, a data folder, and a queue without workers.
struct Fixture {
    base: tempfile::TempDir,
    jobs: Arc<SqliteJobs>,
}

impl Fixture {
    async fn new() -> Self {
        let base = tempfile::tempdir().expect("a temporary folder");
        for name in ["pictures/a", "data"] {
            fs::create_dir_all(base.path().join(name)).expect("made");
        }
        let file = base.path().join("data/jobs.db");
        let jobs = SqliteJobs::open(&file, SqliteSettings::default()).await;
        Self {
            base,
            jobs: Arc::new(jobs.expect("opened")),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.base.path().canonicalize().expect("there").join(name)
    }

    async fn start(&self, further: &[PathBuf]) -> Arc<WatchService> {
        let tools = WatchTools {
            jobs: Arc::clone(&self.jobs) as _,
            data: self.path("data"),
            options: WatchOptions {
                quiet: QUIET,
                look: QUIET,
                ..WatchOptions::default()
            },
        };
        WatchService::start(tools, further).await.expect("started")
    }

    /// Returns the jobs, the oldest first.
    async fn jobs(&self) -> Vec<Job> {
        let page = self.jobs.list(&JobFilter::default()).await.expect("listed");
        page.jobs.into_iter().rev().collect()
    }

    /// Waits until there are this many jobs, and returns the newest one.
    async fn job(&self, number: usize) -> Job {
        wait_for("a job", || async {
            let mut jobs = self.jobs().await;
            let count = jobs.len();
            jobs.pop().filter(|_| count == number).ok_or(count)
        })
        .await
    }
}

fn only(job: &Job) -> Vec<&str> {
    let parts = job.payload["request"]["only"].as_array();
    parts
        .into_iter()
        .flatten()
        .map(|part| part["folder"].as_str().expect("a path"))
        .collect()
}

#[tokio::test]
async fn a_folder_has_one_job_at_a_time() {
    let fixture = Fixture::new().await;
    let root = fixture.path("pictures");
    let service = fixture.start(std::slice::from_ref(&root)).await;
    let first = fixture.job(1).await;
    assert!(only(&first).is_empty(), "everything: {}", first.payload);
    assert_eq!(
        first.payload["request"]["paths"][0],
        root.display().to_string()
    );
    // Changes wait for the end of the job, together.
    for name in ["one.png", "a/two.png"] {
        fs::write(root.join(name), "1").expect("written");
        wait_until("the change", || async {
            let folders = service.list().await.expect("listed");
            folders[0].last_change.is_some()
        })
        .await;
    }
    tokio::time::sleep(4 * QUIET).await;
    assert_eq!(fixture.jobs().await.len(), 1);
    fixture.jobs.cancel(first.id).await.expect("cancelled");
    let second = fixture.job(2).await;
    let parts = [root.clone(), root.join("a")].map(|path| path.display().to_string());
    assert_eq!(only(&second), parts);

    // A process that starts later waits for the job, and so does one that watches the folder, too.
    drop(service);
    let service = fixture.start(&[]).await;
    assert!(
        service.list().await.expect("listed").is_empty(),
        "it was not switched on for good"
    );
    service.switch(&root, ON).await.expect("switched");
    wait_until("the job of the other process", || async {
        let folders = service.list().await.expect("listed");
        folders[0].job == Some(second.id.to_string())
    })
    .await;
    fixture.jobs.cancel(second.id).await.expect("cancelled");
    assert!(only(&fixture.job(3).await).is_empty());
}

#[tokio::test]
async fn folders_are_remembered_and_those_switched_off_stay_off() {
    let fixture = Fixture::new().await;
    let root = fixture.path("pictures");
    let state = |service: Arc<WatchService>| async move {
        let folders = service.list().await.expect("listed");
        folders.into_iter().map(|folder| folder.state).next()
    };
    let service = fixture.start(&[]).await;
    service.switch(&root, ON).await.expect("switched");
    drop(service);
    let service = fixture.start(&[]).await;
    wait_until("watching", || async {
        state(Arc::clone(&service)).await == Some(WatchedState::Events)
    })
    .await;
    // The server may read it from now on.
    let allowed = fs::read_to_string(fixture.path("data/added_folders.json")).expect("written");
    assert!(allowed.contains(&root.display().to_string()), "{allowed}");
    service.switch(&root, OFF).await.expect("switched");
    drop(service);
    let service = fixture.start(std::slice::from_ref(&root)).await;
    assert_eq!(state(service).await, Some(WatchedState::Off));
}

#[tokio::test]
async fn folders_that_cannot_be_watched_are_refused() {
    let fixture = Fixture::new().await;
    let service = fixture.start(&[]).await;
    let refused = async |path: &Path| {
        let error = service.switch(path, ON).await.expect_err("refused");
        assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
    };
    refused(&fixture.path("data")).await;
    for number in 0..64 {
        let folder = fixture.path(&format!("pictures/{number}"));
        service.switch(&folder, OFF).await.expect("switched");
    }
    refused(&fixture.path("pictures")).await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_away_until_it_is() {
    let fixture = Fixture::new().await;
    let drive = fixture.path("drive");
    let service = fixture.start(std::slice::from_ref(&drive)).await;
    wait_until("being away", || async {
        let folders = service.list().await.expect("listed");
        folders[0].state == WatchedState::Away
    })
    .await;
    assert!(fixture.jobs().await.is_empty());
    fs::create_dir(&drive).expect("made");
    fixture.job(1).await;
}
