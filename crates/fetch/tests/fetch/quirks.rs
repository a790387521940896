//! What real sites do.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clippy_fetch::{FetchError, run};
use tokio_util::sync::CancellationToken;

use crate::site::{Site, options, page, response};

const POST: &str = r#"[{"id": 7, "tags": "cat", "file_url": "/f/7.png"}]"#;

#[tokio::test]
async fn a_busy_site_is_asked_again() {
    let site = Site::start(|number, path| {
        let busy = "429 Too Many Requests";
        Some(match number {
            0 => response(
                "200 OK",
                "content-type: text/html\r\n",
                b"<html>slow down</html>",
            ),
            1 => response(busy, "retry-after: 1000\r\n", b""),
            2 => {
                let date = "retry-after: Wed, 21 Oct 2065 07:28:00 GMT\r\n";
                response("503 Service Unavailable", date, b"")
            }
            3 => page(POST),
            5 => return None,
            6 => response("200 OK", "", b"<html>slow down</html>"),
            _ if path.contains("/f/") => response("200 OK", "", b"bytes"),
            _ => page(""),
        })
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let options = options(&site.url, folder.path(), &["cat"]);
    let outcome = run(&options, &(), &CancellationToken::new()).await.unwrap();
    assert_eq!((outcome.fetched, outcome.failed), (1, 0), "{outcome:?}");
    assert_eq!(site.count(), 8);
    assert_eq!(fs::read(folder.path().join("ALL/7.png")).unwrap(), b"bytes");
}

#[tokio::test]
async fn hostile_names_stay_inside_and_broken_posts_are_counted() {
    let posts = r#"[{"id": 1, "file_url": "/f/../../../../etc/passwd.png"},
        {"id": 2, "file_url": "/f/film.mp4"}, {"id": 3, "file_url": "file:///etc/hostname.png"},
        {"id": 4}, {"id": 5, "file_url": "/gone/5.png"},
        {"id": 6, "file_url": "/away/6.png"}, {"tags": "no id"},
        {"id": 8, "md5": "00000000000000000000000000000000", "file_url": "/f/8.png"},
        {"id": 9, "file_size": "77", "file_url": "/f/9.png"}]"#;
    let site = Site::start(move |number, path| {
        Some(match path {
            _ if number == 0 => page(posts),
            _ if path.starts_with("/gone") => response("404 Not Found", "", b""),
            _ if path.starts_with("/away") => {
                response("302 Found", "location: file:///etc/hostname\r\n", b"")
            }
            _ if path.contains(".png") => response("200 OK", "", b"bytes"),
            _ => page(""),
        })
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut options = options(&site.url, &out, &["../../up"]);
    options.union = false;
    let outcome = run(&options, &(), &CancellationToken::new()).await.unwrap();
    let counts = (
        outcome.posts,
        outcome.fetched,
        outcome.skipped,
        outcome.failed,
    );
    assert_eq!(counts, (8, 1, 3, 4), "{outcome:?}");
    assert_eq!(outcome.unreadable, 1, "{outcome:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let manifest = fs::read_to_string(out.join("manifest.jsonl")).unwrap();
    assert_eq!(manifest.lines().count(), 1);
    assert!(manifest.contains("/1.png\""), "{manifest}");
}

#[tokio::test]
async fn limits_reach_the_site_and_hold_without_it() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let site = Site::start(move |_, path| {
        seen.lock().unwrap().push(path.to_owned());
        if path.contains("/f/") {
            return Some(response("200 OK", "", b"bytes"));
        }
        Some(page(
            r#"[{"id": 9, "file_url": "/f/9.png"}, {"id": 5, "file_url": "/f/5.png"}]"#,
        ))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&site.url, folder.path(), &["a&b"]);
    (options.max_id, options.older_than_id, options.max_pages) = (Some(8), Some(20), Some(1));
    let outcome = run(&options, &(), &CancellationToken::new()).await.unwrap();
    assert_eq!((outcome.posts, outcome.fetched), (1, 1));
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert!(
        asked[0].ends_with("limit=100&pid=0&tags=a%26b%20id%3A%3C9"),
        "{}",
        asked[0]
    );
}

#[tokio::test]
async fn a_run_goes_on_only_with_its_own_arguments() {
    let site = Site::start(|_, _| Some(page(""))).await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&site.url, folder.path(), &["cat"]);
    let never = CancellationToken::new();
    let outcome = run(&options, &(), &never).await.unwrap();
    assert!(outcome.nothing_succeeded());
    options.resume = true;
    options.union = false;
    let refused = run(&options, &(), &never).await;
    assert!(matches!(refused, Err(FetchError::Refused(_))));
    options.base_url = "ftp://example.org".to_owned();
    let refused = run(&options, &(), &never).await;
    assert!(matches!(refused, Err(FetchError::Usage(_))));
}

#[tokio::test]
async fn tags_without_posts_are_named() {
    let site = Site::start(|_, path| {
        Some(match path {
            _ if path.contains("/f/") => response("200 OK", "", b"bytes"),
            _ if path.ends_with("pid=0&tags=cat") => page(POST),
            _ if path.ends_with("tags=gone") => response("403 Forbidden", "", b""),
            _ => page(""),
        })
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let options = options(&site.url, folder.path(), &["cat", "gone", "catt"]);
    let outcome = run(&options, &(), &CancellationToken::new()).await.unwrap();
    assert_eq!(outcome.tags_without_posts, ["catt"]);
    assert_eq!((outcome.fetched, outcome.failed), (1, 1), "{outcome:?}");
}

/// The pauses are of hours, so that this test ends only if nobody else waits for the damaged one.
#[tokio::test]
async fn a_damaged_picture_delays_its_own_worker_only() {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let site = Site::start(move |_, path| {
        Some(match path {
            _ if path.contains("/f/1.") => response("200 OK", "", b"damaged"),
            _ if path.contains("/f/4.") => {
                // The others were fetched before, as the second worker fetches in order.
                stop.cancel();
                response("200 OK", "", b"bytes")
            }
            _ if path.contains("/f/") => response("200 OK", "", b"bytes"),
            _ => page(
                r#"[{"id": 1, "md5": "00000000000000000000000000000000", "file_url": "/f/1.png"},
                {"id": 2, "file_url": "/f/2.png"}, {"id": 3, "file_url": "/f/3.png"},
                {"id": 4, "file_url": "/f/4.png"}]"#,
            ),
        })
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&site.url, folder.path(), &["cat"]);
    options.max_pages = Some(1);
    (options.pauses.shortest, options.pauses.longest) =
        (Duration::from_secs(7200), Duration::from_secs(7200));
    let ended = run(&options, &(), &cancel);
    let outcome = tokio::time::timeout(Duration::from_secs(60), ended).await;
    let outcome = outcome
        .expect("nobody waits for a damaged picture")
        .unwrap();
    assert!(outcome.fetched >= 2, "{outcome:?}");
    assert!(!folder.path().join("ALL/1.png").exists());
}

#[tokio::test]
async fn pictures_larger_than_the_limit_and_what_is_read_of_them_are_left_out() {
    let site = Site::start(|_, path| {
        Some(if path.contains("/f/") {
            response("200 OK", "", &vec![b'x'; (64 << 20) + 1])
        } else if path.contains("pid=0") {
            page(POST)
        } else {
            page("")
        })
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let options = options(&site.url, folder.path(), &["cat"]);
    let outcome = run(&options, &(), &CancellationToken::new()).await.unwrap();
    assert_eq!((outcome.fetched, outcome.failed), (0, 1), "{outcome:?}");
    assert!(outcome.failures[0].contains("larger than"), "{outcome:?}");
    let left = fs::read_dir(folder.path().join("ALL")).unwrap().count();
    let parts = fs::read_dir(folder.path().join(".clippy-fetch/parts")).unwrap();
    assert_eq!((left, parts.count()), (0, 0));
}

#[tokio::test]
async fn a_server_calls_no_private_address_but_the_site() {
    let secret = Site::start(|_, _| Some(response("200 OK", "", b"secret"))).await;
    let port = secret.url.rsplit_once(':').unwrap().1.to_owned();
    let private = secret.url.clone();
    let site = Site::start(move |_, path| {
        Some(match path {
            _ if path.contains("/f/") => response("200 OK", "", b"bytes"),
            _ if path.contains("/away/") => {
                let to = format!("location: {private}/3.png\r\n");
                response("302 Found", &to, b"")
            }
            _ if path.contains("pid=0") => page(&format!(
                r#"[{{"id": 1, "file_url": "/f/1.png"}}, {{"id": 2, "file_url": "{private}/2.png"}},
                {{"id": 3, "file_url": "/away/3.png"}},
                {{"id": 4, "file_url": "https://localhost/4.png"}},
                {{"id": 5, "file_url": "http://localhost:{port}/5.png"}}]"#
            )),
            _ => page(""),
        })
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&site.url, folder.path(), &["cat"]);
    options.public_only = true;
    let outcome = run(&options, &(), &CancellationToken::new()).await.unwrap();
    assert_eq!((outcome.fetched, outcome.failed), (1, 4), "{outcome:?}");
    assert_eq!(secret.count(), 0);
    let failures = outcome.failures.join("\n");
    assert!(failures.contains("only public addresses"), "{failures}");
    // Without the rule, the same posts lead there.
    options.public_only = false;
    options.resume = true;
    run(&options, &(), &CancellationToken::new()).await.unwrap();
    assert!(secret.count() > 0);
}
