//! Collections behind a public name on a server: built beside each other, caught up, switched and
//! rolled back, while other processes write and search.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clippy_core::ErrorCode;
use clippy_core::collections::{Collections, ModelSource, Role};
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{Filter, Gallery, HybridQuery, Point, Probe, ProbeKind, Vectors, With};
use clippy_core::ids::PointId;
use clippy_fake_qdrant::{FakeOptions, FakeQdrant};
use clippy_gallery::{QdrantCollections, QdrantOptions};
use clippy_gallery_contract::model;
use clippy_testing::wait_until_within;
use serde_json::json;

use crate::support::{options, options_for};

/// Returns the second model: of another dimension, so that vectors of the two can never be mixed
/// up.
fn second() -> ModelInfo {
    ModelInfo {
        name: "second/one".to_owned(),
        dimension: 12,
        fingerprint: "second".to_owned(),
        style: None,
        ..model()
    }
}

fn source(name: &str) -> ModelSource {
    ModelSource {
        model: Some(name.to_owned()),
        pretrained: None,
    }
}

fn point(id: u64, version: u64, dimension: usize) -> Point {
    let vectors = Vectors {
        image: Some(vec![1.0; dimension]),
        edge: None,
        text: None,
        style: None,
    };
    let payload = json!({ "version": version, "dimension": dimension })
        .as_object()
        .cloned()
        .expect("an object");
    Point {
        id: PointId::Number(id),
        vectors,
        payload,
    }
}

async fn open_collections(
    options: QdrantOptions,
    name: &str,
) -> (QdrantCollections, Arc<dyn Gallery>) {
    QdrantCollections::open(options, source(name))
        .await
        .expect("opened")
}

async fn versions(gallery: &dyn Gallery) -> BTreeMap<PointId, u64> {
    let page = gallery
        .scroll(&Filter::default(), None, 100_000, With::PAYLOAD)
        .await
        .expect("read");
    page.points
        .into_iter()
        .map(|point| (point.id, point.payload["version"].as_u64().unwrap_or(0)))
        .collect()
}

/// Catches up as a re-index does, without a model.
async fn catch_up(collections: &QdrantCollections, name: &str) -> usize {
    let live = collections
        .open(&collections.live().await.expect("known").name)
        .await
        .expect("opened");
    let beside = collections.open(name).await.expect("opened");
    let dimension = beside.info().await.expect("info").dimension;
    let mut taken = 0;
    loop {
        let changes = collections.changes(name, None, 100).await.expect("changes");
        if changes.ids.is_empty() && !changes.more {
            return taken;
        }
        taken += changes.ids.len();
        let there = live
            .retrieve(&changes.ids, With::PAYLOAD)
            .await
            .expect("read");
        let known: BTreeSet<PointId> = there.iter().map(|point| point.id).collect();
        let gone: Vec<PointId> = changes
            .ids
            .iter()
            .copied()
            .filter(|id| !known.contains(id))
            .collect();
        beside.delete(&gone).await.expect("deleted");
        let anew = there
            .into_iter()
            .map(|old| {
                let mut payload = old.payload;
                payload.insert("dimension".to_owned(), dimension.into());
                let vectors = Vectors {
                    image: Some(vec![1.0; dimension]),
                    edge: None,
                    text: None,
                    style: None,
                };
                Point {
                    id: old.id,
                    vectors,
                    payload,
                }
            })
            .collect();
        beside.upsert(anew).await.expect("stored");
        collections
            .mark_caught_up(name, changes.next)
            .await
            .expect("recorded");
    }
}

async fn copy(collections: &QdrantCollections, name: &str) {
    let live = collections
        .open(&collections.live().await.expect("known").name)
        .await
        .expect("opened");
    let beside = collections.open(name).await.expect("opened");
    let dimension = beside.info().await.expect("info").dimension;
    let copied = versions(&*live).await.into_iter().map(|(id, version)| {
        let PointId::Number(id) = id else {
            panic!("numbers only")
        };
        point(id, version, dimension)
    });
    beside.upsert(copied.collect()).await.expect("copied");
}

async fn switch(collections: &QdrantCollections, name: &str, owner: Option<&str>) {
    let pause = collections.pause_writes().await.expect("paused");
    catch_up(collections, name).await;
    collections
        .switch(name, owner, &*pause)
        .await
        .expect("switched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_with_the_public_name_is_replaced_restored_and_dropped() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    let (collections, gallery) = open_collections(options(&fake.url(), "clippy"), "first").await;
    gallery
        .upsert((1..=50).map(|id| point(id, 1, 32)).collect())
        .await
        .expect("stored");
    let live = collections.live().await.expect("known");
    assert_eq!(
        (live.name.as_str(), live.role, live.source),
        ("clippy", Role::Live, Some(source("first")))
    );

    let built = collections
        .begin_beside(&second(), &source("second"), "job 1")
        .await
        .expect("begun");
    assert_eq!(
        (built.name.as_str(), built.role),
        ("clippy@second-one-1", Role::Building)
    );
    let again = collections
        .begin_beside(&second(), &source("second"), "job 2")
        .await
        .expect("taken over");
    assert_eq!(
        (again.name.as_str(), again.owner.as_str()),
        (built.name.as_str(), "job 2")
    );
    copy(&collections, &built.name).await;
    gallery
        .upsert(vec![point(51, 2, 32), point(1, 2, 32)])
        .await
        .expect("written meanwhile");
    gallery
        .delete(&[PointId::Number(2)])
        .await
        .expect("deleted meanwhile");
    assert_eq!(catch_up(&collections, &built.name).await, 3);

    let pause = collections.pause_writes().await.expect("paused");
    let error = collections
        .switch(&built.name, Some("job 1"), &*pause)
        .await
        .expect_err("another builds it");
    assert_eq!(error.code, ErrorCode::Conflict);
    collections
        .switch(&built.name, Some("job 2"), &*pause)
        .await
        .expect("switched");
    drop(pause);
    let listed = collections.list().await.expect("listed");
    let roles: Vec<_> = listed
        .iter()
        .map(|physical| (physical.name.as_str(), physical.role))
        .collect();
    assert_eq!(
        roles,
        [
            ("clippy@second-one-1", Role::Live),
            ("clippy", Role::Previous)
        ]
    );
    let error = gallery
        .upsert(vec![point(60, 3, 32)])
        .await
        .expect_err("not the live one any more");
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(
        gallery.count(&Filter::default()).await.is_ok(),
        "searches there still work"
    );

    // Another process finds the new one, and its writes survive a rollback.
    let (elsewhere, new) =
        open_collections(options_for(&fake.url(), "clippy", second()), "second").await;
    assert_eq!(versions(&*new).await.len(), 50);
    new.upsert(vec![point(70, 4, 12)]).await.expect("stored");
    switch(&elsewhere, "clippy", None).await;
    let back = collections.open("clippy").await.expect("opened");
    let there = versions(&*back).await;
    assert_eq!(
        (
            there.get(&PointId::Number(70)),
            there.get(&PointId::Number(1))
        ),
        (Some(&4), Some(&2))
    );
    assert!(!there.contains_key(&PointId::Number(2)));

    // Switch again and drop the old one: then the public name belongs to the live one.
    switch(&collections, "clippy@second-one-1", None).await;
    assert_eq!(collections.drop_old().await.expect("dropped"), ["clippy"]);
    let client = qdrant_client::Qdrant::from_url(&fake.url())
        .skip_compatibility_check()
        .build()
        .expect("an address");
    let names: Vec<String> = client
        .list_collections()
        .await
        .expect("listed")
        .collections
        .into_iter()
        .map(|found| found.name)
        .collect();
    assert_eq!(names, ["clippy@second-one-1"], "nothing else is left");
    let public = client
        .collection_info("clippy")
        .await
        .expect("by the public name")
        .result
        .expect("there");
    assert_eq!(public.points_count, Some(51));
}

/// Other processes write and search all the time. What was acknowledged is in the live collection
/// at the end; no search fails, and none sees vectors of two models.
#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_and_no_search_mixes_models() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    let (collections, gallery) = open_collections(options(&fake.url(), "clippy"), "first").await;
    gallery
        .upsert((1..=200).map(|id| point(id, 0, 32)).collect())
        .await
        .expect("stored");
    let done = Arc::new(AtomicBool::new(false));
    let searches = Arc::new(AtomicU64::new(0));
    let followed = Arc::new(AtomicBool::new(false));

    let writers: Vec<_> = (0..2_u64)
        .map(|writer| {
            let (options, done) = (options(&fake.url(), "clippy"), Arc::clone(&done));
            tokio::spawn(async move {
                let (mine, mut gallery) = open_collections(options, "first").await;
                let mut acknowledged: BTreeMap<PointId, u64> = BTreeMap::new();
                let mut version = 1;
                while !done.load(Ordering::SeqCst) {
                    let id = 1 + writer * 100 + version % 100;
                    let dimension = gallery.info().await.expect("info").dimension;
                    match gallery.upsert(vec![point(id, version, dimension)]).await {
                        Ok(()) => {
                            acknowledged.insert(PointId::Number(id), version);
                        }
                        Err(error) => {
                            assert_eq!(error.code, ErrorCode::Unavailable, "{error}");
                            gallery = mine
                                .open(&mine.live().await.expect("known").name)
                                .await
                                .expect("opened");
                        }
                    }
                    version += 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                acknowledged
            })
        })
        .collect();
    let searcher = tokio::spawn({
        let (options, done, searches) = (
            options(&fake.url(), "clippy"),
            Arc::clone(&done),
            Arc::clone(&searches),
        );
        let followed = Arc::clone(&followed);
        async move {
            let (mine, gallery) = open_collections(options, "first").await;
            let mut pair = ("clippy".to_owned(), gallery, 32);
            let mut looked = Instant::now();
            while !done.load(Ordering::SeqCst) || searches.load(Ordering::SeqCst) < 1_000 {
                if looked.elapsed() > Duration::from_millis(200) {
                    looked = Instant::now();
                    let live = mine.live().await.expect("known");
                    if live.name != pair.0 {
                        let gallery = mine.open(&live.name).await.expect("opened");
                        let dimension = gallery.info().await.expect("info").dimension;
                        pair = (live.name, gallery, dimension);
                        followed.store(true, Ordering::SeqCst);
                    }
                }
                let query = HybridQuery {
                    probes: vec![Probe {
                        kind: ProbeKind::Image,
                        vector: vec![1.0; pair.2],
                        weight: 1.0,
                    }],
                    lacking: None,
                    filter: Filter::default(),
                    candidates: 20,
                    lexical_tags: Vec::new(),
                    lexical_proposed_by: None,
                    with_payload: true,
                    exact: false,
                    hnsw_ef: 64,
                };
                let found = pair.1.hybrid(query).await.expect("no search fails");
                assert!(!found.hits.is_empty());
                for hit in found.hits {
                    assert_eq!(
                        hit.payload["dimension"].as_u64(),
                        Some(pair.2 as u64),
                        "of another model"
                    );
                }
                searches.fetch_add(1, Ordering::SeqCst);
            }
            pair.0
        }
    });

    let built = collections
        .begin_beside(&second(), &source("second"), "job")
        .await
        .expect("begun");
    copy(&collections, &built.name).await;
    catch_up(&collections, &built.name).await;
    switch(&collections, &built.name, Some("job")).await;
    // Continue for a while after the searcher has found the new one.
    let limit = Duration::from_secs(120);
    wait_until_within("the searcher to find the new one", limit, || async {
        followed.load(Ordering::SeqCst)
    })
    .await;
    let found_at = searches.load(Ordering::SeqCst);
    wait_until_within("more searches", limit, || async {
        searches.load(Ordering::SeqCst) >= found_at + 100
    })
    .await;
    done.store(true, Ordering::SeqCst);
    assert_eq!(searcher.await.expect("no search failed"), built.name);
    // All writers have ended before the collection is read: a last write may still be running.
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.push(writer.await.expect("no write failed otherwise"));
    }
    let live = collections.open(&built.name).await.expect("opened");
    let there = versions(&*live).await;
    for acknowledged in acknowledged {
        assert!(acknowledged.len() > 5, "hardly anything was written");
        for (id, version) in acknowledged {
            assert!(
                there.get(&id).is_some_and(|found| *found >= version),
                "{id} version {version} is lost"
            );
        }
    }
}
