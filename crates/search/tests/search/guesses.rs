//! The results of a query with only a sketch show several guesses.

use std::collections::HashSet;

use clippy_core::gallery::tags_of;
use clippy_core::ids::PointId;
use clippy_core::search::fusion::Hit;
use clippy_core::search::subjects;
use clippy_core::search::weights::Weights;
use clippy_search::SearchQuery;

use crate::harness::{Collection, STYLES, drawing, filled, ids, sketch};

/// More than the pool, so that the results after it are tested too.
const MANY: usize = subjects::POOL + 20;

fn alone() -> SearchQuery {
    SearchQuery {
        top: MANY,
        ..sketch(10)
    }
}

/// Returns the subject of a picture of the harness: its tags without its style.
fn subject(hit: &Hit) -> Vec<&str> {
    let mut tags: Vec<&str> = tags_of(&hit.payload)
        .filter(|tag| !STYLES.contains(tag))
        .collect();
    tags.sort_unstable();
    tags
}

fn count_subjects(hits: &[Hit]) -> usize {
    hits.iter().map(subject).collect::<HashSet<_>>().len()
}

async fn by_likeness(collection: &Collection, query: SearchQuery) -> Vec<PointId> {
    ids(&collection
        .search(SearchQuery {
            diversity: Some(0.0),
            ..query
        })
        .await
        .hits)
}

#[tokio::test]
async fn the_first_places_hold_several_guesses() {
    let collection = filled(1_000, 31).await;
    // Payloads are fetched with the search when copies are collapsed, and for the guesses
    // otherwise.
    for collapse in [true, false] {
        let alone = || SearchQuery {
            collapse,
            ..alone()
        };
        let plain = collection
            .search(SearchQuery {
                diversity: Some(0.0),
                ..alone()
            })
            .await
            .hits;
        let several = collection.search(alone()).await.hits;
        assert!(plain.is_sorted_by(|left, right| left.score >= right.score));
        assert_eq!(plain[0].id, several[0].id, "the best stays first");
        assert!(
            count_subjects(&several[..10]) > count_subjects(&plain[..10]),
            "{} {}",
            count_subjects(&several[..10]),
            count_subjects(&plain[..10])
        );

        let expected: Vec<PointId> = subjects::order(&plain)
            .into_iter()
            .map(|place| plain[place].id)
            .collect();
        assert_eq!(ids(&several), expected);
        for hit in &several {
            let before = plain
                .iter()
                .find(|before| before.id == hit.id)
                .expect("no hit is lost");
            assert_eq!(
                (before.score, before.percentile),
                (hit.score, hit.percentile),
                "only places change"
            );
        }
    }
}

#[tokio::test]
async fn pages_of_guesses_fit_together() {
    let collection = filled(1_000, 32).await;
    for collapse in [true, false] {
        let whole = collection
            .search(SearchQuery {
                collapse,
                ..alone()
            })
            .await
            .hits;
        let mut pages = Vec::new();
        let mut cursor = None;
        for _ in 0..MANY / 17 {
            let page = collection
                .search(SearchQuery {
                    collapse,
                    top: 17,
                    cursor,
                    ..alone()
                })
                .await;
            pages.extend(ids(&page.hits));
            cursor = page.next_cursor;
        }
        assert_eq!(pages, ids(&whole));
    }
}

#[tokio::test]
async fn a_query_with_more_than_a_sketch_is_ordered_by_likeness() {
    let collection = filled(1_000, 33).await;
    let queries = [
        SearchQuery {
            text: Some("cat".to_owned()),
            ..alone()
        },
        SearchQuery {
            negative_text: Some("cat".to_owned()),
            ..alone()
        },
        SearchQuery {
            like: vec![PointId::Number(7)],
            ..alone()
        },
        SearchQuery {
            image: Some(drawing(40)),
            ..alone()
        },
        SearchQuery {
            sketch: None,
            image: Some(drawing(10)),
            ..alone()
        },
        SearchQuery {
            calibrated: false,
            ..alone()
        },
    ];
    for query in queries {
        assert_eq!(
            ids(&collection.search(query.clone()).await.hits),
            by_likeness(&collection, query).await
        );
    }
    let same_as_alone = [
        SearchQuery {
            text: Some("  ".to_owned()),
            ..alone()
        },
        SearchQuery {
            unlike: vec![PointId::Number(7)],
            ..alone()
        },
        SearchQuery {
            weights: Weights {
                image: 0.2,
                edge: 0.8,
                text: 0.0,
                style: 0.0,
            },
            ..alone()
        },
    ];
    for query in same_as_alone {
        assert_ne!(
            ids(&collection.search(query.clone()).await.hits),
            by_likeness(&collection, query).await
        );
    }
}
