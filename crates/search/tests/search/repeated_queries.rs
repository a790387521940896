//! Inputs that were embedded once are not embedded again, and cache keys never collide.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clippy_core::ErrorCode;
use clippy_core::gallery::Filter;
use clippy_core::ids::PointId;
use clippy_core::search::weights::Weights;
use clippy_search::{SearchAnswer, SearchQuery, Searcher};
use clippy_testing::FakeEmbedder;

use crate::harness::{Collection, DIMENSION, drawing, filled, ids, searcher_with, sketch};

struct Setting {
    collection: Collection,
    embedder: Arc<FakeEmbedder>,
    searcher: Searcher,
}

impl Setting {
    async fn new() -> Self {
        let collection = filled(200, 21).await;
        let embedder = Arc::new(FakeEmbedder::new(DIMENSION));
        let searcher = searcher_with(Arc::clone(&embedder) as _, &collection.gallery);
        Self {
            collection,
            embedder,
            searcher,
        }
    }

    /// Searches, and returns the answer and how many inputs the model embedded for it.
    async fn search(&self, query: &SearchQuery) -> (SearchAnswer, usize) {
        let before = self.embedder.embedded();
        let answer = self
            .searcher
            .search(query.clone())
            .await
            .expect("an answer");
        let fresh = self.collection.search(query.clone()).await;
        assert_eq!(
            answer.hits, fresh.hits,
            "the answer equals that of a searcher with an empty cache"
        );
        (answer, self.embedder.embedded() - before)
    }
}

#[tokio::test]
async fn the_same_drawing_is_embedded_once_whatever_else_changes() {
    let setting = Setting::new().await;
    let (first, embedded) = setting.search(&sketch(10)).await;
    assert_eq!(embedded, 2, "its look and its edges");
    let heavier_edges = Weights {
        image: 0.2,
        edge: 0.8,
        text: 0.2,
        style: 0.0,
    };
    let other_weights = SearchQuery {
        weights: heavier_edges,
        ..sketch(10)
    };
    let filter = Filter {
        tags: vec!["apple".to_owned()],
        ..Filter::default()
    };
    let narrowed = SearchQuery {
        filter,
        ..sketch(10)
    };
    let next_page = SearchQuery {
        cursor: first.next_cursor.clone(),
        ..sketch(10)
    };
    for query in [sketch(10), other_weights, narrowed, next_page.clone()] {
        assert_eq!(setting.search(&query).await.1, 0);
    }
    let (second, _) = setting.search(&next_page).await;
    assert!(
        ids(&second.hits)
            .iter()
            .all(|id| !ids(&first.hits).contains(id)),
        "pages do not overlap"
    );
    let (_, embedded) = setting
        .search(&SearchQuery {
            text: Some("cat".to_owned()),
            ..sketch(10)
        })
        .await;
    assert_eq!(embedded, 1, "only the words are new");
}

#[tokio::test]
async fn a_space_that_gets_a_weight_later_is_embedded_then() {
    let setting = Setting::new().await;
    let look = SearchQuery {
        weights: Weights {
            image: 1.0,
            edge: 0.0,
            text: 0.0,
            style: 0.0,
        },
        ..sketch(10)
    };
    assert_eq!(setting.search(&look).await.1, 1);
    assert_eq!(setting.search(&sketch(10)).await.1, 1, "the edges");
    assert_eq!(setting.search(&sketch(10)).await.1, 0);
}

#[tokio::test]
async fn each_kind_of_input_has_a_key_of_its_own() {
    let setting = Setting::new().await;
    let words = |text: &str| SearchQuery {
        text: Some(text.to_owned()),
        ..SearchQuery::default()
    };
    let picture = SearchQuery {
        image: Some(drawing(10)),
        top: 10,
        ..SearchQuery::default()
    };
    let against = SearchQuery {
        negative_text: Some("cat".to_owned()),
        ..SearchQuery::default()
    };
    // Each differs from those before in one thing: the file, its view, the words, and whether they
    // are wanted.
    for (query, new) in [
        (sketch(10), 2),
        (sketch(50), 2),
        (picture, 2),
        (words("cat"), 1),
        (words("cats"), 1),
        (against, 1),
    ] {
        assert_eq!(
            setting.search(&query).await.1,
            new,
            "{:?} {:?}",
            query.text,
            query.negative_text
        );
        assert_eq!(setting.search(&query).await.1, 0);
    }
}

#[tokio::test]
async fn failures_are_not_cached_and_cached_embeddings_need_no_model() {
    let setting = Setting::new().await;
    setting.embedder.broken.store(true, Ordering::SeqCst);
    let error = setting
        .searcher
        .search(sketch(10))
        .await
        .expect_err("the model is unavailable");
    assert_eq!(error.code, ErrorCode::Unavailable);
    setting.embedder.broken.store(false, Ordering::SeqCst);
    assert_eq!(setting.search(&sketch(10)).await.1, 2);
    setting.embedder.broken.store(true, Ordering::SeqCst);
    assert_eq!(setting.search(&sketch(10)).await.1, 0);
}

#[tokio::test]
async fn a_query_that_fails_before_the_model_is_not_embedded() {
    let setting = Setting::new().await;
    let missing = SearchQuery {
        like: vec![PointId::Number(9_999)],
        ..sketch(10)
    };
    let of_another = SearchQuery {
        cursor: setting.search(&sketch(50)).await.0.next_cursor,
        ..sketch(10)
    };
    for (query, code) in [
        (missing, ErrorCode::NotFound),
        (of_another, ErrorCode::InvalidInput),
    ] {
        assert_eq!(
            setting
                .searcher
                .search(query)
                .await
                .expect_err("it cannot work")
                .code,
            code
        );
    }
    assert_eq!(
        setting.search(&sketch(10)).await.1,
        2,
        "it was not embedded before"
    );
}
