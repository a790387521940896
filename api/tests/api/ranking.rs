//! Calibrated scores, copies, facets, completion of tags and suggested references, over HTTP.

use crate::support::{Setup, TestServer, drawing, json as body, problem, secrets};
use clippy_api::ApiOptions;
use clippy_core::gallery::{GalleryNotes, GalleryReader, GalleryWriter, Payload, Point};
use clippy_core::ids::PointId;
use clippy_core::search::duplicates::{APPEARANCE_NOTE, encode_colours};
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

#[tokio::test]
async fn hits_have_percentiles_and_min_percentile_limits_the_hits() {
    let server = TestServer::start().await;
    let all = body(server.search(&json!({ "like": [3], "top": 200 })).await).await;
    assert_eq!(
        (&all["calibrated"], &all["collapsed"]),
        (&json!(true), &json!(0))
    );
    assert!(all.get("facets").is_none(), "nobody asked for them");
    for result in all["results"].as_array().expect("results") {
        for space in ["image", "edge", "text"] {
            let percentile = result["percentiles"][space].as_f64().expect("a percentile");
            assert!((0.0..=1.0).contains(&percentile) && result["scores"][space].is_number());
        }
        assert_eq!(result["duplicates"], json!([]));
    }
    let reach = |least: f64| {
        let passes =
            |result: &&Value| result["percentile"].as_f64().expect("a percentile") >= least;
        let results = all["results"].as_array().expect("results").iter();
        results
            .filter(passes)
            .map(|result| result["id"].clone())
            .collect::<Vec<_>>()
    };
    for least in [0.3, 0.8] {
        let form = Form::new()
            .text("like", "3")
            .text("top", "200")
            .text("min_percentile", least.to_string());
        let in_form = server
            .post("/api/search/hybrid")
            .multipart(form)
            .send()
            .await
            .expect("an answer");
        let as_json = server
            .search(&json!({ "like": 3, "top": 200, "min_percentile": least }))
            .await;
        let (in_form, as_json) = (body(in_form).await, body(as_json).await);
        assert_eq!(ids(&as_json), reach(least));
        assert_eq!(in_form["results"], as_json["results"]);
        assert!(!ids(&as_json).is_empty() && ids(&as_json).len() < 39);
    }
    let raw = body(
        server
            .search(&json!({ "like": [3], "calibrated": "off" }))
            .await,
    )
    .await;
    assert_eq!(raw["calibrated"], false);
    let weighted = |result: &Value| {
        let score = |space: &str| result["scores"][space].as_f64().expect("a cosine");
        (0.7 * score("image") + 0.3 * score("edge") + 0.2 * score("text")) / 1.2
    };
    let first = &raw["results"][0];
    assert!(
        (first["score"].as_f64().expect("a score") - weighted(first)).abs() < 1e-4,
        "{first}"
    );
}

#[tokio::test]
async fn only_admins_can_calibrate() {
    let options = ApiOptions {
        api_keys: secrets(&["user"]),
        admin_keys: secrets(&["admin"]),
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let calibrate = |key: &str| server.post("/api/admin/calibrate").bearer_auth(key).send();
    problem(
        calibrate("user").await.expect("an answer"),
        StatusCode::FORBIDDEN,
        "forbidden",
    )
    .await;
    assert_eq!(
        server.gallery.note("calibration").await.expect("read"),
        None
    );
    let answer = body(calibrate("admin").await.expect("an answer")).await;
    assert_eq!(
        (&answer["points"], &answer["sampled"]),
        (&json!(41), &json!(41))
    );
    for space in ["image", "edge", "text"] {
        assert_eq!(answer["spaces"][space]["vectors"], 41);
        assert!(
            answer["spaces"][space]["deviation"]
                .as_f64()
                .expect("a number")
                > 0.1
        );
    }
    assert!(
        server
            .gallery
            .note("calibration")
            .await
            .expect("read")
            .is_some(),
        "it is kept"
    );
}

#[tokio::test]
async fn copies_are_listed_at_the_hit_that_replaces_them() {
    let server = TestServer::start().await;
    let originals = server
        .gallery
        .retrieve(&[PointId::Number(8)], clippy_core::gallery::With::ALL)
        .await
        .expect("read");
    let looks = |point: &Point, id: u64| {
        let mut payload: Payload = point.payload.clone();
        payload.insert("phash".to_owned(), "00ff00ff00ff00ff".into());
        payload.insert(
            "_clippy".to_owned(),
            json!({ APPEARANCE_NOTE: encode_colours(&[90; 192]) }),
        );
        Point {
            id: PointId::Number(id),
            vectors: point.vectors.clone(),
            payload,
        }
    };
    let copies = [8, 108, 109].map(|id| looks(&originals[0], id)).to_vec();
    server.gallery.upsert(copies).await.expect("stored");
    let answer = body(server.search(&json!({ "like": [3], "top": 200 })).await).await;
    let standing = answer["results"]
        .as_array()
        .expect("results")
        .iter()
        .find(|result| result["id"] == 8);
    assert_eq!(
        standing.expect("it is there")["duplicates"],
        json!([108, 109])
    );
    assert_eq!((ids(&answer).len(), &answer["collapsed"]), (40, &json!(2)));
    for off in [json!(false), json!("0")] {
        let answer = body(
            server
                .search(&json!({ "like": [3], "top": 200, "collapse": off }))
                .await,
        )
        .await;
        assert_eq!((ids(&answer).len(), &answer["collapsed"]), (42, &json!(0)));
    }
}

#[tokio::test]
async fn facets_come_with_the_results_and_tags_are_completed() {
    let server = TestServer::start().await;
    let query = json!({ "like": [3], "top": 2, "facets": true, "tag_filters": "cat" });
    let facets = body(server.search(&query).await).await["facets"].clone();
    let expected = json!({
        "of": 10, "tags": [{ "value": "cat", "count": 10 }], "styles": [{ "value": "line_art",
        "count": 10 }], "style_groups": []
    });
    assert_eq!(facets, expected);

    let tags = |query: &str| {
        let request = server.get(&format!("/api/tags{query}"));
        async move {
            let answer = body(request.send().await.expect("an answer")).await;
            answer["tags"]
                .as_array()
                .expect("tags")
                .iter()
                .map(|tag| tag["value"].clone())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(tags("?prefix=A").await, ["apple", "line_art", "pixel_art"]);
    assert_eq!(tags("?prefix=pixel%20a").await, ["pixel_art"]);
    assert_eq!(tags("?limit=1").await, ["line_art"]);
    assert_eq!(tags("?prefix=zebra").await, Vec::<Value>::new());
    for wrong in [
        "?limit=0",
        "?limit=101",
        "?limit=x",
        &format!("?prefix={}", "x".repeat(300)),
    ] {
        let response = server
            .get(&format!("/api/tags{wrong}"))
            .send()
            .await
            .expect("an answer");
        problem(response, StatusCode::BAD_REQUEST, "invalid_input").await;
    }
}

#[tokio::test]
async fn suggested_references_fit_the_provider() {
    let server = TestServer::start().await;
    let suggest = |query: Value| {
        let request = server.post("/api/references/suggest").json(&query);
        async move { request.send().await.expect("an answer") }
    };
    let answer = body(
        suggest(json!({ "query_text": "apple", "references": "3", "top": 1, "unknown": 1 })).await,
    )
    .await;
    assert_eq!(answer["provider"], "local");
    let references = answer["references"].as_array().expect("references");
    let roles: Vec<_> = references
        .iter()
        .map(|reference| reference["role"].clone())
        .collect();
    assert_eq!(roles, ["subject", "style", "style"]);
    assert!(
        references[0]["reason"]
            .as_str()
            .expect("text")
            .contains("tagged apple"),
        "{answer}"
    );
    let styles: Vec<_> = references
        .iter()
        .map(|reference| reference["style"].clone())
        .collect();
    assert_ne!(
        styles[0], styles[1],
        "the second shows another style than the first"
    );
    for reference in references {
        assert!(
            reference["weight"]
                .as_f64()
                .is_some_and(|weight| (0.0..=1.0).contains(&weight))
        );
        assert_eq!(reference["treatment"], "honoured");
        assert_eq!(
            reference["payload"]["image_url"],
            format!("/image/{}", reference["id"].to_string().trim_matches('"'))
        );
    }
    let again = body(suggest(json!({ "query_text": "apple", "references": 3 })).await).await;
    assert_eq!(again["references"], answer["references"]);

    // The suggested references can be sent in a request as they are.
    let estimate = json!({ "prompt": "an apple", "refs": answer["references"], "strict": true });
    let estimate = server
        .post("/api/images/estimate")
        .json(&estimate)
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        estimate.status(),
        StatusCode::UNPROCESSABLE_ENTITY,
        "local only approximates words"
    );
    let estimate = json!({ "refs": answer["references"], "strict": true });
    assert_eq!(
        body(
            server
                .post("/api/images/estimate")
                .json(&estimate)
                .send()
                .await
                .expect("an answer")
        )
        .await["images"],
        1
    );

    let sketch = Part::bytes(drawing())
        .file_name("sketch.png")
        .mime_str("image/png")
        .expect("a type");
    let form = Form::new()
        .part("sketch", sketch)
        .text("references", "2")
        .text("provider", "local");
    let in_form = server
        .post("/api/references/suggest")
        .multipart(form)
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        body(in_form).await["references"].as_array().map(Vec::len),
        Some(2)
    );

    let bad = StatusCode::BAD_REQUEST;
    for (query, status, code, said) in [
        (json!({}), bad, "invalid_input", "nothing to search for"),
        (
            json!({ "query_text": "a", "references": 0 }),
            bad,
            "invalid_input",
            "references",
        ),
        (
            json!({ "query_text": "a", "references": 17 }),
            bad,
            "invalid_input",
            "references",
        ),
        (
            json!({ "query_text": "a", "references": "few" }),
            bad,
            "invalid_input",
            "references",
        ),
        (
            json!({ "query_text": "a", "provider": "dalle" }),
            bad,
            "invalid_input",
            "dalle",
        ),
        (
            json!({ "query_text": "a", "w_txt": "NaN" }),
            bad,
            "invalid_input",
            "w_txt",
        ),
        (
            json!({ "query_text": "a", "provider": "gemini" }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "unsupported",
            "gemini",
        ),
        (
            json!({ "like": 999 }),
            StatusCode::NOT_FOUND,
            "not_found",
            "999",
        ),
    ] {
        let answer = problem(suggest(query.clone()).await, status, code).await;
        assert!(
            answer["detail"].as_str().expect("text").contains(said),
            "{query}: {answer}"
        );
    }
}
