//! Evidence for the subject of a query that also names a style.

use clippy_core::gallery::{Point, ProbeKind, Space};
use clippy_core::ids::PointId;
use clippy_core::search::fusion::Hit;
use clippy_core::search::weights::Weights;
use clippy_core::styles;
use clippy_search::SearchQuery;

use crate::harness::{Collection, Random, collection, drawing, filled, ids, like, point};

/// The style head that the fake embedder of the harness reports.
const HEAD: &str = "fake-style";
/// A picture of the wanted subject in another style.
const OTHER_STYLE: u64 = 2;
/// The wanted picture: the subject of the query, in the wanted style. It does not look like the
/// query.
const WANTED: u64 = 3;
/// Names the style.
const OF_STYLE: u64 = 4;

fn near(vector: &Option<Vec<f32>>, random: &mut Random) -> Option<Vec<f32>> {
    let mut vector = vector.clone()?;
    vector
        .iter_mut()
        .for_each(|value| *value += 0.02 * random.unit());
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    Some(vector)
}

/// Random pictures, a tenth in the wanted style; picture 1 is the query.
fn points() -> Vec<Point> {
    let mut random = Random(11);
    let mut points: Vec<Point> = (1..=400).map(|number| point(&mut random, number)).collect();
    for point in &mut points {
        for space in Space::ALL {
            let vector = random.vector(space);
            point.vectors.get_mut(space).get_or_insert(vector);
        }
    }
    let [query, other, wanted, style] =
        [1, OTHER_STYLE, WANTED, OF_STYLE].map(|id| id as usize - 1);
    let (look, edges) = (
        points[query].vectors.image.clone(),
        points[query].vectors.edge.clone(),
    );
    points[other].vectors.image = near(&look, &mut random);
    points[other].vectors.edge = near(&edges, &mut random);
    let sentence = points[other].vectors.text.clone();
    points[wanted].vectors.text = near(&sentence, &mut random);
    let of_style = points[style].vectors.style.clone();
    for index in (9..points.len()).step_by(10).chain([wanted]) {
        points[index].vectors.style = near(&of_style, &mut random);
    }
    points
}

async fn with_styles(points: Vec<Point>) -> Collection {
    let collection = collection(points).await;
    let head = styles::replace(collection.gallery.as_ref(), HEAD).await;
    head.expect("noted");
    collection
}

fn beside_a_style() -> SearchQuery {
    SearchQuery {
        style_like: vec![PointId::Number(OF_STYLE)],
        weights: Weights {
            text: 0.0,
            ..Weights::default()
        },
        collapse: false,
        top: 10,
        ..like(1)
    }
}

#[tokio::test]
async fn a_subject_in_other_styles_leads_to_it_in_the_wanted_one() {
    let tagged = with_styles(points()).await;
    let found = tagged.search(beside_a_style()).await.hits;
    assert_eq!(found[0].id, PointId::Number(WANTED), "{:?}", ids(&found));
    let kinds: Vec<ProbeKind> = found[0].scores.keys().copied().collect();
    assert_eq!(kinds, [ProbeKind::Image, ProbeKind::Edge, ProbeKind::Style]);

    let without_sentences = points().into_iter().map(|mut point| {
        point.vectors.text = None;
        point
    });
    let untagged = with_styles(without_sentences.collect()).await;
    let found = untagged.search(beside_a_style()).await.hits;
    assert_eq!(found.len(), 10);
    assert_ne!(found[0].id, PointId::Number(WANTED));
}

#[tokio::test]
async fn a_picture_that_the_query_leaves_out_is_no_evidence() {
    let collection = with_styles(points()).await;
    let mut query = beside_a_style();
    query.filter.exclude_ids = vec![PointId::Number(OTHER_STYLE)];
    let found = collection.search(query).await.hits;
    assert_ne!(found[0].id, PointId::Number(WANTED), "{:?}", ids(&found));
    assert!(!ids(&found).contains(&PointId::Number(OTHER_STYLE)));
}

#[tokio::test]
async fn pages_fit_together_and_equal_an_exact_search() {
    let collection = filled(3_000, 5).await;
    styles::replace(collection.gallery.as_ref(), HEAD)
        .await
        .expect("noted");
    for number in 0..4 {
        let query = SearchQuery {
            image: Some(drawing(8 + 9 * number)),
            style_image: Some(drawing(16 + 5 * number)),
            collapse: false,
            top: 40,
            ..SearchQuery::default()
        };
        let whole = collection.search(query.clone()).await.hits;
        let exact = SearchQuery {
            exact: true,
            ..query.clone()
        };
        assert_eq!(ids(&whole), ids(&collection.search(exact).await.hits));
        let page = SearchQuery {
            top: 20,
            ..query.clone()
        };
        let first = collection.search(page.clone()).await;
        let next = SearchQuery {
            cursor: first.next_cursor.clone(),
            ..page
        };
        let second = collection.search(next).await;
        let both = [ids(&first.hits), ids(&second.hits)].concat();
        assert_eq!(both, ids(&whole));
        let best = SearchQuery {
            min_percentile: Some(0.99),
            ..query
        };
        let best = collection.search(best).await.hits;
        assert!(!best.is_empty() && best.iter().all(|hit| hit.percentile >= Some(0.99)));
    }
}

#[tokio::test]
async fn without_a_style_scores_are_the_plain_sums() {
    let collection = filled(2_000, 9).await;
    let sampled = collection.searcher.calibrate().await.expect("calibrated");
    let bits = |hits: &[Hit]| -> Vec<(PointId, u32)> {
        let bits = |hit: &Hit| (hit.id, hit.score.to_bits());
        hits.iter().map(bits).collect()
    };
    for (id, text) in [(3, None), (40, Some("cat")), (700, Some("red egg"))] {
        let query = SearchQuery {
            text: text.map(str::to_owned),
            collapse: false,
            exact: true,
            ..like(id)
        };
        let answer = collection.search(query.clone()).await;
        let expected = collection.brute_force(Some(&sampled), &query).await;
        assert_eq!(ids(&answer.hits), ids(&expected[..answer.hits.len()]));
        let near = answer.hits.iter().zip(&expected);
        assert!(
            near.into_iter()
                .all(|(hit, other)| (hit.score - other.score).abs() < 1e-5)
        );
        // The same query is answered with the same bits, however many others ran before it.
        let again = collection.search(query).await;
        assert_eq!(bits(&answer.hits), bits(&again.hits));
    }
}
