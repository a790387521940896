//! Re-index as a user sees it: searches during it, kills during it, the rollback, and the next
//! start.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use clippy_testing::BlockingApiClient;
use serde_json::{Value, json};

use crate::harness::{Server, clippy, gallery, json as run_json, run, text, wait_for_blocking};

/// Returns the settings' name of a second model: random weights, and vectors of another length.
fn other_model() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/clip/tests/fixtures/models/vit_quickgelu");
    format!(
        "local-dir:{}",
        folder.canonicalize().expect("there").display()
    )
}

/// Ingests the first lines of the gallery. Returns the number of lines of its whole manifest.
fn ingest_first(data: &Path, lines: usize) -> usize {
    let whole =
        std::fs::read_to_string(gallery().join("manifest.jsonl")).expect("written by the gallery");
    std::fs::create_dir_all(data.join("data")).expect("made");
    let manifest = data.join("data/manifest.jsonl");
    std::fs::write(&manifest, &whole).expect("written");
    let (manifest, root, most) = (
        manifest.display().to_string(),
        gallery().display().to_string(),
        lines.to_string(),
    );
    let arguments = [
        "ingest",
        "--manifest",
        &manifest,
        "--images-root",
        &root,
        "--max-lines",
        &most,
        "--json",
    ];
    let report = run_json(data, &arguments);
    assert_eq!(report["totals"]["embedded"], lines, "{report}");
    whole.lines().count()
}

pub(crate) fn start_job(server: &Server, kind: &str, body: &Value) -> String {
    let answer = server.api().post_json(&format!("/api/admin/{kind}"), body);
    let job = answer.expect(202).json();
    job["id"].as_str().expect("an id").to_owned()
}

pub(crate) fn wait_for_job(server: &Server, id: &str) -> Value {
    let job = server.api().wait_for_job(id, Duration::from_secs(240));
    assert_eq!(job["state"], "succeeded", "{job}");
    job["result"].clone()
}

/// Returns the collection that answered, and the results' scores in the image space, best first.
fn search(api: &BlockingApiClient, like: u64) -> (String, Vec<f64>) {
    let body = json!({"like": [like], "w_img": 1.0, "w_edge": 0.0, "w_txt": 0.0, "top": 24,
    "exact": true, "calibrated": false});
    let answer = api.post_json("/api/search/hybrid", &body);
    collection_and_scores(&answer.expect(200).json())
}

/// Searches by words: unlike [`search`], each call embeds them with the model.
fn search_words(api: &BlockingApiClient, words: &str) -> (String, Vec<f64>) {
    let body = json!({"query_text": words, "w_img": 0.0, "w_edge": 0.0, "w_txt": 1.0, "top": 24,
    "exact": true, "calibrated": false});
    let answer = api.post_json("/api/search/hybrid", &body);
    collection_and_scores(&answer.expect(200).json())
}

fn collection_and_scores(answer: &Value) -> (String, Vec<f64>) {
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results.len(), 24, "{answer}");
    let scores = results
        .iter()
        .map(|found| found["score"].as_f64().expect("a score"))
        .collect();
    (
        answer["collection"].as_str().expect("a name").to_owned(),
        scores,
    )
}

/// Returns the largest difference between two answers' scores. The same query has nearly the same
/// vector in any batch; another model's vector is far from it.
fn difference(one: &[f64], other: &[f64]) -> f64 {
    one.iter()
        .zip(other)
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, f64::max)
}

const WORDS: [&str; 4] = ["apple", "a red house", "cat", "a tree in winter"];
/// Answers of the same model differ by less than this; those of two models by more.
const SAME: f64 = 0.02;

/// The first answer to each query in each collection, and how often each collection run_json.
#[derive(Default)]
struct AnswerLog {
    answers: Mutex<BTreeMap<(String, usize), Vec<f64>>>,
    counts: Mutex<BTreeMap<String, usize>>,
}

impl AnswerLog {
    /// Counts an answer, and checks that it agrees with the first one of its collection.
    fn check(&self, query: usize, (collection, scores): (String, Vec<f64>)) {
        *self.counts.lock().entry(collection.clone()).or_default() += 1;
        let mut answers = self.answers.lock();
        let first = answers
            .entry((collection.clone(), query))
            .or_insert_with(|| scores.clone());
        let difference = difference(first, &scores);
        assert!(
            difference < SAME,
            "query {query} in {collection} gave {first:?}, and then {scores:?}"
        );
    }
}

fn run_query(api: &BlockingApiClient, query: usize) -> (String, Vec<f64>) {
    if query < WORDS.len() {
        search_words(api, WORDS[query])
    } else {
        search(api, FIRST_ID.load(Ordering::Relaxed) as u64)
    }
}

static FIRST_ID: AtomicUsize = AtomicUsize::new(0);

/// Returns the id on the manifest's first line.
fn first_id() -> u64 {
    let whole =
        std::fs::read_to_string(gallery().join("manifest.jsonl")).expect("written by the gallery");
    let line: Value = serde_json::from_str(whole.lines().next().expect("a line")).expect("JSON");
    line["id"].as_u64().expect("a number")
}

/// Runs more than a thousand searches: some before the re-index, some during it, some after the
/// switch. None may fail or mix models. `clippy` must hold 300 pictures. Returns the job's result.
pub(crate) fn search_a_thousand_times_during_a_reindex(server: &Server) -> Value {
    FIRST_ID.store(first_id() as usize, Ordering::Relaxed);
    let seen = AnswerLog::default();
    for query in 0..=WORDS.len() {
        seen.check(query, run_query(&server.api(), query));
    }
    let (done, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let result = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let api = server.api();
                while done.load(Ordering::SeqCst) < 1_000 || !over.load(Ordering::SeqCst) {
                    let number = done.fetch_add(1, Ordering::SeqCst);
                    let query = number % (WORDS.len() + 1);
                    seen.check(query, run_query(&api, query));
                }
            });
        }
        let id = start_job(server, "reindex", &json!({"pretrained": other_model()}));
        let result = wait_for_job(server, &id);
        // At least a hundred searches run after the switch.
        let after = done.load(Ordering::SeqCst) + 100;
        wait_for_blocking(
            "searches after the switch",
            Duration::from_secs(120),
            || (done.load(Ordering::SeqCst) >= after).then_some(()),
        );
        over.store(true, Ordering::SeqCst);
        result
    });
    let counts = seen.counts.into_inner();
    eprintln!(
        "{} searches: {counts:?}; writes were paused for {} ms",
        done.load(Ordering::SeqCst),
        result["writes_paused_ms"]
    );
    let new = result["live"].as_str().expect("a name").to_owned();
    assert_eq!(
        counts.keys().cloned().collect::<Vec<_>>(),
        ["clippy".to_owned(), new.clone()]
    );
    assert!(
        counts.values().sum::<usize>() >= 1_000 && counts.values().all(|count| *count >= 100),
        "{counts:?}"
    );
    assert_eq!(result["totals"]["embedded"], 300, "{result}");
    // The comparison uses the words of this test, which are the recent queries, and pictures for
    // the rest. Random weights find other pictures.
    let comparison = &result["comparison"];
    assert!(
        comparison["recent"].as_u64().expect("a count") >= 5,
        "{comparison}"
    );
    assert_eq!(comparison["queries"], 50, "{comparison}");
    assert!(
        comparison["overlap"].as_f64().expect("a share") < 0.9,
        "{comparison}"
    );

    // The test would notice a mix: the answers of the two models are far apart.
    let answers = seen.answers.into_inner();
    for query in 0..=WORDS.len() {
        let of = |collection: &str| &answers[&(collection.to_owned(), query)];
        let difference = difference(of("clippy"), of(&new));
        assert!(
            difference > 3.0 * SAME,
            "query {query}: the two models differ by only {difference}"
        );
    }
    let model = server.api().get_json("/api/model");
    assert_eq!(model["dimension"], 24, "{model}");
    assert_eq!(
        server.api().get_json("/api/admin/collection")["name"],
        new.as_str()
    );
    result
}

#[test]
fn a_thousand_searches_during_a_reindex_neither_fail_nor_mix_models() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    ingest_first(folder.path(), 300);
    let server = Server::start(folder.path(), "serve", &[]);
    search_a_thousand_times_during_a_reindex(&server);
    assert!(server.stop().success());
}

#[test]
fn a_reindex_survives_kills_includes_an_ingest_and_can_be_rolled_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let all = ingest_first(folder.path(), 300);
    let more = (all - 300).min(60);
    let root = gallery().display().to_string();
    let settings = [("IMAGES_ROOT", root.as_str())];
    let start = || Server::start_with(folder.path(), "serve", &[], &settings);
    let server = start();
    let id = start_job(&server, "reindex", &json!({"pretrained": other_model()}));
    // During the build: some pictures are embedded, and the switch has not happened.
    let killed_at = wait_for_blocking("some progress", Duration::from_secs(120), || {
        let job = server.api().job(&id);
        assert_ne!(
            job["state"], "succeeded",
            "the gallery is too small to be interrupted: {job}"
        );
        job["progress"]["done"].as_u64().filter(|done| *done > 0)
    });
    server.kill();
    eprintln!("killed after {killed_at} of 300 pictures");

    let server = start();
    assert_eq!(
        server.api().get_json("/api/admin/collection")["name"],
        "clippy",
        "the live collection is unchanged"
    );
    assert_eq!(
        server.api().get_json("/api/admin/collection")["points"],
        300
    );
    let ingest = start_job(
        &server,
        "ingest",
        &json!({"manifest": "manifest.jsonl", "start_line": 300, "max_lines": more}),
    );
    // A second kill near the end, while it catches up, compares or switches (or after it finished).
    let near_the_end = ["catching up", "indexing", "comparing", "switching"];
    let stage = wait_for_blocking("the last stages", Duration::from_secs(240), || {
        let job = server.api().job(&id);
        let stage = job["progress"]["stage"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let is_over = job["state"] == "succeeded";
        (is_over || near_the_end.contains(&stage.as_str())).then_some(stage)
    });
    server.kill();
    eprintln!("killed again while {stage}");

    let server = start();
    let result = wait_for_job(&server, &id);
    let ingested = wait_for_job(&server, &ingest);
    assert_eq!(ingested["totals"]["lines"], more, "{ingested}");
    let totals = &result["totals"];
    let count = |name: &str| totals[name].as_u64().expect("a count");
    assert_eq!(count("failed"), 0, "{result}");
    assert!(count("embedded") + count("unchanged") >= 300, "{result}");
    let live = server.api().get_json("/api/admin/collection");
    assert_eq!(
        (&live["name"], &live["points"]),
        (&result["live"], &json!(300 + more)),
        "{live}"
    );
    assert_eq!(
        (&live["dimension"], &result["previous"]),
        (&json!(24), &json!("clippy")),
        "{live} {result}"
    );
    let new = result["live"].as_str().expect("a name").to_owned();
    assert!(server.stop().success());

    // Without settings, the next start uses the recorded model. Another model is refused: the error
    // names both, and what to set.
    let found = run_json(
        folder.path(),
        &["search", "--text", "apple", "--top", "3", "--json"],
    );
    assert_eq!(found["collection"], new.as_str());
    let resnet = other_model().replace("vit_quickgelu", "resnet");
    let refused = clippy(folder.path())
        .args(["search", "--text", "apple"])
        .env("PRETRAINED", &resnet)
        .output()
        .expect("it starts");
    let printed = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{printed}");
    for part in [
        "vit_quickgelu",
        "resnet",
        "unset MODEL_NAME and PRETRAINED",
        &other_model(),
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }

    // A rollback without a server: the old collection has what was ingested since.
    let back = run_json(folder.path(), &["reindex", "--rollback", "--json"]);
    assert_eq!(
        (&back["live"], &back["previous"]),
        (&json!("clippy"), &json!(new.as_str())),
        "{back}"
    );
    let found = run_json(
        folder.path(),
        &["search", "--text", "apple", "--top", "200", "--json"],
    );
    assert_eq!(found["collection"], "clippy");
    let doctor = run(folder.path(), &["doctor"]);
    assert!(
        text(&doctor.stdout).contains(&format!("clippy, {} pictures", 300 + more)),
        "{}",
        text(&doctor.stdout)
    );
    let dropped = run_json(folder.path(), &["reindex", "--drop-old", "--json"]);
    assert_eq!(dropped["dropped"], json!([new]), "{dropped}");
    let second = run(folder.path(), &["reindex", "--rollback"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second.stderr).contains("no collection to go back to"),
        "{}",
        text(&second.stderr)
    );
}
