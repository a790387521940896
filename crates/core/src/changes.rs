//! Changes of a gallery's pictures: edits of one, and bulk changes by a filter.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use crate::gallery::{
    ACCEPTED_FIELD, PATH_FIELD, POST_URL_FIELD, Payload, RATING_FIELD, STYLE_TAGS_FIELD,
    TAGS_FIELD, tags_of, words_of,
};
use crate::ids::PointId;
use crate::{Error, Result};

/// The payload field with what a person edited. An ingest keeps this field and repeats the edit, so
/// that the manifest's values do not return.
pub const EDITED_FIELD: &str = "_clippy_edited";
/// The artist of a picture.
pub const ARTIST_FIELD: &str = "artist";
/// Where a picture comes from, as its file's description says.
pub const SOURCE_FIELD: &str = "source";
/// The text fields that an edit may set.
pub const EDITABLE: [&str; 4] = [RATING_FIELD, ARTIST_FIELD, SOURCE_FIELD, POST_URL_FIELD];
/// The most tags in one list of a request.
pub const MOST_TAGS: usize = 1_000;
/// The longest tag, in bytes.
pub const LONGEST_TAG: usize = 200;
/// The longest text of a field, in bytes.
const LONGEST_TEXT: usize = 2_000;
/// The most ids of one filter.
pub const MOST_IDS: usize = 100_000;

/// Selects the pictures of a change. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureFilter {
    /// Only these pictures.
    pub ids: Option<Vec<PointId>>,
    /// Pictures with all of these tags.
    pub tags: Vec<String>,
    /// Pictures with one of these ratings.
    pub ratings: Vec<String>,
    /// Pictures whose `source` or `source_post_url` contains this text.
    pub source: Option<String>,
    /// Pictures of this artist.
    pub artist: Option<String>,
    /// Pictures whose `path` is below this folder.
    pub folder: Option<String>,
    /// For `restore`: what this job or call changed, by its id.
    pub change: Option<String>,
}

impl PictureFilter {
    /// Whether it selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The conditions that a collection checks itself.
    #[must_use]
    pub fn to_gallery(&self) -> crate::gallery::Filter {
        crate::gallery::Filter {
            tags: self.tags.clone(),
            tag_mode: crate::gallery::TagMode::All,
            ratings: self.ratings.clone(),
            only_ids: self.ids.clone(),
            ..crate::gallery::Filter::default()
        }
    }

    /// Checks the conditions that a collection has no index for.
    #[must_use]
    pub fn matches_fields(&self, payload: &Payload) -> bool {
        let text = |field: &str| payload.get(field).and_then(Value::as_str);
        let contains = |field: &str, wanted: &str| {
            text(field).is_some_and(|text| text.to_lowercase().contains(&wanted.to_lowercase()))
        };
        let is_of_artist = |wanted: &str| {
            let of = text(ARTIST_FIELD).into_iter();
            let mut names = of.chain(words_of(payload, ARTIST_FIELD));
            names.any(|name| same_words(name, wanted))
        };
        // Some systems write names with decomposed accents, which nobody types.
        let is_below = |folder: &str| {
            let folder: String = folder.trim_end_matches('/').nfc().collect();
            let path: Option<String> = text(PATH_FIELD).map(|path| path.nfc().collect());
            path.is_some_and(|path| {
                let inside = path.strip_prefix(&folder);
                inside.is_some_and(|rest| rest.starts_with('/'))
            })
        };
        let source = self.source.as_deref();
        source
            .is_none_or(|wanted| contains(SOURCE_FIELD, wanted) || contains(POST_URL_FIELD, wanted))
            && self.artist.as_deref().is_none_or(is_of_artist)
            && self.folder.as_deref().is_none_or(is_below)
    }

    /// Checks all conditions for one picture, which may be in no collection. For many pictures, use
    /// [`PictureFilter::matcher`]: this searches the whole list of ids.
    #[must_use]
    pub fn matches(&self, id: PointId, payload: &Payload) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id)) && self.matches_payload(payload)
    }

    /// Returns what checks all conditions for many pictures. The set of the ids is made here, once.
    #[must_use]
    pub fn matcher(&self) -> PictureMatcher<'_> {
        PictureMatcher {
            filter: self,
            ids: self.ids.as_ref().map(|ids| ids.iter().copied().collect()),
        }
    }

    /// Checks all conditions but the ids.
    fn matches_payload(&self, payload: &Payload) -> bool {
        let has = |wanted: &String| tags_of(payload).any(|tag| same_words(tag, wanted));
        let rating = payload.get(RATING_FIELD).and_then(Value::as_str);
        let rated = |wanted: &String| rating.is_some_and(|rating| same_words(rating, wanted));
        self.tags.iter().all(has)
            && (self.ratings.is_empty() || self.ratings.iter().any(rated))
            && self.matches_fields(payload)
    }
}

/// Checks many pictures by one filter. See [`PictureFilter::matcher`].
#[derive(Debug)]
pub struct PictureMatcher<'f> {
    filter: &'f PictureFilter,
    ids: Option<HashSet<PointId>>,
}

impl PictureMatcher<'_> {
    /// Checks all conditions, for pictures that are in no collection, too.
    #[must_use]
    pub fn matches(&self, id: PointId, payload: &Payload) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && self.filter.matches_payload(payload)
    }
}

/// What a bulk change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    /// Moves pictures to the trash.
    Delete,
    /// Moves pictures to the trash, from which they are never removed.
    Hide,
    /// Puts pictures back, or what they were before an edit.
    Restore,
    /// Adds tags.
    AddTags,
    /// Removes tags.
    RemoveTags,
    /// Replaces a tag by another one.
    RenameTag,
}

impl ChangeAction {
    /// The name in requests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Hide => "hide",
            Self::Restore => "restore",
            Self::AddTags => "add_tags",
            Self::RemoveTags => "remove_tags",
            Self::RenameTag => "rename_tag",
        }
    }
}

/// A change of many pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// Which pictures.
    pub filter: PictureFilter,
    /// What to do.
    pub action: ChangeAction,
    /// The tags to add or to remove.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The tag to rename.
    #[serde(default)]
    pub from: Option<String>,
    /// Its new name.
    #[serde(default)]
    pub to: Option<String>,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    pub text_template: String,
}

/// A bulk change as the request of a job. The field's name distinguishes it from other requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeJob {
    /// The change.
    pub change_pictures: ChangeRequest,
}

impl ChangeRequest {
    /// Refuses requests that can never work, and filters that would select everything by mistake.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the field.
    pub fn check(&self) -> Result<()> {
        let invalid = |text: &str| Err(Error::invalid(text));
        let ids = self.filter.ids.as_ref().map(Vec::len);
        match ids {
            Some(0) => return invalid("filter.ids is empty: name the pictures"),
            Some(many) if many > MOST_IDS => {
                return Err(Error::invalid(format!(
                    "filter.ids has {many} pictures, but at most {MOST_IDS} are allowed"
                )));
            }
            _ => {}
        }
        let texts = [
            ("filter.source", &self.filter.source),
            ("filter.artist", &self.filter.artist),
            ("filter.folder", &self.filter.folder),
            ("filter.change", &self.filter.change),
        ];
        for (name, value) in texts {
            if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
                return Err(Error::invalid(format!(
                    "{name} is empty, and would select every picture: leave it out or fill it in"
                )));
            }
        }
        check_tags("filter.tags", &self.filter.tags)?;
        check_tags("tags", &self.tags)?;
        if self.action == ChangeAction::AddTags {
            check_new_tags("tags", &self.tags)?;
        }
        let edits_tags = matches!(
            self.action,
            ChangeAction::AddTags | ChangeAction::RemoveTags
        );
        if edits_tags && self.tags.is_empty() {
            return invalid("tags is empty: name the tags to add or to remove");
        }
        if !edits_tags && !self.tags.is_empty() {
            return invalid("tags is for add_tags and remove_tags; to select by tags, use filter");
        }
        let renames = self.action == ChangeAction::RenameTag;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if renames => {
                check_tags("from", std::slice::from_ref(from))?;
                check_new_tags("to", std::slice::from_ref(to))?;
                if same_words(from, to) {
                    return invalid(
                        "from and to are the same tag: capitals do not count, nor do spaces \
                         instead of underscores",
                    );
                }
            }
            (None, None) if !renames => {}
            _ if renames => return invalid("rename_tag needs from and to"),
            _ => return invalid("from and to are for rename_tag"),
        }
        if self.filter.change.is_some() && self.action != ChangeAction::Restore {
            return invalid(
                "filter.change selects the pictures of an earlier change: it is for restore",
            );
        }
        // The tags to rename or to remove select pictures, too.
        let selects_itself = matches!(
            self.action,
            ChangeAction::RenameTag | ChangeAction::RemoveTags
        );
        if self.filter.is_empty() && !selects_itself {
            return Err(Error::invalid(format!(
                "filter is empty, and {} would change every picture: name ids, tags, ratings, a \
                 source, an artist or a folder",
                self.action.name()
            )));
        }
        crate::bulk::check_template(&self.text_template)
    }

    /// The edit of each picture; `None` for actions that move pictures.
    #[must_use]
    pub fn edit(&self) -> Option<PictureEdit> {
        let mut edit = PictureEdit::default();
        match self.action {
            ChangeAction::AddTags => edit.add_tags.clone_from(&self.tags),
            ChangeAction::RemoveTags => edit.remove_tags.clone_from(&self.tags),
            ChangeAction::RenameTag => edit.rename = self.from.clone().zip(self.to.clone()),
            ChangeAction::Delete | ChangeAction::Hide | ChangeAction::Restore => return None,
        }
        Some(edit)
    }
}

/// An edit of one picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureEdit {
    /// All tags of the picture. They replace the present ones.
    pub tags: Option<Vec<String>>,
    /// Tags to add.
    pub add_tags: Vec<String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// A tag, and its new name.
    pub rename: Option<(String, String)>,
    /// The tags that say how the picture is drawn. Those that it does not have are added to its tags.
    pub style_tags: Option<Vec<String>>,
    /// Text fields of [`EDITABLE`]; an empty text removes the field.
    pub fields: BTreeMap<String, String>,
}

impl PictureEdit {
    /// Refuses what cannot be stored.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the field.
    pub fn check(&self) -> Result<()> {
        if *self == Self::default() {
            return Err(Error::invalid(
                "the edit is empty: name tags, add_tags, remove_tags, style_tags or a field",
            ));
        }
        check_new_tags("tags", self.tags.as_deref().unwrap_or_default())?;
        check_new_tags("add_tags", &self.add_tags)?;
        check_tags("remove_tags", &self.remove_tags)?;
        check_new_tags("style_tags", self.style_tags.as_deref().unwrap_or_default())?;
        if let Some(tag) = self
            .add_tags
            .iter()
            .find(|tag| self.remove_tags.contains(tag))
        {
            return Err(Error::invalid(format!(
                "the tag \"{tag}\" is in add_tags and in remove_tags"
            )));
        }
        for (name, value) in &self.fields {
            if !EDITABLE.contains(&name.as_str()) {
                return Err(Error::invalid(format!("{name} cannot be edited")));
            }
            if value.len() > LONGEST_TEXT {
                return Err(Error::invalid(format!(
                    "{name} is longer than {LONGEST_TEXT} bytes"
                )));
            }
            if value.chars().any(is_invisible) {
                return Err(Error::invalid(format!(
                    "{name} must not contain control characters"
                )));
            }
            if name == POST_URL_FIELD && !(value.is_empty() || is_web_address(value)) {
                return Err(Error::invalid(format!(
                    "{name} must be the address of a page: http://… or https://…"
                )));
            }
        }
        Ok(())
    }

    /// The payload after the edit; `None` when nothing changes. New tags get the form of
    /// [`plain_tag`].
    #[must_use]
    pub fn apply(&self, payload: &Payload) -> Option<Payload> {
        let before: Vec<String> = tags_of(payload).map(str::to_owned).collect();
        self.with_plain_tags(&before).apply_to(payload, &before)
    }

    /// Returns the edit with the form of [`plain_tag`] for its new tags. Tags that the picture has
    /// keep their form.
    fn with_plain_tags(&self, before: &[String]) -> Self {
        let plain = |tag: &String| {
            let own = before.iter().find(|own| same_words(own, tag)).cloned();
            own.or_else(|| plain_tag(tag))
                .unwrap_or_else(|| tag.clone())
        };
        let all_plain = |tags: &Vec<String>| tags.iter().map(plain).collect::<Vec<String>>();
        Self {
            tags: self.tags.as_ref().map(all_plain),
            add_tags: all_plain(&self.add_tags),
            remove_tags: self.remove_tags.clone(),
            rename: self
                .rename
                .as_ref()
                .map(|(from, to)| (from.clone(), plain(to))),
            style_tags: self.style_tags.as_ref().map(all_plain),
            fields: self.fields.clone(),
        }
    }

    fn apply_to(&self, payload: &Payload, before: &[String]) -> Option<Payload> {
        let mut after = payload.clone();
        let tags = self.edit_tags(before);
        if tags != before {
            after.insert(TAGS_FIELD.to_owned(), tags.clone().into());
            for field in [STYLE_TAGS_FIELD, ACCEPTED_FIELD] {
                if let Some(kept) = self.follow(payload, field, &tags) {
                    after.insert(field.to_owned(), kept.into());
                }
            }
        }
        if let Some(styles) = &self.style_tags {
            set_words(&mut after, STYLE_TAGS_FIELD, styles);
        }
        for (name, value) in &self.fields {
            if value.is_empty() {
                after.remove(name);
            } else {
                after.insert(name.clone(), Value::from(value.as_str()));
            }
        }
        if after == *payload {
            return None;
        }
        let mut edited = Edited::of(payload).unwrap_or_default();
        edited.note_tags(before, &tags);
        edited.fields.extend(self.fields.clone());
        if self.style_tags.is_some() || edited.style_tags.is_some() {
            let styles = words_of(&after, STYLE_TAGS_FIELD).map(str::to_owned);
            edited.style_tags = Some(styles.collect());
        }
        after.insert(EDITED_FIELD.to_owned(), edited.to_value());
        Some(after)
    }

    fn edit_tags(&self, before: &[String]) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let mut add = |tag: &str| {
            if !tags.iter().any(|known| same_words(known, tag)) {
                tags.push(tag.to_owned());
            }
        };
        let removed = |tag: &str| self.remove_tags.iter().any(|gone| same_words(gone, tag));
        if self.tags.is_none() && self.changes_no_tag(before) {
            return before.to_vec();
        }
        for tag in self.tags.as_deref().unwrap_or(before) {
            match &self.rename {
                Some((from, to)) if same_words(from, tag) => add(to),
                _ if removed(tag) => {}
                _ => add(tag),
            }
        }
        self.added_tags().for_each(|tag| add(tag));
        tags
    }

    /// The tags to add. A style tag is searched as a tag, too.
    fn added_tags(&self) -> impl Iterator<Item = &String> {
        self.add_tags.iter().chain(self.style_tags.iter().flatten())
    }

    /// Whether the edit changes no tag. Then duplicates stay, too.
    fn changes_no_tag(&self, before: &[String]) -> bool {
        let has = |tag: &String| before.iter().any(|known| same_words(known, tag));
        self.added_tags().all(has)
            && !self.remove_tags.iter().any(has)
            && !self.rename.as_ref().is_some_and(|(from, _)| has(from))
    }

    /// Applies the edit to another list of tags, such as the style tags: keeps those that the
    /// picture still has. Returns `None` when the list does not change.
    fn follow(&self, payload: &Payload, field: &str, tags: &[String]) -> Option<Vec<String>> {
        let before: Vec<String> = words_of(payload, field).map(str::to_owned).collect();
        let renamed = before.iter().map(|tag| match &self.rename {
            Some((from, to)) if same_words(from, tag) => to.clone(),
            _ => tag.clone(),
        });
        let left: Vec<String> = renamed
            .filter(|tag| tags.iter().any(|known| same_words(known, tag)))
            .collect();
        (left != before).then_some(left)
    }
}

/// What people edited of one picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Edited {
    /// Tags that were added.
    pub added: Vec<String>,
    /// Tags that were removed.
    pub removed: Vec<String>,
    /// The style tags that were set.
    pub style_tags: Option<Vec<String>>,
    /// Fields that were set; an empty text means that the field was removed.
    pub fields: BTreeMap<String, String>,
}

impl Edited {
    /// Reads it from a payload.
    #[must_use]
    pub fn of(payload: &Payload) -> Option<Self> {
        let edited = payload.get(EDITED_FIELD)?;
        Self::deserialize(edited).ok()
    }

    fn to_value(&self) -> Value {
        json!({
            "added": self.added, "removed": self.removed, "style_tags": self.style_tags,
            "fields": self.fields,
        })
    }

    fn note_tags(&mut self, before: &[String], after: &[String]) {
        let lacks = |list: &[String], tag: &String| !list.iter().any(|one| same_words(one, tag));
        for tag in after.iter().filter(|tag| lacks(before, tag)) {
            self.removed.retain(|gone| !same_words(gone, tag));
            if lacks(&self.added, tag) {
                self.added.push(tag.clone());
            }
        }
        for tag in before.iter().filter(|tag| lacks(after, tag)) {
            self.added.retain(|added| !same_words(added, tag));
            if lacks(&self.removed, tag) {
                self.removed.push(tag.clone());
            }
        }
    }

    /// Repeats the edits on the fields of a manifest's line.
    pub fn repeat_on(&self, payload: &mut Payload) {
        let edit = PictureEdit {
            add_tags: self.added.clone(),
            remove_tags: self.removed.clone(),
            style_tags: self.style_tags.clone(),
            fields: self.fields.clone(),
            ..PictureEdit::default()
        };
        if let Some(after) = edit.apply(payload) {
            *payload = after;
        }
        payload.insert(EDITED_FIELD.to_owned(), self.to_value());
    }
}

/// Whether two tags are the same, apart from case, from spaces instead of underscores, and from how
/// accents are encoded.
#[must_use]
pub fn same_words(one: &str, other: &str) -> bool {
    fn plain(text: &str) -> impl Iterator<Item = char> {
        let letters = text.trim().nfc().flat_map(char::to_lowercase);
        letters.map(|letter| if letter == ' ' { '_' } else { letter })
    }
    one == other || plain(one).eq(plain(other))
}

/// Returns a tag in the form that searches compare: in lower case, composed (NFC), with `_` between
/// words. `None` if it has no words. Tags of files, folders and edits have this form.
#[must_use]
pub fn plain_tag(given: &str) -> Option<String> {
    // Trainers of models escape brackets.
    let given = given.replace("\\(", "(").replace("\\)", ")");
    let words: Vec<String> = given
        .split(|letter: char| letter.is_whitespace() || is_invisible(letter) || letter == '_')
        .filter(|word| !word.is_empty())
        .map(|word| word.nfc().flat_map(char::to_lowercase).collect())
        .collect();
    (!words.is_empty()).then(|| words.join("_"))
}

fn set_words(payload: &mut Payload, field: &str, words: &[String]) {
    if words.is_empty() {
        payload.remove(field);
    } else {
        payload.insert(field.to_owned(), words.to_vec().into());
    }
}

fn check_tags(name: &str, tags: &[String]) -> Result<()> {
    if tags.len() > MOST_TAGS {
        return Err(Error::invalid(format!(
            "{name} has {} tags, but at most {MOST_TAGS} are allowed",
            tags.len()
        )));
    }
    if tags
        .iter()
        .any(|tag| tag.trim().is_empty() || tag.len() > LONGEST_TAG)
    {
        return Err(Error::invalid(format!(
            "a tag in {name} is empty or longer than {LONGEST_TAG} bytes"
        )));
    }
    Ok(())
}

/// Checks tags that will be stored. Lists of tags are separated by commas, so a tag with a comma
/// could never be searched for; nor could one without a word. `name` is the field's name in the
/// error.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`] that names the field.
pub fn check_new_tags(name: &str, tags: &[String]) -> Result<()> {
    check_tags(name, tags)?;
    if tags
        .iter()
        .any(|tag| tag.chars().any(|c| c == ',' || is_invisible(c)))
    {
        return Err(Error::invalid(format!(
            "a tag in {name} has a comma or a control character: name each tag by itself"
        )));
    }
    if tags.iter().any(|tag| plain_tag(tag).is_none()) {
        return Err(Error::invalid(format!(
            "a tag in {name} has only spaces and underscores: name a word"
        )));
    }
    Ok(())
}

/// Whether a character controls a terminal, or the direction in which text is shown.
#[must_use]
pub fn is_invisible(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_web_address(text: &str) -> bool {
    let scheme = text
        .split_once("://")
        .map(|(scheme, _)| scheme.to_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

#[cfg(test)]
mod tests;
