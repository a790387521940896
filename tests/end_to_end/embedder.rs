//! A server without a model: a worker embeds for it (`EMBEDDER_URL`).

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::harness::{
    Server, clippy, gallery, json as run_json, short_manifest, text, wait_for_blocking,
};
use crate::qdrant::{Qdrant, ids};
use clippy_testing::{RedisServer, free_port};

/// A worker that embeds for other processes at this address; killed when it is dropped.
struct EmbeddingWorker {
    child: Child,
    url: String,
}

impl EmbeddingWorker {
    fn start(data: &Path, address: &str, settings: &[(&str, String)]) -> Self {
        let mut child = clippy(data)
            .args(["worker", "--lanes", "control", "--serve-embedder", address])
            .envs(settings.iter().map(|(name, value)| (*name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let url = lines.find_map(|line| {
            line.ok()?
                .strip_prefix("Clippy embeds at ")
                .map(str::to_owned)
        });
        Self {
            child,
            url: url.expect("a line with its address"),
        }
    }
}

impl Drop for EmbeddingWorker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_without_a_model_embeds_with_a_worker() {
    let (gpu, api, alone) = (folder(), folder(), folder());
    let qdrant = Qdrant::start();
    let mut redis = RedisServer::reserve();
    redis.restart();
    let mut settings = qdrant.settings();
    settings.push(("REDIS_URL", redis.url()));
    settings.push(("API_KEYS", "between-us".to_owned()));
    let manifest = short_manifest(alone.path(), 40).display().to_string();
    let root = gallery().display().to_string();
    let ingest = [
        "ingest",
        "--manifest",
        &manifest,
        "--images-root",
        &root,
        "--json",
    ];
    let stored = clippy(gpu.path())
        .args(ingest)
        .envs(qdrant.settings())
        .output()
        .expect("it starts");
    assert!(stored.status.success(), "{}", text(&stored.stderr));
    run_json(alone.path(), &ingest);

    let address = format!("127.0.0.1:{}", free_port());
    let worker = EmbeddingWorker::start(gpu.path(), &address, &settings);
    // The server would not start if it read a model: this one does not exist.
    settings.push((
        "PRETRAINED",
        format!("local-dir:{}", api.path().join("nothing").display()),
    ));
    settings.push(("EMBEDDER_URL", worker.url.clone()));
    let given: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let server = Server::start_with(api.path(), "serve", &[], &given);
    let api = server.api().with_key("between-us");
    let search = |words: &str| {
        let body = json!({"query_text": words, "top": 15});
        api.post_json("/api/search/hybrid", &body)
    };
    for words in ["a red apple", "cat"] {
        let found = search(words).expect(200).json();
        let expected = run_json(
            alone.path(),
            &["search", "--text", words, "--top", "15", "--json"],
        );
        assert_eq!(
            (ids(&found), ids(&found).len()),
            (ids(&expected), 15),
            "{words}"
        );
    }

    drop(worker);
    assert_eq!(search("a house").status(), 503);
    let _worker = EmbeddingWorker::start(gpu.path(), &address, &settings[..settings.len() - 2]);
    wait_for_blocking(
        "the worker to be used again",
        Duration::from_secs(30),
        || (search("a house").status() == 200).then_some(()),
    );
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
