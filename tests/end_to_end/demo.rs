//! What a new user does: starts the demo, opens the page, and sends a drawing.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, Instant};

use clippy_drawings::{sketch, subject};
use reqwest::blocking::multipart::{Form, Part};
use serde_json::Value;

use crate::harness::{Server, clippy, output_within, signal, text, wait_for_blocking};
use crate::idle::assert_idle;

fn drawing(name: &str, seed: u64) -> Vec<u8> {
    let subject = subject(name).unwrap_or_else(|| panic!("no subject {name}"));
    let mut bytes = Cursor::new(Vec::new());
    sketch(subject, seed)
        .expect("drawn")
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a PNG");
    bytes.into_inner()
}

fn search(server: &Server, form: Form) -> Value {
    let answer = server.api().post_form("/api/search/hybrid", form);
    answer.expect(200).json()
}

/// Returns the styles of the pictures of a subject among the first results.
fn styles_of(answer: &Value, subject: &str, first: usize) -> BTreeSet<String> {
    let results = answer["results"].as_array().expect("a list");
    results
        .iter()
        .take(first)
        .filter(|hit| hit["payload"]["subject"] == subject)
        .map(|hit| {
            hit["payload"]["style"]
                .as_str()
                .expect("demo pictures have a style")
                .to_owned()
        })
        .collect()
}

/// Returns the progress of the preparation; null after it is complete.
fn preparing(server: &Server) -> Value {
    server.api().get_json("/api/preparing")["preparing"].clone()
}

fn start(folder: &Path) -> Server {
    let server = Server::start(folder, "demo", &[]);
    wait_for_blocking("the gallery to be filled", Duration::from_secs(300), || {
        preparing(&server).is_null().then_some(())
    });
    server
}

#[test]
fn the_demo_refuses_a_public_address_without_keys() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = output_within(
        clippy(folder.path()).args(["demo", "--bind", "0.0.0.0:0"]),
        Duration::from_secs(20),
    );
    let printed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{printed}");
    assert!(
        printed.contains("API_KEYS") && printed.lines().count() == 1,
        "{printed}"
    );
    assert!(!folder.path().join("data").exists());
}

#[test]
fn the_demo_serves_while_it_prepares_and_continues_after_ctrl_c() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The demo ignores settings that would cost money or use another collection.
    let paid = [
        ("GEMINI_API_KEY", "k"),
        ("GENERATION_PROVIDER", "gemini"),
        ("QDRANT_URL", "http://127.0.0.1:9"),
    ];
    let mut server = Server::start_with(folder.path(), "demo", &[], &paid);
    let page = server.api().get("/").expect(200);
    assert!(page.text().contains("<html"), "the page");
    let now = preparing(&server);
    assert!(
        now["stage"] == "drawing" && now["total"].as_u64() > Some(100),
        "{now}"
    );
    let providers = server.api().get_json("/api/providers");
    let all = providers["providers"].as_array().expect("a list");
    assert!(
        all.len() == 1 && all[0]["provider"] == "local",
        "{providers}"
    );

    wait_for_blocking(
        "some pictures to be drawn",
        Duration::from_secs(180),
        || (preparing(&server)["done"].as_u64() > Some(3)).then_some(()),
    );
    let begun = Instant::now();
    signal(server.process(), "INT");
    let ended = wait_for_blocking(
        "the server to stop at the first Ctrl-C",
        Duration::from_secs(30),
        || server.exit_status(),
    );
    assert!(
        ended.success() && begun.elapsed() < Duration::from_secs(20),
        "{ended} after {:?}",
        begun.elapsed()
    );
    wait_for_blocking(
        "the log to say that the next start continues",
        Duration::from_secs(10),
        || server.log().contains("continues from here").then_some(()),
    );
    assert!(
        !folder.path().join("data/demo/manifest.jsonl").exists(),
        "the gallery was not complete"
    );

    let again = Server::start(folder.path(), "demo", &[]);
    assert!(!preparing(&again).is_null());
}

#[test]
fn the_demo_finds_a_sketch_in_several_styles_idles_and_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = start(folder.path());

    for name in ["apple", "house"] {
        for seed in [1, 2] {
            let form = Form::new().part(
                "sketch",
                Part::bytes(drawing(name, seed)).file_name("sketch.png"),
            );
            let answer = search(&server, form.text("top", "10"));
            let styles = styles_of(&answer, name, 10);
            assert!(
                styles.len() >= 3,
                "{name}, drawn with seed {seed}, is shown in {styles:?} only"
            );
        }
    }

    let answer = search(
        &server,
        Form::new()
            .text("query_text", "sailboat")
            .text("tag_filters", "pixel_art"),
    );
    assert_eq!(
        answer["results"][0]["payload"]["style"], "pixel_art",
        "{answer}"
    );
    let shown = answer["results"].as_array().expect("a list");
    assert!(
        shown
            .iter()
            .all(|hit| hit["payload"]["style"] == "pixel_art"),
        "the filter applies to each result"
    );

    let first = &answer["results"][0];
    let address = first["payload"]["image_url"].as_str().expect("an address");
    assert!(address.contains("?v="), "{address}");
    let picture = server.api().get(&format!("{address}&w=64")).expect(200);
    assert!(picture.header("content-type").starts_with("image/"));
    let thumbnail = image::load_from_memory(&picture.body).expect("a picture");
    assert_eq!(thumbnail.width(), 64);

    assert_idle(&server);
    server.kill();
    let again = start(folder.path());
    let form = Form::new().part(
        "sketch",
        Part::bytes(drawing("apple", 1)).file_name("sketch.png"),
    );
    assert!(
        styles_of(&search(&again, form.text("top", "10")), "apple", 10).len() >= 3,
        "nothing is lost by a kill"
    );
    assert!(again.stop().success(), "the server exits with code 0");
}
