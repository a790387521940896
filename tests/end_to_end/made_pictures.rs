//! Generated pictures in the gallery: searched for, served, and still there after a kill.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Server, ingest_some, run, text};

/// Returns the ids that a search finds.
fn found(server: &Server, query: &Value) -> Vec<Value> {
    let answer = server.api().post_json("/api/search/hybrid", query);
    let answer = answer.expect(200).json();
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
    let api = server.api();
    let job = api.post_json("/api/images/generate", &request);
    let job = job.expect(202).json();
    let id = job["id"].as_str().expect("an id");
    let job = api.wait_for_job(id, Duration::from_secs(180));
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
    let answer = server.api().post_json("/api/search/hybrid", &like);
    let answer = answer.expect(200).json();
    let hit = &answer["results"][0];
    assert_eq!(hit["id"], made);
    assert!(
        hit["scores"]["image"].is_number() && hit["scores"]["edge"].is_number(),
        "{hit}"
    );
    assert_eq!(hit["payload"]["origin"], "generated");
    assert_eq!(hit["payload"]["references"], json!([reference]));
    let address = hit["payload"]["image_url"].as_str().expect("an address");
    let picture = server.api().get(address).expect(200);
    assert_eq!(picture.header("content-type"), "image/png");
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
