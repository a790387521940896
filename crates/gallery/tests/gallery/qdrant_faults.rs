//! Failures of a server and of the connection to it: errors are clear, no acknowledged write is
//! lost, and no write is partial.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::gallery::{
    Filter, GalleryReader, GalleryWriter, HybridQuery, Payload, Point, Probe, ProbeKind, Vectors,
    With,
};
use clippy_core::ids::PointId;
use clippy_core::settings::Secret;
use clippy_core::{Error, ErrorCode};
use clippy_fake_qdrant::{FakeOptions, FakeQdrant, Proxy};
use clippy_gallery::{QdrantGallery, QdrantOptions, QdrantServer};
use clippy_gallery_contract::{DIMENSION, model};
use clippy_testing::wait_for;
use serde_json::json;

use crate::support::options;

fn vector(seed: u64) -> Vec<f32> {
    let mut values: Vec<f32> = (0..DIMENSION)
        .map(|index| (seed as f32 * 0.37 + index as f32 * 1.3).sin())
        .collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

fn point(number: u64) -> Point {
    let payload: Payload =
        json!({"path": format!("{number}.png"), "tags_all": ["a"], "batch": number / 100})
            .as_object()
            .cloned()
            .expect("an object");
    let vectors = Vectors {
        image: Some(vector(number)),
        edge: Some(vector(number + 1)),
        text: Some(vector(number + 2)),
        style: None,
    };
    Point {
        id: PointId::Number(number),
        vectors,
        payload,
    }
}

fn query() -> HybridQuery {
    HybridQuery {
        probes: [(ProbeKind::Image, 3), (ProbeKind::Text, 9)]
            .map(|(kind, number)| Probe {
                kind,
                vector: vector(number),
                weight: 0.5,
            })
            .to_vec(),
        lacking: None,
        filter: Filter::default(),
        candidates: 10,
        lexical_tags: Vec::new(),
        lexical_proposed_by: None,
        with_payload: true,
        exact: false,
        hnsw_ef: 64,
    }
}

fn says(error: &Error, code: ErrorCode, parts: &[&str]) {
    assert_eq!(error.code, code, "{error:?}");
    for part in parts {
        assert!(
            error.message.contains(part),
            "\"{part}\" is not in \"{}\"",
            error.message
        );
    }
}

async fn open_filled(fake: &FakeQdrant, name: &str) -> QdrantGallery {
    let gallery = QdrantGallery::open(options(&fake.url(), name))
        .await
        .expect("opened");
    gallery
        .upsert((1..=200).map(point).collect())
        .await
        .expect("stored");
    gallery
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_missing_and_read_only_keys_give_different_errors() {
    let keys = FakeOptions {
        api_key: Some("right".to_owned()),
        read_only_key: Some("reader".to_owned()),
        ..FakeOptions::default()
    };
    let fake = FakeQdrant::start(keys).expect("started");
    let with = |key: Option<&str>| {
        let mut options = options(&fake.url(), "keys");
        options.server.api_key = key.map(|key| Secret::new(key.to_owned()));
        options
    };
    for key in [None, Some("wrong")] {
        let error = QdrantGallery::open(with(key)).await.expect_err("refused");
        says(
            &error,
            ErrorCode::Internal,
            &["QDRANT_API_KEY", &fake.url()],
        );
        assert!(
            !error.message.contains("wrong"),
            "the error does not contain the key"
        );
    }
    let gallery = QdrantGallery::open(with(Some("right")))
        .await
        .expect("opened");
    gallery.upsert(vec![point(1)]).await.expect("stored");
    let reader = QdrantGallery::open(with(Some("reader")))
        .await
        .expect("reading is enough to open");
    assert_eq!(reader.count(&Filter::default()).await.expect("counted"), 1);
    let error = reader
        .upsert(vec![point(2)])
        .await
        .expect_err("reading is not enough to write");
    says(
        &error,
        ErrorCode::Internal,
        &["QDRANT_API_KEY", "only read"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_a_qdrant_server_is_named_in_the_error() {
    // Bound but not listening, so that connections are refused and no other process gets the port.
    let bound = tokio::net::TcpSocket::new_v4().expect("a socket");
    bound
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a free port");
    let unused = bound.local_addr().expect("bound");
    let error = QdrantGallery::open(options(&format!("http://{unused}"), "any"))
        .await
        .expect_err("no server");
    says(
        &error,
        ErrorCode::Unavailable,
        &[&unused.to_string(), "QDRANT_URL"],
    );

    // A web server.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let web = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else {
                return;
            };
            let _ = tokio::io::AsyncWriteExt::write_all(
                &mut stream,
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
            )
            .await;
        }
    });
    let error = QdrantGallery::open(options(&format!("http://{web}"), "any"))
        .await
        .expect_err("no gRPC there");
    says(
        &error,
        ErrorCode::Unavailable,
        &[&web.to_string(), "QDRANT_URL"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_or_full_disk_and_a_dead_shard_are_reported_and_nothing_is_stored() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    let gallery = open_filled(&fake, "disk").await;
    fake.faults().set_read_only(true);
    says(
        &gallery
            .upsert(vec![point(900)])
            .await
            .expect_err("read-only"),
        ErrorCode::Unavailable,
        &["read-only"],
    );
    assert!(
        !gallery
            .hybrid(query())
            .await
            .expect("searches still work")
            .hits
            .is_empty()
    );
    fake.faults().set_read_only(false);
    fake.faults().set_disk_full(true);
    says(
        &gallery.upsert(vec![point(900)]).await.expect_err("full"),
        ErrorCode::Unavailable,
        &["full", "space"],
    );
    fake.faults().set_disk_full(false);
    assert_eq!(
        gallery.count(&Filter::default()).await.expect("counted"),
        200
    );
    fake.faults().set_dead_shard(true);
    says(
        &gallery.hybrid(query()).await.expect_err("dead"),
        ErrorCode::Unavailable,
        &["shard", "replica"],
    );
    fake.faults().set_dead_shard(false);
    gallery
        .upsert(vec![point(900)])
        .await
        .expect("stored again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_is_deleted_meanwhile_is_reported_and_not_made_again() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    let gallery = open_filled(&fake, "gone").await;
    let client = qdrant_client::Qdrant::from_url(&fake.url())
        .skip_compatibility_check()
        .build()
        .expect("an address");
    client.delete_collection("gone").await.expect("deleted");
    for error in [
        gallery.hybrid(query()).await.expect_err("gone"),
        gallery.upsert(vec![point(1)]).await.expect_err("gone"),
        gallery.info().await.map(|_| ()).expect_err("gone"),
        gallery
            .update_vectors(vec![(PointId::Number(1), point(1).vectors)])
            .await
            .map(|_| ())
            .expect_err("gone"),
    ] {
        says(&error, ErrorCode::Unavailable, &["gone", "clippy migrate"]);
    }
    assert!(!client.collection_exists("gone").await.expect("asked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_ends_at_the_time_limit_and_the_server_is_used_again_afterwards() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    // Long enough for a machine that is busy with other tests.
    let limit = Duration::from_millis(1_500);
    let server = QdrantServer {
        timeout: limit,
        ..QdrantServer::new(fake.url())
    };
    let gallery = QdrantGallery::open(QdrantOptions::new(server, "stall", model()))
        .await
        .expect("opened");
    gallery
        .upsert((1..=200).map(point).collect())
        .await
        .expect("stored");
    fake.faults().set_stall(Duration::from_secs(10));
    let begun = Instant::now();
    let error = gallery.hybrid(query()).await.expect_err("it stalls");
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "{:?}",
        begun.elapsed()
    );
    says(&error, ErrorCode::Timeout, &["QDRANT_TIMEOUT_SECS"]);
    // After a few timeouts, callers do not wait any more.
    let mut quick = false;
    for _ in 0..12 {
        let begun = Instant::now();
        let error = gallery.hybrid(query()).await.expect_err("it stalls");
        quick |= error.code == ErrorCode::Unavailable && begun.elapsed() < limit;
    }
    assert!(quick, "the circuit never opened");
    fake.faults().set_stall(Duration::ZERO);
    wait_for("the server to be used again", || gallery.hybrid(query())).await;
}

/// Cuts the connection in the middle of an upsert, again and again, at other places. What was
/// acknowledged exists, and every batch exists completely or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_no_acknowledged_point_and_leave_no_partial_one() {
    const BATCH: u64 = 100;
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    let proxy = Proxy::start(fake.address()).await.expect("a proxy");
    let gallery = QdrantGallery::open(options(&proxy.url(), "cut"))
        .await
        .expect("opened");
    let direct = QdrantGallery::open(options(&fake.url(), "cut"))
        .await
        .expect("opened");
    let before = proxy.passed();
    gallery
        .upsert((0..BATCH).map(point).collect())
        .await
        .expect("stored");
    let bytes = proxy.passed() - before;
    let (mut acknowledged, mut refused) = (vec![0], 0);
    for batch in 1..30_u64 {
        proxy.cut_after(bytes * (batch % 10) / 9 + batch);
        let stored = gallery
            .upsert((batch * BATCH..(batch + 1) * BATCH).map(point).collect())
            .await;
        match stored {
            Ok(()) => acknowledged.push(batch),
            Err(error) => {
                says(&error, ErrorCode::Unavailable, &["Qdrant"]);
                refused += 1;
            }
        }
        proxy.restore();
        // The circuit may be open: the readiness check detects first that it can be closed.
        wait_for("the server to be used again", || gallery.info()).await;
    }
    assert!(refused > 5, "the cuts missed");
    let there = direct
        .scroll(&Filter::default(), None, 100_000, With::ALL)
        .await
        .expect("read")
        .points;
    let ids: HashSet<PointId> = there.iter().map(|point| point.id).collect();
    assert_eq!(ids.len(), there.len(), "no point exists twice");
    for batch in 0..30_u64 {
        let found = (batch * BATCH..(batch + 1) * BATCH)
            .filter(|n| ids.contains(&PointId::Number(*n)))
            .count() as u64;
        assert!(
            found == 0 || found == BATCH,
            "{found} points of batch {batch}"
        );
        assert!(
            found == BATCH || !acknowledged.contains(&batch),
            "batch {batch} was acknowledged and is lost"
        );
    }
    for stored in there {
        let PointId::Number(number) = stored.id else {
            panic!("numbers only")
        };
        assert_eq!(stored, point(number), "a partial point");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_survive_a_cut_connection() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    let proxy = Proxy::start(fake.address()).await.expect("a proxy");
    let gallery = Arc::new(
        QdrantGallery::open(options(&proxy.url(), "again"))
            .await
            .expect("opened"),
    );
    gallery
        .upsert((1..=200).map(point).collect())
        .await
        .expect("stored");
    for _ in 0..5 {
        gallery.hybrid(query()).await.expect("found");
        proxy.cut();
        proxy.restore();
        gallery
            .hybrid(query())
            .await
            .expect("read again over a new connection");
    }
}
