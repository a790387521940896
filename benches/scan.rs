//! Compares a scan of folders with only reading their files, a second scan with the first one, and
//! a scan of folders that were all renamed with that of new ones. Checks that memory does not grow
//! with the folders, nor with the files of one folder.
//!
//! A second scan examines every file and opens none. So does `find -size`, which is measured as
//! well: it shows how much of a second scan is the system's part.
//!
//! Run with `cargo bench --profile dev --workspace --bench scan`. The folders are made in the temporary
//! folder of the system: 100,000 small pictures in 2,000 folders, and a tenth of that. Everything
//! is measured in one run, three times each, of which the fastest counts. Printed as JSON lines.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use clippy_core::gallery::{
    Candidates, CollectionInfo, Crowding, FacetCount, Filter, GalleryReader, HybridQuery, Page,
    Payload, Point, Space, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_core::preferences::PreferenceRule;
use clippy_core::{Error, Result};
use clippy_gallery::EmbeddedState;
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_library::scan::{Library, ScanRequest, Target, scan};
use clippy_library::summary::Summary;
use serde_json::json;
use uuid::Uuid;

const FOLDERS: u32 = 2_000;
const PICTURES_IN_A_FOLDER: u32 = 50;
const TIMES: usize = 3;
/// The names of one folder are sorted, so they are in memory: about 100 bytes for each file.
const FLAT_MEMORY: f64 = 3.0;
/// Set for a process that scans one folder and prints its peak memory.
const CHILD: &str = "CLIPPY_SCAN_BENCH_FOLDER";

#[tokio::main]
async fn main() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let fixture = Fixture::new(Path::new(&folder)).await;
        fixture.scan().await;
        println!("{}", peak_memory());
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (all, tenth) = (folder.path().join("all"), folder.path().join("tenth"));
    fill(&all, FOLDERS);
    fill(&tenth, FOLDERS / 10);
    // One unmeasured run, so that all files are in the page cache.
    timed(&all, "find \"$0\" -type f -print0 | xargs -0 cat");
    let reading = fastest(|| timed(&all, "find \"$0\" -type f -print0 | xargs -0 cat"));
    let examining = fastest(|| timed(&all, "find \"$0\" -type f -size +0"));
    let fixture = Fixture::new(&all).await;
    let (mut first, mut second) = (Times::MAX, Times::MAX);
    for _ in 0..TIMES {
        let fixture = Fixture::new(&all).await;
        first = first.min(fixture.scan().await);
    }
    fixture.scan().await;
    for _ in 0..TIMES {
        second = second.min(fixture.scan().await);
    }
    let memory = |folder: &Path| {
        let program = std::env::current_exe().expect("a program");
        let output = Command::new(program)
            .env(CHILD, folder)
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        said.parse::<f64>().expect("a number")
    };
    let (small, large) = (memory(&tenth), memory(&all));
    for folder in std::fs::read_dir(&all).expect("read").flatten() {
        let renamed = all.join(format!("renamed {}", folder.file_name().display()));
        std::fs::rename(folder.path(), renamed).expect("renamed");
    }
    let renamed = fixture.scan().await;
    // All in one folder.
    for folder in [&all, &tenth] {
        flatten(folder);
    }
    let (small_flat, large_flat) = (memory(&tenth), memory(&all));
    for (measure, value, most) in [
        ("scan / find | xargs cat", ratio(first.scan, reading), 3.0),
        (
            "second scan / first scan",
            ratio(second.scan, first.scan),
            0.05,
        ),
        (
            "second scan / find -size",
            ratio(second.scan, examining),
            3.0,
        ),
        (
            "scanned and confirmed: all renamed / all new",
            ratio(renamed.scan + renamed.confirm, first.scan + first.confirm),
            6.0,
        ),
        ("memory of 100,000 / of 10,000", large / small, 1.3),
        (
            "the same, all in one folder",
            large_flat / small_flat,
            FLAT_MEMORY,
        ),
    ] {
        println!(
            "{}",
            json!({"measure": measure, "ratio": value, "at_most": most, "holds": value <= most})
        );
    }
}

#[derive(Clone, Copy)]
struct Times {
    scan: Duration,
    confirm: Duration,
}

impl Times {
    const MAX: Self = Self {
        scan: Duration::MAX,
        confirm: Duration::MAX,
    };

    fn min(self, other: Self) -> Self {
        Self {
            scan: self.scan.min(other.scan),
            confirm: self.confirm.min(other.confirm),
        }
    }
}

/// A data folder with its record of known files.
struct Fixture {
    _data: tempfile::TempDir,
    library: Library,
    pictures: PathBuf,
}

impl Fixture {
    async fn new(pictures: &Path) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let state = EmbeddedState::open(&data.path().join("clippy.db"), PreferenceRule::default())
            .await
            .expect("made");
        Self {
            library: Library {
                known: Arc::new(state),
                collection: "pictures".to_owned(),
                data: data.path().to_owned(),
            },
            _data: data,
            pictures: pictures.to_owned(),
        }
    }

    /// Scans, and confirms everything that was found.
    async fn scan(&self) -> Times {
        let run = Uuid::now_v7();
        let request = ScanRequest {
            run,
            targets: Target::of(std::slice::from_ref(&self.pictures), &[]).expect("there"),
            served: Vec::new(),
            tags_from_folders: false,
            dry_run: false,
            ..ScanRequest::default()
        };
        let manifest = self.library.data.join("scan.jsonl");
        let began = Instant::now();
        let summary: Summary = scan(
            &self.library,
            Arc::new(Everything),
            request,
            &manifest,
            &(),
            &|| true,
        )
        .await
        .expect("scanned");
        let scan = began.elapsed();
        assert_eq!(summary.failed, 0, "{summary:?}");
        let began = Instant::now();
        self.library.known.confirm(run).await.expect("confirmed");
        Times {
            scan,
            confirm: began.elapsed(),
        }
    }
}

/// Makes this number of folders, with pictures that all differ.
fn fill(folder: &Path, folders: u32) {
    for index in 0..folders {
        let name = folder.join(format!("{:02}/{index:04}", index % 50));
        std::fs::create_dir_all(&name).expect("made");
        for picture in 0..PICTURES_IN_A_FOLDER {
            let seed = index * PICTURES_IN_A_FOLDER + picture;
            let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
            let bytes = (0..32 * 32 * 3)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 17;
                    state ^= state << 5;
                    state.to_le_bytes()[1]
                })
                .collect();
            let picture_of = RgbImage::from_raw(32, 32, bytes).expect("of that size");
            let bytes = encode(&picture_of, Encoding::Png).expect("encoded");
            std::fs::write(name.join(format!("picture {picture:02}.png")), bytes).expect("written");
        }
    }
}

/// Moves all files of the folders below into this one.
fn flatten(folder: &Path) {
    for middle in std::fs::read_dir(folder).expect("read").flatten() {
        for inner in std::fs::read_dir(middle.path()).expect("read").flatten() {
            for file in std::fs::read_dir(inner.path()).expect("read").flatten() {
                let names =
                    [inner.file_name(), file.file_name()].map(|name| name.display().to_string());
                std::fs::rename(file.path(), folder.join(names.join(" "))).expect("moved");
            }
        }
        std::fs::remove_dir_all(middle.path()).expect("removed");
    }
}

/// Runs a shell's command for a folder, `$0`.
fn timed(folder: &Path, command: &str) -> Duration {
    let began = Instant::now();
    let status = Command::new("sh")
        .args(["-c", command])
        .arg(folder)
        .stdout(Stdio::null())
        .status()
        .expect("find and xargs are there");
    assert!(status.success());
    began.elapsed()
}

fn fastest(measured: impl Fn() -> Duration) -> Duration {
    (0..TIMES).map(|_| measured()).min().unwrap_or_default()
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// Returns the peak memory of this process, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a line");
    let number = line.split_whitespace().next().expect("a number");
    number.parse().expect("a number")
}

/// A collection that contains every point.
struct Everything;

fn unasked<T>() -> Result<T> {
    Err(Error::internal("a scan asks for points only"))
}

#[async_trait]
impl GalleryReader for Everything {
    async fn info(&self) -> Result<CollectionInfo> {
        unasked()
    }

    async fn retrieve(&self, ids: &[PointId], _with: With) -> Result<Vec<Point>> {
        Ok(ids
            .iter()
            .map(|id| Point {
                id: *id,
                vectors: Vectors::default(),
                payload: Payload::new(),
            })
            .collect())
    }

    async fn hybrid(&self, _query: HybridQuery) -> Result<Candidates> {
        unasked()
    }

    async fn crowding(
        &self,
        _ids: &[PointId],
        _spaces: &[Space],
        _neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        unasked()
    }

    async fn scroll(
        &self,
        _filter: &Filter,
        _from: Option<PointId>,
        _limit: usize,
        _with: With,
    ) -> Result<Page> {
        unasked()
    }

    async fn newest(&self, _filter: &Filter, _most: usize) -> Result<Vec<PointId>> {
        unasked()
    }

    async fn count(&self, _filter: &Filter) -> Result<u64> {
        unasked()
    }

    async fn facet(
        &self,
        _field: &str,
        _filter: &Filter,
        _limit: usize,
    ) -> Result<Vec<FacetCount>> {
        unasked()
    }
}
