//! What a new user does: start the demo, look at the page, send a drawing.

use std::collections::BTreeSet;
use std::io::Cursor;

use clippy_drawings::{sketch, subject};
use reqwest::blocking::Client;
use reqwest::blocking::multipart::{Form, Part};
use serde_json::Value;

use crate::harness::Server;

fn drawing(name: &str, seed: u64) -> Vec<u8> {
    let subject = subject(name).unwrap_or_else(|| panic!("the gallery draws no {name}"));
    let mut bytes = Cursor::new(Vec::new());
    sketch(subject, seed).expect("drawn").write_to(&mut bytes, image::ImageFormat::Png).expect("PNG takes any picture");
    bytes.into_inner()
}

fn search(server: &Server, form: Form) -> Value {
    let response = clippy_http::blocking_client()
        .build()
        .expect("a client")
        .post(format!("{}/api/search/hybrid", server.url))
        .multipart(form)
        .send()
        .expect("it serves");
    let status = response.status();
    let body: Value = response.json().expect("JSON");
    assert!(status.is_success(), "{status}: {body}");
    body
}

/// The first results that show the subject: their styles.
fn styles_of(answer: &Value, subject: &str, first: usize) -> BTreeSet<String> {
    let results = answer["results"].as_array().expect("a list");
    results
        .iter()
        .take(first)
        .filter(|hit| hit["payload"]["subject"] == subject)
        .map(|hit| hit["payload"]["style"].as_str().expect("demo pictures have a style").to_owned())
        .collect()
}

#[test]
fn the_demo_finds_a_sketch_in_several_styles_and_goes_on_after_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), "demo", &[]);
    let http = clippy_http::blocking_client().build().expect("a client");
    let page = http.get(&server.url).send().expect("it serves");
    assert!(page.status().is_success());
    assert!(page.text().expect("text").contains("<html"), "the page");

    for name in ["apple", "house"] {
        for seed in [1, 2] {
            let form = Form::new().part("sketch", Part::bytes(drawing(name, seed)).file_name("sketch.png"));
            let answer = search(&server, form.text("top", "10"));
            let styles = styles_of(&answer, name, 10);
            assert!(styles.len() >= 3, "{name}, drawn with seed {seed}, is shown in {styles:?} only");
        }
    }

    let answer = search(&server, Form::new().text("query_text", "sailboat").text("tag_filters", "pixel_art"));
    assert_eq!(answer["results"][0]["payload"]["style"], "pixel_art", "{answer}");
    let shown = answer["results"].as_array().expect("a list");
    assert!(shown.iter().all(|hit| hit["payload"]["style"] == "pixel_art"), "the filter holds");

    let first = &answer["results"][0];
    let address = first["payload"]["image_url"].as_str().expect("an address");
    let picture = http.get(format!("{}{address}?w=64", server.url)).send().expect("it serves");
    assert!(picture.headers()["content-type"].to_str().expect("ASCII").starts_with("image/"));
    let thumbnail = image::load_from_memory(&picture.bytes().expect("a body")).expect("a picture");
    assert_eq!(thumbnail.width(), 64);

    server.kill();
    let again = Server::start(folder.path(), "demo", &[]);
    let form = Form::new().part("sketch", Part::bytes(drawing("apple", 1)).file_name("sketch.png"));
    assert!(styles_of(&search(&again, form.text("top", "10")), "apple", 10).len() >= 3, "all is there after a kill");
    assert!(again.stop().success(), "a server that is asked to stop ends well");
}
