//! References by id, URL, data URL and base64: each gives the same pixels and its own origin.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clippy_core::ErrorCode;
use clippy_generate::fetch::SystemResolver;
use clippy_generate::{
    FetchPolicy, Fetcher, GenerateRequest, ReferenceInput, ReferencePicture, Resolver, Role,
    data_url, sha256_hex,
};
use tokio::net::TcpListener;

use crate::support::{Gallery, flat, png};

fn file() -> Vec<u8> {
    png(&flat(12, 9, [200, 30, 90]))
}

/// Serves a picture, and answers that must be refused.
async fn server() -> SocketAddr {
    let app = Router::new()
        .route(
            "/good.png",
            get(|| async { ([(header::CONTENT_TYPE, "text/plain")], file()) }),
        )
        .route(
            "/page",
            get(|| async {
                (
                    [(header::CONTENT_TYPE, "image/png")],
                    "<html>not a picture</html>",
                )
            }),
        )
        .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
        .route("/broken", get(|| async { StatusCode::BAD_GATEWAY }))
        .route("/large", get(|| async { vec![0u8; 70_000] }))
        .route(
            "/endless",
            get(|| async {
                let parts =
                    futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0u8; 4096]));
                axum::body::Body::from_stream(parts)
            }),
        )
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }),
        )
        .route(
            "/many-pixels",
            get(|| async { png(&flat(300, 300, [0, 0, 0])) }),
        )
        .route("/nowhere", get(|| async { StatusCode::FOUND }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn resolver(server: SocketAddr) -> Resolver {
    let policy = FetchPolicy {
        allowed: vec![("http".to_owned(), server.port())],
        bytes: 60_000,
        pixels: 80_000,
        time: Duration::from_millis(600),
        exempt: vec![server],
        ..FetchPolicy::default()
    };
    let known = ReferencePicture {
        bytes: file().into(),
        source_url: Some("https://posts.test/7".into()),
        licence: Some("CC-BY-4.0".into()),
    };
    let broken = ReferencePicture {
        bytes: b"not a picture".to_vec().into(),
        source_url: None,
        licence: None,
    };
    let gallery = Gallery(HashMap::from([(7.into(), known), (8.into(), broken)]));
    Resolver::new(
        Arc::new(gallery),
        Arc::new(Fetcher::new(policy, SystemResolver)),
    )
}

fn input(change: impl FnOnce(&mut ReferenceInput)) -> ReferenceInput {
    let mut input = ReferenceInput {
        role: "style".into(),
        ..ReferenceInput::default()
    };
    change(&mut input);
    input
}

#[tokio::test]
async fn every_source_gives_the_same_pixels_and_its_origin() {
    let server = server().await;
    let url = format!("http://{server}/good.png");
    let refs = vec![
        input(|r| r.id = Some(7.into())),
        input(|r| r.url = Some(url.clone())),
        input(|r| r.image_url = Some(data_url("image/png", &file()))),
        input(|r| r.image_url = Some(url.clone())),
        input(|r| {
            r.image_b64 = Some(STANDARD.encode(file()));
            r.role = "subject".into();
            r.weight = Some(0.25);
        }),
    ];
    let request = GenerateRequest {
        refs,
        sketch: Some(url.clone()),
        ..GenerateRequest::default()
    };
    let generation = resolver(server)
        .resolve(&request)
        .await
        .expect("all of them");
    let hash = sha256_hex(&file());
    for reference in &generation.references {
        assert_eq!(reference.picture, flat(12, 9, [200, 30, 90]));
        assert_eq!(reference.origin.sha256, hash);
    }
    let sources: Vec<Option<&str>> = generation
        .references
        .iter()
        .map(|reference| reference.origin.source_url.as_deref())
        .collect();
    assert_eq!(
        sources,
        [
            Some("https://posts.test/7"),
            Some(url.as_str()),
            None,
            Some(url.as_str()),
            None
        ]
    );
    assert_eq!(
        generation.references[0].origin.licence.as_deref(),
        Some("CC-BY-4.0")
    );
    assert_eq!(
        (
            generation.references[0].role,
            generation.references[0].weight
        ),
        (Role::Style, 0.7)
    );
    assert_eq!(
        (
            generation.references[4].role,
            generation.references[4].weight
        ),
        (Role::Subject, 0.25)
    );
    assert_eq!(generation.sketch_sha256, Some(hash));
}

#[tokio::test]
async fn a_reference_that_cannot_be_fetched_is_named_by_its_field() {
    let server = server().await;
    let of = |path: &str| format!("http://{server}{path}");
    let cases = [
        (
            input(|r| r.id = Some(9.into())),
            ErrorCode::NotFound,
            "picture 9 is not in the gallery",
        ),
        (
            input(|r| r.id = Some(8.into())),
            ErrorCode::InvalidPicture,
            "refs[1]",
        ),
        (
            input(|r| r.url = Some(of("/page"))),
            ErrorCode::InvalidPicture,
            "not a picture",
        ),
        (
            input(|r| r.url = Some(of("/missing"))),
            ErrorCode::InvalidInput,
            "404",
        ),
        (
            input(|r| r.url = Some(of("/broken"))),
            ErrorCode::Unavailable,
            "502",
        ),
        (
            input(|r| r.url = Some(of("/large"))),
            ErrorCode::TooLarge,
            "larger",
        ),
        (
            input(|r| r.url = Some(of("/endless"))),
            ErrorCode::TooLarge,
            "larger",
        ),
        (
            input(|r| r.url = Some(of("/slow"))),
            ErrorCode::Timeout,
            "longer",
        ),
        (
            input(|r| r.url = Some(of("/many-pixels"))),
            ErrorCode::TooLarge,
            "pixels",
        ),
        (
            input(|r| r.url = Some(of("/nowhere"))),
            ErrorCode::InvalidInput,
            "nowhere",
        ),
        (
            input(|r| r.url = Some("https://127.0.0.1/x.png".into())),
            ErrorCode::InvalidInput,
            "refs[1]",
        ),
        (
            input(|r| r.image_url = Some("data:text/html;base64,aGk=".into())),
            ErrorCode::InvalidPicture,
            "not a picture",
        ),
        (
            input(|r| r.image_url = Some("data:image/png;base64,aGk=".into())),
            ErrorCode::InvalidPicture,
            "refs[1]",
        ),
        (
            input(|r| r.image_b64 = Some("no base64!".into())),
            ErrorCode::InvalidPicture,
            "refs[1]",
        ),
    ];
    for (bad, code, expected) in cases {
        let shown = format!("{bad:?}");
        let request = GenerateRequest {
            refs: vec![input(|r| r.id = Some(7.into())), bad],
            ..GenerateRequest::default()
        };
        let error = resolver(server)
            .resolve(&request)
            .await
            .err()
            .unwrap_or_else(|| panic!("{shown} was accepted"));
        assert_eq!(error.code, code, "{shown}: {}", error.message);
        assert!(
            error.message.contains(expected) && error.message.contains("refs[1]"),
            "{shown}: {}",
            error.message
        );
    }
}
