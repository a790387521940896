//! Tests `clippy add`: folders become a gallery, without a manifest.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Server, clippy, gallery, json, run, text, wait_for_blocking};

/// Makes a folder of pictures as an artist has them: some in sub-folders, one with a text beside
/// it, and other files.
fn folder_of_pictures() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let some = gallery_pictures(4);
    let pictures = folder.path().join("pictures");
    fs::create_dir_all(pictures.join("Line Art")).expect("made");
    for (from, to) in some.iter().zip([
        "Line Art/Zebrawood Fox.png",
        "IMG_0001.png",
        "Harbour",
        "Lantern.png",
    ]) {
        fs::copy(from, pictures.join(to)).expect("copied");
    }
    fs::write(
        pictures.join("IMG_0001.txt"),
        "quokka, night sky, creator:wada",
    )
    .expect("written");
    fs::write(pictures.join("notes.doc"), "a text").expect("written");
    folder
}

/// Returns some files of the project's own gallery.
fn gallery_pictures(count: usize) -> Vec<PathBuf> {
    let manifest = fs::read_to_string(gallery().join("manifest.jsonl")).expect("written");
    manifest
        .lines()
        .step_by(7)
        .take(count)
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            gallery().join(line["local_path"].as_str().expect("a path"))
        })
        .collect()
}

fn add(folder: &Path) -> Value {
    let pictures = folder.join("pictures").display().to_string();
    json(folder, &["add", &pictures, "--json"])
}

/// Returns the id and the path of the best result for words.
fn best(folder: &Path, words: &str) -> (String, String) {
    let found = json(folder, &["search", "--text", words, "--json"]);
    let best = &found["results"][0];
    let part = |name: &str| best[name].as_str().unwrap_or_default().to_owned();
    (part("id"), part("path"))
}

#[test]
fn an_empty_folder_becomes_a_gallery_that_is_searched_by_names_and_sidecars() {
    let folder = folder_of_pictures();
    let pictures = folder.path().join("pictures");
    let said = run(folder.path(), &["add", "pictures"]);
    let sums = text(&said.stdout);
    assert!(said.status.success(), "{}", text(&said.stderr));
    assert!(
        sums.contains("6 files in 2 folders")
            && sums.contains("4 added, 0 unchanged, 0 duplicates, 1 left out, 0 failed."),
        "{sums}"
    );
    let (fox, path) = best(folder.path(), "zebrawood");
    assert_eq!(path, "Line Art/Zebrawood Fox.png");
    assert_eq!(best(folder.path(), "quokka").1, "IMG_0001.png");
    assert_eq!(best(folder.path(), "night sky").1, "IMG_0001.png");

    // The second run opens no file: an overwritten one with the same size and time counts as
    // unchanged.
    let secret = pictures.join("Lantern.png");
    let before = fs::metadata(&secret).expect("there");
    let size = usize::try_from(before.len()).expect("small");
    fs::write(&secret, vec![0; size]).expect("written");
    let file = fs::File::options()
        .write(true)
        .open(&secret)
        .expect("there");
    let times = fs::FileTimes::new().set_modified(before.modified().expect("a time"));
    file.set_times(times).expect("set");
    let second = add(folder.path());
    assert_eq!(second["scan"]["read"], 0, "{second}");
    assert_eq!(second["scan"]["unchanged"], 4, "{second}");
    assert_eq!(second["totals"]["lines"], 0, "{second}");

    // Moved: the same point at another place. Copied: a duplicate.
    fs::create_dir(pictures.join("done")).expect("made");
    fs::rename(
        pictures.join("Line Art/Zebrawood Fox.png"),
        pictures.join("done/Zebrawood Wolf.png"),
    )
    .expect("moved");
    let moved = add(folder.path());
    assert_eq!(moved["scan"]["moved"], 1, "{moved}");
    assert_eq!(
        best(folder.path(), "zebrawood"),
        (fox.clone(), "done/Zebrawood Wolf.png".to_owned())
    );
    fs::copy(
        pictures.join("done/Zebrawood Wolf.png"),
        pictures.join("copy.png"),
    )
    .expect("copied");
    let copied = run(folder.path(), &["add", "pictures"]);
    assert!(
        text(&copied.stdout).contains("1 duplicate,"),
        "{}",
        text(&copied.stdout)
    );
    assert!(
        text(&copied.stderr).contains("copy.png has the content of"),
        "{}",
        text(&copied.stderr)
    );
    assert_eq!(best(folder.path(), "zebrawood").0, fox);
    assert!(
        fs::read_dir(folder.path().join("data/scans"))
            .expect("made by the scan")
            .next()
            .is_none(),
        "nothing is left over"
    );
}

#[test]
fn a_dry_run_reports_what_would_be_done_and_broken_files_are_named() {
    let folder = folder_of_pictures();
    let pictures = folder.path().join("pictures");
    let whole = fs::read(pictures.join("Lantern.png")).expect("read");
    fs::write(pictures.join("cut off.png"), &whole[..whole.len() / 2]).expect("written");
    let dry = run(
        folder.path(),
        &["add", "pictures", "--tags-from-folders", "--dry-run"],
    );
    assert!(dry.status.success(), "{}", text(&dry.stderr));
    assert!(
        text(&dry.stdout).contains("would be added"),
        "{}",
        text(&dry.stdout)
    );
    let styled = json(
        folder.path(),
        &["add", "pictures", "--tags-from-folders", "--json"],
    );
    assert_eq!(
        styled["totals"]["embedded"], 4,
        "the dry run stored nothing"
    );
    assert_eq!(styled["totals"]["failed"], 1, "{styled}");
    let reason = styled["reasons"]["failed"][0]["reason"]
        .as_str()
        .expect("why");
    assert!(reason.contains("cut off.png"), "{reason}");
    let by_style = json(
        folder.path(),
        &["search", "--text", "fox", "--tags", "line_art", "--json"],
    );
    assert_eq!(by_style["results"].as_array().expect("a list").len(), 1);

    for (arguments, code) in [
        (&["add", "nowhere"][..], 2),
        (&["add"], 2),
        (&["add", "pictures/cut off.png"], 1),
    ] {
        let failed = run(folder.path(), arguments);
        assert_eq!(failed.status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_list_of_paths_is_read_from_standard_input() {
    use std::io::Write as _;
    let folder = folder_of_pictures();
    let mut child = clippy(folder.path())
        .args(["add", "-", "--json"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(b"pictures/IMG_0001.png\r\npictures/Line Art\n\n")
        .expect("read");
    let output = child.wait_with_output().expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["totals"]["embedded"], 2, "{report}");
}

#[test]
fn a_running_server_adds_the_folders_and_tells_other_callers_what_to_do() {
    let folder = folder_of_pictures();
    let server = Server::start(folder.path(), "serve", &[]);
    let api = server.api();
    let outside = folder.path().join("pictures");
    let post = |path: &Path| {
        let body = json!({"paths": [path], "tags_from_folders": true});
        api.post_json("/api/admin/add", &body)
    };
    let refused = post(&outside).expect(403).json();
    let detail = refused["detail"].as_str().expect("a reason");
    assert!(
        detail.contains("clippy add") && detail.contains("IMAGES_ROOT"),
        "{detail}"
    );

    // The owner of the data folder can add any folder while the server runs.
    let added = add(folder.path());
    assert_eq!(added["totals"]["embedded"], 4, "{added}");
    assert_eq!(added["scan"]["files"], 6, "{added}");
    assert_eq!(
        best(folder.path(), "zebrawood").1,
        "Line Art/Zebrawood Fox.png"
    );
    let said = run(folder.path(), &["add", "pictures"]);
    assert!(
        text(&said.stdout).contains("0 added, 4 unchanged"),
        "{}{}",
        text(&said.stdout),
        text(&said.stderr)
    );

    // From now on the folder is recorded, and the page can add it again.
    fs::copy(
        gallery_pictures(5).last().expect("five"),
        outside.join("Narwhal.png"),
    )
    .expect("copied");
    let job = post(&outside).expect(202).json();
    let id = job["id"].as_str().expect("an id");
    let ended = api.wait_for_job(id, Duration::from_secs(180));
    assert_eq!(ended["kind"], "ingest");
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert_eq!(ended["result"]["scan"]["new"], 1, "{ended}");
    assert_eq!(
        ended["result"]["scan"]["described_anew"], 4,
        "with their folders as tags"
    );
    assert_eq!(best(folder.path(), "narwhal").1, "Narwhal.png");
    let image = format!("/api/image/{}", best(folder.path(), "narwhal").0);
    assert!(!api.get(&image).expect(200).body.is_empty());
    assert!(server.stop().success());
    let later = add(folder.path());
    assert_eq!(later["scan"]["described_anew"], 0, "{later}");
    assert_eq!(
        later["scan"]["unchanged"], 5,
        "they keep the tags of their folders"
    );
}

#[test]
fn uploaded_pictures_are_found_by_their_names_tags_and_likeness_and_are_served() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), "serve", &[]);
    let client = clippy_http::blocking_client().build().expect("a client");
    let get = |path: &str| client.get(format!("{}{path}", server.url)).send();
    let upload = |names: &[&str], tags: &str| {
        let mut form = reqwest::blocking::multipart::Form::new().text("tags", tags.to_owned());
        for (name, from) in names.iter().zip(gallery_pictures(names.len())) {
            let bytes = fs::read(from).expect("read");
            let part = reqwest::blocking::multipart::Part::bytes(bytes);
            form = form.part("files", part.file_name((*name).to_owned()));
        }
        let answer = client
            .post(format!("{}/api/pictures", server.url))
            .multipart(form)
            .send()
            .expect("it serves");
        assert_eq!(answer.status().as_u16(), 202);
        let job: Value = answer.json().expect("JSON");
        let id = job["id"].as_str().expect("an id").to_owned();
        let ended = wait_for_blocking("the job to end", Duration::from_secs(180), || {
            let job: Value = get(&format!("/api/jobs/{id}"))
                .and_then(reqwest::blocking::Response::json)
                .expect("JSON");
            (job["state"] == "succeeded" || job["state"] == "failed").then_some(job)
        });
        assert_eq!(ended["state"], "succeeded", "{ended}");
        (job, ended)
    };

    let (job, ended) = upload(&["Zebrawood Fox.png", "IMG_0001.JPG", "Harbour"], "quokka");
    assert_eq!(ended["result"]["totals"]["embedded"], 3, "{ended}");
    let (id, path) = best(folder.path(), "zebrawood");
    assert_eq!(job["ids"][0], id.as_str());
    assert!(path.ends_with("/Zebrawood Fox.png"), "{path}");
    let found = json(folder.path(), &["search", "--text", "quokka", "--json"]);
    assert_eq!(found["results"].as_array().expect("results").len(), 3);
    let picture = get(&format!("/api/image/{id}")).expect("it serves");
    assert_eq!(picture.status().as_u16(), 200);
    let sent = fs::read(&gallery_pictures(1)[0]).expect("read");
    assert_eq!(picture.bytes().expect("bytes").as_ref(), sent);

    // The same pictures again are the same points, and further tags are added to theirs.
    let (again, ended) = upload(&["Other.png", "IMG_0001.JPG", "Harbour"], "narwhal");
    assert_eq!(again["ids"], job["ids"]);
    assert_eq!(ended["result"]["scan"]["new"], 0, "{ended}");
    let collection: Value = get("/api/admin/collection")
        .and_then(reqwest::blocking::Response::json)
        .expect("JSON");
    assert_eq!(collection["points"], 3, "{collection}");
    let found = json(folder.path(), &["search", "--text", "narwhal", "--json"]);
    let tags = &found["results"][0]["payload"]["tags_all"];
    let has = |word: &str| tags.as_array().expect("tags").contains(&json!(word));
    assert!(has("quokka") && has("narwhal"), "{tags}");
    assert!(server.stop().success());
}

#[test]
fn after_a_kill_at_any_moment_the_next_run_completes_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).expect("made");
    for (index, from) in gallery_pictures(60).iter().enumerate() {
        fs::copy(from, pictures.join(format!("{index}.png"))).expect("copied");
    }
    // Kills it after the scan has begun, and after the collection is written to, before the stored
    // files are recorded.
    let data = folder.path().join("data");
    for watched in ["scans", "collection/journal"] {
        let before = bytes_in(&data.join(watched));
        let mut child = clippy(folder.path())
            .args(["add", "pictures"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        wait_for_blocking(watched, Duration::from_secs(180), || {
            let has_ended = child.try_wait().expect("a child").is_some();
            (has_ended || bytes_in(&data.join(watched)) > before).then_some(())
        });
        let _ = child.kill();
        child.wait().expect("a child");
    }
    add(folder.path());
    let last = add(folder.path());
    assert_eq!(last["scan"]["unchanged"], 60, "{last}");
    assert_eq!(last["scan"]["read"], 0, "{last}");
    let found = json(
        folder.path(),
        &["search", "--text", "apple", "--top", "100", "--json"],
    );
    assert_eq!(found["results"].as_array().expect("a list").len(), 60);
}

/// Returns the number of bytes of the files in a folder; 0 if it does not exist.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}
