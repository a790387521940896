//! Checks of parents and children, step by step.

use std::time::Duration;

use clippy_core::ErrorCode;
use serde_json::json;

use super::{LEASE, Store, claim, claim_after_lease, create};
use clippy_jobs::{
    Beat, BeatAnswer, Claim, Finished, Job, JobFilter, JobId, JobKind, JobState, Lane, NewChild,
    NewJob, Outcome, Phase, RunKey,
};

fn parent() -> NewJob {
    NewJob::new(JobKind::Ingest, Lane::Control, json!({"manifest": "m"}))
}

fn parts(count: usize) -> Vec<NewChild> {
    let part = |n| NewChild {
        key: format!("part-{n}"),
        lane: Lane::Bulk,
        payload: json!({"n": n}),
        weight: 10,
    };
    (0..count).map(part).collect()
}

fn done() -> Outcome {
    Outcome::Succeeded {
        result: json!({"embedded": 10}),
        receipt: None,
    }
}

/// Creates a parent with `count` children, and ends its first phase. Returns it with their ids.
async fn plan(store: &Store, count: usize) -> (Job, Vec<JobId>) {
    let job = create(store, &parent()).await;
    let run = claim(store, job.id).await;
    assert_eq!(run.phase, Phase::Start);
    let children = store
        .add_children(run.key, "pictures", &parts(count))
        .await
        .expect("children")
        .expect("not fenced");
    assert_eq!(children.total, count as u64);
    let ended = store
        .finish(run.key, &Outcome::WaitForChildren)
        .await
        .expect("an end");
    let state = if count == 0 {
        JobState::Queued
    } else {
        JobState::Waiting
    };
    assert_eq!(ended, Finished::Accepted(state));
    let ids = (0..count)
        .map(|n| JobId::child(job.id, &format!("part-{n}")))
        .collect();
    (job, ids)
}

/// Claims a job, and ends it with this outcome.
async fn end(store: &Store, id: JobId, outcome: &Outcome) -> RunKey {
    let key = claim(store, id).await.key;
    assert!(matches!(
        store.finish(key, outcome).await,
        Ok(Finished::Accepted(_))
    ));
    key
}

pub(super) async fn children_fan_in_once(store: Store) {
    let (job, ids) = plan(&store, 5).await;
    let listed = store.list(&JobFilter::default()).await.expect("list").jobs;
    assert_eq!(listed.len(), 1, "parts are not listed among the jobs");
    let filter = JobFilter {
        parent: Some(job.id),
        ..JobFilter::default()
    };
    let parts = store.list(&filter).await.expect("list").jobs;
    assert!(
        parts.len() == 5
            && parts
                .iter()
                .all(|part| part.parent == Some(job.id) && part.kind == JobKind::Ingest)
    );
    assert_eq!(
        store.claim(job.id, "early", LEASE).await.expect("a claim"),
        Claim::Nothing,
        "it waits for its children"
    );
    for id in &ids[..4] {
        let key = end(&store, *id, &done()).await;
        assert_eq!(
            store.finish(key, &done()).await.expect("an end"),
            Finished::Fenced,
            "a child is counted once"
        );
    }
    let waiting = store.get(job.id).await.expect("it is there");
    assert_eq!(waiting.state, JobState::Waiting);
    let children = waiting.children.expect("it has parts");
    assert_eq!(
        (children.total, children.succeeded, children.outstanding()),
        (5, 4, 1)
    );
    let failure = clippy_jobs::JobFailure {
        code: ErrorCode::InvalidInput,
        message: "no".to_owned(),
        retryable: false,
    };
    end(&store, ids[4], &Outcome::Failed(failure)).await;
    let ready = store.get(job.id).await.expect("it is there");
    assert_eq!((ready.state, ready.attempt), (JobState::Queued, 0));
    assert_eq!((ready.progress.done, ready.progress.total), (50, Some(50)));
    assert_eq!(ready.progress.unit, "pictures");
    let merging = claim(&store, job.id).await;
    assert_eq!(merging.phase, Phase::Merge);
    let children = merging.job.children.expect("it has parts");
    assert_eq!((children.succeeded, children.failed), (4, 1));
    let ended = store.finish(merging.key, &done()).await.expect("an end");
    assert_eq!(ended, Finished::Accepted(JobState::Succeeded));
    let queued: u64 = store
        .lanes()
        .await
        .expect("lanes")
        .iter()
        .map(|lane| lane.queued + lane.running)
        .sum();
    assert_eq!(queued, 0, "no job is left");
}

pub(super) async fn planning_twice_makes_no_child_twice(store: Store) {
    let job = create(&store, &parent()).await;
    let Claim::Run(first) = store
        .claim(job.id, "doomed", Duration::from_millis(1))
        .await
        .expect("a claim")
    else {
        panic!("claimed")
    };
    store
        .add_children(first.key, "pictures", &parts(3))
        .await
        .expect("children")
        .expect("not fenced");
    let early = JobId::child(job.id, "part-0");
    end(&store, early, &done()).await;
    let second = claim_after_lease(&store, job.id).await;
    let counted = store
        .add_children(second.key, "pictures", &parts(4))
        .await
        .expect("children")
        .expect("not fenced");
    assert_eq!((counted.total, counted.succeeded), (4, 1));
    assert_eq!(
        store.get(early).await.expect("it is there").state,
        JobState::Succeeded
    );
    store
        .finish(second.key, &Outcome::WaitForChildren)
        .await
        .expect("waits");
    for n in 1..4 {
        end(&store, JobId::child(job.id, &format!("part-{n}")), &done()).await;
    }
    assert_eq!(claim(&store, job.id).await.phase, Phase::Merge);
}

pub(super) async fn a_part_that_succeeds_gives_its_planner_all_attempts_again(store: Store) {
    let job = create(&store, &parent()).await;
    let Claim::Run(first) = store
        .claim(job.id, "doomed", Duration::from_millis(1))
        .await
        .expect("a claim")
    else {
        panic!("claimed")
    };
    store
        .add_children(first.key, "pictures", &parts(2))
        .await
        .expect("children")
        .expect("not fenced");
    claim_after_lease(&store, job.id).await;
    let failure = clippy_jobs::JobFailure {
        code: ErrorCode::InvalidInput,
        message: "no".to_owned(),
        retryable: false,
    };
    for (part, outcome, attempt) in [
        ("part-0", Outcome::Failed(failure), 2),
        ("part-1", done(), 1),
    ] {
        end(&store, JobId::child(job.id, part), &outcome).await;
        assert_eq!(
            store.get(job.id).await.expect("it is there").attempt,
            attempt,
            "after {part}"
        );
    }
}

pub(super) async fn a_parent_without_children_merges_at_once(store: Store) {
    let (job, _) = plan(&store, 0).await;
    assert_eq!(claim(&store, job.id).await.phase, Phase::Merge);
    // The same for a parent whose children all end before its own first phase.
    let job = create(&store, &parent()).await;
    let run = claim(&store, job.id).await;
    store
        .add_children(run.key, "pictures", &parts(2))
        .await
        .expect("children")
        .expect("not fenced");
    for n in 0..2 {
        end(&store, JobId::child(job.id, &format!("part-{n}")), &done()).await;
    }
    assert_eq!(
        store.get(job.id).await.expect("it is there").state,
        JobState::Running
    );
    let ended = store
        .finish(run.key, &Outcome::WaitForChildren)
        .await
        .expect("an end");
    assert_eq!(ended, Finished::Accepted(JobState::Queued));
    assert_eq!(claim(&store, job.id).await.phase, Phase::Merge);
}

pub(super) async fn cancelling_a_parent_ends_its_children(store: Store) {
    let (job, ids) = plan(&store, 3).await;
    let running = claim(&store, ids[0]).await;
    assert_eq!(
        store.cancel(job.id).await.expect("cancelled").state,
        JobState::Cancelled
    );
    assert_eq!(
        store.get(ids[1]).await.expect("it is there").state,
        JobState::Cancelled
    );
    assert_eq!(
        store
            .beat(running.key, LEASE, &Beat::default())
            .await
            .expect("a beat"),
        BeatAnswer::Cancel
    );
    store
        .finish(running.key, &Outcome::Cancelled)
        .await
        .expect("an end");
    let parent = store.get(job.id).await.expect("it is there");
    assert_eq!(
        (
            parent.state,
            parent.children.map(|children| children.cancelled)
        ),
        (JobState::Cancelled, Some(3))
    );
}

pub(super) async fn retrying_a_parent_retries_its_failed_children(store: Store) {
    let (job, ids) = plan(&store, 3).await;
    let failure = clippy_jobs::JobFailure {
        code: ErrorCode::InvalidInput,
        message: "no".to_owned(),
        retryable: false,
    };
    end(&store, ids[0], &done()).await;
    for id in &ids[1..] {
        end(&store, *id, &Outcome::Failed(failure.clone())).await;
    }
    end(&store, job.id, &Outcome::Failed(failure.clone())).await;
    let refused = store.retry(ids[1]).await.expect_err("its parent has ended");
    assert_eq!(refused.code, ErrorCode::Conflict);
    let retried = store.retry(job.id).await.expect("retried");
    assert_eq!(retried.state, JobState::Waiting);
    let children = retried.children.expect("it has parts");
    assert_eq!(
        (children.succeeded, children.failed, children.outstanding()),
        (1, 0, 2)
    );
    end(&store, ids[1], &done()).await;
    end(&store, ids[2], &done()).await;
    assert_eq!(claim(&store, job.id).await.phase, Phase::Merge);
}

pub(super) async fn a_part_is_not_retried_while_its_parent_merges(store: Store) {
    let (job, ids) = plan(&store, 2).await;
    let failure = clippy_jobs::JobFailure {
        code: ErrorCode::InvalidInput,
        message: "no".to_owned(),
        retryable: false,
    };
    end(&store, ids[0], &Outcome::Failed(failure.clone())).await;
    store.retry(ids[0]).await.expect("its parent still waits");
    end(&store, ids[0], &Outcome::Failed(failure)).await;
    end(&store, ids[1], &done()).await;
    let merging = claim(&store, job.id).await;
    let refused = store
        .retry(ids[0])
        .await
        .expect_err("its parent is merging");
    assert_eq!(refused.code, ErrorCode::Conflict);
    let ended = store.finish(merging.key, &done()).await.expect("an end");
    assert_eq!(ended, Finished::Accepted(JobState::Succeeded));
}
