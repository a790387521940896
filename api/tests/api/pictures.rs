//! Tests of `POST /api/pictures`: files become stored pictures and one job.

use axum::http::StatusCode;
use clippy_core::gallery::GalleryWriter as _;
use clippy_core::trash::{KeptFilter, Trash as _};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_testing::problem;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::TestServer;

fn png(shade: u8) -> Vec<u8> {
    let picture = RgbImage::from_pixel(12, 12, [shade, 90, 10].into());
    encode(&picture, Encoding::Png).expect("a picture")
}

fn part(name: &str, bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name(name.to_owned())
}

async fn send(server: &TestServer, form: Form, key: Option<&str>) -> reqwest::Response {
    let mut request = server.post("/api/pictures");
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    request.multipart(form).send().await.expect("an answer")
}

async fn accepted(response: reqwest::Response) -> Value {
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    response.json().await.expect("JSON")
}

/// Returns the paths that the job of an answer adds.
async fn paths_of(server: &TestServer, answer: &Value) -> Vec<String> {
    let id = answer["id"].as_str().expect("an id").parse().expect("one");
    let job = server.jobs.get(id).await.expect("a job");
    let paths = job.payload.pointer("/request/paths").expect("paths");
    serde_json::from_value(paths.clone()).expect("a list")
}

#[tokio::test]
async fn files_are_stored_once_and_added_by_one_job() {
    let server = TestServer::start().await;
    let form = Form::new()
        .part("files", part("Red Fox.png", png(1)))
        .part("anything", part("C:\\art\\Owl.jpeg", png(2)))
        .part("files", part("copy of fox.png", png(1)))
        .part("files", part("notes.txt", b"no picture".to_vec()))
        .text("tags", "Ink, sketchbook");
    let response = send(&server, form, None).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let location = response.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    let answer = accepted(response).await;
    assert_eq!(
        location,
        format!("/api/jobs/{}", answer["id"].as_str().expect("an id"))
    );
    assert_eq!(answer["kind"], "ingest");
    assert_eq!(answer["ids"].as_array().expect("ids").len(), 2, "{answer}");
    assert_eq!(answer["refused"][0]["name"], "notes.txt");
    let paths = paths_of(&server, &answer).await;
    assert_eq!(paths.len(), 2);
    assert!(
        paths[0].ends_with("/Red Fox.png") && paths[1].ends_with("/Owl.png"),
        "{paths:?}"
    );
    let folder = server.data.path().join("pictures");
    assert!(
        paths
            .iter()
            .all(|path| path.starts_with(folder.to_str().expect("text")))
    );
    let tags = std::fs::read_to_string(format!("{}.json", paths[0])).expect("tags");
    assert_eq!(tags, r#"{"tags":["ink","sketchbook"]}"#);
}

#[tokio::test]
async fn a_picture_that_was_deleted_is_refused_until_it_is_restored() {
    let server = TestServer::start().await;
    let fox = || Form::new().part("files", part("fox.png", png(1)));
    let first = accepted(send(&server, fox(), None).await).await;
    let id = first["ids"][0].as_str().expect("an id").to_owned();
    // The test has no worker: another point takes the id that the job would store.
    let mut point = server.gallery.point(2);
    point.id = id.parse().expect("an id");
    server.gallery.upsert(vec![point]).await.expect("stored");
    let path = format!("/api/pictures/{id}");
    let deleted = server.api.request(Method::DELETE, &path).send().await;
    assert_eq!(deleted.expect("an answer").status(), StatusCode::OK);
    let answer = send(&server, fox(), None).await;
    let refused = problem(answer, StatusCode::BAD_REQUEST, "invalid_input").await;
    let detail = refused["detail"].as_str().expect("a reason");
    assert!(
        detail.contains("deleted by the owner: restore it"),
        "{detail}"
    );
    let both = fox().part("files", part("owl.png", png(2)));
    let answer = accepted(send(&server, both, None).await).await;
    assert_eq!(answer["refused"][0]["name"], "fox.png", "{answer}");
    assert_eq!(paths_of(&server, &answer).await.len(), 1);
    let all = server.trash.list(&KeptFilter::default(), 0, 10).await;
    let numbers: Vec<u64> = all.expect("read").iter().map(|kept| kept.number).collect();
    server.trash.forget(&numbers).await.expect("removed");
    let again = accepted(send(&server, fox(), None).await).await;
    assert_eq!(again["refused"], json!([]));
}

#[tokio::test]
async fn the_same_key_and_pictures_are_one_job() {
    let server = TestServer::start().await;
    let form = || Form::new().part("files", part("fox.png", png(1)));
    let first = accepted(send(&server, form(), Some("k1")).await).await;
    let again = accepted(send(&server, form(), Some("k1")).await).await;
    assert_eq!((&first["id"], &first["ids"]), (&again["id"], &again["ids"]));
    let other = Form::new().part("files", part("fox.png", png(3)));
    problem(
        send(&server, other, Some("k1")).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "unsupported",
    )
    .await;
}

#[tokio::test]
async fn a_form_without_any_picture_is_refused_and_leaves_nothing() {
    let server = TestServer::start().await;
    for (form, told) in [
        (Form::new().text("tags", "fox"), "no file"),
        (
            Form::new().part("files", part("a.png", b"hello".to_vec())),
            "a.png",
        ),
        (
            Form::new().part("files", part("a.png", Vec::new())),
            "a.png",
        ),
        (
            Form::new()
                .part("files", part("a.svg", b"<svg/>".to_vec()))
                .part("files", part("b.pdf", b"%PDF-1.7".to_vec())),
            "None of the 2 files",
        ),
    ] {
        let answer = send(&server, form, None).await;
        let refused = problem(answer, StatusCode::BAD_REQUEST, "invalid_input").await;
        let detail = refused["detail"].as_str().expect("a reason");
        assert!(detail.contains(told), "{detail}");
    }
    assert!(!server.data.path().join("pictures").exists());
    let answer = server
        .post("/api/pictures")
        .header("content-type", "application/json")
        .body("{}")
        .send()
        .await
        .expect("an answer");
    problem(
        answer,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
    )
    .await;
}

#[tokio::test]
async fn a_misspelt_field_and_a_tag_that_nobody_could_search_are_refused() {
    let server = TestServer::start().await;
    let form = |name: &'static str, value: &'static str| {
        Form::new()
            .part("files", part("a.png", png(1)))
            .text(name, value)
    };
    let answer = send(&server, form("tag", "ink"), None).await;
    let refused = problem(answer, StatusCode::UNPROCESSABLE_ENTITY, "unsupported").await;
    let detail = refused["detail"].as_str().expect("a reason");
    assert!(
        detail.contains("\"tag\"") && detail.contains("\"tags\""),
        "{detail}"
    );
    let answer = send(&server, form("tags", "ink,pa\u{7}per"), None).await;
    problem(answer, StatusCode::BAD_REQUEST, "invalid_input").await;
    assert!(!server.data.path().join("pictures").exists());
}
