//! Puts pictures back, and undoes edits.

use std::collections::HashMap;

use clippy_core::Result;
use clippy_core::embedding::EmbedInput;
use clippy_core::gallery::{Point, STYLE_GROUP_FIELD, Vectors, With, tags_of};
use clippy_core::ids::PointId;
use clippy_core::sentences::{self, Underscores, sentence};
use clippy_core::trash::{KeptPoint, KeptState, NumberedPoint};
use clippy_tagging::{embed, take_turn};
use serde::{Deserialize, Serialize};

use crate::Keeper;

/// What became of kept points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Pictures that are again as they were.
    pub restored: u64,
    /// Among them, pictures that have only their text vector, since the model changed meanwhile.
    /// Adding or ingesting their files again makes the other vectors.
    pub without_vectors: u64,
    /// Pictures of which only the tombstone was left. It is removed, so an ingest can add them
    /// again.
    pub lifted: u64,
    /// Edits that were not undone, since the picture was changed again or deleted.
    pub outdated: u64,
}

impl Restored {
    /// Adds another result.
    pub fn merge(&mut self, other: Self) {
        self.restored += other.restored;
        self.without_vectors += other.without_vectors;
        self.lifted += other.lifted;
        self.outdated += other.outdated;
    }
}

impl Keeper<'_> {
    /// Puts points back as they were: payload and vectors, bit for bit.
    ///
    /// # Errors
    /// Those of the collection, the model and the trash. Repeating the call completes it.
    pub async fn put_back(&self, kept: Vec<NumberedPoint>, template: &str) -> Result<Restored> {
        let _turn = take_turn().await;
        let mut result = Restored::default();
        let ids: Vec<PointId> = kept.iter().map(|one| one.kept.point.id).collect();
        let current = self.gallery.retrieve(&ids, With::ALL).await?;
        let mut current: HashMap<PointId, Point> =
            current.into_iter().map(|point| (point.id, point)).collect();
        let form = sentences::read_form(self.gallery).await?;
        let (mut points, mut restoring, mut done) = (Vec::new(), Vec::new(), Vec::new());
        for NumberedPoint {
            number,
            is_outdated,
            kept,
        } in kept
        {
            let now = current.remove(&kept.point.id);
            match (kept.kind.is_removed(), now) {
                (true, _) if kept.emptied => {
                    result.lifted += 1;
                    done.push(number);
                    continue;
                }
                // An earlier run was stopped after it had put the point back.
                (true, Some(_)) => {}
                (true, None) => {
                    let point =
                        self.without_other_models_vectors(kept, (template, form), &mut result);
                    points.push(point.await?);
                    restoring.push(number);
                }
                (false, Some(now)) if !is_outdated => {
                    let mut point = self
                        .without_other_models_vectors(
                            kept,
                            (template, form),
                            &mut Restored::default(),
                        )
                        .await?;
                    keep_newer_parts(&mut point, now);
                    points.push(point);
                }
                (false, _) => {
                    result.outdated += 1;
                    continue;
                }
            }
            result.restored += 1;
            done.push(number);
        }
        self.trash
            .set_state(&restoring, KeptState::Restoring)
            .await?;
        if !points.is_empty() {
            self.gallery.upsert(points).await?;
        }
        self.trash.forget(&done).await?;
        Ok(result)
    }

    /// Returns the point as it was. If another model made its vectors, the text vector is computed
    /// again, and the other vectors are left out.
    async fn without_other_models_vectors(
        &self,
        kept: KeptPoint,
        (template, form): (&str, Underscores),
        result: &mut Restored,
    ) -> Result<Point> {
        let mut point = kept.point;
        if kept.model == self.embedder.info().fingerprint {
            return Ok(point);
        }
        result.without_vectors += 1;
        point.payload.remove(STYLE_GROUP_FIELD);
        let tags: Vec<&str> = tags_of(&point.payload).collect();
        let text = match sentence(&tags, template, form) {
            Some(sentence) => {
                let made = embed(self.embedder, vec![EmbedInput::Text(sentence)]).await?;
                made.into_iter().next()
            }
            None => None,
        };
        point.vectors = Vectors {
            text,
            ..Vectors::default()
        };
        Ok(point)
    }
}

/// Keeps the present values of what an edit never changes (the other vectors and the style group),
/// since they may be newer than the edit.
fn keep_newer_parts(point: &mut Point, now: Point) {
    let text = point.vectors.text.take();
    point.vectors = Vectors {
        text,
        ..now.vectors
    };
    match now.payload.get(STYLE_GROUP_FIELD) {
        Some(group) => point
            .payload
            .insert(STYLE_GROUP_FIELD.to_owned(), group.clone()),
        None => point.payload.remove(STYLE_GROUP_FIELD),
    };
}
