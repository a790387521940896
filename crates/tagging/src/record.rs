//! Proposals as payload fields.

use std::collections::HashSet;

use clippy_core::gallery::{
    PROPOSED_BY_FIELD, PROPOSED_FIELD, PROPOSED_WORDS_FIELD, Payload, REJECTED_FIELD, tags_of,
    words_of,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A tag that is proposed for a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The tag.
    pub tag: String,
    /// How probable it is that the tag is right.
    pub probability: f64,
}

/// The proposals of a payload, the most probable first. Those of another model than `by`, and tags
/// that a person has decided on since, are left out.
#[must_use]
pub fn proposals_of(payload: &Payload, by: &str) -> Vec<Proposal> {
    if payload.get(PROPOSED_BY_FIELD).and_then(Value::as_str) != Some(by) {
        return Vec::new();
    }
    let stored = payload.get(PROPOSED_FIELD);
    let stored = stored.and_then(|value| Vec::<Proposal>::deserialize(value).ok());
    let decided = decided(payload);
    let mut proposals = stored.unwrap_or_default();
    proposals.retain(|proposal| !decided.contains(&proposal.tag.to_lowercase()));
    proposals
}

/// The tags of a picture and those that were rejected for it, in lower case.
pub(crate) fn decided(payload: &Payload) -> HashSet<String> {
    let tags = tags_of(payload).chain(words_of(payload, REJECTED_FIELD));
    tags.map(str::to_lowercase).collect()
}

/// The payload fields of these proposals.
pub(crate) fn to_fields(proposals: &[Proposal], by: &str) -> Payload {
    let words: Vec<&str> = proposals.iter().map(|one| one.tag.as_str()).collect();
    Payload::from_iter([
        (PROPOSED_FIELD.to_owned(), serde_json::json!(proposals)),
        (PROPOSED_WORDS_FIELD.to_owned(), words.into()),
        (PROPOSED_BY_FIELD.to_owned(), by.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals_of_another_model_and_decided_tags_are_left_out() {
        let proposal = |tag: &str| Proposal {
            tag: tag.to_owned(),
            probability: 0.9,
        };
        let all = [proposal("cat"), proposal("dog"), proposal("bird")];
        let mut payload = to_fields(&all, "model");
        payload.insert("tags_all".to_owned(), vec!["Dog"].into());
        payload.insert("rejected_tags".to_owned(), vec!["bird"].into());
        assert_eq!(proposals_of(&payload, "model"), [proposal("cat")]);
        assert_eq!(proposals_of(&payload, "other"), []);
        assert_eq!(proposals_of(&Payload::new(), "model"), []);
    }
}
