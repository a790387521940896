//! The client of the API rejects errors that are not problem JSON.

use axum::Router;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::routing::get;
use clippy_testing::{ApiClient, problem};
use reqwest::Method;

const PROBLEM: &str = "application/problem+json";

/// Starts a server with one fixed response, and returns a client of it.
async fn serve(status: u16, content_type: &'static str, body: &'static str) -> ApiClient {
    let status = StatusCode::from_u16(status).expect("a status");
    let answer = move || async move { (status, [(CONTENT_TYPE, content_type)], body) };
    let routes = Router::new().route("/api/jobs", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, routes).await });
    ApiClient::new(format!("http://{address}"))
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
