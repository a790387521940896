//! The client of the API lets no error of another shape pass.

use axum::Router;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::routing::get;
use clippy_testing::{ApiClient, problem};
use reqwest::Method;

const PROBLEM: &str = "application/problem+json";

/// A server that answers a call with one answer.
async fn answering(status: u16, content_type: &'static str, body: &'static str) -> ApiClient {
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

async fn passes(status: u16, content_type: &'static str, body: &'static str) -> bool {
    let client = answering(status, content_type, body).await;
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
async fn errors_must_be_problems_of_their_own_status() {
    const GOOD: &str = r#"{"type":"t","title":"T","status":404,"detail":"d","code":"not_found"}"#;
    assert!(passes(200, "text/plain", "anything").await);
    assert!(passes(404, PROBLEM, GOOD).await);
    assert!(!passes(404, "application/json", GOOD).await);
    assert!(!passes(500, PROBLEM, GOOD).await, "of another status");
    assert!(!passes(404, PROBLEM, r#"{"detail":"d","status":404}"#).await);
    assert!(!passes(500, "text/plain", "a panic").await);
}

#[tokio::test]
async fn a_problem_is_still_there_for_the_test() {
    let body = r#"{"type":"t","title":"T","status":404,"detail":"d","code":"not_found"}"#;
    let client = answering(404, PROBLEM, body).await;
    let answer = client.request(Method::GET, "/api/jobs").send().await;
    let found = problem(
        answer.expect("an answer"),
        StatusCode::NOT_FOUND,
        "not_found",
    )
    .await;
    assert_eq!(found["detail"], "d");
}
