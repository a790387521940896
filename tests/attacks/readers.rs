//! Clients that send requests and never read the answers.

use std::time::Duration;

use serde_json::{Value, json};

use super::target::Target;
use crate::harness::wait_for_blocking;

pub fn never_reading(target: &Target) {
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", target.authority);
    let search = json!({ "query_text": "apple", "top": 200 }).to_string();
    let search = format!(
        "POST /api/search/hybrid HTTP/1.1\r\nhost: {}\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n{search}",
        target.authority,
        search.len()
    );
    let found: Value = target
        .post("/api/search/hybrid")
        .json(&json!({ "query_text": "apple", "top": 1 }))
        .send()
        .and_then(reqwest::blocking::Response::json)
        .expect("a picture");
    let picture = format!("/image/{}", found["results"][0]["id"]);
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(target.socket(ask(&picture).repeat(300).as_bytes()));
        held.push(target.socket(ask(&format!("{picture}?w=2048")).repeat(300).as_bytes()));
        held.push(target.socket(ask("/api/openapi.json").repeat(300).as_bytes()));
    }
    for _ in 0..10 {
        held.push(target.socket(search.repeat(10).as_bytes()));
    }
    target.wait_for_others(20);
    drop(held);
}

pub fn streams(target: &Target) {
    let made = target
        .post("/api/images/generate")
        .json(&json!({ "prompt": "red hills" }))
        .send()
        .expect("an answer");
    let job: Value = made.json().expect("JSON");
    let id = job["id"].as_str().expect("a job");
    let ask = |last: &str| {
        format!(
            "GET /api/jobs/{id}/events HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{last}\r\n",
            target.authority
        )
    };
    let held: Vec<_> = (0..400)
        .map(|_| target.socket(ask("").as_bytes()))
        .collect();
    for last in [
        "18446744073709551615-18446744073709551615",
        "9223372036854775807-0",
        "x",
        "-1",
        "1-x",
    ] {
        // While the four hundred connections open, the server may have no room for another.
        let (status, answer) =
            wait_for_blocking("a free connection", Duration::from_secs(30), || {
                let answer = target.exchange(ask(&format!("last-event-id: {last}\r\n")).as_bytes());
                let status = answer.get(9..12).unwrap_or_default().to_owned();
                (status != "503").then_some((status, answer))
            });
        assert!(
            ["200", "204", "400"].contains(&status.as_str()),
            "{last}: {answer}"
        );
    }
    drop(held);
}
