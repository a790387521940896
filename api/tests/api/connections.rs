//! Connections: bounded, never idle for long, closed when an answer is not taken; and heads that
//! cannot be read.

use std::sync::Arc;
use std::time::Duration;

use clippy_api::{ApiOptions, ConnectionLimits};
use clippy_core::pictures::PictureContent;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::memory::peak_of;
use crate::support::{FakePictures, Setup, TestServer, problem, wait_until};

async fn with_limits(connections: ConnectionLimits) -> TestServer {
    let options = ApiOptions {
        connections,
        ..ApiOptions::default()
    };
    TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await
}

/// Sends these bytes, and returns the answer when the connection has ended.
async fn answer(server: &TestServer, sent: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address).await.expect("connected");
    socket.write_all(sent).await.expect("sent");
    rest(&mut socket).await
}

async fn rest(socket: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), socket.read_to_end(&mut said)).await;
    let _ = read.expect("the server closes the connection");
    String::from_utf8_lossy(&said).into_owned()
}

fn is_problem(answer: &str, status: u16) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(
        head.to_lowercase()
            .contains("content-type: application/problem+json"),
        "{answer}"
    );
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["status"], status, "{body}");
    assert!(
        body["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty()),
        "{body}"
    );
}

#[tokio::test]
async fn an_unreadable_head_is_answered_with_a_problem() {
    let server = TestServer::start().await;
    // Twice the size of the buffer for a head.
    let long = "x".repeat(140_000);
    for (sent, status) in [
        (
            "GET / HTTP/1.1\r\nhost: localhost\r\nbad header\r\n\r\n".to_owned(),
            400,
        ),
        ("nonsense\r\n\r\n".to_owned(), 400),
        (
            format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {long}\r\n\r\n"),
            431,
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
                "x-many: 1\r\n".repeat(200)
            ),
            431,
        ),
        (
            format!(
                "GET /healthz?{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
                "y".repeat(20_000)
            ),
            414,
        ),
    ] {
        is_problem(&answer(&server, sent.as_bytes()).await, status);
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let server = TestServer::start().await;
    for path in [
        "/api/image/%ff",
        "/image/%ff",
        "/api/jobs/%ff",
        "/api/jobs/%ff/events",
        "/api/jobs/%ff/images/0",
        "/api/pictures?ids=%ff",
        "/api/facets?limit=%ff",
        "/assets/%ff",
        "/docs/%ff",
        "/docs/none.js",
        "/%ff",
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let said = answer(&server, request.as_bytes()).await;
        let status: u16 = said[9..12].parse().expect("a status");
        assert!((400..500).contains(&status), "{path}: {said}");
        is_problem(&said, status);
    }
    let brewed = server
        .client
        .request("BREW".parse().expect("a method"), server.url("/healthz"));
    problem(
        brewed.send().await.expect("an answer"),
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
    )
    .await;
}

#[tokio::test]
async fn one_connection_too_many_is_answered_503() {
    let server = with_limits(ConnectionLimits {
        at_once: 3,
        ..ConnectionLimits::default()
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(server.address).await.expect("connected"));
    }
    let mut more = TcpStream::connect(server.address).await.expect("connected");
    is_problem(&rest(&mut more).await, 503);
    drop(held);
    wait_until("a place", async || {
        server
            .get("/livez")
            .send()
            .await
            .is_ok_and(|answer| answer.status() == StatusCode::OK)
    })
    .await;
}

#[tokio::test]
async fn a_connection_without_a_complete_head_is_closed() {
    let limits = ConnectionLimits {
        head_timeout: Duration::from_millis(200),
        ..ConnectionLimits::default()
    };
    let server = with_limits(limits).await;
    for sent in ["", "GET /livez HTTP/1.1\r\nhost: local"] {
        answer(&server, sent.as_bytes()).await;
    }
    // An idle connection that was used before is closed too.
    let said = answer(&server, b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
}

/// The size of a file that is far larger than any socket's buffer.
const LARGE: u64 = 48 << 20;

fn large_pictures() -> Arc<FakePictures> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.as_file().set_len(LARGE).expect("a sparse file");
    FakePictures::new(move |_, _| {
        let file = file.reopen().expect("the file");
        Ok(PictureContent::File(file, LARGE))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_does_not_read_a_picture_is_disconnected_and_costs_little() {
    let connections = ConnectionLimits {
        answer_window: Duration::from_millis(500),
        answer_least: 1 << 20,
        ..ConnectionLimits::default()
    };
    let options = ApiOptions {
        files_at_once: 20,
        connections,
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        pictures: large_pictures(),
        ..Setup::default()
    })
    .await;
    let request = format!(
        "GET /api/image/7 HTTP/1.1\r\nhost: {}\r\n\r\n",
        server.address
    );
    let ((), peak) = peak_of(async {
        let mut held = Vec::new();
        // One caller has at most three quarters of the places.
        for _ in 0..15 {
            let mut socket = TcpStream::connect(server.address).await.expect("connected");
            socket.write_all(request.as_bytes()).await.expect("sent");
            let mut begin = [0; 12];
            socket
                .read_exact(&mut begin)
                .await
                .expect("an answer begins");
            assert_eq!(&begin, b"HTTP/1.1 200");
            held.push(socket);
        }
        let get = async || {
            server
                .get("/api/image/8")
                .send()
                .await
                .expect("an answer")
                .status()
        };
        assert_eq!(
            get().await,
            StatusCode::SERVICE_UNAVAILABLE,
            "all places are taken"
        );
        wait_until("those who take nothing are cut off", async || {
            get().await == StatusCode::OK
        })
        .await;
        drop(held);
    })
    .await;
    assert!(
        peak < 32 << 20,
        "{} MiB for fifteen readers of {} MiB",
        peak >> 20,
        LARGE >> 20
    );
    // A caller that reads the answer gets all of it.
    let whole = server.get("/api/image/9").send().await.expect("an answer");
    assert_eq!(
        whole.headers()["content-length"].to_str().expect("text"),
        LARGE.to_string()
    );
    assert_eq!(whole.bytes().await.expect("a body").len() as u64, LARGE);
}
