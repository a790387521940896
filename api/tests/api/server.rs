//! Tests of pictures, keys, origins, health, the OpenAPI document and the plain page.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{Setup, TestServer, json as body, problem, secrets, wait_until};
use clippy_api::ApiOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn with_options(options: ApiOptions) -> TestServer {
    TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await
}

#[tokio::test]
async fn a_picture_has_an_etag_and_is_revalidated_with_it() {
    let server = TestServer::start().await;
    for (path, expected) in [
        ("/api/image/7", "7.png whole"),
        ("/image/7", "7.png whole"),
        ("/api/image/7?w=256", "7.png 256"),
        ("/api/image/7?w=999999", "7.png 2048"),
    ] {
        let response = server.get(path).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let headers = response.headers().clone();
        assert_eq!(headers["content-type"], "image/png");
        assert_eq!(headers["cache-control"], "no-cache");
        assert_eq!(headers["content-disposition"], "inline");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(response.text().await.expect("a body"), expected);
        let tag = headers["etag"].clone();
        let again = server
            .get(path)
            .header("if-none-match", tag.clone())
            .send()
            .await
            .expect("an answer");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()["etag"], tag);
        assert_eq!(again.text().await.expect("no body"), "");
        let other = server
            .get(path)
            .header("if-none-match", "\"other\"")
            .send()
            .await
            .expect("an answer");
        assert_eq!(other.status(), StatusCode::OK);
        let head = server
            .client
            .head(server.url(path))
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            (head.status(), head.headers()["etag"].clone()),
            (StatusCode::OK, tag)
        );
        assert_eq!(
            head.headers()["content-length"].to_str().expect("text"),
            expected.len().to_string()
        );
    }
    for (path, status, code) in [
        ("/api/image/999", StatusCode::NOT_FOUND, "not_found"),
        ("/api/image/apple", StatusCode::NOT_FOUND, "not_found"),
        (
            "/api/image/..%2f..%2fetc%2fpasswd",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        ("/api/image/17", StatusCode::NOT_FOUND, "not_found"),
        ("/api/image/13", StatusCode::FORBIDDEN, "forbidden"),
        ("/api/image/7?w=0", StatusCode::BAD_REQUEST, "invalid_input"),
        (
            "/api/image/7?w=wide",
            StatusCode::BAD_REQUEST,
            "invalid_input",
        ),
    ] {
        problem(
            server.get(path).send().await.expect("an answer"),
            status,
            code,
        )
        .await;
    }
}

#[tokio::test]
async fn if_the_server_has_keys_every_call_needs_one() {
    let options = ApiOptions {
        api_keys: secrets(&["one", "t+w&o"]),
        admin_keys: secrets(&["root"]),
        ..ApiOptions::default()
    };
    let server = with_options(options).await;
    let unauthorized = StatusCode::UNAUTHORIZED;
    for path in [
        "/api/image/7",
        "/image/7",
        "/api/facets",
        "/api/profile?user_id=a",
        "/api/model",
    ] {
        let response = server.get(path).send().await.expect("an answer");
        assert!(response.headers().contains_key("www-authenticate"));
        problem(response, unauthorized, "unauthorized").await;
        let wrong = server
            .get(path)
            .bearer_auth("onE")
            .send()
            .await
            .expect("an answer");
        problem(wrong, unauthorized, "unauthorized").await;
        for key in ["one", "t+w&o", "root"] {
            let bearer = server
                .get(path)
                .bearer_auth(key)
                .send()
                .await
                .expect("an answer");
            assert_eq!(bearer.status(), StatusCode::OK, "{path}");
            let header = server
                .get(path)
                .header("x-api-key", key)
                .send()
                .await
                .expect("an answer");
            assert_eq!(header.status(), StatusCode::OK, "{path}");
        }
    }
    for path in ["/api/search/hybrid", "/search/hybrid"] {
        let response = server
            .post(path)
            .json(&json!({ "query_text": "apple" }))
            .send()
            .await
            .expect("an answer");
        problem(response, unauthorized, "unauthorized").await;
    }
    let picture = server
        .get("/api/image/7?w=64")
        .query(&[("key", "t+w&o")])
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        picture.status(),
        StatusCode::OK,
        "an <img> cannot send headers"
    );
    assert!(
        picture.headers()["cache-control"]
            .to_str()
            .expect("text")
            .starts_with("private")
    );
    let query = server
        .get("/api/facets?key=one")
        .send()
        .await
        .expect("an answer");
    problem(query, unauthorized, "unauthorized").await;
    for path in [
        "/",
        "/livez",
        "/healthz",
        "/metrics",
        "/api/openapi.json",
        "/docs/",
    ] {
        assert_eq!(
            server.get(path).send().await.expect("an answer").status(),
            StatusCode::OK,
            "{path}"
        );
    }
}

#[tokio::test]
async fn admin_calls_need_an_admin_key_or_come_from_this_machine() {
    let path = "/api/admin/collection";
    let open = TestServer::start().await;
    let answer = body(open.get(path).send().await.expect("an answer")).await;
    assert_eq!(
        (answer["points"].as_u64(), answer["dimension"].as_u64()),
        (Some(41), Some(16))
    );
    let proxied = open
        .get(path)
        .header("x-forwarded-for", "203.0.113.9")
        .send()
        .await
        .expect("an answer");
    problem(proxied, StatusCode::FORBIDDEN, "forbidden").await;
    let rebound = open
        .get(path)
        .header("host", "evil.example")
        .send()
        .await
        .expect("an answer");
    problem(rebound, StatusCode::MISDIRECTED_REQUEST, "misdirected").await;

    let options = ApiOptions {
        api_keys: secrets(&["one"]),
        admin_keys: secrets(&["root"]),
        ..ApiOptions::default()
    };
    let closed = with_options(options).await;
    problem(
        closed.get(path).send().await.expect("an answer"),
        StatusCode::UNAUTHORIZED,
        "unauthorized",
    )
    .await;
    let api_key = closed
        .get(path)
        .bearer_auth("one")
        .send()
        .await
        .expect("an answer");
    problem(api_key, StatusCode::FORBIDDEN, "forbidden").await;
    assert_eq!(
        closed
            .get(path)
            .bearer_auth("root")
            .send()
            .await
            .expect("an answer")
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn only_allowed_origins_may_read_answers() {
    let options = ApiOptions {
        allowed_origins: vec!["https://draw.example".to_owned()],
        ..ApiOptions::default()
    };
    let server = with_options(options).await;
    let allowed = |origin: &'static str, path: &'static str| {
        let request = server.get(path).header("origin", origin);
        async move {
            let response = request.send().await.expect("an answer");
            response
                .headers()
                .get("access-control-allow-origin")
                .map(|value| value.to_str().expect("text").to_owned())
        }
    };
    assert_eq!(
        allowed("https://draw.example", "/api/image/7")
            .await
            .as_deref(),
        Some("https://draw.example")
    );
    assert_eq!(
        allowed("https://draw.example", "/api/nowhere")
            .await
            .as_deref(),
        Some("https://draw.example")
    );
    assert_eq!(allowed("https://evil.example", "/api/image/7").await, None);
    let preflight = server
        .client
        .request(Method::OPTIONS, server.url("/api/search/hybrid"))
        .header("origin", "https://draw.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-api-key")
        .send()
        .await
        .expect("an answer");
    assert_eq!(preflight.status(), StatusCode::OK);
    let headers = preflight.headers()["access-control-allow-headers"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        headers.contains("x-api-key") && headers.contains("content-type"),
        "{headers}"
    );

    let any = with_options(ApiOptions {
        allowed_origins: vec!["*".to_owned()],
        ..ApiOptions::default()
    })
    .await;
    let response = any
        .get("/healthz")
        .header("origin", "https://any.example")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn a_panic_is_answered_without_internals_and_affects_no_other_call() {
    let server = TestServer::start().await;
    server.gallery.facet_panics.store(true, Ordering::SeqCst);
    let response = server.get("/api/facets").send().await.expect("an answer");
    let answer = problem(response, StatusCode::INTERNAL_SERVER_ERROR, "internal").await;
    assert!(!answer.to_string().contains("passwd"), "{answer}");
    assert!(answer["error_id"].is_string());
    server.gallery.facet_panics.store(false, Ordering::SeqCst);
    let answer = body(
        server
            .get("/api/facets?limit=1")
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(
        answer,
        json!({ "field": "matched_tags", "values": [{ "value": "line_art", "count": 21 }] })
    );
    for path in [
        "/api/facets?field=md5",
        "/api/facets?limit=0",
        "/api/facets?limit=501",
        "/api/facets?limit=x",
    ] {
        problem(
            server.get(path).send().await.expect("an answer"),
            StatusCode::BAD_REQUEST,
            "invalid_input",
        )
        .await;
    }
}

#[tokio::test]
async fn an_unavailable_collection_reveals_no_internals_and_makes_the_server_unready() {
    let server = TestServer::start().await;
    let ready = || async {
        server
            .get("/readyz")
            .send()
            .await
            .expect("an answer")
            .status()
            == StatusCode::OK
    };
    wait_until("ready", ready).await;
    server.gallery.info_fails.store(true, Ordering::SeqCst);
    let response = server
        .get("/api/admin/collection")
        .send()
        .await
        .expect("an answer");
    assert!(response.headers().contains_key("retry-after"));
    let answer = problem(response, StatusCode::SERVICE_UNAVAILABLE, "unavailable").await;
    assert!(
        !answer.to_string().contains("hunter2") && !answer.to_string().contains("10.0.0.7"),
        "{answer}"
    );
    wait_until("not ready", || async { !ready().await }).await;
    problem(
        server.get("/readyz").send().await.expect("an answer"),
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
    )
    .await;
    assert_eq!(
        server
            .get("/livez")
            .send()
            .await
            .expect("an answer")
            .status(),
        StatusCode::OK
    );
    server.gallery.info_fails.store(false, Ordering::SeqCst);
    wait_until("ready again", ready).await;
}

#[tokio::test]
async fn an_unknown_route_is_answered_with_a_problem() {
    let server = TestServer::start().await;
    for path in [
        "/nowhere",
        "/api/nowhere",
        "/page/../Cargo.toml",
        "/api/image/",
    ] {
        problem(
            server.get(path).send().await.expect("an answer"),
            StatusCode::NOT_FOUND,
            "not_found",
        )
        .await;
    }
    // A browser gets a page that leads to the studio, but not for a route of the API.
    let browser = clippy_http::client().build().expect("a client");
    let opened = |path| {
        let accepted = "text/html,application/xhtml+xml,*/*;q=0.8";
        browser
            .get(server.url(path))
            .header("accept", accepted)
            .send()
    };
    let page = opened("/gallery").await.expect("an answer");
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(
        page.headers()["content-type"]
            .to_str()
            .expect("text")
            .starts_with("text/html")
    );
    let page = page.text().await.expect("a page");
    assert!(
        page.contains("/gallery") && page.contains("href=\"/\""),
        "{page}"
    );
    let missing = opened("/api/nowhere").await.expect("an answer");
    problem(missing, StatusCode::NOT_FOUND, "not_found").await;
    for (method, path) in [
        (Method::GET, "/api/search/hybrid"),
        (Method::DELETE, "/image/7"),
        (Method::POST, "/healthz"),
        (Method::PUT, "/"),
    ] {
        let response = server
            .client
            .request(method, server.url(path))
            .send()
            .await
            .expect("an answer");
        problem(
            response,
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
        )
        .await;
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_aborted() {
    let options = ApiOptions {
        request_timeout: Duration::from_millis(50),
        ..ApiOptions::default()
    };
    let server = with_options(options).await;
    let _gate = server.gallery.gate.clone().lock_owned().await;
    let response = server.search(&json!({ "query_text": "apple" })).await;
    problem(response, StatusCode::GATEWAY_TIMEOUT, "timeout").await;
}

#[tokio::test]
async fn health_and_metrics_are_served_and_request_ids_are_returned() {
    let server = TestServer::start().await;
    let response = server
        .get("/healthz")
        .header("x-request-id", "mine")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.headers()["x-request-id"], "mine");
    let health = body(response).await;
    assert_eq!(
        health,
        json!({ "ok": true, "name": "clippy", "version": env!("CARGO_PKG_VERSION") })
    );
    assert_eq!(
        server
            .search(&json!({ "query_text": "apple" }))
            .await
            .status(),
        StatusCode::OK
    );
    let text = server
        .get("/metrics")
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    for line in [
        "clippy_http_requests_total{method=\"POST\",route=\"/api/search/hybrid\",status=\"200\"}",
        "clippy_http_request_duration_seconds_bucket{method=\"POST\",route=\"/api/search/hybrid\",\
         le=\"",
        "clippy_search_stage_duration_seconds_bucket{stage=\"embed\"",
        "clippy_encoder_queue_duration_seconds_count",
        "clippy_http_requests_in_flight",
        "clippy_encoder_inputs_waiting",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn the_openapi_document_lists_every_route() {
    let server = TestServer::start().await;
    let document = body(
        server
            .get("/api/openapi.json")
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    let mut routes: Vec<String> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .expect("methods")
                .keys()
                .map(move |method| format!("{method} {path}"))
        })
        .collect();
    routes.sort();
    let mut expected = [
        "post /api/search/hybrid",
        "get /api/image/{id}",
        "post /api/feedback",
        "get /api/boards",
        "post /api/boards",
        "get /api/boards/{id}",
        "patch /api/boards/{id}",
        "delete /api/boards/{id}",
        "post /api/boards/{id}/items",
        "get /api/profile",
        "patch /api/profile",
        "delete /api/profile",
        "get /api/boards/{id}/export",
        "get /api/boards/{id}/shares",
        "post /api/boards/{id}/shares",
        "delete /api/boards/{id}/shares/{share}",
        "get /api/shared",
        "get /api/shared/image/{id}",
        "get /api/facets",
        "get /api/tags",
        "post /api/references/suggest",
        "post /api/admin/calibrate",
        "get /api/pictures",
        "get /api/gallery",
        "get /api/gallery/counts",
        "get /api/model",
        "get /api/preparing",
        "get /api/jobs",
        "get /api/jobs/{id}",
        "delete /api/jobs/{id}",
        "post /api/jobs/{id}/cancel",
        "post /api/jobs/{id}/retry",
        "get /api/jobs/{id}/events",
        "get /api/jobs/events",
        "post /api/tickets",
        "get /api/jobs/{id}/images/{n}",
        "post /api/images/generate",
        "post /api/images/estimate",
        "post /api/generate_image",
        "get /api/lineage",
        "get /api/history",
        "get /api/history/{id}",
        "patch /api/history/{id}",
        "delete /api/history/{id}",
        "get /api/history/{id}/pictures/{n}",
        "get /api/history/{id}/inputs/{sha256}",
        "get /api/providers",
        "get /api/styles",
        "get /api/map",
        "post /api/admin/map",
        "patch /api/styles/{id}",
        "post /api/styles/{id}/merge",
        "get /api/tags/proposed",
        "post /api/tags/review",
        "post /api/pictures",
        "post /api/pictures/bulk",
        "get /api/pictures/{id}",
        "patch /api/pictures/{id}",
        "delete /api/pictures/{id}",
        "get /api/admin/changes",
        "get /api/admin/export",
        "get /api/admin/export/points",
        "get /api/admin/export/records",
        "post /api/admin/import",
        "post /api/admin/import/points",
        "post /api/admin/import/records",
        "post /api/admin/import/finish",
        "post /api/admin/backup",
        "post /api/admin/styles",
        "post /api/admin/tag",
        "post /api/admin/add",
        "post /api/admin/fetch",
        "post /api/admin/ingest",
        "post /api/admin/backfill",
        "post /api/admin/reindex",
        "get /api/admin/watch",
        "post /api/admin/watch",
        "get /api/admin/queues",
        "post /api/admin/queues/{lane}/pause",
        "post /api/admin/queues/{lane}/resume",
        "get /api/admin/collection",
        "get /livez",
        "get /readyz",
        "get /healthz",
        "get /metrics",
    ];
    expected.sort_unstable();
    assert_eq!(routes, expected);
    let search = &document["paths"]["/api/search/hybrid"]["post"];
    let fields = &document["components"]["schemas"]["SearchForm"]["properties"];
    for field in [
        "sketch",
        "image",
        "like",
        "query_text",
        "w_img",
        "top",
        "cursor",
        "tag_filters",
        "personalize",
    ] {
        assert!(fields[field].is_object(), "{field}");
    }
    for content in ["multipart/form-data", "application/json"] {
        assert!(
            search["requestBody"]["content"][content].is_object(),
            "{content}"
        );
    }
    assert!(document["components"]["securitySchemes"]["bearer"].is_object());
    let page = server.get("/docs/").send().await.expect("an answer");
    assert!(page.text().await.expect("text").contains("swagger"));
}

#[tokio::test]
async fn the_plain_page_is_complete_and_calls_no_other_server() {
    let server = TestServer::start().await;
    let response = server.get("/plain").send().await.expect("an answer");
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("http"),
        "{policy}"
    );
    let html = response.text().await.expect("text");
    let mut texts = vec![html.clone()];
    for name in ["style.css", "app.js", "api.js", "pad.js", "results.js"] {
        let file = server
            .get(&format!("/page/{name}"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(file.status(), StatusCode::OK, "{name}");
        let expected = if name.ends_with(".css") {
            "text/css"
        } else {
            "text/javascript"
        };
        assert!(
            file.headers()["content-type"]
                .to_str()
                .expect("text")
                .starts_with(expected)
        );
        texts.push(file.text().await.expect("text"));
    }
    for text in texts {
        // The name of an XML namespace is a URL, but no browser fetches it.
        let text = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http://") && !text.contains("src=\"//"));
        assert!(
            !text.contains("https://"),
            "nothing is loaded from another server"
        );
    }
    // The page has every element that the script looks up by its id.
    let script = include_str!("../../src/page/app.js");
    for id in script
        .split("at(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[tokio::test]
async fn stopping_waits_for_requests_in_progress() {
    let mut server = TestServer::start().await;
    let gate = server.gallery.gate.clone().lock_owned().await;
    let request = server
        .post("/api/search/hybrid")
        .json(&json!({ "query_text": "apple" }));
    let search = tokio::spawn(async move {
        request
            .send()
            .await
            .expect("an answer")
            .json::<Value>()
            .await
    });
    wait_until("the search runs", || async {
        server.gallery.searches.load(Ordering::SeqCst) == 1
    })
    .await;
    let ended = server.stop();
    wait_until("not ready", || async {
        !server.state.readiness().is_ready()
    })
    .await;
    wait_until("no new connections", || async {
        tokio::net::TcpStream::connect(server.address)
            .await
            .is_err()
    })
    .await;
    assert!(!ended.is_finished(), "it waits for the search");
    drop(gate);
    let answer = search.await.expect("no panic").expect("a whole answer");
    assert_eq!(answer["results"].as_array().expect("results").len(), 24);
    ended.await.expect("no panic").expect("a clean end");
}
