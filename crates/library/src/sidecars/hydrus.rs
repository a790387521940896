//! The files that the Hydrus client writes beside exported pictures, and the answers of its API.

use serde_json::Value;

use super::description::{Description, fill};
use super::fields::{Fields, list};

/// Returns whether this is an object of Hydrus: tags by service, or an answer of its API.
pub(super) fn is_hydrus(fields: &Fields) -> bool {
    metadata(fields).is_some()
        || fields.get("tags").is_some_and(Value::is_object)
        || fields.contains_key("known_urls")
}

/// Parses an object.
pub(super) fn parse(fields: &Fields) -> Description {
    let fields = metadata(fields).unwrap_or(fields);
    let mut description = Description::default();
    if let Some(tags) = fields.get("tags") {
        collect(tags, &mut description);
    }
    let addresses = ["known_urls", "urls", "url"]
        .iter()
        .map(|name| list(fields.get(*name)))
        .find(|found| !found.is_empty());
    if let Some(address) = addresses.as_ref().and_then(|found| found.first()) {
        fill(&mut description.source, address);
    }
    if let Some(Value::Object(notes)) = fields.get("notes")
        && let Some(note) = notes.values().find_map(Value::as_str)
    {
        fill(&mut description.caption, note);
    }
    description
}

/// Returns the first file of an answer of the API.
fn metadata(fields: &Fields) -> Option<&Fields> {
    fields.get("metadata")?.as_array()?.first()?.as_object()
}

/// Collects tags at any depth: by service, as stored or displayed, by status. Deleted and
/// petitioned tags are left out.
fn collect(tags: &Value, description: &mut Description) {
    match tags {
        Value::Array(members) => members
            .iter()
            .filter_map(Value::as_str)
            .for_each(|tag| description.add_namespaced(tag)),
        Value::Object(fields) => {
            for (name, inner) in fields {
                // Statuses: 0 current, 1 pending, 2 deleted, 3 petitioned.
                if name != "2" && name != "3" && inner.is_array() || inner.is_object() {
                    collect(inner, description);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(value: Value) -> Description {
        match value {
            Value::Object(fields) => {
                assert!(is_hydrus(&fields));
                parse(&fields)
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn tags_by_service_with_namespaces() {
        let found = parsed(json!({
            "tags": {"my tags": ["creator:wada", "blue eyes"],
            "public tag repository": ["species:fox", "blue eyes"]},
            "urls": ["https://example.org/post/1"], "notes": {"note": "A fox in the snow."}
        }));
        assert_eq!(found.tags, ["wada", "blue_eyes", "fox"]);
        assert_eq!(found.artist.as_deref(), Some("wada"));
        assert_eq!(found.source.as_deref(), Some("https://example.org/post/1"));
        assert_eq!(found.caption.as_deref(), Some("A fox in the snow."));
    }

    #[test]
    fn an_answer_of_the_interface_without_deleted_tags() {
        let found = parsed(json!({"metadata": [{
            "hash": "00", "known_urls": ["https://example.org/2"],
            "tags": {"6c6f63616c": {"name": "my tags", "display_tags": {"0": ["fox", "rating:safe"],
            "2": ["wolf"]}}}
        }]}));
        assert_eq!(found.tags, ["fox"]);
        assert_eq!(found.rating.as_deref(), Some("safe"));
        assert_eq!(found.source.as_deref(), Some("https://example.org/2"));
    }
}
