//! A session of Clippy 0.2's web client, call by call, with the fields that it sent: also those
//! that nobody reads any more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::{Form, Part};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestServer, drawing};

async fn answered(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.expect("text");
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

fn names(value: &Value) -> Vec<&String> {
    let mut names: Vec<&String> = value.as_object().expect("an object").keys().collect();
    names.sort();
    names
}

/// Every field of the contract's search, and some of other programs.
fn search_fields() -> Vec<(&'static str, &'static str)> {
    vec![
        ("query_text", "apple"),
        ("negative_text", "house"),
        ("w_img", "0.7"),
        ("w_edge", "0.3"),
        ("w_txt", "0.2"),
        ("top", "3"),
        ("tag_filters", "apple,house"),
        ("tag_mode", "any"),
        ("exclude_tags", "car"),
        ("exact", "true"),
        ("diversity", "0"),
        ("user_id", "demo"),
        ("personalize", "true"),
        ("style_cluster", "3"),
        ("use_prefs", "1"),
        ("session", "a1b2"),
    ]
}

#[tokio::test]
async fn its_search_works_as_a_form_and_as_json_field_for_field() {
    let server = TestServer::start().await;
    let sketch = drawing();
    let file = || {
        Part::bytes(sketch.clone())
            .file_name("sketch.png")
            .mime_str("image/png")
            .expect("a type")
    };
    let mut found = Vec::new();
    for path in ["/search/hybrid", "/api/search/hybrid"] {
        let form = search_fields()
            .into_iter()
            .fold(Form::new(), |form, (name, value)| form.text(name, value));
        let form = form.part("sketch", file()).part("mask", file());
        found.push(
            answered(
                server
                    .post(path)
                    .multipart(form)
                    .send()
                    .await
                    .expect("an answer"),
            )
            .await,
        );

        let mut fields: Value = search_fields()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        fields["sketch"] = json!(format!(
            "data:image/png;base64,{}",
            STANDARD.encode(&sketch)
        ));
        fields["w_img"] = json!(0.7);
        fields["top"] = json!(3);
        fields["exact"] = json!(true);
        fields["client"] = json!({ "name": "clippy-web", "version": [0, 2] });
        found.push(
            answered(
                server
                    .post(path)
                    .json(&fields)
                    .send()
                    .await
                    .expect("an answer"),
            )
            .await,
        );
    }
    for answer in &found {
        let results = answer["results"].as_array().expect("results");
        assert_eq!(results.len(), 3);
        assert!(answer["priors_size"].is_u64() && answer["took_ms"]["total"].is_number());
        assert!(
            answer
                .as_object()
                .expect("an object")
                .contains_key("next_cursor")
        );
        for (result, first) in results
            .iter()
            .zip(found[0]["results"].as_array().expect("results"))
        {
            assert_eq!(
                result["id"], first["id"],
                "the form and the JSON mean the same"
            );
            for space in ["image", "edge", "text"] {
                assert!(result["scores"][space].is_number(), "{space}: {result}");
            }
            for field in ["path", "tags_all", "source_post_url", "image_url"] {
                assert!(
                    names(&result["payload"]).iter().any(|name| *name == field),
                    "{field}: {result}"
                );
            }
        }
    }
}

#[tokio::test]
async fn its_feedback_and_profile_work_with_unknown_fields() {
    let server = TestServer::start().await;
    for action in ["click", "save"] {
        for image_id in [json!(1), json!("1")] {
            let call = json!({ "user_id": "demo", "image_id": image_id, "action": action,
            "tags": ["apple"],
                               "style_cluster": 2, "ts": 1_700_000_000,
                               "query": { "text": "apple" } });
            let answer = answered(
                server
                    .post("/api/feedback")
                    .json(&call)
                    .send()
                    .await
                    .expect("an answer"),
            )
            .await;
            assert_eq!(names(&answer), ["ok", "updated_style", "updated_tags"]);
            assert_eq!(
                (&answer["ok"], &answer["updated_tags"]),
                (&json!(true), &json!(1))
            );
        }
    }
    let profile = server
        .get("/api/profile?user_id=demo&top=5&verbose=1")
        .send()
        .await
        .expect("an answer");
    let profile = answered(profile).await;
    assert_eq!(names(&profile), ["counts", "styles", "tags", "user_id"]);
    assert!(
        profile["tags"]["apple"]
            .as_f64()
            .is_some_and(|weight| weight > 0.0),
        "{profile}"
    );
}

#[tokio::test]
async fn errors_have_the_detail_that_it_shows() {
    let server = TestServer::start().await;
    let form = Form::new()
        .text("query_text", "apple")
        .text("w_img", "much");
    let response = server
        .post("/search/hybrid")
        .multipart(form)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let problem: Value = response.json().await.expect("JSON");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("w_img")),
        "{problem}"
    );
}
