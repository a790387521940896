//! Pictures that lie in several places: what stands beside one of the files describes the picture.
//!
//! Only what stands beside a copy counts. The names of its file and of its folders give neither
//! words nor tags. A line is the same whether its copies are found with the picture or later.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use clippy_common::files::Unfinished;
use clippy_core::gallery::{ID_FIELD, TAGS_FIELD};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use serde_json::{Map, Value};

use crate::entry::{FIELDS_WITH_WORDS, WORDS_FIELD, add_missing, fields_of};
use crate::sidecars::Description;
use crate::words::subjects_of;

/// The most copies of a picture that describe it.
pub(crate) const MOST_COPIES: usize = 20;
/// The most memory for what describes copies, over all pictures of a scan.
const MOST_BYTES: usize = 64 << 20;
/// The bytes that are a text's besides its letters.
const BYTES_OF_TEXT: usize = 40;
/// The size of the pieces in which a manifest is read and written.
const PIECE: usize = 1 << 16;

/// A line of the manifest.
pub(crate) struct Line {
    pub(crate) fields: Value,
    /// What stands beside the picture, and beside those copies that the line is made from.
    pub(crate) beside: Description,
}

impl From<Value> for Line {
    fn from(fields: Value) -> Self {
        Self {
            fields,
            beside: Description::default(),
        }
    }
}

/// Adds to the line of a picture what stands beside its copies: tags, and the fields that are still
/// empty. Their texts give words, as in any other line.
pub(crate) fn add_description(line: &mut Value, mut of_copies: Description) {
    let Some(fields) = line.as_object_mut() else {
        return;
    };
    let mut words = texts(fields, WORDS_FIELD);
    let mut given = Description {
        tags: texts(fields, TAGS_FIELD),
        ..Description::default()
    };
    given.tags.retain(|tag| !words.contains(tag));
    // This also limits their number.
    given.merge(Description {
        tags: std::mem::take(&mut of_copies.tags),
        ..Description::default()
    });
    for (name, value) in fields_of(of_copies) {
        if let Some(value) = value.filter(|_| !fields.contains_key(name)) {
            if FIELDS_WITH_WORDS.contains(&name) {
                add_missing(&mut words, subjects_of(&value));
            }
            fields.insert(name.to_owned(), value.into());
        }
    }
    let mut tags = given.tags;
    words.retain(|word| !tags.contains(word));
    tags.extend(words.iter().cloned());
    fields.insert(TAGS_FIELD.to_owned(), tags.into());
    if words.is_empty() {
        fields.remove(WORDS_FIELD);
    } else {
        fields.insert(WORDS_FIELD.to_owned(), words.into());
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

/// Four bytes that differ if two descriptions do.
fn mark_of_texts(beside: &Description) -> u32 {
    let mut hasher = DefaultHasher::new();
    beside.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}

fn texts(fields: &Map<String, Value>, name: &str) -> Vec<String> {
    let list = fields.get(name).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// What stands beside the copies of a picture.
#[derive(Default)]
struct OfCopies {
    count: usize,
    beside: Description,
}

impl OfCopies {
    /// About the memory that it takes.
    fn bytes(&self) -> usize {
        2 * size_of::<(PointId, Self)>() + bytes_of(&self.beside)
    }
}

/// About the memory of the texts of a description.
fn bytes_of(beside: &Description) -> usize {
    let fields = [
        &beside.caption,
        &beside.title,
        &beside.artist,
        &beside.source,
        &beside.post_url,
        &beside.licence,
        &beside.rating,
    ];
    let texts = fields.into_iter().flatten().chain(&beside.tags);
    texts.map(|text| text.len() + BYTES_OF_TEXT).sum()
}

/// The lines of a manifest whose pictures have an earlier line.
pub(crate) struct Repeated {
    /// Marks of the pictures that have a line. Whole ids would take most of a scan's memory. If two
    /// pictures share a mark, a line is only described by itself.
    seen: HashSet<u32>,
    /// By the marks of the pictures, a mark of what the first line has beside its picture. A copy
    /// with the same texts, as in a mirrored folder, adds nothing.
    first: HashMap<u32, u32>,
    /// What describes the copies, by their picture.
    copies: HashMap<PointId, OfCopies>,
    /// The memory that `copies` takes, and the most that it may take.
    bytes: usize,
    most: usize,
    /// Copies that do not describe their picture, since there was no room.
    left_out: u64,
}

impl Default for Repeated {
    fn default() -> Self {
        Self::with_room(MOST_BYTES)
    }
}

impl Repeated {
    fn with_room(most: usize) -> Self {
        Self {
            seen: HashSet::new(),
            first: HashMap::new(),
            copies: HashMap::new(),
            bytes: 0,
            most,
            left_out: 0,
        }
    }

    /// Notes a line, in the order of the manifest. Returns the fields of a copy for which there is
    /// no room: the next run must find it again.
    pub(crate) fn note(&mut self, line: Line) -> Option<Value> {
        let Line { fields, beside } = line;
        let id = picture_of(&fields)?;
        let mark = mark_of(id);
        let is_first = self.seen.insert(mark);
        if beside == Description::default() {
            return None;
        }
        let of_texts = mark_of_texts(&beside);
        if is_first {
            self.first.insert(mark, of_texts);
            return None;
        }
        let is_new = self.first.get(&mark) != Some(&of_texts);
        (is_new && !self.has_taken(id, beside)).then_some(fields)
    }

    /// Keeps what stands beside a copy. Returns `false` if there is no room for it.
    fn has_taken(&mut self, id: PointId, beside: Description) -> bool {
        let known = self.copies.get(&id);
        let (count, before) = known.map_or((0, 0), |known| (known.count, known.bytes()));
        if count >= MOST_COPIES {
            return true;
        }
        let needed = OfCopies::default().bytes() + bytes_of(&beside);
        if self.bytes + needed > self.most {
            self.left_out += 1;
            return false;
        }
        let known = self.copies.entry(id).or_default();
        known.count += 1;
        known.beside.merge(beside);
        self.bytes = self.bytes - before + known.bytes();
        true
    }

    /// Whether no line has anything to add.
    pub(crate) fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

    /// A remark on the copies for which there was no room.
    pub(crate) fn remark(&self) -> Option<String> {
        (self.left_out > 0).then(|| {
            format!(
                "the texts beside {} copies of pictures are not used yet, since those of one run \
                 may take {} MiB of memory: add the folders again, and they are used",
                self.left_out,
                self.most >> 20
            )
        })
    }

    /// Adds to the first line of each picture in the manifest what describes its copies. Returns
    /// `false` if `going_on` did; then the manifest is unchanged, as after an error. Waits for the
    /// disk.
    pub(crate) fn describe_in(
        mut self,
        manifest: &Path,
        going_on: &dyn Fn() -> bool,
    ) -> Result<bool> {
        if self.is_empty() {
            return Ok(true);
        }
        let unreadable = |error: io::Error| unreadable(manifest, error);
        let unwritable = |error: io::Error| unwritable(manifest, &error);
        let mut lines = BufReader::with_capacity(PIECE, File::open(manifest).map_err(unreadable)?);
        let folder = manifest.parent().unwrap_or(Path::new(""));
        // It is removed unless it is finished.
        let described = Unfinished::begin(folder, manifest).map_err(unwritable)?;
        let mut written = BufWriter::with_capacity(PIECE, described);
        let mut text = Vec::new();
        loop {
            if !going_on() {
                return Ok(false);
            }
            text.clear();
            if lines.read_until(b'\n', &mut text).map_err(unreadable)? == 0 {
                break;
            }
            // Once all copies are used, the lines that are left stay as they are.
            if !self.is_empty() {
                let mut line: Value =
                    serde_json::from_slice(&text).map_err(|error| unreadable(error.into()))?;
                if let Some(known) = picture_of(&line).and_then(|id| self.copies.remove(&id)) {
                    add_description(&mut line, known.beside);
                    text = line.to_string().into_bytes();
                    text.push(b'\n');
                }
            }
            written.write_all(&text).map_err(unwritable)?;
        }
        let described = written
            .into_inner()
            .map_err(|error| unwritable(error.into_error()))?;
        described.finish().map_err(unwritable)?;
        Ok(true)
    }
}

/// The error of a manifest that cannot be written.
pub(crate) fn unwritable(manifest: &Path, error: &io::Error) -> Error {
    Error::invalid(format!(
        "the manifest of the scan, {}, cannot be written: {error}",
        manifest.display()
    ))
}

/// The error of a manifest that was written, and cannot be read again.
fn unreadable(manifest: &Path, error: io::Error) -> Error {
    Error::internal(format!(
        "the manifest of the scan, {}, was written, but cannot be read again: {error}. Check the \
         disk that it is on, and add the folders again",
        manifest.display()
    ))
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tagged(tags: &[&str]) -> Description {
        Description {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Description::default()
        }
    }

    fn line(fields: &Value, beside: Description) -> Line {
        Line {
            fields: fields.clone(),
            beside,
        }
    }

    /// Writes the manifest of these lines, describes the copies in it, and reads it again.
    fn described(repeated: Repeated, lines: &[Value]) -> Vec<Value> {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = folder.path().join("scan.jsonl");
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&manifest, text).expect("written");
        let whole = repeated
            .describe_in(&manifest, &|| true)
            .expect("described");
        assert!(whole, "nobody stopped it");
        assert_eq!(names(folder.path()), ["scan.jsonl"]);
        let read = std::fs::read_to_string(&manifest).expect("read");
        let lines = read.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.collect()
    }

    #[test]
    fn tags_empty_fields_and_their_words_are_added() {
        let mut line = json!({
            "id": "7", "local_path": "/a/fox.png", "tags_all": ["snow", "ink", "fox", "red"],
            "words": ["fox", "red"], "artist": "Ann", "matched_tags": ["ink"],
        });
        let copies = Description {
            artist: Some("Ben".to_owned()),
            caption: Some("An owl in the snow.".to_owned()),
            rating: Some("safe".to_owned()),
            ..tagged(&["fox", "forest"])
        };
        add_description(&mut line, copies);
        assert_eq!(
            line,
            json!({
                "id": "7", "local_path": "/a/fox.png",
                "tags_all": ["snow", "ink", "fox", "forest", "red", "owl"],
                "words": ["red", "owl"], "artist": "Ann", "matched_tags": ["ink"],
                "caption": "An owl in the snow.", "rating": "safe",
            })
        );
    }

    #[test]
    fn a_picture_has_no_more_tags_than_one_description() {
        let many = |from: usize| {
            let mut description = Description::default();
            for number in from..from + 1_000 {
                description.add_tag(&format!("tag{number}"));
            }
            description
        };
        let most = many(0).tags.len();
        let mut line = json!({ "id": "7", "tags_all": ["red"], "words": ["red"] });
        add_description(&mut line, many(0));
        add_description(&mut line, many(5_000));
        let tags = line["tags_all"].as_array().expect("a list");
        assert_eq!(tags.len(), most + 1, "and a word");
    }

    #[test]
    fn the_first_line_of_a_picture_is_described_by_all_of_its_lines() {
        let lines = [
            json!({"id": "1", "tags_all": []}),
            json!({"id": "2", "tags_all": ["ink"]}),
            json!({"local_path": "notes.txt", "_clippy_outcome": {}}),
            json!({"id": "4294967297", "tags_all": ["its", "mark", "is", "that", "of", "1"]}),
            json!({"id": "1", "tags_all": ["fox"]}),
            json!({"id": "1", "tags_all": ["red"], "artist": "Ann"}),
        ];
        let of_last = Description {
            artist: Some("Ann".to_owned()),
            ..tagged(&["red"])
        };
        let beside = [
            tagged(&[]),
            tagged(&["ink"]),
            tagged(&[]),
            tagged(&["its", "mark", "is", "that", "of", "1"]),
            tagged(&["fox"]),
            of_last,
        ];
        let mut repeated = Repeated::default();
        for (fields, beside) in lines.iter().zip(beside) {
            assert_eq!(repeated.note(line(fields, beside)), None);
        }
        let read = described(repeated, &lines);
        assert_eq!(
            read[0],
            json!({"id": "1", "tags_all": ["fox", "red"], "artist": "Ann"})
        );
        assert_eq!(read[1..], lines[1..]);
    }

    #[test]
    fn copies_with_nothing_new_beside_them_take_no_memory() {
        let mut repeated = Repeated::default();
        let fields = json!({"id": "1", "tags_all": ["long", "names"], "words": ["names"]});
        for beside in [tagged(&["long"]), tagged(&[]), tagged(&["long"])] {
            assert_eq!(repeated.note(line(&fields, beside)), None);
        }
        assert!(repeated.is_empty());
        assert_eq!((repeated.bytes, repeated.remark()), (0, None));
    }

    #[test]
    fn memory_is_bounded_and_one_remark_counts_what_is_left_out() {
        let lines: Vec<Value> = (0..100)
            .chain(0..100)
            .map(|id| json!({"id": id.to_string(), "tags_all": []}))
            .collect();
        let mut repeated = Repeated::with_room(10_000);
        let mut left_out = 0;
        for (place, fields) in lines.iter().enumerate() {
            let own = if place < 100 { "own" } else { "a copy's" };
            if let Some(again) = repeated.note(line(fields, tagged(&[own]))) {
                assert_eq!(again, *fields);
                left_out += 1;
            }
            assert!(repeated.bytes <= 10_000, "{}", repeated.bytes);
        }
        let used = repeated.copies.len();
        assert!((1..100).contains(&used), "{used}");
        let counted = repeated.copies.values().map(OfCopies::bytes).sum::<usize>();
        assert_eq!(repeated.bytes, counted);
        let remark = repeated.remark().expect("some are left out");
        assert_eq!(left_out, 100 - used);
        assert!(remark.contains(&format!("{left_out} copies")), "{remark}");
        let read = described(repeated, &lines);
        let with_tags = read
            .iter()
            .filter(|line| line["tags_all"] == json!(["a copy's"]));
        assert_eq!(with_tags.count(), used);
    }

    #[test]
    fn at_most_some_copies_of_a_picture_describe_it() {
        let fields = json!({"id": "1", "tags_all": []});
        let mut repeated = Repeated::default();
        for copy in 0..=2 * MOST_COPIES {
            let noted = repeated.note(line(&fields, tagged(&[&format!("copy{copy}")])));
            assert_eq!(noted, None);
        }
        let read = described(repeated, &[fields]);
        let tags = read[0]["tags_all"].as_array().expect("a list");
        assert_eq!(tags.len(), MOST_COPIES, "{tags:?}");
        assert_eq!(tags[0], "copy1", "the first line has its own tags already");
    }

    #[test]
    fn a_manifest_stays_as_it_is_after_a_stop_or_an_error() {
        let noted = || {
            let mut repeated = Repeated::default();
            let fields = json!({"id": "1", "tags_all": []});
            for tags in [&[] as &[&str], &["fox"]] {
                assert_eq!(repeated.note(line(&fields, tagged(tags))), None);
            }
            repeated
        };
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = folder.path().join("scan.jsonl");
        let missing = noted().describe_in(&manifest, &|| true);
        let said = missing.expect_err("it is not there").message;
        assert!(said.contains("cannot be read again"), "{said}");
        assert_eq!(names(folder.path()), Vec::<String>::new());
        for text in ["{\"id\": \"1\", \"tags_all\": []}\n", "{\"id\""] {
            std::fs::write(&manifest, text).expect("written");
            let ended = noted().describe_in(&manifest, &|| false);
            assert!(!ended.expect("stopped"), "{text}");
            assert_eq!(names(folder.path()), ["scan.jsonl"]);
            assert_eq!(std::fs::read_to_string(&manifest).expect("read"), text);
        }
        let damaged = noted().describe_in(&manifest, &|| true);
        let said = damaged.expect_err("the line is cut off").message;
        assert!(said.contains("cannot be read again"), "{said}");
        assert_eq!(names(folder.path()), ["scan.jsonl"]);
    }
}
