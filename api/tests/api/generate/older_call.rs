//! Clippy 0.2's call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clippy_api::ApiOptions;
use clippy_generate::data_url;
use clippy_imaging::{DecodeLimits, Encoding, RgbImage, decode, encode};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::studio::{get, painting, plain, post, sketch, sorted_keys, studio};
use crate::support::{json as body, problem, secrets};

#[tokio::test(flavor = "multi_thread")]
async fn the_three_bodies_of_the_older_call_are_answered_in_its_form() {
    let server = studio(ApiOptions::default()).await;
    let painted = data_url("image/png", &painting(90));
    let ground = RgbImage::from_pixel(96, 96, [200, 180, 40].into());
    let ground = data_url(
        "image/png",
        &encode(&ground, Encoding::Png).expect("a picture"),
    );
    let bodies = [
        (
            json!({"subject_ref": {"image_url": painted, "caption": "an apple"},
            "image_url": sketch(),
                   "style_tags": ["pixel_art", "cubism"],
                   "subject_type_default": "SUBJECT_TYPE_PRODUCT", "n": 1}),
            "subject_plus_sketch",
            1,
            vec![
                ("subject_type", json!("SUBJECT_TYPE_PRODUCT")),
                ("control", json!("scribble")),
                ("style_tags_ignored", json!(["cubism"])),
            ],
        ),
        (
            json!({"refs": [{"image_url": painted}, {"image_url": "/image/3", "tags": ["apple"]}],
                   "image_url": sketch(), "style_tags": ["line_art"], "n": 2}),
            "customize_promptless",
            2,
            vec![
                ("style_desc", json!("line art")),
                ("style_refs_used", json!(2)),
                ("control", json!("scribble")),
            ],
        ),
        (
            json!({"prompt_subject": "a blue moon", "refs": [], "image_url": ground,
                   "style_tags": ["line_art"], "mask_url": plain(96, 96, 255), "n": 1}),
            "edit",
            1,
            vec![],
        ),
    ];
    for (request, mode, count, particular) in bodies {
        let answer = body(post(&server, "/api/generate_image", &request).await).await;
        assert_eq!(
            sorted_keys(&answer),
            ["data", "latency_ms", "meta", "model_used"],
            "{mode}"
        );
        let data = answer["data"].as_array().expect("pictures");
        assert_eq!(data.len(), count);
        for picture in data {
            assert_eq!(sorted_keys(picture), ["b64_json"]);
            let file = STANDARD
                .decode(picture["b64_json"].as_str().expect("base64"))
                .expect("base64");
            decode(&file, &DecodeLimits::default()).expect("a picture");
        }
        assert!(answer["latency_ms"].is_u64());
        assert_eq!(answer["model_used"], "local");
        let meta = &answer["meta"];
        assert_eq!(
            (&meta["mode"], &meta["count"], &meta["source"]),
            (&json!(mode), &json!(count), &json!("local"))
        );
        assert!(
            meta["constructed_prompt"]
                .as_str()
                .is_some_and(|prompt| !prompt.is_empty()),
            "{meta}"
        );
        for (name, expected) in particular {
            assert_eq!(meta[name], expected, "{name}");
        }
        // The call created a job.
        let job = body(
            get(
                &server,
                &format!("/api/jobs/{}", meta["job_id"].as_str().expect("an id")),
            )
            .await,
        )
        .await;
        assert_eq!(
            (&job["state"], &job["receipt"]),
            (&json!("succeeded"), &meta["receipt"])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_older_call_have_its_form() {
    let server = studio(ApiOptions {
        api_keys: secrets(&["one"]),
        ..ApiOptions::default()
    })
    .await;
    for (request, status, named) in [
        (json!({"subject": "a", "n": 9}), 400, "from 1 to 8"),
        (
            json!({"refs": [{"caption": "no picture"}], "image_url": sketch()}),
            400,
            "refs[0]",
        ),
        (
            json!({"refs": [{"id": 999}], "image_url": sketch()}),
            404,
            "picture 999",
        ),
        (
            json!({"refs": [{"id": 3}], "image_url": "data:image/png;base64,aGVsbG8="}),
            400,
            "sketch",
        ),
        (
            json!({"prompt_subject": "a", "style_tags": ["line_art"], "image_url": plain(8, 8, 3),
            "mask_url": plain(8, 8, 0)}),
            400,
            "nothing to edit",
        ),
        (json!({"subject": 7}), 422, "wrong field"),
        // This request fails in its job.
        (
            json!({"subject_ref": {"image_url": "https://127.0.0.1/a.png"}, "image_url": sketch()}),
            400,
            "refs[0]",
        ),
    ] {
        let call = server
            .post("/api/generate_image")
            .bearer_auth("one")
            .json(&request);
        let response = call.send().await.expect("an answer");
        let given = response.status().as_u16();
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(given, status, "{answer}");
        assert_eq!(sorted_keys(&answer), ["error", "status"]);
        assert_eq!(answer["status"], status);
        assert!(
            answer["error"]
                .as_str()
                .is_some_and(|error| error.contains(named)),
            "{answer}"
        );
    }
    // Without a key the call is refused before.
    problem(
        post(&server, "/api/generate_image", &json!({})).await,
        StatusCode::UNAUTHORIZED,
        "unauthorized",
    )
    .await;
}
