//! Finding the styles of a collection: the groups, what a killed or cancelled run leaves behind,
//! and new pictures.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clippy_core::ErrorCode;
use clippy_core::embedding::Embedder;
use clippy_core::gallery::{
    Gallery, GalleryNotes, GalleryWriter, Payload, Point, STYLE_GROUPS_SCHEMA_VERSION,
    STYLE_SCHEMA_VERSION, Vectors,
};
use clippy_core::ids::PointId;
use clippy_core::style_groups::{self, NOTE, StyleGroups, keys_of};
use clippy_core::styles;
use clippy_testing::{FakeEmbedder, MemoryGallery};
use clippy_worker::style_groups::{Finder, FoundStyles, refresh};
use futures::FutureExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::DIMENSION;

const HEAD: &str = "fake-style";
const TAGS: [&str; 3] = ["ink", "pixel_art", "water_colour"];

/// A vector near one of some directions. Nothing here is random.
fn near(style: usize, number: u64) -> Vec<f32> {
    let mut vector = [0.02_f32; DIMENSION];
    vector[style] = 1.0;
    vector[4 + (number % 4) as usize] += 0.1 * ((number % 7) as f32 / 7.0);
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter().map(|value| value / length).collect()
}

fn point(number: u64) -> Point {
    let style = (number % 3) as usize;
    let Value::Object(payload) = json!({
        "path": format!("{number}.png"), "tags_all": ["thing", TAGS[style]],
        "matched_tags": [TAGS[style]],
    }) else {
        unreachable!("an object")
    };
    Point {
        id: PointId::Number(number),
        vectors: Vectors {
            image: Some(near((number % 2) as usize, number)),
            style: Some(near(style, number)),
            ..Vectors::default()
        },
        payload,
    }
}

async fn gallery(points: u64) -> MemoryGallery {
    let gallery = MemoryGallery::new(FakeEmbedder::new(DIMENSION).info());
    gallery
        .schema_version
        .store(STYLE_GROUPS_SCHEMA_VERSION, Ordering::SeqCst);
    gallery
        .upsert((1..=points).map(point).collect())
        .await
        .expect("stored");
    styles::replace(&gallery, HEAD).await.expect("noted");
    gallery
}

async fn find(gallery: &dyn Gallery) -> clippy_core::Result<FoundStyles> {
    let stop = CancellationToken::new();
    let finder = Finder {
        gallery,
        embedder: &FakeEmbedder::new(DIMENSION),
        stop: &stop,
        report: &|_, _| {},
    };
    Ok(finder.find(false).await?.expect("it was not stopped"))
}

async fn groups(gallery: &dyn Gallery) -> Option<StyleGroups> {
    StyleGroups::read(gallery, Some(HEAD)).await.expect("read")
}

/// What is shown: the group of each picture.
async fn shown(gallery: &MemoryGallery) -> BTreeMap<PointId, Option<u64>> {
    let groups = groups(gallery).await;
    let points = gallery.points.lock();
    let group = |point: &Point| Some(groups.as_ref()?.group_of(&point.payload)?.id);
    points
        .values()
        .map(|point| (point.id, group(point)))
        .collect()
}

#[tokio::test]
async fn pictures_of_a_style_are_one_group_named_by_its_tag() {
    let gallery = gallery(90).await;
    let found = find(&gallery).await.expect("found");
    let mut names: Vec<(&str, u64)> = found
        .styles
        .iter()
        .map(|style| (style.name.as_str(), style.count))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [("ink", 30), ("pixel art", 30), ("water colour", 30)]
    );
    let groups = groups(&gallery).await.expect("groups");
    for (id, group) in shown(&gallery).await {
        let PointId::Number(number) = id else {
            panic!("a number")
        };
        let tag = TAGS[(number % 3) as usize];
        let group = groups.group(group.expect("a group")).expect("known");
        assert_eq!(group.tags, [tag]);
        assert_eq!(group.covers.len(), 8);
    }
}

#[tokio::test]
async fn a_second_run_gives_the_same_groups_with_their_ids_and_names() {
    let gallery = gallery(90).await;
    find(&gallery).await.expect("found");
    let before = shown(&gallery).await;
    let renamed = |groups: &mut StyleGroups| groups.rename(2, "my favourite");
    style_groups::change(&gallery, Some(HEAD), renamed)
        .await
        .expect("renamed");
    gallery
        .upsert((91..=108).map(point).collect())
        .await
        .expect("stored");
    let again = find(&gallery).await.expect("found");
    let mut now = shown(&gallery).await;
    now.retain(|id, _| before.contains_key(id));
    assert_eq!(now, before);
    assert!(
        again
            .styles
            .iter()
            .any(|style| style.id == 2 && style.name == "my favourite")
    );
    assert_eq!(again.styles.len(), 3);
}

#[tokio::test]
async fn a_run_that_is_killed_halfway_changes_nothing_that_is_shown_and_the_next_one_repairs() {
    let gallery = gallery(1_200).await;
    find(&gallery).await.expect("found");
    let (note, before) = (
        gallery.note(NOTE).await.expect("read"),
        shown(&gallery).await,
    );
    let stop = CancellationToken::new();
    let embedder = FakeEmbedder::new(DIMENSION);
    let finder = Finder {
        gallery: &gallery,
        embedder: &embedder,
        stop: &stop,
        // Pages are written one by one; the run ends without a trace after the first one.
        report: &|_, _| panic!("killed"),
    };
    let killed = AssertUnwindSafe(finder.find(false)).catch_unwind().await;
    assert!(killed.is_err());
    let halfway = |gallery: &MemoryGallery| {
        let points = gallery.points.lock();
        points
            .values()
            .filter(|point| keys_of(&point.payload).count() == 2)
            .count()
    };
    let written = halfway(&gallery);
    assert!(
        written > 0 && written < 1_200,
        "{written} pictures have keys of two runs"
    );
    assert_eq!(gallery.note(NOTE).await.expect("read"), note);
    assert_eq!(shown(&gallery).await, before);

    find(&gallery).await.expect("found");
    assert_eq!(shown(&gallery).await, before);
    let keys: usize = {
        let points = gallery.points.lock();
        let most = points
            .values()
            .map(|point| keys_of(&point.payload).count())
            .max();
        most.expect("points")
    };
    assert_eq!(keys, 2, "the keys of the killed run are gone");
}

#[tokio::test]
async fn a_run_that_is_stopped_changes_nothing_that_is_shown() {
    let gallery = gallery(600).await;
    let stop = CancellationToken::new();
    let embedder = FakeEmbedder::new(DIMENSION);
    let finder = Finder {
        gallery: &gallery,
        embedder: &embedder,
        stop: &stop,
        report: &|_, _| stop.cancel(),
    };
    assert_eq!(finder.find(false).await.expect("no error"), None);
    assert_eq!(gallery.note(NOTE).await.expect("read"), None);
    assert!(shown(&gallery).await.values().all(Option::is_none));
}

#[tokio::test]
async fn new_pictures_join_the_nearest_group_and_many_new_ones_start_a_run() {
    let gallery = gallery(60).await;
    let stop = CancellationToken::new();
    let embedder: Arc<dyn Embedder> = Arc::new(FakeEmbedder::new(DIMENSION));
    refresh(&gallery, &*embedder, &stop).await;
    let first = groups(&gallery).await.expect("found without being asked");

    gallery
        .upsert((61..=66).map(point).collect())
        .await
        .expect("stored");
    refresh(&gallery, &*embedder, &stop).await;
    assert_eq!(groups(&gallery).await.expect("groups").run, first.run);
    let groups_now = shown(&gallery).await;
    for number in 61..=66 {
        let (new, old) = (PointId::Number(number), PointId::Number(number - 60));
        assert_eq!(groups_now[&new], groups_now[&old], "{number}");
    }

    gallery
        .upsert((67..=90).map(point).collect())
        .await
        .expect("stored");
    refresh(&gallery, &*embedder, &stop).await;
    let now = groups(&gallery).await.expect("groups");
    assert_ne!(now.run, first.run, "the collection has outgrown its groups");
    assert_eq!(now.pictures, 90);
}

#[tokio::test]
async fn a_collection_that_cannot_have_styles_is_told_why() {
    let refused = async |gallery: &MemoryGallery| {
        let error = find(gallery).await.expect_err("refused");
        assert_eq!(error.code, ErrorCode::Unsupported);
        assert_eq!(gallery.note(NOTE).await.expect("read"), None);
        error.message
    };
    let one = gallery(1).await;
    assert!(refused(&one).await.contains("has 1"));

    let bare = gallery(0).await;
    let without = |number| Point {
        vectors: Vectors::default(),
        payload: Payload::new(),
        id: PointId::Number(number),
    };
    bare.upsert((1..=40).map(without).collect())
        .await
        .expect("stored");
    assert!(refused(&bare).await.contains("backfill --which style"));

    let older = gallery(40).await;
    older
        .schema_version
        .store(STYLE_SCHEMA_VERSION, Ordering::SeqCst);
    assert!(refused(&older).await.contains("clippy migrate"));

    let replaced = gallery(40).await;
    find(&replaced).await.expect("found");
    styles::replace(&replaced, "another head")
        .await
        .expect("noted");
    let error = find(&replaced).await.expect_err("refused");
    assert!(
        error.message.contains("another style head"),
        "{}",
        error.message
    );
    let none = StyleGroups::read(&replaced, Some("another head")).await;
    assert_eq!(
        none.expect("read"),
        None,
        "groups of a replaced head are not used"
    );
}
