//! Test doubles: a collection and a ledger in memory that can be made to fail, an embedder that
//! counts, and folders of pictures.

pub mod killed;
pub mod timing;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::bulk::{IngestRequest, ManifestRequest};
use clippy_core::embedding::Embedder;
use clippy_core::folders::Folders;
use clippy_core::gallery::{ADDED_FIELD, Point};
use clippy_core::ids::PointId;
use clippy_core::ledger::{Ledger, LedgerTotals, LineOutcome, LineRecord};
use clippy_core::live::{Live, LivePair};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_jobs::{Job, JobId, JobStore, SqliteJobs};
use clippy_testing::{FakeEmbedder, MemoryGallery, MemoryMaps, MemoryTrash, wait_for_within};
use clippy_worker::ingest::{IngestReport, LiveTools, RunSettings, Tools, ingest};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const DIMENSION: usize = 8;

/// Returns a gallery in memory that refuses points until a root is recorded.
pub fn memory_gallery() -> MemoryGallery {
    let gallery = MemoryGallery::new(FakeEmbedder::new(DIMENSION).info());
    gallery.needs_root.store(true, Ordering::SeqCst);
    gallery
}

/// Waits until a job meets the condition, and returns it.
pub async fn wait_for_job(
    store: &SqliteJobs,
    what: &str,
    id: JobId,
    good: impl Fn(&Job) -> bool,
) -> Job {
    wait_for_within(what, Duration::from_secs(120), || async {
        match store.get(id).await {
            Ok(job) if good(&job) => Ok(job),
            other => Err(other),
        }
    })
    .await
}

/// The records of one run.
#[derive(Default)]
pub struct Account {
    pub claims: HashMap<PointId, u64>,
    pub lines: BTreeMap<u64, LineRecord>,
    pub complete: Option<bool>,
}

/// A ledger in memory.
#[derive(Default)]
pub struct MemoryLedger {
    pub accounts: Mutex<BTreeMap<Uuid, Account>>,
    /// The highest number of lines that were claimed but not yet recorded.
    pub most_open: AtomicUsize,
}

impl MemoryLedger {
    /// Returns the outcomes of the newest run, by line.
    pub fn outcomes(&self) -> BTreeMap<u64, LineOutcome> {
        let accounts = self.accounts.lock();
        let (_, account) = accounts.last_key_value().expect("a run");
        account
            .lines
            .iter()
            .map(|(line, record)| (*line, record.outcome.clone()))
            .collect()
    }

    pub fn complete(&self) -> Option<bool> {
        self.accounts
            .lock()
            .last_key_value()
            .expect("a run")
            .1
            .complete
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn begin(&self, _manifest: &str) -> Result<Uuid> {
        let mut accounts = self.accounts.lock();
        // The ids are counted up, so that the newest run is the last.
        let run = Uuid::from_u128(accounts.len() as u128 + 1);
        accounts.insert(run, Account::default());
        Ok(run)
    }

    async fn claim(&self, run: Uuid, lines: &[(u64, PointId)]) -> Result<Vec<(u64, u64)>> {
        let mut accounts = self.accounts.lock();
        let account = accounts.get_mut(&run).expect("a run that has begun");
        let mut taken = Vec::new();
        for (line, id) in lines {
            let holder = *account.claims.entry(*id).or_insert(*line);
            if holder != *line {
                taken.push((*line, holder));
            }
        }
        let open = account.claims.len().saturating_sub(account.lines.len());
        self.most_open.fetch_max(open, Ordering::SeqCst);
        Ok(taken)
    }

    async fn record(&self, run: Uuid, lines: &[LineRecord]) -> Result<()> {
        let mut accounts = self.accounts.lock();
        let account = accounts.get_mut(&run).expect("a run that has begun");
        account
            .lines
            .extend(lines.iter().map(|record| (record.line, record.clone())));
        Ok(())
    }

    async fn totals(&self, run: Uuid) -> Result<LedgerTotals> {
        let mut totals = LedgerTotals::default();
        for record in self.accounts.lock()[&run].lines.values() {
            totals.add(&record.outcome);
        }
        Ok(totals)
    }

    async fn failures(
        &self,
        run: Uuid,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LineRecord>> {
        let accounts = self.accounts.lock();
        let failed = accounts[&run].lines.values().filter(|record| {
            after.is_none_or(|after| record.line > after)
                && matches!(record.outcome, LineOutcome::Failed { .. })
        });
        Ok(failed.take(limit).cloned().collect())
    }

    async fn finish(&self, run: Uuid, complete: bool) -> Result<()> {
        self.accounts
            .lock()
            .get_mut(&run)
            .expect("a run that has begun")
            .complete = Some(complete);
        Ok(())
    }
}

/// A folder with a manifest and pictures, and the tools of a run.
pub struct Fixture {
    folder: tempfile::TempDir,
    pub gallery: Arc<MemoryGallery>,
    pub ledger: Arc<MemoryLedger>,
    pub embedder: Arc<FakeEmbedder>,
    pub trash: Arc<MemoryTrash>,
    pub maps: Arc<MemoryMaps>,
}

impl Fixture {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            gallery: Arc::new(memory_gallery()),
            ledger: Arc::default(),
            embedder: Arc::new(FakeEmbedder::new(DIMENSION)),
            trash: Arc::default(),
            maps: Arc::default(),
        }
    }

    /// Makes pictures 1 to `count`, and a manifest of them.
    pub fn with_pictures(count: u64) -> Self {
        let fixture = Self::new();
        for id in 1..=count {
            fixture.picture(&format!("{id}.png"), id as u8);
        }
        fixture.manifest(&(1..=count).map(|id| line(id, "apple")).collect::<Vec<_>>());
        fixture
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a small picture that differs with its seed.
    pub fn picture(&self, name: &str, seed: u8) {
        let pixel = |index: usize| {
            let (x, y) = (index % 24, index / 24);
            [
                seed,
                (x as u8).wrapping_mul(seed),
                if x > y { 255 } else { 0 },
            ]
        };
        let bytes = (0..24 * 20).flat_map(pixel).collect();
        let picture = RgbImage::from_raw(24, 20, bytes).expect("of that size");
        std::fs::write(
            self.path(name),
            encode(&picture, Encoding::Png).expect("encoded"),
        )
        .expect("written");
    }

    pub fn manifest(&self, lines: &[String]) {
        std::fs::write(self.path("manifest.jsonl"), lines.join("\n") + "\n").expect("written");
    }

    /// Returns the stored points without the times at which they were added.
    pub fn points_without_times(&self) -> BTreeMap<PointId, Point> {
        let mut points = self.gallery.points.lock().clone();
        for point in points.values_mut() {
            let added = point.payload.remove(ADDED_FIELD);
            assert!(added.is_some(), "{point:?} has no time");
        }
        points
    }

    pub fn tools(&self) -> Tools {
        Tools {
            embedder: self.embedder.clone(),
            gallery: self.gallery.clone(),
            ledger: self.ledger.clone(),
            trash: self.trash.clone(),
        }
    }

    /// Returns the same tools for job handlers.
    pub fn live_tools(&self) -> LiveTools {
        let live = Live {
            name: "memory".to_owned(),
            embedder: self.embedder.clone(),
            gallery: self.gallery.clone(),
        };
        LiveTools {
            live: LivePair::new(live),
            ledger: self.ledger.clone(),
            trash: self.trash.clone(),
            maps: self.maps.clone(),
        }
    }

    /// Returns the folders that jobs may use.
    pub fn folders(&self) -> Folders {
        Folders::new(None, Some(self.folder.path().to_owned()))
    }

    pub fn request(&self) -> IngestRequest {
        IngestRequest::new(ManifestRequest {
            clip_batch: 4,
            upsert_batch: 6,
            ..ManifestRequest::new(self.path("manifest.jsonl"))
        })
    }

    pub async fn ingest(&self) -> Result<IngestReport> {
        self.ingest_with(&self.request()).await
    }

    pub async fn ingest_with(&self, request: &IngestRequest) -> Result<IngestReport> {
        let (settings, never) = (RunSettings::default(), CancellationToken::new());
        ingest(self.tools(), request, &settings, &(), &never).await
    }

    /// Returns the numbers of pictures (including edge maps) and texts embedded since the last
    /// call.
    pub fn take_embedded(&self) -> (usize, usize) {
        (
            self.embedder.pictures.swap(0, Ordering::SeqCst),
            self.embedder.texts.swap(0, Ordering::SeqCst),
        )
    }
}

/// Returns the manifest line of picture `id`, with one tag.
pub fn line(id: u64, tag: &str) -> String {
    serde_json::json!({"id": id, "local_path": format!("{id}.png"), "tags_all": [tag],
    "rating": "g"})
    .to_string()
}

/// Sets the modification time back, so that a change is detected even if the clock is coarse.
pub fn touch(path: &Path) {
    let file = std::fs::File::options()
        .append(true)
        .open(path)
        .expect("there");
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000))
        .expect("set");
}
