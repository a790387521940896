//! Words find pictures by their tags, by the sentences made from them, and by the pictures
//! themselves.

use clippy_core::gallery::{Point, ProbeKind, STYLE_TAGS_FIELD, TAGS_FIELD, tags_of};
use clippy_core::search::weights::Weights;
use clippy_core::search::words::WordsPart;
use clippy_search::SearchQuery;
use serde_json::json;

use crate::harness::{Collection, Random, collection, ids, like, point};

const WORDS: [&str; 5] = ["cat", "red egg", "fish in oil", "no such tag", "a drum"];

/// Makes a collection in which every third picture has neither tags nor a text vector.
async fn partly_tagged(count: u64, seed: u64) -> Collection {
    let mut random = Random(seed);
    let lose_tags = |mut point: Point| {
        point.vectors.text = None;
        point.payload.insert(TAGS_FIELD.to_owned(), json!([]));
        point.payload.insert(STYLE_TAGS_FIELD.to_owned(), json!([]));
        point
    };
    let points = (1..=count).map(|number| {
        let point = point(&mut random, number);
        if number % 3 == 0 {
            lose_tags(point)
        } else {
            point
        }
    });
    collection(points.collect()).await
}

fn words(text: &str) -> SearchQuery {
    SearchQuery {
        text: Some(text.to_owned()),
        collapse: false,
        ..SearchQuery::default()
    }
}

#[tokio::test]
async fn pages_of_words_equal_a_brute_force_ranking() {
    let collection = partly_tagged(1_000, 41).await;
    let sampled = collection.searcher.calibrate().await.expect("calibrated");
    for (number, text) in WORDS.into_iter().enumerate() {
        let beside_a_picture = SearchQuery {
            like: like(5 + number as u64).like,
            weights: Weights {
                image: 0.5,
                edge: 0.2,
                text: 0.6,
                style: 0.0,
            },
            ..words(text)
        };
        for query in [words(text), beside_a_picture] {
            for calibrated in [true, false] {
                let query = SearchQuery {
                    calibrated,
                    ..query.clone()
                };
                let found = collection.search(query.clone()).await.hits;
                let expected = collection.brute_force(Some(&sampled), &query).await;
                assert_eq!(
                    ids(&found),
                    ids(&expected[..found.len()]),
                    "{text}, calibrated: {calibrated}"
                );
                assert_eq!(found.len(), query.top);
            }
        }
    }
}

#[tokio::test]
async fn untagged_pictures_are_found_by_the_picture_and_say_so() {
    let collection = partly_tagged(900, 42).await;
    let found = collection
        .search(SearchQuery {
            top: 60,
            ..words("owl")
        })
        .await;
    let is_untagged = |id| collection.point(id).vectors.text.is_none();
    let mut untagged = 0;
    for hit in &found.hits {
        assert!(hit.scores.contains_key(&ProbeKind::WordsImage) || !is_untagged(hit.id));
        if tags_of(&hit.payload).next().is_none() {
            untagged += 1;
            assert_eq!(hit.words_part, Some(WordsPart::Picture), "{hit:?}");
            assert_eq!(
                (hit.lexical, hit.scores.get(&ProbeKind::Text)),
                (None, None)
            );
        }
    }
    assert!(
        untagged > 0,
        "missing tags are no evidence against a picture"
    );
    let found = collection.search(words("cat")).await;
    let named = &found.hits[0];
    assert_eq!(
        (named.lexical, named.words_part),
        (Some(1.0), Some(WordsPart::Tags))
    );
}

#[tokio::test]
async fn a_collection_without_any_tags_is_searched_by_the_pictures() {
    let mut random = Random(43);
    let points = (1..=300).map(|number| {
        let mut point = point(&mut random, number);
        point.vectors.text = None;
        point.payload.insert(TAGS_FIELD.to_owned(), json!([]));
        point
    });
    let collection = collection(points.collect()).await;
    let answer = collection.search(words("cat")).await;
    assert!(
        answer.calibrated,
        "the pictures are a background for the words"
    );
    let cosines: Vec<f32> = answer
        .hits
        .iter()
        .map(|hit| hit.scores[&ProbeKind::WordsImage])
        .collect();
    assert_eq!(cosines.len(), 24);
    assert!(answer.hits.iter().all(|hit| hit.percentile.is_some()));

    let avoided = SearchQuery {
        text: None,
        negative_text: Some("cat".to_owned()),
        ..words("")
    };
    let opposite = collection.search(avoided).await;
    let best = |hits: &[clippy_core::search::fusion::Hit]| ids(hits)[..5].to_vec();
    assert!(
        best(&opposite.hits)
            .iter()
            .all(|id| !best(&answer.hits).contains(id))
    );
}
