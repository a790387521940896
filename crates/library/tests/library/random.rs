//! Random changes of a folder between, during and after scans that may be killed at any point. In the
//! end the collection must agree with the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clippy_core::bulk::ScanPart;
use clippy_core::gallery::MISSING_FIELD;
use clippy_core::ids::PointId;
use clippy_imaging::Encoding;
use serde_json::Value;

use crate::fixture::{Fixture, Scanned, picture, text};

/// A generator of numbers that is the same for each seed.
struct Random(u64);

/// Gives a file a time of its own. The clock of a file system is too coarse for changes that follow
/// at once.
fn touch(path: &Path, random: &mut Random) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(random.below(1 << 40) as u64);
    let file = fs::File::options().write(true).open(path).expect("there");
    file.set_times(fs::FileTimes::new().set_modified(time))
        .expect("set");
}

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("53 bits") % bound
    }
}

/// The pictures that are written. Few, so that there are many copies.
const CONTENTS: u8 = 6;

/// Returns the pictures by their bytes, with the ids of their points.
async fn ids() -> BTreeMap<Vec<u8>, String> {
    let fixture = Fixture::new().await;
    for seed in 0..CONTENTS {
        fixture.picture(&format!("{seed}.png"), seed);
    }
    let scanned = fixture.scan().await;
    (0..CONTENTS)
        .map(|seed| {
            let id = scanned.id(&format!("{seed}.png"));
            (picture(seed, Encoding::Png), id)
        })
        .collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("there").flatten() {
        if entry.file_type().expect("a kind").is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

/// Does one random thing in the folder.
fn disturb(fixture: &Fixture, random: &mut Random) {
    let folders = ["", "a/", "b/"];
    let name = format!("{}{}.png", folders[random.below(3)], random.below(4));
    let target = fixture.path(&name);
    let files = files_below(&fixture.pictures());
    let some = (!files.is_empty()).then(|| files[random.below(files.len())].clone());
    fs::create_dir_all(target.parent().expect("a folder")).expect("made");
    match (random.below(10), some) {
        (0..=2, _) | (_, None) => {
            let seed = u8::try_from(random.below(usize::from(CONTENTS))).expect("small");
            fixture.picture(&name, seed);
            touch(&target, random);
        }
        (3..=5, Some(file)) => fs::rename(file, target).expect("moved"),
        (6, Some(file)) if file != target => {
            fs::copy(file, &target).expect("copied");
            touch(&target, random);
        }
        (7, Some(_)) => {
            let bytes = picture(1, Encoding::Png);
            match random.below(2) {
                0 => fixture.write(&name, "no picture"),
                // It begins like a picture, and cannot be stored.
                _ => fixture.write(&name, &bytes[..bytes.len() - random.below(9) - 1]),
            }
            touch(&target, random);
        }
        (_, Some(file)) => fs::remove_file(file).expect("removed"),
    }
}

/// Returns how the collection differs from the folder.
fn differences(fixture: &Fixture, ids: &BTreeMap<Vec<u8>, String>) -> Vec<String> {
    let mut files: BTreeMap<PointId, BTreeSet<String>> = BTreeMap::new();
    for path in files_below(&fixture.pictures()) {
        if let Some(id) = ids.get(&fs::read(&path).expect("read")) {
            let name = path.display().to_string();
            files
                .entry(id.parse().expect("an id"))
                .or_default()
                .insert(name);
        }
    }
    let stored = fixture.gallery.points.lock();
    let mut differences = Vec::new();
    for (id, point) in stored.iter() {
        let is_missing = point.payload.get(MISSING_FIELD) == Some(&Value::Bool(true));
        let path = text(&point.payload["local_path"]);
        match files.get(id) {
            None if !is_missing => differences.push(format!("{path} is gone, and not marked")),
            Some(paths) if is_missing => {
                differences.push(format!("{paths:?} is marked, and there"));
            }
            Some(paths) if !paths.contains(&path) => {
                differences.push(format!("{paths:?} is stored as {path}"));
            }
            _ => {}
        }
    }
    let absent = files.iter().filter(|(id, _)| !stored.contains_key(id));
    differences.extend(absent.map(|(_, paths)| format!("{paths:?} is not stored")));
    differences
}

/// Returns the files whose lines fail, since they have another content than the scan found.
fn broken(scanned: &Scanned, ids: &BTreeMap<Vec<u8>, String>) -> Vec<String> {
    scanned
        .pictures()
        .into_iter()
        .filter(|(path, line)| {
            let now = fs::read(path)
                .ok()
                .and_then(|bytes| ids.get(&bytes).cloned());
            now != Some(text(&line["id"]))
        })
        .map(|(path, _)| path)
        .collect()
}

/// Scans a random part of the folder. The run may be killed anywhere, and the folder changes
/// meanwhile.
async fn add_or_die(fixture: &mut Fixture, random: &mut Random, ids: &BTreeMap<Vec<u8>, String>) {
    let changes = |fixture: &Fixture, random: &mut Random| {
        for _ in 0..random.below(4) {
            disturb(fixture, random);
        }
    };
    if random.below(3) == 0 {
        fixture.only = ["", "a", "b"]
            .into_iter()
            .filter(|_| random.below(2) == 0)
            .map(|name| ScanPart {
                folder: fixture.path(name),
                deep: false,
            })
            .collect();
    }
    let scanned = fixture.scan().await;
    fixture.only.clear();
    if random.below(6) == 0 {
        return;
    }
    changes(fixture, random);
    let mut broken = broken(&scanned, ids);
    let is_killed = random.below(4) == 0;
    if is_killed {
        // It had stored only a part.
        broken.extend(
            scanned
                .pictures()
                .into_keys()
                .filter(|_| random.below(3) == 0),
        );
    }
    let broken: Vec<&str> = broken.iter().map(String::as_str).collect();
    let failed = fixture.store_alone(&scanned, &broken).await;
    if is_killed {
        return;
    }
    changes(fixture, random);
    fixture.confirm(&scanned, &failed).await;
}

async fn check(seed: u64, ids: &BTreeMap<Vec<u8>, String>) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut fixture = Fixture::new().await;
    // It shows that the folder is not away.
    fixture.write("stays.txt", "a text");
    for _ in 0..12 {
        for _ in 0..1 + random.below(6) {
            disturb(&fixture, &mut random);
        }
        add_or_die(&mut fixture, &mut random, ids).await;
    }
    // The second run may describe pictures of killed runs once more, the third one has nothing to do.
    for run in 1..=3 {
        let scanned = fixture.scan().await;
        let broken = broken(&scanned, ids);
        let broken: Vec<&str> = broken.iter().map(String::as_str).collect();
        let failed = fixture.store_alone(&scanned, &broken).await;
        fixture.confirm(&scanned, &failed).await;
        let differences = differences(&fixture, ids);
        assert!(
            differences.is_empty(),
            "seed {seed}, run {run}: {differences:#?}"
        );
        // Damaged pictures are tried each time.
        let mut lines = scanned.pictures();
        lines.retain(|path, _| !broken.contains(&path.as_str()));
        let lines: Vec<_> = lines.into_keys().collect();
        assert!(
            run < 3 || lines.is_empty(),
            "seed {seed}: stored again: {lines:?}"
        );
    }
}

/// `CLIPPY_RANDOM_SEEDS` is the number of runs.
#[tokio::test]
async fn after_random_changes_and_killed_runs_the_collection_agrees_with_the_disk() {
    let seeds = std::env::var("CLIPPY_RANDOM_SEEDS");
    let seeds: u64 = seeds.map_or(60, |text| text.parse().expect("a number"));
    let first = std::env::var("CLIPPY_RANDOM_SEED");
    let first: u64 = first.map_or(1, |text| text.parse().expect("a number"));
    let ids = ids().await;
    for seed in first..first + seeds {
        check(seed, &ids).await;
    }
}
