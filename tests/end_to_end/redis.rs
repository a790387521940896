//! What a server does when Redis refuses what `REDIS_URL` says: it says so and ends, instead of
//! waiting for ever.

use std::time::{Duration, Instant};

use crate::harness::{clippy, text};
use clippy_testing::RedisServer;

#[test]
fn a_redis_that_refuses_the_password_or_the_database_ends_the_start_with_the_reason() {
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
            let said = text(&output.stderr) + &text(&output.stdout);
            assert!(
                !output.status.success() && begun.elapsed() < Duration::from_secs(60),
                "{arguments:?}: {said}"
            );
            assert!(
                said.contains(word) && said.contains("REDIS_URL"),
                "{arguments:?}: {said}"
            );
            assert!(
                !said.contains(GUESS) && !said.contains("open-sesame"),
                "{arguments:?}: {said}"
            );
        }
    }
}
