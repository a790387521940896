//! Checks whether the style vectors of a collection can be compared with those of the model in use.
//!
//! A part of the model, the style head, makes the style vectors. It may be replaced while the rest
//! of the model stays, and vectors of two heads cannot be compared. So a note of the collection
//! records the head that made its style vectors.

use serde_json::{Value, json};

use crate::embedding::ModelInfo;
use crate::gallery::{CollectionInfo, Gallery, STYLE_SCHEMA_VERSION};
use crate::{Error, ErrorCode, Result};

/// The name of the note that records the style head.
pub const NOTE: &str = "style_model";
/// What to run when style vectors are missing, as a part of a message.
pub const FILL: &str = "run `clippy backfill --which style`";

/// Whether style vectors are made for new pictures of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StyleVectors {
    /// They are made.
    Made,
    /// They are not: the model makes none, or the collection has no place for them.
    NotMade,
    /// They are not, because those of the collection were made by another style head.
    OfAnotherHead,
}

/// Decides whether style vectors are made for new pictures. Records the head of the model unless
/// one is recorded. Call it before the first point is stored.
///
/// If another head made the vectors of the collection, no more are made, since those of two heads
/// cannot be compared. Only a backfill that replaces all of them (see [`replace`]) changes the
/// head.
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
            "the model {} makes no style vectors: it has no style head",
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

/// Checks that a collection can be searched by style.
///
/// # Errors
/// As [`check_fill`], [`ErrorCode::Unsupported`] with what to do if the collection has no style
/// vectors or those of another head, and what the collection reports.
pub async fn check_search(gallery: &dyn Gallery, model: &ModelInfo) -> Result<()> {
    let collection = gallery.info().await?;
    check_fill(&collection, model)?;
    let name = &collection.name;
    match recorded(gallery).await? {
        None => Err(unsupported(format!(
            "the collection {name} has no style vectors yet: {FILL}"
        ))),
        Some(recorded) if Some(&recorded) == model.style.as_ref() => Ok(()),
        Some(_) => Err(unsupported(format!(
            "the style vectors of the collection {name} were made by another style head than the \
             model's: run `clippy backfill --which style --force-all`"
        ))),
    }
}

/// Whether the schema of a collection has style vectors.
fn takes_styles(collection: &CollectionInfo) -> bool {
    collection.schema_version >= STYLE_SCHEMA_VERSION
}

/// Returns the head that the note of a collection records.
async fn recorded(gallery: &dyn Gallery) -> Result<Option<String>> {
    let note = gallery.note(NOTE).await?;
    let head = note.as_ref().and_then(|note| note.get("head"));
    Ok(head.and_then(Value::as_str).map(str::to_owned))
}

fn unsupported(message: String) -> Error {
    Error::new(ErrorCode::Unsupported, message)
}
