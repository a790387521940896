//! Bad arguments, settings and files: one clear line, the right exit code, nothing half-written.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{clippy, gallery, json, run, text};

#[test]
fn bad_arguments_exit_2_and_name_the_fault() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (arguments, part) in [
        (&["search"][..], "--text"),
        (&["ingest"], "--manifest"),
        (
            &["backfill", "--manifest", "m", "--which", "nothing"],
            "nothing",
        ),
        (
            &["ingest", "--manifest", "m", "--shard-index", "0"],
            "--shard-count",
        ),
        (&["fly"], "fly"),
        (&["serve", "--bind", "nowhere"], "127.0.0.1:8000"),
        (&["serve", "--bind", "no\nwhere:1"], "--bind"),
        (&["jobs", "list", "--state", "asleep"], "asleep"),
    ] {
        let output = run(folder.path(), arguments);
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {printed}");
        assert!(printed.contains(part), "{arguments:?}: {printed}");
        assert_eq!(printed.lines().count(), 1, "{arguments:?}: {printed}");
    }
}

#[test]
fn bad_settings_name_the_variable_and_leave_no_folder_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, value) in [
        ("HNSW_EF", "many"),
        ("DEVICE", "abacus"),
        ("PRECISION", "fp8"),
        ("MODEL_NAME", "ViT-Q-1"),
        ("PRETRAINED", "local-dir:/nowhere/at/all"),
        ("QDRANT_URL", "ftp://localhost:6333"),
        ("QDRANT_SHARDS", "none"),
        ("REDIS_URL", "localhost:6379"),
    ] {
        let output = clippy(folder.path())
            .args(["search", "--text", "apple"])
            .env(name, value)
            .output()
            .expect("it starts");
        let printed = text(&output.stderr);
        assert!(!output.status.success(), "{name}={value}");
        let shown = value.trim_start_matches("local-dir:");
        assert!(
            printed.contains(name) || printed.contains(shown),
            "{name}={value}: {printed}"
        );
        assert!(!printed.contains("panicked"), "{printed}");
        assert!(
            !folder.path().join("data/collection").exists(),
            "{name}={value} left a collection behind"
        );
    }
}

#[test]
fn every_line_of_a_bad_manifest_is_counted_with_its_outcome() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good: Vec<Value> = fs::read_to_string(gallery().join("manifest.jsonl"))
        .expect("written by the gallery")
        .lines()
        .take(3)
        .map(|line| serde_json::from_str(line).expect("a manifest line"))
        .collect();
    fs::write(folder.path().join("note.png"), "not a picture").expect("a temporary folder");
    fs::write(folder.path().join("empty.png"), "").expect("a temporary folder");
    let whole = fs::read(gallery().join(good[0]["local_path"].as_str().expect("a path")))
        .expect("a picture");
    fs::write(folder.path().join("cut.png"), &whole[..whole.len() / 2])
        .expect("a temporary folder");
    fs::write(folder.path().join("named_wrong.jpg"), &whole).expect("a temporary folder");
    let mut lines: Vec<String> = good
        .iter()
        .map(|line| {
            let mut line = line.clone();
            line["local_path"] = gallery()
                .join(line["local_path"].as_str().expect("a path"))
                .display()
                .to_string()
                .into();
            line.to_string()
        })
        .collect();
    lines.push(lines[0].clone());
    for line in [
        "{broken".to_owned(),
        String::new(),
        json!({ "id": "apple", "local_path": "note.png" }).to_string(),
        json!({ "id": -1, "local_path": "note.png" }).to_string(),
        json!({ "id": 900_001, "local_path": "missing.png" }).to_string(),
        json!({ "id": 900_002, "local_path": "note.png" }).to_string(),
        json!({ "id": 900_003, "local_path": "empty.png" }).to_string(),
        json!({ "id": 900_004, "local_path": "cut.png" }).to_string(),
        json!({ "id": 900_005, "local_path": "../../../etc/passwd" }).to_string(),
        json!({ "id": 900_006, "local_path": "named_wrong.jpg" }).to_string(),
        json!({ "id": "67e55044-10b1-426f-9247-bb680e5fe0c8", "local_path": "named_wrong.jpg",
        "tags_all": ["apple"] })
        .to_string(),
    ] {
        lines.push(line);
    }
    fs::write(folder.path().join("m.jsonl"), lines.join("\n")).expect("a temporary folder");
    let answer = json(
        folder.path(),
        &[
            "ingest",
            "--manifest",
            "m.jsonl",
            "--fail-log",
            "failed.txt",
            "--json",
        ],
    );
    let totals = &answer["totals"];
    assert_eq!(totals["lines"], lines.len(), "{answer}");
    assert_eq!(totals["embedded"], 5, "{answer}");
    assert_eq!(totals["duplicates"], 1, "{answer}");
    assert_eq!(totals["skipped"], 1, "{answer}");
    assert_eq!(totals["failed"], 8, "{answer}");
    let failed = fs::read_to_string(folder.path().join("failed.txt")).expect("the fail log");
    for id in ["900001", "900002", "900003", "900004", "900005"] {
        assert!(failed.lines().any(|line| line == id), "{id} in {failed}");
    }
}

#[test]
fn another_model_is_refused_and_the_error_names_both() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = crate::harness::short_manifest(folder.path(), 2);
    let root = gallery().display().to_string();
    let manifest = manifest.display().to_string();
    json(
        folder.path(),
        &[
            "ingest",
            "--manifest",
            &manifest,
            "--images-root",
            &root,
            "--json",
        ],
    );
    let tiny = tiny_model(folder.path());
    let output = clippy(folder.path())
        .args(["search", "--text", "apple"])
        .env("PRETRAINED", format!("local-dir:{tiny}"))
        .output()
        .expect("it starts");
    let printed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("clippy-small") && printed.contains("tiny"),
        "{printed}"
    );
}

/// Copies the bundled model's weights with another preprocessing: a model that did not make the
/// collection.
fn tiny_model(folder: &std::path::Path) -> String {
    let bundled =
        std::path::Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"))
            .join("../models/clippy-small");
    let tiny = folder.join("tiny");
    fs::create_dir(&tiny).expect("a temporary folder");
    for name in ["open_clip_config.json", "open_clip_model.safetensors"] {
        fs::copy(bundled.join(name), tiny.join(name)).expect("the bundled model");
    }
    let config = tiny.join("open_clip_config.json");
    let mut json: Value =
        serde_json::from_str(&fs::read_to_string(&config).expect("copied")).expect("JSON");
    json["preprocess_cfg"]["mean"] = json!([0.5, 0.5, 0.5]);
    fs::write(&config, json.to_string()).expect("a temporary folder");
    tiny.display().to_string()
}

#[test]
fn weights_of_another_shape_are_refused_with_the_tensors_names() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broken = tiny_model(folder.path());
    let config = std::path::Path::new(&broken).join("open_clip_config.json");
    let mut json: Value =
        serde_json::from_str(&fs::read_to_string(&config).expect("copied")).expect("JSON");
    json["model_cfg"]["text_cfg"]["layers"] = 9.into();
    fs::write(&config, json.to_string()).expect("a temporary folder");
    let output = run(folder.path(), &["models", "verify", &broken]);
    let printed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("transformer.resblocks.8"), "{printed}");
}
