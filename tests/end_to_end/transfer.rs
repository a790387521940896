//! `clippy export` and `clippy import`: out of either engine and into either.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clippy_core::gallery::{Point, Vectors};
use clippy_transfer::{PointPage, encode_page};
use serde_json::{Value, json};

use crate::harness::{
    Server, clippy, gallery, ingest_some, json as run_json, run, text, wait_for_blocking,
};
use crate::qdrant::{Qdrant, ids, succeed};

/// Pictures of the gallery, some of them deleted.
const PICTURES: usize = 96;
/// Names a folder with a `manifest.jsonl`, all of which is moved instead of [`PICTURES`].
const OTHER_GALLERY: &str = "CLIPPY_MOVED_GALLERY";
/// The queries of another gallery.
const MANY: usize = 200;

/// The pictures that are moved.
struct Moved {
    root: PathBuf,
    queries: Vec<Value>,
}

/// Fills a data folder.
fn fill(data: &Path) -> Moved {
    let Some(root) = std::env::var_os(OTHER_GALLERY).map(PathBuf::from) else {
        let manifest = ingest_some(data, PICTURES);
        let queries = queries(gallery(), &manifest, PICTURES / 5);
        return Moved {
            root: gallery().to_owned(),
            queries,
        };
    };
    let manifest = shown(&root.join("manifest.jsonl"));
    run_json(data, &["ingest", "--manifest", &manifest, "--json"]);
    let queries = queries(&root, &manifest, MANY / 2);
    Moved { root, queries }
}

/// Queries of words and of pictures, this many of each, made from the gallery's own lines.
fn queries(root: &Path, manifest: &str, each: usize) -> Vec<Value> {
    let manifest = std::fs::read_to_string(manifest).expect("written");
    let lines: Vec<Value> = manifest
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let step = lines.len() / each;
    let words = lines.iter().step_by(step).map(|line| {
        let tags = line["tags_all"].as_array().expect("tags");
        let words: Vec<&str> = tags.iter().take(2).filter_map(Value::as_str).collect();
        json!({"query_text": words.join(" "), "top": 24})
    });
    let pictures = lines.iter().skip(step / 2).step_by(step).map(|line| {
        let file = root.join(line["local_path"].as_str().expect("a path"));
        let bytes = std::fs::read(file).expect("a picture");
        let address = format!("data:image/png;base64,{}", STANDARD.encode(bytes));
        json!({"image": address, "query_text": line["tags_all"][0], "w_style": 0.3, "top": 24})
    });
    words.chain(pictures).collect()
}

/// The ids of the results of all queries.
fn answers(server: &Server, queries: &[Value]) -> Vec<Vec<Value>> {
    let api = server.api();
    let found = |query| {
        let answer = api.post_json("/api/search/hybrid", query).expect(200);
        ids(&answer.json())
    };
    queries.iter().map(found).collect()
}

fn given<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    let pairs = settings.iter();
    pairs.map(|(name, value)| (*name, value.as_str())).collect()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn the_same_pictures_are_found_after_a_move_to_a_server_and_back() {
    let [embedded, on_server, back] = [0; 3].map(|_| tempfile::tempdir().expect("a folder"));
    let Moved { root, queries } = fill(embedded.path());
    let server = Server::start(embedded.path(), "serve", &[]);
    let deletion = json!({"action": "delete", "filter": {"tags": ["apple"]}});
    let job = server.api().post_json("/api/pictures/bulk", &deletion);
    let job = job.expect(202).json();
    let ended = server
        .api()
        .wait_for_job(job["id"].as_str().expect("an id"), Duration::from_secs(120));
    assert_eq!(ended["state"], "succeeded", "{ended}");
    eprintln!("{} queries", queries.len());
    assert!(queries.len() >= 38, "{}", queries.len());
    let expected = answers(&server, &queries);
    assert!(expected.iter().all(|found| found.len() == 24));

    // From a running server, into the collection of another one that is not running.
    let first = shown(&embedded.path().join("first"));
    let exported = run_json(embedded.path(), &["export", &first, "--json"]);
    drop(server);
    let (count, deleted) = (&exported["points"], &exported["deleted"]);
    assert!(deleted.as_u64() >= Some(1), "{exported}");
    let qdrant = Qdrant::start();
    let settings = qdrant.settings();
    let import = ["import", &first, "--json"];
    let imported: Value =
        serde_json::from_str(&succeed(on_server.path(), &settings, &import)).expect("JSON");
    assert_eq!(&imported["points"]["added"], count, "{imported}");
    assert_eq!(&imported["records"]["deleted"], deleted);
    let server = Server::start_with(on_server.path(), "serve", &[], &given(&settings));
    assert_eq!(answers(&server, &queries), expected, "on a Qdrant server");
    drop(server);

    // From a collection that nobody serves, into one of a running server.
    let second = shown(&on_server.path().join("second"));
    succeed(on_server.path(), &settings, &["export", &second]);
    let server = Server::start(back.path(), "serve", &[]);
    let imported = run_json(back.path(), &["import", &second, "--json"]);
    assert_eq!(&imported["points"]["added"], count, "{imported}");
    assert_eq!(answers(&server, &queries), expected, "embedded again");
    let again = run_json(back.path(), &["import", &second, "--json"]);
    assert_eq!(&again["points"]["unchanged"], count, "{again}");
    assert_eq!(&again["records"]["known"], deleted);
    drop(server);

    // The manifest is one that an ingest knows, too: nothing is embedded again.
    let root = shown(&root);
    let manifest = shown(&on_server.path().join("second/manifest.jsonl"));
    let ingest = [
        "ingest",
        "--manifest",
        &manifest,
        "--images-root",
        &root,
        "--json",
    ];
    let totals = run_json(back.path(), &ingest)["totals"].clone();
    assert_eq!(&totals["unchanged"], count, "{totals}");
}

#[test]
fn another_model_a_damaged_file_and_an_unfinished_export_are_refused() {
    let [source, target] = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    ingest_some(source.path(), 12);
    let export = source.path().join("export");
    let name = shown(&export);
    let done = run(source.path(), &["export", &name]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let again = run(source.path(), &["export", &name]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("is not empty"));

    let small = concat!(
        "local-dir:",
        env!("CARGO_MANIFEST_DIR"),
        "/../crates/clip/tests/fixtures/models/vit_odd"
    );
    let other = clippy(target.path())
        .args(["import", &name])
        .env("PRETRAINED", small)
        .output()
        .expect("it starts");
    let printed = text(&other.stderr);
    assert_eq!(other.status.code(), Some(1), "{printed}");
    for part in ["were made by", "MODEL_NAME", "clippy ingest"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert!(
        !target.path().join("data/collection").exists(),
        "a collection of the wrong model was made"
    );

    let vectors = export.join("vectors-00000.safetensors");
    let whole = std::fs::read(&vectors).expect("read");
    let mut flipped = whole.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    std::fs::write(&vectors, flipped).expect("written");
    let damaged = run(target.path(), &["import", &name]);
    let printed = text(&damaged.stderr);
    assert_eq!(damaged.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("vectors-00000.safetensors is damaged"),
        "{printed}"
    );
    std::fs::write(&vectors, whole).expect("mended");
    let imported = run_json(target.path(), &["import", &name, "--json"]);
    assert_eq!(imported["points"]["added"], 12);

    let nothing = run(target.path(), &["import", &shown(source.path())]);
    let printed = text(&nothing.stderr);
    assert_eq!(nothing.status.code(), Some(1), "{printed}");
    assert!(printed.contains("kg_store.json"), "{printed}");
}

/// Exports a collection of pictures that only have vectors. Returns the folder of the export.
fn export_of_many(folder: &Path, count: u64) -> PathBuf {
    let server = Server::start(folder, "serve", &[]);
    let description = server.api().get_json("/api/admin/export");
    let dimension = description["collection"]["dimension"]
        .as_u64()
        .expect("a number");
    let fingerprint = description["collection"]["fingerprint"]
        .as_str()
        .expect("text");
    let http = clippy_http::blocking_client().build().expect("a client");
    let url = format!(
        "{}/api/admin/import/points?style=true&text=true&groups=true",
        server.url
    );
    let ids: Vec<u64> = (0..count).collect();
    for some in ids.chunks(1_000) {
        let page = PointPage {
            points: some.iter().map(|id| vectors_only(*id, dimension)).collect(),
            next: None,
            fingerprint: fingerprint.to_owned(),
        };
        let body = encode_page(&page).expect("encoded");
        let request = http
            .post(&url)
            .header("content-type", "application/octet-stream");
        let answer = request.body(body).send().expect("an answer");
        assert!(answer.status().is_success(), "{:?}", answer.text());
    }
    let export = folder.join("many");
    let exported = run_json(folder, &["export", &shown(&export), "--json"]);
    assert_eq!(exported["points"], count);
    export
}

fn vectors_only(id: u64, dimension: u64) -> Point {
    let vector = |shift: u64| {
        let values = (0..dimension).map(|value| {
            let mixed = (id * 31 + value * 17 + shift).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (mixed >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
        });
        Some(values.collect::<Vec<f32>>())
    };
    let payload = json!({"id": id, "path": format!("{id}.png"), "tags_all": ["a"]});
    Point {
        id: id.into(),
        vectors: Vectors {
            image: vector(1),
            edge: vector(2),
            ..Vectors::default()
        },
        payload: payload.as_object().expect("an object").clone(),
    }
}

#[test]
fn an_import_that_was_killed_is_completed_by_the_next_one() {
    const COUNT: u64 = 8_000;
    let [source, target] = [0; 2].map(|_| tempfile::tempdir().expect("a folder"));
    let export = shown(&export_of_many(source.path(), COUNT));
    let mut child = clippy(target.path())
        .args(["import", &export])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let journal = target.path().join("data/collection/journal");
    let length = |path: &Path| path.metadata().map_or(0, |file| file.len());
    // A sixteenth of all vectors is more than one call writes, so that one is complete.
    let enough = length(&Path::new(&export).join("vectors-00000.safetensors")) / 16;
    wait_for_blocking("the first points", Duration::from_secs(120), || {
        (length(&journal) > enough).then_some(())
    });
    child.kill().expect("running");
    child.wait().expect("a child");
    let imported = run_json(target.path(), &["import", &export, "--json"]);
    let points = &imported["points"];
    let (before, added) = (points["unchanged"].as_u64(), points["added"].as_u64());
    assert_eq!(
        before.zip(added).map(|(before, added)| before + added),
        Some(COUNT)
    );
    assert!(
        before > Some(0),
        "it was killed before anything was stored: {imported}"
    );
    assert!(added > Some(0), "it was killed too late: {imported}");
    let again = shown(&target.path().join("again"));
    let exported = run_json(target.path(), &["export", &again, "--json"]);
    assert_eq!(exported["points"], COUNT);
    for name in [
        "manifest.jsonl",
        "vectors-00000.safetensors",
        "tastes.jsonl",
    ] {
        let read = |folder: &str| std::fs::read(Path::new(folder).join(name)).expect("read");
        assert!(read(&again) == read(&export), "{name} differs");
    }
}
