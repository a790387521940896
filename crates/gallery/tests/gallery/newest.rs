//! The newest points of a server, whose pages continue at a time, not after a point.

use std::collections::HashSet;

use clippy_core::gallery::{ADDED_FIELD, Filter, Payload, Point, Vectors};
use clippy_core::ids::PointId;

use crate::support::empty_fake_gallery;

/// Points that were added at once: more than fit a page.
const AT_ONCE: u64 = 11_000;
const LATER: u64 = 300;
const EARLIER: u64 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn more_points_of_one_time_than_fit_a_page_come_once_each() {
    let (gallery, _fake) = empty_fake_gallery().await;
    let time_of = |number: u64| {
        if number < AT_ONCE {
            5_000
        } else if number < AT_ONCE + LATER {
            6_000 + number
        } else {
            4_000
        }
    };
    let points: Vec<Point> = (0..AT_ONCE + LATER + EARLIER)
        .map(|number| Point {
            id: PointId::Number(number),
            vectors: Vectors::default(),
            payload: Payload::from_iter([(ADDED_FIELD.to_owned(), time_of(number).into())]),
        })
        .collect();
    for batch in points.chunks(2_000) {
        gallery.upsert(batch.to_vec()).await.expect("stored");
    }
    let found = gallery.newest(&Filter::default(), 1_000_000).await;
    let found = found.expect("listed");
    assert_eq!(found.iter().collect::<HashSet<_>>().len(), points.len());
    assert_eq!(found.len(), points.len());
    let times: Vec<u64> = found
        .iter()
        .map(|id| match id {
            PointId::Number(number) => time_of(*number),
            PointId::Uuid(_) => panic!("{id}"),
        })
        .collect();
    assert!(times.is_sorted_by(|one, next| one >= next));
}
