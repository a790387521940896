//! Data that Clippy 0.2 left on a disk and on a Qdrant server, used from the folder that its
//! scripts ran in. The layout, the manifest and the `.env` are those of its scripts and its README.

mod project;

use std::time::Duration;

use clippy_core::sentences::{NOTE, Underscores};
use serde_json::{Value, json};

use self::project::{COLLECTION, Project};
use crate::harness::{Server, text};
use crate::qdrant::{Qdrant, ids};

const PICTURES: usize = 24;

fn search(server: &Server, body: &Value) -> Value {
    let answer = server.api().post_json("/search/hybrid", body);
    answer.expect(200).json()
}

/// Fetches every picture of an answer from its payload's address, and returns their number.
fn fetch_pictures(server: &Server, answer: &Value) -> usize {
    let hits = answer["results"].as_array().expect("results");
    for hit in hits {
        let address = hit["payload"]["image_url"].as_str().expect("an address");
        let picture = server.api().get(address).expect(200);
        assert_eq!(picture.header("content-type"), "image/webp", "{hit}");
        assert!(!picture.body.is_empty());
    }
    hits.len()
}

/// Generates with a picture of the collection as the style, and waits for the job to end.
fn generate_with(server: &Server, id: &Value) -> Value {
    let body = json!({"prompt": "an apple", "count": 1, "refs": [{"role": "style", "id": id,
    "weight": 0.7}]});
    let api = server.api();
    let job = api.post_json("/images/generate", &body).expect(202).json();
    let id = job["id"].as_str().expect("an id");
    api.wait_for_job(id, Duration::from_secs(120))
}

fn note(qdrant: &Qdrant) -> Value {
    let client = qdrant.client();
    let info = qdrant
        .wait(async { client.collection_info(COLLECTION).await })
        .expect("there");
    let metadata = info
        .result
        .and_then(|info| info.config)
        .expect("a configuration")
        .metadata;
    metadata
        .get(&format!("clippy_note_{NOTE}"))
        .cloned()
        .map_or(Value::Null, qdrant_client::qdrant::Value::into_json)
}

#[test]
fn a_manifest_and_a_dot_env_of_clippy_0_2_work_for_ingest_search_and_generation() {
    for images_root in ["data/safebooru/ALL", "data/safebooru", "", "unset"] {
        let qdrant = Qdrant::start();
        let project = Project::new(PICTURES);
        project.write_env(&qdrant, images_root);
        let report = project.run_json(&[
            "ingest",
            "--manifest",
            "data/safebooru/manifest.jsonl",
            "--json",
        ]);
        assert_eq!(
            report["totals"]["embedded"], PICTURES,
            "IMAGES_ROOT {images_root:?}: {report}"
        );
        assert_eq!(
            report["totals"]["failed"], 0,
            "IMAGES_ROOT {images_root:?}: {report}"
        );
        assert_eq!(
            note(&qdrant),
            Underscores::Spaces.note(),
            "a new collection writes spaces for underscores"
        );
        let server = Server::start(project.folder(), "serve", &[]);
        let found = search(
            &server,
            &json!({"query_text": "apple", "top": 200, "user_id": "u", "collapse": false}),
        );
        assert_eq!(
            fetch_pictures(&server, &found),
            PICTURES,
            "IMAGES_ROOT {images_root:?}"
        );
        if images_root == "data/safebooru/ALL" {
            let job = generate_with(&server, &ids(&found)[0]);
            assert_eq!(job["state"], "succeeded", "{job}");
        }
    }
}

#[test]
fn a_collection_of_clippy_0_2_works_for_search_backfill_ingest_and_generation() {
    let qdrant = Qdrant::start();
    let project = Project::new(PICTURES);
    project.write_env(&qdrant, "data/safebooru/ALL");
    // The last two pictures are not in the collection.
    project.leave_on(&qdrant, PICTURES - 2);

    let server = Server::start(project.folder(), "serve", &[]);
    let everything = json!({"query_text": "apple", "top": 200, "user_id": "u", "collapse": false});
    let found = search(&server, &everything);
    assert_eq!(fetch_pictures(&server, &found), PICTURES - 2);
    let with = |field: &str, tags: &str| {
        let mut body = everything.clone();
        body[field] = tags.into();
        ids(&search(&server, &body)).len()
    };
    // Half of the pictures have the tag `Haruhi`, half `haruhi`, as on image boards.
    for (field, tags, expected) in [
        ("tag_filters", "haruhi", PICTURES - 2),
        ("tag_filters", "HARUHI", PICTURES - 2),
        ("exclude_tags", "Haruhi", 0),
        ("exclude_tags", "nothing_of_this_name", PICTURES - 2),
    ] {
        assert_eq!(with(field, tags), expected, "{field} {tags}");
    }
    let job = generate_with(&server, &ids(&found)[0]);
    assert_eq!(job["state"], "succeeded", "{job}");
    assert!(server.stop().success());

    let fill = [
        "backfill",
        "--manifest",
        "data/safebooru/manifest.jsonl",
        "--which",
        "both",
        "--json",
    ];
    let filled = project.run_json(&fill);
    assert_eq!(
        (&filled["totals"]["embedded"], &filled["totals"]["failed"]),
        (&json!(PICTURES - 2), &json!(0)),
        "{filled}"
    );
    assert_eq!(
        filled["reasons"]["skipped"]["it is not in the collection: ingest it first"], 2,
        "{filled}"
    );
    let added = project.run_json(&[
        "ingest",
        "--manifest",
        "data/safebooru/manifest.jsonl",
        "--json",
    ]);
    assert_eq!(
        (&added["totals"]["embedded"], &added["totals"]["failed"]),
        (&json!(PICTURES), &json!(0)),
        "{added}"
    );
    assert_eq!(
        note(&qdrant),
        Underscores::Kept.note(),
        "new pictures keep underscores, as the old ones do"
    );

    let server = Server::start(project.folder(), "serve", &[]);
    assert_eq!(
        fetch_pictures(&server, &search(&server, &everything)),
        PICTURES
    );
}

#[test]
fn an_ingest_without_any_success_exits_1_with_the_reasons() {
    let project = Project::new(4);
    // The manifest is outside the folder that its paths are relative to, and the pictures were
    // moved.
    let lists = project.folder().join("elsewhere");
    std::fs::create_dir(&lists).expect("made");
    std::fs::copy(
        project.folder().join("data/safebooru/manifest.jsonl"),
        lists.join("m.jsonl"),
    )
    .expect("copied");
    std::fs::rename(
        project.folder().join("data/safebooru"),
        project.folder().join("moved"),
    )
    .expect("moved");
    let output = project.run(&[
        "ingest",
        "--manifest",
        "elsewhere/m.jsonl",
        "--fail-log",
        "failed.txt",
    ]);
    let printed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for part in [
        "4 lines failed",
        "no file",
        "5000001.webp",
        "--images-root",
        "none of the 4 lines succeeded",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let log = std::fs::read_to_string(project.folder().join("failed.txt")).expect("the list");
    assert_eq!(
        log.lines()
            .filter(|line| line.starts_with("# there is no file"))
            .count(),
        4,
        "{log}"
    );

    // With one good line the exit code is 0, unless `--fail-on-any` is set.
    std::fs::create_dir_all(lists.join("data/safebooru/ALL")).expect("made");
    let (from, to) = (
        "moved/ALL/5000001.webp",
        "elsewhere/data/safebooru/ALL/5000001.webp",
    );
    std::fs::copy(project.folder().join(from), project.folder().join(to)).expect("copied");
    let ingest = ["ingest", "--manifest", "elsewhere/m.jsonl"];
    let output = project.run(&ingest);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("3 lines failed"),
        "{}",
        text(&output.stderr)
    );
    let output = project.run(&[&ingest[..], &["--fail-on-any"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("3 of 4 lines failed"),
        "{}",
        text(&output.stderr)
    );
}

#[cfg(unix)]
#[test]
fn a_manifest_is_read_from_a_pipe() {
    use std::process::Stdio;

    let project = Project::new(4);
    let manifest = project.folder().join("data/safebooru/manifest.jsonl");
    for name in ["-", "/dev/stdin"] {
        let mut command = project.command();
        command
            .args(["ingest", "--manifest", name, "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
        let mut pipe = child.stdin.take().expect("piped");
        std::io::copy(
            &mut std::fs::File::open(&manifest).expect("there"),
            &mut pipe,
        )
        .expect("it reads");
        drop(pipe);
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["totals"]["lines"], 4, "{name}: {report}");
        assert_eq!(report["totals"]["failed"], 0, "{name}: {report}");
    }
}
