//! The output folder: one run at a time, and nothing of somebody else is lost.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clippy_fetch::{FetchError, run};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::site::{Site, options, page, response};

const POSTS: &str = r#"[{"id": 7, "tags": "cat", "file_url": "/f/7.png"},
    {"id": 8, "tags": "cat", "file_url": "/f/8.png"}]"#;

/// A site with two posts.
fn answer(path: &str) -> Option<Vec<u8>> {
    Some(if path.contains("/f/") {
        response("200 OK", "", b"bytes")
    } else if path.contains("pid=0") {
        page(POSTS)
    } else {
        page("")
    })
}

fn refused(outcome: Result<clippy_fetch::Outcome, FetchError>) -> String {
    match outcome {
        Err(FetchError::Refused(message)) => message,
        other => panic!("it is not refused: {other:?}"),
    }
}

fn lines(folder: &Path) -> usize {
    let manifest = fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    manifest.lines().count()
}

#[tokio::test]
async fn a_second_run_in_a_folder_is_refused_while_the_first_works() {
    let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (tell, wait) = (asked.clone(), go_on.clone());
    let site = Site::start(move |_, path| {
        if path.contains("/f/") && !wait.load(Ordering::SeqCst) {
            tell.notify_one();
            // The connection is cut, and the picture asked for again.
            return None;
        }
        answer(path)
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&site.url, folder.path(), &["cat"]);
    options.pauses.attempts = usize::MAX;
    let never = CancellationToken::new();
    let (first, cancel) = (options.clone(), never.clone());
    let first = tokio::spawn(async move { run(&first, &(), &cancel).await });
    asked.notified().await;
    options.resume = true;
    // Without a lock, the second run would ask for the pictures for ever.
    let second = tokio::time::timeout(Duration::from_secs(30), run(&options, &(), &never));
    match second.await.expect("it is refused at once") {
        Err(FetchError::Busy(message)) => assert!(message.contains("another run"), "{message}"),
        other => panic!("two runs share a folder: {other:?}"),
    }
    go_on.store(true, Ordering::SeqCst);
    assert_eq!(first.await.unwrap().unwrap().fetched, 2);
    let outcome = run(&options, &(), &never).await.unwrap();
    assert_eq!((outcome.kept, lines(folder.path())), (2, 2));
}

#[tokio::test]
async fn a_file_that_cannot_be_written_ends_the_run_and_what_is_whole_is_described() {
    let site = Site::start(|_, path| answer(path)).await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&site.url, folder.path(), &["cat"]);
    options.workers = 1;
    // The name is taken, as nothing else makes one picture of two fail.
    fs::create_dir_all(folder.path().join("ALL/8.png/full")).unwrap();
    let never = CancellationToken::new();
    let outcome = run(&options, &(), &never).await.unwrap();
    let stopped = outcome.stopped.unwrap();
    assert!(stopped.contains("8.png"), "{stopped}");
    assert_eq!((outcome.fetched, lines(folder.path())), (1, 1));

    // Where there is no room for the manifest either, both are said.
    options.resume = true;
    fs::remove_file(folder.path().join("manifest.jsonl")).unwrap();
    let written = folder.path().join(".clippy-fetch/written.jsonl");
    fs::remove_file(&written).unwrap();
    fs::remove_file(folder.path().join("ATTRIBUTION.md")).unwrap();
    fs::remove_file(folder.path().join("ids_per_tag.json")).unwrap();
    let parts = folder.path().join(".clippy-fetch/parts");
    let site_parts = parts.clone();
    let site = Site::start(move |_, path| {
        if path.contains("/f/8") {
            // Nothing can be written to the folder of parts any more.
            fs::remove_dir_all(&site_parts).unwrap();
            fs::write(&site_parts, "").unwrap();
        }
        answer(path)
    })
    .await;
    let run_file = folder.path().join(".clippy-fetch/run.json");
    let text = fs::read_to_string(&run_file).unwrap();
    fs::write(&run_file, text.replace(&options.base_url, &site.url)).unwrap();
    options.base_url.clone_from(&site.url);
    match run(&options, &(), &never).await {
        Err(FetchError::File(message)) => {
            assert!(message.contains("8.png"), "{message}");
            assert!(message.contains("manifest of what is whole"), "{message}");
        }
        other => panic!("the missing manifest is not said: {other:?}"),
    }
}

#[tokio::test]
async fn what_a_killed_run_left_is_removed_and_other_files_stay() {
    let site = Site::start(|_, path| answer(path)).await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&site.url, folder.path(), &["cat"]);
    let parts = folder.path().join(".clippy-fetch/parts");
    fs::create_dir_all(&parts).unwrap();
    fs::write(parts.join(".7.png.Ab12Cd.tmp"), "half").unwrap();
    let own = folder.path().join(".notes.tmp");
    fs::write(&own, "mine").unwrap();
    let never = CancellationToken::new();
    assert_eq!(run(&options, &(), &never).await.unwrap().fetched, 2);
    assert_eq!(fs::read_dir(&parts).unwrap().count(), 0);
    // A kill between the record of the manifest and the manifest itself.
    options.resume = true;
    let written = folder.path().join(".clippy-fetch/written.jsonl");
    let mut text = fs::read_to_string(&written).unwrap();
    text.push_str("{\"name\":\"manifest.jsonl\",\"md5\":\"0\"}\n{\"na");
    fs::write(&written, text).unwrap();
    assert_eq!(run(&options, &(), &never).await.unwrap().kept, 2);
    assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
}

#[cfg(unix)]
#[tokio::test]
async fn links_in_place_of_the_record_are_refused_before_the_first_request() {
    use std::os::unix::fs::symlink;
    let site = Site::start(|_, path| answer(path)).await;
    let away = tempfile::tempdir().unwrap();
    let target = away.path().join("file");
    for name in [
        "",
        "parts",
        "lock",
        "run.json",
        "pages.jsonl",
        "written.jsonl",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join(".clippy-fetch");
        if name.is_empty() {
            symlink(away.path(), &record).unwrap();
        } else {
            fs::create_dir(&record).unwrap();
            symlink(&target, record.join(name)).unwrap();
        }
        let options = options(&site.url, folder.path(), &["cat"]);
        let message = refused(run(&options, &(), &CancellationToken::new()).await);
        assert!(
            message.contains(name) && message.contains("link"),
            "{message}"
        );
        assert_eq!(fs::read_dir(away.path()).unwrap().count(), 0, "{name}");
    }
    assert_eq!(site.count(), 0);
}

#[tokio::test]
async fn files_of_somebody_else_are_never_overwritten() {
    let site = Site::start(|_, path| answer(path)).await;
    let never = CancellationToken::new();
    for name in ["ATTRIBUTION.md", "manifest.jsonl", "ids_per_tag.json"] {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(name);
        fs::write(&own, "mine").unwrap();
        let mut options = options(&site.url, folder.path(), &["cat"]);
        for resume in [false, true] {
            options.resume = resume;
            let before = site.count();
            let message = refused(run(&options, &(), &never).await);
            assert!(
                message.contains(name) && message.contains("move it away"),
                "{message}"
            );
            assert_eq!(site.count(), before);
            assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
        }
        fs::remove_file(&own).unwrap();
        options.resume = false;
        assert_eq!(run(&options, &(), &never).await.unwrap().fetched, 2);
        // A file of the run that somebody has changed since.
        options.resume = true;
        let mut text = fs::read_to_string(&own).unwrap();
        text.push('!');
        fs::write(&own, &text).unwrap();
        let message = refused(run(&options, &(), &never).await);
        assert!(message.contains(name), "{message}");
        assert_eq!(fs::read_to_string(&own).unwrap(), text);
    }
}
