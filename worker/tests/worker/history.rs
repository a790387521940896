//! The history of generated pictures, when workers are killed: a job that succeeded has its entry,
//! once, with the pictures of its files.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::history::{
    History, HistoryEntry, HistoryFilter, HistoryParent, HistoryUsage, Leftover, ListedEntry,
};
use clippy_core::preferences::PreferenceRule;
use clippy_gallery::EmbeddedState;
use clippy_generate::{GenerateRequest, Intake};
use clippy_history::MadeFacts;

use crate::generate::{Fixture, WorkerProcess, stop_at};

/// The history of the embedded database, which stops where the test says: `stored`, before an entry
/// is recorded, or `recorded`, after it.
pub struct StoppingHistory {
    folder: PathBuf,
    kept: EmbeddedState,
}

impl StoppingHistory {
    pub async fn open(folder: &Path) -> Self {
        let kept = EmbeddedState::open(&folder.join("clippy.db"), PreferenceRule::default()).await;
        Self {
            folder: folder.to_owned(),
            kept: kept.expect("opened"),
        }
    }
}

#[async_trait]
impl History for StoppingHistory {
    async fn record(&self, entry: &HistoryEntry) -> Result<()> {
        stop_at(&self.folder, "stored").await;
        self.kept.record(entry).await?;
        stop_at(&self.folder, "recorded").await;
        Ok(())
    }

    async fn list(&self, filter: &HistoryFilter) -> Result<Vec<ListedEntry>> {
        self.kept.list(filter).await
    }

    async fn get(&self, id: &str) -> Result<Option<ListedEntry>> {
        self.kept.get(id).await
    }

    async fn find_picture(&self, sha256: &str) -> Result<Option<(HistoryParent, Option<String>)>> {
        self.kept.find_picture(sha256).await
    }

    async fn set_favourite(&self, id: &str, index: Option<u32>, favourite: bool) -> Result<bool> {
        self.kept.set_favourite(id, index, favourite).await
    }

    async fn remove(&self, id: &str, index: Option<u32>) -> Result<bool> {
        self.kept.remove(id, index).await
    }

    async fn remove_older(&self, before: i64, limit: usize) -> Result<u64> {
        self.kept.remove_older(before, limit).await
    }

    async fn leftovers(&self, limit: usize) -> Result<Vec<Leftover>> {
        self.kept.leftovers(limit).await
    }

    async fn needs(&self, file: &Leftover) -> Result<bool> {
        self.kept.needs(file).await
    }

    async fn settle(&self, files: &[Leftover]) -> Result<()> {
        self.kept.settle(files).await
    }

    async fn usage(&self, owner: Option<&str>) -> Result<HistoryUsage> {
        self.kept.usage(owner).await
    }

    async fn imported(&self) -> Result<u64> {
        self.kept.imported().await
    }

    async fn import(&self, entries: &[HistoryEntry], read: u64) -> Result<()> {
        self.kept.import(entries, read).await
    }
}

fn all() -> HistoryFilter {
    HistoryFilter {
        limit: 100,
        ..HistoryFilter::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_succeeded_has_its_entry_wherever_its_worker_was_killed() {
    for (place, recorded) in [("after", 0), ("stored", 0), ("recorded", 1)] {
        let fixture = Fixture::new().await;
        let id = fixture.kill_worker_at(place).await;
        let history = StoppingHistory::open(fixture.folder.path()).await;
        let before = history.list(&all()).await.expect("listed");
        assert_eq!(before.len(), recorded, "{place}");
        if recorded == 1 {
            let marked = history.set_favourite(&id.to_string(), None, true).await;
            assert!(marked.expect("marked"));
        }
        let _worker = WorkerProcess::start(&fixture);
        let job = fixture.wait_until_finished(id).await;
        fixture.assert_picture_stored(&job);
        let entries = history.list(&all()).await.expect("listed");
        assert_eq!(entries.len(), 1, "{place}: once");
        let entry = &entries[0].entry;
        let result = job.result.expect("a result");
        assert_eq!(entry.id, id.to_string());
        assert_eq!(entry.owner.as_deref(), Some("key-1"));
        assert_eq!(entry.at, job.created_at.as_millis());
        assert_eq!(entry.words, "a red apple");
        assert_eq!(entry.pictures.len(), 1);
        let picture = &entry.pictures[0];
        assert_eq!(result["images"][0]["sha256"], picture.sha256.as_str());
        assert_eq!(result["images"][0]["size"], picture.size);
        assert_eq!(result["images"][0]["seed"], picture.seed.expect("drawn"));
        assert_eq!(
            picture.favourite,
            recorded == 1,
            "{place}: a favourite stays"
        );
        let facts = MadeFacts::of(entry).expect("facts");
        let receipt = serde_json::to_value(facts.receipt).expect("JSON");
        assert_eq!(Some(receipt), job.receipt, "{place}");
        assert!(facts.complete && fixture.sold() == 1, "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_names_its_uploads_and_the_picture_that_it_went_on_from() {
    let fixture = Fixture::new().await;
    let history = StoppingHistory::open(fixture.folder.path()).await;
    let _worker = WorkerProcess::start(&fixture);
    let first = fixture.submit().await;
    fixture.wait_until_finished(first).await;
    let made = history.get(&first.to_string()).await.expect("read");
    let made = made.expect("recorded").entry.pictures[0].clone();
    let file = fixture.path("outputs").join(&made.sha256[..2]);
    let bytes = std::fs::read(file.join(format!("{}.png", made.sha256))).expect("there");
    let intake = Intake::open(fixture.path("inputs")).expect("opened");
    let request = intake
        .take(GenerateRequest {
            base: Some(clippy_generate::data_url("image/png", &bytes)),
            drawing: Some("{\"strokes\":[]}".to_owned()),
            ..GenerateRequest::default()
        })
        .await
        .expect("taken");
    let second = fixture.submit_request(request).await;
    fixture.wait_until_finished(second).await;
    let next = history.get(&second.to_string()).await.expect("read");
    let next = next.expect("recorded");
    let parent = HistoryParent {
        id: first.to_string(),
        index: 0,
    };
    assert_eq!(
        next.entry.parent,
        Some(parent),
        "the file of a picture is its base"
    );
    assert_eq!((next.chain, next.steps), (first.to_string(), 2));
    let inputs: Vec<&str> = next
        .entry
        .inputs
        .iter()
        .map(|one| one.sha256.as_str())
        .collect();
    assert_eq!(inputs.len(), 2, "the base and the drawing");
    assert!(inputs.contains(&made.sha256.as_str()));
}
