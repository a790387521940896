//! A collection and a ledger in memory that can be made to fail, an embedder that counts, and
//! folders of pictures.

// Every test file uses its own part of this.
#![allow(dead_code)]

pub mod timing;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use async_trait::async_trait;
use clippy_core::embedding::{EmbedInput, Embedded, Embedder, ModelInfo};
use clippy_core::fake::FakeEmbedder;
use clippy_core::folders::Folders;
use clippy_core::gallery::{
    Candidates, CollectionInfo, Crowding, FacetCount, Filter, Gallery, HybridQuery,
    ORIGIN_SCHEMA_VERSION, Page, Payload, PerSpace, Point, Space, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_core::ledger::{Ledger, LedgerTotals, LineOutcome, LineRecord};
use clippy_core::live::{Live, LivePair};
use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_worker::ingest::{
    IngestOptions, IngestReport, LiveTools, ManifestOptions, Tools, ingest,
};
use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const DIMENSION: usize = 8;

/// Points in memory.
pub struct MemoryGallery {
    pub points: Mutex<BTreeMap<PointId, Point>>,
    pub roots: Mutex<Vec<String>>,
    pub fingerprint: Mutex<String>,
    pub upserts: AtomicUsize,
    /// Upserts from this one on fail; 0 means never.
    pub fails_from: AtomicUsize,
    pub optimized: AtomicUsize,
    /// Version of the schema.
    pub schema_version: AtomicU32,
    pub notes: Mutex<HashMap<String, Value>>,
    /// Upserts from this one on, and so many of them, find nobody; 0 means none.
    pub away: Mutex<(usize, usize)>,
    /// Deleted by somebody else just before the next write.
    pub vanishing: Mutex<Option<PointId>>,
}

impl Default for MemoryGallery {
    fn default() -> Self {
        Self {
            points: Mutex::default(),
            roots: Mutex::default(),
            fingerprint: Mutex::default(),
            upserts: AtomicUsize::new(0),
            fails_from: AtomicUsize::new(0),
            optimized: AtomicUsize::new(0),
            schema_version: AtomicU32::new(ORIGIN_SCHEMA_VERSION),
            notes: Mutex::default(),
            away: Mutex::default(),
            vanishing: Mutex::default(),
        }
    }
}

impl MemoryGallery {
    /// Nobody answers the upserts from the `from`-th on, `count` times.
    pub fn away_from_upsert(&self, from: usize, count: usize) {
        *self.away.lock() = (from, count);
    }

    /// Somebody deletes this picture just before the next write.
    pub fn vanishes_before_a_write(&self, id: u64) {
        *self.vanishing.lock() = Some(id.into());
    }

    fn vanish(&self) {
        if let Some(id) = self.vanishing.lock().take() {
            self.points.lock().remove(&id);
        }
    }

    fn is_away(&self) -> bool {
        let mut away = self.away.lock();
        let (from, count) = *away;
        let is_away = from > 0 && count > 0 && self.upserts.load(Ordering::SeqCst) + 1 >= from;
        if is_away {
            away.1 -= 1;
        }
        is_away
    }

    pub fn point(&self, id: u64) -> Point {
        self.points
            .lock()
            .get(&PointId::Number(id))
            .cloned()
            .unwrap_or_else(|| panic!("no point {id}"))
    }
}

fn unused() -> Error {
    Error::new(ErrorCode::Unsupported, "this double does not search")
}

#[async_trait]
impl Gallery for MemoryGallery {
    async fn info(&self) -> Result<CollectionInfo> {
        Ok(CollectionInfo {
            name: "memory".to_owned(),
            points: self.points.lock().len() as u64,
            dimension: DIMENSION,
            model: "fake".to_owned(),
            pretrained: "none".to_owned(),
            fingerprint: self.fingerprint.lock().clone(),
            schema_version: self.schema_version.load(Ordering::SeqCst),
            roots: self.roots.lock().clone(),
            indexed: true,
        })
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<()> {
        if self.is_away() {
            return Err(Error::new(ErrorCode::Unavailable, "the server is away"));
        }
        self.vanish();
        let call = self.upserts.fetch_add(1, Ordering::SeqCst) + 1;
        let fails_from = self.fails_from.load(Ordering::SeqCst);
        if fails_from > 0 && call >= fails_from {
            return Err(Error::new(ErrorCode::Unavailable, "the disk is full"));
        }
        assert!(
            !self.roots.lock().is_empty(),
            "the root is recorded before the first point"
        );
        self.points
            .lock()
            .extend(points.into_iter().map(|point| (point.id, point)));
        Ok(())
    }

    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()> {
        self.vanish();
        let mut points = self.points.lock();
        for (id, vectors) in updates {
            if let Some(point) = points.get_mut(&id) {
                for (space, vector) in vectors.iter().filter(|(_, vector)| vector.is_some()) {
                    point.vectors.get_mut(space).clone_from(vector);
                }
            }
        }
        Ok(())
    }

    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()> {
        self.vanish();
        let missing = || Error::not_found(format!("there is no picture {id}"));
        self.points
            .lock()
            .get_mut(&id)
            .ok_or_else(missing)?
            .payload
            .extend(fields);
        Ok(())
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        let points = self.points.lock();
        Ok(ids
            .iter()
            .filter_map(|id| points.get(id))
            .map(|point| Point {
                id: point.id,
                vectors: if with.vectors {
                    point.vectors.clone()
                } else {
                    PerSpace::default()
                },
                payload: if with.payload {
                    point.payload.clone()
                } else {
                    Payload::new()
                },
            })
            .collect())
    }

    async fn hybrid(&self, _query: HybridQuery) -> Result<Candidates> {
        Err(unused())
    }

    async fn crowding(
        &self,
        _ids: &[PointId],
        _spaces: &[Space],
        _neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        Err(unused())
    }

    async fn scroll(
        &self,
        _filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page> {
        let ids: Vec<PointId> = self
            .points
            .lock()
            .keys()
            .copied()
            .filter(|id| from.is_none_or(|from| *id >= from))
            .collect();
        let points = self.retrieve(&ids[..limit.min(ids.len())], with).await?;
        Ok(Page {
            points,
            next: ids.get(limit).copied(),
        })
    }

    async fn count(&self, _filter: &Filter) -> Result<u64> {
        Ok(self.points.lock().len() as u64)
    }

    async fn facet(
        &self,
        _field: &str,
        _filter: &Filter,
        _limit: usize,
    ) -> Result<Vec<FacetCount>> {
        Err(unused())
    }

    async fn delete(&self, ids: &[PointId]) -> Result<()> {
        self.points.lock().retain(|id, _| !ids.contains(id));
        Ok(())
    }

    async fn add_root(&self, root: &str) -> Result<()> {
        let mut roots = self.roots.lock();
        if !roots.iter().any(|known| known == root) {
            roots.push(root.to_owned());
        }
        Ok(())
    }

    async fn note(&self, name: &str) -> Result<Option<Value>> {
        Ok(self.notes.lock().get(name).cloned())
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        self.notes.lock().insert(name.to_owned(), note);
        Ok(())
    }

    async fn optimize(&self) -> Result<()> {
        self.optimized.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// One run's account.
#[derive(Default)]
pub struct Account {
    pub claims: HashMap<PointId, u64>,
    pub lines: BTreeMap<u64, LineRecord>,
    pub complete: Option<bool>,
}

/// Accounts in memory.
#[derive(Default)]
pub struct MemoryLedger {
    pub accounts: Mutex<BTreeMap<Uuid, Account>>,
    /// Most lines that were claimed and not yet recorded, at any moment.
    pub most_open: AtomicUsize,
}

impl MemoryLedger {
    /// The outcomes of the newest run, by line.
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
        // Counted, so that the newest is the last.
        let run = Uuid::from_u128(accounts.len() as u128 + 1);
        accounts.insert(run, Account::default());
        Ok(run)
    }

    async fn claim(&self, run: Uuid, lines: &[(u64, PointId)]) -> Result<Vec<(u64, u64)>> {
        let mut accounts = self.accounts.lock();
        let account = accounts.get_mut(&run).expect("a run that was begun");
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
        let account = accounts.get_mut(&run).expect("a run that was begun");
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
            .expect("a run that was begun")
            .complete = Some(complete);
        Ok(())
    }
}

/// Counts what it embeds, and does as it is told.
pub struct CountingEmbedder {
    fake: FakeEmbedder,
    pub pictures: AtomicUsize,
    pub texts: AtomicUsize,
    /// Answers "overloaded" so many times.
    pub busy: AtomicUsize,
    pub broken: AtomicBool,
    /// Cancelled at the first call.
    pub cancels: Mutex<Option<CancellationToken>>,
}

#[async_trait]
impl Embedder for CountingEmbedder {
    fn info(&self) -> &Arc<ModelInfo> {
        self.fake.info()
    }

    async fn embed(&self, inputs: Vec<EmbedInput>) -> Result<Embedded> {
        if let Some(token) = self.cancels.lock().take() {
            token.cancel();
        }
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::new(
                ErrorCode::Unavailable,
                "the model's thread has ended",
            ));
        }
        if self
            .busy
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok()
        {
            return Err(Error::new(ErrorCode::Overloaded, "too many wait"));
        }
        let texts = inputs
            .iter()
            .filter(|input| matches!(input, EmbedInput::Text(_)))
            .count();
        self.texts.fetch_add(texts, Ordering::SeqCst);
        self.pictures
            .fetch_add(inputs.len() - texts, Ordering::SeqCst);
        self.fake.embed(inputs).await
    }
}

/// A folder with a manifest and pictures, and everything that a run needs.
pub struct House {
    folder: tempfile::TempDir,
    pub gallery: Arc<MemoryGallery>,
    pub ledger: Arc<MemoryLedger>,
    pub embedder: Arc<CountingEmbedder>,
}

impl House {
    pub fn new() -> Self {
        let fake = FakeEmbedder::new(DIMENSION);
        let gallery = MemoryGallery::default();
        gallery
            .fingerprint
            .lock()
            .clone_from(&fake.info().fingerprint);
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            gallery: Arc::new(gallery),
            ledger: Arc::default(),
            embedder: Arc::new(CountingEmbedder {
                fake,
                pictures: AtomicUsize::new(0),
                texts: AtomicUsize::new(0),
                busy: AtomicUsize::new(0),
                broken: AtomicBool::new(false),
                cancels: Mutex::new(None),
            }),
        }
    }

    /// A house with pictures 1 to `count` and a manifest of them.
    pub fn with_pictures(count: u64) -> Self {
        let house = Self::new();
        for id in 1..=count {
            house.picture(&format!("{id}.png"), id as u8);
        }
        house.manifest(&(1..=count).map(|id| line(id, "apple")).collect::<Vec<_>>());
        house
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

    pub fn tools(&self) -> Tools {
        Tools {
            embedder: self.embedder.clone(),
            gallery: self.gallery.clone(),
            ledger: self.ledger.clone(),
        }
    }

    /// The same tools, as handlers of jobs take them.
    pub fn live_tools(&self) -> LiveTools {
        let live = Live {
            name: "memory".to_owned(),
            embedder: self.embedder.clone(),
            gallery: self.gallery.clone(),
        };
        LiveTools {
            live: LivePair::new(live),
            ledger: self.ledger.clone(),
        }
    }

    /// The folders that its jobs may touch.
    pub fn folders(&self) -> Folders {
        Folders::new(None, Some(self.folder.path().to_owned()))
    }

    pub fn options(&self) -> IngestOptions {
        let lines = ManifestOptions {
            clip_batch: 4,
            upsert_batch: 6,
            ..ManifestOptions::new(self.path("manifest.jsonl"))
        };
        IngestOptions {
            lines,
            with_text: true,
            dry_run: false,
        }
    }

    pub async fn ingest(&self) -> Result<IngestReport> {
        self.ingest_with(&self.options()).await
    }

    pub async fn ingest_with(&self, options: &IngestOptions) -> Result<IngestReport> {
        ingest(self.tools(), options, &(), &CancellationToken::new()).await
    }

    /// Pictures (edge maps included) and texts embedded since the last call.
    pub fn embedded(&self) -> (usize, usize) {
        (
            self.embedder.pictures.swap(0, Ordering::SeqCst),
            self.embedder.texts.swap(0, Ordering::SeqCst),
        )
    }
}

/// A manifest's line for picture `id`, with one tag.
pub fn line(id: u64, tag: &str) -> String {
    serde_json::json!({"id": id, "local_path": format!("{id}.png"), "tags_all": [tag], "rating": "g"}).to_string()
}

/// Sets a file's time back, so that a change within the clock's grain still shows.
pub fn touch(path: &Path) {
    let file = std::fs::File::options()
        .append(true)
        .open(path)
        .expect("there");
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000))
        .expect("set");
}
