//! Proposed tags as jobs: kills in the middle, and what a later ingest keeps.

use std::sync::Arc;

use crate::support::killed::Worker;
use crate::support::{DIMENSION, Fixture, line};
use clippy_core::bulk::{TEXT_TEMPLATE, TagRequest, Vocabulary};
use clippy_core::embedding::Embedder;
use clippy_core::gallery::{Payload, Point, words_of};
use clippy_jobs::{
    Envelope, Job, JobId, JobKind, JobState, JobStore, Lane, NewJob, SqliteJobs, SqliteSettings,
};
use clippy_tagging::{Decision, Proposal, Reviewer, proposals_of};
use clippy_testing::{tagged_pictures, wait_until};

const TAGGED: u64 = 256;
const UNTAGGED: u64 = 512;

fn filled() -> Fixture {
    let fixture = Fixture::new();
    let mut pictures = tagged_pictures(1, TAGGED, DIMENSION, false);
    pictures.extend(tagged_pictures(1 + TAGGED, UNTAGGED, DIMENSION, true));
    let mut points = fixture.gallery.points.lock();
    for picture in pictures {
        points.insert(picture.point.id, picture.point);
    }
    drop(points);
    fixture
}

fn request() -> TagRequest {
    TagRequest {
        at_least: 0.3,
        vocabulary: Vocabulary::Gallery,
        accept: false,
        text_template: TEXT_TEMPLATE.to_owned(),
    }
}

async fn submit(fixture: &Fixture, request: &TagRequest) -> (SqliteJobs, JobId) {
    let store = SqliteJobs::open(&fixture.path("jobs.db"), SqliteSettings::default()).await;
    let store = store.expect("opened");
    let payload = Envelope::whole(request).to_payload().expect("JSON");
    let new = NewJob::new(JobKind::Backfill, Lane::Bulk, payload);
    let id = store.create(&new).await.expect("made").job.id;
    (store, id)
}

async fn finished(store: &SqliteJobs, id: JobId) -> Job {
    wait_until("the job to end", || async move {
        store.get(id).await.expect("there").state.is_finished()
    })
    .await;
    store.get(id).await.expect("there")
}

fn stored(fixture: &Fixture) -> Vec<Point> {
    fixture.gallery.points.lock().values().cloned().collect()
}

/// The proposals of a picture. They are whole: the words are those of the proposals.
fn whole_proposals(fixture: &Fixture, payload: &Payload) -> Vec<Proposal> {
    let proposals = proposals_of(payload, &fixture.embedder.info().fingerprint);
    let tags: Vec<&str> = proposals.iter().map(|one| one.tag.as_str()).collect();
    assert_eq!(
        words_of(payload, "proposed_words").collect::<Vec<_>>(),
        tags
    );
    proposals
}

fn count_proposed(fixture: &Fixture) -> usize {
    let points = stored(fixture);
    let each = points
        .iter()
        .map(|point| whole_proposals(fixture, &point.payload));
    each.filter(|proposals| !proposals.is_empty()).count()
}

#[tokio::test]
async fn a_job_that_was_killed_leaves_whole_pictures_and_its_next_run_does_the_rest() {
    let whole = filled();
    let (store, id) = submit(&whole, &request()).await;
    let worker = Worker::start(&whole, Lane::Bulk);
    let job = finished(&store, id).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    drop(worker);
    let expected = stored(&whole);

    let fixture = filled();
    let (store, id) = submit(&fixture, &request()).await;
    let worker = Worker::start(&fixture, Lane::Bulk);
    // Whoever holds the gate stops all searches. It is handed over in the order of the calls, so
    // that the job makes a few steps between two looks.
    let held = loop {
        let held = Arc::clone(&fixture.gallery.gate).lock_owned().await;
        if count_proposed(&fixture) > 0 {
            break held;
        }
    };
    drop(worker);
    let at_kill = count_proposed(&fixture);
    assert!(at_kill < count_proposed(&whole), "{at_kill}");
    drop(held);
    let _next = Worker::start(&fixture, Lane::Bulk);
    let job = finished(&store, id).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    assert!(
        stored(&fixture) == expected,
        "the pictures are not the same"
    );
    let tags = &job.result.expect("a result")["tags"];
    assert_eq!(tags["pictures"], TAGGED + UNTAGGED);
    assert_eq!(tags["complete"], true);
}

#[tokio::test]
async fn a_job_cannot_read_a_vocabulary_outside_of_the_workers_folders() {
    let (fixture, elsewhere) = (filled(), tempfile::tempdir().expect("a folder"));
    let file = elsewhere.path().join("secret.txt");
    std::fs::write(&file, "secret\n").expect("written");
    let outside = TagRequest {
        vocabulary: Vocabulary::File(file),
        ..request()
    };
    let (store, id) = submit(&fixture, &outside).await;
    let _worker = Worker::start(&fixture, Lane::Bulk);
    let job = finished(&store, id).await;
    assert_eq!(job.state, JobState::Failed);
    let error = job.error.expect("a reason");
    assert!(error.message.contains("vocabulary"), "{error:?}");
}

#[tokio::test]
async fn an_ingest_keeps_accepted_rejected_and_proposed_tags() {
    let fixture = Fixture::with_pictures(2);
    fixture.ingest().await.expect("ingested");
    let by = fixture.embedder.info().fingerprint.clone();
    let proposal = |tag: &str| serde_json::json!({ "tag": tag, "probability": 0.9 });
    let proposed = serde_json::json!({
        "proposed_tags": [proposal("red"), proposal("blue"), proposal("green")],
        "proposed_words": ["red", "blue", "green"], "proposed_by": by,
    });
    let proposed = proposed.as_object().expect("an object").clone();
    if let Some(point) = fixture.gallery.points.lock().get_mut(&1.into()) {
        point.payload.extend(proposed);
    }
    let reviewer = Reviewer::new(
        &*fixture.gallery,
        &*fixture.embedder,
        TEXT_TEMPLATE,
        (&*fixture.trash, "a review", None),
    );
    let decision = Decision {
        id: 1.into(),
        accept: vec!["red".to_owned()],
        reject: vec!["blue".to_owned()],
    };
    reviewer.review(vec![decision]).await.expect("reviewed");
    let reviewed = fixture.gallery.point(1);
    fixture.take_embedded();
    let report = fixture.ingest().await.expect("ingested again");
    assert_eq!(report.totals.unchanged, 2);
    assert_eq!(
        fixture.take_embedded(),
        (0, 0),
        "the text vector is the one of all tags"
    );
    assert_eq!(fixture.gallery.point(1), reviewed);

    fixture.manifest(&[line(1, "pear"), line(2, "apple")]);
    fixture.ingest().await.expect("other tags");
    let payload = fixture.gallery.point(1).payload;
    assert_eq!(
        words_of(&payload, "tags_all").collect::<Vec<_>>(),
        ["pear", "red"]
    );
    assert_eq!(
        words_of(&payload, "rejected_tags").collect::<Vec<_>>(),
        ["blue"]
    );
    assert_eq!(
        words_of(&payload, "proposed_words").collect::<Vec<_>>(),
        ["green"]
    );
}
