//! A picture's payload as callers see it.

use std::path::Path;

use clippy_core::gallery::{
    GENERATED, IMAGE_URL_FIELD, NOTES_FIELD, ORIGIN_FIELD, PATH_FIELD, POST_URL_FIELD,
    PROPOSED_BY_FIELD, PROPOSED_FIELD, PROPOSED_WORDS_FIELD, Payload, TAGS_FIELD,
};
use clippy_core::ids::PointId;
use serde_json::{Map, Value};

use crate::routes::image::address_of;

/// Proposed tags have answers of their own, which leave out those of a replaced model.
const PROPOSALS: [&str; 3] = [PROPOSED_FIELD, PROPOSED_WORDS_FIELD, PROPOSED_BY_FIELD];

/// Returns a payload as callers see it: without internal fields, and with the fields that Clippy
/// 0.2's client reads.
pub(super) fn public_payload(base: &str, id: PointId, payload: Payload) -> Payload {
    let address = address_of(base, id, &payload);
    let mut public: Map<String, Value> = payload
        .into_iter()
        .filter(|(field, _)| !field.starts_with(NOTES_FIELD))
        .filter(|(field, _)| !PROPOSALS.contains(&field.as_str()))
        .collect();
    public.entry(PATH_FIELD).or_insert(Value::Null);
    if public
        .get(ORIGIN_FIELD)
        .is_some_and(|origin| origin == GENERATED)
        && let Some(Value::String(path)) = public.get_mut(PATH_FIELD)
        && Path::new(path.as_str()).is_absolute()
    {
        // Earlier versions stored generated pictures with their absolute path. Relative to the
        // folder of generated pictures, it has two parts.
        let mut parts: Vec<&str> = path.rsplit('/').take(2).collect();
        parts.reverse();
        *path = parts.join("/");
    }
    public
        .entry(TAGS_FIELD)
        .or_insert_with(|| Value::Array(Vec::new()));
    public.entry(POST_URL_FIELD).or_insert(Value::Null);
    public.insert(IMAGE_URL_FIELD.to_owned(), Value::String(address));
    public
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_public_payload_has_the_manifests_fields_and_no_internal_ones() {
        let Value::Object(payload) = json!({
            "path": "a.png", "_clippy_hash": "x", "rating": "safe", "proposed_by": "x",
            "proposed_words": ["cat"]
        }) else {
            unreachable!("an object")
        };
        let shown = Value::Object(public_payload("", PointId::Number(7), payload));
        let expected = json!({
            "path": "a.png", "rating": "safe", "tags_all": [], "source_post_url": null,
            "image_url": "/image/7"
        });
        assert_eq!(shown, expected);
        for (path, origin, shown) in [
            ("/data/outputs/ab/abc.png", "generated", "ab/abc.png"),
            ("ab/abc.png", "generated", "ab/abc.png"),
            (
                "/pictures/elsewhere/a.png",
                "gallery",
                "/pictures/elsewhere/a.png",
            ),
        ] {
            let Value::Object(payload) = json!({ "path": path, "origin": origin }) else {
                unreachable!("an object")
            };
            assert_eq!(
                public_payload("", PointId::Number(7), payload)["path"],
                shown
            );
        }
    }
}
