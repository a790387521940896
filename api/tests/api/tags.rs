//! The routes of proposed tags, over a gallery in memory.

use std::sync::atomic::Ordering;

use clippy_core::embedding::Embedder;
use clippy_core::gallery::{GalleryWriter, Payload, words_of};
use clippy_core::ids::PointId;
use clippy_testing::FakeEmbedder;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{DIMENSION, Setup, TestServer, json as body, problem, secrets};

/// Proposes `round` for pictures 0 to 9 and `red` for pictures 0 to 4; with `old`, by a replaced
/// model.
async fn with_proposals(server: &TestServer, old: bool) {
    let model = FakeEmbedder::new(DIMENSION);
    let by = if old {
        "old"
    } else {
        &model.info().fingerprint
    };
    for id in 0..10_u64 {
        let mut tags = vec![("round", 0.99 - 0.01 * id as f64)];
        tags.extend((id < 5).then_some(("red", 0.5)));
        let words: Vec<&str> = tags.iter().map(|(tag, _)| *tag).collect();
        let proposed: Vec<Value> = tags
            .iter()
            .map(|(tag, probability)| json!({ "tag": tag, "probability": probability }))
            .collect();
        let fields = Payload::from_iter([
            ("proposed_tags".to_owned(), proposed.into()),
            ("proposed_words".to_owned(), words.into()),
            ("proposed_by".to_owned(), by.into()),
        ]);
        server
            .gallery
            .set_payload(id.into(), fields)
            .await
            .expect("stored");
    }
}

fn code_of(status: u16) -> &'static str {
    match status {
        403 => "forbidden",
        404 => "not_found",
        422 => "unsupported",
        _ => "invalid_input",
    }
}

async fn proposed(server: &TestServer, query: &str) -> Value {
    let answer = server
        .get(&format!("/api/tags/proposed{query}"))
        .send()
        .await;
    body(answer.expect("an answer")).await
}

async fn review(server: &TestServer, decisions: &Value) -> Value {
    let answer = server.post("/api/tags/review").json(decisions).send().await;
    body(answer.expect("an answer")).await
}

#[tokio::test]
async fn proposals_are_listed_by_tag_and_page_by_page() {
    let server = TestServer::start().await;
    assert_eq!(
        proposed(&server, "").await,
        json!({ "groups": [], "next_cursor": null, "outdated": 0 })
    );
    with_proposals(&server, false).await;
    let all = proposed(&server, "").await;
    let groups = all["groups"].as_array().expect("groups");
    assert_eq!(
        (&groups[0]["tag"], &groups[0]["count"]),
        (&json!("round"), &json!(10))
    );
    assert_eq!(
        (&groups[1]["tag"], &groups[1]["count"]),
        (&json!("red"), &json!(5))
    );
    assert_eq!(
        groups[0]["pictures"][0],
        json!({ "id": 0, "probability": 0.99, "image_url": groups[0]["pictures"][0]["image_url"] })
    );

    let first = proposed(&server, "?limit=1").await;
    assert_eq!(first["groups"][0]["tag"], "round");
    let cursor = first["next_cursor"].as_str().expect("more");
    let second = proposed(&server, &format!("?limit=1&cursor={cursor}")).await;
    assert_eq!(
        (&second["groups"][0]["tag"], &second["next_cursor"]),
        (&json!("red"), &Value::Null)
    );

    let probable = proposed(&server, "?at_least=0.9").await;
    assert_eq!(
        probable["groups"].as_array().map(Vec::len),
        Some(1),
        "{probable}"
    );

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = proposed(
            &server,
            &format!("?tag=round&at_least=0.915&limit=3{cursor}"),
        )
        .await;
        let pictures = page["groups"][0]["pictures"].as_array().expect("pictures");
        seen.extend(
            pictures
                .iter()
                .map(|picture| picture["id"].as_u64().expect("a number")),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn decisions_about_pictures_are_carried_out() {
    let server = TestServer::start().await;
    with_proposals(&server, false).await;
    let decisions = json!({
        "accept": [{ "id": 0, "tags": ["round", "red"] }, { "id": 1, "tags": ["round"] }],
        "reject": [{ "id": 1, "tags": ["red"] }],
    });
    let mut reviewed = review(&server, &decisions).await;
    let change = reviewed["change"].take();
    assert_eq!(
        reviewed,
        json!({ "accepted": 3, "rejected": 1, "pictures": 2, "more": false, "change": null })
    );
    let undo = json!({ "action": "restore", "filter": { "change": change }, "dry_run": true });
    let kept = server.post("/api/pictures/bulk").json(&undo).send().await;
    assert_eq!(body(kept.expect("an answer")).await["count"], 2);
    let payload = server.gallery.point(1).payload;
    assert_eq!(words_of(&payload, "tags_all").last(), Some("round"));
    assert_eq!(words_of(&payload, "rejected_tags").last(), Some("red"));
    let again = review(&server, &decisions).await;
    assert_eq!(again["pictures"], 0, "once is enough");

    let all = json!({ "tag": "round", "at_least": 0.925, "action": "accept" });
    assert_eq!(review(&server, &all).await["accepted"], 5);
    let rest = json!({ "tag": "round", "action": "reject" });
    assert_eq!(review(&server, &rest).await["rejected"], 3);
    let left = proposed(&server, "").await;
    assert_eq!(left["groups"].as_array().map(Vec::len), Some(1), "{left}");
    let shown = server
        .get("/api/pictures?ids=2,3")
        .send()
        .await
        .expect("an answer");
    let shown = body(shown).await.to_string();
    assert!(!shown.contains("proposed_"), "{shown}");
}

#[tokio::test]
async fn proposals_of_a_replaced_model_are_counted_and_neither_shown_nor_accepted() {
    let server = TestServer::start().await;
    with_proposals(&server, true).await;
    let all = proposed(&server, "").await;
    assert_eq!(
        all,
        json!({ "groups": [], "next_cursor": null, "outdated": 10 })
    );
    let decisions = json!({ "accept": [{ "id": 0, "tags": ["round"] }] });
    assert_eq!(review(&server, &decisions).await["pictures"], 0);
    let found = server
        .search(&json!({ "query_text": "round", "top": 3 }))
        .await;
    let found = body(found).await;
    assert!(
        found["results"]
            .as_array()
            .expect("results")
            .iter()
            .all(|hit| hit["lexical"] != 1.0)
    );
}

#[tokio::test]
async fn a_search_counts_a_proposed_tag_less_than_a_real_one() {
    let server = TestServer::start().await;
    let query = json!({ "query_text": "red", "top": 50, "collapse": false });
    let score = async |id: u64| {
        let found = body(server.search(&query).await).await;
        let results = found["results"].as_array().expect("results").clone();
        let hit = results.into_iter().find(|hit| hit["id"] == id);
        hit.expect("found")["score"].as_f64().expect("a number")
    };
    let before = [score(0).await, score(30).await, score(20).await];
    with_proposals(&server, false).await;
    let mut tags = Payload::new();
    tags.insert("tags_all".to_owned(), vec!["red"].into());
    server
        .gallery
        .set_payload(30.into(), tags)
        .await
        .expect("stored");
    let proposed = score(0).await - before[0];
    let tagged = score(30).await - before[1];
    assert!(
        tagged > 1.5 * proposed && proposed > 0.01,
        "{tagged} {proposed}"
    );
    assert!((score(20).await - before[2]).abs() < 1e-6);
}

#[tokio::test]
async fn bad_input_has_a_clear_answer_and_changes_nothing() {
    let server = TestServer::start().await;
    with_proposals(&server, false).await;
    let before = server.gallery.points.lock().clone();
    let long = "x".repeat(10_000);
    let many: Vec<String> = (0..50_000).map(|number| format!("tag{number}")).collect();
    let pictures: Vec<Value> = (0..501)
        .map(|id| json!({ "id": id, "tags": ["a"] }))
        .collect();
    for (decisions, status, reason) in [
        (
            json!({ "accept": [{ "id": 0, "tags": ["round"] }, { "id": 777, "tags": ["a"] }] }),
            404,
            "777",
        ),
        (
            json!({ "accept": [{ "id": 0, "tags": [long] }] }),
            400,
            "10000 bytes",
        ),
        (
            json!({ "tag": long, "action": "accept" }),
            400,
            "10000 bytes",
        ),
        (json!({ "accept": pictures }), 400, "500"),
        (json!({}), 400, "accept"),
        (json!({ "tag": "round" }), 400, "action"),
        (
            json!({ "tag": "round", "action": "accept", "at_least": 7 }),
            400,
            "at_least",
        ),
        (json!({ "tag": "round", "action": "keep" }), 422, "keep"),
        (json!({ "tag": "round", "actoin": "accept" }), 422, "actoin"),
        (
            json!({ "accept": [{ "id": 0, "tags": ["a"] }], "text_template": "x" }),
            400,
            "{tags}",
        ),
    ] {
        let answer = server
            .post("/api/tags/review")
            .json(&decisions)
            .send()
            .await;
        // A mistyped field is invalid input.
        let code = if reason == "keep" {
            "invalid_input"
        } else {
            code_of(status)
        };
        let status = StatusCode::from_u16(status).expect("a status");
        let problem = problem(answer.expect("an answer"), status, code).await;
        let detail = problem["detail"].as_str().expect("a reason");
        assert!(detail.contains(reason), "{detail}");
    }
    let decisions = json!({ "accept": [{ "id": 0, "tags": many }] });
    let answer = server
        .post("/api/tags/review")
        .json(&decisions)
        .send()
        .await;
    let status = answer.expect("an answer").status();
    assert!(matches!(status.as_u16(), 400 | 413), "{status}");
    for query in [
        "?limit=0",
        "?limit=201",
        "?at_least=2",
        "?cursor=x",
        "?tag=",
        "?tag=a&cursor=x",
    ] {
        let answer = server
            .get(&format!("/api/tags/proposed{query}"))
            .send()
            .await;
        problem(
            answer.expect("an answer"),
            StatusCode::BAD_REQUEST,
            "invalid_input",
        )
        .await;
    }
    server.gallery.schema_version.store(4, Ordering::SeqCst);
    let answer = server
        .get("/api/tags/proposed")
        .send()
        .await
        .expect("an answer");
    let refused = problem(answer, StatusCode::UNPROCESSABLE_ENTITY, "unsupported").await;
    assert!(
        refused["detail"]
            .as_str()
            .expect("a reason")
            .contains("clippy migrate")
    );
    assert_eq!(*server.gallery.points.lock(), before);
}

#[tokio::test]
async fn a_job_is_started_once_for_good_input_and_refused_for_other() {
    let server = TestServer::start().await;
    let words = server.data.path().join("words.txt");
    std::fs::write(&words, "cat\n").expect("written");
    let start = async |request: &Value| {
        let sent = server
            .post("/api/admin/tag")
            .header("idempotency-key", "one");
        sent.json(request).send().await.expect("an answer")
    };
    let request = json!({ "vocabulary": "words.txt", "at_least": 0.8 });
    let first = start(&request).await;
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let first: Value = first.json().await.expect("JSON");
    assert_eq!(
        (&first["kind"], &first["lane"]),
        (&json!("backfill"), &json!("bulk"))
    );
    let again: Value = start(&request).await.json().await.expect("JSON");
    assert_eq!(again["id"], first["id"]);
    for (request, status) in [
        (json!({ "at_least": 1.5 }), StatusCode::BAD_REQUEST),
        (
            json!({ "vocabulary": "missing.txt" }),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({ "vocabulary": "/etc/passwd" }),
            StatusCode::FORBIDDEN,
        ),
        (json!({ "text_template": "x" }), StatusCode::BAD_REQUEST),
        (json!({ "at_lest": 0.5 }), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = server.post("/api/admin/tag").json(&request).send().await;
        problem(answer.expect("an answer"), status, code_of(status.as_u16())).await;
    }
}

#[tokio::test]
async fn only_admins_review_and_start_jobs() {
    let mut setup = Setup::default();
    setup.options.api_keys = secrets(&["artist"]);
    setup.options.admin_keys = secrets(&["admin"]);
    let server = TestServer::with(setup).await;
    with_proposals(&server, false).await;
    let decisions = json!({ "accept": [{ "id": PointId::Number(0), "tags": ["round"] }] });
    for path in ["/api/tags/review", "/api/admin/tag"] {
        for (key, expected) in [("artist", 403), ("nobody", 401)] {
            let sent = server
                .post(path)
                .header("x-api-key", key)
                .json(&decisions)
                .send()
                .await;
            assert_eq!(
                sent.expect("an answer").status().as_u16(),
                expected,
                "{path} {key}"
            );
        }
    }
    let sent = server.post("/api/tags/review").header("x-api-key", "admin");
    let answer = sent.json(&decisions).send().await.expect("an answer");
    assert_eq!(body(answer).await["accepted"], 1);
}
