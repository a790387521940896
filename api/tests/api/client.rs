//! The client at `/`, and the document that its types are made from.

use reqwest::{Response, StatusCode, header};
use serde_json::Value;

use crate::support::TestServer;

/// The document that the client was made from.
fn document() -> std::path::PathBuf {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says it");
    std::path::Path::new(&folder).join("../web/openapi.json")
}

fn told(response: &Response, name: header::HeaderName) -> String {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().expect("text").to_owned())
        .unwrap_or_default()
}

#[tokio::test]
async fn the_clients_document_is_the_servers() {
    let server = TestServer::start().await;
    let served: Value = server
        .get("/api/openapi.json")
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    if std::env::var_os("CLIPPY_UPDATE_OPENAPI").is_some() {
        let text = format!("{}\n", serde_json::to_string_pretty(&served).expect("JSON"));
        std::fs::write(document(), text).expect("written");
    }
    let kept: Value =
        serde_json::from_str(&std::fs::read_to_string(document()).expect("a file")).expect("JSON");
    assert!(
        kept == served,
        "web/openapi.json is not the server's document any more: `make openapi` writes it anew"
    );
}

#[tokio::test]
async fn a_page_is_served_with_and_without_the_client() {
    let server = TestServer::start().await;
    let response = server.get("/").send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        told(&response, header::CONTENT_TYPE),
        "text/html; charset=utf-8"
    );
    let policy = told(&response, header::CONTENT_SECURITY_POLICY);
    assert!(
        policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    let page = response.text().await.expect("text");
    let plain = server
        .get("/plain")
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    assert!(
        plain.contains("page/app.js") && !plain.contains("was not built"),
        "the plain page is always there"
    );

    let Some(script) = page
        .split('"')
        .find(|part| part.starts_with("./assets/") && part.ends_with(".js"))
    else {
        assert!(
            page.contains("was not built"),
            "without the client the page says so"
        );
        eprintln!("the client was not built: its files are not tested here");
        return;
    };
    the_clients_files(&server, script.trim_start_matches('.')).await;
}

async fn the_clients_files(server: &TestServer, script: &str) {
    let asked =
        |encoding: &'static str| server.get(script).header(header::ACCEPT_ENCODING, encoding);
    let plain = asked("identity").send().await.expect("an answer");
    assert_eq!(
        told(&plain, header::CONTENT_TYPE),
        "text/javascript; charset=utf-8"
    );
    assert_eq!(
        told(&plain, header::CACHE_CONTROL),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(told(&plain, header::CONTENT_ENCODING), "");
    let small = asked("br, gzip").send().await.expect("an answer");
    assert_eq!(told(&small, header::CONTENT_ENCODING), "gzip");
    assert_eq!(
        told(&small, header::VARY)
            .to_lowercase()
            .matches("accept-encoding")
            .count(),
        1
    );
    let (tag, other) = (told(&small, header::ETAG), told(&plain, header::ETAG));
    assert!(
        tag != other && tag.len() > 10,
        "each form has its own tag: {tag} {other}"
    );
    let (small, plain) = (
        small.bytes().await.expect("bytes"),
        plain.bytes().await.expect("bytes"),
    );
    assert!(
        small.starts_with(&[0x1f, 0x8b]) && small.len() * 2 < plain.len(),
        "{} of {}",
        small.len(),
        plain.len()
    );
    // The end of a gzipped file says how long it is unpacked.
    let unpacked = u32::from_le_bytes(small[small.len() - 4..].try_into().expect("four bytes"));
    assert_eq!(
        unpacked as usize,
        plain.len(),
        "both forms are the same script"
    );

    let again = asked("gzip")
        .header(header::IF_NONE_MATCH, &tag)
        .send()
        .await
        .expect("an answer");
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(told(&again, header::ETAG), tag);
    for nothing in [
        "/assets/none.js",
        "/assets/..%2findex.html",
        "/assets/x.gz",
        "/.vite/manifest.json",
    ] {
        let response = server.get(nothing).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{nothing}");
        assert_eq!(
            told(&response, header::CONTENT_TYPE),
            "application/problem+json",
            "{nothing}"
        );
    }
}
