//! A server whose Redis refuses the password or the database of `REDIS_URL` exits with the reason,
//! and does not wait. A data folder that does not belong to the queue is reported.

use std::time::{Duration, Instant};

use crate::harness::{Server, clippy, text};
use clippy_testing::RedisServer;

#[test]
fn a_start_fails_with_the_reason_if_redis_refuses_the_password_or_the_database() {
    const GUESS: &str = "wrong-guess-4711";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut redis = RedisServer::reserve();
    redis.restart_with(&["--requirepass", "open-sesame"]);
    let address = redis
        .url()
        .strip_prefix("redis://")
        .expect("an address")
        .to_owned();
    let wrong = format!("redis://:{GUESS}@{address}");
    let elsewhere = format!("redis://:open-sesame@{}", address.replace("/0", "/4711"));
    for (url, word) in [
        (redis.url(), "password"),
        (wrong, "password"),
        (elsewhere, "database"),
    ] {
        for arguments in [
            &["serve", "--bind", "127.0.0.1:0", "--with-worker"][..],
            &["doctor"],
        ] {
            let begun = Instant::now();
            let output = clippy(folder.path())
                .args(arguments)
                .env("REDIS_URL", &url)
                .output()
                .expect("it starts");
            let printed = text(&output.stderr) + &text(&output.stdout);
            assert!(
                !output.status.success() && begun.elapsed() < Duration::from_secs(60),
                "{arguments:?}: {printed}"
            );
            assert!(
                printed.contains(word) && printed.contains("REDIS_URL"),
                "{arguments:?}: {printed}"
            );
            assert!(
                !printed.contains(GUESS) && !printed.contains("open-sesame"),
                "{arguments:?}: {printed}"
            );
        }
    }
}

#[test]
fn a_data_folder_that_does_not_belong_to_the_queue_is_reported() {
    let (own, foreign) = (
        tempfile::tempdir().expect("a temporary folder"),
        tempfile::tempdir().expect("a temporary folder"),
    );
    let mut redis = RedisServer::reserve();
    redis.restart();
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str())];
    let _server = Server::start_with(own.path(), "serve", &["--with-worker"], &settings);
    let printed = |folder: &std::path::Path| {
        let output = clippy(folder)
            .arg("doctor")
            .envs(settings)
            .output()
            .expect("it starts");
        text(&output.stdout)
    };
    let of_own = printed(own.path());
    assert!(
        of_own.contains("the one that belongs to the queue") && !of_own.contains("not the one"),
        "{of_own}"
    );
    let of_foreign = printed(foreign.path());
    assert!(
        of_foreign.contains("is not the one that belongs to the queue")
            && of_foreign.contains("DATA_DIR"),
        "{of_foreign}"
    );
}
