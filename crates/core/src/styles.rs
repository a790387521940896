//! Checks whether the style vectors of a collection can be compared with those of the model in use.
//!
//! A part of the model, such as a style head, makes the style vectors. It may be replaced while the
//! rest of the model stays, and vectors of two heads cannot be compared. So a note of the collection
//! records what made its style vectors. A model without a trained head gives statistics, which the
//! collection whitens; the note then holds the whitening.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::embedding::{Embedding, ModelInfo};
use crate::gallery::{CollectionInfo, Gallery, STYLE_SCHEMA_VERSION};
use crate::whitening::Whitening;
use crate::{Error, ErrorCode, Result};

/// The name of the note that records what made the style vectors.
pub const NOTE: &str = "style_model";
/// What to run when style vectors are missing, as a part of a message.
pub const FILL: &str = "run `clippy backfill --which style --manifest M.jsonl`";

/// Whether style vectors are made for new pictures of a collection.
#[derive(Debug, Clone, PartialEq)]
pub enum StyleVectors {
    /// They are made.
    Made,
    /// They are made, and whitened with this.
    Whitened(Arc<Whitening>),
    /// They are not: the model makes none, the collection has no place for them, or it has no
    /// whitening yet.
    NotMade,
    /// They are not, because those of the collection were made by another style head.
    OfAnotherHead,
}

impl StyleVectors {
    /// Whether they are made.
    #[must_use]
    pub fn are_made(&self) -> bool {
        matches!(self, Self::Made | Self::Whitened(_))
    }

    /// Turns the model's style embedding into the vector that the collection stores and compares.
    #[must_use]
    pub fn finish(&self, embedding: Embedding) -> Embedding {
        match self {
            Self::Whitened(whitening) => whitening.apply(&embedding),
            _ => embedding,
        }
    }
}

/// Decides whether style vectors are made for new pictures. Records the head of the model unless
/// one is recorded. Call it before the first point is stored.
///
/// If another head made the vectors of the collection, no more are made, since those of two heads
/// cannot be compared. Only a backfill that replaces all of them (see [`replace`]) changes the
/// head. A whitening is never made here: only [`record_whitening`] stores one.
///
/// # Errors
/// What the collection reports.
pub async fn settle(gallery: &dyn Gallery, model: &ModelInfo) -> Result<StyleVectors> {
    let Some(head) = &model.style else {
        return Ok(StyleVectors::NotMade);
    };
    if !takes_styles(&gallery.info().await?) {
        return Ok(StyleVectors::NotMade);
    }
    if let Some(statistics) = model.style_statistics() {
        let Some(note) = gallery.note(NOTE).await? else {
            return Ok(StyleVectors::NotMade);
        };
        let whitening = whitening_of(&note, statistics);
        return Ok(whitening.map_or(StyleVectors::OfAnotherHead, StyleVectors::Whitened));
    }
    match recorded(gallery).await? {
        Some(recorded) if recorded == *head => Ok(StyleVectors::Made),
        Some(_) => Ok(StyleVectors::OfAnotherHead),
        None => {
            replace(gallery, head).await?;
            Ok(StyleVectors::Made)
        }
    }
}

/// Records the head that makes all style vectors of the collection from now on.
///
/// # Errors
/// What the collection reports.
pub async fn replace(gallery: &dyn Gallery, head: &str) -> Result<()> {
    gallery.set_note(NOTE, json!({ "head": head })).await
}

/// Records the whitening of all style vectors of the collection from now on.
///
/// # Errors
/// What the collection reports.
pub async fn record_whitening(gallery: &dyn Gallery, whitening: &Whitening) -> Result<()> {
    gallery.set_note(NOTE, whitening.to_note()).await
}

/// Returns the fingerprint of the style vectors of a collection and a model: two vectors with the
/// same one can be compared. `None` if there are none, or none of this model's statistics yet.
///
/// # Errors
/// What the collection reports.
pub async fn head_of(gallery: &dyn Gallery, model: &ModelInfo) -> Result<Option<String>> {
    let Some(statistics) = model.style_statistics() else {
        return Ok(model.style.clone());
    };
    let note = gallery.note(NOTE).await?;
    let whitening = note.and_then(|note| whitening_of(&note, statistics));
    Ok(whitening.map(|whitening| whitening.fingerprint()))
}

/// Checks that style vectors can be made for a collection.
///
/// # Errors
/// [`ErrorCode::Unsupported`] with the reason, and with what to do if something can be done.
pub fn check_fill(collection: &CollectionInfo, model: &ModelInfo) -> Result<()> {
    let CollectionInfo {
        name,
        schema_version,
        ..
    } = collection;
    if model.style.is_none() {
        return Err(unsupported(format!(
            "the model {} makes no style vectors",
            model.name
        )));
    }
    if !takes_styles(collection) {
        return Err(unsupported(format!(
            "the collection {name} has version {schema_version} of the schema, and takes style \
             vectors from version {STYLE_SCHEMA_VERSION} on: run `clippy migrate`"
        )));
    }
    Ok(())
}

/// Checks that a collection can be searched by style. Returns how a query's style embedding becomes
/// a vector of the collection.
///
/// # Errors
/// As [`check_fill`], [`ErrorCode::Unsupported`] with what to do if the collection has no style
/// vectors or those of another head, and what the collection reports.
pub async fn check_search(gallery: &dyn Gallery, model: &ModelInfo) -> Result<StyleVectors> {
    let collection = gallery.info().await?;
    check_fill(&collection, model)?;
    let name = &collection.name;
    let Some(note) = gallery.note(NOTE).await? else {
        return Err(unsupported(format!(
            "the collection {name} has no style vectors yet: {FILL}"
        )));
    };
    let found = match model.style_statistics() {
        Some(statistics) => whitening_of(&note, statistics).map(StyleVectors::Whitened),
        None => (head_in(&note) == model.style).then_some(StyleVectors::Made),
    };
    found.ok_or_else(|| {
        unsupported(format!(
            "the style vectors of the collection {name} were made by another style head than the \
             model's: run `clippy backfill --which style --force-all --manifest M.jsonl`"
        ))
    })
}

/// Whether the schema of a collection has style vectors.
fn takes_styles(collection: &CollectionInfo) -> bool {
    collection.schema_version >= STYLE_SCHEMA_VERSION
}

/// Returns the head that the note of a collection records.
async fn recorded(gallery: &dyn Gallery) -> Result<Option<String>> {
    Ok(gallery.note(NOTE).await?.as_ref().and_then(head_in))
}

fn head_in(note: &Value) -> Option<String> {
    note.get("head").and_then(Value::as_str).map(str::to_owned)
}

/// Returns the whitening in a note, if it is of these statistics.
fn whitening_of(note: &Value, statistics: &str) -> Option<Arc<Whitening>> {
    Whitening::of_note(note).filter(|whitening| whitening.is_of(statistics))
}

fn unsupported(message: String) -> Error {
    Error::new(ErrorCode::Unsupported, message)
}
