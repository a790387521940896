//! Proposes tags for pictures, with calibrated probabilities.
//!
//! A proposal rests on evidence: how many of the nearest tagged pictures have the tag, by what they
//! show ([`evidence`]) and by how they look, and how near the tag's words are to the picture. A
//! logistic regression combines them, and an isotonic curve corrects it ([`calibration`]). Both are
//! fitted on the gallery's own tagged pictures, each compared with all others but itself. So a
//! stated 0.9 is right nine times in ten, for pictures like those that have tags.
//!
//! Proposals are payload fields of their own ([`record`]), and stay apart from tags until a person
//! accepts them ([`review`]).

mod calibration;
mod evidence;
mod isotonic;
mod lexicon;
mod logistic;
mod observer;
mod proposing;
mod record;
mod review;
mod run;
mod sample;
mod vocabulary;

pub use calibration::{Calibration, NOTE};
pub use lexicon::embed;
pub use observer::{Observer, Stage, TagCursor, TagReport};
pub use record::{Proposal, proposals_of};
pub use review::{Decision, MOST_AT_ONCE, Reviewed, Reviewer, TagAction, note_sentence, take_turn};
pub use run::{TagTools, run};
pub use vocabulary::{LONGEST_TAG, MOST_TAGS};

use clippy_core::gallery::{CollectionInfo, PROPOSED_SCHEMA_VERSION};
use clippy_core::{Error, ErrorCode, Result};

/// Refuses a collection that has no indexes of proposed tags.
///
/// # Errors
/// [`ErrorCode::Unsupported`] that says what to do.
pub fn check_takes_proposals(collection: &CollectionInfo) -> Result<()> {
    let CollectionInfo {
        name,
        schema_version,
        ..
    } = collection;
    if *schema_version >= PROPOSED_SCHEMA_VERSION {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Unsupported,
        format!(
            "the collection {name} has version {schema_version} of the schema, and takes proposed \
             tags from version {PROPOSED_SCHEMA_VERSION} on: run `clippy migrate`"
        ),
    ))
}
