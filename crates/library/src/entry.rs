//! A picture's line in the manifest: its id, its file, and everything that describes it.

use std::path::Path;

use clippy_core::gallery::{
    ID_FIELD, LICENCE_FIELD, LOCAL_PATH_FIELD, POST_URL_FIELD, RATING_FIELD, STYLE_TAGS_FIELD,
    TAGS_FIELD,
};
use clippy_core::ids::PointId;
use clippy_core::ledger::LineOutcome;
use serde_json::{Map, Value};

use crate::sidecars::Description;
use crate::words::{subjects_of, tag_of_folder, words_of};

/// The field with the words of names and sentences. They are also tags, since searches compare
/// tags. This field distinguishes them from the tags that somebody gave.
pub const WORDS_FIELD: &str = "words";
/// The field with the outcome of a file that is not a picture.
pub const OUTCOME_FIELD: &str = "_clippy_outcome";
/// A field of a line whose id was made from the content of its file. A file that has another
/// content by the time that the line is processed is left for the next scan.
pub const BY_CONTENT_FIELD: &str = "_clippy_by_content";

/// The place of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    /// The folder that pictures are served from. The folder names below it give words.
    pub root: &'p Path,
    /// The absolute path of the file.
    pub file: &'p str,
}

impl Place<'_> {
    /// Returns the names of the folders between the root and the file.
    fn folders(&self) -> impl Iterator<Item = &str> {
        let below = Path::new(self.file).strip_prefix(self.root).ok();
        below
            .and_then(Path::parent)
            .into_iter()
            .flat_map(Path::iter)
            .filter_map(|name| name.to_str())
    }

    fn stem(&self) -> &str {
        Path::new(self.file)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
    }
}

/// The fields whose texts give words.
pub(crate) const FIELDS_WITH_WORDS: [&str; 2] = ["title", "caption"];

/// Returns the fields of a description by their names in a line, without its tags. Those of
/// [`FIELDS_WITH_WORDS`] are first, in the same order.
pub(crate) fn fields_of(description: Description) -> [(&'static str, Option<String>); 7] {
    let [title, caption] = FIELDS_WITH_WORDS;
    [
        (title, description.title),
        (caption, description.caption),
        ("artist", description.artist),
        ("source", description.source),
        (POST_URL_FIELD, description.post_url),
        (LICENCE_FIELD, description.licence),
        (RATING_FIELD, description.rating),
    ]
}

/// Returns the line of a picture. With `tags_from_folders`, each folder name is a tag and a style.
#[must_use]
pub fn line_of(
    id: PointId,
    place: Place<'_>,
    mut description: Description,
    tags_from_folders: bool,
) -> Value {
    let mut fields = Map::new();
    fields.insert(ID_FIELD.to_owned(), id.to_string().into());
    fields.insert(LOCAL_PATH_FIELD.to_owned(), place.file.into());
    fields.insert(BY_CONTENT_FIELD.to_owned(), true.into());
    let mut tags = std::mem::take(&mut description.tags);
    if tags_from_folders {
        let mut styles: Vec<String> = Vec::new();
        for style in place.folders().filter_map(tag_of_folder) {
            if !styles.contains(&style) {
                styles.push(style);
            }
        }
        add_missing(&mut tags, styles.iter().cloned());
        fields.insert(STYLE_TAGS_FIELD.to_owned(), styles.into());
    }
    let texts = [&description.title, &description.caption];
    let mut words = words_of(place.stem());
    add_missing(&mut words, place.folders().flat_map(words_of));
    add_missing(
        &mut words,
        texts
            .into_iter()
            .flatten()
            .flat_map(|text| subjects_of(text)),
    );
    words.retain(|word| !tags.contains(word));
    tags.extend(words.iter().cloned());
    fields.insert(TAGS_FIELD.to_owned(), tags.into());
    if !words.is_empty() {
        fields.insert(WORDS_FIELD.to_owned(), words.into());
    }
    for (name, value) in fields_of(description) {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.into());
        }
    }
    Value::Object(fields)
}

/// Returns the line of a file whose outcome is already known.
#[must_use]
pub fn settled_line(file: &str, outcome: &LineOutcome) -> Value {
    serde_json::json!({ LOCAL_PATH_FIELD: file, OUTCOME_FIELD: outcome })
}

/// Adds those texts that a list does not have.
pub(crate) fn add_missing(list: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for one in more {
        if !list.contains(&one) {
            list.push(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = "/home/ann/art/Pixel Art/2024/Red Fox_03.png";

    #[test]
    fn names_give_words_and_folders_give_tags_on_request() {
        let description = Description {
            tags: vec!["snow".to_owned()],
            artist: Some("Ann".to_owned()),
            caption: Some("A fox in the snow.".to_owned()),
            ..Description::default()
        };
        let id = PointId::Number(7);
        let place = Place {
            root: Path::new("/home/ann/art"),
            file: FILE,
        };
        let plain = line_of(id, place, description.clone(), false);
        assert_eq!(
            plain,
            json!({
                "id": "7", "local_path": FILE, "_clippy_by_content": true, "tags_all": ["snow", "red", "fox", "pixel", "art"],
                "words": ["red", "fox", "pixel", "art"], "artist": "Ann",
                "caption": "A fox in the snow."
            })
        );
        let tagged = line_of(id, place, description, true);
        assert_eq!(tagged["matched_tags"], json!(["pixel_art"]));
        assert_eq!(
            tagged["tags_all"],
            json!(["snow", "pixel_art", "red", "fox", "pixel", "art"])
        );
    }

    #[test]
    fn a_picture_without_any_words_has_no_tags() {
        let place = Place {
            root: Path::new("/a"),
            file: "/a/IMG_2034.jpg",
        };
        let line = line_of(PointId::Number(1), place, Description::default(), true);
        assert_eq!(line["tags_all"], json!([]));
        assert!(line.get("words").is_none());
    }
}
