//! A damaged record in a store affects neither other jobs nor lists.

use std::sync::Arc;
use std::time::Duration;

use clippy_jobs::{
    Claim, EventKind, JobFilter, JobId, JobKind, JobState, Lane, LaneLimits, NewJob, SqliteJobs,
    SqliteSettings,
};
use clippy_jobs_contract::{Store, short_timing, wait_for_job, wait_until_within};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::Redis;
use crate::support::handlers::runner;

fn job(lane: Lane, payload: serde_json::Value) -> NewJob {
    NewJob::new(JobKind::Ingest, lane, payload)
}

/// A runner in this process.
struct Running(CancellationToken, tokio::task::JoinHandle<()>);

impl Running {
    fn start(store: &Store) -> Self {
        let (runner, _) = runner(Arc::clone(store), 2, short_timing());
        let stop = CancellationToken::new();
        Self(stop.clone(), tokio::spawn(runner.run(stop)))
    }

    async fn stop(self) {
        self.0.cancel();
        self.1.await.expect("ends");
    }
}

/// Damages the records of a queued and of a running job, and checks that other jobs are listed and
/// run.
async fn check_other_jobs_run(store: &Store, way: &str, damage: impl AsyncFn(JobId)) {
    let make = async |key: &str| {
        let new = job(Lane::Bulk, json!({"ms": 0}))
            .owner("ann")
            .idempotency_key(format!("{way} {key}"));
        store.create(&new).await.expect("created").job.id
    };
    let (first, waits, runs, last) = (
        make("first").await,
        make("waits").await,
        make("runs").await,
        make("last").await,
    );
    let claim = store
        .claim(runs, "doomed", Duration::from_millis(1))
        .await
        .expect("a claim");
    assert!(matches!(claim, Claim::Run(_)), "{claim:?}");
    damage(waits).await;
    damage(runs).await;

    let everything = JobFilter {
        owner: Some("ann".to_owned()),
        ..JobFilter::default()
    };
    for filter in [
        &JobFilter::default(),
        &everything,
        &JobFilter {
            limit: 1,
            ..everything.clone()
        },
    ] {
        let (mut seen, mut filter) = (Vec::new(), filter.clone());
        loop {
            let page = store
                .list(&filter)
                .await
                .unwrap_or_else(|error| panic!("{way}: {error}"));
            seen.extend(page.jobs.iter().map(|job| job.id));
            filter.before = page.next_cursor;
            if filter.before.is_none() {
                break;
            }
        }
        assert!(seen.contains(&first) && seen.contains(&last), "{way}");
        assert!(!seen.contains(&waits) && !seen.contains(&runs), "{way}");
    }
    let page = store.list(&JobFilter::default()).await.expect("a page");
    assert!(page.damaged >= 2, "{way}: damaged records are counted");

    let running = Running::start(store);
    for id in [first, last] {
        let done = wait_for_job(store, id, "the others to run", |job| {
            job.state.is_finished()
        })
        .await;
        assert_eq!(done.state, JobState::Succeeded, "{way}");
    }
    // Both are set aside with a dead letter, and no longer count as queued or running.
    wait_until_within(
        &format!("{way}: both to be set aside"),
        Duration::from_secs(15),
        || async {
            let letters = store.dead_letters(100).await.expect("letters");
            let lanes = store.lanes().await.expect("lanes");
            let has_letter = |id: JobId| {
                letters
                    .iter()
                    .any(|letter| letter.reason.contains(&id.to_string()))
            };
            has_letter(waits)
                && has_letter(runs)
                && lanes.iter().all(|lane| lane.queued + lane.running == 0)
        },
    )
    .await;
    // If a damaged job were still at the head of the queue, the lane would be blocked.
    let next = make("next").await;
    wait_for_job(store, next, "new work to run", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    running.stop().await;
}

/// Damages a part's record, and checks that its parent neither waits for the part nor succeeds
/// without it.
async fn check_parent_fails_without_its_part(store: &Store, damage: impl AsyncFn(JobId)) {
    store.pause(Lane::Bulk, true).await.expect("paused");
    let running = Running::start(store);
    let parent = store
        .create(&job(Lane::Control, json!({"parts": 3, "ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(store, parent, "the parts to be made", |job| {
        job.state == JobState::Waiting
    })
    .await;
    damage(JobId::child(parent, "part-2")).await;
    store.pause(Lane::Bulk, false).await.expect("resumed");
    let ended = wait_for_job(store, parent, "the parent to end", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(ended.state, JobState::Failed);
    assert!(ended.error.is_some_and(|error| {
        error
            .message
            .contains("records of 1 parts of this job cannot be read")
    }));
    running.stop().await;
}

/// Damages events of a job, and checks that the others are read, including those after a page of
/// damaged ones.
async fn check_other_events_are_read(store: &Store, damage: impl AsyncFn(JobId)) {
    let id = store
        .create(&job(Lane::Bulk, json!({"ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    damage(id).await;
    let running = Running::start(store);
    wait_for_job(store, id, "the job to run", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    running.stop().await;
    let all = store
        .events_after(id, None, 100)
        .await
        .expect("events")
        .events;
    assert_eq!(all.first().map(|event| event.kind), Some(EventKind::State));
    assert_eq!(all.last().map(|event| event.kind), Some(EventKind::Done));
    let page = store
        .events_after(id, Some(all[0].id), 1)
        .await
        .expect("events");
    assert_eq!(
        page.events,
        all[1..2],
        "damaged events in between are left out"
    );
    assert_eq!(store.last_preview(id).await.expect("an answer"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_record_in_redis_affects_no_other_job() {
    let redis = Redis::start();
    let connection = redis.connection().await;
    let command = async |words: &[&[u8]]| {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command
            .query_async::<redis::Value>(&mut connection.clone())
            .await
            .expect("done");
    };
    let record = |prefix: &str, id: JobId| format!("{{{prefix}}}:jobs1:job:{id}");
    let ways: [(&str, &[u8]); 13] = [
        ("id", b"another"),
        ("lane", b"fast"),
        ("state", b"asleep"),
        ("kind", b"paint"),
        // A kind that was planned once, but never released.
        ("kind", b"dream"),
        ("attempt", b"many"),
        ("version", b"1e400"),
        ("max", b""),
        ("payload", b"{"),
        ("progress", b"["),
        ("owner", b"\xff\xfe"),
        ("parent", b"nobody"),
        ("created", b"yesterday"),
    ];
    let checks = ways.iter().enumerate().map(|(place, (field, value))| {
        let prefix = format!("way{place}");
        let (redis, command) = (&redis, &command);
        async move {
            let store: Store = Arc::new(redis.jobs(&prefix, LaneLimits::default()).await);
            let damage = async |id| {
                command(&[
                    b"HSET",
                    record(&prefix, id).as_bytes(),
                    field.as_bytes(),
                    value,
                ])
                .await
            };
            check_other_jobs_run(&store, field, damage).await;
        }
    });
    futures::future::join_all(checks).await;

    let store: Store = Arc::new(redis.jobs("type", LaneLimits::default()).await);
    let key = |id| record("type", id);
    check_other_jobs_run(&store, "another type", async |id| {
        command(&[b"DEL", key(id).as_bytes()]).await;
        command(&[b"SET", key(id).as_bytes(), b"apple"]).await;
    })
    .await;
    // Keys other than records: idempotency entries, indexes, the list of live workers.
    command(&[b"HSET", b"{type}:jobs1:idempotency:3:ann:note", b"a", b"b"]).await;
    command(&[b"SET", b"{type}:jobs1:idempotency:3:ann:words", b"apple"]).await;
    for (index, member) in [
        (":jobs", "zzzz"),
        (":finished", "zzzz"),
        (":running:bulk", "zzzz"),
        (":queued:bulk", "zzzz"),
    ] {
        command(&[
            b"ZADD",
            format!("{{type}}:jobs1{index}").as_bytes(),
            b"0",
            member.as_bytes(),
        ])
        .await;
    }
    for member in [&b"nonsense"[..], b"fast worker-1", b"\xff \xff"] {
        command(&[b"ZADD", b"{type}:jobs1:alive", b"0", member]).await;
    }
    command(&[b"HSET", b"{type}:jobs1:totals", b"bulk:succeeded", b"many"]).await;
    for key in ["note", "words"] {
        let new = job(Lane::Bulk, json!({"ms": 0}))
            .owner("ann")
            .idempotency_key(key);
        let made = store.create(&new).await.expect("created");
        assert!(
            !made.existing,
            "an entry that cannot be read counts as missing"
        );
        assert_eq!(store.create(&new).await.expect("found").job.id, made.job.id);
    }
    let page = store
        .list(&JobFilter {
            limit: 1,
            ..JobFilter::default()
        })
        .await
        .expect("a page");
    assert!(page.jobs.len() == 1 && page.next_cursor.is_some());
    let abandoned = store
        .create(&job(Lane::Bulk, json!({"ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    store
        .claim(abandoned, "doomed", Duration::from_millis(1))
        .await
        .expect("a claim");
    let running = Running::start(&store);
    wait_for_job(&store, abandoned, "the sweep to find it", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    store.lanes().await.expect("counts");
    running.stop().await;

    let store: Store = Arc::new(redis.jobs("family", LaneLimits::default()).await);
    check_parent_fails_without_its_part(&store, async |id| {
        command(&[b"HSET", record("family", id).as_bytes(), b"lane", b"fast"]).await;
    })
    .await;

    let store: Store = Arc::new(redis.jobs("events", LaneLimits::default()).await);
    check_other_events_are_read(&store, async |id| {
        let stream = format!("{{events}}:jobs1:events:{id}");
        for (kind, data) in [
            (&b"state"[..], &b"{"[..]),
            (b"dance", b"{}"),
            (b"log", b"\xff"),
            (b"\xff", b"{}"),
        ] {
            command(&[
                b"XADD",
                stream.as_bytes(),
                b"*",
                b"kind",
                kind,
                b"data",
                data,
            ])
            .await;
        }
        command(&[b"XADD", stream.as_bytes(), b"*", b"apple", b"red"]).await;
        command(&[b"HSET", record("events", id).as_bytes(), b"preview", b"{"]).await;
    })
    .await;
    // A key that is not a stream, and a stream that accepts no more entries, are replaced.
    for (way, words) in [
        ("SET", &[b"apple".as_slice()][..]),
        (
            "XADD",
            &[b"18446744073709551615-18446744073709551615", b"a", b"b"],
        ),
    ] {
        let id = store
            .create(&job(Lane::Bulk, json!({"ms": 0})))
            .await
            .expect("created")
            .job
            .id;
        let stream = format!("{{events}}:jobs1:events:{id}");
        command(&[b"DEL", stream.as_bytes()]).await;
        command(&[&[way.as_bytes(), stream.as_bytes()], words].concat()).await;
        store.events_after(id, None, 10).await.expect("an answer");
        let running = Running::start(&store);
        wait_for_job(&store, id, "the job to run", |job| {
            job.state == JobState::Succeeded
        })
        .await;
        running.stop().await;
        let events = store
            .events_after(id, None, 10)
            .await
            .expect("events")
            .events;
        assert_eq!(
            events.last().map(|event| event.kind),
            Some(EventKind::Done),
            "{way}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_record_in_the_job_file_affects_no_other_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = async |name: &str| {
        let file = folder.path().join(name);
        let store: Store = Arc::new(
            SqliteJobs::open(&file, SqliteSettings::default())
                .await
                .expect("a store"),
        );
        let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display()))
            .await
            .expect("the same file");
        (store, pool)
    };
    let ways = [
        "lane = 'fast'",
        "state = 'asleep'",
        "kind = 'paint'",
        "kind = 'dream'",
        "attempt = 'many'",
        "version = x'ff'",
        "max_attempts = -1",
        "payload = '{'",
        "payload = x'ff'",
        "progress = '['",
        "owner = x'fffe'",
        "created_ms = 'yesterday'",
        "lease_ms = 'never', queued_ms = x'00'",
    ];
    let checks = ways.iter().enumerate().map(|(place, way)| {
        let open = &open;
        async move {
            let (store, pool) = open(&format!("way{place}.db")).await;
            let damage = async |id: JobId| {
                let query =
                    sqlx::AssertSqlSafe(format!("UPDATE job_records SET {way} WHERE id = ?"));
                let changed = sqlx::query(query)
                    .bind(id.to_string())
                    .execute(&pool)
                    .await
                    .expect("done")
                    .rows_affected();
                assert_eq!(changed, 1);
            };
            check_other_jobs_run(&store, way, damage).await;
        }
    });
    futures::future::join_all(checks).await;

    let (store, pool) = open("beside.db").await;
    let change = async |query: &str| {
        sqlx::query(sqlx::AssertSqlSafe(query.to_owned()))
            .execute(&pool)
            .await
            .expect("done")
            .rows_affected()
    };
    let new = job(Lane::Bulk, json!({"ms": 0}))
        .owner("ann")
        .idempotency_key("note");
    let made = store.create(&new).await.expect("created").job.id;
    change("UPDATE job_keys SET digest = x'ff'").await;
    assert!(
        store
            .create(&new)
            .await
            .is_ok_and(|again| again.job.id != made),
        "an entry that cannot be read counts as missing"
    );
    change(
        "INSERT INTO job_workers (lane, name, seen_ms) VALUES ('fast', 'w-1', 0), ('', x'ff', 0)",
    )
    .await;
    change("INSERT INTO job_dead_letters (at_ms, reason, payload) VALUES ('x', x'ff', x'fe')")
        .await;
    // Tasks that apalis cannot read, before one that it can. Each would end every loop that fetches
    // it.
    for (id, job) in [
        ("'short'", "x'7b7d'"),
        ("'00000000000000000000000001'", "x'ff'"),
        ("x'ffff'", "x'7b7d'"),
    ] {
        let values = format!("({job}, {id}, 'clippy:bulk', 'Pending', 0, 25, 0, 0)");
        let columns = "job, id, job_type, status, attempts, max_attempts, run_at, priority";
        assert_eq!(
            change(&format!("INSERT INTO Jobs ({columns}) VALUES {values}")).await,
            1
        );
    }
    let abandoned = store
        .create(&job(Lane::Bulk, json!({"ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    store
        .claim(abandoned, "doomed", Duration::from_millis(1))
        .await
        .expect("a claim");
    let running = Running::start(&store);
    wait_for_job(&store, abandoned, "the sweep to find it", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    wait_for_job(&store, made, "the job behind them to run", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    let letters = store.dead_letters(10).await.expect("letters");
    assert!(
        letters
            .iter()
            .filter(|letter| letter.reason.contains("missing or incomplete"))
            .count()
            >= 2,
        "{letters:?}"
    );
    running.stop().await;

    let (store, pool) = open("family.db").await;
    check_parent_fails_without_its_part(&store, async |id| {
        let query = sqlx::query("UPDATE job_records SET attempt = 'many' WHERE id = ?");
        query
            .bind(id.to_string())
            .execute(&pool)
            .await
            .expect("done");
    })
    .await;

    let (store, pool) = open("events.db").await;
    check_other_events_are_read(&store, async |id| {
        for (kind, data) in [
            ("'state'", "'{'"),
            ("'dance'", "'{}'"),
            ("'log'", "x'ff'"),
            ("x'ff'", "'{}'"),
        ] {
            let query = format!(
                "INSERT INTO job_events (job, kind, at_ms, data) VALUES (?, {kind}, 'x', {data})"
            );
            sqlx::query(sqlx::AssertSqlSafe(query))
                .bind(id.to_string())
                .execute(&pool)
                .await
                .expect("done");
        }
        let query = sqlx::query("UPDATE job_records SET preview = '{' WHERE id = ?");
        query
            .bind(id.to_string())
            .execute(&pool)
            .await
            .expect("done");
    })
    .await;
}
