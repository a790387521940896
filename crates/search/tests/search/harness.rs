//! Collections of random vectors, and brute-force rankings to compare with.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use clippy_core::embedding::{EmbedInput, Embedder};
use clippy_core::gallery::{
    Candidate, Crowding, Gallery, Point, Probe, ProbeKind, Space, Vectors, tags_of,
};
use clippy_core::ids::PointId;
use clippy_core::preferences::PreferenceRule;
use clippy_core::search::calibration::Sampled;
use clippy_core::search::crowding::{NEIGHBOURS, POOL, SPACES};
use clippy_core::search::fusion::{Hit, Ranking, RankingParts, Taste};
use clippy_core::search::lexical::LexicalQuery;
use clippy_core::search::product;
use clippy_core::search::weights::WeightField;
use clippy_core::search::words::Words;
use clippy_gallery::{EdgeGallery, EdgeOptions};
use clippy_search::{SearchAnswer, SearchQuery, Searcher, SearcherOptions};
use clippy_testing::{FakeEmbedder, MemoryPreferences};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::json;

pub const DIMENSION: usize = 16;
pub const TAGS: [&str; 6] = ["apple", "bear", "cat", "drum", "red_egg", "fish"];
pub const STYLES: [&str; 3] = ["ink", "oil", "neon"];

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let shifted = (((self.0 >> 18) ^ self.0) >> 27) as u32;
        u64::from(shifted.rotate_right((self.0 >> 59) as u32))
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn unit(&mut self) -> f32 {
        self.next() as f32 / u32::MAX as f32
    }

    /// Returns a vector near a common axis, which raises all cosines, in some spaces more.
    pub fn vector(&mut self, space: Space) -> Vec<f32> {
        let raised = [0.4, 1.5, 0.1, 0.6][space as usize];
        let mut vector: Vec<f32> = (0..DIMENSION)
            .map(|_| self.unit() + self.unit() + self.unit() - 1.5)
            .collect();
        vector[0] += raised;
        unit(vector)
    }
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = product(&vector, &vector).sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

pub fn point(random: &mut Random, number: u64) -> Point {
    let vectors = Vectors::from_fn(|space| (random.below(12) != 0).then(|| random.vector(space)));
    let style = STYLES[random.below(3)];
    let mut tags: Vec<&str> = (0..2).map(|_| TAGS[random.below(TAGS.len())]).collect();
    tags.dedup();
    tags.push(style);
    let payload =
        json!({ "tags_all": tags, "matched_tags": [style], "path": format!("{number}.png") });
    Point {
        id: PointId::Number(number),
        vectors,
        payload: payload.as_object().cloned().expect("an object"),
    }
}

pub struct Collection {
    pub gallery: Arc<dyn Gallery>,
    pub searcher: Searcher,
    pub points: Vec<Point>,
    _folder: tempfile::TempDir,
}

pub fn searcher(gallery: &Arc<dyn Gallery>) -> Searcher {
    searcher_with(Arc::new(FakeEmbedder::new(DIMENSION)), gallery)
}

pub fn searcher_with(embedder: Arc<dyn Embedder>, gallery: &Arc<dyn Gallery>) -> Searcher {
    let options = SearcherOptions {
        hnsw_ef: 128,
        rule: PreferenceRule::default(),
        limits: Default::default(),
    };
    Searcher::new(
        embedder,
        Arc::clone(gallery),
        Arc::new(MemoryPreferences::default()),
        options,
    )
}

pub async fn collection(points: Vec<Point>) -> Collection {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = EdgeOptions {
        folder: folder.path().join("collection"),
        name: "searching".to_owned(),
        model: FakeEmbedder::new(DIMENSION).info().as_ref().clone(),
        indexing_threshold_kb: None,
    };
    let gallery: Arc<dyn Gallery> = Arc::new(EdgeGallery::open(options).await.expect("opened"));
    for batch in points.chunks(500) {
        gallery.upsert(batch.to_vec()).await.expect("stored");
    }
    Collection {
        searcher: searcher(&gallery),
        gallery,
        points,
        _folder: folder,
    }
}

pub async fn filled(count: u64, seed: u64) -> Collection {
    let mut random = Random(seed);
    collection(
        (1..=count)
            .map(|number| point(&mut random, number))
            .collect(),
    )
    .await
}

impl Collection {
    pub async fn search(&self, query: SearchQuery) -> SearchAnswer {
        self.searcher.search(query).await.expect("an answer")
    }

    pub fn point(&self, id: PointId) -> &Point {
        self.points
            .iter()
            .find(|point| point.id == id)
            .expect("stored")
    }

    /// Ranks all pictures for a query that is like one of them and may have words, with the
    /// searcher's own model.
    pub async fn brute_force(&self, sampled: Option<&Sampled>, query: &SearchQuery) -> Vec<Hit> {
        let probes = self.probes(query).await;
        let words = |text: &Option<String>| text.as_deref().map(LexicalQuery::new);
        let ranking = Ranking::new(RankingParts {
            probes: &probes,
            guesses: None,
            words: Words {
                wanted: words(&query.text),
                unwanted: words(&query.negative_text),
                proposed_by: None,
            },
            taste: Taste::default(),
            sampled,
            calibrated: query.calibrated,
        });
        let lexical = ranking.lexical_tags();
        let has_tags = |point: &Point| {
            let filter = &query.filter.tags;
            let mut tags = filter.iter();
            tags.all(|wanted| tags_of(&point.payload).any(|tag| tag == wanted))
        };
        let counted = self
            .points
            .iter()
            .filter(|point| !query.like.contains(&point.id) && has_tags(point));
        let scored = counted.filter_map(|point| {
            let score = |probe: &Probe| {
                let stored = point.vectors.get(probe.space()).as_ref()?;
                Some(product(&probe.vector, stored))
            };
            let scores: Vec<Option<f32>> = probes.iter().map(score).collect();
            // The words also look up pictures by their tags.
            let is_named =
                tags_of(&point.payload).any(|tag| lexical.iter().any(|word| word == tag));
            let found = is_named || scores.iter().any(Option::is_some);
            found.then(|| Candidate {
                id: point.id,
                scores,
                payload: point.payload.clone(),
            })
        });
        let mut hits = ranking.rank(scored.collect());
        if let Some(percentile) = query.min_percentile {
            hits.retain(|hit| hit.percentile >= Some(percentile));
        }
        if ranking.corrects_crowding() {
            let pool: Vec<Crowding> = hits
                .iter()
                .take(POOL)
                .map(|hit| self.crowding(hit.id))
                .collect();
            ranking.correct_crowding(&pool, &mut hits);
        }
        hits
    }

    async fn probes(&self, query: &SearchQuery) -> Vec<Probe> {
        let like = query.like.first().map(|id| &self.point(*id).vectors);
        let words = match &query.text {
            None => None,
            Some(words) => {
                let input = vec![EmbedInput::Text(words.clone())];
                let embedded = FakeEmbedder::new(DIMENSION).embed(input).await;
                embedded.expect("embedded").embeddings.pop()
            }
        };
        let vector = |kind: ProbeKind| match (kind, &words) {
            // `like` asks for the subject, not for the style.
            (ProbeKind::Style, _) => None,
            (ProbeKind::WordsImage, words) => words.clone(),
            (kind, None) => like?.get(kind.space()).clone(),
            (ProbeKind::Text, Some(words)) => match like.and_then(|like| like.text.as_ref()) {
                None => Some(words.clone()),
                Some(like) => Some(unit(words.iter().zip(like).map(|(a, b)| a + b).collect())),
            },
            (kind, Some(_)) => like?.get(kind.space()).clone(),
        };
        let vectors: Vec<(ProbeKind, Vec<f32>)> = ProbeKind::ALL
            .into_iter()
            .filter(|kind| query.weights.get(WeightField::of(*kind)) > 0.0)
            .filter_map(|kind| Some((kind, vector(kind)?)))
            .collect();
        let is_used = |field| {
            let mut used = vectors.iter().map(|(kind, _)| WeightField::of(*kind));
            used.any(|used| used == field)
        };
        let weights = query.weights.normalised(is_used).expect("good weights");
        let probe = |(kind, vector)| Probe {
            kind,
            vector,
            weight: weights.get(WeightField::of(kind)),
        };
        vectors.into_iter().map(probe).collect()
    }

    /// Computes the crowding by comparing with every other picture.
    pub fn crowding(&self, id: PointId) -> Crowding {
        let point = self.point(id);
        let mut crowding = Crowding::default();
        for space in SPACES {
            let Some(vector) = point.vectors.get(space) else {
                continue;
            };
            let others = self.points.iter().filter(|other| other.id != id);
            let mut cosines: Vec<f32> = others
                .filter_map(|other| Some(product(vector, other.vectors.get(space).as_ref()?)))
                .collect();
            cosines.sort_unstable_by(|left, right| right.total_cmp(left));
            *crowding.get_mut(space) =
                Some(cosines[..NEIGHBOURS].iter().sum::<f32>() / NEIGHBOURS as f32);
        }
        crowding
    }
}

pub fn ids(hits: &[Hit]) -> Vec<PointId> {
    hits.iter().map(|hit| hit.id).collect()
}

pub fn like(id: u64) -> SearchQuery {
    SearchQuery {
        like: vec![PointId::Number(id)],
        ..SearchQuery::default()
    }
}

/// Draws a square on a pad, with this distance from the left.
pub fn drawing(left: u32) -> Bytes {
    let mut pad = RgbImage::from_pixel(120, 80, Rgb([255, 255, 255]));
    for (x, y) in (left..left + 30).flat_map(|x| (20..60).map(move |y| (x, y))) {
        pad.put_pixel(x, y, Rgb([(x * 5) as u8, 20, (y * 3) as u8]));
    }
    let mut bytes = Cursor::new(Vec::new());
    pad.write_to(&mut bytes, ImageFormat::Png).expect("written");
    bytes.into_inner().into()
}

pub fn sketch(left: u32) -> SearchQuery {
    SearchQuery {
        sketch: Some(drawing(left)),
        top: 10,
        ..SearchQuery::default()
    }
}
