//! Every command with a collection on a Qdrant server, and with workers over Redis. The server is
//! the fake one, which runs Qdrant's engine behind its gRPC interface.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use clippy_fake_qdrant::{FakeOptions, FakeQdrant};
use serde_json::{Value, json};

use crate::harness::{Server, clippy, gallery, short_manifest, text, wait_for_blocking};
use clippy_testing::RedisServer;

/// A fake Qdrant, and the threads that it runs on.
pub(crate) struct Qdrant {
    fake: FakeQdrant,
    runtime: tokio::runtime::Runtime,
}

impl Qdrant {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let fake = {
            let _inside = runtime.enter();
            FakeQdrant::start(FakeOptions {
                api_key: Some("secret".to_owned()),
                ..FakeOptions::default()
            })
        };
        Self {
            fake: fake.expect("started"),
            runtime,
        }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.fake.address()
    }

    /// Returns a client of the server, to store and read what no command does.
    pub(crate) fn client(&self) -> qdrant_client::Qdrant {
        let client = qdrant_client::Qdrant::from_url(&self.fake.url())
            .api_key("secret")
            .skip_compatibility_check();
        client.build().expect("an address")
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("QDRANT_URL", self.fake.url()),
            ("QDRANT_API_KEY", "secret".to_owned()),
        ]
    }
}

pub(crate) fn succeed(
    data: &Path,
    settings: &[(&'static str, String)],
    arguments: &[&str],
) -> String {
    let output = clippy(data)
        .args(arguments)
        .envs(settings.iter().map(|(name, value)| (*name, value)))
        .output()
        .expect("it starts");
    assert!(
        output.status.success(),
        "{arguments:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

pub(crate) fn run_json(
    data: &Path,
    settings: &[(&'static str, String)],
    arguments: &[&str],
) -> Value {
    let printed = succeed(data, settings, arguments);
    serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {printed}"))
}

pub(crate) fn ids(answer: &Value) -> Vec<Value> {
    answer["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|found| found["id"].clone())
        .collect()
}

#[test]
fn every_command_works_on_a_server_with_the_results_of_an_embedded_collection() {
    let (folder, embedded) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    let qdrant = Qdrant::start();
    let on_server = qdrant.settings();
    let manifest = short_manifest(folder.path(), 60).display().to_string();
    let root = gallery().display().to_string();
    let ingest = [
        "ingest",
        "--manifest",
        &manifest,
        "--images-root",
        &root,
        "--json",
    ];

    let plan = succeed(folder.path(), &on_server, &["migrate", "--dry-run"]);
    assert!(
        plan.contains("does not exist yet") && plan.contains("make the collection clippy"),
        "{plan}"
    );
    let done = succeed(folder.path(), &on_server, &["migrate"]);
    assert!(done.contains("Everything is at version"), "{done}");
    let nothing = succeed(folder.path(), &on_server, &["migrate", "--dry-run"]);
    assert!(
        !nothing.contains("index of") && nothing.contains("0 pictures"),
        "{nothing}"
    );
    for (data, settings) in [(folder.path(), &on_server[..]), (embedded.path(), &[])] {
        assert_eq!(run_json(data, settings, &ingest)["totals"]["embedded"], 60);
        assert_eq!(run_json(data, settings, &ingest)["totals"]["unchanged"], 60);
    }
    assert!(
        !folder.path().join("data/collection").exists(),
        "a collection was stored in the data folder"
    );
    for words in ["a red apple", "cat", "a house"] {
        let search = ["search", "--text", words, "--top", "20", "--json"];
        let (there, here) = (
            run_json(folder.path(), &on_server, &search),
            run_json(embedded.path(), &[], &search),
        );
        assert_eq!(ids(&there), ids(&here), "{words}");
        assert_eq!(ids(&there).len(), 20);
    }
    let backfill = [
        "backfill",
        "--manifest",
        &manifest,
        "--images-root",
        &root,
        "--which",
        "all",
        "--json",
    ];
    assert_eq!(
        run_json(folder.path(), &on_server, &backfill)["totals"]["unchanged"],
        60
    );
    let doctor = succeed(folder.path(), &on_server, &["doctor"]);
    assert!(doctor.contains("clippy, 60 pictures on Qdrant"), "{doctor}");

    let mut wrong = on_server.clone();
    wrong[1].1 = "wrong".to_owned();
    let refused = clippy(folder.path())
        .arg("doctor")
        .envs(wrong)
        .output()
        .expect("it starts");
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stdout).contains("QDRANT_API_KEY"),
        "{}",
        text(&refused.stdout)
    );
}

/// A `clippy worker`; killed when it is dropped.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_and_a_worker_share_redis_and_qdrant_and_readiness_follows_qdrant() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let qdrant = Qdrant::start();
    let mut redis = RedisServer::reserve();
    redis.restart();
    let mut settings = qdrant.settings();
    settings.push(("REDIS_URL", redis.url()));
    settings.push(("IMAGES_ROOT", gallery().display().to_string()));
    let given: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    std::fs::create_dir_all(folder.path().join("data")).expect("made");
    short_manifest(&folder.path().join("data"), 40);

    let server = Server::start_with(folder.path(), "serve", &[], &given);
    let api = server.api();
    let body = json!({"manifest": "manifest.jsonl"});
    let made = api.post_json("/api/admin/ingest", &body).expect(202).json();
    let job = made["id"].as_str().expect("an id");
    let _worker = Worker(
        clippy(folder.path())
            .arg("worker")
            .envs(given.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts"),
    );
    let ended = api.wait_for_job(job, Duration::from_secs(240));
    assert_eq!(ended["state"], "succeeded", "{ended}");
    let search = json!({"query_text": "apple", "top": 10});
    let found = api.post_json("/api/search/hybrid", &search);
    let found = found.expect(200).json();
    assert_eq!(
        ids(&found).len(),
        10,
        "the server finds what the worker stored"
    );

    let ready = || api.get("/readyz").status();
    wait_for_blocking("readiness", Duration::from_secs(180), || {
        (ready() == 200).then_some(())
    });
    qdrant.fake.faults().set_stall(Duration::from_secs(600));
    wait_for_blocking("readiness to be lost", Duration::from_secs(120), || {
        (ready() == 503).then_some(())
    });
    qdrant.fake.faults().set_stall(Duration::ZERO);
    wait_for_blocking("readiness to return", Duration::from_secs(120), || {
        (ready() == 200).then_some(())
    });
}
