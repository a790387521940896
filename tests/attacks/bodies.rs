//! Bodies that are large, deeply nested, slow, incomplete, or malformed.

use std::io::Write as _;
use std::net::TcpStream;

use super::target::{Target, at_once};

/// Just below the largest body that the server accepts.
const LENGTH: usize = 63 << 20;
const PATHS: [&str; 5] = [
    "/api/search/hybrid",
    "/api/references/suggest",
    "/api/images/generate",
    "/api/images/estimate",
    "/api/generate_image",
];

fn fill(begin: &str, member: &str, end: &str) -> String {
    let times = (LENGTH - begin.len() - end.len()) / (member.len() + 1) - 1;
    format!("{begin}{}{member}{end}", format!("{member},").repeat(times))
}

pub fn large_json(target: &Target) {
    let bodies = [
        fill(
            "{\"query_text\": \"apple\", \"prompt\": \"a\", \"x\": [",
            "0",
            "]}",
        ),
        fill(
            "{\"query_text\": \"apple\", \"like\": [",
            "0",
            "], \"n\": 1}",
        ),
        fill(
            "{\"query_text\": \"apple\", \"refs\": [",
            "{}",
            "], \"image_url\": \"data:x\"}",
        ),
        fill(
            "{\"query_text\": \"apple\", \"prompt\": \"a\", \"x\": {\"a\": [",
            "\"\"",
            "]}}",
        ),
        format!(
            "{{\"sketch\": \"data:image/png;base64,{}\"}}",
            "A".repeat(LENGTH / 4 * 4 - 64)
        ),
    ];
    for (path, body) in PATHS.into_iter().zip(&bodies) {
        target.post_json(path, body.clone());
    }
    at_once(3, |number| {
        target.post_json(PATHS[number], bodies[2 - number].clone());
    });
}

pub fn deep_json(target: &Target) {
    for begin in [
        "[",
        "{\"a\":",
        "{\"query_text\": \"apple\", \"x\": [",
        "{\"like\": [",
    ] {
        let body = format!("{begin}{}", "[".repeat(4 << 20));
        at_once(PATHS.len(), |number| {
            let status = target.post_json(PATHS[number], body.clone());
            assert!(status < 500, "{status}");
        });
    }
}

/// Announces a body on a new connection, without sending it.
fn announce_body(target: &Target, path: &str, kind: &str, length: usize) -> TcpStream {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {kind}\r\ncontent-length: \
         {length}\r\n\r\n",
        target.authority
    );
    target.socket(head.as_bytes())
}

pub fn announced(target: &Target) {
    let mut held = Vec::new();
    for _ in 0..60 {
        for path in PATHS {
            held.push(announce_body(target, path, "application/json", LENGTH));
        }
        held.push(announce_body(
            target,
            PATHS[0],
            "multipart/form-data; boundary=x",
            LENGTH,
        ));
    }
    target.wait_for_others(10);
    drop(held);
}

pub fn trickling(target: &Target) {
    let mut held: Vec<TcpStream> = (0..100)
        .map(|number| announce_body(target, PATHS[number % 5], "application/json", LENGTH))
        .collect();
    for _ in 0..10 {
        held.retain_mut(|socket| socket.write_all(b" ").is_ok());
        target.wait_for_others(1);
    }
}

pub fn bad_forms(target: &Target) {
    let long = "x".repeat(4 << 20);
    let file = "content-disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
    let bodies = [
        String::new(),
        "--x".to_owned(),
        "--x\r\n".to_owned(),
        "--y\r\n\r\n--y--".to_owned(),
        format!("--x\r\n{long}"),
        format!("--x\r\ncontent-disposition: form-data; name=\"{long}\"\r\n\r\n1\r\n--x--\r\n"),
        format!("--x\r\n{file}{long}"),
        format!("--x\r\nx-long: {long}\r\n{file}1\r\n--x--\r\n"),
        format!(
            "--x\r\ncontent-disposition: form-data; name=\"query_text\"\r\n\r\n{long}\r\n--x--\r\n"
        ),
        "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n".repeat(100_000),
        format!("{}--x--\r\n", format!("--x\r\n{file}\r\n").repeat(10_000)),
    ];
    for kind in [
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "multipart/form-data; boundary=\"\"",
    ] {
        at_once(bodies.len(), |number| {
            let request = target
                .post("/api/search/hybrid")
                .header("content-type", kind)
                .body(bodies[number].clone());
            let status = target.send(request);
            assert!(status < 500, "{kind}: {status}");
        });
    }
}
