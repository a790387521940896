//! Ingest: what is stored, what is told unchanged, and what becomes of bad lines.

use crate::support::{House, line, touch};
use clippy_core::gallery::Space;
use clippy_core::ledger::LineOutcome;
use clippy_core::search::duplicates::Appearance;
use clippy_worker::ingest::MARK_FIELD;

#[tokio::test]
async fn every_picture_gets_its_vectors_and_payload() {
    let house = House::with_pictures(10);
    let report = house.ingest().await.expect("ingested");
    assert!(report.complete && report.totals.adds_up(), "{report:?}");
    assert_eq!((report.totals.lines, report.totals.embedded), (10, 10));
    assert_eq!(house.embedded(), (20, 10), "a picture and an edge map each");
    let point = house.gallery.point(3);
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
        .map(|id| Appearance::of(&house.gallery.point(id).payload).expect("noted"))
        .to_vec();
    assert!(looks[0].looks_like(&looks[0]) && !looks[0].looks_like(&looks[1]));
    assert_eq!(point.payload["md5"].as_str().expect("hex").len(), 32);
    assert!(!point.payload.contains_key("local_path"));
    let root = house
        .path("")
        .canonicalize()
        .expect("there")
        .display()
        .to_string();
    assert_eq!(*house.gallery.roots.lock(), [root]);
    assert_eq!(
        house
            .gallery
            .optimized
            .load(std::sync::atomic::Ordering::SeqCst),
        1
    );
    assert_eq!(house.ledger.complete(), Some(true));
}

#[tokio::test]
async fn a_second_run_embeds_nothing_and_changes_nothing() {
    let house = House::with_pictures(10);
    house.ingest().await.expect("ingested");
    house.embedded();
    let before = house.gallery.points.lock().clone();
    let upserts = house
        .gallery
        .upserts
        .load(std::sync::atomic::Ordering::SeqCst);
    // Cut short, but with the old size and time: whoever decoded it would fail.
    let known = std::fs::metadata(house.path("4.png")).expect("there");
    std::fs::write(house.path("4.png"), vec![0; known.len() as usize]).expect("written");
    let file = std::fs::File::options()
        .append(true)
        .open(house.path("4.png"))
        .expect("there");
    file.set_modified(known.modified().expect("a time"))
        .expect("set");
    let report = house.ingest().await.expect("ingested");
    assert_eq!((report.totals.unchanged, report.totals.lines), (10, 10));
    assert_eq!(house.embedded(), (0, 0));
    assert_eq!(*house.gallery.points.lock(), before);
    assert_eq!(
        house
            .gallery
            .upserts
            .load(std::sync::atomic::Ordering::SeqCst),
        upserts
    );
}

#[tokio::test]
async fn a_touched_file_is_unchanged_and_its_mark_is_refreshed() {
    let house = House::with_pictures(3);
    house.ingest().await.expect("ingested");
    house.embedded();
    let before = house.gallery.point(2);
    touch(&house.path("2.png"));
    let report = house.ingest().await.expect("ingested");
    assert_eq!(report.totals.unchanged, 3);
    assert_eq!(house.embedded(), (0, 0));
    let after = house.gallery.point(2);
    assert_eq!(after.vectors, before.vectors);
    assert_eq!(
        after.payload[MARK_FIELD]["mtime_ns"],
        1_000_000_000_000_000_u64
    );
}

#[tokio::test]
async fn a_changed_picture_is_embedded_again() {
    let house = House::with_pictures(5);
    house.ingest().await.expect("ingested");
    house.embedded();
    let before = house.gallery.point(2);
    house.picture("2.png", 77);
    touch(&house.path("2.png"));
    let report = house.ingest().await.expect("ingested");
    assert_eq!((report.totals.embedded, report.totals.unchanged), (1, 4));
    assert_eq!(house.embedded(), (2, 1));
    assert_ne!(house.gallery.point(2).vectors.image, before.vectors.image);
    assert_ne!(house.gallery.point(2).payload["md5"], before.payload["md5"]);
}

#[tokio::test]
async fn what_another_model_embedded_is_embedded_again() {
    let house = House::with_pictures(3);
    house.ingest().await.expect("ingested");
    house.embedded();
    let expected = house.gallery.points.lock().clone();
    house
        .gallery
        .points
        .lock()
        .get_mut(&2.into())
        .expect("there")
        .payload[MARK_FIELD]["model"] = "another".into();
    let report = house.ingest().await.expect("ingested");
    assert_eq!((report.totals.embedded, report.totals.unchanged), (1, 2));
    assert_eq!(house.embedded(), (2, 1));
    assert_eq!(*house.gallery.points.lock(), expected);
}

#[tokio::test]
async fn changed_tags_cost_a_text_and_changed_fields_cost_nothing() {
    let house = House::with_pictures(3);
    house.ingest().await.expect("ingested");
    house.embedded();
    let before = [
        house.gallery.point(1),
        house.gallery.point(2),
        house.gallery.point(3),
    ];
    let without_tags =
        serde_json::json!({"id": 3, "local_path": "3.png", "rating": "g"}).to_string();
    house.manifest(&[
        line(1, "pear"),
        line(2, "apple").replace("\"g\"", "\"q\""),
        without_tags,
    ]);
    let report = house.ingest().await.expect("ingested");
    assert_eq!((report.totals.embedded, report.totals.unchanged), (1, 2));
    assert_eq!(house.embedded(), (0, 1));
    let after = [
        house.gallery.point(1),
        house.gallery.point(2),
        house.gallery.point(3),
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
        "without tags there is nothing to say"
    );
    assert_eq!(house.ingest().await.expect("ingested").totals.unchanged, 3);
    assert_eq!(house.embedded(), (0, 0));
}

#[tokio::test]
async fn no_text_makes_none_and_a_later_run_adds_it() {
    let house = House::with_pictures(3);
    let mut request = house.request();
    request.no_text = true;
    house.ingest_with(&request).await.expect("ingested");
    assert_eq!(house.embedded(), (6, 0));
    assert_eq!(house.gallery.point(1).vectors.get(Space::Text), &None);
    house.ingest().await.expect("ingested");
    assert_eq!(house.embedded(), (0, 3));
    let with_text = house.gallery.point(1);
    assert!(with_text.vectors.text.is_some() && with_text.vectors.image.is_some());
    house.ingest_with(&request).await.expect("ingested");
    assert_eq!(house.gallery.point(1), with_text, "what is there stays");
}

#[tokio::test]
async fn bad_lines_and_pictures_are_accounted_for_and_the_rest_is_stored() {
    let house = House::with_pictures(2);
    std::fs::create_dir(house.path("pictures")).expect("made");
    house.picture("pictures/5.png", 5);
    house.picture("secret.png", 9);
    std::fs::write(house.path("pictures/zero.png"), b"").expect("written");
    std::fs::write(house.path("pictures/words.png"), b"not a picture at all").expect("written");
    let whole = std::fs::read(house.path("pictures/5.png")).expect("there");
    std::fs::write(house.path("pictures/half.png"), &whole[..whole.len() / 2]).expect("written");
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
    let manifest = house.path("pictures/manifest.jsonl");
    std::fs::write(
        &manifest,
        lines
            .iter()
            .map(|(line, _)| format!("{line}\n"))
            .collect::<String>(),
    )
    .expect("written");
    let mut request = house.request();
    request.lines.manifest = manifest;
    request.lines.fail_log = Some(house.path("failed.txt"));
    let report = house
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
    let outcomes = house.ledger.outcomes();
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
    let failed = std::fs::read_to_string(house.path("failed.txt")).expect("the list");
    let expected = "line 1\n6\n7\nline 6\nline 7\n8\n9\n10\n11\nline 12\nline 13\n12\n";
    let names: String = failed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(names, expected);
    assert_eq!(
        house.gallery.points.lock().len(),
        2,
        "the same content under two ids is two points"
    );
}

#[tokio::test]
async fn a_dry_run_looks_and_stores_nothing() {
    let house = House::with_pictures(4);
    std::fs::write(house.path("2.png"), b"no picture").expect("written");
    let mut request = house.request();
    request.dry_run = true;
    let report = house.ingest_with(&request).await.expect("looked at");
    assert_eq!((report.totals.skipped, report.totals.failed), (3, 1));
    assert_eq!(house.embedded(), (0, 0));
    assert!(house.gallery.points.lock().is_empty() && house.gallery.roots.lock().is_empty());
    assert_eq!(
        house
            .gallery
            .optimized
            .load(std::sync::atomic::Ordering::SeqCst),
        0
    );
}
