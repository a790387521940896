//! Damaged exports: nothing of them is imported, and the message names the file.

use clippy_core::ErrorCode;
use sha2::{Digest, Sha256};

use crate::support::{Local, Place};

/// Whether nothing was written.
fn is_untouched(target: &Local) -> bool {
    target.points().is_empty() && target.gallery.notes.lock().is_empty()
}

#[tokio::test]
async fn a_flipped_bit_a_cut_and_a_missing_file_are_found_before_anything_is_written() {
    let source = Local::filled(40).await;
    let place = Place::with(&source).await;
    let files = place.files();
    assert!(files.len() > 5, "{files:?}");
    for name in files {
        let path = place.export.join(&name);
        let whole = std::fs::read(&path).expect("read");
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        let cut = whole[..whole.len() - 1].to_vec();
        let longer = [&whole[..], b"\n"].concat();
        for damaged in [
            Some(flipped),
            Some(cut),
            Some(longer),
            Some(Vec::new()),
            None,
        ] {
            match &damaged {
                Some(content) => std::fs::write(&path, content).expect("written"),
                None => std::fs::remove_file(&path).expect("removed"),
            }
            let target = Local::empty("model");
            let error = place.import_into(&target).await.expect_err(&name);
            assert!(
                matches!(error.code, ErrorCode::InvalidInput | ErrorCode::NotFound),
                "{name}: {error}"
            );
            let named = name.strip_suffix(".sha256").unwrap_or(&name);
            assert!(error.message.contains(named), "{name}: {error}");
            assert!(is_untouched(&target), "{name}");
        }
        std::fs::write(&path, &whole).expect("mended");
    }
    let target = Local::empty("model");
    place.import_into(&target).await.expect("whole again");
}

/// Changes the index, with a checksum that fits.
fn change_index(place: &Place, from: &str, to: &str) {
    let path = place.export.join("export.json");
    let text = std::fs::read_to_string(&path).expect("read");
    assert!(text.contains(from), "{text}");
    let text = text.replace(from, to);
    let sum: String = Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    std::fs::write(&path, text).expect("written");
    let sum = format!("{sum}  export.json\n");
    std::fs::write(place.export.join("export.json.sha256"), sum).expect("written");
}

#[tokio::test]
async fn a_newer_version_and_an_index_that_does_not_fit_are_refused() {
    for (from, to, code, named) in [
        (
            "\"version\": 1",
            "\"version\": 2",
            ErrorCode::Conflict,
            "version 2",
        ),
        (
            "clippy-export",
            "other-export",
            ErrorCode::InvalidInput,
            "not the index",
        ),
        (
            "vectors-00000",
            "../ctors-00000",
            ErrorCode::InvalidInput,
            "outside",
        ),
        (
            "\"points\": 40,\n  \"vectors",
            "\"points\": 41,\n  \"vectors",
            ErrorCode::InvalidInput,
            "counts",
        ),
        (
            "tastes.jsonl",
            "tests.jsonl",
            ErrorCode::InvalidInput,
            "tastes.jsonl",
        ),
    ] {
        let place = Place::with(&Local::filled(40).await).await;
        change_index(&place, from, to);
        let target = Local::empty("model");
        let error = place.import_into(&target).await.expect_err(named);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(named), "{named}: {error}");
        assert!(is_untouched(&target));
    }
    let place = Place::with(&Local::filled(40).await).await;
    change_index(&place, "\"clippy\":", "\"later\": [1], \"clippy\":");
    let target = Local::empty("model");
    let read = place.import_into(&target).await;
    assert_eq!(read.expect("a field of a later version").points.added, 40);
}

#[tokio::test]
async fn vectors_of_another_model_are_refused_by_name() {
    let place = Place::with(&Local::filled(40).await).await;
    let target = Local::empty("other model");
    let error = place.import_into(&target).await.expect_err("another model");
    assert_eq!(error.code, ErrorCode::Conflict);
    for part in [
        "made by model (",
        "other model (",
        "MODEL_NAME",
        "clippy ingest",
        "manifest.jsonl",
    ] {
        assert!(error.message.contains(part), "{part}: {error}");
    }
    assert!(is_untouched(&target));
}

#[tokio::test]
async fn a_collection_with_an_older_schema_is_refused() {
    let place = Place::with(&Local::filled(40).await).await;
    let target = Local::empty("model");
    target
        .gallery
        .schema_version
        .store(1, std::sync::atomic::Ordering::SeqCst);
    let error = place.import_into(&target).await.expect_err("older");
    assert!(error.message.contains("clippy migrate"), "{error}");
    assert!(is_untouched(&target));
}
