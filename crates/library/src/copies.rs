//! Pictures that lie in several places: all that describes one of the files describes the picture.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Result, Write as _};
use std::path::Path;

use clippy_core::gallery::{
    ID_FIELD, LICENCE_FIELD, POST_URL_FIELD, RATING_FIELD, STYLE_TAGS_FIELD, TAGS_FIELD,
};
use clippy_core::ids::PointId;
use serde_json::Value;

use crate::entry::WORDS_FIELD;

/// The most tags of one picture.
const MOST_TAGS: usize = 400;
/// Fields that are taken from a copy if the picture has none.
const FIELDS: [&str; 7] = [
    "title",
    "caption",
    "artist",
    "source",
    POST_URL_FIELD,
    LICENCE_FIELD,
    RATING_FIELD,
];

/// Adds to the line of a picture what describes a copy of it: tags, but not the words of its name,
/// and the fields that are still empty.
pub(crate) fn add_description(line: &mut Value, of_copy: &Value) {
    let (all, words) = (texts(line, TAGS_FIELD), texts(line, WORDS_FIELD));
    let others = texts(of_copy, WORDS_FIELD);
    let mut tags = all;
    tags.retain(|tag| !words.contains(tag));
    for tag in texts(of_copy, TAGS_FIELD) {
        if tags.len() < MOST_TAGS && !others.contains(&tag) && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let words: Vec<String> = words
        .into_iter()
        .filter(|word| !tags.contains(word))
        .collect();
    tags.extend(words.iter().cloned());
    line[TAGS_FIELD] = tags.into();
    if line.get(WORDS_FIELD).is_some() {
        line[WORDS_FIELD] = words.into();
    }
    let styles = texts(of_copy, STYLE_TAGS_FIELD);
    if !styles.is_empty() {
        let mut own = texts(line, STYLE_TAGS_FIELD);
        own.extend(styles);
        let mut seen = HashSet::new();
        own.retain(|style| seen.insert(style.clone()));
        line[STYLE_TAGS_FIELD] = own.into();
    }
    for field in FIELDS {
        if let (None, Some(value)) = (line.get(field), of_copy.get(field)) {
            line[field] = value.clone();
        }
    }
}

/// The picture of a line.
pub(crate) fn picture_of(line: &Value) -> Option<PointId> {
    line.get(ID_FIELD)?.as_str()?.parse().ok()
}

/// Four bytes of an id: those of content are random.
fn mark_of(id: PointId) -> u32 {
    let bytes = match id {
        PointId::Number(number) => u128::from(number).to_le_bytes(),
        PointId::Uuid(uuid) => uuid.as_u128().to_le_bytes(),
    };
    let [first, second, third, fourth, ..] = bytes;
    u32::from_le_bytes([first, second, third, fourth])
}

fn texts(line: &Value, field: &str) -> Vec<String> {
    let list = line.get(field).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// The lines of a manifest whose pictures have an earlier line.
#[derive(Default)]
pub(crate) struct Repeated {
    /// Marks of the pictures that have a line. Whole ids would take most of a scan's memory. If two
    /// pictures share a mark, a line is only described by itself.
    seen: HashSet<u32>,
    /// What describes the copies, by their picture.
    copies: HashMap<PointId, Value>,
}

impl Repeated {
    /// Notes a line, in the order of the manifest.
    pub(crate) fn note(&mut self, line: &Value) {
        let Some(id) = picture_of(line) else { return };
        if self.seen.insert(mark_of(id)) {
            return;
        }
        match self.copies.get_mut(&id) {
            Some(earlier) => add_description(earlier, line),
            None => drop(self.copies.insert(id, line.clone())),
        }
    }

    /// Adds to the first line of each picture in the manifest what describes its copies. Waits for
    /// the disk.
    pub(crate) fn describe_in(mut self, manifest: &Path) -> Result<()> {
        if self.copies.is_empty() {
            return Ok(());
        }
        let described = manifest.with_extension("described");
        let mut written = BufWriter::new(File::create(&described)?);
        for line in BufReader::new(File::open(manifest)?).lines() {
            let mut line: Value = serde_json::from_str(&line?)?;
            if let Some(of_copies) = picture_of(&line).and_then(|id| self.copies.remove(&id)) {
                add_description(&mut line, &of_copies);
            }
            writeln!(written, "{line}")?;
        }
        written.into_inner()?.sync_all()?;
        clippy_common::files::rename(&described, manifest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_and_empty_fields_are_added_and_words_of_names_are_not() {
        let mut line = json!({
            "id": "7", "local_path": "/a/fox.png", "tags_all": ["snow", "fox", "red"],
            "words": ["fox", "red"], "artist": "Ann",
        });
        let copy = json!({
            "id": "7", "local_path": "/b/copy.png", "tags_all": ["fox", "forest", "copy"],
            "words": ["copy"], "artist": "Ben", "caption": "In the snow.", "matched_tags": ["ink"],
        });
        add_description(&mut line, &copy);
        assert_eq!(
            line,
            json!({
                "id": "7", "local_path": "/a/fox.png", "tags_all": ["snow", "fox", "forest", "red"],
                "words": ["red"], "artist": "Ann", "caption": "In the snow.", "matched_tags": ["ink"],
            })
        );
    }

    #[test]
    fn the_first_line_of_a_picture_is_described_by_all_of_its_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = folder.path().join("scan.jsonl");
        let lines = [
            json!({"id": "1", "tags_all": []}),
            json!({"id": "2", "tags_all": ["ink"]}),
            json!({"local_path": "notes.txt", "_clippy_outcome": {}}),
            json!({"id": "4294967297", "tags_all": ["its", "mark", "is", "that", "of", "1"]}),
            json!({"id": "1", "tags_all": ["fox"]}),
            json!({"id": "1", "tags_all": ["red"], "artist": "Ann"}),
        ];
        let mut repeated = Repeated::default();
        let mut text = String::new();
        for line in &lines {
            repeated.note(line);
            text.push_str(&format!("{line}\n"));
        }
        std::fs::write(&manifest, text).expect("written");
        repeated.describe_in(&manifest).expect("described");
        let read = std::fs::read_to_string(&manifest).expect("read");
        let read: Vec<Value> = read
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(
            read[0],
            json!({"id": "1", "tags_all": ["fox", "red"], "artist": "Ann"})
        );
        assert_eq!(read[1..], lines[1..]);
    }
}
