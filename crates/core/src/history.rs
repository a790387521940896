//! The history of generated pictures: what was made, from what, by whom. It lives apart from jobs,
//! which are dropped some days after they end.
//!
//! An entry is one run of a generation with its pictures. A run that went on from a picture of an
//! earlier one belongs to the same *chain*.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::PointId;
use crate::{Error, Result};

/// The most entries of a page.
pub const MOST_ENTRIES: usize = 100;
/// The most words that a search may have. Further ones are left out.
pub const MOST_WORDS: usize = 12;

/// A picture of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPicture {
    /// Its index in the run, from 0.
    pub index: u32,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    /// Its media type.
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The file's size in bytes.
    pub size: u64,
    /// The seed that makes it again.
    pub seed: Option<u64>,
    /// Whether it is a favourite, which no retention deletes.
    pub favourite: bool,
}

/// An uploaded file that a run was made from: a sketch, a base, a mask, a reference, or the
/// client's own document of the drawing. It is stored once, by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryInput {
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A picture of the history, by its entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryParent {
    /// The entry.
    pub id: String,
    /// The index of the picture.
    pub index: u32,
}

/// One run of a generation.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// The id of the job; of an older picture without one, the hash of its file.
    pub id: String,
    /// Whose job it was; `None` if that is no longer known.
    pub owner: Option<String>,
    /// When it was asked for, in milliseconds since 1970.
    pub at: i64,
    /// The picture that it went on from.
    pub parent: Option<HistoryParent>,
    /// The artist's words.
    pub words: String,
    /// Further words by which it is found, such as those of the search for its references.
    pub further_words: String,
    /// Style tags.
    pub styles: Vec<String>,
    /// The pictures of the gallery that it was made from.
    pub references: Vec<PointId>,
    /// The uploads that it was made from.
    pub inputs: Vec<HistoryInput>,
    /// Everything else, as its writer stores it: the request, the receipt.
    pub facts: Value,
    /// The pictures, by their index.
    pub pictures: Vec<HistoryPicture>,
}

impl HistoryEntry {
    /// The text in which words are looked for, in lower case.
    #[must_use]
    pub fn findable(&self) -> String {
        let styles = self.styles.join(" ").replace('_', " ");
        format!("{} {} {styles}", self.words, self.further_words).to_lowercase()
    }
}

/// The place of an entry in the list: the cursor of the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryPlace {
    /// When it was asked for.
    pub at: i64,
    /// Its number in the store.
    pub number: i64,
}

impl fmt::Display for HistoryPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.at, self.number)
    }
}

impl FromStr for HistoryPlace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once('.');
        let place = parts.and_then(|(at, number)| {
            Some(Self {
                at: at.parse().ok()?,
                number: number.parse().ok()?,
            })
        });
        place.ok_or_else(|| Error::invalid("cursor must be the next_cursor of the previous page"))
    }
}

/// An entry with its place and its chain.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedEntry {
    /// The entry.
    pub entry: HistoryEntry,
    /// The id of the first entry of its chain, which may be deleted.
    pub chain: String,
    /// How many entries the chain has.
    pub steps: u64,
    /// Its place in the list.
    pub place: HistoryPlace,
}

/// Which entries to list. The newest come first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryFilter {
    /// Of this owner only.
    pub owner: Option<String>,
    /// Each of these occurs in its words or styles; in lower case.
    pub words: Vec<String>,
    /// Made from this picture of the gallery.
    pub reference: Option<PointId>,
    /// With this style tag.
    pub style: Option<String>,
    /// Not older than this, in milliseconds since 1970.
    pub from: Option<i64>,
    /// Older than this.
    pub to: Option<i64>,
    /// With a favourite.
    pub favourite: bool,
    /// All entries of this chain. Without it, a chain is listed once, as the newest of its entries
    /// that match.
    pub chain: Option<String>,
    /// After this place.
    pub after: Option<HistoryPlace>,
    /// At most this many, up to [`MOST_ENTRIES`].
    pub limit: usize,
}

impl HistoryFilter {
    /// The words of a search, each once, in lower case.
    #[must_use]
    pub fn words_of(text: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let text = text.to_lowercase().replace('_', " ");
        for word in text.split_whitespace() {
            let word = word.trim_matches(|letter: char| letter.is_ascii_punctuation());
            let known = word.is_empty() || words.iter().any(|known| known == word);
            if words.len() < MOST_WORDS && !known {
                words.push(word.to_owned());
            }
        }
        words
    }
}

/// How much the history takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryUsage {
    /// Entries.
    pub entries: u64,
    /// Pictures.
    pub pictures: u64,
    /// Bytes of their files.
    pub picture_bytes: u64,
    /// Bytes of the uploads that they were made from, each counted once.
    pub input_bytes: u64,
    /// The style tags with the numbers of their entries, the most frequent first, at most 100.
    pub styles: Vec<(String, u64)>,
}

/// What a file is that no entry needs any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeftoverKind {
    /// A generated picture.
    Picture,
    /// An upload.
    Input,
}

impl LeftoverKind {
    /// The name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Input => "input",
        }
    }
}

/// A file of deleted entries that has not been deleted yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Stores the history. Every write is on disk when its call returns.
///
/// Deleting has two steps, so that a kill between them leaves no file that nobody knows of: an
/// entry is removed and its files become leftovers in one transaction; then the files are deleted,
/// and the leftovers are settled.
#[async_trait]
pub trait History: Send + Sync + 'static {
    /// Records an entry. One with the same id is replaced; its favourites stay. An entry whose
    /// parent is known, and has the same owner, joins the parent's chain.
    async fn record(&self, entry: &HistoryEntry) -> Result<()>;
    /// Lists entries.
    async fn list(&self, filter: &HistoryFilter) -> Result<Vec<ListedEntry>>;
    /// Returns an entry.
    async fn get(&self, id: &str) -> Result<Option<ListedEntry>>;
    /// Finds the picture with this file, and its owner.
    async fn find_picture(&self, sha256: &str) -> Result<Option<(HistoryParent, Option<String>)>>;
    /// Marks a picture, or all pictures of an entry. `false` if there is none.
    async fn set_favourite(&self, id: &str, index: Option<u32>, favourite: bool) -> Result<bool>;
    /// Removes a picture, or a whole entry. An entry goes with its last picture. `false` if there
    /// was none.
    async fn remove(&self, id: &str, index: Option<u32>) -> Result<bool>;
    /// Removes at most `limit` pictures of entries that are older than this time, in milliseconds
    /// since 1970, except for favourites. Returns how many.
    async fn remove_older(&self, before: i64, limit: usize) -> Result<u64>;
    /// Lists files that may be deleted, those that wait longest first.
    async fn leftovers(&self, limit: usize) -> Result<Vec<Leftover>>;
    /// Whether an entry needs this file.
    async fn needs(&self, file: &Leftover) -> Result<bool>;
    /// Forgets leftovers, after their files were deleted or are needed again.
    async fn settle(&self, files: &[Leftover]) -> Result<()>;
    /// Returns how much the entries of an owner take, or all of them.
    async fn usage(&self, owner: Option<&str>) -> Result<HistoryUsage>;
    /// Up to which byte the list of outputs was read by [`History::import`].
    async fn imported(&self) -> Result<u64>;
    /// Adds pictures that are not known yet, and records up to which byte the list of outputs was
    /// read. Known pictures, and those among the leftovers, stay as they are.
    async fn import(&self, entries: &[HistoryEntry], read: u64) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_and_nothing_else_is_one() {
        for place in [
            HistoryPlace { at: 7, number: 2 },
            HistoryPlace { at: -1, number: 0 },
        ] {
            assert_eq!(place.to_string().parse::<HistoryPlace>().ok(), Some(place));
        }
        for wrong in ["", "7", "7.", "a.b", "7.2.3"] {
            assert!(wrong.parse::<HistoryPlace>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_are_few_and_each_occurs_once() {
        assert_eq!(
            HistoryFilter::words_of("  A red_apple, - RED a "),
            ["a", "red", "apple"]
        );
        let many = "x ".repeat(3) + &(0..50).map(|n| format!("{n} ")).collect::<String>();
        assert_eq!(HistoryFilter::words_of(&many).len(), MOST_WORDS);
    }
}
