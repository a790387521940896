//! The contract of [`Collections`] as runnable checks. Each check takes the collections of a
//! public name, without points and for [`super::model`], and the live gallery as writers get it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clippy_core::ErrorCode;
use clippy_core::collections::{Collections, ModelSource, Role};
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{Filter, Gallery, Payload, Point, Vectors, With};
use clippy_core::ids::PointId;
use clippy_testing::wait_until;

use super::model;

/// Makes one `#[tokio::test]` for each check. The argument is an async function that returns the
/// collections of an empty public name, the gallery of the live one, and anything that must live as
/// long as they do.
#[macro_export]
macro_rules! collections_contract {
    ($make:path) => {
        $crate::collections_contract! { $make:
            changes_are_listed_and_a_switch_needs_all_of_them,
            a_collection_that_is_no_longer_live_can_only_be_read,
            a_rollback_loses_nothing_until_the_old_collection_is_dropped,
            a_build_continues_for_the_same_model_and_starts_over_for_another,
            no_write_escapes_a_pause_or_the_list_of_changes,
        }
    };
    ($make:path: $($check:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let (collections, live, _kept) = $make().await;
                $crate::$check(collections, live).await;
            }
        )*
    };
}

/// A second model: of another dimension, so that vectors of the two can never be mixed up.
#[must_use]
pub fn second_model() -> ModelInfo {
    ModelInfo {
        name: "second/one".to_owned(),
        dimension: 12,
        fingerprint: "second".to_owned(),
        style: None,
        ..model()
    }
}

/// The source of [`second_model`], as in the settings.
#[must_use]
pub fn second_source() -> ModelSource {
    ModelSource {
        model: Some("second".to_owned()),
        pretrained: Some("tag".to_owned()),
    }
}

fn point(id: PointId, dimension: usize) -> Point {
    let vectors = Vectors {
        image: Some(vec![1.0; dimension]),
        ..Vectors::default()
    };
    Point {
        id,
        vectors,
        payload: Payload::new(),
    }
}

/// Points with one vector each, of this length.
#[must_use]
pub fn points_of(ids: impl IntoIterator<Item = u64>, dimension: usize) -> Vec<Point> {
    ids.into_iter()
        .map(|id| point(PointId::Number(id), dimension))
        .collect()
}

fn first(ids: impl IntoIterator<Item = u64>) -> Vec<Point> {
    points_of(ids, model().dimension)
}

fn second(ids: impl IntoIterator<Item = u64>) -> Vec<Point> {
    points_of(ids, second_model().dimension)
}

fn numbers(ids: &[u64]) -> Vec<PointId> {
    ids.iter().copied().map(PointId::Number).collect()
}

async fn ids_of(gallery: &dyn Gallery) -> BTreeSet<PointId> {
    let page = gallery
        .scroll(&Filter::default(), None, 100_000, With::NOTHING)
        .await
        .expect("read");
    page.points.into_iter().map(|point| point.id).collect()
}

async fn begin(collections: &dyn Collections, owner: &str) -> (String, Arc<dyn Gallery>) {
    let built = collections
        .begin_beside(&second_model(), &second_source(), owner)
        .await
        .expect("begun");
    assert_eq!((built.role, built.owner.as_str()), (Role::Building, owner));
    let beside = collections.open(&built.name).await.expect("open");
    (built.name, beside)
}

/// Marks all changes as caught up, and switches.
async fn catch_up_and_switch(collections: &dyn Collections, name: &str, owner: Option<&str>) {
    let pause = collections.pause_writes().await.expect("paused");
    let changes = collections.changes(name, None, 10_000).await.expect("read");
    collections
        .mark_caught_up(name, changes.next)
        .await
        .expect("recorded");
    collections
        .switch(name, owner, &*pause)
        .await
        .expect("switched");
}

/// Every kind of write is listed for followers, but not the builder's own writes; and only the
/// owner of a build can switch to it.
pub async fn changes_are_listed_and_a_switch_needs_all_of_them(
    collections: Arc<dyn Collections>,
    live: Arc<dyn Gallery>,
) {
    live.upsert(first(1..=4)).await.expect("stored");
    let before = collections.live().await.expect("known");
    let (name, beside) = begin(&*collections, "job-1").await;
    assert_ne!(name, before.name);
    beside
        .upsert(second(1..=4))
        .await
        .expect("the builder writes");
    assert!(
        collections
            .changes(&name, None, 99)
            .await
            .expect("read")
            .ids
            .is_empty(),
        "the builder's own writes are not listed as changes"
    );

    live.upsert(first([5])).await.expect("stored");
    live.delete(&numbers(&[1])).await.expect("deleted");
    live.set_payload(
        PointId::Number(2),
        Payload::from_iter([("a".to_owned(), 1.into())]),
    )
    .await
    .expect("set");
    let image = Some(vec![2.0; model().dimension]);
    let update = Vectors {
        image,
        ..Vectors::default()
    };
    live.update_vectors(vec![(PointId::Number(3), update)])
        .await
        .expect("updated");
    let some = collections.changes(&name, None, 2).await.expect("read");
    assert_eq!((some.ids, some.more), (numbers(&[5, 1]), true));
    let changes = collections
        .changes(&name, Some(some.next), 99)
        .await
        .expect("read");
    assert_eq!((changes.ids, changes.more), (numbers(&[2, 3]), false));

    let pause = collections.pause_writes().await.expect("paused");
    let early = collections
        .switch(&name, Some("job-1"), &*pause)
        .await
        .expect_err("changes are left");
    assert_eq!(early.code, ErrorCode::Conflict);
    collections
        .mark_caught_up(&name, changes.next)
        .await
        .expect("recorded");
    let fenced = collections
        .switch(&name, Some("job-0"), &*pause)
        .await
        .expect_err("not the owner");
    assert_eq!(fenced.code, ErrorCode::Conflict);
    beside
        .upsert(second([5]))
        .await
        .expect("a pause does not block the builder");
    beside.delete(&numbers(&[1])).await.expect("nor here");
    collections
        .switch(&name, Some("job-1"), &*pause)
        .await
        .expect("switched");
    drop(pause);
    let now = collections.live().await.expect("known");
    assert_eq!(
        (&now.name, &now.fingerprint, now.source),
        (&name, &second_model().fingerprint, Some(second_source()))
    );
    let roles: Vec<_> = collections
        .list()
        .await
        .expect("listed")
        .into_iter()
        .map(|one| (one.name, one.role))
        .collect();
    assert_eq!(roles, [(name, Role::Live), (before.name, Role::Previous)]);
}

/// A handle of the collection that was live can still read. Its writes are refused with a retryable
/// error.
pub async fn a_collection_that_is_no_longer_live_can_only_be_read(
    collections: Arc<dyn Collections>,
    live: Arc<dyn Gallery>,
) {
    live.upsert(first(1..=3)).await.expect("stored");
    let (name, beside) = begin(&*collections, "job").await;
    beside.upsert(second(1..=3)).await.expect("stored");
    catch_up_and_switch(&*collections, &name, Some("job")).await;
    assert_eq!(live.count(&Filter::default()).await.expect("counted"), 3);
    let late = [
        live.upsert(first([9])).await,
        live.delete(&numbers(&[1])).await,
        live.set_payload(PointId::Number(2), Payload::new()).await,
        live.add_root("/late").await,
    ];
    for refused in late {
        assert_eq!(
            refused.expect_err("not the live one").code,
            ErrorCode::Unavailable
        );
    }
    assert_eq!(
        ids_of(&*live).await,
        BTreeSet::from_iter(numbers(&[1, 2, 3]))
    );
    let new = collections.open(&name).await.expect("open");
    new.upsert(second([4]))
        .await
        .expect("the new collection takes writes");
}

/// The previous live collection follows, so that a rollback loses nothing, until it is dropped.
pub async fn a_rollback_loses_nothing_until_the_old_collection_is_dropped(
    collections: Arc<dyn Collections>,
    live: Arc<dyn Gallery>,
) {
    live.upsert(first(1..=3)).await.expect("stored");
    let old = collections.live().await.expect("known").name;
    let (name, beside) = begin(&*collections, "job").await;
    beside.upsert(second(1..=3)).await.expect("stored");
    catch_up_and_switch(&*collections, &name, Some("job")).await;
    let new = collections.open(&name).await.expect("open");
    new.upsert(second([4])).await.expect("stored");
    new.delete(&numbers(&[1])).await.expect("deleted");
    assert_eq!(
        collections.changes(&old, None, 99).await.expect("read").ids,
        numbers(&[4, 1])
    );
    let kept = collections.open(&old).await.expect("open");
    kept.upsert(first([4])).await.expect("caught up");
    kept.delete(&numbers(&[1])).await.expect("caught up");
    catch_up_and_switch(&*collections, &old, None).await;
    assert_eq!(
        ids_of(&*live).await,
        BTreeSet::from_iter(numbers(&[2, 3, 4]))
    );
    live.upsert(first([7])).await.expect("it is live again");

    drop((beside, new));
    assert_eq!(
        collections.drop_old().await.expect("dropped"),
        std::slice::from_ref(&name)
    );
    assert_eq!(
        collections.open(&name).await.err().expect("gone").code,
        ErrorCode::NotFound
    );
    assert_eq!(
        collections
            .changes(&name, None, 9)
            .await
            .expect_err("gone")
            .code,
        ErrorCode::NotFound
    );
    assert!(collections.drop_old().await.expect("nothing").is_empty());
    assert_eq!(
        live.count(&Filter::default()).await.expect("counted"),
        4,
        "the live collection is never touched"
    );
    let next = begin(&*collections, "job-2").await.0;
    assert_ne!(next, name, "no name is used twice");
}

/// A re-index continues where an earlier one stopped, as long as the model is the same.
pub async fn a_build_continues_for_the_same_model_and_starts_over_for_another(
    collections: Arc<dyn Collections>,
    live: Arc<dyn Gallery>,
) {
    live.upsert(first(1..=3)).await.expect("stored");
    let (name, beside) = begin(&*collections, "job-1").await;
    beside.upsert(second(1..=2)).await.expect("stored");
    live.delete(&numbers(&[1])).await.expect("deleted");
    let (again, taken) = begin(&*collections, "job-2").await;
    assert_eq!(again, name);
    assert_eq!(taken.count(&Filter::default()).await.expect("counted"), 2);
    assert_eq!(
        collections.changes(&name, None, 9).await.expect("read").ids,
        numbers(&[1])
    );
    drop((beside, taken));
    let third = ModelInfo {
        fingerprint: "third".to_owned(),
        ..second_model()
    };
    let anew = collections
        .begin_beside(&third, &second_source(), "job-3")
        .await
        .expect("begun");
    assert_ne!(anew.name, name);
    let empty = collections.open(&anew.name).await.expect("open");
    assert_eq!(empty.count(&Filter::default()).await.expect("counted"), 0);
    assert_eq!(
        collections.open(&name).await.err().expect("gone").code,
        ErrorCode::NotFound
    );
}

/// Four writers that never stop: a write that the copy lacks is in the list of changes, and nothing
/// is written during a pause.
pub async fn no_write_escapes_a_pause_or_the_list_of_changes(
    collections: Arc<dyn Collections>,
    live: Arc<dyn Gallery>,
) {
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut writers = Vec::new();
    for writer in 0..4_u64 {
        let (live, acknowledged) = (Arc::clone(&live), Arc::clone(&acknowledged));
        writers.push(tokio::spawn(async move {
            let (mut number, mut refused) = (writer, 0);
            while refused < 20 {
                match live.upsert(first([number])).await {
                    Ok(()) => {
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) => {
                        assert_eq!(error.code, ErrorCode::Unavailable);
                        refused += 1;
                    }
                }
                number += 4;
            }
        }));
    }
    let written = async |many: u64| {
        wait_until("more writes", || async {
            acknowledged.load(Ordering::SeqCst) >= many
        })
        .await;
    };
    written(50).await;
    let (name, beside) = begin(&*collections, "job").await;
    let copy = |ids: &BTreeSet<PointId>| {
        ids.iter()
            .map(|id| point(*id, second_model().dimension))
            .collect()
    };
    // Copies what exists now; later writes come from the list of changes only.
    beside
        .upsert(copy(&ids_of(&*live).await))
        .await
        .expect("copied");
    written(acknowledged.load(Ordering::SeqCst) + 50).await;
    let pause = collections.pause_writes().await.expect("paused");
    let quiet = acknowledged.load(Ordering::SeqCst);
    loop {
        let changes = collections.changes(&name, None, 64).await.expect("read");
        if changes.ids.is_empty() {
            break;
        }
        let there = live
            .retrieve(&changes.ids, With::NOTHING)
            .await
            .expect("read");
        beside
            .upsert(copy(&there.into_iter().map(|point| point.id).collect()))
            .await
            .expect("caught up");
        collections
            .mark_caught_up(&name, changes.next)
            .await
            .expect("recorded");
    }
    assert_eq!(
        ids_of(&*live).await,
        ids_of(&*beside).await,
        "nothing was missed"
    );
    // A writer may get the acknowledgement of its last write after the pause began; nothing more
    // was written since.
    assert!(acknowledged.load(Ordering::SeqCst) <= quiet + 4);
    collections
        .switch(&name, Some("job"), &*pause)
        .await
        .expect("switched");
    drop(pause);
    for writer in writers {
        writer
            .await
            .expect("writes to the old one are refused from then on");
    }
    assert_eq!(
        ids_of(&*live).await,
        ids_of(&*beside).await,
        "no write got through"
    );
}
