//! Pages, compared with a brute-force ranking of every picture.

use std::collections::HashSet;

use clippy_core::ErrorCode;
use clippy_core::gallery::{Filter, Point, TagMode, With, tags_of};
use clippy_core::ids::PointId;
use clippy_core::search::calibration::NOTE;
use clippy_core::search::duplicates::{APPEARANCE_NOTE, encode_colours};
use clippy_core::search::fusion::Hit;
use clippy_core::search::product;
use clippy_core::search::weights::Weights;
use clippy_search::{FACET_POOL, SearchAnswer, SearchQuery};
use serde_json::{Value, json};

use crate::harness::{
    Collection, Random, STYLES, TAGS, collection, filled, ids, like, point, searcher,
};

#[tokio::test]
async fn calibrated_and_raw_pages_equal_a_brute_force_ranking() {
    let collection = filled(3_000, 1).await;
    let sampled = collection.searcher.calibrate().await.expect("calibrated");
    let mut random = Random(2);
    let mut differ = 0;
    for round in 0..60 {
        let mut pages = Vec::new();
        let weights = Weights {
            image: random.unit(),
            edge: 0.05 + random.unit(),
            text: random.unit(),
            style: 0.0,
        };
        for calibrated in [true, false] {
            // A narrow filter leaves few more candidates than one round takes, and floors below the
            // background.
            let filter = Filter {
                tags: vec!["cat".to_owned(), "neon".to_owned()],
                tag_mode: TagMode::All,
                ..Filter::default()
            };
            let filter = if round % 2 == 0 {
                filter
            } else {
                Filter::default()
            };
            let query = SearchQuery {
                calibrated,
                weights,
                filter,
                ..like(1 + round * 7)
            };
            let answer = collection.search(query.clone()).await;
            assert_eq!(answer.calibrated, calibrated);
            let expected = collection.brute_force(Some(&sampled), &query).await;
            assert_eq!(
                ids(&answer.hits),
                ids(&expected[..24]),
                "round {round}, calibrated: {calibrated}"
            );
            for (hit, expected) in answer.hits.iter().zip(&expected) {
                assert!((hit.score - expected.score).abs() < 1e-4);
                assert!(
                    (hit.percentile.expect("calibrated")
                        - expected.percentile.expect("calibrated"))
                    .abs()
                        < 1e-3
                );
                assert!(hit.percentiles.keys().eq(hit.scores.keys()));
            }
            pages.push(ids(&answer.hits));
        }
        differ += usize::from(pages[0] != pages[1]);
    }
    assert!(
        differ > 30,
        "calibration changes what weights mean: {differ} of 60 pages differ"
    );
}

#[tokio::test]
async fn a_picture_ranks_lower_after_its_increased_crowding_is_measured() {
    let collection = filled(600, 14).await;
    let crowd: Vec<PointId> = (5_000..5_012).map(PointId::Number).collect();
    let filter = Filter {
        exclude_ids: crowd.clone(),
        ..Filter::default()
    };
    let query = SearchQuery {
        filter,
        collapse: false,
        ..like(9)
    };
    let before = collection.search(query.clone()).await;
    let first = collection.point(before.hits[0].id).clone();
    let score = |answer: &SearchAnswer| {
        answer
            .hits
            .iter()
            .find(|hit| hit.id == first.id)
            .map_or(f32::MIN, |hit| hit.score)
    };

    let copies = crowd.into_iter().map(|id| Point {
        id,
        ..first.clone()
    });
    collection
        .gallery
        .upsert(copies.collect())
        .await
        .expect("stored");
    let after = collection.search(query.clone()).await;
    assert_eq!(
        ids(&after.hits),
        ids(&before.hits),
        "the crowding stays cached for a while"
    );
    collection.searcher.calibrate().await.expect("calibrated");
    let again = collection.search(query).await;
    assert!(
        score(&again) < score(&before) - 0.005,
        "{} and then {}",
        score(&before),
        score(&again)
    );
}

#[tokio::test]
async fn min_percentile_leaves_exactly_the_pictures_that_reach_it() {
    let collection = filled(2_000, 3).await;
    let sampled = collection.searcher.calibrate().await.expect("calibrated");
    for id in [5, 60, 700] {
        let query = SearchQuery {
            top: 200,
            min_percentile: Some(0.98),
            ..like(id)
        };
        let answer = collection.search(query.clone()).await;
        let expected = collection.brute_force(Some(&sampled), &query).await;
        let reach = expected.len();
        assert_eq!(ids(&answer.hits), ids(&expected));
        assert_eq!(answer.next_cursor, None);
        // About 40 of 2,000 pictures (a fiftieth) should remain; the sample makes it inexact.
        assert!((15..80).contains(&reach), "{reach}");
    }
}

#[tokio::test]
async fn a_collection_keeps_its_calibration_and_is_not_changed_by_searches() {
    let collection = filled(400, 4).await;
    let before = collection.search(like(9)).await;
    assert!(
        before.calibrated && before.hits[0].percentile.is_some(),
        "sampled for the search alone"
    );
    assert_eq!(
        collection.gallery.note(NOTE).await.expect("read"),
        None,
        "a search stores no calibration"
    );
    let sampled = collection.searcher.calibrate().await.expect("calibrated");
    let note = collection
        .gallery
        .note(NOTE)
        .await
        .expect("read")
        .expect("kept");
    assert_eq!(note["sample"].as_array().map(Vec::len), Some(400));
    let other = searcher(&collection.gallery);
    assert_eq!(
        ids(&other.search(like(9)).await.expect("found").hits),
        ids(&before.hits)
    );

    // A calibration of another model is ignored.
    let mut foreign = note;
    foreign["fingerprint"] = "another".into();
    foreign["spaces"]["image"]["curve"] = json!(
        (0..21)
            .map(|step| 50.0 + f64::from(step))
            .collect::<Vec<_>>()
    );
    collection
        .gallery
        .set_note(NOTE, foreign)
        .await
        .expect("kept");
    let answer = searcher(&collection.gallery)
        .search(like(9))
        .await
        .expect("found");
    assert_eq!(ids(&answer.hits), ids(&before.hits));
    assert!(
        answer.hits[0].percentile > Some(0.9),
        "{:?}",
        answer.hits[0].percentile
    );

    clippy_search::calibrate_if_outgrown(collection.gallery.as_ref())
        .await
        .expect("made anew");
    let note = collection
        .gallery
        .note(NOTE)
        .await
        .expect("read")
        .expect("kept");
    assert_eq!(
        note["fingerprint"],
        sampled.calibration.fingerprint.as_str()
    );
}

#[tokio::test]
async fn a_small_collection_is_searched_by_cosines_and_reports_it() {
    let collection = filled(12, 5).await;
    let answer = collection.search(like(3)).await;
    assert!(!answer.calibrated && !answer.hits.is_empty());
    assert!(
        answer
            .hits
            .iter()
            .all(|hit| hit.percentile.is_none() && hit.percentiles.is_empty())
    );
    let cut = SearchQuery {
        min_percentile: Some(0.5),
        ..like(3)
    };
    let error = collection
        .searcher
        .search(cut)
        .await
        .expect_err("there are no percentiles");
    assert_eq!(error.code, ErrorCode::Unsupported);
    assert!(
        error.message.starts_with("min_percentile") && error.message.contains("16"),
        "{}",
        error.message
    );
    let error = collection.searcher.calibrate().await.expect_err("too few");
    assert_eq!(error.code, ErrorCode::Unsupported);
}

/// Pairs of copies: the picture `n` and the picture `1000 + n` look the same.
async fn with_copies() -> Collection {
    let mut random = Random(6);
    let mut points = Vec::new();
    for number in 1..=120_u64 {
        let mut one = point(&mut random, number);
        let appearance: Vec<u8> = (0..192)
            .map(|cell| ((number * 37 + cell * 11) % 250) as u8)
            .collect();
        one.payload.insert(
            "phash".to_owned(),
            format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into(),
        );
        one.payload.insert(
            "_clippy".to_owned(),
            json!({ APPEARANCE_NOTE: encode_colours(&appearance) }),
        );
        let mut copy = one.clone();
        copy.id = PointId::Number(1_000 + number);
        points.extend([one, copy]);
    }
    collection(points).await
}

#[tokio::test]
async fn copies_are_shown_once_across_pages_and_all_when_asked_for() {
    let collection = with_copies().await;
    let (mut seen, mut copies, mut cursor) = (Vec::new(), HashSet::new(), None);
    loop {
        let answer = collection
            .search(SearchQuery {
                top: 7,
                cursor,
                ..like(5)
            })
            .await;
        assert_eq!(
            answer.collapsed,
            answer
                .hits
                .iter()
                .map(|hit| hit.duplicates.len())
                .sum::<usize>()
        );
        copies.extend(
            answer
                .hits
                .iter()
                .flat_map(|hit| hit.duplicates.iter().copied()),
        );
        seen.extend(ids(&answer.hits));
        assert!(
            answer.next_cursor.is_none() || answer.hits.len() == 7,
            "pages are full"
        );
        cursor = answer.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), seen.iter().collect::<HashSet<_>>().len());
    assert!(copies.iter().all(|copy| !seen.contains(copy)));
    assert_eq!(
        seen.len() + copies.len(),
        239,
        "every picture but the query's own is a hit or a listed copy"
    );
    assert_eq!(seen.len(), 120);
    let all = collection
        .search(SearchQuery {
            top: 200,
            collapse: false,
            ..like(5)
        })
        .await;
    assert_eq!((all.collapsed, all.hits.len()), (0, 200));
}

#[tokio::test]
async fn diversity_shows_different_pictures_and_pages_do_not_overlap() {
    let collection = filled(1_000, 7).await;
    let alike = |hits: &[Hit]| -> f32 {
        let vectors: Vec<_> = hits
            .iter()
            .filter_map(|hit| collection.point(hit.id).vectors.image.as_ref())
            .collect();
        let mut closest = 0.0;
        for (place, vector) in vectors.iter().enumerate().skip(1) {
            closest += vectors[..place]
                .iter()
                .map(|other| product(vector, other))
                .fold(-1.0, f32::max);
        }
        closest / (vectors.len() - 1) as f32
    };
    let plain = collection
        .search(SearchQuery {
            top: 20,
            ..like(11)
        })
        .await;
    let varied = collection
        .search(SearchQuery {
            top: 20,
            diversity: Some(0.7),
            ..like(11)
        })
        .await;
    assert_eq!(plain.hits[0].id, varied.hits[0].id, "the best stays first");
    let (before, after) = (alike(&plain.hits), alike(&varied.hits));
    assert!(after < before - 0.1, "{before} {after}");
    let first = collection
        .search(SearchQuery {
            top: 10,
            diversity: Some(0.7),
            ..like(11)
        })
        .await;
    let cursor = first.next_cursor.clone();
    let second = collection
        .search(SearchQuery {
            top: 10,
            diversity: Some(0.7),
            cursor,
            ..like(11)
        })
        .await;
    assert_eq!(
        [ids(&first.hits), ids(&second.hits)].concat(),
        ids(&varied.hits)
    );
}

#[tokio::test]
async fn unlike_lowers_similar_pictures_and_leaves_out_the_named_one() {
    let collection = filled(1_000, 8).await;
    let image = Weights {
        image: 1.0,
        edge: 0.0,
        text: 0.0,
        style: 0.0,
    };
    let likes = SearchQuery {
        weights: image,
        collapse: false,
        ..like(20)
    };
    let plain = collection.search(likes.clone()).await;
    let disliked = plain.hits[0].id;
    let bent = collection
        .search(SearchQuery {
            unlike: vec![disliked],
            ..likes.clone()
        })
        .await;
    let near = |hits: &[Hit]| -> f32 {
        let away = collection
            .point(disliked)
            .vectors
            .image
            .clone()
            .expect("an image vector");
        let cosines = hits.iter().filter_map(|hit| {
            Some(product(
                collection.point(hit.id).vectors.image.as_ref()?,
                &away,
            ))
        });
        cosines.sum::<f32>() / hits.len() as f32
    };
    assert!(
        !ids(&bent.hits).contains(&disliked) && !ids(&bent.hits).contains(&PointId::Number(20))
    );
    // Also when few other pictures are allowed.
    let filter = Filter {
        only_ids: Some(ids(&plain.hits[..6])),
        ..Filter::default()
    };
    let few = collection
        .search(SearchQuery {
            unlike: vec![disliked],
            filter,
            ..likes.clone()
        })
        .await;
    assert!(
        few.hits.len() == 5 && !ids(&few.hits).contains(&disliked),
        "{:?}",
        ids(&few.hits)
    );
    assert!(
        near(&bent.hits) < near(&plain.hits) - 0.1,
        "{} {}",
        near(&bent.hits),
        near(&plain.hits)
    );
    for (query, code) in [
        (
            SearchQuery {
                unlike: vec![PointId::Number(20)],
                ..likes.clone()
            },
            ErrorCode::InvalidInput,
        ),
        (
            SearchQuery {
                unlike: vec![PointId::Number(1)],
                ..SearchQuery::default()
            },
            ErrorCode::InvalidInput,
        ),
        (
            SearchQuery {
                unlike: vec![PointId::Number(99_999)],
                ..likes.clone()
            },
            ErrorCode::NotFound,
        ),
        (
            SearchQuery {
                unlike: (30..60).map(PointId::Number).collect(),
                ..likes
            },
            ErrorCode::InvalidInput,
        ),
    ] {
        let error = collection
            .searcher
            .search(query)
            .await
            .expect_err("it cannot work");
        assert_eq!(error.code, code);
        assert!(error.message.contains("unlike"), "{}", error.message);
    }
}

#[tokio::test]
async fn pictures_with_the_negative_words_rank_lower() {
    let collection = filled(600, 9).await;
    let tagged = |answer: &SearchAnswer| {
        answer
            .hits
            .iter()
            .filter(|hit| tags_of(&hit.payload).any(|tag| tag == "red_egg"))
            .count()
    };
    let even = Weights {
        image: 1.0,
        edge: 0.0,
        text: 1.0,
        style: 0.0,
    };
    let words = SearchQuery {
        text: Some("cat".to_owned()),
        weights: even,
        top: 60,
        ..SearchQuery::default()
    };
    let plain = collection.search(words.clone()).await;
    let negative = SearchQuery {
        negative_text: Some("red eggs".to_owned()),
        ..words
    };
    let without = collection.search(negative).await;
    assert!(tagged(&plain) >= 10, "{}", tagged(&plain));
    assert_eq!(tagged(&without), 0);
}

#[tokio::test]
async fn facets_count_the_best_hits_whatever_the_page() {
    let collection = filled(900, 10).await;
    let query = SearchQuery {
        facets: true,
        top: 5,
        ..like(33)
    };
    let answer = collection.search(query.clone()).await;
    let facets = answer.facets.expect("asked for");
    let best = collection
        .search(SearchQuery {
            top: FACET_POOL,
            facets: false,
            ..query
        })
        .await;
    assert_eq!((facets.of, best.facets), (FACET_POOL, None));
    let counted = |tag: &str| {
        best.hits
            .iter()
            .filter(|hit| tags_of(&hit.payload).any(|own| own == tag))
            .count() as u64
    };
    assert_eq!(facets.tags.len(), TAGS.len());
    assert_eq!(facets.styles.len(), STYLES.len());
    for value in facets.tags.iter().chain(&facets.styles) {
        assert_eq!(value.count, counted(&value.value), "{}", value.value);
    }
    assert!(
        facets
            .tags
            .iter()
            .all(|tag| TAGS.contains(&tag.value.as_str())),
        "styles are shown apart"
    );
    let filter = Filter {
        tags: vec!["nothing".to_owned()],
        ..Filter::default()
    };
    let nothing = collection
        .search(SearchQuery {
            facets: true,
            filter,
            ..like(33)
        })
        .await;
    assert_eq!(nothing.facets.expect("asked for").of, 0);
}

#[tokio::test]
async fn a_deleted_sample_is_replaced_by_a_new_one() {
    let collection = filled(300, 12).await;
    collection.searcher.calibrate().await.expect("calibrated");
    let kept: Vec<PointId> = (1..=200).map(PointId::Number).collect();
    collection.gallery.delete(&kept).await.expect("deleted");
    let answer = searcher(&collection.gallery)
        .search(like(250))
        .await
        .expect("found");
    assert!(answer.calibrated && answer.hits[0].percentile.is_some());
    let left = collection
        .gallery
        .retrieve(&kept, With::NOTHING)
        .await
        .expect("read");
    assert!(
        left.is_empty() && matches!(answer.hits[0].payload.get("path"), Some(Value::String(_)))
    );
}
