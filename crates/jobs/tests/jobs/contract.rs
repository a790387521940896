//! The contract suite of `clippy-jobs-contract` on every store. Each check has a store of its own.

use std::sync::Arc;

use clippy_jobs::{LaneLimits, SqliteJobs, SqliteSettings};
use clippy_jobs_contract::{CHECKS, Check, KEPT, SMALL_LANE, Store};

const LIMITS: LaneLimits = LaneLimits {
    interactive: 1_000,
    bulk: SMALL_LANE,
    control: 1_000,
};
/// How many checks run at once. They mostly wait.
const AT_ONCE: usize = 4;

/// Runs all checks, a few at a time, and names every one that failed.
async fn run_all<F, Fut>(store: F)
where
    F: Fn(&'static Check) -> Fut + Send + Sync,
    Fut: std::future::Future<Output = Store> + Send,
{
    let wanted = std::env::var("CLIPPY_CHECK").unwrap_or_default();
    let room = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut running = Vec::new();
    for check in CHECKS.iter().filter(|check| check.name.contains(&wanted)) {
        let store = store(check).await;
        let room = Arc::clone(&room);
        let task = tokio::spawn(async move {
            let _room = room.acquire_owned().await.expect("open");
            (check.run)(store).await;
        });
        running.push((check.name, task));
    }
    let mut failed = Vec::new();
    for (name, task) in running {
        if let Err(error) = task.await {
            eprintln!("FAILED {name}: {error}");
            failed.push(name);
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} checks failed: {failed:?}",
        failed.len(),
        CHECKS.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_keeps_the_contract() {
    let redis = crate::support::Redis::start();
    run_all(|check| async { Arc::new(redis.jobs(check.name, LIMITS).await) as Store }).await;
}

fn sqlite_settings() -> SqliteSettings {
    SqliteSettings {
        limits: LIMITS,
        max_finished: KEPT,
        ..SqliteSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    run_all(|check| {
        let file = folder.path().join(format!("{}.db", check.name));
        async move {
            let store = SqliteJobs::open(&file, sqlite_settings()).await;
            Arc::new(store.expect("a store")) as Store
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_in_memory_keeps_the_contract() {
    run_all(|_| async {
        let store = SqliteJobs::in_memory(sqlite_settings()).await;
        Arc::new(store.expect("a store")) as Store
    })
    .await;
}
