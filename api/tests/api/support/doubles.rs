//! A gallery in memory, preferences in memory, pictures without files, and an encoder that is full.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::embedding::{EmbedInput, Embedded, Embedder, ModelInfo};
use clippy_core::fake::FakeEmbedder;
use clippy_core::gallery::{
    Candidate, Candidates, CollectionInfo, Crowding, FacetCount, Filter, GENERATED, Gallery,
    HybridQuery, ORIGIN_FIELD, ORIGIN_SCHEMA_VERSION, Origin, Page, Payload, PerSpace, Point,
    Space, TagMode, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_core::pictures::{PictureContent, Pictures, ServedPicture};
use clippy_core::preferences::{Feedback, FeedbackOutcome, PreferenceRule, Preferences, Profile};
use clippy_core::recent::{RecentQueries, RecentQuery};
use clippy_core::search::fusion::tags_of;
use clippy_core::{Error, ErrorCode, Result};
use serde_json::{Value, json};

/// The queries that were recorded, the newest first.
#[derive(Default)]
pub struct RecentInMemory(pub Mutex<Vec<RecentQuery>>);

impl RecentQueries for RecentInMemory {
    fn record(&self, query: RecentQuery) {
        self.0.lock().expect("no panic").insert(0, query);
    }

    fn recent(&self) -> Vec<RecentQuery> {
        self.0.lock().expect("no panic").clone()
    }
}

/// Points in a map; every search looks at all of them.
pub struct MemoryGallery {
    dimension: usize,
    /// Version of the schema.
    pub schema_version: AtomicU32,
    points: Mutex<BTreeMap<PointId, Point>>,
    notes: Mutex<HashMap<String, Value>>,
    /// `info` fails while this is set.
    pub away: AtomicBool,
    /// `facet` panics while this is set.
    pub panics: AtomicBool,
    /// How many searches have come this far.
    pub searches: AtomicUsize,
    /// Searches wait here while somebody holds it.
    pub gate: Arc<tokio::sync::Mutex<()>>,
}

impl MemoryGallery {
    /// Forty pictures of four subjects, with numbers as ids, and one with a UUID.
    pub async fn filled(dimension: usize) -> Self {
        let embedder = FakeEmbedder::new(dimension);
        let mut points = BTreeMap::new();
        for number in 0..41_u64 {
            let id = if number == 40 {
                PointId::Uuid(uuid::Uuid::from_u128(7))
            } else {
                PointId::Number(number)
            };
            let subject = ["apple", "house", "cat", "moon"][(number % 4) as usize];
            let style = if number % 2 == 0 {
                "line_art"
            } else {
                "pixel_art"
            };
            let Value::Object(payload) = json!({
                "id": number, "path": format!("{number}.png"), "tags_all": [subject, style], "matched_tags": [style],
                "rating": if number % 5 == 0 { "questionable" } else { "safe" }, "style": style,
                "source_post_url": "https://example.org/1", "_clippy_hash": "secret",
            }) else {
                unreachable!("an object")
            };
            let words = |space: &str| vec![EmbedInput::Text(format!("{space} {number}"))];
            let mut vectors = Vectors::default();
            for space in Space::ALL {
                let embedded = embedder
                    .embed(words(space.name()))
                    .await
                    .expect("a fake does not fail");
                *vectors.get_mut(space) = embedded.embeddings.into_iter().next();
            }
            points.insert(
                id,
                Point {
                    id,
                    vectors,
                    payload,
                },
            );
        }
        Self {
            dimension,
            schema_version: AtomicU32::new(ORIGIN_SCHEMA_VERSION),
            points: Mutex::new(points),
            notes: Mutex::default(),
            away: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            searches: AtomicUsize::new(0),
            gate: Arc::default(),
        }
    }

    /// Deletes a picture, as another process would.
    pub fn remove(&self, number: u64) {
        self.points
            .lock()
            .expect("no panic holds it")
            .remove(&PointId::Number(number));
    }

    fn matching(&self, filter: &Filter) -> Vec<Point> {
        let points = self.points.lock().expect("no panic holds it");
        points
            .values()
            .filter(|point| counts(point, filter))
            .cloned()
            .collect()
    }
}

fn counts(point: &Point, filter: &Filter) -> bool {
    let has = |tag: &String| tags_of(&point.payload).any(|own| own == tag);
    let tags = match filter.tag_mode {
        TagMode::Any => filter.tags.is_empty() || filter.tags.iter().any(has),
        TagMode::All => filter.tags.iter().all(has),
    };
    let made = point
        .payload
        .get(ORIGIN_FIELD)
        .is_some_and(|origin| origin == GENERATED);
    let origin = match filter.origin {
        Origin::Any => true,
        Origin::Gallery => !made,
        Origin::Generated => made,
    };
    let rating = point
        .payload
        .get("rating")
        .and_then(Value::as_str)
        .unwrap_or_default();
    origin
        && tags
        && !filter.exclude_tags.iter().any(has)
        && (filter.ratings.is_empty() || filter.ratings.iter().any(|wanted| wanted == rating))
        && !filter.exclude_ids.contains(&point.id)
        && filter
            .only_ids
            .as_ref()
            .is_none_or(|ids| ids.contains(&point.id))
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    left.iter()
        .zip(right)
        .map(|(left, right)| left * right)
        .sum()
}

fn not_in_this_double<T>() -> Result<T> {
    Err(Error::internal("the double of a gallery cannot do this"))
}

#[async_trait]
impl Gallery for MemoryGallery {
    async fn info(&self) -> Result<CollectionInfo> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Error::new(
                ErrorCode::Unavailable,
                "qdrant at 10.0.0.7 refused the password hunter2",
            ));
        }
        Ok(CollectionInfo {
            name: "test".to_owned(),
            points: self.points.lock().expect("no panic holds it").len() as u64,
            dimension: self.dimension,
            model: "fake".to_owned(),
            pretrained: "none".to_owned(),
            fingerprint: "fake".to_owned(),
            schema_version: self.schema_version.load(Ordering::SeqCst),
            roots: vec!["pictures".to_owned()],
            indexed: true,
        })
    }

    async fn retrieve(&self, ids: &[PointId], _with: With) -> Result<Vec<Point>> {
        let points = self.points.lock().expect("no panic holds it");
        Ok(ids
            .iter()
            .filter_map(|id| points.get(id).cloned())
            .collect())
    }

    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates> {
        self.searches.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.lock().await);
        let hits = self
            .matching(&query.filter)
            .into_iter()
            .map(|point| Candidate {
                id: point.id,
                scores: PerSpace::from_fn(|space| {
                    Some(cosine(
                        query.vectors.get(space).as_ref()?,
                        point.vectors.get(space).as_ref()?,
                    ))
                }),
                payload: if query.with_payload {
                    point.payload
                } else {
                    Payload::default()
                },
            })
            .collect();
        Ok(Candidates {
            hits,
            ..Candidates::default()
        })
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        Ok(self.matching(filter).len() as u64)
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        assert!(
            !self.panics.load(Ordering::SeqCst),
            "the secret of /etc/passwd"
        );
        let mut counts: HashMap<String, u64> = HashMap::new();
        for point in self.matching(filter) {
            for value in point
                .payload
                .get(field)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                *counts
                    .entry(value.as_str().unwrap_or_default().to_owned())
                    .or_default() += 1;
            }
        }
        let mut counts: Vec<_> = counts
            .into_iter()
            .map(|(value, count)| FacetCount { value, count })
            .collect();
        counts.sort_by(|left, right| {
            right
                .count
                .cmp(&left.count)
                .then(left.value.cmp(&right.value))
        });
        counts.truncate(limit);
        Ok(counts)
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<()> {
        let mut stored = self.points.lock().expect("no panic holds it");
        stored.extend(points.into_iter().map(|point| (point.id, point)));
        Ok(())
    }

    async fn update_vectors(&self, _updates: Vec<(PointId, Vectors)>) -> Result<()> {
        not_in_this_double()
    }

    async fn set_payload(&self, _id: PointId, _fields: Payload) -> Result<()> {
        not_in_this_double()
    }

    async fn crowding(
        &self,
        ids: &[PointId],
        _spaces: &[Space],
        _neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        // Nobody stands in a crowd here.
        Ok(vec![Crowding::default(); ids.len()])
    }

    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        _with: With,
    ) -> Result<Page> {
        let mut points = self.matching(filter);
        points.retain(|point| from.is_none_or(|from| point.id >= from));
        let next = points.get(limit).map(|point| point.id);
        points.truncate(limit);
        Ok(Page { points, next })
    }

    async fn delete(&self, _ids: &[PointId]) -> Result<()> {
        not_in_this_double()
    }

    async fn add_root(&self, _root: &str) -> Result<()> {
        Ok(())
    }

    async fn note(&self, name: &str) -> Result<Option<Value>> {
        Ok(self
            .notes
            .lock()
            .expect("no panic holds it")
            .get(name)
            .cloned())
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        self.notes
            .lock()
            .expect("no panic holds it")
            .insert(name.to_owned(), note);
        Ok(())
    }

    async fn optimize(&self) -> Result<()> {
        Ok(())
    }
}

/// Weights by Clippy 0.2's rule.
#[derive(Default)]
pub struct MemoryPreferences {
    users: Mutex<HashMap<String, Profile>>,
}

#[async_trait]
impl Preferences for MemoryPreferences {
    async fn record(&self, feedback: Feedback) -> Result<FeedbackOutcome> {
        let rule = PreferenceRule::default();
        let mut users = self.users.lock().expect("no panic holds it");
        let profile = users.entry(feedback.user_id).or_default();
        let bump = |list: &mut Vec<(String, f64)>, name: String| match list
            .iter_mut()
            .find(|(known, _)| *known == name)
        {
            Some((_, weight)) => *weight = rule.updated(*weight, feedback.action),
            None => list.push((name, rule.updated(0.0, feedback.action))),
        };
        let updated_tags = feedback.tags.len();
        feedback
            .tags
            .into_iter()
            .for_each(|tag| bump(&mut profile.tags, tag.to_lowercase()));
        let updated_style = feedback.style.is_some();
        feedback
            .style
            .into_iter()
            .for_each(|style| bump(&mut profile.styles, style));
        profile.saved += 1;
        Ok(FeedbackOutcome {
            updated_tags,
            updated_style,
        })
    }

    async fn profile(&self, user_id: &str, _top: usize) -> Result<Profile> {
        Ok(self
            .users
            .lock()
            .expect("no panic holds it")
            .get(user_id)
            .cloned()
            .unwrap_or_default())
    }

    async fn tag_weights(&self, user_id: &str) -> Result<HashMap<String, f64>> {
        let users = self.users.lock().expect("no panic holds it");
        Ok(users
            .get(user_id)
            .map(|profile| profile.tags.iter().cloned().collect())
            .unwrap_or_default())
    }
}

/// Pictures that are made of their names: `13.png` is outside of the roots, `17.png` is gone.
pub struct FolderlessPictures;

#[async_trait]
impl Pictures for FolderlessPictures {
    async fn open(&self, path: &str, width: Option<u32>) -> Result<ServedPicture> {
        match path {
            "13.png" => Err(Error::new(
                ErrorCode::Forbidden,
                "the picture lies outside of the served folders",
            )),
            "17.png" => Err(Error::not_found("the picture's file is gone")),
            _ => {
                let name = format!(
                    "{path} {}",
                    width.map_or("whole".to_owned(), |width| width.to_string())
                );
                Ok(ServedPicture {
                    etag: name.replace(['.', ' '], "-"),
                    content: PictureContent::Memory(Bytes::from(name)),
                    content_type: "image/png".to_owned(),
                })
            }
        }
    }
}

/// Has no place for anything.
pub struct FullEmbedder(pub FakeEmbedder);

#[async_trait]
impl Embedder for FullEmbedder {
    fn info(&self) -> &Arc<ModelInfo> {
        self.0.info()
    }

    async fn embed(&self, _inputs: Vec<EmbedInput>) -> Result<Embedded> {
        Err(Error::new(
            ErrorCode::Overloaded,
            "256 inputs wait on thread clip-3 already",
        ))
    }
}
