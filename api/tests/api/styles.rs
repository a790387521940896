//! The styles of the gallery: listing, naming and merging them, and searching within them.

use clippy_api::ApiOptions;
use clippy_core::gallery::STYLE_GROUP_FIELD;
use clippy_core::style_groups::{Centroid, GroupCentroid, NOTE, StyleGroup, StyleGroups, key};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{DIMENSION, Setup, TestServer, json as body, secrets};

/// Puts the gallery's pictures into three groups, by their numbers.
async fn grouped(server: &TestServer) {
    let mut groups = StyleGroups::new(
        "run".to_owned(),
        "fake-style".to_owned(),
        "fake".to_owned(),
        41,
    );
    for id in 1..=3_u64 {
        let mut centroid = vec![0.0; DIMENSION];
        centroid[id as usize] = 1.0;
        groups.groups.push(StyleGroup {
            id,
            name: format!("style {id}"),
            is_named: false,
            centroids: vec![GroupCentroid {
                id,
                centroid: Centroid::new(&centroid),
            }],
            count: 14,
            tags: vec!["line_art".to_owned()],
            // One of the covers was deleted meanwhile.
            covers: vec![id.into(), 4_321.into()],
        });
    }
    groups.next_id = 4;
    let note = serde_json::to_value(&groups).expect("JSON");
    server.gallery.notes.lock().insert(NOTE.to_owned(), note);
    for (number, point) in server.gallery.points.lock().values_mut().enumerate() {
        let id = 1 + number as u64 % 3;
        let keys = json!([key("earlier", 9), key("run", id)]);
        point.payload.insert(STYLE_GROUP_FIELD.to_owned(), keys);
    }
}

async fn list(server: &TestServer) -> Value {
    body(server.get("/api/styles").send().await.expect("an answer")).await
}

async fn refused(server: &TestServer, method: Method, path: &str, sent: Value) -> StatusCode {
    let answer = server.api.request(method, path).json(&sent).send().await;
    let answer = answer.expect("an answer");
    let status = answer.status();
    let said: Value = answer.json().await.expect("a problem");
    assert!(
        said["detail"]
            .as_str()
            .is_some_and(|detail| detail.len() < 300),
        "{said}"
    );
    status
}

#[tokio::test]
async fn styles_are_listed_with_counts_and_existing_covers() {
    let server = TestServer::start().await;
    let none = list(&server).await;
    assert_eq!(none, json!({"styles": [], "found": false}));
    grouped(&server).await;
    let listed = list(&server).await;
    let styles = listed["styles"].as_array().expect("a list");
    let counts: Vec<_> = styles
        .iter()
        .map(|style| (&style["id"], &style["count"]))
        .collect();
    assert_eq!(json!(counts), json!([[1, 14], [2, 14], [3, 13]]));
    assert_eq!(
        styles[0]["covers"],
        json!([{"id": 1, "image_url": "/image/1"}])
    );
}

#[tokio::test]
async fn a_style_is_renamed_and_merged_and_bad_requests_say_why() {
    let server = TestServer::start().await;
    let rename = json!({"name": "ink"});
    let status = refused(&server, Method::PATCH, "/api/styles/1", rename.clone()).await;
    assert_eq!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "nothing was found yet"
    );
    grouped(&server).await;

    let answer = server
        .api
        .request(Method::PATCH, "/api/styles/1")
        .json(&rename)
        .send()
        .await;
    let renamed = body(answer.expect("an answer")).await;
    assert_eq!(renamed["styles"][0]["name"], "ink");
    assert_eq!(renamed["styles"][0]["named"], true);

    let long = json!({"name": "x".repeat(10_000)});
    for (method, path, sent, expected) in [
        (
            Method::PATCH,
            "/api/styles/1",
            long,
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::PATCH,
            "/api/styles/2",
            json!({"name": "INK"}),
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::PATCH,
            "/api/styles/9",
            json!({"name": "a"}),
            StatusCode::NOT_FOUND,
        ),
        (
            Method::PATCH,
            "/api/styles/one",
            json!({"name": "a"}),
            StatusCode::NOT_FOUND,
        ),
        (
            Method::POST,
            "/api/styles/1/merge",
            json!({"into": 1}),
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::POST,
            "/api/styles/1/merge",
            json!({"into": 9}),
            StatusCode::NOT_FOUND,
        ),
    ] {
        let before = list(&server).await;
        assert_eq!(
            refused(&server, method, path, sent).await,
            expected,
            "{path}"
        );
        assert_eq!(list(&server).await, before);
    }

    let merge = server
        .api
        .request(Method::POST, "/api/styles/3/merge")
        .json(&json!({"into": 2}));
    let merged = body(merge.send().await.expect("an answer")).await;
    let counts: Vec<_> = merged["styles"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|style| (&style["id"], &style["count"]))
        .collect();
    assert_eq!(json!(counts), json!([[2, 27], [1, 14]]));
}

#[tokio::test]
async fn a_search_stays_within_styles_alone_and_with_words_and_counts_them() {
    let server = TestServer::start().await;
    let search = async |sent: Value| {
        let answer = server.post("/api/search/hybrid").json(&sent).send().await;
        answer.expect("an answer")
    };
    let status = search(json!({"style_groups": "1"})).await.status();
    assert_eq!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "nothing was found yet"
    );
    grouped(&server).await;
    // The last picture has a UUID.
    let members = |id: u64| (0..40_u64).filter(move |number| 1 + number % 3 == id);
    for sent in [
        json!({"style_groups": [2], "top": 50}),
        json!({"style_groups": "2", "query_text": "apple", "top": 50, "facets": true}),
    ] {
        let found = body(search(sent).await).await;
        let results = found["results"].as_array().expect("a list");
        let mut ids: Vec<u64> = results
            .iter()
            .filter_map(|hit| hit["id"].as_u64())
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, members(2).collect::<Vec<_>>());
        assert!(
            results[0]["payload"].get(STYLE_GROUP_FIELD).is_none(),
            "it is internal"
        );
        if let Some(facets) = found.get("facets") {
            let counted = json!([{"id": 2, "name": "style 2", "count": 14}]);
            assert_eq!(facets["style_groups"], counted);
        }
    }
    let ordered = json!({"query_text": "apple", "order": "per_style"});
    let ordered = body(search(ordered).await).await;
    let mut names: Vec<&str> = ordered["styles"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|style| style["style"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["style 1", "style 2", "style 3"]);
    for (wrong, expected) in [
        (json!({"style_groups": "9"}), StatusCode::NOT_FOUND),
        (json!({"style_groups": "ink"}), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(search(wrong).await.status(), expected);
    }
}

#[tokio::test]
async fn finding_styles_is_a_job_and_changes_need_an_admin() {
    let server = TestServer::start().await;
    let started = server
        .post("/api/admin/styles")
        .json(&json!({}))
        .send()
        .await;
    let started = started.expect("an answer");
    assert_eq!(started.status(), StatusCode::ACCEPTED);
    let started: Value = started.json().await.expect("JSON");
    assert_eq!(started["kind"], "backfill");
    let misspelt = refused(
        &server,
        Method::POST,
        "/api/admin/styles",
        json!({"afresh": true}),
    );
    assert_eq!(misspelt.await, StatusCode::UNPROCESSABLE_ENTITY);

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
        (Method::PATCH, "/api/styles/1"),
        (Method::POST, "/api/styles/1/merge"),
        (Method::POST, "/api/admin/styles"),
    ] {
        let answer = keyed
            .api
            .request(method, path)
            .bearer_auth("key")
            .json(&json!({}))
            .send()
            .await;
        assert_eq!(
            answer.expect("an answer").status(),
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}
