//! Jobs of a real server: killed while they run, followed over HTTP and from the shell, with and
//! without Redis.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use clippy_testing::{BlockingEvents, Event, RedisServer};
use serde_json::{Value, json};

use crate::harness::{Server, clippy, gallery, json as run_json, run, text, wait_for_blocking};

/// Writes the whole gallery's manifest into the data folder, where the server may read it. Returns
/// its number of lines.
fn manifest_in(data: &Path) -> u64 {
    let whole =
        std::fs::read_to_string(gallery().join("manifest.jsonl")).expect("written by the gallery");
    std::fs::create_dir_all(data.join("data")).expect("made");
    std::fs::write(data.join("data/manifest.jsonl"), &whole).expect("written");
    whole.lines().count() as u64
}

/// Opens the stream of a job's events.
fn events(server: &Server, id: &str, last: Option<&str>) -> BlockingEvents {
    let path = format!("/api/jobs/{id}/events");
    server.api().events(&path, last)
}

#[test]
fn a_backfill_over_http_streams_its_progress_and_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lines = manifest_in(folder.path());
    let root = gallery().display().to_string();
    let manifest = folder
        .path()
        .join("data/manifest.jsonl")
        .display()
        .to_string();
    let ingested = run_json(
        folder.path(),
        &[
            "ingest",
            "--manifest",
            &manifest,
            "--images-root",
            &root,
            "--no-text",
            "--json",
        ],
    );
    assert_eq!(ingested["totals"]["embedded"], lines, "{ingested}");

    let server = Server::start(folder.path(), "serve", &[]);
    let body = json!({"manifest": "manifest.jsonl", "images_root": root, "which": "all",
    "force_all": true});
    let answer = server.api().post_json("/api/admin/backfill", &body);
    let answer = answer.expect(202);
    let id = answer
        .header("location")
        .strip_prefix("/api/jobs/")
        .expect("a job's address")
        .to_owned();

    let mut stream = events(&server, &id, None);
    assert_eq!(stream.next().expect("a snapshot").event, "snapshot");
    // Kill the server when one part is done and others are still running.
    let mut done = 0;
    while done == 0 {
        let Event {
            event: name, data, ..
        } = stream.next().expect("the job is not done yet");
        assert_ne!(
            name, "done",
            "the gallery is too small to be interrupted: {data}"
        );
        if name == "progress" {
            done = data["done"].as_u64().expect("a count");
        }
    }
    assert!(done < lines, "{done} of {lines}");
    let last = stream.last.clone();
    server.kill();

    let server = Server::start(folder.path(), "serve", &[]);
    assert!(
        ["queued", "running", "waiting"]
            .contains(&server.api().job(&id)["state"].as_str().expect("a state"))
    );
    let mut stream = events(&server, &id, last.as_deref());
    assert_eq!(stream.next().expect("a snapshot").event, "snapshot");
    let mut seen = Vec::new();
    let mut ended = Value::Null;
    for Event {
        event: name, data, ..
    } in stream
    {
        if name == "progress" {
            let now = data["done"].as_u64().expect("a count");
            assert!(now >= done, "progress went back from {done} to {now}");
            done = now;
        }
        seen.push(name);
        ended = data;
    }
    assert_eq!(seen.last().map(String::as_str), Some("done"), "{seen:?}");
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert!(seen.iter().any(|name| name == "progress"), "{seen:?}");

    let job = server.api().job(&id);
    let totals = &job["result"]["totals"];
    let count = |name: &str| totals[name].as_u64().expect("a count");
    assert_eq!(count("lines"), lines, "{job}");
    assert_eq!(
        count("embedded")
            + count("unchanged")
            + count("duplicates")
            + count("skipped")
            + count("failed"),
        lines,
        "{job}"
    );
    assert_eq!(
        count("embedded"),
        lines,
        "each picture was embedded again: {job}"
    );
    // A second run finds nothing to do.
    let body = json!({"manifest": "manifest.jsonl", "images_root": root, "which": "all"});
    let again = server.api().post_json("/api/admin/backfill", &body).json();
    let watched = run(
        folder.path(),
        &["jobs", "watch", again["id"].as_str().expect("an id")],
    );
    assert!(watched.status.success(), "{}", text(&watched.stderr));
    assert!(
        text(&watched.stdout).contains(&format!("\"unchanged\":{lines}")),
        "{}",
        text(&watched.stdout)
    );
    assert!(server.stop().success());
}

#[test]
fn the_shell_controls_the_jobs_and_queues_of_a_running_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let without_server = run(folder.path(), &["jobs", "list"]);
    assert_eq!(without_server.status.code(), Some(1));
    assert!(
        text(&without_server.stderr).contains("clippy serve"),
        "{}",
        text(&without_server.stderr)
    );

    manifest_in(folder.path());
    let manifest = folder
        .path()
        .join("data/manifest.jsonl")
        .display()
        .to_string();
    let root = gallery().display().to_string();
    let server = Server::start_with(
        folder.path(),
        "serve",
        &[],
        &[("IMAGES_ROOT", root.as_str())],
    );
    let paused = run(folder.path(), &["queues", "pause", "bulk"]);
    assert!(
        text(&paused.stdout).contains("PAUSED"),
        "{}",
        text(&paused.stderr)
    );
    let queued = run_json(
        folder.path(),
        &[
            "ingest",
            "--manifest",
            &manifest,
            "--max-lines",
            "40",
            "--enqueue",
            "--json",
        ],
    );
    let id = queued["id"].as_str().expect("an id").to_owned();
    wait_for_blocking("the parts to be made", Duration::from_secs(180), || {
        (server.api().job(&id)["children"]["total"].as_u64() == Some(1)).then_some(())
    });
    let queues = run_json(folder.path(), &["queues", "list", "--json"]);
    assert_eq!(
        (&queues["queues"][1]["lane"], &queues["queues"][1]["queued"]),
        (&json!("bulk"), &json!(1)),
        "{queues}"
    );
    let listed = run_json(
        folder.path(),
        &["jobs", "list", "--kind", "ingest", "--json"],
    );
    assert_eq!(listed["jobs"][0]["id"], id.as_str());

    let cancelled = run(folder.path(), &["jobs", "cancel", &id]);
    assert!(cancelled.status.success(), "{}", text(&cancelled.stderr));
    wait_for_blocking("the cancellation", Duration::from_secs(30), || {
        (server.api().job(&id)["state"] == "cancelled").then_some(())
    });
    let twice = run(folder.path(), &["jobs", "cancel", &id]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(
        text(&twice.stderr).contains("cancelled"),
        "{}",
        text(&twice.stderr)
    );
    assert!(
        run(folder.path(), &["queues", "resume", "bulk"])
            .status
            .success()
    );
    assert!(run(folder.path(), &["jobs", "retry", &id]).status.success());
    let watched = run(folder.path(), &["jobs", "watch", &id]);
    assert!(
        watched.status.success(),
        "{}{}",
        text(&watched.stdout),
        text(&watched.stderr)
    );
    assert!(
        text(&watched.stdout).contains("40/40 lines"),
        "{}",
        text(&watched.stdout)
    );
    let shown = run_json(folder.path(), &["jobs", "show", &id, "--json"]);
    assert_eq!(shown["result"]["totals"]["embedded"], 40, "{shown}");

    // Without --enqueue, the command also sends the job to the server, which holds the collection,
    // and waits for it.
    let rest = run_json(
        folder.path(),
        &[
            "ingest",
            "--manifest",
            &manifest,
            "--max-lines",
            "60",
            "--json",
        ],
    );
    assert_eq!(rest["totals"]["lines"], 60, "{rest}");
    assert_eq!(rest["totals"]["unchanged"], 40, "{rest}");
    let unknown = run(
        folder.path(),
        &["jobs", "show", "00000000-0000-7000-8000-000000000000"],
    );
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        text(&unknown.stderr).contains("no job"),
        "{}",
        text(&unknown.stderr)
    );
}

#[test]
fn settings_that_do_not_fit_together_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let redis = ("REDIS_URL", "redis://127.0.0.1:1/0");
    for (arguments, settings, word) in [
        (&["worker"][..], vec![], "REDIS_URL is not set"),
        (&["worker"], vec![redis], "--with-worker"),
        (
            &["serve", "--bind", "127.0.0.1:0"],
            vec![redis],
            "--with-worker",
        ),
    ] {
        let output = clippy(folder.path())
            .args(arguments)
            .envs(settings.clone())
            .output()
            .expect("it starts");
        let printed = text(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?} {settings:?}: {printed}"
        );
        assert!(
            printed.contains(word),
            "{arguments:?} {settings:?}: {printed}"
        );
        assert!(
            !folder.path().join("data/collection").exists(),
            "{arguments:?} left a collection behind"
        );
    }
}

#[test]
fn a_server_waits_for_redis_and_then_runs_jobs_from_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    manifest_in(folder.path());
    let mut redis = RedisServer::reserve();
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str())];

    // While nothing answers there, the reason is logged again and again.
    let mut waiting = clippy(folder.path())
        .args(["serve", "--bind", "127.0.0.1:0", "--with-worker"])
        .envs(settings)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut printed = BufReader::new(waiting.stderr.take().expect("piped"))
        .lines()
        .map_while(Result::ok);
    let logged = printed
        .by_ref()
        .filter(|line| line.contains("does not answer"))
        .take(2)
        .count();
    let _ = waiting.kill();
    let _ = waiting.wait();
    assert_eq!(logged, 2, "the reason is logged repeatedly");

    let starting = std::thread::spawn(move || {
        // Redis starts only after the server tried to connect.
        redis.wait_for_a_caller();
        redis.restart();
        redis
    });
    let root = gallery().display().to_string();
    let both = [settings[0], ("IMAGES_ROOT", root.as_str())];
    let server = Server::start_with(folder.path(), "serve", &["--with-worker"], &both);
    let mut redis = starting.join().expect("started");
    let body = json!({"manifest": "manifest.jsonl", "max_lines": 12});
    let made = server.api().post_json("/api/admin/ingest", &body).json();
    let id = made["id"].as_str().expect("an id").to_owned();
    let names: Vec<String> = events(&server, &id, None)
        .map(|event| event.event)
        .collect();
    assert_eq!(names.last().map(String::as_str), Some("done"), "{names:?}");
    assert_eq!(server.api().job(&id)["result"]["totals"]["embedded"], 12);

    // `doctor` checks the same Redis, then a stopped one, then one that could lose jobs.
    let doctor = |settings: &[(&str, &str)]| {
        let output = clippy(folder.path())
            .arg("doctor")
            .envs(settings.iter().copied())
            .output()
            .expect("it starts");
        text(&output.stdout)
    };
    let fine = doctor(&settings);
    assert!(fine.contains("ok     queue: Redis"), "{fine}");
    assert!(server.stop().success());
    redis.stop();
    let away = doctor(&settings);
    assert!(
        away.contains("FAULT  queue") && away.contains("does not answer"),
        "{away}"
    );
    redis.restart_with(&["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"]);
    let losing = doctor(&settings);
    assert!(
        losing.contains("appendonly yes") && losing.contains("noeviction"),
        "{losing}"
    );
}
