//! Checks of what is stored, read and counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use clippy_core::ErrorCode;
use clippy_core::gallery::{
    Filter, Gallery, HybridQuery, LONGEST_NOTE, Payload, Point, ProbeKind, STYLE_GROUP_FIELD,
    Space, TAGS_FIELD, TagMode, Vectors, With,
};
use clippy_core::ids::PointId;
use serde_json::json;
use uuid::Uuid;

use super::data::{DIMENSION, Random, TAGS, model, selects};

type AnyGallery = Arc<dyn Gallery>;

fn fields(value: serde_json::Value) -> Payload {
    let serde_json::Value::Object(fields) = value else {
        panic!("{value} is not an object")
    };
    fields
}

fn bits(vectors: &Vectors) -> Vec<Option<Vec<u32>>> {
    vectors
        .iter()
        .map(|(_, vector)| {
            vector
                .as_ref()
                .map(|v| v.iter().map(|x| x.to_bits()).collect())
        })
        .collect()
}

async fn fetch(gallery: &AnyGallery, id: PointId) -> Point {
    let mut points = gallery.retrieve(&[id], With::ALL).await.expect("retrieved");
    assert_eq!(points.len(), 1, "{id}");
    points.remove(0)
}

async fn fill(gallery: &AnyGallery, seed: u64, count: u64) -> Vec<Point> {
    let points = Random(seed).points(count);
    for batch in points.chunks(256) {
        gallery.upsert(batch.to_vec()).await.expect("stored");
    }
    points
}

/// `info` counts points, knows the model, and keeps each root once.
pub async fn the_info_follows_the_collection(gallery: AnyGallery) {
    let info = gallery.info().await.expect("info");
    assert_eq!((info.points, info.dimension), (0, DIMENSION));
    assert_eq!(info.fingerprint, model().fingerprint);
    assert!(info.indexed, "an empty collection needs no graph");
    fill(&gallery, 1, 300).await;
    for root in ["/a", "/b", "/a"] {
        gallery.add_root(root).await.expect("added");
    }
    let info = gallery.info().await.expect("info");
    assert_eq!(
        (info.points, info.roots),
        (300, vec!["/a".to_owned(), "/b".to_owned()])
    );
}

/// `set_note` replaces the note of its name, and changes nothing else. An invalid note is refused.
pub async fn one_note_is_kept_for_each_name(gallery: AnyGallery) {
    fill(&gallery, 16, 30).await;
    gallery.add_root("/a").await.expect("added");
    let before = gallery.info().await.expect("info");
    assert_eq!(gallery.note("scores").await.expect("read"), None);
    let long = json!({"numbers": vec![0.25; 4_000], "text": "\u{e9}\n\"", "nothing": null});
    gallery
        .set_note("scores", json!({"old": true}))
        .await
        .expect("kept");
    gallery
        .set_note("other", json!([1, -2.5]))
        .await
        .expect("kept");
    gallery
        .set_note("scores", long.clone())
        .await
        .expect("replaced");
    gallery
        .upsert(vec![Random(17).point(1)])
        .await
        .expect("stored");
    gallery.optimize().await.expect("graphs");
    assert_eq!(
        gallery.note("scores").await.expect("read"),
        Some(long.clone())
    );
    assert_eq!(
        gallery.note("other").await.expect("read"),
        Some(json!([1, -2.5]))
    );
    assert_eq!(gallery.note("missing").await.expect("read"), None);
    let all = gallery.notes().await.expect("read");
    assert_eq!(
        (all.get("scores"), all.get("other"), all.get("missing")),
        (Some(&long), Some(&json!([1, -2.5])), None)
    );
    assert_eq!(
        gallery.info().await.expect("info"),
        before,
        "notes are not part of the info"
    );
    for (name, note) in [
        ("", json!(1)),
        ("No Name", json!(1)),
        ("scores", json!("x".repeat(LONGEST_NOTE))),
    ] {
        let error = gallery.set_note(name, note).await.expect_err("no note");
        assert_eq!(error.code, ErrorCode::InvalidInput);
    }
    assert_eq!(
        gallery.note("scores").await.expect("read"),
        Some(long),
        "the old one stays"
    );
}

async fn check_replacement(gallery: &AnyGallery, first: &Point) {
    let mut random = Random(99);
    let second = Point {
        id: first.id,
        vectors: Vectors {
            text: Some(random.vector(Space::Text, 3)),
            ..Vectors::default()
        },
        payload: fields(json!({"path": "new.png"})),
    };
    gallery
        .upsert(vec![second.clone()])
        .await
        .expect("replaced");
    assert_eq!(
        fetch(gallery, first.id).await,
        second,
        "neither old vectors nor old fields are left"
    );
}

/// An upsert removes the vectors and fields that the new point lacks.
pub async fn an_upsert_replaces_the_whole_point(gallery: AnyGallery) {
    let points = fill(&gallery, 2, 20).await;
    for point in &points {
        assert_eq!(&fetch(&gallery, point.id).await, point);
    }
    check_replacement(&gallery, &points[2]).await;
    assert_eq!(
        gallery.count(&Filter::default()).await.expect("counted"),
        20
    );
}

/// The same, for a point that the engine has to move first.
pub async fn an_upsert_replaces_the_whole_point_with_graphs(gallery: AnyGallery) {
    let points = fill(&gallery, 2, 2_000).await;
    gallery.optimize().await.expect("graphs");
    let full = points
        .iter()
        .find(|point| point.vectors.iter().all(|(_, vector)| vector.is_some()))
        .expect("most are");
    check_replacement(&gallery, full).await;
    assert_eq!(
        gallery.count(&Filter::default()).await.expect("counted"),
        2_000
    );
    let missing = Filter {
        only_ids: Some(vec![full.id]),
        missing_any: vec![Space::Image],
        ..Filter::default()
    };
    assert_eq!(gallery.count(&missing).await.expect("counted"), 1);
}

/// If a batch contains a point twice, the last one is stored.
pub async fn the_last_point_of_an_id_in_a_batch_is_stored(gallery: AnyGallery) {
    let mut random = Random(3);
    let mut first = random.point(1);
    first.vectors.edge = None;
    let mut last = random.point(1);
    last.vectors = Vectors::from_fn(|space| Some(random.vector(space, 1)));
    gallery
        .upsert(vec![first, random.point(2), last.clone()])
        .await
        .expect("stored");
    assert_eq!(fetch(&gallery, last.id).await, last);
}

/// Vectors are scaled to unit length once; storing a returned vector changes nothing.
pub async fn vectors_come_back_with_unit_length_and_the_same_bits(gallery: AnyGallery) {
    let id = PointId::Number(5);
    let vectors = Vectors::from_fn(|space| {
        Some(
            Random(space as u64 + 4)
                .vector(space, 1)
                .into_iter()
                .map(|value| value * 17.3)
                .collect(),
        )
    });
    gallery
        .upsert(vec![Point {
            id,
            vectors,
            payload: Payload::new(),
        }])
        .await
        .expect("stored");
    let once = fetch(&gallery, id).await;
    for (space, vector) in once.vectors.iter() {
        let length: f32 = vector
            .as_ref()
            .expect("there")
            .iter()
            .map(|value| value * value)
            .sum();
        assert!((length - 1.0).abs() < 1e-5, "{space:?} {length}");
    }
    gallery
        .upsert(vec![once.clone()])
        .await
        .expect("stored again");
    assert_eq!(
        bits(&fetch(&gallery, id).await.vectors),
        bits(&once.vectors)
    );
}

async fn check_other_vectors(gallery: &AnyGallery, points: &[Point]) {
    let mut random = Random(77);
    let mut updates = Vec::new();
    let mut expected = Vec::new();
    for point in points.iter().take(40) {
        let space = Space::ALL[random.below(4)];
        let mut update = Vectors::default();
        *update.get_mut(space) = Some(random.vector(space, 1));
        let mut after = point.clone();
        after.vectors.get_mut(space).clone_from(update.get(space));
        updates.push((point.id, update));
        expected.push(after);
    }
    let missing = PointId::Number(999_999);
    updates.push((
        missing,
        Vectors {
            image: Some(random.vector(Space::Image, 1)),
            ..Vectors::default()
        },
    ));
    gallery.update_vectors(updates).await.expect("updated");
    for after in expected {
        let found = fetch(gallery, after.id).await;
        assert_eq!(bits(&found.vectors), bits(&after.vectors), "{}", after.id);
        assert_eq!(found.payload, after.payload);
    }
    assert!(
        gallery
            .retrieve(&[missing], With::NOTHING)
            .await
            .expect("retrieved")
            .is_empty(),
        "no point was made"
    );
}

/// `update_vectors` changes only the vectors that it names.
pub async fn update_vectors_keeps_the_others_bit_for_bit(gallery: AnyGallery) {
    let points = fill(&gallery, 6, 60).await;
    check_other_vectors(&gallery, &points).await;
}

/// The same, for points that the engine has to move first.
pub async fn update_vectors_keeps_the_others_bit_for_bit_with_graphs(gallery: AnyGallery) {
    let points = fill(&gallery, 6, 2_000).await;
    gallery.optimize().await.expect("graphs");
    check_other_vectors(&gallery, &points).await;
    gallery.optimize().await.expect("graphs again");
    for point in &points[40..80] {
        assert_eq!(&fetch(&gallery, point.id).await, point);
    }
}

/// `set_payload` sets fields, and keeps the other fields and the vectors; a missing point gives
/// `NotFound`.
pub async fn set_payload_keeps_the_other_fields(gallery: AnyGallery) {
    let points = fill(&gallery, 7, 10).await;
    gallery
        .set_payload(points[1].id, fields(json!({"style": "ink", "score": -1})))
        .await
        .expect("set");
    let mut expected = points[1].clone();
    expected.payload.insert("style".to_owned(), "ink".into());
    expected.payload.insert("score".to_owned(), (-1).into());
    assert_eq!(fetch(&gallery, points[1].id).await, expected);
    let error = gallery
        .set_payload(PointId::Number(4_321), fields(json!({"a": 1})))
        .await
        .expect_err("missing");
    assert_eq!(error.code, ErrorCode::NotFound);
}

/// `retrieve` leaves out missing points, and returns the requested parts.
pub async fn retrieve_keeps_the_order_asked_for(gallery: AnyGallery) {
    let points = fill(&gallery, 8, 50).await;
    let mut ids: Vec<PointId> = points.iter().rev().map(|point| point.id).collect();
    ids.insert(3, PointId::Number(1_000_000));
    ids.insert(9, PointId::Uuid(Uuid::from_u128(1)));
    let found = gallery.retrieve(&ids, With::ALL).await.expect("retrieved");
    assert!(found.iter().eq(points.iter().rev()));
    let bare = gallery
        .retrieve(&ids, With::NOTHING)
        .await
        .expect("retrieved");
    assert!(
        bare.iter()
            .all(|point| point.payload.is_empty() && point.vectors == Vectors::default())
    );
    assert!(
        gallery
            .retrieve(&[], With::ALL)
            .await
            .expect("retrieved")
            .is_empty()
    );
}

/// `scroll` returns every point once, numbers before UUIDs, with a filter too.
pub async fn scroll_walks_in_the_order_of_ids(gallery: AnyGallery) {
    let points = fill(&gallery, 9, 500).await;
    for filter in [
        Filter::default(),
        Filter {
            tags: vec!["cat".to_owned()],
            ..Filter::default()
        },
    ] {
        let mut expected: Vec<PointId> = points
            .iter()
            .filter(|point| selects(&filter, point))
            .map(|point| point.id)
            .collect();
        expected.sort();
        for limit in [7, 100, 10_000] {
            let (mut walked, mut from) = (Vec::new(), None);
            loop {
                let page = gallery
                    .scroll(&filter, from, limit, With::PAYLOAD)
                    .await
                    .expect("a page");
                assert!(page.points.len() <= limit);
                assert!(page.points.iter().all(|point| !point.payload.is_empty()));
                walked.extend(page.points.into_iter().map(|point| point.id));
                if page.next.is_none() {
                    break;
                }
                from = page.next;
            }
            assert_eq!(walked, expected);
        }
    }
}

/// `scroll` does not mistake a page for the last one because some of its points were deleted while
/// it was read.
pub async fn a_walk_visits_every_point_that_stays(gallery: AnyGallery) {
    let points = fill(&gallery, 9, 4_000).await;
    let mut ids: Vec<PointId> = points.iter().map(|point| point.id).collect();
    ids.sort();
    let (staying, going): (Vec<_>, Vec<_>) = ids
        .iter()
        .enumerate()
        .partition(|(place, _)| place % 4 == 0);
    let staying: Vec<PointId> = staying.into_iter().map(|(_, id)| *id).collect();
    // Each round deletes a few points of every page, so that there are deletions during a whole
    // walk.
    let mut rounds: Vec<Vec<PointId>> = vec![Vec::new(); 100];
    going
        .into_iter()
        .enumerate()
        .for_each(|(place, (_, id))| rounds[place % 100].push(*id));
    let deleting = tokio::spawn({
        let gallery = Arc::clone(&gallery);
        async move {
            for round in rounds {
                gallery.delete(&round).await.expect("deleted");
            }
        }
    });
    let (mut walks, mut ended) = (0, false);
    while !ended {
        // The last walk begins after the last deletion.
        ended = deleting.is_finished();
        let (mut walked, mut from) = (Vec::new(), None);
        loop {
            let page = gallery
                .scroll(&Filter::default(), from, 50, With::NOTHING)
                .await
                .expect("a page");
            walked.extend(page.points.into_iter().map(|point| point.id));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert!(walked.is_sorted(), "walk {walks} is out of order");
        let missed = staying
            .iter()
            .filter(|id| walked.binary_search(id).is_err())
            .count();
        assert_eq!(
            missed, 0,
            "walk {walks} missed points that existed all the time"
        );
        walks += 1;
    }
    deleting.await.expect("no panic");
}

/// No call finds deleted points; deleting a missing point succeeds.
pub async fn deleted_points_are_gone_everywhere(gallery: AnyGallery) {
    let points = fill(&gallery, 10, 2_000).await;
    gallery.optimize().await.expect("graphs");
    let gone: Vec<PointId> = points.iter().step_by(2).map(|point| point.id).collect();
    gallery.delete(&gone).await.expect("deleted");
    gallery
        .delete(&[gone[0], PointId::Number(123_456)])
        .await
        .expect("nothing to delete");
    for round in 0..2 {
        assert_eq!(
            gallery.count(&Filter::default()).await.expect("counted"),
            1_000,
            "round {round}"
        );
        assert!(
            gallery
                .retrieve(&gone, With::NOTHING)
                .await
                .expect("retrieved")
                .is_empty()
        );
        let counted: u64 = gallery
            .facet("rating", &Filter::default(), 10)
            .await
            .expect("counted")
            .iter()
            .map(|facet| facet.count)
            .sum();
        assert_eq!(counted, 1_000, "round {round}");
        gallery
            .optimize()
            .await
            .expect("graphs without the deleted points");
    }
    gallery
        .upsert(vec![points[0].clone()])
        .await
        .expect("stored again");
    assert_eq!(fetch(&gallery, points[0].id).await, points[0]);
}

/// A wrong vector is refused with the reason, and its whole batch with it.
pub async fn bad_vectors_are_refused_with_their_whole_batch(gallery: AnyGallery) {
    let good = Random(11).point(1);
    let bad: [(Vec<f32>, &str); 5] = [
        (vec![0.5; DIMENSION + 1], "33"),
        (Vec::new(), "0 values"),
        (vec![f32::NAN; DIMENSION], "finite"),
        (vec![f32::INFINITY; DIMENSION], "finite"),
        (vec![0.0; DIMENSION], "zero"),
    ];
    for (vector, reason) in bad {
        let vectors = Vectors {
            edge: Some(vector),
            ..Vectors::default()
        };
        let wrong = Point {
            id: PointId::Number(2),
            vectors: vectors.clone(),
            payload: Payload::new(),
        };
        let error = gallery
            .upsert(vec![good.clone(), wrong])
            .await
            .expect_err(reason);
        assert_eq!(error.code, ErrorCode::InvalidInput);
        assert!(
            error.message.contains(reason) && error.message.contains("edge"),
            "{}",
            error.message
        );
        let error = gallery
            .update_vectors(vec![(good.id, vectors)])
            .await
            .expect_err(reason);
        assert_eq!(error.code, ErrorCode::InvalidInput);
    }
    assert_eq!(gallery.count(&Filter::default()).await.expect("counted"), 0);
}

/// Counts under random filters equal those of brute force, also with [`Filter::missing_any`].
pub async fn filters_select_what_they_say(gallery: AnyGallery) {
    let points = fill(&gallery, 12, 2_000).await;
    let mut random = Random(13);
    for round in 0..2 {
        for _ in 0..60 {
            let mut filter = random.filter(&points);
            if random.below(3) == 0 {
                filter.missing_any = vec![Space::ALL[random.below(4)], Space::ALL[random.below(4)]];
            }
            let expected = points
                .iter()
                .filter(|point| selects(&filter, point))
                .count() as u64;
            assert_eq!(
                gallery.count(&filter).await.expect("counted"),
                expected,
                "{filter:?}, round {round}"
            );
        }
        gallery.optimize().await.expect("graphs");
    }
    let upper = Filter {
        tags: vec!["CAT".to_owned()],
        ..Filter::default()
    };
    let lower = Filter {
        tags: vec!["cat".to_owned()],
        ..Filter::default()
    };
    assert_eq!(
        gallery.count(&upper).await.expect("counted"),
        gallery.count(&lower).await.expect("counted")
    );
}

/// A filter for a tag selects it in any case: alone, together with others, excluded, in a search,
/// and as soon as it is stored.
pub async fn tags_are_found_in_any_case(gallery: AnyGallery) {
    let mut random = Random(18);
    let stored = [
        (1, vec!["Haruhi", "apple"]),
        (2, vec!["haruhi", "Pixel_Art"]),
        (3, vec!["HARUHI", "KanColle"]),
        (4, vec!["hARuHi", "APPLE"]),
        (5, vec!["école", "Ωmega"]),
    ];
    let asked = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    for (id, tags) in stored {
        // The filter is used before each point is stored, so that a cached list of tags cannot hide
        // it.
        let tag = Filter {
            tags: asked(&tags[..1]),
            ..Filter::default()
        };
        let before = gallery.count(&tag).await.expect("counted");
        let payload = fields(json!({ TAGS_FIELD: tags }));
        let vectors = Vectors::from_fn(|space| Some(random.vector(space, 1)));
        gallery
            .upsert(vec![Point {
                id: PointId::Number(id),
                vectors,
                payload,
            }])
            .await
            .expect("stored");
        assert_eq!(
            gallery.count(&tag).await.expect("counted"),
            before + 1,
            "{tags:?} is found at once"
        );
    }
    let probe = random.probe(ProbeKind::Image, 1);
    for (tags, tag_mode, exclude, expected) in [
        (&["haruhi"][..], TagMode::Any, &[][..], &[1, 2, 3, 4][..]),
        (&["HaRuHi"], TagMode::Any, &["apple"], &[2, 3]),
        (&["HARUHI", "Apple"], TagMode::All, &[], &[1, 4]),
        (&["pixel_art", "kancolle"], TagMode::Any, &[], &[2, 3]),
        (&["ÉCOLE", "ωMEGA"], TagMode::All, &[], &[5]),
        (&[], TagMode::Any, &["Haruhi"], &[5]),
    ] {
        let filter = Filter {
            tags: asked(tags),
            tag_mode,
            exclude_tags: asked(exclude),
            ..Filter::default()
        };
        let expected: Vec<PointId> = expected.iter().copied().map(PointId::Number).collect();
        assert_eq!(
            gallery.count(&filter).await.expect("counted"),
            expected.len() as u64,
            "{filter:?}"
        );
        let page = gallery
            .scroll(&filter, None, 10, With::NOTHING)
            .await
            .expect("a page");
        assert_eq!(
            page.points.iter().map(|point| point.id).collect::<Vec<_>>(),
            expected,
            "{filter:?}"
        );
        let search = HybridQuery {
            probes: vec![probe.clone()],
            filter: filter.clone(),
            candidates: 10,
            lexical_tags: Vec::new(),
            lexical_proposed_by: None,
            lacking: None,
            with_payload: false,
            exact: false,
            hnsw_ef: 64,
        };
        let mut hits: Vec<PointId> = gallery
            .hybrid(search)
            .await
            .expect("searched")
            .hits
            .into_iter()
            .map(|hit| hit.id)
            .collect();
        hits.sort_unstable();
        assert_eq!(hits, expected, "{filter:?}");
    }
}

/// `facet` counts exactly, most frequent first, with a filter too.
pub async fn facets_count_the_selected_points(gallery: AnyGallery) {
    let points = fill(&gallery, 14, 1_500).await;
    let mut random = Random(15);
    for _ in 0..20 {
        let filter = random.filter(&points);
        let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
        for point in points.iter().filter(|point| selects(&filter, point)) {
            for tag in point.payload[TAGS_FIELD]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(|tag| tag.as_str())
            {
                *expected.entry(tag).or_default() += 1;
            }
        }
        let found = gallery
            .facet(TAGS_FIELD, &filter, TAGS.len())
            .await
            .expect("counted");
        assert!(found.is_sorted_by(|left, right| left.count >= right.count));
        let found: BTreeMap<&str, u64> = found
            .iter()
            .map(|facet| (facet.value.as_str(), facet.count))
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let two = gallery
        .facet(TAGS_FIELD, &Filter::default(), 2)
        .await
        .expect("counted");
    assert_eq!(two.len(), 2);
    let error = gallery
        .facet("no_such_field", &Filter::default(), 2)
        .await
        .expect_err("no index");
    assert_eq!(error.code, ErrorCode::InvalidInput);
}

/// `set_payload_of` sets fields of several points, and leaves out those that do not exist.
pub async fn fields_of_several_points_are_set_together(gallery: AnyGallery) {
    let points = fill(&gallery, 16, 40).await;
    let mut ids: Vec<PointId> = points[..20].iter().map(|point| point.id).collect();
    ids.push(PointId::Number(4_321));
    let keys = fields(json!({ STYLE_GROUP_FIELD: ["a.1", "b.2"] }));
    for round in 0..2 {
        gallery
            .set_payload_of(&ids, keys.clone())
            .await
            .expect("set");
        for (index, point) in points.iter().enumerate() {
            let mut expected = point.clone();
            if index < 20 {
                expected.payload.extend(keys.clone());
            }
            assert_eq!(
                fetch(&gallery, point.id).await,
                expected,
                "round {round}, {index}"
            );
        }
        gallery.optimize().await.expect("graphs");
    }
    gallery
        .set_payload_of(&[PointId::Number(4_321)], keys)
        .await
        .expect("nothing to set");
}

/// Filters by groups of styles equal those of brute force in counts, walks and facets, together
/// with other conditions, with graphs and without.
pub async fn filters_by_groups_of_styles_select_what_they_say(gallery: AnyGallery) {
    let points = fill(&gallery, 17, 1_500).await;
    let mut random = Random(18);
    let mut stored = points.clone();
    let keys = ["a.1", "a.2", "b.1", "b.7"];
    for (index, key) in keys.iter().enumerate() {
        let some = stored.iter_mut().skip(index).step_by(5);
        let mut ids = Vec::new();
        let field = fields(json!({ STYLE_GROUP_FIELD: ["old.1", key] }));
        for point in some {
            point.payload.extend(field.clone());
            ids.push(point.id);
        }
        gallery.set_payload_of(&ids, field).await.expect("set");
    }
    for round in 0..2 {
        for _ in 0..40 {
            let mut filter = random.filter(&points);
            let mut some = || {
                let count = random.below(3);
                (0..count)
                    .map(|_| keys[random.below(4)].to_owned())
                    .collect()
            };
            filter.style_groups = some();
            filter.outside_style_groups = some();
            let expected: Vec<&Point> = stored
                .iter()
                .filter(|point| selects(&filter, point))
                .collect();
            let count = gallery.count(&filter).await.expect("counted");
            assert_eq!(count, expected.len() as u64, "{filter:?}, round {round}");
            let facets = gallery
                .facet(STYLE_GROUP_FIELD, &filter, 10)
                .await
                .expect("counted");
            let total: u64 = facets
                .iter()
                .filter(|facet| facet.value != "old.1")
                .map(|facet| facet.count)
                .sum();
            let with_key = expected
                .iter()
                .filter(|point| point.payload.contains_key(STYLE_GROUP_FIELD));
            assert_eq!(total, with_key.count() as u64, "{filter:?}");
        }
        gallery.optimize().await.expect("graphs");
    }
    let filter = Filter {
        style_groups: vec!["a.2".to_owned()],
        ..Filter::default()
    };
    let search = HybridQuery {
        probes: random.probes(),
        filter: filter.clone(),
        candidates: 2_000,
        lexical_tags: Vec::new(),
        lexical_proposed_by: None,
        lacking: None,
        with_payload: false,
        exact: true,
        hnsw_ef: 64,
    };
    let found = gallery.hybrid(search).await.expect("searched").hits;
    assert!(!found.is_empty());
    for hit in found {
        let point = stored.iter().find(|point| point.id == hit.id);
        assert!(selects(&filter, point.expect("a stored point")));
    }
}
