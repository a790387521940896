//! The sentence that a picture's tags are embedded as.
//!
//! Clippy 0.2 kept the underscores of tags; this version writes spaces. Text vectors of the two
//! forms do not compare well: a collection with both would favour the pictures that were added
//! later. So each collection uses one form, which a note records.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gallery::Gallery;
use crate::{Error, Result};

/// The name of the note.
pub const NOTE: &str = "text_sentence";

/// How tags are written in the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Underscores {
    /// `pixel_art` is written as "pixel art", as the words of a query are.
    #[default]
    Spaces,
    /// `pixel_art` stays as it is, as Clippy 0.2 wrote it.
    Kept,
}

impl Underscores {
    /// Returns the note's value.
    #[must_use]
    pub fn note(self) -> Value {
        serde_json::json!({ "underscores": self })
    }
}

/// Fills the template with the tags; `None` when there are none.
#[must_use]
pub fn sentence(tags: &[&str], template: &str, underscores: Underscores) -> Option<String> {
    let joined = || {
        let tags = tags.join(", ");
        match underscores {
            Underscores::Spaces => tags.replace('_', " "),
            Underscores::Kept => tags,
        }
    };
    (!tags.is_empty()).then(|| template.replace("{tags}", &joined()))
}

/// Reads the form of a collection's sentences.
///
/// # Errors
/// What the collection reports; [`crate::ErrorCode::Internal`] when its note is not one of
/// Clippy's.
pub async fn read_form(gallery: &dyn Gallery) -> Result<Underscores> {
    Ok(read_note(gallery).await?.0)
}

/// Like [`read_form`], and records the form unless it is recorded. Call it before the first point
/// is stored.
///
/// # Errors
/// As [`read_form`].
pub async fn record_form(gallery: &dyn Gallery) -> Result<Underscores> {
    let (underscores, noted) = read_note(gallery).await?;
    if !noted {
        gallery.set_note(NOTE, underscores.note()).await?;
    }
    Ok(underscores)
}

async fn read_note(gallery: &dyn Gallery) -> Result<(Underscores, bool)> {
    // In this order, since the note is written before the first point.
    let info = gallery.info().await?;
    if let Some(note) = gallery.note(NOTE).await? {
        let known = Underscores::deserialize(&note["underscores"]);
        return known.map(|known| (known, true)).map_err(|error| {
            Error::internal(format!(
                "the note {NOTE} of the collection {} is not one of Clippy's",
                info.name
            ))
            .with_source(error)
        });
    }
    // A collection with points and without a note is Clippy 0.2's.
    let is_older = info.schema_version == 0 && info.points > 0;
    Ok((
        if is_older {
            Underscores::Kept
        } else {
            Underscores::Spaces
        },
        false,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn underscores_are_spaces_unless_the_collection_keeps_them() {
        let said = |underscores| {
            sentence(
                &["pixel_art", "red_apple"],
                "a picture of {tags}",
                underscores,
            )
        };
        assert_eq!(
            said(Underscores::Spaces).as_deref(),
            Some("a picture of pixel art, red apple")
        );
        assert_eq!(
            said(Underscores::Kept).as_deref(),
            Some("a picture of pixel_art, red_apple")
        );
        assert_eq!(sentence(&[], "{tags}", Underscores::Kept), None);
        assert_eq!(Underscores::Kept.note()["underscores"], "kept");
    }
}
