//! Our scripts write tasks the way apalis-redis does. This fails when a new version of apalis
//! changes that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use clippy_jobs::{JobKind, JobStore, Lane, LaneLimits, NewJob};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_tasks_look_like_those_of_apalis() {
    let redis = crate::support::Redis::start();
    let store = redis.jobs("test", LaneLimits::default()).await;
    let ours = store
        .create(&NewJob::new(JobKind::Reindex, Lane::Control, json!({})))
        .await
        .expect("created")
        .job
        .id;
    let mut connection = redis.connection().await;
    let queue = "{test}:jobs1:lane:control";
    let our_task: String = redis::cmd("LINDEX")
        .arg(format!("{queue}:active"))
        .arg(0)
        .query_async(&mut connection)
        .await
        .expect("a task");
    assert!(
        our_task.parse::<ulid::Ulid>().is_ok() && our_task.parse::<TaskId>().is_ok(),
        "{our_task}"
    );

    let config = apalis_redis::Config::default()
        .queue(queue)
        .emit_events(false)
        .idempotency_ttl(None);
    assert_eq!(config.active_jobs_list(), format!("{queue}:active"));
    assert_eq!(config.job_data_hash(), format!("{queue}:data"));
    assert_eq!(config.workers_set(), format!("{queue}:workers"));
    assert_eq!(config.inflight_jobs_set(), format!("{queue}:inflight"));
    let theirs = ulid::Ulid::generate();
    let contents = format!("{{\"job\":\"{ours}\"}}").into_bytes();
    let task = TaskBuilder::new(contents)
        .task_id(TaskId::from_ulid(theirs))
        .build();
    apalis_redis::queries::push_tasks(&mut connection, &config, &[task])
        .await
        .expect("pushed");

    let mut read = async |task: &str| -> (String, BTreeMap<String, String>) {
        let data = redis::cmd("HGET")
            .arg(config.job_data_hash())
            .arg(task)
            .query_async(&mut connection)
            .await;
        let mut meta = redis::cmd("HGETALL");
        meta.arg(format!("{}:{task}", config.job_meta_hash()));
        (
            data.expect("contents"),
            meta.query_async(&mut connection).await.expect("fields"),
        )
    };
    let (our_data, our_meta) = read(&our_task).await;
    let (their_data, their_meta) = read(&theirs.to_string()).await;
    assert_eq!(our_data, their_data);
    assert_eq!(our_meta, their_meta);
    let names: BTreeSet<&str> = our_meta.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["attempts", "idempotency_key", "max_attempts", "status"].into()
    );

    // Both are delivered: one claims the job, the other finds nothing to do.
    let done = store.get(ours).await.expect("it is there");
    assert_eq!(done.position, Some(1));
    let (runner, _) = crate::support::handlers::runner(
        std::sync::Arc::new(
            crate::support::connect(&redis.url(), "test", LaneLimits::default()).await,
        ),
        1,
        clippy_jobs_contract::short_timing(),
    );
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    clippy_jobs_contract::wait_until_within(
        "both tasks to be acknowledged",
        Duration::from_secs(15),
        || async {
            let mut connection = redis.connection().await;
            let left: u64 = redis::cmd("HLEN")
                .arg(format!("{queue}:data"))
                .query_async(&mut connection)
                .await
                .expect("a count");
            left == 0
        },
    )
    .await;
    stop.cancel();
    running.await.expect("ends");
}
