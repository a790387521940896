//! The results of a scan: counts and a few examples. Its size does not grow with the folders.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The maximum number of examples of a kind.
const EXAMPLES: usize = 20;
/// The maximum number of different remarks.
const REMARKS: usize = 50;

/// A file that has the content of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The file.
    pub path: String,
    /// The file that was there first.
    pub duplicate_of: String,
}

/// The results of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The number of folders that were scanned.
    pub folders: u64,
    /// The number of files in them.
    pub files: u64,
    /// Files that were opened and read.
    pub read: u64,
    /// Pictures that were not known before.
    pub new: u64,
    /// Pictures whose file was overwritten with another picture.
    pub changed: u64,
    /// Pictures for which only the files beside them or the options changed.
    pub described_anew: u64,
    /// Pictures that have not changed since the last scan. They were not opened.
    pub unchanged: u64,
    /// Files with the content of a picture that is stored under another name.
    pub duplicates: u64,
    /// Pictures whose files were moved.
    pub moved: u64,
    /// Pictures whose file no longer exists. They are marked, and stay in the collection.
    pub missing: u64,
    /// Files that somebody may still be writing to. They were left for later.
    pub being_written: u64,
    /// Folders whose drives seem to be away. Their pictures do not count as missing.
    pub away: Vec<String>,
    /// Files that describe a picture.
    pub sidecars: u64,
    /// Files that are not pictures, by what they are.
    pub not_pictures: BTreeMap<String, u64>,
    /// Files and folders that could not be read.
    pub failed: u64,
    /// Remarks on files that were added or left out, with their numbers.
    pub remarks: BTreeMap<String, u64>,
    /// Some of the duplicates.
    pub duplicate_files: Vec<Duplicate>,
    /// Some of the missing files.
    pub missing_files: Vec<String>,
    /// The number of lines of the manifest.
    pub lines: u64,
    /// Whether all folders were scanned; `false` if the scan was stopped.
    pub complete: bool,
}

impl Summary {
    /// Counts a file that is not a picture.
    pub fn not_a_picture(&mut self, what: &str) {
        *self.not_pictures.entry(what.to_owned()).or_default() += 1;
    }

    /// Returns the number of files that are not pictures.
    #[must_use]
    pub fn count_not_pictures(&self) -> u64 {
        self.not_pictures.values().sum()
    }

    /// Counts a remark.
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

    /// Adds the results of another part of the folders.
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
        self.being_written += other.being_written;
        self.away.extend(other.away);
        self.away.truncate(EXAMPLES);
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
