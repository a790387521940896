//! Embeds points of the live collection again, and stores them in the collection that is built
//! beside it.

use std::sync::Arc;

use clippy_core::collections::Collections;
use clippy_core::embedding::{EmbedInput, Embedder};
use clippy_core::gallery::{Gallery, PATH_FIELD, Payload, Point, Space, With, tags_of};
use clippy_core::ids::PointId;
use clippy_core::ledger::{FailureKind, LineFailure, LineOutcome};
use clippy_core::pictures::Pictures;
use clippy_core::sentences::{self, Underscores, sentence};
use clippy_core::styles::{self, StyleVectors};
use clippy_core::{ErrorCode, Result};
use clippy_imaging::DecodeLimits;
use futures::future::join_all;
use serde_json::Value;

use super::ReindexTools;
use crate::ingest::chunk::{Threads, by_id};
use crate::ingest::embed::EmbedRequests;
use crate::ingest::mark::{FIELD, Mark, md5_hex, same_but_mark};
use crate::ingest::picture::{PreparedPicture, prepare};

/// Points that are processed together: one call to the model, one to the collection.
pub(super) const CHUNK: usize = 32;

/// Embeds points again.
pub(super) struct Renewer {
    /// The collection that the points are stored in.
    pub(super) beside: Arc<dyn Gallery>,
    /// The model of that collection.
    pub(super) embedder: Arc<dyn Embedder>,
    pictures: Arc<dyn Pictures>,
    template: String,
    /// How that collection's sentences are written. A new collection uses the current form; after a
    /// rollback the previous one keeps its own.
    underscores: Underscores,
    styles: StyleVectors,
    limits: DecodeLimits,
    threads: Threads,
}

/// A picture that was read for its new point.
enum PictureState {
    /// Its pixels, prepared for the model, and the mark of a point made from them.
    Prepared(Box<PreparedPicture>),
    /// The reason why its file cannot be read any more.
    Unreadable(LineFailure),
}

impl Renewer {
    pub(super) async fn new(
        tools: &ReindexTools,
        beside: &str,
        embedder: Arc<dyn Embedder>,
        template: &str,
    ) -> Result<Self> {
        let beside = Collections::open(&*tools.collections, beside).await?;
        Ok(Self {
            underscores: sentences::record_form(&*beside).await?,
            styles: styles::settle(&*beside, embedder.info()).await?,
            beside,
            embedder,
            pictures: Arc::clone(&tools.pictures),
            template: template.to_owned(),
            limits: DecodeLimits::bulk(),
            threads: Threads::new(),
        })
    }

    /// Embeds and stores these points of the live collection. Only their payloads are needed.
    /// Points that are up to date already are left unchanged. All points are stored when this
    /// returns.
    ///
    /// A picture whose file cannot be read any more is stored with its payload and its text vector.
    /// Searches find it by its words until a backfill finds its file again.
    pub(super) async fn renew(&self, points: Vec<Point>) -> Result<Vec<(PointId, LineOutcome)>> {
        let ids: Vec<PointId> = points.iter().map(|point| point.id).collect();
        let made = by_id(self.beside.retrieve(&ids, With::PAYLOAD).await?);
        let mut outcomes = Vec::with_capacity(points.len());
        let mut wanting = Vec::new();
        for point in points {
            if made
                .get(&point.id)
                .is_some_and(|made| self.is_made(&point.payload, &made.payload))
            {
                outcomes.push((point.id, LineOutcome::Unchanged));
            } else {
                wanting.push(point);
            }
        }
        let pictures = join_all(wanting.iter().map(|point| self.load_picture(point))).await;
        let mut requests = EmbedRequests::default();
        let mut planned = Vec::with_capacity(wanting.len());
        for (place, (point, picture)) in wanting.into_iter().zip(pictures).enumerate() {
            planned.push(self.plan(place, point, picture?, &mut requests));
        }
        let made = requests.embed(&*self.embedder, planned.len()).await?;
        let mut fresh = Vec::with_capacity(planned.len());
        for ((mut point, outcome), vectors) in planned.into_iter().zip(made) {
            let outcome = match vectors {
                Ok(vectors) => {
                    point.vectors = vectors;
                    outcome
                }
                Err(failure) => {
                    // Without a mark, a later run makes it again.
                    point.payload.remove(FIELD);
                    failure.into()
                }
            };
            outcomes.push((point.id, outcome));
            fresh.push(point);
        }
        if !fresh.is_empty() {
            self.beside.upsert(fresh).await?;
        }
        outcomes.sort_unstable_by_key(|(id, _)| *id);
        Ok(outcomes)
    }

    /// Whether the new point is up to date with the live one.
    fn is_made(&self, live: &Payload, made: &Payload) -> bool {
        let Some(mark) =
            Mark::of(made).filter(|mark| mark.model == self.embedder.info().fingerprint)
        else {
            return false;
        };
        let mut wanted = live.clone();
        wanted.remove(FIELD);
        same_but_mark(&wanted, made)
            && mark.text
                == self
                    .sentence(live)
                    .map(|sentence| md5_hex(sentence.as_bytes()))
            && Mark::of(live).is_none_or(|live| live.md5 == mark.md5)
    }

    fn sentence(&self, payload: &Payload) -> Option<String> {
        let tags: Vec<&str> = tags_of(payload).collect();
        sentence(&tags, &self.template, self.underscores)
    }

    async fn load_picture(&self, point: &Point) -> Result<PictureState> {
        let Some(path) = point.payload.get(PATH_FIELD).and_then(Value::as_str) else {
            let reason = "its payload has no path, so its file is not known";
            return Ok(PictureState::Unreadable(LineFailure::new(
                FailureKind::NoPath,
                reason,
            )));
        };
        let served = match self.pictures.open(path, None).await {
            Ok(served) => served,
            // A temporary failure says nothing about the picture.
            Err(error) if error.code.is_retryable() => return Err(error),
            Err(error) => {
                let kind = match error.code {
                    ErrorCode::Forbidden => FailureKind::Outside,
                    ErrorCode::NotFound => FailureKind::NoFile,
                    _ => FailureKind::NotAPicture,
                };
                return Ok(PictureState::Unreadable(LineFailure::new(
                    kind,
                    format!("{path}: {}", error.message),
                )));
            }
        };
        let (model, limits) = (Arc::clone(self.embedder.info()), self.limits);
        let known = Mark::of(&point.payload);
        let prepared = self
            .threads
            .run(move || {
                let read = served.content.whole();
                let bytes =
                    read.map_err(|error| LineFailure::new(FailureKind::Unreadable, error.message))?;
                let mark = Mark::new(&bytes, None, &model.fingerprint);
                // The modification time for the known content. Without one, the next ingest reads
                // the file and compares its content.
                let mtime_ns = known
                    .filter(|known| known.md5 == mark.md5)
                    .and_then(|known| known.mtime_ns);
                let mark = Mark { mtime_ns, ..mark };
                prepare(&bytes, mark, &model.transform, &limits)
            })
            .await;
        Ok(match prepared {
            Ok(prepared) => PictureState::Prepared(Box::new(prepared)),
            Err(LineFailure { kind, reason }) => {
                PictureState::Unreadable(LineFailure::new(kind, format!("{path}: {reason}")))
            }
        })
    }

    /// Requests the vectors of a new point. Returns the point without them, and its outcome once it
    /// is stored.
    fn plan(
        &self,
        place: usize,
        mut point: Point,
        picture: PictureState,
        requests: &mut EmbedRequests,
    ) -> (Point, LineOutcome) {
        let sentence = self.sentence(&point.payload);
        let text = sentence
            .as_ref()
            .map(|sentence| md5_hex(sentence.as_bytes()));
        if let Some(sentence) = sentence {
            requests.push(place, Space::Text, EmbedInput::Text(sentence));
        }
        match picture {
            PictureState::Prepared(prepared) => {
                let PreparedPicture {
                    mark, image, edge, ..
                } = *prepared;
                requests.push_picture(place, image, edge, &self.styles);
                point.payload.extend(Mark { text, ..mark }.to_payload());
                (point, LineOutcome::Embedded)
            }
            // The mark stays that of the other model, so that a later ingest or re-index makes the
            // vectors.
            PictureState::Unreadable(failure) => (point, failure.into()),
        }
    }
}
