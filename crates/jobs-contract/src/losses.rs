//! Checks of jobs that are lost with their workers, and of event ids that the store does not know.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::ErrorCode;
use serde_json::json;

use super::{LEASE, Store, claim, create, new_job, wait_until_within};
use clippy_jobs::{
    Beat, BeatAnswer, Claim, Claimant, EventHub, EventId, EventKind, FollowSettings, Following,
    JobFailure, JobId, JobKind, JobState, JobStore, Lane, NewJob, Outcome, SweepSettings,
};

/// Claims a job for a worker that then dies, and waits until the sweep has noticed.
pub(super) async fn lose(store: &Store, id: JobId) {
    let claim = store
        .claim(id, "doomed", Duration::from_millis(1))
        .await
        .expect("a claim");
    assert!(matches!(claim, Claim::Run(_)), "{claim:?}");
    wait_until_reaped(store).await;
}

/// Waits until a sweep has ended one lease.
async fn wait_until_reaped(store: &Store) {
    let sweep = SweepSettings {
        dead_after: Duration::from_secs(60),
        rescue_after: Duration::ZERO,
    };
    wait_until_within("the loss to be found", Duration::from_secs(10), || async {
        store.sweep(&sweep).await.expect("a sweep").reaped == 1
    })
    .await;
}

/// Claims for a worker that runs other jobs of the lane at the same time.
fn beside_others() -> Claimant {
    Claimant {
        beside: true,
        ..Claimant::new("w")
    }
}

pub(super) async fn a_lost_job_is_claimed_alone_and_fails_after_the_second_loss(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    let beside = async || store.claim_for(job.id, &beside_others(), LEASE).await;
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
    // In the control lane there are no suspects, since a parent must run while its parts do.
    let planner = create(
        &store,
        &NewJob::new(JobKind::Ingest, Lane::Control, json!({})),
    )
    .await;
    lose(&store, planner.id).await;
    assert!(matches!(
        store
            .claim_for(planner.id, &beside_others(), LEASE)
            .await
            .expect("a claim"),
        Claim::Run(_)
    ));
}

pub(super) async fn an_event_id_after_the_last_one_is_reported_as_a_gap(store: Store) {
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

pub(super) async fn a_lost_answer_to_a_claim_gives_the_same_run_again(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    let (own, other) = (Claimant::new("w"), Claimant::new("w"));
    let claim = async |claimant: &Claimant, lease| match store
        .claim_for(job.id, claimant, lease)
        .await
        .expect("a claim")
    {
        Claim::Run(run) => Some(*run),
        Claim::Busy => None,
        other => panic!("{other:?}"),
    };
    let first = claim(&own, LEASE).await.expect("a run");
    let again = claim(&own, LEASE).await.expect("the same run");
    assert_eq!((again.key, again.job.attempt), (first.key, 1));
    assert_eq!(claim(&other, LEASE).await, None, "another delivery");
    let events = store.events_after(job.id, None, 100).await.expect("events");
    let runs = |data: &serde_json::Value| data["state"] == "running";
    let reported = events.events.iter().filter(|event| runs(&event.data));
    assert_eq!(reported.count(), 1);
    assert_eq!(
        store
            .beat(first.key, LEASE, &Beat::default())
            .await
            .expect("a beat"),
        BeatAnswer::Ok
    );

    // The lease ended before the second claim, so the sweep queued the job.
    let short = Duration::from_millis(1);
    claim(&own, short).await.expect("the same run");
    wait_until_reaped(&store).await;
    assert_eq!(store.get(job.id).await.expect("it is there").losses, 1);
    let run = claim(&own, LEASE).await.expect("a run");
    assert_eq!((run.job.attempt, run.job.losses), (1, 0));
    assert!(run.key.run > first.key.run);

    // A run that has ended is not given out again.
    let later = Outcome::Later {
        delay: Duration::ZERO,
    };
    store.finish(run.key, &later).await.expect("an end");
    let next = claim(&own, LEASE).await.expect("a run");
    assert_eq!((next.job.attempt, next.job.losses), (1, 0));
    assert!(next.key.run > run.key.run);

    // Another worker claimed it in between, and it is lost with that worker.
    let other_run = create(&store, &new_job(json!({}))).await;
    let job = other_run;
    let first = store.claim_for(job.id, &own, short).await.expect("a claim");
    assert!(matches!(first, Claim::Run(_)));
    wait_until_reaped(&store).await;
    lose(&store, job.id).await;
    assert_eq!(
        store.get(job.id).await.expect("it is there").state,
        JobState::Failed
    );
}
