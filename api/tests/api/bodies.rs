//! Bodies: what is only announced holds nothing, what comes too slowly is refused, and what is
//! passed over costs nothing.

use std::time::Duration;

use clippy_api::ApiOptions;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::memory::peak_of;
use crate::support::{Setup, TestServer, problem};

async fn with_options(options: ApiOptions) -> TestServer {
    TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await
}

/// Returns a socket on which a body was announced and begun.
async fn begin_body(
    server: &TestServer,
    path: &str,
    kind: &str,
    length: usize,
    sent: &[u8],
) -> TcpStream {
    let mut socket = TcpStream::connect(server.address).await.expect("connected");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {kind}\r\ncontent-length: \
         {length}\r\n\r\n",
        server.address
    );
    socket.write_all(head.as_bytes()).await.expect("sent");
    socket.write_all(sent).await.expect("sent");
    socket
}

/// Returns all that the server sends until it closes the connection.
async fn said(mut socket: TcpStream) -> String {
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), socket.read_to_end(&mut said)).await;
    read.expect("the server closes the connection")
        .expect("an answer");
    String::from_utf8(said).expect("text")
}

#[tokio::test]
async fn announced_bodies_hold_no_place() {
    let options = ApiOptions {
        searches_at_once: 1,
        calls_at_once: 1,
        streams_at_once: 1,
        held_body_bytes: 1 << 20,
        search_body_bytes: 1 << 20,
        ..ApiOptions::default()
    };
    let server = with_options(options).await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        for path in [
            "/api/search/hybrid",
            "/api/references/suggest",
            "/api/images/generate",
            "/api/generate_image",
            "/api/feedback",
        ] {
            idle.push(begin_body(&server, path, "application/json", 200_000, b"{").await);
        }
        idle.push(
            begin_body(
                &server,
                "/api/search/hybrid",
                "multipart/form-data; boundary=x",
                1_000_000,
                b"--x\r\n",
            )
            .await,
        );
    }
    for _ in 0..3 {
        assert_eq!(
            server
                .search(&json!({ "query_text": "apple" }))
                .await
                .status(),
            StatusCode::OK
        );
        let feedback = json!({ "user_id": "mika", "image_id": 7, "action": "click" });
        let counted = server
            .post("/api/feedback")
            .json(&feedback)
            .send()
            .await
            .expect("an answer");
        assert_eq!(counted.status(), StatusCode::OK);
        assert_eq!(
            server
                .get("/api/facets")
                .send()
                .await
                .expect("an answer")
                .status(),
            StatusCode::OK
        );
    }
    drop(idle);
}

#[tokio::test]
async fn a_slow_body_is_answered_408_and_the_connection_ends() {
    let options = ApiOptions {
        body_window: Duration::from_millis(200),
        ..ApiOptions::default()
    };
    let server = with_options(options).await;
    // Slow from the start, or after many bytes arrived quickly: the rate is measured per window.
    for sent in [10, 100_000] {
        for (path, kind) in [
            ("/api/search/hybrid", "application/json"),
            ("/api/search/hybrid", "multipart/form-data; boundary=x"),
            ("/api/generate_image", "application/json"),
            ("/api/feedback", "application/json"),
        ] {
            let mut beginning =
                b"--x\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n"
                    .to_vec();
            beginning.resize(sent, b' ');
            let answer = said(begin_body(&server, path, kind, 200_000, &beginning).await).await;
            assert!(
                answer.starts_with("HTTP/1.1 408 "),
                "{path} {kind} {sent}: {answer}"
            );
            if path != "/api/generate_image" {
                assert!(
                    answer.contains("application/problem+json")
                        && answer.contains("request_timeout"),
                    "{answer}"
                );
            }
        }
    }
}

#[tokio::test]
async fn one_caller_cannot_use_all_the_room_for_bodies() {
    let options = ApiOptions {
        held_body_bytes: 4 << 20,
        search_body_bytes: 1 << 20,
        ..ApiOptions::default()
    };
    let server = with_options(options).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(
            begin_body(
                &server,
                "/api/search/hybrid",
                "application/json",
                1 << 20,
                &vec![b' '; 900 << 10],
            )
            .await,
        );
    }
    // The bytes from this address take three quarters of the room.
    let large = format!(
        "{{\"query_text\": \"apple\", \"x\": \"{}\"}}",
        "x".repeat(900 << 10)
    );
    let refused = async || {
        let request = server
            .post("/api/search/hybrid")
            .header("content-type", "application/json");
        request.body(large.clone()).send().await.expect("an answer")
    };
    crate::support::wait_until("no room", async || {
        refused().await.status() == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    problem(
        refused().await,
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
    )
    .await;
    drop(held);
    crate::support::wait_until("room again", async || {
        refused().await.status() == StatusCode::OK
    })
    .await;
}

#[tokio::test]
async fn unknown_parts_of_a_body_are_not_stored() {
    const LENGTH: usize = 4 << 20;
    let server = TestServer::start().await;
    let filled = |begin: &str, member: &str, end: &str| {
        format!(
            "{begin}{}{member}{end}",
            format!("{member},").repeat(LENGTH / (member.len() + 1))
        )
    };
    let deep = format!("{{\"query_text\": \"apple\", \"x\": {}", "[".repeat(LENGTH));
    for (path, body, expected) in [
        (
            "/api/search/hybrid",
            filled("{\"query_text\": \"apple\", \"x\": [", "0", "]}"),
            200,
        ),
        (
            "/api/search/hybrid",
            filled("{\"query_text\": \"apple\", \"x\": [", "{\"a\":[]}", "]}"),
            200,
        ),
        (
            "/api/search/hybrid",
            filled("{\"query_text\": \"apple\", \"like\": [", "0", "]}"),
            400,
        ),
        (
            "/api/search/hybrid",
            filled("{\"query_text\": [", "[]", "]}"),
            400,
        ),
        (
            "/api/search/hybrid",
            filled("{\"sketch\": [", "{}", "]}"),
            400,
        ),
        ("/api/search/hybrid", filled("[", "0", "]"), 400),
        ("/api/search/hybrid", deep.clone(), 400),
        (
            "/api/references/suggest",
            filled(
                "{\"query_text\": \"apple\", \"tag_filters\": [",
                "\"\"",
                "]}",
            ),
            400,
        ),
        (
            "/api/images/generate",
            filled("{\"refs\": [", "{}", "]}"),
            422,
        ),
        (
            "/api/images/generate",
            filled("{\"style_tags\": [", "\"\"", "]}"),
            422,
        ),
        (
            "/api/images/generate",
            filled("{\"refs\": [{\"id\": [", "0", "]}]}"),
            422,
        ),
        (
            "/api/images/estimate",
            filled("{\"prompt\": [", "0", "]}"),
            422,
        ),
        (
            "/api/images/estimate",
            filled("{\"query\": {\"x\": [", "0", "]}, \"provider\": \"none\"}"),
            400,
        ),
        (
            "/api/generate_image",
            filled("{\"subject\": \"a\", \"n\": [", "0", "]}"),
            400,
        ),
        (
            "/api/generate_image",
            filled("{\"refs\": [", "{}", "]}"),
            422,
        ),
        ("/api/generate_image", deep, 400),
    ] {
        let begin: String = body.chars().take(50).collect();
        let request = server
            .post(path)
            .header("content-type", "application/json")
            .body(body);
        let (answer, peak) = peak_of(async { request.send().await.expect("an answer") }).await;
        assert_eq!(answer.status().as_u16(), expected, "{path} {begin}");
        // The body is in memory in the request and in the server, and partly in the sockets.
        assert!(
            peak < 4 * LENGTH,
            "{path} {begin}: {} MiB for a body of {} MiB",
            peak >> 20,
            LENGTH >> 20
        );
    }
    // An error does not repeat a long text.
    let long = json!({ "count": "x".repeat(1 << 20) });
    let answer = server
        .post("/api/images/generate")
        .json(&long)
        .send()
        .await
        .expect("an answer");
    let told: Value = answer.json().await.expect("JSON");
    assert!(
        told["detail"]
            .as_str()
            .is_some_and(|detail| detail.len() < 1_000),
        "{}",
        told["status"]
    );
}

#[tokio::test]
async fn a_form_without_a_part_is_refused_before_it_has_arrived_completely() {
    let server = with_options(ApiOptions::default()).await;
    let kind = "multipart/form-data; boundary=x";
    let path = "/api/search/hybrid";
    let junk = vec![b'-'; 256 << 10];
    let before = b"--x\r\ncontent-disposition: form-data; name=\"query_text\"; a=\"".to_vec();
    for begin in [Vec::new(), before] {
        let sent = [begin, junk.clone()].concat();
        // The whole body has arrived, but it contains no part.
        let socket = begin_body(&server, path, kind, sent.len(), &sent).await;
        let answer = answer_of(socket).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("16 KiB before a part"), "{answer}");
    }
    // A large file and an unknown part are accepted.
    let form = reqwest::multipart::Form::new()
        .text("unknown", "x".repeat(300 << 10))
        .text("query_text", "apple");
    let answer = server.post(path).multipart(form).send().await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
}

/// The beginning of an answer on a connection that may stay open.
async fn answer_of(mut socket: TcpStream) -> String {
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&said).ends_with('}') {
        let read = tokio::time::timeout(Duration::from_secs(30), socket.read(&mut buffer)).await;
        let read = read.expect("an answer in time").expect("an answer");
        if read == 0 {
            break;
        }
        said.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&said).into_owned()
}
