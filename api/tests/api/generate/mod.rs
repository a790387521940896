//! The routes of generation: from the request to the pictures, with the local provider and workers
//! in this process.

mod history;
mod older_call;
mod studio;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{Setup, TestServer, json as body, problem, secrets, wait_until};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clippy_api::ApiOptions;
use clippy_core::ErrorCode;
use clippy_generate::{
    CallJournal, CallOutcome, CallPictures, CallRole, Capabilities, DailyBudget, FileJournal,
    GenerateError, Generated, Generation, GenerationContext, Lineage, MicroDollars, PaidCall,
    Provider, ProviderName, Providers, Receipt, data_url,
};
use clippy_imaging::{DecodeLimits, Encoding, RgbImage, decode, encode};
use clippy_jobs::{Claim, JobFailure, JobId, JobState, Outcome};
use reqwest::StatusCode;
use serde_json::{Value, json};
use studio::*;

#[tokio::test(flavor = "multi_thread")]
async fn pictures_from_a_sketch_and_references_contain_their_lineage() {
    let server = studio(ApiOptions::default()).await;
    let request = json!({
        "prompt": "a red apple", "count": 2, "sketch": sketch(), "sketch_weight": 0.9, "seed": 7,
        "refs": [{"role": "style", "weight": 0.8, "id": 3},
                 {"role": "subject", "weight": 0.5, "image_b64": STANDARD.encode(painting(200))}],
        "style_tags": ["cel_shading"], "query": {"text": "apple", "w_img": 0.7}, "w_img": 0.7,
        "aspect_ratio": "128:128",
    });
    let job = expect_accepted(post(&server, "/images/generate", &request).await).await;
    let id = job["id"].as_str().expect("an id").to_owned();
    let job = wait_for_job(&server, &id).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(job["progress"]["unit"], "pictures");

    let result = &job["result"];
    let images = result["images"].as_array().expect("pictures");
    assert_eq!(images.len(), 2);
    assert_eq!(
        (&images[1]["index"], &images[0]["seed"]),
        (&json!(1), &json!(7))
    );
    assert_eq!(result["model_used"], "local");
    let told = result["meta"]["constructed_prompt"]
        .as_str()
        .expect("words");
    assert!(told.contains("apple"), "{told}");
    assert_eq!(result["lineage"]["references"][0]["id"], 3);
    assert_eq!(
        result["lineage"]["references"][0]["source_url"],
        "https://example.org/1"
    );
    let lines = job["receipt"]["lines"].as_array().expect("a receipt");
    let treatment = |input: &str| {
        let line = lines
            .iter()
            .find(|line| line["input"] == input)
            .unwrap_or_else(|| panic!("{input} in {lines:?}"));
        line["treatment"].as_str().expect("a word").to_owned()
    };
    for input in [
        "refs[0]",
        "refs[1]",
        "sketch",
        "seed",
        "style_tags[0]",
        "count",
    ] {
        assert_eq!(treatment(input), "honoured", "{input}");
    }
    assert_eq!(
        treatment("prompt"),
        "dropped",
        "drawn from the sketch, in the colours of the references"
    );

    // The job's payload names the files of its input pictures instead of containing them.
    let record = server
        .jobs
        .get(id.parse().expect("an id"))
        .await
        .expect("there");
    let payload = record.payload.to_string();
    assert!(
        payload.len() < 2_000 && payload.contains("stored:") && !payload.contains("base64"),
        "{payload}"
    );
    let preview = server
        .jobs
        .last_preview(record.id)
        .await
        .expect("an answer")
        .expect("seen while it was made");
    assert!(
        preview["image"]
            .as_str()
            .is_some_and(|image| image.starts_with("data:image/jpeg;base64,")),
        "{preview}"
    );

    let path = images[0]["url"].as_str().expect("a place").to_owned();
    assert_eq!(path, format!("/api/jobs/{id}/images/0"));
    let shown = get(&server, &path).await;
    let headers = shown.headers().clone();
    assert_eq!(shown.status(), StatusCode::OK);
    assert_eq!(headers["content-type"], "image/png");
    assert_eq!(headers["content-disposition"], "inline");
    assert!(
        headers["cache-control"]
            .to_str()
            .expect("text")
            .contains("immutable")
    );
    assert_eq!(
        headers["etag"],
        format!("\"{}\"", images[0]["sha256"].as_str().expect("a hash")).as_str()
    );
    let file = shown.bytes().await.expect("a file");
    assert_eq!(images[0]["size"], file.len());
    let picture = decode(&file, &DecodeLimits::default()).expect("a picture");
    assert_eq!(
        json!([picture.width(), picture.height()]),
        json!([images[0]["width"], images[0]["height"]])
    );
    let lineage = Lineage::read(&file).expect("in the file");
    assert_eq!(
        (lineage.job.as_deref(), lineage.seed, lineage.index),
        (Some(id.as_str()), Some(7), 0)
    );
    assert_eq!(
        lineage.query.and_then(|query| query.text).as_deref(),
        Some("apple")
    );
    let again = server
        .get(&path)
        .header("if-none-match", headers["etag"].clone())
        .send()
        .await
        .expect("an answer");
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    for beyond in ["2", "-1", "x"] {
        let missing = get(&server, &format!("/api/jobs/{id}/images/{beyond}")).await;
        assert_eq!(
            problem(missing, StatusCode::NOT_FOUND, "not_found").await["state"],
            "succeeded"
        );
    }

    let made = body(get(&server, "/api/lineage?ref=3").await).await;
    assert_eq!(
        (&made["ref"], made["images"].as_array().map(Vec::len)),
        (&json!(3), Some(2))
    );
    assert_eq!(made["images"][1]["url"], json!(path), "the latest first");
    assert_eq!(
        made["images"][1]["lineage"]["references"][0]["weight"],
        0.8_f32
    );
    assert_eq!(
        body(get(&server, "/api/lineage?ref=4").await).await["images"],
        json!([])
    );
    problem(
        get(&server, "/api/lineage?ref=x").await,
        StatusCode::BAD_REQUEST,
        "invalid_input",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_pictures_are_added_to_the_gallery_and_found_only_on_request() {
    let server = studio(ApiOptions::default()).await;
    let request = json!({
        "prompt": "a red apple", "style_tags": ["pixel_art"], "refs": [{"role": "style", "id": 3}],
        "aspect_ratio": "128:128",
        "add_to_gallery": true,
    });
    let job = expect_accepted(post(&server, "/images/generate", &request).await).await;
    let job = wait_for_job(&server, job["id"].as_str().expect("an id")).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    let made = &job["result"]["images"][0]["gallery_id"];
    assert!(made.is_string(), "a UUID: {job}");

    let found = async |origin: Option<&str>| {
        let mut query = json!({"query_text": "apple", "top": 200, "collapse": false});
        if let Some(origin) = origin {
            query["origin"] = origin.into();
        }
        let answer = body(post(&server, "/api/search/hybrid", &query).await).await;
        let ids: Vec<Value> = answer["results"]
            .as_array()
            .expect("results")
            .iter()
            .map(|hit| hit["id"].clone())
            .collect();
        ids
    };
    for origin in [None, Some("gallery")] {
        let ids = found(origin).await;
        assert!(
            ids.len() == 41 && !ids.contains(made),
            "{origin:?}: {ids:?}"
        );
    }
    assert_eq!(found(Some("generated")).await, std::slice::from_ref(made));
    assert_eq!(found(Some("any")).await.len(), 42);
    let wrong = post(
        &server,
        "/api/search/hybrid",
        &json!({"query_text": "a", "origin": "mine"}),
    )
    .await;
    let said = problem(wrong, StatusCode::BAD_REQUEST, "invalid_input").await;
    assert!(
        said["detail"]
            .as_str()
            .expect("words")
            .contains("any, gallery or generated"),
        "{said}"
    );
    let tags = body(get(&server, "/api/tags?prefix=red").await).await;
    assert_eq!(
        tags["tags"],
        json!([]),
        "no filter is completed with what only made pictures are called"
    );

    // A generated picture can be used as a reference.
    let next = json!({"prompt": "an apple", "refs": [{"role": "subject", "id": made}]});
    expect_accepted(post(&server, "/images/generate", &next).await).await;

    server.gallery.schema_version.store(2, Ordering::SeqCst);
    let old = post(&server, "/images/generate", &request).await;
    let said = problem(old, StatusCode::UNPROCESSABLE_ENTITY, "unsupported").await;
    assert!(
        said["detail"]
            .as_str()
            .expect("words")
            .contains("clippy migrate"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_changes_nothing_outside_of_the_mask() {
    let server = studio(ApiOptions::default()).await;
    let base = RgbImage::from_fn(96, 96, |x, y| [x as u8 * 2, y as u8 * 2, 77].into());
    let mask = RgbImage::from_fn(96, 96, |x, _| {
        if x < 48 {
            [255; 3].into()
        } else {
            [0; 3].into()
        }
    });
    let url = |picture| {
        data_url(
            "image/png",
            &encode(picture, Encoding::Png).expect("a picture"),
        )
    };
    let request =
        json!({"base": url(&base), "mask": url(&mask), "refs": [{"role": "style", "id": 5}]});
    let job = expect_accepted(post(&server, "/api/images/generate", &request).await).await;
    let job = wait_for_job(&server, job["id"].as_str().expect("an id")).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(job["result"]["meta"]["mode"], "edit");
    let path = job["result"]["images"][0]["url"]
        .as_str()
        .expect("a place")
        .to_owned();
    let file = get(&server, &path).await.bytes().await.expect("a file");
    let made = decode(&file, &DecodeLimits::default()).expect("a picture");
    assert_eq!(made.dimensions(), base.dimensions());
    let changed = |from: u32, to: u32| {
        (from..to).any(|x| (0..96).any(|y| made.get_pixel(x, y) != base.get_pixel(x, y)))
    };
    assert!(!changed(48, 96) && changed(0, 48));
}

#[tokio::test]
async fn invalid_requests_are_refused_before_anything_is_queued() {
    let server = TestServer::start().await;
    let style = |reference: Value| json!({"prompt": "a", "refs": [reference]});
    let edit =
        |mask: String| json!({"base": plain(8, 8, 9), "mask": mask, "style_tags": ["pixel_art"]});
    let bad = (StatusCode::BAD_REQUEST, "invalid_input");
    let no_picture = (StatusCode::BAD_REQUEST, "invalid_picture");
    let unfit = StatusCode::UNPROCESSABLE_ENTITY;
    let whole = sketch();
    let cases: Vec<(Value, (StatusCode, &str), &str)> = vec![
        (
            style(json!({"role": "mood", "id": 1})),
            bad,
            "style or subject",
        ),
        (
            style(json!({"role": "style", "id": 1, "weight": 1.5})),
            bad,
            "refs[0].weight",
        ),
        (
            style(json!({"role": "style", "id": 1, "weight": -0.5})),
            bad,
            "refs[0].weight",
        ),
        (
            json!({"refs": vec![json!({"role": "style", "id": 1}); 17]}),
            bad,
            "17 references",
        ),
        (
            style(json!({"role": "style", "id": 999})),
            (StatusCode::NOT_FOUND, "not_found"),
            "refs[0]: picture 999",
        ),
        (style(json!({"role": "style"})), bad, "names 0 pictures"),
        (edit(plain(9, 8, 255)), bad, "mask is 9x8"),
        (edit(plain(8, 8, 0)), bad, "nothing to edit"),
        (
            json!({"prompt": "a", "mask": plain(8, 8, 255)}),
            bad,
            "without base",
        ),
        (
            json!({"sketch": "data:text/html;base64,aGVsbG8="}),
            no_picture,
            "sketch",
        ),
        (
            json!({"sketch": "data:image/png;base64,aGVsbG8="}),
            no_picture,
            "sketch",
        ),
        (
            json!({"sketch": &whole[..whole.len() / 2]}),
            no_picture,
            "sketch",
        ),
        (
            style(json!({"role": "style", "image_url": "no picture"})),
            no_picture,
            "refs[0]",
        ),
        (
            json!({"prompt": "x".repeat(100_000)}),
            bad,
            "100000 characters",
        ),
        (json!({"prompt": "a", "count": 0}), bad, "count is 0"),
        (json!({"prompt": "a", "count": 9}), bad, "count is 9"),
        (
            json!({"prompt": "a", "count": -1}),
            (unfit, "invalid_input"),
            "a whole number",
        ),
        (json!({"prompt": 7}), (unfit, "invalid_input"), "string"),
        (
            json!({"prompt": "a", "style_tags": ["cubism"]}),
            bad,
            "cubism",
        ),
        (
            json!({"prompt": "a", "aspect_ratio": "wide"}),
            bad,
            "aspect_ratio",
        ),
        (json!({"prompt": "a", "provider": "dalle"}), bad, "dalle"),
        (
            json!({"prompt": "a", "provider": "gemini"}),
            (unfit, "unsupported"),
            "GEMINI_API_KEY",
        ),
        (
            json!({"prompt": "red hills", "strict": true}),
            (unfit, "unsupported"),
            "prompt would be approximated",
        ),
        (json!({}), bad, "nothing to draw"),
    ];
    for (request, (status, code), named) in cases {
        let told = problem(
            post(&server, "/api/images/generate", &request).await,
            status,
            code,
        )
        .await;
        let detail = told["detail"].as_str().expect("text");
        assert!(detail.contains(named), "{detail} should contain {named}");
        assert!(detail.len() < 1_000, "a message is for a person: {detail}");
    }
    let text = server
        .post("/api/images/generate")
        .header("content-type", "application/json")
        .body("{")
        .send()
        .await;
    problem(
        text.expect("an answer"),
        StatusCode::BAD_REQUEST,
        "invalid_input",
    )
    .await;
    let form = server
        .post("/api/images/generate")
        .body("prompt=a")
        .send()
        .await
        .expect("an answer");
    problem(
        form,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
    )
    .await;
    assert_eq!(jobs(&server).await, 0);
}

#[tokio::test]
async fn an_idempotency_key_makes_one_job() {
    let server = TestServer::start().await;
    let ask = async |request: &Value| {
        let call = server
            .post("/api/images/generate")
            .header("idempotency-key", "once")
            .json(request);
        call.send().await.expect("an answer")
    };
    let request = json!({"sketch": sketch()});
    let first = expect_accepted(ask(&request).await).await;
    assert_eq!(
        expect_accepted(ask(&request).await).await["id"],
        first["id"]
    );
    problem(
        ask(&json!({"sketch": sketch(), "seed": 1})).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "unsupported",
    )
    .await;
    assert_eq!(jobs(&server).await, 1);
}

#[tokio::test]
async fn a_job_is_found_by_key_and_body_before_anything_else_is_checked() {
    let server = TestServer::with(Setup {
        providers: with_shop(),
        ..Setup::default()
    })
    .await;
    let ask = async |request: &Value| {
        let call = server
            .post("/api/images/generate")
            .header("idempotency-key", "once")
            .json(request);
        call.send().await.expect("an answer")
    };
    let request = json!({"prompt": "a red apple", "refs": [{"role": "style", "id": 3}],
    "add_to_gallery": true});
    let first = expect_accepted(ask(&request).await).await;
    // After the first request, the reference is deleted, the gallery has another version of the
    // schema, and it becomes unavailable.
    server.gallery.remove(3);
    server.gallery.schema_version.store(2, Ordering::SeqCst);
    server.gallery.info_fails.store(true, Ordering::SeqCst);
    assert_eq!(
        expect_accepted(ask(&request).await).await["id"],
        first["id"]
    );
    server.gallery.info_fails.store(false, Ordering::SeqCst);
    let other = json!({"prompt": "a red apple"});
    problem(
        ask(&other).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "unsupported",
    )
    .await;
    assert_eq!(jobs(&server).await, 1);
}

#[tokio::test]
async fn simultaneous_identical_requests_make_one_job_and_pay_once() {
    let options = ApiOptions {
        api_keys: secrets(&["one"]),
        ..ApiOptions::default()
    };
    let budget = DailyBudget {
        limit: Some(MicroDollars::from_dollars(0.3)),
    };
    let server = TestServer::with(Setup {
        options,
        budget,
        providers: with_shop(),
        ..Setup::default()
    })
    .await;
    let calls = (0..6).map(|_| async {
        let request = json!({"prompt": "red hills", "provider": "gemini"});
        let call = server
            .post("/api/images/generate")
            .bearer_auth("one")
            .header("idempotency-key", "once");
        expect_accepted(call.json(&request).send().await.expect("an answer")).await["id"].clone()
    });
    let ids = futures::future::join_all(calls).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_reference_may_have_both_an_id_and_a_url_of_this_server() {
    let server = TestServer::start().await;
    let own = format!("http://{}", server.address);
    let other_name = own.replace("127.0.0.1", "localhost");
    for reference in [
        json!({"role": "style", "id": 3, "url": format!("{own}/image/3")}),
        json!({"role": "style", "id": 3, "image_url": format!("{own}/api/image/3?v=abc&w=256")}),
        json!({"role": "style", "id": 3, "image_url": "/image/3?v=abc"}),
        json!({"role": "style", "id": 3, "url": "https://clippy.example/sub/image/3"}),
        json!({"role": "style", "url": format!("{other_name}/image/3")}),
        json!({"role": "style", "image_url": "/api/image/3"}),
    ] {
        let request = json!({"prompt": "a red apple", "refs": [reference]});
        let told = body(post(&server, "/api/images/estimate", &request).await).await;
        let lines = told["receipt"]["lines"].as_array().expect("lines");
        assert!(
            lines.iter().any(|line| line["input"] == "refs[0]"),
            "{reference}: {told}"
        );
        let job = expect_accepted(post(&server, "/api/images/generate", &request).await).await;
        let job = server
            .jobs
            .get(job["id"].as_str().expect("an id").parse().expect("an id"))
            .await
            .expect("there");
        let kept = &job.payload["request"]["refs"][0];
        assert_eq!(
            (&kept["id"], kept.get("url"), kept.get("image_url")),
            (&json!(3), None, None),
            "{reference}"
        );
    }
    for (reference, word) in [
        (
            json!({"role": "style", "id": 4, "url": format!("{own}/image/3")}),
            "has two pictures",
        ),
        (
            json!({"role": "style", "url": format!("{own}/image/apple")}),
            "refs[0]",
        ),
    ] {
        let refused = post(
            &server,
            "/api/images/generate",
            &json!({"prompt": "a", "refs": [reference]}),
        )
        .await;
        let told = problem(refused, StatusCode::BAD_REQUEST, "invalid_input").await;
        assert!(
            told["detail"].as_str().expect("text").contains(word),
            "{told}"
        );
    }
    let older =
        json!({"refs": [{"id": 3, "image_url": format!("{own}/image/3")}], "image_url": sketch()});
    let known = jobs(&server).await;
    let call = tokio::spawn(server.post("/api/generate_image").json(&older).send());
    wait_until("the call's job", || async {
        jobs(&server).await == known + 1
    })
    .await;
    let listed = server
        .jobs
        .list(&clippy_jobs::JobFilter::default())
        .await
        .expect("jobs")
        .jobs;
    assert_eq!(listed[0].payload["request"]["refs"][0]["id"], 3);
    // No worker runs here: the call waits until its job is cancelled.
    assert!(!call.is_finished());
    server.jobs.cancel(listed[0].id).await.expect("cancelled");
    let answer = call.await.expect("no panic").expect("an answer");
    assert!(!answer.status().is_success(), "{}", answer.status());
}

#[tokio::test]
async fn an_estimate_has_the_price_and_the_receipt_and_queues_nothing() {
    let server = TestServer::with(Setup {
        providers: with_shop(),
        ..Setup::default()
    })
    .await;
    let local = body(
        post(
            &server,
            "/api/images/estimate",
            &json!({"prompt": "red hills", "count": 3}),
        )
        .await,
    )
    .await;
    assert_eq!(
        (&local["usd"], &local["calls"], &local["images"]),
        (&json!(0.0), &json!(0), &json!(3))
    );
    let lines = local["receipt"]["lines"].as_array().expect("lines");
    let words = lines
        .iter()
        .find(|line| line["input"] == "prompt")
        .expect("a line of the words");
    assert_eq!(words["treatment"], "approximated", "{local}");
    let request = json!({"prompt": "a", "count": 3, "provider": "gemini"});
    let paid = body(post(&server, "/api/images/estimate", &request).await).await;
    assert_eq!(
        (&paid["usd"], &paid["provider"]),
        (&json!(0.75), &json!("shop"))
    );
    let unknown = post(
        &server,
        "/api/images/estimate",
        &json!({"refs": [{"role": "style", "id": 999}]}),
    )
    .await;
    problem(unknown, StatusCode::NOT_FOUND, "not_found").await;
    assert_eq!(jobs(&server).await, 0);

    let providers = body(get(&server, "/api/providers").await).await;
    assert_eq!(providers["default"], "local");
    assert_eq!(providers["providers"].as_array().map(Vec::len), Some(2));
    assert_eq!(providers["providers"][0]["prompt"], "approximate");
}

/// A provider that has a price, but never makes a picture.
struct Shop;

#[async_trait]
impl Provider for Shop {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            paid: true,
            ..Capabilities::everything("shop")
        }
    }

    fn price_per_image(&self) -> Option<f64> {
        Some(0.25)
    }

    async fn generate(
        &self,
        _: Arc<Generation>,
        _: Receipt,
        _: &GenerationContext,
    ) -> Result<Generated, GenerateError> {
        Err(GenerateError::permanent("not for sale"))
    }
}

fn with_shop() -> Providers {
    let mut providers = Providers::default();
    providers.put(ProviderName::Gemini, Shop);
    providers
}

#[tokio::test]
async fn a_key_cannot_exceed_its_daily_budget() {
    let options = ApiOptions {
        api_keys: secrets(&["one", "two"]),
        admin_keys: secrets(&["root"]),
        ..ApiOptions::default()
    };
    let budget = DailyBudget {
        limit: Some(MicroDollars::from_dollars(0.5)),
    };
    let server = TestServer::with(Setup {
        options,
        budget,
        providers: with_shop(),
        ..Setup::default()
    })
    .await;
    let ask = async |key: &str, once: Option<&str>, count: u32, provider: &str| {
        let request = json!({"prompt": "red hills", "count": count, "provider": provider});
        let call = server
            .post("/api/images/generate")
            .bearer_auth(key)
            .json(&request);
        let call = match once {
            Some(once) => call.header("idempotency-key", once),
            None => call,
        };
        call.send().await.expect("an answer")
    };
    problem(
        ask("one", None, 3, "gemini").await,
        StatusCode::PAYMENT_REQUIRED,
        "over_budget",
    )
    .await;
    let first = expect_accepted(ask("one", Some("once"), 1, "gemini").await).await;
    // The same request again is the same job, and costs nothing more.
    for _ in 0..3 {
        assert_eq!(
            expect_accepted(ask("one", Some("once"), 1, "gemini").await).await["id"],
            first["id"]
        );
    }
    expect_accepted(ask("one", None, 1, "gemini").await).await;
    let spent = ask("one", None, 1, "gemini").await;
    let wait: u64 = spent.headers()["retry-after"]
        .to_str()
        .expect("text")
        .parse()
        .expect("seconds");
    assert!((1..=86_400).contains(&wait));
    let told = problem(spent, StatusCode::TOO_MANY_REQUESTS, "over_budget").await;
    assert!(
        told["detail"].as_str().expect("text").contains("midnight"),
        "{told}"
    );
    // The existing job is found even if the budget is used up.
    assert_eq!(
        expect_accepted(ask("one", Some("once"), 1, "gemini").await).await["id"],
        first["id"]
    );
    problem(
        ask("one", Some("once"), 2, "gemini").await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "unsupported",
    )
    .await;
    expect_accepted(ask("two", None, 2, "gemini").await).await;
    expect_accepted(ask("one", None, 8, "local").await).await;
    // A job that cannot be retried is refused for that reason, and not because of its price.
    let queued = server
        .post(&format!(
            "/api/jobs/{}/retry",
            first["id"].as_str().expect("an id")
        ))
        .bearer_auth("one");
    let told = problem(
        queued.send().await.expect("an answer"),
        StatusCode::CONFLICT,
        "conflict",
    )
    .await;
    assert_eq!(told["state"], "queued");

    // Retrying a job that may have been charged may cost its price again.
    let id: JobId = first["id"].as_str().expect("an id").parse().expect("an id");
    let Claim::Run(claimed) = server
        .jobs
        .claim(id, "a worker", Duration::from_secs(60))
        .await
        .expect("an answer")
    else {
        panic!("not to be had");
    };
    let failure = JobFailure {
        code: ErrorCode::MaybeCharged,
        message: "nobody knows".to_owned(),
        retryable: false,
    };
    server
        .jobs
        .finish(claimed.key, &Outcome::Failed(failure))
        .await
        .expect("ended");
    let retry = server
        .post(&format!("/api/jobs/{id}/retry"))
        .bearer_auth("one")
        .send()
        .await
        .expect("an answer");
    problem(retry, StatusCode::TOO_MANY_REQUESTS, "over_budget").await;
    assert_eq!(
        server.jobs.get(id).await.expect("there").state,
        JobState::Failed
    );
    let failed = server
        .get(&format!("/api/jobs/{id}"))
        .bearer_auth("one")
        .send()
        .await
        .expect("an answer");
    assert_eq!(body(failed).await["error"]["code"], "maybe_charged");
    // A retry of a job whose calls were all answered costs nothing.
    let journal = FileJournal::new(server.data.path().join("calls"));
    let call = PaidCall {
        provider: "shop",
        model: "shop-1",
        role: CallRole::Picture,
        index: 0,
        body: b"body",
    };
    let call = call.key(&format!("{id} 0"));
    journal.claim(&call).await.expect("new");
    let outcome = CallOutcome::Pictures(CallPictures {
        pictures: vec![painting(7).into()],
        filtered: Vec::new(),
    });
    journal
        .record_outcome(&call, &outcome)
        .await
        .expect("noted");
    let retry = server
        .post(&format!("/api/jobs/{id}/retry"))
        .bearer_auth("one")
        .send()
        .await
        .expect("an answer");
    assert_eq!(body(retry).await["state"], "queued");
    server.jobs.cancel(id).await.expect("cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_lineage_are_visible_only_to_their_owner() {
    let options = ApiOptions {
        api_keys: secrets(&["one", "two"]),
        admin_keys: secrets(&["root"]),
        ..ApiOptions::default()
    };
    let server = studio(options).await;
    let request = json!({"sketch": sketch(), "refs": [{"role": "style", "id": 3}]});
    let call = server
        .post("/api/images/generate")
        .bearer_auth("one")
        .json(&request)
        .send()
        .await
        .expect("an answer");
    let job = expect_accepted(call).await;
    let id = job["id"].as_str().expect("an id");
    let path = format!("/api/jobs/{id}/images/0");
    let status = async |path: &str, key: &str| {
        server
            .get(path)
            .bearer_auth(key)
            .send()
            .await
            .expect("an answer")
            .status()
    };
    wait_until("the picture", || async {
        status(&path, "one").await == StatusCode::OK
    })
    .await;
    assert_eq!(status(&path, "root").await, StatusCode::OK);
    assert_eq!(status(&path, "two").await, StatusCode::NOT_FOUND);
    // With the key in the URL, as an `<img>` sends it.
    let shown = get(&server, &format!("{path}?key=one")).await;
    assert_eq!(
        shown.headers()["cache-control"],
        "private, max-age=604800, immutable"
    );
    assert!(
        !shown
            .bytes()
            .await
            .unwrap_or_else(|_| Bytes::new())
            .is_empty()
    );
    for (key, count) in [("one", 1), ("root", 1), ("two", 0)] {
        let listed = server
            .get("/api/lineage?ref=3")
            .bearer_auth(key)
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            body(listed).await["images"].as_array().map(Vec::len),
            Some(count),
            "{key}"
        );
    }
}

#[tokio::test]
async fn pictures_of_other_callers_do_not_hide_those_of_the_caller() {
    let options = ApiOptions {
        api_keys: secrets(&["one", "two"]),
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let ask = async |key: &str| {
        let request = json!({"prompt": "red hills", "count": 1});
        let call = server
            .post("/api/images/generate")
            .bearer_auth(key)
            .json(&request);
        let job = expect_accepted(call.send().await.expect("an answer")).await;
        job["id"].as_str().expect("an id").to_owned()
    };
    let (own, others) = (ask("one").await, ask("two").await);
    let outputs = server.generation.outputs.folder();
    std::fs::create_dir_all(outputs).expect("a folder");
    std::fs::write(outputs.join("one.png"), painting(3)).expect("written");
    let line = |number: usize, job: &str| {
        let lineage = json!({
            "job": job, "index": 0, "provider": "local", "mode": "style", "software": "clippy/0",
            "references": [{"role": "style", "weight": 0.5, "id": 3, "sha256": "aa"}],
        });
        let sha256 = format!("{number:064x}");
        json!({
            "sha256": sha256, "path": "one.png", "media_type": "image/png", "width": 1, "height": 1,
            "lineage": lineage,
        })
        .to_string()
    };
    let lines: Vec<String> = (0..2_600)
        .map(|number| line(number, if number == 0 { &own } else { &others }))
        .collect();
    std::fs::write(outputs.join("lineage.jsonl"), lines.join("\n") + "\n").expect("written");
    let listed = async |key: &str| {
        let call = server.get("/api/lineage?ref=3").bearer_auth(key);
        let listed = body(call.send().await.expect("an answer")).await;
        let images = listed["images"].as_array().expect("a list");
        (images.len(), images[0]["sha256"].clone())
    };
    assert_eq!(listed("one").await, (1, json!(format!("{:064x}", 0))));
    assert_eq!(listed("two").await, (200, json!(format!("{:064x}", 2_599))));
}

#[tokio::test]
async fn what_only_a_prompt_names_is_painted_from_a_picture_of_the_gallery() {
    let server = TestServer::start().await;
    let request = json!({"prompt": "a red apple"});
    let told = body(post(&server, "/api/images/estimate", &request).await).await;
    let told = told.to_string();
    assert!(told.contains("of the gallery as the subject"), "{told}");
    let accepted = post(&server, "/api/images/generate", &request).await;
    assert_eq!(accepted.status(), StatusCode::ACCEPTED);
    let hills = body(
        post(
            &server,
            "/api/images/estimate",
            &json!({"prompt": "blue hills"}),
        )
        .await,
    );
    let hills = hills.await.to_string();
    assert!(!hills.contains("as the subject"), "{hills}");
}
