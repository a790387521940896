//! Request heads that are slow or unreadable, and paths that do not exist.

use super::target::{Target, at_once};

pub fn slow(target: &Target) {
    let held: Vec<_> = (0..400)
        .map(|number| {
            target.socket(if number % 2 == 0 {
                b""
            } else {
                b"GET /readyz HTTP/1.1\r\nhost: 127"
            })
        })
        .collect();
    target.wait_for_others(10);
    drop(held);
}

pub fn unreadable(target: &Target) {
    let long = "x".repeat(1 << 20);
    let heads = [
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n"),
        format!(
            "GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
            "x: y\r\n".repeat(5_000)
        ),
        format!("{long} / HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        "POST /api/search/hybrid HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n"
            .to_owned(),
        "POST /api/search/hybrid HTTP/1.1\r\nhost: localhost\r\ncontent-length: \
         1\r\ncontent-length: 2\r\n\r\n"
            .to_owned(),
        "POST /api/search/hybrid HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n"
            .to_owned(),
    ];
    at_once(heads.len(), |number| {
        let answer = target.exchange(heads[number].as_bytes());
        assert!(
            !answer.starts_with("HTTP/1.1 5") && !answer.starts_with("HTTP/1.1 2"),
            "{number}: {answer}"
        );
    });
}

pub fn bad_addresses(target: &Target) {
    for path in [
        "/api/image/%ff",
        "/image/%00",
        "/api/image/../../etc/passwd",
        "/api/image/..%2f..%2fetc%2fpasswd",
        "/api/image/18446744073709551616",
        "/api/image/1?w=99999999999999999999",
        "/api/jobs/%ff",
        "/api/jobs/%ff/events",
        "/api/jobs/x/images/%ff",
        "/api/pictures?ids=%ff",
        "/assets/%ff",
        "/docs/..%2f..%2f",
        "/page/../Cargo.toml",
        "//",
        "/%2e%2e/%2e%2e",
        "/api/lineage?ref=%ff",
    ] {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            target.authority
        );
        let answer = target.exchange(head.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(
            answer.contains("application/problem+json"),
            "{path}: {answer}"
        );
    }
}
