//! Decisions about proposals: an accepted one becomes a tag, a rejected one is not proposed again.

use std::collections::{HashMap, HashSet};

use clippy_core::embedding::{EmbedInput, Embedder, Embedding};
use clippy_core::gallery::{
    ACCEPTED_FIELD, Filter, Gallery, NOTES_FIELD, Payload, Point, Proposed, REJECTED_FIELD,
    STYLE_TAGS_FIELD, Space, TAGS_FIELD, With, check_vector, tags_of, words_of,
};
use clippy_core::ids::PointId;
use clippy_core::sentences::{Underscores, sentence};
use clippy_core::trash::{KeptKind, KeptState, Trash, UndoableChange};
use clippy_core::{Error, Result, sentences};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::lexicon::embed;
use crate::record::{Proposal, proposals_of, to_fields};
use crate::vocabulary::MOST_TAGS;

/// The most pictures that one call decides on.
pub const MOST_AT_ONCE: usize = 500;
/// Points of one page.
const PAGE: usize = 64;

/// Held by a change of tags from reading to writing, so that two changes of the same picture do not
/// undo each other.
static TURN: Mutex<()> = Mutex::const_new(());

/// Waits until no other review or edit of pictures runs. Hold the result from reading to writing.
pub async fn take_turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// The decision about some proposals of one picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The picture.
    pub id: PointId,
    /// Proposed tags that are right.
    pub accept: Vec<String>,
    /// Proposed tags that are wrong.
    pub reject: Vec<String>,
}

/// What to do with all proposals of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagAction {
    /// Make them tags.
    Accept,
    /// Do not propose them again.
    Reject,
}

/// The result of a review.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reviewed {
    /// Proposals that became tags.
    pub accepted: u64,
    /// Proposals that were rejected.
    pub rejected: u64,
    /// Pictures that changed.
    pub pictures: u64,
    /// Whether there are more pictures to decide on.
    pub more: bool,
}

/// Reviews proposals of one collection.
pub struct Reviewer<'g> {
    gallery: &'g dyn Gallery,
    embedder: &'g dyn Embedder,
    template: &'g str,
    /// Keeps the pictures as they were before the review.
    change: UndoableChange<'g>,
}

/// A picture after a decision.
struct Changed {
    point: Point,
    /// The sentence to embed, when there are new tags.
    sentence: Option<String>,
    fields: Payload,
    accepted: u64,
    rejected: u64,
}

impl<'g> Reviewer<'g> {
    /// A reviewer that embeds tags as this sentence. `change` is the name under which the review
    /// is kept in the trash, and who asked for it.
    #[must_use]
    pub fn new(
        gallery: &'g dyn Gallery,
        embedder: &'g dyn Embedder,
        template: &'g str,
        (trash, name, by): (&'g dyn Trash, &'g str, Option<&'g str>),
    ) -> Self {
        let model = &embedder.info().fingerprint;
        Self {
            gallery,
            embedder,
            template,
            change: UndoableChange {
                trash,
                name,
                by,
                model,
            },
        }
    }

    /// Adds a line about the review to the journal, unless it changed nothing.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn record(&self, reviewed: Reviewed, mut detail: Value) -> Result<()> {
        if reviewed.pictures == 0 {
            return Ok(());
        }
        detail["accepted"] = reviewed.accepted.into();
        detail["rejected"] = reviewed.rejected.into();
        let record = self.change.record("review_tags", reviewed.pictures, detail);
        record.await
    }

    /// Carries out decisions. Tags that are not proposed for a picture are left out, so that the
    /// same decision can be sent twice.
    ///
    /// An accepted tag is added to a picture's tags, and the vector of their sentence is computed
    /// again. Both change in one write. The pictures are kept in the trash as they were before.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::NotFound`] for a picture that is not in the collection: then
    /// nothing is changed. And those of the model and the collection.
    pub async fn review(&self, decisions: Vec<Decision>) -> Result<Reviewed> {
        let ids: Vec<PointId> = decisions.iter().map(|decision| decision.id).collect();
        let found = self.gallery.retrieve(&ids, With::NOTHING).await?;
        let exist: HashSet<PointId> = found.into_iter().map(|point| point.id).collect();
        if let Some(missing) = ids.iter().find(|id| !exist.contains(*id)) {
            return Err(Error::not_found(format!(
                "the collection has no picture {missing}: nothing was changed"
            )));
        }
        self.review_existing(decisions).await
    }

    /// Carries out decisions; pictures that do not exist are left out.
    pub(crate) async fn review_existing(&self, decisions: Vec<Decision>) -> Result<Reviewed> {
        let _turn = take_turn().await;
        let mut reviewed = Reviewed::default();
        if decisions.is_empty() {
            return Ok(reviewed);
        }
        let form = sentences::read_form(self.gallery).await?;
        let styles = self.styles().await?;
        for page in decisions.chunks(PAGE) {
            let ids: Vec<PointId> = page.iter().map(|decision| decision.id).collect();
            let mut points: HashMap<PointId, Point> = HashMap::new();
            for point in self.gallery.retrieve(&ids, With::ALL).await? {
                points.insert(point.id, point);
            }
            let changed = page.iter().filter_map(|decision| {
                let point = points.remove(&decision.id)?;
                self.decide(point, decision, form, &styles)
            });
            self.write(changed.collect(), &mut reviewed).await?;
        }
        Ok(reviewed)
    }

    /// Decides on proposals of one tag that have at least this probability, on some hundred
    /// pictures in a call.
    ///
    /// # Errors
    /// Those of the model and the collection.
    pub async fn review_tag(
        &self,
        tag: &str,
        at_least: f64,
        action: TagAction,
    ) -> Result<Reviewed> {
        let fingerprint = &self.embedder.info().fingerprint;
        let filter = Filter {
            proposed: Some(Proposed {
                by: fingerprint.clone(),
                words: vec![tag.to_owned()],
            }),
            ..Filter::default()
        };
        let (mut decisions, mut from) = (Vec::new(), None);
        loop {
            let page = self
                .gallery
                .scroll(&filter, from, PAGE, With::PAYLOAD)
                .await?;
            let is_meant = |one: &Proposal| one.tag == tag && one.probability >= at_least;
            for point in page.points {
                if proposals_of(&point.payload, fingerprint)
                    .iter()
                    .any(is_meant)
                {
                    decisions.push(Decision::of_tag(point.id, tag, action));
                }
            }
            from = page.next;
            if from.is_none() || decisions.len() > MOST_AT_ONCE {
                break;
            }
        }
        let more = decisions.len() > MOST_AT_ONCE;
        decisions.truncate(MOST_AT_ONCE);
        let reviewed = self.review_existing(decisions).await?;
        Ok(Reviewed { more, ..reviewed })
    }

    /// The style tags of the collection, in lower case. An accepted one is a style of its picture.
    async fn styles(&self) -> Result<HashSet<String>> {
        let filter = Filter::default();
        let known = self.gallery.facet(STYLE_TAGS_FIELD, &filter, MOST_TAGS);
        let known = known.await?.into_iter();
        Ok(known.map(|found| found.value.to_lowercase()).collect())
    }

    /// Carries out the decision about a picture; `None` when it changes nothing.
    fn decide(
        &self,
        point: Point,
        decision: &Decision,
        form: Underscores,
        styles: &HashSet<String>,
    ) -> Option<Changed> {
        let fingerprint = &self.embedder.info().fingerprint;
        let payload = &point.payload;
        let (mut accepted, mut rejected, mut left) = (Vec::new(), Vec::new(), Vec::new());
        for proposal in proposals_of(payload, fingerprint) {
            if decision.reject.contains(&proposal.tag) {
                rejected.push(proposal.tag);
            } else if decision.accept.contains(&proposal.tag) {
                accepted.push(proposal.tag);
            } else {
                left.push(proposal);
            }
        }
        if accepted.is_empty() && rejected.is_empty() {
            return None;
        }
        let mut fields = to_fields(&left, fingerprint);
        let mut add = |field: &str, tags: &[String]| {
            if !tags.is_empty() {
                let known = words_of(payload, field).map(str::to_owned);
                let all: Vec<String> = known.chain(tags.iter().cloned()).collect();
                fields.insert(field.to_owned(), all.into());
            }
        };
        add(TAGS_FIELD, &accepted);
        add(ACCEPTED_FIELD, &accepted);
        add(REJECTED_FIELD, &rejected);
        let of_style = |tag: &&String| styles.contains(&tag.to_lowercase());
        let new_styles: Vec<String> = accepted.iter().filter(of_style).cloned().collect();
        add(STYLE_TAGS_FIELD, &new_styles);
        let tags: Vec<&str> = tags_of(payload)
            .chain(accepted.iter().map(String::as_str))
            .collect();
        let sentence = sentence(&tags, self.template, form).filter(|_| !accepted.is_empty());
        if let (Some(sentence), Some(mark)) = (&sentence, payload.get(NOTES_FIELD)) {
            fields.insert(NOTES_FIELD.to_owned(), mark.clone());
            note_sentence(&mut fields, Some(sentence));
        }
        Some(Changed {
            sentence,
            fields,
            accepted: accepted.len() as u64,
            rejected: rejected.len() as u64,
            point,
        })
    }

    async fn write(&self, changed: Vec<Changed>, reviewed: &mut Reviewed) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let sentences = changed.iter().filter_map(|one| one.sentence.clone());
        let inputs: Vec<EmbedInput> = sentences.map(EmbedInput::Text).collect();
        let mut vectors = if inputs.is_empty() {
            Vec::new().into_iter()
        } else {
            embed(self.embedder, inputs).await?.into_iter()
        };
        let before = changed.iter().map(|one| one.point.clone()).collect();
        self.change
            .keep(before, KeptKind::Edited, KeptState::Done)
            .await?;
        for one in changed {
            let vector = match one.sentence {
                Some(_) => vectors.next(),
                None => None,
            };
            self.write_one(one.point, one.fields, vector).await?;
            reviewed.accepted += one.accepted;
            reviewed.rejected += one.rejected;
            reviewed.pictures += 1;
        }
        Ok(())
    }

    async fn write_one(
        &self,
        mut point: Point,
        fields: Payload,
        text: Option<Embedding>,
    ) -> Result<()> {
        let Some(text) = text else {
            return self.gallery.set_payload(point.id, fields).await;
        };
        check_vector(Space::Text, &text, self.embedder.info().dimension)?;
        point.vectors.text = Some(text);
        point.payload.extend(fields);
        self.gallery.upsert(vec![point]).await
    }
}

impl Decision {
    fn of_tag(id: PointId, tag: &str, action: TagAction) -> Self {
        let (mut accept, mut reject) = (Vec::new(), Vec::new());
        match action {
            TagAction::Accept => accept.push(tag.to_owned()),
            TagAction::Reject => reject.push(tag.to_owned()),
        }
        Self { id, accept, reject }
    }
}

/// Notes which sentence the text vector is made from, as an ingest does, so that the next ingest
/// leaves the vector as it is.
pub fn note_sentence(payload: &mut Payload, sentence: Option<&str>) {
    if let Some(mark) = payload.get_mut(NOTES_FIELD).filter(|mark| mark.is_object()) {
        let digest = sentence.map(|sentence| hex::encode(Md5::digest(sentence.as_bytes())));
        mark["text"] = digest.into();
    }
}
