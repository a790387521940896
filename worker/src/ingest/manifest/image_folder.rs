//! Lines that name their picture by `file_name`: Hugging Face's ImageFolder, and tables without
//! ids. They become lines of a manifest.

use clippy_core::ids::PointId;
use clippy_library::identity::id_of;
use clippy_library::words::subjects_of;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The field that names the picture, relative to the metadata's folder.
pub(super) const FILE_NAME: &str = "file_name";
/// Fields with a sentence about the picture, the first one that is there.
const CAPTIONS: [&str; 4] = ["caption", "text", "prompt", "description"];

/// Changes a line that has `file_name` and no `local_path`:
///
/// - `local_path` is the file's name;
/// - without `id`, the id is computed from the name, so that a second run finds the same point;
/// - `tags`, a list or a text with commas, are `tags_all`; without tags, the words of the caption.
pub(super) fn adapt(fields: &mut Map<String, Value>) {
    if fields.contains_key("local_path") {
        return;
    }
    let Some(Value::String(name)) = fields.remove(FILE_NAME) else {
        return;
    };
    if fields.get("id").is_none_or(Value::is_null)
        && let Ok(id) = serde_json::to_value(id_of_name(&name))
    {
        fields.insert("id".to_owned(), id);
    }
    fields.insert("local_path".to_owned(), name.into());
    let caption = CAPTIONS
        .into_iter()
        .find_map(|field| fields.get(field)?.as_str().map(str::to_owned));
    if fields.get("tags_all").is_none_or(Value::is_null) {
        let tags = match fields.remove("tags") {
            Some(Value::String(text)) => parted(&text).into(),
            Some(list @ Value::Array(_)) => list,
            _ => caption
                .as_deref()
                .map(subjects_of)
                .unwrap_or_default()
                .into(),
        };
        fields.insert("tags_all".to_owned(), tags);
    }
    if let Some(caption) = caption {
        fields.entry("caption").or_insert(caption.into());
    }
}

/// Returns the tags of a text with commas.
pub(super) fn parted(text: &str) -> Vec<String> {
    text.split([',', ';', '|'])
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

fn id_of_name(name: &str) -> PointId {
    id_of(&Sha256::digest(format!("{FILE_NAME}\0{name}")).into())
}

#[cfg(test)]
mod tests {
    use super::super::Entry;

    #[test]
    fn a_line_of_image_folder_is_a_line_of_a_manifest() {
        let parse = |line: &str| Entry::parse(line).expect(line);
        let plain = parse(r#"{"file_name": "train/0001.png", "text": "A red fox in the snow"}"#);
        assert_eq!(plain.local_path, "train/0001.png");
        assert_eq!(plain.tags, ["red", "fox", "snow"]);
        assert_eq!(plain.payload["caption"], "A red fox in the snow");
        let again = parse(r#"{"file_name": "train/0001.png"}"#);
        assert_eq!(plain.id, again.id, "the same picture in the next run");
        assert_ne!(plain.id, parse(r#"{"file_name": "train/0002.png"}"#).id);
        let tagged = parse(r#"{"file_name": "a.png", "id": 7, "tags": "fox, ink", "text": "x"}"#);
        assert_eq!(tagged.id, 7.into());
        assert_eq!(tagged.tags, ["fox", "ink"]);
        let list = parse(r#"{"file_name": "a.png", "tags": ["fox"]}"#);
        assert_eq!(list.tags, ["fox"]);
    }

    #[test]
    fn a_line_with_a_local_path_needs_its_id() {
        let (_, failure) =
            Entry::parse(r#"{"local_path": "a.png", "file_name": "b.png"}"#).expect_err("no id");
        assert!(failure.reason.contains("no id"), "{}", failure.reason);
    }
}
