//! Jobs that make a map of the collection.

use clippy_core::gallery::{ORIGIN_FIELD, Vectors};
use clippy_core::maps::{MapRequest, MapSpace, Maps as _, PictureMap};
use clippy_jobs::{
    Envelope, Job, JobKind, JobState, JobStore, Lane, NewJob, SqliteJobs, SqliteSettings,
};
use clippy_testing::{tagged_pictures, wait_until};

use crate::support::killed::Worker;
use crate::support::{DIMENSION, Fixture};

const PICTURES: u64 = 400;

fn filled() -> Fixture {
    let fixture = Fixture::new();
    let mut points = fixture.gallery.points.lock();
    for picture in tagged_pictures(1, PICTURES, DIMENSION, false) {
        points.insert(picture.point.id, picture.point);
    }
    drop(points);
    fixture
}

async fn made(fixture: &Fixture, space: MapSpace) -> Job {
    let store = SqliteJobs::open(&fixture.path("jobs.db"), SqliteSettings::default()).await;
    let store = &store.expect("opened");
    let request = MapRequest { make_map: space };
    let payload = Envelope::whole(&request).to_payload().expect("JSON");
    let new = NewJob::new(JobKind::Backfill, Lane::Bulk, payload);
    let id = store.create(&new).await.expect("made").job.id;
    let _worker = Worker::start(fixture, Lane::Bulk);
    wait_until("the job to end", || async move {
        store.get(id).await.expect("there").state.is_finished()
    })
    .await;
    store.get(id).await.expect("there")
}

/// The share of pictures whose nearest picture on the map shows the same subject.
fn purity(map: &PictureMap, subject_of: impl Fn(usize) -> String) -> f64 {
    let places = &map.places;
    let pure = (0..places.len()).filter(|&index| {
        let apart = |other: usize| {
            let (x, y) = (
                places[index].x - places[other].x,
                places[index].y - places[other].y,
            );
            x * x + y * y
        };
        let others = (0..places.len()).filter(|&other| other != index);
        let nearest = others.min_by(|&a, &b| apart(a).total_cmp(&apart(b)));
        nearest.is_some_and(|nearest| subject_of(nearest) == subject_of(index))
    });
    pure.count() as f64 / places.len() as f64
}

#[tokio::test]
async fn a_map_has_all_own_pictures_and_similar_ones_together() {
    let fixture = filled();
    {
        let mut points = fixture.gallery.points.lock();
        let mut others = points.values_mut();
        let generated = others.next().expect("a point");
        let payload = &mut generated.payload;
        payload.insert(ORIGIN_FIELD.to_owned(), "generated".into());
        others.next().expect("a point").vectors = Vectors::default();
    }
    let job = made(&fixture, MapSpace::Image).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    let result = job.result.expect("a result");
    assert_eq!(
        (&result["pictures"], &result["unplaced"]),
        (&(PICTURES - 2).into(), &1.into())
    );
    let map = fixture.maps.map(MapSpace::Image).await.expect("read");
    let map = map.expect("a map");
    assert_eq!(map.places.len() as u64, PICTURES - 2);
    // Made anew within the same second, it is another map.
    made(&fixture, MapSpace::Image).await;
    let anew = fixture.maps.made(MapSpace::Image).await.expect("read");
    assert!(anew > Some(map.made), "{anew:?}");
    assert!(map.places.iter().all(|place| {
        (0.0..=1.0).contains(&place.x) && (0.0..=1.0).contains(&place.y) && place.style.is_none()
    }));
    let points = fixture.gallery.points.lock();
    let subject_of = |index: usize| {
        let vector = points[&map.places[index].id].vectors.image.clone();
        let vector = vector.expect("a vector");
        let axes = 0..vector.len();
        let main = axes.max_by(|&a, &b| vector[a].total_cmp(&vector[b]));
        format!("{main:?}")
    };
    let purity = purity(&map, subject_of);
    assert!(purity > 0.9, "{purity}");
}

#[tokio::test]
async fn a_collection_without_the_vectors_has_no_map_and_the_reason_says_what_to_do() {
    let fixture = filled();
    let job = made(&fixture, MapSpace::Style).await;
    assert_eq!(job.state, JobState::Failed);
    let error = job.error.expect("a reason");
    assert!(
        error.message.contains("style vectors") && error.message.contains("backfill --which style"),
        "{}",
        error.message
    );
    let none = fixture.maps.map(MapSpace::Style).await.expect("read");
    assert_eq!(none, None);
}
