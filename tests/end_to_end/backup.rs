//! `clippy backup`: copies of data folders, in use or not, that work as the originals.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use clippy_core::gallery::Point;
use clippy_core::ids::PointId;
use clippy_testing::BlockingApiClient;
use clippy_transfer::decode_page;
use serde_json::{Value, json};

use crate::harness::{
    Server, gallery, ingest_some, json as run_json, run, short_manifest, text, wait_for_blocking,
};

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// All pictures of a server, with their vectors.
fn points(api: &BlockingApiClient) -> BTreeMap<PointId, Point> {
    let (mut all, mut from) = (BTreeMap::new(), String::new());
    loop {
        let answer = api
            .get(&format!("/api/admin/export/points{from}"))
            .expect(200);
        let page = decode_page(&answer.body).expect("a page");
        all.extend(page.points.into_iter().map(|point| (point.id, point)));
        match page.next {
            Some(next) => from = format!("?from={next}"),
            None => return all,
        }
    }
}

/// Moves a backup to where the commands of a test look for their data folder.
fn restore(backup: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::rename(backup, folder.path().join("data")).expect("on one disk");
    folder
}

/// The files of an export of a collection that nobody serves.
fn exported(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let export = folder.join("export");
    let _ = std::fs::remove_dir_all(&export);
    let done = run(folder, &["export", &shown(&export)]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    std::fs::read_dir(&export)
        .expect("there")
        .flatten()
        .filter(|entry| {
            !entry
                .file_name()
                .to_string_lossy()
                .starts_with("export.json")
        })
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).expect("read"))
        })
        .collect()
}

#[test]
fn a_restored_backup_has_every_bit_of_the_pictures_preferences_boards_deletions_and_jobs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    ingest_some(folder.path(), 24);
    let server = Server::start(folder.path(), "serve", &[]);
    let api = server.api();
    let first = points(&api)
        .into_keys()
        .next()
        .expect("a picture")
        .to_string();
    let feedback = json!({"user_id": "ann", "image_id": first, "action": "save"});
    let _ = api.post_json("/api/feedback", &feedback).expect(200);
    let heart = json!({"operations": [{"op": "add", "id": first, "note": "the door"}]});
    let _ = api.post_json("/api/boards/saved/items", &heart).expect(200);
    let deletion = json!({"action": "delete", "filter": {"ids": [first]}});
    let job = api
        .post_json("/api/pictures/bulk", &deletion)
        .expect(202)
        .json();
    let job = job["id"].as_str().expect("an id").to_owned();
    let ended = api.wait_for_job(&job, Duration::from_secs(120));
    assert_eq!(ended["state"], "succeeded", "{ended}");

    let place = tempfile::tempdir().expect("a temporary folder");
    let backup = place.path().join("backup");
    let made = run_json(folder.path(), &["backup", &shown(&backup), "--json"]);
    assert_eq!(made["points"], 23, "{made}");
    assert!(!folder.path().join("data/backup_target.json").exists());
    let again = run(folder.path(), &["backup", &shown(&backup)]);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again.stderr));
    let checked = run_json(
        folder.path(),
        &["backup", "--verify", &shown(&backup), "--json"],
    );
    assert_eq!(checked, made);
    let (jobs, profile) = (api.job(&job), api.get_json("/api/profile?user_id=ann"));
    let hearts = api.get_json("/api/boards/saved?payloads=false");
    assert_eq!(hearts["items"][0]["note"], "the door");
    drop(server);
    // Without a server, the command copies the folder itself.
    let quiet = place.path().join("quiet");
    let done = run(folder.path(), &["backup", &shown(&quiet)]);
    assert!(done.status.success(), "{}", text(&done.stderr));

    let original = exported(folder.path());
    assert!(original.len() >= 5 && original["tastes.jsonl"].len() > 10);
    assert!(!original["trash.jsonl"].is_empty() && !original["boards.jsonl"].is_empty());
    for copy in [&backup, &quiet] {
        let restored = restore(copy);
        assert!(exported(restored.path()) == original, "{}", copy.display());
        let doctor = run(restored.path(), &["doctor"]);
        assert!(doctor.status.success(), "{}", text(&doctor.stdout));
        let server = Server::start(restored.path(), "serve", &[]);
        assert_eq!(server.api().job(&job), jobs);
        assert_eq!(server.api().get_json("/api/profile?user_id=ann"), profile);
        let restored_hearts = server.api().get_json("/api/boards/saved?payloads=false");
        assert_eq!(restored_hearts, hearts);
        let undo = json!({"action": "restore", "filter": {"change": job}});
        let undone = server.api().post_json("/api/pictures/bulk", &undo);
        let undone = undone.expect(202).json();
        let ended = server.api().wait_for_job(
            undone["id"].as_str().expect("an id"),
            Duration::from_secs(120),
        );
        assert_eq!(ended["state"], "succeeded", "{ended}");
        assert_eq!(points(&server.api()).len(), 24);
    }
}

#[test]
fn a_backup_during_an_ingest_has_what_was_acknowledged_and_the_copy_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir_all(folder.path().join("data")).expect("made");
    short_manifest(&folder.path().join("data"), 160);
    let root = shown(gallery());
    let settings = [("IMAGES_ROOT", root.as_str())];
    let server = Server::start_with(folder.path(), "serve", &[], &settings);
    let api = server.api();
    let body = json!({"manifest": "manifest.jsonl", "clip_batch": 8, "upsert_batch": 8});
    let made = api.post_json("/api/admin/ingest", &body).expect(202).json();
    let job = made["id"].as_str().expect("an id").to_owned();
    let acknowledged = wait_for_blocking("some pictures", Duration::from_secs(120), || {
        let found = points(&api);
        (found.len() >= 16).then_some(found)
    });
    let backup = folder.path().join("backup");
    run_json(folder.path(), &["backup", &shown(&backup), "--json"]);
    let ended = api.wait_for_job(&job, Duration::from_secs(240));
    assert_eq!(ended["state"], "succeeded", "the ingest went on: {ended}");
    let all = points(&api);
    drop(server);
    let checked = run(folder.path(), &["backup", "--verify", &shown(&backup)]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));

    let restored = restore(&backup);
    let doctor = run(restored.path(), &["doctor"]);
    assert!(doctor.status.success(), "{}", text(&doctor.stdout));
    let server = Server::start_with(restored.path(), "serve", &[], &settings);
    let copied = points(&server.api());
    for (id, point) in &acknowledged {
        assert_eq!(copied.get(id), Some(point), "{id}");
    }
    let ended = server.api().wait_for_job(&job, Duration::from_secs(240));
    assert_eq!(ended["state"], "succeeded", "{ended}");
    let ids =
        |points: &BTreeMap<PointId, Point>| -> Vec<PointId> { points.keys().copied().collect() };
    assert_eq!(
        ids(&points(&server.api())),
        ids(&all),
        "the job of the copy did the rest"
    );
}

#[test]
fn what_cannot_be_backed_up_is_refused_with_advice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    ingest_some(folder.path(), 12);
    let inside = shown(&folder.path().join("data/backup"));
    let elsewhere = shown(&folder.path().join("backup"));
    let refused = |arguments: &[&str], settings: &[(&str, &str)]| {
        let output = crate::harness::clippy(folder.path())
            .args(arguments)
            .envs(settings.iter().copied())
            .output()
            .expect("it starts");
        assert!(!output.status.success(), "{arguments:?}");
        text(&output.stderr)
    };
    assert!(refused(&["backup", &inside], &[]).contains("outside of it"));
    let on_server = [("QDRANT_URL", "http://127.0.0.1:1")];
    assert!(refused(&["backup", &elsewhere], &on_server).contains("clippy export"));
    let away = ["backup", &elsewhere, "--server", "http://127.0.0.1:1"];
    assert!(refused(&away, &[]).contains("without --server"));
    assert!(refused(&["backup", "--verify", &elsewhere], &[]).contains("no backup"));

    // A caller of the server cannot choose a folder.
    let server = Server::start(folder.path(), "serve", &[]);
    let answer = server.api().post_json("/api/admin/backup", &json!({}));
    let said: Value = serde_json::from_str(answer.expect(200).text().trim()).expect("one line");
    assert!(
        said["failed"]
            .as_str()
            .expect("a reason")
            .contains("clippy backup"),
        "{said}"
    );
}
