//! Checks that call a store step by step.

use std::time::Duration;

use clippy_core::ErrorCode;
use serde_json::json;

use super::{
    KEPT, LEASE, SMALL_LANE, Store, claim, claim_after_lease, create, new_job, wait_for_job,
    wait_until,
};
use clippy_jobs::{
    Beat, BeatAnswer, Claim, EventKind, Finished, JobFailure, JobFilter, JobId, JobKind,
    JobProgress, JobState, Lane, NewJob, Outcome, SweepSettings,
};

const SWEEP: SweepSettings = SweepSettings {
    dead_after: Duration::from_secs(60),
    rescue_after: Duration::from_millis(0),
};

fn failure(message: &str) -> JobFailure {
    JobFailure {
        code: ErrorCode::Unavailable,
        message: message.to_owned(),
        retryable: true,
    }
}

fn done() -> Outcome {
    Outcome::Succeeded {
        result: json!({"pictures": 3}),
        receipt: Some(json!({"seed": "honoured"})),
    }
}

pub(super) async fn a_job_is_created_queued_and_found(store: Store) {
    let first = create(&store, &new_job(json!({"prompt": "a fox"})).owner("ann")).await;
    let second = create(&store, &new_job(json!({"prompt": "a \"hen\"\n"}))).await;
    assert_eq!(
        (
            first.state,
            first.position,
            first.attempt,
            first.max_attempts
        ),
        (JobState::Queued, Some(1), 0, 3)
    );
    assert_eq!(second.position, Some(2));
    let found = store.get(first.id).await.expect("it is there");
    assert_eq!(found, first);
    assert_eq!(
        (found.owner.as_deref(), &found.payload),
        (Some("ann"), &json!({"prompt": "a fox"}))
    );
    assert_eq!(
        store.get(second.id).await.expect("it is there").payload,
        json!({"prompt": "a \"hen\"\n"})
    );
    let text = serde_json::to_value(&found).expect("JSON");
    assert!(
        text["created_at"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z') && time.contains('T')),
        "{text}"
    );
    assert!(
        text.get("payload").is_none() && text.get("owner").is_none(),
        "clients must not see these fields: {text}"
    );
    let unknown = store.get(JobId::generate()).await.expect_err("no such job");
    assert_eq!(unknown.code, ErrorCode::NotFound);
    let lanes = store.lanes().await.expect("lanes");
    assert_eq!(
        lanes.iter().map(|lane| lane.lane).collect::<Vec<_>>(),
        Lane::ALL
    );
    assert_eq!(
        (
            lanes[0].queued,
            lanes[0].running,
            lanes[1].queued,
            lanes[1].limit
        ),
        (2, 0, 0, SMALL_LANE)
    );
    assert!(lanes[0].oldest_secs.is_some() && lanes[1].oldest_secs.is_none());
}

pub(super) async fn an_idempotency_key_makes_one_job(store: Store) {
    let wanted = new_job(json!({"n": 1})).owner("ann").idempotency_key("k 1");
    let made = futures::future::join_all((0..8).map(|_| store.create(&wanted))).await;
    let made: Vec<_> = made
        .into_iter()
        .map(|one| one.expect("created or found"))
        .collect();
    assert_eq!(
        made.iter().filter(|one| !one.existing).count(),
        1,
        "one job for eight calls"
    );
    assert!(made.iter().all(|one| one.job.id == made[0].job.id));
    let other = NewJob {
        payload: json!({"n": 2}),
        ..wanted.clone()
    };
    let refused = store
        .create(&other)
        .await
        .expect_err("the key was used with another body");
    assert_eq!(refused.code, ErrorCode::Unsupported);
    assert!(
        refused.message.contains(&made[0].job.id.to_string()),
        "{}",
        refused.message
    );
    // A digest of the body is compared instead of the payload, and the job can be found by its key.
    let sent = NewJob {
        payload: json!({"n": 3, "seed": 1}),
        ..new_job(json!({}))
    }
    .owner("ann")
    .idempotency_key("k 2");
    assert_eq!(
        store
            .find_by_key("ann", "k 2", "ab12")
            .await
            .expect("an answer"),
        None
    );
    let first = store
        .create(&sent.clone().digest("ab12"))
        .await
        .expect("created")
        .job;
    let again = NewJob {
        payload: json!({"n": 3, "seed": 2}),
        ..sent.clone()
    }
    .digest("ab12");
    assert_eq!(store.create(&again).await.expect("found").job.id, first.id);
    let found = store
        .find_by_key("ann", "k 2", "ab12")
        .await
        .expect("an answer")
        .expect("made");
    assert_eq!((found.id, &found.payload), (first.id, &first.payload));
    let other = store
        .find_by_key("ann", "k 2", "ab13")
        .await
        .expect_err("another body");
    assert_eq!(other.code, ErrorCode::Unsupported);
    assert_eq!(
        store
            .find_by_key("bob", "k 2", "ab12")
            .await
            .expect("an answer"),
        None
    );
    assert_eq!(
        store
            .find_by_key("ann", "", "ab12")
            .await
            .expect_err("no key")
            .code,
        ErrorCode::InvalidInput
    );
    store.cancel(first.id).await.expect("cancelled");
    let bobs = store
        .create(&wanted.clone().owner("bob"))
        .await
        .expect("each owner has keys of its own");
    assert!(!bobs.existing);
    assert_eq!(
        store
            .list(&JobFilter::default())
            .await
            .expect("list")
            .jobs
            .len(),
        3
    );
    assert_eq!(store.lanes().await.expect("lanes")[0].queued, 2);
    let one = store
        .create(&new_job(json!({})).owner("a:b").idempotency_key("c"))
        .await
        .expect("created");
    let two = store
        .create(&new_job(json!({})).owner("a").idempotency_key("b:c"))
        .await
        .expect("created");
    assert!(
        !two.existing && one.job.id != two.job.id,
        "an owner's name cannot collide with another owner's keys"
    );
    let key = store
        .create(&wanted.idempotency_key(""))
        .await
        .expect_err("an empty key");
    assert_eq!(key.code, ErrorCode::InvalidInput);
}

pub(super) async fn a_full_lane_refuses(store: Store) {
    let bulk = NewJob::new(JobKind::Ingest, Lane::Bulk, json!({}));
    for _ in 0..SMALL_LANE {
        create(&store, &bulk).await;
    }
    let refused = store
        .create(&bulk.clone().idempotency_key("late"))
        .await
        .expect_err("full");
    assert_eq!(refused.code, ErrorCode::Overloaded);
    create(&store, &new_job(json!({}))).await;
    let first = store
        .list(&JobFilter {
            limit: 1,
            ..JobFilter::default()
        })
        .await
        .expect("list");
    assert_eq!(
        first.jobs[0].lane,
        Lane::Interactive,
        "the other lanes are not full"
    );
    let one = store
        .list(&JobFilter {
            kind: Some(JobKind::Ingest),
            limit: 1,
            ..JobFilter::default()
        })
        .await;
    store
        .cancel(one.expect("list").jobs[0].id)
        .await
        .expect("cancelled");
    create(&store, &bulk.idempotency_key("late")).await;
}

pub(super) async fn jobs_are_listed_newest_first_page_by_page(store: Store) {
    let mut ids = Vec::new();
    for n in 0..25 {
        let kind = if n % 5 == 0 {
            JobKind::Reindex
        } else {
            JobKind::Generate
        };
        let owner = if n < 20 { "ann" } else { "bob" };
        ids.push(
            create(
                &store,
                &NewJob::new(kind, Lane::Control, json!({"n": n})).owner(owner),
            )
            .await
            .id,
        );
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut filter = JobFilter {
        limit: 10,
        ..JobFilter::default()
    };
    loop {
        let page = store.list(&filter).await.expect("a page");
        assert!(page.jobs.len() <= 10);
        seen.extend(page.jobs.iter().map(|job| job.id));
        match page.next_cursor {
            Some(cursor) => filter.before = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, ids);
    let reindexes = JobFilter {
        kind: Some(JobKind::Reindex),
        ..JobFilter::default()
    };
    assert_eq!(store.list(&reindexes).await.expect("list").jobs.len(), 5);
    let bobs = JobFilter {
        owner: Some("bob".to_owned()),
        ..JobFilter::default()
    };
    assert_eq!(store.list(&bobs).await.expect("list").jobs.len(), 5);
    store.cancel(ids[3]).await.expect("cancelled");
    let cancelled = JobFilter {
        state: Some(JobState::Cancelled),
        ..JobFilter::default()
    };
    let cancelled = store.list(&cancelled).await.expect("list").jobs;
    assert_eq!(
        cancelled.iter().map(|job| job.id).collect::<Vec<_>>(),
        [ids[3]]
    );
}

pub(super) async fn a_run_is_claimed_once_and_fenced(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    let claims = futures::future::join_all((0..6).map(|_| store.claim(job.id, "w", LEASE))).await;
    let won = claims
        .iter()
        .filter(|claim| matches!(claim, Ok(Claim::Run(_))))
        .count();
    let busy = claims
        .iter()
        .filter(|claim| matches!(claim, Ok(Claim::Busy)))
        .count();
    assert_eq!((won, busy), (1, 5), "one run for six claims: {claims:?}");
    let running = store.get(job.id).await.expect("it is there");
    assert_eq!(
        (running.state, running.attempt, running.position),
        (JobState::Running, 1, None)
    );
    assert!(running.started_at.is_some() && running.finished_at.is_none());

    let old = create(&store, &new_job(json!({}))).await;
    let Claim::Run(zombie) = store
        .claim(old.id, "frozen", Duration::from_millis(1))
        .await
        .expect("a claim")
    else {
        panic!("claimed")
    };
    let successor = claim_after_lease(&store, old.id).await;
    assert!(successor.key.run > zombie.key.run);
    let progress = JobProgress {
        done: 9,
        ..JobProgress::default()
    };
    let beat = Beat {
        progress: Some(progress),
        cursor: Some(json!("zombie")),
        further: true,
    };
    assert_eq!(
        store.beat(zombie.key, LEASE, &beat).await.expect("a beat"),
        BeatAnswer::Lost
    );
    assert_eq!(
        store.finish(zombie.key, &done()).await.expect("an end"),
        Finished::Fenced
    );
    assert!(
        !store
            .append(zombie.key, EventKind::Log, &json!({"message": "boo"}))
            .await
            .expect("a line")
    );
    assert_eq!(
        store
            .add_children(zombie.key, "pictures", &[])
            .await
            .expect("children"),
        None
    );
    let ended = store.finish(successor.key, &done()).await.expect("an end");
    assert_eq!(ended, Finished::Accepted(JobState::Succeeded));
    assert_eq!(
        store.finish(successor.key, &done()).await.expect("an end"),
        Finished::Fenced,
        "it ends once"
    );
    let job = store.get(old.id).await.expect("it is there");
    assert_eq!((job.state, job.progress.done), (JobState::Succeeded, 0));
    assert_eq!(
        (job.result, job.receipt),
        (
            Some(json!({"pictures": 3})),
            Some(json!({"seed": "honoured"}))
        )
    );
    assert!(job.finished_at.is_some() && job.error.is_none());
    assert_eq!(
        store.claim(old.id, "late", LEASE).await.expect("a claim"),
        Claim::Nothing
    );
    assert_eq!(
        store
            .claim(JobId::generate(), "w", LEASE)
            .await
            .expect("a claim"),
        Claim::Nothing
    );
}

pub(super) async fn a_cancelled_job_ends_once(store: Store) {
    let queued = create(&store, &new_job(json!({}))).await;
    assert_eq!(
        store.cancel(queued.id).await.expect("cancelled").state,
        JobState::Cancelled
    );
    assert_eq!(
        store.claim(queued.id, "w", LEASE).await.expect("a claim"),
        Claim::Nothing
    );
    let again = store.cancel(queued.id).await.expect_err("it has ended");
    assert_eq!(again.code, ErrorCode::Conflict);
    assert!(again.message.contains("cancelled"), "{}", again.message);

    let running = create(&store, &new_job(json!({}))).await;
    let claimed = claim(&store, running.id).await;
    assert_eq!(
        store.cancel(running.id).await.expect("asked").state,
        JobState::Running
    );
    store
        .cancel(running.id)
        .await
        .expect("asking twice is allowed");
    assert_eq!(
        store
            .beat(claimed.key, LEASE, &Beat::default())
            .await
            .expect("a beat"),
        BeatAnswer::Cancel
    );
    let retry = Outcome::Retry {
        delay: Duration::ZERO,
        failure: failure("too late"),
    };
    let ended = store.finish(claimed.key, &retry).await.expect("an end");
    assert_eq!(
        ended,
        Finished::Accepted(JobState::Cancelled),
        "a job that was asked to stop is not tried again"
    );
    let unknown = store
        .cancel(JobId::generate())
        .await
        .expect_err("no such job");
    assert_eq!(unknown.code, ErrorCode::NotFound);
}

pub(super) async fn retries_count_and_snoozes_do_not(store: Store) {
    let job = create(&store, &new_job(json!({})).max_attempts(2)).await;
    let delay = Duration::from_millis(150);
    let claimed = claim(&store, job.id).await;
    store
        .finish(claimed.key, &Outcome::Later { delay })
        .await
        .expect("snoozed");
    let waiting = store.get(job.id).await.expect("it is there");
    assert_eq!(
        (waiting.state, waiting.attempt, waiting.error),
        (JobState::Queued, 0, None)
    );
    assert_eq!(
        store.claim(job.id, "early", LEASE).await.expect("a claim"),
        Claim::Nothing,
        "it is delayed"
    );
    for attempt in 1..=2 {
        wait_until("the delay to end", Duration::from_secs(10), || async {
            store.promote().await.expect("promoted") == 1
        })
        .await;
        let claimed = claim(&store, job.id).await;
        assert_eq!(claimed.job.attempt, attempt);
        let failure = failure(&format!("attempt {attempt}"));
        let retry = Outcome::Retry {
            delay: Duration::from_millis(60),
            failure: failure.clone(),
        };
        let state = if attempt == 1 {
            JobState::Queued
        } else {
            JobState::Failed
        };
        assert_eq!(
            store.finish(claimed.key, &retry).await.expect("an end"),
            Finished::Accepted(state)
        );
        assert_eq!(
            store.get(job.id).await.expect("it is there").error,
            Some(failure)
        );
    }
}

pub(super) async fn a_failed_job_can_be_retried(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    let refused = store.retry(job.id).await.expect_err("it is only queued");
    assert_eq!(refused.code, ErrorCode::Conflict);
    assert!(refused.message.contains("queued"), "{}", refused.message);
    let claimed = claim(&store, job.id).await;
    store
        .finish(claimed.key, &Outcome::Failed(failure("no")))
        .await
        .expect("failed");
    assert_eq!(store.lanes().await.expect("lanes")[0].failed, 1);
    let retried = store.retry(job.id).await.expect("retried");
    assert_eq!(
        (retried.state, retried.attempt, retried.error),
        (JobState::Queued, 0, None)
    );
    assert_eq!((job.retries, retried.retries), (0, 1));
    let claimed = claim(&store, job.id).await;
    assert_eq!((claimed.job.attempt, claimed.job.retries), (1, 1));
    store.finish(claimed.key, &done()).await.expect("done");
    let lanes = store.lanes().await.expect("lanes");
    assert_eq!((lanes[0].failed, lanes[0].succeeded), (0, 1));
    assert_eq!(
        store.retry(job.id).await.expect_err("it succeeded").code,
        ErrorCode::Conflict
    );
}

pub(super) async fn events_come_in_order_and_after_any_id(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    let claimed = claim(&store, job.id).await;
    for n in 1..=5 {
        let progress = JobProgress {
            done: n,
            total: Some(5),
            unit: "steps".to_owned(),
            ..JobProgress::default()
        };
        let beat = Beat {
            progress: Some(progress),
            ..Beat::default()
        };
        store.beat(claimed.key, LEASE, &beat).await.expect("a beat");
    }
    store
        .append(
            claimed.key,
            EventKind::Log,
            &json!({"level": "info", "message": "nearly"}),
        )
        .await
        .expect("a line");
    store.finish(claimed.key, &done()).await.expect("done");
    let all = store.events_after(job.id, None, 100).await.expect("events");
    let kinds: Vec<_> = all.events.iter().map(|event| event.kind.as_str()).collect();
    let progress = ["progress"; 5];
    assert_eq!(
        kinds,
        [
            &["state", "state"][..],
            &progress,
            &["log", "state", "done"]
        ]
        .concat()
    );
    assert!(all.events.is_sorted_by(|a, b| a.id < b.id), "ids increase");
    assert_eq!(all.events[0].data, json!({"state": "queued", "attempt": 0}));
    assert_eq!(all.events[3].data["done"], 2);
    for (place, event) in all.events.iter().enumerate() {
        let after = store
            .events_after(job.id, Some(event.id), 100)
            .await
            .expect("events");
        assert_eq!(after.events, all.events[place + 1..], "after event {place}");
        assert!(!after.gap);
        let text = event.id.to_string();
        assert_eq!(
            text.parse::<clippy_jobs::EventId>().expect("an id"),
            event.id
        );
    }
    assert_eq!(
        store
            .events_after(job.id, None, 2)
            .await
            .expect("events")
            .events,
        all.events[..2]
    );
    let unknown = store
        .events_after(JobId::generate(), None, 1)
        .await
        .expect_err("no such job");
    assert_eq!(unknown.code, ErrorCode::NotFound);
}

pub(super) async fn the_last_preview_is_kept_and_previews_are_limited(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    let claimed = claim(&store, job.id).await;
    assert_eq!(store.last_preview(job.id).await.expect("none"), None);
    store
        .append(claimed.key, EventKind::Preview, &json!({"image": 1}))
        .await
        .expect("a preview");
    store
        .append(claimed.key, EventKind::Preview, &json!({"image": 2}))
        .await
        .expect("a preview");
    assert_eq!(
        store.last_preview(job.id).await.expect("one"),
        Some(json!({"image": 2}))
    );
    for image in 3..=20 {
        store
            .append(claimed.key, EventKind::Preview, &json!({"image": image}))
            .await
            .expect("a preview");
    }
    let events = store
        .events_after(job.id, None, 1_000)
        .await
        .expect("events")
        .events;
    let shown: Vec<_> = events
        .iter()
        .filter(|event| event.kind == EventKind::Preview)
        .collect();
    assert_eq!(
        (shown.len() as u64, &shown[0].data),
        (clippy_jobs::KEPT_PREVIEWS, &json!({"image": 13}))
    );
    assert_eq!(events.len() - shown.len(), 2, "only previews are dropped");
    let big = json!("x".repeat(clippy_jobs::MAX_PREVIEW));
    let refused = store
        .append(claimed.key, EventKind::Preview, &big)
        .await
        .expect_err("too large");
    assert_eq!(refused.code, ErrorCode::TooLarge);
}

pub(super) async fn a_job_in_a_paused_lane_cannot_be_claimed(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    store.pause(Lane::Interactive, true).await.expect("paused");
    assert_eq!(
        store.claim(job.id, "w", LEASE).await.expect("a claim"),
        Claim::Paused
    );
    assert!(store.lanes().await.expect("lanes")[0].paused);
    let other = create(&store, &NewJob::new(JobKind::Ingest, Lane::Bulk, json!({}))).await;
    claim(&store, other.id).await;
    store
        .pause(Lane::Interactive, false)
        .await
        .expect("resumed");
    claim(&store, job.id).await;
}

pub(super) async fn an_ended_lease_is_reaped(store: Store) {
    // In the control lane only attempts count, not losses.
    let job = create(
        &store,
        &NewJob::new(JobKind::Ingest, Lane::Control, json!({})).max_attempts(2),
    )
    .await;
    for attempt in 1..=2 {
        let short = Duration::from_millis(30);
        let claim = store.claim(job.id, "doomed", short).await.expect("a claim");
        assert!(
            matches!(&claim, Claim::Run(run) if run.job.attempt == attempt),
            "{claim:?}"
        );
        wait_until(
            "the lease to be reaped",
            Duration::from_secs(10),
            || async { store.sweep(&SWEEP).await.expect("a sweep").reaped == 1 },
        )
        .await;
        let state = if attempt == 1 {
            JobState::Queued
        } else {
            JobState::Failed
        };
        let job = store.get(job.id).await.expect("it is there");
        assert_eq!((job.state, job.attempt), (state, attempt));
    }
    let failed = store.get(job.id).await.expect("it is there");
    assert!(
        failed
            .error
            .is_some_and(|error| error.retryable && error.message.contains("as often as allowed"))
    );
    assert!(u64::from(failed.attempt) < KEPT);
}

pub(super) async fn a_job_that_makes_progress_gets_all_its_attempts_again(store: Store) {
    let job = create(&store, &new_job(json!({})).max_attempts(2)).await;
    let short = Duration::from_millis(30);
    // For each run: whether it saved a checkpoint that counts as progress before it was killed, the
    // attempt it counts as then, and the job's state after the kill.
    let runs = [
        (None, 1, JobState::Queued),
        (Some(true), 1, JobState::Queued),
        (Some(true), 1, JobState::Queued),
        (Some(false), 2, JobState::Failed),
    ];
    for (n, (further, attempt, state)) in runs.into_iter().enumerate() {
        let Claim::Run(run) = store.claim(job.id, "doomed", LEASE).await.expect("a claim") else {
            panic!("claimed")
        };
        assert_eq!(run.job.attempt, if n == 0 { 1 } else { 2 }, "run {n}");
        let beat = Beat {
            cursor: further.map(|_| json!({ "run": n })),
            further: further.unwrap_or_default(),
            ..Beat::default()
        };
        assert_eq!(
            store.beat(run.key, short, &beat).await.expect("a beat"),
            BeatAnswer::Ok
        );
        assert_eq!(
            store.get(job.id).await.expect("it is there").attempt,
            attempt,
            "run {n}"
        );
        wait_until(
            "the lease to be reaped",
            Duration::from_secs(10),
            || async { store.sweep(&SWEEP).await.expect("a sweep").reaped == 1 },
        )
        .await;
        assert_eq!(
            store.get(job.id).await.expect("it is there").state,
            state,
            "run {n}"
        );
    }
}

pub(super) async fn after_a_time_without_sweeps_no_lease_ends_at_once(store: Store) {
    let sweep = SweepSettings {
        dead_after: Duration::from_millis(400),
        ..SWEEP
    };
    store.sweep(&sweep).await.expect("a sweep");
    let job = create(&store, &new_job(json!({}))).await;
    let short = Duration::from_millis(50);
    let Claim::Run(run) = store
        .claim(job.id, "cut off", short)
        .await
        .expect("a claim")
    else {
        panic!("claimed")
    };
    // As if the store were unreachable, or the machine suspended.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(
        store.sweep(&sweep).await.expect("a sweep").reaped,
        0,
        "first, live workers get time to renew their leases"
    );
    assert_eq!(
        store
            .beat(run.key, short, &Beat::default())
            .await
            .expect("a beat"),
        BeatAnswer::Ok
    );
    wait_until(
        "the lease to be reaped after all",
        Duration::from_secs(10),
        || async { store.sweep(&sweep).await.expect("a sweep").reaped == 1 },
    )
    .await;
    assert_eq!(
        store.get(job.id).await.expect("it is there").state,
        JobState::Queued
    );
}

pub(super) async fn a_lost_task_is_rescued(store: Store) {
    // Forgets each delivery without a claim, like a worker that cannot reach the store for a long
    // time.
    struct Forget(tokio::sync::mpsc::UnboundedSender<()>);
    #[async_trait::async_trait]
    impl clippy_jobs::Deliver for Forget {
        async fn deliver(&self, _: Lane, _: clippy_jobs::Delivery) {
            let _ = self.0.send(());
        }
    }
    let job = create(&store, &new_job(json!({}))).await;
    let (sender, mut forgotten) = tokio::sync::mpsc::unbounded_channel();
    let stop = tokio_util::sync::CancellationToken::new();
    let worker = clippy_jobs::LaneWorker {
        lane: Lane::Interactive,
        name: format!("forgetful-{}", JobId::generate()),
        concurrency: 1,
    };
    store
        .keep_alive(&[(worker.lane, worker.name.clone())])
        .await
        .expect("alive");
    let (looping, name) = (std::sync::Arc::clone(&store), worker.name.clone());
    let (tick, halt) = (super::running::tick(), stop.clone());
    let task = tokio::spawn(async move {
        looping
            .run_lane(&worker, tick, std::sync::Arc::new(Forget(sender)), halt)
            .await
    });
    forgotten.recv().await.expect("delivered");
    wait_until(
        "the lost task to be found",
        Duration::from_secs(10),
        || async { store.sweep(&SWEEP).await.expect("a sweep").rescued > 0 },
    )
    .await;
    forgotten.recv().await.expect("delivered again");
    stop.cancel();
    task.await.expect("ends").expect("ends without an error");
    store
        .release_worker(Lane::Interactive, &name)
        .await
        .expect("released");
    wait_for_job(&store, job.id, "still queued", |job| {
        job.state == JobState::Queued
    })
    .await;
}
