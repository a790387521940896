//! `clippy eval --own`: measures a gallery with queries made from its own pictures.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::harness::{gallery, ingest_some, json as run_json, run, text};

/// Number of pictures: enough for several subjects in several styles.
const PICTURES: usize = 96;

#[test]
fn a_gallery_measures_itself_and_writes_a_report() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    ingest_some(folder.path(), PICTURES);
    let report = folder.path().join("report.html");
    std::fs::write(&report, "an earlier report").expect("a temporary folder");
    let shown = report.display().to_string();
    let figures = run_json(
        folder.path(),
        &["eval", "--own", "--report", &shown, "--json"],
    );

    assert_eq!(figures["own"]["pictures"], PICTURES);
    assert!(
        figures["own"]["notes"][0]
            .as_str()
            .is_some_and(|note| note.contains("only 96 pictures")),
        "{figures}"
    );
    for kind in ["own text", "own sketch", "own sketch+text", "own style"] {
        let measured = &figures["kinds"][kind];
        assert!(measured["queries"].as_u64() >= Some(5), "{kind}: {figures}");
        let found = measured["recall@50"].as_f64().expect("a share");
        assert!(found > 0.6, "{kind}: {figures}");
    }
    let sketches = &figures["kinds"]["own sketch"];
    let named = &figures["kinds"]["own sketch+text"];
    assert!(
        named["mrr"].as_f64() > sketches["mrr"].as_f64(),
        "a word beside the drawing helps: {figures}"
    );
    let weights = &figures["weights"];
    assert_eq!(weights["tried"].as_array().map(Vec::len), Some(20));
    assert_eq!(
        (&weights["present"]["w_img"], &weights["present"]["w_txt"]),
        (&json!(0.7), &json!(0.2))
    );
    assert!(weights["checked_on"].as_u64() >= Some(8), "{weights}");
    assert!(weights["advice"].is_string(), "{weights}");

    let page = std::fs::read_to_string(&report).expect("written");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(page.contains("<td>own sketch+text</td>") && page.contains("What was tried"));
    assert!(
        page.contains("src=\"data:image/jpeg;base64,"),
        "no pictures"
    );
    assert!(!page.contains("<script") && !page.contains("src=\"http"));
    let beside: Vec<String> = std::fs::read_dir(folder.path())
        .expect("there")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("report"))
        .collect();
    assert_eq!(beside, ["report.html"], "a temporary file was left");

    // The table, with a queries file beside the own queries.
    let queries = folder.path().join("queries.jsonl");
    std::fs::write(&queries, r#"{"text": "apple", "relevant": [1]}"#).expect("written");
    let queries = queries.display().to_string();
    let table = run(folder.path(), &["eval", "--own", "--queries", &queries]);
    let printed = text(&table.stdout);
    assert!(table.status.success(), "{}", text(&table.stderr));
    for part in [
        "\nown text ",
        "\nown sketch ",
        "\nown style ",
        "\ntext ",
        "Weights: 20 were tried",
        "only 96 pictures",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn galleries_that_cannot_be_measured_get_a_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let none = run(folder.path(), &["eval", "--own"]);
    assert_refused(&none, 1, "there is no collection");
    make_collection(folder.path());
    let empty = run(folder.path(), &["eval", "--own", "--json"]);
    assert_refused(&empty, 1, "no pictures yet");

    // Numbers for names, and no tags.
    let pictures = folder.path().join("pictures");
    std::fs::create_dir(&pictures).expect("a temporary folder");
    let manifest = std::fs::read_to_string(gallery().join("manifest.jsonl")).expect("there");
    let rows: Vec<String> = manifest
        .lines()
        .take(3)
        .enumerate()
        .map(|(place, row)| {
            let row: Value = serde_json::from_str(row).expect("JSON");
            let name = format!("{place}.png");
            let from = gallery().join(row["local_path"].as_str().expect("a path"));
            std::fs::copy(from, pictures.join(&name)).expect("a temporary folder");
            json!({ "id": place, "local_path": name, "tags_all": [] }).to_string()
        })
        .collect();
    ingest(folder.path(), &rows[..1]);
    let one = run(folder.path(), &["eval", "--own"]);
    assert_refused(&one, 1, "one picture");

    ingest(folder.path(), &rows);
    let untagged = run_json(folder.path(), &["eval", "--own", "--json"]);
    assert_eq!(untagged["kinds"]["own sketch"]["queries"], 3, "{untagged}");
    assert_eq!(untagged["weights"], Value::Null);
    let notes = untagged["own"]["notes"].to_string();
    assert!(
        notes.contains("no picture has tags") && notes.contains("clippy styles --find"),
        "{notes}"
    );

    std::fs::remove_dir_all(&pictures).expect("there");
    let nothing = run(folder.path(), &["eval", "--own"]);
    assert_refused(&nothing, 1, "no queries can be made");
    assert!(
        text(&nothing.stderr).contains("3 of 3 pictures are missing"),
        "{}",
        text(&nothing.stderr)
    );
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("pages")).expect("a temporary folder");
    for (report, reason) in [
        ("pages", "is a folder"),
        ("missing/r.html", "no folder missing"),
    ] {
        let refused = run(folder.path(), &["eval", "--own", "--report", report]);
        assert_refused(&refused, 2, reason);
    }
    let unwritable = run(
        folder.path(),
        &["eval", "--own", "--report", "/proc/r.html"],
    );
    assert_refused(&unwritable, 1, "cannot be written");
    let no_source = run(folder.path(), &["eval", "--report", "r.html"]);
    assert_refused(&no_source, 2, "--queries");
    assert!(folder.path().join("pages").is_dir() && !folder.path().join("r.html").exists());
}

fn assert_refused(output: &Output, code: i32, reason: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(
        said.contains(reason) && !said.contains("panicked"),
        "{reason}: {said}"
    );
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
}

fn make_collection(folder: &Path) {
    let made = run(folder, &["migrate"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
}

fn ingest(folder: &Path, rows: &[String]) {
    let manifest = folder.join("pictures/manifest.jsonl");
    std::fs::write(&manifest, rows.join("\n")).expect("a temporary folder");
    let manifest = manifest.display().to_string();
    let root = folder.join("pictures").display().to_string();
    let arguments = [
        "ingest",
        "--manifest",
        &manifest,
        "--images-root",
        &root,
        "--json",
    ];
    run_json(folder, &arguments);
}
