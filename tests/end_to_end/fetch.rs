//! `clippy fetch` and jobs of kind `fetch`, from a site on the loopback interface.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};

use crate::harness::{Server, clippy, gallery, json as run_json, run, text, wait_for_blocking};

/// The pictures of the site. They have the ids from 1.
const PICTURES: usize = 12;

/// A site with Gelbooru's interface and pictures of the gallery.
struct Site {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    pictures: Vec<PathBuf>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many pictures may be sent. Further requests wait.
    allowed: usize,
    /// How many pictures were begun to be sent.
    begun: usize,
    /// The pictures that were sent whole, by id.
    sent: Vec<usize>,
}

impl Site {
    fn start(allowed: usize) -> Self {
        let manifest = fs::read_to_string(gallery().join("manifest.jsonl")).expect("written");
        let pictures = manifest.lines().take(PICTURES).map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            gallery().join(line["local_path"].as_str().expect("a path"))
        });
        let shared = Arc::new(Shared {
            pictures: pictures.collect(),
            state: Mutex::new(State {
                allowed,
                ..State::default()
            }),
            changed: Condvar::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.serve(&socket));
            }
        });
        Self { url, shared }
    }

    /// Lets all pictures through.
    fn open(&self) {
        self.shared.state.lock().allowed = usize::MAX;
        self.shared.changed.notify_all();
    }

    fn sent(&self) -> Vec<usize> {
        self.shared.state.lock().sent.clone()
    }
}

impl Shared {
    fn serve(&self, socket: &TcpStream) {
        let mut lines = BufReader::new(socket).lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_default();
        for _ in lines.by_ref().take_while(|line| !line.is_empty()) {}
        let path = first.split(' ').nth(1).unwrap_or_default();
        let file = path.strip_prefix("/files/").and_then(|name| {
            let id: usize = name.strip_suffix(".png")?.parse().ok()?;
            Some(id)
        });
        if let Some(id) = file {
            let mut state = self.state.lock();
            self.changed
                .wait_while(&mut state, |state| state.begun >= state.allowed);
            state.begun += 1;
            drop(state);
            let picture = fs::read(&self.pictures[id - 1]).expect("of the gallery");
            if answer(socket, &picture) {
                self.state.lock().sent.push(id);
            }
        } else if path.contains("pid=0&tags=cat") {
            let posts = (1..=PICTURES).map(|id| {
                json!({"id": id, "tags": "cat apple", "rating": "g",
                    "file_url": format!("/files/{id}.png")})
            });
            answer(socket, Value::from_iter(posts).to_string().as_bytes());
        } else {
            answer(socket, b"");
        }
    }
}

/// Sends an answer. Returns whether the caller took it.
fn answer(mut socket: &TcpStream, body: &[u8]) -> bool {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).is_ok() && socket.write_all(body).is_ok()
}

fn write_tags(folder: &Path) -> String {
    let file = folder.join("tags.txt");
    fs::write(&file, "# pets\ncat\n").expect("written");
    file.display().to_string()
}

/// Returns the manifest, after a check that each of its pictures is that of the site.
fn check_pictures(folder: &Path, site: &Site) -> Vec<Value> {
    let manifest = fs::read_to_string(folder.join("manifest.jsonl")).expect("a manifest");
    let lines = manifest.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let path = folder.join(line["local_path"].as_str().expect("a path"));
        let id = usize::try_from(line["id"].as_u64().expect("an id")).expect("small");
        let ours = fs::read(path).expect("there");
        assert!(
            ours == fs::read(&site.shared.pictures[id - 1]).expect("there"),
            "{id}"
        );
        line
    });
    lines.collect()
}

#[test]
fn pictures_are_fetched_after_a_kill_and_become_a_gallery() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let site = Site::start(5);
    let tags = write_tags(folder.path());
    let arguments = [
        "fetch",
        "safebooru",
        "--tags-file",
        &tags,
        "--out",
        "set",
        "--union",
        "--rate",
        "1000",
        "--workers",
        "3",
        "--base-url",
        &site.url,
        "--json",
    ];
    let mut killed = clippy(folder.path())
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let set = folder.path().join("set");
    wait_for_blocking("the first pictures", Duration::from_secs(180), || {
        let all = set.join("ALL").read_dir().ok()?.count();
        (site.sent().len() == 5 && all == 5).then_some(())
    });
    // A second run in the folder is refused.
    let mut resumed = arguments.to_vec();
    resumed.push("--resume");
    let second = run(folder.path(), &resumed);
    assert_eq!(second.status.code(), Some(1));
    let said = text(&second.stderr);
    assert!(said.contains("another run"), "{said}");
    killed.kill().expect("running");
    killed.wait().expect("a child");

    site.open();
    let outcome = run_json(folder.path(), &resumed);
    let counts = (&outcome["kept"], &outcome["fetched"], &outcome["failed"]);
    assert_eq!(
        counts,
        (&json!(5), &json!(PICTURES - 5), &json!(0)),
        "{outcome}"
    );
    assert_eq!(check_pictures(&set, &site).len(), PICTURES);
    let manifest = set.join("manifest.jsonl").display().to_string();
    let ingested = run_json(
        folder.path(),
        &["ingest", "--manifest", &manifest, "--json"],
    );
    assert_eq!(ingested["totals"]["embedded"], PICTURES, "{ingested}");
}

#[test]
fn a_job_fetches_and_ingests_and_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let site = Site::start(5);
    let settings = [("FETCH_SITES", site.url.as_str())];
    let server = Server::start_with(folder.path(), "serve", &[], &settings);
    let body = json!({"tags": ["cat"], "name": "cats", "union": true, "workers": 3,
        "rate": 1000.0, "ingest": true});
    let made = server
        .api()
        .post_json("/api/admin/fetch", &body)
        .expect(202)
        .json();
    assert_eq!(
        (&made["kind"], &made["lane"]),
        (&json!("fetch"), &json!("bulk")),
        "{made}"
    );
    let id = made["id"].as_str().expect("an id").to_owned();
    let set = folder.path().join("data/fetched/cats");
    wait_for_blocking("the first pictures", Duration::from_secs(180), || {
        let all = set.join("ALL").read_dir().ok()?.count();
        let done = server.api().job(&id)["progress"]["done"].as_u64();
        (site.sent().len() == 5 && all == 5 && done == Some(5)).then_some(())
    });
    // Somebody who only watches, and whose output nobody reads, is ended.
    let (unread, output) = std::io::pipe().expect("a pipe");
    drop(unread);
    let watched = clippy(folder.path())
        .args(["jobs", "watch", &id, "--json"])
        .stdout(output)
        .output()
        .expect("it starts");
    assert_eq!(watched.status.code(), Some(141));
    assert_eq!(text(&watched.stderr), "");
    let first = site.sent();
    server.kill();

    site.open();
    let server = Server::start_with(folder.path(), "serve", &[], &settings);
    let job = server.api().wait_for_job(&id, Duration::from_secs(300));
    assert_eq!(job["state"], "succeeded", "{job}");
    let result = &job["result"];
    assert_eq!(result["totals"]["embedded"], PICTURES, "{job}");
    let fetch = &result["fetch"];
    assert_eq!(
        (&fetch["kept"], &fetch["failed"]),
        (&json!(5), &json!(0)),
        "{job}"
    );
    assert_eq!(fetch["manifest"], "fetched/cats/manifest.jsonl", "{job}");
    assert_eq!(check_pictures(&set, &site).len(), PICTURES);
    // What was whole before the kill was not sent again.
    let sent = site.sent();
    for id in &first {
        assert_eq!(
            sent.iter().filter(|sent| *sent == id).count(),
            1,
            "{sent:?}"
        );
    }
    let found = run_json(folder.path(), &["search", "--text", "apple", "--json"]);
    let first = &found["results"][0];
    let picture = server.api().get(&format!("/api/image/{}", first["id"]));
    assert_eq!(picture.status(), 200, "{found}");

    // The same name again goes on with the folder, in which nothing is missing.
    let again = json!({"tags": ["cat"], "name": "cats", "union": true});
    let made = server.api().post_json("/api/admin/fetch", &again).json();
    let job = server.api().wait_for_job(
        made["id"].as_str().expect("an id"),
        Duration::from_secs(180),
    );
    assert_eq!(job["result"]["fetch"]["kept"], PICTURES, "{job}");
    // Other tags in it are refused, without a retry and without a path of this machine.
    let other = json!({"tags": ["dog"], "name": "cats", "union": true});
    let made = server.api().post_json("/api/admin/fetch", &other).json();
    let job = server.api().wait_for_job(
        made["id"].as_str().expect("an id"),
        Duration::from_secs(180),
    );
    let error = job["error"]["message"].as_str().expect("a message");
    assert!(error.contains("other arguments"), "{job}");
    assert!(!error.contains(&*folder.path().to_string_lossy()), "{job}");
}

#[test]
fn a_job_calls_no_other_site_leaves_its_folder_nowhere_else_and_is_cancelled() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let site = Site::start(1);
    let settings = [("FETCH_SITES", site.url.as_str())];
    let server = Server::start_with(folder.path(), "serve", &[], &settings);
    let api = server.api();
    for (body, status) in [
        (
            json!({"tags": ["cat"], "base_url": "http://127.0.0.1:1"}),
            403,
        ),
        (
            json!({"tags": ["cat"], "base_url": "https://safebooru.org"}),
            403,
        ),
        (json!({"tags": ["cat"], "name": "../up"}), 400),
        (json!({"tags": []}), 400),
        (json!({"tags": ["cat"], "out": "/tmp"}), 422),
    ] {
        let refused = api.post_json("/api/admin/fetch", &body).expect(status);
        assert!(refused.json()["detail"].is_string(), "{body}");
    }
    let tags = write_tags(folder.path());
    let enqueue = |out: &str| {
        let arguments = [
            "fetch",
            "safebooru",
            "--tags-file",
            &tags,
            "--out",
            out,
            "--enqueue",
            "--rate",
            "1000",
            "--json",
        ];
        run(folder.path(), &arguments)
    };
    assert_eq!(enqueue("../up").status.code(), Some(2));
    let made = enqueue("pets");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let id = made["id"].as_str().expect("an id");
    let pictures = folder.path().join("data/fetched/pets/cat");
    wait_for_blocking("the first picture", Duration::from_secs(180), || {
        (pictures.read_dir().ok()?.count() == 1).then_some(())
    });
    let cancelled = run(folder.path(), &["jobs", "cancel", id]);
    assert!(cancelled.status.success(), "{}", text(&cancelled.stderr));
    let job = api.wait_for_job(id, Duration::from_secs(180));
    assert_eq!(job["state"], "cancelled", "{job}");
    assert_eq!(site.sent().len(), 1);
}
