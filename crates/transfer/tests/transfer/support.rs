//! A collection in memory, as a source and as a sink, with what belongs to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use clippy_core::boards::{Board, BoardRef, Boards, Operation};
use clippy_core::embedding::{Embedder, ModelInfo};
use clippy_core::gallery::{GalleryNotes, GalleryReader, GalleryWriter, Payload, Point, Vectors};
use clippy_core::ids::PointId;
use clippy_core::tastes::{Taste, Tastes};
use clippy_core::trash::{KeptKind, KeptPoint, KeptState, Trash};
use clippy_core::{Error, ErrorCode, Result};
use clippy_testing::{FakeEmbedder, MemoryBoards, MemoryGallery, MemoryPreferences, MemoryTrash};
use clippy_transfer::{
    Begun, Description, ExportFolder, Imported, PointPage, Records, Rules, Sink, Source, Stored,
    StoredRecords, decode_page, encode_page, export, give, import, take,
};
use serde_json::json;

pub const DIMENSION: usize = 8;

/// A model whose vectors cannot be compared with those of other names.
pub fn model(name: &str) -> ModelInfo {
    ModelInfo {
        name: name.to_owned(),
        fingerprint: format!("fingerprint of {name}"),
        ..FakeEmbedder::new(DIMENSION).info().as_ref().clone()
    }
}

/// A collection with its preferences and its trash.
pub struct Local {
    pub gallery: MemoryGallery,
    pub preferences: MemoryPreferences,
    pub boards: MemoryBoards,
    pub trash: MemoryTrash,
    /// Fault: pages of points that can be read; one more fails.
    pub readable_pages: AtomicUsize,
}

impl Local {
    pub fn empty(name: &str) -> Self {
        Self {
            gallery: MemoryGallery::new(&model(name)),
            preferences: MemoryPreferences::default(),
            boards: MemoryBoards::default(),
            trash: MemoryTrash::default(),
            readable_pages: AtomicUsize::new(usize::MAX),
        }
    }

    /// A collection of so many pictures, artists, boards and a deleted picture.
    pub async fn filled(count: u64) -> Self {
        Self::filled_with(count, DIMENSION).await
    }

    pub async fn filled_with(count: u64, dimension: usize) -> Self {
        let mut local = Self::empty("model");
        local.gallery = MemoryGallery::new(&ModelInfo {
            dimension,
            ..model("model")
        });
        let points = (0..count).map(|number| point(number, dimension)).collect();
        local.gallery.upsert(points).await.expect("stored");
        local.gallery.add_root("/pictures").await.expect("added");
        for (name, note) in [
            ("calibration", json!({"mean": 0.1})),
            ("style_model", json!({"head": "a"})),
            ("style_groups", json!({"run": 3})),
            ("text_sentence", json!({"underscores": "spaces"})),
        ] {
            local.gallery.set_note(name, note).await.expect("kept");
        }
        let taste = |user: &str| Taste {
            user_id: user.to_owned(),
            tags: [("red".to_owned(), 0.25)].into(),
            styles: [("ink".to_owned(), 1.0)].into(),
            clicked: 4,
            saved: 2,
        };
        let tastes = (0..70).map(|number| taste(&format!("artist {number}")));
        local
            .preferences
            .import(tastes.collect())
            .await
            .expect("stored");
        local.trash.keep(&[deleted(9_000)]).await.expect("kept");
        fill_boards(&local.boards).await;
        local
    }

    pub fn points(&self) -> Vec<Point> {
        self.gallery.points.lock().values().cloned().collect()
    }
}

/// More boards than fit on two pages, and hearts.
async fn fill_boards(boards: &MemoryBoards) {
    let add = |number: u64| Operation::Add {
        picture: number.into(),
        place: clippy_core::boards::Place::Start,
        role: None,
        weight: Some(0.5),
        note: Some("a\nnote".to_owned()),
    };
    for number in 0..20 {
        let mut board = Board::new("key-ann", &format!("board {number}"), 1_764_374_400);
        let added = [add(number), add(number + 1)];
        board.apply(&added, 1_764_374_401).expect("applied");
        boards.add(board).await.expect("added");
    }
    boards
        .apply("", BoardRef::Saved, &[add(3)], None)
        .await
        .expect("applied");
}

/// A picture in its two or three spaces; every seventh has no vector at all.
pub fn point(number: u64, dimension: usize) -> Point {
    let vector = |shift: u64| {
        let raw: Vec<f32> = (0..dimension)
            .map(|value| ((value as u64 * 31 + number * 17 + shift) % 97) as f32 / 97.0 - 0.4)
            .collect();
        let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
        Some(
            raw.into_iter()
                .map(|value| value / length)
                .collect::<Vec<_>>(),
        )
    };
    let id = if number % 10 == 3 {
        let hex = format!("00000000-0000-8000-8000-{number:012}");
        PointId::Uuid(hex.parse().expect("a UUID"))
    } else {
        PointId::Number(number)
    };
    let mut vectors = Vectors {
        image: vector(0),
        edge: vector(5),
        text: vector(11),
        style: vector(3),
    };
    if number.is_multiple_of(3) {
        vectors.text = None;
    }
    if number % 7 == 6 {
        vectors = Vectors::default();
    }
    let serde_json::Value::Object(payload) = json!({
        "id": id, "path": format!("a/{number}.png"), "tags_all": ["red", "line\nbreak", "日本"],
        "score": 3, "width": 640, "_clippy": {"md5": format!("{number:032x}"), "size": 9},
        "proposed_tags": [{"tag": "fox", "probability": 0.93}], "_clippy_style": [3], "more": null,
    }) else {
        unreachable!("an object")
    };
    Point {
        id,
        vectors,
        payload,
    }
}

/// A deleted picture.
pub fn deleted(number: u64) -> KeptPoint {
    KeptPoint {
        point: point(number, DIMENSION),
        kind: KeptKind::Deleted,
        state: KeptState::Done,
        change: "job".to_owned(),
        by: Some("ann".to_owned()),
        at: 1_764_374_400,
        until: Some(1_766_966_400),
        model: model("model").fingerprint,
        emptied: false,
    }
}

#[async_trait]
impl Source for Local {
    async fn describe(&self) -> Result<Description> {
        give::describe(&self.gallery).await
    }

    async fn points(&self, from: Option<PointId>) -> Result<PointPage> {
        let left = self.readable_pages.load(Ordering::SeqCst);
        if left == 0 {
            return Err(Error::new(ErrorCode::Unavailable, "the server is down"));
        }
        self.readable_pages.store(left - 1, Ordering::SeqCst);
        let fingerprint = self.gallery.info().await?.fingerprint;
        let page = give::points(&self.gallery, &fingerprint, from).await?;
        // As it travels between two processes.
        decode_page(&encode_page(&page)?)
    }

    async fn records(&self, after: Option<&str>) -> Result<Records> {
        give::records(&self.preferences, &self.boards, &self.trash, after).await
    }
}

#[async_trait]
impl Sink for Local {
    async fn begin(&self, description: &Description) -> Result<Begun> {
        let accepted = take::begin(&self.gallery, description).await?;
        let closed = description.collection.roots.clone();
        Ok(Begun { accepted, closed })
    }

    async fn points(&self, page: PointPage, rules: Rules) -> Result<Stored> {
        let page = decode_page(&encode_page(&page)?)?;
        take::check_page(&self.gallery.info().await?, &page)?;
        take::points(&self.gallery, &self.trash, page.points, rules).await
    }

    async fn records(&self, records: Records) -> Result<StoredRecords> {
        take::records(
            &self.gallery,
            &self.preferences,
            &self.boards,
            &self.trash,
            records,
        )
        .await
    }

    async fn finish(&self) -> Result<()> {
        self.gallery.optimize().await
    }
}

/// A temporary place, and the folder of an export in it.
pub struct Place {
    _folder: tempfile::TempDir,
    pub export: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            export: folder.path().join("export"),
            _folder: folder,
        }
    }

    /// Exports a collection here.
    pub async fn with(source: &Local) -> Self {
        let place = Self::new();
        export(source, &place.export, &()).await.expect("exported");
        place
    }

    pub async fn import_into(&self, sink: &Local) -> Result<Imported> {
        import(&self.export, sink, false, &()).await
    }

    /// The names of the files of the export.
    pub fn files(&self) -> Vec<String> {
        assert!(ExportFolder::is_one(&self.export));
        let entries = std::fs::read_dir(&self.export).expect("there").flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// A payload from JSON.
pub fn payload(value: serde_json::Value) -> Payload {
    match value {
        serde_json::Value::Object(payload) => payload,
        other => panic!("{other} is no object"),
    }
}
