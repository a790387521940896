//! The fixture of the tests: a folder of pictures, a data folder, and a collection in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clippy_core::bulk::ScanPart;
use clippy_core::gallery::{GalleryWriter as _, MISSING_FIELD, Point, Space, Vectors};
use clippy_core::ids::PointId;
use clippy_core::preferences::PreferenceRule;
use clippy_gallery::EmbeddedState;
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_library::entry::OUTCOME_FIELD;
use clippy_library::scan::{Library, ScanRequest, Target, confirm, scan};
use clippy_library::summary::Summary;
use clippy_testing::{FakeEmbedder, MemoryGallery};
use serde_json::Value;
use uuid::Uuid;

const DIMENSION: usize = 4;

/// Returns a small picture. Each seed gives another one.
pub fn picture(seed: u8, encoding: Encoding) -> Vec<u8> {
    let bytes = (0..12 * 10_u32)
        .flat_map(|index| [seed, (index as u8).wrapping_mul(seed), index as u8])
        .collect();
    let picture = RgbImage::from_raw(12, 10, bytes).expect("of that size");
    encode(&picture, encoding).expect("encoded")
}

pub struct Fixture {
    folder: tempfile::TempDir,
    pub gallery: Arc<MemoryGallery>,
    pub library: Library,
    pub tags_from_folders: bool,
    pub dry_run: bool,
    pub only: Vec<ScanPart>,
    pub settled_for: Duration,
}

/// The result of one scan.
pub struct Scanned {
    pub run: Uuid,
    pub summary: Summary,
    /// All lines, in order.
    pub lines: Vec<Value>,
}

impl Fixture {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["pictures", "data"] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        }
        let data = folder.path().join("data");
        let state = EmbeddedState::open(&data.join("clippy.db"), PreferenceRule::default())
            .await
            .expect("made");
        let gallery = MemoryGallery::new(clippy_core::embedding::Embedder::info(
            &FakeEmbedder::new(DIMENSION),
        ));
        Self {
            folder,
            gallery: Arc::new(gallery),
            library: Library {
                known: Arc::new(state),
                collection: "pictures".to_owned(),
                data,
            },
            tags_from_folders: false,
            dry_run: false,
            only: Vec::new(),
            settled_for: Duration::ZERO,
        }
    }

    /// Returns the path of the folder of pictures, with links resolved.
    pub fn pictures(&self) -> PathBuf {
        self.beside("pictures")
    }

    /// Returns a path beside the folder of pictures.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().expect("there").join(name)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.pictures().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("below")).expect("made");
        std::fs::write(path, content).expect("written");
    }

    pub fn picture(&self, name: &str, seed: u8) {
        self.write(name, picture(seed, Encoding::Png));
    }

    /// Scans the folder of pictures.
    pub async fn scan(&self) -> Scanned {
        self.scan_of(&[self.pictures()]).await
    }

    pub async fn scan_of(&self, paths: &[PathBuf]) -> Scanned {
        let run = Uuid::now_v7();
        let request = ScanRequest {
            run,
            targets: Target::of(paths, &[]).expect("there"),
            served: Vec::new(),
            tags_from_folders: self.tags_from_folders,
            dry_run: self.dry_run,
            only: self.only.clone(),
            settled_for: self.settled_for,
        };
        let manifest = self.library.data.join("scan.jsonl");
        let gallery = Arc::clone(&self.gallery) as _;
        let summary = scan(&self.library, gallery, request, &manifest, &(), &|| true)
            .await
            .expect("scanned");
        let lines: Vec<Value> = std::fs::read_to_string(&manifest)
            .expect("written")
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(summary.lines, lines.len() as u64);
        Scanned {
            run,
            summary,
            lines,
        }
    }

    /// Stores what a scan found, except for these files, and confirms it. Returns the number of
    /// deleted points.
    pub async fn store(&self, scanned: &Scanned, broken: &[&str]) -> u64 {
        let failed = self.store_alone(scanned, broken).await;
        self.confirm(scanned, &failed).await
    }

    /// Confirms a run whose lines with these points failed. Returns the number of deleted points.
    pub async fn confirm(&self, scanned: &Scanned, failed: &[PointId]) -> u64 {
        confirm(&self.library, &*self.gallery, scanned.run, failed)
            .await
            .expect("confirmed")
    }

    /// Stores what a scan found, except for these files, and confirms nothing, as a run that is
    /// killed. Returns what was not stored.
    pub async fn store_alone(&self, scanned: &Scanned, broken: &[&str]) -> Vec<PointId> {
        let mut failed = Vec::new();
        for (path, line) in scanned.pictures() {
            let id: PointId = line["id"].as_str().expect("an id").parse().expect("an id");
            if broken.iter().any(|name| path.ends_with(name)) {
                failed.push(id);
                continue;
            }
            let mut vectors = Vectors::default();
            *vectors.get_mut(Space::Image) = Some(vec![1.0, 0.0, 0.0, 0.0]);
            let payload = line.as_object().expect("an object").clone();
            let point = Point {
                id,
                vectors,
                payload,
            };
            self.gallery.upsert(vec![point]).await.expect("stored");
        }
        failed
    }

    /// Scans the folder of pictures, and stores what was found.
    pub async fn add(&self) -> Scanned {
        let scanned = self.scan().await;
        self.store(&scanned, &[]).await;
        scanned
    }

    /// Returns whether the picture with this id is marked as missing.
    pub fn is_missing(&self, id: &str) -> bool {
        let id: PointId = id.parse().expect("an id");
        self.gallery.points.lock()[&id].payload.get(MISSING_FIELD) == Some(&Value::Bool(true))
    }

    /// Scans these parts of the folder only. A name with a trailing slash includes the folders
    /// below it.
    pub async fn add_parts(&mut self, names: &[&str]) -> Scanned {
        self.only = names
            .iter()
            .map(|name| ScanPart {
                folder: self.path(name.trim_end_matches('/')),
                deep: name.ends_with('/'),
            })
            .collect();
        let scanned = self.add().await;
        self.only.clear();
        scanned
    }

    /// Returns whether the picture with this id is in the collection.
    pub fn is_stored(&self, id: &str) -> bool {
        let id: PointId = id.parse().expect("an id");
        self.gallery.points.lock().contains_key(&id)
    }

    /// Takes the picture with this id out of the collection, as somebody who deletes it.
    pub fn delete(&self, id: &str) -> Point {
        let id: PointId = id.parse().expect("an id");
        self.gallery.points.lock().remove(&id).expect("stored")
    }

    /// Puts a deleted picture back as it was.
    pub fn restore(&self, deleted: Point) {
        self.gallery.points.lock().insert(deleted.id, deleted);
    }

    /// Returns the number of points in the collection.
    pub fn points(&self) -> usize {
        self.gallery.points.lock().len()
    }
}

impl Scanned {
    /// Returns the lines of pictures, by their files.
    pub fn pictures(&self) -> BTreeMap<String, &Value> {
        self.lines
            .iter()
            .filter(|line| line.get(OUTCOME_FIELD).is_none())
            .map(|line| (text(&line["local_path"]), line))
            .collect()
    }

    /// Returns the line of the picture with this file name.
    pub fn line(&self, name: &str) -> &Value {
        let pictures = self.pictures();
        let found = pictures
            .iter()
            .find(|(path, _)| Path::new(path).ends_with(name));
        found
            .unwrap_or_else(|| panic!("{name}: {:?}", self.lines))
            .1
    }

    /// Returns the reasons of the failed lines.
    pub fn failures(&self) -> Vec<String> {
        self.lines
            .iter()
            .map(|line| &line[OUTCOME_FIELD])
            .filter(|outcome| outcome["outcome"] == "failed")
            .map(|outcome| text(&outcome["reason"]))
            .collect()
    }

    pub fn id(&self, name: &str) -> String {
        text(&self.line(name)["id"])
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub fn tags(line: &Value) -> Vec<String> {
    line["tags_all"]
        .as_array()
        .expect("a list")
        .iter()
        .map(text)
        .collect()
}
