//! The tags file: one tag expression a line.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::error::FetchError;

/// The most bytes of a tags file.
pub const MOST_BYTES: u64 = 1 << 20;
/// The most tags of a run.
pub const MOST_TAGS: usize = 10_000;
/// The most bytes of a tag, since it becomes a part of an address.
const LONGEST_TAG: usize = 1000;

/// Reads a tags file of at most 1 MiB, as [`parse_tags`] does.
///
/// # Errors
/// [`FetchError::Usage`] for a file that cannot be read or is too large, and as [`parse_tags`].
pub fn read_tags(file: &Path) -> Result<Vec<String>, FetchError> {
    let fault = |what: &str| FetchError::Usage(format!("the tags file {} {what}", file.display()));
    let mut text = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(MOST_BYTES + 1).read_to_end(&mut text))
        .map_err(|error| fault(&format!("cannot be read: {error}")))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(fault(&format!(
            "has more than {} MiB: use several files and folders",
            MOST_BYTES >> 20
        )));
    }
    let text = String::from_utf8(text).map_err(|_| fault("is not UTF-8 text"))?;
    parse_tags(&text)
}

/// Reads the lines of a tags file. Spaces in a line become underscores; comments, blank lines and
/// repetitions are left out.
///
/// # Errors
/// [`FetchError::Usage`] for more than 10,000 tags, or a tag of more than 1,000 bytes.
pub fn parse_tags(text: &str) -> Result<Vec<String>, FetchError> {
    let mut seen = HashSet::new();
    let tags: Vec<String> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join("_"))
        .filter(|tag| !tag.is_empty() && seen.insert(tag.clone()))
        .collect();
    if tags.len() > MOST_TAGS {
        return Err(FetchError::Usage(format!(
            "there are {} tags, but at most {MOST_TAGS} are allowed: use several files and folders",
            tags.len()
        )));
    }
    if let Some(tag) = tags.iter().find(|tag| tag.len() > LONGEST_TAG) {
        return Err(FetchError::Usage(format!(
            "the tag \"{}\" has {} bytes, but at most {LONGEST_TAG} are allowed: write one tag a \
             line",
            clippy_common::shorten(tag, 40),
            tag.len()
        )));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_tags_once() {
        let text = "\u{feff}red hair\r\n# a comment\r\n\r\n  cat  \nred_hair\nre:zero\n";
        assert_eq!(parse_tags(text).unwrap(), ["red_hair", "cat", "re:zero"]);
    }

    #[test]
    fn too_many_tags_and_too_long_ones_are_refused() {
        let tags = |count: usize| (0..count).map(|tag| format!("{tag}\n")).collect::<String>();
        assert_eq!(parse_tags(&tags(MOST_TAGS)).unwrap().len(), MOST_TAGS);
        let error = parse_tags(&tags(MOST_TAGS + 1)).unwrap_err().to_string();
        assert!(error.contains("10001 tags"), "{error}");
        let error = parse_tags(&"a".repeat(LONGEST_TAG + 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains("one tag a line"), "{error}");
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tags.txt");
        let comment = |length: u64| format!("cat\n#{}\n", "x".repeat(length as usize - 6));
        std::fs::write(&path, comment(MOST_BYTES)).unwrap();
        assert_eq!(read_tags(&path).unwrap(), ["cat"]);
        // A sparse file of a gibibyte: what is beyond the limit is not read.
        std::fs::File::create(&path)
            .unwrap()
            .set_len(1 << 30)
            .unwrap();
        let error = read_tags(&path).unwrap_err().to_string();
        assert!(error.contains("more than 1 MiB"), "{error}");
        std::fs::write(&path, b"caf\xe9\n").unwrap();
        let error = read_tags(&path).unwrap_err().to_string();
        assert!(error.contains("not UTF-8"), "{error}");
        let error = read_tags(folder.path()).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }
}
