//! Tests of connections that break after Redis has made a claim and before the answer arrives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clippy_jobs::{JobKind, JobState, Lane, LaneLimits, NewJob};
use clippy_jobs_contract::{Store, short_timing, wait_for_job};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::support::handlers::runner;
use crate::support::{Redis, connect};

/// How the answer to a successful claim begins.
const CLAIMED: &[u8] = b"*2\r\n$3\r\nrun\r\n*";

/// A proxy in front of a server. It drops the first few answers to successful claims, together with
/// their connections.
struct Cutter {
    port: u16,
    left: Arc<AtomicUsize>,
}

impl Cutter {
    async fn start(server: u16, answers: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let left = Arc::new(AtomicUsize::new(answers));
        let cuts = Arc::clone(&left);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // At the end of the test, the server stops first.
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else {
                    continue;
                };
                let left = Arc::clone(&cuts);
                tokio::spawn(async move { forward(client, server, &left).await });
            }
        });
        Self { port, left }
    }
}

async fn forward(client: TcpStream, server: TcpStream, left: &AtomicUsize) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        let mut bytes = vec![0; 1 << 16];
        loop {
            let read = from_server.read(&mut bytes).await.unwrap_or_default();
            let claimed = bytes[..read]
                .windows(CLAIMED.len())
                .any(|part| part == CLAIMED);
            let cut = claimed
                && left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                        left.checked_sub(1)
                    })
                    .is_ok();
            if read == 0 || cut || to_client.write_all(&bytes[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = answers => {}
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_claim_does_not_count_as_a_lost_worker() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let cutter = Cutter::start(redis.port(), 2).await;
    let url = format!("redis://127.0.0.1:{}/0", cutter.port);
    let behind: Store = Arc::new(connect(&url, "test", LaneLimits::default()).await);
    let (runner, calls) = runner(behind, 4, short_timing());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let job = NewJob::new(JobKind::Ingest, Lane::Bulk, json!({"ms": 0}));
    let id = store.create(&job).await.expect("created").job.id;
    let done = wait_for_job(&store, id, "it to end", |job| job.state.is_finished()).await;
    assert_eq!(
        cutter.left.load(Ordering::SeqCst),
        0,
        "two answers were cut"
    );
    assert_eq!(
        (done.state, done.attempt, done.losses),
        (JobState::Succeeded, 1, 0),
        "{:?}",
        done.error
    );
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    stop.cancel();
    running.await.expect("ends");
}
