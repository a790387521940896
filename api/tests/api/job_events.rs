//! Streams of a job's events: a snapshot, then past events, then new ones, from any process.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Setup, TestServer, problem};
use clippy_api::ApiOptions;
use clippy_jobs::{
    Beat, Claim, EventKind, JobBackend, JobId, JobKind, JobProgress, Lane, NewJob, Outcome,
    RedisJobs, RedisSettings, RunKey,
};
use clippy_testing::RedisServer;
use clippy_testing::{Event as Frame, Events as Frames};
use reqwest::StatusCode;
use serde_json::json;

const LEASE: Duration = Duration::from_secs(60);

/// Creates a job and claims it, as a worker does. Returns its id and the key of the run.
async fn running(jobs: &dyn JobBackend) -> (JobId, RunKey) {
    let new = NewJob::new(JobKind::Generate, Lane::Interactive, json!({})).owner("anyone");
    let id = jobs.create(&new).await.expect("made").job.id;
    match jobs.claim(id, "a worker", LEASE).await.expect("an answer") {
        Claim::Run(claimed) => (id, claimed.key),
        other => panic!("not to be had: {other:?}"),
    }
}

async fn log(jobs: &dyn JobBackend, key: RunKey, message: &str) {
    let data = json!({"level": "info", "message": message});
    assert!(
        jobs.append(key, EventKind::Log, &data)
            .await
            .expect("written")
    );
}

async fn end(jobs: &dyn JobBackend, key: RunKey) {
    let outcome = Outcome::Succeeded {
        result: json!({"images": 1}),
        receipt: None,
    };
    jobs.finish(key, &outcome).await.expect("ended");
}

/// Opens the stream of a job's events. With `last`, it continues after that event.
async fn stream(server: &TestServer, id: JobId, last: Option<&str>) -> Frames {
    let mut request = server.get(&format!("/api/jobs/{id}/events"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    Frames::of(request.send().await.expect("an answer"))
}

fn names(frames: &[Frame]) -> Vec<&str> {
    frames.iter().map(|frame| frame.event.as_str()).collect()
}

#[tokio::test]
async fn a_stream_has_a_snapshot_then_past_and_new_events_and_done_last() {
    let server = TestServer::start().await;
    let jobs = server.jobs.clone();
    let (id, key) = running(&*jobs).await;
    jobs.append(key, EventKind::Preview, &json!({"image": "small"}))
        .await
        .expect("written");
    let mut open = stream(&server, id, None).await;
    let first = open.next().await.expect("a snapshot");
    assert_eq!(first.event, "snapshot");
    assert_eq!(
        (&first.data["id"], &first.data["state"]),
        (&json!(id.to_string()), &json!("running"))
    );
    assert_eq!(first.data["preview"], json!({"image": "small"}));
    let before: Vec<Frame> = [open.next().await, open.next().await, open.next().await]
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(names(&before), ["state", "state", "preview"]);
    assert_eq!(before[1].data["state"], "running");
    assert!(
        before[1].data["at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z'))
    );

    // The stream is open, and receives new events.
    let progress = JobProgress {
        done: 1,
        total: Some(4),
        unit: "steps".to_owned(),
        ..JobProgress::default()
    };
    jobs.beat(
        key,
        LEASE,
        &Beat {
            progress: Some(progress),
            ..Beat::default()
        },
    )
    .await
    .expect("written");
    let told = open.next().await.expect("progress");
    assert_eq!(
        (told.event.as_str(), &told.data["done"]),
        ("progress", &json!(1))
    );
    log(&*jobs, key, "nearly there").await;
    end(&*jobs, key).await;
    let rest = open.rest().await;
    assert_eq!(names(&rest), ["log", "state", "done"]);
    assert_eq!(rest[2].data["state"], "succeeded");

    // A later client receives the same events, from any event on.
    let all = stream(&server, id, None).await.rest().await;
    assert_eq!(
        names(&all),
        [
            "snapshot", "state", "state", "preview", "progress", "log", "state", "done"
        ]
    );
    let (last, before) = all.split_last().expect("events");
    for (place, frame) in before.iter().enumerate() {
        let again = stream(&server, id, Some(&frame.id)).await.rest().await;
        assert_eq!(
            (again[0].event.as_str(), &again[0].id),
            ("snapshot", &frame.id)
        );
        assert_eq!(again[0].data["state"], "succeeded");
        assert_eq!(again[1..], all[place + 1..], "after {}", frame.id);
        let query = server
            .get(&format!("/api/jobs/{id}/events?after={}", frame.id))
            .send()
            .await
            .expect("an answer");
        assert_eq!(Frames::of(query).rest().await[1..], all[place + 1..]);
    }
    // After `done` the answer is 204, so that an EventSource does not reconnect.
    let ask = async |query: &str| {
        server
            .get(&format!("/api/jobs/{id}/events{query}"))
            .send()
            .await
            .expect("an answer")
    };
    assert_eq!(
        ask(&format!("?after={}", last.id)).await.status(),
        StatusCode::NO_CONTENT
    );
    let by_header = server
        .get(&format!("/api/jobs/{id}/events"))
        .header("last-event-id", &last.id)
        .send()
        .await;
    assert_eq!(
        by_header.expect("an answer").status(),
        StatusCode::NO_CONTENT
    );
    // An id of an event that was never sent is valid: all events are sent again.
    for beyond in [
        "18446744073709551615-18446744073709551615",
        "9007199254740993-0",
    ] {
        let again = Frames::of(ask(&format!("?after={beyond}")).await)
            .rest()
            .await;
        assert_eq!(
            again.last().map(|frame| frame.event.as_str()),
            Some("done"),
            "{beyond}"
        );
    }
    for wrong in ["x", "1-x", "-"] {
        let response = server
            .get(&format!("/api/jobs/{id}/events?after={wrong}"))
            .send()
            .await
            .expect("an answer");
        problem(response, StatusCode::BAD_REQUEST, "invalid_input").await;
    }
}

#[tokio::test]
async fn a_silent_stream_sends_comments_and_ends_with_the_server() {
    let options = ApiOptions {
        stream_comment_every: Duration::from_millis(20),
        ..ApiOptions::default()
    };
    let mut server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    assert_eq!(
        ApiOptions::default().stream_comment_every,
        Duration::from_secs(15),
        "as promised"
    );
    let (id, key) = running(&*server.jobs.clone()).await;
    let mut open = stream(&server, id, None).await;
    for expected in ["snapshot", "state", "state"] {
        assert_eq!(open.next().await.expect("a frame").event, expected);
    }
    let jobs = server.jobs.clone();
    let (_, said) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            log(&*jobs, key, "hello").await;
        },
        open.next()
    );
    assert_eq!(said.expect("a line").event, "log");
    assert!(open.comments() >= 2, "{} comments", open.comments());
    let stopped = server.stop();
    assert_eq!(open.next().await, None);
    stopped.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused() {
    let options = ApiOptions {
        streams_at_once: 1,
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let (id, _) = running(&*server.jobs.clone()).await;
    let open = stream(&server, id, None).await;
    let path = format!("/api/jobs/{id}/events");
    problem(
        server.get(&path).send().await.expect("an answer"),
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
    )
    .await;
    drop(open);
    crate::support::wait_until("room again", || async {
        server.get(&path).send().await.expect("an answer").status() == StatusCode::OK
    })
    .await;
}

/// Runs two servers that share only a Redis server, as two processes would.
#[tokio::test]
async fn a_client_that_is_disconnected_after_every_event_sees_each_once_from_any_process() {
    const CUTS: usize = 200;
    let redis = RedisServer::start();
    let connect = async || -> Arc<dyn JobBackend> {
        let jobs = RedisJobs::connect(&redis.url(), RedisSettings::default())
            .await
            .expect("connected");
        Arc::new(jobs) as Arc<dyn JobBackend>
    };
    let mut servers = Vec::new();
    for _ in 0..2 {
        servers.push(
            TestServer::with(Setup {
                jobs: Some(connect().await),
                ..Setup::default()
            })
            .await,
        );
    }
    let worker = connect().await;
    let (id, key) = running(&*worker).await;
    let writing = tokio::spawn({
        let worker = Arc::clone(&worker);
        async move {
            for number in 0..CUTS {
                log(&*worker, key, &number.to_string()).await;
                if number % 7 == 0 {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
            }
            end(&*worker, key).await;
        }
    });

    let mut seen: Vec<Frame> = Vec::new();
    let mut cuts = 0;
    while seen.last().is_none_or(|frame| frame.event != "done") {
        let last = seen.last().map(|frame| frame.id.clone());
        let mut open = stream(&servers[cuts % 2], id, last.as_deref()).await;
        assert_eq!(open.next().await.expect("a snapshot").event, "snapshot");
        seen.push(open.next().await.expect("an event"));
        cuts += 1;
    }
    writing.await.expect("no panic");
    assert!(cuts >= CUTS, "{cuts} cuts");
    let kept = worker
        .events_after(id, None, 1_000)
        .await
        .expect("kept")
        .events;
    let kept: Vec<String> = kept.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(
        seen.iter()
            .map(|frame| frame.id.clone())
            .collect::<Vec<_>>(),
        kept
    );
    let lines: Vec<&str> = seen
        .iter()
        .filter(|frame| frame.event == "log")
        .filter_map(|frame| frame.data["message"].as_str())
        .collect();
    assert_eq!(
        lines,
        (0..CUTS)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
    );
}

/// Returns the resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a line");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .expect("a number")
        * 1024
}

/// Measures this process, which has both ends of each connection. The end of the client is a bare
/// socket, which needs little memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_open_stream_costs_less_than_20_kb() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    // A stream takes two file descriptors here, and the usual limit of a process is 1,024.
    const STREAMS: usize = 400;
    const WARM_UP: usize = 50;
    let server = TestServer::start().await;
    let (id, key) = running(&*server.jobs.clone()).await;
    let address = server.address;
    let open = async || {
        let mut socket = tokio::net::TcpStream::connect(address)
            .await
            .expect("connected");
        let request = format!("GET /api/jobs/{id}/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("sent");
        let mut read = [0_u8; 2048];
        let mut text = String::new();
        while text.matches("event: state").count() < 2 {
            let length = socket.read(&mut read).await.expect("an answer");
            assert!(length > 0, "cut after {text}");
            text.push_str(&String::from_utf8_lossy(&read[..length]));
        }
        socket
    };
    let mut sockets = Vec::with_capacity(WARM_UP + STREAMS);
    for _ in 0..WARM_UP {
        sockets.push(open().await);
    }
    let before = resident();
    for _ in 0..STREAMS {
        sockets.push(open().await);
    }
    let each = resident().saturating_sub(before) / STREAMS as u64;
    eprintln!("an open stream: {each} bytes");
    assert!(each < 20_000, "{each} bytes for each of {STREAMS} streams");
    // All of them receive the event.
    log(&*server.jobs.clone(), key, "hello to all").await;
    for socket in &mut sockets {
        let mut read = [0_u8; 2048];
        let mut text = String::new();
        while !text.contains("hello to all") {
            let length = socket.read(&mut read).await.expect("an answer");
            assert!(length > 0, "cut after {text}");
            text.push_str(&String::from_utf8_lossy(&read[..length]));
        }
    }
}
