//! The routes of exports, imports and backups.

use std::sync::Arc;

use async_trait::async_trait;
use clippy_api::ApiOptions;
use clippy_core::backup::{Backup, Copied};
use clippy_core::gallery::Point;
use clippy_core::{Error, ErrorCode, Result};
use clippy_transfer::decode_page;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, json as body, secrets};

const OCTETS: &str = "application/octet-stream";
const ALL: &str = "/api/admin/import/points?style=true&text=true&groups=true";

async fn get(server: &TestServer, path: &str) -> Value {
    body(server.get(path).send().await.expect("an answer")).await
}

async fn post(server: &TestServer, path: &str, sent: &Value) -> Value {
    let answer = server.post(path).json(sent).send().await;
    body(answer.expect("an answer")).await
}

/// The last line of a long answer.
async fn last_line(server: &TestServer, path: &str) -> Value {
    let answer = server.post(path).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let text = answer.text().await.expect("text");
    serde_json::from_str(text.trim()).expect("one line of JSON")
}

fn points(server: &TestServer) -> Vec<Point> {
    server.gallery.points.lock().values().cloned().collect()
}

#[tokio::test]
async fn one_server_imports_what_another_one_exports() {
    let (source, target) = (TestServer::start().await, TestServer::start().await);
    target.gallery.points.lock().clear();
    target.gallery.roots.lock().clear();
    let feedback = json!({"user_id": "ann", "image_id": 2, "action": "save"});
    post(&source, "/api/feedback", &feedback).await;
    let deleted = source.api.request(Method::DELETE, "/api/pictures/4");
    deleted.send().await.expect("an answer");

    let description = get(&source, "/api/admin/export").await;
    let begun = post(&target, "/api/admin/import", &description).await;
    let taken = json!({"style": true, "text": true, "groups": true, "closed": ["pictures"]});
    assert_eq!(begun, taken);

    let answer = source.get("/api/admin/export/points").send().await;
    let bytes = answer.expect("an answer").bytes().await.expect("a page");
    let page = decode_page(&bytes).expect("a page");
    assert_eq!((page.points.len(), page.next), (40, None));
    let sent = target
        .post(ALL)
        .header("content-type", OCTETS)
        .body(bytes.clone())
        .send()
        .await;
    let stored = body(sent.expect("an answer")).await;
    assert_eq!((&stored["added"], &stored["kept"]), (&json!(40), &json!(0)));
    assert_eq!(points(&target), points(&source));

    let mut after = String::new();
    let mut totals = (0, 0);
    loop {
        let path = format!("/api/admin/export/records?{after}");
        let records = get(&source, &path).await;
        let stored = post(&target, "/api/admin/import/records", &records).await;
        totals.0 += stored["tastes"]["artists"].as_u64().expect("a count");
        totals.1 += stored["deleted"].as_u64().expect("a count");
        match records["next"].as_str() {
            Some(next) => after = format!("after={next}"),
            None => break,
        }
    }
    assert_eq!(totals, (1, 1));
    let shown = get(&target, "/api/pictures/4").await;
    assert_eq!(shown["state"], "deleted");
    assert_eq!(
        last_line(&target, "/api/admin/import/finish").await,
        json!({"done": {}})
    );
}

#[tokio::test]
async fn invalid_pages_are_refused_and_change_nothing() {
    let server = TestServer::start().await;
    let before = points(&server);
    let page = server.get("/api/admin/export/points").send().await;
    let bytes = page.expect("an answer").bytes().await.expect("a page");
    for (path, sent, expected) in [
        (ALL, bytes.slice(..bytes.len() - 1), 400),
        (ALL, "not a page".into(), 400),
        ("/api/admin/import/points", bytes.clone(), 400),
        ("/api/admin/export/points?from=x", bytes.clone(), 405),
        (
            "/api/admin/import/records",
            r#"{"tastes": [{}]}"#.into(),
            415,
        ),
    ] {
        let answer = server
            .post(path)
            .header("content-type", OCTETS)
            .body(sent)
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), expected, "{path}");
    }
    for path in [
        "/api/admin/export/points?from=x",
        "/api/admin/export/records?after=x",
    ] {
        let answer = server.get(path).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    "another".clone_into(&mut server.gallery.fingerprint.lock());
    let answer = server
        .post(ALL)
        .header("content-type", OCTETS)
        .body(bytes)
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::CONFLICT);
    assert_eq!(points(&server), before);
}

/// A backup with a given end.
struct Ends(fn() -> Result<Copied>);

#[async_trait]
impl Backup for Ends {
    async fn copy(&self) -> Result<Copied> {
        (self.0)()
    }
}

#[tokio::test]
async fn a_backup_ends_with_its_result_or_its_reason() {
    let with = async |end| {
        let setup = Setup {
            backup: Some(Arc::new(Ends(end))),
            ..Setup::default()
        };
        last_line(&TestServer::with(setup).await, "/api/admin/backup").await
    };
    let made = with(|| Ok(Copied { points: 7 })).await;
    assert_eq!(made, json!({"done": {"points": 7}}));
    let refused = with(|| Err(Error::new(ErrorCode::Conflict, "a re-index is running"))).await;
    assert_eq!(refused, json!({"failed": "a re-index is running"}));
    let failed = with(|| Err(Error::internal("/secret/folder is full"))).await;
    let said = failed["failed"].as_str().expect("a reason");
    assert!(!said.contains("secret"), "{said}");

    let server = TestServer::start().await;
    let answer = server.post("/api/admin/backup").send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn every_route_needs_an_admin() {
    let keyed = TestServer::with(Setup {
        options: ApiOptions {
            api_keys: secrets(&["key"]),
            admin_keys: secrets(&["admin"]),
            ..ApiOptions::default()
        },
        ..Setup::default()
    })
    .await;
    for (method, path) in [
        (Method::GET, "/api/admin/export"),
        (Method::GET, "/api/admin/export/points"),
        (Method::GET, "/api/admin/export/records"),
        (Method::POST, "/api/admin/import"),
        (Method::POST, ALL),
        (Method::POST, "/api/admin/import/records"),
        (Method::POST, "/api/admin/import/finish"),
        (Method::POST, "/api/admin/backup"),
    ] {
        let request = keyed.api.request(method.clone(), path).bearer_auth("key");
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} {path}");
    }
}
