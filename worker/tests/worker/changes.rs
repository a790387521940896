//! Deletions and edits of pictures: what a later ingest does with them, kills in the middle, and
//! undoing.

use std::sync::Arc;

use crate::support::killed::Worker;
use crate::support::{DIMENSION, Fixture, line, wait_for_job};
use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::bulk::{TEXT_TEMPLATE, TagRequest, Vocabulary};
use clippy_core::changes::{ChangeAction, ChangeJob, ChangeRequest, PictureEdit, PictureFilter};
use clippy_core::embedding::{EmbedInput, Embedder, Embeddings, ModelInfo};
use clippy_core::gallery::{GalleryWriter as _, Payload, Point, Vectors, words_of};
use clippy_core::ids::PointId;
use clippy_core::ledger::LineOutcome;
use clippy_core::trash::{KeptFilter, KeptKind, KeptPoint, KeptState, Trash as _, now};
use clippy_jobs::{
    Envelope, Job, JobId, JobKind, JobState, JobStore, Lane, NewJob, SqliteJobs, SqliteSettings,
};
use clippy_keeping::{Keeper, Restored, complete_interrupted};
use clippy_tagging::{Observer, Stage, TagCursor, TagTools};
use clippy_testing::{FakeEmbedder, MemoryTrash, tagged_pictures, wait_until};
use clippy_worker::ingest::{RunSettings, Tools, ingest};
use tokio_util::sync::CancellationToken;

fn keeper<'k>(fixture: &'k Fixture, change: &'k str) -> Keeper<'k> {
    Keeper {
        gallery: &*fixture.gallery,
        embedder: &*fixture.embedder,
        trash: &*fixture.trash,
        change,
        by: Some("tester"),
    }
}

fn stored(fixture: &Fixture) -> Vec<Point> {
    fixture.gallery.points.lock().values().cloned().collect()
}

async fn put_back(fixture: &Fixture, filter: KeptFilter) -> Restored {
    let kept = fixture.trash.list(&filter, 0, 1000).await.expect("read");
    let keeper = keeper(fixture, "undo");
    keeper
        .put_back(kept, TEXT_TEMPLATE)
        .await
        .expect("put back")
}

#[tokio::test]
async fn a_deleted_picture_stays_away_until_it_is_restored_bit_for_bit() {
    let fixture = Fixture::with_pictures(4);
    fixture.ingest().await.expect("ingested");
    let before = stored(&fixture);
    let ids = [1.into(), 2.into(), 99.into()];
    let keeper = keeper(&fixture, "a");
    let away = keeper.remove(&ids[..1], KeptKind::Deleted).await;
    assert_eq!(away.expect("deleted"), 1);
    let away = keeper.remove(&ids, KeptKind::Hidden).await;
    assert_eq!(away.expect("hidden"), 1, "one is deleted, one is unknown");

    // The same lines, and one more with the content of a deleted picture.
    let mut lines: Vec<String> = (1..=4).map(|id| line(id, "apple")).collect();
    lines.push(line(5, "apple").replace("5.png", "1.png"));
    fixture.manifest(&lines);
    let report = fixture.ingest().await.expect("ingested again");
    assert_eq!((report.totals.skipped, report.totals.unchanged), (3, 2));
    assert!(!report.reasons.nothing_succeeded(&report.totals));
    let outcomes = fixture.ledger.outcomes();
    for (number, word) in [(0, "deleted"), (1, "hidden"), (4, "deleted")] {
        let LineOutcome::Skipped { reason } = &outcomes[&number] else {
            panic!("{outcomes:?}")
        };
        assert!(
            reason.starts_with(word) && reason.contains("restore"),
            "{reason}"
        );
    }
    assert_eq!(stored(&fixture), before[2..]);

    let restored = put_back(&fixture, KeptFilter::default()).await;
    assert_eq!(restored.restored, 2);
    assert_eq!(stored(&fixture), before);
    fixture.manifest(&lines[..4]);
    let report = fixture.ingest().await.expect("ingested again");
    assert_eq!(report.totals.unchanged, 4);
}

/// Writes a tombstone when a run embeds. The run has looked for tombstones before that.
struct DeletesFirst {
    embedder: Arc<FakeEmbedder>,
    trash: Arc<MemoryTrash>,
    kept: KeptPoint,
}

#[async_trait]
impl Embedder for DeletesFirst {
    fn info(&self) -> &Arc<ModelInfo> {
        self.embedder.info()
    }

    async fn embed(&self, inputs: Vec<EmbedInput>) -> Result<Embeddings> {
        self.trash.keep(std::slice::from_ref(&self.kept)).await?;
        self.embedder.embed(inputs).await
    }
}

#[tokio::test]
async fn a_line_that_is_stored_while_its_picture_is_deleted_is_taken_back() {
    let fixture = Fixture::with_pictures(2);
    let kept = KeptPoint {
        point: Point {
            id: 1.into(),
            vectors: Vectors::default(),
            payload: Payload::new(),
        },
        kind: KeptKind::Deleted,
        state: KeptState::Begun,
        change: "meanwhile".to_owned(),
        by: None,
        at: now(),
        until: None,
        model: String::new(),
        emptied: false,
    };
    let tools = Tools {
        embedder: Arc::new(DeletesFirst {
            embedder: Arc::clone(&fixture.embedder),
            trash: Arc::clone(&fixture.trash),
            kept,
        }),
        ..fixture.tools()
    };
    let (settings, never) = (RunSettings::default(), CancellationToken::new());
    let report = ingest(tools, &fixture.request(), &settings, &(), &never).await;
    let report = report.expect("ingested");
    assert_eq!((report.totals.skipped, report.totals.embedded), (1, 1));
    let ids: Vec<PointId> = stored(&fixture).iter().map(|point| point.id).collect();
    assert_eq!(ids, [PointId::from(2)]);
}

#[tokio::test]
async fn an_edit_survives_the_next_ingest_and_is_undone_bit_for_bit() {
    let fixture = Fixture::with_pictures(2);
    fixture.ingest().await.expect("ingested");
    let before = stored(&fixture);
    let edit = PictureEdit {
        add_tags: vec!["red".to_owned()],
        rename: Some(("apple".to_owned(), "pear".to_owned())),
        fields: [("rating".to_owned(), "s".to_owned())].into(),
        ..PictureEdit::default()
    };
    let keeper = keeper(&fixture, "a");
    let edited = keeper
        .edit(&[1.into(), 99.into()], &edit, TEXT_TEMPLATE)
        .await;
    assert_eq!(edited.expect("edited"), 1);
    let again = keeper.edit(&[1.into()], &edit, TEXT_TEMPLATE).await;
    assert_eq!(again.expect("the same"), 0);
    let after = fixture.gallery.point(1);
    let tags: Vec<&str> = words_of(&after.payload, "tags_all").collect();
    assert_eq!(
        (tags, &after.payload["rating"]),
        (vec!["pear", "red"], &serde_json::json!("s"))
    );
    assert_ne!(after.vectors.text, before[0].vectors.text, "made anew");
    assert_eq!(after.vectors.image, before[0].vectors.image);

    fixture.take_embedded();
    let report = fixture.ingest().await.expect("ingested again");
    assert_eq!(report.totals.unchanged, 2);
    assert_eq!(fixture.take_embedded(), (0, 0), "the sentence is known");
    assert_eq!(fixture.gallery.point(1), after);

    let of_change = KeptFilter {
        change: Some("a".to_owned()),
        ..KeptFilter::default()
    };
    assert_eq!(put_back(&fixture, of_change.clone()).await.restored, 1);
    assert_eq!(stored(&fixture), before);
    assert_eq!(put_back(&fixture, of_change).await, Restored::default());
}

#[tokio::test]
async fn an_edit_is_not_undone_when_the_picture_was_changed_again() {
    let fixture = Fixture::with_pictures(2);
    fixture.ingest().await.expect("ingested");
    let tag = |tag: &str| PictureEdit {
        add_tags: vec![tag.to_owned()],
        ..PictureEdit::default()
    };
    let ids = [1.into(), 2.into()];
    let first = keeper(&fixture, "first");
    first
        .edit(&ids, &tag("one"), TEXT_TEMPLATE)
        .await
        .expect("edited");
    let second = keeper(&fixture, "second");
    second
        .edit(&ids[..1], &tag("two"), TEXT_TEMPLATE)
        .await
        .expect("edited");
    let latest = fixture.gallery.point(1);
    let of_first = KeptFilter {
        change: Some("first".to_owned()),
        ..KeptFilter::default()
    };
    let undone = put_back(&fixture, of_first).await;
    assert_eq!((undone.restored, undone.outdated), (1, 1));
    assert_eq!(fixture.gallery.point(1), latest);
}

#[tokio::test]
async fn what_a_crash_interrupted_is_completed() {
    let fixture = Fixture::with_pictures(3);
    fixture.ingest().await.expect("ingested");
    let before = stored(&fixture);
    let keeper = keeper(&fixture, "a");
    // Killed after the tombstone was written, and before the point was deleted.
    keeper
        .remove(&[1.into()], KeptKind::Deleted)
        .await
        .expect("deleted");
    let all = KeptFilter::default();
    let number = fixture.trash.list(&all, 0, 9).await.expect("read")[0].number;
    let begun = fixture.trash.set_state(&[number], KeptState::Begun).await;
    begun.expect("written");
    fixture
        .gallery
        .upsert(vec![before[0].clone()])
        .await
        .expect("stored");
    assert_eq!(
        complete_interrupted(&keeper, TEXT_TEMPLATE)
            .await
            .expect("completed"),
        1
    );
    assert_eq!(stored(&fixture), before[1..]);
    assert_eq!(
        complete_interrupted(&keeper, TEXT_TEMPLATE)
            .await
            .expect("nothing to do"),
        0
    );

    // Killed while it was put back: before the point was stored, and after.
    for is_stored in [false, true] {
        let restoring = fixture
            .trash
            .set_state(&[number], KeptState::Restoring)
            .await;
        restoring.expect("written");
        if is_stored {
            keeper
                .remove(&[1.into()], KeptKind::Deleted)
                .await
                .expect("deleted");
            let kept = fixture.trash.list(&all, 0, 9).await.expect("read");
            let numbers: Vec<u64> = kept.iter().map(|one| one.number).collect();
            let restoring = fixture
                .trash
                .set_state(&numbers, KeptState::Restoring)
                .await;
            restoring.expect("written");
            fixture
                .gallery
                .upsert(vec![before[0].clone()])
                .await
                .expect("stored");
        }
        assert_eq!(
            complete_interrupted(&keeper, TEXT_TEMPLATE)
                .await
                .expect("completed"),
            1
        );
        assert_eq!(stored(&fixture), before);
        assert!(
            fixture
                .trash
                .list(&all, 0, 9)
                .await
                .expect("read")
                .is_empty()
        );
    }
}

async fn submit(store: &SqliteJobs, filter: PictureFilter, action: ChangeAction) -> JobId {
    let request = ChangeRequest {
        filter,
        action,
        tags: Vec::new(),
        from: None,
        to: None,
        text_template: TEXT_TEMPLATE.to_owned(),
    };
    let work = ChangeJob {
        change_pictures: request,
    };
    let payload = Envelope::whole(&work).to_payload().expect("JSON");
    let new = NewJob::new(JobKind::Backfill, Lane::Control, payload);
    store.create(&new).await.expect("made").job.id
}

async fn finished(store: &SqliteJobs, id: JobId) -> Job {
    let job = wait_for_job(store, "the job to end", id, |job| job.state.is_finished()).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    job
}

#[tokio::test]
async fn a_killed_deletion_is_completed_and_undone_by_its_name() {
    const COUNT: u64 = 2_000;
    let fixture = Fixture::new();
    for picture in tagged_pictures(1, COUNT, DIMENSION, false) {
        let mut points = fixture.gallery.points.lock();
        points.insert(picture.point.id, picture.point);
    }
    fixture.gallery.roots.lock().push("pictures".to_owned());
    let before = stored(&fixture);
    let store = SqliteJobs::open(&fixture.path("jobs.db"), SqliteSettings::default()).await;
    let store = store.expect("opened");
    let every = PictureFilter {
        ids: Some(before.iter().map(|point| point.id).collect()),
        ..PictureFilter::default()
    };
    let id = submit(&store, every, ChangeAction::Delete).await;
    let worker = Worker::start(&fixture, Lane::Control);
    wait_until("some to be deleted", || async {
        fixture.gallery.points.lock().len() < before.len()
    })
    .await;
    drop(worker);
    let _next = Worker::start(&fixture, Lane::Control);
    let job = finished(&store, id).await;
    let result = job.result.expect("a result");
    assert_eq!(result["changes"]["change"], id.to_string());
    assert!(stored(&fixture).is_empty());
    let kept = fixture.trash.list(&KeptFilter::default(), 0, 9_999).await;
    assert_eq!(kept.expect("read").len() as u64, COUNT);

    let of_job = PictureFilter {
        change: Some(id.to_string()),
        ..PictureFilter::default()
    };
    let id = submit(&store, of_job, ChangeAction::Restore).await;
    let result = finished(&store, id).await.result.expect("a result");
    assert_eq!(result["changes"]["restored"]["restored"], COUNT);
    assert!(stored(&fixture) == before, "the pictures are not the same");
    let journal = fixture.trash.journal(None, 9).await.expect("read");
    assert_eq!(
        (journal[0].entry.action.as_str(), journal[0].entry.pictures),
        ("restore", COUNT)
    );
    assert!(journal.iter().any(|line| line.entry.action == "delete"));
}

#[tokio::test]
async fn a_picture_of_a_replaced_model_comes_back_with_its_words() {
    let fixture = Fixture::with_pictures(1);
    fixture.ingest().await.expect("ingested");
    let before = fixture.gallery.point(1);
    let keeper = keeper(&fixture, "a");
    keeper
        .remove(&[1.into()], KeptKind::Deleted)
        .await
        .expect("deleted");
    let mut kept = fixture
        .trash
        .list(&KeptFilter::default(), 0, 9)
        .await
        .expect("read");
    assert_eq!(kept[0].kept.model, fixture.embedder.info().fingerprint);
    kept[0].kept.model = "another".to_owned();
    let restored = keeper
        .put_back(kept, TEXT_TEMPLATE)
        .await
        .expect("put back");
    assert_eq!((restored.restored, restored.without_vectors), (1, 1));
    let after = fixture.gallery.point(1);
    assert_eq!(after.payload["tags_all"], before.payload["tags_all"]);
    assert_eq!(after.vectors.text, before.vectors.text);
    assert_eq!(after.vectors.image, None);
}

#[tokio::test]
async fn a_review_of_proposed_tags_is_recorded_and_undone_bit_for_bit() {
    let fixture = Fixture::new();
    fixture.gallery.roots.lock().push("pictures".to_owned());
    let mut pictures = tagged_pictures(1, 256, DIMENSION, false);
    pictures.extend(tagged_pictures(257, 8, DIMENSION, true));
    for picture in pictures {
        let point = picture.point;
        fixture.gallery.points.lock().insert(point.id, point);
    }
    let tools = TagTools {
        gallery: fixture.gallery.clone(),
        embedder: fixture.embedder.clone(),
        trash: fixture.trash.clone(),
    };
    let request = TagRequest {
        at_least: 0.3,
        vocabulary: Vocabulary::Gallery,
        accept: false,
        text_template: TEXT_TEMPLATE.to_owned(),
    };
    let run = async |request: &TagRequest, change| {
        let cursor = TagCursor::default();
        let report = clippy_tagging::run(&tools, request, (change, None), cursor, &Unobserved);
        report.await.expect("tagged")
    };
    run(&request, "proposing").await;
    let before = stored(&fixture);
    let accepting = TagRequest {
        accept: true,
        ..request
    };
    let report = run(&accepting, "accepting").await;
    assert!(report.accepted > 0, "{report:?}");
    let lines = fixture.trash.journal(None, 9).await.expect("read");
    let [line] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(line.entry.change, "accepting");
    assert_eq!(line.entry.detail["accepted"], report.accepted);

    let of_review = KeptFilter {
        change: Some("accepting".to_owned()),
        ..KeptFilter::default()
    };
    let restored = put_back(&fixture, of_review).await.restored;
    assert_eq!(restored, line.entry.pictures);
    assert!(stored(&fixture) == before, "the pictures are not the same");
}

/// Follows a run that nobody watches.
struct Unobserved;

#[async_trait]
impl Observer for Unobserved {
    fn progress(&self, _stage: Stage, _done: u64, _total: u64) {}

    fn is_stopped(&self) -> bool {
        false
    }

    async fn checkpoint(&self, _cursor: &TagCursor) -> Result<()> {
        Ok(())
    }
}
