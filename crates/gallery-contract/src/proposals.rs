//! Checks of proposed tags: as a filter, as a facet, and in the list of lexical tags.

use std::collections::HashSet;
use std::sync::Arc;

use clippy_core::gallery::{
    Filter, Gallery, HybridQuery, PROPOSED_BY_FIELD, PROPOSED_WORDS_FIELD, Payload, ProbeKind,
    Proposed, Space, With,
};
use clippy_core::ids::PointId;

use super::data::Random;

/// A model proposes `unicorn` for ten points, another one for ten others.
pub async fn points_with_proposed_tags_are_found_for_the_model_that_proposed_them(
    gallery: Arc<dyn Gallery>,
) {
    let points = Random(71).points(120);
    gallery.upsert(points.clone()).await.expect("stored");
    let mut ids: Vec<PointId> = points.iter().map(|point| point.id).collect();
    ids.sort();
    for (number, id) in ids[..20].iter().enumerate() {
        let by = if number < 10 { "this" } else { "other" };
        let fields = Payload::from_iter([
            (PROPOSED_WORDS_FIELD.to_owned(), vec!["unicorn"].into()),
            (PROPOSED_BY_FIELD.to_owned(), by.into()),
        ]);
        gallery.set_payload(*id, fields).await.expect("stored");
    }
    let proposed = |by: &str, words: &[&str]| Filter {
        proposed: Some(Proposed {
            by: by.to_owned(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }),
        ..Filter::default()
    };
    let of_this = proposed("this", &["unicorn", "dragon"]);
    let page = gallery.scroll(&of_this, None, 100, With::NOTHING).await;
    let found: Vec<PointId> = page
        .expect("read")
        .points
        .iter()
        .map(|point| point.id)
        .collect();
    assert_eq!(found, ids[..10]);
    for (filter, expected) in [
        (proposed("this", &[]), 10),
        (proposed("this", &["dragon"]), 0),
        (proposed("nobody", &["unicorn"]), 0),
    ] {
        assert_eq!(gallery.count(&filter).await.expect("counted"), expected);
    }
    let facet = gallery
        .facet(PROPOSED_WORDS_FIELD, &of_this, 5)
        .await
        .expect("counted");
    assert_eq!((facet[0].value.as_str(), facet[0].count), ("unicorn", 10));

    let having = Filter {
        having: vec![Space::Text, Space::Edge],
        ..Filter::default()
    };
    let both = |point: &&clippy_core::gallery::Point| {
        point.vectors.text.is_some() && point.vectors.edge.is_some()
    };
    let expected = points.iter().filter(both).count() as u64;
    assert!(expected > 0 && expected < 120);
    assert_eq!(gallery.count(&having).await.expect("counted"), expected);

    let lexical = |by: Option<&str>| HybridQuery {
        probes: vec![Random(72).probe(ProbeKind::Text, 5)],
        filter: Filter::default(),
        candidates: 40,
        lexical_tags: vec!["unicorn".to_owned()],
        lexical_proposed_by: by.map(str::to_owned),
        lacking: None,
        with_payload: false,
        exact: false,
        hnsw_ef: 128,
    };
    let mut lists = Vec::new();
    for by in [None, Some("this")] {
        let found = gallery.hybrid(lexical(by)).await.expect("found");
        let found: HashSet<PointId> = found.hits.iter().map(|hit| hit.id).collect();
        lists.push(found);
    }
    assert!(ids[..10].iter().all(|id| lists[1].contains(id)));
    assert!(
        !ids[..10].iter().all(|id| lists[0].contains(id)),
        "they are not near"
    );
}
