//! Measures the cost and the recall of a hybrid search on a Qdrant server, of one plain query with
//! the same client, and of other forms of hybrid search.
//!
//! Run with `cargo bench -p clippy-gallery --bench qdrant`. Without `QDRANT_TEST_URL`, the server
//! is the fake one: Qdrant's engine behind its gRPC, in this process. `POINTS` and `QUERIES` change
//! the size. Prints JSON lines.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use clippy_core::embedding::Embedder;
use clippy_core::gallery::{
    Filter, GalleryReader, GalleryWriter, HybridQuery, Payload, PerSpace, Point, Probe, ProbeKind,
    Space, Vectors,
};
use clippy_core::ids::PointId;
use clippy_fake_qdrant::{FakeOptions, FakeQdrant};
use clippy_gallery::{QdrantGallery, QdrantOptions, QdrantServer};
use clippy_testing::FakeEmbedder;
use qdrant_client::Qdrant;
use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::{
    Condition, Fusion, GetPointsBuilder, PrefetchQueryBuilder, Query, QueryPointsBuilder,
    SearchParamsBuilder,
};
use serde_json::json;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

const DIMENSION: usize = 512;
/// The number of hidden properties, which is far lower than the number of a vector's values.
const LATENT: usize = 40;
const TOP: usize = 24;
/// The number of candidates that a search fetches first.
const CANDIDATES: usize = 96;
const EF: usize = 128;
const COLLECTION: &str = "bench";
const WEIGHTS: PerSpace<f32> = PerSpace {
    image: 0.7,
    edge: 0.3,
    text: 0.2,
    style: 0.0,
};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn normal(&mut self) -> f32 {
        (0..6)
            .map(|_| (self.next() >> 40) as f32 / (1_u64 << 24) as f32)
            .sum::<f32>()
            - 3.0
    }
}

/// Makes vectors from a few hidden properties and a little noise.
struct World {
    bases: PerSpace<Vec<Vec<f32>>>,
}

impl World {
    fn new() -> Self {
        let mut random = Random(1);
        let bases = PerSpace::from_fn(|_| {
            (0..LATENT)
                .map(|_| (0..DIMENSION).map(|_| random.normal()).collect())
                .collect::<Vec<Vec<f32>>>()
        });
        Self { bases }
    }

    fn vectors(&self, random: &mut Random) -> Vectors {
        let hidden: Vec<f32> = (0..LATENT).map(|_| random.normal()).collect();
        Vectors::from_fn(|space| {
            let mut values: Vec<f32> = (0..DIMENSION).map(|_| 0.3 * random.normal()).collect();
            for (weight, row) in hidden.iter().zip(self.bases.get(space)) {
                values
                    .iter_mut()
                    .zip(row)
                    .for_each(|(value, base)| *value += weight * base);
            }
            let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
            values.iter_mut().for_each(|value| *value /= length);
            Some(values)
        })
    }
}

fn payload(number: u64) -> Payload {
    let mut tags = vec![format!("t{}", number % 500)];
    if number.is_multiple_of(2) {
        tags.push("half".to_owned());
    }
    if number % 100 == 7 {
        tags.push("rare".to_owned());
    }
    json!({"id": number, "path": format!("pictures/{number}.jpg"), "tags_all": tags,
    "rating": "general"})
    .as_object()
    .cloned()
    .unwrap_or_default()
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let (count, queries) = (
        from_environment("POINTS", 20_000),
        from_environment("QUERIES", 200),
    );
    let mut fake = None;
    let url = match std::env::var("QDRANT_TEST_URL") {
        Ok(url) => url,
        Err(_) => fake
            .insert(FakeQdrant::start(FakeOptions::default())?)
            .url(),
    };
    let server = QdrantServer {
        timeout: Duration::from_secs(60),
        write_timeout: Duration::from_secs(300),
        ..QdrantServer::new(&url)
    };
    let client = Qdrant::from_url(&url)
        .skip_compatibility_check()
        .timeout(Duration::from_secs(60))
        .build()?;
    client.delete_collection(COLLECTION).await?;
    let model = (**FakeEmbedder::new(DIMENSION).info()).clone();
    let gallery = QdrantGallery::open(QdrantOptions::new(server, COLLECTION, model)).await?;

    let (world, mut random) = (World::new(), Random(2));
    let begun = Instant::now();
    let mut stored = Vec::new();
    for first in (0..count).step_by(256) {
        let points: Vec<Point> = (first..(first + 256).min(count))
            .map(|number| {
                let vectors = world.vectors(&mut random);
                Point {
                    id: PointId::Number(number),
                    vectors,
                    payload: payload(number),
                }
            })
            .collect();
        stored.extend(points.iter().map(|point| point.vectors.clone()));
        gallery.upsert(points).await?;
    }
    let loaded = begun.elapsed();
    gallery.optimize().await?;
    eprintln!(
        "{count} points in {loaded:.1?}, with graphs after {:.1?}",
        begun.elapsed()
    );

    for (share, tag) in [("all", None), ("50 %", Some("half")), ("1 %", Some("rare"))] {
        let mut random = Random(3);
        let asked: Vec<Vectors> = (0..queries).map(|_| world.vectors(&mut random)).collect();
        let counts = |number: usize| {
            tag.is_none_or(|tag| payload(number as u64)["tags_all"].to_string().contains(tag))
        };
        let wanted: Vec<HashSet<PointId>> = asked
            .iter()
            .map(|query| brute_force(&stored, query, &counts))
            .collect();
        let run = Run {
            client: &client,
            gallery: &gallery,
            asked: &asked,
            wanted: &wanted,
            tag,
        };
        let bare = run.measure(async |query| run.bare(query).await).await?;
        let hybrid = run.measure(async |query| run.hybrid(query).await).await?;
        let formula = run.measure(async |query| run.formula(query).await).await?;
        let fused = run
            .measure(async |query| run.search_fused(query).await)
            .await?;
        let fetched = run
            .measure(async |query| run.search_and_fetch(query).await)
            .await?;
        println!(
            "{}",
            json!({
                "points": count, "filter_keeps": share, "queries": queries,
                "bare_single_vector_ms": bare.times(),
                "hybrid": hybrid.with_recall(), "times_bare_p50": ratio(&hybrid, &bare, 0.5),
                "times_bare_p99": ratio(&hybrid, &bare, 0.99),
                "one_query_formula": formula.with_recall(),
                "one_query_with_vectors": fused.with_recall(),
                "ids_then_vectors": fetched.with_recall(),
            })
        );
    }
    Ok(())
}

fn product(left: &[f32], right: &[f32]) -> f32 {
    left.iter()
        .zip(right)
        .map(|(left, right)| left * right)
        .sum()
}

fn weighted(query: &Vectors, stored: &Vectors) -> f32 {
    query
        .iter()
        .filter_map(|(space, query)| {
            Some(WEIGHTS.get(space) * product(query.as_ref()?, stored.get(space).as_ref()?))
        })
        .sum()
}

fn best(mut scores: Vec<(PointId, f32)>) -> HashSet<PointId> {
    scores.sort_by(|left, right| right.1.total_cmp(&left.1));
    scores.into_iter().take(TOP).map(|(id, _)| id).collect()
}

fn brute_force(
    stored: &[Vectors],
    query: &Vectors,
    counts: &dyn Fn(usize) -> bool,
) -> HashSet<PointId> {
    let scores = stored
        .iter()
        .enumerate()
        .filter(|(number, _)| counts(*number));
    best(
        scores
            .map(|(number, vectors)| (PointId::Number(number as u64), weighted(query, vectors)))
            .collect(),
    )
}

struct Outcome {
    sorted_ms: Vec<f64>,
    recall: f64,
}

impl Outcome {
    fn at(&self, share: f64) -> f64 {
        let index = (self.sorted_ms.len() as f64 * share) as usize;
        (self.sorted_ms[index.min(self.sorted_ms.len() - 1)] * 100.0).round() / 100.0
    }

    fn times(&self) -> serde_json::Value {
        json!({"p50": self.at(0.5), "p99": self.at(0.99)})
    }

    fn with_recall(&self) -> serde_json::Value {
        json!({"p50_ms": self.at(0.5), "p99_ms": self.at(0.99),
        "recall_at_24": (self.recall * 10_000.0).round() / 10_000.0})
    }
}

fn ratio(one: &Outcome, other: &Outcome, share: f64) -> f64 {
    (one.at(share) / other.at(share) * 100.0).round() / 100.0
}

struct Run<'a> {
    client: &'a Qdrant,
    gallery: &'a QdrantGallery,
    asked: &'a [Vectors],
    wanted: &'a [HashSet<PointId>],
    tag: Option<&'a str>,
}

fn id_of(id: Option<wire::PointId>) -> PointId {
    match id.and_then(|id| id.point_id_options) {
        Some(wire::point_id::PointIdOptions::Num(number)) => PointId::Number(number),
        _ => PointId::Number(u64::MAX),
    }
}

fn vectors_of(vectors: Option<wire::VectorsOutput>) -> Vectors {
    let mut found = Vectors::default();
    if let Some(wire::vectors_output::VectorsOptions::Vectors(mut named)) =
        vectors.and_then(|vectors| vectors.vectors_options)
    {
        for space in Space::ALL {
            if let Some(wire::vector_output::Vector::Dense(dense)) = named
                .vectors
                .remove(space.name())
                .and_then(|vector| vector.vector)
            {
                *found.get_mut(space) = Some(dense.data);
            }
        }
    }
    found
}

impl Run<'_> {
    async fn measure(
        &self,
        search: impl AsyncFn(&Vectors) -> Result<HashSet<PointId>, AnyError>,
    ) -> Result<Outcome, AnyError> {
        for query in self.asked.iter().take(10) {
            search(query).await?;
        }
        let (mut times, mut found, mut wanted) = (Vec::new(), 0, 0);
        for (query, expected) in self.asked.iter().zip(self.wanted) {
            let begun = Instant::now();
            let ids = search(query).await?;
            times.push(begun.elapsed().as_secs_f64() * 1_000.0);
            found += ids.intersection(expected).count();
            wanted += expected.len();
        }
        times.sort_by(f64::total_cmp);
        Ok(Outcome {
            sorted_ms: times,
            recall: found as f64 / wanted.max(1) as f64,
        })
    }

    fn filter(&self) -> wire::Filter {
        match self.tag {
            Some(tag) => wire::Filter::must([Condition::matches("tags_all", tag.to_owned())]),
            None => wire::Filter::default(),
        }
    }

    /// The baseline: one query with one vector, ids and scores only.
    async fn bare(&self, query: &Vectors) -> Result<HashSet<PointId>, AnyError> {
        let request = QueryPointsBuilder::new(COLLECTION)
            .query(Query::new_nearest(query.image.clone().unwrap_or_default()))
            .using("image")
            .filter(self.filter())
            .params(SearchParamsBuilder::default().hnsw_ef(EF as u64))
            .limit(TOP as u64);
        let answer = self.client.query(request).await?;
        Ok(answer
            .result
            .into_iter()
            .map(|point| id_of(point.id))
            .collect())
    }

    /// As Clippy does it: more candidates are fetched until no others can belong to the page.
    async fn hybrid(&self, query: &Vectors) -> Result<HashSet<PointId>, AnyError> {
        let mut candidates = CANDIDATES;
        let kinds = [ProbeKind::Image, ProbeKind::Edge, ProbeKind::Text];
        let probes: Vec<Probe> = kinds
            .into_iter()
            .filter_map(|kind| {
                Some(Probe {
                    kind,
                    vector: query.get(kind.space()).clone()?,
                    weight: *WEIGHTS.get(kind.space()),
                })
            })
            .collect();
        loop {
            let request = HybridQuery {
                probes: probes.clone(),
                lacking: None,
                filter: Filter {
                    tags: self.tag.iter().map(|tag| (*tag).to_owned()).collect(),
                    ..Filter::default()
                },
                candidates,
                lexical_tags: Vec::new(),
                lexical_proposed_by: None,
                // Payloads are fetched only for the page.
                with_payload: false,
                exact: false,
                hnsw_ef: EF,
            };
            let found = self.gallery.hybrid(request).await?;
            let sum = |scores: &[Option<f32>]| -> f32 {
                probes
                    .iter()
                    .zip(scores)
                    .map(|(probe, score)| probe.weight * score.unwrap_or(0.0))
                    .sum()
            };
            let mut scores: Vec<_> = found
                .hits
                .iter()
                .map(|hit| (hit.id, sum(&hit.scores)))
                .collect();
            scores.sort_by(|left, right| right.1.total_cmp(&left.1));
            let exhausted = found.floors.iter().all(Option::is_none);
            let settled = scores
                .get(TOP - 1)
                .is_some_and(|(_, last)| *last >= sum(&found.floors));
            if exhausted || settled || candidates >= 16 * CANDIDATES {
                return Ok(best(scores));
            }
            candidates *= 4;
        }
    }

    fn prefetches(&self, query: &Vectors) -> Vec<wire::PrefetchQuery> {
        query
            .iter()
            .filter_map(|(space, vector)| {
                let prefetch = PrefetchQueryBuilder::default()
                    .query(Query::new_nearest(vector.clone()?))
                    .using(space.name())
                    .filter(self.filter())
                    .params(SearchParamsBuilder::default().hnsw_ef(EF as u64))
                    .limit(CANDIDATES as u64);
                Some(prefetch.into())
            })
            .collect()
    }

    /// One query: prefetch in every space, and a formula that weights the scores. A score that is
    /// missing in the prefetch of its space counts as 0.
    async fn formula(&self, query: &Vectors) -> Result<HashSet<PointId>, AnyError> {
        use wire::expression::Variant;
        let term = |variant| wire::Expression {
            variant: Some(variant),
        };
        let sum = Space::ALL
            .into_iter()
            .enumerate()
            .map(|(index, space)| {
                let score = term(Variant::Variable(format!("$score[{index}]")));
                let weight = term(Variant::Constant(*WEIGHTS.get(space)));
                term(Variant::Mult(wire::MultExpression {
                    mult: vec![score, weight],
                }))
            })
            .collect();
        let defaults = (0..3)
            .map(|index| (format!("$score[{index}]"), wire::Value::from(0.0)))
            .collect();
        let formula = wire::Formula {
            expression: Some(term(Variant::Sum(wire::SumExpression { sum }))),
            defaults,
        };
        let request = wire::QueryPoints {
            collection_name: COLLECTION.to_owned(),
            prefetch: self.prefetches(query),
            query: Some(wire::Query {
                variant: Some(wire::query::Variant::Formula(formula)),
            }),
            limit: Some(TOP as u64),
            with_payload: Some(true.into()),
            ..wire::QueryPoints::default()
        };
        let answer = self.client.query(request).await?;
        Ok(answer
            .result
            .into_iter()
            .map(|point| id_of(point.id))
            .collect())
    }

    /// One query: prefetch in every space, and all candidates with all their vectors, scored here.
    async fn search_fused(&self, query: &Vectors) -> Result<HashSet<PointId>, AnyError> {
        let request = wire::QueryPoints {
            collection_name: COLLECTION.to_owned(),
            prefetch: self.prefetches(query),
            query: Some(Query::new_fusion(Fusion::Rrf)),
            limit: Some(3 * CANDIDATES as u64),
            with_payload: Some(true.into()),
            with_vectors: Some(true.into()),
            ..wire::QueryPoints::default()
        };
        let answer = self.client.query(request).await?;
        let scores = answer
            .result
            .into_iter()
            .map(|point| (id_of(point.id), weighted(query, &vectors_of(point.vectors))));
        Ok(best(scores.collect()))
    }

    /// Two calls: the candidates of all spaces, then their vectors, scored here.
    async fn search_and_fetch(&self, query: &Vectors) -> Result<HashSet<PointId>, AnyError> {
        let requests = query.iter().filter_map(|(space, vector)| {
            let request = QueryPointsBuilder::new(COLLECTION)
                .query(Query::new_nearest(vector.clone()?))
                .using(space.name())
                .filter(self.filter())
                .params(SearchParamsBuilder::default().hnsw_ef(EF as u64))
                .limit(CANDIDATES as u64);
            Some(request.into())
        });
        let batch = wire::QueryBatchPoints {
            collection_name: COLLECTION.to_owned(),
            query_points: requests.collect(),
            ..wire::QueryBatchPoints::default()
        };
        let answer = self.client.query_batch(batch).await?;
        let mut ids: HashMap<PointId, wire::PointId> = HashMap::new();
        for point in answer.result.into_iter().flat_map(|part| part.result) {
            if let Some(id) = point.id {
                ids.insert(id_of(Some(id.clone())), id);
            }
        }
        let request = GetPointsBuilder::new(COLLECTION, ids.into_values().collect::<Vec<_>>())
            .with_vectors(true)
            .with_payload(true);
        let answer = self.client.get_points(request).await?;
        let scores = answer
            .result
            .into_iter()
            .map(|point| (id_of(point.id), weighted(query, &vectors_of(point.vectors))));
        Ok(best(scores.collect()))
    }
}
