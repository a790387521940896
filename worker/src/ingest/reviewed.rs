//! Keeps what people decided about proposed tags, and what they edited, when a picture is ingested
//! again.

use clippy_core::changes::{EDITED_FIELD, Edited};
use clippy_core::gallery::{
    ACCEPTED_FIELD, PROPOSED_BY_FIELD, PROPOSED_FIELD, PROPOSED_WORDS_FIELD, Payload,
    REJECTED_FIELD, TAGS_FIELD, tags_of, words_of,
};

use super::manifest::Entry;

/// Fields that no manifest has, and that stay as they are stored.
const KEPT: [&str; 5] = [
    PROPOSED_FIELD,
    PROPOSED_WORDS_FIELD,
    PROPOSED_BY_FIELD,
    ACCEPTED_FIELD,
    REJECTED_FIELD,
];

/// Adds the accepted tags of the stored picture to the line about it, and its proposals.
pub(crate) fn keep(entry: &mut Entry, stored: Option<&Payload>) {
    for field in KEPT {
        match stored.and_then(|stored| stored.get(field)) {
            Some(value) => entry.payload.insert(field.to_owned(), value.clone()),
            None => entry.payload.remove(field),
        };
    }
    let accepted = stored
        .into_iter()
        .flat_map(|stored| words_of(stored, ACCEPTED_FIELD));
    let accepted: Vec<String> = accepted
        .filter(|tag| !entry.tags.iter().any(|known| known == tag))
        .map(str::to_owned)
        .collect();
    if !accepted.is_empty() {
        let tags: Vec<String> = tags_of(&entry.payload)
            .map(str::to_owned)
            .chain(accepted.iter().cloned())
            .collect();
        entry.payload.insert(TAGS_FIELD.to_owned(), tags.into());
        entry.tags.extend(accepted);
    }
    entry.payload.remove(EDITED_FIELD);
    if let Some(edited) = stored.and_then(Edited::of) {
        edited.repeat_on(&mut entry.payload);
        entry.tags = tags_of(&entry.payload).map(str::to_owned).collect();
    }
}
