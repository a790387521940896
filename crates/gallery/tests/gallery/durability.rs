//! `kill -9` at random moments: what was acknowledged exists, complete, and nothing exists twice.
//!
//! This test program starts itself again as the process that is killed; an environment variable
//! tells it to.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_core::gallery::{
    Filter, GalleryReader, GalleryWriter, Payload, Point, Space, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_gallery::{EdgeGallery, EdgeOptions, StoreLock};
use clippy_gallery_contract::{DIMENSION, model};
use rand::Rng;
use serde_json::json;

const FOLDER: &str = "CLIPPY_DURABILITY_FOLDER";
const ROLE: &str = "CLIPPY_DURABILITY_ROLE";
const START: &str = "CLIPPY_DURABILITY_START";
const ADDRESS: &str = "http://127.0.0.1:8123";
const BATCH: u64 = 64;
const ROUNDS: u64 = 6;

fn options(folder: &Path) -> EdgeOptions {
    EdgeOptions {
        folder: folder.join("gallery"),
        name: "durable".to_owned(),
        model: model(),
        indexing_threshold_kb: Some(50),
    }
}

/// Returns the vectors of a point in its first or second version; one number determines all values.
fn vector(id: u64, space: Space, version: u64) -> Vec<f32> {
    let seed = (id * 8 + space as u64 * 2 + version) as f32;
    let mut values: Vec<f32> = (0..DIMENSION)
        .map(|index| (seed * 0.37 + index as f32 * (1.0 + seed * 0.001)).sin())
        .collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

fn payload(id: u64) -> Payload {
    json!({"path": format!("{id}.png"), "tags_all": ["a", format!("t{}", id % 5)],
    "rating": "safe"})
    .as_object()
    .cloned()
    .expect("an object")
}

fn point(id: u64) -> Point {
    let vectors = Vectors::from_fn(|space| Some(vector(id, space, 1)));
    Point {
        id: PointId::Number(id),
        vectors,
        payload: payload(id),
    }
}

fn ids_of(batch: u64) -> std::ops::Range<u64> {
    batch * BATCH + 1..(batch + 1) * BATCH + 1
}

/// Returns the point of a batch that is deleted later.
fn doomed(batch: u64) -> u64 {
    batch * BATCH + 1 + batch % BATCH
}

// The child's steps for each batch, in order. It prints each once it is acknowledged.
const PUT: &str = "put";
const UPDATE: &str = "update";
const DELETE: &str = "delete";

async fn write_for_ever(folder: &Path, start: u64, with_graphs: bool) {
    let gallery = Arc::new(EdgeGallery::open(options(folder)).await.expect("opened"));
    println!("opened");
    if with_graphs {
        let gallery = Arc::clone(&gallery);
        tokio::spawn(async move {
            loop {
                gallery.optimize().await.expect("graphs");
                tokio::task::yield_now().await;
            }
        });
    }
    for batch in start.. {
        gallery
            .upsert(ids_of(batch).map(point).collect())
            .await
            .expect("stored");
        println!("{PUT} {batch}");
        let updates = ids_of(batch)
            .map(|id| {
                let image = Some(vector(id, Space::Image, 2));
                (
                    PointId::Number(id),
                    Vectors {
                        image,
                        edge: None,
                        text: None,
                        style: None,
                    },
                )
            })
            .collect();
        gallery.update_vectors(updates).await.expect("updated");
        println!("{UPDATE} {batch}");
        gallery
            .delete(&[PointId::Number(doomed(batch))])
            .await
            .expect("deleted");
        println!("{DELETE} {batch}");
    }
}

/// Not a test by itself: the process that is killed runs this.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let folder = std::env::var(FOLDER).expect("the parent names a folder");
    let folder = Path::new(&folder);
    if role == "hold" {
        let _lock = StoreLock::acquire(folder, Some(ADDRESS)).expect("free");
        let _gallery = EdgeGallery::open(options(folder)).await.expect("opened");
        println!("opened");
        // Wait until the parent ends the process.
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let start = std::env::var(START)
        .expect("the parent names a batch")
        .parse()
        .expect("a number");
    write_for_ever(folder, start, role == "graphs").await;
}

fn spawn(role: &str, folder: &Path, start: u64) -> (Child, impl Iterator<Item = String>) {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "durability::child", "--nocapture"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .env(START, start.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let lines = BufReader::new(child.stdout.take().expect("piped"))
        .lines()
        .map_while(Result::ok);
    let mut lines = lines.skip_while(|line| !line.ends_with("opened"));
    assert!(lines.next().is_some(), "the child opens the collection");
    (child, lines)
}

/// The last acknowledged step of each batch.
#[derive(Default)]
struct Acknowledged(BTreeMap<u64, &'static str>);

impl Acknowledged {
    fn add(&mut self, line: &str) -> bool {
        let Some((what, batch)) = line.split_once(' ') else {
            return false;
        };
        let Some(what) = [PUT, UPDATE, DELETE]
            .into_iter()
            .find(|known| *known == what)
        else {
            return false;
        };
        self.0.insert(batch.parse().expect("a number"), what);
        true
    }
}

/// Checks that everything acknowledged exists. The one step that was not acknowledged may have been
/// done or not, point by point.
async fn check(gallery: &EdgeGallery, acknowledged: &Acknowledged, last: u64) {
    let mut expected_count = 0;
    for batch in 0..=last {
        let done = acknowledged.0.get(&batch).copied();
        let ids: Vec<PointId> = ids_of(batch).map(PointId::Number).collect();
        let found = gallery.retrieve(&ids, With::ALL).await.expect("retrieved");
        expected_count += found.len() as u64;
        let there: HashSet<PointId> = found.iter().map(|point| point.id).collect();
        for id in ids_of(batch) {
            let present = there.contains(&PointId::Number(id));
            match done {
                Some(DELETE) if id == doomed(batch) => assert!(!present, "{id} was deleted"),
                Some(UPDATE) if id == doomed(batch) => {}
                Some(_) => assert!(present, "{id} of batch {batch} ({done:?}) is lost"),
                None => {}
            }
        }
        for point in found {
            let PointId::Number(id) = point.id else {
                panic!("only numbers were stored")
            };
            assert_eq!(point.payload, payload(id), "{id}");
            for space in Space::ALL {
                let vector_of = |version| Some(vector(id, space, version));
                let stored = point.vectors.get(space);
                let first = *stored == vector_of(1);
                let second = space == Space::Image && *stored == vector_of(2);
                match done {
                    Some(UPDATE | DELETE) if space == Space::Image => {
                        assert!(second, "the update of {id} is lost")
                    }
                    Some(PUT) | None => assert!(first || second, "{id} is half there in {space:?}"),
                    _ => assert!(first, "{id} is half there in {space:?}"),
                }
            }
        }
    }
    // Count in other ways: a point that is in two segments would be counted twice.
    assert_eq!(
        gallery.count(&Filter::default()).await.expect("counted"),
        expected_count
    );
    let rated = gallery
        .facet("rating", &Filter::default(), 5)
        .await
        .expect("counted");
    assert_eq!(rated.first().map_or(0, |facet| facet.count), expected_count);
    assert_eq!(gallery.info().await.expect("info").points, expected_count);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut random = rand::rng();
    let mut acknowledged = Acknowledged::default();
    let mut next = 0;
    for round in 0..ROUNDS {
        let role = if round % 2 == 0 { "plain" } else { "graphs" };
        let (mut child, mut lines) = spawn(role, folder.path(), next);
        // The moment of the kill is random; what it interrupted is checked afterwards.
        for _ in 0..random.random_range(1..40) {
            assert!(acknowledged.add(&lines.next().expect("the child continues")));
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
        child.kill().expect("killed");
        lines.for_each(|line| {
            acknowledged.add(&line);
        });
        assert!(!child.wait().expect("ended").success());
        // One more batch may have been started.
        next = acknowledged
            .0
            .keys()
            .next_back()
            .map_or(0, |batch| batch + 1)
            + 1;
        let gallery = EdgeGallery::open(options(folder.path()))
            .await
            .expect("opened after a kill");
        check(&gallery, &acknowledged, next).await;
        if round % 3 == 2 {
            gallery.optimize().await.expect("graphs");
            check(&gallery, &acknowledged, next).await;
        }
    }
    assert!(acknowledged.0.len() > 10, "the children made progress");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_gets_an_error_that_names_the_holder_until_that_is_killed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut child, _lines) = spawn("hold", folder.path(), 0);
    let pid = child.id().to_string();
    let error = StoreLock::acquire(folder.path(), None).expect_err("held");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(
        error.message.contains(&pid) && error.message.contains(ADDRESS),
        "{}",
        error.message
    );
    let error = EdgeGallery::open(options(folder.path()))
        .await
        .expect_err("held");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains(&pid), "{}", error.message);
    child.kill().expect("killed");
    child.wait().expect("ended");
    StoreLock::acquire(folder.path(), None).expect("free");
    EdgeGallery::open(options(folder.path()))
        .await
        .expect("free");
}
