//! Tests of ingest: what is stored, what counts as unchanged, and the outcomes of bad lines.

use crate::support::{Fixture, line, touch};
use clippy_core::gallery::{ADDED_FIELD, Space, added_now};
use clippy_core::ids::PointId;
use clippy_core::ledger::{FailureKind, LineOutcome};
use clippy_core::search::duplicates::Appearance;
use clippy_library::entry::BY_CONTENT_FIELD;
use clippy_library::identity::id_of;
use clippy_worker::ingest::MARK_FIELD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

#[tokio::test]
async fn every_picture_gets_its_vectors_and_payload() {
    let fixture = Fixture::with_pictures(10);
    let report = fixture.ingest().await.expect("ingested");
    assert!(report.complete && report.totals.adds_up(), "{report:?}");
    assert_eq!((report.totals.lines, report.totals.embedded), (10, 10));
    assert_eq!(
        fixture.take_embedded(),
        (20, 10),
        "a picture and an edge map each"
    );
    let point = fixture.gallery.point(3);
    assert!(point.vectors.iter().all(|(_, vector)| vector.is_some()));
    assert_ne!(point.vectors.image, point.vectors.edge);
    assert_eq!(point.payload["path"], "3.png");
    assert_eq!(point.payload["id"], 3);
    assert_eq!(
        (&point.payload["width"], &point.payload["height"]),
        (&24.into(), &20.into())
    );
    assert_eq!(point.payload["phash"].as_str().expect("hex").len(), 16);
    let looks: Vec<Appearance> = [3, 4]
        .map(|id| Appearance::of(&fixture.gallery.point(id).payload).expect("noted"))
        .to_vec();
    assert!(looks[0].looks_like(&looks[0]) && !looks[0].looks_like(&looks[1]));
    assert_eq!(point.payload["md5"].as_str().expect("hex").len(), 32);
    assert!(!point.payload.contains_key("local_path"));
    let root = fixture
        .path("")
        .canonicalize()
        .expect("there")
        .display()
        .to_string();
    assert_eq!(*fixture.gallery.roots.lock(), [root]);
    assert_eq!(
        fixture
            .gallery
            .optimized
            .load(std::sync::atomic::Ordering::SeqCst),
        1
    );
    assert_eq!(fixture.ledger.complete(), Some(true));
}

#[tokio::test]
async fn a_second_run_embeds_nothing_and_changes_nothing() {
    let fixture = Fixture::with_pictures(10);
    fixture.ingest().await.expect("ingested");
    fixture.take_embedded();
    let before = fixture.gallery.points.lock().clone();
    let upserts = fixture
        .gallery
        .upserts
        .load(std::sync::atomic::Ordering::SeqCst);
    // Broken content with the old size and time. If it were decoded, the run would report a
    // failure.
    let known = std::fs::metadata(fixture.path("4.png")).expect("there");
    std::fs::write(fixture.path("4.png"), vec![0; known.len() as usize]).expect("written");
    let file = std::fs::File::options()
        .append(true)
        .open(fixture.path("4.png"))
        .expect("there");
    file.set_modified(known.modified().expect("a time"))
        .expect("set");
    let report = fixture.ingest().await.expect("ingested");
    assert_eq!((report.totals.unchanged, report.totals.lines), (10, 10));
    assert_eq!(fixture.take_embedded(), (0, 0));
    assert_eq!(*fixture.gallery.points.lock(), before);
    assert_eq!(
        fixture
            .gallery
            .upserts
            .load(std::sync::atomic::Ordering::SeqCst),
        upserts
    );
}

#[tokio::test]
async fn a_touched_file_is_unchanged_and_its_mark_is_refreshed() {
    let fixture = Fixture::with_pictures(3);
    fixture.ingest().await.expect("ingested");
    fixture.take_embedded();
    let before = fixture.gallery.point(2);
    touch(&fixture.path("2.png"));
    let report = fixture.ingest().await.expect("ingested");
    assert_eq!(report.totals.unchanged, 3);
    assert_eq!(fixture.take_embedded(), (0, 0));
    let after = fixture.gallery.point(2);
    assert_eq!(after.vectors, before.vectors);
    assert_eq!(
        after.payload[MARK_FIELD]["mtime_ns"],
        1_000_000_000_000_000_u64
    );
}

#[tokio::test]
async fn a_changed_picture_is_embedded_again() {
    let fixture = Fixture::with_pictures(5);
    fixture.ingest().await.expect("ingested");
    fixture.take_embedded();
    let before = fixture.gallery.point(2);
    fixture.picture("2.png", 77);
    touch(&fixture.path("2.png"));
    let report = fixture.ingest().await.expect("ingested");
    assert_eq!((report.totals.embedded, report.totals.unchanged), (1, 4));
    assert_eq!(fixture.take_embedded(), (2, 1));
    assert_ne!(fixture.gallery.point(2).vectors.image, before.vectors.image);
    assert_ne!(
        fixture.gallery.point(2).payload["md5"],
        before.payload["md5"]
    );
}

#[tokio::test]
async fn a_new_picture_gets_the_time_of_its_adding_and_keeps_it() {
    let fixture = Fixture::with_pictures(3);
    let claims = line(1, "apple").replace("\"id\":1", "\"id\":1,\"_clippy_added\":7");
    assert!(claims.contains("_clippy_added"), "{claims}");
    fixture.manifest(&[claims, line(2, "apple"), line(3, "apple")]);
    let begun = added_now().as_u64().expect("milliseconds");
    fixture.ingest().await.expect("ingested");
    let added = |id| fixture.gallery.point(id).payload.get(ADDED_FIELD).cloned();
    let before = [1, 2, 3].map(added);
    for time in &before {
        let time = time.as_ref().and_then(serde_json::Value::as_u64);
        assert!(time.is_some_and(|time| time >= begun), "{time:?}");
    }
    // As if an earlier version had stored the third.
    let mut points = fixture.gallery.points.lock().clone();
    let third = points.get_mut(&3.into()).expect("there");
    third.payload.remove(ADDED_FIELD);
    *fixture.gallery.points.lock() = points;
    // A changed file, a changed field, and a changed file.
    for name in ["1.png", "3.png"] {
        fixture.picture(name, 77);
        touch(&fixture.path(name));
    }
    let rated = line(2, "apple").replace("\"g\"", "\"q\"");
    fixture.manifest(&[line(1, "apple"), rated, line(3, "apple")]);
    let report = fixture.ingest().await.expect("ingested");
    assert_eq!(report.totals.embedded, 2);
    assert_eq!(fixture.gallery.point(2).payload["rating"], "q");
    let after = [1, 2, 3].map(added);
    assert_eq!(after, [before[0].clone(), before[1].clone(), None]);
}

#[tokio::test]
async fn pictures_of_another_model_are_embedded_again() {
    let fixture = Fixture::with_pictures(3);
    fixture.ingest().await.expect("ingested");
    fixture.take_embedded();
    let expected = fixture.gallery.points.lock().clone();
    fixture
        .gallery
        .points
        .lock()
        .get_mut(&2.into())
        .expect("there")
        .payload[MARK_FIELD]["model"] = "another".into();
    let report = fixture.ingest().await.expect("ingested");
    assert_eq!((report.totals.embedded, report.totals.unchanged), (1, 2));
    assert_eq!(fixture.take_embedded(), (2, 1));
    assert_eq!(*fixture.gallery.points.lock(), expected);
}

#[tokio::test]
async fn changed_tags_embed_the_text_again_and_changed_fields_embed_nothing() {
    let fixture = Fixture::with_pictures(3);
    fixture.ingest().await.expect("ingested");
    fixture.take_embedded();
    let before = [
        fixture.gallery.point(1),
        fixture.gallery.point(2),
        fixture.gallery.point(3),
    ];
    let without_tags =
        serde_json::json!({"id": 3, "local_path": "3.png", "rating": "g"}).to_string();
    fixture.manifest(&[
        line(1, "pear"),
        line(2, "apple").replace("\"g\"", "\"q\""),
        without_tags,
    ]);
    let report = fixture.ingest().await.expect("ingested");
    assert_eq!((report.totals.embedded, report.totals.unchanged), (1, 2));
    assert_eq!(fixture.take_embedded(), (0, 1));
    let after = [
        fixture.gallery.point(1),
        fixture.gallery.point(2),
        fixture.gallery.point(3),
    ];
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.vectors.image, after.vectors.image);
        assert_eq!(before.vectors.edge, after.vectors.edge);
        assert_eq!(before.payload["phash"], after.payload["phash"]);
    }
    assert_ne!(before[0].vectors.text, after[0].vectors.text);
    assert_eq!(after[0].payload["tags_all"], serde_json::json!(["pear"]));
    assert_eq!(
        (&after[1].vectors.text, &after[1].payload["rating"]),
        (&before[1].vectors.text, &"q".into())
    );
    assert_eq!(
        after[2].vectors.text, None,
        "without tags there is no sentence"
    );
    assert_eq!(
        fixture.ingest().await.expect("ingested").totals.unchanged,
        3
    );
    assert_eq!(fixture.take_embedded(), (0, 0));
}

#[tokio::test]
async fn no_text_makes_no_text_vectors_and_a_later_run_adds_them() {
    let fixture = Fixture::with_pictures(3);
    let mut request = fixture.request();
    request.no_text = true;
    fixture.ingest_with(&request).await.expect("ingested");
    assert_eq!(fixture.take_embedded(), (6, 0));
    assert_eq!(fixture.gallery.point(1).vectors.get(Space::Text), &None);
    fixture.ingest().await.expect("ingested");
    assert_eq!(fixture.take_embedded(), (0, 3));
    let with_text = fixture.gallery.point(1);
    assert!(with_text.vectors.text.is_some() && with_text.vectors.image.is_some());
    fixture.ingest_with(&request).await.expect("ingested");
    assert_eq!(fixture.gallery.point(1), with_text, "what is there stays");
}

#[tokio::test]
async fn every_bad_line_has_an_outcome_and_the_others_are_stored() {
    let fixture = Fixture::with_pictures(2);
    std::fs::create_dir(fixture.path("pictures")).expect("made");
    fixture.picture("pictures/5.png", 5);
    fixture.picture("secret.png", 9);
    std::fs::write(fixture.path("pictures/zero.png"), b"").expect("written");
    std::fs::write(fixture.path("pictures/words.png"), b"not a picture at all").expect("written");
    let whole = std::fs::read(fixture.path("pictures/5.png")).expect("there");
    std::fs::write(fixture.path("pictures/half.png"), &whole[..whole.len() / 2]).expect("written");
    let entry =
        |id: &str, path: &str| format!(r#"{{"id":{id},"local_path":"{path}","tags_all":["x"]}}"#);
    let lines = [
        (entry("5", "5.png"), None),
        ("{broken".to_owned(), Some("not JSON")),
        (String::new(), None),
        (entry("5", "5.png"), None),
        (entry("6", "gone.png"), Some("no file")),
        (entry("7", "../secret.png"), Some("leaves")),
        (entry("-3", "5.png"), Some("-3")),
        (entry("\"apple\"", "5.png"), Some("apple")),
        (entry("8", "zero.png"), Some("0 bytes")),
        (entry("9", "words.png"), Some("not a picture")),
        (entry("10", "half.png"), Some("")),
        (r#"{"id":11}"#.to_owned(), Some("local_path")),
        (r#"{"local_path":"5.png"}"#.to_owned(), Some("no id")),
        ("[1]".to_owned(), Some("not an object")),
        (
            r#"{"id":12,"local_path":"5.png","tags_all":"x"}"#.to_owned(),
            Some("tags_all"),
        ),
        (
            entry("\"00000000-0000-0000-0000-000000000007\"", "5.png"),
            None,
        ),
    ];
    let manifest = fixture.path("pictures/manifest.jsonl");
    std::fs::write(
        &manifest,
        lines
            .iter()
            .map(|(line, _)| format!("{line}\n"))
            .collect::<String>(),
    )
    .expect("written");
    let mut request = fixture.request();
    request.lines.manifest = manifest;
    request.lines.fail_log = Some(fixture.path("failed.txt"));
    let report = fixture
        .ingest_with(&request)
        .await
        .expect("bad lines are not fatal");
    assert!(report.complete && report.totals.adds_up());
    let totals = report.totals;
    assert_eq!(
        (
            totals.lines,
            totals.embedded,
            totals.duplicates,
            totals.skipped
        ),
        (16, 2, 1, 1),
        "{totals:?}"
    );
    let outcomes = fixture.ledger.outcomes();
    for (number, (text, reason)) in lines.iter().enumerate() {
        match (&outcomes[&(number as u64)], reason) {
            (LineOutcome::Failed { reason, .. }, Some(word)) => {
                assert!(reason.contains(word), "{text}: {reason}")
            }
            (outcome, None) if !matches!(outcome, LineOutcome::Failed { .. }) => {}
            (outcome, _) => panic!("{text}: {outcome:?}"),
        }
    }
    assert_eq!(outcomes[&3], LineOutcome::DuplicateOf { line: 0 });
    let failed = std::fs::read_to_string(fixture.path("failed.txt")).expect("the list");
    let expected = "line 1\n6\n7\nline 6\nline 7\n8\n9\n10\n11\nline 12\nline 13\n12\n";
    let names: String = failed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(names, expected);
    assert_eq!(
        fixture.gallery.points.lock().len(),
        2,
        "the same content under two ids is two points"
    );
}

#[tokio::test]
async fn a_dry_run_checks_files_and_stores_nothing() {
    let fixture = Fixture::with_pictures(4);
    std::fs::write(fixture.path("2.png"), b"no picture").expect("written");
    let mut request = fixture.request();
    request.dry_run = true;
    let report = fixture.ingest_with(&request).await.expect("looked at");
    assert_eq!((report.totals.skipped, report.totals.failed), (3, 1));
    assert_eq!(fixture.take_embedded(), (0, 0));
    assert!(fixture.gallery.points.lock().is_empty() && fixture.gallery.roots.lock().is_empty());
    assert_eq!(
        fixture
            .gallery
            .optimized
            .load(std::sync::atomic::Ordering::SeqCst),
        0
    );
}

#[tokio::test]
async fn a_file_that_was_overwritten_after_its_scan_is_not_stored_under_the_earlier_id() {
    let fixture = Fixture::new();
    fixture.picture("same.png", 1);
    fixture.picture("other.png", 2);
    let id_in_scan = |name: &str| {
        let content = std::fs::read(fixture.path(name)).expect("read");
        id_of(&Sha256::digest(content).into())
    };
    let (same, other) = (id_in_scan("same.png"), id_in_scan("other.png"));
    let line = |name: &str, id: PointId| {
        json!({"id": id, "local_path": name, "tags_all": [], BY_CONTENT_FIELD: true}).to_string()
    };
    fixture.manifest(&[line("same.png", same), line("other.png", other)]);
    fixture.picture("other.png", 3);
    let report = fixture.ingest().await.expect("ingested");
    assert_eq!((report.totals.embedded, report.totals.failed), (1, 1));
    assert!(matches!(
        &fixture.ledger.outcomes()[&1],
        LineOutcome::Failed {
            kind: FailureKind::Overwritten,
            ..
        }
    ));
    let points = fixture.gallery.points.lock().clone();
    assert_eq!(points.keys().collect::<Vec<_>>(), [&same]);
    assert!(!points[&same].payload.contains_key(BY_CONTENT_FIELD));
}
