//! Checks of undoing: points that were deleted or edited are stored again as they were.

use std::sync::Arc;

use clippy_core::gallery::{Filter, Gallery, Point, TAGS_FIELD, Vectors, With};
use clippy_core::ids::PointId;

use super::data::Random;

/// The bits of the vectors.
fn bits(vectors: &Vectors) -> Vec<Option<Vec<u32>>> {
    let each = vectors.iter();
    each.map(|(_, vector)| {
        let values = vector.as_ref()?.iter();
        Some(values.map(|value| value.to_bits()).collect())
    })
    .collect()
}

fn assert_same(now: &[Point], before: &[Point]) {
    assert_eq!(now.len(), before.len());
    for (now, before) in now.iter().zip(before) {
        assert_eq!((now.id, &now.payload), (before.id, &before.payload));
        assert_eq!(bits(&now.vectors), bits(&before.vectors), "{}", now.id);
    }
}

/// A third of the points is deleted, and a third gets other tags and text vectors. Then all points
/// are stored again as they were.
pub async fn points_are_stored_again_as_they_were_bit_for_bit(gallery: Arc<dyn Gallery>) {
    let points = Random(81).points(300);
    gallery.upsert(points.clone()).await.expect("stored");
    let ids: Vec<PointId> = points.iter().map(|point| point.id).collect();
    let before = gallery.retrieve(&ids, With::ALL).await.expect("read");

    gallery.delete(&ids[..100]).await.expect("deleted");
    let mut edited = before[100..200].to_vec();
    for (number, point) in edited.iter_mut().enumerate() {
        point
            .payload
            .insert(TAGS_FIELD.to_owned(), vec!["zebra"].into());
        point.vectors.text = match number % 3 {
            0 => None,
            _ => before[number].vectors.image.clone(),
        };
    }
    gallery.upsert(edited).await.expect("stored");
    let zebras = Filter {
        tags: vec!["zebra".to_owned()],
        ..Filter::default()
    };
    assert_eq!(gallery.count(&zebras).await.expect("counted"), 100);
    let left = gallery.retrieve(&ids, With::ALL).await.expect("read");
    assert_same(&left[100..], &before[200..]);

    gallery
        .upsert(before[..200].to_vec())
        .await
        .expect("stored");
    let after = gallery.retrieve(&ids, With::ALL).await.expect("read");
    assert_same(&after, &before);
    assert_eq!(gallery.count(&zebras).await.expect("counted"), 0);
}
