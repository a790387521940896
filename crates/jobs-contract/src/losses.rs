//! Checks of jobs that are lost with their workers, and of event ids that the store does not know.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::ErrorCode;
use serde_json::json;

use super::{LEASE, Store, claim, create, new_job, wait_until};
use clippy_jobs::{
    Beat, Claim, EventHub, EventId, EventKind, FollowSettings, Following, JobFailure, JobId,
    JobKind, JobState, JobStore, Lane, NewJob, Outcome, SweepSettings,
};

/// Claims a job for a worker that then dies, and waits until the sweep has noticed.
pub(super) async fn lose(store: &Store, id: JobId) {
    let claim = store
        .claim(id, "doomed", Duration::from_millis(1))
        .await
        .expect("a claim");
    assert!(matches!(claim, Claim::Run(_)), "{claim:?}");
    let sweep = SweepSettings {
        dead_after: Duration::from_secs(60),
        rescue_after: Duration::ZERO,
    };
    wait_until("the loss to be found", Duration::from_secs(10), || async {
        store.sweep(&sweep).await.expect("a sweep").reaped == 1
    })
    .await;
}

pub(super) async fn a_lost_job_is_claimed_alone_and_fails_after_the_second_loss(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    let beside = || store.claim_beside(job.id, "w", LEASE);
    lose(&store, job.id).await;
    let lost = store.get(job.id).await.expect("it is there");
    assert_eq!(
        (lost.state, lost.losses, lost.attempt),
        (JobState::Queued, 1, 1)
    );
    assert_eq!(beside().await.expect("a claim"), Claim::Alone);
    // After an ordinary failure it is still a suspect.
    let run = claim(&store, job.id).await;
    let failure = JobFailure {
        code: ErrorCode::Unavailable,
        message: "later".to_owned(),
        retryable: true,
    };
    store
        .finish(
            run.key,
            &Outcome::Retry {
                delay: Duration::ZERO,
                failure,
            },
        )
        .await
        .expect("an end");
    assert_eq!(beside().await.expect("a claim"), Claim::Alone);
    lose(&store, job.id).await;
    let failed = store.get(job.id).await.expect("it is there");
    assert_eq!((failed.state, failed.attempt), (JobState::Failed, 3));
    let error = failed.error.expect("a reason");
    assert!(
        error.retryable && error.message.contains("ended its worker process twice"),
        "{error:?}"
    );
    assert!(
        error.message.contains("charged"),
        "a generation may have been paid for: {error:?}"
    );
    // A retry resets the losses, and so does a checkpoint.
    store.retry(job.id).await.expect("retried");
    assert!(matches!(beside().await.expect("a claim"), Claim::Run(run) if run.job.losses == 0));
    let other = create(&store, &NewJob::new(JobKind::Ingest, Lane::Bulk, json!({}))).await;
    lose(&store, other.id).await;
    let run = claim(&store, other.id).await;
    let beat = Beat {
        cursor: Some(json!(1)),
        further: true,
        ..Beat::default()
    };
    store.beat(run.key, LEASE, &beat).await.expect("a beat");
    assert_eq!(store.get(other.id).await.expect("it is there").losses, 0);
    // In the control lane there are no suspects, since a planner must run while its parts do.
    let planner = create(
        &store,
        &NewJob::new(JobKind::Ingest, Lane::Control, json!({})),
    )
    .await;
    lose(&store, planner.id).await;
    assert!(matches!(
        store
            .claim_beside(planner.id, "w", LEASE)
            .await
            .expect("a claim"),
        Claim::Run(_)
    ));
}

pub(super) async fn an_event_id_after_the_last_one_is_a_gap(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    let run = claim(&store, job.id).await;
    // An event of another job, so that the embedded store's ids continue.
    let other = create(&store, &new_job(json!({}))).await;
    claim(&store, other.id).await;
    let all = store
        .events_after(job.id, None, 100)
        .await
        .expect("events")
        .events;
    let last = all.last().expect("some").id;
    let most = u64::MAX;
    for (major, minor) in [
        (most, most),
        (most, 0),
        (most - 1, most),
        (last.major + 1, 0),
    ] {
        let beyond = EventId { major, minor };
        let page = store
            .events_after(job.id, Some(beyond), 100)
            .await
            .expect("events");
        assert!(page.gap && page.events == all, "{beyond}: {page:?}");
        assert_eq!(
            store
                .events_after(job.id, Some(beyond), 1)
                .await
                .expect("events")
                .events,
            all[..1]
        );
    }
    // A client that follows from such an id sees the end.
    let done = Outcome::Succeeded {
        result: json!({}),
        receipt: None,
    };
    store.finish(run.key, &done).await.expect("done");
    let hub = EventHub::start(Arc::clone(&store) as Arc<dyn JobStore>);
    let mut following = hub.follow(
        job.id,
        Some(EventId {
            major: most,
            minor: most,
        }),
        FollowSettings::default(),
    );
    let mut seen = Vec::new();
    let all = async {
        while let Some(next) = following.next().await.expect("news") {
            seen.push(next);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("it ends");
    assert_eq!(seen.first(), Some(&Following::Gap));
    assert!(matches!(seen.last(), Some(Following::Event(event)) if event.kind == EventKind::Done));
}
