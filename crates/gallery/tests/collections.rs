//! The collections of a data folder: built beside each other, caught up, switched, and killed at any moment.
//!
//! This binary starts itself again as the process that is killed; the environment tells it so.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_core::collections::{Collections, ModelSource, Role};
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{Filter, Gallery, Payload, Point, Vectors, With};
use clippy_core::ids::PointId;
use clippy_gallery::contract::model;
use clippy_gallery::{EdgeCollections, EdgeCollectionsOptions, EdgeGallery, EdgeOptions};
use rand::Rng;

const DATA: &str = "CLIPPY_COLLECTIONS_DATA";

fn options(data: &Path) -> EdgeCollectionsOptions {
    let source = ModelSource { model: Some("first".to_owned()), pretrained: None };
    EdgeCollectionsOptions { data: data.to_owned(), name: "clippy".to_owned(), source, indexing_threshold_kb: None }
}

/// The second model: of another dimension, so that a vector of the one can never be taken for one of the other.
fn second() -> ModelInfo {
    ModelInfo { name: "second/one".to_owned(), dimension: 12, fingerprint: "second".to_owned(), ..model() }
}

fn second_source() -> ModelSource {
    ModelSource { model: Some("second".to_owned()), pretrained: Some("tag".to_owned()) }
}

fn point(id: u64, dimension: usize) -> Point {
    let vectors = Vectors { image: Some(vec![1.0; dimension]), edge: None, text: None };
    Point { id: PointId::Number(id), vectors, payload: Payload::new() }
}

fn points(ids: impl IntoIterator<Item = u64>, dimension: usize) -> Vec<Point> {
    ids.into_iter().map(|id| point(id, dimension)).collect()
}

fn numbers(ids: &[u64]) -> Vec<PointId> {
    ids.iter().copied().map(PointId::Number).collect()
}

async fn ids_of(gallery: &dyn Gallery) -> BTreeSet<PointId> {
    let page = gallery.scroll(&Filter::default(), None, 100_000, With::NOTHING).await.expect("read");
    page.points.into_iter().map(|point| point.id).collect()
}

#[tokio::test]
async fn todays_folder_is_opened_as_it_is_and_stays_so() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let first = EdgeOptions {
        folder: data.path().join("collection"),
        name: "clippy".to_owned(),
        model: model(),
        indexing_threshold_kb: None,
    };
    let gallery = EdgeGallery::open(first).await.expect("made as before");
    gallery.upsert(points(1..=3, model().dimension)).await.expect("stored");
    drop(gallery);
    let (collections, gallery) = EdgeCollections::open(options(data.path()), &model()).await.expect("opened");
    assert_eq!(gallery.count(&Filter::default()).await.expect("counted"), 3);
    let live = collections.live().await.expect("known");
    assert_eq!((live.name.as_str(), live.role), ("clippy", Role::Live));
    gallery.delete(&numbers(&[2])).await.expect("written through");
    drop((collections, gallery));
    assert!(!data.path().join("collections.json").exists(), "nothing is written until there is a second collection");
    assert_eq!(EdgeCollections::remembered(data.path()).expect("read"), None);
    let seen = EdgeCollections::inspect(data.path(), "clippy").expect("read").expect("there");
    assert_eq!(seen.points, 2);
}

#[tokio::test]
async fn what_is_written_while_another_is_built_is_listed_switched_to_and_gone_back_from() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let (collections, live) = EdgeCollections::open(options(data.path()), &model()).await.expect("opened");
    live.upsert(points(1..=4, model().dimension)).await.expect("stored");
    let built = collections.begin_beside(&second(), &second_source(), "job-1").await.expect("begun");
    assert_eq!(built.name, "clippy@second-one-1");
    let beside = collections.open(&built.name).await.expect("open");
    beside.upsert(points(1..=4, 12)).await.expect("its builder writes");
    assert!(collections.changes(&built.name, None, 99).await.expect("read").ids.is_empty(), "its own are none");

    live.upsert(points([5], model().dimension)).await.expect("stored");
    live.delete(&numbers(&[1])).await.expect("deleted");
    live.set_payload(PointId::Number(2), Payload::from_iter([("a".to_owned(), 1.into())])).await.expect("set");
    let changes = collections.changes(&built.name, None, 99).await.expect("read");
    assert_eq!(changes.ids, numbers(&[5, 1, 2]));

    let pause = collections.pause_writes().await.expect("paused");
    let early = collections.switch(&built.name, Some("job-1"), &*pause).await.expect_err("changes are left");
    assert_eq!(early.code, ErrorCode::Conflict);
    collections.caught_up(&built.name, changes.next).await.expect("told");
    let fenced = collections.switch(&built.name, Some("job-0"), &*pause).await.expect_err("not who builds it");
    assert!(fenced.message.contains("job-1"), "{}", fenced.message);
    beside.upsert(points([5], 12)).await.expect("a pause holds nobody up who builds");
    beside.delete(&numbers(&[1])).await.expect("likewise");
    collections.switch(&built.name, Some("job-1"), &*pause).await.expect("switched");
    drop(pause);

    // The old handle reads on, and writes no more: what it would write is of the old model.
    assert_eq!(live.count(&Filter::default()).await.expect("counted"), 4);
    let refused = live.upsert(points([9], model().dimension)).await.expect_err("not the live one");
    assert_eq!(refused.code, ErrorCode::Unavailable);
    let now = collections.live().await.expect("known");
    assert_eq!((&now.name, now.source), (&built.name, Some(second_source())));
    assert_eq!(EdgeCollections::remembered(data.path()).expect("read"), Some(second_source()));

    // The one from before follows, so that the way back loses nothing.
    let new = collections.open(&built.name).await.expect("open");
    new.upsert(points([6], 12)).await.expect("stored");
    let changes = collections.changes("clippy", None, 99).await.expect("read");
    assert_eq!(changes.ids, numbers(&[6]));
    let old = collections.open("clippy").await.expect("open");
    old.upsert(points([6], model().dimension)).await.expect("caught up");
    collections.caught_up("clippy", changes.next).await.expect("told");
    let pause = collections.pause_writes().await.expect("paused");
    collections.switch("clippy", None, &*pause).await.expect("back");
    drop(pause);
    assert_eq!(ids_of(&*live).await, BTreeSet::from_iter(numbers(&[2, 3, 4, 5, 6])));
    live.upsert(points([7], model().dimension)).await.expect("it is live again");
    let roles: Vec<_> = collections.list().await.expect("listed").into_iter().map(|one| (one.name, one.role)).collect();
    assert_eq!(roles, [("clippy".to_owned(), Role::Live), (built.name.clone(), Role::Previous)]);

    drop((beside, new));
    assert_eq!(collections.drop_old().await.expect("dropped"), [built.name.clone()]);
    assert!(!data.path().join("collections").join(&built.name).exists());
    assert_eq!(collections.open(&built.name).await.err().expect("gone").code, ErrorCode::NotFound);
    assert!(collections.drop_old().await.expect("nothing").is_empty());
    let next = collections.begin_beside(&second(), &second_source(), "job-2").await.expect("begun");
    assert_eq!(next.name, "clippy@second-one-2", "no name is used twice");
}

#[tokio::test]
async fn a_build_goes_on_after_a_restart_and_one_of_another_model_is_begun_anew() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let name = {
        let (collections, live) = EdgeCollections::open(options(data.path()), &model()).await.expect("opened");
        live.upsert(points(1..=3, model().dimension)).await.expect("stored");
        let built = collections.begin_beside(&second(), &second_source(), "job-1").await.expect("begun");
        let beside = collections.open(&built.name).await.expect("open");
        beside.upsert(points(1..=2, 12)).await.expect("stored");
        live.delete(&numbers(&[1])).await.expect("deleted");
        built.name
    };
    // What a kill may leave: a folder that nothing names.
    std::fs::create_dir_all(data.path().join("collections/clippy@second-one-7")).expect("made");
    let (collections, live) = EdgeCollections::open(options(data.path()), &model()).await.expect("opened");
    assert!(!data.path().join("collections/clippy@second-one-7").exists());
    assert_eq!(collections.changes(&name, None, 9).await.expect("read").ids, numbers(&[1]));
    live.delete(&numbers(&[2])).await.expect("still recorded");
    let again = collections.begin_beside(&second(), &second_source(), "job-2").await.expect("taken over");
    assert_eq!((again.name.as_str(), again.owner.as_str()), (name.as_str(), "job-2"));
    assert_eq!(collections.changes(&name, None, 9).await.expect("read").ids, numbers(&[1, 2]));
    assert_eq!(collections.open(&name).await.expect("open").count(&Filter::default()).await.expect("counted"), 2);

    let third = ModelInfo { fingerprint: "third".to_owned(), ..second() };
    let anew = collections.begin_beside(&third, &second_source(), "job-3").await.expect("begun");
    assert_ne!(anew.name, name);
    assert_eq!(collections.open(&anew.name).await.expect("open").count(&Filter::default()).await.expect("counted"), 0);
    assert!(!data.path().join("collections").join(&name).exists());
    let refused = EdgeCollections::open(options(data.path()), &second()).await.err().expect("held, or another model");
    assert_eq!(refused.code, ErrorCode::Conflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_slips_past_a_pause_or_a_list_of_changes() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let (collections, live) = EdgeCollections::open(options(data.path()), &model()).await.expect("opened");
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut writers = Vec::new();
    for writer in 0..4_u64 {
        let (live, stop, acknowledged) = (Arc::clone(&live), Arc::clone(&stop), Arc::clone(&acknowledged));
        writers.push(tokio::spawn(async move {
            let mut number = writer;
            let mut refused = 0;
            while !stop.load(Ordering::SeqCst) {
                match live.upsert(points([number], model().dimension)).await {
                    Ok(()) => {
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) => {
                        assert_eq!(error.code, ErrorCode::Unavailable);
                        refused += 1;
                        if refused > 20 {
                            break;
                        }
                    }
                }
                number += 4;
            }
            refused
        }));
    }
    while acknowledged.load(Ordering::SeqCst) < 50 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let built = collections.begin_beside(&second(), &second_source(), "job").await.expect("begun");
    let beside = collections.open(&built.name).await.expect("open");
    // A copy of what is there now, and from then on only what the list tells.
    let copied = ids_of(&*live).await;
    let copy = |ids: &BTreeSet<PointId>| ids.iter().map(|id| Point { id: *id, ..point(0, 12) }).collect::<Vec<_>>();
    beside.upsert(copy(&copied)).await.expect("copied");
    let more = acknowledged.load(Ordering::SeqCst) + 50;
    while acknowledged.load(Ordering::SeqCst) < more {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let pause = collections.pause_writes().await.expect("paused");
    let quiet = acknowledged.load(Ordering::SeqCst);
    loop {
        let changes = collections.changes(&built.name, None, 64).await.expect("read");
        if changes.ids.is_empty() {
            break;
        }
        let there = live.retrieve(&changes.ids, With::NOTHING).await.expect("read");
        beside.upsert(copy(&there.into_iter().map(|point| point.id).collect())).await.expect("caught up");
        collections.caught_up(&built.name, changes.next).await.expect("told");
    }
    assert_eq!(ids_of(&*live).await, ids_of(&*beside).await, "nothing was missed");
    // A writer may have been told of its last write only after the pause began; nothing more was written since.
    assert!(acknowledged.load(Ordering::SeqCst) <= quiet + 4);
    collections.switch(&built.name, Some("job"), &*pause).await.expect("switched");
    drop(pause);
    for writer in writers {
        assert!(writer.await.expect("no panic") > 20, "writes to the old one are refused from then on");
    }
    assert_eq!(ids_of(&*live).await, ids_of(&*beside).await, "and none got through");
    stop.store(true, Ordering::SeqCst);
}

/// Not a test by itself: what the killed process runs. It goes from one collection to the other and back for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(data) = std::env::var(DATA) else { return };
    let data = Path::new(&data);
    let fingerprint = EdgeCollections::inspect(data, "clippy").expect("read").map(|info| info.fingerprint);
    let begins_with = if fingerprint.as_deref() == Some("second") { second() } else { model() };
    let (collections, _) = EdgeCollections::open(options(data), &begins_with).await.expect("opened");
    if collections.list().await.expect("listed").len() == 1 {
        let live = collections.live().await.expect("known");
        let (model, source) =
            if live.fingerprint == "second" { (model(), options(data).source) } else { (second(), second_source()) };
        let built = collections.begin_beside(&model, &source, "job").await.expect("begun");
        let beside = collections.open(&built.name).await.expect("open");
        beside.upsert(points(1..=20, model.dimension)).await.expect("filled");
    }
    println!("ready");
    loop {
        let all = collections.list().await.expect("listed");
        let target = all.iter().find(|one| one.role != Role::Live).expect("a second one").clone();
        let pause = collections.pause_writes().await.expect("paused");
        let changes = collections.changes(&target.name, None, 99).await.expect("read");
        collections.caught_up(&target.name, changes.next).await.expect("told");
        collections.switch(&target.name, None, &*pause).await.expect("switched");
        drop(pause);
        println!("{}", target.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_of_a_switch_leaves_one_whole_collection_live() {
    let data = tempfile::tempdir().expect("a temporary folder");
    {
        let (_, live) = EdgeCollections::open(options(data.path()), &model()).await.expect("opened");
        live.upsert(points(1..=20, model().dimension)).await.expect("stored");
    }
    let mut seen = BTreeSet::new();
    for _ in 0..12 {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "child", "--nocapture"])
            .env(DATA, data.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let ready = lines.by_ref().find(|line| line.contains("ready"));
        assert!(ready.is_some(), "the process ended by itself");
        let switches = rand::rng().random_range(1..40);
        let made: Vec<String> = lines.by_ref().take(switches).collect();
        tokio::time::sleep(Duration::from_micros(rand::rng().random_range(0..3_000))).await;
        child.kill().expect("killed");
        child.wait().expect("a child");
        let told: Vec<String> = made.into_iter().chain(lines).collect();
        let last = told.last().expect("it switched").clone();

        let info = EdgeCollections::inspect(data.path(), "clippy").expect("read").expect("one is live");
        let model = if info.fingerprint == "second" { second() } else { model() };
        let (collections, live) = EdgeCollections::open(options(data.path()), &model).await.expect("it opens");
        assert_eq!(live.count(&Filter::default()).await.expect("counted"), 20, "{} is whole", info.name);
        assert_eq!(live.info().await.expect("known").dimension, model.dimension);
        // Live is what the last word said, or the next one, whose word was not said any more.
        let all = collections.list().await.expect("listed");
        assert_eq!(all.len(), 2);
        assert!(all.iter().any(|one| one.name == last), "{last} is gone: {all:?}");
        let other = all.iter().find(|one| one.role != Role::Live).expect("the other");
        let kept = collections.open(&other.name).await.expect("it opens, too");
        assert_eq!(kept.count(&Filter::default()).await.expect("counted"), 20);
        seen.insert(info.name);
    }
    eprintln!("live after the kills: {seen:?}");
}
