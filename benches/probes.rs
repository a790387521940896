//! Compares a search of five probes with one of three, on the embedded engine.
//!
//! Run with `cargo bench --profile dev --workspace --bench probes` (in the everyday profile, which
//! is built already). Both are measured in one run, in turn, on a collection with graphs. Printed
//! as JSON lines; the program fails if five probes take more than 5/3 of the time of three. The
//! third line is a search with eight guesses at its subject: docs/search.md explains it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clippy_core::embedding::{Embedder, ModelInfo};
use clippy_core::gallery::{
    Filter, GalleryReader, GalleryWriter, HybridQuery, Payload, Point, Probe, ProbeKind, Vectors,
};
use clippy_core::ids::PointId;
use clippy_core::search::evidence::GUESSES;
use clippy_gallery::{EdgeGallery, EdgeOptions};
use clippy_testing::FakeEmbedder;
use serde_json::json;

const POINTS: u64 = 8_000;
const DIMENSION: usize = 224;
const CLUSTERS: u64 = 200;
const QUERIES: u64 = 300;
/// Queries that are run first and not measured.
const WARM_UP: u64 = 20;
const CANDIDATES: usize = 96;

const THREE: [ProbeKind; 3] = [ProbeKind::Image, ProbeKind::Edge, ProbeKind::Text];

#[tokio::main]
async fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model: ModelInfo = FakeEmbedder::new(DIMENSION).info().as_ref().clone();
    let gallery = EdgeGallery::open(EdgeOptions {
        folder: folder.path().join("collection"),
        name: "probes".to_owned(),
        model,
        indexing_threshold_kb: Some(1),
    })
    .await
    .expect("opened");
    let points: Vec<Point> = (1..=POINTS).map(point).collect();
    for batch in points.chunks(500) {
        gallery.upsert(batch.to_vec()).await.expect("stored");
    }
    gallery.optimize().await.expect("graphs were built");

    let guesses = [ProbeKind::Subject; GUESSES];
    let beside_a_style = [ProbeKind::Image, ProbeKind::Edge, ProbeKind::Style];
    let with_guesses = [&beside_a_style[..], &guesses[..]].concat();
    let searches = [&THREE[..], &ProbeKind::ALL[..], &with_guesses[..]];
    let mut times: [Vec<Duration>; 3] = Default::default();
    for number in 0..WARM_UP + QUERIES {
        // In turn, and each of them first as often as the others.
        for turn in 0..searches.len() {
            let search = (number as usize + turn) % searches.len();
            let query = query(searches[search], number);
            let started = Instant::now();
            gallery.hybrid(query).await.expect("found");
            if number >= WARM_UP {
                times[search].push(started.elapsed());
            }
        }
    }
    let [three, five, guessed] = &times;
    // The searches of one number follow each other, so other work on the machine delays them alike.
    let to_three = |times: &[Duration]| {
        let ratios = times.iter().zip(three);
        median(ratios.map(|(time, three)| time.as_secs_f64() / three.as_secs_f64()))
    };
    let ratio = to_three(five);
    let holds = ratio <= 5.0 / 3.0;
    println!(
        "{}",
        json!({"measure": "three probes", "ms": milliseconds(three)})
    );
    println!(
        "{}",
        json!({
            "measure": "five probes / three", "ms": milliseconds(five), "ratio": ratio,
            "at_most": 5.0 / 3.0, "holds": holds,
        })
    );
    println!(
        "{}",
        json!({
            "measure": "three probes and eight guesses / three", "ms": milliseconds(guessed),
            "ratio": to_three(guessed),
        })
    );
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn query(kinds: &[ProbeKind], number: u64) -> HybridQuery {
    let mut random = Random(number + 1_000_000);
    // The probes of a query are about one thing, so their lists overlap.
    let cluster = random.next() % CLUSTERS;
    let probes = kinds.iter().map(|kind| Probe {
        kind: *kind,
        vector: random.near(cluster),
        weight: 1.0,
    });
    HybridQuery {
        probes: probes.collect(),
        filter: Filter::default(),
        candidates: CANDIDATES,
        lexical_tags: Vec::new(),
        lexical_proposed_by: None,
        lacking: None,
        with_payload: false,
        exact: false,
        hnsw_ef: 128,
    }
}

fn point(number: u64) -> Point {
    let mut random = Random(number);
    let cluster = random.next() % CLUSTERS;
    Point {
        id: PointId::Number(number),
        vectors: Vectors::from_fn(|_| Some(random.near(cluster))),
        payload: Payload::new(),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median time in milliseconds.
fn milliseconds(times: &[Duration]) -> f64 {
    let median = median(times.iter().map(Duration::as_secs_f64));
    (median * 1e6).round() / 1e3
}

/// SplitMix64: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn value(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    fn near(&mut self, cluster: u64) -> Vec<f32> {
        let mut centre = Self(u64::MAX - cluster);
        let mut vector: Vec<f32> = (0..DIMENSION)
            .map(|_| centre.value() + 0.7 * self.value())
            .collect();
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
        vector
    }
}
