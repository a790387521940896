//! One stream for all of a caller's jobs: the same events, the same replay, whichever process
//! answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clippy_api::ApiOptions;
use clippy_jobs::{
    Claim, EventKind, JobBackend, JobId, JobKind, Lane, NewJob, Outcome, RedisJobs, RedisSettings,
    RunKey,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Setup, TestServer, drawing, problem, secrets, wait_until};
use clippy_testing::RedisServer;
use clippy_testing::{Event as Frame, Events as Frames};

const LEASE: Duration = Duration::from_secs(60);
/// The caller of a server without keys, from this machine.
const LOCAL: &str = "local";

/// A generation that every provider can make.
fn asked() -> Value {
    json!({"sketch": format!("data:image/png;base64,{}", STANDARD.encode(drawing()))})
}

async fn queue_job(jobs: &dyn JobBackend, owner: &str) -> JobId {
    let new = NewJob::new(JobKind::Generate, Lane::Interactive, json!({})).owner(owner);
    jobs.create(&new).await.expect("made").job.id
}

async fn claim_job(jobs: &dyn JobBackend, id: JobId) -> RunKey {
    match jobs.claim(id, "a worker", LEASE).await.expect("an answer") {
        Claim::Run(claimed) => claimed.key,
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

async fn open(server: &TestServer, query: &str, last: Option<&str>) -> Frames {
    let mut request = server.get(&format!("/api/jobs/events?{query}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    Frames::of(request.send().await.expect("an answer"))
}

/// The names of each job's events, in order.
fn by_job(frames: &[Frame]) -> HashMap<String, Vec<String>> {
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for frame in frames {
        let job = frame.data["job_id"]
            .as_str()
            .expect("every event names its job")
            .to_owned();
        all.entry(job).or_default().push(frame.event.clone());
    }
    all
}

#[tokio::test]
async fn listed_jobs_are_followed_until_each_is_done_and_then_the_answer_is_204() {
    let server = TestServer::start().await;
    let jobs = server.jobs.clone();
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(queue_job(&*jobs, LOCAL).await);
    }
    let query = format!(
        "ids={}",
        ids.iter()
            .map(JobId::to_string)
            .collect::<Vec<_>>()
            .join(",")
    );
    let open_stream = open(&server, &query, None).await;
    for (number, id) in ids.iter().enumerate() {
        let key = claim_job(&*jobs, *id).await;
        log(&*jobs, key, &number.to_string()).await;
        end(&*jobs, key).await;
    }
    let frames = open_stream.rest().await;
    let told = by_job(&frames);
    assert_eq!(told.len(), ids.len());
    for (number, id) in ids.iter().enumerate() {
        let names = &told[&id.to_string()];
        assert_eq!(
            names.join(" "),
            "snapshot state state log state done",
            "{number}"
        );
        let line = frames
            .iter()
            .find(|frame| frame.event == "log" && frame.data["job_id"] == json!(id));
        assert_eq!(
            line.expect("a line").data["message"],
            json!(number.to_string())
        );
    }
    // From any event on, no event is lost or repeated. After the last one there is none.
    for (place, frame) in frames
        .iter()
        .enumerate()
        .filter(|(_, frame)| frame.event != "snapshot")
    {
        let request = server.get(&format!("/api/jobs/events?{query}&after={}", frame.id));
        let answer = request.send().await.expect("an answer");
        let left: Vec<&Frame> = frames[place + 1..]
            .iter()
            .filter(|frame| frame.event != "snapshot")
            .collect();
        if left.is_empty() {
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
            continue;
        }
        let again = Frames::of(answer).rest().await;
        let again: Vec<&Frame> = again
            .iter()
            .filter(|frame| frame.event != "snapshot")
            .collect();
        let sorted = |frames: &[&Frame]| {
            let mut texts: Vec<String> = frames
                .iter()
                .map(|frame| format!("{} {}", frame.event, frame.data))
                .collect();
            texts.sort();
            texts
        };
        assert_eq!(sorted(&again), sorted(&left), "after {}", frame.id);
    }
    // Without an id, the events of a finished job are sent from the first one.
    assert_eq!(
        open(&server, &query, None).await.rest().await.len(),
        frames.len()
    );
}

#[tokio::test]
async fn mine_follows_all_unfinished_and_new_jobs_of_the_caller() {
    let server = TestServer::start().await;
    let jobs = server.jobs.clone();
    let (first, strangers) = (
        queue_job(&*jobs, LOCAL).await,
        queue_job(&*jobs, "key-somebody").await,
    );
    let before = queue_job(&*jobs, LOCAL).await;
    end(&*jobs, claim_job(&*jobs, before).await).await;
    let mut stream = open(&server, "mine", None).await;
    let snapshot = stream.next().await.expect("a snapshot");
    assert_eq!(
        (snapshot.event.as_str(), &snapshot.data["job_id"]),
        ("snapshot", &json!(first))
    );
    assert_eq!(stream.next().await.expect("queued").event, "state");
    // One job is created through the server, and one only in the store.
    let made = server
        .post("/api/images/generate")
        .json(&asked())
        .send()
        .await
        .expect("an answer");
    let made: Value = made.json().await.expect("JSON");
    let seen = stream.next().await.expect("the new job");
    assert_eq!(
        (seen.event.as_str(), &seen.data["job_id"]),
        ("snapshot", &made["id"])
    );
    let third = queue_job(&*jobs, LOCAL).await;
    let mut frames = vec![snapshot, seen];
    while frames
        .last()
        .is_none_or(|frame| frame.data["job_id"] != json!(third))
    {
        frames.push(stream.next().await.expect("the third"));
    }
    let made: JobId = made["id"].as_str().expect("an id").parse().expect("an id");
    for id in [first, made, third, strangers] {
        end(&*jobs, claim_job(&*jobs, id).await).await;
    }
    frames.extend(stream.rest().await);
    let told = by_job(&frames);
    let mut names: Vec<&String> = told.keys().collect();
    names.sort();
    let mut expected = [first, made, third].map(|id| id.to_string());
    expected.sort();
    assert_eq!(names, expected.iter().collect::<Vec<_>>());
    assert!(
        told.values()
            .all(|names| names.last().is_some_and(|name| name == "done")),
        "{told:?}"
    );
    // After the last `done` the answer is 204, until there is a new job.
    let last = frames.last().expect("events").id.clone();
    let again = server
        .get("/api/jobs/events?mine")
        .header("last-event-id", last.clone())
        .send()
        .await;
    assert_eq!(again.expect("an answer").status(), StatusCode::NO_CONTENT);
    let next = queue_job(&*jobs, LOCAL).await;
    let begun = open(&server, "mine", Some(&last))
        .await
        .next()
        .await
        .expect("a snapshot");
    assert_eq!(
        (begun.event.as_str(), &begun.data["job_id"]),
        ("snapshot", &json!(next))
    );
}

#[tokio::test]
async fn mine_without_a_job_waits_for_the_first_one() {
    let options = ApiOptions {
        stream_comment_every: Duration::from_millis(20),
        ..ApiOptions::default()
    };
    let mut server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let jobs = server.jobs.clone();
    let mut stream = open(&server, "mine=", None).await;
    // Comments keep it open meanwhile.
    stream.wait_for_comments(2).await;
    let id = queue_job(&*jobs, LOCAL).await;
    let first = stream.next().await.expect("a snapshot");
    assert_eq!(first.data["job_id"], json!(id));
    assert_eq!(stream.next().await.expect("queued").event, "state");
    let stopped = server.stop();
    assert_eq!(stream.next().await, None);
    stopped.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn a_caller_follows_only_its_own_jobs_up_to_a_limit() {
    let options = ApiOptions {
        api_keys: secrets(&["ann", "bob"]),
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let made = server
        .post("/api/images/generate")
        .bearer_auth("ann")
        .json(&asked());
    let made: Value = made
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let id = made["id"].as_str().expect("an id").to_owned();
    let ask = async |key: &str, query: &str| {
        server
            .get(&format!("/api/jobs/events?{query}"))
            .bearer_auth(key)
            .send()
            .await
            .expect("an answer")
    };
    problem(
        ask("bob", &format!("ids={id}")).await,
        StatusCode::NOT_FOUND,
        "not_found",
    )
    .await;
    let none = JobId::generate();
    let mut some = Frames::of(ask("ann", &format!("ids={none},{id},{id}")).await);
    let told = [
        some.next().await.expect("one"),
        some.next().await.expect("two"),
    ];
    assert_eq!(
        (told[0].event.as_str(), &told[0].data),
        ("gone", &json!({"job_id": none}))
    );
    assert_eq!(
        (told[1].event.as_str(), &told[1].data["job_id"]),
        ("snapshot", &json!(id))
    );

    // The cursor of another caller shows none of its jobs.
    let cursor = told[1].id.clone();
    let bobs = ask("bob", &format!("mine&after={cursor}")).await;
    assert_eq!(bobs.status(), StatusCode::NO_CONTENT);

    let bad = StatusCode::BAD_REQUEST;
    let many = vec![none.to_string(); 1]
        .into_iter()
        .chain((0..100).map(|_| JobId::generate().to_string()));
    let many = format!("ids={}", many.collect::<Vec<_>>().join(","));
    for query in [
        "",
        "ids=",
        "ids=x",
        "mine&ids=x",
        "mine=false",
        &many,
        "mine&after=1-0",
        "mine&after=j1.x",
        "mine&after=j1.!",
    ] {
        problem(ask("ann", query).await, bad, "invalid_input").await;
    }
    problem(
        server
            .get("/api/jobs/events?mine")
            .send()
            .await
            .expect("an answer"),
        StatusCode::UNAUTHORIZED,
        "unauthorized",
    )
    .await;
}

#[tokio::test]
async fn a_stream_of_many_jobs_takes_one_place() {
    let options = ApiOptions {
        streams_at_once: 1,
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(queue_job(&*server.jobs, LOCAL).await.to_string());
    }
    let query = format!("ids={}", ids.join(","));
    let mut stream = open(&server, &query, None).await;
    for _ in 0..40 {
        stream.next().await.expect("a snapshot and a state of each");
    }
    let second = server
        .get(&format!("/api/jobs/events?{query}"))
        .send()
        .await
        .expect("an answer");
    problem(second, StatusCode::SERVICE_UNAVAILABLE, "overloaded").await;
    drop(stream);
    wait_until("room again", || async {
        server
            .get(&format!("/api/jobs/events?{query}"))
            .send()
            .await
            .expect("an answer")
            .status()
            == StatusCode::OK
    })
    .await;
}

/// Two servers over one Redis, as two processes would be: they share nothing else.
#[tokio::test]
async fn a_client_that_is_disconnected_after_every_event_sees_each_event_of_all_jobs_once() {
    const JOBS: usize = 5;
    const LINES: usize = 12;
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
    // An open stream follows new jobs of another process.
    let mut waiting = open(&servers[0], "mine", None).await;
    let mut ids = vec![queue_job(&*worker, LOCAL).await];
    assert_eq!(
        waiting.next().await.expect("the first").data["job_id"],
        json!(ids[0])
    );
    drop(waiting);
    for _ in 1..JOBS {
        ids.push(queue_job(&*worker, LOCAL).await);
    }
    let writing = tokio::spawn({
        let (worker, ids) = (Arc::clone(&worker), ids.clone());
        async move {
            let mut keys = Vec::new();
            for id in ids {
                keys.push(claim_job(&*worker, id).await);
            }
            for number in 0..LINES {
                for key in &keys {
                    log(&*worker, *key, &number.to_string()).await;
                }
            }
            for key in keys {
                end(&*worker, key).await;
            }
        }
    });
    let mut seen: Vec<Frame> = Vec::new();
    let (mut cuts, mut last) = (0, None::<String>);
    loop {
        let mut request = servers[cuts % 2].get("/api/jobs/events?mine");
        if let Some(last) = &last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.expect("an answer");
        cuts += 1;
        if answer.status() == StatusCode::NO_CONTENT {
            break;
        }
        let mut stream = Frames::of(answer);
        while let Some(frame) = stream.next().await {
            last = Some(frame.id.clone());
            if frame.event != "snapshot" {
                seen.push(frame);
                break;
            }
        }
    }
    writing.await.expect("no panic");
    assert!(cuts > JOBS * LINES, "{cuts} cuts");
    for id in ids {
        let kept = worker
            .events_after(id, None, 1_000)
            .await
            .expect("kept")
            .events;
        let kept: Vec<&str> = kept.iter().map(|event| event.kind.as_str()).collect();
        let told = seen
            .iter()
            .filter(|frame| frame.data["job_id"] == json!(id));
        assert_eq!(
            told.clone()
                .map(|frame| frame.event.as_str())
                .collect::<Vec<_>>(),
            kept,
            "{id}"
        );
        let lines: Vec<String> = told
            .filter_map(|frame| frame.data["message"].as_str())
            .map(str::to_owned)
            .collect();
        assert_eq!(
            lines,
            (0..LINES)
                .map(|number| number.to_string())
                .collect::<Vec<_>>()
        );
    }
}
