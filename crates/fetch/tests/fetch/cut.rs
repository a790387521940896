//! A run that is cut after any request and goes on gives the files of an undisturbed one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clippy_fetch::{FetchError, run};
use tokio_util::sync::CancellationToken;

use crate::site::{Site, options, page, response};

// md5 of "picture N\n" for N from 1, as md5sum prints it.
const PICTURES: [(u64, &str); 4] = [
    (1, "1c3430afcbb5ac1503c4b50c9320cb5f"),
    (2, "3933dd4231a09c771aeb736896ff97cb"),
    (3, "4b7d96dd0fab1a97dfe29fc96c3cbf66"),
    (4, "037a67f7b5213097ba75e88aef1b6a03"),
];

fn post(id: u64) -> String {
    let md5 = PICTURES[id as usize - 1].1;
    let place = match id {
        3 => r#""directory": "a/b", "image": "3.png""#.to_owned(),
        _ => format!(r#""file_url": "/files/{id}.png""#),
    };
    let md5 = match id {
        2 => String::new(),
        4 => format!(r#""hash": "{md5}","#),
        _ => format!(r#""md5": "{md5}","#),
    };
    format!(r#"{{"id": "{id}", "tags": "cat x{id}", "score": "5", {md5} {place}}}"#)
}

/// A healthy site with two tags: cat has posts 4 3 on a page and 2 on another, red_hair has 3 1.
fn healthy(path: &str) -> Option<Vec<u8>> {
    let number = |text: &str| text.split(['.', '&']).next()?.parse::<u64>().ok();
    if let Some((_, rest)) = path.split_once("pid=") {
        let page_number = number(rest)?;
        let ids: &[u64] = match (path.rsplit_once("tags=")?.1, page_number) {
            ("cat", 0) => &[4, 3],
            ("cat", 1) => &[2],
            ("red%5Fhair", 0) => &[3, 1],
            _ => return Some(page("")),
        };
        let posts: Vec<String> = ids.iter().map(|id| post(*id)).collect();
        return Some(page(&format!("[{}]", posts.join(","))));
    }
    let id = number(path.rsplit_once('/')?.1)?;
    Some(response("200 OK", "", format!("picture {id}\n").as_bytes()))
}

/// All files below a folder but the run's own record.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_file() {
            found.insert(name, fs::read(entry.path()).unwrap());
        } else if name != ".clippy-fetch" {
            for (inner, content) in files(&entry.path()) {
                found.insert(format!("{name}/{inner}"), content);
            }
        }
    }
    found
}

/// Runs with a cut after every number of requests. `dead` is what the site does then.
async fn cut_everywhere(
    union: bool,
    dead: impl Fn() -> Option<Vec<u8>> + Clone + Send + Sync + 'static,
) {
    let limit = Arc::new(AtomicU64::new(u64::MAX));
    let begun = Arc::new(AtomicU64::new(0));
    let (most, from) = (limit.clone(), begun.clone());
    // One address for all runs, since it is part of the files.
    let site = Site::start(move |number, path| {
        if number - from.load(Ordering::SeqCst) >= most.load(Ordering::SeqCst) {
            return dead();
        }
        healthy(path)
    })
    .await;
    let never = CancellationToken::new();
    let whole = tempfile::tempdir().unwrap();
    let mut options = options(&site.url, whole.path(), &["cat", "red_hair"]);
    options.union = union;
    let outcome = run(&options, &(), &never).await.unwrap();
    assert_eq!((outcome.fetched, outcome.failed), (4, 0), "{outcome:?}");
    let expected = files(whole.path());
    assert_eq!(
        expected.len(),
        if union { 7 } else { 8 },
        "{:?}",
        expected.keys()
    );
    let total = site.count();
    assert_eq!(total, 9);
    for cut in 0..total {
        let folder = tempfile::tempdir().unwrap();
        folder.path().clone_into(&mut options.out);
        options.resume = false;
        begun.store(site.count(), Ordering::SeqCst);
        limit.store(cut, Ordering::SeqCst);
        let outcome = run(&options, &(), &never).await.unwrap();
        assert!(
            outcome.stopped.is_some() || outcome.failed > 0,
            "cut {cut}: {outcome:?}"
        );
        limit.store(u64::MAX, Ordering::SeqCst);
        let before = site.count();
        let refused = run(&options, &(), &never).await;
        assert!(
            matches!(refused, Err(FetchError::Refused(_))),
            "cut {cut}: {refused:?}"
        );
        options.resume = true;
        let outcome = run(&options, &(), &never).await.unwrap();
        assert_eq!(
            (outcome.fetched + outcome.kept, outcome.failed),
            (4, 0),
            "cut {cut}"
        );
        // What was answered before the cut is not asked for again.
        assert_eq!(site.count() - before, total - cut, "cut {cut}");
        assert!(files(folder.path()) == expected, "cut {cut}: other files");
    }
}

#[tokio::test]
async fn a_run_that_was_cut_goes_on() {
    cut_everywhere(true, || None).await;
}

#[tokio::test]
async fn a_run_whose_answers_end_early_goes_on() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\npicture".to_vec();
    cut_everywhere(false, move || Some(half.clone())).await;
}

#[tokio::test]
async fn a_cancelled_run_goes_on() {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let site = Site::start(move |number, path| {
        if number == 7 {
            stop.cancel();
        }
        healthy(path)
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&site.url, folder.path(), &["cat", "red_hair"]);
    options.workers = 1;
    let outcome = run(&options, &(), &cancel).await.unwrap();
    assert_eq!(outcome.stopped.as_deref(), Some("stopped"));
    options.resume = true;
    // A damaged file is fetched again.
    let damaged = folder.path().join("ALL/1.png");
    assert!(damaged.exists());
    fs::write(&damaged, "damaged").unwrap();
    let outcome = run(&options, &(), &CancellationToken::new()).await.unwrap();
    assert!(
        outcome.fetched >= 2 && outcome.fetched + outcome.kept == 4,
        "{outcome:?}"
    );
    assert_eq!(fs::read(&damaged).unwrap(), b"picture 1\n");
}
