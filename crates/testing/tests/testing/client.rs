//! The client of the API rejects errors that are not problem JSON.

use axum::Router;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::routing::get;
use clippy_testing::{ApiClient, BlockingApiClient, problem};
use reqwest::Method;

const PROBLEM: &str = "application/problem+json";

/// Starts a server with one fixed response, and returns its address.
async fn serve_at(status: u16, content_type: &'static str, body: &'static str) -> String {
    let status = StatusCode::from_u16(status).expect("a status");
    let answer = move || async move { (status, [(CONTENT_TYPE, content_type)], body) };
    let routes = Router::new().route("/api/jobs", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, routes).await });
    format!("http://{address}")
}

async fn serve(status: u16, content_type: &'static str, body: &'static str) -> ApiClient {
    ApiClient::new(serve_at(status, content_type, body).await)
}

/// Whether the client accepts a response.
async fn passes(status: u16, content_type: &'static str, body: &'static str) -> bool {
    let client = serve(status, content_type, body).await;
    let call = tokio::spawn(client.request(Method::GET, "/api/jobs").send());
    match call.await {
        Ok(answer) => answer.expect("an answer").text().await.expect("a body") == body,
        Err(panicked) => {
            assert!(panicked.is_panic());
            false
        }
    }
}

#[tokio::test]
async fn errors_must_be_problem_json_with_the_status_of_the_response() {
    const GOOD: &str = r#"{"type":"t","title":"T","status":404,"detail":"d","code":"not_found"}"#;
    assert!(passes(200, "text/plain", "anything").await);
    assert!(passes(404, PROBLEM, GOOD).await);
    assert!(!passes(404, "application/json", GOOD).await);
    assert!(!passes(500, PROBLEM, GOOD).await, "another status");
    assert!(!passes(404, PROBLEM, r#"{"detail":"d","status":404}"#).await);
    assert!(!passes(500, "text/plain", "a panic").await);
}

#[tokio::test]
async fn the_blocking_client_checks_errors_and_statuses() {
    const GOOD: &str = r#"{"type":"t","title":"T","status":404,"detail":"d","code":"not_found"}"#;
    let passes = async |content_type, status| {
        let url = serve_at(404, content_type, GOOD).await;
        let call = move || BlockingApiClient::new(&url).get("/api/jobs").expect(status);
        let call = tokio::task::spawn_blocking(move || call().json()["detail"] == "d");
        call.await.unwrap_or(false)
    };
    assert!(passes(PROBLEM, 404).await);
    assert!(!passes(PROBLEM, 200).await);
    assert!(!passes("application/json", 404).await);
}

#[tokio::test]
async fn a_test_can_read_a_problem_that_the_client_has_checked() {
    let body = r#"{"type":"t","title":"T","status":404,"detail":"d","code":"not_found"}"#;
    let client = serve(404, PROBLEM, body).await;
    let answer = client.request(Method::GET, "/api/jobs").send().await;
    let found = problem(
        answer.expect("an answer"),
        StatusCode::NOT_FOUND,
        "not_found",
    )
    .await;
    assert_eq!(found["detail"], "d");
}
