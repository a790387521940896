//! Addresses: pictures with their version, everything under a sub-path, pages with a policy, what
//! the document says.

use clippy_api::ApiOptions;
use clippy_core::gallery::{GalleryReader, GalleryWriter, With};
use clippy_core::ids::PointId;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, json as body};

/// Gives a picture the mark that ingest makes of its content.
async fn mark(server: &TestServer, id: u64, md5: &str) {
    let found = server
        .gallery
        .retrieve(&[PointId::Number(id)], With::ALL)
        .await
        .expect("an answer");
    let mut point = found.into_iter().next().expect("the picture");
    point
        .payload
        .insert("_clippy".to_owned(), json!({ "md5": md5 }));
    server.gallery.upsert(vec![point]).await.expect("stored");
}

async fn address(server: &TestServer, id: u64) -> String {
    let answer = body(
        server
            .get(&format!("/api/pictures?ids={id}"))
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    answer["pictures"][0]["payload"]["image_url"]
        .as_str()
        .expect("an address")
        .to_owned()
}

#[tokio::test]
async fn only_a_url_with_the_current_version_is_cached() {
    let server = TestServer::start().await;
    let cached = async |path: &str| {
        let response = server.get(path).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(response.headers().contains_key("etag"));
        response.headers()["cache-control"]
            .to_str()
            .expect("text")
            .to_owned()
    };
    assert_eq!(
        address(&server, 7).await,
        "/image/7",
        "nothing is known of its content"
    );
    assert_eq!(cached("/image/7").await, "no-cache");

    mark(&server, 7, "00112233445566778899aabbccddeeff").await;
    let first = address(&server, 7).await;
    assert_eq!(first, "/image/7?v=0011223344556677");
    assert_eq!(cached(&first).await, "public, max-age=604800, immutable");
    assert_eq!(
        cached(&format!("{first}&w=64")).await,
        "public, max-age=604800, immutable"
    );
    for other in [
        "/image/7",
        "/image/7?v=",
        "/image/7?v=8899aabb",
        "/image/7?w=64",
    ] {
        assert_eq!(cached(other).await, "no-cache", "{other}");
    }
    // It is replaced under its id: the old address is not for keeping any more, and searches name
    // the new one.
    mark(&server, 7, "ffeeddccbbaa99887766554433221100").await;
    assert_eq!(cached(&first).await, "no-cache");
    let found = body(server.search(&json!({ "like": [3], "top": 200 })).await).await;
    let hits = found["results"].as_array().expect("a list");
    let seven = hits
        .iter()
        .find(|hit| hit["id"] == 7)
        .expect("the picture is found");
    assert_eq!(seven["payload"]["image_url"], "/image/7?v=ffeeddccbbaa9988");
    assert!(
        !found.to_string().contains("_clippy"),
        "notes of ours are not shown"
    );
}

#[tokio::test]
async fn all_routes_work_under_a_sub_path() {
    let options = ApiOptions {
        base_path: "/draw/clippy".to_owned(),
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let plain = clippy_http::client()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let get = async |path: &str| plain.get(server.url(path)).send().await.expect("an answer");

    // With the sub-path, for proxies that pass it on, and without it, for those that cut it off.
    for base in ["/draw/clippy", ""] {
        for path in [
            "/healthz",
            "/",
            "/plain",
            "/page/app.js",
            "/api/openapi.json",
            "/docs/",
            "/api/facets",
            "/image/7",
        ] {
            assert_eq!(
                get(&format!("{base}{path}")).await.status(),
                StatusCode::OK,
                "{base}{path}"
            );
        }
        let search = server
            .post(&format!("{base}/api/search/hybrid"))
            .json(&json!({ "query_text": "apple" }));
        let found = body(search.send().await.expect("an answer")).await;
        let address = found["results"][0]["payload"]["image_url"]
            .as_str()
            .expect("an address")
            .to_owned();
        assert!(address.starts_with("/draw/clippy/image/"), "{address}");
        assert_eq!(get(&address).await.status(), StatusCode::OK, "{address}");
    }
    for (path, leads_to) in [
        ("/draw/clippy", "/draw/clippy/"),
        ("/draw/clippy/docs", "/draw/clippy/docs/"),
    ] {
        let response = get(path).await;
        assert!(response.status().is_redirection(), "{path}");
        assert_eq!(response.headers()["location"], leads_to);
    }
    assert_eq!(
        get("/draw/clippyx/healthz").await.status(),
        StatusCode::NOT_FOUND
    );

    let wanted = server
        .post("/draw/clippy/api/images/generate")
        .json(&json!({ "prompt": "a cat" }));
    let made = wanted.send().await.expect("an answer");
    if made.status() == StatusCode::ACCEPTED {
        let job = made.headers()["location"]
            .to_str()
            .expect("text")
            .to_owned();
        assert!(job.starts_with("/draw/clippy/api/jobs/"), "{job}");
        assert_eq!(get(&job).await.status(), StatusCode::OK);
    }
    for page in ["/draw/clippy/", "/draw/clippy/plain"] {
        let page = get(page).await.text().await.expect("text");
        assert!(
            !page.contains("src=\"/")
                && !page.contains("href=\"/page")
                && !page.contains("href=\"/assets"),
            "{page}"
        );
    }
    let document = body(get("/draw/clippy/api/openapi.json").await).await;
    assert_eq!(document["servers"], json!([{ "url": "/draw/clippy" }]));
    let settings = get("/draw/clippy/docs/swagger-initializer.js")
        .await
        .text()
        .await
        .expect("text");
    assert!(settings.contains("../api/openapi.json"), "{settings}");
}

#[tokio::test]
async fn every_page_has_a_policy() {
    let server = TestServer::start().await;
    for path in ["/", "/plain", "/docs/"] {
        let response = server.get(path).send().await.expect("an answer");
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().expect("text"))
                .unwrap_or_default()
        };
        assert!(header("content-type").starts_with("text/html"), "{path}");
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "frame-ancestors 'none'",
            "base-uri",
        ] {
            assert!(policy.contains(part), "{path}: {part} is not in {policy}");
        }
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        let page = response.text().await.expect("text");
        assert!(
            !page.contains("<script>"),
            "{path}: a script in the page would not run"
        );
    }
}

#[tokio::test]
async fn the_document_lists_the_refusals_of_bodies() {
    let server = TestServer::start().await;
    let document = body(
        server
            .get("/api/openapi.json")
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            if operation["requestBody"].is_null() {
                continue;
            }
            seen += 1;
            let documented = |status: &str| {
                let responses = &operation["responses"];
                responses[status].is_object()
                    || responses[format!("{}XX", &status[..1])].is_object()
            };
            for status in ["408", "413", "415", "503"] {
                assert!(documented(status), "{method} {path}: {status}");
            }
            let wrong = wrong_type(&server.client, method, server.url(path)).await;
            assert_eq!(wrong, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{method} {path}");
        }
    }
    assert!(seen >= 9, "{seen}");
}

async fn wrong_type(client: &Client, method: &str, url: String) -> StatusCode {
    let method: Method = method.to_uppercase().parse().expect("a method");
    let request = client
        .request(method, url)
        .header("content-type", "text/plain")
        .body("x");
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let answer: Value = response.json().await.expect("JSON");
    assert_eq!(answer["status"], status.as_u16());
    status
}
