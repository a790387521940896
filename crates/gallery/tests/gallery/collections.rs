//! The collections of a data folder: built beside each other, caught up, switched, and killed at
//! any moment.
//!
//! This test program starts itself again as the process that is killed; an environment variable
//! tells it to.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_core::collections::{Collections, ModelSource, Role};
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{Filter, Gallery, GalleryWriter};
use clippy_core::ids::PointId;
use clippy_gallery::{EdgeCollections, EdgeCollectionsOptions, EdgeGallery, EdgeOptions};
use clippy_gallery_contract::{model, points_of, second_model, second_source};
use rand::Rng;

const DATA: &str = "CLIPPY_COLLECTIONS_DATA";

fn options(data: &Path) -> EdgeCollectionsOptions {
    let source = ModelSource {
        model: Some("first".to_owned()),
        pretrained: None,
    };
    EdgeCollectionsOptions {
        data: data.to_owned(),
        name: "clippy".to_owned(),
        source,
        indexing_threshold_kb: None,
    }
}

fn numbers(ids: &[u64]) -> Vec<PointId> {
    ids.iter().copied().map(PointId::Number).collect()
}

async fn empty() -> (Arc<dyn Collections>, Arc<dyn Gallery>, tempfile::TempDir) {
    let data = tempfile::tempdir().expect("a temporary folder");
    let (collections, live) = EdgeCollections::open(options(data.path()), &model())
        .await
        .expect("opened");
    (Arc::new(collections), live, data)
}

clippy_gallery_contract::collections_contract!(empty);

#[tokio::test]
async fn a_folder_without_a_list_of_collections_is_opened_and_stays_without_one() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let first = EdgeOptions {
        folder: data.path().join("collection"),
        name: "clippy".to_owned(),
        model: model(),
        indexing_threshold_kb: None,
    };
    let gallery = EdgeGallery::open(first).await.expect("made as before");
    gallery
        .upsert(points_of(1..=3, model().dimension))
        .await
        .expect("stored");
    drop(gallery);
    let (collections, gallery) = EdgeCollections::open(options(data.path()), &model())
        .await
        .expect("opened");
    assert_eq!(gallery.count(&Filter::default()).await.expect("counted"), 3);
    let live = collections.live().await.expect("known");
    assert_eq!((live.name.as_str(), live.role), ("clippy", Role::Live));
    gallery
        .delete(&numbers(&[2]))
        .await
        .expect("written through");
    drop((collections, gallery));
    assert!(
        !data.path().join("collections.json").exists(),
        "nothing is written until there is a second collection"
    );
    assert_eq!(
        EdgeCollections::recorded_model(data.path()).expect("read"),
        None
    );
    let seen = EdgeCollections::inspect(data.path(), "clippy")
        .expect("read")
        .expect("there");
    assert_eq!(seen.points, 2);
}

#[tokio::test]
async fn a_build_continues_after_a_restart_and_one_of_another_model_starts_over() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let name = {
        let (collections, live) = EdgeCollections::open(options(data.path()), &model())
            .await
            .expect("opened");
        live.upsert(points_of(1..=3, model().dimension))
            .await
            .expect("stored");
        let built = collections
            .begin_beside(&second_model(), &second_source(), "job-1")
            .await
            .expect("begun");
        let beside = collections.open(&built.name).await.expect("open");
        beside.upsert(points_of(1..=2, 12)).await.expect("stored");
        live.delete(&numbers(&[1])).await.expect("deleted");
        built.name
    };
    // A folder that nothing names, as a kill may leave it.
    std::fs::create_dir_all(data.path().join("collections/clippy@second-one-7")).expect("made");
    let (collections, live) = EdgeCollections::open(options(data.path()), &model())
        .await
        .expect("opened");
    assert!(!data.path().join("collections/clippy@second-one-7").exists());
    assert_eq!(
        collections.changes(&name, None, 9).await.expect("read").ids,
        numbers(&[1])
    );
    live.delete(&numbers(&[2])).await.expect("still recorded");
    let again = collections
        .begin_beside(&second_model(), &second_source(), "job-2")
        .await
        .expect("continued");
    assert_eq!(
        (again.name.as_str(), again.owner.as_str()),
        (name.as_str(), "job-2")
    );
    assert_eq!(
        collections.changes(&name, None, 9).await.expect("read").ids,
        numbers(&[1, 2])
    );
    assert_eq!(
        collections
            .open(&name)
            .await
            .expect("open")
            .count(&Filter::default())
            .await
            .expect("counted"),
        2
    );

    let third = ModelInfo {
        fingerprint: "third".to_owned(),
        ..second_model()
    };
    let anew = collections
        .begin_beside(&third, &second_source(), "job-3")
        .await
        .expect("begun");
    assert_ne!(anew.name, name);
    assert_eq!(
        collections
            .open(&anew.name)
            .await
            .expect("open")
            .count(&Filter::default())
            .await
            .expect("counted"),
        0
    );
    assert!(!data.path().join("collections").join(&name).exists());
    let refused = EdgeCollections::open(options(data.path()), &second_model())
        .await
        .err()
        .expect("held, or another model");
    assert_eq!(refused.code, ErrorCode::Conflict);
}

#[tokio::test]
async fn the_data_folder_records_the_model_of_the_live_collection_and_refuses_others() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let remembered = || EdgeCollections::recorded_model(data.path()).expect("read");
    let built = {
        let (collections, live) = EdgeCollections::open(options(data.path()), &model())
            .await
            .expect("opened");
        live.add_root("/pictures").await.expect("recorded");
        let built = collections
            .begin_beside(&second_model(), &second_source(), "job")
            .await
            .expect("begun")
            .name;
        assert_eq!(
            remembered(),
            Some(options(data.path()).source),
            "during the build, that of the first collection"
        );
        let pause = collections.pause_writes().await.expect("paused");
        collections
            .switch(&built, Some("job"), &*pause)
            .await
            .expect("switched");
        built
    };
    assert_eq!(remembered(), Some(second_source()));
    let seen = EdgeCollections::inspect(data.path(), "clippy")
        .expect("read")
        .expect("there");
    assert_eq!((seen.name.as_str(), seen.dimension), (built.as_str(), 12));
    let refused = EdgeCollections::open(options(data.path()), &model())
        .await
        .err()
        .expect("another model");
    assert!(
        refused.message.contains("second/one") && refused.message.contains("contract"),
        "{}",
        refused.message
    );
    let (collections, _live) = EdgeCollections::open(options(data.path()), &second_model())
        .await
        .expect("its own");
    assert_eq!(collections.drop_old().await.expect("dropped"), ["clippy"]);
    assert!(
        !data.path().join("collection").exists(),
        "the first collection's folder is removed like any other"
    );
    assert!(data.path().join("collections").join(&built).exists());
}

/// Not a test by itself: the process that is killed runs this. It switches between two collections
/// until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(data) = std::env::var(DATA) else {
        return;
    };
    let data = Path::new(&data);
    let fingerprint = EdgeCollections::inspect(data, "clippy")
        .expect("read")
        .map(|info| info.fingerprint);
    let begins_with = if fingerprint.as_deref() == Some("second") {
        second_model()
    } else {
        model()
    };
    let (collections, _) = EdgeCollections::open(options(data), &begins_with)
        .await
        .expect("opened");
    if collections.list().await.expect("listed").len() == 1 {
        let live = collections.live().await.expect("known");
        let (model, source) = if live.fingerprint == "second" {
            (model(), options(data).source)
        } else {
            (second_model(), second_source())
        };
        let built = collections
            .begin_beside(&model, &source, "job")
            .await
            .expect("begun");
        let beside = collections.open(&built.name).await.expect("open");
        beside
            .upsert(points_of(1..=20, model.dimension))
            .await
            .expect("filled");
    }
    println!("ready");
    loop {
        let all = collections.list().await.expect("listed");
        let target = all
            .iter()
            .find(|one| one.role != Role::Live)
            .expect("a second one")
            .clone();
        let pause = collections.pause_writes().await.expect("paused");
        let changes = collections
            .changes(&target.name, None, 99)
            .await
            .expect("read");
        collections
            .mark_caught_up(&target.name, changes.next)
            .await
            .expect("recorded");
        collections
            .switch(&target.name, None, &*pause)
            .await
            .expect("switched");
        drop(pause);
        println!("{}", target.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_of_a_switch_leaves_one_whole_collection_live() {
    let data = tempfile::tempdir().expect("a temporary folder");
    {
        let (_, live) = EdgeCollections::open(options(data.path()), &model())
            .await
            .expect("opened");
        live.upsert(points_of(1..=20, model().dimension))
            .await
            .expect("stored");
    }
    let mut seen = BTreeSet::new();
    for _ in 0..12 {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "collections::child", "--nocapture"])
            .env(DATA, data.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"))
            .lines()
            .map_while(Result::ok);
        let ready = lines.by_ref().find(|line| line.contains("ready"));
        assert!(ready.is_some(), "the process ended by itself");
        let switches = rand::rng().random_range(1..40);
        let made: Vec<String> = lines.by_ref().take(switches).collect();
        tokio::time::sleep(Duration::from_micros(rand::rng().random_range(0..3_000))).await;
        child.kill().expect("killed");
        child.wait().expect("a child");
        let names: Vec<String> = made.into_iter().chain(lines).collect();
        let last = names.last().expect("it switched").clone();

        let info = EdgeCollections::inspect(data.path(), "clippy")
            .expect("read")
            .expect("one is live");
        let model = if info.fingerprint == "second" {
            second_model()
        } else {
            model()
        };
        let (collections, live) = EdgeCollections::open(options(data.path()), &model)
            .await
            .expect("it opens");
        assert_eq!(
            live.count(&Filter::default()).await.expect("counted"),
            20,
            "{} is complete",
            info.name
        );
        assert_eq!(live.info().await.expect("known").dimension, model.dimension);
        // The live collection is the one that was printed last, or the next one, if the kill came
        // before its line was printed.
        let all = collections.list().await.expect("listed");
        assert_eq!(all.len(), 2);
        assert!(
            all.iter().any(|one| one.name == last),
            "{last} is gone: {all:?}"
        );
        let other = all
            .iter()
            .find(|one| one.role != Role::Live)
            .expect("the other");
        let kept = collections.open(&other.name).await.expect("it opens, too");
        assert_eq!(kept.count(&Filter::default()).await.expect("counted"), 20);
        seen.insert(info.name);
    }
    eprintln!("live after the kills: {seen:?}");
}
