//! Tests watched folders: whatever happens in a folder, the collection becomes equal to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clippy_library::identity::id_of;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{Server, clippy, json, run, signal, text, wait_for_blocking};

/// The time within which a change must be in the collection.
const PATIENCE: Duration = Duration::from_secs(180);

/// Returns a small picture. Each seed gives another one.
fn picture(seed: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let pixels = (0..16 * 16 * 3).map(|_| random.below(256) as u8).collect();
    let picture = image::RgbImage::from_raw(16, 16, pixels).expect("of that size");
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("encoded");
    bytes.into_inner()
}

/// Returns the id that Clippy gives a file with this content.
fn id(content: &[u8]) -> String {
    id_of(&Sha256::digest(content).into()).to_string()
}

/// A folder of pictures beside a data folder.
struct Watched {
    base: tempfile::TempDir,
    /// The ids of all pictures that were ever written.
    ids: BTreeSet<String>,
}

impl Watched {
    fn new() -> Self {
        let base = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(base.path().join("pictures")).expect("made");
        Self {
            base,
            ids: BTreeSet::new(),
        }
    }

    fn root(&self) -> PathBuf {
        let base = self.base.path().canonicalize().expect("there");
        base.join("pictures")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    fn write(&mut self, name: &str, seed: u64) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let content = picture(seed);
        fs::write(path, &content).expect("written");
        let id = id(&content);
        self.ids.insert(id.clone());
        id
    }

    /// Starts a server that watches the folder.
    fn serve(&self) -> Server {
        let root = self.root().display().to_string();
        Server::start_with(self.base.path(), "serve", &[], &[("WATCH_FOLDERS", &root)])
    }

    /// Returns the payloads of the pictures in the collection, of all that were ever written.
    fn stored(&self, server: &Server) -> BTreeMap<String, Value> {
        let ids: Vec<&str> = self.ids.iter().map(String::as_str).collect();
        let mut stored = BTreeMap::new();
        for some in ids.chunks(100) {
            let answer = server
                .api()
                .get_json(&format!("/api/pictures?ids={}", some.join(",")));
            for picture in answer["pictures"].as_array().expect("a list") {
                let id = picture["id"].as_str().expect("an id").to_owned();
                stored.insert(id, picture["payload"].clone());
            }
        }
        stored
    }

    /// Returns the paths of all files below the folder, by the ids of their contents.
    fn files(&self) -> HashMap<String, BTreeSet<String>> {
        let mut files: HashMap<String, BTreeSet<String>> = HashMap::new();
        for path in files_below(&self.root()) {
            let content = fs::read(&path).expect("read");
            let below = path.strip_prefix(self.root()).expect("below");
            files
                .entry(id(&content))
                .or_default()
                .insert(below.display().to_string());
        }
        files
    }

    /// Returns how the collection differs from the folder.
    fn differences(&self, server: &Server) -> Vec<String> {
        let (stored, files) = (self.stored(server), self.files());
        let mut differences = Vec::new();
        for (id, payload) in &stored {
            let is_missing = payload["missing"] == true;
            let path = payload["path"].as_str().unwrap_or_default();
            match files.get(id) {
                None if !is_missing => differences.push(format!("{path} is gone, and not marked")),
                Some(paths) if is_missing => {
                    differences.push(format!("{paths:?} is marked, and there"));
                }
                Some(paths) if !paths.contains(path) => {
                    differences.push(format!("{paths:?} is stored as {path}"));
                }
                _ => {}
            }
        }
        let absent = files.iter().filter(|(id, _)| !stored.contains_key(*id));
        differences.extend(absent.map(|(_, paths)| format!("{paths:?} is not stored")));
        differences
    }

    fn wait_until_equal(&self, server: &Server) {
        let mut last = Vec::new();
        let begun = std::time::Instant::now();
        while begun.elapsed() < PATIENCE {
            last = self.differences(server);
            if last.is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        if let Some(kept) = std::env::var_os("CLIPPY_WATCH_KEEP") {
            let base = self.base.path();
            let copied = std::process::Command::new("cp")
                .arg("-a")
                .arg(base)
                .arg(kept)
                .status();
            eprintln!("a copy of the folders was kept: {copied:?}");
        }
        panic!("{last:#?}\n{}", server.log());
    }

    fn wait_for_state(&self, server: &Server, wanted: &str) -> Value {
        wait_for_blocking(wanted, PATIENCE, || {
            let watched = server.api().get_json("/api/admin/watch");
            let folder = watched["folders"][0].clone();
            (folder["state"] == wanted).then_some(folder)
        })
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("there").flatten() {
        if entry.file_type().expect("a kind").is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

/// A generator of numbers that is the same for each seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 11).expect("53 bits") % bound
    }
}

/// Returns a number from the environment.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}

/// Does one random thing in the folder.
fn disturb(watched: &mut Watched, random: &mut Random, seed: u64) {
    let folders = ["", "a/", "a/b/", "c/"];
    let name = format!("{}{}.png", folders[random.below(4)], random.below(40));
    let files = files_below(&watched.root());
    let some = (!files.is_empty()).then(|| files[random.below(files.len())].clone());
    let target = watched.path(&name);
    match (random.below(10), some) {
        (0..=3, _) | (_, None) => {
            watched.write(&name, seed);
        }
        (4, Some(file)) => {
            let below = file.strip_prefix(watched.root()).expect("below");
            let below = below.display().to_string();
            watched.write(&below, seed);
        }
        (5 | 6, Some(file)) => {
            fs::create_dir_all(target.parent().expect("a folder")).expect("made");
            fs::rename(file, target).expect("moved");
        }
        (7, Some(file)) if file != target => {
            fs::create_dir_all(target.parent().expect("a folder")).expect("made");
            fs::copy(file, target).expect("copied");
        }
        (8, Some(file)) if file.parent() != Some(&*watched.root()) && random.below(3) == 0 => {
            // A whole folder gets another name.
            let folder = file.parent().expect("a folder");
            let renamed = watched.path(&format!("renamed {seed}"));
            fs::rename(folder, renamed).expect("moved");
        }
        (_, Some(file)) => fs::remove_file(file).expect("removed"),
    }
}

/// The full size is 1,000 operations and 10 kills: `CLIPPY_WATCH_OPERATIONS=1000
/// CLIPPY_WATCH_KILLS=10`. `CLIPPY_WATCH_SEED` is the seed of the operations; 0 chooses one by the
/// clock. After a failure, the folders are copied to `CLIPPY_WATCH_KEEP`.
#[test]
fn after_random_changes_and_kills_the_collection_equals_the_folder() {
    let seed = match number("CLIPPY_WATCH_SEED", 705_916_117) {
        0 => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            u64::from(now.expect("a time").subsec_nanos())
        }
        seed => seed,
    };
    let operations = number("CLIPPY_WATCH_OPERATIONS", 150);
    let kills = number("CLIPPY_WATCH_KILLS", 3);
    eprintln!("CLIPPY_WATCH_SEED={seed}");
    let mut random = Random(seed | 1);
    let mut watched = Watched::new();
    for number in 0..20 {
        watched.write(
            &format!("a/{number}.png"),
            seed.wrapping_add(1_000_000 + number),
        );
    }
    let mut server = watched.serve();
    let each = operations / (kills + 1);
    for operation in 1..=operations {
        disturb(&mut watched, &mut random, seed.wrapping_add(operation));
        std::thread::sleep(Duration::from_millis(random.below(60) as u64));
        if operation % each == 0 && operation / each <= kills {
            // The kill hits a scan, a job, or a quiet moment.
            std::thread::sleep(Duration::from_millis(random.below(4_000) as u64));
            server.kill();
            server = watched.serve();
        }
    }
    watched.wait_until_equal(&server);
    assert!(server.stop().success());
    // A second look at the same folder finds nothing to do.
    let root = watched.root().display().to_string();
    let last = json(watched.base.path(), &["add", &root, "--json"]);
    assert_eq!(last["totals"]["embedded"], 0, "{last}");
}

#[test]
fn a_folder_that_is_away_loses_nothing_and_is_caught_up_with_when_it_is_back() {
    let mut watched = Watched::new();
    let first = watched.write("one.png", 1);
    watched.write("a/two.png", 2);
    let server = watched.serve();
    watched.wait_until_equal(&server);
    let folder = watched.wait_for_state(&server, "events");
    assert_eq!(folder["path"], watched.root().display().to_string());
    // Files count as known when the job that added them has ended.
    wait_for_blocking("the job to end", Duration::from_secs(180), || {
        let shown = server.api().get_json("/api/admin/watch");
        shown["folders"][0]["job"].is_null().then_some(())
    });

    // As when a drive is not mounted: first the folder is gone, then an empty one is in its place.
    let elsewhere = watched.base.path().join("elsewhere");
    fs::rename(watched.root(), &elsewhere).expect("moved");
    let root = watched
        .base
        .path()
        .canonicalize()
        .expect("there")
        .join("pictures");
    let gone = run(
        watched.base.path(),
        &["add", &root.display().to_string(), "--prune"],
    );
    assert_eq!(gone.status.code(), Some(2), "{}", text(&gone.stderr));
    fs::create_dir(&root).expect("made");
    let refused = run(
        watched.base.path(),
        &["add", &root.display().to_string(), "--prune"],
    );
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));
    let reason = text(&refused.stderr);
    assert!(reason.contains("seems to be away"), "{reason}");
    let unharmed = watched.stored(&server);
    assert_eq!(unharmed.len(), 2, "{unharmed:?}");
    assert!(unharmed.values().all(|payload| payload["missing"] != true));
    watched.wait_for_state(&server, "away");

    let content = picture(3);
    fs::write(elsewhere.join("three.png"), &content).expect("written");
    watched.ids.insert(id(&content));
    fs::remove_file(elsewhere.join("one.png")).expect("removed");
    fs::remove_dir(&root).expect("removed");
    fs::rename(&elsewhere, &root).expect("moved back");
    watched.wait_until_equal(&server);
    assert_eq!(watched.stored(&server)[&first]["missing"], true);
    assert!(server.stop().success());
}

#[test]
fn deleted_pictures_are_marked_until_they_are_back_and_prune_moves_them_to_the_trash() {
    let mut watched = Watched::new();
    let (kept, gone) = (watched.write("kept.png", 1), watched.write("gone.png", 2));
    let server = watched.serve();
    watched.wait_until_equal(&server);
    let content = fs::read(watched.path("gone.png")).expect("read");
    fs::remove_file(watched.path("gone.png")).expect("removed");
    watched.wait_until_equal(&server);
    assert_eq!(watched.stored(&server)[&gone]["missing"], true);
    fs::write(watched.path("gone.png"), &content).expect("written");
    watched.wait_until_equal(&server);
    assert!(watched.stored(&server)[&gone]["missing"].is_null());

    fs::remove_file(watched.path("gone.png")).expect("removed");
    watched.wait_until_equal(&server);
    let root = watched.root().display().to_string();
    let pruned = json(watched.base.path(), &["add", &root, "--prune", "--json"]);
    assert_eq!(pruned["pruned"], 1, "{pruned}");
    let stored = watched.stored(&server);
    assert_eq!(stored.keys().collect::<Vec<_>>(), [&kept]);
    let again = json(watched.base.path(), &["add", &root, "--prune", "--json"]);
    assert_eq!(again["pruned"], 0, "{again}");
    assert_eq!(again["scan"]["missing"], 0, "{again}");

    // It can be undone.
    let undo = json!({"action": "restore", "filter": {"ids": [gone]}});
    let job = server
        .api()
        .post_json("/api/pictures/bulk", &undo)
        .expect(202)
        .json();
    let job = job["id"].as_str().expect("an id").to_owned();
    let ended = server.api().wait_for_job(&job, PATIENCE);
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert_eq!(watched.stored(&server).len(), 2);
    assert!(server.stop().success());
}

#[test]
fn a_file_that_grows_while_it_is_written_is_added_once_when_it_is_whole() {
    let mut watched = Watched::new();
    watched.write("a/first.png", 1);
    let server = watched.serve();
    watched.wait_until_equal(&server);
    let content = picture(2);
    watched.ids.insert(id(&content));
    let mut file = fs::File::create(watched.path("a/growing.png")).expect("made");
    for piece in content.chunks(content.len() / 4) {
        file.write_all(piece).expect("written");
        file.sync_all().expect("written");
        // Longer than the time after which a folder counts as quiet.
        std::thread::sleep(Duration::from_millis(2_500));
    }
    drop(file);
    watched.wait_until_equal(&server);
    let jobs = wait_for_blocking("the jobs to end", PATIENCE, || {
        let jobs = server.api().get_json("/api/jobs?kind=ingest&limit=100");
        let jobs = jobs["jobs"].as_array().expect("a list").clone();
        let has_ended = |job: &Value| !job["finished_at"].is_null();
        jobs.iter().all(has_ended).then_some(jobs)
    });
    let is_clean =
        |job: &Value| job["state"] == "succeeded" && job["result"]["totals"]["failed"] == 0;
    assert!(jobs.iter().all(is_clean), "{jobs:?}");
    assert!(server.stop().success());
}

#[test]
fn a_folder_stays_watched_after_a_restart_until_it_is_switched_off() {
    let mut watched = Watched::new();
    watched.write("one.png", 1);
    let root = watched.root().display().to_string();
    let server = Server::start(watched.base.path(), "serve", &[]);
    let added = run(watched.base.path(), &["add", &root, "--watch"]);
    assert!(added.status.success(), "{}", text(&added.stderr));
    watched.write("two.png", 2);
    watched.wait_until_equal(&server);
    let api = server.api();
    let outside = json!({"path": watched.base.path(), "on": true});
    let _ = api.post_json("/api/admin/watch", &outside).expect(403);
    let unknown = json!({"path": root, "on": true, "fast": true});
    let _ = api.post_json("/api/admin/watch", &unknown).expect(422);
    // A watched folder inside of a watched one is scanned twice, which does no harm.
    watched.write("inner/three.png", 3);
    watched.wait_until_equal(&server);
    let inner = json!({"path": watched.path("inner"), "on": true});
    let _ = api.post_json("/api/admin/watch", &inner).expect(200);
    server.kill();

    watched.write("inner/four.png", 4);
    fs::remove_file(watched.path("one.png")).expect("removed");
    let server = Server::start(watched.base.path(), "serve", &[]);
    watched.wait_until_equal(&server);
    watched.write("inner/five.png", 5);
    watched.wait_until_equal(&server);
    let folders = server.api().get_json("/api/admin/watch");
    assert_eq!(folders["folders"].as_array().expect("a list").len(), 2);
    let off = json!({"path": root, "on": false});
    let folder = server
        .api()
        .post_json("/api/admin/watch", &off)
        .expect(200)
        .json();
    assert_eq!(folder["state"], "off", "{folder}");
    assert!(server.stop().success());
    let server = watched.serve();
    let folders = server.api().get_json("/api/admin/watch");
    let state = |place: usize| folders["folders"][place]["state"].clone();
    assert_eq!(state(0), "off", "WATCH_FOLDERS does not switch it on again");
    assert_ne!(state(1), "off", "{folders}");
    assert!(server.stop().success());
}

#[test]
fn without_a_server_a_command_watches_until_it_is_stopped() {
    let mut watched = Watched::new();
    watched.write("one.png", 1);
    let root = watched.root().display().to_string();
    let mut child = clippy(watched.base.path())
        .args(["add", &root, "--watch"])
        .env("LOG_LEVEL", "debug")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let log = crate::harness::follow(child.stderr.take().expect("piped"));
    wait_for_blocking("it watches", PATIENCE, || {
        log.lock().contains("Watching the folders").then_some(())
    });
    // The collection belongs to the command, so only its log shows that something is stored.
    let stored = || log.lock().matches(" stored points=").count();
    let before = stored();
    watched.write("two.png", 2);
    wait_for_blocking("the second picture", PATIENCE, || {
        (stored() > before).then_some(())
    });
    signal(child.id(), "TERM");
    let status = wait_for_blocking("the command to stop", Duration::from_secs(180), || {
        child.try_wait().expect("a child")
    });
    assert!(status.success(), "{status} {}", log.lock());
    let later = json(watched.base.path(), &["add", &root, "--json"]);
    assert_eq!(later["scan"]["files"], 2, "{later}");
    assert_eq!(later["totals"]["embedded"], 0, "{later}");
    // The list of folders is kept, so a server goes on from here.
    let server = Server::start(watched.base.path(), "serve", &[]);
    watched.write("three.png", 3);
    watched.wait_until_equal(&server);
    assert!(server.stop().success());

    let file = watched.path("one.png").display().to_string();
    let refused = run(watched.base.path(), &["add", &file, "--watch"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
}
