//! Checks of the search, compared with brute force over all points.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clippy_core::gallery::{
    Crowding, Filter, Gallery, HybridQuery, LackingList, Point, Probe, ProbeKind, Space, Vectors,
    With,
};
use clippy_core::ids::PointId;
use clippy_testing::wait_until;

use super::data::{Random, best_of, brute_force, cosine, scores, selects};

type AnyGallery = Arc<dyn Gallery>;

const TOP: usize = 24;
const QUERIES: usize = 120;

async fn fill(gallery: &AnyGallery, seed: u64, count: u64) -> Vec<Point> {
    let points = Random(seed).points(count);
    for batch in points.chunks(256) {
        gallery.upsert(batch.to_vec()).await.expect("stored");
    }
    points
}

fn query(probes: Vec<Probe>, candidates: usize) -> HybridQuery {
    HybridQuery {
        probes,
        filter: Filter::default(),
        candidates,
        lexical_tags: Vec::new(),
        lexical_proposed_by: None,
        lacking: None,
        with_payload: false,
        exact: false,
        hnsw_ef: 128,
    }
}

/// Returns the share of the best points by brute force that the gallery finds, over many random
/// probes, weights and filters. As in a search, more candidates are requested until no point
/// outside of them can be among the best.
async fn recall(gallery: &AnyGallery, points: &[Point], seed: u64, exact: bool) -> f64 {
    let mut random = Random(seed);
    let (mut found, mut wanted) = (0, 0);
    for round in 0..QUERIES {
        // Every fourth query has all probes that a query can have, and guesses at its subject.
        let probes = if round % 4 == 0 {
            random.all_probes()
        } else {
            random.probes()
        };
        let filter = random.filter(points);
        let expected = brute_force(points, &probes, &filter);
        let mut request = HybridQuery {
            filter: filter.clone(),
            exact,
            ..query(probes.clone(), 48)
        };
        let best = loop {
            let candidates = gallery.hybrid(request.clone()).await.expect("found");
            for hit in &candidates.hits {
                let point = points
                    .iter()
                    .find(|point| point.id == hit.id)
                    .expect("a stored point");
                assert!(
                    selects(&filter, point),
                    "hit {} does not match the filter {filter:?}",
                    hit.id
                );
                let expected = scores(&probes, point);
                assert_eq!(hit.scores.len(), expected.len());
                for (probe, (given, score)) in hit.scores.iter().zip(expected).enumerate() {
                    assert_eq!(given.is_some(), score.is_some(), "{} by {probe}", hit.id);
                    let off = (given.unwrap_or(0.0) - score.unwrap_or(0.0)).abs();
                    assert!(off < 1e-5, "{} by {probe}: score off by {off}", hit.id);
                }
            }
            let (best, complete) = best_of(&candidates, &probes, TOP);
            if complete {
                break best;
            }
            assert!(
                request.candidates < 2 * points.len(),
                "all points are candidates, and the best are still not certain"
            );
            request.candidates *= 2;
        };
        let expected = &expected[..TOP.min(expected.len())];
        let last = expected.last().map_or(0.0, |(_, score)| *score);
        wanted += expected.len();
        // Compared by score, not by id: points with the same score may replace each other.
        found += best
            .values()
            .filter(|score| **score >= last - 1e-5)
            .count()
            .min(expected.len());
    }
    found as f64 / wanted.max(1) as f64
}

/// With [`HybridQuery::exact`], a search finds every point that brute force finds.
pub async fn exact_hybrid_equals_brute_force(gallery: AnyGallery) {
    let points = fill(&gallery, 20, 3_000).await;
    gallery.optimize().await.expect("graphs");
    let recall = recall(&gallery, &points, 21, true).await;
    assert!(recall == 1.0, "{recall}");
}

/// A search without graphs finds what brute force finds.
pub async fn hybrid_finds_what_brute_force_finds(gallery: AnyGallery) {
    let points = fill(&gallery, 22, 3_000).await;
    let recall = recall(&gallery, &points, 23, false).await;
    assert!(recall >= 0.99, "{recall}");
}

/// A search with graphs also finds points that were added after the graphs were built.
pub async fn hybrid_with_graphs_finds_what_brute_force_finds(gallery: AnyGallery) {
    let mut points = fill(&gallery, 24, 3_000).await;
    gallery.optimize().await.expect("graphs");
    // A server may go on to merge what has its graphs.
    wait_until("all graphs are built", || async {
        gallery.info().await.expect("info").indexed
    })
    .await;
    let mut random = Random(25);
    for number in 3_001..=3_200 {
        points.push(random.point(number));
    }
    gallery
        .upsert(points[3_000..].to_vec())
        .await
        .expect("stored");
    for index in (0..3_000).step_by(30) {
        points[index].vectors = Vectors::from_fn(|space| Some(random.vector(space, index % 40)));
        gallery
            .upsert(vec![points[index].clone()])
            .await
            .expect("replaced");
    }
    let recall = recall(&gallery, &points, 26, false).await;
    assert!(recall >= 0.99, "{recall}");
}

/// A point has no score by a probe of a space in which it has no vector. Two probes of one space
/// have separate scores.
pub async fn hybrid_scores_missing_vectors_as_none(gallery: AnyGallery) {
    let mut random = Random(30);
    let mut point = random.point(1);
    let vector = random.vector(Space::Image, 1);
    point.vectors = Vectors {
        image: Some(vector.clone()),
        edge: Some(random.vector(Space::Edge, 1)),
        ..Vectors::default()
    };
    gallery.upsert(vec![point.clone()]).await.expect("stored");
    let image = Probe {
        vector: vector.clone(),
        ..random.probe(ProbeKind::Image, 1)
    };
    let opposite = Probe {
        kind: ProbeKind::WordsImage,
        vector: vector.iter().map(|value| -value).collect(),
        weight: 1.0,
    };
    let text = random.probe(ProbeKind::Text, 1);
    let found = gallery.hybrid(query(vec![image, text, opposite], 10)).await;
    let found = found.expect("found");
    assert_eq!(found.hits.len(), 1);
    let scores = &found.hits[0].scores;
    assert!((scores[0].expect("a vector") - 1.0).abs() < 1e-5);
    assert_eq!(scores[1], None);
    assert!((scores[2].expect("a vector") + 1.0).abs() < 1e-5);
    assert_eq!(found.floors, [None; 3]);
}

/// A floor is the lowest score of a probe's own list, and `None` once the list has all points.
pub async fn floors_show_whether_there_are_more_points(gallery: AnyGallery) {
    let points = fill(&gallery, 31, 400).await;
    let probes = vec![Random(32).probe(ProbeKind::Image, 2)];
    let ranked = brute_force(&points, &probes, &Filter::default());
    for candidates in [1, 10, ranked.len() - 1, ranked.len(), ranked.len() + 1] {
        let found = gallery
            .hybrid(query(probes.clone(), candidates))
            .await
            .expect("found");
        assert_eq!(found.hits.len(), candidates.min(ranked.len()));
        match found.floors[..] {
            [Some(floor)] => {
                assert!(candidates < ranked.len(), "there are no more points");
                let last = ranked[candidates - 1].1 / probes[0].weight;
                assert!((floor - last).abs() < 1e-5);
            }
            [None] => assert!(
                candidates >= ranked.len(),
                "{} points are left",
                ranked.len() - candidates
            ),
            ref other => panic!("one floor for one probe, not {other:?}"),
        }
    }
}

/// [`HybridQuery::lacking`] lists the best points without a vector in some space, however many
/// other points are better.
pub async fn points_that_lack_a_vector_have_a_list_of_their_own(gallery: AnyGallery) {
    let points = fill(&gallery, 37, 600).await;
    let probes = vec![Random(38).probe(ProbeKind::WordsImage, 3)];
    let filter = Filter {
        ratings: vec!["safe".to_owned()],
        ..Filter::default()
    };
    let lacks = |id: &PointId| {
        let point = points.iter().find(|point| point.id == *id).expect("stored");
        point.vectors.text.is_none()
    };
    let mut ranked = brute_force(&points, &probes, &filter);
    ranked.retain(|(id, _)| lacks(id));
    assert!(ranked.len() > 12, "{}", ranked.len());
    for candidates in [5, ranked.len(), ranked.len() + 1] {
        let found = gallery
            .hybrid(HybridQuery {
                filter: filter.clone(),
                lacking: Some(LackingList {
                    probe: 0,
                    space: Space::Text,
                }),
                ..query(probes.clone(), candidates)
            })
            .await
            .expect("found");
        let ids: HashSet<PointId> = found.hits.iter().map(|hit| hit.id).collect();
        let listed = &ranked[..candidates.min(ranked.len())];
        assert!(listed.iter().all(|(id, _)| ids.contains(id)));
        assert!(found.hits.iter().all(|hit| hit.scores[0].is_some()));
        let floor = (candidates < ranked.len()).then(|| listed[candidates - 1].1);
        let floor = floor.map(|floor| floor / probes[0].weight);
        let off = found.lacking_floor.unwrap_or(0.0) - floor.unwrap_or(0.0);
        assert_eq!(found.lacking_floor.is_some(), floor.is_some());
        assert!(off.abs() < 1e-5, "{off}");
    }
}

/// [`HybridQuery::lexical_tags`] lists the points that have them, the best by the text probe first,
/// or by id without one.
pub async fn points_with_lexical_tags_have_a_list_of_their_own(gallery: AnyGallery) {
    let points = fill(&gallery, 33, 600).await;
    let mut random = Random(34);
    let filter = Filter {
        ratings: vec!["safe".to_owned()],
        ..Filter::default()
    };
    let with_tag = Filter {
        tags: vec!["goat".to_owned()],
        ..filter.clone()
    };
    let tagged: Vec<&Point> = points
        .iter()
        .filter(|point| selects(&with_tag, point))
        .collect();
    let asked = vec![random.probe(ProbeKind::Text, 5)];
    let lexical = |probes: &[Probe], candidates| HybridQuery {
        filter: filter.clone(),
        lexical_tags: vec!["goat".to_owned()],
        ..query(probes.to_vec(), candidates)
    };
    let by_text: Vec<(PointId, f32)> = brute_force(&points, &asked, &with_tag);
    assert!(
        by_text.len() < tagged.len() && by_text.len() > 12,
        "some have no text vector"
    );

    let found = gallery.hybrid(lexical(&asked, 10)).await.expect("found");
    let ids: HashSet<PointId> = found.hits.iter().map(|hit| hit.id).collect();
    assert!(
        by_text[..10].iter().all(|(id, _)| ids.contains(id)),
        "the best by text are found"
    );
    let floor = found.lexical_floor.expect("there are more");
    assert!(
        floor >= by_text[9].1 / asked[0].weight - 1e-5,
        "{floor} is below the score of the next one"
    );

    let all = gallery
        .hybrid(lexical(&asked, tagged.len()))
        .await
        .expect("found");
    let ids: HashSet<PointId> = all.hits.iter().map(|hit| hit.id).collect();
    assert!(
        tagged.iter().all(|point| ids.contains(&point.id)),
        "also those without a text vector"
    );
    assert_eq!(all.lexical_floor, None);

    let image = [random.probe(ProbeKind::Image, 1)];
    let found = gallery.hybrid(lexical(&image, 5)).await.expect("found");
    let ids: HashSet<PointId> = found.hits.iter().map(|hit| hit.id).collect();
    let mut first: Vec<PointId> = tagged.iter().map(|point| point.id).collect();
    first.sort();
    assert!(
        first[..5].iter().all(|id| ids.contains(id)),
        "by id without a text query"
    );
    for hit in &found.hits {
        let point = points
            .iter()
            .find(|point| point.id == hit.id)
            .expect("stored");
        assert_eq!(
            hit.scores[0].is_some(),
            point.vectors.image.is_some(),
            "a point with a lexical tag is scored, too"
        );
    }
    assert!(
        gallery
            .hybrid(lexical(&asked, 0))
            .await
            .expect("nothing asked")
            .hits
            .is_empty()
    );
}

/// Hits have payloads only with [`HybridQuery::with_payload`].
pub async fn payloads_are_returned_only_on_request(gallery: AnyGallery) {
    let points = fill(&gallery, 35, 100).await;
    let probes = Random(36).probes();
    for with_payload in [false, true] {
        let request = HybridQuery {
            with_payload,
            ..query(probes.clone(), 20)
        };
        for hit in gallery.hybrid(request).await.expect("found").hits {
            let point = points
                .iter()
                .find(|point| point.id == hit.id)
                .expect("stored");
            assert_eq!(
                hit.payload,
                if with_payload {
                    point.payload.clone()
                } else {
                    Default::default()
                }
            );
        }
    }
}

/// `optimize` loses no write that is made at the same time, and searches still work.
pub async fn writes_while_graphs_are_built_are_kept(gallery: AnyGallery) {
    let mut points = fill(&gallery, 40, 4_000).await;
    let done = Arc::new(AtomicBool::new(false));
    let building = tokio::spawn({
        let (gallery, done) = (Arc::clone(&gallery), Arc::clone(&done));
        async move {
            let outcome = gallery.optimize().await;
            done.store(true, Ordering::SeqCst);
            outcome
        }
    });
    let mut random = Random(41);
    let mut next = 4_001;
    let mut rounds = 0;
    // A server that is written to all the time may never be done: the writes end at some point.
    while rounds < 3 || (rounds < 40 && !done.load(Ordering::SeqCst)) {
        let added: Vec<Point> = (next..next + 20)
            .map(|number| random.point(number))
            .collect();
        next += 20;
        gallery.upsert(added.clone()).await.expect("stored");
        points.extend(added);
        let gone = points.swap_remove(random.below(points.len()));
        gallery.delete(&[gone.id]).await.expect("deleted");
        let index = random.below(points.len());
        let image = random.vector(Space::Image, 1);
        points[index].vectors.image = Some(image.clone());
        let update = Vectors {
            image: Some(image),
            ..Vectors::default()
        };
        gallery
            .update_vectors(vec![(points[index].id, update)])
            .await
            .expect("updated");
        let found = gallery
            .hybrid(query(random.probes(), 10))
            .await
            .expect("found");
        assert!(!found.hits.is_empty());
        rounds += 1;
    }
    building.await.expect("no panic").expect("graphs");
    assert_eq!(
        gallery.count(&Filter::default()).await.expect("counted"),
        points.len() as u64
    );
    let ids: Vec<PointId> = points.iter().map(|point| point.id).collect();
    let found = gallery.retrieve(&ids, With::ALL).await.expect("retrieved");
    assert!(found == points, "some point differs from what was written");
}

/// The crowding equals that of brute force, in the order of the ids, with and without graphs.
pub async fn crowding_is_the_mean_cosine_to_the_nearest_others(gallery: AnyGallery) {
    let points = fill(&gallery, 31, 1_500).await;
    check_crowding(&gallery, &points, 10, 1e-5).await;
    gallery.optimize().await.expect("graphs");
    check_crowding(&gallery, &points, 10, 0.01).await;

    let strange = [PointId::Number(1_000_000), points[0].id];
    let none = gallery
        .crowding(&strange, &[Space::Image], 10)
        .await
        .expect("measured");
    assert_eq!(
        (none.len(), none[0]),
        (2, Crowding::default()),
        "a point that does not exist has no crowding"
    );
    let alone = gallery
        .crowding(&strange[1..], &Space::ALL, points.len())
        .await
        .expect("measured");
    assert_eq!(alone, [Crowding::default()], "there are fewer other points");
    assert_eq!(
        gallery
            .crowding(&[], &Space::ALL, 10)
            .await
            .expect("measured"),
        []
    );
}

async fn check_crowding(gallery: &AnyGallery, points: &[Point], neighbours: usize, tolerance: f32) {
    let some: Vec<&Point> = points.iter().rev().step_by(50).collect();
    let ids: Vec<PointId> = some.iter().map(|point| point.id).collect();
    let spaces = [Space::Image, Space::Edge];
    let found = gallery
        .crowding(&ids, &spaces, neighbours)
        .await
        .expect("measured");
    assert_eq!(found.len(), ids.len());
    for (point, found) in some.into_iter().zip(found) {
        assert_eq!(found.text, None, "not asked for");
        for space in spaces {
            let expected = point.vectors.get(space).as_ref().map(|vector| {
                let others = points.iter().filter(|other| other.id != point.id);
                let cosine_to =
                    |other: &Point| Some(cosine(vector, other.vectors.get(space).as_ref()?));
                let mut cosines: Vec<f32> = others.filter_map(cosine_to).collect();
                cosines.sort_unstable_by(|left, right| right.total_cmp(left));
                cosines[..neighbours].iter().sum::<f32>() / neighbours as f32
            });
            assert_eq!(
                found.get(space).is_some(),
                expected.is_some(),
                "{} {space:?}",
                point.id
            );
            let (found, expected) = (found.get(space).unwrap_or(0.0), expected.unwrap_or(0.0));
            assert!(
                (found - expected).abs() < tolerance,
                "{} {space:?}: {found}, but {expected}",
                point.id
            );
        }
    }
}
