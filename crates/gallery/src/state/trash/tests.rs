use clippy_core::preferences::PreferenceRule;
use serde_json::json;

use super::*;

fn kept(id: u64, kind: KeptKind, change: &str) -> KeptPoint {
    let serde_json::Value::Object(payload) = json!({
        "path": format!("{id}.png"), "score": 1.390_671_161_567e-309, "list": [{ "x": 0.1 }],
        "_clippy": { "md5": format!("{id:032x}") },
    }) else {
        unreachable!("an object")
    };
    KeptPoint {
        point: Point {
            id: id.into(),
            vectors: Vectors {
                image: Some(vec![0.1, -0.0, f32::MIN_POSITIVE]),
                text: Some(Vec::new()),
                ..Vectors::default()
            },
            payload,
        },
        kind,
        state: KeptState::Done,
        change: change.to_owned(),
        by: Some("key".to_owned()),
        at: 100,
        until: clippy_core::trash::expiry(kind, 100),
        model: "model".to_owned(),
        emptied: false,
    }
}

#[tokio::test]
async fn points_come_back_bit_for_bit_and_tombstones_outlive_the_trash() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("c.db");
    let state = EmbeddedState::open(&file, PreferenceRule::default());
    let state = state.await.expect("made");
    let (trash, other) = (state.trash("pictures"), state.trash("others"));
    let points = [
        kept(1, KeptKind::Edited, "a"),
        kept(1, KeptKind::Deleted, "b"),
        kept(2, KeptKind::Hidden, "b"),
    ];
    trash.keep(&points).await.expect("kept");
    trash.keep(&points[1..]).await.expect("kept again");
    let all = KeptFilter::default();
    let found = trash.list(&all, 0, 10).await.expect("read");
    let read: Vec<KeptPoint> = found.iter().map(|one| one.kept.clone()).collect();
    assert_eq!(read, points);
    let bits = |point: &KeptPoint| {
        let image = point.point.vectors.image.clone().expect("one");
        image.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(bits(&read[1]), bits(&points[1]));
    assert_eq!(
        found.iter().map(|one| one.is_outdated).collect::<Vec<_>>(),
        [true, false, false]
    );
    assert!(other.list(&all, 0, 10).await.expect("read").is_empty());
    let of_b = KeptFilter {
        change: Some("b".to_owned()),
        ids: Some(vec![1.into(), 9.into()]),
        kinds: vec![KeptKind::Deleted],
        states: vec![KeptState::Done],
    };
    assert_eq!(trash.list(&of_b, 0, 10).await.expect("read").len(), 1);

    let ids = [1.into(), 2.into(), 3.into()];
    let tombstones = || async { trash.tombstones(&ids).await.expect("read").len() };
    assert_eq!(tombstones().await, 2);
    let content = [format!("{:032x}", 1)];
    let found_content = trash.tombstones_of_content(&content).await.expect("read");
    assert_eq!(found_content.len(), 1);
    assert!(trash.empty(100).await.expect("emptied").is_empty());
    let much_later = 100 + 31 * 86_400;
    let emptied = trash.empty(much_later).await.expect("emptied");
    assert_eq!(emptied, [PointId::from(1)]);
    assert_eq!(tombstones().await, 2, "the tombstones stay");
    let left = trash.list(&all, 0, 10).await.expect("read");
    assert_eq!(left.len(), 2, "the edit can no longer be undone");
    assert!(left[0].kept.emptied && !left[1].kept.emptied);

    trash
        .set_state(&[left[1].number], KeptState::Restoring)
        .await
        .expect("written");
    assert_eq!(tombstones().await, 1);
    trash.forget(&[left[0].number]).await.expect("written");
    assert_eq!(tombstones().await, 0);
}

#[tokio::test]
async fn the_journal_is_only_added_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("c.db");
    let state = EmbeddedState::open(&file, PreferenceRule::default());
    let state = state.await.expect("made");
    let trash = state.trash("pictures");
    let entry = |at| JournalEntry {
        at,
        by: None,
        change: "a".to_owned(),
        action: "delete".to_owned(),
        pictures: 3,
        detail: json!({ "filter": { "tags": ["cat"] } }),
    };
    for at in [7, 8, 9] {
        trash.record(&entry(at)).await.expect("written");
    }
    let newest = trash.journal(None, 2).await.expect("read");
    let at = |lines: &[JournalLine]| -> Vec<JournalEntry> {
        lines.iter().map(|line| line.entry.clone()).collect()
    };
    assert_eq!(at(&newest), [entry(9), entry(8)]);
    let earlier = trash.journal(Some(newest[1].number), 2).await;
    assert_eq!(at(&earlier.expect("read")), [entry(7)]);
    for statement in [
        "DELETE FROM change_journal",
        "UPDATE change_journal SET at = 1",
    ] {
        let refused = sqlx::query(statement).execute(&state.writer).await;
        refused.expect_err("only added to");
    }
}
