//! What a scan found, in numbers and with a few examples. Its size does not grow with the folders.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many examples of a kind are kept.
const EXAMPLES: usize = 20;
/// How many different remarks are kept.
const REMARKS: usize = 50;

/// A file that has the content of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The file.
    pub path: String,
    /// The one that was there first.
    pub duplicate_of: String,
}

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Folders that were looked at.
    pub folders: u64,
    /// Files in them.
    pub files: u64,
    /// Files that were opened and read.
    pub read: u64,
    /// Pictures that were not known.
    pub new: u64,
    /// Pictures whose file was overwritten with another picture.
    pub changed: u64,
    /// Pictures of which only the files beside them, or the options, changed.
    pub described_anew: u64,
    /// Pictures that look as they did the last time: they were not opened.
    pub unchanged: u64,
    /// Files with the content of a picture that is stored under another name.
    pub duplicates: u64,
    /// Pictures that lie elsewhere than before.
    pub moved: u64,
    /// Pictures whose file is not there any more. They stay in the collection.
    pub missing: u64,
    /// Files that describe a picture.
    pub sidecars: u64,
    /// Files that are no pictures, by what they are.
    pub not_pictures: BTreeMap<String, u64>,
    /// Files and folders that could not be read.
    pub failed: u64,
    /// What is worth knowing of files that were added, or left out.
    pub remarks: BTreeMap<String, u64>,
    /// Some of the duplicates.
    pub duplicate_files: Vec<Duplicate>,
    /// Some of the missing files.
    pub missing_files: Vec<String>,
    /// Lines of the manifest.
    pub lines: u64,
    /// Whether all folders were looked at; `false` after a stop that was asked for.
    pub complete: bool,
}

impl Summary {
    /// Counts a file that is no picture.
    pub fn not_a_picture(&mut self, what: &str) {
        *self.not_pictures.entry(what.to_owned()).or_default() += 1;
    }

    /// How many files are no pictures.
    #[must_use]
    pub fn count_not_pictures(&self) -> u64 {
        self.not_pictures.values().sum()
    }

    /// Keeps a remark.
    pub fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.remarks.len() < REMARKS || self.remarks.contains_key(&text) {
            *self.remarks.entry(text).or_default() += 1;
        } else {
            *self.remarks.entry("and more".to_owned()).or_default() += 1;
        }
    }

    /// Counts a duplicate.
    pub fn duplicate(&mut self, path: String, duplicate_of: String) {
        self.duplicates += 1;
        if self.duplicate_files.len() < EXAMPLES {
            self.duplicate_files.push(Duplicate { path, duplicate_of });
        }
    }

    /// Counts a missing file.
    pub fn missing(&mut self, path: String) {
        self.missing += 1;
        if self.missing_files.len() < EXAMPLES {
            self.missing_files.push(path);
        }
    }

    /// Adds what was found in another part of the folders.
    pub fn merge(&mut self, other: Self) {
        self.folders += other.folders;
        self.files += other.files;
        self.read += other.read;
        self.new += other.new;
        self.changed += other.changed;
        self.described_anew += other.described_anew;
        self.unchanged += other.unchanged;
        self.duplicates += other.duplicates;
        self.moved += other.moved;
        self.missing += other.missing;
        self.sidecars += other.sidecars;
        self.failed += other.failed;
        self.lines += other.lines;
        for (what, count) in other.not_pictures {
            *self.not_pictures.entry(what).or_default() += count;
        }
        for (text, count) in other.remarks {
            self.remark(text.clone());
            *self.remarks.entry(text).or_default() += count - 1;
        }
        self.duplicate_files.extend(other.duplicate_files);
        self.duplicate_files.truncate(EXAMPLES);
        self.missing_files.extend(other.missing_files);
        self.missing_files.truncate(EXAMPLES);
    }
}
