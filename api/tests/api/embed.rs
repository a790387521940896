//! An encoder behind HTTP: its vectors and its failures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use clippy_api::serve_embedder;
use clippy_core::embedding::{EmbedInput, Embedder, Embeddings, ModelInfo, ModelPixels};
use clippy_core::settings::Secret;
use clippy_core::{Error, ErrorCode};
use clippy_remote::{RemoteEmbedder, RemoteOptions, wire};
use clippy_testing::{FakeEmbedder, check_embedder, check_overload};
use reqwest::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const DIMENSION: usize = 16;
const SIDE: u32 = 32;

/// The embedding server of a worker, until it is dropped.
struct Served {
    address: SocketAddr,
    stop: Option<DropGuard>,
    task: tokio::task::JoinHandle<clippy_core::Result<()>>,
}

impl Served {
    async fn start(embedder: impl Embedder, keys: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener, embedder, keys)
    }

    fn on(listener: TcpListener, embedder: impl Embedder, keys: &[&str]) -> Self {
        let address = listener.local_addr().expect("an address");
        let keys: Vec<Secret> = keys
            .iter()
            .map(|key| Secret::new((*key).to_owned()))
            .collect();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let embedder: Arc<dyn Embedder> = Arc::new(embedder);
            let current = Arc::new(move || Arc::clone(&embedder));
            serve_embedder(listener, current, &keys, stopped.cancelled_owned()).await
        });
        Self {
            address,
            stop: Some(stop.drop_guard()),
            task,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn options(&self) -> RemoteOptions {
        RemoteOptions::new(self.url())
    }

    async fn stop(mut self) {
        self.stop = None;
        self.task.await.expect("no panic").expect("a good end");
    }
}

fn picture(value: u8) -> EmbedInput {
    EmbedInput::Pixels(ModelPixels {
        side: SIDE,
        rgb: vec![value; (SIDE * SIDE * 3) as usize],
    })
}

fn words(text: &str) -> EmbedInput {
    EmbedInput::Text(text.to_owned())
}

async fn failure(embedder: &RemoteEmbedder, inputs: Vec<EmbedInput>) -> Error {
    embedder.embed(inputs).await.expect_err("a failure")
}

#[tokio::test]
async fn vectors_over_http_equal_those_of_the_encoder() {
    let own = FakeEmbedder::new(DIMENSION);
    let served = Served::start(FakeEmbedder::new(DIMENSION), &[]).await;
    let remote = RemoteEmbedder::connect(&served.options())
        .await
        .expect("connected");
    assert_eq!(remote.info(), own.info());
    // 6,000 pictures are more than one call takes.
    let many: Vec<EmbedInput> = (0..6_000_u32)
        .map(|n| {
            if n % 3 == 0 {
                words(&n.to_string())
            } else {
                picture(n as u8)
            }
        })
        .collect();
    for inputs in [
        vec![],
        vec![words("a red apple")],
        vec![picture(1), words("äpple"), picture(2)],
        many,
    ] {
        let expected = own
            .embed(inputs.clone())
            .await
            .expect("embedded")
            .embeddings;
        assert_eq!(
            remote.embed(inputs).await.expect("embedded").embeddings,
            expected
        );
    }
    // The address with its path is the same address.
    let with_path = RemoteOptions::new(format!("{}/embed/", served.url()).trim_end_matches('/'));
    RemoteEmbedder::connect(&with_path)
        .await
        .expect("connected");
    served.stop().await;
}

#[tokio::test]
async fn an_embedder_over_http_keeps_the_contract() {
    let embedder = FakeEmbedder::new(DIMENSION);
    embedder.busy.store(3, Ordering::SeqCst);
    let served = Served::start(embedder, &[]).await;
    let remote = RemoteEmbedder::connect(&served.options())
        .await
        .expect("connected");
    check_overload(&remote).await;
    check_embedder(&remote).await;
    served.stop().await;
}

#[tokio::test]
async fn a_key_is_required_if_any_is_set() {
    let served = Served::start(FakeEmbedder::new(DIMENSION), &["one", "two"]).await;
    let keyed = |key: &str| RemoteOptions {
        key: Some(Secret::new(key.to_owned())),
        ..served.options()
    };
    for options in [served.options(), keyed("three")] {
        let error = RemoteEmbedder::connect(&options)
            .await
            .expect_err("refused");
        assert_eq!(error.code, ErrorCode::Unauthorized);
        assert!(error.message.contains("API_KEYS"), "{error}");
    }
    let remote = RemoteEmbedder::connect(&keyed("two"))
        .await
        .expect("connected");
    remote.embed(vec![words("apple")]).await.expect("embedded");
}

#[tokio::test]
async fn invalid_bodies_are_refused() {
    let served = Served::start(FakeEmbedder::new(DIMENSION), &[]).await;
    let (client, url) = (
        clippy_http::client().build().expect("a client"),
        format!("{}{}", served.url(), wire::PATH),
    );
    let small = EmbedInput::Pixels(ModelPixels {
        side: 2,
        rgb: vec![0; 12],
    });
    let endless =
        reqwest::Body::wrap_stream(futures::stream::iter([Ok::<_, std::io::Error>(vec![
            0_u8;
            64
        ])]));
    for (body, status, named) in [
        (
            reqwest::Body::from("no such file"),
            StatusCode::BAD_REQUEST,
            "safetensors",
        ),
        (
            reqwest::Body::from(wire::encode_request(&[small]).expect("a body")),
            StatusCode::BAD_REQUEST,
            "pixels",
        ),
        (
            reqwest::Body::from(vec![0; wire::MAX_REQUEST + 1]),
            StatusCode::PAYLOAD_TOO_LARGE,
            "more than",
        ),
        (endless, StatusCode::BAD_REQUEST, "Content-Length"),
    ] {
        let response = client
            .post(&url)
            .body(body)
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), status);
        let told: serde_json::Value = response.json().await.expect("JSON");
        assert!(
            told["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(named)),
            "{told}"
        );
    }
    let lost = client
        .get(format!("{}/elsewhere", served.url()))
        .send()
        .await
        .expect("an answer");
    assert_eq!(lost.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        client
            .get(format!("{}/livez", served.url()))
            .send()
            .await
            .expect("an answer")
            .status(),
        StatusCode::OK
    );
}

/// An embedder that is overloaded, or never answers.
struct Stuck {
    info: Arc<ModelInfo>,
    full: bool,
}

#[async_trait]
impl Embedder for Stuck {
    fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    async fn embed(&self, _: Vec<EmbedInput>) -> clippy_core::Result<Embeddings> {
        if self.full {
            return Err(Error::new(ErrorCode::Overloaded, "512 inputs wait already"));
        }
        std::future::pending().await
    }
}

#[tokio::test]
async fn faults_keep_their_kind() {
    let info = Arc::clone(FakeEmbedder::new(DIMENSION).info());
    let full = Served::start(
        Stuck {
            info: Arc::clone(&info),
            full: true,
        },
        &[],
    )
    .await;
    let remote = RemoteEmbedder::connect(&full.options())
        .await
        .expect("connected");
    assert_eq!(
        failure(&remote, vec![words("apple")]).await.code,
        ErrorCode::Overloaded
    );

    let slow = Served::start(Stuck { info, full: false }, &[]).await;
    let options = RemoteOptions {
        timeout: Duration::from_millis(300),
        ..slow.options()
    };
    let remote = RemoteEmbedder::connect(&options).await.expect("connected");
    assert_eq!(
        failure(&remote, vec![words("apple")]).await.code,
        ErrorCode::Timeout
    );
}

#[tokio::test]
async fn a_restarted_worker_is_used_again_unless_it_has_another_model() {
    let served = Served::start(FakeEmbedder::new(DIMENSION), &[]).await;
    let address = served.address;
    let remote = RemoteEmbedder::connect(&served.options())
        .await
        .expect("connected");
    remote.embed(vec![words("apple")]).await.expect("embedded");
    served.stop().await;
    let error = failure(&remote, vec![words("apple")]).await;
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(error.message.contains("--serve-embedder"), "{error}");

    let again = Served::on(
        TcpListener::bind(address).await.expect("the port"),
        FakeEmbedder::new(DIMENSION),
        &[],
    );
    remote.embed(vec![words("apple")]).await.expect("embedded");
    again.stop().await;

    // Its style vectors may be others while the model is the same.
    let restyled = Served::on(
        TcpListener::bind(address).await.expect("the port"),
        FakeEmbedder::new(DIMENSION).with_style("descriptors-of-another"),
        &[],
    );
    remote.embed(vec![words("apple")]).await.expect("embedded");
    let EmbedInput::Pixels(pixels) = picture(1) else {
        panic!("a picture");
    };
    let error = failure(&remote, vec![EmbedInput::Style(pixels)]).await;
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(error.message.contains("other style vectors"), "{error}");
    restyled.stop().await;

    let other = Served::on(
        TcpListener::bind(address).await.expect("the port"),
        FakeEmbedder::new(DIMENSION * 2),
        &[],
    );
    let error = failure(&remote, vec![words("apple")]).await;
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(
        error.message.contains("fake-16") && error.message.contains("fake-32"),
        "{error}"
    );
    other.stop().await;
}

#[tokio::test]
async fn an_address_that_is_not_a_worker_is_reported() {
    for (url, code) in [
        ("gpu-1:8010", ErrorCode::InvalidInput),
        ("", ErrorCode::InvalidInput),
        ("ftp://127.0.0.1", ErrorCode::InvalidInput),
        ("http://127.0.0.1:1", ErrorCode::Unavailable),
    ] {
        let error = RemoteEmbedder::connect(&RemoteOptions::new(url))
            .await
            .expect_err("refused");
        assert_eq!(error.code, code, "{url}: {error}");
    }
    // Accepts connections and closes them.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let hanging_up = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 16];
            let _ = stream.read(&mut some).await;
        }
    });
    let error = RemoteEmbedder::connect(&RemoteOptions::new(url))
        .await
        .expect_err("refused");
    assert_eq!(error.code, ErrorCode::Unavailable, "{error}");
    hanging_up.abort();
}
