//! Points of the live collection, made anew by another model and stored in the collection beside
//! it.

use std::sync::Arc;

use clippy_core::collections::Collections;
use clippy_core::embedding::{EmbedInput, Embedder};
use clippy_core::gallery::{Gallery, Payload, Point, Space, With};
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
use crate::ingest::embed::Order;
use crate::ingest::mark::{FIELD, Mark, md5_hex, same_but_mark};
use crate::ingest::picture::{PreparedPicture, prepare};

/// Points that are worked on together: one call to the model, one to the collection.
pub(super) const CHUNK: usize = 32;

/// Embeds points again.
pub(super) struct Renewer {
    /// The collection that the points are stored in.
    pub(super) beside: Arc<dyn Gallery>,
    /// The model that fills it.
    pub(super) embedder: Arc<dyn Embedder>,
    pictures: Arc<dyn Pictures>,
    template: String,
    /// How the collection's sentences are written: one that a re-index fills begins anew, one that
    /// is gone back to keeps to its own.
    underscores: Underscores,
    styles: StyleVectors,
    limits: DecodeLimits,
    threads: Threads,
}

/// What there is of a picture for its new point.
enum Look {
    /// Its pixels, ready for the model, and the mark of a point made from them.
    Seen(Box<PreparedPicture>),
    /// Its file cannot be read any more, and why.
    Gone(LineFailure),
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

    /// Makes and stores these points of the live collection, of which the payload is enough; what
    /// stands there already as it should is left alone. When this returns they are stored.
    ///
    /// A picture whose file cannot be read any more keeps its place: its payload, and the vector of
    /// its tags. It is found by its words until a backfill finds its file again.
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
        let looks = join_all(wanting.iter().map(|point| self.look(point))).await;
        let mut order = Order::default();
        let mut planned = Vec::with_capacity(wanting.len());
        for (place, (point, look)) in wanting.into_iter().zip(looks).enumerate() {
            planned.push(self.plan(place, point, look?, &mut order));
        }
        let made = order.make(&*self.embedder, planned.len()).await?;
        let mut fresh = Vec::with_capacity(planned.len());
        for ((mut point, outcome), vectors) in planned.into_iter().zip(made) {
            let outcome = match vectors {
                Ok(vectors) => {
                    point.vectors = vectors;
                    outcome
                }
                Err(failure) => {
                    // Without a mark, nobody takes it for made.
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

    /// Whether the new point is what would be made of the live one now.
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
        let tags: Vec<&str> = payload
            .get("tags_all")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        sentence(&tags, &self.template, self.underscores)
    }

    async fn look(&self, point: &Point) -> Result<Look> {
        let Some(path) = point.payload.get("path").and_then(Value::as_str) else {
            let reason = "its payload names no path, so that its file is not known";
            return Ok(Look::Gone(LineFailure::new(FailureKind::NoPath, reason)));
        };
        let served = match self.pictures.open(path, None).await {
            Ok(served) => served,
            // Something is away for the moment: that says nothing about the picture.
            Err(error) if error.code.is_retryable() => return Err(error),
            Err(error) => {
                let kind = match error.code {
                    ErrorCode::Forbidden => FailureKind::Outside,
                    ErrorCode::NotFound => FailureKind::NoFile,
                    _ => FailureKind::NotAPicture,
                };
                return Ok(Look::Gone(LineFailure::new(
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
                // The time that the known content was seen with; without one, the next ingest looks
                // at the content.
                let mtime_ns = known
                    .filter(|known| known.md5 == mark.md5)
                    .and_then(|known| known.mtime_ns);
                let mark = Mark { mtime_ns, ..mark };
                prepare(&bytes, mark, &model.transform, &limits)
            })
            .await;
        Ok(match prepared {
            Ok(prepared) => Look::Seen(Box::new(prepared)),
            Err(LineFailure { kind, reason }) => {
                Look::Gone(LineFailure::new(kind, format!("{path}: {reason}")))
            }
        })
    }

    /// The new point but for its vectors, which are ordered, and what is told of it once it is
    /// stored.
    fn plan(
        &self,
        place: usize,
        mut point: Point,
        look: Look,
        order: &mut Order,
    ) -> (Point, LineOutcome) {
        let sentence = self.sentence(&point.payload);
        let text = sentence
            .as_ref()
            .map(|sentence| md5_hex(sentence.as_bytes()));
        if let Some(sentence) = sentence {
            order.push(place, Space::Text, EmbedInput::Text(sentence));
        }
        match look {
            Look::Seen(prepared) => {
                let PreparedPicture {
                    mark, image, edge, ..
                } = *prepared;
                order.push_picture(place, image, edge, self.styles);
                point.payload.extend(Mark { text, ..mark }.to_payload());
                (point, LineOutcome::Embedded)
            }
            // The mark stays that of another model, so that an ingest or a later re-index tries
            // again.
            Look::Gone(failure) => (point, failure.into()),
        }
    }
}
