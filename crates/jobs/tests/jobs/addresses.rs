//! Values of `REDIS_URL`: what a server refuses is reported at once, without waiting for it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clippy_core::ErrorCode;
use clippy_jobs::{
    JobKind, JobStore, Lane, LaneLimits, NewJob, RedisJobs, RedisReport, RedisSettings,
};
use serde_json::json;

use crate::support::{Redis, connect};

const SECRET: &str = "open-sesame";

async fn refused(url: &str) -> clippy_core::Error {
    let error = RedisJobs::connect(url, RedisSettings::default())
        .await
        .expect_err(url);
    assert!(
        !error.message.contains(SECRET) && !error.message.contains("guess"),
        "{}",
        error.message
    );
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_or_database_is_invalid_and_a_stopped_server_unavailable() {
    let redis = Redis::start();
    let port = redis.port();
    let away = refused("redis://:guess@127.0.0.1:1/0").await;
    assert_eq!(
        away.code,
        ErrorCode::Unavailable,
        "a caller may wait for this one: {}",
        away.message
    );
    let elsewhere = refused(&format!("redis://127.0.0.1:{port}/4711")).await;
    assert_eq!(elsewhere.code, ErrorCode::InvalidInput);
    assert!(
        elsewhere.message.contains("database"),
        "{}",
        elsewhere.message
    );

    let mut connection = redis.connection().await;
    let mut command = async |words: &[&str]| {
        let mut command = redis::cmd(words[0]);
        command
            .arg(&words[1..])
            .query_async::<()>(&mut connection)
            .await
            .expect("done");
    };
    command(&["CONFIG", "SET", "requirepass", SECRET]).await;
    command(&[
        "ACL",
        "SETUSER",
        "reader",
        "on",
        &format!(">{SECRET}"),
        "~*",
        "+get",
    ])
    .await;
    for (url, word) in [
        (format!("redis://127.0.0.1:{port}/0"), "asks for a password"),
        (format!("redis://127.0.0.1:{port}/3"), "asks for a password"),
        (
            format!("redis://:guess@127.0.0.1:{port}/0"),
            "refuses the user or the password",
        ),
        (
            format!("redis://nobody:{SECRET}@127.0.0.1:{port}/0"),
            "refuses the user or the password",
        ),
        (
            format!("redis://:{SECRET}@127.0.0.1:{port}/4711"),
            "database",
        ),
        (
            format!("redis://reader:{SECRET}@127.0.0.1:{port}/0"),
            "does not let the user",
        ),
    ] {
        let error = refused(&url).await;
        assert_eq!(
            error.code,
            ErrorCode::InvalidInput,
            "{url}: {}",
            error.message
        );
        assert!(error.message.contains(word), "{url}: {}", error.message);
        assert!(RedisReport::ask(&url, "clippy").await.is_err(), "{url}");
    }
    connect(
        &format!("redis://:{SECRET}@127.0.0.1:{port}/0"),
        "test",
        LaneLimits::default(),
    )
    .await;
    for nonsense in ["apple", "redis://", "http://127.0.0.1", "rediss//127.0.0.1"] {
        assert_eq!(
            refused(nonsense).await.code,
            ErrorCode::InvalidInput,
            "{nonsense}"
        );
    }
}

/// Does nothing by itself. The test below starts this program with it, since trusted certificates
/// are read from the environment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_client() {
    let (Ok(url), Ok(expected)) = (
        std::env::var("CLIPPY_TEST_TLS_URL"),
        std::env::var("CLIPPY_TEST_TLS_WORD"),
    ) else {
        return;
    };
    if !expected.is_empty() {
        let error = refused(&url).await;
        let waited_for = expected.contains("://");
        let code = if waited_for {
            ErrorCode::Unavailable
        } else {
            ErrorCode::InvalidInput
        };
        assert_eq!(error.code, code, "{}", error.message);
        assert!(error.message.contains(&expected), "{}", error.message);
        return;
    }
    let store = connect(&url, "tls", LaneLimits::default()).await;
    let mut notices = store.watch_events();
    let new = NewJob::new(JobKind::Reindex, Lane::Control, json!({}));
    // Notices come over a connection of their own, which must use TLS as well.
    let notified = async {
        loop {
            let job = store.create(&new).await.expect("created").job;
            store.cancel(job.id).await.expect("cancelled");
            if let Ok(Ok(_)) =
                tokio::time::timeout(std::time::Duration::from_millis(300), notices.recv()).await
            {
                break;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), notified)
        .await
        .expect("notices come over TLS");
}

/// Makes a certificate authority, and its certificate and key for 127.0.0.1.
fn certificates(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let openssl = |arguments: &[&str]| {
        let done = Command::new("openssl")
            .args(arguments)
            .current_dir(folder)
            .stderr(Stdio::null())
            .status();
        assert!(done.expect("openssl runs").success(), "{arguments:?}");
    };
    let subject = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-sha256",
    ];
    openssl(
        &[
            &["req", "-x509", "-days", "2", "-subj", "/CN=authority"],
            &subject[..],
            &["-keyout", "ca.key", "-out", "ca.crt"],
        ]
        .concat(),
    );
    openssl(
        &[
            &["req", "-new", "-subj", "/CN=redis"],
            &subject[..],
            &["-keyout", "redis.key", "-out", "redis.csr"],
        ]
        .concat(),
    );
    std::fs::write(
        folder.join("names"),
        "subjectAltName=IP:127.0.0.1,DNS:localhost\n",
    )
    .expect("written");
    let sign = [
        "x509",
        "-req",
        "-in",
        "redis.csr",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
    ];
    openssl(
        &[
            &sign[..],
            &[
                "-days",
                "2",
                "-sha256",
                "-extfile",
                "names",
                "-out",
                "redis.crt",
            ],
        ]
        .concat(),
    );
    (
        folder.join("ca.crt"),
        folder.join("redis.crt"),
        folder.join("redis.key"),
    )
}

#[test]
fn rediss_uses_tls_and_trusts_the_given_authority() {
    let folder = tempfile::tempdir().expect("a folder");
    let (authority, certificate, key) = certificates(folder.path());
    let redis = Redis::start_with_tls(&authority, &certificate, &key);
    let plain = Redis::start();
    let client = |url: &str, trusted: &Path, word: &str| {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args(["--exact", "addresses::tls_client", "--nocapture"])
            .env("SSL_CERT_FILE", trusted);
        let output = command
            .env("CLIPPY_TEST_TLS_URL", url)
            .env("CLIPPY_TEST_TLS_WORD", word)
            .output()
            .expect("it starts");
        assert!(
            output.status.success(),
            "{url} {word}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let tls = format!(
        "rediss://127.0.0.1:{}/0",
        redis.tls_port().expect("it has one")
    );
    client(&tls, &authority, "");
    // With another authority's certificate, the server is not trusted.
    let stranger = tempfile::tempdir().expect("a folder");
    client(&tls, &certificates(stranger.path()).0, "certificate");
    // With TLS on one side only, the message suggests the other scheme.
    client(
        &format!("rediss://127.0.0.1:{}/0", plain.port()),
        &authority,
        "redis:// for a port without TLS",
    );
    client(
        &tls.replace("rediss", "redis"),
        &authority,
        "rediss:// for a port with TLS",
    );
}
