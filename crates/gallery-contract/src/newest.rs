//! Checks of the points that were added last.

use std::collections::HashSet;
use std::sync::Arc;

use clippy_core::gallery::{ADDED_FIELD, Filter, Gallery, Point};
use clippy_core::ids::PointId;

use super::data::{Random, selects};

/// When a point was added, if it says so.
fn added(point: &Point) -> Option<u64> {
    point.payload.get(ADDED_FIELD)?.as_u64()
}

/// Checks the newest points against all points.
async fn check(gallery: &dyn Gallery, points: &[Point], filter: &Filter) {
    let mut dated: Vec<(u64, PointId)> = points
        .iter()
        .filter(|point| selects(filter, point))
        .filter_map(|point| Some((added(point)?, point.id)))
        .collect();
    dated.sort_by_key(|(added, _)| std::cmp::Reverse(*added));
    let time_of = |id: &PointId| {
        let found = dated.iter().find(|(_, known)| known == id);
        found
            .unwrap_or_else(|| panic!("{id} is not selected: {filter:?}"))
            .0
    };
    for most in [0, 1, 7, 100, 100_000] {
        let found = gallery.newest(filter, most).await.expect("listed");
        let expected = dated.iter().take(most).map(|(added, _)| *added);
        let times: Vec<u64> = found.iter().map(time_of).collect();
        assert_eq!(times, expected.collect::<Vec<_>>(), "{filter:?}");
        let each: HashSet<&PointId> = found.iter().collect();
        assert_eq!(each.len(), found.len(), "each once");
    }
}

/// `newest` lists points with a time of adding, the newest first, with a filter too, and follows
/// changes.
pub async fn the_newest_points_come_first(gallery: Arc<dyn Gallery>) {
    assert_eq!(
        gallery
            .newest(&Filter::default(), 10)
            .await
            .expect("listed"),
        []
    );
    let mut random = Random(23);
    let mut points = random.points(1_200);
    for point in &mut points {
        // A third of the points has no time. Some share one, which is in milliseconds.
        if random.below(3) > 0 {
            let time = 1_700_000_000_000 + random.below(300) as u64;
            point.payload.insert(ADDED_FIELD.to_owned(), time.into());
        }
    }
    for batch in points.chunks(256) {
        gallery.upsert(batch.to_vec()).await.expect("stored");
    }
    for round in 0..2 {
        check(&*gallery, &points, &Filter::default()).await;
        for _ in 0..10 {
            let filter = random.filter(&points);
            check(&*gallery, &points, &filter).await;
        }
        if round == 0 {
            gallery.optimize().await.expect("graphs");
        }
    }

    // A later time of a stored point, one for a point without any, and a deleted point.
    let (later, first) = (1_700_000_001_000_u64, 1_700_000_002_000_u64);
    let without = points.iter().position(|point| added(point).is_none());
    for (index, time) in [(1, later), (without.expect("some have none"), first)] {
        let time = (ADDED_FIELD.to_owned(), time.into());
        points[index].payload.extend([time]);
        let point = points[index].clone();
        gallery.upsert(vec![point]).await.expect("stored");
    }
    let gone = points.remove(100);
    gallery.delete(&[gone.id]).await.expect("deleted");
    check(&*gallery, &points, &Filter::default()).await;
}
