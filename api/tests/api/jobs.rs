//! The routes of jobs and queues, over an embedded store in a file.

use std::time::Duration;

use crate::support::{Setup, TestServer, json as body, problem, secrets};
use clippy_api::ApiOptions;
use clippy_core::ErrorCode;
use clippy_jobs::{
    Claim, JobFailure, JobId, JobKind, JobState, Lane, LaneLimits, NewJob, Outcome, RunKey,
    SqliteJobs, SqliteSettings,
};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

const LEASE: Duration = Duration::from_secs(60);

async fn make_job(server: &TestServer, owner: &str) -> JobId {
    let new = NewJob::new(
        JobKind::Generate,
        Lane::Interactive,
        json!({"prompt": "a secret"}),
    )
    .owner(owner);
    server.jobs.create(&new).await.expect("made").job.id
}

async fn claim_job(server: &TestServer, id: JobId) -> RunKey {
    match server
        .jobs
        .claim(id, "a worker", LEASE)
        .await
        .expect("an answer")
    {
        Claim::Run(claimed) => claimed.key,
        other => panic!("not to be had: {other:?}"),
    }
}

async fn complete_job(server: &TestServer, id: JobId) {
    let outcome = Outcome::Succeeded {
        result: json!({"images": 2}),
        receipt: None,
    };
    server
        .jobs
        .finish(claim_job(server, id).await, &outcome)
        .await
        .expect("ended");
}

async fn fail_job(server: &TestServer, id: JobId) {
    let failure = JobFailure {
        code: ErrorCode::Unsupported,
        message: "no such style".to_owned(),
        retryable: false,
    };
    server
        .jobs
        .finish(claim_job(server, id).await, &Outcome::Failed(failure))
        .await
        .expect("ended");
}

async fn get(server: &TestServer, path: &str) -> Response {
    server.get(path).send().await.expect("an answer")
}

async fn post(server: &TestServer, path: &str, body: &Value) -> Response {
    server
        .post(path)
        .json(body)
        .send()
        .await
        .expect("an answer")
}

async fn expect_accepted(response: Response) -> Value {
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let location = response.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    let job: Value = response.json().await.expect("JSON");
    assert_eq!(
        location,
        format!("/api/jobs/{}", job["id"].as_str().expect("an id"))
    );
    job
}

#[tokio::test]
async fn a_job_is_answered_completely_and_its_etag_changes_with_it() {
    let server = TestServer::start().await;
    let id = make_job(&server, "anyone").await;
    let path = format!("/api/jobs/{id}");
    let response = get(&server, &path).await;
    let tag = response.headers()["etag"].clone();
    assert_eq!(response.headers()["cache-control"], "private, no-cache");
    let job = body(response).await;
    for (field, expected) in [
        ("id", json!(id.to_string())),
        ("kind", json!("generate")),
        ("lane", json!("interactive")),
        ("state", json!("queued")),
        ("position", json!(1)),
        ("attempt", json!(0)),
        ("max_attempts", json!(3)),
        ("started_at", Value::Null),
        (
            "progress",
            json!({"done": 0, "total": null, "unit": "", "stage": "", "message": ""}),
        ),
    ] {
        assert_eq!(job[field], expected, "{field}");
    }
    assert!(
        !job.to_string().contains("secret"),
        "what was asked for stays with who asked: {job}"
    );

    let same = server
        .get(&path)
        .header("if-none-match", tag.clone())
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (same.status(), same.headers()["etag"].clone()),
        (StatusCode::NOT_MODIFIED, tag.clone())
    );
    assert_eq!(same.text().await.expect("no body"), "");
    complete_job(&server, id).await;
    let changed = server
        .get(&path)
        .header("if-none-match", tag)
        .send()
        .await
        .expect("an answer");
    let job = body(changed).await;
    assert_eq!(
        (&job["state"], &job["result"]),
        (&json!("succeeded"), &json!({"images": 2}))
    );
    assert!(
        job["finished_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z')),
        "{job}"
    );
    assert_eq!(job.get("position"), None);
}

#[tokio::test]
async fn jobs_are_listed_newest_first_and_by_kind_and_state() {
    let server = TestServer::start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(make_job(&server, "anyone").await.to_string());
    }
    complete_job(&server, ids[1].parse().expect("an id")).await;
    let listed = async |query: &str| {
        let answer = body(get(&server, &format!("/api/jobs{query}")).await).await;
        let ids: Vec<String> = answer["jobs"]
            .as_array()
            .expect("jobs")
            .iter()
            .map(|job| job["id"].as_str().expect("an id").to_owned())
            .collect();
        (ids, answer["next_cursor"].as_str().map(str::to_owned))
    };
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(listed("").await.0, newest_first);
    assert_eq!(
        listed("?kind=generate&state=succeeded").await.0,
        [ids[1].clone()]
    );
    assert_eq!(listed("?kind=ingest").await.0, Vec::<String>::new());
    let (first, cursor) = listed("?limit=3").await;
    let (second, end) = listed(&format!("?limit=3&cursor={}", cursor.expect("more"))).await;
    assert_eq!([first, second].concat(), newest_first);
    assert_eq!(end, None);
    for wrong in [
        "?kind=paint",
        "?state=done",
        "?limit=0",
        "?limit=501",
        "?limit=x",
        "?cursor=x",
    ] {
        problem(
            get(&server, &format!("/api/jobs{wrong}")).await,
            StatusCode::BAD_REQUEST,
            "invalid_input",
        )
        .await;
    }
}

#[tokio::test]
async fn a_job_is_cancelled_once_and_retried_only_after_a_failure() {
    let server = TestServer::start().await;
    let (first, second, third) = (
        make_job(&server, "anyone").await,
        make_job(&server, "anyone").await,
        make_job(&server, "anyone").await,
    );
    let cancelled =
        body(post(&server, &format!("/api/jobs/{first}/cancel"), &Value::Null).await).await;
    assert_eq!(cancelled["state"], "cancelled");
    let deleted = server
        .client
        .delete(server.url(&format!("/api/jobs/{second}")))
        .send()
        .await
        .expect("an answer");
    assert_eq!(body(deleted).await["state"], "cancelled");

    complete_job(&server, third).await;
    for (path, state) in [
        (format!("/api/jobs/{first}/cancel"), "cancelled"),
        (format!("/api/jobs/{third}/cancel"), "succeeded"),
        (format!("/api/jobs/{third}/retry"), "succeeded"),
    ] {
        let told = problem(
            post(&server, &path, &Value::Null).await,
            StatusCode::CONFLICT,
            "conflict",
        )
        .await;
        assert_eq!(told["state"], state, "{told}");
        assert!(
            told["detail"].as_str().expect("text").contains(state),
            "{told}"
        );
    }
    let retried =
        body(post(&server, &format!("/api/jobs/{first}/retry"), &Value::Null).await).await;
    assert_eq!(
        (&retried["state"], &retried["attempt"]),
        (&json!("queued"), &json!(0))
    );
    fail_job(&server, first).await;
    let shown = body(get(&server, &format!("/api/jobs/{first}")).await).await;
    assert_eq!(
        shown["error"],
        json!({"code": "unsupported", "message": "no such style", "retryable": false})
    );
    assert_eq!(
        body(post(&server, &format!("/api/jobs/{first}/retry"), &Value::Null).await).await["state"],
        "queued"
    );
}

#[tokio::test]
async fn an_unknown_job_is_not_found_on_every_route() {
    let server = TestServer::start().await;
    for id in [
        JobId::generate().to_string(),
        "7".to_owned(),
        "..%2f..".to_owned(),
    ] {
        for path in [format!("/api/jobs/{id}"), format!("/api/jobs/{id}/events")] {
            problem(
                get(&server, &path).await,
                StatusCode::NOT_FOUND,
                "not_found",
            )
            .await;
        }
        for path in [
            format!("/api/jobs/{id}/cancel"),
            format!("/api/jobs/{id}/retry"),
        ] {
            problem(
                post(&server, &path, &Value::Null).await,
                StatusCode::NOT_FOUND,
                "not_found",
            )
            .await;
        }
    }
    let unknown = problem(
        post(&server, "/api/admin/paint", &json!({})).await,
        StatusCode::NOT_FOUND,
        "not_found",
    )
    .await;
    assert!(
        unknown["detail"]
            .as_str()
            .expect("text")
            .contains("/api/admin/paint")
    );
}

#[tokio::test]
async fn jobs_are_visible_to_their_owner_and_to_admins() {
    let options = ApiOptions {
        api_keys: secrets(&["ann", "bob"]),
        admin_keys: secrets(&["root"]),
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    std::fs::write(server.data.path().join("m.jsonl"), "").expect("written");
    // The owner of a job is identified by its key.
    let as_root = server
        .post("/api/admin/ingest")
        .bearer_auth("root")
        .json(&json!({"manifest": "m.jsonl"}));
    let rooted = expect_accepted(as_root.send().await.expect("an answer")).await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let owner = server
        .jobs
        .get(rooted.parse().expect("an id"))
        .await
        .expect("there")
        .owner
        .expect("an owner");
    assert!(
        owner.starts_with("key-") && !owner.contains("root"),
        "{owner}"
    );
    let name = {
        // The owner's name is the one that the server derives from the key.
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(b"clippy owner ann");
        format!("key-{}", hex::encode(&digest[..6]))
    };
    let anns = make_job(&server, &name).await.to_string();

    for (key, sees) in [
        ("ann", vec![&anns]),
        ("bob", vec![]),
        ("root", vec![&anns, &rooted]),
    ] {
        let call = async |path: &str| {
            server
                .get(path)
                .bearer_auth(key)
                .send()
                .await
                .expect("an answer")
        };
        let list = body(call("/api/jobs").await).await;
        let listed: Vec<&str> = list["jobs"]
            .as_array()
            .expect("jobs")
            .iter()
            .filter_map(|job| job["id"].as_str())
            .collect();
        assert_eq!(listed.len(), sees.len(), "{key}");
        for id in [&anns, &rooted] {
            let may = sees.contains(&id);
            assert_eq!(listed.contains(&id.as_str()), may, "{key} {id}");
            let shown = call(&format!("/api/jobs/{id}")).await;
            if may {
                body(shown).await;
                continue;
            }
            // The answer is the same as for an unknown job.
            let hidden = problem(shown, StatusCode::NOT_FOUND, "not_found").await;
            let none = JobId::generate().to_string();
            let nothing = problem(
                call(&format!("/api/jobs/{none}")).await,
                StatusCode::NOT_FOUND,
                "not_found",
            )
            .await;
            let (hidden, nothing) = (hidden["detail"].as_str(), nothing["detail"].as_str());
            assert_eq!(
                hidden.map(|text| text.replace(id, "ID")),
                nothing.map(|text| text.replace(&none, "ID"))
            );
            problem(
                call(&format!("/api/jobs/{id}/events")).await,
                StatusCode::NOT_FOUND,
                "not_found",
            )
            .await;
            for path in [
                format!("/api/jobs/{id}/cancel"),
                format!("/api/jobs/{id}/retry"),
            ] {
                let refused = server
                    .post(&path)
                    .bearer_auth(key)
                    .send()
                    .await
                    .expect("an answer");
                problem(refused, StatusCode::NOT_FOUND, "not_found").await;
            }
        }
    }
    problem(
        get(&server, "/api/jobs").await,
        StatusCode::UNAUTHORIZED,
        "unauthorized",
    )
    .await;
    let by_query = get(&server, &format!("/api/jobs/{anns}/events?key=bob")).await;
    problem(by_query, StatusCode::NOT_FOUND, "not_found").await;
    assert_eq!(
        get(&server, &format!("/api/jobs/{anns}/events?key=ann"))
            .await
            .status(),
        StatusCode::OK
    );
    let no_admin = server
        .post("/api/admin/ingest")
        .bearer_auth("ann")
        .json(&json!({"manifest": "m.jsonl"}));
    problem(
        no_admin.send().await.expect("an answer"),
        StatusCode::FORBIDDEN,
        "forbidden",
    )
    .await;
}

#[tokio::test]
async fn bulk_work_accepts_its_flags_and_no_other_fields() {
    let server = TestServer::start().await;
    let data = server.data.path();
    std::fs::write(data.join("m.jsonl"), "").expect("written");
    std::fs::write(data.join("ids.txt"), "1\n").expect("written");
    let job = expect_accepted(
        post(
            &server,
            "/api/admin/ingest",
            &json!({"manifest": "m.jsonl"}),
        )
        .await,
    )
    .await;
    assert_eq!(
        (&job["kind"], &job["lane"], &job["state"]),
        (&json!("ingest"), &json!("control"), &json!("queued"))
    );
    let full = json!({
        "manifest": data.join("m.jsonl"), "images_root": data, "clip_batch": 8, "upsert_batch": 64,
        "start_line": 1,
        "max_lines": 5, "shard_index": 0, "shard_count": 2, "text_template": "{tags}",
        "fail_log": "failed.txt",
        "which": "both", "force_all": true, "ids_file": "ids.txt",
    });
    let job = expect_accepted(post(&server, "/api/admin/backfill", &full).await).await;
    let id: JobId = job["id"].as_str().expect("an id").parse().expect("an id");
    let request = server.jobs.get(id).await.expect("there").payload["request"].clone();
    let folder = data.canonicalize().expect("there");
    for (field, expected) in [
        ("manifest", json!(folder.join("m.jsonl"))),
        ("images_root", json!(folder)),
        ("fail_log", json!(folder.join("failed.txt"))),
        ("ids_file", json!(folder.join("ids.txt"))),
        ("which", json!("both")),
        ("force_all", json!(true)),
        ("clip_batch", json!(8)),
        ("max_lines", json!(5)),
        ("shard_count", json!(2)),
    ] {
        assert_eq!(request[field], expected, "{field}");
    }
    let job =
        expect_accepted(post(&server, "/api/admin/reindex", &json!({"rollback": true})).await)
            .await;
    assert_eq!(job["kind"], "reindex");
    // Only one re-index runs: the same request returns its job, another one is refused.
    let again =
        expect_accepted(post(&server, "/api/admin/reindex", &json!({"rollback": true})).await)
            .await;
    assert_eq!(again["id"], job["id"]);
    let other = post(&server, "/api/admin/reindex", &json!({"drop_old": true})).await;
    let said = problem(other, StatusCode::CONFLICT, "conflict").await["detail"].to_string();
    assert!(said.contains(job["id"].as_str().expect("an id")), "{said}");

    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    for (kind, body, status, word) in [
        ("ingest", json!({}), unprocessable, "manifest"),
        (
            "ingest",
            json!({"manifest": "m.jsonl", "clipbatch": 8}),
            unprocessable,
            "clipbatch",
        ),
        (
            "ingest",
            json!({"manifest": "m.jsonl", "clip_batch": "many"}),
            unprocessable,
            "",
        ),
        (
            "ingest",
            json!({"manifest": "m.jsonl", "clip_batch": 0}),
            StatusCode::BAD_REQUEST,
            "clip_batch",
        ),
        (
            "ingest",
            json!({"manifest": "m.jsonl", "shard_index": 1}),
            StatusCode::BAD_REQUEST,
            "shard_count",
        ),
        (
            "ingest",
            json!({"manifest": "m.jsonl", "text_template": "x"}),
            StatusCode::BAD_REQUEST,
            "{tags}",
        ),
        (
            "ingest",
            json!({"manifest": "none.jsonl"}),
            StatusCode::BAD_REQUEST,
            "none.jsonl",
        ),
        (
            "ingest",
            json!({"manifest": "/etc/passwd"}),
            StatusCode::FORBIDDEN,
            "IMAGES_ROOT",
        ),
        (
            "ingest",
            json!({"manifest": "m.jsonl", "images_root": "/etc"}),
            StatusCode::FORBIDDEN,
            "images_root",
        ),
        (
            "ingest",
            json!({"manifest": "m.jsonl", "fail_log": "jobs.db"}),
            StatusCode::BAD_REQUEST,
            "fail_log",
        ),
        (
            "backfill",
            json!({"manifest": "m.jsonl"}),
            unprocessable,
            "which",
        ),
        (
            "backfill",
            json!({"manifest": "m.jsonl", "which": "none"}),
            unprocessable,
            "",
        ),
        (
            "backfill",
            json!({"manifest": "m.jsonl", "which": "all", "ids_file": "/etc/passwd"}),
            StatusCode::FORBIDDEN,
            "ids_file",
        ),
        (
            "reindex",
            json!({"rollback": true, "model": "RN50"}),
            StatusCode::BAD_REQUEST,
            "rollback",
        ),
        (
            "reindex",
            json!({"pretrained": "openai"}),
            StatusCode::BAD_REQUEST,
            "model",
        ),
        (
            "reindex",
            json!({"drop_old": true, "rollback": true}),
            StatusCode::BAD_REQUEST,
            "drop_old",
        ),
        (
            "reindex",
            json!({"text_template": "x"}),
            StatusCode::BAD_REQUEST,
            "{tags}",
        ),
    ] {
        let code = match status.as_u16() {
            403 => "forbidden",
            422 if body.get("clipbatch").is_some() => "unsupported",
            _ => "invalid_input",
        };
        let told = problem(
            post(&server, &format!("/api/admin/{kind}"), &body).await,
            status,
            code,
        )
        .await;
        assert!(
            told["detail"].as_str().expect("text").contains(word),
            "{body}: {told}"
        );
    }
    let huge = json!({"manifest": "m".repeat(300 << 10)});
    problem(
        post(&server, "/api/admin/ingest", &huge).await,
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
    )
    .await;
    let broken = server
        .post("/api/admin/ingest")
        .header("content-type", "application/json")
        .body("{")
        .send()
        .await;
    problem(
        broken.expect("an answer"),
        StatusCode::BAD_REQUEST,
        "invalid_input",
    )
    .await;
}

#[tokio::test]
async fn an_idempotency_key_makes_one_job_of_one_body() {
    let server = TestServer::start().await;
    std::fs::write(server.data.path().join("m.jsonl"), "").expect("written");
    let send = async |key: &str, dry_run: bool| {
        let body = json!({"manifest": "m.jsonl", "dry_run": dry_run});
        server
            .post("/api/admin/ingest")
            .header("idempotency-key", key)
            .json(&body)
            .send()
            .await
            .expect("an answer")
    };
    let first = expect_accepted(send("once", false).await).await;
    assert_eq!(
        expect_accepted(send("once", false).await).await["id"],
        first["id"]
    );
    assert_ne!(
        expect_accepted(send("twice", false).await).await["id"],
        first["id"]
    );
    let reused = problem(
        send("once", true).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "unsupported",
    )
    .await;
    assert!(
        reused["detail"]
            .as_str()
            .expect("text")
            .contains("Idempotency-Key"),
        "{reused}"
    );
    problem(
        send(&"x".repeat(300), false).await,
        StatusCode::BAD_REQUEST,
        "invalid_input",
    )
    .await;
    let jobs = body(get(&server, "/api/jobs").await).await;
    assert_eq!(jobs["jobs"].as_array().expect("jobs").len(), 2);
}

#[tokio::test]
async fn the_same_key_finds_a_bulk_job_even_if_its_files_are_gone() {
    let server = TestServer::start().await;
    let manifest = server.data.path().join("m.jsonl");
    std::fs::write(&manifest, "").expect("written");
    let send = async |path: &str, request: Value| {
        server
            .post(path)
            .header("idempotency-key", "once")
            .json(&request)
            .send()
            .await
            .expect("an answer")
    };
    let first =
        expect_accepted(send("/api/admin/ingest", json!({"manifest": "m.jsonl"})).await).await;
    std::fs::remove_file(&manifest).expect("removed");
    assert_eq!(
        expect_accepted(send("/api/admin/ingest", json!({"manifest": "m.jsonl"})).await).await["id"],
        first["id"]
    );
    let other = send("/api/admin/reindex", json!({})).await;
    problem(other, StatusCode::UNPROCESSABLE_ENTITY, "unsupported").await;
}

#[tokio::test]
async fn reports_of_jobs_contain_names_of_files_but_not_their_folders() {
    let server = TestServer::start().await;
    let jobs = server.jobs.clone();
    let data = server.data.path().display().to_string();
    let id = make_job(&server, "anyone").await;
    let key = claim_job(&server, id).await;
    let said = format!("could not write {data}/outputs/ab/x.png: the disk is full");
    let line = json!({"level": "warning", "message": "/home/ann/pictures/y.png cannot be read"});
    assert!(
        jobs.append(key, clippy_jobs::EventKind::Log, &line)
            .await
            .expect("written")
    );
    let progress = clippy_jobs::JobProgress {
        message: format!("reading {data}/m.jsonl"),
        ..Default::default()
    };
    let beat = clippy_jobs::Beat {
        progress: Some(progress),
        ..Default::default()
    };
    jobs.beat(key, LEASE, &beat).await.expect("written");
    let failure = JobFailure {
        code: ErrorCode::Internal,
        message: said,
        retryable: false,
    };
    jobs.finish(key, &Outcome::Failed(failure))
        .await
        .expect("ended");
    let failed = body(get(&server, &format!("/api/jobs/{id}")).await).await;
    assert_eq!(
        failed["error"]["message"],
        "could not write DATA_DIR/outputs/ab/x.png: the disk is full"
    );
    assert_eq!(failed["progress"]["message"], "reading DATA_DIR/m.jsonl");
    let succeeded = make_job(&server, "anyone").await;
    let result = json!({"report": format!("{data}/failed.txt"), "lines": [{"id": 1,
    "reason": "/srv/a/z.png: no file", "file": "/srv/a/z.png"}],
    "scan": {"missing_files": ["/srv/a/w.png"]}});
    let outcome = Outcome::Succeeded {
        result,
        receipt: None,
    };
    jobs.finish(claim_job(&server, succeeded).await, &outcome)
        .await
        .expect("ended");
    let succeeded = body(get(&server, &format!("/api/jobs/{succeeded}")).await).await;
    assert_eq!(
        succeeded["result"],
        json!({"report": "DATA_DIR/failed.txt", "lines": [{"id": 1, "reason": "…/z.png: no file",
            "file": "…/z.png"}], "scan": {"missing_files": ["…/w.png"]}})
    );
    let listed = get(&server, "/api/jobs").await.text().await.expect("text");
    let events = get(&server, &format!("/api/jobs/{id}/events"))
        .await
        .text()
        .await
        .expect("text");
    for text in [listed, events] {
        assert!(
            !text.contains(&data) && !text.contains("/home/ann") && !text.contains("/srv/a"),
            "{text}"
        );
        assert!(text.contains("DATA_DIR/outputs/ab/x.png"), "{text}");
    }
}

#[tokio::test]
async fn a_full_lane_is_answered_429() {
    let job_settings = SqliteSettings {
        limits: LaneLimits {
            control: 2,
            ..LaneLimits::default()
        },
        ..SqliteSettings::default()
    };
    let server = TestServer::with(Setup {
        job_settings,
        ..Setup::default()
    })
    .await;
    std::fs::write(server.data.path().join("m.jsonl"), "").expect("written");
    let send = async || {
        post(
            &server,
            "/api/admin/ingest",
            &json!({"manifest": "m.jsonl"}),
        )
        .await
    };
    let first = expect_accepted(send().await).await;
    expect_accepted(send().await).await;
    let full = send().await;
    assert!(
        full.headers()["retry-after"]
            .to_str()
            .expect("text")
            .parse::<u64>()
            .expect("seconds")
            >= 1
    );
    let told = problem(full, StatusCode::TOO_MANY_REQUESTS, "overloaded").await;
    assert!(
        told["detail"].as_str().expect("text").contains("control"),
        "{told}"
    );
    // The same holds for a retry.
    let id = first["id"].as_str().expect("an id");
    body(post(&server, &format!("/api/jobs/{id}/cancel"), &Value::Null).await).await;
    expect_accepted(send().await).await;
    let retry = post(&server, &format!("/api/jobs/{id}/retry"), &Value::Null).await;
    problem(retry, StatusCode::TOO_MANY_REQUESTS, "overloaded").await;
}

#[tokio::test]
async fn lanes_are_listed_paused_and_resumed() {
    let server = TestServer::start().await;
    let id = make_job(&server, "anyone").await;
    let queues = body(get(&server, "/api/admin/queues").await).await;
    let lanes: Vec<&str> = queues["queues"]
        .as_array()
        .expect("lanes")
        .iter()
        .filter_map(|lane| lane["lane"].as_str())
        .collect();
    assert_eq!(lanes, ["interactive", "bulk", "control"]);
    assert_eq!(queues["queues"][0]["queued"], 1);
    assert_eq!(queues["dead_letters"], json!([]));

    let paused =
        body(post(&server, "/api/admin/queues/interactive/pause", &Value::Null).await).await;
    assert_eq!(
        (&paused["lane"], &paused["paused"]),
        (&json!("interactive"), &json!(true))
    );
    assert_eq!(
        server
            .jobs
            .claim(id, "a worker", LEASE)
            .await
            .expect("an answer"),
        Claim::Paused
    );
    let resumed = body(
        post(
            &server,
            "/api/admin/queues/interactive/resume",
            &Value::Null,
        )
        .await,
    )
    .await;
    assert_eq!(resumed["paused"], false);
    complete_job(&server, id).await;
    assert_eq!(
        server.jobs.get(id).await.expect("there").state,
        JobState::Succeeded
    );
    for action in ["pause", "resume"] {
        let unknown = post(
            &server,
            &format!("/api/admin/queues/slow/{action}"),
            &Value::Null,
        )
        .await;
        let told = problem(unknown, StatusCode::NOT_FOUND, "not_found").await;
        assert!(
            told["detail"]
                .as_str()
                .expect("text")
                .contains("interactive, bulk, control"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_a_503_without_internals() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteJobs::open(&folder.path().join("jobs.db"), SqliteSettings::default())
        .await
        .expect("opened");
    let store = std::sync::Arc::new(store);
    let server = TestServer::with(Setup {
        jobs: Some(store.clone()),
        ..Setup::default()
    })
    .await;
    let id = make_job(&server, "anyone").await;
    store.close().await;
    for path in [
        "/api/jobs".to_owned(),
        format!("/api/jobs/{id}"),
        "/api/admin/queues".to_owned(),
    ] {
        let response = get(&server, &path).await;
        assert!(response.headers().contains_key("retry-after"), "{path}");
        let told = problem(response, StatusCode::SERVICE_UNAVAILABLE, "unavailable").await;
        assert!(!told.to_string().contains("jobs.db"), "{told}");
    }
}
