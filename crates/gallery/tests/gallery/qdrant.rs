//! A collection on a server: the same results as with the embedded engine, collections of Clippy
//! 0.2, and migrations.

use std::collections::HashMap;
use std::sync::Arc;

use clippy_core::ErrorCode;
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{
    ADDED_FIELD, Candidates, Filter, Gallery, GalleryReader, GalleryWriter, HybridQuery,
    LackingList, Payload, Point, Probe, ProbeKind, Space, TagMode, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_fake_qdrant::{
    FakeOptions, FakeQdrant, OlderPoint, fill_older_collection, make_older_collection,
};
use clippy_gallery::qdrant::{migrate, plan};
use clippy_gallery::schema::Schema;
use clippy_gallery::{QdrantGallery, Quantization, StorageOptions};
use clippy_gallery_contract::{DIMENSION, model};
use qdrant_client::Qdrant;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::support::{empty_edge_gallery, empty_fake_gallery, options};

fn unit(random: &mut StdRng) -> Vec<f32> {
    let mut values: Vec<f32> = (0..DIMENSION)
        .map(|_| random.random_range(-1.0..1.0))
        .collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

fn fields(value: serde_json::Value) -> Payload {
    let serde_json::Value::Object(fields) = value else {
        panic!("no object")
    };
    fields
}

const TAGS: [&str; 6] = ["apple", "bear", "cat", "drum", "egg", "fish"];

fn point(random: &mut StdRng, number: u64) -> Point {
    let vectors = Vectors::from_fn(|_| (random.random_range(0..8) != 0).then(|| unit(random)));
    let tags: Vec<&str> = TAGS
        .iter()
        .copied()
        .filter(|_| random.random_range(0..3) == 0)
        .collect();
    let payload = fields(json!({
        "path": format!("{number}.png"), "tags_all": tags,
        "rating": if number.is_multiple_of(3) { "safe" } else { "general" },
        "id": number, "source": {"site": "x", "deep": [1, 2.5, null, true]},
    }));
    Point {
        id: PointId::Number(number),
        vectors,
        payload,
    }
}

const WEIGHTS: [(ProbeKind, f32); 4] = [
    (ProbeKind::Image, 0.7),
    (ProbeKind::Edge, 0.3),
    (ProbeKind::Text, 0.2),
    (ProbeKind::WordsImage, 0.1),
];

fn query(random: &mut StdRng) -> HybridQuery {
    let probes = loop {
        let mut probes = Vec::new();
        for (kind, weight) in WEIGHTS {
            if random.random_bool(0.6) {
                probes.push(Probe {
                    kind,
                    vector: unit(random),
                    weight,
                });
            }
        }
        if !probes.is_empty() {
            break probes;
        }
    };
    let words_image = |probe: &Probe| probe.kind == ProbeKind::WordsImage;
    let lacking = probes.iter().position(words_image);
    let mut filter = Filter::default();
    let mut tag = || TAGS[random.random_range(0..TAGS.len())].to_owned();
    let (first, second, third) = (tag(), tag(), tag());
    match random.random_range(0..5) {
        0 => filter.tags = vec![first],
        1 => (filter.tags, filter.tag_mode) = (vec![first, second], TagMode::All),
        2 => (filter.exclude_tags, filter.ratings) = (vec![first], vec!["safe".to_owned()]),
        // A tag that is both wanted and excluded is excluded.
        3 => (filter.tags, filter.exclude_tags) = (vec![first.clone(), second], vec![first]),
        _ => {}
    }
    HybridQuery {
        probes,
        lacking: lacking.map(|probe| LackingList {
            probe,
            space: Space::Text,
        }),
        filter,
        candidates: random.random_range(1..60),
        lexical_proposed_by: None,
        lexical_tags: if random.random_bool(0.5) {
            vec![third]
        } else {
            Vec::new()
        },
        with_payload: random.random_bool(0.5),
        exact: random.random_bool(0.2),
        hnsw_ef: 128,
    }
}

/// Returns the candidates in the order of a page: by weighted score, and by id when scores are
/// equal.
fn ranked(found: &Candidates, probes: &[Probe]) -> Vec<(PointId, f32)> {
    let score = |scores: &[Option<f32>]| -> f32 {
        probes
            .iter()
            .zip(scores)
            .map(|(probe, score)| probe.weight * score.unwrap_or(0.0))
            .sum()
    };
    let mut ranked: Vec<_> = found
        .hits
        .iter()
        .map(|hit| (hit.id, score(&hit.scores)))
        .collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    ranked
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_give_the_same_ids_in_the_same_order_for_200_queries() {
    let (edge, _folder) = empty_edge_gallery().await;
    let (server, fake) = empty_fake_gallery().await;
    let mut random = StdRng::seed_from_u64(7);
    let points: Vec<Point> = (1..=2_500)
        .map(|number| point(&mut random, number))
        .collect();
    for some in points.chunks(500) {
        edge.upsert(some.to_vec()).await.expect("stored here");
        server.upsert(some.to_vec()).await.expect("stored there");
    }
    for number in 0..200 {
        let query = query(&mut random);
        let here = edge.hybrid(query.clone()).await.expect("found here");
        // The list of tags is fetched every few seconds, for all searches together.
        let trips = || fake.faults().reads() - fake.faults().facets();
        let before = trips();
        let there = server.hybrid(query.clone()).await.expect("found there");
        assert!(
            trips() - before <= 2,
            "one search is at most two round trips"
        );
        let mine = ranked(&here, &query.probes);
        let theirs = ranked(&there, &query.probes);
        let ids = |ranked: &[(PointId, f32)]| ranked.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        assert_eq!(ids(&mine), ids(&theirs), "query {number}: {query:?}");
        let payloads = |found: &Candidates| -> HashMap<PointId, Payload> {
            found
                .hits
                .iter()
                .map(|hit| (hit.id, hit.payload.clone()))
                .collect()
        };
        assert_eq!(payloads(&here), payloads(&there));
        for ((_, mine), (_, theirs)) in mine.iter().zip(&theirs) {
            assert!(
                (mine - theirs).abs() < 1e-6,
                "query {number}: {mine} and {theirs}"
            );
        }
        assert_eq!(here.floors.len(), there.floors.len());
        for (probe, (floor, other)) in here.floors.iter().zip(&there.floors).enumerate() {
            assert_eq!(
                floor.is_some(),
                other.is_some(),
                "query {number}, probe {probe}"
            );
            assert!((floor.unwrap_or(0.0) - other.unwrap_or(0.0)).abs() < 1e-6);
        }
        assert_eq!(
            (here.lexical_floor.is_some(), here.lacking_floor.is_some()),
            (there.lexical_floor.is_some(), there.lacking_floor.is_some()),
            "query {number}"
        );
    }
}

/// Makes a collection with the schema of Clippy 0.2.
async fn old_collection(fake: &FakeQdrant, name: &str, spaces: &[Space], dimension: u64) -> Qdrant {
    let client = Qdrant::from_url(&fake.url())
        .skip_compatibility_check()
        .build()
        .expect("an address");
    let names: Vec<&str> = spaces.iter().map(|space| space.name()).collect();
    make_older_collection(&client, name, &names, dimension)
        .await
        .expect("made");
    client
}

async fn fill_old(client: &Qdrant, name: &str, points: &[Point]) {
    let points = points.iter().map(|point| {
        let PointId::Number(id) = point.id else {
            panic!("0.2 has numbers only")
        };
        let vectors = point
            .vectors
            .iter()
            .filter_map(|(space, vector)| Some((space.name().to_owned(), vector.clone()?)));
        OlderPoint {
            id,
            vectors: vectors.collect(),
            payload: point.payload.clone(),
        }
    });
    fill_older_collection(client, name, points.collect())
        .await
        .expect("stored");
}

/// Returns points as 0.2 stores them: no edges, a zero vector when a picture could not be embedded,
/// and nulls in the payload.
fn old_points() -> Vec<Point> {
    let mut random = StdRng::seed_from_u64(2);
    (1..=300_u64)
        .map(|number| {
            let image = if number.is_multiple_of(50) {
                vec![0.0; DIMENSION]
            } else {
                unit(&mut random)
            };
            let payload = fields(json!({
                "id": number, "path": format!("data/images/{number}.jpg"),
                "tags_all": [TAGS[number as usize % 6]],
                "matched_tags": null, "rating": "general", "score": null, "md5": null,
            }));
            let vectors = Vectors {
                image: Some(image),
                edge: None,
                text: Some(unit(&mut random)),
                style: None,
            };
            Point {
                id: PointId::Number(number),
                vectors,
                payload,
            }
        })
        .collect()
}

fn bits(vector: &Option<Vec<f32>>) -> Option<Vec<u32>> {
    vector
        .as_ref()
        .map(|values| values.iter().map(|value| value.to_bits()).collect())
}

async fn all_points(gallery: &dyn Gallery) -> Vec<Point> {
    gallery
        .scroll(&Filter::default(), None, 10_000, With::ALL)
        .await
        .expect("a page")
        .points
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_of_clippy_0_2_is_searched_at_once_and_filled_on_request() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    let client = old_collection(&fake, "old", &[Space::Image, Space::Text], DIMENSION as u64).await;
    let points = old_points();
    fill_old(&client, "old", &points).await;
    let made = client
        .collection_info("old")
        .await
        .expect("info")
        .result
        .expect("there");

    let gallery: Arc<dyn Gallery> = Arc::new(
        QdrantGallery::open(options(&fake.url(), "old"))
            .await
            .expect("adopted as it is"),
    );
    let info = gallery.info().await.expect("info");
    assert_eq!(
        (info.points, info.schema_version, info.fingerprint.as_str()),
        (300, 0, "")
    );
    let mut random = StdRng::seed_from_u64(3);
    let asked = HybridQuery {
        probes: WEIGHTS
            .into_iter()
            .map(|(kind, weight)| Probe {
                kind,
                vector: unit(&mut random),
                weight,
            })
            .collect(),
        lacking: None,
        filter: Filter {
            tags: vec!["cat".to_owned()],
            ..Filter::default()
        },
        candidates: 20,
        lexical_tags: vec!["cat".to_owned()],
        lexical_proposed_by: None,
        with_payload: true,
        exact: false,
        hnsw_ef: 64,
    };
    let found = gallery
        .hybrid(asked.clone())
        .await
        .expect("searched without edges");
    assert!(found.hits.len() >= 20 && found.hits.iter().all(|hit| hit.scores[1].is_none()));
    let without_edges = Filter {
        missing_any: vec![Space::Edge],
        ..Filter::default()
    };
    assert_eq!(gallery.count(&without_edges).await.expect("counted"), 300);
    let tags = gallery
        .facet("tags_all", &Filter::default(), 10)
        .await
        .expect("counted without an index");
    assert_eq!((tags.len(), tags[0].count), (6, 50));
    let newest = gallery.newest(&Filter::default(), 10).await;
    assert_eq!(newest.expect("listed without an index"), []);
    let untouched = client
        .collection_info("old")
        .await
        .expect("info")
        .result
        .expect("there");
    assert_eq!(made.config, untouched.config, "reading changes nothing");
    assert_eq!(made.payload_schema, untouched.payload_schema);

    // A zero vector counts as missing, so that a backfill makes it.
    let before = all_points(&*gallery).await;
    assert_eq!(
        before
            .iter()
            .filter(|point| point.vectors.image.is_none())
            .count(),
        6
    );
    let edges: Vec<(PointId, Vectors)> = before
        .iter()
        .map(|point| {
            (
                point.id,
                Vectors {
                    edge: Some(unit(&mut random)),
                    ..Vectors::default()
                },
            )
        })
        .collect();
    gallery
        .update_vectors(edges.clone())
        .await
        .expect("the vector is added in place");
    let after = all_points(&*gallery).await;
    for ((before, after), (_, given)) in before.iter().zip(&after).zip(&edges) {
        assert_eq!(
            bits(&before.vectors.image),
            bits(&after.vectors.image),
            "{}",
            before.id
        );
        assert_eq!(
            bits(&before.vectors.text),
            bits(&after.vectors.text),
            "{}",
            before.id
        );
        assert_eq!(
            bits(&given.edge),
            bits(&after.vectors.edge),
            "{}",
            before.id
        );
        assert_eq!(before.payload, after.payload);
    }
    assert_eq!(gallery.count(&without_edges).await.expect("counted"), 0);
    let found = gallery.hybrid(asked).await.expect("searched with edges");
    assert!(found.hits.iter().all(|hit| hit.scores[1].is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_of_another_model_or_without_pictures_is_refused() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    old_collection(&fake, "wide", &[Space::Image, Space::Text], 1024).await;
    let error = QdrantGallery::open(options(&fake.url(), "wide"))
        .await
        .expect_err("another dimension");
    assert_eq!(error.code, ErrorCode::Conflict);
    for part in ["1024", "32", "contract", "wide"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    QdrantGallery::open(options(&fake.url(), "mine"))
        .await
        .expect("made");
    let other = ModelInfo {
        name: "ViT-X".to_owned(),
        fingerprint: "other".to_owned(),
        ..model()
    };
    let error = QdrantGallery::open(crate::support::options_for(&fake.url(), "mine", other))
        .await
        .expect_err("another model");
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(
        error.message.contains("contract") && error.message.contains("ViT-X"),
        "{}",
        error.message
    );
    old_collection(&fake, "strange", &[], 4).await;
    let error = QdrantGallery::open(options(&fake.url(), "strange"))
        .await
        .expect_err("no pictures");
    assert!(
        error.message.contains("strange") && error.message.contains("image"),
        "{}",
        error.message
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_plans_and_makes_what_is_missing_once() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    let client = old_collection(&fake, "old", &[Space::Image, Space::Text], DIMENSION as u64).await;
    fill_old(&client, "old", &old_points()).await;
    let mut wanted = options(&fake.url(), "old");
    wanted.storage = StorageOptions {
        quantization: Some(Quantization::Scalar),
        replication_factor: Some(2),
        ..StorageOptions::default()
    };
    let planned = plan(&wanted).await.expect("a plan");
    assert_eq!((planned.version, planned.points), (Some(0), 300));
    let all = planned.steps.join("\n");
    for part in [
        "vector edge",
        "tags_all",
        "style",
        "a byte a value",
        "2 replicas",
        "contract none",
    ] {
        assert!(all.contains(part), "{part} is not in\n{all}");
    }
    let untouched = client
        .collection_info("old")
        .await
        .expect("info")
        .result
        .expect("there");
    assert!(
        untouched.payload_schema.is_empty(),
        "a plan changes nothing"
    );

    let before = all_points(&QdrantGallery::open(wanted.clone()).await.expect("opened")).await;
    assert_eq!(
        migrate(&wanted).await.expect("migrated").steps,
        planned.steps
    );
    assert_eq!(
        plan(&wanted).await.expect("a plan").steps,
        Vec::<String>::new(),
        "nothing is left"
    );
    assert_eq!(
        migrate(&wanted).await.expect("again").steps,
        Vec::<String>::new()
    );
    let gallery = QdrantGallery::open(wanted.clone()).await.expect("opened");
    let info = gallery.info().await.expect("info");
    assert_eq!(
        (info.schema_version, info.fingerprint.as_str()),
        (Schema::current().version, "contract-32")
    );
    assert_eq!(all_points(&gallery).await, before, "no point was changed");
    let tags = gallery
        .facet("tags_all", &Filter::default(), 10)
        .await
        .expect("counted by the index");
    assert_eq!((tags.len(), tags[0].count), (6, 50));
    let last = before[7].id;
    let time = fields(json!({ ADDED_FIELD: 1_700_000_000_000_u64 }));
    gallery.set_payload(last, time).await.expect("set");
    let newest = gallery.newest(&Filter::default(), 10).await;
    assert_eq!(newest.expect("listed by the index"), [last]);

    let fresh = options(&fake.url(), "fresh");
    assert_eq!(plan(&fresh).await.expect("a plan").version, None);
    migrate(&fresh).await.expect("made");
    assert_eq!(
        plan(&fresh).await.expect("a plan").steps,
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_is_refused_or_limited_with_the_feature_and_version_named() {
    let old = FakeQdrant::start(FakeOptions {
        version: "1.12.4".to_owned(),
        ..FakeOptions::default()
    })
    .expect("started");
    let error = QdrantGallery::open(options(&old.url(), "any"))
        .await
        .expect_err("too old");
    assert_eq!(error.code, ErrorCode::Unsupported);
    for part in ["1.12", "1.16", "metadata"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    let older = FakeQdrant::start(FakeOptions {
        version: "1.17.1".to_owned(),
        ..FakeOptions::default()
    })
    .expect("started");
    let client = old_collection(
        &older,
        "old",
        &[Space::Image, Space::Text],
        DIMENSION as u64,
    )
    .await;
    fill_old(&client, "old", &old_points()).await;
    let gallery = QdrantGallery::open(options(&older.url(), "old"))
        .await
        .expect("it can be searched");
    let edge = Vectors {
        edge: Some(unit(&mut StdRng::seed_from_u64(1))),
        ..Vectors::default()
    };
    let error = gallery
        .update_vectors(vec![(PointId::Number(1), edge)])
        .await
        .expect_err("not in place");
    for part in ["edge", "1.17", "1.18", "clippy reindex"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    let planned = plan(&options(&older.url(), "old")).await.expect("a plan");
    assert!(
        planned.hints.iter().any(|hint| hint.contains("1.18")),
        "{planned:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_vectors_give_exact_scores() {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    for kind in [Quantization::Scalar, Quantization::Binary] {
        let mut options = options(&fake.url(), &format!("{kind:?}"));
        options.storage.quantization = Some(kind);
        let gallery = QdrantGallery::open(options).await.expect("opened");
        let mut random = StdRng::seed_from_u64(4);
        let points: Vec<Point> = (1..=2_000)
            .map(|number| point(&mut random, number))
            .collect();
        gallery.upsert(points.clone()).await.expect("stored");
        gallery.optimize().await.expect("graphs");
        for _ in 0..20 {
            let asked = HybridQuery {
                filter: Filter::default(),
                exact: false,
                ..query(&mut random)
            };
            for hit in gallery.hybrid(asked.clone()).await.expect("found").hits {
                let PointId::Number(number) = hit.id else {
                    panic!("numbers only")
                };
                let stored = &points[number as usize - 1].vectors;
                for (probe, score) in asked.probes.iter().zip(&hit.scores) {
                    let product = stored.get(probe.space()).as_ref().map(|stored| {
                        let pairs = probe.vector.iter().zip(stored);
                        pairs.map(|(left, right)| left * right).sum::<f32>()
                    });
                    assert_eq!(score.is_some(), product.is_some());
                    assert!(
                        (score.unwrap_or(0.0) - product.unwrap_or(0.0)).abs() < 1e-5,
                        "{score:?} {product:?}"
                    );
                }
            }
        }
    }
}
