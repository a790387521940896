//! Searches over HTTP: forms, JSON, and invalid requests.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{DIMENSION, Setup, TestServer, drawing, json as body, problem, wait_until};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clippy_api::ApiOptions;
use clippy_core::recent::RecentQueries;
use clippy_imaging::Budget;
use clippy_testing::FakeEmbedder;
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

fn ids(answer: &Value) -> Vec<Value> {
    answer["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["id"].clone())
        .collect()
}

fn file(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes)
        .file_name("sketch.png")
        .mime_str("image/png")
        .expect("a type")
}

#[tokio::test]
async fn the_older_clients_form_works_with_all_its_fields() {
    let server = TestServer::start().await;
    for path in ["/api/search/hybrid", "/search/hybrid"] {
        let form = Form::new()
            .text("user_id", "demo")
            .text("top", "5")
            .text("w_img", "0.7")
            .text("w_edge", "0.3")
            .text("w_txt", "0.2")
            .text("query_text", "")
            .text("tag_filters", "Apple, house")
            .text("personalize", "true")
            .text("mode", "hybrid")
            .text("negative_prompt_strength", "7")
            .part("mask", file(drawing()))
            .part("sketch", file(drawing()));
        let response = server
            .post(path)
            .multipart(form)
            .send()
            .await
            .expect("an answer");
        let answer = body(response).await;
        let results = answer["results"].as_array().expect("results");
        assert_eq!(results.len(), 5);
        assert_eq!(answer["priors_size"], 0);
        for stage in ["preprocess", "embed", "search", "total"] {
            assert!(answer["took_ms"][stage].is_number(), "{stage}");
        }
        assert!(answer["next_cursor"].is_string());
        for result in results {
            let id = result["id"].as_u64().unwrap_or(40);
            assert_eq!(result["path"], format!("{id}.png"));
            let payload = &result["payload"];
            assert_eq!(
                payload["image_url"],
                format!("/image/{}", result["id"].to_string().trim_matches('"'))
            );
            assert!(
                payload["_clippy_hash"].is_null(),
                "internal fields stay inside"
            );
            let tags = payload["tags_all"].as_array().expect("tags");
            assert!(tags.iter().any(|tag| tag == "apple" || tag == "house"));
            assert!(result["scores"]["image"].is_number() && result["scores"]["edge"].is_number());
            assert!(result["scores"]["text"].is_null(), "no words were sent");
        }
    }
}

#[tokio::test]
async fn files_in_json_find_the_same_as_in_a_form() {
    let server = TestServer::start().await;
    let encoded = STANDARD.encode(drawing());
    let as_url = server
        .search(&json!({ "sketch": format!("data:image/png;base64,{encoded}"), "top": 7 }))
        .await;
    let plain = server
        .search(&json!({ "sketch": encoded, "top": "7", "unknown": { "a": 1 } }))
        .await;
    let form = Form::new().part("sketch", file(drawing())).text("top", "7");
    let in_form = server
        .post("/api/search/hybrid")
        .multipart(form)
        .send()
        .await
        .expect("an answer");
    let (as_url, plain, in_form) = (body(as_url).await, body(plain).await, body(in_form).await);
    assert_eq!(ids(&as_url).len(), 7);
    assert_eq!(as_url["results"], plain["results"]);
    assert_eq!(as_url["results"], in_form["results"]);
}

#[tokio::test]
async fn likes_are_read_in_every_form_and_ids_keep_their_type() {
    let server = TestServer::start().await;
    let expected = ids(&body(server.search(&json!({ "like": [3, 4], "top": 200 })).await).await);
    assert_eq!(expected.len(), 39, "all but the two");
    assert!(!expected.contains(&json!(3)) && !expected.contains(&json!(4)));
    assert_eq!(expected.iter().filter(|id| id.is_u64()).count(), 38);
    assert!(expected.contains(&json!("00000000-0000-0000-0000-000000000007")));
    for likes in [vec!["3", "4"], vec!["3,4"], vec!["[3, \"4\"]"]] {
        let form = likes
            .iter()
            .fold(Form::new().text("top", "200"), |form, like| {
                form.text("like", (*like).to_owned())
            });
        let response = server
            .post("/api/search/hybrid")
            .multipart(form)
            .send()
            .await
            .expect("an answer");
        assert_eq!(ids(&body(response).await), expected, "{likes:?}");
    }
    let uuid = server
        .search(&json!({ "like": "00000000-0000-0000-0000-000000000007" }))
        .await;
    assert_eq!(uuid.status(), StatusCode::OK);
}

#[tokio::test]
async fn filters_reach_the_collection() {
    let server = TestServer::start().await;
    let query = json!({
        "query_text": "apple", "tag_filters": ["apple", "line_art"], "tag_mode": "all",
        "rating": "safe",
        "exclude_tags": "house", "exclude_ids": [4], "top": 200, "exact": "on"
    });
    let mut found = ids(&body(server.search(&query).await).await);
    found.sort_by_key(Value::to_string);
    // Apples are 0, 4, …, 36 and the UUID; 0, 20 and 40 are not safe, and 4 is left out.
    assert_eq!(found, [12, 16, 24, 28, 32, 36, 8].map(|id| json!(id)));
}

#[tokio::test]
async fn pages_follow_each_other_without_overlap() {
    let server = TestServer::start().await;
    let mut seen = Vec::new();
    let mut query = json!({ "query_text": "moon", "top": 15 });
    loop {
        let answer = body(server.search(&query).await).await;
        seen.extend(ids(&answer));
        match &answer["next_cursor"] {
            Value::Null => break,
            cursor => query["cursor"] = cursor.clone(),
        }
    }
    let all = ids(&body(
        server
            .search(&json!({ "query_text": "moon", "top": 200 }))
            .await,
    )
    .await);
    assert_eq!(seen, all);
    assert_eq!(seen.len(), 41);
}

#[tokio::test]
async fn invalid_requests_are_refused_with_a_reason() {
    let server = TestServer::start().await;
    let sketch = STANDARD.encode(drawing());
    let cut = STANDARD.encode(&drawing()[..60]);
    let bad = StatusCode::BAD_REQUEST;
    for (query, status, code, said) in [
        (json!({}), bad, "invalid_input", "nothing to search for"),
        (
            json!({ "query_text": "  " }),
            bad,
            "invalid_input",
            "nothing to search for",
        ),
        (json!([1]), bad, "invalid_input", "JSON object"),
        (
            json!({ "sketch": STANDARD.encode("no picture") }),
            bad,
            "invalid_picture",
            "sketch",
        ),
        (json!({ "sketch": cut }), bad, "invalid_picture", "sketch"),
        (json!({ "sketch": "%%%" }), bad, "invalid_input", "sketch"),
        (json!({ "image": 7 }), bad, "invalid_input", "image"),
        (
            json!({ "sketch": sketch, "w_img": "NaN" }),
            bad,
            "invalid_input",
            "w_img",
        ),
        (
            json!({ "sketch": sketch, "w_edge": "inf" }),
            bad,
            "invalid_input",
            "w_edge",
        ),
        (
            json!({ "sketch": sketch, "w_edge": 1e300 }),
            bad,
            "invalid_input",
            "w_edge",
        ),
        (
            json!({ "sketch": sketch, "w_txt": -0.1 }),
            bad,
            "invalid_input",
            "w_txt",
        ),
        (
            json!({ "sketch": sketch, "w_img": 0, "w_edge": 0, "w_txt": 0 }),
            bad,
            "invalid_input",
            "0",
        ),
        (
            json!({ "sketch": sketch, "w_img": "much" }),
            bad,
            "invalid_input",
            "w_img is \"much\"",
        ),
        (
            json!({ "query_text": "a", "top": 0 }),
            bad,
            "invalid_input",
            "top",
        ),
        (
            json!({ "query_text": "a", "top": 201 }),
            bad,
            "invalid_input",
            "top",
        ),
        (
            json!({ "query_text": "a", "top": -1 }),
            bad,
            "invalid_input",
            "top",
        ),
        (
            json!({ "query_text": "a", "top": 2.5 }),
            bad,
            "invalid_input",
            "top",
        ),
        (
            json!({ "query_text": "a", "cursor": "nonsense" }),
            bad,
            "invalid_input",
            "cursor",
        ),
        (
            json!({ "query_text": "a", "exact": "maybe" }),
            bad,
            "invalid_input",
            "exact",
        ),
        (
            json!({ "query_text": "a", "tag_mode": "some" }),
            bad,
            "invalid_input",
            "tag_mode",
        ),
        (
            json!({ "query_text": "a", "diversity": 2 }),
            bad,
            "invalid_input",
            "diversity",
        ),
        (
            json!({ "query_text": "a", "user_id": "a\u{7}b" }),
            bad,
            "invalid_input",
            "user_id",
        ),
        (
            json!({ "query_text": "a", "user_id": "x".repeat(300) }),
            bad,
            "invalid_input",
            "user_id",
        ),
        (
            json!({ "query_text": "a".repeat(10_001) }),
            bad,
            "invalid_input",
            "query_text",
        ),
        (json!({ "like": "apple" }), bad, "invalid_input", "like"),
        (
            json!({ "like": vec![1; 300] }),
            bad,
            "invalid_input",
            "like",
        ),
        (
            json!({ "like": 999 }),
            StatusCode::NOT_FOUND,
            "not_found",
            "999",
        ),
        (
            json!({ "query_text": "a", "min_percentile": 1.01 }),
            bad,
            "invalid_input",
            "min_percentile",
        ),
        (
            json!({ "query_text": "a", "min_percentile": "NaN" }),
            bad,
            "invalid_input",
            "min_percentile",
        ),
        (
            json!({ "query_text": "a", "min_percentile": "most" }),
            bad,
            "invalid_input",
            "min_percentile",
        ),
        (
            json!({ "query_text": "a", "diversity": "NaN" }),
            bad,
            "invalid_input",
            "diversity",
        ),
        (
            json!({ "query_text": "a", "collapse": "perhaps" }),
            bad,
            "invalid_input",
            "collapse",
        ),
        (
            json!({ "query_text": "a", "calibrated": 2 }),
            bad,
            "invalid_input",
            "calibrated",
        ),
        (
            json!({ "query_text": "a", "facets": [true] }),
            bad,
            "invalid_input",
            "facets",
        ),
        (
            json!({ "query_text": "a", "unlike": "apple" }),
            bad,
            "invalid_input",
            "unlike",
        ),
        (
            json!({ "query_text": "a", "unlike": (0..17).collect::<Vec<_>>() }),
            bad,
            "invalid_input",
            "unlike",
        ),
        (json!({ "unlike": [1] }), bad, "invalid_input", "unlike"),
        (
            json!({ "like": [1], "unlike": [2, 1] }),
            bad,
            "invalid_input",
            "picture 1",
        ),
        (
            json!({ "like": [1], "unlike": 999 }),
            StatusCode::NOT_FOUND,
            "not_found",
            "unlike",
        ),
    ] {
        let shown = query.to_string();
        let shown = &shown[..shown.len().min(200)];
        let answer = problem(server.search(&query).await, status, code).await;
        assert!(
            answer["detail"].as_str().expect("text").contains(said),
            "{shown}: {answer}"
        );
    }
}

#[tokio::test]
async fn invalid_files_are_refused() {
    let server = TestServer::start().await;
    // A PNG's header that says 60,000 x 60,000, in the right order and with the right checksums up
    // to there.
    let mut huge = drawing();
    huge[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let checksum = crc32(&huge[12..29]);
    huge[29..33].copy_from_slice(&checksum.to_be_bytes());
    let big = {
        let picture = clippy_imaging::RgbImage::new(2_500, 2_000);
        clippy_imaging::encode(&picture, clippy_imaging::Encoding::Png).expect("a picture")
    };
    for (bytes, status, code) in [
        (Vec::new(), StatusCode::BAD_REQUEST, "invalid_picture"),
        (
            b"GIF89a".to_vec(),
            StatusCode::BAD_REQUEST,
            "invalid_picture",
        ),
        (
            drawing()[..drawing().len() / 2].to_vec(),
            StatusCode::BAD_REQUEST,
            "invalid_picture",
        ),
        (huge, StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        (big, StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
    ] {
        for field in ["sketch", "image"] {
            let form = Form::new().part(field, file(bytes.clone()));
            let response = server
                .post("/api/search/hybrid")
                .multipart(form)
                .send()
                .await
                .expect("an answer");
            let answer = problem(response, status, code).await;
            assert!(
                answer["detail"].as_str().expect("text").starts_with(field),
                "{answer}"
            );
        }
    }
    // A browser sends an empty part for an empty file input, which is ignored.
    let empty = Part::bytes(Vec::new())
        .file_name("")
        .mime_str("application/octet-stream")
        .expect("a type");
    let form = Form::new().part("image", empty).text("query_text", "apple");
    let response = server
        .post("/api/search/hybrid")
        .multipart(form)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

#[tokio::test]
async fn bodies_of_other_kinds_and_sizes_are_refused() {
    let options = ApiOptions {
        search_body_bytes: 100_000,
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let search = || server.post("/api/search/hybrid");
    let unsupported = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let response = search()
        .body("query_text=apple")
        .send()
        .await
        .expect("an answer");
    problem(response, unsupported, "unsupported_media_type").await;
    let response = search()
        .header("content-type", "text/plain")
        .body("apple")
        .send()
        .await
        .expect("an answer");
    problem(response, unsupported, "unsupported_media_type").await;
    for content_type in [
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/json",
    ] {
        let response = search()
            .header("content-type", content_type)
            .body("not it")
            .send()
            .await
            .expect("an answer");
        problem(response, StatusCode::BAD_REQUEST, "invalid_input").await;
    }
    for size in [100_001, 5_000_000] {
        let form = Form::new().part("sketch", file(vec![7; size]));
        let response = search()
            .multipart(form)
            .send()
            .await
            .expect("an answer, not a broken connection");
        problem(response, StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
    }
    let many = (0..300).fold(Form::new(), |form, number| {
        form.text(format!("field{number}"), "x")
    });
    problem(
        search().multipart(many).send().await.expect("an answer"),
        StatusCode::BAD_REQUEST,
        "invalid_input",
    )
    .await;
}

#[tokio::test]
async fn a_full_encoder_is_503_with_a_time_and_without_internals() {
    let embedder = std::sync::Arc::new(FakeEmbedder::new(DIMENSION));
    embedder.busy.store(usize::MAX, Ordering::SeqCst);
    let server = TestServer::with(Setup {
        embedder,
        ..Setup::default()
    })
    .await;
    let response = server.search(&json!({ "query_text": "apple" })).await;
    assert_eq!(response.headers()["retry-after"], "1");
    let answer = problem(response, StatusCode::SERVICE_UNAVAILABLE, "overloaded").await;
    assert!(!answer.to_string().contains("clip-3"), "{answer}");
}

#[tokio::test]
async fn more_searches_than_places_are_refused_at_once() {
    let options = ApiOptions {
        searches_at_once: 2,
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let gate = server.gallery.gate.clone().lock_owned().await;
    let query = json!({ "query_text": "apple" });
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let request = server.post("/api/search/hybrid").json(&query);
        waiting.push(tokio::spawn(async move {
            request.send().await.expect("an answer").status()
        }));
    }
    crate::support::wait_until("both places are taken", || async {
        server.gallery.searches.load(Ordering::SeqCst) == 2
    })
    .await;
    let response = server.search(&query).await;
    assert!(response.headers().contains_key("retry-after"));
    problem(response, StatusCode::SERVICE_UNAVAILABLE, "overloaded").await;
    assert_eq!(
        server
            .get("/livez")
            .send()
            .await
            .expect("an answer")
            .status(),
        StatusCode::OK,
        "probes always get in"
    );
    drop(gate);
    for search in waiting {
        assert_eq!(search.await.expect("no panic"), StatusCode::OK);
    }
    crate::support::wait_until("places are given back", || async {
        server.search(&query).await.status() == StatusCode::OK
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_its_place_while_its_threads_work_after_a_504() {
    let options = ApiOptions {
        searches_at_once: 1,
        request_timeout: Duration::from_millis(300),
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    // The thread that decodes the drawing waits for memory.
    let budget = Budget::of_decoding(1);
    let all = budget.acquire_async(budget.total(), Duration::from_secs(20));
    let memory = all.await.expect("free memory");
    let sketch = json!({ "sketch": STANDARD.encode(drawing()) });
    let late = server.search(&sketch).await;
    problem(late, StatusCode::GATEWAY_TIMEOUT, "timeout").await;
    let words = json!({ "query_text": "apple" });
    let refused = server.search(&words).await;
    problem(refused, StatusCode::SERVICE_UNAVAILABLE, "overloaded").await;
    drop(memory);
    crate::support::wait_until("the place to be free", || async {
        server.search(&words).await.status() == StatusCode::OK
    })
    .await;
}

#[tokio::test]
async fn feedback_changes_the_ranking_only_for_its_artist() {
    let server = TestServer::start().await;
    let saved = json!({ "user_id": "ada", "image_id": "6", "action": "save" });
    let answer = body(
        server
            .post("/api/feedback")
            .json(&saved)
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(
        answer,
        json!({ "ok": true, "updated_tags": 2, "updated_style": true })
    );
    let profile = body(
        server
            .get("/api/profile?user_id=ada&top=5")
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(profile["user_id"], "ada");
    assert_eq!(profile["tags"], json!({ "cat": 0.1, "line_art": 0.1 }));
    assert_eq!(profile["styles"], json!({ "line_art": 0.1 }));
    assert_eq!(profile["counts"]["saved"], 1);
    let priors = |user: &str, personalize: &str| {
        let query = json!({ "query_text": "cat", "user_id": user, "personalize": personalize });
        let server = &server;
        async move { body(server.search(&query).await).await["priors_size"].clone() }
    };
    assert_eq!(priors("ada", "1").await, 2);
    assert_eq!(priors("ada", "off").await, 0);
    assert_eq!(priors("bob", "on").await, 0);

    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    for (form, status, code) in [
        (
            json!({ "user_id": "ada", "image_id": 999, "action": "save" }),
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        (
            json!({ "user_id": " ", "image_id": 6, "action": "save" }),
            StatusCode::BAD_REQUEST,
            "invalid_input",
        ),
        (
            json!({ "user_id": "ada", "image_id": 6, "action": "love" }),
            unprocessable,
            "invalid_input",
        ),
        (
            json!({ "image_id": 6, "action": "save" }),
            unprocessable,
            "invalid_input",
        ),
    ] {
        problem(
            server
                .post("/api/feedback")
                .json(&form)
                .send()
                .await
                .expect("an answer"),
            status,
            code,
        )
        .await;
    }
    let broken = server
        .post("/api/feedback")
        .header("content-type", "application/json")
        .body("{")
        .send()
        .await;
    problem(
        broken.expect("an answer"),
        StatusCode::BAD_REQUEST,
        "invalid_input",
    )
    .await;
    let plain = server
        .post("/api/feedback")
        .body("{}")
        .send()
        .await
        .expect("an answer");
    problem(
        plain,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
    )
    .await;
    let large = server
        .post("/api/feedback")
        .json(&json!({ "user_id": "x".repeat(400_000) }))
        .send()
        .await;
    problem(
        large.expect("an answer"),
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
    )
    .await;
    let nobody = server.get("/api/profile").send().await.expect("an answer");
    problem(nobody, StatusCode::BAD_REQUEST, "invalid_input").await;
}

#[tokio::test]
async fn only_words_and_likes_of_searches_are_recorded() {
    let server = TestServer::start().await;
    let search = async |body: Value| {
        let response = server
            .post("/api/search/hybrid")
            .json(&body)
            .send()
            .await
            .expect("an answer");
        response.status()
    };
    let sketch = format!("data:image/png;base64,{}", STANDARD.encode(drawing()));
    assert_eq!(
        search(json!({"query_text": "apple", "user_id": "mika", "w_txt": 1})).await,
        StatusCode::OK
    );
    assert_eq!(
        search(json!({"like": [3], "negative_text": "night"})).await,
        StatusCode::OK
    );
    assert_eq!(
        search(json!({"query_text": "secret", "sketch": sketch})).await,
        StatusCode::OK
    );
    assert_eq!(
        search(json!({"query_text": "a ".repeat(400)})).await,
        StatusCode::OK
    );
    assert_eq!(
        search(json!({"query_text": "house", "top": 0})).await,
        StatusCode::BAD_REQUEST
    );
    let remembered = RecentQueries::recent(&*server.recent);
    let written = serde_json::to_string(&remembered).expect("JSON");
    assert_eq!(remembered.len(), 2, "{written}");
    assert_eq!(remembered[1].text.as_deref(), Some("apple"));
    assert_eq!(
        (
            remembered[0].like.len(),
            remembered[0].negative_text.as_deref()
        ),
        (1, Some("night"))
    );
    for personal in ["mika", "secret", "user"] {
        assert!(!written.contains(personal), "{written}");
    }
}

#[tokio::test]
async fn a_search_uses_the_pair_that_is_live_when_it_begins() {
    let server = TestServer::start().await;
    let query = json!({"query_text": "apple", "w_txt": 1});
    let search = || server.post("/api/search/hybrid").json(&query).send();
    assert_eq!(
        body(search().await.expect("an answer")).await["collection"],
        "memory"
    );

    // A search that is under way while the pair is replaced ends in the collection that it began
    // with.
    let gate = server.gallery.gate.clone().lock_owned().await;
    let before = server.gallery.searches.load(Ordering::SeqCst);
    let under_way = tokio::spawn(search());
    wait_until("the search to begin", || async {
        server.gallery.searches.load(Ordering::SeqCst) > before
    })
    .await;
    let other = std::sync::Arc::new(crate::support::filled_gallery(2 * DIMENSION).await);
    server.live.replace(clippy_core::live::Live {
        name: "other".to_owned(),
        embedder: std::sync::Arc::new(FakeEmbedder::new(2 * DIMENSION)),
        gallery: other,
    });
    let after = body(search().await.expect("an answer")).await;
    assert_eq!(after["collection"], "other");
    assert_eq!(after["results"].as_array().expect("results").len(), 24);
    drop(gate);
    let old = body(under_way.await.expect("no panic").expect("an answer")).await;
    assert_eq!(old["collection"], "memory");
    let model = body(server.get("/api/model").send().await.expect("an answer")).await;
    assert_eq!(model["dimension"], 2 * DIMENSION);
}
