//! Generated pictures in the gallery: searched for, served, and still there after a kill.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Server, ingest_some, run, text, wait_for_blocking};

fn call(server: &Server, path: &str, body: &Value) -> Value {
    let response = clippy_http::blocking_client()
        .build()
        .expect("a client")
        .post(format!("{}{path}", server.url))
        .json(body)
        .send()
        .expect("it serves");
    let status = response.status();
    let answer: Value = response.json().expect("JSON");
    assert!(status.is_success(), "{path}: {status}: {answer}");
    answer
}

fn get(server: &Server, path: &str) -> Value {
    let response = clippy_http::blocking_client()
        .build()
        .expect("a client")
        .get(format!("{}{path}", server.url))
        .send()
        .expect("it serves");
    assert!(
        response.status().is_success(),
        "{path}: {}",
        response.status()
    );
    response.json().expect("JSON")
}

/// Returns the ids that a search finds.
fn found(server: &Server, query: &Value) -> Vec<Value> {
    let answer = call(server, "/api/search/hybrid", query);
    answer["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|hit| hit["id"].clone())
        .collect()
}

#[test]
fn a_generated_picture_is_found_when_its_origin_is_asked_for_also_after_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    ingest_some(folder.path(), 12);
    let server = Server::start(folder.path(), "serve", &[]);
    let reference = found(&server, &json!({"query_text": "apple", "top": 1}))
        .pop()
        .expect("a picture");
    let request = json!({
        "prompt": "an apple at night", "style_tags": ["pixel_art"], "add_to_gallery": true,
        "refs": [{"role": "style", "id": reference}],
    });
    let job = call(&server, "/api/images/generate", &request);
    let address = format!("/api/jobs/{}", job["id"].as_str().expect("an id"));
    let job = wait_for_blocking("the picture", Duration::from_secs(60), || {
        Some(get(&server, &address))
            .filter(|job| job["state"] != "queued" && job["state"] != "running")
    });
    let made = job["result"]["images"][0]["gallery_id"].clone();
    assert!(made.is_string(), "{job}");

    server.kill();
    let server = Server::start(folder.path(), "serve", &[]);
    let everything = json!({"query_text": "apple", "top": 50, "collapse": false});
    assert!(!found(&server, &everything).contains(&made));
    let asked = |origin: &str| {
        json!({"query_text": "apple", "top": 50, "collapse": false,
    "origin": origin})
    };
    assert_eq!(
        found(&server, &asked("generated")),
        std::slice::from_ref(&made)
    );
    assert_eq!(
        found(&server, &asked("any")).len(),
        found(&server, &everything).len() + 1
    );
    // It has vectors of the picture and of its edges.
    let like = json!({"like": [reference], "w_img": 0.5, "w_edge": 0.5, "w_txt": 0.0,
    "origin": "generated"});
    let answer = call(&server, "/api/search/hybrid", &like);
    let hit = &answer["results"][0];
    assert_eq!(hit["id"], made);
    assert!(
        hit["scores"]["image"].is_number() && hit["scores"]["edge"].is_number(),
        "{hit}"
    );
    assert_eq!(hit["payload"]["origin"], "generated");
    assert_eq!(hit["payload"]["references"], json!([reference]));
    let address = hit["payload"]["image_url"].as_str().expect("an address");
    let picture = clippy_http::blocking_client()
        .build()
        .expect("a client")
        .get(format!("{}{address}", server.url))
        .send()
        .expect("it serves");
    assert_eq!(
        picture.headers()["content-type"],
        "image/png",
        "{}",
        picture.status()
    );
    assert!(server.stop().success());

    let again = run(
        folder.path(),
        &[
            "search",
            "--text",
            "apple",
            "--origin",
            "generated",
            "--json",
        ],
    );
    assert!(again.status.success(), "{}", text(&again.stderr));
    let answer: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(answer["results"][0]["id"], made);
}
