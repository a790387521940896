//! Pictures that are small files and take much memory when they are decoded.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::blocking::multipart::{Form, Part};
use serde_json::{Value, json};

use super::bombs::{black, profiled};
use super::target::{Target, at_once};

/// Pictures of forty million pixels in one column or row, and other extreme shapes.
fn columns() -> &'static [Vec<u8>] {
    static COLUMNS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    COLUMNS.get_or_init(|| {
        vec![
            black(1, 40_000_000, 1, 0),
            black(40_000_000, 1, 1, 0),
            black(1, 3_000, 8, 2),
            black(3, 60_000, 8, 2),
            black(60_000, 3, 8, 6),
        ]
    })
}

/// Returns a picture of 8192 x 8192 pixels with 16 bits for each channel: half a gigabyte.
fn deep() -> &'static [u8] {
    static DEEP: OnceLock<Vec<u8>> = OnceLock::new();
    DEEP.get_or_init(|| black(8_192, 8_192, 16, 6))
}

fn upload(target: &Target, path: &str, field: &'static str, picture: &[u8]) -> u16 {
    let part = Part::bytes(picture.to_vec())
        .file_name("picture.png")
        .mime_str("image/png")
        .expect("a type");
    target.send(
        target
            .post(path)
            .multipart(Form::new().part(field, part).text("top", "3")),
    )
}

fn encoded(picture: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(picture))
}

fn generate(target: &Target, body: &Value) -> u16 {
    target.post_json("/api/images/generate", body.to_string())
}

pub fn of_one_column(target: &Target) {
    at_once(columns().len(), |number| {
        for field in ["sketch", "image"] {
            upload(target, "/api/search/hybrid", field, &columns()[number]);
        }
        upload(
            target,
            "/api/references/suggest",
            "image",
            &columns()[number],
        );
    });
}

pub fn to_generate_from(target: &Target) {
    at_once(columns().len(), |number| {
        let picture = encoded(&columns()[number]);
        for body in [
            json!({ "prompt": "a cat", "refs": [{ "role": "style", "image_url": picture }] }),
            json!({ "prompt": "a cat", "refs": [{ "role": "subject", "image_url": picture }] }),
            json!({ "prompt": "a cat", "base": picture }),
            json!({ "prompt": "a cat", "base": picture, "mask": picture }),
            json!({ "prompt": "a cat", "sketch": picture }),
        ] {
            generate(target, &body);
        }
    });
}

pub fn flood(target: &Target) {
    at_once(16, |number| {
        upload(
            target,
            "/api/search/hybrid",
            if number % 2 == 0 { "image" } else { "sketch" },
            deep(),
        );
    });
}

pub fn references(target: &Target) {
    let picture = encoded(&black(4_096, 4_096, 16, 6));
    let refs: Vec<Value> = (0..16)
        .map(|_| json!({ "role": "style", "weight": 0.5, "image_url": picture }))
        .collect();
    let body = json!({ "prompt": "a cat", "refs": refs });
    at_once(4, |_| {
        generate(target, &body);
    });
}

pub fn profiles(target: &Target) {
    let picture = profiled(1 << 30);
    at_once(8, |number| {
        upload(
            target,
            "/api/search/hybrid",
            if number % 2 == 0 { "image" } else { "sketch" },
            &picture,
        );
    });
    generate(
        target,
        &json!({ "prompt": "a cat", "refs": [{ "role": "style",
        "image_url": encoded(&picture) }] }),
    );
}
