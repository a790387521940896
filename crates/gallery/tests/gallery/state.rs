//! The embedded database with many concurrent writers, and after it was opened again.

use std::collections::HashSet;
use std::sync::Arc;

use clippy_core::ErrorCode;
use clippy_core::ids::PointId;
use clippy_core::ledger::{FailureKind, Ledger, LedgerTotals, LineOutcome, LineRecord};
use clippy_core::preferences::{Action, Feedback, PreferenceRule, Preferences};
use clippy_gallery::EmbeddedState;
use tempfile::TempDir;
use tokio::task::JoinSet;
use uuid::Uuid;

const WRITERS: u64 = 32;

async fn open(folder: &TempDir, rule: PreferenceRule) -> Arc<EmbeddedState> {
    Arc::new(
        EmbeddedState::open(&folder.path().join("data").join("clippy.db"), rule)
            .await
            .expect("opened"),
    )
}

fn feedback(user: &str, action: Action, tags: &[&str], style: Option<&str>) -> Feedback {
    Feedback {
        user_id: user.to_owned(),
        image_id: PointId::Number(1),
        action,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        style: style.map(str::to_owned),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_update_of_32_concurrent_writers_is_lost() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // With a beta of 1 the weight is the count of updates, whatever their order.
    let rule = PreferenceRule {
        beta: 1.0,
        delta_click: 1.0 / 1024.0,
        ..PreferenceRule::default()
    };
    let state = open(&folder, rule).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let state = Arc::clone(&state);
        writers.spawn(async move {
            let own = format!("own{writer}");
            for _ in 0..8 {
                let outcome = Preferences::record(
                    &*state,
                    feedback(
                        "ann",
                        Action::Click,
                        &["Shared", "shared ", &own],
                        Some("ink"),
                    ),
                )
                .await
                .expect("recorded");
                assert_eq!((outcome.updated_tags, outcome.updated_style), (2, true));
            }
        });
    }
    while let Some(outcome) = writers.join_next().await {
        outcome.expect("no writer fails");
    }
    state.close().await;
    let state = open(&folder, rule).await;
    let profile = state.profile("ann", 100).await.expect("read");
    let updates = WRITERS * 8;
    assert_eq!((profile.clicked, profile.saved), (updates, 0));
    assert_eq!(profile.tags.len() as u64, WRITERS + 1);
    let expected = updates as f64 / 1024.0;
    assert_eq!(profile.tags[0], ("shared".to_owned(), expected));
    assert_eq!(profile.styles, [("ink".to_owned(), expected)]);
    assert!(
        profile.tags[1..]
            .iter()
            .all(|(_, weight)| *weight == 8.0 / 1024.0)
    );
    assert_eq!(
        state.tag_weights("ann").await.expect("read").len() as u64,
        WRITERS + 1
    );
    assert_eq!(
        state.profile("bob", 10).await.expect("read"),
        Default::default()
    );
}

#[tokio::test]
async fn the_strongest_tags_are_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rule = PreferenceRule {
        keep: 3,
        ..PreferenceRule::default()
    };
    let state = open(&folder, rule).await;
    for _ in 0..3 {
        Preferences::record(&*state, feedback("ann", Action::Save, &["strong"], None))
            .await
            .expect("recorded");
    }
    Preferences::record(&*state, feedback("ann", Action::Save, &["second"], None))
        .await
        .expect("recorded");
    for tag in ["old", "new"] {
        let outcome =
            Preferences::record(&*state, feedback("ann", Action::Click, &[tag, ""], None))
                .await
                .expect("recorded");
        assert_eq!((outcome.updated_tags, outcome.updated_style), (1, false));
    }
    let profile = state.profile("ann", 10).await.expect("read");
    let names: Vec<&str> = profile.tags.iter().map(|(tag, _)| tag.as_str()).collect();
    assert_eq!(
        names,
        ["strong", "second", "new"],
        "of equal weights the newer one is kept"
    );
    let expected = 0.1 + 0.9 * (0.1 + 0.9 * 0.1);
    assert!(
        (profile.tags[0].1 - expected).abs() < 1e-12,
        "{}",
        profile.tags[0].1
    );
    assert_eq!((profile.clicked, profile.saved), (2, 4));
    assert_eq!(state.profile("ann", 1).await.expect("read").tags.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_claimed_once_by_concurrent_writers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = open(&folder, PreferenceRule::default()).await;
    let run = state.begin("manifest.jsonl").await.expect("begun");
    // Every writer claims the same 50 ids, for its own lines.
    let lines = |writer: u64| -> Vec<(u64, PointId)> {
        (0..50)
            .map(|number| (writer * 50 + number, PointId::Number(number)))
            .collect()
    };
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let state = Arc::clone(&state);
        let lines = lines(writer);
        writers.spawn(async move { (writer, state.claim(run, &lines).await.expect("claimed")) });
    }
    let mut answers = Vec::new();
    while let Some(answer) = writers.join_next().await {
        answers.push(answer.expect("no writer fails"));
    }
    let refused: usize = answers.iter().map(|(_, taken)| taken.len()).sum();
    assert_eq!(
        refused as u64,
        (WRITERS - 1) * 50,
        "each id has one line that holds it"
    );
    for (writer, answer) in &answers {
        assert_eq!(
            &state
                .claim(run, &lines(*writer))
                .await
                .expect("asked again"),
            answer
        );
    }
    let holders: HashSet<u64> = answers
        .iter()
        .flat_map(|(_, taken)| taken.iter().map(|(_, line)| *line))
        .collect();
    assert_eq!(holders.len(), 50);
    let within = state
        .claim(
            run,
            &[
                (9_000, PointId::Uuid(Uuid::nil())),
                (9_001, PointId::Uuid(Uuid::nil())),
            ],
        )
        .await;
    assert_eq!(
        within.expect("claimed"),
        [(9_001, 9_000)],
        "duplicates within one call"
    );
    let other = state.begin("manifest.jsonl").await.expect("another run");
    assert!(
        state
            .claim(other, &lines(0))
            .await
            .expect("claimed")
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_adds_up_even_when_lines_are_written_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = open(&folder, PreferenceRule::default()).await;
    let run = state.begin("manifest.jsonl").await.expect("begun");
    let record = |line: u64| LineRecord {
        line,
        id: (line % 5 != 4).then_some(PointId::Number(line)),
        outcome: match line % 5 {
            0 => LineOutcome::Embedded,
            1 => LineOutcome::Unchanged,
            2 => LineOutcome::DuplicateOf { line: line - 1 },
            3 => LineOutcome::Skipped {
                reason: "empty".to_owned(),
            },
            _ => LineOutcome::Failed {
                reason: format!("line {line}: no picture"),
                kind: FailureKind::Other,
            },
        },
    };
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let state = Arc::clone(&state);
        // Neighbours overlap, as retried chunks do.
        let lines: Vec<_> = (writer * 50..(writer * 50 + 100).min(WRITERS * 50))
            .map(record)
            .collect();
        writers.spawn(async move {
            Ledger::record(&*state, run, &lines)
                .await
                .expect("recorded")
        });
    }
    while let Some(outcome) = writers.join_next().await {
        outcome.expect("no writer fails");
    }
    state.finish(run, true).await.expect("finished");
    state.close().await;

    let state = open(&folder, PreferenceRule::default()).await;
    let totals = state.totals(run).await.expect("read");
    let each = WRITERS * 10;
    let expected = LedgerTotals {
        lines: each * 5,
        embedded: each,
        unchanged: each,
        duplicates: each,
        skipped: each,
        failed: each,
    };
    assert_eq!(totals, expected);
    assert!(totals.adds_up());
    let (mut failures, mut after) = (Vec::new(), None);
    loop {
        let page = state.failures(run, after, 7).await.expect("read");
        let Some(last) = page.last() else { break };
        after = Some(last.line);
        failures.extend(page);
    }
    assert_eq!(
        failures,
        (0..WRITERS * 50)
            .filter(|line| line % 5 == 4)
            .map(record)
            .collect::<Vec<_>>()
    );
    Ledger::record(
        &*state,
        run,
        &[LineRecord {
            line: 4,
            id: None,
            outcome: LineOutcome::Embedded,
        }],
    )
    .await
    .expect("replaced");
    assert_eq!(state.totals(run).await.expect("read").failed, each - 1);

    let unknown = Uuid::nil();
    for outcome in [
        Ledger::record(&*state, unknown, &[]).await,
        state.finish(unknown, false).await,
    ] {
        assert_eq!(
            outcome.expect_err("no such ledger").code,
            ErrorCode::NotFound
        );
    }
    assert_eq!(
        state
            .claim(unknown, &[])
            .await
            .expect_err("no such ledger")
            .code,
        ErrorCode::NotFound
    );
}
