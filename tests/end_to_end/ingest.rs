//! Ingest as a process: interrupted, killed, and started again.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::harness::{clippy, gallery, json, run, signal, text, wait_for_blocking};

#[test]
fn a_second_run_embeds_only_what_is_missing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = crate::harness::short_manifest(folder.path(), 40)
        .display()
        .to_string();
    let root = gallery().display().to_string();
    let ingest = [
        "ingest",
        "--manifest",
        &manifest,
        "--images-root",
        &root,
        "--json",
    ];
    let first = json(folder.path(), &ingest);
    assert_eq!(first["totals"]["embedded"], 40, "{first}");
    let second = json(folder.path(), &ingest);
    assert_eq!(second["totals"]["unchanged"], 40, "{second}");
    let found = json(
        folder.path(),
        &["search", "--text", "apple", "--top", "100", "--json"],
    );
    assert_eq!(found["results"].as_array().expect("a list").len(), 40);
    let tags = run(
        folder.path(),
        &["search", "--text", "apple", "--tags", "neon_lights"],
    );
    assert!(
        tags.status.success()
            && text(&tags.stdout)
                .lines()
                .all(|line| line.contains("neon_lights")),
        "{}",
        text(&tags.stdout)
    );
}

#[test]
fn shards_share_a_manifest_without_overlap() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = crate::harness::short_manifest(folder.path(), 21)
        .display()
        .to_string();
    let root = gallery().display().to_string();
    let counts: Vec<u64> = ["0", "1"]
        .iter()
        .map(|index| {
            let shard = [
                "ingest",
                "--manifest",
                &manifest,
                "--images-root",
                &root,
                "--shard-index",
                index,
                "--shard-count",
                "2",
                "--json",
            ];
            json(folder.path(), &shard)["totals"]["embedded"]
                .as_u64()
                .expect("a count")
        })
        .collect();
    assert_eq!(counts, [11, 10]);
}

/// Interrupts an ingest with a signal after some batches, and returns its output.
fn interrupt(folder: &std::path::Path, signal_name: &str) -> std::process::Output {
    let manifest = gallery().join("manifest.jsonl");
    let mut child = clippy(folder)
        .args([
            "ingest",
            "--clip-batch",
            "4",
            "--upsert-batch",
            "8",
            "--json",
            "--manifest",
        ])
        .arg(&manifest)
        .env("LOG_LEVEL", "clippy_worker=debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // The log says when points were stored: from then on there is something to lose.
    let mut log = BufReader::new(child.stderr.take().expect("piped"))
        .lines()
        .map_while(Result::ok);
    let stored = log
        .by_ref()
        .filter(|line| line.contains("stored"))
        .take(3)
        .count();
    assert_eq!(stored, 3, "the ingest ended before it could be interrupted");
    signal(child.id(), signal_name);
    let rest = std::thread::spawn(move || log.collect::<Vec<_>>().join("\n"));
    wait_for_blocking("the ingest to end", Duration::from_secs(180), || {
        child.try_wait().expect("a child")
    });
    let mut output = child.wait_with_output().expect("a child");
    output.stderr = rest.join().expect("the log's reader").into_bytes();
    output
}

#[test]
fn ctrl_c_stops_cleanly_and_the_next_run_continues() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = interrupt(folder.path(), "INT");
    assert!(
        !text(&output.stderr).contains("panicked"),
        "{}",
        text(&output.stderr)
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["complete"], false, "{report}");
    let before = report["totals"]["embedded"].as_u64().expect("a count");
    assert!(before > 0, "{report}");
    let rest = finish(folder.path());
    assert_eq!(
        rest["totals"]["unchanged"], before,
        "what the first run counted is stored: {rest}"
    );
}

#[test]
fn a_kill_loses_nothing_that_was_stored() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    interrupt(folder.path(), "KILL");
    let rest = finish(folder.path());
    let unchanged = rest["totals"]["unchanged"].as_u64().expect("a count");
    assert!(
        unchanged >= 24,
        "three batches of eight were acknowledged: {rest}"
    );
}

/// Ingests the whole gallery, and checks that it is complete.
fn finish(folder: &std::path::Path) -> serde_json::Value {
    let manifest = gallery().join("manifest.jsonl");
    let lines = std::fs::read_to_string(&manifest)
        .expect("the manifest")
        .lines()
        .count() as u64;
    let report = json(
        folder,
        &[
            "ingest",
            "--manifest",
            &manifest.display().to_string(),
            "--json",
        ],
    );
    let totals = &report["totals"];
    assert_eq!(report["complete"], true, "{report}");
    assert_eq!(
        totals["embedded"].as_u64().expect("a count")
            + totals["unchanged"].as_u64().expect("a count"),
        lines,
        "{report}"
    );
    report
}
