//! `clippy calibrate`, and `clippy eval` for queries with both a picture and words.

use crate::harness::{Server, gallery, json, run, short_manifest, text};

#[test]
fn calibrate_works_with_and_without_a_server_and_eval_compares_both_rankings() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = short_manifest(folder.path(), 40);
    let root = gallery().display().to_string();
    let shown = manifest.display().to_string();
    std::fs::create_dir(folder.path().join("data")).expect("a temporary folder");
    let early = run(folder.path(), &["calibrate"]);
    assert_eq!(early.status.code(), Some(1));
    assert!(
        text(&early.stderr).contains("fewer than 16"),
        "{}",
        text(&early.stderr)
    );

    json(
        folder.path(),
        &[
            "ingest",
            "--manifest",
            &shown,
            "--images-root",
            &root,
            "--json",
        ],
    );
    let embedded = json(folder.path(), &["calibrate", "--json"]);
    assert_eq!(
        (&embedded["points"], &embedded["sampled"]),
        (&40.into(), &40.into())
    );

    let rows = std::fs::read_to_string(&manifest).expect("there");
    let lines: Vec<String> = rows
        .lines()
        .take(6)
        .map(|row| {
            let row: serde_json::Value = serde_json::from_str(row).expect("JSON");
            let image = gallery().join(row["local_path"].as_str().expect("a path"));
            serde_json::json!({
                "kind": "mixed", "image": image, "text": row["tags_all"][0], "relevant": [row["id"]]
            })
            .to_string()
        })
        .collect();
    let queries = folder.path().join("queries.jsonl");
    std::fs::write(&queries, lines.join("\n")).expect("written");
    let queries = queries.display().to_string();

    let server = Server::start(folder.path(), "serve", &[]);
    assert_eq!(
        json(folder.path(), &["calibrate", "--json"]),
        embedded,
        "the same pictures give the same calibration"
    );
    for flags in [&["--json"][..], &["--raw", "--json"]] {
        let figures = json(
            folder.path(),
            &[&["eval", "--queries", &queries][..], flags].concat(),
        );
        let mixed = &figures["kinds"]["mixed"];
        assert_eq!(
            (&mixed["queries"], &mixed["recall@10"]),
            (&6.into(), &1.0.into()),
            "{figures}"
        );
    }
    drop(server);

    std::fs::write(
        folder.path().join("queries.jsonl"),
        r#"{"kind": "mixed", "text": "apple", "relevant": [1]}"#,
    )
    .expect("written");
    let half = run(folder.path(), &["eval", "--queries", &queries]);
    assert_eq!(half.status.code(), Some(1));
}
