//! Bulk changes that are stopped in the middle of a page and run again: what they report, and what
//! the journal has.

use std::sync::Arc;

use crate::support::{DIMENSION, Fixture};
use async_trait::async_trait;
use clippy_core::bulk::TEXT_TEMPLATE;
use clippy_core::changes::{ChangeAction, ChangeRequest, PictureFilter};
use clippy_core::gallery::{Point, TAGS_FIELD};
use clippy_core::ids::PointId;
use clippy_core::trash::{
    JournalEntry, JournalLine, KeptFilter, KeptPoint, KeptState, NumberedPoint, Tombstone, Trash,
};
use clippy_core::{Error, Result};
use clippy_keeping::{ChangeCursor, ChangeReport, ChangeTools, Observer, run};
use clippy_testing::{MemoryTrash, tagged_pictures};
use parking_lot::Mutex;

/// More than one page.
const COUNT: u64 = 300;

/// Counts down to the moment of a kill: every later step fails, and has no effect.
#[derive(Default)]
struct Life {
    steps: Mutex<Option<u64>>,
}

impl Life {
    fn step(&self) -> Result<()> {
        match &mut *self.steps.lock() {
            None => Ok(()),
            Some(0) => Err(Error::internal("killed")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

/// A trash whose process may be killed before each write.
struct MortalTrash {
    trash: Arc<MemoryTrash>,
    life: Arc<Life>,
}

#[async_trait]
impl Trash for MortalTrash {
    async fn keep(&self, points: &[KeptPoint]) -> Result<()> {
        self.life.step()?;
        self.trash.keep(points).await
    }

    async fn list(
        &self,
        filter: &KeptFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NumberedPoint>> {
        self.trash.list(filter, after, limit).await
    }

    async fn set_state(&self, numbers: &[u64], state: KeptState) -> Result<()> {
        self.life.step()?;
        self.trash.set_state(numbers, state).await
    }

    async fn forget(&self, numbers: &[u64]) -> Result<()> {
        self.life.step()?;
        self.trash.forget(numbers).await
    }

    async fn tombstones(&self, ids: &[PointId]) -> Result<Vec<Tombstone>> {
        // After an edit is stored.
        self.life.step()?;
        self.trash.tombstones(ids).await
    }

    async fn tombstones_of_content(&self, md5s: &[String]) -> Result<Vec<(String, Tombstone)>> {
        self.trash.tombstones_of_content(md5s).await
    }

    async fn empty(&self, now: u64) -> Result<Vec<PointId>> {
        self.trash.empty(now).await
    }

    async fn record(&self, entry: &JournalEntry) -> Result<()> {
        self.life.step()?;
        self.trash.record(entry).await
    }

    async fn journal(&self, before: Option<u64>, limit: usize) -> Result<Vec<JournalLine>> {
        self.trash.journal(before, limit).await
    }
}

/// Keeps checkpoints as a job does: through JSON.
struct Checkpoints {
    last: Mutex<String>,
    life: Arc<Life>,
}

#[async_trait]
impl Observer for Checkpoints {
    fn progress(&self, _done: u64, _total: u64) {}

    fn is_stopped(&self) -> bool {
        false
    }

    async fn checkpoint(&self, cursor: &ChangeCursor) -> Result<()> {
        self.life.step()?;
        *self.last.lock() = serde_json::to_string(cursor).expect("JSON");
        Ok(())
    }
}

fn gallery_of(count: u64) -> Fixture {
    let fixture = Fixture::new();
    for mut picture in tagged_pictures(1, count, DIMENSION, false) {
        let tags = serde_json::json!(["old"]);
        picture.point.payload.insert(TAGS_FIELD.to_owned(), tags);
        let mut points = fixture.gallery.points.lock();
        points.insert(picture.point.id, picture.point);
    }
    fixture.gallery.roots.lock().push("pictures".to_owned());
    fixture
}

fn stored(fixture: &Fixture) -> Vec<Point> {
    fixture.gallery.points.lock().values().cloned().collect()
}

fn request(action: ChangeAction, filter: PictureFilter) -> ChangeRequest {
    let (mut tags, mut from, mut to) = (Vec::new(), None, None);
    match action {
        ChangeAction::AddTags => tags.push("new".to_owned()),
        ChangeAction::RemoveTags => tags.push("old".to_owned()),
        ChangeAction::RenameTag => {
            (from, to) = (Some("old".to_owned()), Some("new".to_owned()));
        }
        ChangeAction::Delete | ChangeAction::Hide | ChangeAction::Restore => {}
    }
    ChangeRequest {
        filter,
        action,
        tags,
        from,
        to,
        text_template: TEXT_TEMPLATE.to_owned(),
    }
}

/// Runs a change to its end. It is killed after `lives` steps, again and again.
async fn change(
    fixture: &Fixture,
    name: &str,
    request: &ChangeRequest,
    lives: Option<u64>,
) -> (ChangeReport, u64) {
    let life = Arc::new(Life::default());
    let tools = ChangeTools {
        gallery: fixture.gallery.clone(),
        embedder: fixture.embedder.clone(),
        trash: Arc::new(MortalTrash {
            trash: Arc::clone(&fixture.trash),
            life: Arc::clone(&life),
        }),
    };
    let observer = Checkpoints {
        last: Mutex::new("{}".to_owned()),
        life: Arc::clone(&life),
    };
    let mut kills = 0;
    // A run that is killed too early gets nowhere, so each lives a step longer.
    loop {
        *life.steps.lock() = lives.map(|lives| lives + kills);
        let cursor = serde_json::from_str(&observer.last.lock()).expect("a cursor");
        match run(&tools, request, (name, None), cursor, &observer).await {
            Ok(report) => return (report, kills),
            Err(error) => {
                assert_eq!(error.message, "killed");
                kills += 1;
            }
        }
    }
}

fn lines_of(journal: &[JournalLine], name: &str) -> Vec<(String, u64)> {
    let of_change = journal
        .iter()
        .rev()
        .filter(|line| line.entry.change == name);
    let told = of_change.map(|line| {
        let stage = line.entry.detail["stage"].as_str().expect("a stage");
        (stage.to_owned(), line.entry.pictures)
    });
    told.collect()
}

async fn killed_changes_report_what_unbroken_ones_do(action: ChangeAction, by_ids: bool) {
    for lives in [0, 1, 3, 6] {
        let fixture = gallery_of(COUNT);
        let ids: Vec<PointId> = stored(&fixture).iter().map(|point| point.id).collect();
        let filter = PictureFilter {
            ids: by_ids.then_some(ids),
            tags: if by_ids {
                Vec::new()
            } else {
                vec!["old".to_owned()]
            },
            ..PictureFilter::default()
        };
        let wanted = request(action, filter);
        let (report, kills) = change(&fixture, "first", &wanted, Some(lives)).await;
        let what = format!("{action:?}, by ids: {by_ids}, {lives} steps, {kills} kills");
        assert!(kills > 0, "{what}");
        assert_eq!((report.seen, report.changed), (COUNT, COUNT), "{what}");

        let undo = request(
            ChangeAction::Restore,
            PictureFilter {
                change: Some("first".to_owned()),
                ..PictureFilter::default()
            },
        );
        let (report, _) = change(&fixture, "undo", &undo, Some(lives)).await;
        let counts = (report.seen, report.changed, report.restored.restored);
        assert_eq!(counts, (COUNT, COUNT, COUNT), "undoing {what}");
        assert_eq!(report.restored.without_vectors, 0, "undoing {what}");
        assert_eq!(stored(&fixture).len() as u64, COUNT, "undoing {what}");

        let journal = fixture.trash.journal(None, 99).await.expect("read");
        let begun_and_done = |begun| [("begun".to_owned(), begun), ("done".to_owned(), COUNT)];
        assert_eq!(lines_of(&journal, "first"), begun_and_done(COUNT), "{what}");
        assert_eq!(lines_of(&journal, "undo"), begun_and_done(0), "{what}");
    }
}

#[tokio::test]
async fn a_deletion_that_is_killed_counts_what_it_deleted() {
    killed_changes_report_what_unbroken_ones_do(ChangeAction::Delete, true).await;
    killed_changes_report_what_unbroken_ones_do(ChangeAction::Delete, false).await;
    killed_changes_report_what_unbroken_ones_do(ChangeAction::Hide, true).await;
}

#[tokio::test]
async fn an_edit_that_is_killed_counts_what_it_edited() {
    for by_ids in [true, false] {
        killed_changes_report_what_unbroken_ones_do(ChangeAction::AddTags, by_ids).await;
        killed_changes_report_what_unbroken_ones_do(ChangeAction::RenameTag, by_ids).await;
        killed_changes_report_what_unbroken_ones_do(ChangeAction::RemoveTags, by_ids).await;
    }
}

#[tokio::test]
async fn a_cursor_of_an_earlier_version_is_understood() {
    let fixture = gallery_of(3);
    let tools = ChangeTools {
        gallery: fixture.gallery.clone(),
        embedder: fixture.embedder.clone(),
        trash: fixture.trash.clone(),
    };
    let observer = Checkpoints {
        last: Mutex::default(),
        life: Arc::default(),
    };
    let ids = Some((1..=3).map(PointId::from).collect());
    let delete = request(
        ChangeAction::Delete,
        PictureFilter {
            ids,
            ..PictureFilter::default()
        },
    );
    let old = serde_json::json!({
        "place": {"from": null, "after": 1, "ended": false},
        "report": {"seen": 1, "changed": 1, "restored":
            {"restored": 0, "without_vectors": 0, "lifted": 0, "outdated": 0}},
    });
    let cursor = serde_json::from_value(old).expect("a cursor");
    let report = run(&tools, &delete, ("a", None), cursor, &observer).await;
    let report = report.expect("done");
    assert_eq!((report.seen, report.changed), (3, 3));
}
