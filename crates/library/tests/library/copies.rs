//! Tests of pictures that lie in several places: what stands beside one of the files describes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clippy_imaging::Encoding;
use clippy_library::scan::{ScanRequest, Target, scan};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::{Fixture, Scanned, picture, tags, text};

/// A text beside a copy. Its title and its caption have words that are no tags.
const TEXTS: &str = r#"{"category": "any", "tags": ["heron", "water"], "title": "Red Heron",
    "artist": "Ann", "caption": "A bird in the reeds at dawn."}"#;

fn has(found: &[String], wanted: &[&str]) -> bool {
    wanted.iter().all(|tag| found.iter().any(|own| own == tag))
}

#[tokio::test]
async fn the_texts_beside_all_new_copies_describe_the_picture() {
    let fixture = Fixture::new().await;
    fixture.picture("a/pond.png", 1);
    fixture.picture("b/fox.png", 1);
    fixture.write("b/fox.txt", "red fox, forest");
    fixture.picture("c/again.png", 1);
    fixture.write("c/again.txt", "winter, forest");
    let first = fixture.add().await;
    assert_eq!(first.id("pond.png"), first.id("fox.png"));
    let found = tags(first.line("pond.png"));
    assert!(
        has(&found, &["red_fox", "forest", "winter", "pond"]),
        "{found:?}"
    );
    assert!(
        !found.contains(&"again".to_owned()),
        "a word of another name: {found:?}"
    );
}

#[tokio::test]
async fn a_text_beside_a_later_copy_describes_the_picture_and_stays() {
    let fixture = Fixture::new().await;
    fixture.picture("a/first.png", 1);
    fixture.write("a/first.txt", "snow");
    fixture.add().await;
    fixture.picture("b/plain.png", 1);
    let plain = fixture.add().await;
    assert_eq!((plain.summary.duplicates, plain.summary.lines), (1, 0));
    fixture.picture("b/fox.png", 1);
    fixture.write("b/fox.txt", "red fox, forest");
    let second = fixture.add().await;
    assert_eq!(second.summary.duplicates, 1, "{:?}", second.summary);
    let found = tags(second.line("first.png"));
    assert!(has(&found, &["snow", "red_fox", "forest"]), "{found:?}");
    let third = fixture.add().await;
    assert_eq!((third.summary.unchanged, third.summary.lines), (3, 0));
    fixture.write("a/first.txt", "winter");
    let fourth = fixture.add().await;
    let found = tags(fourth.line("first.png"));
    assert!(has(&found, &["winter", "red_fox", "forest"]), "{found:?}");
    assert!(!found.contains(&"snow".to_owned()), "{found:?}");
}

/// Writes a picture, and two copies of it in the order of a walk: the files of a folder come after
/// the folders in it.
fn write_copies(fixture: &Fixture) {
    fixture.picture("birds/deep/heron.png", 1);
    fixture.write("birds/deep/heron.json", TEXTS);
    fixture.picture("birds/again.png", 1);
    fixture.write("birds/again.txt", "winter, water");
}

/// Returns what describes the picture of the first line with this file name, as it is stored.
fn described(scanned: &Scanned, name: &str) -> Value {
    let mut lines = scanned.lines.iter();
    let mut line = lines
        .find(|line| text(&line["local_path"]).ends_with(name))
        .unwrap_or_else(|| panic!("{name}: {:?}", scanned.lines))
        .clone();
    let fields = line.as_object_mut().expect("an object");
    fields.remove("local_path");
    fields.remove("id");
    line
}

async fn fixture_with_folder_tags() -> Fixture {
    let mut fixture = Fixture::new().await;
    fixture.tags_from_folders = true;
    fixture.picture("art/pond.png", 1);
    fixture
}

#[tokio::test]
async fn a_line_is_the_same_whenever_its_copies_are_found() {
    let at_once = fixture_with_folder_tags().await;
    write_copies(&at_once);
    let found = described(&at_once.add().await, "pond.png");
    assert_eq!(
        found,
        json!({
            "_clippy_by_content": true, "matched_tags": ["art"],
            "tags_all": ["art", "heron", "water", "winter", "pond", "red", "bird", "reeds", "dawn"],
            "words": ["pond", "red", "bird", "reeds", "dawn"], "title": "Red Heron",
            "caption": "A bird in the reeds at dawn.", "artist": "Ann",
        })
    );

    let later = fixture_with_folder_tags().await;
    later.add().await;
    write_copies(&later);
    assert_eq!(described(&later.add().await, "pond.png"), found);

    // Now its own text changes, and the copies are known.
    later.write("art/pond.txt", "snow");
    let again = described(&later.add().await, "pond.png");
    let at_once = fixture_with_folder_tags().await;
    at_once.write("art/pond.txt", "snow");
    write_copies(&at_once);
    assert_eq!(again, described(&at_once.add().await, "pond.png"));
    assert_eq!(again["tags_all"][0], "snow");
}

#[tokio::test]
async fn a_picture_is_described_once_by_all_new_copies_of_a_folder() {
    let fixture = Fixture::new().await;
    fixture.picture("a/first.png", 1);
    fixture.add().await;
    for (copy, tag) in [("one", "snow"), ("two", "owl"), ("three", "forest")] {
        fixture.picture(&format!("b/{copy}.png"), 1);
        fixture.write(&format!("b/{copy}.txt"), tag);
    }
    let second = fixture.add().await;
    let summary = &second.summary;
    assert_eq!((summary.duplicates, summary.described_anew), (3, 1));
    assert_eq!(summary.lines, 1, "{:?}", second.lines);
    assert_eq!(
        tags(second.line("first.png")),
        ["snow", "forest", "owl", "first"],
        "in the order of the names: one, three, two"
    );
}

/// Scans until `going_on` returns `false`. Returns whether the scan is complete, and its lines.
async fn scan_while(
    fixture: &Fixture,
    going_on: &(dyn Fn() -> bool + Send + Sync),
) -> (bool, Vec<Value>) {
    let request = ScanRequest {
        run: Uuid::now_v7(),
        targets: Target::of(&[fixture.pictures()], &[]).expect("there"),
        ..ScanRequest::default()
    };
    let manifest = fixture.library.data.join("scan.jsonl");
    let gallery = Arc::clone(&fixture.gallery) as _;
    let summary = scan(&fixture.library, gallery, request, &manifest, &(), going_on).await;
    let written = std::fs::read_to_string(&manifest).expect("written");
    let lines = written
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let left = std::fs::read_dir(&fixture.library.data).expect("a folder");
    let left = left.flatten().map(|entry| entry.file_name());
    let temporary = left.filter(|name| name.to_string_lossy().ends_with(".tmp"));
    assert_eq!(temporary.count(), 0, "nothing is left over");
    (summary.expect("scanned").complete, lines.collect())
}

#[tokio::test]
async fn a_scan_that_is_stopped_does_not_add_what_stands_beside_copies() {
    let fixture = Fixture::new().await;
    fixture.picture("art/pond.png", 1);
    write_copies(&fixture);
    let asked = AtomicUsize::new(0);
    let in_the_walk = || asked.fetch_add(1, Ordering::Relaxed) < 2;
    // While folders are walked, these few lines are in memory.
    let manifest = fixture.library.data.join("scan.jsonl");
    let after_the_walk = || std::fs::metadata(&manifest).is_ok_and(|file| file.len() == 0);
    let stops: [&(dyn Fn() -> bool + Send + Sync); 2] = [&in_the_walk, &after_the_walk];
    for going_on in stops {
        let (complete, lines) = scan_while(&fixture, going_on).await;
        assert!(!complete);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(tags(&lines[0]), ["pond", "art"]);
    }
    let (complete, lines) = scan_while(&fixture, &|| true).await;
    assert!(complete);
    assert!(has(&tags(&lines[0]), &["pond", "heron", "winter"]));
}

#[tokio::test]
async fn a_picture_keeps_the_names_of_its_folders_when_a_copy_elsewhere_is_described() {
    for at_once in [false, true] {
        let mut fixture = Fixture::new().await;
        fixture.tags_from_folders = true;
        fixture.picture("fox/heron.png", 1);
        fixture.add().await;
        let backup = fixture.beside("backup");
        std::fs::create_dir(&backup).expect("made");
        let bytes = picture(1, Encoding::Png);
        std::fs::write(backup.join("copy.png"), bytes).expect("written");
        std::fs::write(backup.join("copy.txt"), "snow").expect("written");
        let described = if at_once {
            fixture.scan_of(&[fixture.pictures(), backup]).await
        } else {
            let copy = fixture.scan_of(&[backup]).await;
            assert_eq!(copy.summary.lines, 0, "{:?}", copy.lines);
            fixture.store(&copy, &[]).await;
            fixture.add().await
        };
        let line = described.line("heron.png");
        assert_eq!(tags(line), ["fox", "snow", "heron"], "{line}");
        assert_eq!(line["matched_tags"], json!(["fox"]));
    }
}
