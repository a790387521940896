//! Search by style, and results ordered by style.

use clippy_core::ErrorCode;
use clippy_core::gallery::{ProbeKind, With};
use clippy_core::ids::PointId;
use clippy_core::search::product;
use clippy_core::styles;
use clippy_search::{AskedOrder, SearchQuery};

use crate::harness::{drawing, filled};

/// The style head that the fake embedder of the harness reports.
const HEAD: &str = "fake-style";

#[tokio::test]
async fn a_search_by_style_compares_only_style_vectors() {
    let collection = filled(200, 7).await;
    styles::replace(collection.gallery.as_ref(), HEAD)
        .await
        .expect("noted");
    let wanted = collection
        .points
        .iter()
        .find(|point| point.vectors.style.is_some())
        .expect("most have one");
    let query = SearchQuery {
        style_like: vec![wanted.id],
        calibrated: false,
        collapse: false,
        top: 10,
        ..SearchQuery::default()
    };
    let answer = collection.searcher.search(query).await.expect("found");
    assert!(
        (answer.weights.style - 1.0).abs() < 1e-6,
        "{:?}",
        answer.weights
    );
    let like = wanted.vectors.style.as_ref().expect("just looked");
    let mut expected: Vec<(PointId, f32)> = collection
        .points
        .iter()
        .filter(|point| point.id != wanted.id)
        .filter_map(|point| Some((point.id, product(like, point.vectors.style.as_ref()?))))
        .collect();
    expected.sort_by(|left, right| right.1.total_cmp(&left.1));
    let found: Vec<PointId> = answer.hits.iter().map(|hit| hit.id).collect();
    let best: Vec<PointId> = expected.iter().take(10).map(|(id, _)| *id).collect();
    assert_eq!(found, best);
    let scores: Vec<_> = answer.hits[0].scores.keys().copied().collect();
    assert_eq!(scores, [ProbeKind::Style]);
}

#[tokio::test]
async fn a_style_picture_beside_a_sketch_shares_the_weights() {
    let collection = filled(120, 7).await;
    styles::replace(collection.gallery.as_ref(), HEAD)
        .await
        .expect("noted");
    let query = SearchQuery {
        image: Some(drawing(8)),
        style_image: Some(drawing(16)),
        ..SearchQuery::default()
    };
    let answer = collection.searcher.search(query).await.expect("found");
    let weights = answer.weights;
    assert!((weights.image + weights.edge + weights.style - 1.0).abs() < 1e-5);
    assert!(
        (weights.style / weights.image - 0.5 / 0.7).abs() < 1e-4,
        "{weights:?}"
    );
    for kind in [ProbeKind::Image, ProbeKind::Edge, ProbeKind::Style] {
        let scored = |hit: &clippy_core::search::fusion::Hit| hit.scores.contains_key(&kind);
        assert!(answer.hits.iter().any(scored), "{kind:?}");
    }
}

#[tokio::test]
async fn an_impossible_search_by_style_is_refused_with_the_reason() {
    let collection = filled(60, 7).await;
    let gallery = collection.gallery.as_ref();
    let query = || SearchQuery {
        style_image: Some(drawing(8)),
        ..SearchQuery::default()
    };
    let refusal = async |query: SearchQuery| {
        let error = collection
            .searcher
            .search(query)
            .await
            .expect_err("refused");
        (error.code, error.message)
    };
    let (code, message) = refusal(query()).await;
    assert_eq!(code, ErrorCode::Unsupported);
    assert!(message.contains("backfill --which style"), "{message}");

    styles::replace(gallery, "another head")
        .await
        .expect("noted");
    let (code, message) = refusal(query()).await;
    assert_eq!(code, ErrorCode::Unsupported);
    assert!(message.contains("--force-all"), "{message}");

    styles::replace(gallery, HEAD).await.expect("noted");
    let without = collection
        .points
        .iter()
        .find(|point| point.vectors.style.is_none())
        .expect("one in twelve has none");
    let (code, message) = refusal(SearchQuery {
        style_like: vec![without.id],
        ..SearchQuery::default()
    })
    .await;
    assert_eq!(code, ErrorCode::Unsupported);
    assert!(message.contains(&without.id.to_string()), "{message}");

    let (code, _) = refusal(SearchQuery {
        style_like: vec![PointId::Number(9_999_999)],
        ..SearchQuery::default()
    })
    .await;
    assert_eq!(code, ErrorCode::NotFound);

    let no_picture = SearchQuery {
        style_image: Some(bytes::Bytes::from_static(b"no picture")),
        ..SearchQuery::default()
    };
    let (code, message) = refusal(no_picture).await;
    assert_eq!(code, ErrorCode::InvalidPicture);
    assert!(message.starts_with("style_image"), "{message}");
}

#[tokio::test]
async fn the_best_few_of_each_style_come_first() {
    let collection = filled(200, 7).await;
    let query = SearchQuery {
        image: Some(drawing(8)),
        order: Some(AskedOrder::PerStyle),
        collapse: false,
        top: 9,
        ..SearchQuery::default()
    };
    let answer = collection.searcher.search(query).await.expect("found");
    let styles = answer.styles.expect("asked for");
    assert_eq!(styles.len(), 3, "{styles:?}");
    let listed: Vec<PointId> = styles.iter().flat_map(|style| style.ids.clone()).collect();
    let found: Vec<PointId> = answer.hits.iter().map(|hit| hit.id).collect();
    assert_eq!(found, listed);
    for style in &styles {
        let points = collection
            .gallery
            .retrieve(&style.ids, With::PAYLOAD)
            .await
            .expect("there");
        let name = style.style.as_deref().expect("every point has one");
        assert!(
            points
                .iter()
                .all(|point| point.payload["matched_tags"][0] == name)
        );
    }
    assert!(
        collection
            .gallery
            .note(styles::NOTE)
            .await
            .expect("read")
            .is_none()
    );
}
